#include "measure/ghosts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "media/resize.h"

enum {
    WIDEST = 224, /* px at which a film is looked at */
    STEP = 40,    /* of 255: least distance of what is left from what is uncovered */
    LAST = 3,     /* frames that a ghost may last */
    REACH = 10,   /* px from one contour of a thing to its ghost's, at most */
    PLACES = 50   /* less are no measure */
};
#define RATE 8.0    /* frames per second */
#define CALM 0.15   /* of the step: more change before or behind is no stand */
#define BESIDE 0.25 /* of the step: farther from the way between both, it is a third thing */
#define FAINT 0.04  /* of the step: less is not seen */

struct strip { /* frames at working size */
    int w, h, n;
    size_t bytes; /* of a frame */
    uint8_t *rgb; /* owned */
};

static void strip_init(struct strip *s, const uint8_t *rgb, int w, int h, int n, double fps)
{
    int every = (int)fmax(1, floor(fps / RATE + 0.5));

    s->w = w < WIDEST ? w : WIDEST;
    s->h = (int)fmax(1, floor((double)h * s->w / w + 0.5));
    s->n = (n + every - 1) / every;
    s->bytes = (size_t)s->w * (size_t)s->h * 3;
    s->rgb = xmalloc(s->bytes * (size_t)s->n);
    for (int f = 0; f < s->n; f++)
        resize_rgb(s->rgb + s->bytes * (size_t)f, s->w, s->h,
                   rgb + (size_t)f * (size_t)every * (size_t)w * (size_t)h * 3, w, h, RESIZE_AREA,
                   NULL);
}

/* What changes for good: the px of before, of behind, and their squared distance. */
struct change {
    const uint8_t *before, *behind;
    double step;
};

static double apart(const uint8_t *a, const uint8_t *b)
{
    double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];

    return x * x + y * y + z * z;
}

/* On the way from behind (0) to before (1), where px is. */
static double part(const struct change *c, const uint8_t *px)
{
    double p = 0;

    for (int k = 0; k < 3; k++)
        p += (double)(px[k] - c->behind[k]) * (c->before[k] - c->behind[k]);
    return p / c->step;
}

static int is_between(const struct change *c, const uint8_t *px)
{
    double p = part(c, px), off = 0;

    for (int k = 0; k < 3; k++) {
        double d = px[k] - c->behind[k] - p * (c->before[k] - c->behind[k]);

        off += d * d;
    }
    return off <= BESIDE * BESIDE * c->step;
}

/* A px that begins to change at frame t, and is for good what it becomes `last` frames later.
 * shown: the frame in which it is most of both. */
static int find_change(const struct strip *s, int t, int last, size_t i, struct change *c,
                       int *shown)
{
    const uint8_t *f = s->rgb + s->bytes * (size_t)t + i;
    double worst = -1;

    c->before = f - s->bytes;
    c->behind = f + s->bytes * (size_t)last;
    c->step = apart(c->before, c->behind);
    if (c->step < STEP * STEP || apart(c->before - s->bytes, c->before) > CALM * CALM * c->step ||
        apart(c->behind, c->behind + s->bytes) > CALM * CALM * c->step || part(c, f) > 1 - CALM)
        return 0;
    for (int k = 0; k < last; k++) {
        const uint8_t *px = f + s->bytes * (size_t)k;
        double p = part(c, px);

        if (!is_between(c, px))
            return 0;
        if (fmin(p, 1 - p) > worst) {
            worst = fmin(p, 1 - p);
            *shown = t + k;
        }
    }
    return 1;
}

/* Along one direction from a px: does the picture come to `end` (0 or 1) more than half way, over a
 * contour at least twice as steep as what is around the px? */
static int contour(const struct change *c, const uint8_t *px, int64_t span, int room, double end,
                   double slope)
{
    double from = part(c, px), p = from, steepest = 0;

    for (int k = 1; k <= room && k <= REACH; k++) {
        double next = part(c, px + span * 3 * k), rise = end > 0.5 ? next - p : p - next;

        steepest = fmax(steepest, rise);
        p = next;
        if (end > 0.5 ? p > (1 + from) / 2 : p < from / 2)
            return steepest > 2 * slope + FAINT;
    }
    return 0;
}

/* Between two contours of the same thing? Along rows, columns and both diagonals. */
static int is_double(const struct strip *s, const struct change *c, const uint8_t *px, int x, int y)
{
    static const int way[4][2] = {{1, 0}, {0, 1}, {1, 1}, {1, -1}};

    for (int k = 0; k < 4; k++) {
        int dx = way[k][0], dy = way[k][1];
        int64_t span = (int64_t)dy * s->w + dx;
        int ahead = dx ? s->w - 1 - x : REACH, back = dx ? x : REACH;
        int down = dy > 0 ? s->h - 1 - y
                   : dy   ? y
                          : REACH,
            up = dy > 0 ? y
                 : dy   ? s->h - 1 - y
                        : REACH;

        ahead = ahead < down ? ahead : down;
        back = back < up ? back : up;
        if (ahead < 1 || back < 1)
            continue;
        double slope = fabs(part(c, px + span * 3) - part(c, px - span * 3)) / 2;

        if ((contour(c, px, span, ahead, 1, slope) && contour(c, px, -span, back, 0, slope)) ||
            (contour(c, px, span, ahead, 0, slope) && contour(c, px, -span, back, 1, slope)))
            return 1;
    }
    return 0;
}

static void add_frame(struct ghosts *g, const struct strip *s, int t)
{
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++) {
            size_t i = ((size_t)y * (size_t)s->w + (size_t)x) * 3;
            struct change c;
            int shown = t, found = 0;

            for (int last = LAST; last > 0 && !found; last--)
                if (t + last + 1 < s->n)
                    found = find_change(s, t, last, i, &c, &shown);
            if (!found)
                continue;
            const uint8_t *px = s->rgb + s->bytes * (size_t)shown + i;
            double p = part(&c, px), both = fmin(p, 1 - p);

            if (both > FAINT && is_double(s, &c, px, x, y))
                g->sum += both;
            g->n++;
        }
}

void ghosts_add(struct ghosts *g, const uint8_t *rgb, int w, int h, int n, double fps)
{
    struct strip s;

    strip_init(&s, rgb, w, h, n, fps);
    for (int t = 2; t + 2 < s.n; t++)
        add_frame(g, &s, t);
    free(s.rgb);
}

double ghosts_strength(const struct ghosts *g)
{
    return g->n >= PLACES ? g->sum / g->n : -1;
}
