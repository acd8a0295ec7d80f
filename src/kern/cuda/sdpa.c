/* sdpa.c - attention that never writes its scores to memory, or in the backward once.
 *
 * Tensors are named [sequence, head, row, dim] with the strides that ours have, so nothing is
 * packed; the log-sum-exp goes to its place too. */
#include "kern/cuda/sdpa.h"

#include "kern/cuda/cudnn.h"
#include "kern/cuda/gemm.h"

enum { MOST_WORKSPACE = 256 << 20 /* as scores take in attn.cu */ };
/* LEAST_SCORES: self-attention of short films is worth it; prompts, of which each has its own
 * length, would want a plan each. */
enum { LEAST_SCORES = 256 * 256, MOST_DIM = 128, SCORE_BLOCK = 128, BLACKWELL = 100 };
enum { UID_Q = 1, UID_K, UID_V, UID_O, UID_SCALE, UID_LSE, UID_DO, UID_DOT, UID_ONE, UID_DQ };
enum { UID_DK = UID_DQ + 1, UID_DV };

struct shape {
    int64_t n, heads, kv_heads, dim, nq, nk, ldq, ldk, ldv, lse;
};

#define DIMS(...) ((const int64_t[4]){__VA_ARGS__})

/* Rows of bf16 heads with a row stride of ld. */
static node rows(struct cudnn *c, int64_t uid, const struct shape *p, int64_t heads, int64_t len,
                 int64_t ld)
{
    return cudnn_tensor(c, uid, MEMORY, CUDNN_DATA_BFLOAT16, DIMS(p->n, heads, len, p->dim),
                        DIMS(len * ld, p->dim, ld, 1));
}

static node value(struct cudnn *c, int64_t uid)
{
    return cudnn_tensor(c, uid, VALUE, CUDNN_DATA_FLOAT, DIMS(1, 1, 1, 1), DIMS(1, 1, 1, 1));
}

static node log_sums(struct cudnn *c, const struct shape *p)
{
    return cudnn_tensor(c, UID_LSE, LOOSE_MEMORY, CUDNN_DATA_FLOAT, DIMS(p->n, p->heads, p->nq, 1),
                        DIMS(p->heads * p->nq, 1, p->heads, 1));
}

static void forward(struct cudnn *c, const void *shape)
{
    const struct shape *p = shape;
    node op = cudnn_make(c, CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR);

    cudnn_join(c, op, CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC,
               rows(c, UID_Q, p, p->heads, p->nq, p->ldq));
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC,
               rows(c, UID_K, p, p->kv_heads, p->nk, p->ldk));
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC,
               rows(c, UID_V, p, p->kv_heads, p->nk, p->ldv));
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC,
               rows(c, UID_O, p, p->heads, p->nq, p->heads * p->dim));
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC, value(c, UID_SCALE));
    if (p->lse)
        cudnn_join(c, op, CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC, log_sums(c, p));
    cudnn_operation(c, op);
}

/* ---- backward: engines know this graph by its form, to the product with one ---- */

static void product(struct cudnn *c, node a, node b, node out)
{
    node how = cudnn_make(c, CUDNN_BACKEND_MATMUL_DESCRIPTOR);
    node op = cudnn_make(c, CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
    cudnnDataType_t f32 = CUDNN_DATA_FLOAT;

    cudnn_set(c, how, CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &f32);
    cudnn_finish(c, how);
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_MATMUL_DESC, how);
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_MATMUL_ADESC, a);
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_MATMUL_BDESC, b);
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_MATMUL_CDESC, out);
    cudnn_operation(c, op);
}

static void sum(struct cudnn *c, node x, node y)
{
    node how = cudnn_make(c, CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
    node op = cudnn_make(c, CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
    cudnnDataType_t f32 = CUDNN_DATA_FLOAT;
    cudnnReduceTensorOp_t add = CUDNN_REDUCE_TENSOR_ADD;

    cudnn_set(c, how, CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &f32);
    cudnn_set(c, how, CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1, &add);
    cudnn_finish(c, how);
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_REDUCTION_DESC, how);
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x);
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_REDUCTION_YDESC, y);
    cudnn_operation(c, op);
}

/* x seen with its last two dimensions exchanged, in bf16. */
static node turned(struct cudnn *c, node x, const int64_t dim[4], const int64_t stride[4])
{
    node y = cudnn_tensor(c, 0, VIRTUAL, CUDNN_DATA_BFLOAT16, dim, stride);
    node op = cudnn_make(c, CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR);

    cudnn_join(c, op, CUDNN_ATTR_OPERATION_RESHAPE_XDESC, x);
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_RESHAPE_YDESC, y);
    cudnn_operation(c, op);
    return y;
}

static node scores(struct cudnn *c, const struct shape *p)
{
    return cudnn_tensor(c, 0, VIRTUAL, CUDNN_DATA_FLOAT, DIMS(p->n, p->heads, p->nq, p->nk),
                        DIMS(p->heads * p->nq * p->nk, p->nq * p->nk, p->nk, 1));
}

static node turned_scores(struct cudnn *c, const struct shape *p, node x)
{
    return turned(c, x, DIMS(p->n, p->heads, p->nk, p->nq),
                  DIMS(p->heads * p->nq * p->nk, p->nq * p->nk, 1, p->nk));
}

static node chained(struct cudnn *c, const struct shape *p, cudnnPointwiseMode_t mode, node x,
                    node b)
{
    node y = scores(c, p);

    cudnn_pointwise(c, mode, x, b, y);
    return y;
}

/* k or v as [sequence, head, dim, row]. */
static node columns(struct cudnn *c, int64_t uid, const struct shape *p, int64_t ld)
{
    return cudnn_tensor(c, uid, MEMORY, CUDNN_DATA_BFLOAT16, DIMS(p->n, p->heads, p->dim, p->nk),
                        DIMS(p->nk * ld, p->dim, 1, ld));
}

/* sum(do o) of each row and head: what a probability's gradient is less its mean. */
static node dots(struct cudnn *c, const struct shape *p, node d_o, node o)
{
    const int64_t *dim = DIMS(p->n, p->heads, p->nq, 1);
    const int64_t *stride = DIMS(p->heads * p->nq, p->nq, 1, 1);
    node both = cudnn_tensor(c, 0, VIRTUAL, CUDNN_DATA_FLOAT, DIMS(p->n, p->heads, p->nq, p->dim),
                             DIMS(p->heads * p->nq * p->dim, p->nq * p->dim, p->dim, 1));
    node dot = cudnn_tensor(c, 0, VIRTUAL, CUDNN_DATA_FLOAT, dim, stride);
    node out = cudnn_tensor(c, UID_DOT, MEMORY, CUDNN_DATA_FLOAT, dim, stride);

    cudnn_pointwise(c, CUDNN_POINTWISE_MUL, d_o, o, both);
    sum(c, both, dot);
    cudnn_pointwise(c, CUDNN_POINTWISE_MUL, dot, value(c, UID_ONE), out);
    return out;
}

static void backward(struct cudnn *c, const void *shape)
{
    const struct shape *p = shape;
    int64_t ld = p->heads * p->dim;
    node q = rows(c, UID_Q, p, p->heads, p->nq, p->ldq), k = columns(c, UID_K, p, p->ldk);
    node d_o = rows(c, UID_DO, p, p->heads, p->nq, ld), o = rows(c, UID_O, p, p->heads, p->nq, ld);
    node scale = value(c, UID_SCALE), dot = dots(c, p, d_o, o), s = scores(c, p), probs, ds;

    product(c, q, k, s);
    s = chained(c, p, CUDNN_POINTWISE_MUL, s, scale);
    s = chained(c, p, CUDNN_POINTWISE_SUB, s, log_sums(c, p));
    probs = chained(c, p, CUDNN_POINTWISE_EXP, s, NULL);
    product(c, turned_scores(c, p, probs), d_o, rows(c, UID_DV, p, p->heads, p->nk, ld));

    ds = scores(c, p);
    product(c, d_o, columns(c, UID_V, p, p->ldv), ds);
    ds = chained(c, p, CUDNN_POINTWISE_SUB, ds, dot);
    ds = chained(c, p, CUDNN_POINTWISE_MUL, ds, probs);
    ds = chained(c, p, CUDNN_POINTWISE_MUL, ds, scale);
    product(c, turned_scores(c, p, ds), q, rows(c, UID_DK, p, p->heads, p->nk, ld));
    product(
        c, ds,
        turned(c, k, DIMS(p->n, p->heads, p->nk, p->dim), DIMS(p->nk * p->ldk, p->dim, p->ldk, 1)),
        rows(c, UID_DQ, p, p->heads, p->nq, ld));
}

/* ---- calls ---- */

static int aligned(const void *p, int64_t ld)
{
    return (uintptr_t)p % 16 == 0 && ld % 8 == 0;
}

static struct shape shape_of(const struct k_attention *a, int first, int n)
{
    return (struct shape){.n = n,
                          .heads = a->heads,
                          .kv_heads = a->kv_heads,
                          .dim = a->head_dim,
                          .nq = a->q_start[first + 1] - a->q_start[first],
                          .nk = a->k_start[first + 1] - a->k_start[first],
                          .ldq = a->ldq,
                          .ldk = a->ldk,
                          .ldv = a->ldv,
                          .lse = a->lse != NULL};
}

const struct cudnn_plan *sdpa_forward_plan(struct cudnn *c, const struct k_attention *a, int first,
                                           int n)
{
    struct shape s = shape_of(a, first, n);

    return cudnn_find(c, forward, &s, sizeof s, 0, MOST_WORKSPACE);
}

/* An engine that keeps less than the scores' gradient sums dq by atomics, and notes nothing of it.
 */
const struct cudnn_plan *sdpa_backward_plan(struct cudnn *c, const struct k_attention *a, int first,
                                            int n)
{
    struct shape s = shape_of(a, first, n);
    const struct cudnn_plan *plan = cudnn_find(c, backward, &s, sizeof s, 0, MOST_WORKSPACE);
    int64_t scores = s.n * s.heads * s.nq * s.nk * (int64_t)sizeof(bf16);

    return plan && plan->workspace_bytes >= scores ? plan : NULL;
}

/* Where the sequences from `first` on are. */
struct operands {
    bf16 *q, *k, *v, *o;
    float *lse;
};

static struct operands operands_of(const struct k_attention *a, int first)
{
    int64_t q0 = a->q_start[first], k0 = a->k_start[first];

    return (struct operands){
        .q = (bf16 *)a->q + q0 * a->ldq,
        .k = (bf16 *)a->k + k0 * a->ldk,
        .v = (bf16 *)a->v + k0 * a->ldv,
        .o = (bf16 *)a->o + q0 * a->heads * a->head_dim,
        .lse = a->lse ? (float *)a->lse + q0 * a->heads : NULL,
    };
}

static int suits(const struct k_attention *a, int first, const struct operands *at)
{
    int64_t nq = a->q_start[first + 1] - a->q_start[first];
    int64_t nk = a->k_start[first + 1] - a->k_start[first];

    return a->type == DT_BF16 && !a->bias && !a->causal && a->head_dim <= MOST_DIM &&
           a->head_dim % 8 == 0 && nq * nk >= LEAST_SCORES && aligned(at->q, a->ldq) &&
           aligned(at->k, a->ldk) && aligned(at->v, a->ldv) && aligned(at->o, 0);
}

static void run(struct gpu *g, const struct cudnn_plan *plan, const struct k_attention *a,
                int first, int n_uids, const int64_t *uid, void *const *pointer)
{
    struct shape s = shape_of(a, first, 1);
    const char *why = cudnn_run(g, plan, n_uids, uid, pointer);

    if (why)
        gpu_fail(g, "attention by cuDNN: %s (sequences of %lld by %lld, %lld heads of %lld)", why,
                 (long long)s.nq, (long long)s.nk, (long long)s.heads, (long long)s.dim);
}

int sdpa_forward(struct kcx *kc, const struct k_attention *a, int first, int n)
{
    static const int64_t uid[] = {UID_Q, UID_K, UID_V, UID_O, UID_SCALE, UID_LSE};
    struct operands at = operands_of(a, first);
    float scale = (float)a->scale;
    const struct cudnn_plan *plan;
    struct gpu *g;

    if (!suits(a, first, &at))
        return 0;
    g = gpu_of(kc);
    if (gpu_failed(g))
        return n;
    plan = cudnn_of(g) ? sdpa_forward_plan(g->cudnn, a, first, n) : NULL;
    if (!plan)
        return 0;
    run(g, plan, a, first, a->lse ? 6 : 5, uid, (void *[]){at.q, at.k, at.v, at.o, &scale, at.lse});
    return n;
}

/* Of n sequences those whose scores, in whole blocks, the workspace holds. */
static int most_at_once(const struct k_attention *a, int first, int n)
{
    struct shape s = shape_of(a, first, n);
    int64_t nq = (s.nq + SCORE_BLOCK - 1) / SCORE_BLOCK * SCORE_BLOCK;
    int64_t nk = (s.nk + SCORE_BLOCK - 1) / SCORE_BLOCK * SCORE_BLOCK;
    int64_t most = (MOST_WORKSPACE - (1 << 20)) / (s.heads * nq * nk * (int64_t)sizeof(bf16));

    return most < n ? (int)most : n;
}

/* Blackwell's engines sum dq in one order only where they are asked for by number. */
static const struct cudnn_plan *plan_backward(struct gpu *g, const struct k_attention *a, int first,
                                              int n)
{
    if (n == 0 || g->capability >= BLACKWELL || !cudnn_of(g))
        return NULL;
    return sdpa_backward_plan(g->cudnn, a, first, n);
}

int sdpa_backward(struct kcx *kc, const struct k_attention_bwd *b, int first, int n)
{
    static const int64_t uid[] = {UID_Q,  UID_K,   UID_V,   UID_O,  UID_SCALE, UID_LSE,
                                  UID_DO, UID_DOT, UID_ONE, UID_DQ, UID_DK,    UID_DV};
    const struct k_attention *a = &b->f;
    struct operands at = operands_of(a, first);
    int64_t ld = (int64_t)a->heads * a->head_dim, nq = a->q_start[first + 1] - a->q_start[first];
    bf16 *d_o = (bf16 *)b->d_o + a->q_start[first] * ld;
    bf16 *dq = (bf16 *)b->dq + a->q_start[first] * ld;
    bf16 *dk = (bf16 *)b->dk + a->k_start[first] * ld;
    bf16 *dv = (bf16 *)b->dv + a->k_start[first] * ld;
    float scale = (float)a->scale, one = 1;
    const struct cudnn_plan *plan;
    struct gpu *g;
    void *dot;

    if (!suits(a, first, &at) || b->dbias || !a->lse || a->heads != a->kv_heads ||
        !aligned(d_o, 0) || !aligned(dq, 0) || !aligned(dk, 0) || !aligned(dv, 0))
        return 0;
    g = gpu_of(kc);
    if (gpu_failed(g))
        return n;
    n = most_at_once(a, first, n);
    plan = plan_backward(g, a, first, n);
    if (!plan)
        return 0;
    dot = gpu_scratch(g, SLOT_SCORES, (size_t)(n * a->heads * nq) * sizeof(float));
    if (dot)
        run(g, plan, a, first, sizeof uid / sizeof *uid, uid,
            (void *[]){at.q, at.k, at.v, at.o, &scale, at.lse, d_o, dot, &one, dq, dk, dv});
    return n;
}
