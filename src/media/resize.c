/* resize.c - weights once per side, then rows, then columns. */
#include "media/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* For each output sample: `taps` weights from input sample `first` on; inputs are clamped. */
struct weights {
    int n, taps;
    int *first;
    float *w;
};

static double kernel(enum resize_filter filter, double x)
{
    x = fabs(x);
    switch (filter) {
    case RESIZE_AREA:
        return x <= 0.5 ? 1 : 0;
    case RESIZE_BICUBIC:
        return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
    case RESIZE_LANCZOS:
        if (x < 1e-8)
            return 1;
        return x < 3 ? 3 * sin(M_PI * x) * sin(M_PI * x / 3) / (M_PI * M_PI * x * x) : 0;
    }
    BUG("unknown resize filter %d", (int)filter);
}

static double radius(enum resize_filter filter)
{
    return filter == RESIZE_AREA ? 0.5 : filter == RESIZE_BICUBIC ? 2 : 3;
}

/* How much of input sample i lies under the window: exact coverage for area, else the kernel. */
static double weight_at(enum resize_filter filter, int i, double centre, double scale)
{
    double lo, hi;

    if (filter != RESIZE_AREA)
        return kernel(filter, (i + 0.5 - centre) / scale);
    lo = fmax(i, centre - scale / 2);
    hi = fmin(i + 1, centre + scale / 2);
    return hi > lo ? hi - lo : 0;
}

static void weights_init(struct weights *t, int n_in, int n_out, enum resize_filter filter)
{
    double ratio = (double)n_in / n_out, scale = ratio > 1 ? ratio : 1;
    double reach = radius(filter) * scale;

    if (filter == RESIZE_AREA && ratio < 1)
        scale = 1e-3, reach = scale; /* growing: the pixel under the centre alone */
    t->n = n_out;
    t->taps = (int)ceil(2 * reach) + 2;
    t->first = xmalloc((size_t)n_out * sizeof *t->first);
    t->w = xmalloc((size_t)n_out * (size_t)t->taps * sizeof *t->w);
    for (int o = 0; o < n_out; o++) {
        double centre = (o + 0.5) * ratio, sum = 0;
        float *w = t->w + (size_t)o * t->taps;

        t->first[o] = (int)floor(centre - reach);
        for (int k = 0; k < t->taps; k++)
            sum += weight_at(filter, t->first[o] + k, centre, scale);
        for (int k = 0; k < t->taps; k++)
            w[k] = (float)(weight_at(filter, t->first[o] + k, centre, scale) / sum);
    }
}

static void weights_release(struct weights *t)
{
    free(t->first);
    free(t->w);
}

struct job {
    struct weights across, down;
    const uint8_t *src;
    size_t src_stride; /* bytes */
    float *mid;        /* [sh][dw*3] */
    uint8_t *dst;
    int sw, sh, dw, dh;
};

static int clamp_index(int i, int n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static void row_across(void *arg, int y, int worker)
{
    struct job *j = arg;
    const uint8_t *row = j->src + (size_t)y * j->src_stride;
    float *out = j->mid + (size_t)y * j->dw * 3;

    (void)worker;
    for (int x = 0; x < j->dw; x++, out += 3) {
        const float *w = j->across.w + (size_t)x * j->across.taps;
        float sum[3] = {0, 0, 0};

        for (int k = 0; k < j->across.taps; k++) {
            const uint8_t *p = row + 3 * clamp_index(j->across.first[x] + k, j->sw);

            for (int c = 0; c < 3; c++)
                sum[c] += w[k] * p[c];
        }
        memcpy(out, sum, sizeof sum);
    }
}

static void row_down(void *arg, int y, int worker)
{
    struct job *j = arg;
    const float *w = j->down.w + (size_t)y * j->down.taps;
    uint8_t *out = j->dst + (size_t)y * j->dw * 3;
    size_t n = (size_t)j->dw * 3;
    float *sum = xcalloc(n, sizeof *sum);

    (void)worker;
    for (int k = 0; k < j->down.taps; k++) {
        const float *row = j->mid + (size_t)clamp_index(j->down.first[y] + k, j->sh) * n;

        if (w[k] != 0)
            for (size_t i = 0; i < n; i++)
                sum[i] += w[k] * row[i];
    }
    for (size_t i = 0; i < n; i++)
        out[i] = sum[i] <= 0 ? 0 : sum[i] >= 255 ? 255 : (uint8_t)(sum[i] + 0.5f);
    free(sum);
}

static void resize_part(uint8_t *dst, int dw, int dh, const uint8_t *src, size_t stride, int sw,
                        int sh, enum resize_filter filter, struct threads *threads)
{
    struct job j = {
        .src = src, .src_stride = stride, .dst = dst, .sw = sw, .sh = sh, .dw = dw, .dh = dh};

    ZT_ASSERT(dw >= 1 && dh >= 1 && sw >= 1 && sh >= 1);
    weights_init(&j.across, sw, dw, filter);
    weights_init(&j.down, sh, dh, filter);
    j.mid = xmalloc((size_t)sh * dw * 3 * sizeof *j.mid);
    threads_run(threads, sh, row_across, &j);
    threads_run(threads, dh, row_down, &j);
    free(j.mid);
    weights_release(&j.across);
    weights_release(&j.down);
}

void resize_rgb(uint8_t *dst, int dw, int dh, const uint8_t *src, int sw, int sh,
                enum resize_filter filter, struct threads *threads)
{
    resize_part(dst, dw, dh, src, (size_t)sw * 3, sw, sh, filter, threads);
}

void resize_cover(uint8_t *dst, int dw, int dh, const uint8_t *src, int sw, int sh,
                  enum resize_filter filter, struct threads *threads)
{
    int cw = sw, ch = sh;

    if ((int64_t)sw * dh > (int64_t)sh * dw)
        cw = (int)(((int64_t)sh * dw + dh / 2) / dh);
    else
        ch = (int)(((int64_t)sw * dh + dw / 2) / dw);
    cw = cw < 1 ? 1 : cw;
    ch = ch < 1 ? 1 : ch;
    src += ((size_t)((sh - ch) / 2) * sw + (size_t)((sw - cw) / 2)) * 3;
    resize_part(dst, dw, dh, src, (size_t)sw * 3, cw, ch, filter, threads);
}
