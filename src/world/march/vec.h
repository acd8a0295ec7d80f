/* vec.h - sixteen floats at a time: what everything that runs per ray is made of.
 *
 * Only operations that IEEE 754 defines exactly, in the order written (no contraction, no
 * reciprocal estimates, no C library), so the same text gives the same bits for every instruction
 * set. Arithmetic (+ - * /, a float with a vector) is the language's own; comparisons, least,
 * greatest, roots and choices are in src/kern (lanes_*.h), for compilers break those of wide
 * vectors into single lanes. Masks are -1 or 0 per lane; & | ~ combine them. */
#ifndef MARCH_VEC_H
#define MARCH_VEC_H

/* As the flags of the file say that includes this. */
#if defined(__AVX512DQ__)
#include "kern/x86/lanes_avx512.h"
#elif defined(__AVX2__)
#include "kern/x86/lanes_avx2.h"
#else
#include "kern/c/lanes_c.h"
#endif

struct p16 {
    v16 x, y, z;
};

static inline v16 v_set(float x)
{
    return (v16){0} + x;
}

static inline i16 v_gt(v16 a, v16 b)
{
    return v_lt(b, a);
}

static inline v16 v_clamp(v16 x, float lo, float hi)
{
    return v_min(v_max(x, v_set(lo)), v_set(hi));
}

static inline v16 v_abs(v16 x)
{
    return (v16)((i16)x & 0x7fffffff);
}

/* |x| < 2^31, of all of the following too. */
static inline v16 v_floor(v16 x)
{
    v16 t = __builtin_convertvector(__builtin_convertvector(x, i16), v16);

    return t - v_sel(v_lt(x, t), v_set(1), v_set(0));
}

static inline v16 v_fract(v16 x)
{
    return x - v_floor(x);
}

/* x moved by whole periods into -period/2..period/2. */
static inline v16 v_wrap(v16 x, float period)
{
    return x - v_floor(x * (1 / period) + 0.5f) * period;
}

static inline v16 v_mix(v16 a, v16 b, v16 t)
{
    return a + (b - a) * t;
}

static inline v16 v_smoothstep(float lo, float hi, v16 x)
{
    v16 t = v_clamp((x - lo) * (1 / (hi - lo)), 0, 1);

    return t * t * (3 - 2 * t);
}

/* sin(2 pi x), error below 2e-3, |x| < 1e6: a parabola and its square. */
static inline v16 v_sin_turn(v16 x)
{
    v16 t = v_wrap(x, 1), y = t * (8 - 16 * v_abs(t));

    return y * (0.775f + 0.225f * v_abs(y));
}

static inline v16 v_sin(v16 x)
{
    return v_sin_turn(x * 0.15915494f);
}

static inline v16 v_cos(v16 x)
{
    return v_sin_turn(x * 0.15915494f + 0.25f);
}

/* Like e^-x for x >= 0, at most 0.035 above it: (1 + x/8)^-8. */
static inline v16 v_fade(v16 x)
{
    v16 y = 1 / (1 + x * 0.125f);

    y = y * y;
    y = y * y;
    return y * y;
}

/* Noise in 0..1 from whole numbers. */
static inline v16 v_hash(i16 x, i16 y)
{
    u16 h = (u16)x * 0x9e3779b1u + (u16)y * 0x85ebca77u;

    h = (h ^ (h >> 15)) * 0x2c1b3c6du;
    h = (h ^ (h >> 12)) * 0x297a2d39u;
    h = h ^ (h >> 15);
    return __builtin_convertvector((i16)(h >> 8), v16) * (1.0f / 16777216);
}

/* Smooth noise in 0..1, one bump per unit. */
static inline v16 v_noise(v16 x, v16 y)
{
    v16 fx = v_floor(x), fy = v_floor(y), tx = x - fx, ty = y - fy;
    i16 ix = __builtin_convertvector(fx, i16), iy = __builtin_convertvector(fy, i16);

    tx = tx * tx * (3 - 2 * tx);
    ty = ty * ty * (3 - 2 * ty);
    return v_mix(v_mix(v_hash(ix, iy), v_hash(ix + 1, iy), tx),
                 v_mix(v_hash(ix, iy + 1), v_hash(ix + 1, iy + 1), tx), ty);
}

static inline struct p16 p_set(float x, float y, float z)
{
    return (struct p16){v_set(x), v_set(y), v_set(z)};
}

static inline struct p16 p_add(struct p16 a, struct p16 b)
{
    return (struct p16){a.x + b.x, a.y + b.y, a.z + b.z};
}

static inline struct p16 p_sub(struct p16 a, struct p16 b)
{
    return (struct p16){a.x - b.x, a.y - b.y, a.z - b.z};
}

static inline struct p16 p_mul(struct p16 a, v16 s)
{
    return (struct p16){a.x * s, a.y * s, a.z * s};
}

/* a less the point (x, y, z). */
static inline struct p16 p_from(struct p16 a, float x, float y, float z)
{
    return (struct p16){a.x - x, a.y - y, a.z - z};
}

static inline v16 p_dot(struct p16 a, struct p16 b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static inline v16 p_len(struct p16 a)
{
    return v_sqrt(p_dot(a, a));
}

static inline struct p16 p_unit(struct p16 a)
{
    return p_mul(a, 1 / v_sqrt(p_dot(a, a) + 1e-20f));
}

static inline struct p16 p_mix(struct p16 a, struct p16 b, v16 t)
{
    return (struct p16){v_mix(a.x, b.x, t), v_mix(a.y, b.y, t), v_mix(a.z, b.z, t)};
}

static inline struct p16 p_sel(i16 m, struct p16 a, struct p16 b)
{
    return (struct p16){v_sel(m, a.x, b.x), v_sel(m, a.y, b.y), v_sel(m, a.z, b.z)};
}

#endif
