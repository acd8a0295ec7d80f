/* resize_bytes.c - Pillow's resize of 8-bit pictures (libImaging/Resample.c), bit for bit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "media/resize.h"

enum { BITS = 32 - 8 - 2 }; /* of a weight behind the point */

/* For each output sample: `n` weights from input sample `first` on, all inside. */
struct taps {
    int most;
    int *first, *n;
    int32_t *w; /* [out][most] */
};

static double bicubic(double x)
{
    x = fabs(x);
    if (x < 1)
        return ((-0.5 + 2) * x - (-0.5 + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

static double sinc(double x)
{
    return x == 0 ? 1 : sin(x * M_PI) / (x * M_PI);
}

static double lanczos(double x)
{
    return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

static void taps_init(struct taps *t, int in, int out, enum resize_filter filter)
{
    double (*value)(double) = filter == RESIZE_LANCZOS ? lanczos : bicubic;
    double ratio = (double)in / out, scale = ratio > 1 ? ratio : 1;
    double reach = (filter == RESIZE_LANCZOS ? 3 : 2) * scale, *w;

    t->most = (int)ceil(reach) * 2 + 1;
    t->first = xmalloc((size_t)out * sizeof *t->first);
    t->n = xmalloc((size_t)out * sizeof *t->n);
    t->w = xcalloc((size_t)out * (size_t)t->most, sizeof *t->w);
    w = xmalloc((size_t)t->most * sizeof *w);
    for (int o = 0; o < out; o++) {
        double centre = (o + 0.5) * ratio, sum = 0;
        int first = (int)fmax(0, trunc(centre - reach + 0.5));
        int last = (int)fmin(in, trunc(centre + reach + 0.5));

        t->first[o] = first;
        t->n[o] = last - first;
        for (int k = 0; k < last - first; k++)
            sum += w[k] = value((k + first - centre + 0.5) * (1 / scale));
        for (int k = 0; k < last - first; k++) {
            double v = (sum != 0 ? w[k] / sum : w[k]) * (1 << BITS);

            t->w[(int64_t)o * t->most + k] = (int32_t)(v < 0 ? v - 0.5 : v + 0.5);
        }
    }
    free(w);
}

static void taps_release(struct taps *t)
{
    free(t->first);
    free(t->n);
    free(t->w);
}

static uint8_t clipped(int32_t sum)
{
    int32_t v = sum >> BITS;

    return v < 0 ? 0 : v > 255 ? 255 : (uint8_t)v;
}

/* One side of a picture [n][in][inner] -> [n][out][inner]. */
static uint8_t *along(const uint8_t *src, size_t n, int in, int out, size_t inner,
                      enum resize_filter filter)
{
    uint8_t *dst = xmalloc(n * (size_t)out * inner), *to = dst;
    struct taps t;

    taps_init(&t, in, out, filter);
    for (size_t i = 0; i < n; i++)
        for (int o = 0; o < out; o++)
            for (size_t c = 0; c < inner; c++) {
                const uint8_t *from = src + (i * (size_t)in + (size_t)t.first[o]) * inner + c;
                const int32_t *w = t.w + (int64_t)o * t.most;
                int32_t sum = 1 << (BITS - 1);

                for (int k = 0; k < t.n[o]; k++)
                    sum += from[(size_t)k * inner] * w[k];
                *to++ = clipped(sum);
            }
    taps_release(&t);
    return dst;
}

uint8_t *resize_bytes(int dw, int dh, const uint8_t *src, int sw, int sh, enum resize_filter filter)
{
    int down_first = dh < sh && sh - dh > 2 * (sw - dw);
    uint8_t *a, *b;

    ZT_ASSERT(dw >= 1 && dh >= 1 && sw >= 1 && sh >= 1 && filter != RESIZE_AREA);
    if (dw == sw || dh == sh) {
        a = xmalloc((size_t)sw * (size_t)sh * 3);
        memcpy(a, src, (size_t)sw * (size_t)sh * 3);
        b = dw != sw   ? along(a, (size_t)sh, sw, dw, 3, filter)
            : dh != sh ? along(a, 1, sh, dh, (size_t)sw * 3, filter)
                       : NULL;
        if (!b)
            return a;
    } else if (down_first) {
        a = along(src, 1, sh, dh, (size_t)sw * 3, filter);
        b = along(a, (size_t)dh, sw, dw, 3, filter);
    } else {
        a = along(src, (size_t)sh, sw, dw, 3, filter);
        b = along(a, 1, sh, dh, (size_t)dw * 3, filter);
    }
    free(a);
    return b;
}

uint8_t *resize_bytes_cover(int dw, int dh, const uint8_t *src, int sw, int sh,
                            enum resize_filter filter)
{
    int w = dw, h = dh;
    uint8_t *whole, *out;

    if ((int64_t)sw * dh > (int64_t)sh * dw)
        w = (int)((int64_t)sw * dh / sh);
    else
        h = (int)((int64_t)sh * dw / sw);
    whole = resize_bytes(w, h, src, sw, sh, filter);
    out = xmalloc((size_t)dw * (size_t)dh * 3);
    for (int y = 0; y < dh; y++)
        memcpy(out + (size_t)y * (size_t)dw * 3,
               whole + ((size_t)(y + (h - dh) / 2) * (size_t)w + (size_t)((w - dw) / 2)) * 3,
               (size_t)dw * 3);
    free(whole);
    return out;
}
