/* cuda.h - inside of the CUDA kernels: one prototype per kernel, and what device.c gives to all.
 *
 * Kernels are queued on the stream of their context and never wait. F64 is not offered: wide is F32
 * here. */
#ifndef KERN_CUDA_CUDA_H
#define KERN_CUDA_CUDA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
#define _Noreturn __attribute__((noreturn))
extern "C" {
#endif

#include "base/err.h"
#include "kern/kern.h"

#define K(kernel, args) void kernel##_cuda(struct kcx *kc, struct args *a);
KERNELS(K)
#undef K

/* The queue of this context: a cudaStream_t. */
void *cuda_stream(struct kcx *kc);
/* A call of CUDA, or a launch, named `what` failed. Sticky: the first failure is what is told. */
void cuda_fail(struct kcx *kc, const char *what, int code);
/* Device memory kept between calls, aligned to 256 bytes, old content lost. Two calls that are in
 * use at once take different slots. NULL (and a failure) when it does not fit. */
enum cuda_slot { SLOT_PARTIAL, SLOT_STATS, SLOT_LEADERS, SLOT_CHUNKS };
void *cuda_scratch(struct kcx *kc, int slot, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
