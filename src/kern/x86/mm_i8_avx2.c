/* mm_i8_avx2.c - as mm_i8_avx512.c, with vectors half as long. Bytes times bytes (vpmaddubsw) would
 * saturate, and with signs taken apart be no faster. */
#include <limits.h>
#include <string.h>

#include "kern/quantise.h"
#include "kern/x86/mm.h"
#include "kern/x86/vec_avx2.h"
#include "kern/x86/vec_math.inc"

#define MM_NR 2
#define MM_GROUP 2
#define MM_BEYOND 0

#include "kern/x86/mm_groups.inc"

typedef vi va; /* a vector of sums */
#define mm_keep(p, x) v_store_bits(p, x)
#define mm_first(x) ((float)(x)[0])

static inline vf mm_sums(const float *p, vi less)
{
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(v_load_bits(p), less));
}

static inline va mm_step(va acc, vg a, vg b)
{
    return _mm256_add_epi32(acc, _mm256_madd_epi16(a, b));
}

static inline vg mm_groups_along(const void *src, enum dtype t, int64_t at, int64_t n)
{
    const char *from = (const char *)src + at;
    char part[16] = {0};
    (void)t;
    if (n == 16)
        return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from));
    memcpy(part, from, (size_t)n);
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)part));
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

const struct mm mm_i8_avx2 = {.type = DT_I8,
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
