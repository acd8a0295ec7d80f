#include <math.h>

#include "train/optim.h"

/* The quintic of Jordan's post: steepest at zero, so five iterations lift all singular values to
 * 0.5..1.5. */
static const double NS_A = 3.4445, NS_B = -4.7750, NS_C = 2.0315;

/* dst [cols,rows] = src [rows,cols] turned over, in other types. */
static void transpose(const struct kernels *k, struct kcx *kc, void *dst, enum dtype dst_type,
                      const void *src, enum dtype src_type, int64_t rows, int64_t cols)
{
    struct k_permute p = {.rank = 2,
                          .dim = {cols, rows},
                          .src_stride = {1, cols},
                          .dst_stride = {rows, 1},
                          .src_type = src_type,
                          .dst_type = dst_type,
                          .src = src,
                          .dst = dst};
    k->permute(kc, &p);
}

/* y = alpha x. */
static void scale(const struct kernels *k, struct kcx *kc, void *y, enum dtype y_type, double alpha,
                  const void *x, enum dtype x_type, int64_t n)
{
    struct k_add a = {.n = n, .a_type = x_type, .y_type = y_type, .alpha = alpha, .a = x, .y = y};
    k->add(kc, &a);
}

/* y / |y|, with the norm rounded as PyTorch rounds it. */
static void scale_to_one(const struct kernels *k, struct kcx *kc, bf16 *y, int64_t n)
{
    struct k_sum_squares q = {.n = n, .type = DT_BF16, .x = y};
    k->sum_squares(kc, &q);
    float norm = bf16_to_f32(f32_to_bf16((float)fmax(sqrt(q.sum), 1e-7)));
    scale(k, kc, y, DT_BF16, 1 / (double)norm, y, DT_BF16, n);
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

int muon_orthogonalise(const struct kernels *k, struct kcx *kc, float *x, int64_t rows,
                       int64_t cols, int steps)
{
    int64_t r = rows < cols ? rows : cols, c = rows < cols ? cols : rows, n = rows * cols;
    struct device *d = kc->device ? kc->device : device_cpu();
    size_t y_bytes = sizeof(bf16) * (size_t)(n + r * r), wide_bytes = sizeof(float) * (size_t)n;
    bf16 *y = device_take(d, y_bytes);
    float *wide = device_take(d, wide_bytes);
    int full = !y || !wide;
    if (!full) {
        if (rows > cols)
            transpose(k, kc, y, DT_BF16, x, DT_F32, rows, cols);
        else
            scale(k, kc, y, DT_BF16, 1, x, DT_F32, n);
        scale_to_one(k, kc, y, n);
        for (int i = 0; i < steps; i++)
            iterate(k, kc, y, y + n, wide, r, c);
        if (rows > cols)
            transpose(k, kc, x, DT_F32, y, DT_BF16, cols, rows);
        else
            scale(k, kc, x, DT_F32, 1, y, DT_BF16, n);
    }
    device_give(d, wide, wide_bytes);
    device_give(d, y, y_bytes);
    return full ? ERR_FIT : 0;
}
