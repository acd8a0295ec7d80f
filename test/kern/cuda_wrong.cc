/* cuda_wrong.cc - kernels with the mistakes that the host is to find (test_kern_cuda_host.c). */
#include "kern/cuda/launch.h"
#include "cuda_set.h"

static __global__ void uneven_barrier(int *out)
{
    if (threadIdx.x < 7)
        __syncthreads();
    out[threadIdx.x] = 1;
}

static __global__ void uneven_shuffle(int *out)
{
    if (threadIdx.x != 40)
        out[threadIdx.x] = __shfl_xor_sync(~0u, (int)threadIdx.x, 1);
}

static __global__ void mixed_operations(int *out)
{
    if (threadIdx.x % 2)
        out[threadIdx.x] = __shfl_xor_sync(~0u, (int)threadIdx.x, 1);
    else
        out[threadIdx.x] = __any_sync(~0u, 1);
}

static __global__ void part_of_a_warp(int *out)
{
    out[threadIdx.x] = __shfl_xor_sync(0xffff, (int)threadIdx.x, 1);
}

static __global__ void trapped(int *out)
{
    if (out)
        __trap();
}

/* Reads what a neighbour writes, without a barrier between. */
static __global__ void race(int *out)
{
    __shared__ int seen[64];

    seen[threadIdx.x] = (int)(blockIdx.x * blockIdx.x);
    out[threadIdx.x] = seen[63 - threadIdx.x];
}

/* Reads what another block writes. */
static __global__ void chain(int *out)
{
    if (threadIdx.x == 0)
        out[blockIdx.x] = blockIdx.x > 0 ? out[blockIdx.x - 1] + 1 : 5;
}

static __global__ void right(int *out)
{
    __shared__ int part[2];
    int v = (int)threadIdx.x;

    for (int m = 16; m; m >>= 1)
        v += __shfl_xor_sync(~0u, v, m);
    if (threadIdx.x % 32 == 0)
        part[threadIdx.x / 32] = v;
    __syncthreads();
    out[threadIdx.x] = part[0] + part[1];
}

static void (*const kernel[])(int *) = {
    uneven_barrier, uneven_shuffle, mixed_operations, part_of_a_warp, trapped, race, chain, right};

void cuda_host_try(enum cuda_host_case c, int blocks, int threads, int *out)
{
    launch(NULL, "case", kernel[c], blocks, threads, out);
}
