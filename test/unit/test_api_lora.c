/* A film drawn with a LoRA: another film, without it the old one, and a recipe that asks for it. */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "format/safetensors.h"
#include "zoetrope.h"
#include "ztest.h"

static char error[768];

/* The pair of one layer of the fixture's transformer, by its own shape. */
static void put_lora(const char *path, const char *layer)
{
    static float a[4096], b[4096];
    char from[600], name[3][160];
    struct st_file *f;
    struct err e = {0};
    const struct st_tensor *t;

    snprintf(from, sizeof from, "%s/transformer", fixture_dir());
    snprintf(name[0], sizeof name[0], "%s.weight", layer);
    snprintf(name[1], sizeof name[1], "transformer.%s.lora_A.weight", layer);
    snprintf(name[2], sizeof name[2], "transformer.%s.lora_B.weight", layer);
    CHECK_INT(st_open(&f, from, &e), 0);
    t = st_find(f, name[0]);
    CHECK(t && t->dim[0] <= 2048 && t->dim[1] <= 2048);
    for (int i = 0; i < 4096; i++)
        a[i] = b[i] = (float)(i % 3 - 1) / 2;
    const struct st_out out[] = {{name[1], DT_F32, 2, {2, t->dim[1]}, a},
                                 {name[2], DT_F32, 2, {t->dim[0], 2}, b}};
    CHECK_INT(st_write(path, out, 2, NULL, 0, &e), 0);
    st_close(&f);
}

static void set(zt_job *job, const char *name, const char *value)
{
    if (zt_job_set(job, name, value, error, sizeof error))
        ztest_fail(__FILE__, __LINE__, "%s", error);
}

static void draw(zt_job *job, const char *lora, const char *film, char hash[65])
{
    set(job, "lora", lora);
    set(job, "output", film);
    set(job, "overwrite", "yes");
    if (zt_job_run(job, error, sizeof error))
        ztest_fail(__FILE__, __LINE__, "%s", error);
    strcpy(hash, zt_job_get(job, "frame_hash"));
}

TEST(api_lora_changes_the_film_and_is_asked_for_again)
{
    char path[600], range[700], half[65], both[1300], film[600], plain[65], with[65], twice[65],
        hash[65];
    zt_model *m;
    zt_job *job;

    snprintf(path, sizeof path, "%s/small.safetensors", ztest_tmp());
    snprintf(both, sizeof both, "%s:0.5,%s:0.5", path, path);
    snprintf(film, sizeof film, "%s/lora.y4m", ztest_tmp());
    put_lora(path, "blocks.0.attn1.to_q");
    CHECK_INT(zt_model_open(&m, fixture_dir(), error, sizeof error), 0);
    zt_job_new(&job, m);
    set(job, "prompt", "a red ball rolls");
    set(job, "seed", "5");
    set(job, "size", "native");
    set(job, "steps", "2");
    set(job, "frames", "5");
    set(job, "type", "f32");
    draw(job, "", film, plain);
    draw(job, path, film, with);
    CHECK(strcmp(plain, with));
    snprintf(range, sizeof range, "%s:1@0-50%%", path);
    draw(job, range, film, half);
    CHECK(strcmp(half, plain) && strcmp(half, with));
    CHECK_CONTAINS(zt_job_get(job, "note"), "1 layers are changed, each of its 2 tensors is used");
    snprintf(range, sizeof range, "%s@0-1", path); /* of two steps the first alone, as well */
    draw(job, range, film, hash);
    CHECK_STR(hash, half);
    snprintf(range, sizeof range, "%s@51-100", path); /* none */
    draw(job, range, film, hash);
    CHECK_STR(hash, plain);
    snprintf(range, sizeof range, "%s@0-100", path);
    draw(job, range, film, hash);
    CHECK_STR(hash, with);
    draw(job, both, film, twice); /* halves of it add up, to the last bits */
    draw(job, "", film, hash);
    CHECK_STR(hash, plain);
    draw(job, path, film, hash);
    CHECK_STR(hash, with);
    zt_job_free(&job);

    zt_job_new(&job, m);
    CHECK_INT(zt_job_set_film(job, film, error, sizeof error), 0);
    CHECK_INT(zt_job_run(job, error, sizeof error), ZT_E_USAGE);
    CHECK_CONTAINS(error, "this recipe was drawn with files that are not part of it");
    draw(job, path, film, hash);
    CHECK_STR(hash, with);
    zt_job_free(&job);
    zt_model_free(&m);
}
