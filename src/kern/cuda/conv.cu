/* conv.cu - 2D convolution as a product whose lines are gathered into scratch, chunk by chunk. With
 * R the output pixels, P the input pixels and S = (ky, kx) the places of the kernel: y[R, cout] =
 * x[R at S, cin] w[cout, S, cin]^T dx[P, cin]       = dy[P from S, cout] w[S, cout, cin] dw[cout,
 * S, cin] += dy[R, cout]^T x[R at S, cin] dx gathers as well, so no element has two writers; chunks
 * of dw are added in their order. This is the way of a convolution that is a plain product, and of
 * all where cuDNN (convdnn.h) offers nothing. */
#include "kern/cuda/convdnn.h"
#include "kern/cuda/gemm.h"
#include "kern/cuda/launch.h"

static const int64_t CHUNK_BYTES = PIECE(128 << 20, 10000);

/* A picture seen through the kernel: lines are pixels of one side, the channels stand at pixels of
 * the other. */
struct view {
    int64_t h, w, oh, ow, channels;
    int kh, kw, stride, top, left;
};

/* The input pixel that output pixel `line` sees through a place of the kernel, or -1. */
__device__ static inline int64_t seen_pixel(const view &v, int64_t line, int place)
{
    unsigned in_image = (unsigned)(line % (v.oh * v.ow)), across = (unsigned)v.ow;
    int64_t y = (int64_t)(in_image / across) * v.stride + place / v.kw - v.top;
    int64_t x = (int64_t)(in_image % across) * v.stride + place % v.kw - v.left;

    if (y < 0 || y >= v.h || x < 0 || x >= v.w)
        return -1;
    return (line / (v.oh * v.ow) * v.h + y) * v.w + x;
}

/* The output pixel that sees input pixel `line` through a place of the kernel, or -1. */
__device__ static inline int64_t seeing_pixel(const view &v, int64_t line, int place)
{
    unsigned in_image = (unsigned)(line % (v.h * v.w)), across = (unsigned)v.w;
    int y = (int)(in_image / across) + v.top - place / v.kw;
    int x = (int)(in_image % across) + v.left - place % v.kw;

    if (y < 0 || x < 0 || y % v.stride || x % v.stride)
        return -1;
    y /= v.stride;
    x /= v.stride;
    if (y >= v.oh || x >= v.ow)
        return -1;
    return (line / (v.h * v.w) * v.oh + y) * v.ow + x;
}

/* dst[line - first, place, channel]: one thread moves V channels. */
template <typename T, int V>
__global__ static void gather(T *dst, const T *src, view v, int backward, int64_t first, unsigned n)
{
    unsigned t = blockIdx.x * (unsigned)BLOCK + threadIdx.x, units = (unsigned)(v.channels / V);
    unsigned line = t / units / (unsigned)(v.kh * v.kw);
    int place = (int)(t / units % (unsigned)(v.kh * v.kw));
    pack<T, V> p;
    int64_t at;

    if (t >= n)
        return;
    at = backward ? seeing_pixel(v, first + line, place) : seen_pixel(v, first + line, place);
    for (int i = 0; i < V; i++)
        p.v[i] = 0;
    if (at >= 0)
        p = *(const pack<T, V> *)(src + at * v.channels + t % units * V);
    *(pack<T, V> *)(dst + (int64_t)t * V) = p;
}

static view view_of(const struct k_conv2d *f, int64_t channels)
{
    view v = {f->h, f->w, 0, 0, channels, f->kh, f->kw, f->stride, f->pad_top, f->pad_left};

    v.oh = (f->h + f->pad_top + f->pad_bottom - f->kh) / f->stride + 1;
    v.ow = (f->w + f->pad_left + f->pad_right - f->kw) / f->stride + 1;
    return v;
}

/* Each output pixel sees the input pixel of its own place alone. */
static int is_product(const struct k_conv2d *f)
{
    return f->kh == 1 && f->kw == 1 && f->stride == 1 && !f->pad_top && !f->pad_left &&
           !f->pad_bottom && !f->pad_right;
}

static int64_t row_length(const view *v)
{
    return v->channels * v->kh * v->kw;
}

/* Lines of a chunk. */
static int64_t chunk_lines(const view *v, enum dtype type)
{
    int64_t lines = CHUNK_BYTES / (row_length(v) * (int64_t)dtype_bytes(type));

    return lines > 0 ? lines : 1;
}

/* Lines first..first+n-1 as rows of a matrix; NULL after a failure. */
static const void *columns(struct kcx *kc, const void *src, enum dtype type, const view *v,
                           int backward, int64_t first, int64_t n)
{
    int64_t all = n * row_length(v);
    void *out = cuda_scratch(kc, SLOT_COLUMNS, (size_t)all * dtype_bytes(type));

    if (!out)
        return NULL;
    if (all > INT32_MAX)
        BUG("conv2d: a line of %lld elements", (long long)row_length(v));
    BY_TYPE(type, T, {
        const int wide = 16 / (int)sizeof(T);

        if (v->channels % wide == 0 && packs(src, sizeof(T), wide))
            LAUNCH(kc, (gather<T, 16 / sizeof(T)>), pieces(all / wide, BLOCK), BLOCK, (T *)out,
                   (const T *)src, *v, backward, first, (unsigned)(all / wide));
        else
            LAUNCH(kc, (gather<T, 1>), pieces(all, BLOCK), BLOCK, (T *)out, (const T *)src, *v,
                   backward, first, (unsigned)all);
    });
    return out;
}

static struct k_matmul product(enum dtype type, int64_t m, int64_t n, int64_t k)
{
    struct k_matmul p = {};

    p.m = m;
    p.n = n;
    p.k = k;
    p.ldc = n;
    p.a_type = p.b_type = p.c_type = type;
    return p;
}

void conv2d_cuda(struct kcx *kc, struct k_conv2d *f)
{
    view v = view_of(f, f->cin);
    int64_t k = row_length(&v), rows = f->n * v.oh * v.ow;
    int64_t step = is_product(f) ? rows : chunk_lines(&v, f->type);

    if (!is_product(f) && convdnn(kc, f))
        return;
    for (int64_t r = 0; r < rows; r += step) {
        struct k_matmul p = product(f->type, at_most(step, rows - r), f->cout, k);

        p.lda = p.ldb = k;
        p.a = is_product(f) ? f->x : columns(kc, f->x, f->type, &v, 0, r, p.m);
        p.b = f->weight;
        p.bias = f->bias;
        p.c = moved(f->y, f->type, r * f->cout);
        if (!p.a)
            return;
        matmul_nt_cuda(kc, &p);
    }
}

/* The weight as [S, cout, cin]; NULL after a failure. */
static const void *turned_weight(struct kcx *kc, const struct k_conv2d *f)
{
    int64_t places = (int64_t)f->kh * f->kw, all = places * f->cout * f->cin;
    struct k_permute p = {};

    if (places == 1)
        return f->weight;
    p.rank = 3;
    p.dim[0] = places;
    p.dim[1] = f->cout;
    p.dim[2] = f->cin;
    p.src_stride[0] = f->cin;
    p.src_stride[1] = places * f->cin;
    p.src_stride[2] = 1;
    p.dst_stride[0] = f->cout * f->cin;
    p.dst_stride[1] = f->cin;
    p.dst_stride[2] = 1;
    p.src_type = p.dst_type = f->type;
    p.src = f->weight;
    p.dst = cuda_scratch(kc, SLOT_WEIGHT, (size_t)all * dtype_bytes(f->type));
    if (p.dst)
        permute_cuda(kc, &p);
    return p.dst;
}

void conv2d_dx_cuda(struct kcx *kc, struct k_conv2d_dx *a)
{
    const struct k_conv2d *f = &a->f;
    view v = view_of(f, f->cout);
    int64_t k = row_length(&v), rows = f->n * f->h * f->w;
    int64_t step = is_product(f) ? rows : chunk_lines(&v, f->type);
    const void *weight;

    if (rows == 0 || (!is_product(f) && convdnn_dx(kc, a)))
        return;
    weight = turned_weight(kc, f);
    for (int64_t r = 0; r < rows && weight; r += step) {
        struct k_matmul p = product(f->type, at_most(step, rows - r), f->cin, k);

        p.lda = k;
        p.ldb = f->cin;
        p.a = is_product(f) ? a->dy : columns(kc, a->dy, f->type, &v, 1, r, p.m);
        p.b = weight;
        p.c = moved(a->dx, f->type, r * f->cin);
        if (!p.a)
            return;
        matmul_nn_cuda(kc, &p);
    }
}

static void dw_by_products(struct kcx *kc, struct k_conv2d_dw *a)
{
    const struct k_conv2d *f = &a->f;
    view v = view_of(f, f->cin);
    int64_t n = row_length(&v), rows = f->n * v.oh * v.ow;
    int64_t step = is_product(f) ? rows : chunk_lines(&v, f->type);

    for (int64_t r = 0; r < rows; r += step) {
        struct k_matmul p = product(f->type, f->cout, n, at_most(step, rows - r));

        p.lda = f->cout;
        p.ldb = n;
        p.a = moved(a->dy, f->type, r * f->cout);
        p.b = is_product(f) ? f->x : columns(kc, f->x, f->type, &v, 0, r, p.k);
        p.c = a->dw;
        p.c_type = DT_F32;
        p.add = 1;
        if (!p.b)
            return;
        matmul_tn_cuda(kc, &p);
    }
}

void conv2d_dw_cuda(struct kcx *kc, struct k_conv2d_dw *a)
{
    const struct k_conv2d *f = &a->f;
    view v = view_of(f, f->cin);
    struct k_sum_rows bias = {f->n * v.oh * v.ow, f->cout, f->type, a->dy, a->dbias};

    if (is_product(f) || !convdnn_dw(kc, a))
        dw_by_products(kc, a);
    if (a->dbias)
        sum_rows_cuda(kc, &bias);
}
