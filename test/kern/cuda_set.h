/* cuda_set.h - the CUDA kernels as a set of kernels on host memory (C and C++). */
#ifndef TEST_KERN_CUDA_SET_H
#define TEST_KERN_CUDA_SET_H

#include "kern/kern.h"

#ifdef __cplusplus
extern "C" {
#endif
/* cuBLASLt is replaced by plain loops (cuda_gemm.cc). NULL in a build without a C++ compiler. One
 * caller at a time. */
const struct kernels *kernels_cuda_host(void);
void cuda_host_reverse(int on); /* blocks and threads run from last to first */

/* Kernels that are wrong, but for the last; out: as many as threads. */
enum cuda_host_case {
    UNEVEN_BARRIER,
    UNEVEN_SHUFFLE,
    MIXED_OPERATIONS,
    PART_OF_A_WARP,
    TRAP,
    RACE,
    CHAIN,
    RIGHT
};
void cuda_host_try(enum cuda_host_case c, int blocks, int threads, int *out);
#ifdef __cplusplus
}
#endif

#endif
