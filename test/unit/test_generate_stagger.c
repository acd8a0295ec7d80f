/* Tokens that are cut half a token aside at every other step of low noise. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/tree.h"
#include "fixture.h"
#include "generate/pipeline.h"
#include "generate/stagger.h"
#include "ztest.h"

TEST(stagger_shows_the_picture_amid_its_own_border)
{
    const struct latent_shape s = {.c = 2, .t = 1, .h = 2, .w = 4, .pt = 1, .ph = 2, .pw = 2};
    const struct latent_shape places = {.c = 2, .t = 1, .h = 2, .w = 4, .pt = 1, .ph = 1, .pw = 1};
    struct latent_shape to = stagger_shape(&s), same = stagger_shape(&places);
    float x[16], padded[48], back[16];

    CHECK(to.h == 4 && to.w == 6 && same.h == 2 && same.w == 4);
    for (int i = 0; i < 16; i++)
        x[i] = (float)i;
    stagger_pad(&s, x, padded);
    CHECK(padded[0] == 0 && padded[1] == 0 && padded[2] == 1 && padded[5] == 3);
    CHECK(padded[6] == 0 && padded[7] == 0 && padded[12] == 4 && padded[18 + 5] == 7);
    CHECK(padded[24] == 8);
    stagger_crop(&s, padded, back);
    CHECK(!memcmp(x, back, sizeof x));
}

TEST(stagger_takes_every_other_step_and_the_last)
{
    const double sigma[] = {1, 0.9, 0.7, 0.6, 0.3, 0.1};
    int taken = 0;

    for (int i = 0; i < 6; i++)
        taken |= stagger_wanted(0.7, i, 6, sigma[i]) << i;
    CHECK_INT(taken, 1 << 3 | 1 << 5);
    for (int i = 0; i < 6; i++)
        CHECK(!stagger_wanted(0, i, 6, sigma[i]));
}

#define PLAN(p, e, ...)                                                                            \
    fixture_plan(p, e, fixture_dir(),                                                              \
                 (const char *const[]){"prompt", "a red ball rolls to the right", "seed", "7",     \
                                       "size", "native", "steps", "4", "type", "f32", __VA_ARGS__, \
                                       NULL})

static void draw(struct bundle *b, const char *stagger, const char *frames, const char *threads,
                 char hash[65])
{
    struct sink sink = {0};
    struct figures figures;
    struct plan p;
    struct err e;

    CHECK_INT(PLAN(&p, &e, "stagger", stagger, "frames", frames, "threads", threads), 0);
    CHECK_INT(pipeline_run(b, &p, &sink, &figures, &e), 0);
    strcpy(hash, figures.frame_hash);
    plan_release(&p);
}

TEST(stagger_is_another_film_and_the_same_for_all_threads)
{
    struct bundle *b;
    struct err e;
    char none[65], some[65], again[65], more[65];

    CHECK_INT(bundle_open(&b, fixture_dir(), device_cpu(), DT_F32, NULL, &e), 0);
    draw(b, "0", "9", "1", none);
    draw(b, "0.9", "9", "1", some);
    draw(b, "0.9", "9", "3", again);
    CHECK(strcmp(none, some));
    CHECK_STR(some, again);
    draw(b, "1", "9", "1", more);
    CHECK(strcmp(more, some));
    draw(b, "0.9", "25", "2", more); /* windows that go on from one another */
    bundle_free(&b);
}

TEST(stagger_is_forecast_and_refused_in_words)
{
    struct plan p, q;
    struct err e;

    CHECK_INT(PLAN(&p, &e, "stagger", "0"), 0);
    CHECK_INT(PLAN(&q, &e, "stagger", "0.9"), 0);
    CHECK(q.flops > p.flops && q.flops < 2 * p.flops);
    CHECK(q.memory_bytes > p.memory_bytes);
    plan_release(&p);
    plan_release(&q);
    CHECK_INT(PLAN(&p, &e, "stagger", "0.9", "cache", "easy"), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "stagger: it goes with no cache");
    CHECK_INT(PLAN(&p, &e, "stagger", "2"), ERR_USAGE);
}

/* What a model says: on a CPU, where nothing else is asked for, and where it goes. */
TEST(stagger_and_type_are_those_of_the_model)
{
    char *dir = ztest_in_tmp("defaults");
    static const char *const none[] = {"prompt", "a ball", NULL};
    static const char *const asked[] = {"prompt", "a ball", "type", "f32", "stagger", "0", NULL};
    static const char *const cache[] = {"prompt", "a ball", "cache", "easy", NULL};
    static const char *const both[] = {"prompt", "a ball", "cache", "easy", "stagger", "1", NULL};
    static const struct {
        const char *recipe, *const *set, *computed;
        int rc;
        double stagger;
    } rows[] = {{NULL, none, "int8", 0, 0.7},
                {NULL, asked, "f32", 0, 0},
                {NULL, cache, "int8", 0, 0},
                {NULL, both, "int8", ERR_USAGE, 0},
                {"{\"zoetrope\": 1, \"stagger\": 0.5}", none, "int8", 0, 0.5},
                {"{\"zoetrope\": 1, \"type\": \"bf16\"}", none, "bf16", 0, 0},
                {"{\"zoetrope\": 1, \"stagger\": 0.5}", cache, "int8", 0, 0}};
    struct bundle_info info;
    struct plan p;
    struct err e;

    CHECK_INT(tree_copy(fixture_dir(), dir, NULL, &e), 0);
    CHECK_INT(bundle_info_read(&info, dir, &e), 0);
    CHECK(info.stagger == 0);
    CHECK_STR(info.type, "auto");
    info.stagger = 0.7;
    strcpy(info.type, "int8");
    CHECK_INT(bundle_info_write(&info, dir, &e), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_INT(fixture_plan_again(&p, &e, dir, rows[i].recipe, rows[i].set), rows[i].rc);
        if (rows[i].rc)
            continue;
        CHECK(p.stagger == rows[i].stagger);
        CHECK_STR(p.computed, rows[i].computed);
        CHECK_INT(p.budget.as.int8, !strcmp(rows[i].computed, "int8"));
        CHECK_INT(p.note && strstr(p.note, "the recipe's 0.5 is left out"), i == 6);
        plan_release(&p);
    }
    strcpy(info.type, "int4");
    CHECK_INT(bundle_info_write(&info, dir, &e), 0);
    CHECK_INT(fixture_plan(&p, &e, dir, none), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "model_index.json: type \"int4\" is unknown");
    free(dir);
}
