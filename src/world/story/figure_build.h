/* figure_build.h - vectors of three and the making of figures part by part; for the figures alone.
 *
 * Threads: pure functions of their arguments. */
#ifndef STORY_FIGURE_BUILD_H
#define STORY_FIGURE_BUILD_H

#include "world/story/figure.h"

struct vec {
    float x, y, z;
};
/* Right-handed unit axes: forward, left, up. */
struct axes {
    struct vec x, y, z;
};

static inline struct vec vec(float x, float y, float z)
{
    return (struct vec){x, y, z};
}

static inline struct vec vec_add(struct vec a, struct vec b)
{
    return vec(a.x + b.x, a.y + b.y, a.z + b.z);
}

static inline struct vec vec_sub(struct vec a, struct vec b)
{
    return vec(a.x - b.x, a.y - b.y, a.z - b.z);
}

static inline struct vec vec_mul(struct vec a, float s)
{
    return vec(a.x * s, a.y * s, a.z * s);
}

static inline float vec_dot(struct vec a, struct vec b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static inline struct vec vec_mix(struct vec a, struct vec b, float t)
{
    return vec_add(a, vec_mul(vec_sub(b, a), t));
}

struct vec vec_cross(struct vec a, struct vec b);
float vec_len(struct vec a);
struct vec vec_unit(struct vec a); /* of zero: +x */

/* Sine and cosine of whole turns: wave(x) = sin(2 pi x). */
float figure_wave(double turns);
float figure_cosine(double turns);
double figure_fract(double x);
float figure_smooth(float lo, float hi, float x); /* 0 below lo, 1 above hi */
/* 0..1, of the story and the number i alone. */
float figure_draw(const struct story *s, int i);

extern const struct axes figure_upright;
/* x forward; up as near to `up` as can be. */
struct axes axes_facing(struct vec x, struct vec up);
/* Turned by angles in rad, after those of a: left about up, then forward down. */
struct axes axes_turn(struct axes a, float left, float down);
/* at + v in the axes. */
struct vec axes_at(struct vec at, const struct axes *a, float x, float y, float z);

/* Linear colours by the names of world/facts.h. */
void figure_color(int color, float rgb[3]);
struct figure_paint paint_plain(float r, float g, float b, float gloss);
struct figure_paint paint_color(int color, float gloss);
struct figure_paint paint_with(struct figure_paint p, int pattern, const float other[3], float from,
                               float to);

void figure_begin(struct figure *f, int id);
/* Parts from here on form a new group. */
void figure_group(struct figure *f);
struct figure_part *figure_limb(struct figure *f, struct vec a, struct vec b, float ra, float rb,
                                float blend, struct figure_paint paint);
struct figure_part *figure_solid(struct figure *f, int shape, struct vec at, struct axes axes,
                                 struct vec size, float blend, struct figure_paint paint);
/* All parts are there: bounding spheres. */
void figure_end(struct figure *f);

#endif
