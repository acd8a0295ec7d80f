/* The library as its users see it: strings in, callbacks and files out. */
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "api_job.h"
#include "base/file.h"
#include "ztest.h"

TEST(api_model_says_what_it_is)
{
    zt_model *m = open_fixture();

    CHECK_STR(zt_model_get(m, "name"), "fixture");
    CHECK_STR(zt_model_get(m, "width"), "48");
    CHECK_STR(zt_model_get(m, "frame_rate"), "8");
    CHECK_STR(zt_model_get(m, "guidance_to_given"), "1"); /* where none is said */
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
    CHECK_INT(zt_model_open(&m, "fixture", api_error, sizeof api_error), 0);
    zt_model_free(&m);
    CHECK_INT(zt_model_open(&m, NULL, api_error, sizeof api_error), 0);
    zt_model_free(&m);
    CHECK_INT(zt_model_open(&m, "no-such-model", api_error, sizeof api_error), ZT_E_MODEL);
    CHECK(!m);
    CHECK_CONTAINS(api_error, "no-such-model");
    CHECK_CONTAINS(api_error, folder);
    unsetenv("ZOETROPE_MODELS");
    CHECK_INT(zt_model_open(&m, "/no/such/place", api_error, sizeof api_error), ZT_E_MODEL);
    CHECK_CONTAINS(api_error, "/no/such/place");
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
        int rc = zt_model_open(&m, dir, api_error, sizeof api_error);
        zt_job *job = rc ? NULL : JOB(m, "frames", "1");
        CHECK_INT(rc ? rc : zt_job_run(job, api_error, sizeof api_error), ZT_E_IO);
        CHECK_CONTAINS(api_error, files[i]);
        setenv("ZOETROPE_MODELS", places, 1);
        CHECK_INT(zt_model_open(&m, "fixture", api_error, sizeof api_error), rc);
        zt_job_free(&job);
        zt_model_free(&m);
        CHECK(!unlink(file) && !rename(kept, file));
        free(file), free(kept);
    }
    CHECK_INT(zt_model_open(&m, "another", api_error, sizeof api_error), ZT_E_MODEL);
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
    CHECK_INT(zt_job_plan(job, api_error, sizeof api_error), 0);
    CHECK_STR(zt_job_get(job, "seed"), "5");
    CHECK_STR(zt_job_get(job, "frames"), "5");
    CHECK_STR(zt_job_get(job, "width"), "48");
    CHECK(atof(zt_job_get(job, "memory_bytes")) > 1e6);
    CHECK(!zt_job_get(job, "frame_hash"));
    CHECK_CONTAINS(zt_job_get(job, "canonical_prompt"), "red ball");
    zt_job_on_frame(job, see, &s);
    zt_job_on_progress(job, hear, &s);
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
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

TEST(api_options_are_refused_by_name)
{
    zt_job *job;

    zt_job_new(&job, NULL);
    CHECK_INT(zt_job_set(job, "steps", "many", api_error, sizeof api_error), ZT_E_USAGE);
    CHECK_CONTAINS(api_error, "steps");
    CHECK_CONTAINS(api_error, "1 to 1000");
    CHECK_INT(zt_job_set(job, "sede", "1", api_error, sizeof api_error), ZT_E_USAGE);
    CHECK_CONTAINS(api_error, "seed");
    CHECK_INT(zt_job_set(job, "steps", NULL, api_error, sizeof api_error), ZT_E_USAGE);
    CHECK_CONTAINS(api_error, "steps");
    CHECK_INT(zt_job_set(job, NULL, "1", api_error, sizeof api_error), ZT_E_USAGE);
    CHECK_INT(zt_job_set_film(job, "/no/such/film.mp4", api_error, sizeof api_error), ZT_E_IO);
    CHECK_CONTAINS(api_error, "/no/such/film.mp4");
    CHECK_INT(zt_job_set_json(job, "{\"zoetrope\": 9}", api_error, sizeof api_error), ZT_E_MODEL);
    CHECK_CONTAINS(api_error, "version 9");
    CHECK_INT(zt_job_set(job, "steps", "many", NULL, 0), ZT_E_USAGE);
    zt_job_free(&job);
    zt_job_free(&job);
}

TEST(api_opens_the_model_that_the_job_names)
{
    zt_job *job = JOB(NULL, "model", fixture_dir(), "frames", "1");

    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
    CHECK_STR(zt_job_get(job, "model_name"), "fixture");
    CHECK_INT(zt_job_set(job, "model", "/no/such/place", api_error, sizeof api_error), 0);
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), ZT_E_MODEL);
    zt_job_free(&job);
}

TEST(api_copied_job_has_its_own_settings_on_the_same_model)
{
    const char *dir = fixture_dir();
    zt_job *from = JOB(NULL, "model", dir, "frames", "5"), *job;
    char hash[65];

    if (zt_job_copy(&job, from, api_error, sizeof api_error))
        ztest_fail(__FILE__, __LINE__, "%s", api_error);
    CHECK_INT(zt_job_set(job, "steps", "1", api_error, sizeof api_error), 0);
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
    strcpy(hash, zt_job_get(job, "latent_hash"));
    CHECK_INT(zt_job_run(from, api_error, sizeof api_error), 0);
    CHECK_STR(zt_job_get(from, "steps"), "2");
    CHECK(strcmp(hash, zt_job_get(from, "latent_hash")));
    zt_job_free(&job);
    CHECK_INT(zt_job_copy(&job, from, api_error, sizeof api_error), 0);
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
    strcpy(hash, zt_job_get(job, "latent_hash"));
    CHECK_STR(zt_job_get(from, "latent_hash"), hash);
    zt_job_free(&job);
    zt_job_free(&from);
    from = JOB(NULL, "model", "nowhere");
    CHECK_INT(zt_job_copy(&job, from, api_error, sizeof api_error), ZT_E_MODEL);
    CHECK(!job);
    zt_job_free(&from);
}

TEST(api_stops_and_runs_again)
{
    zt_model *m = open_fixture();
    zt_job *job = JOB(m, "frames", "5");
    struct seen s = {.stop_at = 2};

    zt_job_on_frame(job, see, &s);
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), ZT_E_CANCEL);
    CHECK_INT(s.frames, 2);
    s = (struct seen){.cancel = job};
    zt_job_on_progress(job, hear, &s);
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), ZT_E_CANCEL);
    CHECK_INT(s.frames, 0);
    s.cancel = NULL;
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
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
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), ZT_E_CANCEL);
    CHECK_INT(file_read(&text, recipe, 1 << 20, &e), 0);
    CHECK_CONTAINS(buf_str(&text), "\"seed\": 5");
    CHECK(!strstr(buf_str(&text), "latent_hash"));
    buf_release(&text);
    zt_job_free(&job);
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
    int set = zt_job_set(job, "shift", "1.5", api_error, sizeof api_error);
    int run = set ? set : zt_job_run(job, api_error, sizeof api_error);
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
    CHECK_INT(zt_model_open(&m, dir ? dir : fixture_dir(), api_error, sizeof api_error), 0);
    zt_model_free(&m);
}
