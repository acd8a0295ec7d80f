/* past.h - rows of given frames that not every evaluation computes.
 *
 * The clean frames at the beginning of a window, the end of the one before, stay what they are, but
 * their rows cost as much as those that are drawn. All that other rows see of them are keys and
 * values, which at high noise hardly change, as there is not much to be seen of the others yet. So
 * above a noise level the first evaluation of a window computes all rows and keeps those; the next
 * ones leave the rows of the past out. What is said of them then is what was said last: their
 * values are put back after each step anyway.
 *
 * Threads: as velocity.h. */
#ifndef GENERATE_PAST_H
#define GENERATE_PAST_H

#include "generate/given.h"
#include "generate/latent.h"
#include "model/denoiser.h"

struct past {       /* of one cut of the latent into tokens; zeros: nothing is left out */
    int frames;     /* of tokens, whose rows are left out in this window */
    int most, pt;   /* of them; latent frames of each */
    unsigned known; /* samples whose keys and values are kept, a bit each */
    int expert;     /* of which denoiser they are */
    int acts;       /* 1: at the noise level of now */
    void *memory;   /* of the device, owned: those of both samples */
    size_t bytes;
};

struct plan;
struct request;
/* p->past_above becomes what is asked for, else what the model says, if steps are as many as it
 * says. Where it cannot be, what is
 * asked for is refused (ERR_USAGE), a recipe's is left out with a note, the model's without. */
NODISCARD int past_settle(struct plan *p, const struct request *r, struct err *e);

/* What is held of a window of that shape with so many given frames. */
size_t past_bytes(const struct denoiser_config *c, enum dtype type, const struct latent_shape *s,
                  int frames);
/* For that. cx: of all calls. ERR_FIT. */
NODISCARD int past_init(struct past *p, struct cx *cx, const struct denoiser_config *c,
                        const struct latent_shape *s, int frames, struct err *e);
/* Another window: nothing is known yet. */
void past_give(struct past *p, const struct given *list, int n);
void past_release(struct past *p, struct cx *cx);
/* For a call with n samples from the first one on; NULL: nothing is left out or kept. Of the step.
 */
const struct denoiser_past *past_of(const struct past *p, struct cx *cx, int expert, int first,
                                    int n);
/* Timesteps of the rows behind the first `left` ones of n samples, whose rows all have those of
 * `index`. Of the step. */
const int32_t *past_times(struct cx *cx, const struct latent_shape *s, const int32_t *index, int n,
                          int64_t left);
/* y [n,C,t',h,w], what was said, to the last frames of out [n,C,t,h,w]. */
void past_read(struct cx *cx, const struct tensor *y, const struct latent_shape *s, int n,
               float *out);
/* That call was made. */
void past_learn(struct past *p, int expert, int first, int n);

#endif
