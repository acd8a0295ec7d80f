#include "world/story/figure_build.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/fixmath.h"
#include "base/rng.h"

enum { STREAM_FIGURE = 0x66696775 };

const struct axes figure_upright = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};

struct vec vec_cross(struct vec a, struct vec b)
{
    return vec(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}

float vec_len(struct vec a)
{
    return sqrtf(vec_dot(a, a));
}

struct vec vec_unit(struct vec a)
{
    float n = vec_len(a);

    return n > 0 ? vec_mul(a, 1 / n) : vec(1, 0, 0);
}

double figure_fract(double x)
{
    return x - floor(x);
}

float figure_wave(double turns)
{
    double s, c;

    fix_sincos(figure_fract(turns) * 6.283185307179586, &s, &c);
    return (float)s;
}

float figure_cosine(double turns)
{
    return figure_wave(turns + 0.25);
}

float figure_smooth(float lo, float hi, float x)
{
    float t = (x - lo) / (hi - lo);

    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return t * t * (3 - 2 * t);
}

float figure_draw(const struct story *s, int i)
{
    struct rng r;

    rng_init(&r, s->seed, STREAM_FIGURE + (uint64_t)i);
    return (float)rng_uniform(&r);
}

struct axes axes_facing(struct vec x, struct vec up)
{
    struct axes a;

    a.x = vec_unit(x);
    a.y = vec_unit(vec_cross(up, a.x));
    a.z = vec_cross(a.x, a.y);
    return a;
}

struct axes axes_turn(struct axes a, float left, float down)
{
    double s, c;
    struct axes b = a;

    fix_sincos((double)left, &s, &c);
    b.x = vec_add(vec_mul(a.x, (float)c), vec_mul(a.y, (float)s));
    b.y = vec_sub(vec_mul(a.y, (float)c), vec_mul(a.x, (float)s));
    a = b;
    fix_sincos((double)down, &s, &c);
    b.x = vec_sub(vec_mul(a.x, (float)c), vec_mul(a.z, (float)s));
    b.z = vec_add(vec_mul(a.z, (float)c), vec_mul(a.x, (float)s));
    return b;
}

struct vec axes_at(struct vec at, const struct axes *a, float x, float y, float z)
{
    return vec_add(vec_add(at, vec_mul(a->x, x)), vec_add(vec_mul(a->y, y), vec_mul(a->z, z)));
}

void figure_color(int color, float rgb[3])
{
    static const float linear[COLOR_COUNT][3] = {
        [COLOR_UNSAID] = {0.5f, 0.5f, 0.5f},     [COLOR_RED] = {0.80f, 0.012f, 0.02f},
        [COLOR_GREEN] = {0.03f, 0.46f, 0.07f},   [COLOR_BLUE] = {0.02f, 0.11f, 0.78f},
        [COLOR_YELLOW] = {0.93f, 0.66f, 0.015f}, [COLOR_ORANGE] = {0.93f, 0.26f, 0.01f},
        [COLOR_PURPLE] = {0.30f, 0.04f, 0.56f},  [COLOR_WHITE] = {0.84f, 0.84f, 0.83f},
        [COLOR_BLACK] = {0.018f, 0.018f, 0.022f}};

    ZT_ASSERT(color >= 0 && color < COLOR_COUNT);
    memcpy(rgb, linear[color], sizeof linear[color]);
}

struct figure_paint paint_plain(float r, float g, float b, float gloss)
{
    return (struct figure_paint){FIGURE_PLAIN, {r, g, b}, {r, g, b}, gloss, 0, 0};
}

struct figure_paint paint_color(int color, float gloss)
{
    float c[3];

    figure_color(color, c);
    return paint_plain(c[0], c[1], c[2], gloss);
}

struct figure_paint paint_with(struct figure_paint p, int pattern, const float other[3], float from,
                               float to)
{
    p.pattern = pattern;
    memcpy(p.other, other, sizeof p.other);
    p.from = from;
    p.to = to;
    return p;
}

void figure_begin(struct figure *f, int id)
{
    memset(f, 0, sizeof *f);
    f->id = id;
}

void figure_group(struct figure *f)
{
    ZT_ASSERT(f->n_groups < FIGURE_GROUPS);
    f->group[f->n_groups++].first = f->n_parts;
}

static void put(float out[3], struct vec v)
{
    out[0] = v.x;
    out[1] = v.y;
    out[2] = v.z;
}

static struct figure_part *part_add(struct figure *f, int shape, struct vec at, float blend,
                                    struct figure_paint paint)
{
    struct figure_part *p = &f->part[f->n_parts];

    ZT_ASSERT(f->n_parts < FIGURE_PARTS && f->n_groups > 0);
    f->group[f->n_groups - 1].n++;
    f->n_parts++;
    p->shape = shape;
    p->blend = blend;
    p->paint = paint;
    put(p->at, at);
    return p;
}

struct figure_part *figure_limb(struct figure *f, struct vec a, struct vec b, float ra, float rb,
                                float blend, struct figure_paint paint)
{
    struct figure_part *p = part_add(f, FIGURE_LIMB, a, blend, paint);
    struct vec d = vec_sub(b, a);
    float len2 = vec_dot(d, d) + 1e-8f, slope2 = (ra - rb) * (ra - rb) / len2;

    put(p->axis[0], d);
    p->size[0] = ra;
    p->size[1] = rb;
    p->inverse = 1 / len2;
    p->steep = 1 / sqrtf(1 + slope2);
    return p;
}

struct figure_part *figure_solid(struct figure *f, int shape, struct vec at, struct axes axes,
                                 struct vec size, float blend, struct figure_paint paint)
{
    struct figure_part *p = part_add(f, shape, at, blend, paint);

    put(p->axis[0], axes.x);
    put(p->axis[1], axes.y);
    put(p->axis[2], axes.z);
    put(p->size, size);
    return p;
}

/* A sphere around the part. */
static float part_reach(const struct figure_part *p, float at[3])
{
    const float *s = p->size;
    float along = p->shape == FIGURE_LIMB || p->shape == FIGURE_CONE ? 0.5f : 0;
    const float *axis = p->shape == FIGURE_LIMB ? p->axis[0] : p->axis[2];
    float big = s[0] > s[1] ? s[0] : s[1];

    if (p->shape == FIGURE_CONE)
        along *= s[2];
    for (int i = 0; i < 3; i++)
        at[i] = p->at[i] + along * axis[i];
    switch (p->shape) {
    case FIGURE_LIMB:
        return 0.5f / sqrtf(p->inverse) + big;
    case FIGURE_CONE:
        return sqrtf(along * along + big * big);
    case FIGURE_BOX:
        return sqrtf(s[0] * s[0] + s[1] * s[1] + s[2] * s[2]);
    case FIGURE_HOOP:
    case FIGURE_STRINGS:
        return big + s[3];
    default:
        return (big > s[2] ? big : s[2]) + (p->shape == FIGURE_FUR ? s[3] : 0);
    }
}

/* A sphere around the spheres: in the middle of their box. */
static void enclose(int n, float at[][3], const float *radius, float center[3], float *r)
{
    *r = 0;
    for (int k = 0; k < 3; k++) {
        float lo = 1e9f, hi = -1e9f;

        for (int i = 0; i < n; i++) {
            lo = fminf(lo, at[i][k] - radius[i]);
            hi = fmaxf(hi, at[i][k] + radius[i]);
        }
        center[k] = 0.5f * (lo + hi);
    }
    for (int i = 0; i < n; i++) {
        struct vec d = {at[i][0] - center[0], at[i][1] - center[1], at[i][2] - center[2]};

        *r = fmaxf(*r, vec_len(d) + radius[i]);
    }
}

void figure_end(struct figure *f)
{
    float at[FIGURE_PARTS][3], radius[FIGURE_PARTS];

    for (int i = 0; i < f->n_parts; i++)
        radius[i] = part_reach(&f->part[i], at[i]) + 0.3f * f->part[i].blend;
    for (int g = 0; g < f->n_groups; g++) {
        struct figure_group *p = &f->group[g];

        enclose(p->n, at + p->first, radius + p->first, p->center, &p->radius);
    }
    enclose(f->n_parts, at, radius, f->center, &f->radius);
}
