/* quantise.h - rows of activations as bytes, with the same bits wherever it is compiled: value =
 * byte * scale, scale = max |row| / 127, ties to even. Private to kern/.
 *
 * A row that holds a NaN or an infinite value has scale NaN and bytes of zero, so that its whole
 * result is NaN; one whose largest value is below QUANT_LEAST counts as zeros.
 *
 * What lies between any two numbers is value = (byte - zero) * scale, scale = (highest - lowest) /
 * 255, zero itself among them, so that zeros around a picture are exact. */
#ifndef KERN_QUANTISE_H
#define KERN_QUANTISE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/dtype.h"

#define QUANT_LEAST 0x1p-100f

struct quant_row {
    float scale;
    int32_t sum; /* of the bytes */
};

static inline float quant_of_bits(uint32_t u)
{
    float f;

    memcpy(&f, &u, 4);
    return f;
}

/* The largest |x| as its bits: a NaN is above all numbers. */
static inline uint32_t quant_largest(const void *x, enum dtype type, int64_t n)
{
    const uint32_t *wide = x;
    const bf16 *narrow = x;
    uint32_t most = 0;
    uint16_t most16 = 0;

    if (type == DT_F32) {
        for (int64_t i = 0; i < n; i++)
            most = (wide[i] & 0x7fffffff) > most ? wide[i] & 0x7fffffff : most;
        return most;
    }
    for (int64_t i = 0; i < n; i++) {
        uint16_t u = (uint16_t)(narrow[i] & 0x7fff); /* of 16 bits, so that it runs in vectors */

        most16 = u > most16 ? u : most16;
    }
    return (uint32_t)most16 << 16;
}

/* The scale of a row, and what its values are multiplied with. */
static inline float quant_scale(const void *x, enum dtype type, int64_t n, float *inverse)
{
    float most = quant_of_bits(quant_largest(x, type, n));

    *inverse = 0;
    if (!isfinite(most))
        return NAN;
    if (most < QUANT_LEAST)
        return 0;
    *inverse = 127 / most;
    return most / 127;
}

/* |x| is at most 127 and a rounding error: adding 1.5 * 2^23 leaves the nearest whole number in the
 * low bits. */
static inline int8_t quant_byte(float x)
{
    float t = x + 0x1.8p23f;
    int32_t u;

    memcpy(&u, &t, 4);
    return (int8_t)(u - 0x4b400000);
}

/* n values as bytes; returns their sum. */
static inline int32_t quant_bytes(int8_t *out, const void *x, enum dtype type, int64_t n,
                                  float inverse)
{
    const float *wide = x;
    const bf16 *narrow = x;
    int32_t sum = 0;

    if (inverse == 0) {
        memset(out, 0, (size_t)n);
        return 0;
    }
    if (type == DT_F32)
        for (int64_t i = 0; i < n; i++)
            out[i] = quant_byte(wide[i] * inverse);
    else
        for (int64_t i = 0; i < n; i++)
            out[i] = quant_byte(quant_of_bits((uint32_t)narrow[i] << 16) * inverse);
    for (int64_t i = 0; i < n; i++)
        sum += out[i];
    return sum;
}

/* A row of n values. */
static inline struct quant_row quant_whole(int8_t *out, const void *x, enum dtype type, int64_t n)
{
    struct quant_row row;
    float inverse;

    row.scale = quant_scale(x, type, n, &inverse);
    row.sum = quant_bytes(out, x, type, n, inverse);
    return row;
}

/* Means of n columns of a matrix, summed row by row in f32. */
static inline void quant_means(float *mean, const void *x, enum dtype type, int64_t ld,
                               int64_t rows, int64_t n)
{
    const float *wide = x;
    const bf16 *narrow = x;

    for (int64_t r = 0; r < rows; r++, wide += ld, narrow += ld)
        for (int64_t i = 0; i < n; i++) {
            float v = type == DT_F32 ? wide[i] : quant_of_bits((uint32_t)narrow[i] << 16);

            mean[i] = r ? mean[i] + v : v;
        }
    for (int64_t i = 0; i < n; i++)
        mean[i] /= (float)rows;
}

/* A row of n values less `mean`; room [n]. */
static inline struct quant_row quant_less(int8_t *out, float *room, const void *x, enum dtype type,
                                          int64_t n, const float *mean)
{
    const float *wide = x;
    const bf16 *narrow = x;

    if (type == DT_F32)
        for (int64_t i = 0; i < n; i++)
            room[i] = wide[i] - mean[i];
    else
        for (int64_t i = 0; i < n; i++)
            room[i] = quant_of_bits((uint32_t)narrow[i] << 16) - mean[i];
    return quant_whole(out, room, DT_F32, n);
}

/* Lowest and highest of some values and zero; a NaN is beyond all numbers. Bits in the order of
 * numbers, so that they are compared as whole ones, in vectors. */
struct quant_range {
    float low, high;
};

static inline float quant_of_order(int32_t k)
{
    return quant_of_bits((uint32_t)(k ^ (k < 0 ? 0x7fffffff : 0)));
}

static inline float quant_of_order16(int16_t k)
{
    return bf16_to_f32((bf16)(k ^ (k >> 15 & 0x7fff)));
}

static inline struct quant_range quant_range(const void *x, enum dtype type, int64_t n)
{
    const int32_t *wide = x;
    const int16_t *narrow = x;
    int32_t low = 0, high = 0;
    int16_t low16 = 0, high16 = 0;

    if (type == DT_F32) {
        for (int64_t i = 0; i < n; i++) {
            int32_t k = wide[i] ^ (wide[i] < 0 ? 0x7fffffff : 0);

            low = k < low ? k : low;
            high = k > high ? k : high;
        }
        return (struct quant_range){quant_of_order(low), quant_of_order(high)};
    }
    for (int64_t i = 0; i < n; i++) {
        int16_t k = (int16_t)(narrow[i] ^ (narrow[i] >> 15 & 0x7fff));

        low16 = k < low16 ? k : low16;
        high16 = k > high16 ? k : high16;
    }
    return (struct quant_range){quant_of_order16(low16), quant_of_order16(high16)};
}

/* inverse 0: all bytes are zero. */
struct quant_step {
    float scale, inverse;
    int32_t zero;
};

static inline int32_t quant_nearest(float x)
{
    float t = x + 0x1.8p23f;
    int32_t u;

    memcpy(&u, &t, 4);
    return u - 0x4b400000;
}

static inline struct quant_step quant_step(struct quant_range r)
{
    float scale = r.high / 255 - r.low / 255;
    struct quant_step s = {.scale = scale};

    if (!isfinite(scale))
        return (struct quant_step){.scale = NAN};
    if (scale < QUANT_LEAST)
        return (struct quant_step){0};
    s.inverse = 1 / scale;
    s.zero = quant_nearest(-128 - r.low * s.inverse);
    return s;
}

/* n values as bytes; returns their sum. */
static inline int32_t quant_step_bytes(int8_t *out, const void *x, enum dtype type, int64_t n,
                                       struct quant_step s)
{
    const float *wide = x;
    const bf16 *narrow = x;
    int32_t sum = 0;

    if (s.inverse == 0) {
        memset(out, 0, (size_t)n);
        return 0;
    }
    for (int64_t i = 0; i < n; i++) {
        float v = type == DT_F32 ? wide[i] : quant_of_bits((uint32_t)narrow[i] << 16);
        int32_t b = quant_nearest(v * s.inverse) + s.zero;

        b = b < -128 ? -128 : b > 127 ? 127 : b;
        out[i] = (int8_t)b;
        sum += b;
    }
    return sum;
}

#endif
