/* warp.c - noise that moves as the camera does ("Go-with-the-Flow", arXiv 2501.08331; "How I Warped
 * Your Noise", ICLR 2024).
 *
 * The noise of the first frame is taken as sums of a finer field that goes on beyond the picture.
 * Each later frame sums what of that field lies under each of its places and divides by the root of
 * the count: no part of the field is under two places, so the noise of a frame keeps variance 1 and
 * stays independent in space. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "generate/drag.h"

enum { FINE = 8, STREAM_WARP = 0x77617270, MOST = 3 /* pictures that the field is wide */ };

/* From places of the first frame, from its middle, to those of a later one. */
struct way {
    double c, s, x, y;
};

static struct way way_at(const struct camera_rate *r, double t, const struct latent_shape *s)
{
    double scale = exp(-r->zoom * t);

    return (struct way){scale * cos(r->roll * t), scale * sin(r->roll * t), -r->pan * t * s->w,
                        r->tilt * t * s->h};
}

/* Parts of the field, from and below. */
struct box {
    int x0, y0, x1, y1;
};

struct warp {
    const struct latent_shape *s;
    uint64_t seed;
    float part, rest;
    const atomic_int *stop;
    struct way *way; /* [t], of each frame, and what of the field may lie under it */
    struct box *box;
    struct box places; /* of a place each, under any frame */
    float *field;      /* [MOST h FINE][MOST w FINE], of a channel, where there is a place */
    float *sum;        /* [workers][h][w] */
    int *count;        /* as sum: parts under a place */
    float *x;          /* [t,h,w], that channel */
    int channel;
};

/* The picture as a camera of this way sees it lies in this box of the field. */
static struct box box_of(const struct latent_shape *s, const struct way *w)
{
    double n = w->c * w->c + w->s * w->s, lo[2] = {HUGE_VAL, HUGE_VAL}, hi[2];
    const int most[2] = {s->w * MOST * FINE, s->h * MOST * FINE};
    int from[2], end[2];

    hi[0] = hi[1] = -HUGE_VAL;
    for (int i = 0; i < 4; i++) {
        double a = (i % 2 - 0.5) * s->w - w->x, b = (i / 2 - 0.5) * s->h - w->y;
        const double at[2] = {((w->c * a - w->s * b) / n + s->w * MOST / 2.0) * FINE,
                              ((w->s * a + w->c * b) / n + s->h * MOST / 2.0) * FINE};

        for (int k = 0; k < 2; k++) {
            lo[k] = fmin(lo[k], at[k]);
            hi[k] = fmax(hi[k], at[k]);
        }
    }
    for (int k = 0; k < 2; k++) { /* a part more each way: this was rounded */
        from[k] = (int)fmin(fmax(floor(lo[k]) - 2, 0), most[k]);
        end[k] = (int)fmin(fmax(ceil(hi[k]) + 2, 0), most[k]);
    }
    return (struct box){from[0], from[1], end[0], end[1]};
}

static void find_ways(struct warp *w, const struct camera_rate *r, const double *time)
{
    struct box *all = &w->places;

    *all = (struct box){w->s->w * MOST, w->s->h * MOST, 0, 0};
    for (int f = 1; f < w->s->t; f++) {
        w->way[f] = way_at(r, time[f] - time[0], w->s);
        const struct box b = w->box[f] = box_of(w->s, &w->way[f]);
        all->x0 = b.x0 / FINE < all->x0 ? b.x0 / FINE : all->x0;
        all->y0 = b.y0 / FINE < all->y0 ? b.y0 / FINE : all->y0;
        all->x1 = (b.x1 + FINE - 1) / FINE > all->x1 ? (b.x1 + FINE - 1) / FINE : all->x1;
        all->y1 = (b.y1 + FINE - 1) / FINE > all->y1 ? (b.y1 + FINE - 1) / FINE : all->y1;
    }
}

/* A row of places of the field of a channel whose first frame is z [h][w], which is its middle: in
 * each place fresh noise without its sum, and the share of the place's own. */
static void make_row(void *arg, int row, int worker)
{
    const struct warp *w = arg;
    const struct latent_shape *s = w->s;
    size_t width = (size_t)s->w * MOST * FINE;
    int y = w->places.y0 + row, v = y - s->h;
    float cell[FINE * FINE];
    struct rng r;

    (void)worker;
    rng_init(&r, w->seed, STREAM_WARP);
    r.counter =
        (((uint64_t)w->channel * (uint64_t)(s->h * MOST) + (uint64_t)y) * (uint64_t)(s->w * MOST) +
         (uint64_t)w->places.x0) *
        (FINE * FINE / 2); /* a normal takes half a block */
    for (int x = w->places.x0; x < w->places.x1; x++) {
        int u = x - s->w;
        double sum = 0;

        for (int i = 0; i < FINE * FINE; i++)
            sum += (double)(cell[i] = (float)rng_normal(&r));
        if (v < 0 || u < 0 || v >= s->h || u >= s->w)
            sum = 0; /* nobody's yet: fresh noise is what it is */
        else
            sum = sum / (FINE * FINE) - (double)w->x[v * s->w + u] / FINE;
        for (int i = 0; i < FINE * FINE; i++)
            w->field[(size_t)(y * FINE + i / FINE) * width + (size_t)(x * FINE + i % FINE)] =
                cell[i] - (float)sum;
    }
}

/* What lies under the places of a frame, and how much; out, count [h][w]. */
static void gather(const struct warp *p, int f, float *out, int *count)
{
    const struct latent_shape *s = p->s;
    const struct way *w = &p->way[f];
    const struct box *b = &p->box[f];
    size_t frame = (size_t)s->h * (size_t)s->w, width = (size_t)s->w * MOST * FINE;

    memset(out, 0, frame * sizeof *out);
    memset(count, 0, frame * sizeof *count);
    for (int y = b->y0; y < b->y1; y++) {
        double v = (y + 0.5) / FINE - s->h * MOST / 2.0;

        for (int x = b->x0; x < b->x1; x++) {
            double u = (x + 0.5) / FINE - s->w * MOST / 2.0;
            double px = w->c * u + w->s * v + w->x + s->w / 2.0;
            double py = w->c * v - w->s * u + w->y + s->h / 2.0;

            if (!(px >= 0 && py >= 0 && px < s->w && py < s->h))
                continue;
            size_t at = (size_t)py * (size_t)s->w + (size_t)px;
            out[at] += p->field[(size_t)y * width + (size_t)x];
            count[at]++;
        }
    }
}

static void warp_frame(void *arg, int item, int worker)
{
    const struct warp *w = arg;
    size_t frame = (size_t)w->s->h * (size_t)w->s->w;
    float *sum = w->sum + frame * (size_t)worker, *to = w->x + frame * (size_t)(item + 1);
    int *count = w->count + frame * (size_t)worker;

    if (w->stop && atomic_load(w->stop))
        return;
    gather(w, item + 1, sum, count);
    for (size_t i = 0; i < frame; i++)
        if (count[i])
            to[i] = w->part * sum[i] / sqrtf((float)count[i]) + w->rest * to[i];
}

int warp_noise(const struct latent_shape *s, const struct camera_rate *r, const double *time,
               uint64_t seed, double part, struct threads *th, const atomic_int *stop, float *x)
{
    size_t frame = (size_t)s->h * (size_t)s->w, workers = th ? (size_t)threads_count(th) : 1;
    struct warp w = {.s = s, .seed = seed, .part = (float)part, .stop = stop};
    int stopped = 0;

    w.rest = (float)sqrt(1 - part * part);
    w.way = xmalloc((size_t)s->t * sizeof *w.way);
    w.box = xmalloc((size_t)s->t * sizeof *w.box);
    w.field = xmalloc(frame * MOST * MOST * FINE * FINE * sizeof *w.field);
    w.sum = xmalloc(workers * frame * sizeof *w.sum);
    w.count = xmalloc(workers * frame * sizeof *w.count);
    find_ways(&w, r, time);
    for (w.channel = 0; w.channel < s->c && !stopped; w.channel++) {
        w.x = x + (size_t)w.channel * frame * (size_t)s->t;
        threads_run(th, w.places.y1 - w.places.y0, make_row, &w);
        threads_run(th, s->t - 1, warp_frame, &w);
        stopped = stop && atomic_load(stop);
    }
    free(w.way);
    free(w.box);
    free(w.field);
    free(w.sum);
    free(w.count);
    return stopped ? ERR_CANCEL : 0;
}
