/* kept.c - does the film go on from the picture that it was given?
 *
 * A model that draws the worlds it has learned takes any picture as its first frame, and of a
 * picture from elsewhere it shows nothing any more one frame later. Neither how well the codec
 * keeps a picture nor where its latent lies tells them apart (renders of a street in the rain 21
 * dB, photographs 21 to 42), so the frame behind it is asked. */
#include <math.h>
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

/* Mean square of what `frame` (0..1) differs from the picture where the film shows it, and the
 * picture's own variance. */
static double differs(const struct plan *p, const float *frame, double *variance)
{
    int left = (p->w - p->seen_w) / 2, top = (p->h - p->seen_h) / 2;
    size_t n_px = (size_t)p->seen_w * (size_t)p->seen_h;
    double sum[3] = {0}, square = 0, error = 0;

    for (int y = top; y < top + p->seen_h; y++)
        for (int i = 3 * left; i < 3 * (left + p->seen_w); i++) {
            size_t at = (size_t)y * (size_t)p->w * 3 + (size_t)i;
            double v = (double)p->first.rgb[at] / 255, d = fmin(fmax((double)frame[at], 0), 1) - v;

            sum[i % 3] += v;
            square += v * v;
            error += d * d;
        }
    for (int c = 0; c < 3; c++)
        square -= sum[c] * sum[c] / (double)n_px;
    *variance = square / (double)(3 * n_px);
    return error / (double)(3 * n_px);
}

static int refuse(const struct plan *p, double db, struct err *e)
{
    struct buf worlds = BUF_INIT;

    for (int i = 0; world_at(i); i++)
        if (p->info.worlds & world_bit(world_at(i)))
            buf_printf(&worlds, "%s%s", worlds.len ? ", " : "", world_at(i)->name);
    err_set(e, ERR_USAGE,
            "first-frame: the film does not go on from this picture: %.1f dB of it are left one "
            "frame later. This model draws worlds of its own alone (%s). Another prompt or seed "
            "may keep it; force-picture draws the film all the same",
            db, buf_str(&worlds));
    buf_release(&worlds);
    return ERR_USAGE;
}

int picture_kept(struct cx *cx, const struct bundle *b, const struct plan *p,
                 const struct latent_shape *s, const float *x, struct err *e)
{
    size_t place = (size_t)s->h * (size_t)s->w * (size_t)s->c, n_px = (size_t)p->w * (size_t)p->h;
    double variance, error;
    float *z, *frames;
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
    error = rc ? 0 : differs(p, frames + (size_t)p->codec.first * n_px * 3, &variance);
    if (!rc && (error > pow(10, -LEAST_DB / 10) ||
                (error > pow(10, -ENOUGH_DB / 10) && error > MOST_OF_VARIANCE * variance)))
        rc = refuse(p, -10 * log10(error), e);
    free(z);
    free(frames);
    return rc;
}
