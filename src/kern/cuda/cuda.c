/* cuda.c - the kernels of a GPU as one set, and what they ask of their device. */
#include "kern/cuda/cuda.h"

#include <cuda_runtime_api.h>

#include "kern/cuda/cuda_device.h"
#include "kern/cuda/gpu.h"

const struct kernels *kernels_cuda(void)
{
    static const struct kernels table = {.name = "cuda",
#define K(kernel, args) .kernel = kernel##_cuda,
                                         KERNELS(K)
#undef K
    };

    return &table;
}

void *cuda_stream(struct kcx *kc)
{
    return gpu_of(kc)->stream;
}

void cuda_fail(struct kcx *kc, const char *what, int code)
{
    gpu_fail(gpu_of(kc), "%s: %s (%s)", what, cudaGetErrorString((cudaError_t)code),
             cudaGetErrorName((cudaError_t)code));
}

void *cuda_scratch(struct kcx *kc, int slot, size_t bytes)
{
    return gpu_scratch(gpu_of(kc), slot, bytes);
}
