/* cuda_host.h - what a .cu file needs to run on the host (C++).
 *
 * Blocks run one after the other; the threads of a block are fibers that give way at barriers and
 * shuffles alone. Both orders can be turned round (cuda_host_reverse), so that a result which
 * depends on one of them shows. A barrier that not all threads reach, a warp operation without all
 * 32 lanes, a trap: abort with the kernel's name. */
#ifndef TEST_KERN_CUDA_HOST_H
#define TEST_KERN_CUDA_HOST_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static

struct cuda_host_index {
    unsigned x, y, z;
};
extern struct cuda_host_index threadIdx, blockIdx, blockDim, gridDim;

void cuda_host_run(const char *name, int64_t x, int64_t y, int64_t z, int threads,
                   void (*body)(void *), void *arg);

void __syncthreads(void);
[[noreturn]] void __trap(void);

/* Wait for the warp, then read what lane `from` gave; `op` must be the same in all lanes. */
enum cuda_host_op { OP_SHUFFLE = 1, OP_BALLOT, OP_SYNC };
uint64_t cuda_host_exchange(enum cuda_host_op op, unsigned mask, uint64_t mine, int from);
unsigned __ballot_sync(unsigned mask, int yes);

static inline int cuda_host_lane(void)
{
    return (int)(threadIdx.x % 32);
}

template <typename T> static inline T __shfl_sync(unsigned mask, T v, int from)
{
    uint64_t bits = 0;

    static_assert(sizeof v <= sizeof bits, "too large for a shuffle");
    memcpy(&bits, &v, sizeof v);
    bits = cuda_host_exchange(OP_SHUFFLE, mask, bits, from % 32);
    memcpy(&v, &bits, sizeof v);
    return v;
}

template <typename T> static inline T __shfl_xor_sync(unsigned mask, T v, int with)
{
    return __shfl_sync(mask, v, cuda_host_lane() ^ with);
}

template <typename T> static inline T __shfl_down_sync(unsigned mask, T v, int by)
{
    int from = cuda_host_lane() + by;

    return __shfl_sync(mask, v, from < 32 ? from : cuda_host_lane());
}

static inline void __syncwarp(unsigned mask = ~0u)
{
    cuda_host_exchange(OP_SYNC, mask, 0, 0);
}

static inline int __any_sync(unsigned mask, int yes)
{
    return __ballot_sync(mask, yes) != 0;
}

static inline int __all_sync(unsigned mask, int yes)
{
    return __ballot_sync(mask, yes) == ~0u;
}

static inline int atomicAdd(int *p, int v) /* whole numbers alone */
{
    int old = *p;

    *p = old + v;
    return old;
}

static inline int __popc(unsigned v)
{
    return __builtin_popcount(v);
}

static inline int __ffs(int v)
{
    return __builtin_ffs(v);
}

static inline float __uint_as_float(unsigned u)
{
    float f;

    memcpy(&f, &u, sizeof f);
    return f;
}

static inline unsigned __float_as_uint(float f)
{
    unsigned u;

    memcpy(&u, &f, sizeof u);
    return u;
}

static inline float rsqrtf(float v)
{
    return 1 / sqrtf(v);
}

template <typename T> static inline T min(T a, T b)
{
    return b < a ? b : a;
}

template <typename T> static inline T max(T a, T b)
{
    return a < b ? b : a;
}

#endif
