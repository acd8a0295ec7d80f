#include <string.h>

#include "world/story/figure_kinds.h"

static struct figure_paint fur(const struct cast *c)
{
    struct figure_paint p = paint_color(c->story->facts.color, 0);

    p.pattern = FIGURE_TUFTS;
    if (c->story->facts.color == COLOR_BLACK)
        p.rgb[0] = p.rgb[1] = p.rgb[2] = 0.035f;
    return p;
}

/* Limbs have no tufts to be shaded by. */
static struct figure_paint smooth_fur(const struct cast *c)
{
    struct figure_paint p = fur(c);

    p.pattern = FIGURE_PLAIN;
    for (int i = 0; i < 3; i++)
        p.rgb[i] *= 0.82f;
    return p;
}

static void eyes(const struct cast *c, const struct axes *a, struct vec at, struct figure *f)
{
    struct figure_paint lid = smooth_fur(c);
    float open = figure_eyes(c->t_s, c->early);
    float wander = c->story->facts.prop == STORY_CANDLE ? 0.06f : 0.14f;
    /* The pupils look on at the candle, too. */
    struct axes look =
        axes_turn(*a, wander * figure_wave(c->t_s / 5.3 + c->early) + (wander < 0.1f ? 0.3f : 0),
                  wander < 0.1f ? 0.2f : 0);

    for (int i = 0; i < 2; i++) {
        float s = i ? -1 : 1;
        struct figure_paint p = paint_plain(0.92f, 0.92f, 0.90f, 0.1f);

        p = paint_with(p, FIGURE_EYE, lid.rgb, 0.72f - 1.8f * (1 - open), 0.56f);
        figure_solid(f, FIGURE_ELLIPSOID, axes_at(at, a, 0.225f, s * 0.125f, 0.15f),
                     axes_turn(look, s * 0.1f, 0), vec(0.10f, 0.13f, 0.145f), 0, p);
    }
}

void figure_monster(const struct cast *c, struct figure *f)
{
    const struct joints *j = &c->j;
    const struct axes *a = &j->head_axes;
    struct vec at = axes_at(j->pelvis, &j->hip_axes, 0, 0, 0.20f);
    float squash = 1 + 0.02f * figure_wave(c->t_s / 1.9 + c->early);
    struct figure_paint hair = fur(c), soft = smooth_fur(c);
    struct figure_paint horn = paint_plain(0.82f, 0.66f, 0.38f, 0.12f);
    struct figure_part *p;

    hair.pattern = FIGURE_MOUTH;
    hair.from = -0.18f;
    figure_group(f);
    p = figure_solid(f, FIGURE_FUR, at, *a, vec(0.29f, 0.31f, 0.345f * squash), 0, hair);
    p->size[3] = 0.022f;
    figure_group(f);
    eyes(c, a, at, f);
    figure_group(f);
    for (int i = 0; i < 2; i++) {
        float s = i ? -1 : 1;

        figure_limb(f, axes_at(at, a, 0, s * 0.13f, 0.29f), axes_at(at, a, 0.02f, s * 0.2f, 0.45f),
                    0.042f, 0.010f, 0, horn);
        p = figure_solid(f, FIGURE_ELLIPSOID, axes_at(at, a, -0.01f, s * 0.3f, 0.2f),
                         axes_turn(*a, s * 0.3f, 0), vec(0.045f, 0.10f, 0.07f), 0, soft);
    }
    for (int i = 0; i < 2; i++) {
        figure_group(f);
        figure_limb(f, j->shoulder[i], j->elbow[i], 0.062f, 0.055f, 0, soft);
        figure_limb(f, j->elbow[i], j->hand[i], 0.055f, 0.066f, 0.04f, soft);
    }
    for (int i = 0; i < 2; i++) {
        struct vec toe = axes_at(j->ankle[i], &j->foot[i], 0.04f, 0, 0.055f - c->build->sole);

        figure_group(f);
        figure_limb(f, j->hip[i], j->ankle[i], 0.085f, 0.07f, 0, soft);
        figure_solid(f, FIGURE_ELLIPSOID, toe, j->foot[i], vec(0.125f, 0.085f, 0.055f), 0.03f,
                     soft);
    }
}
