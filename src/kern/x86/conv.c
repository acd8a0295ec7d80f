/* conv.c - 2D convolution as a matrix product whose lines are gathered from the picture. With R the
 * output pixels, P the input pixels and S = (ky, kx) the places of the kernel: y[R, cout]       =
 * x[R at S, cin] w[cout, S, cin]^T dx[P, cin]       = dy[P from S turned by half, cout] w[S turned
 * by half, cout, cin] dw[cout, S, cin] = dy[R, cout]^T x[R at S, cin] */
#include "kern/x86/conv.h"

#include <string.h>

#include "kern/x86/gemm.h"
#include "kern/x86/par.h"

/* Lines of a picture [n,h,w,c] seen through a kernel at every output pixel: line = (image, oy, ox),
 * elements = (ky, kx, c). With `spread` > 1 the picture stands between zeros: pixel (y, x) lies at
 * (spread y, spread x). */
struct view {
    const char *data;
    int64_t h, w, c, oh, ow;
    int kw, stride, spread, pad_top, pad_left;
    size_t size; /* of an element */
};

static int64_t out_h(const struct k_conv2d *f)
{
    return (f->h + f->pad_top + f->pad_bottom - f->kh) / f->stride + 1;
}

static int64_t out_w(const struct k_conv2d *f)
{
    return (f->w + f->pad_left + f->pad_right - f->kw) / f->stride + 1;
}

/* n elements from `at` of a row of `len` elements; outside the row stand zeros. */
static void view_copy(char *out, const char *row, int64_t len, int64_t at, int64_t n, size_t size)
{
    int64_t before = at < 0 ? (-at < n ? -at : n) : 0;
    int64_t inside = len - (at + before);
    inside = inside < 0 ? 0 : inside < n - before ? inside : n - before;
    memset(out, 0, (size_t)before * size);
    if (inside > 0)
        memcpy(out + (size_t)before * size, row + (size_t)(at + before) * size,
               (size_t)inside * size);
    memset(out + (size_t)(before + inside) * size, 0, (size_t)(n - before - inside) * size);
}

/* Elements off..off+n of the line through one row of the kernel, one place at a time. */
static void view_spread(const struct view *v, char *out, const char *row, int64_t x0, int64_t off,
                        int64_t n)
{
    while (n > 0) {
        int64_t x = x0 + off / v->c, from = off % v->c, len = v->c - from < n ? v->c - from : n;
        if (x < 0 || x % v->spread || x / v->spread >= v->w)
            memset(out, 0, (size_t)len * v->size);
        else
            memcpy(out, row + (size_t)(x / v->spread * v->c + from) * v->size,
                   (size_t)len * v->size);
        out += (size_t)len * v->size;
        off += len;
        n -= len;
    }
}

static void view_fill(const void *arg, void *out, int64_t line, int64_t lines, int64_t first,
                      int64_t n)
{
    const struct view *v = arg;
    int64_t span = v->kw * v->c; /* one row of the kernel: neighbours in the picture too */
    size_t row_bytes = (size_t)(v->w * v->c) * v->size;
    char *d = out;
    for (int64_t i = line; i < line + lines; i++) {
        int64_t image = i / (v->oh * v->ow), x0 = i % v->ow * v->stride - v->pad_left;
        int64_t y0 = i / v->ow % v->oh * v->stride - v->pad_top;
        for (int64_t at = first, len; at < first + n; at += len, d += (size_t)len * v->size) {
            int64_t y = y0 + at / span, off = at % span;
            len = span - off < first + n - at ? span - off : first + n - at;
            if (y < 0 || y % v->spread || y / v->spread >= v->h) {
                memset(d, 0, (size_t)len * v->size);
                continue;
            }
            const char *row = v->data + (size_t)(image * v->h + y / v->spread) * row_bytes;
            if (v->spread == 1)
                view_copy(d, row, v->w * v->c, x0 * v->c + off, len, v->size);
            else
                view_spread(v, d, row, x0, off, len);
        }
    }
}

static struct view view_of(const struct k_conv2d *f)
{
    return (struct view){.data = f->x,
                         .h = f->h,
                         .w = f->w,
                         .c = f->cin,
                         .oh = out_h(f),
                         .ow = out_w(f),
                         .kw = f->kw,
                         .stride = f->stride,
                         .spread = 1,
                         .pad_top = f->pad_top,
                         .pad_left = f->pad_left,
                         .size = f->type == DT_BF16 ? 2 : 4};
}

/* A kernel of one place that sees every pixel once: the picture is the matrix. */
static int is_plain(const struct k_conv2d *f)
{
    return f->kh == 1 && f->kw == 1 && f->stride == 1 && !f->pad_top && !f->pad_left &&
           !f->pad_bottom && !f->pad_right;
}

static void conv_forward(struct kcx *kc, const struct k_conv2d *f, const struct conv_set *set)
{
    if (conv_tiles_fit(f, set)) {
        conv2d_tiles_forward(kc, f, set);
        return;
    }
    struct view v = view_of(f);
    struct gemm_side side = {view_fill, &v};
    int64_t k = (int64_t)f->kh * f->kw * f->cin;
    struct k_matmul q = {.m = f->n * v.oh * v.ow,
                         .n = f->cout,
                         .k = k,
                         .lda = f->cin,
                         .ldb = k,
                         .ldc = f->cout,
                         .a_type = f->type,
                         .b_type = f->type,
                         .c_type = f->type,
                         .a = f->x,
                         .b = f->weight,
                         .bias = f->bias,
                         .c = f->y};
    gemm(kc, &(struct gemm){.q = &q,
                            .form = GEMM_NT,
                            .a = is_plain(f) ? NULL : &side,
                            .f32 = set->f32,
                            .dot = set->dot});
}

/* The weights as [S turned by half, cout, cin]. */
static void *turn_weights(struct kcx *kc, const struct k_conv2d *f)
{
    int64_t places = (int64_t)f->kh * f->kw;
    size_t line = (size_t)f->cin * (f->type == DT_BF16 ? 2 : 4);
    char *out = kcx_shared(kc, (size_t)(places * f->cout) * line);
    for (int64_t s = 0; s < places; s++)
        for (int64_t o = 0; o < f->cout; o++)
            memcpy(out + (size_t)(s * f->cout + o) * line,
                   (const char *)f->weight + (size_t)(o * places + places - 1 - s) * line, line);
    return out;
}

static void conv_dx(struct kcx *kc, const struct k_conv2d_dx *a, const struct conv_set *set)
{
    const struct k_conv2d *f = &a->f;
    struct view v = {.data = a->dy,
                     .h = out_h(f),
                     .w = out_w(f),
                     .c = f->cout,
                     .oh = f->h,
                     .ow = f->w,
                     .kw = f->kw,
                     .stride = 1,
                     .spread = f->stride,
                     .pad_top = f->kh - 1 - f->pad_top,
                     .pad_left = f->kw - 1 - f->pad_left,
                     .size = f->type == DT_BF16 ? 2 : 4};
    struct gemm_side side = {view_fill, &v};
    struct k_matmul q = {.m = f->n * f->h * f->w,
                         .n = f->cin,
                         .k = (int64_t)f->kh * f->kw * f->cout,
                         .lda = f->cout,
                         .ldb = f->cin,
                         .ldc = f->cin,
                         .a_type = f->type,
                         .b_type = f->type,
                         .c_type = f->type,
                         .a = a->dy,
                         .b = turn_weights(kc, f),
                         .c = a->dx};
    gemm(kc, &(struct gemm){.q = &q,
                            .form = GEMM_NN,
                            .a = is_plain(f) ? NULL : &side,
                            .f32 = set->f32,
                            .dot = set->dot});
}

static void conv_dw(struct kcx *kc, const struct k_conv2d_dw *a, const struct conv_set *set)
{
    const struct k_conv2d *f = &a->f;
    struct view v = view_of(f);
    struct gemm_side side = {view_fill, &v};
    int64_t n = (int64_t)f->kh * f->kw * f->cin;
    struct k_matmul q = {.m = f->cout,
                         .n = n,
                         .k = f->n * v.oh * v.ow,
                         .lda = f->cout,
                         .ldb = f->cin,
                         .ldc = n,
                         .a_type = f->type,
                         .b_type = f->type,
                         .c_type = DT_F32,
                         .a = a->dy,
                         .b = f->x,
                         .c = a->dw,
                         .add = 1};
    struct k_sum_rows bias = {q.k, f->cout, f->type, a->dy, a->dbias};
    gemm(kc, &(struct gemm){.q = &q,
                            .form = GEMM_TN,
                            .b = is_plain(f) ? NULL : &side,
                            .f32 = set->f32,
                            .dot = set->dot});
    if (a->dbias)
        set->sum_rows(kc, &bias);
}

/* clang-format off */
#define CONV_ENTRY(kernel, args, conv_type, run, level)                                            \
    static void kernel##_##level(struct kcx *kc, struct args *a)                                   \
    {                                                                                              \
        if (conv_type == DT_F64)                                                                   \
            kernels_c()->kernel(kc, a);                                                            \
        else                                                                                       \
            run(kc, a, &set_##level);                                                              \
    }
#define CONV_LEVEL(level, f32, dot, int8, tiles, packing, sums)                                       \
    static const struct conv_set set_##level = {f32, dot, int8, tiles, packing, sums};             \
    CONV_ENTRY(conv2d, k_conv2d, a->type, conv_forward, level)                                     \
    CONV_ENTRY(conv2d_dx, k_conv2d_dx, a->f.type, conv_dx, level)                                  \
    CONV_ENTRY(conv2d_dw, k_conv2d_dw, a->f.type, conv_dw, level)                                  \
    CONV_ENTRY(conv3d, k_conv3d, a->f.type, conv3d_forward, level)                                 \
    void conv_overlay_##level(struct kernels *k)                                                   \
    {                                                                                              \
        k->conv2d = conv2d_##level;                                                                \
        k->conv2d_dx = conv2d_dx_##level;                                                          \
        k->conv2d_dw = conv2d_dw_##level;                                                          \
        k->conv3d = conv3d_##level;                                                                \
    }
CONV_LEVEL(avx2, &mm_f32_avx2, NULL, &mm_i8_avx2, &winograd_avx2, &packing_avx2, sum_rows_avx2)
CONV_LEVEL(avx512, &mm_f32_avx512, NULL, &mm_i8_avx512, &winograd_avx512, &packing_avx512, sum_rows_avx512)
CONV_LEVEL(avx512vnni, &mm_f32_avx512, NULL, &mm_i8_avx512vnni, &winograd_avx512, &packing_avx512, sum_rows_avx512)
CONV_LEVEL(avx512bf16, &mm_f32_avx512, &mm_bf16_avx512bf16, &mm_i8_avx512vnni, &winograd_avx512, &packing_avx512, sum_rows_avx512)
CONV_LEVEL(amx, &mm_f32_avx512, &mm_bf16_amx, &mm_i8_amx, &winograd_avx512, &packing_avx512, sum_rows_avx512)
/* clang-format on */
