#include "generate/drag.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "generate/plan_inner.h"

/* Noise levels below which nothing is dragged and nothing is made still: the network puts together
 * what is left. */
#define DRAG_LEAST 0.3
#define STILL_LEAST 0.5
#define SAME_SHAPE 0.1  /* so much masks may be stretched without a word */
#define MORE_LEAST 0.85 /* of more motion: at lower levels contrasts would grow with it */
/* How much a place is drawn to where it comes from: of what goes, and of what it leaves. */
static const float GOES = 1, LEFT = 1;

double drag_time(const struct plan *p, int f)
{
    int to = codec_frames(&p->codec, f + 1), from = f ? codec_frames(&p->codec, f) : 0;

    return (from + to - 1) / 2.0 / p->info.frame_rate;
}

/* Shares of a side of the film, whose `seen` px are the middle of `drawn`: where latent place i
 * begins and ends; of one that the film's edge cuts, what lies in the film. */
static void span(const struct plan *p, int i, int drawn, int seen, double *from, double *to)
{
    int ks = p->codec.ks, before = (drawn - seen) / 2;
    double begin = (double)(i * ks - before) / seen, end = (double)((i + 1) * ks - before) / seen;

    *from = begin < 0 && end > 0 ? 0 : begin;
    *to = begin < 1 && end > 1 ? 1 : end;
}

/* dx, dy: shares of the film's sides. */
static int painted(const struct plan *p, const uint8_t *mask, int x, int y, double dx, double dy)
{
    double x0, y0, x1, y1;

    span(p, x, p->w, p->seen_w, &x0, &x1);
    span(p, y, p->h, p->seen_h, &y0, &y1);
    return brush_cover(&p->brush, mask, x0 - dx, y0 - dy, x1 - dx, y1 - dy) >= 0.5;
}

static float *place(struct drag *d, int f, int y, int x)
{
    const struct latent_shape *s = &d->shape;

    return d->from + (((size_t)f * (size_t)s->h + (size_t)y) * (size_t)s->w + (size_t)x) * 3;
}

/* What a part leaves shows what is beside it in the row, mirrored where there is enough of that. */
static void set_left(struct drag *d, const uint8_t *taken, int f, int y, int x)
{
    const struct latent_shape *s = &d->shape;

    for (int far = 1; far < s->w; far++)
        for (int side = -1; side < 2; side += 2) {
            int u = x + side * far;
            float *to = place(d, f, y, x);

            if (u < 0 || u >= s->w || taken[y * s->w + u])
                continue;
            int beyond = x + side * (2 * far - 1), in = beyond >= 0 && beyond < s->w;
            to[0] = (float)(in && !taken[y * s->w + beyond] ? beyond : u);
            to[1] = (float)y;
            to[2] = LEFT;
            return;
        }
}

/* Where part i goes in frame f: places that are painted more than half. */
static void set_part(struct drag *d, const struct plan *p, int i, int f, double begin, double now)
{
    const struct latent_shape *s = &d->shape;
    const struct brush *b = &p->brush;
    const double wide = (double)p->seen_w / p->codec.ks, high = (double)p->seen_h / p->codec.ks;
    const uint8_t *mask = i < 0 ? b->still : b->path[i].mask;
    double dx = 0, dy = 0, bx = 0, by = 0;

    if (!mask)
        return;
    if (i >= 0) {
        brush_at(b, i, begin, &bx, &by);
        brush_at(b, i, now, &dx, &dy);
    }
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++) {
            float *to = place(d, f, y, x), u = (float)(x - (dx - bx) * wide),
                  v = (float)(y - (dy - by) * high);

            if (!painted(p, mask, x, y, dx, dy) || u <= -1 || v <= -1 || u >= (float)s->w ||
                v >= (float)s->h)
                continue;
            to[0] = u;
            to[1] = v;
            to[2] = GOES;
        }
}

static void set_brush(struct drag *d, const struct plan *p, int f, double begin, double now)
{
    const struct latent_shape *s = &d->shape;
    const struct brush *b = &p->brush;
    uint8_t *taken = xcalloc((size_t)s->h * (size_t)s->w, 1);

    for (int i = 0; i < b->n_paths; i++) {
        double bx, by;

        brush_at(b, i, begin, &bx, &by);
        for (int y = 0; y < s->h; y++)
            for (int x = 0; x < s->w; x++)
                taken[y * s->w + x] |= (uint8_t)painted(p, b->path[i].mask, x, y, bx, by);
    }
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++)
            if (taken[y * s->w + x])
                set_left(d, taken, f, y, x);
    for (int i = -1; i < b->n_paths; i++)
        set_part(d, p, i, f, begin, now);
    free(taken);
}

/* A place of the latent is never half of part i, or of what stands, in any frame. */
static int is_too_small(const struct plan *p, int i)
{
    const struct brush *b = &p->brush;
    const uint8_t *mask = i < 0 ? b->still : b->path[i].mask;
    struct latent_shape s = plan_latent(p);

    for (int f = 0; mask && f < p->t; f++) {
        double dx = 0, dy = 0;

        if (i >= 0)
            brush_at(b, i, drag_time(p, f) * p->info.frame_rate / p->n_frames, &dx, &dy);
        for (int k = 0; k < s.h * s.w; k++)
            if (painted(p, mask, k % s.w, k / s.w, dx, dy))
                return 0;
    }
    return mask != NULL;
}

void drag_note(struct plan *p)
{
    const struct brush *b = &p->brush;

    if (!b->w || p->ahead)
        return;
    if (fabs(log((double)b->own_w * p->seen_h / ((double)b->own_h * p->seen_w))) > SAME_SHAPE)
        plan_note(p, xasprintf("brush: masks of %dx%d are stretched over a film of another shape "
                               "(%dx%d)",
                               b->own_w, b->own_h, p->seen_w, p->seen_h));
    if (b->n_paths && !p->first.rgb && !p->n_keys)
        plan_note(p, xstrdup("brush: parts go best in a picture that is there before the film "
                             "(first-frame); of words alone they may be seen several times"));
    for (int i = -1; i < b->n_paths; i++)
        if (is_too_small(p, i))
            plan_note(p, xasprintf("brush: mask %d (0: the static one) is too small, nothing goes: "
                                   "whole places of %d px do",
                                   i + 1, p->codec.ks));
}

void drag_init(struct drag *d, const struct plan *p, const struct plan_window *w,
               const struct latent_shape *s)
{
    double begin = drag_time(p, w->first - w->take), all = w->n_frames / p->info.frame_rate;

    *d = (struct drag){.shape = *s, .motion = p->motion};
    if (!p->brush.w || p->ahead)
        return;
    d->from = xcalloc((size_t)s->t * (size_t)s->h * (size_t)s->w * 3, sizeof *d->from);
    for (int f = 1; f < s->t; f++) {
        double now = drag_time(p, w->first - w->take + f);

        set_brush(d, p, f, begin / all, now / all);
    }
}

void drag_release(struct drag *d)
{
    free(d->from);
    *d = (struct drag){0};
}

/* Of a plane [h][w] between its places; edges repeat. */
static float between(const struct latent_shape *s, const float *p, float x, float y)
{
    x = fminf(fmaxf(x, 0), (float)(s->w - 1));
    y = fminf(fmaxf(y, 0), (float)(s->h - 1));
    int x0 = (int)x, y0 = (int)y, x1 = x0 + 1 < s->w ? x0 + 1 : x0,
        y1 = y0 + 1 < s->h ? y0 + 1 : y0;
    float u = x - (float)x0, v = y - (float)y0;
    const float *a = p + (size_t)y0 * (size_t)s->w, *b = p + (size_t)y1 * (size_t)s->w;

    return (1 - v) * (a[x0] + u * (a[x1] - a[x0])) + v * (b[x0] + u * (b[x1] - b[x0]));
}

/* The first frame stays. */
static void move_more(const struct drag *d, const float *x, float level, float *v)
{
    const struct latent_shape *s = &d->shape;
    size_t frame = (size_t)s->h * (size_t)s->w;

    if (s->t < 3)
        return;
    for (size_t c = 0; c < (size_t)s->c; c++)
        for (size_t i = 0; i < frame; i++) {
            size_t at = c * frame * (size_t)s->t + i;
            float mean = 0;

            for (int f = 1; f < s->t; f++)
                mean += (x[at + frame * (size_t)f] - level * v[at + frame * (size_t)f]) /
                        (float)(s->t - 1);
            for (int f = 1; f < s->t; f++) {
                size_t k = at + frame * (size_t)f;

                v[k] -= (float)(d->motion - 1) * (x[k] - level * v[k] - mean) / level;
            }
        }
}

void drag_velocity(const struct drag *d, const float *x, double sigma, int given, float *v)
{
    const struct latent_shape *s = &d->shape;
    size_t frame = (size_t)s->h * (size_t)s->w;
    float level = (float)sigma;
    float *first;

    if (d->motion != 1 && sigma >= (d->motion < 1 ? STILL_LEAST : MORE_LEAST))
        move_more(d, x, level, v);
    if (!d->from || sigma < DRAG_LEAST)
        return;
    first = xmalloc(frame * sizeof *first);
    for (int c = 0; c < s->c; c++) {
        size_t at = (size_t)c * frame * (size_t)s->t;

        for (size_t i = 0; i < frame; i++)
            first[i] = given ? x[at + i] : x[at + i] - level * v[at + i];
        for (size_t i = frame; i < frame * (size_t)s->t; i++) {
            const float *from = d->from + 3 * i;
            float mine = x[at + i] - level * v[at + i];

            if (from[2] > 0)
                v[at + i] -= from[2] * (between(s, first, from[0], from[1]) - mine) / level;
        }
    }
    free(first);
}
