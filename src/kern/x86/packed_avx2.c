/* packed_avx2.c - packed pixels (kern/packed.h), a block of channels at a time. */
#include <immintrin.h>

#include "kern/packed.h"
#include "kern/x86/conv.h"

/* The largest of 8 numbers of 16 bits. */
static uint32_t largest(__m128i most)
{
    __m128i least = _mm_minpos_epu16(_mm_xor_si128(most, _mm_set1_epi16(-1)));

    return 0xffffu & ~(uint32_t)_mm_cvtsi128_si32(least);
}

static void put_block(uint8_t *to, const bf16 *x, __m256i from)
{
    __m256i v[2], high[2], low;

    for (int i = 0; i < 2; i++) {
        __m256i all = _mm256_loadu_si256((const __m256i *)(const void *)(x + 16 * i));
        __m256i sign = _mm256_and_si256(all, _mm256_set1_epi16(INT16_MIN));

        v[i] = _mm256_subs_epu16(_mm256_and_si256(all, _mm256_set1_epi16(INT16_MAX)), from);
        high[i] = _mm256_srli_epi16(_mm256_or_si256(_mm256_slli_epi16(v[i], 4), sign), 8);
        v[i] = _mm256_and_si256(v[i], _mm256_set1_epi16(15));
    }
    low = _mm256_or_si256(v[0], _mm256_slli_epi16(v[1], 4));
    low = _mm256_permute4x64_epi64(_mm256_packus_epi16(low, low), 0xd8);
    high[0] = _mm256_permute4x64_epi64(_mm256_packus_epi16(high[0], high[1]), 0xd8);
    _mm256_storeu_si256((__m256i *)(void *)to, high[0]);
    _mm_storeu_si128((__m128i *)(void *)(to + PACKED_BLOCK), _mm256_castsi256_si128(low));
}

static void put_pixel(uint8_t *to, uint8_t *base, const bf16 *x, int64_t channels)
{
    const __m256i size = _mm256_set1_epi16(INT16_MAX);
    __m256i most = _mm256_setzero_si256();
    int64_t i, whole = channels / PACKED_BLOCK * PACKED_BLOCK;
    uint32_t tail = 0;

    for (i = 0; i < whole; i += 16) {
        __m256i all = _mm256_loadu_si256((const __m256i *)(const void *)(x + i));

        most = _mm256_max_epu16(most, _mm256_and_si256(all, size));
    }
    for (; i < channels; i++)
        tail = (x[i] & 0x7fffu) > tail ? x[i] & 0x7fffu : tail;
    uint32_t all =
        largest(_mm_max_epu16(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1)));
    uint32_t from = packed_base(all > tail ? all : tail);

    *base = (uint8_t)from;
    for (i = 0; i < whole; i += PACKED_BLOCK)
        put_block(to + i / 2 * 3, x + i, _mm256_set1_epi16((int16_t)(from << 7)));
    if (whole < channels)
        packed_block_put(to + whole / 2 * 3, x + whole, channels - whole, from);
}

void packed_put_avx2(void *frame, int64_t pixels, int64_t channels, int64_t first, int64_t n,
                     const bf16 *x)
{
    uint8_t *to = packed_at(frame, pixels, channels, first);

    for (int64_t i = 0; i < n; i++, x += channels, to += packed_pixel_bytes(channels))
        put_pixel(to, (uint8_t *)frame + first + i, x, channels);
}

static void get_block(bf16 *to, const uint8_t *from, uint8_t base)
{
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(from + PACKED_BLOCK));
    __m256i add = _mm256_set1_epi16((int16_t)(base << 7));
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)from), lows, v[2];

    lows = _mm256_set_m128i(low, _mm_slli_epi16(low, 4));
    lows = _mm256_and_si256(lows, _mm256_set1_epi8((char)0xf0));
    v[0] = _mm256_unpacklo_epi8(lows, high); /* sign, exponent, mantissa, nothing */
    v[1] = _mm256_unpackhi_epi8(lows, high);
    for (int i = 0; i < 2; i++) {
        __m256i sign = _mm256_and_si256(v[i], _mm256_set1_epi16(INT16_MIN));
        __m256i x = _mm256_srli_epi16(_mm256_slli_epi16(v[i], 1), 5);
        __m256i is = _mm256_cmpgt_epi16(x, _mm256_set1_epi16(127));

        v[i] = _mm256_or_si256(_mm256_and_si256(_mm256_add_epi16(x, add), is), sign);
    }
    _mm256_storeu_si256((__m256i *)(void *)to, _mm256_permute2x128_si256(v[0], v[1], 0x20));
    _mm256_storeu_si256((__m256i *)(void *)(to + 16), _mm256_permute2x128_si256(v[0], v[1], 0x31));
}

#include "kern/x86/packed_get.inc"

const struct packing packing_avx2 = {packed_put_avx2, get_pixels};
