/* cuda_device.h - the GPUs of this machine as devices; kern/cuda_none.c where the build has no
 * CUDA. */
#ifndef KERN_CUDA_CUDA_DEVICE_H
#define KERN_CUDA_CUDA_DEVICE_H

#include "kern/device.h"

/* GPU `index`, opened once; it lives as long as the program. 0, or ERR_DEVICE that says what is
 * missing. */
NODISCARD int device_cuda(struct device **out, int index, struct err *e);
int device_cuda_count(void); /* 0 without a GPU, a driver, or CUDA in this build */

/* What GPU `index` is, in one line: name, memory, compute capability, driver. 0 or ERR_DEVICE; buf
 * holds a line in either case. */
int device_cuda_text(int index, char *buf, size_t size);
/* NVIDIA's libraries that are here, in one line: without cuBLASLt no GPU is used, without cuDNN it
 * is slower. 0 in a build without CUDA. */
int device_cuda_libraries(char *buf, size_t size);
/* The kernels of a GPU; NULL in a build without CUDA. */
const struct kernels *kernels_cuda(void);

#endif
