/* cuda_set.cc - see cuda_set.h. */
#include "kern/cuda/cuda.h"
#include "cuda_set.h"

const struct kernels *kernels_cuda_host(void)
{
    static struct kernels set;

    if (set.name)
        return &set;
#define K(kernel, args) set.kernel = kernel##_cuda;
    KERNELS(K)
#undef K
    set.name = "cuda_host";
    return &set;
}
