/* The library as its users see it: strings in, callbacks and files out. */
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "fixture.h"
#include "format/safetensors.h"
#include "generate/options.h"
#include "media/film.h"
#include "zoetrope.h"
#include "ztest.h"

static char error[768];

static zt_model *open_fixture(void)
{
    zt_model *m;

    if (zt_model_open(&m, fixture_dir(), error, sizeof error))
        ztest_fail(__FILE__, __LINE__, "%s", error);
    return m;
}

/* settings: name, value, ..., NULL. */
static zt_job *job_of(zt_model *m, const char *const *settings)
{
    zt_job *job;

    zt_job_new(&job, m);
    for (int i = 0; settings[i]; i += 2)
        if (zt_job_set(job, settings[i], settings[i + 1], error, sizeof error))
            ztest_fail(__FILE__, __LINE__, "%s", error);
    return job;
}
#define JOB(m, ...)                                                                                \
    job_of(m, (const char *const[]){"prompt", "a red ball rolls", "seed", "5", "size", "native",   \
                                    "steps", "2", __VA_ARGS__, NULL})

static void in_tmp(char path[600], const char *name)
{
    snprintf(path, 600, "%s/%s", ztest_tmp(), name);
}

TEST(api_model_says_what_it_is)
{
    zt_model *m = open_fixture();

    CHECK_STR(zt_model_get(m, "name"), "fixture");
    CHECK_STR(zt_model_get(m, "width"), "48");
    CHECK_STR(zt_model_get(m, "frame_rate"), "8");
    CHECK_INT(strlen(zt_model_get(m, "hash")), 64);
    CHECK(atol(zt_model_get(m, "parameters")) > 10000);
    CHECK(!zt_model_get(m, "nonsense"));
    zt_model_free(&m);
    CHECK(!m);
    zt_model_free(&m);
    zt_model_free(NULL);
}

TEST(api_model_is_found_by_name)
{
    zt_model *m;
    char *folder = path_dir(fixture_dir());

    setenv("ZOETROPE_MODELS", folder, 1);
    CHECK_INT(zt_model_open(&m, "fixture", error, sizeof error), 0);
    zt_model_free(&m);
    CHECK_INT(zt_model_open(&m, NULL, error, sizeof error), 0);
    zt_model_free(&m);
    CHECK_INT(zt_model_open(&m, "no-such-model", error, sizeof error), ZT_E_MODEL);
    CHECK(!m);
    CHECK_CONTAINS(error, "no-such-model");
    CHECK_CONTAINS(error, folder);
    unsetenv("ZOETROPE_MODELS");
    CHECK_INT(zt_model_open(&m, "/no/such/place", error, sizeof error), ZT_E_MODEL);
    CHECK_CONTAINS(error, "/no/such/place");
    CHECK_INT(zt_model_open(&m, "/no/such/place", NULL, 0), ZT_E_MODEL);
    free(folder);
}

/* A file of a model that the disk does not give is another matter than one that says wrong things:
 * in its folder, and in one where it is looked for. */
TEST(api_model_that_cannot_be_read_is_input_and_output)
{
    static const char *const files[] = {"tokenizer/tokenizer.json", "vae/config.json",
                                        "transformer/config.json", "text_encoder/config.json",
                                        "model_index.json"};
    char *places = ztest_in_tmp("unreadable"), *dir = path_join(places, "m");
    zt_model *m;

    fixture_model(dir);
    for (int i = 0; i < (int)(sizeof files / sizeof *files); i++) {
        char *file = path_join(dir, files[i]), *kept = xasprintf("%s.kept", file);

        CHECK(!rename(file, kept) && !symlink("/proc/self/mem", file)); /* EIO */
        int rc = zt_model_open(&m, dir, error, sizeof error);
        zt_job *job = rc ? NULL : JOB(m, "frames", "1");
        CHECK_INT(rc ? rc : zt_job_run(job, error, sizeof error), ZT_E_IO);
        CHECK_CONTAINS(error, files[i]);
        setenv("ZOETROPE_MODELS", places, 1);
        CHECK_INT(zt_model_open(&m, "fixture", error, sizeof error), rc);
        zt_job_free(&job);
        zt_model_free(&m);
        CHECK(!unlink(file) && !rename(kept, file));
        free(file), free(kept);
    }
    CHECK_INT(zt_model_open(&m, "another", error, sizeof error), ZT_E_MODEL);
    unsetenv("ZOETROPE_MODELS");
    free(places), free(dir);
}

TEST(api_lists_options)
{
    struct zt_option o;
    struct {
        const char *name;
    } old;
    int n = 0;

    while (!zt_option_info(n, &o, sizeof o)) {
        CHECK(o.name && o.type && o.range && o.fallback && o.help);
        n++;
    }
    CHECK(n > 15);
    CHECK_INT(zt_option_info(-1, &o, sizeof o), ZT_E_USAGE);
    CHECK_INT(zt_option_info(0, (struct zt_option *)&old, sizeof old), 0); /* an older header */
    CHECK_STR(old.name, "prompt");
}

struct seen {
    int frames, w, h, stop_at, progress;
    zt_job *cancel;
};

static int see(void *user, int index, int n, const uint8_t *rgb, int w, int h)
{
    struct seen *s = user;

    (void)rgb;
    s->frames += index == s->frames && index < n;
    s->w = w;
    s->h = h;
    return s->frames == s->stop_at;
}

static int hear(void *user, const char *stage, long done, long total, double left_s)
{
    struct seen *s = user;

    s->progress += stage && done <= total && left_s < 1e9;
    if (s->cancel && done == 1)
        zt_cancel(s->cancel);
    return 0;
}

TEST(api_runs_a_job_with_callbacks)
{
    zt_model *m = open_fixture();
    zt_job *job = JOB(m, "frames", "5");
    struct seen s = {0};

    CHECK(!zt_job_get(job, "seed") && !zt_job_recipe(job));
    CHECK_INT(zt_job_plan(job, error, sizeof error), 0);
    CHECK_STR(zt_job_get(job, "seed"), "5");
    CHECK_STR(zt_job_get(job, "frames"), "5");
    CHECK_STR(zt_job_get(job, "width"), "48");
    CHECK(atof(zt_job_get(job, "memory_bytes")) > 1e6);
    CHECK(!zt_job_get(job, "frame_hash"));
    CHECK_CONTAINS(zt_job_get(job, "canonical_prompt"), "red ball");
    zt_job_on_frame(job, see, &s);
    zt_job_on_progress(job, hear, &s);
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_INT(s.frames, 5);
    CHECK_INT(s.w, 48);
    CHECK_INT(s.h, 32);
    CHECK(s.progress > 4);
    CHECK_INT(strlen(zt_job_get(job, "frame_hash")), 64);
    CHECK(!zt_job_get(job, "output"));
    CHECK(atof(zt_job_get(job, "seconds")) > 0);
    zt_job_free(&job);
    zt_model_free(&m);
}

/* Three windows of nine frames, each after the first with five new ones; the film shows every frame
 * twice. */
TEST(api_says_how_windows_go_together)
{
    zt_model *m = open_fixture();
    zt_job *job = JOB(m, "frames", "25", "fps", "16");

    CHECK_INT(zt_job_plan(job, error, sizeof error), 0);
    CHECK(!zt_job_get(job, "joins") && !zt_job_get(job, "joins_text"));
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_CONTAINS(zt_job_get(job, "joins"), "{\"frame\": 18, ");
    CHECK_CONTAINS(zt_job_get(job, "joins"), "{\"frame\": 34, ");
    CHECK_CONTAINS(zt_job_get(job, "joins"), "\"quality\": ");
    CHECK_CONTAINS(zt_job_get(job, "joins_text"), "join at");
    CHECK_CONTAINS(zt_job_recipe(job), "\"joins\": \"18,34\"");
    zt_job_free(&job);
    zt_model_free(&m);
}

struct watch_threads {
    pthread_t run;
    struct sha256 hash;
    int frames, elsewhere, progress_elsewhere, stop_at;
    atomic_int inside; /* frame callbacks at once */
};

static int watch_frame(void *user, int index, int n, const uint8_t *rgb, int w, int h)
{
    struct watch_threads *s = user;

    CHECK_INT(atomic_fetch_add(&s->inside, 1), 0);
    CHECK_INT(index, s->frames++);
    CHECK(index < n);
    s->elsewhere += !pthread_equal(pthread_self(), s->run);
    sha256_add(&s->hash, rgb, (size_t)w * (size_t)h * 3);
    atomic_fetch_sub(&s->inside, 1);
    return s->frames == s->stop_at;
}

static int watch_progress(void *user, const char *stage, long done, long total, double left_s)
{
    struct watch_threads *s = user;

    (void)stage, (void)done, (void)total, (void)left_s;
    s->progress_elsewhere += !pthread_equal(pthread_self(), s->run);
    return 0;
}

/* A program that takes the frames of a long film itself gets them on its own thread, unless it says
 * that they may come apart: then they are shown while the next window is drawn, with the same bits,
 * in order, and one at a time. */
TEST(api_frames_come_apart_where_they_may)
{
    zt_model *m = open_fixture();
    zt_job *job = JOB(m, "frames", "25", "fps", "16", "threads", "2");
    char hash[2][65], again[65];

    for (int apart = 0; apart < 2; apart++) {
        struct watch_threads s = {.run = pthread_self()};

        sha256_init(&s.hash);
        zt_job_on_frame(job, watch_frame, &s);
        zt_job_on_progress(job, watch_progress, &s);
        zt_job_frames_apart(job, apart);
        CHECK_INT(zt_job_run(job, error, sizeof error), 0);
        CHECK_INT(s.frames, 50);
        CHECK_INT(s.progress_elsewhere, 0);
        CHECK(apart ? s.elsewhere > 25 : s.elsewhere == 0);
        sha256_hex(&s.hash, again);
        strcpy(hash[apart], zt_job_get(job, "frame_hash"));
        CHECK_STR(again, hash[apart]);

        s = (struct watch_threads){.run = pthread_self(), .stop_at = 7};
        sha256_init(&s.hash);
        CHECK_INT(zt_job_run(job, error, sizeof error), ZT_E_CANCEL);
        CHECK_INT(s.frames, 7);
    }
    CHECK_STR(hash[1], hash[0]);
    zt_job_free(&job);
    zt_model_free(&m);
}

TEST(api_options_are_refused_by_name)
{
    zt_job *job;

    zt_job_new(&job, NULL);
    CHECK_INT(zt_job_set(job, "steps", "many", error, sizeof error), ZT_E_USAGE);
    CHECK_CONTAINS(error, "steps");
    CHECK_CONTAINS(error, "1 to 1000");
    CHECK_INT(zt_job_set(job, "sede", "1", error, sizeof error), ZT_E_USAGE);
    CHECK_CONTAINS(error, "seed");
    CHECK_INT(zt_job_set(job, "steps", NULL, error, sizeof error), ZT_E_USAGE);
    CHECK_CONTAINS(error, "steps");
    CHECK_INT(zt_job_set(job, NULL, "1", error, sizeof error), ZT_E_USAGE);
    CHECK_INT(zt_job_set_film(job, "/no/such/film.mp4", error, sizeof error), ZT_E_IO);
    CHECK_CONTAINS(error, "/no/such/film.mp4");
    CHECK_INT(zt_job_set_json(job, "{\"zoetrope\": 9}", error, sizeof error), ZT_E_MODEL);
    CHECK_CONTAINS(error, "version 9");
    CHECK_INT(zt_job_set(job, "steps", "many", NULL, 0), ZT_E_USAGE);
    zt_job_free(&job);
    zt_job_free(&job);
}

TEST(api_opens_the_model_that_the_job_names)
{
    zt_job *job = JOB(NULL, "model", fixture_dir(), "frames", "1");

    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_STR(zt_job_get(job, "model_name"), "fixture");
    CHECK_INT(zt_job_set(job, "model", "/no/such/place", error, sizeof error), 0);
    CHECK_INT(zt_job_run(job, error, sizeof error), ZT_E_MODEL);
    zt_job_free(&job);
}

/* The film carries its recipe; the recipe gives the same film. */
TEST(api_film_again)
{
    zt_model *m = open_fixture();
    char path[600], hash[65];
    in_tmp(path, "again.y4m");
    zt_job *job = JOB(m, "output", path, "frames", "5", "negative", "a box", "fps", "7.5");
    struct film f;
    struct err e = {0};

    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_STR(zt_job_get(job, "output"), path);
    strcpy(hash, zt_job_get(job, "frame_hash"));
    zt_job_free(&job);
    CHECK_INT(film_probe(&f, path, &e), 0);
    CHECK(f.comment);
    CHECK_CONTAINS(f.comment, "{\"zoetrope\": 1");
    CHECK_CONTAINS(f.comment, "torch-cpu/1");
    CHECK(!strstr(f.comment, ztest_tmp())); /* no paths */

    zt_job_new(&job, m);
    CHECK_INT(zt_job_set_film(job, path, error, sizeof error), 0);
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_STR(zt_job_get(job, "frame_hash"), hash);
    CHECK(!zt_job_get(job, "again"));
    CHECK_INT(zt_job_set_json(job,
                              "{\"zoetrope\": 1, \"model_hash\": \"00\", \"model\": \"old\","
                              " \"model_release\": \"r9\"}",
                              error, sizeof error),
              0);
    CHECK_INT(zt_job_plan(job, error, sizeof error), 0);
    CHECK_CONTAINS(zt_job_get(job, "again"), "release r9");
    film_release(&f);
    zt_job_free(&job);
    zt_model_free(&m);
}

/* The table alone says what stands in a recipe. */
TEST(api_recipe_has_every_option_of_the_table)
{
    zt_model *m = open_fixture();
    zt_job *job = JOB(m, "negative", "a box", "aspect", "1:1", "seconds", "0.2", "lossless", "yes",
                      "force-picture", "yes", "loop", "yes", "cache", "easy:0", "camera",
                      "pan left", "draft", "yes", "label", "A", "stagger", "0", "brush",
                      "{\"dynamic_masks\":[{\"mask\":{\"size\":[2,2],\"counts\":[0,2,2]},"
                      "\"trajectories\":[{\"x\":0,\"y\":0},{\"x\":1,\"y\":0}]}]}");

    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    for (int i = 0; i < N_OPTIONS; i++) {
        char key[64];

        snprintf(key, sizeof key, "\"%s\": ", options[i].name);
        for (char *c = key; *c; c++)
            *c = *c == '-' ? '_' : *c;
        int there = strstr(zt_job_recipe(job), key) != NULL;
        if (i == OPT_OUTPAINT) /* wants a film of which it says how it is widened */
            continue;
        if (there != (options[i].recipe && i != OPT_FRAMES && i != OPT_SHOTS) && i != OPT_MODEL)
            ztest_fail(__FILE__, __LINE__, "%s %d in %s", key, there, zt_job_recipe(job));
    }
    zt_job_free(&job);
    zt_model_free(&m);
}

static int hash_frame(void *user, int index, int n, const uint8_t *rgb, int w, int h)
{
    struct sha256 *of = user; /* of the frames before and from number 8 on */

    (void)n;
    sha256_add(&of[index >= 8], rgb, (size_t)w * (size_t)h * 3);
    return 0;
}

/* A shot with a seed that begins anew is the film of its words and seed; where it goes on, or has
 * other words or no seed, it is another one. The recipe holds the list. */
TEST(api_draws_shots)
{
    static const char *const second[] = {
        "\"a blue box falls\", \"seconds\": 1.125, \"seed\": 9, \"join\": \"cut\"",
        "\"a blue box falls\", \"seconds\": 1.125, \"seed\": 9",
        "\"a box\", \"seconds\": 1.125, \"seed\": 9, \"join\": \"cut\"",
        "\"a blue box falls\", \"seconds\": 1.125, \"join\": \"cut\""};
    zt_model *m = open_fixture();
    zt_job *job = JOB(m, "type", "f32", "frames", "9", "seed", "9", "prompt", "a blue box falls");
    char alone[65], hash[65], list[256], *recipe = NULL;

    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    snprintf(alone, sizeof alone, "%s", zt_job_get(job, "frame_hash"));
    zt_job_free(&job);
    for (int i = 0; i < 4; i++) {
        struct sha256 of[2];

        sha256_init(&of[0]);
        sha256_init(&of[1]);
        snprintf(list, sizeof list,
                 "[{\"prompt\": \"a red ball rolls\", \"seconds\": 1}, {\"prompt\": %s}]",
                 second[i]);
        job = JOB(m, "type", "f32", "prompt", "", "shots", list);
        zt_job_on_frame(job, hash_frame, of);
        CHECK_INT(zt_job_run(job, error, sizeof error), 0);
        CHECK_STR(zt_job_get(job, "frames"), "17");
        CHECK_CONTAINS(zt_job_get(job, "canonical_prompt"), " / ");
        sha256_hex(&of[1], hash);
        CHECK_INT(!strcmp(hash, alone), i == 0);
        if (i == 0)
            recipe = xstrdup(zt_job_recipe(job));
        if (i == 0)
            snprintf(hash, sizeof hash, "%s", zt_job_get(job, "frame_hash"));
        zt_job_free(&job);
        if (i)
            continue;
        zt_job_new(&job, m);
        CHECK_INT(zt_job_set_json(job, recipe, error, sizeof error), 0);
        CHECK_INT(zt_job_run(job, error, sizeof error), 0);
        CHECK_STR(zt_job_get(job, "frame_hash"), hash);
        zt_job_free(&job);
    }
    free(recipe);
    zt_model_free(&m);
}

TEST(api_film_without_metadata)
{
    zt_model *m = open_fixture();
    char path[600];
    in_tmp(path, "bare.y4m");
    zt_job *job = JOB(m, "output", path, "frames", "1", "no-metadata", "yes");
    struct film f;
    struct err e = {0};

    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_INT(film_probe(&f, path, &e), 0);
    CHECK(!f.comment);
    film_release(&f);
    zt_job_free(&job);
    zt_model_free(&m);
}

TEST(api_film_is_never_overwritten_unasked)
{
    zt_model *m = open_fixture();
    char path[600];
    struct err e = {0};
    in_tmp(path, "there.y4m");
    zt_job *job = JOB(m, "output", path, "frames", "1");

    CHECK_INT(file_write(path, "mine", 4, &e), 0);
    CHECK_INT(zt_job_plan(job, error, sizeof error), ZT_E_IO);
    CHECK_CONTAINS(error, path);
    CHECK_INT(zt_job_run(job, error, sizeof error), ZT_E_IO);
    CHECK_INT(file_size(path), 4);
    CHECK_INT(zt_job_set(job, "overwrite", "yes", error, sizeof error), 0);
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK(file_size(path) > 4);
    zt_job_free(&job);
    zt_model_free(&m);
}

TEST(api_copied_job_has_its_own_settings_on_the_same_model)
{
    const char *dir = fixture_dir();
    zt_job *from = JOB(NULL, "model", dir, "frames", "5"), *job;
    char hash[65];

    if (zt_job_copy(&job, from, error, sizeof error))
        ztest_fail(__FILE__, __LINE__, "%s", error);
    CHECK_INT(zt_job_set(job, "steps", "1", error, sizeof error), 0);
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    strcpy(hash, zt_job_get(job, "latent_hash"));
    CHECK_INT(zt_job_run(from, error, sizeof error), 0);
    CHECK_STR(zt_job_get(from, "steps"), "2");
    CHECK(strcmp(hash, zt_job_get(from, "latent_hash")));
    zt_job_free(&job);
    CHECK_INT(zt_job_copy(&job, from, error, sizeof error), 0);
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    strcpy(hash, zt_job_get(job, "latent_hash"));
    CHECK_STR(zt_job_get(from, "latent_hash"), hash);
    zt_job_free(&job);
    zt_job_free(&from);
    from = JOB(NULL, "model", "nowhere");
    CHECK_INT(zt_job_copy(&job, from, error, sizeof error), ZT_E_MODEL);
    CHECK(!job);
    zt_job_free(&from);
}

TEST(api_stops_and_runs_again)
{
    zt_model *m = open_fixture();
    zt_job *job = JOB(m, "frames", "5");
    struct seen s = {.stop_at = 2};

    zt_job_on_frame(job, see, &s);
    CHECK_INT(zt_job_run(job, error, sizeof error), ZT_E_CANCEL);
    CHECK_INT(s.frames, 2);
    s = (struct seen){.cancel = job};
    zt_job_on_progress(job, hear, &s);
    CHECK_INT(zt_job_run(job, error, sizeof error), ZT_E_CANCEL);
    CHECK_INT(s.frames, 0);
    s.cancel = NULL;
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_INT(s.frames, 5);
    zt_job_free(&job);
    zt_model_free(&m);
}

/* What is left of a stopped film says how it was made, and nothing of a latent that is not whole.
 */
TEST(api_stopped_film_has_its_recipe)
{
    zt_model *m = open_fixture();
    char path[600], recipe[600];
    struct buf text = BUF_INIT;
    struct err e = {0};
    in_tmp(path, "stopped.y4m");
    in_tmp(recipe, "stopped.part.y4m.json");
    zt_job *job = JOB(m, "output", path, "frames", "5");
    struct seen s = {.stop_at = 2};

    zt_job_on_frame(job, see, &s);
    CHECK_INT(zt_job_run(job, error, sizeof error), ZT_E_CANCEL);
    CHECK_INT(file_read(&text, recipe, 1 << 20, &e), 0);
    CHECK_CONTAINS(buf_str(&text), "\"seed\": 5");
    CHECK(!strstr(buf_str(&text), "latent_hash"));
    buf_release(&text);
    zt_job_free(&job);
    zt_model_free(&m);
}

struct side {
    zt_model *model;
    char hash[65];
    int rc;
};

static void *run_beside(void *arg)
{
    struct side *s = arg;
    zt_job *job;

    zt_job_new(&job, s->model);
    s->rc = zt_job_set(job, "prompt", "a red ball rolls", NULL, 0) ||
            zt_job_set(job, "seed", "5", NULL, 0) || zt_job_set(job, "threads", "2", NULL, 0) ||
            zt_job_set(job, "size", "native", NULL, 0) || zt_job_run(job, NULL, 0);
    if (!s->rc)
        strcpy(s->hash, zt_job_get(job, "frame_hash"));
    zt_job_free(&job);
    return NULL;
}

/* Weights stay in their file: a job does not run on, or end with, what somebody wrote into it. */
TEST(api_weights_that_changed_are_not_used)
{
    zt_model *m = open_fixture();
    zt_job *job = JOB(m, "frames", "1");
    char *path = path_join(fixture_dir(), "transformer/diffusion_pytorch_model.safetensors");
    const struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};

    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_INT(utimensat(AT_FDCWD, path, times, 0), 0);
    CHECK_INT(zt_job_run(job, error, sizeof error), ZT_E_IO);
    CHECK_CONTAINS(error, "diffusion_pytorch_model.safetensors: file changed");
    zt_job_free(&job);
    zt_model_free(&m);
    free(path);
}

/* One value of a weight of the transformer becomes NaN in its file. */
static void damage(const char *dir, const char *weight)
{
    char *folder = path_join(dir, "transformer"), *path;
    float nan = NAN;
    struct st_file *f;
    struct err e = {0};

    CHECK_INT(st_open(&f, folder, &e), 0);
    const struct st_tensor *t = st_find(f, weight);
    CHECK(t && t->type == DT_F32);
    path = xstrdup(st_path(f, t->shard));
    FILE *out = fopen(path, "r+b");
    CHECK(out);
    fseek(out, (long)t->offset, SEEK_SET);
    CHECK_INT(fwrite(&nan, sizeof nan, 1, out), 1);
    fclose(out);
    st_close(&f);
    free(path);
    free(folder);
}

TEST(api_weight_that_is_not_finite_is_named_before_anything_is_drawn)
{
    char dir[600], *command;
    zt_model *m;
    zt_job *job;

    in_tmp(dir, "nan-weight");
    command = xasprintf("cp -r '%s' '%s'", fixture_dir(), dir);
    CHECK_INT(system(command), 0);
    damage(dir, "blocks.3.attn1.to_k.weight");
    CHECK_INT(zt_model_open(&m, dir, error, sizeof error), 0);
    job = JOB(m, "frames", "5");
    CHECK_INT(zt_job_run(job, error, sizeof error), ZT_E_MODEL);
    CHECK_CONTAINS(error,
                   "/transformer: weight blocks.3.attn1.to_k.weight holds values that are not "
                   "finite (of 1 in all): the file is damaged");
    zt_job_free(&job);
    zt_model_free(&m);
    free(command);
}

TEST(api_jobs_run_beside_each_other)
{
    zt_model *m = open_fixture();
    struct side side[3] = {{.model = m}, {.model = m}, {.model = m}};
    pthread_t t[3];

    for (int i = 0; i < 3; i++)
        CHECK_INT(pthread_create(&t[i], NULL, run_beside, &side[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(side[i].rc, 0);
        CHECK_STR(side[i].hash, side[0].hash);
    }
    zt_model_free(&m);
}

TEST(api_numbers_do_not_depend_on_the_locale)
{
    zt_model *m = open_fixture();
    zt_job *job = JOB(m, "guidance", "2.5", "frames", "1");

    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "de_DE")) {
        zt_job_free(&job);
        zt_model_free(&m);
        ztest_skip("no German locale on this machine");
    }
    int set = zt_job_set(job, "shift", "1.5", error, sizeof error);
    int run = set ? set : zt_job_run(job, error, sizeof error);
    const char *recipe = run ? "" : zt_job_recipe(job);
    int good = strstr(recipe, "\"guidance\": 2.5") && strstr(recipe, "\"shift\": 1.5");
    setlocale(LC_NUMERIC, "C");
    zt_job_free(&job);
    zt_model_free(&m);
    CHECK_INT(run, 0);
    CHECK(good);
}

/* The tests of the command ask for the model in a folder of theirs. */
TEST(fixture_model_is_whole)
{
    const char *dir = getenv("FIXTURE_MODEL");
    zt_model *m;

    if (dir)
        fixture_model(dir);
    CHECK_INT(zt_model_open(&m, dir ? dir : fixture_dir(), error, sizeof error), 0);
    zt_model_free(&m);
}
