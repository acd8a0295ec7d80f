#include "measure/joins.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "media/resize.h"

enum {
    WIDEST = 224,  /* px at which a film is looked at */
    BLOCK = 8,     /* px of a square that may move alone */
    ROOTS = 1024,  /* entries of the table of f of L*a*b* */
    SECTION_S = 5, /* of the film's ends */
};
#define RATE 8.0 /* frames per second of motion */
/* In L*, of the square that changes most: below it nothing moves. Grain of the shipped decoder on a
 * picture that is held changes 0.6 at most, the slowest scenes of its worlds 4 and more. */
#define STILL 1.5

/* What is kept of a frame. */
struct look {
    float l, a, b;      /* means */
    float contrast;     /* standard deviation of L* */
    float chroma;       /* mean distance from grey */
    float sharpness;    /* mean gradient of L* per px */
    float motion, stir; /* from `lag` frames before: mean distance; of the square with the most */
};

struct joins {
    int w, h, film_w, film_h, lag;
    double fps;
    float linear[256], root[ROOTS + 2];
    uint8_t *small;
    float *lab; /* [lag + 1][3][h][w], the newest one at n % (lag + 1) */
    struct look *look;
    size_t n, room;
};

/* ---- colours ---- */

static void tables(struct joins *j)
{
    for (int i = 0; i < 256; i++) {
        double v = i / 255.0;
        j->linear[i] = (float)(v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4));
    }
    for (int i = 0; i < ROOTS + 2; i++) {
        double t = (double)i / ROOTS;
        j->root[i] = (float)(t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116);
    }
}

static float root(const struct joins *j, float t)
{
    float at = t * ROOTS;
    int i = at < ROOTS ? (int)at : ROOTS;

    return j->root[i] + (at - (float)i) * (j->root[i + 1] - j->root[i]);
}

/* rgb [h][w][3] -> planes L*, a*, b*. */
static void to_lab(const struct joins *j, const uint8_t *rgb, float *lab)
{
    size_t n = (size_t)j->w * (size_t)j->h;

    for (size_t i = 0; i < n; i++, rgb += 3) {
        float r = j->linear[rgb[0]], g = j->linear[rgb[1]], b = j->linear[rgb[2]];
        float x = root(j, (0.4124564f * r + 0.3575761f * g + 0.1804375f * b) / 0.95047f),
              y = root(j, 0.2126729f * r + 0.7151522f * g + 0.0721750f * b),
              z = root(j, (0.0193339f * r + 0.1191920f * g + 0.9503041f * b) / 1.08883f);

        lab[i] = 116 * y - 16;
        lab[n + i] = 500 * (x - y);
        lab[2 * n + i] = 200 * (y - z);
    }
}

/* ---- one frame ---- */

static void look_at_colors(const struct joins *j, const float *lab, struct look *k)
{
    size_t n = (size_t)j->w * (size_t)j->h;
    double sum[3] = {0}, square = 0, chroma = 0;

    for (size_t i = 0; i < n; i++) {
        double l = lab[i], a = lab[n + i], b = lab[2 * n + i];

        sum[0] += l;
        sum[1] += a;
        sum[2] += b;
        square += l * l;
        chroma += sqrt(a * a + b * b);
    }
    k->l = (float)(sum[0] / (double)n);
    k->a = (float)(sum[1] / (double)n);
    k->b = (float)(sum[2] / (double)n);
    k->contrast = (float)sqrt(fmax(0, square / (double)n - (double)k->l * k->l));
    k->chroma = (float)(chroma / (double)n);
}

static float gradient(const struct joins *j, const float *l)
{
    double sum = 0;

    for (int y = 0; y + 1 < j->h; y++)
        for (int x = 0; x + 1 < j->w; x++) {
            const float *at = l + (size_t)y * (size_t)j->w + x;

            sum += fabs((double)at[1] - at[0]) + fabs((double)at[j->w] - at[0]);
        }
    return (float)(sum / fmax(1, (double)(j->w - 1) * (j->h - 1)));
}

static void look_at_motion(const struct joins *j, const float *lab, const float *past,
                           struct look *k)
{
    size_t n = (size_t)j->w * (size_t)j->h;
    double sum = 0, most = 0;

    for (int y0 = 0; y0 < j->h; y0 += BLOCK)
        for (int x0 = 0; x0 < j->w; x0 += BLOCK) {
            int y1 = y0 + BLOCK < j->h ? y0 + BLOCK : j->h;
            int x1 = x0 + BLOCK < j->w ? x0 + BLOCK : j->w;
            double stir = 0;

            for (int y = y0; y < y1; y++)
                for (int x = x0; x < x1; x++) {
                    size_t i = (size_t)y * (size_t)j->w + (size_t)x;
                    double l = lab[i] - past[i], a = lab[n + i] - past[n + i],
                           b = lab[2 * n + i] - past[2 * n + i];

                    stir += fabs(l);
                    sum += sqrt(l * l + a * a + b * b);
                }
            most = fmax(most, stir / ((y1 - y0) * (x1 - x0)));
        }
    k->motion = (float)(sum / (double)n);
    k->stir = (float)most;
}

static struct joins joins_of(int w, int h, double fps)
{
    struct joins j = {.film_w = w, .film_h = h, .fps = fps};

    j.w = w < WIDEST ? w : WIDEST;
    j.h = (int)fmax(1, floor((double)h * j.w / w + 0.5));
    j.lag = (int)fmax(1, floor(fps / RATE + 0.5));
    return j;
}

struct joins *joins_new(int w, int h, double fps)
{
    struct joins *j = xmalloc(sizeof *j);

    *j = joins_of(w, h, fps);
    j->small = xmalloc((size_t)j->w * (size_t)j->h * 3);
    j->lab = xmalloc((size_t)(j->lag + 1) * (size_t)j->w * (size_t)j->h * 3 * sizeof *j->lab);
    tables(j);
    return j;
}

void joins_free(struct joins **j)
{
    if (!*j)
        return;
    free((*j)->small);
    free((*j)->lab);
    free((*j)->look);
    free(*j);
    *j = NULL;
}

uint64_t joins_bytes(int w, int h, double fps, int64_t n)
{
    struct joins j = joins_of(w, h, fps);
    uint64_t px = (uint64_t)j.w * (uint64_t)j.h * 3;

    return sizeof j + px + px * sizeof(float) * (uint64_t)(j.lag + 1) +
           2 * sizeof(struct look) * (uint64_t)n;
}

void joins_add(struct joins *j, const uint8_t *rgb)
{
    size_t px = (size_t)j->w * (size_t)j->h * 3, ring = (size_t)j->lag + 1;
    float *lab = j->lab + px * (j->n % ring);
    struct look k = {0};

    if (j->w != j->film_w) {
        resize_cover(j->small, j->w, j->h, rgb, j->film_w, j->film_h, RESIZE_AREA, NULL);
        rgb = j->small;
    }
    to_lab(j, rgb, lab);
    look_at_colors(j, lab, &k);
    k.sharpness = gradient(j, lab);
    if (j->n >= (size_t)j->lag)
        look_at_motion(j, lab, j->lab + px * ((j->n - (size_t)j->lag) % ring), &k);
    if (j->n == j->room) {
        j->room = j->room ? 2 * j->room : 256;
        j->look = xrealloc(j->look, j->room * sizeof *j->look);
    }
    j->look[j->n++] = k;
}

/* ---- the film ---- */

/* Means of frames from..to-1. */
static struct look mean_look(const struct joins *j, size_t from, size_t to)
{
    struct look m = {0};
    float n = (float)(to - from);

    for (size_t i = from; i < to; i++) {
        const struct look *k = &j->look[i];

        m.l += k->l / n;
        m.a += k->a / n;
        m.b += k->b / n;
        m.contrast += k->contrast / n;
        m.chroma += k->chroma / n;
        m.sharpness += k->sharpness / n;
    }
    return m;
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static double median_motion(const struct joins *j, size_t from, size_t to)
{
    float *v = xmalloc((to - from + 1) * sizeof *v);
    size_t n = 0;

    for (size_t i = from; i < to; i++)
        if (i >= (size_t)j->lag)
            v[n++] = j->look[i].motion;
    qsort(v, n, sizeof *v, by_size);
    double median = n ? v[n / 2] : 0;
    free(v);
    return median;
}

/* Of frames from..to-1, those from `but` to but+lag-1 left out. */
static double most_motion(const struct joins *j, size_t from, size_t to, size_t but)
{
    double most = 0;

    for (size_t i = from > (size_t)j->lag ? from : (size_t)j->lag; i < to; i++)
        if (i < but || i >= but + (size_t)j->lag)
            most = fmax(most, j->look[i].motion);
    return most;
}

static double ratio(double behind, double before)
{
    return before > 1e-6 ? behind / before : 0;
}

static struct join join_at(const struct joins *j, size_t at)
{
    size_t half = (size_t)fmax(2, floor(j->fps / 2 + 0.5)), lag = (size_t)j->lag;
    size_t from = at > half ? at - half : 0, to = at + half < j->n ? at + half : j->n;
    size_t past = at + half + lag < j->n ? at + half + lag : j->n;
    struct look a = mean_look(j, from, at), b = mean_look(j, at, to);
    double l = b.l - a.l, da = b.a - a.a, db = b.b - a.b;
    double across = most_motion(j, at, at + lag < j->n ? at + lag : j->n, j->n);

    return (struct join){.frame = (int)at,
                         .color = sqrt(l * l + da * da + db * db),
                         .luminance = l,
                         .sharpness = ratio(b.sharpness, a.sharpness),
                         .motion =
                             ratio(median_motion(j, at + lag, past), median_motion(j, from, at)),
                         .jump = ratio(across, most_motion(j, from, past, at))};
}

/* Of the straight line through `value` of the frames from `from` on, per minute. */
static double slope(const struct joins *j, size_t from, size_t value, double *mean)
{
    double n = (double)(j->n - from), t = 0, v = 0, tt = 0, tv = 0;

    for (size_t i = from; i < j->n; i++) {
        float y;

        memcpy(&y, (const char *)&j->look[i] + value, sizeof y);
        t += (double)i;
        v += y;
        tt += (double)i * (double)i;
        tv += (double)i * y;
    }
    *mean = n ? v / n : 0;
    double spread = n * tt - t * t;
    return n > 1 && spread > 0 ? (n * tv - t * v) / spread * j->fps * 60 : 0;
}

static void slopes(const struct joins *j, struct joins_report *out)
{
    double mean, a = slope(j, 0, offsetof(struct look, a), &mean),
                 b = slope(j, 0, offsetof(struct look, b), &mean),
                 l = slope(j, 0, offsetof(struct look, l), &mean), s;

    out->slope.luminance = l;
    out->slope.color = sqrt(l * l + a * a + b * b);
    s = slope(j, 0, offsetof(struct look, sharpness), &mean);
    out->slope.sharpness = ratio(s, mean);
    s = j->n > (size_t)j->lag ? slope(j, (size_t)j->lag, offsetof(struct look, motion), &mean) : 0;
    out->slope.motion = ratio(s, mean);
}

/* The smaller by the larger; two nothings are equal. */
static double likeness(double a, double b)
{
    double low = fmin(a, b), high = fmax(a, b);

    return high > 1e-6 ? low / high : 1;
}

static double quality(const struct joins *j)
{
    size_t n = (size_t)fmax(1, floor(SECTION_S * j->fps + 0.5));
    n = n < j->n / 2 ? n : j->n / 2;
    if (!n)
        return 1;
    struct look a = mean_look(j, 0, n), b = mean_look(j, j->n - n, j->n);
    return cbrt(likeness(a.sharpness, b.sharpness) * likeness(a.contrast, b.contrast) *
                likeness(a.chroma, b.chroma));
}

static void find_still(const struct joins *j, struct joins_report *out)
{
    size_t run = 0, longest = 0, at = 0;

    for (size_t i = (size_t)j->lag; i < j->n; i++) {
        run = j->look[i].stir < STILL ? run + 1 : 0;
        if (run > longest) {
            longest = run;
            at = i + 1 - run;
        }
    }
    out->still_s = (double)longest / j->fps;
    out->still_at_s = longest ? (double)(at - (size_t)j->lag) / j->fps : 0;
}

#define FLAT 0.5 /* L*, of the standard deviation */
static double flat(const struct joins *j)
{
    size_t n = 0;

    for (size_t i = 0; i < j->n; i++)
        n += j->look[i].contrast < FLAT;
    return j->n ? (double)n / (double)j->n : 0;
}

void joins_report(const struct joins *j, const int *frame, int n, struct joins_report *out)
{
    *out = (struct joins_report){
        .quality = quality(j), .motion = median_motion(j, 0, j->n), .flat = flat(j)};
    out->join = xcalloc((size_t)n + 1, sizeof *out->join);
    for (int i = 0; i < n; i++)
        if (frame[i] > 0 && (size_t)frame[i] < j->n)
            out->join[out->n++] = join_at(j, (size_t)frame[i]);
    slopes(j, out);
    find_still(j, out);
}

void joins_report_release(struct joins_report *r)
{
    free(r->join);
    *r = (struct joins_report){0};
}
