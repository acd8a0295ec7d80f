#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rng.h"
#include "measure/shape.h"
#include "measure/sight_inner.h"
#include "world/clip.h"

enum { STREAM_FIT = 0x66697473, FIT_STEPS = 1500, MAX_SAMPLES = 8, W = 112, H = 64, FRAMES = 17 };

struct sample {
    int shape, group; /* 0..SHAPE_KINDS-1 */
    float x[SHAPE_FEATURES];
};

struct samples {
    struct sample *item;
    int n, cap;
};

/* What codecs and generators do to edges: blur by up to a pixel, and noise. */
static void spoil(uint8_t *rgb, int n_frames, struct rng *r)
{
    size_t row = W * 3, size = row * H;
    double side = rng_chance(r, 0.3) ? 0 : rng_range(r, 0, 0.3), noise = rng_range(r, 0, 4);
    uint8_t *old = xmalloc(size);

    for (int t = 0; t < n_frames; t++, rgb += size) {
        for (int pass = 0; pass < 2; pass++) {
            size_t gap = pass ? row : 3;

            memcpy(old, rgb, size);
            for (size_t i = gap; i + gap < size; i++)
                rgb[i] =
                    (uint8_t)((1 - 2 * side) * old[i] + side * (old[i - gap] + old[i + gap]) + 0.5);
        }
        for (size_t i = 0; i < size; i++)
            rgb[i] = (uint8_t)fmin(fmax(rgb[i] + noise * rng_normal(r) + 0.5, 0), 255);
    }
    free(old);
}

static void collect(const struct clip *c, const struct facts *facts, struct rng *r,
                    struct samples *out)
{
    struct view_film f;
    struct track tracks[SIGHT_MAX_TRACKS];
    int n_tracks;

    spoil(c->rgb, c->n_frames, r);
    view_film_init(&f, c->rgb, c->w, c->h, c->n_frames);
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
        clip_render(&s, W, H, FRAMES, rng_chance(&r, 0.5) ? 8 : 4, &c);
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
