/* launch.h - the thin layer under the CUDA kernels (C++, for .cu files alone): launches, elements
 * of f32 and bf16 as float, sums over the threads that share a row.
 *
 * Kernels are written in the part of C++ that needs no library, so that the same text compiles for
 * the host (ZT_CUDA_HOST, test/kern/cuda_host.h), where the tests run it block by block. There
 * warps are whole: shuffles and ballots take all 32 lanes. Shared memory is static, up to 48 KiB.
 * Sums have one fixed order; there are no atomics on floating point. */
#ifndef KERN_CUDA_LAUNCH_H
#define KERN_CUDA_LAUNCH_H

#include <math.h>

#include "kern/cuda/cuda.h"

#ifdef ZT_CUDA_HOST
#include "cuda_host.h"
#else
#include <cuda_runtime.h>
#endif

enum {
    BLOCK = 256,
    PACK = 8
}; /* threads of most kernels; elements that one thread moves at once */

/* Blocks of a launch; a plain number is a row of blocks. */
struct grid {
    int64_t x, y, z;
    grid(int64_t nx, int64_t ny = 1, int64_t nz = 1) : x(nx), y(ny), z(nz)
    {
    }
};

/* Queue kernel(args...) on g blocks; nothing when there are none. */
template <typename... P, typename... A>
static void launch(struct kcx *kc, const char *name, void (*kernel)(P...), grid g, int threads,
                   A... args)
{
    if (g.x == 0 || g.y == 0 || g.z == 0)
        return;
    if (g.x < 0 || g.x > INT32_MAX || g.y < 0 || g.y > 65535 || g.z < 0 || g.z > 65535 ||
        threads < 1 || threads > 1024)
        BUG("%s: %lld x %lld x %lld blocks of %d threads", name, (long long)g.x, (long long)g.y,
            (long long)g.z, threads);
#ifdef ZT_CUDA_HOST
    auto body = [&] { kernel(args...); };

    (void)kc;
    cuda_host_run(
        name, g.x, g.y, g.z, threads, [](void *b) { (*(decltype(body) *)b)(); }, &body);
#else
    kernel<<<dim3((unsigned)g.x, (unsigned)g.y, (unsigned)g.z), threads, 0,
             (cudaStream_t)cuda_stream(kc)>>>(args...);
    cudaError_t e = cudaGetLastError();

    if (e != cudaSuccess)
        cuda_fail(kc, name, (int)e);
#endif
}
/* The kernel in parentheses where it has a comma: LAUNCH(kc, (rows<8, float>), blocks, ...). */
#define LAUNCH(kc, kernel, ...) launch(kc, #kernel, kernel, __VA_ARGS__)

/* Copy to the host and wait. */
static inline void copy_out(struct kcx *kc, void *host, const void *from, size_t bytes)
{
#ifdef ZT_CUDA_HOST
    (void)kc;
    memcpy(host, from, bytes);
#else
    cudaStream_t s = (cudaStream_t)cuda_stream(kc);
    cudaError_t e = cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, s);

    if (e == cudaSuccess)
        e = cudaStreamSynchronize(s);
    if (e != cudaSuccess)
        cuda_fail(kc, "copy to the host", (int)e);
#endif
}

static inline int64_t pieces(int64_t n, int64_t size)
{
    return (n + size - 1) / size;
}

static inline int64_t at_most(int64_t n, int64_t limit)
{
    return n < limit ? n : limit;
}

/* The statement with T as the element type that `type` names; nests. */
#define BY_TYPE(type, T, ...)                                                                      \
    switch (type) {                                                                                \
    case DT_F32: {                                                                                 \
        typedef float T;                                                                           \
        __VA_ARGS__;                                                                               \
        break;                                                                                     \
    }                                                                                              \
    case DT_BF16: {                                                                                \
        typedef bf16 T;                                                                            \
        __VA_ARGS__;                                                                               \
        break;                                                                                     \
    }                                                                                              \
    default:                                                                                       \
        BUG("CUDA kernels have no element type %d", (int)(type));                                  \
    }

__device__ inline float to_f32(float v)
{
    return v;
}

__device__ inline float to_f32(bf16 v)
{
    return __uint_as_float((uint32_t)v << 16);
}

__device__ inline void from_f32(float *to, float v)
{
    *to = v;
}

/* As in base/dtype.h: to nearest even, and a NaN stays one. */
__device__ inline void from_f32(bf16 *to, float v)
{
    uint32_t u = __float_as_uint(v);

    *to = (u & 0x7fffffffu) > 0x7f800000u ? (bf16)(u >> 16 | 0x40)
                                          : (bf16)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

/* V neighbours that travel together, 16 bytes at a time where they fill them. */
template <typename T, int V> struct alignas(sizeof(T) * V < 16 ? sizeof(T) * V : 16) pack {
    T v[V];
};

template <int V, typename T> __device__ inline void load(float (&out)[V], const T *p)
{
    pack<T, V> t = *(const pack<T, V> *)p;

    for (int i = 0; i < V; i++)
        out[i] = to_f32(t.v[i]);
}

template <int V, typename T> __device__ inline void store(T *p, const float (&in)[V])
{
    pack<T, V> t;

    for (int i = 0; i < V; i++)
        from_f32(&t.v[i], in[i]);
    *(pack<T, V> *)p = t;
}

/* Whether packs of V elements of this size may be read from p. NULL is read by nobody. */
static inline bool packs(const void *p, size_t element, int v = PACK)
{
    size_t bytes = element * (size_t)v;

    return (uintptr_t)p % (bytes < 16 ? bytes : 16) == 0;
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
