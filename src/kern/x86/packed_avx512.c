/* packed_avx512.c - packed pixels (kern/packed.h), a block of channels at a time; a frame is
 * written as in packed_avx2.c. */
#include <immintrin.h>

#include "kern/packed.h"
#include "kern/x86/conv.h"

static void get_block(bf16 *to, const uint8_t *from, uint8_t base)
{
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(from + PACKED_BLOCK));
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)from), lows;
    __m512i v, x;

    lows = _mm256_set_m128i(low, _mm_slli_epi16(low, 4));
    lows = _mm256_and_si256(lows, _mm256_set1_epi8((char)0xf0));
    v = _mm512_or_si512(_mm512_slli_epi16(_mm512_cvtepu8_epi16(high), 8),
                        _mm512_cvtepu8_epi16(lows)); /* sign, exponent, mantissa, nothing */
    x = _mm512_srli_epi16(_mm512_slli_epi16(v, 1), 5);
    x = _mm512_maskz_add_epi16(_mm512_cmpgt_epi16_mask(x, _mm512_set1_epi16(127)), x,
                               _mm512_set1_epi16((int16_t)(base << 7)));
    v = _mm512_or_si512(x, _mm512_and_si512(v, _mm512_set1_epi16(INT16_MIN)));
    _mm512_storeu_si512(to, v);
}

#include "kern/x86/packed_get.inc"

const struct packing packing_avx512 = {packed_put_avx2, get_pixels};
