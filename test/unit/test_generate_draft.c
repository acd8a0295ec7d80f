/* A draft begins from the noise of its film, and its recipe makes either. */
#include <stdlib.h>
#include <string.h>

#include "base/torch_rng.h"
#include "fixture.h"
#include "generate/pipeline.h"
#include "measure/layout.h"
#include "zoetrope.h"
#include "ztest.h"

static char error[768];

static void plan(struct plan *p, const char *draft)
{
    static const char *const set[] = {"prompt", "a red ball", "size",   "256x128",
                                      "seed",   "5",          "frames", "5"};
    struct request r;
    struct err e = {0};

    request_init(&r);
    for (int i = 0; i < 8; i += 2)
        CHECK(!request_set(&r, set[i], set[i + 1], &e));
    CHECK(!request_set(&r, "draft", draft, &e));
    if (plan_make(p, ztest_data("golden/pipeline-wan22-ti2v/model"), &r, NULL, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    request_release(&r);
}

/* Where a network draws any size: half of each side, and noise that is the film's in sums of four,
 * as wide as noise has to be. */
TEST(draft_noise_is_that_of_the_film_summed)
{
    struct plan film, draft;
    struct torch_rng rng;
    struct err e = {0};
    double sum = 0, squares = 0;

    plan(&film, "no");
    plan(&draft, "yes");
    CHECK_INT(draft.w, 128);
    CHECK_INT(draft.h, 64);
    CHECK_INT(draft.film_w, 128);
    CHECK_INT(draft.n_film, film.n_film);
    CHECK_INT(draft.steps, (film.steps + 3) / 4);
    struct latent_shape s = plan_latent(&film), t = plan_latent(&draft);
    size_t n = latent_count(&s), m = latent_count(&t);
    float *x = xmalloc(n * sizeof *x), *y = xmalloc(m * sizeof *y);

    CHECK_INT(n, 4 * m);
    torch_rng_init(&rng, 5);
    CHECK_INT(plan_noise(&film, &rng, x, &e), 0);
    torch_rng_init(&rng, 5);
    CHECK_INT(plan_noise(&draft, &rng, y, &e), 0);
    for (size_t i = 0; i < m; i++) {
        size_t row = i / (size_t)t.w, column = i % (size_t)t.w;
        const float *of = x + 2 * row * (size_t)s.w + 2 * column;

        CHECK_BELOW(fabs((of[0] + of[1] + of[s.w] + of[s.w + 1]) / 2 - y[i]), 1e-6);
        sum += y[i];
        squares += y[i] * y[i];
    }
    CHECK_BELOW(fabs(sum / (double)m), 4 / sqrt((double)m));
    CHECK_BELOW(fabs(squares / (double)m - 1), 6 / sqrt((double)m));
    free(x), free(y);
    plan_release(&film);
    plan_release(&draft);
}

static char *drawn(const char *again, const char *output, const char *draft)
{
    const char *const set[] = {"model", fixture_dir(), "prompt", "a red ball rolls",
                               "seed",  "5",           "type",   "f32",
                               "size",  "96x64",       "steps",  "9"};
    zt_job *job;
    int rc = zt_job_new(&job, NULL);

    if (again)
        rc = zt_job_set_film(job, again, error, sizeof error);
    for (size_t i = 0; !rc && i < (again ? 2 : sizeof set / sizeof *set); i += 2)
        rc = zt_job_set(job, set[i], set[i + 1], error, sizeof error);
    if (!rc && draft)
        rc = zt_job_set(job, "draft", draft, error, sizeof error);
    if (!rc)
        rc = zt_job_set(job, "output", output, error, sizeof error) ||
             zt_job_set(job, "overwrite", "yes", error, sizeof error) ||
             zt_job_run(job, error, sizeof error);
    if (rc)
        ztest_fail(__FILE__, __LINE__, "%s", error);
    char *hash = xasprintf("%s %s", zt_job_get(job, "steps"), zt_job_get(job, "frame_hash"));
    zt_job_free(&job);
    return hash;
}

/* The draft's recipe makes the draft again and, without "draft", the film as if there had been no
 * draft. */
TEST(draft_recipe_makes_draft_and_film)
{
    char *path = ztest_in_tmp("draft.y4m"), *other = ztest_in_tmp("other.y4m");
    char *film = drawn(NULL, other, NULL), *draft = drawn(NULL, path, "yes"),
         *again = drawn(path, other, NULL), *final = drawn(path, other, "no");

    CHECK(!strncmp(draft, "4 ", 2) && !strncmp(film, "9 ", 2));
    CHECK_STR(again, draft);
    CHECK_STR(final, film);
    free(film), free(draft), free(again), free(final), free(path), free(other);
}

TEST(layout_agreement_is_a_correlation)
{
    struct layout a = {0}, b = {0}, c = {0}, none = {0};
    static uint8_t small[32 * 32 * 3], large[64 * 64 * 3], turned[32 * 32 * 3];

    for (int i = 0; i < 32 * 32 * 3; i++) {
        small[i] = (uint8_t)(40 + i / 96 * 4 + i % 3 * 30);
        turned[i] = (uint8_t)(40 + (31 - i / 96) * 4 + i % 3 * 5);
    }
    for (int i = 0; i < 64 * 64 * 3; i++)
        large[i] = (uint8_t)(20 + i / 192 * 2);
    for (int k = 0; k < 100; k++) {
        layout_add(&a, small, 32, 32);
        layout_add(&b, large, 64, 64);
        layout_add(&c, turned, 32, 32);
    }
    CHECK_BELOW(0.999, layout_agreement(&a, &b));
    CHECK_BELOW(layout_agreement(&a, &c), -0.999);
    CHECK(layout_agreement(&a, &none) == 0);
    layout_release(&a), layout_release(&b), layout_release(&c);
}

/* Frames are held beside those of the same moment, however many a second has. */
TEST(layout_agreement_is_of_moments)
{
    struct layout slow = {.fps = 8}, fast = {.fps = 24}, unsaid = {0};
    static uint8_t rgb[16 * 16 * 3];

    for (int k = 0; k < 48; k++) {
        for (int i = 0; i < 16 * 16; i++)
            memset(rgb + i * 3, i % 16 < k / 3 ? 200 : 20, 3); /* what grows from the left */
        layout_add(&fast, rgb, 16, 16);
        layout_add(&unsaid, rgb, 16, 16);
        if (k % 3 == 0)
            layout_add(&slow, rgb, 16, 16);
    }
    CHECK_BELOW(0.999, layout_agreement(&slow, &fast));
    CHECK_BELOW(0.999, layout_agreement(&fast, &slow));
    CHECK_BELOW(layout_agreement(&slow, &unsaid), 0.9);
    layout_release(&slow);
    layout_release(&fast);
    layout_release(&unsaid);
}
