/* A part of a film is drawn anew, the rest stays to the pixel; a film is widened. On the model of
 * random weights, 48x32 px, latent places of 8 px, tokens of 16, 9 frames a window. */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "generate/pipeline.h"
#include "media/picture.h"
#include "zoetrope.h"
#include "ztest.h"

enum { W = 48, H = 32, PX = W * H * 3, N = 25 };

static char error[768];

static char *source_film(void)
{
    char *path = ztest_in_tmp("source.y4m");
    struct film_options o = fixture_film_options(W, H);

    o.fps_num = 8;
    fixture_write_film(path, &o, N);
    return path;
}

/* A picture that is white in x0..x1-1, y0..y1-1. */
static char *mask_picture(const char *name, int w, int h, int x0, int y0, int x1, int y1)
{
    char *path = ztest_in_tmp(name);
    struct picture x;
    struct err e;

    picture_init(&x, w, h);
    memset(x.rgb, 0, (size_t)w * (size_t)h * 3);
    for (int y = y0; y < y1; y++)
        memset(x.rgb + 3 * (y * w + x0), 255, 3 * (size_t)(x1 - x0));
    CHECK_INT(picture_save(&x, path, &e), 0);
    picture_release(&x);
    return path;
}

#define PLAN_OF(p, e, dir, ...)                                                                    \
    fixture_plan(p, e, dir,                                                                        \
                 (const char *const[]){"prompt", "a red ball", "seed", "3", __VA_ARGS__, NULL})
#define PLAN(p, e, ...) PLAN_OF(p, e, fixture_dir(), __VA_ARGS__)
#define VACE "golden/pipeline-wan-vace/model"

/* n frames that are white in columns k..k+15 of frame k. */
static char *mask_film(const char *name, int n)
{
    char *path = ztest_in_tmp(name);
    struct film_options o = fixture_film_options(W, H);
    struct film_writer *out;
    uint8_t frame[PX];
    struct err e;

    o.fps_num = 8;
    CHECK_INT(film_open(&out, path, &o, &e), 0);
    for (int k = 0; k < n; k++) {
        memset(frame, 0, sizeof frame);
        for (int y = 0; y < H; y++)
            memset(frame + 3 * (y * W + k), 255, 3 * 16);
        CHECK_INT(film_write(out, frame, &e), 0);
    }
    CHECK_INT(film_finish(&out, &e), 0);
    return path;
}

struct seen {
    uint8_t *all; /* owned [n][h][w][3] */
    int w, h, n;
};

static int keep_frames(void *user, int index, int n, const uint8_t *rgb, int w, int h)
{
    struct seen *s = user;

    if (!s->all)
        *s = (struct seen){xmalloc((size_t)n * (size_t)w * (size_t)h * 3), w, h, n};
    CHECK(index < s->n && w == s->w && h == s->h);
    memcpy(s->all + (size_t)index * (size_t)w * (size_t)h * 3, rgb, (size_t)w * (size_t)h * 3);
    return 0;
}

/* Draws it; the recipe and the hash of its frames, if wanted. */
static struct seen draw(zt_model *m, const char *const *settings, char **recipe, char hash[65])
{
    struct seen s = {0};
    zt_job *job;

    zt_job_new(&job, m);
    for (int i = 0; settings[i]; i += 2)
        if (!strcmp(settings[i], "json"))
            CHECK_INT(zt_job_set_json(job, settings[i + 1], error, sizeof error), 0);
        else
            CHECK_INT(zt_job_set(job, settings[i], settings[i + 1], error, sizeof error), 0);
    zt_job_on_frame(job, keep_frames, &s);
    if (zt_job_run(job, error, sizeof error))
        ztest_fail(__FILE__, __LINE__, "%s", error);
    if (recipe)
        *recipe = xstrdup(zt_job_recipe(job));
    snprintf(hash, 65, "%s", zt_job_get(job, "frame_hash"));
    zt_job_free(&job);
    return s;
}
#define DRAW(m, recipe, hash, ...)                                                                 \
    draw(m,                                                                                        \
         (const char *const[]){"prompt", "a red ball", "steps", "3", "seed", "4", __VA_ARGS__,     \
                               NULL},                                                              \
         recipe, hash)

/* In each frame px outside of the mask are those of the source, and most inside are not, in films
 * of one window and of several, with every sampler and any strength. */
TEST(region_is_drawn_and_the_rest_stays)
{
    static const char *const rows[][6] = {
        {"frames", "9", "seed", "4", "seed", "4"},
        {"frames", "25", "seed", "4", "seed", "4"},
        {"frames", "9", "sampler", "unipc", "seed", "4"},
        {"frames", "25", "sampler", "euler", "strength", "0.7"},
        {"frames", "1", "seed", "5", "seed", "5"},
        {"seconds", "2", "fps", "24", "seed", "5"},
    };
    char *path = source_film(), *mask = mask_picture("mask.ppm", W, H, 10, 4, 37, 21), hash[65];
    zt_model *m;
    struct film f;
    struct err e;

    CHECK_INT(film_read(&f, path, NULL, &e), 0);
    CHECK_INT(zt_model_open(&m, fixture_dir(), error, sizeof error), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const *r = rows[i];
        struct seen s =
            DRAW(m, NULL, hash, "from", path, "mask", mask, r[0], r[1], r[2], r[3], r[4], r[5]);
        int per = i == 5 ? 3 : 1, inside = 0, wrong = 0;

        CHECK(s.w == W && s.h == H);
        CHECK_INT(s.n, i == 5 ? 48 : atoi(r[1]));
        for (int k = 0; k < s.n; k++)
            for (int q = 0; q < W * H; q++) {
                int x = q % W, y = q / W, in = x >= 10 && x < 37 && y >= 4 && y < 21;
                int same =
                    !memcmp(s.all + k * PX + 3 * q, f.rgb + (k + per / 2) / per * PX + 3 * q, 3);
                wrong += !in && !same;
                inside += in && !same;
            }
        CHECK_INT(wrong, 0);
        CHECK(inside > s.n * 27 * 17 / 2);
        free(s.all);
    }
    film_release(&f);
    zt_model_free(&m);
    free(path);
    free(mask);
}

/* A mask that moves; the recipe wants film and mask again, and makes the same film. */
TEST(region_that_moves_and_its_recipe)
{
    char *path = source_film(), *mask = mask_film("moving.y4m", N), *recipe, hash[65], again[65];
    zt_model *m;
    struct film f;
    struct err e;
    zt_job *job;

    CHECK_INT(film_read(&f, path, NULL, &e), 0);
    CHECK_INT(zt_model_open(&m, fixture_dir(), error, sizeof error), 0);
    struct seen s = DRAW(m, &recipe, hash, "from", path, "mask", mask, "frames", "25");
    for (int k = 0, wrong = 0; k < N; k++) {
        for (int q = 0; q < W * H; q++)
            wrong += (q % W < k || q % W >= k + 16) &&
                     memcmp(s.all + k * PX + 3 * q, f.rgb + k * PX + 3 * q, 3);
        CHECK_INT(wrong, 0);
    }
    free(s.all);
    CHECK_CONTAINS(recipe, "\"strength\": 1");

    zt_job_new(&job, m);
    CHECK_INT(zt_job_set_json(job, recipe, error, sizeof error), 0);
    CHECK_INT(zt_job_set(job, "from", path, error, sizeof error), 0);
    CHECK_INT(zt_job_plan(job, error, sizeof error), ZT_E_USAGE);
    CHECK_CONTAINS(error, "mask");
    zt_job_free(&job);
    s = draw(m, (const char *const[]){"json", recipe, "from", path, "mask", mask, NULL}, NULL,
             again);
    CHECK_STR(again, hash);
    free(s.all);
    free(recipe);
    film_release(&f);
    zt_model_free(&m);
    free(path);
    free(mask);
}

/* A widened film shows the given one where it was put; its recipe says how. */
TEST(region_around_a_film)
{
    static const struct {
        const char *how;
        int w, h, x, y;
    } rows[] = {{"16,0,0,0", 64, 32, 16, 0},
                {"7,10,0,5", 66, 38, 7, 0},
                {"2:1", 64, 32, 8, 0},
                {"1:1", 48, 48, 0, 8}};
    char *path = source_film(), *recipe, hash[65], again[65];
    zt_model *m;
    struct film f;
    struct err e;

    CHECK_INT(film_read(&f, path, NULL, &e), 0);
    CHECK_INT(zt_model_open(&m, fixture_dir(), error, sizeof error), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seen s =
            DRAW(m, &recipe, hash, "from", path, "outpaint", rows[i].how, "frames", "5");

        CHECK(s.w == rows[i].w && s.h == rows[i].h && s.n == 5);
        for (int k = 0; k < 5; k++)
            for (int y = 0; y < H; y++)
                CHECK(!memcmp(s.all + 3 * ((k * s.h + y + rows[i].y) * s.w + rows[i].x),
                              f.rgb + k * PX + 3 * y * W, 3 * W));
        free(s.all);
        CHECK_CONTAINS(recipe, "\"outpaint\"");
        s = draw(m, (const char *const[]){"json", recipe, "from", path, NULL}, NULL, again);
        CHECK_STR(again, hash);
        free(s.all);
        free(recipe);
    }
    film_release(&f);
    zt_model_free(&m);
    free(path);
}

/* Latents of places that the region does not reach are those of the source at the end, and the
 * tokens that are held whole have a timestep of their own. */
TEST(region_holds_latents)
{
    char *path = source_film(), *mask = mask_picture("right.ppm", W, H, 17, 0, W, H);
    struct sink nobody = {0};
    struct drawing d;
    struct bundle *b;
    struct plan p;
    struct cx cx;
    struct err e;

    CHECK_INT(PLAN(&p, &e, "from", path, "mask", mask, "frames", "9", "type", "f32", "steps", "2"),
              0);
    CHECK_INT(bundle_open(&b, fixture_dir(), device_cpu(), DT_F32, NULL, &e), 0);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(drawing_init(&d, &cx, b, &p, &nobody, &e), 0);
    CHECK_INT(drawing_window(&d, 0, &e), 0);
    size_t places = (size_t)d.shape.t * (size_t)(d.shape.h * d.shape.w);
    int held = 0, changed = 0;
    for (size_t i = 0; i < latent_count(&d.shape); i++) {
        int x = (int)(i % (size_t)d.shape.w), px = x * W / d.shape.w, known = d.x[i] == d.source[i];

        held += known;
        if (px < 16) {
            CHECK(known);
            CHECK_INT(d.place[i % places], REGION_CLEAN);
        } else {
            CHECK_INT(d.place[i % places], REGION_DRAWN);
            changed += !known;
        }
    }
    CHECK(held > 0 && changed > held);
    CHECK_INT(d.velocity.n_times, 2);
    drawing_release(&d);
    cx_release(&cx);
    bundle_free(&b);
    plan_release(&p);
    free(path);
    free(mask);
}

/* The border is soft inside of the region, nothing shows outside; all of what is deep inside. */
TEST(region_share_is_soft_inside)
{
    enum { SIDE = 128 };
    struct region g = {1, SIDE, SIDE, xcalloc(SIDE * SIDE, 1), 0, 0};
    const struct region_in all = {0, 0, 4, 4, 1};
    static uint16_t share[SIDE * SIDE];
    static uint8_t place[4 * 4];
    int last = 0;

    for (int y = 0; y < SIDE; y++)
        memset(g.drawn + y * SIDE + 40, 1, SIDE - 40);
    region_share(&g, 0, SIDE, SIDE, share);
    for (int x = 0; x < SIDE; x++) {
        int v = share[50 * SIDE + x];

        CHECK(x < 40 ? v == 0 : v > 0 && v >= last);
        CHECK(x < 44 || v == 256);
        last = v;
    }
    CHECK(share[50 * SIDE + 40] < 128);
    CHECK_INT(share[SIDE - 1], 256); /* the edge of the picture is no border */
    region_places(&g, 0, &all, 4, 4, place);
    CHECK_INT(place[0], REGION_HELD);
    CHECK_INT(place[1], REGION_DRAWN); /* 32..63 */
    g.goes_on = 1;
    memset(place, REGION_HELD, sizeof place);
    region_places(&g, 0, &all, 4, 4, place);
    CHECK_INT(place[0], REGION_HELD);
    CHECK_INT(place[1], REGION_DRAWN * 24 / 32);
    CHECK_INT(place[2], REGION_DRAWN);
    region_release(&g);
}

/* A film of 4 px in the middle of 16, its left half drawn anew, and all that lies beside it. */
TEST(region_in_the_middle_of_what_is_drawn)
{
    uint8_t drawn[] = {1, 1, 0, 0}, place[4] = {0};
    const struct region g = {1, 4, 1, drawn, 0, 0};
    const struct region_in in = {6, 0, 4, 4, 4};
    const uint8_t wanted[] = {REGION_DRAWN, REGION_DRAWN, REGION_HELD, REGION_DRAWN};

    region_places(&g, 0, &in, 1, 4, place);
    CHECK(!memcmp(place, wanted, sizeof place));
}

/* A film is widened where a place begins: that place is known in part all the same, so what is
 * drawn in it is drawn to what is given. */
TEST(region_knows_the_border_of_a_widened_film)
{
    uint8_t drawn[16] = {1, 1, 1, 1, 1, 1, 1, 1}, place[4] = {0};
    const struct region g = {1, 16, 1, drawn, 1, 1};
    const struct region_in in = {0, 0, 16, 4, 4};
    const uint8_t wanted[] = {REGION_DRAWN, REGION_DRAWN * 3 / 4, REGION_DRAWN / 4, REGION_HELD};

    region_places(&g, 0, &in, 1, 4, place);
    CHECK(!memcmp(place, wanted, sizeof place));
}

TEST(region_says_what_is_wrong_with_a_mask)
{
    char *path = source_film(), *black = mask_picture("black.ppm", W, H, 0, 0, 0, 0),
         *white = mask_picture("white.ppm", W, H, 0, 0, W, H),
         *other = mask_picture("other.ppm", 20, 16, 3, 3, 9, 9),
         *many = mask_film("many.y4m", N + 3), *few = mask_film("few.y4m", N - 3);
    struct plan p;
    struct err e;

    const struct {
        const char *mask, *says;
    } noted[] = {{white, "white all over"},
                 {other, "the mask of 20x16 is scaled to the 48x32 of the film"},
                 {many, "of the 28 frames of the mask the first 25 are used"},
                 {few, "the mask has 22 frames, the film 25: its last one stays"}};
    const char *const refused[][5] = {
        {"mask", black, "seed", "1", "mask: it is black"},
        {"mask", "nowhere.png", "seed", "1", "nowhere.png"},
        {"mask", white, "outpaint", "16:9", "outpaint: not together with mask"},
        {"mask", white, "aspect", "1:1", "aspect: not together with from and mask"},
        {"mask", white, "first-frame", white, "first-frame: not together"},
        {"mask", white, "size", "48x48", "size: 48x48 has another shape"},
        {"mask", white, "cache", "easy", "cache"},
        {"outpaint", "3:2", "seed", "1", "outpaint: 48x32 is 3:2 already"},
        {"outpaint", "8192,0,0,0", "seed", "1", "outpaint: the film would have 8240x32"},
        {"outpaint", "1,2,3", "seed", "1", "outpaint \"1,2,3\" is not allowed: LEFT,"},
        {"outpaint", "0,0,0,0", "seed", "1", "not allowed"},
        {"outpaint", "16:0", "seed", "1", "not allowed"},
    };
    for (size_t i = 0; i < sizeof noted / sizeof *noted; i++) {
        if (PLAN(&p, &e, "from", path, "mask", noted[i].mask))
            ztest_fail(__FILE__, __LINE__, "%s", e.msg);
        CHECK_CONTAINS(p.note, noted[i].says);
        plan_release(&p);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const char *const *r = refused[i];

        CHECK(PLAN(&p, &e, "from", path, r[0], r[1], r[2], r[3]) < 0);
        CHECK_CONTAINS(e.msg, r[4]);
    }
    CHECK_INT(PLAN(&p, &e, "mask", white), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "mask: of which film? give it with from");
    CHECK_INT(PLAN(&p, &e, "outpaint", "16:9"), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "outpaint: of which film?");
    free(path);
    free(black);
    free(white);
    free(other);
    free(many);
    free(few);
}

/* The options of a mask are those of models of ours; the film keeps its shape. */
TEST(region_of_vace_is_a_control_film)
{
    char *film = ztest_in_tmp("masked.y4m"), *mask = mask_picture("half.ppm", 2, 1, 1, 0, 2, 1);
    struct film_options o = fixture_film_options(64, 32);
    struct plan p;
    struct err e;

    fixture_write_film(film, &o, 9);
    CHECK_INT(PLAN_OF(&p, &e, ztest_data(VACE), "size", "32x16", "from", film, "mask", mask), 0);
    CHECK_CONTAINS(p.note, "the mask of 2x1 is scaled to the 64x32 of the film");
    for (int i = 0; i < p.n_frames; i++) {
        CHECK_INT(p.control.known[i], 1);
        CHECK_INT(p.control.drawn[32 * 16 * i + 15], 0);
        CHECK_INT(p.control.drawn[32 * 16 * i + 16], 1);
    }
    CHECK(!plan_source_is_mixed(&p) && p.region.n == 1);
    plan_release(&p);
    CHECK_INT(PLAN_OF(&p, &e, ztest_data(VACE), "from", film), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "reads its films in another way");
    CHECK_INT(PLAN_OF(&p, &e, ztest_data(VACE), "from", film, "mask", mask, "strength", "0.5"),
              ERR_USAGE);
    CHECK_CONTAINS(e.msg, "strength: ");
    CHECK_INT(PLAN_OF(&p, &e, ztest_data(VACE), "from", film, "mask", mask, "control", film),
              ERR_USAGE);
    CHECK_CONTAINS(e.msg, "control: not together with from and mask");
    free(film);
    free(mask);
}
