/* sdpa.c - one operation of cuDNN's graph interface: scaled-dot-product attention, which never
 * writes its scores to memory.
 *
 * Tensors are named [sequence, head, row, dim] with the strides that ours have, so nothing is
 * packed; the log-sum-exp goes to its place too. A plan is the first engine of the heuristic that
 * can be built for the shape. Where none can, or cuDNN is not here or too old, the caller goes on
 * without: which way is taken depends on the shape and the machine, never on the data. */
#include "kern/cuda/sdpa.h"

#include <cudnn_graph.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kern/cuda/gemm.h"
#include "kern/cuda/gpu.h"

enum { LEAST_VERSION = 91300, LEAST_SCORES = 512 * 512, MOST_DIM = 128, ENGINES = 8 };
enum { UID_Q = 1, UID_K, UID_V, UID_O, UID_SCALE, UID_LSE, N_UIDS = UID_LSE };

#define CALLS(C)                                                                                   \
    C(cudnnCreate)                                                                                 \
    C(cudnnGetErrorString)                                                                         \
    C(cudnnGetVersion)                                                                             \
    C(cudnnSetStream)                                                                              \
    C(cudnnBackendCreateDescriptor)                                                                \
    C(cudnnBackendDestroyDescriptor)                                                               \
    C(cudnnBackendExecute)                                                                         \
    C(cudnnBackendFinalize)                                                                        \
    C(cudnnBackendGetAttribute)                                                                    \
    C(cudnnBackendSetAttribute)

typedef cudnnBackendDescriptor_t node;

struct shape {
    int64_t n, heads, kv_heads, dim, nq, nk, ldq, ldk, ldv, lse;
};

struct fused {
    struct shape shape;
    node plan; /* NULL: no engine */
    int64_t workspace_bytes;
};

enum { MOST_NODES = 24 };

struct sdpa {
    cudnnHandle_t handle;
#define C(call) __typeof__(&call) call;
    CALLS(C)
#undef C
    struct fused *plan;
    int n_plans;
    node made[MOST_NODES]; /* of the plan under construction */
    int n_made;
};

static struct sdpa *sdpa_open(struct gpu *g)
{
    static const char *const names[] = {"libcudnn.so.9", "libcudnn.so", NULL};
    struct sdpa *s = xcalloc(1, sizeof *s);
    struct err e;
    void *library = library_open(names, &e), *symbol;

    if (!library)
        goto without;
#define C(call)                                                                                    \
    if (!(symbol = library_symbol(library, #call, &e)))                                            \
        goto without;                                                                              \
    memcpy(&s->call, &symbol, sizeof symbol);
    CALLS(C)
#undef C
    if (s->cudnnGetVersion() >= LEAST_VERSION && !s->cudnnCreate(&s->handle) &&
        !s->cudnnSetStream(s->handle, g->stream))
        return s;
without:
    free(s);
    return NULL;
}

/* ---- building: every step gives 0 where cuDNN refuses ---- */

static node make(struct sdpa *s, cudnnBackendDescriptorType_t type)
{
    node d = NULL;

    if (s->n_made == MOST_NODES || s->cudnnBackendCreateDescriptor(type, &d))
        return NULL;
    s->made[s->n_made++] = d;
    return d;
}

static int set(struct sdpa *s, node d, cudnnBackendAttributeName_t name,
               cudnnBackendAttributeType_t type, int64_t n, const void *values)
{
    return d && !s->cudnnBackendSetAttribute(d, name, type, n, values);
}

static int set_node(struct sdpa *s, node d, cudnnBackendAttributeName_t name, node value)
{
    return value && set(s, d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value);
}

static node tensor(struct sdpa *s, int64_t uid, cudnnDataType_t type, const int64_t dim[4],
                   const int64_t stride[4])
{
    node t = make(s, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    int64_t alignment = uid == UID_SCALE || uid == UID_LSE ? 4 : 16;
    bool by_value = uid == UID_SCALE;

    if (set(s, t, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &uid) &&
        set(s, t, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type) &&
        set(s, t, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dim) &&
        set(s, t, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, stride) &&
        set(s, t, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment) &&
        (!by_value || set(s, t, CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &by_value)) &&
        !s->cudnnBackendFinalize(t))
        return t;
    return NULL;
}

/* Rows of bf16 heads with a row stride of ld. */
static node rows(struct sdpa *s, int64_t uid, const struct shape *p, int64_t heads, int64_t len,
                 int64_t ld)
{
    return tensor(s, uid, CUDNN_DATA_BFLOAT16, (int64_t[]){p->n, heads, len, p->dim},
                  (int64_t[]){len * ld, p->dim, ld, 1});
}

static node operation(struct sdpa *s, const struct shape *p)
{
    node op = make(s, CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR);
    node scale =
        tensor(s, UID_SCALE, CUDNN_DATA_FLOAT, (int64_t[]){1, 1, 1, 1}, (int64_t[]){1, 1, 1, 1});
    node lse = tensor(s, UID_LSE, CUDNN_DATA_FLOAT, (int64_t[]){p->n, p->heads, p->nq, 1},
                      (int64_t[]){p->heads * p->nq, 1, p->heads, 1});

    if (set_node(s, op, CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC,
                 rows(s, UID_Q, p, p->heads, p->nq, p->ldq)) &&
        set_node(s, op, CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC,
                 rows(s, UID_K, p, p->kv_heads, p->nk, p->ldk)) &&
        set_node(s, op, CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC,
                 rows(s, UID_V, p, p->kv_heads, p->nk, p->ldv)) &&
        set_node(s, op, CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC,
                 rows(s, UID_O, p, p->heads, p->nq, p->heads * p->dim)) &&
        set_node(s, op, CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC, scale) &&
        (!p->lse || set_node(s, op, CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC, lse)) &&
        !s->cudnnBackendFinalize(op))
        return op;
    return NULL;
}

/* Engines for the operation, best first; returns how many. */
static int64_t engines(struct sdpa *s, node op, node out[ENGINES])
{
    node graph = make(s, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    node choice = make(s, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    cudnnBackendHeurMode_t mode = CUDNN_HEUR_MODE_A;
    int64_t n = 0;

    if (!set_node(s, graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, op) ||
        !set(s, graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &s->handle) ||
        s->cudnnBackendFinalize(graph) ||
        !set_node(s, choice, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph) ||
        !set(s, choice, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode) ||
        s->cudnnBackendFinalize(choice))
        return 0;
    for (int i = 0; i < ENGINES; i++)
        if (!(out[i] = make(s, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR)))
            return 0;
    if (s->cudnnBackendGetAttribute(choice, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                    CUDNN_TYPE_BACKEND_DESCRIPTOR, ENGINES, &n, out))
        return 0;
    return n < ENGINES ? n : ENGINES;
}

static void build(struct sdpa *s, struct fused *f)
{
    node engine[ENGINES], op = operation(s, &f->shape);
    int64_t n = op ? engines(s, op, engine) : 0, one = 0;

    for (int64_t i = 0; i < n && !f->plan; i++) {
        node plan = NULL;

        if (s->cudnnBackendCreateDescriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, &plan))
            break;
        if (set_node(s, plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, engine[i]) &&
            set(s, plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &s->handle) &&
            !s->cudnnBackendFinalize(plan) &&
            !s->cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                         CUDNN_TYPE_INT64, 1, &one, &f->workspace_bytes))
            f->plan = plan;
        else
            s->cudnnBackendDestroyDescriptor(plan);
    }
    while (!f->plan && s->n_made > 0) /* a plan may look into what it is made of */
        s->cudnnBackendDestroyDescriptor(s->made[--s->n_made]);
    s->n_made = 0;
}

static const struct fused *find(struct sdpa *s, const struct shape *shape)
{
    struct fused *f;

    for (int i = 0; i < s->n_plans; i++)
        if (!memcmp(&s->plan[i].shape, shape, sizeof *shape))
            return &s->plan[i];
    s->plan = xrealloc(s->plan, (size_t)(s->n_plans + 1) * sizeof *s->plan);
    f = &s->plan[s->n_plans++];
    *f = (struct fused){.shape = *shape};
    build(s, f);
    return f;
}

/* ---- running ---- */

/* The scale is a host value; cuDNN reads it during the call. */
static void run(struct gpu *g, const struct fused *f, void *const pointer[N_UIDS])
{
    static const int64_t uid[N_UIDS] = {UID_Q, UID_K, UID_V, UID_O, UID_SCALE, UID_LSE};
    struct sdpa *s = g->sdpa;
    int64_t n = f->shape.lse ? N_UIDS : N_UIDS - 1;
    void *workspace = gpu_scratch(g, SLOT_WORKSPACE, (size_t)f->workspace_bytes);
    node pack = NULL;
    cudnnStatus_t code;

    if (!workspace)
        return;
    code = s->cudnnBackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack);
    if (!code)
        code = s->cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS,
                                           CUDNN_TYPE_INT64, n, uid);
    if (!code)
        code = s->cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
                                           CUDNN_TYPE_VOID_PTR, n, pointer);
    if (!code)
        code = s->cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE,
                                           CUDNN_TYPE_VOID_PTR, 1, &workspace);
    if (!code)
        code = s->cudnnBackendFinalize(pack);
    if (!code)
        code = s->cudnnBackendExecute(s->handle, f->plan, pack);
    if (pack)
        s->cudnnBackendDestroyDescriptor(pack);
    if (code)
        gpu_fail(g, "attention by cuDNN: %s (%lld sequences, %lld by %lld, %lld heads of %lld)",
                 s->cudnnGetErrorString(code), (long long)f->shape.n, (long long)f->shape.nq,
                 (long long)f->shape.nk, (long long)f->shape.heads, (long long)f->shape.dim);
}

static int aligned(const void *p, int64_t ld)
{
    return (uintptr_t)p % 16 == 0 && ld % 8 == 0;
}

int sdpa_forward(struct kcx *kc, const struct k_attention *a, int first, int n)
{
    int64_t q0 = a->q_start[first], k0 = a->k_start[first], ldo = (int64_t)a->heads * a->head_dim;
    struct shape shape = {n,
                          a->heads,
                          a->kv_heads,
                          a->head_dim,
                          a->q_start[first + 1] - q0,
                          a->k_start[first + 1] - k0,
                          a->ldq,
                          a->ldk,
                          a->ldv,
                          a->lse != NULL};
    const bf16 *q = (const bf16 *)a->q + q0 * a->ldq, *k = (const bf16 *)a->k + k0 * a->ldk;
    const bf16 *v = (const bf16 *)a->v + k0 * a->ldv;
    bf16 *o = (bf16 *)a->o + q0 * ldo;
    float *lse = a->lse ? (float *)a->lse + q0 * a->heads : NULL, scale = (float)a->scale;
    const struct fused *f;
    struct gpu *g;

    if (a->type != DT_BF16 || a->bias || a->causal || a->head_dim > MOST_DIM || a->head_dim % 8 ||
        shape.nq * shape.nk < LEAST_SCORES || !aligned(q, a->ldq) || !aligned(k, a->ldk) ||
        !aligned(v, a->ldv) || !aligned(o, ldo))
        return 0;
    g = gpu_of(kc);
    if (gpu_failed(g))
        return 1;
    if (!g->sdpa_tried) {
        g->sdpa_tried = 1;
        g->sdpa = sdpa_open(g);
    }
    f = g->sdpa ? find(g->sdpa, &shape) : NULL;
    if (!f || !f->plan)
        return 0;
    run(g, f, (void *[]){(void *)q, (void *)k, (void *)v, o, &scale, lse});
    return 1;
}
