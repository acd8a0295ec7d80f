/* test_kern_product.c - matrix products and convolutions against the C kernels in f64. */
#include "conv3d_shape.h"
#include "kit.h"

/* m n k, gaps of lda ldb ldc, wide operands (1 a, 2 b, 4 c), bias, add, batch */
static const int64_t matmul_shapes[][10] = {
    {1, 1, 1, 0, 0, 0, 0, 1, 0},      {3, 17, 31, 0, 0, 0, 0, 0, 0},
    {17, 3, 65, 1, 2, 3, 0, 1, 1},    {65, 129, 31, 0, 0, 0, 4, 1, 0},
    {31, 65, 257, 0, 5, 0, 5, 0, 1},  {6, 64, 1025, 0, 0, 0, 6, 1, 1},
    {129, 96, 64, 8, 8, 8, 7, 1, 0},  {0, 5, 7, 0, 0, 0, 0, 1, 0},
    {5, 0, 7, 0, 0, 0, 0, 1, 0},      {5, 7, 0, 0, 0, 0, 0, 1, 0},
    {5, 7, 0, 0, 0, 0, 4, 0, 1},      {200, 260, 130, 0, 0, 0, 0, 1, 0},
    {70, 1, 600, 0, 0, 0, 4, 0, 1},   {1, 300, 513, 0, 0, 0, 0, 1, 0},
    {9, 70, 34, 0, 0, 2, 0, 1, 0, 3}, {40, 24, 48, 0, 0, 0, 4, 0, 1, 5},
};

static struct k_matmul matmul_args(struct kit *t, int64_t a_lines, int64_t a_len, int64_t b_lines,
                                   int64_t b_len)
{
    const int64_t *s = t->s;
    enum cls ca = s[6] & 1 ? WIDE : ACT, cb = s[6] & 2 ? WIDE : ACT, cc = s[6] & 4 ? WIDE : ACT;
    struct k_matmul a = {
        .m = s[0],
        .n = s[1],
        .k = s[2],
        .lda = a_len + s[3],
        .ldb = b_len + s[4],
        .ldc = s[1] + s[5],
        .a_type = kit_type(t, ca),
        .b_type = kit_type(t, cb),
        .c_type = kit_type(t, cc),
        .add = (int)s[8],
        .batch = s[9],
    };
    int64_t batch = a.batch ? a.batch : 1, n_c = batch * a.m * a.ldc;

    a.a_step = a_lines * a.lda;
    a.b_step = b_lines * a.ldb;
    a.c_step = a.m * a.ldc;
    a.a = kit_in(t, ca, batch * a_lines * a.lda, 1);
    a.b = kit_in(t, cb, batch * b_lines * a.ldb, 1);
    a.bias = s[7] ? kit_in(t, WIDE, a.n, 1) : NULL;
    a.c = s[5] || s[8] ? kit_io(t, "c", cc, n_c, 1) : kit_out(t, "c", cc, n_c);
    return a;
}

static void matmul_nt(struct kit *t)
{
    struct k_matmul a = matmul_args(t, t->s[0], t->s[2], t->s[1], t->s[2]);

    t->k->matmul_nt(t->kc, &a);
}

static void matmul_nn(struct kit *t)
{
    struct k_matmul a = matmul_args(t, t->s[0], t->s[2], t->s[2], t->s[1]);

    t->k->matmul_nn(t->kc, &a);
}

static void matmul_tn(struct kit *t)
{
    struct k_matmul a = matmul_args(t, t->s[2], t->s[0], t->s[2], t->s[1]);

    t->k->matmul_tn(t->kc, &a);
}

KERNEL_ROW(matmul_nt, matmul_nt, matmul_shapes, DATA_ALL, 0, 5e-6, 1e-2, 1e-5)
KERNEL_ROW(matmul_nn, matmul_nn, matmul_shapes, DATA_ALL, 0, 5e-6, 1e-2, 1e-5)
KERNEL_ROW(matmul_tn, matmul_tn, matmul_shapes, DATA_ALL, 0, 5e-6, 1e-2, 1e-5)

/* m n k, gap of ldc, bias, whether pre is wanted */
static const int64_t gelu_shapes[][10] = {
    {1, 1, 1, 0, 1, 1},     {3, 17, 31, 0, 0, 1}, {66, 64, 130, 0, 1, 1}, {32, 64, 1100, 8, 1, 1},
    {64, 128, 64, 0, 1, 0}, {7, 65, 33, 3, 1, 0}, {0, 5, 7, 0, 1, 1},     {20, 70, 0, 2, 1, 1},
};

static struct k_matmul_gelu gelu_args(struct kit *t, int64_t b_lines, int64_t b_len)
{
    const int64_t *s = t->s;
    enum dtype type = kit_type(t, ACT);
    struct k_matmul_gelu a = {.q = {.m = s[0],
                                    .n = s[1],
                                    .k = s[2],
                                    .lda = s[2],
                                    .ldb = b_len,
                                    .ldc = s[1] + s[3],
                                    .a_type = type,
                                    .b_type = type,
                                    .c_type = type}};
    a.q.a = kit_in(t, ACT, a.q.m * a.q.lda, 1);
    a.q.b = kit_in(t, ACT, b_lines * b_len, 0.3);
    a.q.c = kit_io(t, "c", ACT, a.q.m * a.q.ldc, 1);
    return a;
}

static void matmul_gelu(struct kit *t)
{
    struct k_matmul_gelu a = gelu_args(t, t->s[1], t->s[2]);

    a.q.bias = t->s[4] ? kit_in(t, WIDE, a.q.n, 1) : NULL;
    a.pre = t->s[5] ? kit_io(t, "pre", ACT, a.q.m * a.q.ldc, 1) : NULL;
    t->k->matmul_gelu(t->kc, &a);
}

static void matmul_gelu_bwd(struct kit *t)
{
    struct k_matmul_gelu a = gelu_args(t, t->s[2], t->s[1]);

    a.pre = kit_in(t, ACT, a.q.m * a.q.ldc, 2);
    t->k->matmul_gelu_bwd(t->kc, &a);
}

KERNEL_ROW(matmul_gelu, matmul_gelu, gelu_shapes, DATA_MILD, 0, 5e-6, 1e-2, 1e-5)
KERNEL_ROW(matmul_gelu_bwd, matmul_gelu_bwd, gelu_shapes, DATA_MILD, 0, 5e-6, 1e-2, 1e-5)

/* n h w cin cout kh kw stride, padding before, after; bias where n is even */
static const int64_t conv_shapes[][10] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 0, 0},    {2, 5, 7, 3, 5, 3, 3, 1, 1, 1},
    {1, 6, 9, 17, 8, 3, 3, 2, 1, 1},   {2, 8, 6, 4, 33, 3, 3, 2, 0, 1},
    {3, 4, 5, 65, 31, 1, 1, 1, 0, 0},  {2, 7, 5, 16, 16, 2, 3, 1, 1, 0},
    {1, 9, 13, 96, 40, 3, 3, 1, 1, 1}, {0, 4, 4, 3, 3, 3, 3, 1, 1, 1},
    {2, 16, 28, 8, 12, 3, 3, 1, 1, 1},
};

static struct k_conv2d conv_args(struct kit *t, int64_t *n_x, int64_t *n_w, int64_t *n_y)
{
    const int64_t *s = t->s;
    struct k_conv2d f = {
        .n = s[0],
        .h = s[1],
        .w = s[2],
        .cin = s[3],
        .cout = s[4],
        .kh = (int)s[5],
        .kw = (int)s[6],
        .stride = (int)s[7],
        .pad_top = (int)s[8],
        .pad_left = (int)s[8],
        .pad_bottom = (int)s[9],
        .pad_right = (int)s[9],
        .type = kit_type(t, ACT),
    };
    int64_t oh = (f.h + s[8] + s[9] - f.kh) / f.stride + 1;
    int64_t ow = (f.w + s[8] + s[9] - f.kw) / f.stride + 1;

    *n_x = f.n * f.h * f.w * f.cin;
    *n_w = f.cout * f.kh * f.kw * f.cin;
    *n_y = f.n * oh * ow * f.cout;
    return f;
}

static void conv2d(struct kit *t)
{
    int64_t n_x, n_w, n_y;
    struct k_conv2d f = conv_args(t, &n_x, &n_w, &n_y);

    f.x = kit_in(t, ACT, n_x, 1);
    f.weight = kit_in(t, ACT, n_w, 1);
    f.bias = f.n % 2 ? NULL : kit_in(t, WIDE, f.cout, 1);
    f.y = kit_out(t, "y", ACT, n_y);
    t->k->conv2d(t->kc, &f);
}

static void conv2d_dx(struct kit *t)
{
    int64_t n_x, n_w, n_y;
    struct k_conv2d_dx a = {.f = conv_args(t, &n_x, &n_w, &n_y)};

    a.dy = kit_in(t, ACT, n_y, 1);
    a.f.weight = kit_in(t, ACT, n_w, 1);
    a.dx = kit_out(t, "dx", ACT, n_x);
    t->k->conv2d_dx(t->kc, &a);
}

static void conv2d_dw(struct kit *t)
{
    int64_t n_x, n_w, n_y;
    struct k_conv2d_dw a = {.f = conv_args(t, &n_x, &n_w, &n_y)};

    a.f.x = kit_in(t, ACT, n_x, 1);
    a.dy = kit_in(t, ACT, n_y, 1);
    a.dw = kit_io(t, "dw", WIDE, n_w, 1);
    a.dbias = a.f.n % 2 ? NULL : kit_io(t, "dbias", WIDE, a.f.cout, 1);
    t->k->conv2d_dw(t->kc, &a);
}

KERNEL_ROW(conv2d, conv2d, conv_shapes, DATA_ALL, 0, 5e-6, 1e-2, 1e-5)
KERNEL_ROW(conv2d_dx, conv2d_dx, conv_shapes, DATA_ALL, 0, 5e-6, 1e-2, 1e-5)
KERNEL_ROW(conv2d_dw, conv2d_dw, conv_shapes, DATA_ALL, 0, 5e-6, 1e-2, 1e-5)

/* h w cin cout kt kh kw up, frames that are there (bits, oldest first), add and wide y (bits) */
static const int64_t frame_shapes[][10] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0},     {5, 7, 3, 5, 3, 3, 3, 1, 7, 0},
    {6, 9, 16, 8, 3, 3, 3, 1, 4, 1},    {4, 5, 12, 33, 3, 1, 1, 1, 6, 2},
    {5, 4, 10, 70, 1, 3, 3, 2, 1, 0},   {9, 13, 96, 40, 3, 3, 3, 1, 7, 1},
    {3, 70, 24, 130, 3, 3, 3, 1, 5, 3}, {2, 3, 7, 9, 3, 3, 3, 2, 7, 2},
    {40, 33, 32, 96, 2, 3, 3, 1, 3, 0},
};

static void conv3d(struct kit *t)
{
    const int64_t *s = t->s;
    enum cls y = s[9] & 2 ? WIDE : ACT;
    struct k_conv3d a =
        conv3d_shape(s[0], s[1], s[2], s[3], (int)s[4], (int)s[5], (int)s[6], kit_type(t, ACT));
    int64_t n_y = s[0] * s[1] * s[7] * s[7] * s[3];

    a.up = (int)s[7];
    a.add = s[9] & 1;
    a.y_type = kit_type(t, y);
    for (int i = 0; i < a.kt; i++)
        a.frame[i] = s[8] >> i & 1 ? kit_in(t, ACT, s[0] * s[1] * s[2], 1) : NULL;
    a.f.weight = kit_in(t, ACT, s[3] * s[4] * s[5] * s[6] * s[2], 1);
    a.f.bias = a.add ? NULL : kit_in(t, WIDE, s[3], 1);
    a.f.y = a.add ? kit_io(t, "y", y, n_y, 1) : kit_out(t, "y", y, n_y);
    t->k->conv3d(t->kc, &a);
}

KERNEL_ROW(conv3d, conv3d, frame_shapes, DATA_ALL, 0, 5e-6, 1e-2, 1e-5)
