/* convdnn.h - convolutions by cuDNN, which gathers no columns. */
#ifndef KERN_CUDA_CONVDNN_H
#define KERN_CUDA_CONVDNN_H

#include "kern/cuda/cuda.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 1: done, or failed. 0: nothing was done, by shape, type and alignment alone: cuDNN is not here or
 * offers no engine that keeps what kern.h promises. convdnn_dw leaves dbias to the caller. */
int convdnn(struct kcx *kc, const struct k_conv2d *f);
int convdnn_dx(struct kcx *kc, const struct k_conv2d_dx *a);
int convdnn_dw(struct kcx *kc, const struct k_conv2d_dw *a);

/* The plan behind them, by shape and type; NULL: none. */
struct cudnn;
enum convdnn_way { CONVDNN_Y, CONVDNN_DX, CONVDNN_DW };
const struct cudnn_plan *convdnn_plan(struct cudnn *c, enum convdnn_way way,
                                      const struct k_conv2d *f);

#ifdef __cplusplus
}
#endif

#endif
