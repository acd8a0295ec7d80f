/* Convolutions by tiles of 4x4 outputs, where outputs and tiles are many enough to be cut into
 * passes and bands: as the same in f32, which goes another way, and to the bit on any number of
 * threads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rng.h"
#include "conv3d_shape.h"
#include "kern/kern.h"
#include "ztest.h"

static const char *const sets[] = {"avx2", "avx512", "avx512vnni"};

struct conv {
    int64_t h, w, cin, cout;
    int kt, up;
    bf16 *x, *weight; /* [kt,h,w,cin] */
    float *wide_x, *wide_weight, *bias;
};

static bf16 *fill(float **wide, int64_t n, uint64_t seed)
{
    bf16 *x = xcalloc((size_t)n, sizeof *x);

    *wide = xcalloc((size_t)n, sizeof **wide);
    rng_fill_normal(*wide, (size_t)n, seed, 0, 0);
    dtype_convert(x, DT_BF16, *wide, DT_F32, (size_t)n);
    dtype_convert(*wide, DT_F32, x, DT_BF16, (size_t)n);
    return x;
}

static void run(const struct conv *c, const struct kernels *k, enum dtype type, int threads,
                float *y)
{
    int wide = type == DT_F32;
    size_t frame = (size_t)(c->h * c->w * c->cin);
    struct threads *th = threads_new(threads);
    struct kcx kc;
    struct k_conv3d a = conv3d_shape(c->h, c->w, c->cin, c->cout, c->kt, 3, 3, type);

    a.f.weight = wide ? (void *)c->wide_weight : (void *)c->weight;
    a.f.bias = c->bias;
    a.f.y = y;
    a.up = c->up;
    a.y_type = DT_F32;
    for (int i = 0; i < c->kt; i++)
        a.frame[i] =
            wide ? (void *)(c->wide_x + frame * (size_t)i) : (void *)(c->x + frame * (size_t)i);
    kcx_init(&kc, th);
    k->conv3d(&kc, &a);
    kcx_release(&kc);
    threads_free(&th);
}

static void check(int64_t h, int64_t w, int64_t cin, int64_t cout, int kt, int up)
{
    struct conv c = {h, w, cin, cout, kt, up, NULL, NULL, NULL, NULL, NULL};
    int64_t n = h * w * up * up * cout;
    float *want = xcalloc((size_t)n, sizeof *want), *got = xcalloc((size_t)n, sizeof *got);
    float *again = xcalloc((size_t)n, sizeof *again);

    c.x = fill(&c.wide_x, kt * h * w * cin, 1);
    c.weight = fill(&c.wide_weight, cout * kt * 9 * cin, 2);
    free(fill(&c.bias, cout, 3));
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const struct kernels *k = kernels_named(sets[i]);

        if (!k)
            continue;
        run(&c, k, DT_F32, 2, want);
        run(&c, k, DT_BF16, 1, got);
        CHECK(want[0] != 0);
        CHECK(ztest_rel_l2(got, want, (size_t)n) < 5e-6);
        for (int threads = 2; threads < 4; threads++) {
            run(&c, k, DT_BF16, threads, again);
            CHECK(!memcmp(again, got, (size_t)n * sizeof *got));
        }
    }
    free(c.x);
    free(c.weight);
    free(c.wide_x);
    free(c.wide_weight);
    free(c.bias);
    free(want);
    free(got);
    free(again);
}

TEST(kernel_conv3d_tiles)
{
    check(18, 98, 384, 200, 3, 1); /* two passes of two bands, three products each */
    check(61, 150, 96, 96, 3, 1);  /* bands of one product */
    check(23, 70, 200, 150, 2, 1); /* places that no tile fills */
    check(30, 40, 96, 48, 1, 2);
}
