/* lanes_avx512.h - lanes_c.h in one instruction each: left to the compiler, most of them become
 * sixteen where they are inlined. */
#ifndef KERN_X86_LANES_AVX512_H
#define KERN_X86_LANES_AVX512_H

#include <immintrin.h>

#include "kern/lanes.h"

static inline i16 v_lt(v16 a, v16 b)
{
    return (i16)_mm512_movm_epi32(_mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LT_OQ));
}

static inline v16 v_sel(i16 m, v16 a, v16 b)
{
    return (v16)_mm512_mask_blend_ps(_mm512_movepi32_mask((__m512i)m), (__m512)b, (__m512)a);
}

static inline v16 v_min(v16 a, v16 b)
{
    return (v16)_mm512_min_ps((__m512)a, (__m512)b);
}

static inline v16 v_max(v16 a, v16 b)
{
    return (v16)_mm512_max_ps((__m512)a, (__m512)b);
}

static inline v16 v_sqrt(v16 x)
{
    return (v16)_mm512_sqrt_ps((__m512)x);
}

static inline int m_any(i16 m)
{
    return _mm512_movepi32_mask((__m512i)m) != 0;
}

#endif
