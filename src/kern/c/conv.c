/* conv.c - 2D convolution as a product whose lines are gathered from the picture. With R the output
 * pixels, P the input pixels and S = (ky, kx) the places of the kernel:
 *   y[R, cout]      = x[R at S, cin] w[cout, S, cin]^T
 *   dx[P, cin]      = dy[P from S, cout] w[cout, S, cin]
 *   dw[cout, S,cin] = dy[R, cout]^T x[R at S, cin] */
#include "kern/c/product.h"
#include "kern/packed.h"

#include <string.h>

static int64_t out_h(const struct k_conv2d *f)
{
    return (f->h + f->pad_top + f->pad_bottom - f->kh) / f->stride + 1;
}

static int64_t out_w(const struct k_conv2d *f)
{
    return (f->w + f->pad_left + f->pad_right - f->kw) / f->stride + 1;
}

static int64_t out_rows(const struct k_conv2d *f)
{
    return f->n * out_h(f) * out_w(f);
}

/* Elements first.. of the line of (place, channel) pairs: pixel(line, place) is where the channels
 * of a place stand, negative outside the picture. */
static void gather(const struct side *s, int64_t line, int64_t first, int64_t n, enum dtype wide,
                   void *out, int64_t channels,
                   int64_t (*pixel)(const struct k_conv2d *f, int64_t line, int64_t place))
{
    size_t size = dtype_bytes(wide);

    while (n > 0) {
        int64_t place = first / channels, c = first % channels;
        int64_t len = channels - c < n ? channels - c : n;
        int64_t at = pixel(s->arg, line, place);

        if (at < 0)
            memset(out, 0, (size_t)len * size);
        else
            read_run(s->data, s->type, at * channels + c, len, wide, out);
        out = (char *)out + (size_t)len * size;
        first += len;
        n -= len;
    }
}

/* The input pixel that output pixel `line` sees through a place of the kernel. */
static int64_t seen_pixel(const struct k_conv2d *f, int64_t line, int64_t place)
{
    int64_t oh = out_h(f), ow = out_w(f);
    int64_t y = line / ow % oh * f->stride + place / f->kw - f->pad_top;
    int64_t x = line % ow * f->stride + place % f->kw - f->pad_left;

    if (y < 0 || y >= f->h || x < 0 || x >= f->w)
        return -1;
    return (line / (oh * ow) * f->h + y) * f->w + x;
}

/* The output pixel that sees input pixel `line` through a place of the kernel. */
static int64_t seeing_pixel(const struct k_conv2d *f, int64_t line, int64_t place)
{
    int64_t oh = out_h(f), ow = out_w(f);
    int64_t y = line / f->w % f->h + f->pad_top - place / f->kw;
    int64_t x = line % f->w + f->pad_left - place % f->kw;

    if (y < 0 || x < 0 || y % f->stride || x % f->stride)
        return -1;
    y /= f->stride;
    x /= f->stride;
    if (y >= oh || x >= ow)
        return -1;
    return (line / (f->h * f->w) * oh + y) * ow + x;
}

static void line_seen(const struct side *s, int64_t line, int64_t first, int64_t n, enum dtype wide,
                      void *out)
{
    const struct k_conv2d *f = s->arg;

    gather(s, line, first, n, wide, out, f->cin, seen_pixel);
}

static void line_seeing(const struct side *s, int64_t line, int64_t first, int64_t n,
                        enum dtype wide, void *out)
{
    const struct k_conv2d *f = s->arg;

    gather(s, line, first, n, wide, out, f->cout, seeing_pixel);
}

/* Line (place, cout) of the weight: its input channels. */
static void line_weight(const struct side *s, int64_t line, int64_t first, int64_t n,
                        enum dtype wide, void *out)
{
    const struct k_conv2d *f = s->arg;
    int64_t row = line % f->cout * f->kh * f->kw + line / f->cout;

    read_run(s->data, s->type, row * f->cin + first, n, wide, out);
}

void conv2d_c(struct kcx *kc, struct k_conv2d *f)
{
    int64_t k = (int64_t)f->kh * f->kw * f->cin;
    struct product p = {
        .m = out_rows(f),
        .n = f->cout,
        .k = k,
        .ldc = f->cout,
        .a = {1, f->type, f->x, 0, line_seen, f},
        .b = {1, f->type, f->weight, k, line_plain, NULL},
        .bias = f->bias,
        .c = f->y,
        .c_type = f->type,
        .wide = wide_of(f->type),
    };

    product(kc, &p);
}

/* Values of the frame of a tap, within a pixel. */
static void read_frame(const struct k_conv3d *a, int tap, int64_t first, int64_t n, enum dtype wide,
                       void *out)
{
    const struct k_conv2d *f = &a->f;

    if (!a->packed || tap == a->kt - 1) {
        read_run(a->frame[tap], f->type, first, n, wide, out);
        return;
    }
    for (int64_t i = 0; i < n; i++, out = (char *)out + dtype_bytes(wide)) {
        bf16 x = packed_get(a->frame[tap], f->h * f->w, f->cin, first / f->cin, first % f->cin + i);

        read_run(&x, DT_BF16, 0, 1, wide, out);
    }
}

/* Elements first.. of the line of (tap, place, channel): what output pixel `line` sees. */
static void line_frames(const struct side *s, int64_t line, int64_t first, int64_t n,
                        enum dtype wide, void *out)
{
    const struct k_conv3d *a = s->arg;
    const struct k_conv2d *f = &a->f;
    int64_t places = (int64_t)f->kh * f->kw,
            ow = f->w * a->up + f->pad_left + f->pad_right - f->kw + 1;

    while (n > 0) {
        int64_t at = first / f->cin, c = first % f->cin, place = at % places;
        int64_t len = f->cin - c < n ? f->cin - c : n;
        int64_t y = line / ow + place / f->kw - f->pad_top;
        int64_t x = line % ow + place % f->kw - f->pad_left;
        const void *frame = a->frame[at / places];

        if (!frame || y < 0 || x < 0 || y >= f->h * a->up || x >= f->w * a->up)
            memset(out, 0, (size_t)len * dtype_bytes(wide));
        else
            read_frame(a, (int)(at / places), (y / a->up * f->w + x / a->up) * f->cin + c, len,
                       wide, out);
        out = (char *)out + (size_t)len * dtype_bytes(wide);
        first += len;
        n -= len;
    }
}

void conv3d_c(struct kcx *kc, struct k_conv3d *a)
{
    const struct k_conv2d *f = &a->f;
    int64_t k = (int64_t)a->kt * f->kh * f->kw * f->cin;
    struct product p = {
        .m = (f->h * a->up + f->pad_top + f->pad_bottom - f->kh + 1) *
             (f->w * a->up + f->pad_left + f->pad_right - f->kw + 1),
        .n = f->cout,
        .k = k,
        .ldc = f->cout,
        .a = {1, f->type, NULL, 0, line_frames, a},
        .b = {1, f->type, f->weight, k, line_plain, NULL},
        .bias = f->bias,
        .c = f->y,
        .c_type = a->y_type,
        .wide = wide_of(f->type),
        .add = a->add,
    };

    if (a->bytes.scale)
        conv3d_bytes_c(kc, a);
    else
        product(kc, &p);
    for (int64_t i = 0; a->packed && !kcx_counts(kc) && i < f->h * f->w; i++)
        packed_put(a->now, f->h * f->w, f->cin, i, (const bf16 *)a->frame[a->kt - 1] + i * f->cin);
}

void conv2d_dx_c(struct kcx *kc, struct k_conv2d_dx *a)
{
    const struct k_conv2d *f = &a->f;
    struct product p = {
        .m = f->n * f->h * f->w,
        .n = f->cin,
        .k = (int64_t)f->kh * f->kw * f->cout,
        .ldc = f->cin,
        .a = {1, f->type, a->dy, 0, line_seeing, f},
        .b = {0, f->type, f->weight, 0, line_weight, f},
        .c = a->dx,
        .c_type = f->type,
        .wide = wide_of(f->type),
    };

    product(kc, &p);
}

void conv2d_dw_c(struct kcx *kc, struct k_conv2d_dw *a)
{
    const struct k_conv2d *f = &a->f;
    int64_t n = (int64_t)f->kh * f->kw * f->cin;
    struct product p = {
        .m = f->cout,
        .n = n,
        .k = out_rows(f),
        .ldc = n,
        .a = {0, f->type, a->dy, f->cout, line_plain, NULL},
        .b = {0, f->type, f->x, 0, line_seen, f},
        .c = a->dw,
        .c_type = wide_of(f->type),
        .wide = wide_of(f->type),
        .add = 1,
    };
    struct k_sum_rows bias = {out_rows(f), f->cout, f->type, a->dy, a->dbias};

    product(kc, &p);
    if (a->dbias)
        sum_rows_c(kc, &bias);
}
