/* explain.h - by which of several texts the transformer explains a picture best.
 *
 * A diffusion classifier (Li et al. 2023, arXiv 2303.16203): the latent frame gets noise, and the
 * text by which the network finds its way back with the least error is the truest. All texts meet
 * the same few noises, so only what differs between them counts.
 * Threads: one call belongs to one thread. */
#ifndef GENERATE_EXPLAIN_H
#define GENERATE_EXPLAIN_H

#include "model/bundle.h"

struct explain_frame {
    const float *z; /* [h,w,C], clean, in the transformer's scale; borrowed */
    int h, w;
};

/* error[i]: mean square error of the velocity by text i, of one text encoder.
 * ERR_DEVICE (a value is not finite). */
NODISCARD int explain(double *error, struct cx *cx, const struct bundle *b,
                      const struct tokenizer *t, const struct explain_frame *f,
                      const char *const *texts, int n, struct err *e);
/* Such a call with n texts on a dry cx: cx->flops and its peak say what it costs. */
void explain_dry(struct cx *cx, const struct bundle *b, int h, int w, int n);

#endif
