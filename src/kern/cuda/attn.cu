/* attn.cu - attention by products of whole matrices, as in kern/c/attention.c.
 *
 * A chunk is a run of sequences of like length: q, k, v of its heads are packed into matrices of
 * one size [sequence, head, length, head_dim] with zeros behind short sequences, so that one
 * strided product makes all scores, and scores that nobody may see become probabilities of zero.
 * The heads that share a KV head lie one after another, so they are more rows of one matrix and the
 * sums of dk and dv over them are part of a product. Scores are made in pieces of a bounded size:
 * some (sequence, KV head) items whole, or some rows of one item. All sums have a fixed order. */
#include "kern/cuda/gemm.h"
#include "kern/cuda/launch.h"
#include "kern/cuda/sdpa.h"

enum { MOST_SEQUENCES = PIECE(128, 3), KEY_GRAIN = 8, SMALL_SCORES = PIECE(32768, 512) };
static const int64_t SCORES = PIECE(64 << 20, 3000); /* f32 elements that stand at one time */

/* Part of every launch, so no index arrays have to travel: rows of the chunk's sequences, counted
 * from its first. Below 4 KiB in all. */
struct chunk {
    int n, heads, kv_heads, group, dim;
    int nq, nk; /* padded lengths */
    int q[MOST_SEQUENCES + 1], k[MOST_SEQUENCES + 1];
};

/* The items and rows of a piece of the scores [n_items, rows, nk]. */
struct piece {
    int item, n_items, row, rows;
};

/* A query of the piece, and the keys that it sees. */
struct query {
    int head, i, seen;
    int64_t row; /* among those of the chunk; -1: behind the end of its sequence */
};

__device__ static inline query query_of(const chunk &c, const piece &p, int64_t at, int causal)
{
    int item = p.item + (int)(at / p.rows), r = p.row + (int)(at % p.rows);
    int s = item / c.kv_heads, n_q = c.q[s + 1] - c.q[s], n_k = c.k[s + 1] - c.k[s];
    query q = {item % c.kv_heads * c.group + r / c.nq, r % c.nq, 0, -1};

    if (q.i < n_q) {
        q.seen = causal && q.i + 1 < n_k ? q.i + 1 : n_k;
        q.row = c.q[s] + q.i;
    }
    return q;
}

__device__ static float team_max(float v, int team)
{
    __shared__ float part[BLOCK / 32];

    v = warp_max(v);
    if (team == 32)
        return v;
    __syncthreads(); /* the maximum before this one has been read */
    if (threadIdx.x % 32 == 0)
        part[threadIdx.x / 32] = v;
    __syncthreads();
    v = part[0];
    for (int i = 1; i < BLOCK / 32; i++)
        v = fmaxf(v, part[i]);
    return v;
}

/* Rows of the tensors <-> the packed matrices. One thread moves V elements; z is the sequence, y
 * the head. */
struct rows {
    int keys; /* of k and v, not of q */
    int64_t ld;
};

template <typename T, int V> __global__ static void pack_rows(T *to, const T *from, chunk c, rows r)
{
    int len = r.keys ? c.nk : c.nq, heads = r.keys ? c.kv_heads : c.heads, units = c.dim / V;
    int t = (int)blockIdx.x * BLOCK + (int)threadIdx.x, i = t / units, d = t % units * V;
    int s = (int)blockIdx.z, h = (int)blockIdx.y;
    int first = r.keys ? c.k[s] : c.q[s], end = r.keys ? c.k[s + 1] : c.q[s + 1];
    float v[V] = {};

    if (i >= len)
        return;
    if (first + i < end)
        load(v, from + (first + i) * r.ld + (int64_t)h * c.dim + d);
    store(to + (((int64_t)s * heads + h) * len + i) * c.dim + d, v);
}

/* from == NULL: zeros. */
template <typename S, typename D, int V>
__global__ static void unpack_rows(D *to, const S *from, chunk c, rows r)
{
    int len = r.keys ? c.nk : c.nq, heads = r.keys ? c.kv_heads : c.heads, units = c.dim / V;
    int t = (int)blockIdx.x * BLOCK + (int)threadIdx.x, i = t / units, d = t % units * V;
    int s = (int)blockIdx.z, h = (int)blockIdx.y;
    int first = r.keys ? c.k[s] : c.q[s], end = r.keys ? c.k[s + 1] : c.q[s + 1];
    float v[V] = {};

    if (first + i >= end)
        return;
    if (from)
        load(v, from + (((int64_t)s * heads + h) * len + i) * c.dim + d);
    store(to + (first + i) * r.ld + (int64_t)h * c.dim + d, v);
}

/* What a row of scores needs besides the scores. lse [rows of q, heads]. */
struct row_args {
    int causal, team;
    const float *bias;
    int64_t bias_q, bias_k;
    float *lse;
};

__device__ static inline const float *bias_row(const row_args &a, const query &q)
{
    return a.bias ? a.bias + (q.head * a.bias_q + q.i) * a.bias_k : NULL;
}

/* Scores become probabilities; p may be s. A row that sees nothing, or only -inf, is zero with lse
 * -inf; a NaN makes all of its row NaN. */
template <typename T>
__global__ static void softmax_rows(T *p, const float *s, chunk c, piece pc, row_args a)
{
    int64_t at = team_row(a.team);
    int rank = team_rank(a.team);
    float most = -INFINITY, sum = 0, base;

    if (at >= (int64_t)pc.n_items * pc.rows)
        return;
    query q = query_of(c, pc, at, a.causal);
    const float *bias = bias_row(a, q);

    s += at * c.nk;
    p += at * c.nk;
    for (int j = rank; j < q.seen; j += a.team)
        most = fmaxf(most, bias ? s[j] + bias[j] : s[j]);
    most = team_max(most, a.team);
    base = most == -INFINITY ? 0 : most;
    for (int j = rank; j < q.seen; j += a.team)
        sum += expf((bias ? s[j] + bias[j] : s[j]) - base);
    sum = team_sum(sum, a.team);
    for (int j = rank; j < c.nk; j += a.team) {
        float v = 0;

        if (j < q.seen && sum != 0)
            v = expf((bias ? s[j] + bias[j] : s[j]) - base) / sum;
        from_f32(&p[j], v);
    }
    if (rank == 0 && a.lse && q.row >= 0)
        a.lse[q.row * c.heads + q.head] = sum == 0 ? -INFINITY : base + logf(sum);
}

/* From scores s and dp = do v^T: probabilities p again, and ds = p (dp - sum p dp). p may be s, ds
 * may be dp; keep: dp becomes ds in f32 as well, for the gradient of the bias. */
template <typename T>
__global__ static void softmax_bwd_rows(T *p, T *ds, const float *s, float *dp, int keep, chunk c,
                                        piece pc, row_args a)
{
    int64_t at = team_row(a.team);
    int rank = team_rank(a.team);
    float mean = 0, lse = -INFINITY;

    if (at >= (int64_t)pc.n_items * pc.rows)
        return;
    query q = query_of(c, pc, at, a.causal);
    const float *bias = bias_row(a, q);

    s += at * c.nk;
    dp += at * c.nk;
    p += at * c.nk;
    ds += at * c.nk;
    if (q.row >= 0)
        lse = a.lse[q.row * c.heads + q.head];
    if (lse == -INFINITY)
        q.seen = 0;
    for (int j = rank; j < q.seen; j += a.team)
        mean += expf((bias ? s[j] + bias[j] : s[j]) - lse) * dp[j];
    mean = team_sum(mean, a.team);
    for (int j = rank; j < c.nk; j += a.team) {
        float v = 0, g = 0;

        if (j < q.seen) {
            v = expf((bias ? s[j] + bias[j] : s[j]) - lse);
            g = v * (dp[j] - mean);
        }
        from_f32(&p[j], v);
        if (keep)
            dp[j] = g;
        from_f32(&ds[j], g);
    }
}

/* dbias[h,i,j] += the ds of all sequences of the piece, in their order. */
__global__ static void sum_bias(float *dbias, const float *ds, chunk c, piece pc, row_args a)
{
    int64_t across = a.bias_k < c.nk ? a.bias_k : c.nk;
    int64_t down = a.bias_q < c.nq ? a.bias_q : c.nq;
    int64_t t = (int64_t)blockIdx.x * BLOCK + threadIdx.x;
    int h = (int)blockIdx.y, r = h % c.group * c.nq + (int)(t / across) - pc.row;
    float sum = 0;

    if (t >= down * across || r < 0 || r >= pc.rows)
        return;
    for (int s = 0; s < c.n; s++) {
        int item = s * c.kv_heads + h / c.group - pc.item;

        if (item >= 0 && item < pc.n_items)
            sum += ds[((int64_t)item * pc.rows + r) * c.nk + t % across];
    }
    dbias[(h * a.bias_q + t / across) * a.bias_k + t % across] += sum;
}

/* ---- chunks and pieces ---- */

static int larger(int64_t a, int64_t b)
{
    return (int)(a > b ? a : b);
}

static int64_t length(const int64_t *start, int s)
{
    return start[s + 1] - start[s];
}

/* Whether sequences of n_q x n_k pairs each may be padded to nq x nk: a quarter more work, or small
 * matrices, where launches cost more than zeros. */
static bool worth_padding(int64_t padded, int64_t pairs, int64_t one)
{
    return 4 * padded <= 5 * pairs || (one <= SMALL_SCORES && padded <= 4 * pairs);
}

/* The chunk that begins with sequence `first`. */
static chunk chunk_from(const struct k_attention *a, int first)
{
    chunk c = {0, a->heads, a->kv_heads, a->heads / a->kv_heads, a->head_dim, 0, 0, {0}, {0}};
    int64_t pairs = 0;

    while (c.n < MOST_SEQUENCES && first + c.n < a->n_seq) {
        int64_t n_q = length(a->q_start, first + c.n), n_k = length(a->k_start, first + c.n);
        int nq = larger(c.nq, n_q), nk = larger(c.nk, pieces(n_k, KEY_GRAIN) * KEY_GRAIN);
        bool equal = n_q == c.nq && nk == c.nk;

        pairs += n_q * (pieces(n_k, KEY_GRAIN) * KEY_GRAIN);
        if (c.n > 0 && !equal &&
            !worth_padding((int64_t)(c.n + 1) * nq * nk, pairs, (int64_t)nq * nk))
            break;
        c.nq = nq;
        c.nk = nk;
        c.n++;
        c.q[c.n] = (int)(a->q_start[first + c.n] - a->q_start[first]);
        c.k[c.n] = (int)(a->k_start[first + c.n] - a->k_start[first]);
    }
    return c;
}

/* Rows of one item. */
static int64_t item_rows(const chunk *c)
{
    return (int64_t)c->group * c->nq;
}

/* The piece after p; the first one after {}. n_items = 0: no more. */
static piece next_piece(const chunk *c, piece p, int64_t scores)
{
    int64_t rows = item_rows(c), items = (int64_t)c->n * c->kv_heads;
    int64_t step = c->nk ? scores / c->nk : rows * items;

    p.row += p.rows;
    if (p.row >= rows || p.rows == 0) {
        p.item += p.n_items;
        p.row = 0;
    }
    step = step > 0 ? step : 1;
    p.rows = (int)at_most(rows - p.row, step);
    p.n_items = (int)at_most(items - p.item, p.rows == rows ? step / rows : 1);
    return p;
}

static int64_t piece_elements(const chunk *c, piece p)
{
    return (int64_t)p.n_items * p.rows * c->nk;
}

/* ---- packing ---- */

static int64_t packed_elements(const chunk *c, int keys)
{
    return (int64_t)c->n * c->dim *
           (keys ? (int64_t)c->kv_heads * c->nk : (int64_t)c->heads * c->nq);
}

static int whole_packs(const chunk *c, const void *p, enum dtype type, int64_t ld, int v)
{
    return c->dim % v == 0 && ld % v == 0 && packs(p, dtype_bytes(type), v);
}

static grid packed_grid(const chunk *c, int keys, int v)
{
    int64_t units = (int64_t)(keys ? c->nk : c->nq) * (c->dim / v);

    if (units > INT32_MAX - BLOCK)
        BUG("attention: a head of %lld units", (long long)units);
    return grid(pieces(units, BLOCK), keys ? c->kv_heads : c->heads, c->n);
}

/* Rows first.. of a tensor into the packed matrix of a slot; NULL after a failure. */
static void *packed(struct kcx *kc, int slot, const chunk *c, int keys, const void *from,
                    enum dtype type, int64_t first, int64_t ld)
{
    void *to = cuda_scratch(kc, slot, (size_t)packed_elements(c, keys) * dtype_bytes(type));
    rows r = {keys, ld};

    from = moved(from, type, first * ld);
    if (!to)
        return NULL;
    BY_TYPE(type, T, {
        if (whole_packs(c, from, type, ld, PACK))
            LAUNCH(kc, (pack_rows<T, PACK>), packed_grid(c, keys, PACK), BLOCK, (T *)to,
                   (const T *)from, *c, r);
        else
            LAUNCH(kc, (pack_rows<T, 1>), packed_grid(c, keys, 1), BLOCK, (T *)to, (const T *)from,
                   *c, r);
    });
    return to;
}

/* And back, into rows first.. of a dense tensor; from == NULL: zeros. */
static void unpack(struct kcx *kc, const chunk *c, int keys, void *to, enum dtype type,
                   int64_t first, const void *from, enum dtype from_type)
{
    rows r = {keys, (int64_t)(keys ? c->kv_heads : c->heads) * c->dim};

    to = moved(to, type, first * r.ld);
    BY_TYPE(from_type, S, BY_TYPE(type, D, {
                if (whole_packs(c, to, type, r.ld, PACK))
                    LAUNCH(kc, (unpack_rows<S, D, PACK>), packed_grid(c, keys, PACK), BLOCK,
                           (D *)to, (const S *)from, *c, r);
                else
                    LAUNCH(kc, (unpack_rows<S, D, 1>), packed_grid(c, keys, 1), BLOCK, (D *)to,
                           (const S *)from, *c, r);
            }));
}

/* ---- products of a piece ---- */

/* A matrix per item: [rows, cols], where items lie `stride` apart. */
struct matrices {
    const void *at;
    int64_t ld, stride;
};

static matrices queries(const chunk *c, const void *packed, enum dtype type, piece p)
{
    int64_t at = p.item * item_rows(c) + p.row;

    return {moved(packed, type, at * c->dim), c->dim, item_rows(c) * c->dim};
}

static matrices keys_of(const chunk *c, const void *packed, enum dtype type, piece p)
{
    return {moved(packed, type, (int64_t)p.item * c->nk * c->dim), c->dim, (int64_t)c->nk * c->dim};
}

static matrices scores_of(const chunk *c, const void *scores, piece p)
{
    return {scores, c->nk, (int64_t)p.rows * c->nk};
}

static struct cuda_gemm batch(piece p, enum dtype type, matrices a, matrices b, enum dtype c_type,
                              matrices c, float alpha)
{
    struct cuda_gemm g = {};

    g.batch = p.n_items;
    g.type = type;
    g.a = a.at;
    g.lda = a.ld;
    g.stride_a = a.stride;
    g.b = b.at;
    g.ldb = b.ld;
    g.stride_b = b.stride;
    g.c_type = c_type;
    g.c = (void *)c.at;
    g.ldc = c.ld;
    g.stride_c = c.stride;
    g.alpha = alpha;
    return g;
}

/* scores[rows, nk] = alpha x y^T */
static void rows_by_keys(struct kcx *kc, const chunk *c, piece p, enum dtype type, const void *x,
                         const void *y, float *scores, float alpha)
{
    struct cuda_gemm g = batch(p, type, queries(c, x, type, p), keys_of(c, y, type, p), DT_F32,
                               scores_of(c, scores, p), alpha);

    g.m = p.rows;
    g.n = c->nk;
    g.k = c->dim;
    g.b_t = 1;
    cuda_gemm(kc, &g);
}

/* out[rows, dim] = alpha weights[rows, nk] y[nk, dim] */
static void weighted_keys(struct kcx *kc, const chunk *c, piece p, enum dtype type,
                          const void *weights, const void *y, void *out, float alpha)
{
    struct cuda_gemm g = batch(p, type, scores_of(c, weights, p), keys_of(c, y, type, p), type,
                               queries(c, out, type, p), alpha);

    g.m = p.rows;
    g.n = c->dim;
    g.k = c->nk;
    cuda_gemm(kc, &g);
}

/* sum[nk, dim] (+)= alpha weights[rows, nk]^T x[rows, dim]: the first rows of an item begin it. */
static void weighted_rows(struct kcx *kc, const chunk *c, piece p, enum dtype type,
                          const void *weights, const void *x, float *sum, float alpha)
{
    struct cuda_gemm g = batch(p, type, scores_of(c, weights, p), queries(c, x, type, p), DT_F32,
                               keys_of(c, sum, DT_F32, p), alpha);

    g.m = c->nk;
    g.n = c->dim;
    g.k = p.rows;
    g.a_t = 1;
    g.add = p.row > 0;
    cuda_gemm(kc, &g);
}

/* ---- forward ---- */

static row_args row_args_of(const struct k_attention *a, const chunk *c, int first)
{
    float *lse = (float *)a->lse;

    return {a->causal, team_of(c->nk), (const float *)a->bias,
            a->bias_q, a->bias_k,      lse ? lse + a->q_start[first] * a->heads : NULL};
}

static void probabilities(struct kcx *kc, const struct k_attention *a, const chunk *c, int first,
                          piece p, void *out, const float *scores)
{
    row_args r = row_args_of(a, c, first);

    BY_TYPE(a->type, T,
            LAUNCH(kc, softmax_rows<T>, team_blocks((int64_t)p.n_items * p.rows, r.team), BLOCK,
                   (T *)out, scores, *c, p, r));
}

static void attention_chunk(struct kcx *kc, const struct k_attention *a, const chunk *c, int first)
{
    int64_t q0 = a->q_start[first], k0 = a->k_start[first];
    piece p = next_piece(c, {}, SCORES);
    size_t most = (size_t)piece_elements(c, p);
    void *q, *k, *v, *o, *probs;
    float *scores;

    if (c->nk == 0) { /* only lse = -inf and o = 0 */
        probabilities(kc, a, c, first, p, NULL, NULL);
        unpack(kc, c, 0, a->o, a->type, q0, NULL, a->type);
        return;
    }
    q = packed(kc, SLOT_Q, c, 0, a->q, a->type, q0, a->ldq);
    k = packed(kc, SLOT_KEYS, c, 1, a->k, a->type, k0, a->ldk);
    v = packed(kc, SLOT_VALUES, c, 1, a->v, a->type, k0, a->ldv);
    o = cuda_scratch(kc, SLOT_OUT, (size_t)packed_elements(c, 0) * dtype_bytes(a->type));
    scores = (float *)cuda_scratch(kc, SLOT_SCORES, most * sizeof(float));
    probs = a->type == DT_F32 ? scores : cuda_scratch(kc, SLOT_P, most * dtype_bytes(a->type));
    if (!q || !k || !v || !o || !scores || !probs)
        return;
    for (; p.n_items > 0; p = next_piece(c, p, SCORES)) {
        rows_by_keys(kc, c, p, a->type, q, k, scores, (float)a->scale);
        probabilities(kc, a, c, first, p, probs, scores);
        weighted_keys(kc, c, p, a->type, probs, v, o, 1);
    }
    unpack(kc, c, 0, a->o, a->type, q0, o, a->type);
}

static void check(const struct k_attention *a)
{
    if (a->type != DT_F32 && a->type != DT_BF16)
        BUG("attention: %s on a GPU", dtype_name(a->type));
}

/* Sequences from `first` on that are as long as it. */
static int equal_run(const struct k_attention *a, int first)
{
    int n = 1;

    while (first + n < a->n_seq && length(a->q_start, first + n) == length(a->q_start, first) &&
           length(a->k_start, first + n) == length(a->k_start, first))
        n++;
    return n;
}

void attention_cuda(struct kcx *kc, struct k_attention *a)
{
    check(a);
    for (int s = 0; s < a->n_seq;) {
        int done = sdpa_forward(kc, a, s, equal_run(a, s));

        if (done) {
            s += done;
            continue;
        }
        chunk c = chunk_from(a, s);

        if (c.nq > 0)
            attention_chunk(kc, a, &c, s);
        s += c.n;
    }
}

/* ---- backward ---- */

/* Scratch of a chunk. For f32, p is s and ds is dp. */
struct bwd {
    void *q, *k, *v, *d_o, *dq, *p, *ds;
    float *s, *dp, *dk, *dv;
};

static bool bwd_scratch(struct kcx *kc, const struct k_attention_bwd *b, const chunk *c, int first,
                        size_t most, bwd *w)
{
    const struct k_attention *a = &b->f;
    int64_t q0 = a->q_start[first], k0 = a->k_start[first], ldo = (int64_t)a->heads * a->head_dim;
    size_t size = dtype_bytes(a->type), keys = (size_t)packed_elements(c, 1);

    w->q = packed(kc, SLOT_Q, c, 0, a->q, a->type, q0, a->ldq);
    w->k = packed(kc, SLOT_KEYS, c, 1, a->k, a->type, k0, a->ldk);
    w->v = packed(kc, SLOT_VALUES, c, 1, a->v, a->type, k0, a->ldv);
    w->d_o = packed(kc, SLOT_OUT, c, 0, b->d_o, a->type, q0, ldo);
    w->dq = cuda_scratch(kc, SLOT_DQ, (size_t)packed_elements(c, 0) * size);
    w->dk = (float *)cuda_scratch(kc, SLOT_DKEYS, 2 * keys * sizeof(float));
    w->dv = w->dk ? w->dk + keys : NULL;
    w->s = (float *)cuda_scratch(kc, SLOT_SCORES, most * sizeof(float));
    w->dp = (float *)cuda_scratch(kc, SLOT_DP, most * sizeof(float));
    w->p = a->type == DT_F32 ? w->s : cuda_scratch(kc, SLOT_P, most * size);
    w->ds = a->type == DT_F32 ? w->dp : cuda_scratch(kc, SLOT_DS, most * size);
    return w->q && w->k && w->v && w->d_o && w->dq && w->dk && w->s && w->dp && w->p && w->ds;
}

static void bwd_piece(struct kcx *kc, const struct k_attention_bwd *b, const chunk *c, int first,
                      piece p, const bwd *w)
{
    const struct k_attention *a = &b->f;
    row_args r = row_args_of(a, c, first);
    float scale = (float)a->scale;
    int64_t pairs = at_most(a->bias_q, c->nq) * at_most(a->bias_k, c->nk);

    rows_by_keys(kc, c, p, a->type, w->q, w->k, w->s, scale);
    rows_by_keys(kc, c, p, a->type, w->d_o, w->v, w->dp, 1);
    BY_TYPE(a->type, T,
            LAUNCH(kc, softmax_bwd_rows<T>, team_blocks((int64_t)p.n_items * p.rows, r.team), BLOCK,
                   (T *)w->p, (T *)w->ds, w->s, w->dp, b->dbias != NULL, *c, p, r));
    if (b->dbias)
        LAUNCH(kc, sum_bias, grid(pieces(pairs, BLOCK), a->heads), BLOCK, (float *)b->dbias, w->dp,
               *c, p, r);
    weighted_rows(kc, c, p, a->type, w->p, w->d_o, w->dv, 1);
    weighted_rows(kc, c, p, a->type, w->ds, w->q, w->dk, scale);
    weighted_keys(kc, c, p, a->type, w->ds, w->k, w->dq, scale);
}

static void bwd_chunk(struct kcx *kc, const struct k_attention_bwd *b, const chunk *c, int first)
{
    const struct k_attention *a = &b->f;
    int64_t q0 = a->q_start[first], k0 = a->k_start[first];
    piece p = next_piece(c, {}, SCORES / 2);
    bwd w = {};

    if (c->nq > 0 && c->nk > 0) {
        if (!bwd_scratch(kc, b, c, first, (size_t)piece_elements(c, p), &w))
            return;
        for (; p.n_items > 0; p = next_piece(c, p, SCORES / 2))
            bwd_piece(kc, b, c, first, p, &w);
    }
    unpack(kc, c, 0, b->dq, a->type, q0, w.dq, a->type);
    unpack(kc, c, 1, b->dk, a->type, k0, w.dk, DT_F32);
    unpack(kc, c, 1, b->dv, a->type, k0, w.dv, DT_F32);
}

void attention_bwd_cuda(struct kcx *kc, struct k_attention_bwd *b)
{
    check(&b->f);
    for (int s = 0; s < b->f.n_seq;) {
        int done = sdpa_backward(kc, b, s, equal_run(&b->f, s));

        if (done) {
            s += done;
            continue;
        }
        chunk c = chunk_from(&b->f, s);

        bwd_chunk(kc, b, &c, s);
        s += c.n;
    }
}
