/* stored_block.c - how ggml packs blocks of 32, 64 and 256 values, and the bytes of 8-bit floats.
 * Every value has the bits that the gguf package gives it: scales are widened, multiplied and added
 * in its order. Blocks lie at any address. */
#include <math.h>
#include <string.h>

#include "kern/stored.h"
#include "kern/stored_block.h"

static float half(const uint8_t *p)
{
    return f16_to_f32((uint16_t)(p[0] | p[1] << 8));
}

/* ---- 32 values ---- */

void unpack_q8_0(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 32, out += 32, p += 34) {
        float d = half(p);
        const int8_t *q = (const int8_t *)p + 2;

        for (int i = 0; i < 32; i++)
            out[i] = (float)q[i] * d;
    }
}

void unpack_q4_0(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 32, out += 32, p += 18) {
        float d = half(p);

        for (int i = 0; i < 16; i++) {
            out[i] = d * (float)((p[2 + i] & 15) - 8);
            out[i + 16] = d * (float)((p[2 + i] >> 4) - 8);
        }
    }
}

void unpack_q4_1(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 32, out += 32, p += 20) {
        float d = half(p), m = half(p + 2);

        for (int i = 0; i < 16; i++) {
            out[i] = d * (float)(p[4 + i] & 15) + m;
            out[i + 16] = d * (float)(p[4 + i] >> 4) + m;
        }
    }
}

static uint32_t word(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void unpack_q5_0(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 32, out += 32, p += 22) {
        float d = half(p);
        uint32_t high = word(p + 2);

        for (int i = 0; i < 16; i++) {
            int lo = (p[6 + i] & 15) | (int)(high >> i & 1) << 4;
            int hi = (p[6 + i] >> 4) | (int)(high >> (i + 16) & 1) << 4;

            out[i] = d * (float)(lo - 16);
            out[i + 16] = d * (float)(hi - 16);
        }
    }
}

void unpack_q5_1(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 32, out += 32, p += 24) {
        float d = half(p), m = half(p + 2);
        uint32_t high = word(p + 4);

        for (int i = 0; i < 16; i++) {
            int lo = (p[8 + i] & 15) | (int)(high >> i & 1) << 4;
            int hi = (p[8 + i] >> 4) | (int)(high >> (i + 16) & 1) << 4;

            out[i] = d * (float)lo + m;
            out[i + 16] = d * (float)hi + m;
        }
    }
}

static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};

/* 32 numbers of 4 bits as places in a table, the low halves first. */
static void from_table(float *out, const uint8_t *q, int n, float d, const int8_t *table)
{
    for (int i = 0; i < n / 2; i++) {
        out[i] = d * (float)table[q[i] & 15];
        out[i + n / 2] = d * (float)table[q[i] >> 4];
    }
}

void unpack_iq4_nl(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 32, out += 32, p += 18)
        from_table(out, p + 2, 32, half(p), iq4_values);
}

/* E2M1, doubled. */
static const int8_t fp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/* 2^(e-128): the half of the doubled values is in it. */
static float e8m0_half(uint8_t e)
{
    uint32_t bits = e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23;
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

void unpack_mxfp4(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 32, out += 32, p += 17)
        from_table(out, p + 1, 32, e8m0_half(p[0]), fp4_values);
}

/* ---- 64 values ---- */

/* Half of an unsigned E4M3. The sign bit is not looked at; 0x7f is 0, but 0xff is 480 / 2. */
static float ue4m3_half(uint8_t x)
{
    int e = x >> 3 & 15, m = x & 7;

    if (x == 0 || x == 0x7f)
        return 0;
    return e ? ldexpf(1 + (float)m / 8, e - 8) : ldexpf((float)m, -10);
}

void unpack_nvfp4(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 64, out += 64, p += 36)
        for (int k = 0; k < 4; k++)
            from_table(out + 16 * k, p + 4 + 8 * k, 16, ue4m3_half(p[k]), fp4_values);
}

/* ---- 256 values ---- */

void unpack_q2_k(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 84) {
        float d = half(p + 80), dmin = half(p + 82);

        for (int k = 0; k < 16; k++, out += 16) {
            const uint8_t *q = p + 16 + k / 8 * 32 + k % 2 * 16;
            float scale = d * (float)(p[k] & 15), min = dmin * (float)(p[k] >> 4);
            int shift = k % 8 / 2 * 2;

            for (int i = 0; i < 16; i++)
                out[i] = scale * (float)(q[i] >> shift & 3) - min;
        }
    }
}

void unpack_q3_k(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 110) {
        const uint8_t *scales = p + 96;
        float d = half(p + 108);

        for (int k = 0; k < 16; k++, out += 16) {
            const uint8_t *q = p + 32 + k / 8 * 32 + k % 2 * 16, *mask = p + k % 2 * 16;
            int low = scales[k % 8] >> k / 8 * 4 & 15, high = scales[8 + k % 4] >> k / 4 * 2 & 3;
            int shift = k % 8 / 2 * 2, bit = k / 2;
            float scale = d * (float)((low | high << 4) - 32);

            for (int i = 0; i < 16; i++)
                out[i] = scale * (float)((q[i] >> shift & 3) - (mask[i] >> bit & 1 ? 0 : 4));
        }
    }
}

/* Scale and minimum k of 8, six bits each. */
static void scale_min(const uint8_t *s, int k, float *scale, float *min)
{
    int a, b;

    if (k < 4) {
        a = s[k] & 63;
        b = s[k + 4] & 63;
    } else {
        a = (s[k + 4] & 15) | (s[k - 4] >> 2 & 0x30);
        b = (s[k + 4] >> 4) | (s[k] >> 2 & 0x30);
    }
    *scale *= (float)a;
    *min *= (float)b;
}

void unpack_q4_k(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 144)
        for (int k = 0; k < 8; k++, out += 32) {
            const uint8_t *q = p + 16 + k / 2 * 32;
            float scale = half(p), min = half(p + 2);
            int shift = k % 2 * 4;

            scale_min(p + 4, k, &scale, &min);
            for (int i = 0; i < 32; i++)
                out[i] = scale * (float)(q[i] >> shift & 15) - min;
        }
}

void unpack_q5_k(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 176)
        for (int k = 0; k < 8; k++, out += 32) {
            const uint8_t *q = p + 48 + k / 2 * 32, *high = p + 16;
            float scale = half(p), min = half(p + 2);
            int shift = k % 2 * 4;

            scale_min(p + 4, k, &scale, &min);
            for (int i = 0; i < 32; i++)
                out[i] = scale * (float)((q[i] >> shift & 15) | (high[i] >> k & 1) << 4) - min;
        }
}

void unpack_q6_k(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 210) {
        const int8_t *scales = (const int8_t *)p + 192;
        float d = half(p + 208);

        for (int k = 0; k < 16; k++, out += 16) {
            int run = k / 2; /* of 32 values */
            const uint8_t *q = p + run / 4 * 64 + run % 2 * 32 + k % 2 * 16;
            const uint8_t *high = p + 128 + run / 4 * 32 + k % 2 * 16;
            int shift = run % 4 / 2 * 4, up = run % 4 * 2;
            float scale = d * (float)scales[k];

            for (int i = 0; i < 16; i++)
                out[i] = scale * (float)(((q[i] >> shift & 15) | (high[i] >> up & 3) << 4) - 32);
        }
    }
}

void unpack_iq4_xs(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (; n; n -= 256, p += 136) {
        float d = half(p);
        int high = p[2] | p[3] << 8;

        for (int k = 0; k < 8; k++, out += 32) {
            int scale = (p[4 + k / 2] >> k % 2 * 4 & 15) | (high >> 2 * k & 3) << 4;

            from_table(out, p + 8 + 16 * k, 32, d * (float)(scale - 32), iq4_values);
        }
    }
}

/* ---- one value ---- */

/* Exponents of 4 bits; no infinity, NaN is all ones. */
void unpack_f8_e4m3(float *out, const void *blocks, int64_t n)
{
    const uint8_t *x = blocks;

    for (int64_t i = 0; i < n; i++) { /* the exponent is moved by a product, denormals too */
        uint32_t u = (uint32_t)(x[i] & 0x7f) << 20, sign = (uint32_t)(x[i] & 0x80) << 24;
        float f;

        memcpy(&f, &u, 4);
        f *= 0x1p120f;
        memcpy(&u, &f, 4);
        u = ((x[i] & 0x7f) == 0x7f ? 0x7fc00000u : u) | sign;
        memcpy(&out[i], &u, 4);
    }
}

/* The upper half of an f16. */
void unpack_f8_e5m2(float *out, const void *blocks, int64_t n)
{
    const uint8_t *x = blocks;

    for (int64_t i = 0; i < n; i++)
        out[i] = f16_to_f32((uint16_t)(x[i] << 8));
}

/* ---- rotated ---- */

void stored_turn(float *x, int group)
{
    for (int step = 1; step < group; step *= 4)
        for (int i = 0; i < group; i++) {
            float *p = x + i, a, b, c, d;

            if (i / step % 4)
                continue;
            a = p[0], b = p[step], c = p[2 * step], d = p[3 * step];
            p[0] = 0.5f * (a + b + (c - d));
            p[step] = 0.5f * (a + b - (c - d));
            p[2 * step] = 0.5f * (a - b + (c + d));
            p[3 * step] = 0.5f * (c + d - (a - b));
        }
}

static void unpack_turned(float *out, const int8_t *q, int64_t n, int group)
{
    for (; n; n -= group, out += group, q += group) {
        for (int i = 0; i < group; i++)
            out[i] = (float)q[i];
        stored_turn(out, group);
    }
}

void unpack_i8_rot16(float *out, const void *blocks, int64_t n)
{
    unpack_turned(out, blocks, n, 16);
}

void unpack_i8_rot64(float *out, const void *blocks, int64_t n)
{
    unpack_turned(out, blocks, n, 64);
}

void unpack_i8_rot256(float *out, const void *blocks, int64_t n)
{
    unpack_turned(out, blocks, n, 256);
}
