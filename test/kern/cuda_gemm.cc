/* cuda_gemm.cc - the product under the CUDA kernels by plain loops, as strict as cuBLASLt. It
 * refuses a bias where n is odd and an end where m is, so that the way round is walked too. */
#include <math.h>

#include "kern/cuda/gemm.h"

static double at(const void *p, enum dtype type, int64_t i)
{
    return type == DT_F32 ? ((const float *)p)[i] : bf16_to_f32(((const bf16 *)p)[i]);
}

static void check(const struct cuda_gemm *g)
{
    ZT_ASSERT(g->m > 0 && g->n > 0 && g->k > 0 && g->batch > 0);
    ZT_ASSERT(g->lda >= (g->a_t ? g->m : g->k) && g->ldb >= (g->b_t ? g->k : g->n));
    ZT_ASSERT(g->ldc >= g->n && g->a && g->b && g->c);
    ZT_ASSERT(g->type == DT_BF16 || g->type == DT_F32);
    ZT_ASSERT(g->c_type == DT_F32 || (g->c_type == DT_BF16 && g->type == DT_BF16));
    ZT_ASSERT(g->end == END_PLAIN ||
              (g->batch == 1 && !g->add && g->ldc % 8 == 0 && (uintptr_t)g->pre % 16 == 0));
    ZT_ASSERT(g->end != END_GELU_SLOPE || (g->pre && !g->bias));
    ZT_ASSERT(g->batch == 1 || (!g->bias && g->stride_c >= (g->m - 1) * g->ldc + g->n));
}

static double *grown(int64_t n)
{
    static double *kept;
    static int64_t size;

    if (n > size)
        kept = (double *)xrealloc(kept, (size_t)(size = n) * sizeof *kept);
    return kept;
}

static void put(void *p, enum dtype type, int64_t i, double v)
{
    if (type == DT_F32)
        ((float *)p)[i] = (float)v;
    else
        ((bf16 *)p)[i] = f32_to_bf16((float)v);
}

static double ended(const struct cuda_gemm *g, int64_t i, double x)
{
    double u, t;

    if (g->end == END_GELU && g->pre)
        put(g->pre, g->c_type, i, x);
    u = g->end == END_GELU ? x : at(g->pre, g->c_type, i);
    t = tanh(sqrt(2 / M_PI) * (u + 0.044715 * u * u * u));
    if (g->end == END_GELU)
        return 0.5 * u * (1 + t);
    t = 0.5 * (1 + t) + 0.5 * u * (1 - t * t) * sqrt(2 / M_PI) * (1 + 3 * 0.044715 * u * u);
    return x * t;
}

static void put_row(const struct cuda_gemm *g, int64_t first, const double *sum)
{
    for (int64_t j = 0; j < g->n; j++) {
        double v = g->alpha * sum[j] + (g->bias ? at(g->bias, g->c_type, j) : 0);

        if (g->add)
            v += at(g->c, g->c_type, first + j);
        put(g->c, g->c_type, first + j, g->end == END_PLAIN ? v : ended(g, first + j, v));
    }
}

int cuda_gemm(struct kcx *kc, const struct cuda_gemm *g)
{
    int64_t a_row = g->a_t ? 1 : g->lda, a_col = g->a_t ? g->lda : 1;
    int64_t b_row = g->b_t ? 1 : g->ldb, b_col = g->b_t ? g->ldb : 1, n = g->n;
    double *sum, *b;

    (void)kc;
    check(g);
    if ((g->bias && n % 2) || (g->end != END_PLAIN && g->m % 2))
        return 0;
    sum = grown((g->k + 1) * n);
    b = sum + n; /* [k,n], so that the loop over columns is the inner one: much of a test's time */
    for (int64_t s = 0; s < g->batch; s++) {
        for (int64_t t = 0; t < g->k * n; t++)
            b[t] = at(g->b, g->type, s * g->stride_b + t / n * b_row + t % n * b_col);
        for (int64_t i = 0; i < g->m; i++) {
            memset(sum, 0, (size_t)n * sizeof *sum);
            for (int64_t k = 0; k < g->k; k++) {
                double a = at(g->a, g->type, s * g->stride_a + i * a_row + k * a_col);

                for (int64_t j = 0; j < n; j++)
                    sum[j] += a * b[k * n + j];
            }
            put_row(g, s * g->stride_c + i * g->ldc, sum);
        }
    }
    return 1;
}

/* On the host there is no cuDNN either. */
#include "kern/cuda/cudnn_none.c"
