/* sdpa.h - fused attention by cuDNN, forward alone: cuDNN up to 9.20 has no backward that can be
 * asked for in this way, so gradients come from attn.cu. */
#ifndef KERN_CUDA_SDPA_H
#define KERN_CUDA_SDPA_H

#include "kern/cuda/cuda.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The n sequences from `first` on, all of one length. 1: done, or failed. 0: not its kind of work,
 * by shape and type alone (bf16, no bias, not causal, many scores, whole packs), or cuDNN 9.13 or
 * newer is not here. */
int sdpa_forward(struct kcx *kc, const struct k_attention *a, int first, int n);

#ifdef __cplusplus
}
#endif

#endif
