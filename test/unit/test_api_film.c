/* Films of the library and their recipes: made again, of shots, where a file is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_job.h"
#include "base/file.h"
#include "base/hash.h"
#include "generate/options.h"
#include "media/film.h"
#include "ztest.h"

/* The film carries its recipe; the recipe gives the same film. */
TEST(api_film_again)
{
    zt_model *m = open_fixture();
    char path[600], hash[65];
    in_tmp(path, "again.y4m");
    zt_job *job = JOB(m, "output", path, "frames", "5", "negative", "a box", "fps", "7.5");
    struct film f;
    struct err e = {0};

    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
    CHECK_STR(zt_job_get(job, "output"), path);
    strcpy(hash, zt_job_get(job, "frame_hash"));
    zt_job_free(&job);
    CHECK_INT(film_probe(&f, path, &e), 0);
    CHECK(f.comment);
    CHECK_CONTAINS(f.comment, "{\"zoetrope\": 1");
    CHECK_CONTAINS(f.comment, "torch-cpu/1");
    CHECK(!strstr(f.comment, ztest_tmp())); /* no paths */

    zt_job_new(&job, m);
    CHECK_INT(zt_job_set_film(job, path, api_error, sizeof api_error), 0);
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
    CHECK_STR(zt_job_get(job, "frame_hash"), hash);
    CHECK(!zt_job_get(job, "again"));
    CHECK_INT(zt_job_set_json(job,
                              "{\"zoetrope\": 1, \"model_hash\": \"00\", \"model\": \"old\","
                              " \"model_release\": \"r9\"}",
                              api_error, sizeof api_error),
              0);
    CHECK_INT(zt_job_plan(job, api_error, sizeof api_error), 0);
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

    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
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

    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
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
        CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
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
        CHECK_INT(zt_job_set_json(job, recipe, api_error, sizeof api_error), 0);
        CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
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

    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
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
    CHECK_INT(zt_job_plan(job, api_error, sizeof api_error), ZT_E_IO);
    CHECK_CONTAINS(api_error, path);
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), ZT_E_IO);
    CHECK_INT(file_size(path), 4);
    CHECK_INT(zt_job_set(job, "overwrite", "yes", api_error, sizeof api_error), 0);
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
    CHECK(file_size(path) > 4);
    zt_job_free(&job);
    zt_model_free(&m);
}
