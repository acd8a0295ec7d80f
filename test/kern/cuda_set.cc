/* cuda_set.cc - see cuda_set.h. */
#include "kern/cuda/cuda.h"
#include "cuda_set.h"

const struct kernels *kernels_cuda_host(void)
{
    static struct kernels set;

    if (set.name)
        return &set;
    set = *kernels_c();
    set.name = "cuda_host";
    return &set;
}
