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

/* One row of chroma at full resolution. Left-sited samples lie on even pixels, weights 1 2 1;
 * centred ones between two pixels, 2 2. */
static void chroma_row(int *sum, const int c[3], const uint8_t *row, int w, int centred)
{
    for (int x = 0; x < (w + 1) / 2; x++) {
        int right = 2 * x + 1 < w ? 2 * x + 1 : w - 1;
        int left = centred ? right : 2 * x > 0 ? 2 * x - 1 : 0;
        const uint8_t *l = row + 3 * left, *m = row + 6 * x, *r = row + 3 * right;

        for (int k = 0; k < 3; k++)
            sum[x] += c[k] * (l[k] + 2 * m[k] + r[k]);
    }
}

void yuv_from_rgb(const struct yuv_planes *dst, const uint8_t *rgb, int w, int h,
                  const struct yuv_layout *layout)
{
    struct forward f = forward_of(layout->matrix);
    int cw = (w + 1) / 2;
    int *sum = xmalloc(2 * (size_t)cw * sizeof *sum);

    for (int y = 0; y < h; y++) {
        const uint8_t *p = rgb + (size_t)y * w * 3;
        uint8_t *out = dst->plane[0] + (size_t)y * dst->stride[0];

        for (int x = 0; x < w; x++, p += 3)
            out[x] = (uint8_t)((f.y[0] * p[0] + f.y[1] * p[1] + f.y[2] * p[2] + (16 << SHIFT) +
                                LUMA_ROUND) >>
                               SHIFT);
    }
    for (int y = 0; y < (h + 1) / 2; y++) {
        int below = 2 * y + 1 < h ? 2 * y + 1 : h - 1;

        for (int c = 0; c < 2; c++) {
            uint8_t *out = dst->plane[1 + c] + (size_t)y * dst->stride[1 + c];

            for (int x = 0; x < cw; x++)
                sum[x] = 0;
            chroma_row(sum, c ? f.cr : f.cb, rgb + (size_t)2 * y * w * 3, w, layout->centred);
            chroma_row(sum, c ? f.cr : f.cb, rgb + (size_t)below * w * 3, w, layout->centred);
            for (int x = 0; x < cw; x++) /* eight weights: three more fraction bits */
                out[x] =
                    clamp8((sum[x] + (128 << (SHIFT + 3)) + (1 << (SHIFT + 2))) >> (SHIFT + 3));
        }
    }
    free(sum);
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
