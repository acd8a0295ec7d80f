/* Convolutions over time whose past is packed: every set of kernels gives the bits that it gives
 * for plain frames without what is 2^14 times smaller than the largest value of its pixel, and
 * packs the last frame as worked out here, also in the place of the oldest. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rng.h"
#include "conv3d_shape.h"
#include "cuda_set.h"
#include "kern/kern.h"
#include "ztest.h"

static const char *const sets[] = {"c",          "avx2", "avx512",   "avx512vnni",
                                   "avx512bf16", "amx",  "cuda_host"};

struct conv {
    int64_t h, w, cin, cout;
    int kernel;
    bf16 *x[3], *weight; /* x: [h,w,cin], the oldest first */
    uint8_t *packed[3];  /* by the definition */
    float *bias;
    int64_t lost; /* values of x that are zero when they come back */
};

static size_t frame_bytes(const struct conv *c)
{
    return conv3d_packed_bytes(c->h, c->w, c->cin);
}

/* Mostly as behind SiLU and a norm, with some that are small, zero or not even normal. */
static bf16 value(struct rng *r, int scale)
{
    float x = (float)(int32_t)rng_u32(r) * 0x1p-29f;

    for (uint32_t small = rng_u32(r) % 8 ? 0 : rng_u32(r) % 40; small; small--)
        x *= 0.5f;
    for (int i = 0; i < scale; i++)
        x *= 0.25f;
    return rng_u32(r) % 16 ? f32_to_bf16(x) : 0;
}

static int exponent(bf16 x)
{
    return x >> 7 & 255;
}

/* A pixel by the words of packed.h; what does not come back is zero in x from now on. */
static void pack(struct conv *c, int t, int64_t pixel)
{
    bf16 *x = c->x[t] + pixel * c->cin;
    int64_t pixels = c->h * c->w;
    uint8_t *own = c->packed[t] + (pixels + 63) / 64 * 64 + pixel * (c->cin + (c->cin + 1) / 2);
    int most = 0, base;

    for (int64_t i = 0; i < c->cin; i++)
        most = exponent(x[i]) > most ? exponent(x[i]) : most;
    base = most > 15 ? most - 15 : 0;
    c->packed[t][pixel] = (uint8_t)base;
    for (int64_t i = 0; i < c->cin; i++) {
        int e = exponent(x[i]) - base, sign = x[i] >> 15;
        int bits = sign << 11 | (e > 0 || (e == 0 && t < 2) ? e << 7 | (x[i] & 127) : 0);
        int64_t first = i / 32 * 32, at = i - first, n = c->cin - first < 32 ? c->cin - first : 32;
        uint8_t *block = own + first + first / 2;

        if (e <= 0) {
            c->lost += (x[i] & 0x7fff) != 0;
            x[i] &= 0x8000;
        }
        block[at] = (uint8_t)(bits >> 4);
        block[n + at % ((n + 1) / 2)] |= (uint8_t)((bits & 15) << (at < (n + 1) / 2 ? 0 : 4));
    }
}

static void make(struct conv *c)
{
    int64_t n = c->h * c->w * c->cin, weights = c->cout * 3 * c->kernel * c->kernel * c->cin;
    struct rng r;

    rng_init(&r, 7, 1);
    for (int t = 0; t < 3; t++) {
        c->x[t] = xcalloc((size_t)n, sizeof(bf16));
        c->packed[t] = xcalloc(frame_bytes(c), 1);
        for (int64_t i = 0; i < n; i++)
            c->x[t][i] = value(&r, (int)(i / c->cin % 71));
        for (int64_t p = 0; p < c->h * c->w; p++)
            pack(c, t, p);
    }
    c->weight = xcalloc((size_t)weights, sizeof(bf16));
    for (int64_t i = 0; i < weights; i++)
        c->weight[i] = value(&r, 0);
    c->bias = xcalloc((size_t)c->cout, sizeof(float));
}

static void drop(struct conv *c)
{
    for (int t = 0; t < 3; t++) {
        free(c->x[t]);
        free(c->packed[t]);
    }
    free(c->weight);
    free(c->bias);
}

/* now: NULL for plain frames, or where the oldest frame lies and the last one goes. */
static void run(const struct conv *c, const struct kernels *k, int frames, int threads,
                uint8_t *now, float *y)
{
    struct threads *th = threads_new(threads);
    struct kcx kc;
    struct k_conv3d a = conv3d_shape(c->h, c->w, c->cin, c->cout, 3, c->kernel, c->kernel, DT_BF16);

    a.f.weight = c->weight;
    a.f.bias = c->bias;
    a.f.y = y;
    a.packed = now != NULL;
    a.now = now;
    a.y_type = DT_F32;
    a.frame[0] = frames < 3 ? NULL : now ? (void *)now : (void *)c->x[0];
    a.frame[1] = frames < 2 ? NULL : now ? (void *)c->packed[1] : (void *)c->x[1];
    a.frame[2] = c->x[2];
    kcx_init(&kc, th);
    k->conv3d(&kc, &a);
    kcx_release(&kc);
    threads_free(&th);
}

static void check(int64_t h, int64_t w, int64_t cin, int64_t cout, int kernel)
{
    struct conv c = {.h = h, .w = w, .cin = cin, .cout = cout, .kernel = kernel};
    size_t n = (size_t)(h * w * cout);
    float *want = xcalloc(n, sizeof *want), *got = xcalloc(n, sizeof *got);
    uint8_t *now;

    make(&c);
    now = xcalloc(frame_bytes(&c), 1);
    CHECK(c.lost > 0);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        for (int frames = 1; frames <= 3; frames++) {
            const struct kernels *k =
                strcmp(sets[i], "cuda_host") ? kernels_named(sets[i]) : kernels_cuda_host();

            if (!k)
                continue;
            run(&c, k, frames, 2, NULL, want);
            CHECK(want[n / 2] != 0);
            for (int threads = 1; threads < 4; threads += 2) {
                memcpy(now, c.packed[0], frame_bytes(&c));
                run(&c, k, frames, threads, now, got);
                CHECK(!memcmp(got, want, n * sizeof *got));
                CHECK(!memcmp(now, c.packed[2], frame_bytes(&c)));
            }
        }
    free(now);
    free(want);
    free(got);
    drop(&c);
}

TEST(kernel_conv3d_packed)
{
    check(5, 7, 3, 5, 3);
    check(13, 38, 16, 20, 3); /* by tiles where they serve: more than a run of them in a row */
    check(9, 12, 33, 18, 3);
    check(6, 7, 96, 16, 3);
    check(4, 5, 12, 7, 1);
}
