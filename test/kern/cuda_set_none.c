/* cuda_set_none.c - takes the place of the CUDA kernels on the host where no C++ compiler is. */
#include "cuda_set.h"

#include <stddef.h>

const struct kernels *kernels_cuda_host(void)
{
    return NULL;
}

void cuda_host_reverse(int on)
{
    (void)on;
}

void cuda_host_try(enum cuda_host_case c, int blocks, int threads, int *out)
{
    (void)c, (void)blocks, (void)threads, (void)out;
}
