/* Rows of given frames that not every evaluation computes. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/tree.h"
#include "fixture.h"
#include "generate/pipeline.h"
#include "ztest.h"

static int plan(struct plan *p, struct err *e, const char *dir, const char *recipe,
                const char *const *settings)
{
    struct request q;
    int rc = 0;

    *e = (struct err){0};
    memset(p, 0, sizeof *p);
    request_init(&q);
    if (recipe)
        rc = request_set_recipe(&q, recipe, strlen(recipe), "recipe", e);
    for (int i = 0; !rc && settings[i]; i += 2)
        rc = request_set(&q, settings[i], settings[i + 1], e);
    if (!rc)
        rc = plan_make(p, dir, &q, NULL, e);
    request_release(&q);
    return rc;
}
#define PLAN(p, e, ...)                                                                            \
    plan(p, e, fixture_dir(), NULL,                                                                \
         (const char *const[]){"prompt", "a red ball rolls to the right", "seed", "7", "size",     \
                               "native", "steps", "4", "type", "f32", "frames", "25", __VA_ARGS__, \
                               NULL})

static void say(struct velocity *v, const float *x, int step, double sigma, float *said)
{
    struct err e;

    velocity_step(v, step, 9);
    CHECK_INT(velocity_at(v, x, 1000 * sigma, sigma, said, &e), 0);
}

/* What is said of x with rows of the past, and then without them, is the same to the bit where
 * nothing else changed; of another x it is near; at low noise all rows are there again. */
static void say_often(struct velocity *v, size_t n)
{
    float *x = xmalloc(4 * n * sizeof *x), *past = xcalloc(n, sizeof *past), *said[3];
    struct given given = {0, 0, past};
    double far = 0, size = 0;

    for (int i = 0; i < 3; i++)
        said[i] = x + n * (size_t)(i + 1);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(i * 37 % 101) / 50 - 1;
    velocity_give(v, &given, 1, NULL);
    CHECK(velocity_leaves_out(v, 0.6) && !velocity_leaves_out(v, 0.5));
    say(v, x, 2, 0.6, said[0]);
    CHECK(v->past.frames == 1 && v->past.known == 3);
    say(v, x, 3, 0.6, said[1]);
    CHECK(!memcmp(said[0], said[1], n * sizeof *x));
    for (size_t i = 0; i < n; i++)
        x[i] += (float)(i % 7) / 70;
    say(v, x, 4, 0.6, said[1]);
    velocity_give(v, &given, 1, NULL);
    say(v, x, 5, 0.6, said[2]);
    CHECK(memcmp(said[1], said[2], n * sizeof *x) && memcmp(said[0], said[2], n * sizeof *x));
    for (size_t i = 0; i < n; i++) {
        far += ((double)said[1][i] - said[2][i]) * ((double)said[1][i] - said[2][i]);
        size += (double)said[2][i] * said[2][i];
    }
    CHECK(far < 0.01 * size);
    say(v, x, 6, 0.5, said[0]);
    v->past.known = 0;
    say(v, x, 7, 0.5, said[1]);
    CHECK(!memcmp(said[0], said[1], n * sizeof *x) && !v->past.known);
    free(x);
    free(past);
}

TEST(past_left_out_says_the_same_of_the_rest)
{
    struct bundle *b;
    struct velocity v;
    struct plan p;
    struct cx cx;
    struct err e;

    CHECK_INT(bundle_open(&b, fixture_dir(), device_cpu(), DT_F32, NULL, &e), 0);
    CHECK_INT(PLAN(&p, &e, "past-above", "0.5", "guidance", "3"), 0);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(velocity_of_plan(&v, &cx, b, &p, NULL, NULL, &e), 0);
    CHECK(v.past.most == p.context && p.context > 0);
    say_often(&v, latent_count(&v.ask.shape));
    velocity_release(&v);
    cx_release(&cx);
    plan_release(&p);
    bundle_free(&b);
}

static void draw(struct bundle *b, const char *above, const char *threads, const char *stagger,
                 char hash[65])
{
    struct sink sink = {0};
    struct figures figures;
    struct plan p;
    struct err e;

    CHECK_INT(PLAN(&p, &e, "past-above", above, "threads", threads, "stagger", stagger), 0);
    CHECK_INT(plan_windows(&p) > 1, 1);
    CHECK_INT(pipeline_run(b, &p, &sink, &figures, &e), 0);
    strcpy(hash, figures.frame_hash);
    plan_release(&p);
}

TEST(past_is_another_film_and_the_same_for_all_threads)
{
    struct bundle *b;
    struct err e;
    char all[65], some[65], again[65], stagger[65];

    CHECK_INT(bundle_open(&b, fixture_dir(), device_cpu(), DT_F32, NULL, &e), 0);
    draw(b, "1", "1", "0", all);
    draw(b, "0.4", "1", "0", some);
    draw(b, "0.4", "3", "0", again);
    CHECK(strcmp(all, some));
    CHECK_STR(some, again);
    draw(b, "0.4", "1", "0.9", stagger);
    draw(b, "0.4", "2", "0.9", again);
    CHECK(strcmp(stagger, some));
    CHECK_STR(stagger, again);
    bundle_free(&b);
}

TEST(past_is_forecast_and_refused_in_words)
{
    struct plan p, q;
    struct err e;

    CHECK_INT(PLAN(&p, &e, "past-above", "1"), 0);
    CHECK_INT(PLAN(&q, &e, "past-above", "0.2"), 0);
    CHECK(q.flops < p.flops && q.flops > p.flops / 2);
    CHECK(q.memory_bytes >= p.memory_bytes);
    plan_release(&p);
    plan_release(&q);
    CHECK_INT(PLAN(&p, &e, "past-above", "0.2", "cache", "easy"), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "past-above: it goes with no cache");
    CHECK_INT(PLAN(&p, &e, "past-above", "2"), ERR_USAGE);
}

/* What a model says, of as many steps as it says and where it goes. */
TEST(past_is_that_of_the_model)
{
    char *dir = ztest_in_tmp("past");
    static const char *const none[] = {"prompt", "a ball", "steps", "20", NULL};
    static const char *const few[] = {"prompt", "a ball", "steps", "9", NULL};
    static const char *const asked[] = {"prompt", "a ball", "past-above", "1", NULL};
    static const char *const cache[] = {"prompt", "a ball", "cache", "easy", NULL};
    static const struct {
        const char *recipe, *const *set;
        double above;
    } rows[] = {{NULL, none, 0.7},
                {NULL, few, 1},
                {NULL, asked, 1},
                {NULL, cache, 1},
                {"{\"zoetrope\": 1, \"past_above\": 0.3}", none, 0.3},
                {"{\"zoetrope\": 1}", none, 1},
                {"{\"zoetrope\": 1, \"past_above\": 0.3}", cache, 1}};
    struct bundle_info info;
    struct plan p;
    struct err e;

    CHECK_INT(tree_copy(fixture_dir(), dir, NULL, &e), 0);
    CHECK_INT(bundle_info_read(&info, dir, &e), 0);
    CHECK(info.past_above == 1);
    info.past_above = 0.7;
    info.steps = 20;
    CHECK_INT(bundle_info_write(&info, dir, &e), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_INT(plan(&p, &e, dir, rows[i].recipe, rows[i].set), 0);
        CHECK(p.past_above == rows[i].above);
        CHECK_INT(p.note && strstr(p.note, "the recipe's 0.3 is left out"), i == 6);
        plan_release(&p);
    }
    free(dir);
}
