/* drag.h - pictures that are to move in a given way, by their latents: where each latent place of a
 * frame comes from in the first frame of its window. While there is much noise, what a frame
 * promises is drawn towards what the first one shows there. Its noise stays its own: frames of one
 * noise are a film that no network has seen. Works with any network; those that were taught a
 * camera or a drag do better.
 * Threads: a struct drag belongs to one thread. */
#ifndef GENERATE_DRAG_H
#define GENERATE_DRAG_H

#include "generate/brush.h"
#include "generate/plan.h"

struct drag {
    struct latent_shape shape;
    double motion; /* how far frames are from the mean of all becomes so many times as much */
    float *from;   /* owned [t][h][w][3]: x, y of the first frame in latent places, and how much */
};

/* Seconds from the beginning of a take to the middle of its latent frame f. */
double drag_time(const struct plan *p, int f);
/* What the brush of a plan cannot do is noted in it. */
void drag_note(struct plan *p);
/* Of a window of p; from NULL: nothing is dragged. */
void drag_init(struct drag *d, const struct plan *p, const struct plan_window *w,
               const struct latent_shape *s);
void drag_release(struct drag *d);
/* v of x at a noise level: what it promises moves as much and where it is to. frame 0 of x is clean
 * where `given`. */
void drag_velocity(const struct drag *d, const float *x, double sigma, int given, float *v);

/* warp.c: x [C,t,h,w] is noise; that of all frames but the first becomes, to so much of it, that of
 * the first one as a camera of this rate carries it. time [t]: s. seed: of what comes into view.
 * The same for any number of threads; th and stop may be NULL. ERR_CANCEL when stop became
 * non-zero: x is of no use then. */
NODISCARD int warp_noise(const struct latent_shape *s, const struct camera_rate *r,
                         const double *time, uint64_t seed, double part, struct threads *th,
                         const atomic_int *stop, float *x);

#endif
