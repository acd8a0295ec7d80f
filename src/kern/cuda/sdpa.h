/* sdpa.h - fused attention by cuDNN.
 *
 * Forward is one operation of its graph interface; backward the graph of seventeen that NVIDIA's
 * cudnn-frontend builds (CompositeSDPABackwardNode, its deterministic form: the gradient of the
 * scores goes through the workspace, so dq is summed in one order). cuDNN 9.19 has an operation for
 * the backward as well, but takes no graph of it. */
#ifndef KERN_CUDA_SDPA_H
#define KERN_CUDA_SDPA_H

#include "kern/cuda/cuda.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many of the n sequences from `first` on, all of one length, are done (also after a failure).
 * 0: not its kind of work, by shape, type and alignment alone (bf16, no bias, not causal, many
 * scores, whole packs), or cuDNN offers nothing. */
int sdpa_forward(struct kcx *kc, const struct k_attention *a, int first, int n);
/* As many as its workspace holds. */
int sdpa_backward(struct kcx *kc, const struct k_attention_bwd *b, int first, int n);

/* The plans behind them, by shape alone; NULL: none. */
struct cudnn;
const struct cudnn_plan *sdpa_forward_plan(struct cudnn *c, const struct k_attention *a, int first,
                                           int n);
const struct cudnn_plan *sdpa_backward_plan(struct cudnn *c, const struct k_attention *a, int first,
                                            int n);

#ifdef __cplusplus
}
#endif

#endif
