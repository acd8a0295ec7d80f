/* packed.h - pixels of bf16 in three quarters of their bytes, for frames that are looked back at.
 *
 * A value is twelve bits: sign, four bits of exponent, all seven of the mantissa. The exponent is
 * counted from a byte of the pixel, that of its largest value less 15, so a value comes back to the
 * bit unless it is 2^14 times smaller than the largest of its pixel; then it is zero, which is 64
 * times less than what rounding that largest one to bf16 took. Infinite values and NaN stay.
 *
 * A frame [pixels, channels] is a byte for each pixel, filled up to 64, then for each pixel its
 * blocks of 32 channels: the upper eight bits of each, then the lower four, two of them in a byte,
 * channel i and the one half a block further on. A value without exponent is zero whatever its
 * mantissa. With the same bits wherever it is compiled. Private to kern/. */
#ifndef KERN_PACKED_H
#define KERN_PACKED_H

#include "kern/kern.h"

#ifdef __CUDACC__
#define PACKED_FN __host__ __device__ static inline
#else
#define PACKED_FN static inline
#endif

enum { PACKED_EXPONENTS = 15, PACKED_BLOCK = 32 };

PACKED_FN int64_t packed_pixel_bytes(int64_t channels)
{
    return channels + (channels + 1) / 2;
}

/* The blocks of a pixel; its byte is that of its number, at the front. */
PACKED_FN uint8_t *packed_at(const void *frame, int64_t pixels, int64_t channels, int64_t pixel)
{
    return (uint8_t *)frame + (pixels + 63) / 64 * 64 + pixel * packed_pixel_bytes(channels);
}

PACKED_FN bf16 packed_value(uint32_t bits, uint32_t base)
{
    uint32_t x = bits & 0x7ff;

    return (bf16)((bits & 0x800) << 4 | (x > 127 ? x + (base << 7) : 0));
}

PACKED_FN uint32_t packed_bits(bf16 x, uint32_t base)
{
    uint32_t above = x & 0x7fffu, from = base << 7;

    return (x >> 4 & 0x800u) | (above > from ? above - from : 0);
}

/* What exponents of a pixel are counted from, by its largest value. */
PACKED_FN uint32_t packed_base(uint32_t largest)
{
    return largest >> 7 > PACKED_EXPONENTS ? (largest >> 7) - PACKED_EXPONENTS : 0;
}

/* The first n channels of a block. */
PACKED_FN void packed_block_put(uint8_t *block, const bf16 *x, int64_t n, uint32_t base)
{
    int64_t half = (n + 1) / 2;

    for (int64_t i = 0; i < n; i++) {
        uint32_t v = packed_bits(x[i], base);

        block[i] = (uint8_t)(v >> 4);
        if (i < half)
            block[n + i] = (uint8_t)(v & 15);
        else
            block[n + i - half] = (uint8_t)(block[n + i - half] | (v & 15) << 4);
    }
}

/* Channel i of the n of a block. */
PACKED_FN bf16 packed_block_get(const uint8_t *block, int64_t n, int64_t i, uint32_t base)
{
    int64_t half = (n + 1) / 2;
    uint32_t low = i < half ? block[n + i] & 15u : (uint32_t)block[n + i - half] >> 4;

    return packed_value((uint32_t)block[i] << 4 | low, base);
}

PACKED_FN void packed_put(void *frame, int64_t pixels, int64_t channels, int64_t pixel,
                          const bf16 *x)
{
    uint8_t *to = packed_at(frame, pixels, channels, pixel);
    uint32_t most = 0, base;

    for (int64_t i = 0; i < channels; i++)
        most = (x[i] & 0x7fffu) > most ? x[i] & 0x7fffu : most;
    base = packed_base(most);
    ((uint8_t *)frame)[pixel] = (uint8_t)base;
    for (int64_t i = 0; i < channels; i += PACKED_BLOCK) {
        int64_t n = channels - i < PACKED_BLOCK ? channels - i : (int64_t)PACKED_BLOCK;

        packed_block_put(to + i / 2 * 3, x + i, n, base);
    }
}

PACKED_FN bf16 packed_get(const void *frame, int64_t pixels, int64_t channels, int64_t pixel,
                          int64_t channel)
{
    int64_t first = channel / PACKED_BLOCK * PACKED_BLOCK;
    int64_t n = channels - first < PACKED_BLOCK ? channels - first : (int64_t)PACKED_BLOCK;

    return packed_block_get(packed_at(frame, pixels, channels, pixel) + first / 2 * 3, n,
                            channel - first, ((const uint8_t *)frame)[pixel]);
}

#endif
