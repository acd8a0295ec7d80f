/* cuda_set.cc - see cuda_set.h. */
#include "kern/cuda/cuda.h"
#include "cuda_set.h"

const struct kernels *kernels_cuda_host(void)
{
    static struct kernels set;

    set.name = "cuda_host";
#define K(kernel, args) set.kernel = kernel##_cuda;
    KERNELS(K)
#undef K
    return &set;
}
