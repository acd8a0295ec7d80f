/* mm_i16_avx512vnni.c - products of 16 bits with the dot instruction: pairs of k, sums in int32, at
 * twice the rate of f32. Left rows are not negative and add up to at most I16_ROW, right values
 * reach I16_COLUMN, so that no sum of I16_GROUPS groups overflows; a row whose values
 * are much alike then has the fewest bits, and needs them least. */
#include <string.h>

#include "kern/quantise.h"
#include "kern/x86/mm.h"
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vec_math.inc"

#define MM_NR 4
#define MM_GROUP 2
#define MM_BEYOND 0

enum { I16_MOST = 32767, I16_COLUMN = 4095, I16_GROUPS = 256 };
/* Rounding adds less than one to each value, and the sum of a row has errors of f32. */
enum { I16_ROW = INT32_MAX / I16_COLUMN - I16_GROUPS * 2 };

#include "kern/x86/mm_groups.inc"
#include "kern/x86/mm_sums_avx512.inc"

static inline va mm_step(va acc, vg a, vg b)
{
    return _mm512_dpwssd_epi32(acc, a, b);
}

static inline vg mm_groups_along(const void *src, enum dtype t, int64_t at, int64_t n)
{
    (void)t; /* 16 bits already */
    return _mm512_maskz_loadu_epi16((__mmask32)((1ull << n) - 1), (const int16_t *)src + at);
}

#include "kern/x86/mm.inc"
#include "kern/x86/mm_whole.inc"

/* Each lane rounds up from another fraction on: a thousand small values next to a large one keep
 * their sum, which would be lost if all of them were rounded down. */
static const float i16_fraction[VL] = {0x01p-5f, 0x11p-5f, 0x09p-5f, 0x19p-5f, 0x05p-5f, 0x15p-5f,
                                       0x0dp-5f, 0x1dp-5f, 0x03p-5f, 0x13p-5f, 0x0bp-5f, 0x1bp-5f,
                                       0x07p-5f, 0x17p-5f, 0x0fp-5f, 0x1fp-5f};

/* What values up to `most` are multiplied with to reach `to`; 0: there are none. */
static inline float i16_inverse(float most, float to)
{
    return most < QUANT_LEAST ? 0 : to / most;
}

static void mm_quantise(void *dst, struct quant_row *row, const void *src, enum dtype t, int64_t ld,
                        int64_t rows, int64_t k)
{
    int64_t even = (k + 1) / 2 * 2;
    for (int64_t r = 0; r < rows; r++) {
        vi most = v_set_bits(0); /* as bits, among which a NaN is above all numbers */
        vf sum = v_set(0.0f);
        for (int64_t i = 0; i < k; i += VL) {
            vf x = v_get(src, t, r * ld + i, k - i < VL ? k - i : VL);
            most = _mm512_max_epi32(most, _mm512_castps_si512(x));
            sum = sum + x;
        }
        float largest = quant_of_bits((uint32_t)_mm512_reduce_max_epi32(most));
        float by_most = i16_inverse(largest, I16_MOST), by_sum = i16_inverse(v_sum(sum), I16_ROW);
        float inverse = by_most < by_sum ? by_most : by_sum;
        row[r] = (struct quant_row){.scale = inverse == 0 ? 0 : 1 / inverse};
        if (!isfinite(largest))
            row[r].scale = NAN;
        for (int64_t i = 0; i < even; i += VL) {
            int64_t n = even - i < VL ? even - i : VL;
            vf x = v_fma(v_get(src, t, r * ld + i, k - i < VL ? k - i : VL), v_set(inverse),
                         v_load(i16_fraction));
            _mm256_mask_storeu_epi16((int16_t *)dst + r * even + i, v_lanes(n),
                                     _mm512_cvtepi32_epi16(_mm512_cvttps_epi32(x)));
        }
    }
}

static inline vi i16_values(const void *src, enum dtype t, int64_t at, int64_t n, vf inverse)
{
    return _mm512_cvtps_epi32(v_get(src, t, at, n) * inverse);
}

static void mm_quantise_cols(void *dst, float *scale, const void *src, enum dtype t, int64_t ld,
                             int64_t k, int64_t n)
{
    int64_t groups = (k + 1) / 2;
    for (int64_t j = 0; j < n; j += VL) {
        char *d = (char *)dst + (j / MM_PANEL * groups * MM_PANEL + j % MM_PANEL) * 4;
        int64_t c = n - j < VL ? n - j : VL;
        vi most = v_set_bits(0), low = v_set_bits(0xffff);
        for (int64_t g = 0; g < k; g++)
            most = _mm512_max_epi32(most, _mm512_castps_si512(v_abs(v_get(src, t, g * ld + j, c))));
        vf largest = _mm512_castsi512_ps(most), to = v_set(I16_COLUMN);
        __mmask16 none = _mm512_cmp_ps_mask(largest, v_set(QUANT_LEAST), _CMP_LT_OQ);
        __mmask16 bad = _mm512_fpclass_ps_mask(largest, 0x99); /* NaN or infinite */
        vf inverse = _mm512_maskz_div_ps((__mmask16) ~(none | bad), to, largest);
        vf value = _mm512_mask_blend_ps(bad, _mm512_maskz_div_ps((__mmask16)~none, largest, to),
                                        v_set(NAN));
        v_put(scale, DT_F32, j, value, c);
        for (int64_t g = 0; g < groups; g++) {
            vi a = i16_values(src, t, 2 * g * ld + j, c, inverse), b = v_set_bits(0);
            if (2 * g + 1 < k)
                b = i16_values(src, t, (2 * g + 1) * ld + j, c, inverse);
            mm_store(d + g * MM_PANEL * 4,
                     _mm512_or_si512(_mm512_and_si512(a, low), _mm512_slli_epi32(b, 16)));
        }
    }
}

const struct mm mm_i16_avx512vnni = {.type = DT_I16,
                                     .group = MM_GROUP,
                                     .unit = 1,
                                     .rows = MM_MR,
                                     .cut = I16_GROUPS,
                                     .block = mm_block,
                                     .quantise = mm_quantise,
                                     .quantise_cols = mm_quantise_cols,
                                     .pack_turned = mm_pack_turned,
                                     .peak = mm_peak};
