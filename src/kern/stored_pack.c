/* stored_pack.c - values into blocks, with the bits of the gguf package (quants.py): what is
 * divided, multiplied and rounded is divided, multiplied and rounded in its order, in f32. */
#include <math.h>

#include "kern/stored_block.h"

static void put_half(uint8_t *p, float f)
{
    uint16_t h = f32_to_f16(f);

    p[0] = (uint8_t)h;
    p[1] = (uint8_t)(h >> 8);
}

static float inverse(float d)
{
    return d == 0 ? 0 : 1 / d;
}

void pack_q8_0(void *blocks, const float *x, int64_t n)
{
    uint8_t *p = blocks;

    for (; n; n -= 32, x += 32, p += 34) {
        float most = 0, d, id;

        for (int i = 0; i < 32; i++)
            most = fmaxf(most, fabsf(x[i]));
        d = most / 127;
        id = inverse(d);
        put_half(p, d);
        for (int i = 0; i < 32; i++) { /* halves go away from zero */
            float a = fabsf(x[i] * id), whole = floorf(a);
            int q = (int)(whole + floorf(2 * (a - whole)));

            p[2 + i] = (uint8_t)(x[i] * id < 0 ? -q : q);
        }
    }
}

/* The value farthest from zero, the first of several. */
static float farthest(const float *x)
{
    float far = x[0];

    for (int i = 1; i < 32; i++)
        if (fabsf(x[i]) > fabsf(far))
            far = x[i];
    return far;
}

static void range(const float *x, float *min, float *max)
{
    *min = *max = x[0];
    for (int i = 1; i < 32; i++) {
        *min = x[i] < *min ? x[i] : *min;
        *max = x[i] > *max ? x[i] : *max;
    }
}

/* trunc((x - min) * id + bias), 0..most. */
static uint8_t level(float x, float min, float id, float bias, int most)
{
    int q = (int)((x - min) * id + bias);

    return (uint8_t)(q < 0 ? 0 : q > most ? most : q);
}

/* 32 numbers of 4 bits, and their fifth bits before them. */
static void put_levels(uint8_t *p, const uint8_t q[32], int fifth)
{
    uint32_t high = 0;

    for (int i = 0; i < 32; i++)
        high |= (uint32_t)(q[i] >> 4 & 1) << i;
    for (int i = 0; fifth && i < 4; i++)
        *p++ = (uint8_t)(high >> 8 * i);
    for (int i = 0; i < 16; i++)
        p[i] = (uint8_t)((q[i] & 15) | (q[i + 16] & 15) << 4);
}

/* Blocks of a scale alone: levels 0..2*half-1 around half. */
static void pack_scaled(uint8_t *p, const float *x, int64_t n, int bytes, int half)
{
    for (; n; n -= 32, x += 32, p += bytes) {
        float d = farthest(x) / (float)-half, id = inverse(d);
        uint8_t q[32];

        for (int i = 0; i < 32; i++)
            q[i] = level(x[i], 0, id, (float)half + 0.5f, 2 * half - 1);
        put_half(p, d);
        put_levels(p + 2, q, half == 16);
    }
}

/* Blocks of a scale and a minimum: levels 0..most. */
static void pack_ranged(uint8_t *p, const float *x, int64_t n, int bytes, int most)
{
    for (; n; n -= 32, x += 32, p += bytes) {
        float min, max, d, id;
        uint8_t q[32];

        range(x, &min, &max);
        d = (max - min) / (float)most;
        id = inverse(d);
        for (int i = 0; i < 32; i++)
            q[i] = level(x[i], min, id, 0.5f, most);
        put_half(p, d);
        put_half(p + 2, min);
        put_levels(p + 4, q, most == 31);
    }
}

void pack_q4_0(void *blocks, const float *x, int64_t n)
{
    pack_scaled(blocks, x, n, 18, 8);
}

void pack_q5_0(void *blocks, const float *x, int64_t n)
{
    pack_scaled(blocks, x, n, 22, 16);
}

void pack_q4_1(void *blocks, const float *x, int64_t n)
{
    pack_ranged(blocks, x, n, 20, 15);
}

void pack_q5_1(void *blocks, const float *x, int64_t n)
{
    pack_ranged(blocks, x, n, 24, 31);
}
