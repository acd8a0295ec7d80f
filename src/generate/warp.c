/* warp.c - noise that moves as the camera does ("Go-with-the-Flow", arXiv 2501.08331; "How I Warped
 * Your Noise", ICLR 2024).
 *
 * The noise of the first frame is taken as sums of a finer field that goes on beyond the picture.
 * Each later frame sums what of that field lies under each of its places and divides by the root of
 * the count: no part of the field is under two places, so the noise of a frame keeps variance 1 and
 * stays independent in space. */
#include <math.h>
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

/* The field [MOST h FINE][MOST w FINE] of a channel whose first frame is z [h][w], which is its
 * middle: in each place fresh noise without its sum, and the share of the place's own. */
static void make_field(const struct latent_shape *s, const float *z, struct rng *r, float *field)
{
    size_t width = (size_t)s->w * MOST * FINE;
    float cell[FINE * FINE];

    for (int y = 0; y < s->h * MOST; y++)
        for (int x = 0; x < s->w * MOST; x++) {
            int v = y - s->h, u = x - s->w;
            double sum = 0;

            for (int i = 0; i < FINE * FINE; i++)
                sum += (double)(cell[i] = (float)rng_normal(r));
            if (v < 0 || u < 0 || v >= s->h || u >= s->w)
                sum = 0; /* nobody's yet: fresh noise is what it is */
            else
                sum = sum / (FINE * FINE) - (double)z[v * s->w + u] / FINE;
            for (int i = 0; i < FINE * FINE; i++)
                field[(size_t)(y * FINE + i / FINE) * width + (size_t)(x * FINE + i % FINE)] =
                    cell[i] - (float)sum;
        }
}

/* What lies under the places of a frame, and how many; out, count [h][w]. */
static void gather(const struct latent_shape *s, const float *field, const struct way *w,
                   float *out, int *count)
{
    size_t frame = (size_t)s->h * (size_t)s->w;
    int width = s->w * MOST * FINE, height = s->h * MOST * FINE;

    memset(out, 0, frame * sizeof *out);
    memset(count, 0, frame * sizeof *count);
    for (int y = 0; y < height; y++) {
        double v = (y + 0.5) / FINE - s->h * MOST / 2.0;

        for (int x = 0; x < width; x++) {
            double u = (x + 0.5) / FINE - s->w * MOST / 2.0;
            double px = w->c * u + w->s * v + w->x + s->w / 2.0;
            double py = w->c * v - w->s * u + w->y + s->h / 2.0;

            if (!(px >= 0 && py >= 0 && px < s->w && py < s->h))
                continue;
            size_t at = (size_t)py * (size_t)s->w + (size_t)px;
            out[at] += field[(size_t)y * (size_t)width + (size_t)x];
            count[at]++;
        }
    }
}

void warp_noise(const struct latent_shape *s, const struct camera_rate *r, const double *time,
                uint64_t seed, double part, float *x)
{
    size_t frame = (size_t)s->h * (size_t)s->w;
    float *field = xmalloc(frame * MOST * MOST * FINE * FINE * sizeof *field);
    float *sum = xmalloc(frame * sizeof *sum), rest = (float)sqrt(1 - part * part);
    int *count = xmalloc(frame * sizeof *count);
    struct rng rng;

    rng_init(&rng, seed, STREAM_WARP);
    for (int c = 0; c < s->c; c++) {
        float *at = x + (size_t)c * frame * (size_t)s->t;

        make_field(s, at, &rng, field);
        for (int f = 1; f < s->t; f++) {
            struct way w = way_at(r, time[f] - time[0], s);

            gather(s, field, &w, sum, count);
            for (size_t i = 0; i < frame; i++)
                if (count[i])
                    at[(size_t)f * frame + i] = (float)part * sum[i] / sqrtf((float)count[i]) +
                                                rest * at[(size_t)f * frame + i];
        }
    }
    free(field);
    free(sum);
    free(count);
}
