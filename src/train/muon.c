#include "train/optim.h"

/* The quintic of Jordan's post: steepest at zero, so five iterations lift all singular values to
 * 0.5..1.5. */
static const double NS_A = 3.4445, NS_B = -4.7750, NS_C = 2.0315;

/* One stack of n matrices [r,c], r <= c, and what an iteration needs beside them. */
struct stack {
    const struct kernels *k;
    struct kcx *kc;
    int64_t n, r, c;
    bf16 *x, *gram; /* [n,r,c], [n,r,r] */
    float *wide;    /* [n,r,c] */
};

/* dst [n,cols,rows] = src [n,rows,cols], each turned over. */
static void transpose(const struct stack *s, float *dst, const void *src, enum dtype src_type,
                      int64_t rows, int64_t cols)
{
    struct k_permute p = {.rank = 3,
                          .dim = {s->n, cols, rows},
                          .src_stride = {rows * cols, 1, cols},
                          .dst_stride = {rows * cols, rows, 1},
                          .src_type = src_type,
                          .dst_type = DT_F32,
                          .src = src,
                          .dst = dst};
    s->k->permute(s->kc, &p);
}

/* y = alpha a + beta b; b is f32 or NULL. */
static void mix(const struct stack *s, void *y, enum dtype y_type, double alpha, const void *a,
                enum dtype a_type, double beta, const float *b, int64_t n)
{
    struct k_add m = {.n = n,
                      .a_type = a_type,
                      .b_type = DT_F32,
                      .y_type = y_type,
                      .alpha = alpha,
                      .beta = beta,
                      .a = a,
                      .b = b,
                      .y = y};
    s->k->add(s->kc, &m);
}

/* X = x / |x| for each matrix, rounded where PyTorch rounds: first x, then its norm, then the
 * quotient. What comes out depends on these roundings in the second digit. */
static void scale_to_one(const struct stack *s, const float *x)
{
    struct k_unit_norm u = {
        .n = s->n, .size = s->r * s->c, .least = 1e-7, .type = DT_BF16, .x = s->x};
    mix(s, s->x, DT_BF16, 1, x, DT_F32, 0, NULL, u.n * u.size);
    s->k->unit_norm(s->kc, &u);
}

/* X <- a X + (b G + c G G) X, G = X X^T. */
static void iterate(const struct stack *s)
{
    int64_t r = s->r, c = s->c;
    struct k_matmul q = {.m = r,
                         .n = r,
                         .k = c,
                         .lda = c,
                         .ldb = c,
                         .ldc = r,
                         .a_type = DT_BF16,
                         .b_type = DT_BF16,
                         .c_type = DT_BF16,
                         .a = s->x,
                         .b = s->x,
                         .c = s->gram,
                         .batch = s->n,
                         .a_step = r * c,
                         .b_step = r * c,
                         .c_step = r * r};
    s->k->matmul_nt(s->kc, &q);
    q.k = q.lda = q.ldb = r; /* G is symmetric, so the product by rows does for G G */
    q.a = q.b = s->gram;
    q.a_step = q.b_step = r * r;
    q.c = s->wide;
    q.c_type = DT_F32;
    s->k->matmul_nt(s->kc, &q);
    mix(s, s->gram, DT_BF16, NS_B, s->gram, DT_BF16, NS_C, s->wide, s->n * r * r);
    q.n = q.ldb = q.ldc = c;
    q.b = s->x;
    q.b_step = q.c_step = r * c;
    s->k->matmul_nn(s->kc, &q);
    mix(s, s->x, DT_BF16, NS_A, s->x, DT_BF16, 1, s->wide, s->n * r * c);
}

static void orthogonalise(const struct stack *s, float *x, int tall, int steps)
{
    int64_t n = s->n * s->r * s->c;
    if (tall)
        transpose(s, s->wide, x, DT_F32, s->c, s->r);
    scale_to_one(s, tall ? s->wide : x);
    for (int i = 0; i < steps; i++)
        iterate(s);
    if (tall)
        transpose(s, x, s->x, DT_BF16, s->r, s->c);
    else
        mix(s, x, DT_F32, 1, s->x, DT_BF16, 0, NULL, n);
}

static size_t whole_lines(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

size_t muon_work_bytes(int64_t n, int64_t rows, int64_t cols)
{
    int64_t r = rows < cols ? rows : cols;
    return whole_lines(sizeof(float) * (size_t)(n * rows * cols)) +
           sizeof(bf16) * (size_t)(n * (rows * cols + r * r));
}

void muon_orthogonalise(const struct kernels *k, struct kcx *kc, float *x, int64_t n, int64_t rows,
                        int64_t cols, int steps, void *work)
{
    int64_t r = rows < cols ? rows : cols, c = rows < cols ? cols : rows;
    bf16 *y = (bf16 *)((char *)work + whole_lines(sizeof(float) * (size_t)(n * r * c)));
    struct stack s = {k, kc, n, r, c, y, y + n * r * c, work};
    orthogonalise(&s, x, rows > cols, steps);
}
