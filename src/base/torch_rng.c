/* torch_rng.c - MT19937 (Matsumoto and Nishimura 1998) and the two ways PyTorch makes normal
 * numbers of it. The vector path of PyTorch uses its own float polynomials; results agree within
 * 1e-6. */
#include "base/torch_rng.h"

#include <math.h>

#include "base/fixmath.h"

enum { N = 624, M = 397 };

#define PI 3.14159265358979323846

void torch_rng_init(struct torch_rng *r, uint64_t seed)
{
    r->state[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < N; i++)
        r->state[i] = 1812433253u * (r->state[i - 1] ^ r->state[i - 1] >> 30) + i;
    r->left = 1;
    r->next = 0;
    r->has_cached = 0;
    r->cached_normal = 0;
}

static void next_state(struct torch_rng *r)
{
    uint32_t *s = r->state;

    for (int i = 0; i < N; i++) {
        uint32_t y = (s[i] & 0x80000000u) | (s[(i + 1) % N] & 0x7fffffffu);

        s[i] = s[(i + M) % N] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    r->left = N;
    r->next = 0;
}

static uint32_t next_u32(struct torch_rng *r)
{
    uint32_t y;

    if (--r->left == 0)
        next_state(r);
    y = r->state[r->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

static float uniform_f32(struct torch_rng *r)
{
    return (float)(next_u32(r) & 0xffffff) * 0x1p-24f;
}

static double uniform_f64(struct torch_rng *r)
{
    uint64_t hi = next_u32(r), both = hi << 32 | next_u32(r);

    return (double)(both & ((UINT64_C(1) << 53) - 1)) * 0x1p-53;
}

/* Sixteen uniforms become eight Box-Muller pairs, each pair eight places apart. */
static void normal_16(float *x)
{
    for (int i = 0; i < 8; i++) {
        float u = 1 - x[i], angle = (float)(2 * PI) * x[i + 8];
        float radius = sqrtf(-2 * (float)fix_log(u));
        double s, c;

        fix_sincos(angle, &s, &c);
        x[i] = radius * (float)c;
        x[i + 8] = radius * (float)s;
    }
}

static double normal_cached(struct torch_rng *r)
{
    double u1, u2, radius, s, c;

    if (r->has_cached) {
        r->has_cached = 0;
        return r->cached_normal;
    }
    u1 = uniform_f64(r);
    u2 = uniform_f64(r);
    radius = sqrt(-2 * fix_log(1 - u2)); /* 1 - u2 is exact and never 0 */
    fix_sincos(2 * PI * u1, &s, &c);
    r->cached_normal = radius * s;
    r->has_cached = 1;
    return radius * c;
}

void torch_rng_normal(struct torch_rng *r, float *x, size_t n)
{
    if (n < 16) {
        for (size_t i = 0; i < n; i++)
            x[i] = (float)normal_cached(r);
        return;
    }
    for (size_t i = 0; i < n; i++)
        x[i] = uniform_f32(r);
    for (size_t i = 0; i + 16 <= n; i += 16)
        normal_16(x + i);
    if (n % 16) { /* the last 16 are drawn anew, over what stood there */
        for (size_t i = n - 16; i < n; i++)
            x[i] = uniform_f32(r);
        normal_16(x + n - 16);
    }
}
