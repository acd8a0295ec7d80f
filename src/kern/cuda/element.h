/* element.h - elements of f32 and bf16 as float, and packs of neighbours (C++, for .cu files
 * alone). */
#ifndef KERN_CUDA_ELEMENT_H
#define KERN_CUDA_ELEMENT_H

#include <math.h>

#include "kern/cuda/cuda.h"

#ifdef ZT_CUDA_HOST
#include "cuda_host.h"
#else
#include <cuda_runtime.h>
#endif

enum { PACK = 8 }; /* elements that one thread moves at once */

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

#endif
