/* attention.c - softmax attention, one query row at a time.
 *
 * s_ij = scale q_i k_j + bias_ij over the keys j that i may see, lse_i = log sum_j exp(s_ij),
 * p_ij = exp(s_ij - lse_i), o_i = sum_j p_ij v_j. Backward: dv_j = sum_i p_ij do_i,
 * ds_ij = p_ij (do_i v_j - sum_j p_ij do_i v_j), dq_i = scale sum_j ds_ij k_j, dk_j = scale sum_i
 * ds_ij q_i, dbias_ij = ds_ij. A row that sees no key (none there, or all biases -inf) has o = 0,
 * lse = -inf. With int8 rows of q and k are what bytes hold of them. */
#include "kern/c/c.h"

#include <math.h>
#include <string.h>

#include "kern/quantise.h"

enum { QUERY_ROWS = 64 };

/* Sequence and head of one piece of work, with the keys as columns: kt[d*nk + j]. */
struct piece {
    const struct k_attention *a;
    int64_t q0, nq, k0, nk;
    int head, kv_head;
    double *kt, *q, *p; /* [head_dim, nk], [head_dim], [nk] */
    float *bytes;       /* of int8: room for a row on its way, [2 head_dim] */
};

/* A row as bytes hold it. */
static void through_bytes(double *x, const struct piece *w)
{
    int64_t n = w->a->head_dim;
    int8_t *q = (int8_t *)(w->bytes + n);
    struct quant_row row;

    if (n < 1)
        return;
    for (int64_t i = 0; i < n; i++)
        w->bytes[i] = (float)x[i];
    row = quant_whole(q, w->bytes, DT_F32, n);
    for (int64_t i = 0; i < n; i++)
        x[i] = (double)q[i] * row.scale;
}

/* The keys of kt less their means, as bytes hold them; line [head_dim]. */
static void keys_through_bytes(const struct piece *w, double *line)
{
    int64_t dim = w->a->head_dim, n = w->nk;

    for (int64_t d = 0; d < dim && n; d++) {
        double *k = w->kt + d * n;
        float mean = 0;

        for (int64_t j = 0; j < n; j++)
            mean += (float)k[j];
        mean /= (float)n;
        for (int64_t j = 0; j < n; j++)
            k[j] = (float)k[j] - mean;
    }
    for (int64_t j = 0; j < n; j++) {
        for (int64_t d = 0; d < dim; d++)
            line[d] = w->kt[d * n + j];
        through_bytes(line, w);
        for (int64_t d = 0; d < dim; d++)
            w->kt[d * n + j] = line[d];
    }
}

static void load_columns(double *out, const struct piece *w, const void *src, int64_t ld,
                         double *line)
{
    int64_t dim = w->a->head_dim;

    for (int64_t j = 0; j < w->nk; j++) {
        load(line, src, w->a->type, (w->k0 + j) * ld + w->kv_head * dim, dim);
        for (int64_t d = 0; d < dim; d++)
            out[d * w->nk + j] = line[d];
    }
}

static struct piece piece_of(const struct k_attention *a, int64_t seq, int head)
{
    return (struct piece){
        .a = a,
        .q0 = a->q_start[seq],
        .nq = a->q_start[seq + 1] - a->q_start[seq],
        .k0 = a->k_start[seq],
        .nk = a->k_start[seq + 1] - a->k_start[seq],
        .head = head,
        .kv_head = head / (a->heads / a->kv_heads),
    };
}

/* out[j] = sum over d of x[d] columns[d, j], for the first `seen` of n columns. */
static void dot_columns(double *restrict out, const double *restrict x,
                        const double *restrict columns, int64_t dim, int64_t n, int64_t seen)
{
    memset(out, 0, (size_t)seen * sizeof *out);
    for (int64_t d = 0; d < dim; d++)
        for (int64_t j = 0; j < seen; j++)
            out[j] += x[d] * columns[d * n + j];
}

/* Load q_i and make p[0..seen-1] the scores of query i of the sequence. Returns seen. */
static int64_t scores(struct piece *w, int64_t i)
{
    const struct k_attention *a = w->a;
    int64_t seen = a->causal && i + 1 < w->nk ? i + 1 : w->nk;
    int64_t bias_row = (w->head * a->bias_q + i) * a->bias_k;

    load(w->q, a->q, a->type, (w->q0 + i) * a->ldq + (int64_t)w->head * a->head_dim, a->head_dim);
    if (a->int8)
        through_bytes(w->q, w);
    dot_columns(w->p, w->q, w->kt, a->head_dim, w->nk, seen);
    for (int64_t j = 0; j < seen; j++) {
        w->p[j] *= a->scale;
        if (a->bias)
            w->p[j] += load1(a->bias, wide_of(a->type), bias_row + j);
    }
    return seen;
}

/* Scores become probabilities; returns the log of the sum of their exponentials. */
static double softmax(double *p, int64_t n)
{
    double max = -INFINITY, sum = 0;

    for (int64_t j = 0; j < n; j++)
        if (!(p[j] <= max)) /* a NaN is kept */
            max = p[j];
    if (max == -INFINITY) {
        memset(p, 0, (size_t)n * sizeof *p);
        return max;
    }
    for (int64_t j = 0; j < n; j++)
        sum += p[j] = exp(p[j] - max);
    for (int64_t j = 0; j < n; j++)
        p[j] /= sum;
    return max + log(sum);
}

/* out[d] = sum over j of p[j] rows[j, d]. */
static void add_rows(double *restrict out, const double *restrict p, const double *restrict rows,
                     int64_t dim, int64_t n)
{
    memset(out, 0, (size_t)dim * sizeof *out);
    for (int64_t j = 0; j < n; j++)
        for (int64_t d = 0; d < dim; d++)
            out[d] += p[j] * rows[j * dim + d];
}

/* v [nk, head_dim], o [head_dim]. */
static void attention_rows(struct piece *w, const double *v, double *o, int64_t begin, int64_t end)
{
    const struct k_attention *a = w->a;
    int64_t dim = a->head_dim, ldo = a->heads * dim;

    for (int64_t i = begin; i < end; i++) {
        int64_t seen = scores(w, i);
        double lse = softmax(w->p, seen);

        add_rows(o, w->p, v, dim, seen);
        store(a->o, a->type, (w->q0 + i) * ldo + w->head * dim, dim, o);
        if (a->lse)
            store(a->lse, wide_of(a->type), (w->q0 + i) * a->heads + w->head, 1, &lse);
    }
}

static int64_t longest(const int64_t *start, int n)
{
    int64_t most = 0;

    for (int s = 0; s < n; s++)
        most = start[s + 1] - start[s] > most ? start[s + 1] - start[s] : most;
    return most;
}

/* Keys and values as columns, a query, a result, a row of probabilities, and one of bytes. */
static size_t attention_room(size_t dim, size_t keys)
{
    return (2 * keys * dim + 3 * dim + keys) * sizeof(double);
}

/* One item is a block of queries of one head of one sequence. */
static void attention_range(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_attention *a = arg;
    int64_t blocks = (longest(a->q_start, a->n_seq) + QUERY_ROWS - 1) / QUERY_ROWS;

    for (int64_t t = begin; t < end; t++) {
        int64_t block = t % blocks, head = t / blocks % a->heads;
        struct piece w = piece_of(a, t / blocks / a->heads, (int)head);
        int64_t row = block * QUERY_ROWS, last = row + QUERY_ROWS < w.nq ? row + QUERY_ROWS : w.nq;
        size_t dim = (size_t)a->head_dim, keys = dim * (size_t)w.nk;
        double *v, *o;

        if (row >= w.nq)
            continue;
        w.kt = kcx_scratch(kc, worker, attention_room(dim, (size_t)w.nk));
        v = w.kt + keys;
        o = v + keys;
        w.q = o + dim;
        w.p = w.q + dim;
        w.bytes = (float *)(w.p + w.nk);
        load_columns(w.kt, &w, a->k, a->ldk, w.q);
        if (a->int8)
            keys_through_bytes(&w, w.q);
        for (int64_t j = 0; j < w.nk; j++)
            load(v + j * a->head_dim, a->v, a->type,
                 (w.k0 + j) * a->ldv + (int64_t)w.kv_head * a->head_dim, a->head_dim);
        attention_rows(&w, v, o, row, last);
    }
}

void attention_c(struct kcx *kc, struct k_attention *a)
{
    int64_t blocks = (longest(a->q_start, a->n_seq) + QUERY_ROWS - 1) / QUERY_ROWS;
    size_t dim = (size_t)a->head_dim, keys = (size_t)longest(a->k_start, a->n_seq);

    ZT_ASSERT(!a->int8 || !a->lse);
    (void)kcx_reserve(kc, a->n_seq * blocks * a->heads, attention_room(dim, keys), 0);
    split(kc, a->n_seq * blocks * a->heads, 1, attention_range, a);
}

/* Sums over the queries of all heads that share one KV head. */
struct key_grads {
    double *vt, *dkt, *dvt; /* [head_dim, nk] */
    double *g, *dp;         /* do_i or dq_i [head_dim]; do_i v_j, then ds_ij [nk] */
};

static void attention_bwd_row(const struct k_attention_bwd *b, struct piece *w, struct key_grads *g,
                              int64_t i)
{
    const struct k_attention *a = w->a;
    int64_t dim = a->head_dim, n = w->nk, seen = scores(w, i);
    int64_t at = (w->q0 + i) * a->heads * dim + w->head * dim;
    double lse = load1(a->lse, wide_of(a->type), (w->q0 + i) * a->heads + w->head), mean = 0;

    load(g->g, b->d_o, a->type, at, dim);
    dot_columns(g->dp, g->g, g->vt, dim, n, seen);
    for (int64_t j = 0; j < seen; j++) {
        w->p[j] = lse == -INFINITY ? 0 : exp(w->p[j] - lse);
        mean += w->p[j] * g->dp[j];
    }
    for (int64_t d = 0; d < dim; d++)
        for (int64_t j = 0; j < seen; j++)
            g->dvt[d * n + j] += w->p[j] * g->g[d];
    for (int64_t j = 0; j < seen; j++)
        g->dp[j] = w->p[j] * (g->dp[j] - mean);
    for (int64_t d = 0; d < dim; d++) {
        double sum = 0;

        for (int64_t j = 0; j < seen; j++) {
            sum += g->dp[j] * w->kt[d * n + j];
            g->dkt[d * n + j] += a->scale * g->dp[j] * w->q[d];
        }
        g->g[d] = a->scale * sum;
    }
    store(b->dq, a->type, at, dim, g->g);
    if (b->dbias)
        store_add(b->dbias, wide_of(a->type), (w->head * a->bias_q + i) * a->bias_k, seen, g->dp);
}

static void store_columns(void *dst, enum dtype type, const struct piece *w, const double *columns,
                          double *line)
{
    int64_t dim = w->a->head_dim;

    for (int64_t j = 0; j < w->nk; j++) {
        for (int64_t d = 0; d < dim; d++)
            line[d] = columns[d * w->nk + j];
        store(dst, type, ((w->k0 + j) * w->a->kv_heads + w->kv_head) * dim, dim, line);
    }
}

/* All that one KV head of one sequence takes part in: its dk and dv have one owner. */
static void attention_bwd_owner(struct kcx *kc, const struct k_attention_bwd *b, int64_t seq,
                                int kv_head, int worker)
{
    const struct k_attention *a = &b->f;
    int group = a->heads / a->kv_heads;
    struct piece w = piece_of(a, seq, kv_head * group);
    size_t dim = (size_t)a->head_dim, keys = dim * (size_t)w.nk;
    struct key_grads g;

    w.kt = kcx_scratch(kc, worker, (4 * keys + 2 * dim + 2 * (size_t)w.nk) * sizeof(double));
    g.vt = w.kt + keys;
    g.dkt = g.vt + keys;
    g.dvt = g.dkt + keys;
    w.q = g.dvt + keys;
    g.g = w.q + dim;
    w.p = g.g + dim;
    g.dp = w.p + w.nk;
    load_columns(w.kt, &w, a->k, a->ldk, w.q);
    load_columns(g.vt, &w, a->v, a->ldv, w.q);
    memset(g.dkt, 0, 2 * keys * sizeof(double));
    for (w.head = kv_head * group; w.head < (kv_head + 1) * group; w.head++)
        for (int64_t i = 0; i < w.nq; i++)
            attention_bwd_row(b, &w, &g, i);
    store_columns(b->dk, a->type, &w, g.dkt, w.q);
    store_columns(b->dv, a->type, &w, g.dvt, w.q);
}

/* A gradient of the bias sums over the sequences, so then one owner takes a KV head of them all. */
static void attention_bwd_range(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_attention_bwd *b = arg;
    int n = b->f.n_seq;

    for (int64_t t = begin; t < end; t++) {
        if (!b->dbias)
            attention_bwd_owner(kc, b, t % n, (int)(t / n), worker);
        for (int s = 0; b->dbias && s < n; s++)
            attention_bwd_owner(kc, b, s, (int)t, worker);
    }
}

void attention_bwd_c(struct kcx *kc, struct k_attention_bwd *b)
{
    int64_t items = b->f.kv_heads * (b->dbias ? 1 : (int64_t)b->f.n_seq);

    split(kc, items, 1, attention_bwd_range, b);
}
