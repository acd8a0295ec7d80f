/* Attention whose scores are computed in bytes: every set of kernels agrees with the plain one,
 * which agrees with PyTorch as well as bytes allow. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "kern/kern.h"
#include "ztest.h"

static const char *const sets[] = {"c", "avx2", "avx512", "avx512vnni", "avx512bf16", "amx"};

/* q [nq], k and v [nk] rows of one sequence, or of two, the second without the last rows. */
struct ask {
    int64_t nq, nk, heads, kv_heads, dim, n_seq;
    int causal, biased;
    enum dtype type;
    double offset; /* of every eighth channel of the keys */
};

static uint32_t state;

static float draw(void)
{
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / (1 << 23) - 1;
}

static void *rows(const struct ask *a, int64_t n, double scale, double offset)
{
    float *x = xmalloc((size_t)n * sizeof *x + 4);
    void *to = xmalloc((size_t)n * sizeof *x + 4);

    for (int64_t i = 0; i < n; i++)
        x[i] = draw() * (float)scale + (i % 8 ? 0 : (float)offset);
    dtype_convert(to, a->type, x, DT_F32, (size_t)n);
    free(x);
    return to;
}

/* The result in f32 [nq heads dim]. */
static float *run(const struct ask *a, const struct kernels *k, int threads, int int8)
{
    int64_t cut = a->n_seq == 2 ? a->nq / 3 : a->nq, cut_k = a->n_seq == 2 ? a->nk / 2 : a->nk;
    int64_t q_start[] = {0, cut, a->nq}, k_start[] = {0, cut_k, a->nk};
    int64_t wide = a->heads * a->dim, n = a->nq * wide, n_k = a->nk * a->kv_heads * a->dim;
    float *out = xmalloc((size_t)n * sizeof *out);
    void *o = xmalloc((size_t)n * sizeof *out);
    struct kcx kc;

    state = 12345;
    struct k_attention c = {.n_seq = (int)a->n_seq,
                            .heads = (int)a->heads,
                            .kv_heads = (int)a->kv_heads,
                            .head_dim = (int)a->dim,
                            .causal = a->causal,
                            .int8 = int8,
                            .q_start = q_start,
                            .k_start = k_start,
                            .ldq = wide,
                            .ldk = a->kv_heads * a->dim,
                            .ldv = a->kv_heads * a->dim,
                            .bias_q = a->nq,
                            .bias_k = a->nk,
                            .scale = 1 / sqrt((double)a->dim),
                            .type = a->type,
                            .o = o};
    void *q = rows(a, n, 2, 0), *keys = rows(a, n_k, 2, a->offset), *v = rows(a, n_k, 1, 0);
    float *bias = xmalloc((size_t)(a->heads * a->nq * a->nk) * sizeof *bias);
    for (int64_t i = 0; i < a->heads * a->nq * a->nk; i++)
        bias[i] = draw();
    c.q = q;
    c.k = keys;
    c.v = v;
    c.bias = a->biased ? bias : NULL;
    struct threads *th = threads_new(threads);
    kcx_init(&kc, th);
    k->attention(&kc, &c);
    kcx_release(&kc);
    threads_free(&th);
    dtype_convert(out, DT_F32, o, a->type, (size_t)n);
    free(bias);
    free(q);
    free(keys);
    free(v);
    free(o);
    return out;
}

static const struct ask asks[] = {
    {40, 200, 1, 1, 64, 1, 0, 0, DT_F32, 8},   {70, 300, 2, 2, 128, 1, 0, 0, DT_BF16, 0},
    {33, 33, 4, 2, 16, 2, 1, 0, DT_F32, 1},    {140, 140, 2, 1, 24, 2, 0, 1, DT_F32, 0},
    {530, 1040, 1, 1, 32, 1, 0, 0, DT_F32, 3}, {19, 35, 6, 2, 17, 2, 1, 1, DT_BF16, 0},
    {5, 2, 2, 2, 8, 2, 0, 0, DT_F32, 0},
};

TEST(attention_int8_is_the_same_in_every_set)
{
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        const struct ask *a = &asks[i];
        int64_t n = a->nq * a->heads * a->dim;
        float *want = run(a, kernels_c(), 1, 1);

        CHECK(want[n - 1] != 0);
        for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
            const struct kernels *k = kernels_named(sets[s]);
            if (!k)
                continue;
            float *one = run(a, k, 1, 1), *three = run(a, k, 3, 1);
            int narrow = !strcmp(sets[s], "avx512vnni"); /* p v in 16 bits */
            double limit = a->type == DT_BF16 ? 1e-2 : narrow ? 3e-4 : 1e-5;
            if (!(ztest_rel_l2(one, want, (size_t)n) < limit))
                printf("    case %zu, %s: %g\n", i, sets[s], ztest_rel_l2(one, want, (size_t)n));
            CHECK(ztest_rel_l2(one, want, (size_t)n) < limit);
            CHECK(!memcmp(one, three, (size_t)n * sizeof *one));
            free(one);
            free(three);
        }
        free(want);
    }
}

/* What bytes cost: 1e-2 with channels that stand far off zero too, where bytes of the keys as they
 * are would cost 2.5e-2. */
TEST(attention_int8_is_near_to_f32)
{
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        const struct ask *a = &asks[i];
        int64_t n = a->nq * a->heads * a->dim;
        float *plain = run(a, kernels_best(), 2, 0), *bytes = run(a, kernels_best(), 2, 1);

        CHECK(plain[n - 1] != 0);
        CHECK_BELOW(ztest_rel_l2(bytes, plain, (size_t)n), 1e-2);
        CHECK(a->nk < 8 || ztest_rel_l2(bytes, plain, (size_t)n) > 1e-5); /* they were used */
        free(plain);
        free(bytes);
    }
}

/* The first case in PyTorch 2.15, scaled_dot_product_attention in f64 on the same draws: eight
 * values of three rows. */
TEST(attention_int8_beside_pytorch)
{
    static const int row[] = {0, 13, 39};
    static const float want[3][8] = {{-0.023897016f, 0.0205039206f, 0.11473788f, -0.0366304464f,
                                      -0.0387324094f, -0.120564069f, 0.0696191631f, 0.0521936811f},
                                     {-0.0238421607f, 0.0305905786f, -0.00306326928f, 0.0669640003f,
                                      -0.104564891f, 0.0449397009f, 0.0010633556f, -0.1471223f},
                                     {0.1028718f, 0.137702385f, 0.140761683f, -0.0518471232f,
                                      -0.120508447f, -0.0626956654f, 0.132505385f, 0.00600361625f}};
    float *plain = run(&asks[0], kernels_best(), 1, 0),
          *bytes = run(&asks[0], kernels_best(), 1, 1);

    for (int i = 0; i < 3; i++) {
        CHECK_BELOW(ztest_rel_l2(plain + row[i] * 64, want[i], 8), 1e-5);
        CHECK_BELOW(ztest_rel_l2(bytes + row[i] * 64, want[i], 8), 2e-2); /* of single rows */
    }
    free(plain);
    free(bytes);
}

TEST(attention_int8_of_a_value_that_is_not_finite)
{
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        const struct kernels *k = kernels_named(sets[s]);
        int64_t start[] = {0, 3};
        float q[3 * 16], v[3 * 16], o[3 * 16];
        struct kcx kc;

        if (!k)
            continue;
        for (int i = 0; i < 48; i++)
            q[i] = v[i] = (float)(i % 7);
        q[17] = NAN; /* of the second query, and of a key: all rows see that */
        kcx_init(&kc, NULL);
        struct k_attention a = {1, 1,    1,      16, 0, start, start, 16, 16,   16, 0,
                                0, 0.25, DT_F32, q,  v, v,     NULL,  o,  NULL, 1};
        k->attention(&kc, &a);
        for (int i = 0; i < 48; i++)
            CHECK(isnan(o[i]) == (i / 16 == 1));
        a.k = q;
        k->attention(&kc, &a);
        for (int i = 0; i < 48; i++)
            CHECK(isnan(o[i]));
        kcx_release(&kc);
    }
}

/* Sums of whole numbers at their largest: 1,030 keys of one value that count alike, and one that
 * stands so far above the rest that each of them is 1 / 22,000 of it and all of them are 4.5 %. */
TEST(attention_int8_of_keys_that_count_alike)
{
    enum { KEYS = 1030, DIM = 16 };

    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        const struct kernels *kernels = kernels_named(sets[s]);
        int64_t one[] = {0, 1}, all[] = {0, KEYS};
        float q[DIM] = {1}, k[KEYS * DIM] = {0}, v[KEYS * DIM], o[DIM];
        struct kcx kc;

        if (!kernels)
            continue;
        for (int i = 0; i < KEYS * DIM; i++)
            v[i] = i % DIM == 1 && i / DIM == 700 ? 1 : i % DIM == 1 ? 0 : -3;
        kcx_init(&kc, NULL);
        struct k_attention a = {1, 1,    1,      DIM, 0, one, all,  DIM, DIM,  DIM, 0,
                                0, 0.25, DT_F32, q,   k, v,   NULL, o,   NULL, 1};
        kernels->attention(&kc, &a);
        CHECK(fabsf(o[0] + 3) < 1e-3f && fabsf(o[1] - 1.0f / KEYS) < 1e-6f);
        k[700 * DIM] = 40;
        kernels->attention(&kc, &a);
        CHECK(fabsf(o[0] + 3) < 1e-3f && fabsf(o[1] - 0.9554f) < 2e-3f);
        kcx_release(&kc);
    }
}
