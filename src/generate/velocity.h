/* velocity.h - what the transformer says about a noisy latent, with classifier-free guidance
 * (arXiv 2207.12598) inside an interval of noise levels (arXiv 2404.07724).
 *
 * The window with its prompt and, where guidance works, the same window with the negative (or
 * empty) prompt stand as two samples in one call, or in two where they are large. Tokens of given
 * frames have the timestep of their own noise. Threads: belongs to one thread. */
#ifndef GENERATE_VELOCITY_H
#define GENERATE_VELOCITY_H

#include <stdatomic.h>

#include "generate/conditions.h"
#include "generate/given.h"
#include "generate/latent.h"
#include "generate/plan.h"
#include "generate/shortcut.h"
#include "tensor/replay.h"

enum { VELOCITY_TOGETHER = 4096 }; /* tokens: a product of more is not better used by two samples */

struct velocity_ask { /* borrowed */
    const struct denoiser *denoiser;
    int n_denoisers;
    double boundary; /* timestep below which the second one is asked */
    struct latent_shape shape;
    struct guidance guidance;
    int is_given;                 /* 1: this window is one of guidance.to_given */
    double guidance2;             /* scale where the second one is asked */
    int n_channels;               /* beside those of the latent; 0: none */
    int64_t n_rows;               /* of pictures, for each sample */
    const float *channels, *rows; /* [n_channels,t,h,w], [n_rows,image_dim]; NULL in a dry run */
    const float *control;         /* [control_channels,t,h,w], where the transformer reads one */
    double control_scale;
    int64_t together; /* most tokens of a window at which both prompts go in one call; of larger
                       * ones they go one after the other, in half the memory */
    double stagger;   /* noise level below which tokens are staggered (stagger.h); 0: never */
    int blocks;       /* 1: the networks say what their blocks add (shortcut.h) */
    const atomic_int *stop; /* looked at between blocks; NULL: never */
};
/* Called between blocks, as large models compute for minutes; non-zero: stop. */
struct velocity_watch {
    int (*look)(void *user);
    void *user;
};

struct stagger;
struct velocity {
    struct velocity_ask ask;
    struct shortcut *cut;   /* borrowed: leaves evaluations out; NULL: all are made */
    int64_t image_start[3]; /* rows of the pictures of both samples */
    struct velocity_text {
        int64_t start[3];        /* rows of the prompt, then of the negative prompt */
        int64_t second_start[2]; /* of the negative prompt alone */
        float *rows;             /* owned [start[2], text_dim] */
    } text[DENOISER_TEXTS];      /* of each text encoder */
    float *out;                  /* owned, latents of both samples */
    int32_t *time_index;         /* owned, of the rows of both samples */
    double *times; /* owned [n_times]; the last one is that of the frames that are drawn */
    int n_times;
    struct cx *cx;
    struct velocity_watch watch; /* look NULL: nobody does */
    char *bad;       /* owned: while looking for it, the first part that is as bad as that */
    int looking;     /* enum health of it; 0: nobody looks */
    double at;       /* part of the way of the steps: which LoRA act (velocity_step) */
    int again;       /* evaluations that were computed again, in f32 */
    int first_again; /* of the film, from 1, as denoise counts them; 0: none */
    int collapsed; /* as that: from it on the clean latent of a window has collapsed; 0: none has */
    struct stagger *stagger; /* owned: the other cut; NULL: there is none, or it is being asked */
    int step, n_steps;       /* of velocity_step */
    struct replay replay[2][2]; /* by denoiser, of calls with one sample and with both */
};

/* Let each text model that the denoiser takes read its words. ERR_DEVICE: a value that is not
 * finite. cx outlives v and is the one of all calls. */
NODISCARD int velocity_init(struct velocity *v, struct cx *cx, const struct velocity_ask *ask,
                            const struct text_model *text, const struct words *words,
                            struct err *e);
/* The networks and words of a plan, and what is known of its pictures, which outlives v (NULL:
 * there are none). */
NODISCARD int velocity_of_plan(struct velocity *v, struct cx *cx, const struct bundle *b,
                               const struct plan *p, const struct conditions *c,
                               const atomic_int *stop, struct err *e);
/* Other words from now on. ERR_DEVICE. */
NODISCARD int velocity_say(struct velocity *v, const struct text_model *text,
                           const struct words *words, struct err *e);
void velocity_release(struct velocity *v);
/* Which frames are given from now on, and which places (region.h; NULL: none); their values stand
 * in x. */
void velocity_give(struct velocity *v, const struct given *list, int n, const uint8_t *place);
/* Evaluation i of n comes. */
void velocity_step(struct velocity *v, int i, int n);
/* x and out [C,t,h,w]; timestep 0..1000 and noise level sigma of this evaluation. What is not
 * finite, or collapsed (health.h), in bf16 is computed once more in f32 (v->again counts it); if it
 * is so then: ERR_DEVICE, which names expert and block. ERR_CANCEL. */
NODISCARD int velocity_at(struct velocity *v, const float *x, double timestep, double sigma,
                          float *out, struct err *e);
/* Which denoiser is asked at a timestep, and for how many samples at a noise level. */
int velocity_expert(const struct velocity_ask *ask, double timestep);
int velocity_samples(const struct velocity_ask *ask, int expert, double sigma);
/* Guidance there: of this expert, and only if there is any at all (as the reference). */
double velocity_scale(const struct velocity_ask *ask, int expert, double sigma);
/* Such calls on a dry cx, with so many timesteps among the tokens and as many words as these:
 * cx->flops and cx's peak say what they cost. */
void velocity_dry(const struct velocity_ask *ask, struct cx *cx, int expert, int n, int n_times,
                  const struct words *words);
/* What is asked for the windows of p. */
struct velocity_ask velocity_ask_of(const struct plan *p, const struct bundle *b);

#endif
