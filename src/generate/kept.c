/* kept.c - does the film go on from the picture that it was given?
 *
 * A model that draws the worlds it has learned takes any picture as its first frame, and of a
 * picture from elsewhere it shows nothing any more one frame later. Neither how well the codec
 * keeps a picture nor where its latent lies tells them apart (renders of a street in the rain 21
 * dB, photographs 21 to 42), so the frame behind it is asked. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "generate/pipeline.h"
#include "world/world.h"

/* Of 76 films from renders of both worlds 69 pass; of those that do not, the frame behind shares at
 * most 15.6 dB with the picture, or differs from it by more than its whole variance: the model had
 * lost them as well. Of 46 films from photographs, drawings and patterns 42 are refused. A picture
 * with little in it is close to any other, so its own variance counts, up to ENOUGH_DB. */
#define LEAST_DB 17.5
#define ENOUGH_DB 22.5
#define MOST_OF_VARIANCE 0.85

/* A mean over the picture does not see that its lower half is gone, so its parts are asked as well:
 * a part of PART_PX pixels a side is lost by the share of its error in what both variances would
 * make of two pictures that have nothing to do with each other (1), at the best of the places
 * within REACH_PX, since things and cameras move. FAINT keeps noise of even parts from counting.
 * One part in WORST_OF may be lost by more than MOST_LOST: things come, turn and go; and a thing
 * is FEWEST_PARTS large in a small picture too, so as many may be, of 40 in one on end. */
#define PART_PX 16
#define REACH_PX 4
#define REACH_STEP_PX 2
#define FAINT 0.002
#define WORST_OF 5
#define FEWEST_PARTS 14
#define MOST_LOST 0.7

/* The picture and the frame behind it, 0..1, rows of `stride` pixels; `seen`: what the film shows.
 */
struct area {
    int x, y, w, h;
};
struct look {
    float *given, *next;
    int stride;
    struct area seen;
};

static size_t value_at(const struct look *l, int x, int y)
{
    return ((size_t)y * (size_t)l->stride + (size_t)x) * 3;
}

static double variance(const struct look *l, const float *rgb, struct area a)
{
    double sum[3] = {0}, square = 0, n_px = (double)a.w * a.h;

    for (int y = a.y; y < a.y + a.h; y++)
        for (int i = 0; i < 3 * a.w; i++) {
            double v = (double)rgb[value_at(l, a.x, y) + (size_t)i];

            sum[i % 3] += v;
            square += v * v;
        }
    for (int c = 0; c < 3; c++)
        square -= sum[c] * sum[c] / n_px;
    return fmax(square, 0) / (3 * n_px);
}

/* Mean square of what the frame, dx and dy pixels farther, differs from an area of the picture. */
static double differs(const struct look *l, struct area a, int dx, int dy)
{
    double error = 0;

    for (int y = a.y; y < a.y + a.h; y++)
        for (size_t i = 0; i < 3 * (size_t)a.w; i++) {
            double d = (double)l->next[value_at(l, a.x + dx, y + dy) + i] -
                       (double)l->given[value_at(l, a.x, y) + i];

            error += d * d;
        }
    return error / (3.0 * a.w * a.h);
}

static int inside(struct area a, struct area b)
{
    return a.x >= b.x && a.y >= b.y && a.x + a.w <= b.x + b.w && a.y + a.h <= b.y + b.h;
}

static double part_lost(const struct look *l, struct area a)
{
    double least = differs(l, a, 0, 0);

    for (int dy = -REACH_PX; dy <= REACH_PX; dy += REACH_STEP_PX)
        for (int dx = -REACH_PX; dx <= REACH_PX; dx += REACH_STEP_PX)
            if (inside((struct area){a.x + dx, a.y + dy, a.w, a.h}, l->seen))
                least = fmin(least, differs(l, a, dx, dy));
    return least / (variance(l, l->given, a) + variance(l, l->next, a) + FAINT);
}

/* Whether so many parts are lost that the film does not go on from the picture. */
static int parts_lost(const struct look *l)
{
    int nx = (l->seen.w + PART_PX / 2) / PART_PX, ny = (l->seen.h + PART_PX / 2) / PART_PX;
    int n_lost = 0;

    nx = nx ? nx : 1;
    ny = ny ? ny : 1;
    for (int i = 0; i < nx * ny; i++) {
        int x = i % nx * l->seen.w / nx, y = i / nx * l->seen.h / ny;
        struct area a = {l->seen.x + x, l->seen.y + y, (i % nx + 1) * l->seen.w / nx - x,
                         (i / nx + 1) * l->seen.h / ny - y};

        n_lost += part_lost(l, a) > MOST_LOST;
    }
    return n_lost > FEWEST_PARTS && n_lost > nx * ny / WORST_OF;
}

static int refuse(const struct plan *p, const char *left, struct err *e)
{
    struct buf worlds = BUF_INIT;

    for (int i = 0; world_at(i); i++)
        if (p->info.worlds & world_bit(world_at(i)))
            buf_printf(&worlds, "%s%s", worlds.len ? ", " : "", world_at(i)->name);
    err_set(
        e, ERR_USAGE,
        "first-frame: the film does not go on from this picture: %s one frame later. This model "
        "draws worlds of its own alone (%s). Another prompt or seed may keep it; force-picture "
        "draws the film all the same",
        left, buf_str(&worlds));
    buf_release(&worlds);
    return ERR_USAGE;
}

static int judge(const struct plan *p, const struct look *l, struct err *e)
{
    double error = differs(l, l->seen, 0, 0);
    char left[64];

    if (error > pow(10, -LEAST_DB / 10) ||
        (error > pow(10, -ENOUGH_DB / 10) &&
         error > MOST_OF_VARIANCE * variance(l, l->given, l->seen))) {
        snprintf(left, sizeof left, "%.1f dB of it are left", -10 * log10(error));
        return refuse(p, left, e);
    }
    return parts_lost(l) ? refuse(p, "more than a fifth of it is gone", e) : 0;
}

int picture_kept(struct cx *cx, const struct bundle *b, const struct plan *p,
                 const struct latent_shape *s, const float *x, struct err *e)
{
    size_t place = (size_t)s->h * (size_t)s->w * (size_t)s->c, n_px = (size_t)p->w * (size_t)p->h;
    float *z, *frames;
    struct look l = {
        .stride = p->w,
        .seen = {(p->w - p->seen_w) / 2, (p->h - p->seen_h) / 2, p->seen_w, p->seen_h}};
    int rc;

    if (!p->first.rgb || !p->info.worlds || p->any_picture || s->t < 2)
        return 0;
    z = xmalloc(2 * place * sizeof *z);
    frames = xmalloc((size_t)codec_frames(&p->codec, 2) * n_px * 3 * sizeof *frames);
    for (int t = 0; t < 2; t++)
        latent_get_frame(s, x, t, p->info.latents_std, p->info.latents_mean, z + place * (size_t)t);
    device_enter(cx->device);
    rc = codec_decode(cx, &b->codec, z, 2, s->h, s->w, frames, e);
    device_leave(cx->device);
    l.next = frames + (size_t)p->codec.first * n_px * 3;
    l.given = frames; /* the decoded first frame is not asked for */
    for (size_t i = 0; !rc && i < 3 * n_px; i++) {
        l.given[i] = (float)p->first.rgb[i] / 255;
        l.next[i] = fminf(fmaxf(l.next[i], 0), 1);
    }
    if (!rc)
        rc = judge(p, &l, e);
    free(z);
    free(frames);
    return rc;
}
