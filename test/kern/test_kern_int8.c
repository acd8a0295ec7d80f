/* Products in bytes: every set of kernels gives the bits of plain integers worked out here, and the
 * result is as near to the product of the numbers as bytes of 7 bits and a sign allow. */
#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/rng.h"
#include "kern/kern.h"
#include "ztest.h"

static const char *const sets[] = {"c", "avx2", "avx512", "avx512vnni", "avx512bf16", "amx"};

/* An activation a [m,k] of some type, bytes b [n,k] with scales, bias [n], what c [m,n] begins
 * with. */
struct product {
    int64_t m, n, k, lda, ldc;
    enum dtype a_type, c_type;
    int scaled, biased, add;
    void *a;
    int8_t *b;
    float *wide, *scale, *bias, *before; /* wide: a in f32 */
};

static float draw(struct rng *r)
{
    float sum = 0;

    for (int i = 0; i < 4; i++)
        sum += (float)(rng_u32(r) >> 8) / (1 << 23) - 1;
    return sum;
}

static void put(struct product *p, int64_t i, int64_t k, float x)
{
    dtype_convert((char *)p->a + (size_t)(i * p->lda + k) * dtype_bytes(p->a_type), p->a_type, &x,
                  DT_F32, 1);
    p->wide[i * p->k + k] = p->a_type == DT_BF16 ? bf16_to_f32(f32_to_bf16(x)) : x;
}

static void make(struct product *p, uint64_t seed)
{
    struct rng r;

    rng_init(&r, seed, 1);
    p->lda = p->k + 3;
    p->ldc = p->n + 5;
    p->a = xcalloc((size_t)(p->m * p->lda + 1), 4);
    p->wide = xcalloc((size_t)(p->m * p->k + 1), 4);
    p->b = xcalloc((size_t)(p->n * p->k + 1), 1);
    p->scale = xcalloc((size_t)p->n + 1, 4);
    p->bias = xcalloc((size_t)p->n + 1, 4);
    p->before = xcalloc((size_t)(p->m * p->ldc + 1), 4);
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t k = 0; k < p->k; k++)
            put(p, i, k, draw(&r));
    for (int64_t i = 0; i < p->n * p->k; i++) /* -128 is no byte that we write, others may */
        p->b[i] = (int8_t)(i % 97 ? (int)(rng_u32(&r) % 255) - 127 : -128);
    for (int64_t j = 0; j < p->n; j++) {
        p->scale[j] = 0.001f * (float)(1 + j % 7);
        p->bias[j] = draw(&r);
    }
    for (int64_t i = 0; i < p->m * p->ldc; i++)
        p->before[i] = bf16_to_f32(f32_to_bf16(draw(&r)));
}

static void drop(struct product *p)
{
    free(p->a);
    free(p->wide);
    free(p->b);
    free(p->scale);
    free(p->bias);
    free(p->before);
}

static struct stored form_of(const struct product *p)
{
    return (struct stored){stored_named("I8"), p->scaled ? p->scale : NULL, p->k, 1};
}

/* c of a set, in f32, gaps between rows included. */
static float *by_set(const struct product *p, const char *set, int threads, int gelu)
{
    struct threads *th = threads_new(threads);
    size_t n = (size_t)(p->m * p->ldc);
    void *c = xcalloc(n + 1, 4);
    float *out = xcalloc(n + 1, 4);
    struct stored form = form_of(p);
    struct k_matmul_gelu g = {.q = {.m = p->m,
                                    .n = p->n,
                                    .k = p->k,
                                    .lda = p->lda,
                                    .ldb = p->k,
                                    .ldc = p->ldc,
                                    .a_type = p->a_type,
                                    .b_type = p->a_type,
                                    .c_type = p->c_type,
                                    .a = p->a,
                                    .b = p->b,
                                    .c = c,
                                    .bias = p->biased ? p->bias : NULL,
                                    .add = p->add,
                                    .b_form = &form}};
    struct kcx kc;

    kcx_init(&kc, th);
    dtype_convert(c, p->c_type, p->before, DT_F32, n);
    if (gelu)
        kernels_named(set)->matmul_gelu(&kc, &g);
    else
        kernels_named(set)->matmul_nt(&kc, &g.q);
    dtype_convert(out, DT_F32, c, p->c_type, n);
    kcx_release(&kc);
    threads_free(&th);
    free(c);
    return out;
}

/* The same from the definition, in 64-bit integers. */
static float *by_definition(const struct product *p)
{
    float *out = xcalloc((size_t)(p->m * p->ldc + 1), 4);

    memcpy(out, p->before, (size_t)(p->m * p->ldc) * 4);
    for (int64_t i = 0; i < p->m; i++) {
        const float *a = p->wide + i * p->k;
        float most = 0, *c = out + i * p->ldc;

        for (int64_t k = 0; k < p->k; k++)
            most = fmaxf(most, fabsf(a[k]));
        for (int64_t j = 0; j < p->n; j++) {
            int64_t sum = 0;
            float x;

            for (int64_t k = 0; k < p->k && most > 0; k++)
                sum += (int64_t)lrintf(a[k] * (127 / most)) * p->b[j * p->k + k];
            x = (float)sum;
            x *= p->scaled ? p->scale[j] : 1;
            x *= most / 127;
            x += p->biased ? p->bias[j] : 0;
            x += p->add ? c[j] : 0;
            c[j] = p->c_type == DT_BF16 ? bf16_to_f32(f32_to_bf16(x)) : x;
        }
    }
    return out;
}

static void check_same(const struct product *p, const float *got, const float *want,
                       const char *set)
{
    for (int64_t i = 0; i < p->m * p->ldc; i++)
        if (got[i] != want[i])
            ztest_fail(__FILE__, __LINE__, "%s: %lld x %lld x %lld, element %lld is %a, not %a",
                       set, (long long)p->m, (long long)p->n, (long long)p->k, (long long)i,
                       (double)got[i], (double)want[i]);
}

static void check_sets(const struct product *p)
{
    float *want = by_definition(p);

    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
        for (int threads = 1; kernels_named(sets[s]) && threads <= 3; threads += 2) {
            float *got = by_set(p, sets[s], threads, 0);

            check_same(p, got, want, sets[s]);
            free(got);
        }
    free(want);
}

TEST(int8_products_have_the_bits_of_whole_numbers)
{
    static const int64_t shapes[][3] = {{1, 1, 1},     {3, 17, 31},   {17, 3, 65},    {65, 129, 33},
                                        {33, 66, 257}, {6, 64, 1030}, {40, 200, 64},  {5, 7, 0},
                                        {0, 5, 7},     {5, 0, 7},     {100, 70, 2051}};

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int bits = 0; bits < 32; bits++) {
            struct product p = {.m = shapes[i][0],
                                .n = shapes[i][1],
                                .k = shapes[i][2],
                                .a_type = bits & 1 ? DT_BF16 : DT_F32,
                                .c_type = bits & 2 ? DT_BF16 : DT_F32,
                                .scaled = bits >> 2 & 1,
                                .biased = bits >> 3 & 1,
                                .add = bits >> 4 & 1};

            make(&p, i + 1);
            check_sets(&p);
            drop(&p);
        }
}

/* The largest sum that there can be, and what vpmaddubsw would cut off. */
TEST(int8_sums_do_not_saturate)
{
    struct product p = {.m = 7, .n = 18, .k = 4100, .a_type = DT_F32, .c_type = DT_F32};

    make(&p, 1);
    for (int64_t i = 0; i < p.m; i++)
        for (int64_t k = 0; k < p.k; k++)
            put(&p, i, k, i % 2 ? -5 : 5);
    for (int64_t i = 0; i < p.n * p.k; i++)
        p.b[i] = i / p.k % 2 ? 127 : -128;
    check_sets(&p);
    drop(&p);
}

static double error(const struct product *p, const float *c, int64_t first, int64_t rows)
{
    float *got = xcalloc((size_t)(rows * p->n), 4), *want = xcalloc((size_t)(rows * p->n), 4);
    double e;

    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < p->n; j++) {
            double sum = 0;

            for (int64_t k = 0; k < p->k; k++)
                sum += (double)p->wide[(first + i) * p->k + k] * p->b[j * p->k + k];
            want[i * p->n + j] = (float)(sum * p->scale[j]);
            got[i * p->n + j] = c[(first + i) * p->ldc + j];
        }
    e = ztest_rel_l2(got, want, (size_t)(rows * p->n));
    free(got);
    free(want);
    return e;
}

/* Against products of the numbers: evenly rounded to steps of 1/127 of the largest value, of which
 * the others are about a third: 1/127/sqrt(12) * 3. A column of outliers, 100 times the others,
 * takes their last bits but carries the sum itself. Rows do not see each other's outliers. */
TEST(int8_products_are_near_those_of_numbers)
{
    struct product p = {
        .m = 34, .n = 77, .k = 1003, .a_type = DT_F32, .c_type = DT_F32, .scaled = 1};
    float *c;

    make(&p, 3);
    c = by_set(&p, kernels_best()->name, 2, 0);
    CHECK(error(&p, c, 0, p.m) < 8e-3);
    CHECK(error(&p, c, 0, p.m) > 1e-4); /* it is not done in numbers */
    free(c);
    for (int64_t i = 0; i < 17; i++)
        put(&p, i, 500, i % 2 ? 250 : -250);
    for (int64_t k = 0; k < p.k; k++)
        put(&p, 20, k, 0);
    c = by_set(&p, kernels_best()->name, 2, 0);
    CHECK(error(&p, c, 0, 17) < 0.1);
    CHECK(error(&p, c, 21, p.m - 21) < 8e-3);
    for (int64_t j = 0; j < p.n; j++)
        CHECK(c[20 * p.ldc + j] == 0);
    free(c);
    drop(&p);
}

/* One value that is not finite makes its row NaN, and no other. */
static void not_finite(float bad, enum dtype type, int gelu)
{
    struct product p = {
        .m = 37, .n = 21, .k = 70, .a_type = type, .c_type = type, .scaled = 1, .biased = 1};

    make(&p, 5);
    put(&p, 33, 69, bad);
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        float *c = kernels_named(sets[s]) ? by_set(&p, sets[s], 2, gelu) : NULL;

        for (int64_t i = 0; c && i < p.m; i++)
            for (int64_t j = 0; j < p.n; j++)
                if (!!isnan(c[i * p.ldc + j]) != (i == 33))
                    ztest_fail(__FILE__, __LINE__, "%s: row %lld holds %g", sets[s], (long long)i,
                               (double)c[i * p.ldc + j]);
        free(c);
    }
    drop(&p);
}

TEST(int8_products_do_not_swallow_nan)
{
    for (int gelu = 0; gelu < 2; gelu++)
        for (int bf = 0; bf < 2; bf++) {
            not_finite(NAN, bf ? DT_BF16 : DT_F32, gelu);
            not_finite(-NAN, bf ? DT_BF16 : DT_F32, gelu);
            not_finite(INFINITY, bf ? DT_BF16 : DT_F32, gelu);
        }
}

/* GELU follows the same sums. */
TEST(int8_products_with_gelu_agree)
{
    struct product p = {
        .m = 66, .n = 130, .k = 515, .a_type = DT_BF16, .c_type = DT_F32, .scaled = 1, .biased = 1};

    make(&p, 7);
    for (int64_t j = 0; j < p.n; j++)
        p.scale[j] *= 0.01f;
    float *want = by_set(&p, "c", 1, 1);
    for (size_t s = 1; s < sizeof sets / sizeof *sets; s++) {
        float *c = kernels_named(sets[s]) ? by_set(&p, sets[s], 2, 1) : NULL;

        CHECK(!c || ztest_rel_l2(c, want, (size_t)(p.m * p.ldc)) < 1e-6);
        free(c);
    }
    free(want);
    drop(&p);
}

/* The largest and the smallest activations keep their scale; what is below all use is zero. */
TEST(int8_products_of_extreme_rows)
{
    static const float size[] = {1e37f, 1e-25f, 0x1p-99f};
    struct product p = {.m = 4, .n = 33, .k = 130, .a_type = DT_F32, .c_type = DT_F32};

    make(&p, 9);
    for (int64_t i = 0; i < 3; i++)
        for (int64_t k = 0; k < p.k; k++)
            put(&p, i, k, p.wide[i * p.k + k] * size[i]);
    check_sets(&p);
    for (int64_t k = 0; k < p.k; k++)
        put(&p, 3, k, 1e-40f);
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        float *c = kernels_named(sets[s]) ? by_set(&p, sets[s], 1, 0) : NULL;

        for (int64_t j = 0; c && j < p.n; j++)
            CHECK(c[3 * p.ldc + j] == 0);
        free(c);
    }
    drop(&p);
}
