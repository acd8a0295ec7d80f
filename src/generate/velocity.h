/* velocity.h - what the transformer says about a noisy latent, with classifier-free guidance
 * (arXiv 2207.12598) inside an interval of noise levels (arXiv 2404.07724).
 *
 * The film with its prompt and, where guidance works, the same film with the negative (or empty)
 * prompt stand as two samples in one call. Tokens of a given first frame have timestep 0.
 * Threads: belongs to one thread. */
#ifndef GENERATE_VELOCITY_H
#define GENERATE_VELOCITY_H

#include <stdatomic.h>

#include "generate/latent.h"
#include "generate/plan.h"
#include "tensor/replay.h"

struct velocity {
    const struct plan *plan;
    const struct denoiser *dit; /* that of the last call */
    const struct bundle *model;
    const atomic_int *stop; /* looked at between blocks; NULL: never */
    struct latent_shape shape;
    int64_t text_start[3]; /* rows of the prompt, then of the negative prompt */
    float *text;           /* owned [rows, text_dim] */
    float *in, *out;       /* owned rows of both samples */
    int32_t *time_index;   /* owned, NULL without a given frame */
    struct cx *cx;
    struct replay replay[2][2]; /* by denoiser, of calls with one sample and with both */
};

void velocity_shape(const struct plan *p, struct latent_shape *s);
/* Reads the prompts with b's tokenizer and text encoder. ERR_DEVICE: a value that is not finite. cx
 * outlives v and is the one of all calls. */
NODISCARD int velocity_init(struct velocity *v, struct cx *cx, const struct bundle *b,
                            const struct plan *p, const atomic_int *stop, struct err *e);
void velocity_release(struct velocity *v);
/* x and out [C,t,h,w]; timestep 0..1000 and noise level sigma of this evaluation. ERR_DEVICE,
 * ERR_CANCEL. */
NODISCARD int velocity_at(struct velocity *v, const float *x, double timestep, double sigma,
                          float *out, struct err *e);
/* One call on a dry cx: cx->flops and cx's peak say what it costs. text_rows of each prompt. */
void velocity_dry(const struct plan *p, const struct denoiser *dit, struct cx *cx, int text_rows);

#endif
