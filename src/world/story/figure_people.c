/* figure_people.c - the woman, the girl and the young man who reads. */
#include <math.h>

#include "world/story/figure_kinds.h"

static const float SKIN[3] = {0.86f, 0.50f, 0.34f};
static const float BLACK_HAIR[3] = {0.022f, 0.014f, 0.011f};
static const float BROWN_HAIR[3] = {0.13f, 0.055f, 0.022f};
static const float CHESTNUT[3] = {0.20f, 0.075f, 0.02f};

static struct figure_paint paint_of(const float c[3], float gloss)
{
    return paint_plain(c[0], c[1], c[2], gloss);
}

static struct figure_paint face_of(const struct cast *c, int pattern, const float hair[3])
{
    return paint_with(paint_of(SKIN, 0.05f), pattern, hair, figure_eyes(c->t_s, c->early), 0);
}

/* Thick at the shoulder, with a hand; sleeve: how far down it goes, 0..2 (1: the elbow). */
static void arm(const struct joints *j, int i, float r, struct figure_paint cloth, float sleeve,
                struct figure *f)
{
    struct figure_paint skin = paint_of(SKIN, 0.05f);
    struct vec palm =
        vec_add(j->hand[i], vec_mul(vec_unit(vec_sub(j->hand[i], j->elbow[i])), 1.1f * r));

    figure_group(f);
    figure_limb(f, j->shoulder[i], j->elbow[i], r * 1.15f, r * 0.88f, 0,
                paint_with(skin, FIGURE_BAND, cloth.rgb, -1, sleeve));
    figure_limb(f, j->elbow[i], j->hand[i], r * 0.9f, r * 0.66f, 0.3f * r,
                paint_with(skin, FIGURE_BAND, cloth.rgb, -1, sleeve - 1));
    figure_limb(f, j->hand[i], palm, r * 0.78f, r * 0.72f, 0.4f * r, skin);
}

/* trousers: how far down they go, as sleeves do. */
static void leg(const struct joints *j, int i, const float radius[3], const float skin[3],
                struct figure_paint cloth, float trousers, struct figure *f)
{
    struct figure_paint p = paint_of(skin, 0.04f);

    figure_group(f);
    figure_limb(f, j->hip[i], j->knee[i], radius[0], radius[1], 0,
                paint_with(p, FIGURE_BAND, cloth.rgb, -1, trousers));
    figure_limb(f, j->knee[i], j->ankle[i], radius[1] * 0.98f, radius[2], 0.02f,
                paint_with(p, FIGURE_BAND, cloth.rgb, -1, trousers - 1));
}

static void shoe(const struct joints *j, const struct build *b, int i, float r,
                 struct figure_paint p, struct figure *f)
{
    struct vec heel = axes_at(j->ankle[i], &j->foot[i], -b->heel * 0.5f, 0, r * 1.05f - b->sole);
    struct vec toe = axes_at(j->ankle[i], &j->foot[i], b->toe, 0, r * 0.85f - b->sole);

    figure_limb(f, heel, toe, r * 1.05f, r * 0.85f, 0, p);
}

static void high_heel(const struct joints *j, const struct build *b, int i, struct figure_paint p,
                      struct figure *f)
{
    const struct axes *a = &j->foot[i];
    struct vec back = axes_at(j->ankle[i], a, -0.03f, 0, -0.035f);
    struct vec toe = axes_at(j->ankle[i], a, b->toe, 0, 0.022f - b->sole);
    struct vec tip = axes_at(j->ankle[i], a, -b->heel, 0, 0.008f - b->sole);

    figure_limb(f, back, toe, 0.036f, 0.026f, 0.01f, p);
    figure_limb(f, back, tip, 0.022f, 0.010f, 0, p);
}

static void neck(const struct joints *j, float r, struct figure *f)
{
    figure_limb(f, axes_at(j->chest, &j->chest_axes, 0, 0, -0.03f),
                axes_at(j->head, &j->head_axes, -0.02f, 0, -0.04f), r, r * 0.9f, 0,
                paint_of(SKIN, 0.05f));
}

/* From shoulder to shoulder, so that the arms grow out of the trunk. */
static void yoke(const struct joints *j, float r, float back, struct figure_paint cloth,
                 struct figure *f)
{
    struct vec off = vec_mul(j->chest_axes.x, -back);

    figure_limb(f, vec_add(j->shoulder[0], off), vec_add(j->shoulder[1], off), r, r, 0.06f, cloth);
}

/* Long straight hair that swings behind. */
static void woman_head(const struct cast *c, struct figure *f)
{
    const struct joints *j = &c->j;
    const struct axes *a = &j->head_axes;
    struct figure_paint hair = paint_of(BLACK_HAIR, 0.12f);
    float swing = 0.03f * figure_wave(2 * c->t_s / (double)c->build->walk_s + c->early);
    struct vec crown = axes_at(j->head, a, -0.045f, 0, 0.02f), end;

    end = axes_at(j->chest, &j->chest_axes, -0.125f - fabsf(swing), swing, -0.16f);
    figure_group(f);
    figure_solid(f, FIGURE_ELLIPSOID, j->head, *a, vec(0.098f, 0.08f, 0.122f), 0,
                 face_of(c, FIGURE_FACE, BLACK_HAIR));
    neck(j, 0.045f, f);
    figure_solid(f, FIGURE_ELLIPSOID, crown, *a, vec(0.098f, 0.104f, 0.125f), 0, hair);
    for (int i = 0; i < 2; i++) {
        float side = i ? -1 : 1;

        figure_limb(f, axes_at(j->head, a, -0.055f, side * 0.05f, 0.0f),
                    vec_add(end, vec_mul(j->chest_axes.y, side * 0.045f)), 0.062f, 0.045f, 0.03f,
                    hair);
    }
}

/* Waist to knees: a cone that opens with the stride. */
static void skirt(const struct joints *j, struct figure_paint cloth, struct figure *f)
{
    struct vec top = axes_at(j->pelvis, &j->hip_axes, 0, 0, 0.06f);
    struct vec knees = vec_mix(j->knee[0], j->knee[1], 0.5f), d = vec_sub(knees, top);
    float stride = vec_len(vec_sub(j->knee[0], j->knee[1]));
    struct axes a = axes_facing(vec_cross(vec(0, 1, 0), d), vec(0, 0, -1));

    a.z = vec_unit(d);
    a.y = vec_cross(a.z, a.x);
    figure_solid(f, FIGURE_CONE, top, a, vec(0.135f, 0.12f + 0.33f * stride, 0.96f * vec_len(d)),
                 0.03f, cloth);
}

/* A dress to the knees; over the thighs when she sits. */
static void dress(const struct cast *c, struct figure *f)
{
    const struct joints *j = &c->j;
    struct figure_paint cloth = paint_color(c->story->facts.color, 0.1f);
    const struct axes *a = &j->chest_axes;

    figure_group(f);
    figure_solid(f, FIGURE_ELLIPSOID, axes_at(j->chest, a, 0.012f, 0, -0.11f), *a,
                 vec(0.10f, 0.15f, 0.17f), 0, cloth);
    figure_limb(f, axes_at(j->pelvis, a, 0, 0, 0.16f), axes_at(j->pelvis, a, 0, 0, 0.02f), 0.095f,
                0.13f, 0.08f, cloth);
    if (!figure_sits(c->story->facts.action)) {
        skirt(j, cloth, f);
        return;
    }
    for (int i = 0; i < 2; i++)
        figure_limb(f, j->hip[i], vec_mix(j->hip[i], j->knee[i], 0.85f), 0.12f, 0.085f, 0.06f,
                    cloth);
}

/* Dark, long, open in front. */
static void coat(const struct cast *c, struct figure_paint cloth, struct figure *f)
{
    const struct joints *j = &c->j;
    const struct axes *a = &j->chest_axes;
    int low = figure_sits(c->story->facts.action);
    float sway = 0.05f * figure_wave(c->t_s / (double)c->build->walk_s + c->early);

    figure_group(f);
    for (int i = 0; i < 2; i++) {
        float s = i ? -1 : 1, back = vec_mix(j->knee[i], j->ankle[i], 0.2f).x;
        struct vec top = axes_at(j->chest, a, -0.035f, s * 0.10f, -0.09f);
        struct vec hip = axes_at(j->pelvis, &j->hip_axes, -0.05f, s * 0.115f, 0.05f);
        struct vec hem = vec_add(j->pelvis, vec(-0.15f, s * 0.17f + sway, low ? 0 : -0.58f));

        hem.x += back < 0 && !low ? 0.5f * back : 0;
        if (low)
            hem.z = 0.08f;
        figure_limb(f, top, hip, 0.105f, 0.10f, 0.03f, cloth);
        figure_limb(f, hip, hem, 0.10f, 0.075f, 0.06f, cloth);
    }
    yoke(j, 0.055f, 0.015f, cloth, f);
    if (!low)
        figure_limb(f, axes_at(j->pelvis, &j->hip_axes, -0.09f, 0, 0.05f),
                    vec_add(j->pelvis, vec(-0.17f, sway, -0.56f)), 0.09f, 0.09f, 0.08f, cloth);
}

void figure_woman(const struct cast *c, struct figure *f)
{
    static const float radius[3] = {0.068f, 0.050f, 0.034f}, legs[3] = {0.62f, 0.36f, 0.25f};
    static const float dark[3] = {0.022f, 0.024f, 0.034f}, pale[3] = {0.52f, 0.44f, 0.34f};
    /* A black dress wants another coat. */
    int bright = c->story->facts.color == COLOR_BLACK;
    struct figure_paint cloth = paint_of(bright ? pale : dark, 0.06f);
    struct figure_paint shoes = paint_plain(0.02f, 0.02f, 0.02f, 0.14f);

    woman_head(c, f);
    dress(c, f);
    coat(c, cloth, f);
    for (int i = 0; i < 2; i++)
        arm(&c->j, i, 0.048f, cloth, 1.93f, f);
    for (int i = 0; i < 2; i++) {
        leg(&c->j, i, radius, legs, cloth, -1, f);
        high_heel(&c->j, c->build, i, shoes, f);
    }
}

static void girl_head(const struct cast *c, struct figure *f)
{
    const struct joints *j = &c->j;
    const struct axes *a = &j->head_axes;
    struct figure_paint hair = paint_of(CHESTNUT, 0.1f), band = paint_plain(0.9f, 0.9f, 0.9f, 0);
    double beat = c->story->facts.action == STORY_WALKS ? 2 / (double)c->build->walk_s : 0.9;
    float swing = figure_wave(c->t_s * beat + c->early);
    struct vec root = axes_at(j->head, a, -0.135f, 0, 0.075f);
    struct vec mid = axes_at(root, a, -0.09f, 0.04f * swing, 0.0f);
    struct vec end = axes_at(mid, a, -0.04f, 0.09f * swing, -0.17f);

    figure_group(f);
    figure_solid(f, FIGURE_ELLIPSOID, j->head, *a, vec(0.122f, 0.112f, 0.138f), 0,
                 face_of(c, FIGURE_FACE, CHESTNUT));
    neck(j, 0.04f, f);
    figure_solid(f, FIGURE_ELLIPSOID, axes_at(j->head, a, -0.035f, 0, 0.028f), *a,
                 vec(0.118f, 0.124f, 0.128f), 0, hair);
    figure_solid(f, FIGURE_ELLIPSOID, root, *a, vec(0.03f, 0.04f, 0.04f), 0, band);
    figure_limb(f, root, mid, 0.038f, 0.058f, 0.02f, hair);
    figure_limb(f, mid, end, 0.058f, 0.022f, 0.03f, hair);
}

void figure_girl(const struct cast *c, struct figure *f)
{
    static const float radius[3] = {0.072f, 0.047f, 0.034f};
    const struct joints *j = &c->j;
    const struct axes *a = &j->chest_axes;
    int color = c->story->facts.color, white = color == COLOR_WHITE || color == COLOR_BLUE;
    struct figure_paint shirt = paint_color(color, 0.03f);
    struct figure_paint shorts =
        white ? paint_plain(0.42f, 0.05f, 0.08f, 0) : paint_plain(0.03f, 0.06f, 0.22f, 0);
    struct figure_paint shoes = paint_plain(0.86f, 0.86f, 0.86f, 0.1f);

    girl_head(c, f);
    figure_group(f);
    figure_solid(f, FIGURE_ELLIPSOID, axes_at(j->chest, a, 0, 0, -0.085f), *a,
                 vec(0.092f, 0.135f, 0.135f), 0, shirt);
    figure_limb(f, axes_at(j->chest, a, 0, 0, -0.16f), axes_at(j->pelvis, a, 0, 0, 0.06f), 0.098f,
                0.108f, 0.06f, shirt);
    yoke(j, 0.043f, 0, shirt, f);
    figure_solid(f, FIGURE_ELLIPSOID, j->pelvis, j->hip_axes, vec(0.10f, 0.122f, 0.09f), 0.02f,
                 shorts);
    for (int i = 0; i < 2; i++)
        arm(j, i, 0.038f, shirt, 0.55f, f);
    for (int i = 0; i < 2; i++) {
        leg(j, i, radius, SKIN, shorts, 0.52f, f);
        shoe(j, c->build, i, 0.045f, shoes, f);
    }
}

void figure_reader(const struct cast *c, struct figure *f)
{
    static const float radius[3] = {0.088f, 0.062f, 0.046f};
    const struct joints *j = &c->j;
    const struct axes *a = &j->chest_axes, *h = &j->head_axes;
    int blue = c->story->facts.color == COLOR_BLUE || c->story->facts.color == COLOR_BLACK;
    struct figure_paint wool = paint_color(c->story->facts.color, 0);
    struct figure_paint cloth =
        blue ? paint_plain(0.36f, 0.27f, 0.16f, 0) : paint_plain(0.045f, 0.07f, 0.15f, 0);
    struct figure_paint shoes = paint_plain(0.30f, 0.13f, 0.05f, 0.1f);
    int glasses = figure_draw(c->story, 1) < 0.6f;

    figure_group(f);
    figure_solid(f, FIGURE_ELLIPSOID, j->head, *h, vec(0.104f, 0.086f, 0.125f), 0,
                 face_of(c, glasses ? FIGURE_GLASSES : FIGURE_FACE, BROWN_HAIR));
    neck(j, 0.055f, f);
    figure_solid(f, FIGURE_ELLIPSOID, axes_at(j->head, h, -0.022f, 0, 0.052f), *h,
                 vec(0.105f, 0.097f, 0.09f), 0, paint_of(BROWN_HAIR, 0.05f));
    figure_group(f);
    figure_solid(f, FIGURE_ELLIPSOID, axes_at(j->chest, a, 0, 0, -0.12f), *a,
                 vec(0.125f, 0.195f, 0.18f), 0, wool);
    figure_limb(f, axes_at(j->chest, a, 0, 0, -0.2f), axes_at(j->pelvis, a, 0, 0, 0.05f), 0.135f,
                0.135f, 0.08f, wool);
    yoke(j, 0.065f, 0, wool, f);
    figure_solid(f, FIGURE_ELLIPSOID, j->pelvis, j->hip_axes, vec(0.125f, 0.155f, 0.11f), 0.03f,
                 cloth);
    for (int i = 0; i < 2; i++)
        arm(j, i, 0.056f, wool, 1.92f, f);
    for (int i = 0; i < 2; i++) {
        leg(j, i, radius, SKIN, cloth, 1.95f, f);
        shoe(j, c->build, i, 0.055f, shoes, f);
    }
}
