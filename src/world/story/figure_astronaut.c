#include "world/story/figure_kinds.h"

static const float SUIT[3] = {0.80f, 0.80f, 0.79f}, GREY[3] = {0.30f, 0.31f, 0.33f};

static struct figure_paint suit(void)
{
    return paint_plain(SUIT[0], SUIT[1], SUIT[2], 0.06f);
}

static struct figure_paint striped(const struct cast *c, float from, float to)
{
    float rgb[3];

    figure_color(c->story->facts.color, rgb);
    if (c->story->facts.color == COLOR_WHITE) /* white on white: seen by its shade */
        rgb[0] = rgb[1] = rgb[2] = 0.5f;
    return paint_with(suit(), FIGURE_BAND, rgb, from, to);
}

static void helmet(const struct joints *j, struct figure *f)
{
    const struct axes *a = &j->head_axes;
    struct figure_paint glass = paint_plain(0.03f, 0.04f, 0.07f, 0.85f);

    figure_group(f);
    figure_solid(f, FIGURE_ELLIPSOID, j->head, *a, vec(0.205f, 0.20f, 0.205f), 0, suit());
    figure_solid(f, FIGURE_ELLIPSOID, axes_at(j->head, a, 0.055f, 0, 0.0f), *a,
                 vec(0.17f, 0.150f, 0.125f), 0, glass);
}

static void trunk(const struct cast *c, struct figure *f)
{
    const struct joints *j = &c->j;
    const struct axes *a = &j->chest_axes;
    struct figure_part *p;
    float rgb[3];

    figure_color(c->story->facts.color, rgb);
    figure_group(f);
    figure_solid(f, FIGURE_ELLIPSOID, axes_at(j->chest, a, 0, 0, -0.14f), *a,
                 vec(0.17f, 0.24f, 0.23f), 0, suit());
    figure_limb(f, axes_at(j->chest, a, 0, 0, -0.25f), j->pelvis, 0.175f, 0.175f, 0.08f,
                striped(c, 0.12f, 0.72f));
    p = figure_solid(
        f, FIGURE_BOX, axes_at(j->chest, a, 0.165f, 0, -0.16f), *a, vec(0.035f, 0.13f, 0.09f), 0,
        paint_with(paint_plain(GREY[0], GREY[1], GREY[2], 0.1f), FIGURE_BAND, rgb, -0.6f, 0.6f));
    p->size[3] = 0.015f;
    figure_group(f);
    p = figure_solid(f, FIGURE_BOX, axes_at(j->chest, a, -0.24f, 0, -0.12f), *a,
                     vec(0.10f, 0.185f, 0.28f), 0, paint_plain(0.62f, 0.62f, 0.63f, 0.05f));
    p->size[3] = 0.05f;
}

void figure_astronaut(const struct cast *c, struct figure *f)
{
    const struct joints *j = &c->j;
    const struct build *b = c->build;
    struct figure_paint grey = paint_plain(GREY[0], GREY[1], GREY[2], 0.05f);

    helmet(j, f);
    trunk(c, f);
    for (int i = 0; i < 2; i++) {
        struct vec out = vec_unit(vec_sub(j->hand[i], j->elbow[i]));

        figure_group(f);
        figure_limb(f, j->shoulder[i], j->elbow[i], 0.105f, 0.088f, 0, striped(c, 0.22f, 0.85f));
        figure_limb(f, j->elbow[i], j->hand[i], 0.09f, 0.075f, 0.03f, suit());
        figure_limb(f, j->hand[i], vec_add(j->hand[i], vec_mul(out, 0.07f)), 0.075f, 0.062f, 0.02f,
                    grey);
    }
    for (int i = 0; i < 2; i++) {
        struct vec heel = axes_at(j->ankle[i], &j->foot[i], -b->heel * 0.5f, 0, 0.085f - b->sole);
        struct vec toe = axes_at(j->ankle[i], &j->foot[i], b->toe, 0, 0.075f - b->sole);

        figure_group(f);
        figure_limb(f, j->hip[i], j->knee[i], 0.135f, 0.108f, 0, striped(c, 0.3f, 0.9f));
        figure_limb(f, j->knee[i], j->ankle[i], 0.11f, 0.10f, 0.03f, suit());
        figure_limb(f, heel, toe, 0.085f, 0.075f, 0.03f, grey);
    }
}
