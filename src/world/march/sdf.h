/* sdf.h - distances from sixteen points to plain shapes, negative inside, m. Shapes lie about the
 * origin with their axis along z unless said otherwise: move and turn the points instead.
 *
 * A distance may be too small, never too large, or rays would pass through; what bends space
 * (displacement, smooth unions of unlike sizes) must be scaled down by its steepness.
 * Formulas after I. Quilez, "Distance functions". */
#ifndef MARCH_SDF_H
#define MARCH_SDF_H

#include "world/march/vec.h"

static inline v16 v_len2(v16 x, v16 y)
{
    return v_sqrt(x * x + y * y);
}

static inline v16 sd_sphere(struct p16 q, float r)
{
    return p_len(q) - r;
}

/* Too small away from the surface of long ones; exact on it. */
static inline v16 sd_ellipsoid(struct p16 q, float rx, float ry, float rz)
{
    struct p16 a = {q.x * (1 / rx), q.y * (1 / ry), q.z * (1 / rz)};
    struct p16 b = {a.x * (1 / rx), a.y * (1 / ry), a.z * (1 / rz)};
    v16 k = p_len(a);

    return k * (k - 1) / v_max(p_len(b), v_set(1e-6f));
}

/* Half sizes; r rounds the edges within them. */
static inline v16 sd_round_box(struct p16 q, float hx, float hy, float hz, float r)
{
    v16 x = v_abs(q.x) - (hx - r), y = v_abs(q.y) - (hy - r), z = v_abs(q.z) - (hz - r);
    v16 zero = v_set(0);
    struct p16 out = {v_max(x, zero), v_max(y, zero), v_max(z, zero)};

    return p_len(out) + v_min(v_max(x, v_max(y, z)), zero) - r;
}

static inline v16 sd_box(struct p16 q, float hx, float hy, float hz)
{
    return sd_round_box(q, hx, hy, hz, 0);
}

/* From a to b with radius ra at a and rb at b: a limb. */
static inline v16 sd_limb(struct p16 q, const float a[3], const float b[3], float ra, float rb)
{
    float d[3] = {b[0] - a[0], b[1] - a[1], b[2] - a[2]};
    float len2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + 1e-12f;
    struct p16 p = p_from(q, a[0], a[1], a[2]);
    v16 t = v_clamp((p.x * d[0] + p.y * d[1] + p.z * d[2]) * (1 / len2), 0, 1);

    return p_len((struct p16){p.x - t * d[0], p.y - t * d[1], p.z - t * d[2]}) -
           (ra + t * (rb - ra));
}

static inline v16 sd_capsule(struct p16 q, const float a[3], const float b[3], float r)
{
    return sd_limb(q, a, b, r, r);
}

/* Radius r, from z = -h to h; r0 rounds the edges within. */
static inline v16 sd_cylinder(struct p16 q, float r, float h, float r0)
{
    v16 x = v_len2(q.x, q.y) - (r - r0), z = v_abs(q.z) - (h - r0), zero = v_set(0);

    return v_len2(v_max(x, zero), v_max(z, zero)) + v_min(v_max(x, z), zero) - r0;
}

/* A cone cut off: radius r0 at z = 0, r1 at z = h. */
static inline v16 sd_cone(struct p16 q, float r0, float r1, float h)
{
    float dr = r1 - r0, len = __builtin_sqrtf(dr * dr + h * h);
    v16 side = ((v_len2(q.x, q.y) - r0) * h - q.z * dr) * (1 / len);

    return v_max(side, v_max(-q.z, q.z - h));
}

/* Ring of radius r in the plane z = 0, thickness 2 s. */
static inline v16 sd_torus(struct p16 q, float r, float s)
{
    return v_len2(v_len2(q.x, q.y) - r, q.z) - s;
}

/* Union with a fillet of about k. */
static inline v16 sd_smin(v16 a, v16 b, float k)
{
    v16 h = v_max(k - v_abs(a - b), v_set(0)) * (1 / k);

    return v_min(a, b) - h * h * (0.25f * k);
}

/* a without b, with a fillet. */
static inline v16 sd_scut(v16 a, v16 b, float k)
{
    return -sd_smin(-a, b, k);
}

/* Turned about the z axis by the angle whose cosine and sine are given: shapes turn the other way
 * round when their points do, so give -sin to turn a shape by the angle. */
static inline struct p16 p_turn_z(struct p16 q, float c, float s)
{
    return (struct p16){q.x * c - q.y * s, q.x * s + q.y * c, q.z};
}

static inline struct p16 p_turn_y(struct p16 q, float c, float s)
{
    return (struct p16){q.x * c + q.z * s, q.y, q.z * c - q.x * s};
}

static inline struct p16 p_turn_x(struct p16 q, float c, float s)
{
    return (struct p16){q.x, q.y * c - q.z * s, q.y * s + q.z * c};
}

#endif
