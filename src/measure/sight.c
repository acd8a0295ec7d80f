#include "measure/sight.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "measure/shape.h"
#include "measure/sight_inner.h"
#include "media/resize.h"

enum {
    SHAPE_LOOKS = 12 /* frames that judge the shape */,
    FRAMES_PER_S = 8,
    MAX_SLOPE_FRAMES = 200
};

void view_film_init(struct view_film *f, const uint8_t *rgb, int w, int h, int n, int most_px)
{
    double shrink = sqrt((double)most_px / ((double)w * h));
    size_t n_px, frames = (size_t)n;

    ZT_ASSERT(w > 0 && h > 0 && n > 0);
    *f = (struct view_film){.w = w, .h = h, .n = n};
    if (shrink < 0.9) {
        f->w = (int)fmax(lround(w * shrink), 1);
        f->h = (int)fmax(lround(h * shrink), 1);
    }
    n_px = (size_t)f->w * (size_t)f->h;
    f->rgb = xmalloc(frames * n_px * 3);
    f->floor = xmalloc(n_px * 3);
    f->color = xmalloc(frames * n_px);
    f->label = xmalloc(frames * n_px);
    f->patch = xcalloc(frames * SIGHT_MAX_PATCHES, sizeof *f->patch);
    f->n_patches = xcalloc(frames, sizeof *f->n_patches);
    for (size_t t = 0; t < frames; t++)
        resize_rgb(f->rgb + t * n_px * 3, f->w, f->h, rgb + t * (size_t)w * (size_t)h * 3, w, h,
                   RESIZE_AREA, NULL);
    floor_find(f);
    color_pixels(f);
    patch_find(f);
}

void view_film_release(struct view_film *f)
{
    free(f->rgb);
    free(f->floor);
    free(f->color);
    free(f->label);
    free(f->patch);
    free(f->n_patches);
    memset(f, 0, sizeof *f);
}

static const struct patch *track_patch(const struct view_film *f, const struct track *k, int t)
{
    return k->patch[t] < 0 ? NULL : &f->patch[t * SIGHT_MAX_PATCHES + k->patch[t]];
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Change of a value over the whole film: the median slope of all pairs of frames (Theil 1950, Sen
 * 1968), so that a few frames behind another object or in halves do no harm. Frames where the
 * object is cut by the picture's edge do not count when `whole` is set and enough others are there.
 */
static double change(const struct view_film *f, const struct track *k,
                     double (*value)(const struct patch *p), int whole)
{
    int uncut = 0, n = 0, pairs = 0, *at = xmalloc((size_t)f->n * sizeof *at);
    double *slope, out = 0;

    for (int t = 0; t < f->n; t++)
        uncut += track_patch(f, k, t) && !track_patch(f, k, t)->cut;
    whole = whole && uncut >= 5 && 3 * uncut >= k->seen;
    for (int t = 0; t < f->n; t++) {
        const struct patch *p = track_patch(f, k, t);

        if (p && !(whole && p->cut) && t % (1 + f->n / MAX_SLOPE_FRAMES) == 0)
            at[n++] = t;
    }
    slope = xmalloc(((size_t)n * (size_t)n + 1) * sizeof *slope);
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            slope[pairs++] = (value(track_patch(f, k, at[j])) - value(track_patch(f, k, at[i]))) /
                             (at[j] - at[i]);
    qsort(slope, (size_t)pairs, sizeof *slope, by_value);
    if (pairs)
        out = (slope[(pairs - 1) / 2] + slope[pairs / 2]) / 2 * (f->n - 1);
    free(slope);
    free(at);
    return out;
}

static double value_x(const struct patch *p)
{
    return p->cx;
}

static double value_foot(const struct patch *p)
{
    return p->y1;
}

static double value_height(const struct patch *p)
{
    return log(p->y1 - p->y0);
}

/* Way of the centre between the first and last sight of it in frames a..b, and its growth, in px.
 */
static double way(const struct view_film *f, const struct track *k, int a, int b)
{
    const struct patch *first = NULL, *last = NULL;

    for (int t = a; t <= b; t++) {
        const struct patch *p = track_patch(f, k, t);

        if (!p)
            continue;
        first = first ? first : p;
        last = p;
    }
    return first ? hypot(last->cx - first->cx, last->cy - first->cy) +
                       fabs(sqrt(last->area) - sqrt(first->area))
                 : 0;
}

/* Motion of the first half counts more: what is struck later moves too. */
const struct track *track_mover(const struct view_film *f, const struct track *t, int n_tracks)
{
    const struct track *best = NULL;
    double top = 0;

    for (int i = 0; i < n_tracks; i++) {
        double area = 0, score;

        if (t[i].seen < 3 || 4 * t[i].seen < f->n)
            continue;
        for (int j = 0; j < f->n; j++)
            area += track_patch(f, &t[i], j) ? track_patch(f, &t[i], j)->area : 0;
        score = way(f, &t[i], 0, f->n - 1) + 2 * way(f, &t[i], 0, (f->n - 1) / 2);
        score *= sqrt(area / f->n);
        if (score <= top)
            continue;
        top = score;
        best = &t[i];
    }
    return best;
}

/* Sideways, or along the line of sight: then foot and height change together. */
static int direction_of(const struct sight *s)
{
    double depth =
        s->growth != 0 && s->down / s->growth > 0 ? fabs(s->down) + 0.3 * fabs(s->growth) : 0;

    if (fabs(s->across) > 0.12 && fabs(s->across) > depth)
        return s->across > 0 ? DIRECTION_RIGHT : DIRECTION_LEFT;
    if (depth > 0.12)
        return s->down > 0 ? DIRECTION_TOWARD : DIRECTION_AWAY;
    return 0;
}

/* Judge by the frames that show the object whole, or by all when there are none; what is near shows
 * more than what is far, so frames count by their area. */
static void judge_shape(const struct view_film *f, const struct track *k, struct sight *s)
{
    double sum[SHAPE_KINDS] = {0}, total = 0, areas = 0;
    int uncut = 0, seen = 0, step, best = 0;

    for (int t = 0; t < f->n; t++)
        uncut += track_patch(f, k, t) && !track_patch(f, k, t)->cut;
    step = 1 + (uncut ? uncut : k->seen) / SHAPE_LOOKS;
    for (int t = 0; t < f->n; t++) {
        const struct patch *p = track_patch(f, k, t);
        float x[SHAPE_FEATURES];
        double one[SHAPE_KINDS] = {0};

        if (!p || (uncut && p->cut) || seen++ % step)
            continue;
        shape_features(f, t, k->patch[t], x);
        shape_judge(x, shape_group(k->color), one);
        for (int i = 0; i < SHAPE_KINDS; i++)
            sum[i] += one[i] * p->area;
        areas += p->area;
    }
    for (int i = 1; i < SHAPE_KINDS; i++)
        best = sum[i] > sum[best] ? i : best;
    for (int i = 0; i < SHAPE_KINDS; i++)
        total += exp((sum[i] - sum[best]) / areas);
    s->shape = SHAPE_BALL + best;
    s->shape_p = 1 / total;
}

static void judge(const struct view_film *f, const struct track *k, struct sight *s)
{
    double area = 0;

    for (int t = 0; t < f->n; t++)
        area += track_patch(f, k, t) ? track_patch(f, k, t)->area : 0;
    s->color = k->color;
    s->seen = (double)k->seen / f->n;
    s->area = area / k->seen / ((double)f->w * f->h);
    s->across = change(f, k, value_x, 0) / f->w;
    s->down = change(f, k, value_foot, 1) / f->h;
    s->growth = change(f, k, value_height, 1);
    s->speed = f->n > 1 ? way(f, k, 0, f->n - 1) / f->w * FRAMES_PER_S / (f->n - 1) : 0;
    s->direction = direction_of(s);
    judge_shape(f, k, s);
}

/* Mean change from frame to frame where neither shows an object. */
static double flicker_of(const struct view_film *f)
{
    size_t n_px = (size_t)f->w * (size_t)f->h;
    double sum = 0, n = 0;

    for (size_t i = n_px; i < n_px * (size_t)f->n; i++) {
        if (f->color[i] || f->color[i - n_px])
            continue;
        for (size_t k = 0; k < 3; k++)
            sum += abs(f->rgb[3 * i + k] - f->rgb[3 * (i - n_px) + k]);
        n += 3;
    }
    return n > 0 ? sum / n / 255 : 0;
}

void sight_film(const uint8_t *rgb, int w, int h, int n, struct sight *out)
{
    struct view_film f;
    struct track tracks[SIGHT_MAX_TRACKS];
    const struct track *mover;
    int n_tracks;

    memset(out, 0, sizeof *out);
    view_film_init(&f, rgb, w, h, n, SIGHT_PIXELS);
    n_tracks = track_find(&f, tracks);
    mover = track_mover(&f, tracks, n_tracks);
    if (mover)
        judge(&f, mover, out);
    out->flicker = flicker_of(&f);
    for (int i = 0; i < n_tracks; i++)
        free(tracks[i].patch);
    view_film_release(&f);
}
