/* launch.h - the thin layer under the CUDA kernels (C++, for .cu files alone): launches, and by its
 * includes elements of any type and sums over the threads that share a row.
 *
 * Kernels are written in the part of C++ that needs no library, so that the same text compiles for
 * the host (ZT_CUDA_HOST, test/kern/cuda_host.h), where the tests run it block by block. There
 * warps are whole: shuffles and ballots take all 32 lanes. Shared memory is static, up to 48 KiB.
 * Sums have one fixed order; there are no atomics on floating point. */
#ifndef KERN_CUDA_LAUNCH_H
#define KERN_CUDA_LAUNCH_H

#include "kern/cuda/element.h"
#include "kern/cuda/team.h"

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

#endif
