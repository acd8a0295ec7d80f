/* Figures: bones, steps, sizes, and distances that rays can trust. */
#include <stdlib.h>

#include "base/rng.h"
#include "world/march/march.h"
#include "world/march/material.h"
#include "world/march/sdf.h"
#include "world/story/figure_kinds.h"
#include "world/story/stage.h"
#include "ztest.h"

#include "world/march/hit.inc"
#include "world/story/figure.inc"

static struct story a_story(int subject, int action, int prop)
{
    return (struct story){{subject, STORY_STREET, action, COLOR_RED, prop, STORY_MID, STORY_STATIC,
                           STORY_DAY, STORY_CLEAR, STORY_PHOTO},
                          3,
                          1.75f,
                          0};
}

static struct joints joints_at(const struct story *s, double t_s)
{
    struct joints j;

    figure_joints(figure_build(s->facts.subject), s->facts.action, 0, t_s,
                  (double)figure_draw(s, 0), &j);
    return j;
}

/* The two points that a foot stands on, over the road: x counts how far the walker has come. */
static void soles(const struct story *s, double t_s, int side, struct vec at[2])
{
    const struct build *b = figure_build(s->facts.subject);
    struct joints j = joints_at(s, t_s);

    at[0] = axes_at(j.ankle[side], &j.foot[side], -b->heel, 0, -b->sole);
    at[1] = axes_at(j.ankle[side], &j.foot[side], b->toe, 0, -b->sole);
    for (int k = 0; k < 2; k++)
        at[k].x += (float)((double)figures_speed(s) * t_s);
}

TEST(figures_walk_without_sliding)
{
    enum { STEPS = 2000 };
    const double dt = 0.004;

    for (int subject = STORY_WOMAN; subject < STORY_SUBJECT_COUNT; subject++) {
        struct story s = a_story(subject, STORY_WALKS, STORY_NO_PROP);
        const struct build *b = figure_build(subject);
        int down = 0;

        CHECK(figures_speed(&s) > 0.2f && figures_speed(&s) < 1.6f);
        CHECK_BELOW(fabs((double)(figures_speed(&s) * b->walk_s - b->walk_m)), 1e-5);
        for (int i = 0; i < STEPS; i++) {
            for (int side = 0; side < 2; side++) {
                struct vec a[2], z[2];

                soles(&s, 60 + i * dt, side, a);
                soles(&s, 60 + (i + 1) * dt, side, z);
                for (int k = 0; k < 2; k++) {
                    CHECK(a[k].z > -1e-3f);
                    if (a[k].z < 5e-4f && z[k].z < 5e-4f) {
                        CHECK_BELOW(vec_len(vec_sub(a[k], z[k])), 1.5e-3);
                        down++;
                    }
                }
            }
        }
        CHECK(down > STEPS / 3); /* or nothing was looked at */
    }
}

/* Every action of everybody, over time: bones keep their lengths, nothing jumps. */
TEST(figures_keep_their_bones)
{
    const double dt = 0.01;

    for (int subject = STORY_WOMAN; subject < STORY_SUBJECT_COUNT; subject++) {
        for (int action = 1; action < STORY_ACTION_COUNT; action++) {
            struct story s = a_story(subject, action, STORY_NO_PROP);
            const struct build *b = figure_build(subject);
            struct joints was = joints_at(&s, 0);

            for (int i = 1; i < 600; i++) {
                struct joints j = joints_at(&s, i * dt);

                for (int k = 0; k < 2; k++) {
                    float thigh = vec_len(vec_sub(j.knee[k], j.hip[k]));
                    float shin = vec_len(vec_sub(j.ankle[k], j.knee[k]));
                    float upper = vec_len(vec_sub(j.elbow[k], j.shoulder[k]));
                    float fore = vec_len(vec_sub(j.hand[k], j.elbow[k]));

                    CHECK_BELOW(fabsf(thigh - b->thigh), 2e-3);
                    CHECK_BELOW(fabsf(shin - b->shin), 2e-3);
                    CHECK_BELOW(fabsf(upper - b->upper), 2e-3);
                    CHECK_BELOW(fabsf(fore - b->fore), 2e-3);
                    CHECK_BELOW(vec_len(vec_sub(j.hand[k], was.hand[k])), 14 * dt);
                    CHECK_BELOW(vec_len(vec_sub(j.knee[k], was.knee[k])), 7 * dt);
                    CHECK_BELOW(vec_len(vec_sub(j.ankle[k], was.ankle[k])), 7 * dt);
                }
                CHECK(j.head.z > j.chest.z - 0.05f);
                was = j;
            }
        }
    }
}

/* How far figure f reaches from `at` along d, m: where its distance last is below a tenth of a mm.
 */
static float extent(const struct figure *f, struct vec at, struct vec d)
{
    float last = 0;

    for (int i = 0; i < 1000; i++) {
        float t = (float)i * 1e-3f;
        v16 x = figure_distance(f, p_set(at.x + d.x * t, at.y + d.y * t, at.z + d.z * t));

        if (x[0] < 1e-4f)
            last = t;
    }
    return last;
}

TEST(figures_hold_a_racket_of_the_right_size)
{
    struct story s = a_story(STORY_GIRL, STORY_PLAYS, STORY_RACKET);
    struct figure f[FIGURES_MAX];
    struct vec at = {0, 0, 1}, up = {0, 0, 1}, side = {0, 1, 0}, down = {0, 0, -1}, head;
    struct cast c = {.story = &s};
    struct axes a;
    float whole, wide, shaft, cork, skirt;

    figure_racket(&c, at, up, vec(1, 0, 0), &f[0]);
    head = figure_racket_head(at, up);
    whole = extent(&f[0], at, up) + extent(&f[0], at, down);
    wide = extent(&f[0], head, side) + extent(&f[0], head, vec(0, -1, 0));
    shaft = 2 * extent(&f[0], vec(0, 0, 1.2f), side);
    CHECK_BELOW(fabsf(whole - 0.67f), 0.006);
    CHECK_BELOW(fabsf(wide - 0.23f), 0.006);
    CHECK_BELOW(fabsf(2 * extent(&f[0], head, up) - 0.29f), 0.006);
    CHECK(shaft > 0.004f && shaft < 0.028f);

    CHECK(figures_pose(&s, 0.3, f) == 3);
    CHECK(f[0].id == FIGURE_ID_SUBJECT && f[1].id == FIGURE_ID_PROP && f[2].id == FIGURE_ID_PROP);
    figure_shuttlecock(at, up, &f[2]);
    cork = extent(&f[2], vec(0, 0, 1), up);
    a = axes_facing(up, side);
    skirt = extent(&f[2], vec(0, 0, 1 + 0.045f - 0.119f), a.y);
    CHECK(cork > 0.07f && cork < 0.09f);
    CHECK(skirt > 0.05f && 2 * skirt < 0.55f * wide);
}

/* It is where the strings are when it is hit, brakes, never jumps, and comes back for ever. */
TEST(figures_shuttlecock_flies_and_returns)
{
    const struct build *b = figure_build(STORY_GIRL);
    const double dt = 1e-3;
    struct vec hit = {0.5f, -0.2f, 1.9f}, to, to_late, was = figure_shuttlecock_path(hit, 0, &to);
    struct joints j;
    struct story s = a_story(STORY_GIRL, STORY_PLAYS, STORY_RACKET);
    double first = PLAY_MS * (3 - (double)figure_draw(&s, 0)) / 1000; /* a hit */
    struct figure f[FIGURES_MAX];
    float top = 0;

    for (int i = 1; i <= 2000; i++) {
        struct vec at = figure_shuttlecock_path(hit, i * dt, &to_late);

        CHECK_BELOW(vec_len(vec_sub(at, was)), 0.06);
        top = fmaxf(top, at.z);
        was = at;
    }
    CHECK_BELOW(vec_len(vec_sub(was, hit)), 1e-3);
    CHECK(top > hit.z + 0.5f);
    figure_shuttlecock_path(hit, 0.499, &to_late);
    CHECK(to.x > 0 && to_late.x > 0 && to_late.x < 0.5f * to.x && to_late.z < 0);
    figure_joints_playing(b, 0, &j);
    figures_pose(&s, first, f);
    CHECK_BELOW(vec_len(vec_sub(vec(f[2].center[0], f[2].center[1], f[2].center[2]),
                                figure_racket_head(j.hand[1], j.grip))),
                0.12);
}

TEST(figures_turn_a_page_now_and_then)
{
    struct story s = a_story(STORY_READER, STORY_READS, STORY_BOOK);
    int turned = 0, was = 0;

    for (int i = 0; i < 8400; i++) { /* 84 s */
        struct figure f[FIGURES_MAX];

        CHECK(figures_pose(&s, i * 0.01, f) == 2);
        turned += f[1].n_parts > was && was;
        was = f[1].n_parts;
    }
    CHECK(turned == 20);
}

TEST(figures_candle_flickers_where_its_flame_is)
{
    struct story s = a_story(STORY_MONSTER, STORY_SITS, STORY_CANDLE);
    float least = 1e9f, most = 0;

    for (int i = 0; i < 400; i++) {
        struct figure f[FIGURES_MAX];
        v16 d;

        CHECK(figures_pose(&s, i * 0.05, f) == 2);
        d = figure_distance(&f[1], p_set(f[1].light_at[0], f[1].light_at[1], f[1].light_at[2]));
        CHECK(d[0] < 0.01f);
        CHECK(f[1].light[0] > f[1].light[1] && f[1].light[1] > f[1].light[2]);
        least = fminf(least, f[1].light[0]);
        most = fmaxf(most, f[1].light[0]);
        CHECK(f[0].light[0] == 0);
    }
    CHECK(most > 1.1f * least && most < 1.6f * least);
}

/* Points on the surface, found by steps much smaller than the distances say. */
static int surface_points(const struct figure *f, struct rng *r, struct vec *found, int want)
{
    int n = 0;

    for (int ray = 0; ray < 24 * want && n < want; ray++) {
        struct vec d =
            vec_unit(vec((float)rng_normal(r), (float)rng_normal(r), (float)rng_normal(r)));
        struct vec aim = vec((float)rng_range(r, -0.6, 0.6), (float)rng_range(r, -0.6, 0.6),
                             (float)rng_range(r, -0.6, 0.6));
        struct vec o = vec(f->center[0], f->center[1], f->center[2]);

        o = vec_add(vec_add(o, vec_mul(aim, f->radius)), vec_mul(d, -2 * f->radius));
        for (float t = 0; t < 4 * f->radius;) {
            struct vec q = vec_add(o, vec_mul(d, t));
            v16 x = figure_distance(f, p_set(q.x, q.y, q.z));

            if (x[0] < 2e-4f) {
                found[n++] = q;
                break;
            }
            t += fmaxf(0.4f * x[0], 2e-4f);
        }
    }
    return n;
}

/* No point may claim to be further from the surface than it is, nor parts stick out of spheres. */
static void check_distances(const struct figure *f, struct rng *r)
{
    enum { WANT = 24, LOOKS = 8 };
    struct vec on[WANT];
    int n = surface_points(f, r, on, WANT);

    CHECK(n > WANT / 4);
    for (int i = 0; i < n; i++) {
        struct vec c = vec(f->center[0], f->center[1], f->center[2]);

        CHECK_BELOW(vec_len(vec_sub(on[i], c)), (double)f->radius * 1.001 + 1e-3);
        for (int k = 0; k < LOOKS; k++) {
            double wide = k % 2 ? 0.05 : 0.6;
            struct p16 q;
            v16 d, away;

            PER_LANE
            {
                q.x[i] = on[i % n].x + (float)rng_range(r, -wide, wide);
                q.y[i] = on[i % n].y + (float)rng_range(r, -wide, wide);
                q.z[i] = on[i % n].z + (float)rng_range(r, -wide, wide);
            }
            d = figure_distance(f, q);
            for (int m = 0; m < n; m++) {
                away = p_len(p_from(q, on[m].x, on[m].y, on[m].z));
                PER_LANE CHECK_BELOW(d[i], 1.1f * away[i] + 1e-3f);
            }
        }
    }
}

TEST(figures_distances_never_reach_too_far)
{
    struct rng r;

    rng_init(&r, 11, 0);
    for (int subject = STORY_NOBODY; subject < STORY_SUBJECT_COUNT; subject++) {
        for (int action = 1; action < STORY_ACTION_COUNT; action++) {
            struct story s = a_story(subject, action, 1 + (action + subject) % 4);
            struct figure f[FIGURES_MAX];
            int n = figures_pose(&s, 0.37 * action + subject, f);

            CHECK(n >= (subject != STORY_NOBODY) && n <= FIGURES_MAX);
            for (int i = 0; i < n; i++)
                check_distances(&f[i], &r);
        }
    }
}

/* Colours are of this world: the shirt, dress, fur or stripe is what was asked for. */
TEST(figures_wear_their_colour)
{
    for (int subject = STORY_WOMAN; subject < STORY_SUBJECT_COUNT; subject++) {
        for (int color = 1; color < COLOR_COUNT; color++) {
            struct story s = a_story(subject, STORY_STANDS, STORY_NO_PROP);
            struct figure f[FIGURES_MAX];
            struct rng r;
            struct vec on[200];
            float rgb[3];
            int n, wears = 0;

            s.facts.color = color;
            figure_color(color, rgb);
            figures_pose(&s, 1, f);
            rng_init(&r, 5, 0);
            n = surface_points(&f[0], &r, on, 200);
            for (int i = 0; i < n; i++) {
                struct material m = material_of(p_set(0.4f, 0.4f, 0.4f));
                float a, b, c;

                figure_material(&f[0], p_set(on[i].x, on[i].y, on[i].z), &m);
                a = m.color.x[0], b = m.color.y[0], c = m.color.z[0];
                CHECK(isfinite(a) && isfinite(b) && isfinite(c) && a >= 0);
                /* The same hue: in proportion, whatever the brightness. */
                wears += fabsf(a * rgb[1] - b * rgb[0]) + fabsf(b * rgb[2] - c * rgb[1]) <
                         0.03f * (a + b + c);
            }
            CHECK(wears > n / 40);
        }
    }
}

/* Whoever is looked at stands in the frame that cameras use. */
TEST(figures_frame_holds_the_subject)
{
    for (int subject = STORY_WOMAN; subject < STORY_SUBJECT_COUNT; subject++) {
        for (int action = 1; action < STORY_ACTION_COUNT; action++) {
            struct story s = a_story(subject, action, STORY_NO_PROP);
            float body[4], head[4];

            figures_frame(&s, body, head);
            CHECK(body[3] > 0.3f && body[3] < 1.5f && head[3] > 0.15f && head[3] < 0.4f);
            for (int i = 0; i < 40; i++) {
                struct joints j = joints_at(&s, 100 + i * 0.23);
                struct vec h = vec_sub(j.head, vec(body[0], body[1], body[2]));

                CHECK_BELOW(vec_len(h), (double)body[3] * 1.1);
                CHECK_BELOW(vec_len(vec_sub(j.head, vec(head[0], head[1], head[2]))),
                            action == STORY_WALKS || action == STORY_HOPS ? 0.5 : 0.35);
            }
        }
    }
}

static void frame_of(const struct march_code *code, const struct story *s, uint8_t *rgb,
                     uint8_t *ids)
{
    enum { W = 48, H = 48 };
    static uint8_t scratch[MARCH_SCRATCH_BYTES(W, H)] __attribute__((aligned(64)));
    struct march *m = malloc(sizeof *m);
    struct stage st;

    stage_init(&st, s, 1);
    stage_frame(&st, 1.3, m);
    code->frame(m, W, H, scratch, rgb, ids);
    free(m);
}

/* The same bits from every instruction set, with somebody in the picture. */
TEST(figures_look_the_same_on_every_cpu)
{
    enum { N = 48 * 48 };
    static const char *const names[] = {"avx2", "avx512"};
    static uint8_t a[N * 3], b[N * 3], ids[N], other[N];

    for (int subject = STORY_WOMAN; subject < STORY_SUBJECT_COUNT; subject++) {
        struct story s = a_story(subject, 1 + (subject * 3) % 8, 1 + subject % 4);
        int seen = 0;

        frame_of(march_named("c"), &s, a, ids);
        for (int i = 0; i < N; i++)
            seen += ids[i] == FIGURE_ID_SUBJECT;
        CHECK(seen > N / 40);
        for (int k = 0; k < 2; k++) {
            if (!march_named(names[k]))
                continue;
            frame_of(march_named(names[k]), &s, b, other);
            CHECK(!memcmp(a, b, sizeof a) && !memcmp(ids, other, sizeof ids));
        }
    }
    (void)open_sky;
    (void)in_fog;
    (void)hit_box;
}
