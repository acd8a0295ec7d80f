/* gemm.c - cuBLASLt: one product, its plans kept by shape.
 *
 * cuBLASLt thinks in columns: a row-major c[m,n] is its n x m matrix, so it is asked for c^T =
 * op(b)^T op(a)^T and our b is its A. A plan is the first choice of its heuristic, which depends on
 * shape, types and alignment alone. Split sums are allowed in f32 in the workspace only: they are
 * added in a fixed order and are not rounded to bf16 on the way. */
#include "kern/cuda/gemm.h"

#include <cublasLt.h>
#include <stdlib.h>
#include <string.h>

#include "kern/cuda/gpu.h"

enum {
    WORKSPACE = 32 << 20,
    FIRST_PLANS = 256,
    MAX_ALIGNMENT = 256,
    N_CHOICES = 8,
    BF16_CAPABILITY = 80
};

#define CALLS(C)                                                                                   \
    C(cublasLtCreate)                                                                              \
    C(cublasLtGetStatusString)                                                                     \
    C(cublasLtMatmul)                                                                              \
    C(cublasLtMatmulAlgoGetHeuristic)                                                              \
    C(cublasLtMatmulDescCreate)                                                                    \
    C(cublasLtMatmulDescDestroy)                                                                   \
    C(cublasLtMatmulDescSetAttribute)                                                              \
    C(cublasLtMatmulPreferenceCreate)                                                              \
    C(cublasLtMatmulPreferenceDestroy)                                                             \
    C(cublasLtMatmulPreferenceSetAttribute)                                                        \
    C(cublasLtMatrixLayoutCreate)                                                                  \
    C(cublasLtMatrixLayoutDestroy)                                                                 \
    C(cublasLtMatrixLayoutSetAttribute)

/* All that a choice of algorithm may depend on. Compared byte by byte: no padding, or zeros. */
struct key {
    int64_t m, n, k, lda, ldb, ldc, batch, stride_a, stride_b, stride_c;
    int32_t a_t, b_t, type, c_type, bias, align_a, align_b, align_c, align_bias, add;
    int32_t end, pre, align_pre, zero;
};

struct plan {
    struct key key;
    cublasLtMatmulDesc_t desc;
    cublasLtMatrixLayout_t a, b, c;
    cublasLtMatmulAlgo_t algo;
    size_t workspace_bytes;
    int refused; /* no algorithm does the epilogue here */
};

struct lt {
    cublasLtHandle_t handle;
#define C(call) __typeof__(&call) call;
    CALLS(C)
#undef C
    struct plan **plan; /* open addressing; NULL: free */
    size_t n_plans, cap;
};

int lt_open(struct gpu *g, struct err *e)
{
    struct lt *lt = xcalloc(1, sizeof *lt);
    void *library = library_open(library_cublaslt, e), *symbol;
    cublasStatus_t code;

    if (!library)
        goto fail;
#define C(call)                                                                                    \
    if (!(symbol = library_symbol(library, #call, e)))                                             \
        goto fail;                                                                                 \
    memcpy(&lt->call, &symbol, sizeof symbol);
    CALLS(C)
#undef C
    code = lt->cublasLtCreate(&lt->handle);
    if (code != CUBLAS_STATUS_SUCCESS) {
        err_set(e, ERR_DEVICE, "cublasLtCreate: %s", lt->cublasLtGetStatusString(code));
        goto fail;
    }
    lt->cap = FIRST_PLANS;
    lt->plan = xcalloc(lt->cap, sizeof *lt->plan);
    g->lt = lt;
    return 0;
fail:
    free(lt);
    return ERR_DEVICE;
}

/* 1 when the call went well; the message names the product. */
static int went(struct gpu *g, const struct key *k, const char *what, cublasStatus_t code)
{
    if (code == CUBLAS_STATUS_SUCCESS)
        return 1;
    gpu_fail(g, "%s: %s (%s into %s, m %lld n %lld k %lld, ld %lld %lld %lld, batch %lld%s%s%s%s)",
             what, g->lt->cublasLtGetStatusString(code), dtype_name((enum dtype)k->type),
             dtype_name((enum dtype)k->c_type), (long long)k->m, (long long)k->n, (long long)k->k,
             (long long)k->lda, (long long)k->ldb, (long long)k->ldc, (long long)k->batch,
             k->a_t ? ", a^T" : "", k->b_t ? ", b^T" : "", k->bias ? ", bias" : "",
             k->end ? ", gelu" : "");
    return 0;
}

static cudaDataType_t type_of(int32_t type)
{
    return type == DT_F32 ? CUDA_R_32F : CUDA_R_16BF;
}

/* `rows` is the contiguous side, as cuBLASLt has it. */
static int make_layout(struct gpu *g, const struct key *k, cublasLtMatrixLayout_t *out,
                       int32_t type, int64_t rows, int64_t cols, int64_t ld, int64_t stride)
{
    struct lt *lt = g->lt;
    int32_t batch = (int32_t)k->batch;

    if (!went(
            g, k, "cublasLtMatrixLayoutCreate",
            lt->cublasLtMatrixLayoutCreate(out, type_of(type), (uint64_t)rows, (uint64_t)cols, ld)))
        return 0;
    return batch == 1 ||
           (went(g, k, "batch count",
                 lt->cublasLtMatrixLayoutSetAttribute(*out, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT,
                                                      &batch, sizeof batch)) &&
            went(g, k, "batch stride",
                 lt->cublasLtMatrixLayoutSetAttribute(
                     *out, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride)));
}

static int set_pointers(struct gpu *g, const struct plan *p, const struct cuda_gemm *c)
{
    struct lt *lt = g->lt;

    return (!p->key.bias ||
            went(g, &p->key, "bias pointer",
                 lt->cublasLtMatmulDescSetAttribute(p->desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER,
                                                    &c->bias, sizeof c->bias))) &&
           (!p->key.pre ||
            went(g, &p->key, "epilogue pointer",
                 lt->cublasLtMatmulDescSetAttribute(
                     p->desc, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, &c->pre, sizeof c->pre)));
}

static cublasLtEpilogue_t epilogue_of(const struct key *k)
{
    if (k->end == END_GELU_SLOPE)
        return CUBLASLT_EPILOGUE_DGELU;
    if (k->end == END_GELU && k->bias)
        return k->pre ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS : CUBLASLT_EPILOGUE_GELU_BIAS;
    if (k->end == END_GELU)
        return k->pre ? CUBLASLT_EPILOGUE_GELU_AUX : CUBLASLT_EPILOGUE_GELU;
    return k->bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
}

static int make_desc(struct gpu *g, struct plan *p, const struct cuda_gemm *c)
{
    struct lt *lt = g->lt;
    const struct key *k = &p->key;
    cublasOperation_t op_a = k->b_t ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasOperation_t op_b = k->a_t ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasLtEpilogue_t epilogue = epilogue_of(k);

    /* Never TF32: kern.h promises f32. */
    return went(g, k, "cublasLtMatmulDescCreate",
                lt->cublasLtMatmulDescCreate(&p->desc, CUBLAS_COMPUTE_32F, CUDA_R_32F)) &&
           went(g, k, "transposing",
                lt->cublasLtMatmulDescSetAttribute(p->desc, CUBLASLT_MATMUL_DESC_TRANSA, &op_a,
                                                   sizeof op_a)) &&
           went(g, k, "transposing",
                lt->cublasLtMatmulDescSetAttribute(p->desc, CUBLASLT_MATMUL_DESC_TRANSB, &op_b,
                                                   sizeof op_b)) &&
           went(g, k, "epilogue",
                lt->cublasLtMatmulDescSetAttribute(p->desc, CUBLASLT_MATMUL_DESC_EPILOGUE,
                                                   &epilogue, sizeof epilogue)) &&
           (!k->pre ||
            went(g, k, "epilogue rows",
                 lt->cublasLtMatmulDescSetAttribute(p->desc, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD,
                                                    &k->ldc, sizeof k->ldc))) &&
           set_pointers(g, p, c);
}

static int prefer(struct gpu *g, const struct key *k, cublasLtMatmulPreference_t want)
{
    struct lt *lt = g->lt;
    uint64_t workspace = WORKSPACE;
    uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    const struct {
        cublasLtMatmulPreferenceAttributes_t name;
        uint32_t value;
    } align[] = {{CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, (uint32_t)k->align_b},
                 {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, (uint32_t)k->align_a},
                 {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, (uint32_t)k->align_c},
                 {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, (uint32_t)k->align_c}};

    for (size_t i = 0; i < sizeof align / sizeof *align; i++)
        if (!went(g, k, "alignment",
                  lt->cublasLtMatmulPreferenceSetAttribute(want, align[i].name, &align[i].value,
                                                           sizeof align[i].value)))
            return 0;
    return went(g, k, "workspace",
                lt->cublasLtMatmulPreferenceSetAttribute(want,
                                                         CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                         &workspace, sizeof workspace)) &&
           went(g, k, "reduction scheme",
                lt->cublasLtMatmulPreferenceSetAttribute(
                    want, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &schemes, sizeof schemes));
}

static int choose(struct gpu *g, struct plan *p)
{
    struct lt *lt = g->lt;
    cublasLtMatmulPreference_t want = NULL;
    cublasLtMatmulHeuristicResult_t found[N_CHOICES];
    int n = 0, ok, i = 0;
    cublasStatus_t code = CUBLAS_STATUS_SUCCESS;

    ok = went(g, &p->key, "cublasLtMatmulPreferenceCreate",
              lt->cublasLtMatmulPreferenceCreate(&want)) &&
         prefer(g, &p->key, want);
    if (ok)
        code = lt->cublasLtMatmulAlgoGetHeuristic(lt->handle, p->desc, p->a, p->b, p->c, p->c, want,
                                                  N_CHOICES, found, &n);
    if (want)
        lt->cublasLtMatmulPreferenceDestroy(want);
    if (!ok)
        return 0;
    while (i < n && found[i].state != CUBLAS_STATUS_SUCCESS)
        i++;
    if (code == CUBLAS_STATUS_SUCCESS && i < n) {
        p->algo = found[i].algo;
        p->workspace_bytes = found[i].workspaceSize;
        return 1;
    }
    if (code == CUBLAS_STATUS_SUCCESS)
        code = CUBLAS_STATUS_NOT_SUPPORTED;
    p->refused = p->key.end || (p->key.bias && code == CUBLAS_STATUS_NOT_SUPPORTED);
    return p->refused || went(g, &p->key, "choosing an algorithm", code);
}

static struct plan *make_plan(struct gpu *g, const struct key *k, const struct cuda_gemm *c)
{
    struct plan *p = xcalloc(1, sizeof *p);

    p->key = *k;
    if (make_desc(g, p, c) &&
        make_layout(g, k, &p->a, k->type, k->b_t ? k->k : k->n, k->b_t ? k->n : k->k, k->ldb,
                    k->stride_b) &&
        make_layout(g, k, &p->b, k->type, k->a_t ? k->m : k->k, k->a_t ? k->k : k->m, k->lda,
                    k->stride_a) &&
        make_layout(g, k, &p->c, k->c_type, k->n, k->m, k->ldc, k->stride_c) && choose(g, p))
        return p;
    if (p->desc)
        g->lt->cublasLtMatmulDescDestroy(p->desc);
    for (int i = 0; i < 3; i++)
        if ((&p->a)[i])
            g->lt->cublasLtMatrixLayoutDestroy((&p->a)[i]);
    free(p);
    return NULL;
}

static size_t place_of(const struct lt *lt, const struct key *k)
{
    const unsigned char *byte = (const unsigned char *)k;
    uint64_t h = 14695981039346656037u;
    size_t at;

    for (size_t i = 0; i < sizeof *k; i++)
        h = (h ^ byte[i]) * 1099511628211u;
    at = (size_t)(h ^ h >> 32) & (lt->cap - 1);
    while (lt->plan[at] && memcmp(&lt->plan[at]->key, k, sizeof *k))
        at = (at + 1) & (lt->cap - 1);
    return at;
}

static struct plan *find_plan(struct gpu *g, const struct key *k, const struct cuda_gemm *c)
{
    struct lt *lt = g->lt;
    size_t at = place_of(lt, k), old_cap = lt->cap;
    struct plan *p = lt->plan[at], **old = lt->plan;

    if (p)
        return set_pointers(g, p, c) ? p : NULL;
    p = make_plan(g, k, c);
    if (!p)
        return NULL;
    if (2 * ++lt->n_plans > lt->cap) {
        lt->cap *= 2;
        lt->plan = xcalloc(lt->cap, sizeof *lt->plan);
        for (size_t i = 0; i < old_cap; i++)
            if (old[i])
                lt->plan[place_of(lt, &old[i]->key)] = old[i];
        free(old);
    }
    lt->plan[place_of(lt, k)] = p;
    return p;
}

/* Of every matrix of the batch: what the pointer and the strides have in common. */
static int32_t alignment(const void *p, int64_t stride, int64_t batch, enum dtype type)
{
    uintptr_t bits = (uintptr_t)p | MAX_ALIGNMENT;

    if (batch > 1)
        bits |= (uintptr_t)stride * dtype_bytes(type);
    return (int32_t)(bits & -bits);
}

static struct key key_of(const struct cuda_gemm *c)
{
    int one = c->batch == 1;

    return (struct key){
        .m = c->m,
        .n = c->n,
        .k = c->k,
        .lda = c->lda,
        .ldb = c->ldb,
        .ldc = c->ldc,
        .batch = c->batch,
        .stride_a = one ? 0 : c->stride_a,
        .stride_b = one ? 0 : c->stride_b,
        .stride_c = one ? 0 : c->stride_c,
        .a_t = !!c->a_t,
        .b_t = !!c->b_t,
        .type = (int32_t)c->type,
        .c_type = (int32_t)c->c_type,
        .bias = c->bias != NULL,
        .align_a = alignment(c->a, c->stride_a, c->batch, c->type),
        .align_b = alignment(c->b, c->stride_b, c->batch, c->type),
        .align_c = alignment(c->c, c->stride_c, c->batch, c->c_type),
        .align_bias = c->bias ? alignment(c->bias, 0, 1, c->c_type) : 0,
        .add = !!c->add,
        .end = (int32_t)c->end,
        .pre = c->pre != NULL,
        .align_pre = c->pre ? alignment(c->pre, 0, 1, c->c_type) : 0,
    };
}

int cuda_gemm(struct kcx *kc, const struct cuda_gemm *c)
{
    struct gpu *g = gpu_of(kc);
    struct key key = key_of(c);
    float alpha = c->alpha, beta = c->add ? 1 : 0;
    void *workspace = NULL;
    struct plan *p;

    if (gpu_failed(g))
        return 1;
    ZT_ASSERT(c->m > 0 && c->n > 0 && c->k > 0 && c->batch > 0 && c->batch <= INT32_MAX);
    ZT_ASSERT(c->type == DT_BF16 || (c->type == DT_F32 && c->c_type == DT_F32));
    if (c->type == DT_BF16 && g->capability < BF16_CAPABILITY) {
        gpu_fail(g, "bf16 needs compute capability 8.0, this GPU has %d.%d: use f32",
                 g->capability / 10, g->capability % 10);
        return 1;
    }
    p = find_plan(g, &key, c);
    if (!p || p->refused)
        return !p;
    if (p->workspace_bytes) {
        workspace = gpu_scratch(g, SLOT_WORKSPACE, WORKSPACE);
        if (!workspace)
            return 1;
    }
    went(g, &key, "cublasLtMatmul",
         g->lt->cublasLtMatmul(g->lt->handle, p->desc, &alpha, c->b, p->a, c->a, p->b, &beta, c->c,
                               p->c, c->c, p->c, &p->algo, workspace, workspace ? WORKSPACE : 0,
                               g->stream));
    return 1;
}
