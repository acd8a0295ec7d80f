/* mm_i8_avx512.c - products of bytes, widened to 16 bits: pairs of k, sums in int32. Nothing can
 * overflow or saturate. */
#include <limits.h>
#include <string.h>

#include "kern/quantise.h"
#include "kern/x86/mm.h"
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vec_math.inc"

#define MM_NR 4
#define MM_GROUP 2
#define MM_BEYOND 0

#include "kern/x86/mm_groups.inc"
#include "kern/x86/mm_sums_avx512.inc"

static inline va mm_step(va acc, vg a, vg b)
{
    return _mm512_add_epi32(acc, _mm512_madd_epi16(a, b));
}

static inline vg mm_groups_along(const void *src, enum dtype t, int64_t at, int64_t n)
{
    __mmask32 m = n < 32 ? (1u << n) - 1 : ~0u;
    (void)t;
    return _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8(m, (const char *)src + at));
}

static inline void mm_put_bytes(char *to, const int8_t *bytes, int64_t groups)
{
    int16_t *pair = (int16_t *)(void *)to;
    for (int64_t i = 0; i < groups * MM_GROUP; i++)
        pair[i] = bytes[i];
}

#include "kern/x86/mm.inc"
#include "kern/x86/mm_int8.inc"
#include "kern/x86/mm_bytes.inc"

const struct mm mm_i8_avx512 = {.type = DT_I8,
                                .group = MM_GROUP,
                                .unit = 1,
                                .rows = MM_MR,
                                .cut = INT_MAX,
                                .block = mm_block,
                                .quantise = mm_quantise,
                                .range = mm_range,
                                .to_bytes = mm_to_bytes,
                                .means = mm_means,
                                .to_bytes_less = mm_to_bytes_less,
                                .pack_turned = mm_pack_turned,
                                .peak = mm_peak};
