/* upsample_critic.h - who judges what an upsampler makes, while it learns: a small network that
 * sees a large picture beside the small one it belongs to and says of each place whether it was
 * rendered (1) or enlarged (0). An upsampler that only fears errors draws the mean of all edges
 * that may be there, which is a smear; one that has to be taken for a render draws one of them.
 *
 * Least squares of both sides (Mao et al. 2016, arXiv 1611.04076) on patches (Isola et al. 2016,
 * arXiv 1611.07004). Both networks learn from the same step, each by its own loss. */
#ifndef TRAIN_UPSAMPLE_CRITIC_H
#define TRAIN_UPSAMPLE_CRITIC_H

#include "tensor/tensor.h"
#include "tensor/weight.h"

enum { CRITIC_LAYERS = 4, CRITIC_MAX_WIDTH = 256 };

struct critic {
    struct weight_set weights; /* critic.N; the caller allocates them */
    struct conv_w conv[CRITIC_LAYERS];
    int scale;
};

/* width: channels of the first layer, twice that of the others. */
void critic_init(struct critic *c, int scale, int width);
void critic_release(struct critic *c); /* zeros: nothing to release */

/* low wide [n,h,w,3], picture wide [n,h*scale,w*scale,3] -> wide [n,(h+1)/2,(w+1)/2,1]. */
struct tensor *critic_judge(struct cx *cx, const struct critic *c, struct tensor *low,
                            struct tensor *picture);
/* Frozen, gradients go through the critic to what it judges and none to its weights. From before
 * the forward pass until after the backward one. */
void critic_freeze(struct critic *c, int frozen);
/* What the upsampler wants: weight times the mean over places of (judge(made) - 1)^2. */
struct tensor *critic_wish(struct cx *cx, const struct critic *c, struct tensor *low,
                           struct tensor *made, double weight);
/* What the critic wants: mean of (judge(truth) - 1)^2 and judge(made)^2, half of each. */
struct tensor *critic_loss(struct cx *cx, const struct critic *c, struct tensor *low,
                           struct tensor *made, struct tensor *truth);

#endif
