/* product.cu - the matrix products of a linear layer, in the types that cuda_gemm knows.
 *
 * A bf16 matrix beside an f32 one is widened into scratch. A bias of f32 goes into the epilogue;
 * for a bf16 result it is rounded to bf16 first, which costs a thousandth of its own size and
 * spares a pass over the result. GELU goes there too for bf16; f32 takes a pass of our own, which
 * is exact. */
#include "kern/cuda/gemm.h"
#include "kern/cuda/launch.h"

/* dst = (dst when add) + src + bias; src and bias may be NULL. */
template <typename S, typename D>
__global__ static void put_rows(D *dst, int64_t ld_dst, const S *src, int64_t ld_src,
                                const float *bias, int add, int64_t rows, int64_t cols)
{
    int64_t t = (int64_t)blockIdx.x * BLOCK + threadIdx.x, r = t / cols, c = t % cols;
    float v;

    if (r >= rows)
        return;
    v = bias ? bias[c] : 0;
    if (src)
        v += to_f32(src[r * ld_src + c]);
    if (add)
        v += to_f32(dst[r * ld_dst + c]);
    from_f32(&dst[r * ld_dst + c], v);
}

struct matrix {
    enum dtype type;
    int64_t rows, cols, ld;
};

static void put(struct kcx *kc, void *dst, struct matrix d, const void *src, enum dtype src_type,
                int64_t ld_src, const float *bias, int add)
{
    int64_t blocks = pieces(d.rows * d.cols, BLOCK);

    BY_TYPE(src_type, S,
            BY_TYPE(d.type, D,
                    LAUNCH(kc, (put_rows<S, D>), blocks, BLOCK, (D *)dst, d.ld, (const S *)src,
                           ld_src, bias, add, d.rows, d.cols)));
}

/* The matrix as dense f32 in scratch; NULL after a failure. */
static const void *widened(struct kcx *kc, int slot, const void *src, struct matrix m)
{
    void *out = cuda_scratch(kc, slot, (size_t)(m.rows * m.cols) * sizeof(float));
    struct matrix d = {DT_F32, m.rows, m.cols, m.cols};

    if (out)
        put(kc, out, d, src, m.type, m.ld, NULL, 0);
    return out;
}

/* Both of one type. 0 after a failure. */
static int one_type(struct kcx *kc, struct cuda_gemm *g, enum dtype a_type, enum dtype b_type)
{
    struct matrix a = {a_type, g->a_t ? g->k : g->m, g->a_t ? g->m : g->k, g->lda};
    struct matrix b = {b_type, g->b_t ? g->n : g->k, g->b_t ? g->k : g->n, g->ldb};

    g->type = a_type == b_type ? a_type : DT_F32;
    if (a_type != g->type) {
        g->a = widened(kc, SLOT_WIDE_A, g->a, a);
        g->lda = a.cols;
    }
    if (b_type != g->type) {
        g->b = widened(kc, SLOT_WIDE_B, g->b, b);
        g->ldb = b.cols;
    }
    return g->a && g->b;
}

/* The bias in the type of the result; 0 after a failure. */
static int take_bias(struct kcx *kc, struct cuda_gemm *g, const void *bias)
{
    struct matrix d = {DT_BF16, 1, g->n, g->n};
    void *narrow;

    g->bias = bias;
    if (!bias || g->c_type == DT_F32)
        return 1;
    narrow = cuda_scratch(kc, SLOT_BIAS, (size_t)g->n * sizeof(bf16));
    if (narrow)
        put(kc, narrow, d, bias, DT_F32, g->n, NULL, 0);
    g->bias = narrow;
    return narrow != NULL;
}

/* The product, its bias by a pass of its own where cuBLASLt has no algorithm with one. */
static void product_and_bias(struct kcx *kc, struct cuda_gemm *g, const void *bias)
{
    struct matrix c = {g->c_type, g->m, g->n, g->ldc};

    if (!take_bias(kc, g, bias) || cuda_gemm(kc, g))
        return;
    g->bias = NULL;
    cuda_gemm(kc, g);
    put(kc, g->c, c, NULL, DT_F32, 0, (const float *)bias, 1);
}

static void check_types(const struct k_matmul *a)
{
    if ((a->a_type != DT_F32 && a->a_type != DT_BF16) ||
        (a->b_type != DT_F32 && a->b_type != DT_BF16) ||
        (a->c_type != DT_F32 && a->c_type != DT_BF16))
        BUG("matmul: no product of %s and %s into %s on a GPU", dtype_name(a->a_type),
            dtype_name(a->b_type), dtype_name(a->c_type));
}

static struct cuda_gemm gemm_of(const struct k_matmul *a, int64_t batch, int a_t, int b_t)
{
    struct cuda_gemm g = {};

    g.m = a->m;
    g.n = a->n;
    g.k = a->k;
    g.lda = a->lda;
    g.ldb = a->ldb;
    g.ldc = a->ldc;
    g.batch = batch;
    g.stride_a = a->a_step;
    g.stride_b = a->b_step;
    g.stride_c = a->c_step;
    g.a_t = a_t;
    g.b_t = b_t;
    g.add = a->add;
    g.type = a->a_type;
    g.c_type = a->c_type;
    g.alpha = 1;
    g.a = a->a;
    g.b = a->b;
    g.c = a->c;
    return g;
}

/* One product of any types. */
static void matmul_one(struct kcx *kc, const struct k_matmul *a, int a_t, int b_t)
{
    struct cuda_gemm g = gemm_of(a, 1, a_t, b_t);
    struct matrix c = {a->c_type, a->m, a->n, a->ldc};

    if (a->k == 0) {
        put(kc, a->c, c, NULL, DT_F32, 0, (const float *)a->bias, a->add);
        return;
    }
    if (!one_type(kc, &g, a->a_type, a->b_type))
        return;
    if (g.type == DT_BF16 || g.c_type == DT_F32) {
        product_and_bias(kc, &g, a->bias);
        return;
    }
    /* f32 by f32 into bf16: rounded by a pass of our own. */
    g.c = cuda_scratch(kc, SLOT_WIDE_C, (size_t)(g.m * g.n) * sizeof(float));
    g.c_type = DT_F32;
    g.ldc = g.n;
    g.add = 0;
    if (!g.c)
        return;
    product_and_bias(kc, &g, a->bias);
    put(kc, a->c, c, g.c, DT_F32, g.n, NULL, a->add);
}

static void matmul(struct kcx *kc, const struct k_matmul *a, int a_t, int b_t)
{
    bool direct = a->a_type == a->b_type && (a->a_type == DT_BF16 || a->c_type == DT_F32);
    int64_t batch = a->batch > 1 ? a->batch : 1;

    check_types(a);
    if (a->m == 0 || a->n == 0)
        return;
    if (batch > 1 && direct && a->k > 0 && !a->bias) {
        struct cuda_gemm g = gemm_of(a, batch, a_t, b_t);

        cuda_gemm(kc, &g);
        return;
    }
    for (int64_t i = 0; i < batch; i++) {
        struct k_matmul one = *a;

        one.a = moved(a->a, a->a_type, i * a->a_step);
        one.b = moved(a->b, a->b_type, i * a->b_step);
        one.c = moved(a->c, a->c_type, i * a->c_step);
        matmul_one(kc, &one, a_t, b_t);
    }
}

void matmul_nt_cuda(struct kcx *kc, struct k_matmul *a)
{
    matmul(kc, a, 0, 1);
}

void matmul_nn_cuda(struct kcx *kc, struct k_matmul *a)
{
    matmul(kc, a, 0, 0);
}

void matmul_tn_cuda(struct kcx *kc, struct k_matmul *a)
{
    matmul(kc, a, 1, 0);
}

/* 0 where the epilogue cannot do it. */
static int gelu_at_once(struct kcx *kc, const struct k_matmul_gelu *a, int b_t, enum cuda_end end)
{
    const struct k_matmul *q = &a->q;
    struct cuda_gemm g = gemm_of(q, 1, 0, b_t);

    if (q->a_type != DT_BF16 || q->b_type != DT_BF16 || q->c_type != DT_BF16 || q->k == 0 ||
        q->ldc % 8 || (uintptr_t)a->pre % 16)
        return 0;
    g.end = end;
    g.pre = a->pre;
    return !take_bias(kc, &g, q->bias) || cuda_gemm(kc, &g);
}

void matmul_gelu_cuda(struct kcx *kc, struct k_matmul_gelu *a)
{
    struct k_matmul q = a->q;

    if (q.m == 0 || q.n == 0 || gelu_at_once(kc, a, 1, END_GELU))
        return;
    if (a->pre)
        q.c = a->pre;
    matmul_nt_cuda(kc, &q);
    for (int64_t i = 0, rows = q.ldc == q.n ? 1 : q.m; i < rows; i++) {
        struct k_act_fwd act = {q.n * (q.m / rows), ACT_GELU_TANH, q.c_type,
                                moved(q.c, q.c_type, i * q.ldc),
                                moved(a->q.c, q.c_type, i * q.ldc)};

        act_cuda(kc, &act);
    }
}

void matmul_gelu_bwd_cuda(struct kcx *kc, struct k_matmul_gelu *a)
{
    struct k_matmul *q = &a->q;

    if (q->m == 0 || q->n == 0 || gelu_at_once(kc, a, 0, END_GELU_SLOPE))
        return;
    matmul_nn_cuda(kc, q);
    for (int64_t i = 0, rows = q->ldc == q->n ? 1 : q->m; i < rows; i++) {
        void *c = moved(q->c, q->c_type, i * q->ldc);
        struct k_act_bwd act = {q->n * (q->m / rows),
                                ACT_GELU_TANH,
                                q->c_type,
                                moved(a->pre, q->c_type, i * q->ldc),
                                c,
                                c};

        act_bwd_cuda(kc, &act);
    }
}
