/* stagger.h - tokens of which the borders do not show.
 *
 * A transformer of patches says one thing for each token, and neighbours do not quite agree: at the
 * borders of tokens the film has steps. But a latent can be cut into tokens anywhere. So at low
 * noise every other evaluation, the last one among them, is asked for a picture that is half a
 * token larger on each side (its border repeats), whose tokens lie half a token aside; what it says
 * of the picture itself is taken. The layout is settled by then, so the film stays what it is.
 *
 * Threads: as velocity.h. */
#ifndef GENERATE_STAGGER_H
#define GENERATE_STAGGER_H

#include "generate/velocity.h"

/* What a velocity has of the other cut, exchanged with its own while that is asked. */
struct stagger {
    struct latent_shape shape;
    float *out; /* as those of struct velocity, owned */
    int32_t *time_index;
    struct replay replay[2][2];
    float *x, *said; /* owned [C,t,h,w] of that shape */
};

struct latent_shape stagger_shape(const struct latent_shape *s);
/* Of evaluation i of n at noise level sigma. */
int stagger_wanted(double below, int i, int n, double sigma);
/* x of shape s as the middle of one of stagger_shape, and back. */
void stagger_pad(const struct latent_shape *s, const float *x, float *out);
void stagger_crop(const struct latent_shape *s, const float *x, float *out);

/* p->stagger becomes what is asked for, else what the model says. Where it cannot be, what is asked
 * for is refused (ERR_USAGE), a recipe's is left out with a note, the model's without. */
NODISCARD int stagger_settle(struct plan *p, const struct request *r, struct err *e);
/* v->ask.stagger > 0. ERR_FIT. */
NODISCARD int stagger_init(struct velocity *v, struct err *e);
void stagger_release(struct velocity *v); /* its memory; replays are forgotten before */
void stagger_forget(struct velocity *v);  /* its replays, on the device */
/* As velocity_give without places. These three do nothing where there is no other cut. */
void stagger_give(struct velocity *v, const struct given *list, int n);
/* As velocity_at, cut the other way. */
NODISCARD int stagger_at(struct velocity *v, const float *x, double timestep, double sigma,
                         float *out, struct err *e);

#endif
