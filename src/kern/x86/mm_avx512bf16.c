/* mm_avx512bf16.c - bf16 products with the dot instruction: pairs of k, sums in f32. Denormals are
 * zero to it. */
#include <string.h>

#include "kern/x86/mm.h"
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vec_math.inc"

#define MM_NR 4
#define MM_GROUP 2

#include "kern/x86/mm_groups.inc"

typedef vf va; /* a vector of sums */
#define mm_keep(p, x) v_store(p, x)
#define mm_first(x) v_sum(x)

static inline vf mm_step(vf acc, vg a, vg b)
{
    return _mm512_dpbf16_ps(acc, (__m512bh)a, (__m512bh)b);
}

static inline vi mm_get_bits(const void *src, enum dtype t, int64_t at, int64_t n)
{
    if (t == DT_BF16)
        return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(v_lanes(n), (const bf16 *)src + at));
    return v_round_bf16(v_get(src, t, at, n));
}

/* Rows k and k+1 side by side; ld = 0: there is no second row. */
static inline vg mm_group_down(const void *src, enum dtype t, int64_t at, int64_t ld, int64_t n)
{
    vi low = mm_get_bits(src, t, at, n);
    if (!ld)
        return low;
    return _mm512_or_si512(low, _mm512_slli_epi32(mm_get_bits(src, t, at + ld, n), 16));
}

static inline vg mm_groups_along(const void *src, enum dtype t, int64_t at, int64_t n)
{
    (void)t; /* always bf16 */
    return _mm512_maskz_loadu_epi16((__mmask32)((1ull << n) - 1), (const bf16 *)src + at);
}

static void mm_pack_rows(void *dst, const void *src, enum dtype t, int64_t ld, int64_t rows,
                         int64_t k)
{
    int64_t even = (k + 1) / 2 * 2;
    for (int64_t r = 0; r < rows; r++) {
        bf16 *d = (bf16 *)dst + r * even;
        for (int64_t i = 0; i < k; i += VL) {
            int64_t n = k - i < VL ? k - i : VL;
            v_storen_bf16(d + i, v_get(src, t, r * ld + i, n), n);
        }
        if (even != k)
            d[k] = 0;
    }
}

#include "kern/x86/mm.inc"
#include "kern/x86/mm_float.inc"

const struct mm mm_bf16_avx512bf16 = {.type = DT_BF16,
                                      .group = MM_GROUP,
                                      .unit = 1,
                                      .rows = MM_MR,
                                      .cut = 512,
                                      .strip_row = 4,
                                      .block = mm_block,
                                      .pack_rows = mm_pack_rows,
                                      .pack_cols = mm_pack_cols,
                                      .pack_turned = mm_pack_turned,
                                      .peak = mm_peak};
