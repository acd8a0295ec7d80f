/* mm_i8_avx512vnni.c - products of bytes with the dot instruction: fours of k, sums in int32. It
 * multiplies unsigned by signed bytes, so B is moved up by 128. */
#include <limits.h>
#include <string.h>

#include "kern/quantise.h"
#include "kern/x86/mm.h"
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vec_math.inc"

#define MM_NR 4
#define MM_GROUP 4
#define MM_BEYOND 128

#include "kern/x86/mm_groups.inc"
#include "kern/x86/mm_sums_avx512.inc"

static inline va mm_step(va acc, vg a, vg b)
{
    return _mm512_dpbusd_epi32(acc, b, a);
}

static inline vg mm_groups_along(const void *src, enum dtype t, int64_t at, int64_t n)
{
    __mmask64 m = n < 64 ? ((__mmask64)1 << n) - 1 : ~(__mmask64)0;
    (void)t;
    return _mm512_xor_si512(_mm512_maskz_loadu_epi8(m, (const char *)src + at),
                            _mm512_set1_epi8(-128));
}

static inline void mm_put_bytes(char *to, const int8_t *bytes, int64_t groups)
{
    memcpy(to, bytes, (size_t)groups * 4);
}

#include "kern/x86/mm.inc"
#include "kern/x86/mm_int8.inc"
#include "kern/x86/mm_bytes.inc"

const struct mm mm_i8_avx512vnni = {.type = DT_I8,
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
