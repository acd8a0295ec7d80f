/* test_kern_attention.c - attention of ragged sequences against the C kernels in f64. */
#include "kit.h"

enum { CAUSAL = 1, BIAS = 2, GAPS = 4, NO_LSE = 8, MASK = 16 };

/* n_seq, most and least queries, most and least keys (the first sequence has the most), heads,
 * kv_heads, head_dim, flags, spread of the queries */
static const int64_t shapes[][10] = {
    {1, 3, 3, 5, 5, 1, 1, 4, 0, 1},
    {3, 17, 1, 31, 1, 2, 2, 24, NO_LSE, 1},
    {2, 65, 3, 65, 3, 4, 4, 64, 0, 1},
    {2, 140, 33, 140, 33, 2, 2, 64, GAPS, 1},
    {2, 140, 100, 20, 10, 4, 4, 64, 0, 1},
    {2, 33, 5, 33, 5, 4, 2, 16, CAUSAL, 1},
    {1, 40, 40, 40, 40, 6, 2, 17, CAUSAL | BIAS | GAPS, 1},
    {3, 12, 2, 12, 7, 3, 1, 40, BIAS, 1},
    {1, 70, 70, 300, 300, 2, 2, 128, 0, 8},
    {4, 9, 0, 11, 4, 2, 2, 32, 0, 1},
    {2, 3, 3, 5, 0, 2, 2, 8, 0, 1},
    {0, 0, 0, 0, 0, 2, 2, 8, 0, 1},
    {2, 19, 9, 35, 20, 2, 1, 64, BIAS | MASK, 1},
    {1, 5, 5, 5, 5, 2, 2, 16, BIAS | MASK | CAUSAL, 1},
    {7, 24, 1, 24, 23, 4, 2, 16, BIAS, 1},
    {9, 6, 6, 8, 8, 2, 2, 8, 0, 1},
    {2, 520, 520, 520, 520, 2, 1, 32, 0, 1}, /* long enough for a fused kernel */
    {1, 516, 516, 512, 512, 1, 1, 64, 0, 1}, /* and for its gradient */
};

/* Hide the last third of the keys from all queries, and all keys from the third query. */
static void *masked(const struct kit *t, void *bias, int64_t rows, int64_t n_q, int64_t n_k)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = r % n_q == 2 ? 0 : n_k - n_k / 3; j < n_k; j++)
            if (kit_type(t, WIDE) == DT_F64)
                ((double *)bias)[r * n_k + j] = -INFINITY;
            else
                ((float *)bias)[r * n_k + j] = -INFINITY;
    return bias;
}

struct sizes {
    int64_t rows_q, rows_k;
};

static struct k_attention forward_args(struct kit *t, struct sizes *n)
{
    const int64_t *s = t->s;
    int64_t gap = s[8] & GAPS ? 5 : 0, n_seq = s[0];
    int64_t *q_start = kit_starts(t, (int)n_seq, s[1], s[2]);
    int64_t *k_start = kit_starts(t, (int)n_seq, s[3], s[4]);
    struct k_attention a = {
        .n_seq = (int)n_seq,
        .heads = (int)s[5],
        .kv_heads = (int)s[6],
        .head_dim = (int)s[7],
        .causal = !!(s[8] & CAUSAL),
        .q_start = q_start,
        .k_start = k_start,
        .ldq = s[5] * s[7] + gap,
        .ldk = s[6] * s[7] + gap,
        .ldv = s[6] * s[7] + 2 * gap,
        .bias_q = s[1],
        .bias_k = s[3],
        .scale = 1 / sqrt((double)s[7]),
        .type = kit_type(t, ACT),
    };

    n->rows_q = q_start[n_seq];
    n->rows_k = k_start[n_seq];
    a.q = kit_in(t, ACT, n->rows_q * a.ldq, (double)s[9]);
    a.k = kit_in(t, ACT, n->rows_k * a.ldk, 1);
    a.v = kit_in(t, ACT, n->rows_k * a.ldv, 1);
    a.bias = s[8] & BIAS ? kit_in(t, WIDE, s[5] * a.bias_q * a.bias_k, 1) : NULL;
    if (s[8] & MASK)
        a.bias = masked(t, (void *)a.bias, s[5] * a.bias_q, a.bias_q, a.bias_k);
    return a;
}

static void attention(struct kit *t)
{
    struct sizes n;
    struct k_attention a = forward_args(t, &n);

    a.o = kit_out(t, "o", ACT, n.rows_q * a.heads * a.head_dim);
    a.lse = t->s[8] & NO_LSE ? NULL : kit_out(t, "lse", WIDE, n.rows_q * a.heads);
    t->k->attention(t->kc, &a);
}

static void attention_bwd(struct kit *t)
{
    struct sizes n;
    struct k_attention_bwd b = {.f = forward_args(t, &n)};
    int64_t n_q = n.rows_q * b.f.heads * b.f.head_dim, n_k = n.rows_k * b.f.kv_heads * b.f.head_dim;

    b.f.o = kit_work(t, ACT, n_q);
    b.f.lse = kit_work(t, WIDE, n.rows_q * b.f.heads);
    t->k->attention(t->kc, &b.f);
    b.d_o = kit_in(t, ACT, n_q, 1);
    b.dq = kit_out(t, "dq", ACT, n_q);
    b.dk = kit_out(t, "dk", ACT, n_k);
    b.dv = kit_out(t, "dv", ACT, n_k);
    if (b.f.bias)
        b.dbias = kit_io(t, "dbias", WIDE, b.f.heads * b.f.bias_q * b.f.bias_k, 1);
    t->k->attention_bwd(t->kc, &b);
}

KERNEL_ROW(attention, attention, shapes, DATA_SOFT, 0, 1e-5, 1e-2, 1e-5)
KERNEL_ROW(attention_bwd, attention_bwd, shapes, DATA_SOFT, 0, 1e-5, 1e-2, 1e-2)
