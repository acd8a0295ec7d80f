/* yuv.c - colour conversion with 16 fraction bits; chroma is rounded once, after it is averaged. */
#include "media/yuv.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"

enum { SHIFT = 16 };

/* Luma is rounded three eighths of a step high: FFmpeg's default conversion to RGB, which most
 * programs decode with, comes out one step dark on average. Of 16,384 random colours 937 came back
 * more than 2/255 off with plain rounding (BT.601; 836 in BT.709) and 74 (33) with this; through an
 * exact decoder none does either way. */
enum { LUMA_ROUND = 7 << (SHIFT - 3) };

static int fixed(double v)
{
    return (int)lround(v * (1 << SHIFT));
}

static uint8_t clamp8(int v)
{
    return v < 0 ? 0 : v > 255 ? 255 : (uint8_t)v;
}

/* Coefficients of one row of the matrix; grey gives exactly zero chroma because they sum to zero.
 */
struct forward {
    int y[3], cb[3], cr[3];
};

/* Shares of red and blue in luma. */
static double share_red(enum yuv_matrix m)
{
    return m == YUV_BT709 ? 0.2126 : 0.299;
}

static double share_blue(enum yuv_matrix m)
{
    return m == YUV_BT709 ? 0.0722 : 0.114;
}

static struct forward forward_of(enum yuv_matrix matrix)
{
    const double kr = share_red(matrix), kb = share_blue(matrix), kg = 1 - kr - kb;
    const double ys = 219.0 / 255, cs = 224.0 / 255;
    struct forward f;

    f.y[0] = fixed(ys * kr);
    f.y[2] = fixed(ys * kb);
    f.y[1] = fixed(ys * kg);
    f.cb[0] = fixed(-cs * kr / (2 * (1 - kb)));
    f.cb[2] = fixed(cs / 2);
    f.cb[1] = -f.cb[0] - f.cb[2];
    f.cr[2] = fixed(-cs * kb / (2 * (1 - kr)));
    f.cr[0] = fixed(cs / 2);
    f.cr[1] = -f.cr[0] - f.cr[2];
    return f;
}

static void luma_row(const struct forward *f, uint8_t *out, const uint8_t *p, int w)
{
    const int r = f->y[0], g = f->y[1], b = f->y[2];

    for (int x = 0; x < w; x++, p += 3)
        out[x] = (uint8_t)((r * p[0] + g * p[1] + b * p[2] + (16 << SHIFT) + LUMA_ROUND) >> SHIFT);
}

/* Four times the channels of a chroma sample's px in a row: left-sited samples lie on even pixels,
 * weights 1 2 1; centred ones between two pixels, 2 2. */
static inline void around(int sum[3], const uint8_t *row, int left, int x, int right)
{
    for (int k = 0; k < 3; k++)
        sum[k] += row[3 * left + k] + 2 * row[3 * x + k] + row[3 * right + k];
}

/* Of the rows a and b. */
static void chroma_row(const struct forward *f, uint8_t *cb, uint8_t *cr, const uint8_t *a,
                       const uint8_t *b, int w, int centred)
{
    const int half = (128 << (SHIFT + 3)) + (1 << (SHIFT + 2)); /* eight weights: 3 bits more */

    for (int x = 0; x < w; x += 2) {
        int right = x + 1 < w ? x + 1 : w - 1, left = centred ? right : x > 0 ? x - 1 : 0;
        int sum[3] = {0, 0, 0};

        around(sum, a, left, x, right);
        around(sum, b, left, x, right);
        cb[x / 2] = clamp8((f->cb[0] * sum[0] + f->cb[1] * sum[1] + f->cb[2] * sum[2] + half) >>
                           (SHIFT + 3));
        cr[x / 2] = clamp8((f->cr[0] * sum[0] + f->cr[1] * sum[1] + f->cr[2] * sum[2] + half) >>
                           (SHIFT + 3));
    }
}

void yuv_from_rgb(const struct yuv_planes *dst, const uint8_t *rgb, int w, int h,
                  const struct yuv_layout *layout)
{
    const struct forward f = forward_of(layout->matrix);
    size_t row = (size_t)w * 3;

    for (int y = 0; y < h; y += 2) {
        const uint8_t *a = rgb + (size_t)y * row, *b = y + 1 < h ? a + row : a;

        luma_row(&f, dst->plane[0] + (size_t)y * dst->stride[0], a, w);
        if (y + 1 < h)
            luma_row(&f, dst->plane[0] + (size_t)(y + 1) * dst->stride[0], b, w);
        chroma_row(&f, dst->plane[1] + (size_t)(y / 2) * dst->stride[1],
                   dst->plane[2] + (size_t)(y / 2) * dst->stride[2], a, b, w, layout->centred);
    }
}

struct inverse {
    int y, y0, r_cr, g_cb, g_cr, b_cb;
};

static struct inverse inverse_of(const struct yuv_layout *l)
{
    double kr = share_red(l->matrix), kb = share_blue(l->matrix);
    double kg = 1 - kr - kb;
    double ys = l->full_range ? 1 : 255.0 / 219, cs = l->full_range ? 1 : 255.0 / 224;
    struct inverse v = {
        .y = fixed(ys),
        .y0 = l->full_range ? 0 : 16,
        .r_cr = fixed(cs * 2 * (1 - kr)),
        .g_cb = fixed(-cs * 2 * (1 - kb) * kb / kg),
        .g_cr = fixed(-cs * 2 * (1 - kr) * kr / kg),
        .b_cb = fixed(cs * 2 * (1 - kb)),
    };

    return v;
}

/* Chroma of pixel row y at every pixel, in sixteenths: vertical weights 3:1 (rows are always sited
 * between two pixel rows), horizontal 1:0 and 1:1 when left-sited, 3:1 when centred. */
static void upsample_row(int *out, const uint8_t *plane, int stride, int y, int w, int h,
                         int centred)
{
    int cw = (w + 1) / 2, ch = (h + 1) / 2, near = y / 2, far = y & 1 ? near + 1 : near - 1;
    const uint8_t *a, *b;

    far = far < 0 ? 0 : far >= ch ? ch - 1 : far;
    a = plane + (size_t)near * stride;
    b = plane + (size_t)far * stride;
    for (int x = 0; x < w; x++) {
        int i = x / 2, j = x & 1 ? i + 1 : i - 1;
        int wi = centred ? 3 : x & 1 ? 2 : 4;

        j = j < 0 ? 0 : j >= cw ? cw - 1 : j;
        out[x] = wi * (3 * a[i] + b[i]) + (4 - wi) * (3 * a[j] + b[j]);
    }
}

void yuv_to_rgb(uint8_t *rgb, const struct yuv_planes *src, const struct yuv_layout *layout, int w,
                int h)
{
    struct inverse v = inverse_of(layout);
    int *chroma[2];

    for (int c = 0; c < 2; c++)
        chroma[c] = xmalloc((size_t)w * sizeof *chroma[c]);
    for (int y = 0; y < h; y++) {
        const uint8_t *luma = src->plane[0] + (size_t)y * src->stride[0];
        uint8_t *out = rgb + (size_t)y * w * 3;

        for (int c = 0; c < 2; c++) {
            const uint8_t *plane = src->plane[1 + c];
            int stride = src->stride[1 + c];

            if (layout->chroma == YUV_420)
                upsample_row(chroma[c], plane, stride, y, w, h, layout->centred);
            else
                for (int x = 0; x < w; x++)
                    chroma[c][x] =
                        layout->chroma == YUV_444 ? 16 * plane[(size_t)y * stride + x] : 16 * 128;
        }
        for (int x = 0; x < w; x++, out += 3) {
            int64_t l = (int64_t)v.y * (luma[x] - v.y0) * 16 + ((int64_t)1 << (SHIFT + 3));
            int64_t cb = chroma[0][x] - 16 * 128, cr = chroma[1][x] - 16 * 128;

            out[0] = clamp8((int)((l + v.r_cr * cr) >> (SHIFT + 4)));
            out[1] = clamp8((int)((l + v.g_cb * cb + v.g_cr * cr) >> (SHIFT + 4)));
            out[2] = clamp8((int)((l + v.b_cb * cb) >> (SHIFT + 4)));
        }
    }
    free(chroma[0]);
    free(chroma[1]);
}
