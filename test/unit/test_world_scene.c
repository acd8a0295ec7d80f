/* The world itself: repeatable, large enough to see, moving the way its facts say. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/jsonw.h"
#include "base/thread.h"
#include "format/json.h"
#include "world/physics.h"
#include "world/state_json.h"
#include "ztest.h"

enum { W = 112, H = 64, FPS = 8 };

static void hash_clip(const struct clip *c, char out[65])
{
    struct sha256 h;

    sha256_init(&h);
    sha256_add(&h, c->rgb, (size_t)c->n_frames * (size_t)c->w * (size_t)c->h * 3);
    sha256_add(&h, c->ids, (size_t)c->n_frames * (size_t)c->w * (size_t)c->h);
    sha256_add(&h, c->truth, (size_t)c->n_frames * (size_t)c->n_objects * sizeof *c->truth);
    sha256_hex(&h, out);
}

static void hash_seed(int seed, char out[65])
{
    struct facts f = {.event = 1 + seed % (EVENT_COUNT - 1)};
    struct scene s;
    struct clip c;

    scene_from_facts(&s, &f, (uint64_t)seed, 0);
    scene_render(&s, W, H, 17, FPS, &c);
    hash_clip(&c, out);
    clip_release(&c);
}

static void hash_item(void *arg, int item, int worker)
{
    char(*hashes)[65] = arg;

    (void)worker;
    hash_seed(item, hashes[item]);
}

TEST(world_clips_repeat_on_any_thread)
{
    enum { N = 18 };
    static char alone[N][65], together[N][65];
    struct threads *th = threads_new(3);

    for (int i = 0; i < N; i++)
        hash_seed(i, alone[i]);
    threads_run(th, N, hash_item, together);
    threads_free(&th);
    for (int i = 0; i < N; i++) {
        CHECK_STR(together[i], alone[i]);
        CHECK(!i || strcmp(alone[i], alone[i - 1]));
    }
}

/* Apparent movement of the actor over the first 17 frames, as share of the picture. */
static void travel(int direction, int speed, int shape, uint64_t seed, double *dx, double *dy,
                   double *grows)
{
    struct facts f = {.event = EVENT_MOVE, .direction = direction, .speed = speed};
    struct scene s;
    struct clip c;

    f.object[0].shape = shape;
    f.camera = CAMERA_STATIC;
    scene_from_facts(&s, &f, seed, 0);
    scene_render(&s, W, H, 17, FPS, &c);
    *dx = (clip_truth(&c, 16, 0)->px[0] - clip_truth(&c, 0, 0)->px[0]) / W;
    *dy = (clip_truth(&c, 16, 0)->px[1] - clip_truth(&c, 0, 0)->px[1]) / H;
    *grows = clip_truth(&c, 16, 0)->radius_px / clip_truth(&c, 0, 0)->radius_px;
    CHECK(clip_truth(&c, 0, 0)->visible > 0.4f);
    CHECK(clip_truth(&c, 16, 0)->visible > 0.5f);
    clip_release(&c);
}

TEST(world_direction_shows_in_two_seconds)
{
    for (int i = 0; i < 32; i++) {
        int speed = 1 + i % 2, shape = 1 + i / 2 % 4;
        double dx, dy, grows;

        travel(DIRECTION_RIGHT, speed, shape, (uint64_t)i, &dx, &dy, &grows);
        CHECK(dx > 0.2);
        CHECK(fabs(dy) < 0.05);
        travel(DIRECTION_LEFT, speed, shape, (uint64_t)i, &dx, &dy, &grows);
        CHECK(dx < -0.2);
        travel(DIRECTION_TOWARD, speed, shape, (uint64_t)i, &dx, &dy, &grows);
        CHECK(dy > 0.2);
        CHECK(grows > 1.15);
        travel(DIRECTION_AWAY, speed, shape, (uint64_t)i, &dx, &dy, &grows);
        CHECK(dy < -0.2);
        CHECK(grows < 0.87);
    }
}

/* Objects that are whole in the picture are 1/5 to 2/3 of its height. */
TEST(world_objects_are_large)
{
    int checked = 0;

    for (int seed = 0; seed < 60; seed++) {
        struct scene s;
        struct clip c;

        scene_sample(&s, (uint64_t)seed, NULL, 0);
        scene_render(&s, W, H, 9, 2, &c);
        for (int f = 0; f < c.n_frames; f++) {
            for (int o = 0; o < c.n_objects; o++) {
                const struct clip_object *t = clip_truth(&c, f, o);
                float height = (t->bbox[3] - t->bbox[1]) / H;

                if (t->visible < 0.98f || s.facts.event == EVENT_DOMINO)
                    continue;
                if (height < 0.15f || height > 0.75f)
                    ztest_fail(__FILE__, __LINE__, "seed %d frame %d object %d: height %g", seed, f,
                               o, (double)height);
                checked++;
            }
        }
        clip_release(&c);
    }
    CHECK(checked > 300);
}

TEST(world_mirror_is_a_mirror)
{
    for (int seed = 0; seed < 12; seed++) {
        struct facts f = {.event = 1 + seed % (EVENT_COUNT - 1)};
        struct scene s, m;
        struct clip a, b;
        double sum = 0;

        f.camera = 1 + seed % (CAMERA_COUNT - 1);
        scene_from_facts(&s, &f, (uint64_t)seed, 0);
        m = s;
        scene_mirror(&m);
        scene_render(&s, W, H, 5, 2, &a);
        scene_render(&m, W, H, 5, 2, &b);
        for (int i = 0; i < 5 * H; i++) {
            for (int x = 0; x < W; x++) {
                for (int k = 0; k < 3; k++)
                    sum += abs(a.rgb[3 * (i * W + x) + k] - b.rgb[3 * (i * W + W - 1 - x) + k]);
            }
        }
        CHECK_BELOW(sum / (5 * H * W * 3),
                    1); /* edge samples lie differently; 8 without the mirror */
        CHECK(fabsf(a.truth[0].px[0] + b.truth[0].px[0] - W) < 0.01f);
        scene_mirror(&m);
        CHECK(facts_equal(&m.facts, &s.facts));
        clip_release(&a);
        clip_release(&b);
    }
}

/* What is stated holds, and saying one thing does not change another. */
TEST(world_facts_hold)
{
    for (int seed = 0; seed < 300; seed++) {
        struct facts said = {0}, plain = {0}, full;

        facts_complete(&plain, (uint64_t)seed, NULL);
        CHECK(facts_are_complete(&plain));
        said.event = EVENT_MOVE;
        said.n_objects = plain.n_objects;
        said.direction = plain.direction;
        said.object[0].color = COLOR_PURPLE;
        said.floor = FLOOR_SLATE;
        full = said;
        facts_complete(&full, (uint64_t)seed, NULL);
        CHECK(facts_agree(&said, &full));
        CHECK_INT(full.object[0].shape, plain.object[0].shape);
        CHECK_INT(full.speed, plain.speed);
        CHECK_INT(full.light, plain.light);
        CHECK(full.n_objects == 1 || full.object[1].color != COLOR_PURPLE);
        facts_mirror(&full);
        facts_mirror(&full);
        CHECK(facts_agree(&said, &full));
    }
}

TEST(world_mix_has_its_shares)
{
    int events[EVENT_COUNT] = {0}, two = 0, still = 0, n = 4000;

    for (int seed = 0; seed < n; seed++) {
        struct facts f = {0};

        facts_complete(&f, (uint64_t)seed, &world_mix_default);
        events[f.event]++;
        two += f.event == EVENT_MOVE && f.n_objects == 2;
        still += f.camera == CAMERA_STATIC;
    }
    CHECK(!events[EVENT_UNSAID]);
    for (int e = 1; e < EVENT_COUNT; e++)
        CHECK_BELOW(fabs(events[e] / (double)n - world_mix_default.event[e]), 0.03);
    CHECK_BELOW(fabs(two / (double)events[EVENT_MOVE] - world_mix_default.second_object), 0.04);
    CHECK_BELOW(fabs(still / (double)n - world_mix_default.camera[CAMERA_STATIC]), 0.03);
}

/* Largest speed of object o over a clip of five seconds. */
static double top_speed(const struct clip *c, int o)
{
    double top = 0;

    for (int f = 0; f < c->n_frames; f++) {
        const float *v = clip_truth(c, f, o)->vel;

        top = fmax(top, sqrt((double)v[0] * v[0] + (double)v[1] * v[1] + (double)v[2] * v[2]));
    }
    return top;
}

TEST(world_events_happen)
{
    for (int seed = 0; seed < 12; seed++) {
        struct facts f = {.event = EVENT_COLLIDE, .direction = DIRECTION_RIGHT};
        struct scene s;
        struct clip c;

        f.object[0].shape = 1 + seed % 4;
        f.object[1].shape = 1 + seed / 3 % 4;
        scene_from_facts(&s, &f, (uint64_t)seed, 0);
        scene_render(&s, W, H, 41, FPS, &c);
        CHECK(clip_truth(&c, 0, 1)->vel[0] == 0);
        CHECK(top_speed(&c, 1) > 0.5); /* struck */
        CHECK(clip_truth(&c, 40, 1)->pos[0] > clip_truth(&c, 0, 1)->pos[0] + 0.2f);
        clip_release(&c);

        f.event = EVENT_DOMINO;
        scene_from_facts(&s, &f, (uint64_t)seed, 0);
        scene_render(&s, W, H, 41, FPS, &c);
        CHECK(clip_truth(&c, 40, 1)->pos[2] < 0.8f * clip_truth(&c, 0, 1)->pos[2]); /* lie */
        clip_release(&c);

        f.event = EVENT_WALL;
        scene_from_facts(&s, &f, (uint64_t)seed, 0);
        scene_render(&s, W, H, 41, FPS, &c);
        CHECK(clip_truth(&c, 4, 0)->vel[0] > 0.5f);
        CHECK(clip_truth(&c, 40, 0)->vel[0] < -0.1f); /* came back */
        clip_release(&c);

        f.event = EVENT_DROP;
        f.direction = 0;
        scene_from_facts(&s, &f, (uint64_t)seed, 0);
        scene_render(&s, W, H, 41, FPS, &c);
        CHECK(clip_truth(&c, 0, 0)->pos[2] > 2);
        CHECK(clip_truth(&c, 40, 0)->pos[2] < 1.2f);
        clip_release(&c);
    }
}

/* Free fall follows the stated gravity, in steps of 1/240 s that change the speed, then the place:
 * after k of them a body has fallen g k (k+1) / 2 / 240^2. */
TEST(world_fall_is_a_parabola)
{
    struct facts f = {.event = EVENT_DROP, .n_objects = 1};
    struct scene s;
    struct clip c;

    f.object[0].shape = SHAPE_BALL;
    f.object[0].size = SIZE_SMALL;
    scene_from_facts(&s, &f, 3, 0);
    scene_render(&s, W, H, 5, 10, &c);
    for (int i = 0; i < 5; i++) {
        double k = 24 * i, fallen = WORLD_GRAVITY * k * (k + 1) / 2 / (240 * 240);

        CHECK_BELOW(fabs(s.body[0].pos[2] - clip_truth(&c, i, 0)->pos[2] - fallen), 1e-5);
    }
    clip_release(&c);
}

/* The same moment looks the same at any frame rate and size; ids tell the object's pixels. */
TEST(world_rates_and_sizes_agree)
{
    struct facts f = {.event = EVENT_COLLIDE};
    struct scene s;
    struct clip a, b;
    long large = 0, small = 0;

    f.object[0].color = COLOR_GREEN;
    scene_from_facts(&s, &f, 11, 0);
    scene_render(&s, W, H, 17, 8, &a);
    scene_render(&s, 2 * W, 2 * H, 49, 24, &b);
    for (int i = 0; i < 17; i++) {
        for (int k = 0; k < 3; k++)
            CHECK_BELOW(fabs(clip_truth(&a, i, 0)->pos[k] - clip_truth(&b, 3 * i, 0)->pos[k]),
                        1e-4);
    }
    for (int i = 0; i < W * H; i++) {
        if (a.ids[16 * W * H + i] != 1)
            continue;
        small++;
        CHECK(a.rgb[3 * (16 * W * H + i) + 1] + 40 > a.rgb[3 * (16 * W * H + i)]); /* not red */
    }
    for (int i = 0; i < 4 * W * H; i++)
        large += b.ids[48 * 4 * W * H + i] == 1;
    CHECK(small > 100);
    CHECK_BELOW(fabs((double)large / (double)small - 4), 0.3);
    clip_release(&a);
    clip_release(&b);
}

TEST(world_other_aspects)
{
    static const int size[2][2] = {{80, 80}, {64, 112}};

    for (int i = 0; i < 2; i++) {
        struct facts f = {.event = EVENT_MOVE, .direction = DIRECTION_RIGHT};
        struct scene s;
        struct clip c;

        f.camera = CAMERA_STATIC;
        scene_from_facts(&s, &f, 5, (double)size[i][0] / size[i][1]);
        scene_render(&s, size[i][0], size[i][1], 17, FPS, &c);
        CHECK(clip_truth(&c, 0, 0)->visible > 0.4f);
        CHECK(clip_truth(&c, 16, 0)->px[0] - clip_truth(&c, 0, 0)->px[0] > 0.2f * (float)c.w);
        CHECK(clip_truth(&c, 8, 0)->bbox[3] - clip_truth(&c, 8, 0)->bbox[1] > 10);
        clip_release(&c);
    }
}

TEST(world_state_is_json)
{
    struct buf b = BUF_INIT;
    struct jsonw w;
    struct scene s;
    struct clip c;
    struct jdoc *doc;
    struct err e = {0};

    scene_sample(&s, 4, NULL, 0);
    scene_render(&s, 32, 18, 3, FPS, &c);
    jsonw_init(&w, &b, 0);
    state_json(&w, NULL, &s, &c);
    if (jdoc_parse(&doc, buf_str(&b), b.len, "state", &e))
        BUG("%s", e.msg);
    struct jval root = jdoc_root(doc);
    CHECK(j_int(root, "format", 1, 1) == 1);
    CHECK(*j_string(root, "canonical"));
    struct jval objects = j_array(root, "objects");
    CHECK(j_len(objects) == c.n_objects);
    for (int i = 0; i < j_len(objects); i++) {
        struct jval track = j_array(j_at_object(objects, i), "track");
        CHECK(j_len(track) == c.n_frames);
        CHECK(j_len(j_array(j_at_object(track, 0), "position")) == 3);
    }
    CHECK(jdoc_status(doc, &e) == 0);
    jdoc_close(&doc);
    clip_release(&c);
    buf_release(&b);
}
