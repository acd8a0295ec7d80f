/* resize.c - weights once per side, then rows and columns of a band of the picture after the other,
 * whose rows stay in the cache meanwhile. */
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

static double reach_of(int n_in, int n_out, enum resize_filter filter, double *scale)
{
    double ratio = (double)n_in / n_out;

    *scale = ratio > 1 ? ratio : 1;
    if (filter == RESIZE_AREA && ratio < 1)
        return *scale = 1e-3; /* growing: the pixel under the centre alone */
    return radius(filter) * *scale;
}

static int most_taps(int n_in, int n_out, enum resize_filter filter)
{
    double scale;

    return (int)ceil(2 * reach_of(n_in, n_out, filter, &scale)) + 2;
}

/* Samples of no weight on either side are left out, where all outputs allow it. */
static void trim(struct weights *t)
{
    int most = 1;

    for (int o = 0; o < t->n; o++) {
        const float *w = t->w + (size_t)o * t->taps;
        int from = 0, to = t->taps;

        while (to > 1 && w[to - 1] == 0)
            to--;
        while (from < to - 1 && w[from] == 0)
            from++;
        most = to - from > most ? to - from : most;
    }
    for (int o = 0; o < t->n; o++) {
        float *w = t->w + (size_t)o * t->taps;
        int to = t->taps;

        while (to > most && w[to - 1] == 0)
            to--;
        t->first[o] += to - most;
        memmove(t->w + (size_t)o * most, w + (to - most), (size_t)most * sizeof *w);
    }
    t->taps = most;
}

static void weights_init(struct weights *t, int n_in, int n_out, enum resize_filter filter)
{
    double ratio = (double)n_in / n_out, scale, reach = reach_of(n_in, n_out, filter, &scale);

    t->n = n_out;
    t->taps = most_taps(n_in, n_out, filter);
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
    trim(t);
}

static void weights_release(struct weights *t)
{
    free(t->first);
    free(t->w);
}

/* The channels of a pixel side by side; the fourth is anything. */
typedef float lanes __attribute__((vector_size(16)));

struct job {
    struct weights across, down;
    const uint8_t *src;
    size_t src_stride; /* bytes */
    uint8_t *dst;
    int sw, sh, dw, dh;
    int band;     /* rows of dst that are made at a time */
    int lo, wide; /* pixels of a source row with what is repeated beside it: lo .. lo + wide - 1 */
    float *room;  /* for each worker: such a row, and mid */
    size_t each, n; /* values of that, and of a row of mid */
};

/* Rows of the source that `band` rows take. */
static int band_rows(int sh, int dh, int band, enum resize_filter filter)
{
    int n = (int)ceil((double)sh / dh * band) + most_taps(sh, dh, filter);

    return n < sh ? n : sh;
}

/* So many rows that about BAND of the source are enough. */
static int band_of(int sh, int dh)
{
    enum { BAND = 32 };
    int n = (int)((double)dh / sh * BAND);

    return n < 1 ? 1 : n < dh ? n : dh;
}

/* A row of the source as numbers, and those of mid; each has one value more, since pixels are read
 * and written with a fourth. */
static size_t room_values(int wide, int rows, int dw)
{
    return (size_t)wide * 3 + 1 + (size_t)rows * ((size_t)dw * 3 + 1);
}

size_t resize_room(int dw, int dh, int sw, int sh, enum resize_filter filter)
{
    int wide = sw + 2 * most_taps(sw, dw, filter);

    return sizeof(float) * room_values(wide, band_rows(sh, dh, band_of(sh, dh), filter), dw);
}

static int clamp_index(int i, int n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static void row_wide(const struct job *j, const uint8_t *row, float *out)
{
    size_t n = (size_t)j->sw * 3;
    float *own = out - 3 * j->lo, *end = own + n;

    for (size_t i = 0; i < n; i++)
        own[i] = row[i];
    for (float *p = own; p != out;)
        p -= 3, memcpy(p, own, 3 * sizeof *p);
    for (float *p = end; p != out + 3 * j->wide; p += 3)
        memcpy(p, end - 3, 3 * sizeof *p);
    out[3 * j->wide] = 0;
}

static inline __attribute__((always_inline)) void
row_of_taps(const struct job *j, const float *wide, float *out, int taps)
{
    for (int x = 0; x < j->dw; x++, out += 3) {
        const float *w = j->across.w + (size_t)x * (size_t)taps;
        const float *p = wide + 3 * (j->across.first[x] - j->lo);
        lanes sum = {0}, px;

        for (int k = 0; k < taps; k++, p += 3) {
            memcpy(&px, p, sizeof px);
            sum += w[k] * px;
        }
        memcpy(out, &sum, sizeof sum);
    }
}

static void row_across(const struct job *j, int y, float *wide, float *out)
{
    row_wide(j, j->src + (size_t)y * j->src_stride, wide);
    if (j->across.taps == 4) /* bicubic, growing: the compiler then knows the loop */
        row_of_taps(j, wide, out, 4);
    else
        row_of_taps(j, wide, out, j->across.taps);
}

/* mid begins with row y0 of the source. */
static void row_down(const struct job *j, int y, const float *mid, int y0)
{
    enum { RUN = 512 };
    const float *w = j->down.w + (size_t)y * j->down.taps;
    size_t n = (size_t)j->dw * 3;
    uint8_t *out = j->dst + (size_t)y * n;
    float sum[RUN];

    for (size_t from = 0; from < n; from += RUN) {
        size_t run = n - from < RUN ? n - from : RUN;

        memset(sum, 0, sizeof sum);
        for (int k = 0; k < j->down.taps; k++) {
            const float *row =
                mid + (size_t)(clamp_index(j->down.first[y] + k, j->sh) - y0) * j->n + from;

            for (size_t i = 0; i < run; i++)
                sum[i] += w[k] * row[i];
        }
        for (size_t i = 0; i < run; i++) {
            float v = sum[i] > 0 ? sum[i] : 0;

            out[from + i] = (uint8_t)(int)((v < 255 ? v : 255) + 0.5f);
        }
    }
}

static void make_band(void *arg, int i, int worker)
{
    const struct job *j = arg;
    int y0 = i * j->band, y1 = y0 + j->band < j->dh ? y0 + j->band : j->dh;
    int first = j->sh - 1, last = 0;
    float *wide = j->room + (size_t)worker * j->each, *mid = wide + 3 * j->wide + 1;

    for (int y = y0; y < y1; y++) {
        int from = clamp_index(j->down.first[y], j->sh),
            to = clamp_index(j->down.first[y] + j->down.taps - 1, j->sh);

        first = from < first ? from : first;
        last = to > last ? to : last;
    }
    for (int y = first; y <= last; y++)
        row_across(j, y, wide, mid + (size_t)(y - first) * j->n);
    for (int y = y0; y < y1; y++)
        row_down(j, y, mid, first);
}

/* Which pixels beside a row weights ask for. */
static void set_wide(struct job *j)
{
    int lo = 0, hi = j->sw;

    for (int x = 0; x < j->dw; x++) {
        int from = j->across.first[x], to = from + j->across.taps;

        lo = from < lo ? from : lo;
        hi = to > hi ? to : hi;
    }
    j->lo = lo;
    j->wide = hi - lo;
}

static void resize_part(uint8_t *dst, int dw, int dh, const uint8_t *src, size_t stride, int sw,
                        int sh, enum resize_filter filter, struct threads *threads)
{
    struct job j = {
        .src = src, .src_stride = stride, .dst = dst, .sw = sw, .sh = sh, .dw = dw, .dh = dh};

    ZT_ASSERT(dw >= 1 && dh >= 1 && sw >= 1 && sh >= 1);
    weights_init(&j.across, sw, dw, filter);
    weights_init(&j.down, sh, dh, filter);
    set_wide(&j);
    j.band = band_of(sh, dh);
    j.n = (size_t)dw * 3 + 1;
    j.each = room_values(j.wide, band_rows(sh, dh, j.band, filter), dw);
    j.room = xmalloc(j.each * (size_t)(threads ? threads_count(threads) : 1) * sizeof *j.room);
    threads_run(threads, (dh + j.band - 1) / j.band, make_band, &j);
    free(j.room);
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
