/* What is known of a film beside its first frame: the last one, pictures between, films before and
 * behind, an end that is the beginning. On the model of random weights, 48x32 px, 9 frames a
 * window. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "fixture.h"
#include "generate/pipeline.h"
#include "media/picture.h"
#include "zoetrope.h"
#include "ztest.h"

enum { W = 48, H = 32, PX = W * H * 3, PLACE = 4 * 6 * 16 };

static void in_tmp(char path[600], const char *name)
{
    snprintf(path, 600, "%s/%s", ztest_tmp(), name);
}

/* Frame t of the moving square as a file. */
static void write_picture(const char *name, int t, char path[600])
{
    struct picture x;
    struct err e;

    in_tmp(path, name);
    picture_init(&x, W, H);
    fixture_moving(x.rgb, W, H, t);
    CHECK_INT(picture_save(&x, path, &e), 0);
    picture_release(&x);
}

#define PLAN(p, e, ...)                                                                            \
    fixture_plan(p, e, fixture_dir(),                                                              \
                 (const char *const[]){"prompt", "a red ball", "size", "native", "seed", "3",      \
                                       "type", "f32", "steps", "2", __VA_ARGS__, NULL})

/* Draws all windows; of each what is at the latent frames of `at` goes to out [n][PLACE]. */
static void draw(const struct plan *p, int at, float *out, float *first)
{
    struct bundle *b;
    struct sink nobody = {0};
    struct drawing d;
    struct cx cx;
    struct err e = {0};

    CHECK_INT(bundle_open(&b, fixture_dir(), device_cpu(), DT_F32, NULL, &e), 0);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(drawing_init(&d, &cx, b, p, &nobody, &e), 0);
    for (int i = 0; i < plan_windows(p); i++) {
        struct plan_window w = plan_window(p, i);

        CHECK_INT(drawing_window(&d, i, &e), 0);
        if (i == 0 && first)
            latent_get_frame(&d.shape, d.x, 0, NULL, NULL, first);
        if (at >= w.first + w.given && at < w.first + d.shape.t)
            latent_get_frame(&d.shape, d.x, at - w.first, NULL, NULL, out);
    }
    drawing_release(&d);
    cx_release(&cx);
    bundle_free(&b);
}

/* What the codec makes of a picture that stands still, behind the first latent frame. */
static void standing(const struct plan *p, const uint8_t *rgb, float *z)
{
    float *film = xmalloc(5 * PX * sizeof *film), *all;
    const struct bundle_info *m = &p->info;
    struct bundle *b;
    struct cx cx;
    struct err e = {0};

    CHECK_INT(bundle_open(&b, fixture_dir(), device_cpu(), DT_F32, NULL, &e), 0);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    for (int i = 0; i < 5 * PX; i++)
        film[i] = (float)rgb[i % PX] / 255;
    struct tensor *x =
        codec_encode(&cx, &b->codec, tensor_from(&cx, DT_F32, DIMS(5, H, W, 3), film, DT_F32));
    CHECK_INT(tensor_count(x), 2 * PLACE);
    all = xmalloc(2 * PLACE * sizeof *all);
    tensor_read_f32(&cx, x, all);
    for (int i = 0; i < PLACE; i++) {
        int c = i % m->channels;
        z[i] = (all[PLACE + i] - m->latents_mean[c]) / m->latents_std[c];
    }
    free(all);
    free(film);
    cx_release(&cx);
    bundle_free(&b);
}

/* The last frame and a key-frame stand in the latent where they were asked for, in films of one and
 * of several windows. */
TEST(film_shows_pictures_where_they_are_asked_for)
{
    static const struct {
        const char *frames, *option, *when;
        int at, t;
    } rows[] = {
        {"9", "last-frame", "", 2, 3},      {"25", "last-frame", "", 6, 7},
        {"9", "key-frame", "0.3:", 1, 3},   {"25", "key-frame", "1.2:", 3, 7},
        {"25", "key-frame", "0.01:", 0, 7},
    };
    static float seen[PLACE], wanted[PLACE];
    static uint8_t rgb[PX];
    char path[600], value[700];

    write_picture("key.ppm", 5, path);
    fixture_moving(rgb, W, H, 5);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan p;
        struct err e;

        snprintf(value, sizeof value, "%s%s", rows[i].when, path);
        CHECK_INT(PLAN(&p, &e, "frames", rows[i].frames, rows[i].option, value), 0);
        CHECK_INT(p.t, rows[i].t);
        CHECK_INT(p.n_keys, 1);
        CHECK_INT(p.key[0].latent, rows[i].at);
        CHECK(p.note && strstr(p.note, "was") && strstr(p.note, "taught"));
        draw(&p, rows[i].at, seen, NULL);
        if (rows[i].at) {
            standing(&p, rgb, wanted);
            CHECK(!memcmp(seen, wanted, sizeof seen));
        }
        plan_release(&p);
    }
}

/* One latent frame (0.5 s here) shows one of them. */
TEST(film_shows_one_picture_at_a_time)
{
    char path[600], value[1400];
    struct plan p;
    struct err e;

    write_picture("twice.ppm", 5, path);
    snprintf(value, sizeof value, "0.3:%s,0.4:%s", path, path);
    CHECK_INT(PLAN(&p, &e, "frames", "25", "key-frame", value), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "another picture is within 0.5 s of 0.4 s");
    snprintf(value, sizeof value, "0.3:%s,0.8:%s", path, path);
    CHECK_INT(PLAN(&p, &e, "frames", "25", "key-frame", value), 0);
    CHECK_INT(p.n_keys, 2);
    plan_release(&p);
}

/* It ends with what it began with, whatever that is, and that latent frame is not shown. */
TEST(film_that_is_a_loop)
{
    static const char *const frames[] = {"5", "9", "25"};
    static float first[PLACE], last[PLACE], other[PLACE];

    for (int i = 0; i < 3; i++) {
        struct plan p;
        struct err e;

        CHECK_INT(PLAN(&p, &e, "frames", frames[i], "loop", "yes"), 0);
        CHECK_INT(p.t, codec_latents(&p.codec, p.n_frames) + 1);
        CHECK_INT(plan_windows(&p), i == 0 ? 1 : i == 1 ? 2 : 4);
        draw(&p, p.t - 1, last, first);
        uint8_t rgb[PX];
        struct bundle *b;
        struct cx cx;
        float pixels[PX], z[PLACE];

        CHECK_INT(bundle_open(&b, fixture_dir(), device_cpu(), DT_F32, NULL, &e), 0);
        cx_init(&cx, device_cpu(), DT_F32, NULL);
        for (int k = 0; k < PLACE; k++) {
            int c = k % p.info.channels;
            z[k] = first[k] * p.info.latents_std[c] + p.info.latents_mean[c];
        }
        CHECK_INT(codec_decode(&cx, &b->codec, z, 1, p.lh, p.lw, pixels, &e), 0);
        cx_release(&cx);
        bundle_free(&b);
        for (int k = 0; k < PX; k++) /* near enough: here it goes through bytes */
            rgb[k] = (uint8_t)(pixels[k] < 0 ? 0 : pixels[k] > 1 ? 255 : pixels[k] * 255 + 0.5f);
        standing(&p, rgb, other);
        double differs = 0, all = 0;
        for (int k = 0; k < PLACE; k++) {
            differs += ((double)last[k] - other[k]) * ((double)last[k] - other[k]);
            all += (double)other[k] * other[k];
        }
        CHECK(differs >= 0 && differs < 1e-2 * all);
        plan_release(&p);
    }
}

/* The last window of a film that leads to something has way to go, whatever its length. */
TEST(film_that_leads_to_something_has_way_to_go)
{
    for (int frames = 5; frames < 64; frames++) {
        char value[16];
        struct plan p;
        struct err e;
        int n, all = 0;

        snprintf(value, sizeof value, "%d", frames);
        CHECK_INT(PLAN(&p, &e, "frames", value, "loop", "yes"), 0);
        n = plan_windows(&p);
        for (int i = 0; i < n; i++) {
            struct plan_window w = plan_window(&p, i);
            int fresh = w.shown - w.given, step = p.window - (i ? p.context : 0);

            CHECK_INT(w.first + w.given, all);
            CHECK(fresh > 0 && fresh <= step && (n == 1 || i < n - 1 || 2 * fresh > step));
            all += fresh;
        }
        CHECK_INT(all, p.t);
        plan_release(&p);
    }
}

static int keep_frames(void *user, int index, int n, const uint8_t *rgb, int w, int h)
{
    uint8_t *all = user;

    CHECK(index < n && w == W && h == H);
    memcpy(all + (size_t)index * PX, rgb, PX);
    return 0;
}

static char error[768];

/* Films of 8 per second before and behind, which are kept to the pixel in one of them. */
static void film_pair(char before[600], char behind[600], int n_before, int n_behind,
                      struct film *a, struct film *b)
{
    struct film_options o = fixture_film_options(W, H);
    struct err e;

    in_tmp(before, "before.y4m");
    in_tmp(behind, "behind.y4m");
    o.fps_num = 8;
    fixture_write_film(before, &o, n_before);
    fixture_write_film(behind, &o, n_behind);
    CHECK_INT(film_read(a, before, NULL, &e), 0);
    CHECK_INT(film_read(b, behind, NULL, &e), 0);
}

/* Frames of the film before and behind are there as they are; the recipe wants the films again. */
TEST(film_goes_on_from_a_film_and_leads_to_one)
{
    enum { BEFORE = 20, BEHIND = 7, MOST = 60 };
    char before[600], behind[600], *recipe, hash[65];
    uint8_t *all = xmalloc((size_t)MOST * PX);
    struct film a, b;
    zt_model *m;
    zt_job *job;

    film_pair(before, behind, BEFORE, BEHIND, &a, &b);
    CHECK_INT(zt_model_open(&m, fixture_dir(), error, sizeof error), 0);
    zt_job_new(&job, m);
    CHECK_INT(zt_job_set(job, "prompt", "a red ball", error, sizeof error), 0);
    CHECK_INT(zt_job_set(job, "steps", "2", error, sizeof error), 0);
    CHECK_INT(zt_job_set(job, "seed", "4", error, sizeof error), 0);
    CHECK_INT(zt_job_set(job, "seconds", "1", error, sizeof error), 0);
    CHECK_INT(zt_job_set(job, "extend", before, error, sizeof error), 0);
    CHECK_INT(zt_job_set(job, "lead-to", behind, error, sizeof error), 0);
    zt_job_on_frame(job, keep_frames, all);
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_STR(zt_job_get(job, "frames"), "35");
    CHECK_STR(zt_job_get(job, "width"), "48"); /* that of the film before */
    CHECK(!memcmp(all, a.rgb, (size_t)BEFORE * PX));
    CHECK(!memcmp(all + (size_t)(BEFORE + 8) * PX, b.rgb, (size_t)BEHIND * PX));
    CHECK_CONTAINS(zt_job_recipe(job), "\"joins\": \"20,");
    CHECK_CONTAINS(zt_job_recipe(job), ",28\"");
    snprintf(hash, sizeof hash, "%s", zt_job_get(job, "frame_hash"));
    recipe = xstrdup(zt_job_recipe(job));
    zt_job_free(&job);

    zt_job_new(&job, m);
    CHECK_INT(zt_job_set_json(job, recipe, error, sizeof error), 0);
    CHECK_INT(zt_job_plan(job, error, sizeof error), ZT_E_USAGE);
    CHECK_CONTAINS(error, "extend");
    CHECK_INT(zt_job_set(job, "extend", before, error, sizeof error), 0);
    CHECK_INT(zt_job_set(job, "lead-to", behind, error, sizeof error), 0);
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_STR(zt_job_get(job, "frame_hash"), hash);
    zt_job_free(&job);
    free(recipe);
    free(all);
    film_release(&a);
    film_release(&b);
    zt_model_free(&m);
}

static void draw_film(zt_model *m, const char *const *settings, uint8_t *all)
{
    zt_job *job;

    zt_job_new(&job, m);
    for (int i = 0; settings[i]; i += 2)
        CHECK_INT(zt_job_set(job, settings[i], settings[i + 1], error, sizeof error), 0);
    zt_job_on_frame(job, keep_frames, all);
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    zt_job_free(&job);
}

/* px of a frame that differ. */
static int differing(const uint8_t *a, const uint8_t *b)
{
    int n = 0;

    for (int i = 0; i < PX; i++)
        n += a[i] != b[i];
    return n;
}

/* The first frame is the picture; without its details it is that of the codec. */
TEST(film_begins_with_its_picture)
{
    enum { FRAMES = 9 };
    char path[600];
    uint8_t *all = xmalloc((size_t)FRAMES * PX), *plain = xmalloc((size_t)FRAMES * PX);
    const char *set[] = {"prompt",      "a red ball", "seed",           "4",
                         "steps",       "2",          "size",           "native",
                         "frames",      "9",          "force-picture",  "true",
                         "first-frame", path,         "picture-detail", "0",
                         NULL};
    struct picture x;
    struct err e;
    zt_model *m;

    write_picture("begins.ppm", 1, path);
    CHECK_INT(picture_load(&x, path, &e), 0);
    CHECK_INT(zt_model_open(&m, fixture_dir(), error, sizeof error), 0);
    draw_film(m, set, plain);
    set[15] = "1";
    draw_film(m, set, all);
    CHECK_INT(differing(all, x.rgb), 0);
    CHECK(differing(plain, x.rgb) > PX / 8);
    zt_model_free(&m);
    picture_release(&x);
    free(all);
    free(plain);
}

/* The last frames of the film stand in the latent, as many as there are, in films of any rate. */
TEST(film_before_is_known_by_its_end)
{
    static const struct {
        int n, fps, skip, at; /* at: the frame of the film that comes first in the key */
    } rows[] = {{1, 8, 1, 0},  {4, 8, 1, 3},    {5, 8, 5, 0},
                {12, 8, 9, 3}, {40, 8, 13, 27}, {40, 16, 13, 15}};
    char path[600];

    in_tmp(path, "end.y4m");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct film_options o = fixture_film_options(W, H);
        struct film f;
        struct plan p;
        struct err e;

        o.fps_num = rows[i].fps;
        fixture_write_film(path, &o, rows[i].n);
        CHECK_INT(film_read(&f, path, NULL, &e), 0);
        CHECK_INT(PLAN(&p, &e, "frames", "6", "extend", path), 0);
        CHECK_INT(p.skip, rows[i].skip);
        CHECK_INT(p.key[0].n, rows[i].skip);
        CHECK(!memcmp(p.key[0].rgb, f.rgb + (size_t)rows[i].at * PX, PX));
        CHECK(!memcmp(p.key[0].rgb + (size_t)(rows[i].skip - 1) * PX,
                      f.rgb + (size_t)(rows[i].n - 1) * PX, PX));
        CHECK(!memcmp(p.begins, f.rgb + (size_t)(rows[i].n - 1) * PX, PX));
        CHECK_INT(p.n_film, rows[i].n + 6 * rows[i].fps / 8);
        CHECK_INT(plan_drawn_frame(&p, rows[i].n), p.skip);
        film_release(&f);
        plan_release(&p);
    }
}

/* Films of 8 per second in one of 24: as long as they were, with pictures between their own. */
TEST(film_given_keeps_its_pace_at_another_rate)
{
    enum { BEFORE = 6, BEHIND = 4, SHOWN = 3 * (BEFORE - 1) + 1, LAST = 3 * (BEHIND - 1) + 1 };
    static const char *const ways[] = {"motion", "repeat"};
    char before[600], behind[600];
    uint8_t *all = xmalloc((size_t)(SHOWN + 24 + LAST) * PX);
    struct film a, b;
    zt_model *m;

    film_pair(before, behind, BEFORE, BEHIND, &a, &b);
    CHECK_INT(zt_model_open(&m, fixture_dir(), error, sizeof error), 0);
    for (int way = 0; way < 2; way++) {
        const char *const set[] = {"prompt",  "a red ball", "steps",       "1",      "seconds",
                                   "1",       "fps",        "24",          "extend", before,
                                   "lead-to", behind,       "interpolate", ways[way]};
        zt_job *job;

        zt_job_new(&job, m);
        for (size_t i = 0; i < sizeof set / sizeof *set; i += 2)
            CHECK_INT(zt_job_set(job, set[i], set[i + 1], error, sizeof error), 0);
        zt_job_on_frame(job, keep_frames, all);
        CHECK_INT(zt_job_run(job, error, sizeof error), 0);
        CHECK_INT(atoi(zt_job_get(job, "frames")), SHOWN + 24 + LAST);
        for (int i = 0; i < BEFORE; i++)
            CHECK(!memcmp(all + (size_t)(3 * i) * PX, a.rgb + (size_t)i * PX, PX));
        for (int i = 0; i < BEHIND; i++)
            CHECK(!memcmp(all + (size_t)(SHOWN + 24 + 3 * i) * PX, b.rgb + (size_t)i * PX, PX));
        CHECK_CONTAINS(zt_job_recipe(job), "\"joins\": \"16,");
        zt_job_free(&job);
    }
    free(all);
    film_release(&a);
    film_release(&b);
    zt_model_free(&m);
}

TEST(film_of_known_frames_is_refused_where_it_makes_no_sense)
{
    static const char *const rows[][5] = {
        {"key-frame", "2.5", "loop", "no", "SECONDS:FILE"},
        {"key-frame", "x:a.png", "loop", "no", "SECONDS:FILE"},
        {"key-frame", "0:a.png", "loop", "no", "above 0"},
        {"key-frame", "9:a.png", "loop", "no", "below"},
        {"key-frame", "0.5:nowhere.png", "loop", "no", "nowhere.png"},
        {"extend", "nowhere.mp4", "loop", "no", "nowhere.mp4"},
        {"extend", "a.mp4", "loop", "yes", "loop: not together with extend"},
        {"lead-to", "a.mp4", "loop", "yes", "loop: not together with lead-to"},
        {"lead-to", "a.mp4", "last-frame", "a.png", "last-frame: "},
        {"shots", "[{\"prompt\": \"a\", \"seconds\": 1}]", "loop", "yes", "loop: not together"},
        {"shots", "[{\"prompt\": \"a\", \"seconds\": 1}]", "key-frame", "1:a.png",
         "key-frame: not"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan p;
        struct err e;

        CHECK(PLAN(&p, &e, rows[i][0], rows[i][1], rows[i][2], rows[i][3]) < 0);
        CHECK_CONTAINS(e.msg, rows[i][4]);
    }
}

/* A film that is drawn anew whole is the one of its words and seed; the less of it, the nearer it
 * is to what it came from. */
TEST(film_drawn_anew_from_a_film)
{
    enum { N = 25 };
    static const char *const strength[] = {"1", "0.8", "0.1"};
    struct film_options o = fixture_film_options(W, H);
    uint8_t *all = xmalloc((size_t)N * PX);
    double differs[3] = {0};
    char path[600], alone[65];
    struct film f;
    struct err e;
    zt_model *m;
    zt_job *job;

    in_tmp(path, "from.y4m");
    o.fps_num = 8;
    fixture_write_film(path, &o, N);
    CHECK_INT(film_read(&f, path, NULL, &e), 0);
    CHECK_INT(zt_model_open(&m, fixture_dir(), error, sizeof error), 0);
    for (int i = -1; i < 3; i++) {
        const char *const set[][2] = {
            {"prompt", "a red ball"}, {"type", "f32"},    {"steps", "10"}, {"seed", "4"},
            {"sampler", "euler"},     {"size", "native"}, {"frames", "25"}};

        zt_job_new(&job, m);
        for (size_t k = 0; k < sizeof set / sizeof *set; k++)
            CHECK_INT(zt_job_set(job, set[k][0], set[k][1], error, sizeof error), 0);
        if (i >= 0) {
            CHECK_INT(zt_job_set(job, "from", path, error, sizeof error), 0);
            CHECK_INT(zt_job_set(job, "strength", strength[i], error, sizeof error), 0);
        }
        zt_job_on_frame(job, keep_frames, all);
        CHECK_INT(zt_job_run(job, error, sizeof error), 0);
        if (i < 0)
            snprintf(alone, sizeof alone, "%s", zt_job_get(job, "frame_hash"));
        for (int k = 0; i >= 0 && k < N * PX; k++)
            differs[i] += ((double)all[k] - f.rgb[k]) * ((double)all[k] - f.rgb[k]);
        if (i >= 0)
            CHECK_INT(!strcmp(zt_job_get(job, "frame_hash"), alone), i == 0);
        zt_job_free(&job);
    }
    CHECK(differs[2] < differs[1] && differs[2] < 0.8 * differs[0]);

    struct plan p;
    CHECK_INT(PLAN(&p, &e, "from", path, "sampler", "unipc"), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "euler");
    CHECK_INT(PLAN(&p, &e, "from", path, "sampler", "euler", "frames", "26"), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "25 frames");
    CHECK_INT(PLAN(&p, &e, "from", path, "sampler", "euler"), 0);
    CHECK_INT(p.n_frames, N);
    plan_release(&p);
    film_release(&f);
    free(all);
    zt_model_free(&m);
}
