/* stored_iq.c - ggml's types of 1 to 3 bits: 256 values in runs of 8 or 4 that are points of a grid
 * (stored_grid.h), with signs and scales beside them, or digits of base 3. Every value has the bits
 * that the gguf package gives it. */
#include <string.h>

#include "base/dtype.h"
#include "kern/stored_block.h"
#include "kern/stored_grid.h"

static float half(const uint8_t *p)
{
    return f16_to_f32((uint16_t)(p[0] | p[1] << 8));
}

static unsigned short16(const uint8_t *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

static uint32_t word(const uint8_t *p)
{
    return short16(p) | (uint32_t)short16(p + 2) << 16;
}

/* The eighth sign is such that their number is even. */
static unsigned eight_signs(unsigned seven)
{
    return seven | (unsigned)__builtin_parity(seven) << 7;
}

/* n values of `bits` bits each in point, whose kinds are in `kind`; of signs the lowest first. */
static void put(float *out, unsigned point, int n, int bits, const float *kind, float d,
                unsigned signs)
{
    for (int i = 0; i < n; i++) {
        float v = d * kind[point >> bits * i & ((1u << bits) - 1)];

        out[i] = signs >> i & 1 ? -v : v;
    }
}

static const float iq2_kinds[4] = {8, 25, 43, 0};
static const float iq3_xxs_kinds[16] = {4, 12, 20, 28, 36, 44, 52, 62};
static const float iq3_s_kinds[16] = {1, 3, 5, 7, 9, 11, 13, 15};

void unpack_iq2_xxs(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 66)
        for (int k = 0; k < 8; k++) {
            const uint8_t *q = p + 2 + 8 * k;
            uint32_t more = word(q + 4);
            float d = half(p) * (0.5f + (float)(more >> 28)) * 0.25f;

            for (int i = 0; i < 4; i++, out += 8)
                put(out, iq2_xxs_grid[q[i]], 8, 2, iq2_kinds, d, eight_signs(more >> 7 * i & 127));
        }
}

/* Scales of 4 bits, the low halves first. */
static unsigned nibble(const uint8_t *p, int i)
{
    return p[i / 2] >> i % 2 * 4 & 15u;
}

void unpack_iq2_xs(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 74)
        for (int i = 0; i < 32; i++, out += 8) {
            unsigned q = short16(p + 2 + 2 * i);
            float d = half(p) * (0.5f + (float)nibble(p + 66, i / 2)) * 0.25f;

            put(out, iq2_xs_grid[q & 511], 8, 2, iq2_kinds, d, eight_signs(q >> 9));
        }
}

void unpack_iq2_s(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 82)
        for (int i = 0; i < 32; i++, out += 8) {
            unsigned q = p[2 + i] | (p[66 + i / 4] >> i % 4 * 2 & 3u) << 8;
            float d = half(p) * (0.5f + (float)nibble(p + 74, i / 2)) * 0.25f;

            put(out, iq2_s_grid[q], 8, 2, iq2_kinds, d, p[34 + i]);
        }
}

void unpack_iq3_xxs(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 98)
        for (int i = 0; i < 64; i++, out += 4) {
            uint32_t more = word(p + 66 + i / 8 * 4);
            float d = half(p) * (0.5f + (float)(more >> 28)) * 0.5f;
            unsigned signs = eight_signs(more >> i % 8 / 2 * 7 & 127);

            put(out, iq3_xxs_grid[p[2 + i]], 4, 4, iq3_xxs_kinds, d, signs >> i % 2 * 4);
        }
}

void unpack_iq3_s(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 110)
        for (int i = 0; i < 64; i++, out += 4) {
            unsigned q = p[2 + i] | (p[66 + i / 8] >> i % 8 & 1u) << 8;
            float d = half(p) * (float)(1 + 2 * nibble(p + 106, i / 8));

            put(out, iq3_s_grid[q], 4, 4, iq3_s_kinds, d, (unsigned)p[74 + i / 2] >> i % 2 * 4);
        }
}

/* Points of -1, 0 and 1, all moved by an eighth one way or the other. */
static void put_moved(float *out, unsigned point, float d, int down)
{
    float delta = down ? -0.125f : 0.125f;

    for (int i = 0; i < 8; i++)
        out[i] = d * ((float)((int)(point >> 2 * i & 3) - 1) + delta);
}

void unpack_iq1_s(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 50)
        for (int i = 0; i < 32; i++, out += 8) {
            unsigned more = short16(p + 34 + i / 4 * 2);
            unsigned q = p[2 + i] | (more >> i % 4 * 3 & 7) << 8;

            put_moved(out, iq1_grid[q], half(p) * (float)(2 * (more >> 12 & 7) + 1),
                      more >> 15 != 0);
        }
}

/* The scale lies in the highest 4 bits of four numbers. */
static float quartered_half(const uint8_t *p)
{
    unsigned d = 0;

    for (int i = 0; i < 4; i++)
        d |= short16(p + 2 * i) >> 12 << 4 * i;
    return f16_to_f32((uint16_t)d);
}

void unpack_iq1_m(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 56)
        for (int i = 0; i < 32; i++, out += 8) {
            unsigned more = nibble(p + 32, i);
            unsigned scale = short16(p + 48 + i / 8 * 2) >> i / 2 % 4 * 3 & 7;

            put_moved(out, iq1_grid[p[i] | (more & 7) << 8],
                      quartered_half(p + 48) * (float)(2 * scale + 1), more >> 3 != 0);
        }
}

/* ---- digits ---- */

/* Digit k of base 3 of each of n bytes, which hold a fraction of 256. */
static float *put_digits(float *out, const uint8_t *q, int n, int digits, float d)
{
    static const uint8_t powers[5] = {1, 3, 9, 27, 81};

    for (int k = 0; k < digits; k++)
        for (int i = 0; i < n; i++)
            *out++ = d * (float)(((uint8_t)(q[i] * powers[k]) * 3 >> 8) - 1);
    return out;
}

void unpack_tq1_0(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 54) {
        float d = half(p + 52);

        out = put_digits(out, p, 32, 5, d);
        out = put_digits(out, p + 32, 16, 5, d);
        out = put_digits(out, p + 48, 4, 4, d);
    }
}

void unpack_tq2_0(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 66)
        for (int i = 0; i < 256; i++) {
            int digit = p[i / 128 * 32 + i % 32] >> i / 32 % 4 * 2 & 3;

            *out++ = half(p + 64) * (float)(digit - 1);
        }
}
