#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/optim.h"

/* The quintic of Jordan's post: steepest at zero, so five iterations lift all singular values to
 * 0.5..1.5. */
static const double NS_A = 3.4445, NS_B = -4.7750, NS_C = 2.0315;

static void transpose(float *dst, const float *src, int64_t rows, int64_t cols)
{
    for (int64_t i = 0; i < rows; i += 16)
        for (int64_t j = 0; j < cols; j += 16)
            for (int64_t a = i; a < rows && a < i + 16; a++)
                for (int64_t b = j; b < cols && b < j + 16; b++)
                    dst[b * rows + a] = src[a * cols + b];
}

/* y = x / |x|, rounded where PyTorch rounds: first x, then its norm, then the quotient. */
static void scale_to_one(const struct kernels *k, struct kcx *kc, bf16 *y, const float *x,
                         int64_t n)
{
    struct k_add a = {.n = n, .a_type = DT_F32, .y_type = DT_BF16, .alpha = 1, .a = x, .y = y};
    k->add(kc, &a);
    struct k_sum_squares q = {.n = n, .type = DT_BF16, .x = y};
    k->sum_squares(kc, &q);
    float norm = bf16_to_f32(f32_to_bf16((float)fmax(sqrt(q.sum), 1e-7)));
    for (int64_t i = 0; i < n; i++)
        y[i] = f32_to_bf16(bf16_to_f32(y[i]) / norm);
}

/* y = alpha a + beta b, all bf16 or f32 as given. */
static void mix(const struct kernels *k, struct kcx *kc, bf16 *y, double alpha, const bf16 *a,
                double beta, const float *b, int64_t n)
{
    struct k_add m = {.n = n,
                      .a_type = DT_BF16,
                      .b_type = DT_F32,
                      .y_type = DT_BF16,
                      .alpha = alpha,
                      .beta = beta,
                      .a = a,
                      .b = b,
                      .y = y};
    k->add(kc, &m);
}

/* One iteration on x [r,c], r <= c: X <- a X + (b G + c G G) X, G = X X^T. */
static void iterate(const struct kernels *k, struct kcx *kc, bf16 *x, bf16 *gram, float *wide,
                    int64_t r, int64_t c)
{
    struct k_matmul mm = {
        .m = r, .n = r, .k = c, .lda = c, .ldb = c, .ldc = r, .a = x, .b = x, .c = gram};
    mm.a_type = mm.b_type = mm.c_type = DT_BF16;
    k->matmul_nt(kc, &mm);
    /* G is symmetric, so the product by rows does for G G. */
    struct k_matmul gg = {
        .m = r, .n = r, .k = r, .lda = r, .ldb = r, .ldc = r, .a = gram, .b = gram, .c = wide};
    gg.a_type = gg.b_type = DT_BF16;
    gg.c_type = DT_F32;
    k->matmul_nt(kc, &gg);
    mix(k, kc, gram, NS_B, gram, NS_C, wide, r * r);
    struct k_matmul gx = {
        .m = r, .n = c, .k = r, .lda = r, .ldb = c, .ldc = c, .a = gram, .b = x, .c = wide};
    gx.a_type = gx.b_type = DT_BF16;
    gx.c_type = DT_F32;
    k->matmul_nn(kc, &gx);
    mix(k, kc, x, NS_A, x, 1, wide, r * c);
}

void muon_orthogonalise(const struct kernels *k, struct kcx *kc, float *x, int64_t rows,
                        int64_t cols, int steps)
{
    int64_t r = rows < cols ? rows : cols, c = rows < cols ? cols : rows, n = rows * cols;
    bf16 *y = xmalloc(sizeof(bf16) * (size_t)(n + r * r));
    float *wide = xmalloc(sizeof(float) * (size_t)n);
    if (rows > cols)
        transpose(wide, x, rows, cols);
    scale_to_one(k, kc, y, rows > cols ? wide : x, n);
    for (int i = 0; i < steps; i++)
        iterate(k, kc, y, y + n, wide, r, c);
    if (rows > cols) {
        dtype_convert(wide, DT_F32, y, DT_BF16, (size_t)n);
        transpose(x, wide, cols, rows);
    } else {
        dtype_convert(x, DT_F32, y, DT_BF16, (size_t)n);
    }
    free(wide);
    free(y);
}
