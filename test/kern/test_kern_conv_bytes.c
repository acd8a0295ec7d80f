/* Convolutions over time in bytes: every set of kernels gives the bits of whole numbers worked out
 * here, and the result is near to that of the numbers. */
#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/rng.h"
#include "conv3d_shape.h"
#include "kern/kern.h"
#include "ztest.h"

static const char *const sets[] = {"c", "avx2", "avx512", "avx512vnni", "avx512bf16", "amx"};

/* Frames [3][h,w,cin] of which the last kt are seen, weights as bytes with scales, and the same in
 * f32. */
struct conv {
    int64_t h, w, cin, cout;
    int kt, kernel, up, seen, add; /* seen: bits of the frames that are there, the oldest first */
    enum dtype type, y_type;
    void *x[3];
    float *wide[3], *scale, *bias, *before;
    int8_t *weight;
};

static int64_t in_count(const struct conv *c)
{
    return c->h * c->w * c->cin;
}

static int64_t out_count(const struct conv *c)
{
    return c->h * c->w * c->up * c->up * c->cout;
}

static int64_t summed(const struct conv *c)
{
    return (int64_t)c->kt * c->kernel * c->kernel * c->cin;
}

static float normal(struct rng *r)
{
    float sum = 0;

    for (int i = 0; i < 4; i++)
        sum += (float)(rng_u32(r) >> 8) / (1 << 23) - 1;
    return sum;
}

/* As behind SiLU: little below zero. */
static void make(struct conv *c, uint64_t seed)
{
    int64_t n = in_count(c);
    struct rng r;

    rng_init(&r, seed, 2);
    for (int t = 0; t < 3; t++) {
        c->x[t] = xcalloc((size_t)n, 4);
        c->wide[t] = xcalloc((size_t)n, 4);
        for (int64_t i = 0; i < n; i++) {
            float v = normal(&r);
            float y = t == 1 ? v : v / (1 + expf(-v));

            dtype_convert((char *)c->x[t] + (size_t)i * dtype_bytes(c->type), c->type, &y, DT_F32,
                          1);
            dtype_convert(&c->wide[t][i], DT_F32,
                          (char *)c->x[t] + (size_t)i * dtype_bytes(c->type), c->type, 1);
        }
    }
    c->weight = xcalloc((size_t)(c->cout * summed(c)), 1);
    c->scale = xcalloc((size_t)c->cout, 4);
    c->bias = xcalloc((size_t)c->cout, 4);
    c->before = xcalloc((size_t)out_count(c), 4);
    for (int64_t i = 0; i < c->cout * summed(c); i++)
        c->weight[i] = (int8_t)(i % 89 ? (int)(rng_u32(&r) % 255) - 127 : -128);
    for (int64_t o = 0; o < c->cout; o++) {
        c->scale[o] = 0.0007f * (float)(1 + o % 5);
        c->bias[o] = normal(&r);
    }
    for (int64_t i = 0; i < out_count(c); i++)
        c->before[i] = bf16_to_f32(f32_to_bf16(normal(&r)));
}

static void drop(struct conv *c)
{
    for (int t = 0; t < 3; t++) {
        free(c->x[t]);
        free(c->wide[t]);
    }
    free(c->weight);
    free(c->scale);
    free(c->bias);
    free(c->before);
}

/* y of a set in f32. Frames before the last one become bytes as the last of calls of their own. */
static float *by_set(const struct conv *c, const char *set, int threads)
{
    struct threads *th = threads_new(threads);
    size_t n = (size_t)out_count(c), bytes = conv3d_now_bytes(c->h, c->w, c->cin);
    void *y = xcalloc(n, 4), *now[3] = {0};
    float *out = xcalloc(n, 4);
    struct kcx kc;

    kcx_init(&kc, th);
    for (int t = 3 - c->kt; t < 3; t++) {
        struct k_conv3d a =
            conv3d_shape(c->h, c->w, c->cin, c->cout, c->kt, c->kernel, c->kernel, c->type);

        a.f.weight = c->weight;
        a.f.bias = c->add ? NULL : c->bias;
        a.f.y = y;
        a.up = c->up;
        a.add = c->add;
        a.y_type = c->y_type;
        if (!(c->seen >> t & 1))
            continue;
        now[t] = xcalloc(bytes, 1);
        a.bytes = (struct conv3d_bytes){c->scale, now[t]};
        for (int i = 0; i < c->kt - 1; i++)
            a.frame[i] = t == 2 ? now[3 - c->kt + i] : NULL;
        a.frame[c->kt - 1] = c->x[t];
        dtype_convert(y, c->y_type, c->before, DT_F32, n);
        kernels_named(set)->conv3d(&kc, &a);
    }
    dtype_convert(out, DT_F32, y, c->y_type, n);
    kcx_release(&kc);
    threads_free(&th);
    for (int t = 0; t < 3; t++)
        free(now[t]);
    free(y);
    return out;
}

struct frame { /* by the definition */
    float scale;
    int zero;
    int *byte;
};

static struct frame frame_of(const struct conv *c, int t)
{
    int64_t n = in_count(c);
    struct frame f = {.byte = xcalloc((size_t)n, sizeof *f.byte)};
    float low = 0, high = 0, inverse;

    for (int64_t i = 0; i < n; i++) {
        low = fminf(low, c->wide[t][i]);
        high = fmaxf(high, c->wide[t][i]);
    }
    f.scale = high / 255 - low / 255;
    if (f.scale < 0x1p-100f) {
        f.scale = 0;
        return f;
    }
    inverse = 1 / f.scale;
    f.zero = (int)lrintf(-128 - low * inverse);
    for (int64_t i = 0; i < n; i++) {
        int b = (int)lrintf(c->wide[t][i] * inverse) + f.zero;

        f.byte[i] = b < -128 ? -128 : b > 127 ? 127 : b;
    }
    return f;
}

/* What output (y, x, o) sees of frame t: in whole numbers, or in f64 of the numbers (f NULL). */
static double tap(const struct conv *c, const struct frame *f, int t, int64_t y, int64_t x,
                  int64_t o)
{
    int k = c->kernel, half = k / 2;
    const int8_t *w = c->weight + (o * c->kt + t - (3 - c->kt)) * k * k * c->cin;
    double sum = 0;

    for (int p = 0; p < k * k; p++, w += c->cin) {
        int64_t py = y + p / k - half, px = x + p % k - half;

        if (py < 0 || px < 0 || py >= c->h * c->up || px >= c->w * c->up)
            continue;
        int64_t at = (py / c->up * c->w + px / c->up) * c->cin;
        for (int64_t i = 0; i < c->cin; i++)
            sum += (f ? f->byte[at + i] - f->zero : (double)c->wide[t][at + i]) * w[i];
    }
    return sum;
}

static float one(const struct conv *c, const struct frame *f, int64_t i)
{
    int64_t o = i % c->cout, x = i / c->cout % (c->w * c->up), y = i / c->cout / (c->w * c->up);
    float sum = 0;

    for (int t = 3 - c->kt; t < 3; t++)
        if (c->seen >> t & 1) {
            float v = (float)tap(c, &f[t], t, y, x, o);
            v *= c->scale[o];
            v *= f[t].scale;
            sum = v + sum;
        }
    sum += c->add ? c->before[i] : c->bias[o];
    return c->y_type == DT_BF16 ? bf16_to_f32(f32_to_bf16(sum)) : sum;
}

static void check_sets(const struct conv *c)
{
    int64_t n = out_count(c);
    float *want = xcalloc((size_t)n, 4);
    struct frame f[3];

    for (int t = 0; t < 3; t++)
        f[t] = frame_of(c, t);
    for (int64_t i = 0; i < n; i++)
        want[i] = one(c, f, i);
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
        for (int threads = 1; kernels_named(sets[s]) && threads <= 3; threads += 2) {
            float *got = by_set(c, sets[s], threads);

            for (int64_t i = 0; i < n; i++)
                if (got[i] != want[i])
                    ztest_fail(__FILE__, __LINE__, "%s: %lldx%lld %lld to %lld, %lld is %a, not %a",
                               sets[s], (long long)c->h, (long long)c->w, (long long)c->cin,
                               (long long)c->cout, (long long)i, (double)got[i], (double)want[i]);
            free(got);
        }
    for (int t = 0; t < 3; t++)
        free(f[t].byte);
    free(want);
}

TEST(int8_convolutions_have_the_bits_of_whole_numbers)
{
    static const int shapes[][8] = {
        /* h w cin cout kt kernel up seen */
        {1, 1, 1, 1, 1, 1, 1, 4},     {5, 7, 3, 5, 3, 3, 1, 7},   {6, 9, 16, 8, 3, 3, 1, 4},
        {4, 5, 12, 33, 3, 1, 1, 6},   {5, 4, 10, 70, 1, 3, 2, 4}, {9, 13, 96, 40, 3, 3, 1, 7},
        {3, 40, 24, 130, 3, 3, 1, 5}, {2, 3, 7, 9, 3, 3, 2, 7},   {70, 61, 2, 3, 3, 3, 1, 7}};

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int bits = 0; bits < 8; bits++) {
            const int *s = shapes[i];
            struct conv c = {.h = s[0],
                             .w = s[1],
                             .cin = s[2],
                             .cout = s[3],
                             .kt = s[4],
                             .kernel = s[5],
                             .up = s[6],
                             .seen = s[7],
                             .type = bits & 1 ? DT_BF16 : DT_F32,
                             .y_type = bits & 2 ? DT_BF16 : DT_F32,
                             .add = bits >> 2 & 1};

            make(&c, i + 1);
            check_sets(&c);
            drop(&c);
        }
}

/* Evenly rounded to steps of 1/255 of a range of 4.2 (7.6) where values are 0.7 (1.15) as a rule:
 * 4.2/255/sqrt(12)/0.7 is 7e-3 (7.5e-3). */
TEST(int8_convolutions_are_near_those_of_numbers)
{
    struct conv c = {
        .h = 6, .w = 20, .cin = 96, .cout = 20, .kt = 3, .kernel = 3, .up = 1, .seen = 7};
    int64_t n;
    float *want, *got;

    make(&c, 3);
    n = out_count(&c);
    want = xcalloc((size_t)n, 4);
    for (int64_t i = 0; i < n; i++) {
        int64_t o = i % c.cout, x = i / c.cout % c.w, y = i / c.cout / c.w;
        double sum = 0;

        for (int t = 0; t < 3; t++)
            sum += tap(&c, NULL, t, y, x, o);
        want[i] = (float)(sum * c.scale[o] + c.bias[o]);
    }
    got = by_set(&c, kernels_best()->name, 2);
    CHECK_BELOW(ztest_rel_l2(got, want, (size_t)n), 9e-3);
    CHECK(ztest_rel_l2(got, want, (size_t)n) > 1e-4); /* it is not done in numbers */
    free(got);
    free(want);
    drop(&c);
}

/* One value that is not finite and nothing of the result is. */
TEST(int8_convolutions_do_not_swallow_nan)
{
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};

    for (int b = 0; b < 8; b++) {
        struct conv c = {.h = 67,
                         .w = 65,
                         .cin = 2,
                         .cout = 3,
                         .kt = 3,
                         .kernel = 3,
                         .up = 1,
                         .seen = 7,
                         .type = b & 1 ? DT_BF16 : DT_F32};
        int t = b % 3;

        make(&c, 5);
        dtype_convert((char *)c.x[t] + 100 * dtype_bytes(c.type), c.type, &bad[b / 2], DT_F32, 1);
        for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
            float *y = kernels_named(sets[s]) ? by_set(&c, sets[s], 2) : NULL;

            for (int64_t i = 0; y && i < out_count(&c); i++)
                CHECK(isnan(y[i]));
            free(y);
        }
        drop(&c);
    }
}
