/* vec_avx512.h - sixteen floats at a time; the same names as vec_avx2.h, so that one text serves
 * both. Counts n are 1..VL: lanes from n on are not touched in memory and read as zero. */
#ifndef KERN_X86_VEC_AVX512_H
#define KERN_X86_VEC_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#include "base/dtype.h"

#define VL 16
#define VEC_NAME(f) f##_avx512

typedef __m512 vf;
typedef __m512i vi;

static inline vf v_set(float x)
{
    return _mm512_set1_ps(x);
}

static inline vi v_set_bits(int x)
{
    return _mm512_set1_epi32(x);
}

static inline vi v_load_bits(const void *p)
{
    return _mm512_loadu_si512(p);
}

static inline void v_store_bits(void *p, vi x)
{
    _mm512_storeu_si512(p, x);
}

static inline vf v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline void v_store(float *p, vf x)
{
    _mm512_storeu_ps(p, x);
}

static inline __mmask16 v_lanes(int64_t n)
{
    return (__mmask16)((1u << n) - 1);
}

static inline vf v_loadn(const float *p, int64_t n)
{
    return _mm512_maskz_loadu_ps(v_lanes(n), p);
}

static inline void v_storen(float *p, vf x, int64_t n)
{
    _mm512_mask_storeu_ps(p, v_lanes(n), x);
}

/* Lanes 0..n-1 of x, other lanes of y. */
static inline vf v_firstn(vf x, vf y, int64_t n)
{
    return _mm512_mask_blend_ps(v_lanes(n), y, x);
}

static inline vf v_load_bf16(const bf16 *p)
{
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16));
}

static inline vf v_loadn_bf16(const bf16 *p, int64_t n)
{
    __m256i h = _mm256_maskz_loadu_epi16(v_lanes(n), p);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}

/* To nearest even in the low half of each lane; a NaN stays a NaN (as f32_to_bf16). */
static inline vi v_round_bf16(vf x)
{
    vi u = _mm512_castps_si512(x);
    vi odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    vi r = _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), odd),
                             16);
    __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    return _mm512_mask_or_epi32(r, nan, _mm512_srli_epi32(u, 16), _mm512_set1_epi32(0x40));
}

static inline void v_store_bf16(bf16 *p, vf x)
{
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtepi32_epi16(v_round_bf16(x)));
}

static inline void v_storen_bf16(bf16 *p, vf x, int64_t n)
{
    _mm256_mask_storeu_epi16(p, v_lanes(n), _mm512_cvtepi32_epi16(v_round_bf16(x)));
}

static inline vf v_fma(vf a, vf b, vf c) /* a b + c, rounded once */
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline vf v_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}

static inline vf v_min(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}

static inline vf v_sqrt(vf a)
{
    return _mm512_sqrt_ps(a);
}

static inline vf v_abs(vf a)
{
    return _mm512_abs_ps(a);
}

static inline vf v_round(vf a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* x 2^n for whole n; over- and underflow as in real arithmetic. */
static inline vf v_ldexp(vf x, vf n)
{
    return _mm512_scalef_ps(x, n);
}

/* Lane by lane: a < b ? x : y. */
static inline vf v_if_less(vf a, vf b, vf x, vf y)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
}

/* a with the sign of s. */
static inline vf v_copysign(vf a, vf s)
{
    const vi sign = _mm512_set1_epi32(INT32_MIN);
    return _mm512_castsi512_ps(
        _mm512_ternarylogic_epi32(_mm512_castps_si512(a), _mm512_castps_si512(s), sign, 0xd8));
}

static inline int v_all_finite(vf x)
{
    return _mm512_fpclass_ps_mask(x, 0x99) == 0; /* quiet or signalling NaN, +-infinity */
}

/* Exchange neighbours: lanes 1 0 3 2 ... */
static inline vf v_swap_pairs(vf x)
{
    return _mm512_permute_ps(x, 0xb1);
}

static inline vf v_even(vf x) /* lanes 0 0 2 2 ... */
{
    return _mm512_moveldup_ps(x);
}

static inline vf v_odd(vf x) /* lanes 1 1 3 3 ... */
{
    return _mm512_movehdup_ps(x);
}

/* a b -+ c: minus in even lanes, plus in odd ones. */
static inline vf v_fmaddsub(vf a, vf b, vf c)
{
    return _mm512_fmaddsub_ps(a, b, c);
}

static inline vf v_fmsubadd(vf a, vf b, vf c)
{
    return _mm512_fmsubadd_ps(a, b, c);
}

static inline float v_sum(vf x)
{
    __m256 a = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

/* Squares of all lanes, added in f64 to sum; and their total. */
typedef __m512d vd;
enum { V_DOUBLES = 2 };
static inline void v_add_squares(vd sum[V_DOUBLES], vf x)
{
    vd a = _mm512_cvtps_pd(_mm512_castps512_ps256(x));
    vd b = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
    sum[0] = _mm512_fmadd_pd(a, a, sum[0]);
    sum[1] = _mm512_fmadd_pd(b, b, sum[1]);
}

static inline double v_total(const vd sum[V_DOUBLES])
{
    return _mm512_reduce_add_pd(_mm512_add_pd(sum[0], sum[1]));
}

static inline float v_hmax(vf x)
{
    return _mm512_reduce_max_ps(x);
}

/* Sixteen rows of sixteen 32-bit elements -> sixteen columns. */
static inline void v_transpose(vi r[VL])
{
    vi t[VL];
    for (int i = 0; i < 16; i += 4) {
        vi ab = _mm512_unpacklo_epi32(r[i], r[i + 1]), AB = _mm512_unpackhi_epi32(r[i], r[i + 1]);
        vi cd = _mm512_unpacklo_epi32(r[i + 2], r[i + 3]);
        vi CD = _mm512_unpackhi_epi32(r[i + 2], r[i + 3]);
        t[i] = _mm512_unpacklo_epi64(ab, cd);
        t[i + 1] = _mm512_unpackhi_epi64(ab, cd);
        t[i + 2] = _mm512_unpacklo_epi64(AB, CD);
        t[i + 3] = _mm512_unpackhi_epi64(AB, CD);
    }
    for (int i = 0; i < 4; i++) { /* t[4j+i]: rows 4j.. of columns i, i+4, i+8, i+12 */
        vi lo = _mm512_shuffle_i32x4(t[i], t[i + 4], 0x44);
        vi hi = _mm512_shuffle_i32x4(t[i], t[i + 4], 0xee);
        vi Lo = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0x44);
        vi Hi = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0xee);
        r[i] = _mm512_shuffle_i32x4(lo, Lo, 0x88);
        r[i + 4] = _mm512_shuffle_i32x4(lo, Lo, 0xdd);
        r[i + 8] = _mm512_shuffle_i32x4(hi, Hi, 0x88);
        r[i + 12] = _mm512_shuffle_i32x4(hi, Hi, 0xdd);
    }
}

#endif
