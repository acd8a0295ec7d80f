#include <stdlib.h>

#include "base/rng.h"
#include "world/march/material.h"
#include "world/march/sdf.h"
#include "world/story/coast.h"
#include "world/story/render.h"
#include "world/story/sample.h"
#include "world/story/stage.h"
#include "ztest.h"

enum { W = 56, H = 32 }; /* pictures */

static v16 ramp(float first, float step)
{
    v16 x;

    PER_LANE x[i] = first + step * (float)i;
    return x;
}

/* Against the C library and the language, lane by lane. */
TEST(march_vectors_do_what_the_language_does)
{
    for (int k = -40; k < 40; k++) {
        v16 x = ramp((float)k * 1.7f, 0.237f), y = ramp(1, -0.31f);
        v16 lo = v_min(x, y), hi = v_max(x, y), fl = v_floor(x), sine = v_sin(x), co = v_cos(x);
        v16 root = v_sqrt(v_abs(x)), fade = v_fade(v_abs(x)), some = v_sel(v_lt(x, y), x, -y);

        PER_LANE
        {
            CHECK(lo[i] == (x[i] < y[i] ? x[i] : y[i]));
            CHECK(hi[i] == (x[i] > y[i] ? x[i] : y[i]));
            CHECK(some[i] == (x[i] < y[i] ? x[i] : -y[i]));
            CHECK(fl[i] == floorf(x[i]));
            CHECK(root[i] == sqrtf(fabsf(x[i])));
            CHECK_BELOW(fabs((double)sine[i] - sin((double)x[i])), 2e-3);
            CHECK_BELOW(fabs((double)co[i] - cos((double)x[i])), 2e-3);
            CHECK_BELOW(fabs((double)fade[i] - exp(-fabs((double)x[i]))), 0.035);
        }
        CHECK(!m_any(v_lt(x, x)) && m_any(v_lt(x, x + 1)));
    }
}

/* Many steps along a grid: no jump, the range is used, the neighbour is another value. */
TEST(march_noise_is_smooth_and_fills_its_range)
{
    double sum = 0, low = 1, high = 0;

    for (int k = 0; k < 400; k++) {
        v16 y = v_set((float)k * 0.61f - 100), a = v_noise(ramp(-90, 11.37f), y);
        v16 b = v_noise(ramp(-90, 11.37f) + 1e-3f, y);

        PER_LANE
        {
            CHECK_BELOW(fabsf(a[i] - b[i]), 3e-3);
            sum += (double)a[i];
            low = fmin(low, (double)a[i]);
            high = fmax(high, (double)a[i]);
        }
    }
    CHECK_BELOW(fabs(sum / (400 * LANES) - 0.5), 0.03);
    CHECK(low < 0.05 && high > 0.95);
}

enum { N_SHAPES = 10 };

static v16 shape(int i, struct p16 q)
{
    static const float a[3] = {-0.4f, 0.1f, -0.3f}, b[3] = {0.5f, 0.3f, 0.6f};

    switch (i) {
    case 0:
        return sd_sphere(q, 0.7f);
    case 1:
        return sd_box(q, 0.5f, 0.3f, 0.7f);
    case 2:
        return sd_round_box(q, 0.5f, 0.3f, 0.7f, 0.1f);
    case 3:
        return sd_capsule(q, a, b, 0.2f);
    case 4:
        return sd_limb(q, a, b, 0.25f, 0.15f) * 0.98f;
    case 5:
        return sd_cylinder(q, 0.5f, 0.4f, 0.05f);
    case 6:
        return sd_cone(q, 0.6f, 0.2f, 0.9f);
    case 7:
        return sd_torus(q, 0.6f, 0.2f);
    case 8:
        return sd_smin(sd_sphere(q, 0.5f), sd_sphere(p_from(q, 0.6f, 0, 0), 0.4f), 0.2f);
    default:
        return sd_scut(sd_sphere(q, 0.7f), sd_sphere(p_from(q, 0.5f, 0, 0), 0.4f), 0.1f);
    }
}

/* A ray that steps by the distance must never pass through: |d(p) - d(q)| <= |p - q|, and each
 * shape has an inside of about the size it was asked for. */
TEST(march_distances_never_reach_too_far)
{
    for (int s = 0; s < N_SHAPES; s++) {
        struct rng r;
        int inside = 0;

        rng_init(&r, 7, (uint64_t)s);
        for (int k = 0; k < 500; k++) {
            struct p16 p, q;
            v16 dp, dq, way;

            PER_LANE
            {
                p.x[i] = (float)rng_range(&r, -1.2, 1.2);
                p.y[i] = (float)rng_range(&r, -1.2, 1.2);
                p.z[i] = (float)rng_range(&r, -1.2, 1.2);
                q.x[i] = p.x[i] + (float)rng_range(&r, -0.2, 0.2);
                q.y[i] = p.y[i] + (float)rng_range(&r, -0.2, 0.2);
                q.z[i] = p.z[i] + (float)rng_range(&r, -0.2, 0.2);
            }
            dp = shape(s, p);
            dq = shape(s, q);
            way = p_len(p_sub(p, q));
            PER_LANE
            {
                CHECK_BELOW(fabsf(dp[i] - dq[i]), way[i] * 1.001f + 1e-5f);
                inside += dp[i] < 0;
            }
        }
        CHECK(inside > 80 && inside < 1200);
    }
}

TEST(march_shapes_have_the_sizes_asked_for)
{
    static const struct {
        int shape;
        float at[3], distance;
    } known[] = {
        {0, {2, 0, 0}, 1.3f},     {1, {0.5f, 0.3f, 0.7f}, 0},     {1, {1.5f, 0.3f, 0.7f}, 1},
        {2, {0, 0, 1}, 0.3f},     {3, {0.5f, 0.3f, 0.6f}, -0.2f}, {5, {0, 1.5f, 0}, 1},
        {6, {0, 0, 1.9f}, 1},     {6, {0.6f, 0, 0}, 0},           {6, {0, 0.2f, 0.9f}, 0},
        {7, {0.6f, 0, 0}, -0.2f}, {7, {0, 0, 0}, 0.4f},
    };

    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        v16 d = shape(known[k].shape, p_set(known[k].at[0], known[k].at[1], known[k].at[2]));

        CHECK_BELOW(fabsf(d[3] - known[k].distance), 1e-5);
    }
    {
        struct p16 q = p_turn_z(p_set(1, 0, 5), 0, 1); /* a quarter: +x becomes +y */

        CHECK(fabsf(q.x[0]) < 1e-6f && fabsf(q.y[0] - 1) < 1e-6f && fabsf(q.z[0] - 5) < 1e-6f);
    }
}

TEST(march_material_is_set_where_asked)
{
    struct material m = material_of(p_set(0.2f, 0.2f, 0.2f));

    material_set(&m, v_lt(ramp(0, 1), v_set(3)), p_set(1, 0.5f, 0), 2, 0.7f);
    CHECK(m.color.x[2] == 1 && m.color.y[2] == 0.5f && m.glow[2] == 2 && m.gloss[2] == 0.7f);
    CHECK(m.color.x[3] == 0.2f && m.glow[3] == 0 && m.gloss[15] == 0);
}

static void render(const char *isa, const struct story_facts *f, uint64_t seed, double t_s,
                   uint8_t *rgb, uint8_t *ids)
{
    static char scratch[MARCH_SCRATCH_BYTES(W, H)];
    struct story s;
    struct stage st;
    struct march m;

    story_from_facts(&s, f, seed, 0);
    stage_init(&st, &s, (double)W / H);
    stage_frame(&st, t_s, &m);
    march_named(isa)->frame(&m, W, H, scratch, rgb, ids);
}

/* The promise to every CPU: all places, all times, every weather and style, equal to the bit. */
TEST(march_pictures_are_equal_for_every_instruction_set)
{
    static const char *const isa[] = {"avx2", "avx512"};
    static uint8_t want[W * H * 3], got[W * H * 3], want_ids[W * H], ids[W * H];

    for (size_t k = 0; k < sizeof isa / sizeof *isa; k++) {
        if (!march_named(isa[k]))
            continue;
        for (int place = 1; place < STORY_PLACE_COUNT; place++) {
            struct story_facts f = {.place = place,
                                    .time = 1 + place % 3,
                                    .weather = 1 + place % 4,
                                    .style = 1 + place % 5};

            render("c", &f, (uint64_t)place, 1.3, want, want_ids);
            render(isa[k], &f, (uint64_t)place, 1.3, got, ids);
            CHECK(!memcmp(want, got, sizeof want));
            CHECK(!memcmp(want_ids, ids, sizeof ids));
        }
    }
}

static double difference(const uint8_t *a, const uint8_t *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += abs(a[i] - b[i]);
    return sum / (double)n;
}

/* Pictures are neither black nor white nor one colour, and the same story is the same clip. */
TEST(story_clips_show_something_and_repeat)
{
    for (int place = 1; place < STORY_PLACE_COUNT; place++) {
        struct story_facts f = {
            .subject = STORY_NOBODY, .place = place, .camera = STORY_ORBIT_LEFT};
        struct story s;
        struct clip a, b;
        double sum = 0, square = 0, mean;
        size_t n = W * H * 3;

        story_from_facts(&s, &f, 11, 0);
        story_render(&s, W, H, 3, 1, &a);
        story_render(&s, W, H, 3, 1, &b);
        CHECK(!memcmp(a.rgb, b.rgb, 3 * n) && !memcmp(a.ids, b.ids, n));
        for (size_t i = 0; i < n; i++) {
            sum += a.rgb[i];
            square += (double)a.rgb[i] * a.rgb[i];
        }
        mean = sum / (double)n;
        CHECK(mean > 20 && mean < 235);
        CHECK(square / (double)n - mean * mean > 8 * 8);
        CHECK(difference(a.rgb, a.rgb + 2 * n, n) > 5); /* an orbit moves everything */
        clip_release(&a);
        clip_release(&b);
    }
}

/* A mirrored story is the same clip with left and right exchanged, and truth with it. */
TEST(story_mirror_flips_pictures_and_truth)
{
    struct story_facts f = {
        .subject = STORY_NOBODY, .place = STORY_CLIFF, .camera = STORY_PAN_LEFT};
    struct story s;
    struct clip a, b;

    story_from_facts(&s, &f, 5, 0);
    story_render(&s, W, H, 2, 2, &a);
    story_mirror(&s);
    CHECK_INT(s.facts.camera, STORY_PAN_RIGHT);
    story_render(&s, W, H, 2, 2, &b);
    for (int y = 0; y < 2 * H; y++) {
        for (int x = 0; x < W; x++) {
            CHECK(!memcmp(a.rgb + (y * W + x) * 3, b.rgb + (y * W + W - 1 - x) * 3, 3));
            CHECK_INT(a.ids[y * W + x], b.ids[y * W + W - 1 - x]);
        }
    }
    for (int frame = 0; frame < 2; frame++) {
        const struct clip_object *p = clip_truth(&a, frame, 1), *q = clip_truth(&b, frame, 1);

        CHECK(p->visible > 0.5f && p->bbox[2] - p->bbox[0] >= 4);
        CHECK_BELOW(fabsf(p->px[0] + q->px[0] - W), 1e-3);
        CHECK(p->bbox[0] == W - q->bbox[2]);
    }
    clip_release(&a);
    clip_release(&b);
}

/* Where truth says the lighthouse is, there are its pixels; a pan to the left moves it right. */
TEST(story_truth_is_what_is_seen)
{
    static const struct {
        int camera, axis, sign;
    } moves[] = {{STORY_PAN_LEFT, 0, 1},
                 {STORY_PAN_RIGHT, 0, -1},
                 {STORY_TILT_UP, 1, 1},
                 {STORY_TILT_DOWN, 1, -1}};

    for (size_t k = 0; k < sizeof moves / sizeof *moves; k++) {
        struct story_facts f = {.subject = STORY_NOBODY,
                                .place = STORY_CLIFF,
                                .shot = STORY_FAR,
                                .weather = STORY_CLEAR,
                                .camera = moves[k].camera};
        struct story s;
        struct clip c;
        const struct clip_object *o;

        story_from_facts(&s, &f, 3, 0);
        story_render(&s, W, H, 6, 1, &c);
        for (int frame = 0; frame < 6; frame++) {
            o = clip_truth(&c, frame, 1);
            CHECK(o->px[0] > o->bbox[0] && o->px[0] < o->bbox[2]);
            CHECK(o->px[1] > o->bbox[1] && o->px[1] < o->bbox[3]);
            CHECK(o->visible > 0.5f && o->visible <= 1);
        }
        CHECK((clip_truth(&c, 5, 1)->px[moves[k].axis] - clip_truth(&c, 0, 1)->px[moves[k].axis]) *
                  (float)moves[k].sign >
              8);
        clip_release(&c);
    }
}

static int seen_pixels(const uint8_t *ids, int id)
{
    int n = 0;

    for (int i = 0; i < W * H; i++)
        n += ids[i] == id;
    return n;
}

/* Minute two: whoever walks along the cliff is still on land, and still in the picture. */
TEST(story_goes_on_after_minutes)
{
    static uint8_t rgb[W * H * 3], ids[W * H];

    for (int place = 1; place < STORY_PLACE_COUNT; place++) {
        struct story_facts f = {.subject = STORY_WOMAN,
                                .action = STORY_WALKS,
                                .place = place,
                                .camera = STORY_STATIC,
                                .style = STORY_PHOTO,
                                .weather = STORY_CLEAR,
                                .shot = STORY_MID};

        for (int t = 0; t < 130; t += 13) {
            struct story s;
            struct stage st;
            struct march m;

            render("c", &f, 2, t, rgb, ids);
            CHECK(seen_pixels(ids, 1) >= 40);
            story_from_facts(&s, &f, 2, 0);
            stage_init(&st, &s, (double)W / H);
            stage_frame(&st, t, &m);
            if (place == STORY_CLIFF)
                CHECK_BELOW(COAST_WIDE * sinf(m.root[0] * COAST_TURN + m.par[1]) +
                                COAST_FINE * sinf(m.root[0] * COAST_BEND + 2 * m.par[1]),
                            m.root[1] - 2);
            if (place == STORY_SHIP)
                CHECK_BELOW(fabsf(m.root[1]), 0.1);
        }
    }
}

/* Whoever is filmed, where and how: it is in the picture all the time, and not as a speck. In the
 * middle of a move it has the size that the shot promises. */
TEST(story_subject_is_always_in_view)
{
    static uint8_t rgb[W * H * 3], ids[W * H];
    int k = 0;

    for (int subject = STORY_WOMAN; subject < STORY_SUBJECT_COUNT; subject++) {
        for (int camera = 1; camera < STORY_CAMERA_COUNT; camera++) {
            for (int shot = 1; shot < STORY_SHOT_COUNT; shot++, k++) {
                struct story_facts f = {.subject = subject,
                                        .place = 1 + k % (STORY_PLACE_COUNT - 1),
                                        .camera = camera,
                                        .shot = shot,
                                        .style = STORY_PHOTO,
                                        .weather = STORY_CLEAR};

                for (int at = 0; at < 3; at++) {
                    int n;

                    render("c", &f, (uint64_t)k, 2.5 * at, rgb, ids);
                    n = seen_pixels(ids, 1);
                    CHECK(n >= (shot == STORY_FAR ? 15 : 40));
                    if (at == 1 && shot == STORY_CLOSE)
                        CHECK(n > 110);
                }
            }
        }
    }
}

/* No sign and no rib comes between: the camera keeps to the middle of streets and corridors,
 * however far it swings. */
TEST(story_camera_stays_between_the_walls)
{
    static const int narrow[] = {STORY_STREET, STORY_SHIP};

    for (int k = 0; k < 60; k++) {
        struct story_facts f = {.subject = STORY_ASTRONAUT,
                                .place = narrow[k % 2],
                                .shot = STORY_FAR,
                                .weather = STORY_CLEAR,
                                .camera = k % 4 < 2 ? STORY_ORBIT_LEFT : STORY_ORBIT_RIGHT};
        struct story s;
        struct stage st;
        struct march m;

        story_from_facts(&s, &f, (uint64_t)k, 0);
        stage_init(&st, &s, (double)W / H);
        for (int t = 0; t < 6; t++) {
            stage_frame(&st, t, &m);
            for (int i = 0; i < m.n_boxes; i++) {
                const struct march_box *b = &m.box[i];
                float y = fabsf(m.view.eye[1]);

                CHECK(y < fminf(fabsf(b->lo[1]), fabsf(b->hi[1])));
            }
        }
    }
}
