/* vec_avx2.h - eight floats at a time; the same names as vec_avx512.h, so that one text serves
 * both. Counts n are 1..VL: lanes from n on are not touched in memory and read as zero. */
#ifndef KERN_X86_VEC_AVX2_H
#define KERN_X86_VEC_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "base/dtype.h"

#define VL 8
#define VEC_NAME(f) f##_avx2

typedef __m256 vf;
typedef __m256i vi;

static inline vf v_set(float x)
{
    return _mm256_set1_ps(x);
}

static inline vi v_set_bits(int x)
{
    return _mm256_set1_epi32(x);
}

static inline vi v_load_bits(const void *p)
{
    return _mm256_loadu_si256(p);
}

static inline void v_store_bits(void *p, vi x)
{
    _mm256_storeu_si256(p, x);
}

static inline vf v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

static inline void v_store(float *p, vf x)
{
    _mm256_storeu_ps(p, x);
}

static inline vi v_lanes(int64_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline vf v_loadn(const float *p, int64_t n)
{
    return _mm256_maskload_ps(p, v_lanes(n));
}

static inline void v_storen(float *p, vf x, int64_t n)
{
    _mm256_maskstore_ps(p, v_lanes(n), x);
}

/* Lanes 0..n-1 of x, other lanes of y. */
static inline vf v_firstn(vf x, vf y, int64_t n)
{
    return _mm256_blendv_ps(y, x, _mm256_castsi256_ps(v_lanes(n)));
}

static inline vf v_load_bf16(const bf16 *p)
{
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16));
}

static inline vf v_loadn_bf16(const bf16 *p, int64_t n)
{
    bf16 part[VL] = {0};
    memcpy(part, p, (size_t)n * sizeof *p);
    return v_load_bf16(part);
}

/* To nearest even in the low half of each lane; a NaN stays a NaN (as f32_to_bf16). */
static inline vi v_round_bf16(vf x)
{
    vi u = _mm256_castps_si256(x);
    vi odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    vi r = _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(u, _mm256_set1_epi32(0x7fff)), odd),
                             16);
    vi quiet = _mm256_or_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(0x40));
    vi nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    return _mm256_blendv_epi8(r, quiet, nan);
}

static inline void v_store_bf16(bf16 *p, vf x)
{
    vi r = v_round_bf16(x);
    __m128i h = _mm_packus_epi32(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1));
    _mm_storeu_si128((__m128i *)p, h);
}

static inline void v_storen_bf16(bf16 *p, vf x, int64_t n)
{
    bf16 part[VL];
    v_store_bf16(part, x);
    memcpy(p, part, (size_t)n * sizeof *p);
}

static inline vf v_fma(vf a, vf b, vf c) /* a b + c, rounded once */
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline vf v_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}

static inline vf v_min(vf a, vf b)
{
    return _mm256_min_ps(a, b);
}

static inline vf v_sqrt(vf a)
{
    return _mm256_sqrt_ps(a);
}

static inline vf v_abs(vf a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

static inline vf v_round(vf a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* x 2^n for whole n in -252..254: in two halves, so that neither factor leaves the normal range. */
static inline vf v_ldexp(vf x, vf n)
{
    vi i = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(i, 1), bias = _mm256_set1_epi32(127);
    vi a = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    vi b = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(i, half), bias), 23);
    return x * _mm256_castsi256_ps(a) * _mm256_castsi256_ps(b);
}

/* Lane by lane: a < b ? x : y. */
static inline vf v_if_less(vf a, vf b, vf x, vf y)
{
    return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}

/* a with the sign of s. */
static inline vf v_copysign(vf a, vf s)
{
    const vf sign = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(_mm256_andnot_ps(sign, a), _mm256_and_ps(sign, s));
}

static inline int v_all_finite(vf x)
{
    vf wrong = _mm256_cmp_ps(v_abs(x), _mm256_set1_ps(3.40282347e38f), _CMP_NLE_UQ);
    return _mm256_movemask_ps(wrong) == 0;
}

/* Exchange neighbours: lanes 1 0 3 2 ... */
static inline vf v_swap_pairs(vf x)
{
    return _mm256_permute_ps(x, 0xb1);
}

static inline vf v_even(vf x) /* lanes 0 0 2 2 ... */
{
    return _mm256_moveldup_ps(x);
}

static inline vf v_odd(vf x) /* lanes 1 1 3 3 ... */
{
    return _mm256_movehdup_ps(x);
}

/* a b -+ c: minus in even lanes, plus in odd ones. */
static inline vf v_fmaddsub(vf a, vf b, vf c)
{
    return _mm256_fmaddsub_ps(a, b, c);
}

static inline vf v_fmsubadd(vf a, vf b, vf c)
{
    return _mm256_fmsubadd_ps(a, b, c);
}

static inline float v_sum(vf x)
{
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

/* Squares of all lanes, added in f64 to sum; and their total. */
typedef __m256d vd;
enum { V_DOUBLES = 2 };
static inline void v_add_squares(vd sum[V_DOUBLES], vf x)
{
    vd a = _mm256_cvtps_pd(_mm256_castps256_ps128(x));
    vd b = _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
    sum[0] = _mm256_fmadd_pd(a, a, sum[0]);
    sum[1] = _mm256_fmadd_pd(b, b, sum[1]);
}

static inline double v_total(const vd sum[V_DOUBLES])
{
    vd s = _mm256_add_pd(sum[0], sum[1]);
    __m128d h = _mm_add_pd(_mm256_castpd256_pd128(s), _mm256_extractf128_pd(s, 1));
    return _mm_cvtsd_f64(_mm_add_sd(h, _mm_unpackhi_pd(h, h)));
}

static inline float v_hmax(vf x)
{
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}

/* Eight rows of eight 32-bit elements -> eight columns. */
static inline void v_transpose(vi r[VL])
{
    vi t[VL];
    for (int i = 0; i < 8; i += 4) {
        vi ab = _mm256_unpacklo_epi32(r[i], r[i + 1]), AB = _mm256_unpackhi_epi32(r[i], r[i + 1]);
        vi cd = _mm256_unpacklo_epi32(r[i + 2], r[i + 3]);
        vi CD = _mm256_unpackhi_epi32(r[i + 2], r[i + 3]);
        t[i] = _mm256_unpacklo_epi64(ab, cd);
        t[i + 1] = _mm256_unpackhi_epi64(ab, cd);
        t[i + 2] = _mm256_unpacklo_epi64(AB, CD);
        t[i + 3] = _mm256_unpackhi_epi64(AB, CD);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2x128_si256(t[i], t[i + 4], 0x20);
        r[i + 4] = _mm256_permute2x128_si256(t[i], t[i + 4], 0x31);
    }
}

#endif
