#include "world/raster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

typedef float vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));
enum { LANES = 4 };

struct v3 {
    vf x, y, z;
};

struct prim {
    int kind, id, object, shiny;
    float pos[3], rot[3][3], half[3], rgb[3];
    float radius;       /* of the ball around it */
    int x0, x1, y0, y1; /* pixels it may touch, may lie outside the picture */
};

struct raster {
    int w, h;
    float *lin; /* [h][w][3], linear colour of the centre sample */
    struct prim prim[WORLD_MAX_BODIES];
    int n_prims;
    const struct scene *scene;
    const struct view *view;
};

/* What a batch of rays met. prim -1: the floor, -2: the backdrop. */
struct hit {
    vf t;
    struct v3 n;
    vi prim;
};

#define FAR 1e9f
#define TILES_PER_M 0.62f
#define LAMP 0.045f /* half the angle of the lamp, rad */

static inline vf splat(float a)
{
    return (vf){a, a, a, a};
}

static inline vf pick(vi m, vf a, vf b)
{
    return (vf)((m & (vi)a) | (~m & (vi)b));
}

static inline int any(vi m)
{
    return (m[0] | m[1] | m[2] | m[3]) != 0;
}

static inline vf vmax(vf a, vf b)
{
    return pick(a > b, a, b);
}

static inline vf vmin(vf a, vf b)
{
    return pick(a < b, a, b);
}

static inline vf vsqrt(vf a)
{
    return (vf){sqrtf(a[0]), sqrtf(a[1]), sqrtf(a[2]), sqrtf(a[3])};
}

static inline vf dot(struct v3 a, struct v3 b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static inline struct v3 along(struct v3 o, struct v3 d, vf t)
{
    return (struct v3){o.x + d.x * t, o.y + d.y * t, o.z + d.z * t};
}

static inline struct v3 scaled(struct v3 a, vf s)
{
    return (struct v3){a.x * s, a.y * s, a.z * s};
}

static inline struct v3 splat3(const float a[3])
{
    return (struct v3){splat(a[0]), splat(a[1]), splat(a[2])};
}

static inline struct v3 pick3(vi m, struct v3 a, struct v3 b)
{
    return (struct v3){pick(m, a.x, b.x), pick(m, a.y, b.y), pick(m, a.z, b.z)};
}

/* rot^T * a: a direction from the world into the body. */
static inline struct v3 into(const struct prim *p, struct v3 a)
{
    const float(*r)[3] = p->rot;

    return (struct v3){r[0][0] * a.x + r[1][0] * a.y + r[2][0] * a.z,
                       r[0][1] * a.x + r[1][1] * a.y + r[2][1] * a.z,
                       r[0][2] * a.x + r[1][2] * a.y + r[2][2] * a.z};
}

static inline struct v3 out_of(const struct prim *p, struct v3 a)
{
    const float(*r)[3] = p->rot;

    return (struct v3){r[0][0] * a.x + r[0][1] * a.y + r[0][2] * a.z,
                       r[1][0] * a.x + r[1][1] * a.y + r[1][2] * a.z,
                       r[2][0] * a.x + r[2][1] * a.y + r[2][2] * a.z};
}

/* The shapes: ray o + t d in the body's frame. Return the lanes that hit at t > 0 from outside, the
 * smallest such t and the normal there. */

static inline vi hit_sphere(const struct prim *p, struct v3 o, struct v3 d, vf *t, struct v3 *n)
{
    vf r = splat(p->half[0]), b = dot(o, d), c = dot(o, o) - r * r, q = b * b - c;
    vi m = q > 0;

    *t = -b - vsqrt(vmax(q, splat(0)));
    *n = scaled(along(o, d, *t), 1 / r);
    return m & (*t > 0);
}

static inline vf no_zero(vf a)
{
    return pick((a < 1e-7f) & (a > -1e-7f), splat(1e-7f), a);
}

static inline vi hit_box(const struct prim *p, struct v3 o, struct v3 d, vf *t, struct v3 *n)
{
    vf ix = 1 / no_zero(d.x), iy = 1 / no_zero(d.y), iz = 1 / no_zero(d.z), zero = splat(0);
    vf ax = (-p->half[0] - o.x) * ix, bx = (p->half[0] - o.x) * ix;
    vf ay = (-p->half[1] - o.y) * iy, by = (p->half[1] - o.y) * iy;
    vf az = (-p->half[2] - o.z) * iz, bz = (p->half[2] - o.z) * iz;
    vf nx = vmin(ax, bx), ny = vmin(ay, by), nz = vmin(az, bz);
    vf in = vmax(vmax(nx, ny), nz), out = vmin(vmin(vmax(ax, bx), vmax(ay, by)), vmax(az, bz));
    vi face_x = in == nx, face_y = (in == ny) & ~face_x, face_z = ~face_x & ~face_y;

    *t = in;
    n->x = pick(face_x, pick(d.x > 0, splat(-1), splat(1)), zero);
    n->y = pick(face_y, pick(d.y > 0, splat(-1), splat(1)), zero);
    n->z = pick(face_z, pick(d.z > 0, splat(-1), splat(1)), zero);
    return (in < out) & (in > 0);
}

/* Cylinder and cone: radius half[0] * (1 - taper * (z + h) / 2h) at height z, caps at z = -h, h. */
static inline vi hit_round(const struct prim *p, struct v3 o, struct v3 d, vf *t, struct v3 *n,
                           int cone)
{
    float h = p->half[2], r0 = p->half[0], k = cone ? r0 / (2 * h) : 0;
    vf rad = cone ? k * (h - o.z) : splat(r0), zero = splat(0), far = splat(FAR);
    vf a = d.x * d.x + d.y * d.y - k * k * d.z * d.z;
    vf b = o.x * d.x + o.y * d.y + k * rad * d.z;
    vf c = o.x * o.x + o.y * o.y - rad * rad, q = b * b - a * c;
    vf root = vsqrt(vmax(q, zero)), ia = 1 / no_zero(a);
    vf t1 = (-b - root) * ia, t2 = (-b + root) * ia;
    vf z1 = o.z + t1 * d.z, z2 = o.z + t2 * d.z;
    vi ok1 = (q > 0) & (t1 > 0) & (z1 > -h) & (z1 < h),
       ok2 = (q > 0) & (t2 > 0) & (z2 > -h) & (z2 < h);
    vf side = vmin(pick(ok1, t1, far), cone ? pick(ok2, t2, far) : far);
    /* the cap on the ray's side: the bottom from below; the top, for a cylinder, from above */
    vf zc = cone ? splat(-h) : pick(d.z > 0, splat(-h), splat(h));
    vf tc = (zc - o.z) / no_zero(d.z);
    vf xc = o.x + tc * d.x, yc = o.y + tc * d.y;
    vi cap = (tc > 0) & (xc * xc + yc * yc < r0 * r0) & (tc < side);
    struct v3 s = along(o, d, side);
    vf len = 1 / vsqrt(vmax((s.x * s.x + s.y * s.y) * (1 + k * k), splat(1e-12f)));

    *t = pick(cap, tc, side);
    n->x = pick(cap, zero, s.x * len);
    n->y = pick(cap, zero, s.y * len);
    n->z = pick(cap, pick(zc > 0, splat(1), splat(-1)),
                k * vsqrt(vmax(s.x * s.x + s.y * s.y, zero)) * len);
    return *t < far;
}

static inline vi hit_prim(const struct prim *p, struct v3 o, struct v3 d, vf *t, struct v3 *n)
{
    struct v3 rel = {o.x - p->pos[0], o.y - p->pos[1], o.z - p->pos[2]};

    if (p->kind == PRIM_SPHERE)
        return hit_sphere(p, rel, d, t, n);
    struct v3 lo = into(p, rel), ld = into(p, d), ln;
    vi m = p->kind == PRIM_BOX ? hit_box(p, lo, ld, t, &ln)
                               : hit_round(p, lo, ld, t, &ln, p->kind == PRIM_CONE);

    *n = out_of(p, ln);
    return m;
}

static inline struct v3 ray(const struct raster *r, vf px, vf py)
{
    const struct view *v = r->view;
    vf x = (px * (2.0f / (float)r->w) - 1) * v->tan_w,
       y = (1 - py * (2.0f / (float)r->h)) * v->tan_h;
    struct v3 d = {v->forward[0] + x * v->right[0] + y * v->up[0],
                   v->forward[1] + x * v->right[1] + y * v->up[1],
                   v->forward[2] + x * v->right[2] + y * v->up[2]};

    return scaled(d, 1 / vsqrt(dot(d, d)));
}

/* Nearest thing along rays from the eye through pixels x0..x1 of row y. */
static inline void trace(const struct raster *r, struct v3 d, int x0, int x1, int y, struct hit *h)
{
    struct v3 eye = splat3(r->view->eye);
    vi down = d.z < -1e-4f;

    h->t = pick(down, -eye.z / pick(down, d.z, splat(-1)), splat(FAR));
    h->prim = -2 - down; /* the mask is -1 where the floor is below */
    h->n = (struct v3){splat(0), splat(0), splat(1)};
    for (int i = 0; i < r->n_prims; i++) {
        const struct prim *p = &r->prim[i];
        struct v3 n;
        vf t;
        vi m;

        if (x1 < p->x0 || x0 > p->x1 || y < p->y0 || y > p->y1)
            continue;
        m = hit_prim(p, eye, d, &t, &n);
        m &= t < h->t;
        h->t = pick(m, t, h->t);
        h->n = pick3(m, n, h->n);
        h->prim = (m & i) | (~m & h->prim);
    }
}

/* 1 where light arrives from direction l, 0 in shadow; `self` casts none on itself: it is convex.
 */
static inline vf lit(const struct raster *r, struct v3 at, struct v3 l, vi self)
{
    vf open = splat(1);

    for (int i = 0; i < r->n_prims; i++) {
        const struct prim *p = &r->prim[i];
        struct v3 c = {p->pos[0] - at.x, p->pos[1] - at.y, p->pos[2] - at.z}, n;
        vf b = dot(c, l), t;
        vi m = (dot(c, c) - b * b < p->radius * p->radius) & (b > -p->radius) & (self != i);

        if (!any(m))
            continue;
        m &= hit_prim(p, at, l, &t, &n);
        open = pick(m, splat(0), open);
    }
    return open;
}

/* Darkness under and around bodies that touch the floor. */
static inline vf occlusion(const struct raster *r, struct v3 at)
{
    vf dark = splat(1);

    for (int i = 0; i < r->n_prims; i++) {
        const struct prim *p = &r->prim[i];
        float size = 1.25f * fminf(p->radius, 1.2f * fmaxf(p->half[0], p->half[1]));
        float lift = 1 + fmaxf(0, p->pos[2] - p->radius) / size;
        vf x = at.x - p->pos[0], y = at.y - p->pos[1];
        vf q = vmax(1 - (x * x + y * y) / (size * size), splat(0));

        dark *= 1 - q * q * (0.6f / (lift * lift));
    }
    return dark;
}

static inline vf floor_mix(struct v3 at)
{
    vf x = at.x * TILES_PER_M + 1000.5f; /* the middle of a tile at 0: its own mirror image */
    vf y = at.y * TILES_PER_M + 1000;
    vi odd = (__builtin_convertvector(x, vi) ^ __builtin_convertvector(y, vi)) & 1;

    return pick(odd == 1, splat(1), splat(0));
}

/* Linear colour of what the rays met; l: per lane, the point of the lamp that is asked. */
static inline struct v3 shade(const struct raster *r, struct v3 d, const struct hit *h, struct v3 l)
{
    const struct scene *s = r->scene;
    vi on_floor = h->prim == -1, sky = h->prim == -2, thing = h->prim >= 0;
    struct v3 at = along(splat3(r->view->eye), d, vmin(h->t, splat(200)));
    struct v3 base, shiny = {splat(0), splat(0), splat(0)};
    vf facing = vmax(dot(h->n, l), splat(0)), mix = floor_mix(at), amb, light, haze;
    struct v3 half = {l.x - d.x, l.y - d.y, l.z - d.z};

    at = along(at, h->n, splat(2e-3f));
    light = facing * lit(r, at, l, h->prim);
    amb = 0.36f + 0.08f * h->n.z;
    if (any(on_floor))
        amb *= pick(on_floor, occlusion(r, at), splat(1));
    haze = vmin(vmax((h->t - 9) * (1 / 22.0f), splat(0)), splat(1)) * 0.55f;
    haze = pick(sky, splat(0.55f), pick(thing, splat(0), haze));
    mix *= 1 - haze;
    base.x = splat(s->floor[0]) + mix * (s->floor2[0] - s->floor[0]);
    base.y = splat(s->floor[1]) + mix * (s->floor2[1] - s->floor[1]);
    base.z = splat(s->floor[2]) + mix * (s->floor2[2] - s->floor[2]);
    for (int i = 0; i < r->n_prims; i++) {
        const struct prim *p = &r->prim[i];
        vi m = h->prim == i;

        if (!any(m))
            continue;
        base = pick3(m, splat3(p->rgb), base);
        shiny.x = pick(m, splat(p->shiny ? 1.0f : 0), shiny.x);
    }
    if (any(shiny.x > 0)) {
        vf g = vmax(dot(half, h->n), splat(0)) / vsqrt(dot(half, half));
        vf edge = 1 + dot(d, h->n);

        g = g * g;
        g = g * g;
        g = g * g;
        g = g * g;
        g = g * g;
        shiny.y = shiny.x * (0.95f * g * light + 0.30f * edge * edge * edge * edge);
    }
    light = pick(sky, splat(1), amb + 0.66f * light);
    base = scaled(base, light);
    base.x += shiny.y + haze * (0.62f - base.x);
    base.y += shiny.y + haze * (0.64f - base.y);
    base.z += shiny.y + haze * (0.66f - base.z);
    return base;
}

static void prepare(struct raster *r, const struct scene *s, const struct view *v,
                    const struct pose *pose)
{
    r->scene = s;
    r->view = v;
    r->n_prims = s->n_bodies;
    for (int i = 0; i < s->n_bodies; i++) {
        const struct body *b = &s->body[i];
        struct prim *p = &r->prim[i];
        float x, y, z, rx, ry;

        *p = (struct prim){.kind = b->prim, .id = b->id, .object = b->object, .shiny = b->shiny};
        memcpy(p->pos, pose[i].pos, sizeof p->pos);
        memcpy(p->rot, pose[i].rot, sizeof p->rot);
        memcpy(p->half, b->half, sizeof p->half);
        memcpy(p->rgb, b->rgb, sizeof p->rgb);
        p->radius = b->half[0];
        if (b->prim == PRIM_BOX)
            p->radius = hypotf(hypotf(b->half[0], b->half[1]), b->half[2]);
        else if (b->prim != PRIM_SPHERE)
            p->radius = hypotf(b->half[0], b->half[2]);
        z = view_project(v, p->pos, &x, &y);
        if (z < p->radius + 0.1f) { /* around the eye: may be anywhere */
            p->x0 = p->y0 = -1000000;
            p->x1 = p->y1 = 1000000;
            continue;
        }
        /* the ball's outline reaches at most this far: sin -> tan, worst at the picture's edge */
        z = p->radius / (z - p->radius);
        rx = z * hypotf(1, v->tan_w) / (2 * v->tan_w) * (float)r->w + 1;
        ry = z * hypotf(1, v->tan_h) / (2 * v->tan_h) * (float)r->h + 1;
        p->x0 = (int)floorf(x * (float)r->w - rx);
        p->x1 = (int)ceilf(x * (float)r->w + rx);
        p->y0 = (int)floorf(y * (float)r->h - ry);
        p->y1 = (int)ceilf(y * (float)r->h + ry);
    }
}

struct raster *raster_new(int w, int h)
{
    struct raster *r = xcalloc(1, sizeof *r);

    ZT_ASSERT(w > 0 && h > 0);
    r->w = w;
    r->h = h;
    r->lin = xmalloc((size_t)w * (size_t)h * 3 * sizeof *r->lin);
    return r;
}

void raster_free(struct raster **r)
{
    if (*r)
        free((*r)->lin);
    free(*r);
    *r = NULL;
}

/* One sample in the middle of each pixel of a row. */
static void sample_row(struct raster *r, int y, uint8_t *ids)
{
    struct v3 l = splat3(r->scene->light);
    float *lin = r->lin + (size_t)y * (size_t)r->w * 3;

    for (int x = 0; x < r->w; x += LANES) {
        vf px = (float)x + (vf){0.5f, 1.5f, 2.5f, 3.5f};
        struct v3 d = ray(r, px, splat((float)y + 0.5f)), c;
        struct hit h;

        trace(r, d, x, x + LANES - 1, y, &h);
        c = shade(r, d, &h, l);
        for (int i = 0; i < LANES && x + i < r->w; i++) {
            lin[3 * (x + i) + 0] = c.x[i];
            lin[3 * (x + i) + 1] = c.y[i];
            lin[3 * (x + i) + 2] = c.z[i];
            ids[x + i] = (uint8_t)(h.prim[i] >= 0 ? r->prim[h.prim[i]].id : 0);
        }
    }
}

static uint8_t to_byte(float linear)
{
    float v = sqrtf(fmaxf(linear, 0)) * 255 + 0.5f;

    return (uint8_t)(v > 255 ? 255 : v);
}

/* Four samples of one pixel, averaged in linear light. */
static void sample_again(struct raster *r, int x, int y, float out[3])
{
    const float *n = r->scene->light;
    vf dx = {-0.125f, 0.375f, 0.125f, -0.375f}, dy = {-0.375f, -0.125f, 0.375f, 0.125f};
    struct v3 d = ray(r, (float)x + 0.5f + dx, (float)y + 0.5f + dy), c;
    /* the lamp is a disc: spread along two directions across n, turned against the sample's place
     */
    vf a = dy * (LAMP * 2), b = dx * (LAMP * -2);
    float f = 1 / hypotf(n[0], n[1]), s[3] = {-n[1] * f, n[0] * f, 0};
    float u[3] = {-n[2] * s[1], n[2] * s[0], n[0] * s[1] - n[1] * s[0]};
    struct v3 l = {n[0] + a * s[0] + b * u[0], n[1] + a * s[1] + b * u[1], n[2] + b * u[2]};
    struct hit h;

    l = scaled(l, 1 / vsqrt(dot(l, l)));
    trace(r, d, x, x, y, &h);
    c = shade(r, d, &h, l);
    out[0] = ((c.x[0] + c.x[1]) + (c.x[2] + c.x[3])) * 0.25f;
    out[1] = ((c.y[0] + c.y[1]) + (c.y[2] + c.y[3])) * 0.25f;
    out[2] = ((c.z[0] + c.z[1]) + (c.z[2] + c.z[3])) * 0.25f;
}

static int differs(const uint8_t *a, const uint8_t *b)
{
    enum { VISIBLE = 9 };

    return abs(a[0] - b[0]) > VISIBLE || abs(a[1] - b[1]) > VISIBLE || abs(a[2] - b[2]) > VISIBLE;
}

void raster_frame(struct raster *r, const struct scene *s, const struct view *v,
                  const struct pose *pose, uint8_t *rgb, uint8_t *ids)
{
    size_t w = (size_t)r->w, h = (size_t)r->h;
    uint8_t *edge = xcalloc(w, h);

    prepare(r, s, v, pose);
    for (size_t y = 0; y < h; y++)
        sample_row(r, (int)y, ids + y * w);
    for (size_t i = 0; i < w * h * 3; i++)
        rgb[i] = to_byte(r->lin[i]);
    for (size_t y = 0; y < h; y++) {
        for (size_t x = 0; x < w; x++) {
            size_t at = y * w + x;

            if (x + 1 < w && differs(rgb + 3 * at, rgb + 3 * (at + 1)))
                edge[at] = edge[at + 1] = 1;
            if (y + 1 < h && differs(rgb + 3 * at, rgb + 3 * (at + w)))
                edge[at] = edge[at + w] = 1;
        }
    }
    for (size_t at = 0; at < w * h; at++) {
        float c[3];

        if (!edge[at])
            continue;
        sample_again(r, (int)(at % w), (int)(at / w), c);
        for (int k = 0; k < 3; k++)
            rgb[3 * at + k] = to_byte(c[k]);
    }
    free(edge);
}

double raster_area(const struct raster *r, const struct scene *s, const struct view *v,
                   const struct pose *pose, int object)
{
    struct raster alone = {.w = r->w, .h = r->h};
    int x0 = 1000000, x1 = -1000000, y0 = x0, y1 = x1, n = 0;
    double covered = 0;

    prepare(&alone, s, v, pose);
    for (int i = 0; i < alone.n_prims; i++) {
        const struct prim *p = &alone.prim[i];

        if (p->object != object)
            continue;
        alone.prim[n++] = *p;
        x0 = p->x0 < x0 ? p->x0 : x0;
        x1 = p->x1 > x1 ? p->x1 : x1;
        y0 = p->y0 < y0 ? p->y0 : y0;
        y1 = p->y1 > y1 ? p->y1 : y1;
    }
    alone.n_prims = n;
    x0 = x0 < -3 * r->w ? -3 * r->w : x0;
    x1 = x1 > 4 * r->w ? 4 * r->w : x1;
    y0 = y0 < -3 * r->h ? -3 * r->h : y0;
    y1 = y1 > 4 * r->h ? 4 * r->h : y1;
    for (int y = y0; y <= y1; y++) {
        for (int x = x0; x <= x1; x += LANES) {
            vf px = (float)x + (vf){0.5f, 1.5f, 2.5f, 3.5f};
            struct hit h;

            trace(&alone, ray(&alone, px, splat((float)y + 0.5f)), x, x + LANES - 1, y, &h);
            for (int i = 0; i < LANES; i++)
                covered += h.prim[i] >= 0;
        }
    }
    return covered;
}
