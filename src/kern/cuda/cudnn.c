/* cudnn.c - the library, its plans, and the parts that graphs are made of. */
#include "kern/cuda/cudnn.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kern/cuda/gemm.h"

enum {
    LEAST_VERSION = 91300,
    MOST_CONFIGS = 64,
    MOST_NODES = 96,
    MOST_OPS = 20,
    VIRTUAL_UID = 100
};

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

struct kept {
    cudnn_builder *build;
    void *shape;
    size_t bytes;
    struct cudnn_plan plan; /* .plan NULL: no engine */
};

struct cudnn {
    cudnnHandle_t handle;
    node device; /* in the place of the handle, where there is no GPU */
#define C(call) __typeof__(&call) call;
    CALLS(C)
#undef C
    struct kept **kept;
    int n_kept;
    /* of the plan under construction */
    node made[MOST_NODES], op[MOST_OPS];
    int n_made, n_ops, refused;
};

/* ---- opening ---- */

static struct cudnn *open_library(void)
{
    struct cudnn *c = xcalloc(1, sizeof *c);
    struct err e;
    void *library = library_open(library_cudnn, &e), *symbol;

    if (!library)
        goto without;
#define C(call)                                                                                    \
    if (!(symbol = library_symbol(library, #call, &e)))                                            \
        goto without;                                                                              \
    memcpy(&c->call, &symbol, sizeof symbol);
    CALLS(C)
#undef C
    if (c->cudnnGetVersion() >= LEAST_VERSION)
        return c;
without:
    free(c);
    return NULL;
}

struct cudnn *cudnn_of(struct gpu *g)
{
    struct cudnn *c;

    if (g->cudnn_tried)
        return g->cudnn;
    g->cudnn_tried = 1;
    c = open_library();
    if (c && (c->cudnnCreate(&c->handle) || c->cudnnSetStream(c->handle, g->stream))) {
        free(c);
        c = NULL;
    }
    return g->cudnn = c;
}

struct cudnn *cudnn_without_device(const char *json)
{
    struct cudnn *c = open_library();

    if (!c)
        return NULL;
    c->device = cudnn_make(c, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    cudnn_set(c, c->device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
              (int64_t)strlen(json) + 1, json);
    cudnn_finish(c, c->device);
    c->n_made = 0;
    if (!c->refused)
        return c;
    free(c);
    return NULL;
}

/* ---- parts ---- */

node cudnn_make(struct cudnn *c, cudnnBackendDescriptorType_t type)
{
    node d = NULL;

    if (c->refused)
        return NULL;
    if (c->n_made == MOST_NODES)
        BUG("cuDNN: a graph of more than %d parts", MOST_NODES);
    if (c->cudnnBackendCreateDescriptor(type, &d)) {
        c->refused = 1;
        return NULL;
    }
    return c->made[c->n_made++] = d;
}

void cudnn_set(struct cudnn *c, node d, cudnnBackendAttributeName_t name,
               cudnnBackendAttributeType_t type, int64_t n, const void *values)
{
    if (!c->refused)
        c->refused = c->cudnnBackendSetAttribute(d, name, type, n, values) != 0;
}

void cudnn_join(struct cudnn *c, node d, cudnnBackendAttributeName_t name, node part)
{
    cudnn_set(c, d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part);
}

void cudnn_finish(struct cudnn *c, node d)
{
    if (!c->refused)
        c->refused = c->cudnnBackendFinalize(d) != 0;
}

node cudnn_tensor(struct cudnn *c, int64_t uid, enum place place, cudnnDataType_t type,
                  const int64_t dim[4], const int64_t stride[4])
{
    node t = cudnn_make(c, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    int64_t id = place == VIRTUAL ? VIRTUAL_UID + c->n_made : uid;
    int64_t alignment = place == MEMORY || place == VIRTUAL ? 16 : type == CUDNN_DATA_FLOAT ? 4 : 2;
    bool yes = true;

    cudnn_set(c, t, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id);
    cudnn_set(c, t, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    cudnn_set(c, t, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dim);
    cudnn_set(c, t, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, stride);
    cudnn_set(c, t, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    if (place == VIRTUAL)
        cudnn_set(c, t, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &yes);
    if (place == VALUE)
        cudnn_set(c, t, CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &yes);
    cudnn_finish(c, t);
    return t;
}

void cudnn_operation(struct cudnn *c, node op)
{
    cudnn_finish(c, op);
    if (c->refused)
        return;
    if (c->n_ops == MOST_OPS)
        BUG("cuDNN: a graph of more than %d operations", MOST_OPS);
    c->op[c->n_ops++] = op;
}

void cudnn_pointwise(struct cudnn *c, cudnnPointwiseMode_t mode, node x, node b, node y)
{
    node how = cudnn_make(c, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    node op = cudnn_make(c, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    cudnnDataType_t f32 = CUDNN_DATA_FLOAT;

    cudnn_set(c, how, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    cudnn_set(c, how, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &f32);
    cudnn_finish(c, how);
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how);
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (b)
        cudnn_join(c, op, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b);
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    cudnn_operation(c, op);
}

/* ---- plans ---- */

static int forbidden(cudnnBackendNumericalNote_t note, int f32)
{
    switch (note) {
    case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
        return f32;
    case CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP:
        return 0;
    default: /* what a later version has to say, too */
        return 1;
    }
}

static int allowed(struct cudnn *c, node config, int f32)
{
    cudnnBackendNumericalNote_t note[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    node engine = NULL;
    int64_t n = 0;
    int ok = !c->cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine) &&
             !c->cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE,
                                          CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &n, &engine) &&
             !c->cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                          CUDNN_TYPE_NUMERICAL_NOTE,
                                          CUDNN_NUMERICAL_NOTE_TYPE_COUNT, &n, note) &&
             n <= CUDNN_NUMERICAL_NOTE_TYPE_COUNT;

    for (int64_t i = 0; ok && i < n; i++)
        ok = !forbidden(note[i], f32);
    if (engine)
        c->cudnnBackendDestroyDescriptor(engine);
    return ok;
}

static int finish_plan(struct cudnn *c, node config, int64_t most, struct cudnn_plan *out)
{
    node plan = NULL;
    int64_t one = 0;

    if (c->cudnnBackendCreateDescriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, &plan))
        return 0;
    if (!c->cudnnBackendSetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG,
                                     CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &config) &&
        !(c->device ? c->cudnnBackendSetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP,
                                                  CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &c->device)
                    : c->cudnnBackendSetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE,
                                                  CUDNN_TYPE_HANDLE, 1, &c->handle)) &&
        !c->cudnnBackendFinalize(plan) &&
        !c->cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                     CUDNN_TYPE_INT64, 1, &one, &out->workspace_bytes) &&
        out->workspace_bytes <= most) {
        out->plan = plan;
        return 1;
    }
    c->cudnnBackendDestroyDescriptor(plan);
    return 0;
}

/* What the heuristic offers for the operations built so far, best first: how many. */
static int64_t configs(struct cudnn *c, node out[MOST_CONFIGS])
{
    node graph = cudnn_make(c, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    node choice = cudnn_make(c, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    cudnnBackendHeurMode_t mode = CUDNN_HEUR_MODE_A;
    int64_t n = 0;
    int made = 0;

    cudnn_set(c, graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, c->n_ops,
              c->op);
    if (!c->device)
        cudnn_set(c, graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &c->handle);
    cudnn_finish(c, graph);
    cudnn_join(c, choice, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    cudnn_set(c, choice, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    if (c->device)
        cudnn_join(c, choice, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, c->device);
    cudnn_finish(c, choice);
    while (!c->refused && made < MOST_CONFIGS) {
        if (c->cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &out[made]))
            c->refused = 1;
        else
            made++;
    }
    if (c->refused ||
        c->cudnnBackendGetAttribute(choice, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                    CUDNN_TYPE_BACKEND_DESCRIPTOR, MOST_CONFIGS, &n, out))
        n = 0;
    n = n < made ? n : made;
    while (made > n)
        c->cudnnBackendDestroyDescriptor(out[--made]);
    return n;
}

static void make_plan(struct cudnn *c, cudnn_builder *build, const void *shape, int f32,
                      int64_t most, struct cudnn_plan *out)
{
    node config[MOST_CONFIGS];
    int64_t n;

    c->n_made = c->n_ops = c->refused = 0;
    build(c, shape);
    n = configs(c, config);
    for (int64_t i = 0; i < n; i++) {
        if (!out->plan && allowed(c, config[i], f32) && finish_plan(c, config[i], most, out))
            continue; /* a plan may look into what it is made of */
        c->cudnnBackendDestroyDescriptor(config[i]);
    }
    while (!out->plan && c->n_made > 0)
        c->cudnnBackendDestroyDescriptor(c->made[--c->n_made]);
}

const struct cudnn_plan *cudnn_find(struct cudnn *c, cudnn_builder *build, const void *shape,
                                    size_t bytes, int f32, int64_t most_workspace_bytes)
{
    struct kept *k;

    for (int i = 0; i < c->n_kept; i++) {
        k = c->kept[i];
        if (k->build == build && k->bytes == bytes && !memcmp(k->shape, shape, bytes))
            return k->plan.plan ? &k->plan : NULL;
    }
    c->kept = xrealloc(c->kept, (size_t)(c->n_kept + 1) * sizeof *c->kept);
    k = c->kept[c->n_kept++] = xcalloc(1, sizeof *k);
    *k = (struct kept){.build = build, .shape = xmalloc(bytes), .bytes = bytes};
    memcpy(k->shape, shape, bytes);
    make_plan(c, build, shape, f32, most_workspace_bytes, &k->plan);
    return k->plan.plan ? &k->plan : NULL;
}

const char *cudnn_run(struct gpu *g, const struct cudnn_plan *p, int64_t n, const int64_t *uid,
                      void *const *pointer)
{
    struct cudnn *c = g->cudnn;
    void *workspace = gpu_scratch(g, SLOT_WORKSPACE, (size_t)p->workspace_bytes);
    node pack = NULL;
    cudnnStatus_t code;

    if (!workspace)
        return "no workspace";
    code = c->cudnnBackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack);
    if (!code)
        code = c->cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS,
                                           CUDNN_TYPE_INT64, n, uid);
    if (!code)
        code = c->cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
                                           CUDNN_TYPE_VOID_PTR, n, pointer);
    if (!code)
        code = c->cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE,
                                           CUDNN_TYPE_VOID_PTR, 1, &workspace);
    if (!code)
        code = c->cudnnBackendFinalize(pack);
    if (!code)
        code = c->cudnnBackendExecute(c->handle, p->plan, pack);
    if (pack)
        c->cudnnBackendDestroyDescriptor(pack);
    return code ? c->cudnnGetErrorString(code) : NULL;
}
