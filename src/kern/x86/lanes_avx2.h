/* lanes_avx2.h - lanes_c.h in two instructions each, one per half. */
#ifndef KERN_X86_LANES_AVX2_H
#define KERN_X86_LANES_AVX2_H

#include <immintrin.h>

#include "kern/lanes.h"

union halves {
    v16 v;
    i16 m;
    __m256 h[2];
};

static inline i16 v_lt(v16 a, v16 b)
{
    union halves x = {a}, y = {b};

    x.h[0] = _mm256_cmp_ps(x.h[0], y.h[0], _CMP_LT_OQ);
    x.h[1] = _mm256_cmp_ps(x.h[1], y.h[1], _CMP_LT_OQ);
    return x.m;
}

static inline v16 v_sel(i16 m, v16 a, v16 b)
{
    union halves x = {a}, y = {b}, by = {.m = m};

    x.h[0] = _mm256_blendv_ps(y.h[0], x.h[0], by.h[0]);
    x.h[1] = _mm256_blendv_ps(y.h[1], x.h[1], by.h[1]);
    return x.v;
}

static inline v16 v_min(v16 a, v16 b)
{
    union halves x = {a}, y = {b};

    x.h[0] = _mm256_min_ps(x.h[0], y.h[0]);
    x.h[1] = _mm256_min_ps(x.h[1], y.h[1]);
    return x.v;
}

static inline v16 v_max(v16 a, v16 b)
{
    union halves x = {a}, y = {b};

    x.h[0] = _mm256_max_ps(x.h[0], y.h[0]);
    x.h[1] = _mm256_max_ps(x.h[1], y.h[1]);
    return x.v;
}

static inline v16 v_sqrt(v16 a)
{
    union halves x = {a};

    x.h[0] = _mm256_sqrt_ps(x.h[0]);
    x.h[1] = _mm256_sqrt_ps(x.h[1]);
    return x.v;
}

static inline int m_any(i16 m)
{
    union halves x = {.m = m};

    return _mm256_movemask_ps(_mm256_or_ps(x.h[0], x.h[1])) != 0;
}

#endif
