/* recycle.h - windows that go on from what the network itself would have drawn.
 *
 * A long film goes on from frames that were generated, but training gives true ones: every window
 * adds errors that the next was never shown, and the film drifts. So some windows that go on get
 * their given frames with the network's own error in them: the frames that one step from a noise
 * level in the middle leads to, x0' = x_s - s v, in place of x0. The target stays the true
 * continuation (error recycling, Stable Video Infinity, arXiv 2510.09212). Those errors are made
 * anew in every step by the weights as they are, without gradients, for about 3 % of a step, where
 * the paper keeps a bank of old ones: so nothing is added to a checkpoint, and a resumed run makes
 * the same bits. */
#ifndef TRAIN_RECYCLE_H
#define TRAIN_RECYCLE_H

#include "train/dit_task.h"

#define RECYCLE_NOISE 0x632be59bd9b4e019ull /* apart from a step's own */

struct recycle { /* borrowed */
    const struct dit_recipe *recipe;
    const struct latents *latents;
    const struct prompts *prompts;
    uint64_t seed; /* of the run */
};

/* Given frames of the windows of b that are recycled; all else stays. Before the tape begins. */
void recycle(struct cx *cx, const struct denoiser *m, const struct text_model *text,
             struct dit_batch *b, const struct recycle *r, int64_t step);

#endif
