/* team.h - threads that share a row (C++, for .cu files alone). Sums have one fixed order. */
#ifndef KERN_CUDA_TEAM_H
#define KERN_CUDA_TEAM_H

#include "kern/cuda/element.h"

enum { BLOCK = 256 }; /* threads of most kernels */

static inline int64_t pieces(int64_t n, int64_t size)
{
    return (n + size - 1) / size;
}

static inline int64_t at_most(int64_t n, int64_t limit)
{
    return n < limit ? n : limit;
}

__device__ inline float warp_sum(float v)
{
    for (int m = 16; m; m >>= 1)
        v += __shfl_xor_sync(~0u, v, m);
    return v;
}

__device__ inline float warp_max(float v)
{
    for (int m = 16; m; m >>= 1)
        v = fmaxf(v, __shfl_xor_sync(~0u, v, m));
    return v;
}

/* A row is the work of a team: one warp, or where it is long all of a block of BLOCK threads. By
 * the length alone, so that a row's result does not depend on its neighbours. */
static inline int team_of(int64_t dim)
{
    return dim <= 1024 ? 32 : BLOCK;
}

static inline int64_t team_blocks(int64_t rows, int team)
{
    return pieces(rows, BLOCK / team);
}

__device__ inline int64_t team_row(int team)
{
    return (int64_t)blockIdx.x * (BLOCK / team) + threadIdx.x / team;
}

__device__ inline int team_rank(int team)
{
    return (int)threadIdx.x % team;
}

/* The sum over a team, for each of its threads. */
__device__ inline float team_sum(float v, int team)
{
    __shared__ float part[BLOCK / 32];

    v = warp_sum(v);
    if (team == 32)
        return v;
    __syncthreads(); /* the sum before this one has been read */
    if (threadIdx.x % 32 == 0)
        part[threadIdx.x / 32] = v;
    __syncthreads();
    v = 0;
    for (int i = 0; i < BLOCK / 32; i++)
        v += part[i];
    return v;
}

#endif
