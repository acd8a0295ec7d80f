/* each.h - kernels whose elements know nothing of each other (C++, for .cu files alone). */
#ifndef KERN_CUDA_EACH_H
#define KERN_CUDA_EACH_H

#include "kern/cuda/launch.h"

/* A job works on V elements from i by run<V>(i). Packs where all its arrays allow them, single
 * elements at the end and elsewhere. */
template <int V, class J> __global__ void each_element(J job, int64_t n)
{
    int64_t i = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) * V;

    if (i + V <= n)
        job.template run<V>(i);
    else
        for (; i < n; i++)
            job.template run<1>(i);
}

template <class J> static void each(struct kcx *kc, const char *name, J job, int64_t n)
{
    if (job.packed())
        launch(kc, name, each_element<PACK, J>, pieces(n, BLOCK * PACK), BLOCK, job, n);
    else
        launch(kc, name, each_element<1, J>, pieces(n, BLOCK), BLOCK, job, n);
}

#endif
