/* figure_prop.c - candle, book, racket and shuttlecock. */
#include <math.h>

#include "world/story/figure_kinds.h"

enum { PAGE_MS = 4200 }; /* from page to page */

void figure_candle(const struct cast *c, struct vec at, float height, struct figure *f)
{
    static const float hot[3] = {1, 0.86f, 0.42f}, low[3] = {1, 0.34f, 0.05f};
    static const float shed[3] = {1.25f, 0.62f, 0.22f};
    double t = c->t_s + 10 * (double)c->early;
    float flicker = 0.5f * figure_wave(t * 2.3) + 0.3f * figure_wave(t * 5.1 + 0.3) +
                    0.2f * figure_wave(t * 8.7);
    float lean = 0.012f * figure_wave(t * 1.7) + 0.006f * figure_wave(t * 4.3);
    float size = 0.05f + 0.04f * height / 0.3f, r = 0.12f * height + 0.012f;
    float strength = height < 0.2f ? 0.5f : 1; /* one in a hand is near a face */
    struct vec top = vec_add(at, vec(0, 0, height)), flame;
    struct figure_paint wax = paint_plain(0.86f, 0.78f, 0.60f, 0.08f);
    struct figure_paint p =
        paint_with(paint_plain(low[0], low[1], low[2], 0), FIGURE_FLAME, hot, 5 + flicker, 0);

    flame = vec_add(top, vec(0.4f * lean, lean, 0.2f * size + size * (1 + 0.12f * flicker)));
    figure_begin(f, FIGURE_ID_PROP);
    figure_group(f);
    figure_solid(f, FIGURE_CONE, at, figure_upright, vec(r, r * 0.94f, height), 0, wax);
    figure_solid(f, FIGURE_CONE, at, figure_upright, vec(1.9f * r, 2.1f * r, 0.012f), 0,
                 paint_plain(0.42f, 0.26f, 0.06f, 0.14f));
    figure_limb(f, top, vec_add(top, vec(0, 0, 0.3f * size)), 0.005f, 0.004f, 0,
                paint_plain(0.02f, 0.02f, 0.02f, 0));
    figure_group(f);
    figure_limb(f, vec_add(top, vec(0, 0, 0.55f * size)),
                vec_add(flame, vec(lean, 2.2f * lean, 0.9f * size)), 0.42f * size, 0.07f * size, 0,
                p);
    figure_end(f);
    for (int i = 0; i < 3; i++)
        f->light[i] = shed[i] * strength * (1 + 0.16f * flicker);
    f->light_at[0] = flame.x + lean;
    f->light_at[1] = flame.y + lean;
    f->light_at[2] = flame.z;
}

/* A sheet from the spine, turned about it: 0 lies right, half a turn lies left. */
static struct figure_part *sheet(struct figure *f, struct vec at, const struct axes *a, float turns,
                                 struct vec half, float off, struct figure_paint p)
{
    struct axes b = *a;
    struct figure_part *s;
    float c = figure_cosine((double)turns), n = figure_wave((double)turns);

    b.x = vec_sub(vec_mul(a->y, -c), vec_mul(a->x, n)); /* away from the spine */
    b.y = a->z;
    b.z = vec_cross(b.x, b.y);
    s = figure_solid(f, FIGURE_BOX, axes_at(at, &b, half.x, 0, off), b, half, 0, p);
    s->size[3] = 0.002f;
    return s;
}

void figure_book(const struct cast *c, struct vec at, const struct axes *a, float size, int open,
                 struct figure *f)
{
    static const float ink[3] = {0.35f, 0.35f, 0.36f};
    int red = c->story->facts.color != COLOR_RED;
    struct figure_paint cover =
        red ? paint_plain(0.42f, 0.03f, 0.03f, 0.08f) : paint_plain(0.03f, 0.08f, 0.35f, 0.08f);
    struct figure_paint page =
        paint_with(paint_plain(0.86f, 0.84f, 0.76f, 0), FIGURE_LINES, ink, 0, 0);
    float w = 0.5f * size, part = (float)figure_fract(c->t_s * 1000 / PAGE_MS + (double)c->early);

    figure_begin(f, FIGURE_ID_PROP);
    figure_group(f);
    if (!open) {
        figure_solid(f, FIGURE_BOX, at, *a, vec(0.025f, w, w * 1.4f), 0, cover)->size[3] = 0.004f;
        figure_end(f);
        return;
    }
    for (int i = 0; i < 2; i++) {
        float turns = i ? 0.44f : 0.06f;

        sheet(f, at, a, turns, vec(w, w * 1.4f, 0.006f), 0, cover);
        sheet(f, at, a, turns, vec(w * 0.96f, w * 1.34f, 0.013f), i ? -0.018f : 0.018f, page);
    }
    /* One page goes over from the right to the left. */
    if (part > 0.72f)
        sheet(f, at, a, 0.08f + 0.34f * figure_smooth(0.72f, 1, part),
              vec(w * 0.95f, w * 1.32f, 0.004f), 0, page);
    figure_end(f);
}

struct vec figure_racket_head(struct vec at, struct vec to)
{
    return vec_add(at, vec_mul(vec_unit(to), 0.455f));
}

/* 0.67 m long, held 0.07 m from its end; head 0.29 m by 0.23 m. Its wires are thicker than real
 * ones, to be seen. */
void figure_racket(const struct cast *c, struct vec at, struct vec to, struct vec face,
                   struct figure *f)
{
    const float wire = 0.020f;
    struct vec d = vec_unit(to);
    struct axes a = axes_facing(d, face);
    int red = c->story->facts.color != COLOR_RED && c->story->facts.color != COLOR_ORANGE;
    struct figure_paint frame =
        red ? paint_plain(0.75f, 0.02f, 0.02f, 0.1f) : paint_plain(0.85f, 0.62f, 0.02f, 0.1f);
    struct figure_paint string = paint_plain(0.9f, 0.92f, 0.88f, 0);
    struct vec butt = vec_mul(d, -0.07f + 0.014f), throat = vec_mul(d, 0.10f);

    figure_begin(f, FIGURE_ID_PROP);
    figure_group(f);
    figure_limb(f, vec_add(at, butt), vec_add(at, throat), 0.014f, 0.012f, 0,
                paint_plain(0.03f, 0.03f, 0.035f, 0));
    figure_limb(f, vec_add(at, throat), vec_add(at, vec_mul(d, 0.315f)), 0.012f, 0.011f, 0, frame);
    figure_group(f);
    figure_solid(f, FIGURE_HOOP, figure_racket_head(at, to), a,
                 vec(0.145f - wire, 0.115f - wire, 0), 0, frame)
        ->size[3] = wire;
    figure_solid(f, FIGURE_STRINGS, figure_racket_head(at, to), a,
                 vec(0.140f - wire, 0.110f - wire, 0.028f), 0, string)
        ->size[3] = 0.0095f;
    figure_end(f);
}

/* Twice as large as a real one, to be seen: 0.16 m long, 0.12 m wide. */
void figure_shuttlecock(struct vec at, struct vec to, struct figure *f)
{
    struct axes a;
    struct vec front = vec_unit(to), side = vec_unit(vec_cross(front, vec(0.1f, 1, 0.2f)));

    a.z = vec_mul(front, -1);
    a.x = side;
    a.y = vec_cross(a.z, a.x);
    figure_begin(f, FIGURE_ID_PROP);
    figure_group(f);
    figure_solid(f, FIGURE_ELLIPSOID, vec_add(at, vec_mul(front, 0.055f)), a,
                 vec(0.026f, 0.026f, 0.027f), 0, paint_plain(0.75f, 0.60f, 0.36f, 0.05f));
    figure_solid(f, FIGURE_CONE, vec_add(at, vec_mul(front, 0.045f)), a, vec(0.024f, 0.060f, 0.12f),
                 0, paint_plain(0.90f, 0.90f, 0.90f, 0));
    figure_end(f);
}

/* e^-x, 0 <= x < 8: by its series at x / 16. */
static double decay(double x)
{
    double y = x / 16, e = 1 - y * (1 - y / 2 * (1 - y / 3 * (1 - y / 4 * (1 - y / 5))));

    e *= e;
    e *= e;
    e *= e;
    return e * e;
}

/* Feathers brake it: falling it gets no faster than 6.8 m/s, so speeds fade within 0.69 s. With
 * drag in proportion to speed the way between two given points is known in closed form. */
static struct vec flight(struct vec from, struct vec to, double t, double whole, struct vec *speed)
{
    const double fade = 0.69, g = 9.81;
    double e = decay(t / fade), done = fade * (1 - e), all = fade * (1 - decay(whole / fade));
    double vx = (double)(to.x - from.x) / all, vy = (double)(to.y - from.y) / all;
    double vz = ((double)(to.z - from.z) + g * fade * whole) / all;

    *speed = vec((float)(vx * e), (float)(vy * e), (float)(vz * e - g * fade));
    return vec(from.x + (float)(vx * done), from.y + (float)(vy * done),
               from.z + (float)(vz * done - g * fade * t));
}

struct vec figure_shuttlecock_path(struct vec hit, double part, struct vec *to)
{
    const double half = PLAY_MS / 2000.0;
    struct vec other = vec_add(hit, vec(2.6f, 0.2f, -0.35f));
    double t = figure_fract(part) * 2 * half;

    if (t < half)
        return flight(hit, other, t, half, to);
    return flight(other, hit, t - half, half, to);
}
