/* What a text encoder said is kept: the next film of the same words is drawn without it, with the
 * same bits; what is broken, or of another prompt, type or model, is asked for anew. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "api/job.h"
#include "base/cache.h"
#include "base/file.h"
#include "fixture.h"
#include "generate/text_kept.h"
#include "ztest.h"

/* Hashes of files that have just been written are not kept: wait until they are old enough. */
static void age(void)
{
    char *path = path_join(fixture_dir(), "text_encoder/model.safetensors");
    struct timespec now;
    struct stat st;

    CHECK_INT(stat(path, &st), 0);
    do {
        usleep(20000);
        clock_gettime(CLOCK_REALTIME, &now);
    } while (now.tv_sec < st.st_ctim.tv_sec + 3);
    free(path);
}

struct drawn {
    struct figures figures;
    int kept, loaded; /* were all words known, and was the encoder loaded all the same? */
    uint64_t memory_bytes;
};

static void draw(struct drawn *f, const char *prompt, const char *type, int64_t from)
{
    const char *const set[][2] = {{"prompt", prompt}, {"seed", "7"},   {"type", type},
                                  {"size", "native"}, {"steps", "2"},  {"frames", "5"},
                                  {"guidance", "2"},  {"threads", "1"}};
    const struct sink silent = {0};
    struct request q;
    struct bundle *b;
    struct plan p;
    struct err e = {0};

    request_init(&q);
    q.text_kept_from = from;
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        CHECK_INT(request_set(&q, set[i][0], set[i][1], &e), 0);
    if (plan_make(&p, fixture_dir(), &q, NULL, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    CHECK_INT(bundle_open(&b, fixture_dir(), p.device, p.type, &p.budget, &e), 0);
    if (pipeline_run(b, &p, &silent, &f->figures, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    f->kept = p.text_kept;
    f->loaded = b->text_loaded;
    f->memory_bytes = p.memory_bytes;
    bundle_free(&b);
    plan_release(&p);
    request_release(&q);
}

/* Calls of fn with each entry; how many there are. */
static int entries(void (*fn)(const char *path))
{
    char *folder = cache_folder("text");
    DIR *d = opendir(folder);
    struct dirent *entry;
    int n = 0;

    while (d && (entry = readdir(d)))
        if (strstr(entry->d_name, ".safetensors")) {
            char *path = path_join(folder, entry->d_name);

            n++;
            if (fn)
                fn(path);
            free(path);
        }
    if (d)
        closedir(d);
    free(folder);
    return n;
}

static void drop(const char *path)
{
    CHECK_INT(remove(path), 0);
}

/* The last value is another one. */
static void spoil(const char *path)
{
    FILE *f = fopen(path, "r+b");
    int c;

    CHECK(f);
    fseek(f, -1, SEEK_END);
    c = fgetc(f);
    fseek(f, -1, SEEK_END);
    fputc(c ^ 1, f);
    fclose(f);
}

static void cut(const char *path)
{
    CHECK_INT(file_write(path, "{}", 2, NULL), 0);
}

TEST(text_kept_films_have_the_same_bits)
{
    static void (*const harm[])(const char *path) = {drop, spoil, cut};
    struct drawn plain, first, again;

    age();
    entries(drop);
    draw(&plain, "a red ball", "f32", 0); /* the fixture's encoder is small */
    CHECK(!plain.kept && plain.loaded);
    CHECK_INT(entries(NULL), 0);
    draw(&first, "a red ball", "f32", 1);
    CHECK(!first.kept && first.loaded);
    CHECK_INT(entries(NULL), 2); /* the prompt and the empty one */
    CHECK_STR(first.figures.latent_hash, plain.figures.latent_hash);
    draw(&again, "a red ball", "f32", 1);
    CHECK(again.kept && !again.loaded);
    CHECK_STR(again.figures.latent_hash, plain.figures.latent_hash);
    CHECK(again.memory_bytes < first.memory_bytes);
    for (int i = 0; i < 3; i++) {
        entries(harm[i]);
        draw(&again, "a red ball", "f32", 1);
        CHECK(!again.kept && again.loaded);
        CHECK_STR(again.figures.latent_hash, plain.figures.latent_hash);
        draw(&again, "a red ball", "f32", 1); /* it was written anew */
        CHECK(again.kept);
        CHECK_STR(again.figures.latent_hash, plain.figures.latent_hash);
        CHECK_INT(entries(NULL), 2);
    }
}

TEST(text_kept_is_of_its_words_and_type)
{
    struct drawn f;

    age();
    draw(&f, "a blue box", "f32", 1);
    draw(&f, "a blue box", "f32", 1);
    CHECK(f.kept);
    draw(&f, "a blue ball", "f32", 1);
    CHECK(!f.kept);
    draw(&f, "a blue box", "bf16", 1);
    CHECK(!f.kept);
    draw(&f, "a blue box", "bf16", 1);
    CHECK(f.kept);
    draw(&f, "a blue box", "f32", 0); /* of an encoder that is too small nothing is looked for */
    CHECK(!f.kept);
}

static void run(zt_job *job, const char *prompt, char hash[65])
{
    char error[768];

    CHECK_INT(zt_job_set(job, "prompt", prompt, error, sizeof error), 0);
    if (zt_job_run(job, error, sizeof error))
        ztest_fail(__FILE__, __LINE__, "%s", error);
    strcpy(hash, zt_job_get(job, "latent_hash"));
}

/* A model that was opened without its text encoder gets it for the first prompt that is new. */
TEST(text_kept_model_loads_its_encoder_when_it_is_needed)
{
    const char *const set[][2] = {
        {"seed", "7"}, {"steps", "1"}, {"frames", "1"}, {"size", "native"}};
    char error[768], known[65], other[65], hash[65];

    age();
    for (int i = 0; i < 2; i++) {
        zt_model *m;
        zt_job *job;

        CHECK_INT(zt_model_open(&m, fixture_dir(), error, sizeof error), 0);
        zt_job_new(&job, m);
        job->request.text_kept_from = 1;
        for (int k = 0; k < 4; k++)
            CHECK_INT(zt_job_set(job, set[k][0], set[k][1], error, sizeof error), 0);
        run(job, "a green box", i ? hash : known);
        CHECK_INT(job->plan.text_kept, i);
        CHECK_INT(m->loaded->bundle->text_loaded, !i);
        if (i)
            CHECK_STR(hash, known);
        run(job, i ? "a white box" : "a yellow box", other);
        CHECK(m->loaded->bundle->text_loaded && !m->loaded->next);
        run(job, "a green box", hash);
        CHECK_STR(hash, known);
        zt_job_free(&job);
        zt_model_free(&m);
    }
}
