#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rng.h"
#include "measure/shape.h"
#include "measure/sight_inner.h"
#include "world/physics.h"

enum { STREAM_FIT = 0x66697473, FIT_STEPS = 1500, W = 112, H = 64, FRAMES = 17, BLOCK = 8 };

struct sample {
    int shape, group; /* 0..SHAPE_KINDS-1 */
    float x[SHAPE_FEATURES];
};

struct samples {
    struct sample *item;
    int n, cap;
};

/* Projection onto the first `keep` of len cosines, mixed with `own` of the samples themselves. */
static void smoother(double m[BLOCK][BLOCK], int len, int keep, double own)
{
    for (int i = 0; i < len; i++) {
        for (int j = 0; j < len; j++) {
            double sum = 0;

            for (int u = 0; u < keep; u++)
                sum += (u ? 2.0 : 1.0) / len * cos(M_PI * (i + 0.5) * u / len) *
                       cos(M_PI * (j + 0.5) * u / len);
            m[i][j] = (1 - own) * sum + own * (i == j);
        }
    }
}

/* One line of len samples, `gap` bytes apart. */
static void soften(uint8_t *at, size_t gap, int len, double m[BLOCK][BLOCK])
{
    double in[BLOCK];

    for (int i = 0; i < len; i++)
        in[i] = at[(size_t)i * gap];
    for (int i = 0; i < len; i++) {
        double out = 0.5;

        for (int j = 0; j < len; j++)
            out += m[i][j] * in[j];
        at[(size_t)i * gap] = (uint8_t)fmin(fmax(out, 0), 255);
    }
}

/* What codecs and generators leave of a film: blocks of 8x8 px and 4 frames without their finest
 * detail, neighbours mixed at the seams, and noise. */
static void spoil(uint8_t *rgb, struct rng *r)
{
    const size_t row = W * 3, size = row * H;
    int keep = 3 + rng_below(r, 4), frames = 2 + rng_below(r, 3);
    double own = rng_range(r, 0, 0.5), noise = rng_range(r, 0, 4);
    double place[BLOCK][BLOCK], time[BLOCK][BLOCK];
    int x0 = rng_below(r, BLOCK), y0 = rng_below(r, BLOCK);

    smoother(place, BLOCK, keep, own);
    smoother(time, 4, frames, own);
    if (rng_chance(r, 0.85)) {
        for (int t = 0; t < FRAMES; t++)
            for (int y = 0; y < H; y++)
                for (int x = x0; x + BLOCK <= W; x += BLOCK)
                    for (int k = 0; k < 3; k++)
                        soften(rgb + t * size + y * row + x * 3 + k, 3, BLOCK, place);
        for (int t = 0; t < FRAMES; t++)
            for (int y = y0; y + BLOCK <= H; y += BLOCK)
                for (size_t x = 0; x < row; x++)
                    soften(rgb + t * size + y * row + x, row, BLOCK, place);
        for (int t = 1; t + 4 <= FRAMES; t += 4)
            for (size_t i = 0; i < size; i++)
                soften(rgb + t * size + i, size, 4, time);
    }
    for (size_t i = 0; i < size * FRAMES; i++)
        rgb[i] = (uint8_t)fmin(fmax(rgb[i] + noise * rng_normal(r) + 0.5, 0), 255);
}

static void collect(const struct clip *c, const struct facts *facts, struct rng *r,
                    struct samples *out)
{
    struct view_film f;
    struct track tracks[SIGHT_MAX_TRACKS];
    int n_tracks;

    spoil(c->rgb, r);
    view_film_init(&f, c->rgb, c->w, c->h, c->n_frames, SIGHT_PIXELS);
    n_tracks = track_find(&f, tracks);
    for (int i = 0; i < n_tracks; i++) {
        const struct track *k = &tracks[i];
        int object = k->color == facts->object[0].color ? 0 : k->color == facts->object[1].color;

        if (k->color == facts->object[object].color && 2 * k->seen > f.n) {
            for (int t = rng_below(r, 4); t < f.n; t += 4) {
                int p = k->patch[t];

                if (p < 0 || f.patch[t * SIGHT_MAX_PATCHES + p].cut)
                    continue;
                if (out->n == out->cap) {
                    out->cap = 2 * out->cap + 256;
                    out->item = xrealloc(out->item, (size_t)out->cap * sizeof *out->item);
                }
                struct sample *s = &out->item[out->n++];

                s->shape = facts->object[object].shape - SHAPE_BALL;
                s->group = shape_group(k->color);
                shape_features(&f, t, p, s->x);
            }
        }
        free(k->patch);
    }
    view_film_release(&f);
}

/* Random scenes of one moving object; every fourth object is white, every fourth black. */
static void render_samples(int n_scenes, struct samples *out)
{
    for (int i = 0; i < n_scenes; i++) {
        struct facts facts = {.n_objects = 1 + (i % 5 == 0), .event = EVENT_MOVE};
        struct rng r;
        struct scene s;
        struct clip c;

        rng_init(&r, (uint64_t)i, STREAM_FIT);
        facts.object[0].shape = SHAPE_BALL + rng_below(&r, SHAPE_KINDS);
        facts.object[0].color = i % 4 == 0   ? COLOR_WHITE
                                : i % 4 == 1 ? COLOR_BLACK
                                             : 1 + rng_below(&r, COLOR_COUNT - 1);
        scene_from_facts(&s, &facts, rng_u64(&r), (double)W / H);
        scene_render(&s, W, H, FRAMES, rng_chance(&r, 0.5) ? 8 : 4, &c);
        collect(&c, &s.facts, &r, out);
        clip_release(&c);
    }
}

/* Softmax regression by gradient descent with momentum and weight decay. */
static double fit_group(const struct samples *all, int group, double w[SHAPE_KINDS][SHAPE_FEATURES])
{
    static double velocity[SHAPE_KINDS][SHAPE_FEATURES], grad[SHAPE_KINDS][SHAPE_FEATURES];
    int right = 0, n = 0;

    memset(velocity, 0, sizeof velocity);
    memset(w, 0, sizeof(double[SHAPE_KINDS][SHAPE_FEATURES]));
    for (int step = 0; step < FIT_STEPS; step++) {
        memset(grad, 0, sizeof grad);
        right = n = 0;
        for (int i = 0; i < all->n; i++) {
            const struct sample *s = &all->item[i];
            double score[SHAPE_KINDS] = {0}, top = -1e30, total = 0;
            int best = 0;

            if (s->group != group)
                continue;
            for (int k = 0; k < SHAPE_KINDS; k++) {
                for (int j = 0; j < SHAPE_FEATURES; j++)
                    score[k] += w[k][j] * s->x[j];
                best = score[k] > score[best] ? k : best;
                top = fmax(top, score[k]);
            }
            right += best == s->shape;
            n++;
            for (int k = 0; k < SHAPE_KINDS; k++)
                total += exp(score[k] - top);
            for (int k = 0; k < SHAPE_KINDS; k++) {
                double d = exp(score[k] - top) / total - (k == s->shape);

                for (int j = 0; j < SHAPE_FEATURES; j++)
                    grad[k][j] += d * s->x[j];
            }
        }
        for (int k = 0; k < SHAPE_KINDS; k++) {
            for (int j = 0; j < SHAPE_FEATURES; j++) {
                velocity[k][j] =
                    0.95 * velocity[k][j] - 0.03 * (grad[k][j] / (n ? n : 1) + 1e-4 * w[k][j]);
                w[k][j] += velocity[k][j];
            }
        }
    }
    return n ? (double)right / n : 0;
}

double shape_fit(int n_scenes, struct buf *out)
{
    struct samples all = {0};
    double w[SHAPE_KINDS][SHAPE_FEATURES], right = 0;

    render_samples(n_scenes, &all);
    buf_printf(out,
               "/* Weights of shape.h, made by `zoetrope measure --fit %d`. */\n"
               "#ifndef MEASURE_SHAPE_TABLE_H\n#define MEASURE_SHAPE_TABLE_H\n\n"
               "#include \"measure/shape.h\"\n\n/* clang-format off */\n"
               "static const float shape_table[SHAPE_GROUPS][SHAPE_KINDS][SHAPE_FEATURES] = {\n",
               n_scenes);
    for (int g = 0; g < SHAPE_GROUPS; g++) {
        right += fit_group(&all, g, w) / SHAPE_GROUPS;
        buf_puts(out, "{\n");
        for (int k = 0; k < SHAPE_KINDS; k++) {
            buf_putc(out, '{');
            for (int j = 0; j < SHAPE_FEATURES; j++)
                buf_printf(out, "%s%.2ff", !j ? "" : j % 12 ? ", " : ",\n ", w[k][j]);
            buf_puts(out, "},\n");
        }
        buf_puts(out, "},\n");
    }
    buf_puts(out, "};\n/* clang-format on */\n\n#endif\n");
    free(all.item);
    return right;
}
