/* From plan to frames on the model of random weights: the same bits for any number of threads,
 * given first frames, guidance, stopping, values that are not finite. */
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "fixture.h"
#include "generate/latent.h"
#include "generate/pipeline.h"
#include "generate/sampler.h"
#include "generate/velocity.h"
#include "media/picture.h"
#include "model/networks.h"
#include "ztest.h"

struct film_run {
    struct figures figures;
    struct err e;
    struct sha256 seen;
    char seen_hash[65];
    int frames, stop_at_frame, stop_at_step, steps;
    size_t bytes;
};

static int on_frame(void *user, int index, const uint8_t *rgb, struct err *e)
{
    struct film_run *r = user;

    (void)e;
    if (index != r->frames)
        return err_set(e, ERR_CHECK, "frame %d came as number %d", index, r->frames);
    r->frames++;
    sha256_add(&r->seen, rgb, r->bytes);
    return r->frames == r->stop_at_frame;
}

static int on_progress(void *user, const char *stage, long done, long total, double left_s)
{
    struct film_run *r = user;

    (void)total;
    (void)left_s;
    r->steps += !strcmp(stage, "sampling");
    return !strcmp(stage, "sampling") && r->stop_at_step && done == r->stop_at_step;
}

static int draw(struct film_run *r, struct bundle *b, const char *const *settings)
{
    struct sink sink = {.user = r, .frame = on_frame, .progress = on_progress};
    struct request q;
    struct plan p = {0};
    int rc = 0;

    r->e = (struct err){0};
    r->frames = r->steps = 0;
    sha256_init(&r->seen);
    request_init(&q);
    for (int i = 0; !rc && settings[i]; i += 2)
        rc = request_set(&q, settings[i], settings[i + 1], &r->e);
    if (!rc)
        rc = plan_make(&p, fixture_dir(), &q, NULL, &r->e);
    r->bytes = (size_t)p.film_w * (size_t)p.film_h * 3;
    if (!rc)
        rc = pipeline_run(b, &p, &sink, &r->figures, &r->e);
    sha256_hex(&r->seen, r->seen_hash);
    plan_release(&p);
    request_release(&q);
    return rc;
}
#define DRAW(r, b, ...)                                                                            \
    draw(r, b,                                                                                     \
         (const char *const[]){"prompt", "a red ball rolls to the right", "seed", "7", "size",     \
                               "native", "steps", "3", __VA_ARGS__, NULL})

static struct bundle *networks(enum dtype type)
{
    struct bundle *b;
    struct err e = {0};

    if (bundle_open(&b, fixture_dir(), device_cpu(), type, NULL, &e))
        panic("%s", e.msg);
    return b;
}

static void same_for_all_threads(const char *type, enum dtype dtype)
{
    static const char *const threads[] = {"1", "2", "3", "8"};
    struct bundle *b = networks(dtype);
    struct film_run first = {0}, r = {0};

    for (int i = 0; i < 4; i++) {
        CHECK_INT(DRAW(&r, b, "threads", threads[i], "type", type), 0);
        CHECK_INT(r.frames, 9);
        CHECK_STR(r.seen_hash, r.figures.frame_hash);
        if (i == 0)
            first = r;
        CHECK_STR(r.figures.latent_hash, first.figures.latent_hash);
        CHECK_STR(r.figures.frame_hash, first.figures.frame_hash);
    }
    bundle_free(&b);
}

TEST(film_is_the_same_for_all_threads_f32)
{
    same_for_all_threads("f32", DT_F32);
}

TEST(film_is_the_same_for_all_threads_bf16)
{
    same_for_all_threads("bf16", DT_BF16);
}

TEST(film_depends_on_all_that_decides_it)
{
    static const char *const other[][2] = {
        {"seed", "8"},           {"prompt", "a blue box falls"},
        {"steps", "4"},          {"guidance", "2"},
        {"guidance-to", "0.5"},  {"sampler", "euler"},
        {"shift", "2"},          {"negative", "a red ball"},
        {"fps", "16"},           {"aspect", "1:1"},
        {"frames", "5"},         {"guidance", "1"},
        {"sampler", "heun"},     {"sampler", "lcm"},
        {"sampler", "dpmpp-2m"}, {"prompt", "a ball"},
        {"type", "bf16"},
    };
    struct bundle *b = networks(DT_F32), *low = networks(DT_BF16);
    struct film_run r = {0};
    char base[65];

    CHECK_INT(DRAW(&r, b, "type", "f32"), 0);
    strcpy(base, r.figures.frame_hash);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        int bf16 = !strcmp(other[i][0], "type");
        CHECK_INT(DRAW(&r, bf16 ? low : b, "type", "f32", other[i][0], other[i][1]), 0);
        CHECK(strcmp(r.figures.frame_hash, base));
    }
    CHECK_INT(DRAW(&r, b, "type", "f32", "guidance-from", "0"), 0); /* says what was so already */
    CHECK_STR(r.figures.frame_hash, base);
    bundle_free(&b);
    bundle_free(&low);
}

static int stop_at_once(void *user, const char *stage, long done, long total, double left_s)
{
    (void)user;
    (void)done;
    (void)total;
    (void)left_s;
    return !strcmp(stage, "sampling");
}

/* Stopped before its first step, the latent is torch.manual_seed(7); torch.randn(C, t, h, w). */
TEST(film_begins_with_the_noise_of_torch)
{
    static const float torch[] = {-0.8201345205307007f, 0.39563116431236267f};
    struct bundle *b = networks(DT_F32);
    struct sink sink = {.progress = stop_at_once};
    struct request q;
    struct drawing d;
    struct plan p;
    struct cx cx;
    struct err e = {0};

    request_init(&q);
    CHECK_INT(request_set(&q, "prompt", "a red ball", &e), 0);
    CHECK_INT(request_set(&q, "seed", "7", &e), 0);
    CHECK_INT(plan_make(&p, fixture_dir(), &q, NULL, &e), 0);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(drawing_init(&d, &cx, b, &p, &sink, &e), 0);
    CHECK_INT(drawing_window(&d, 0, &e), ERR_CANCEL);
    CHECK_BELOW(ztest_rel_l2(d.x, torch, 2), 1e-6);
    drawing_release(&d);
    cx_release(&cx);
    plan_release(&p);
    request_release(&q);
    bundle_free(&b);
}

/* A picture of 96x64 in a file of the folder of tests. The caller frees its path. */
static char *some_picture(void)
{
    char *path = ztest_in_tmp("first.ppm");
    struct picture pic;
    struct err e = {0};

    picture_init(&pic, 96, 64);
    for (int i = 0; i < 96 * 64 * 3; i++)
        pic.rgb[i] = (uint8_t)(i * 7 % 251);
    CHECK_INT(picture_save(&pic, path, &e), 0);
    picture_release(&pic);
    return path;
}

TEST(film_keeps_a_given_first_frame)
{
    struct bundle *b = networks(DT_F32);
    struct request q;
    struct plan p;
    struct err e = {0};
    struct cx cx;
    struct sink sink = {0};
    char *path = some_picture();
    float frame[4 * 6 * 16], given[4 * 6 * 16];

    request_init(&q);
    CHECK_INT(request_set(&q, "first-frame", path, &e), 0);
    CHECK_INT(request_set(&q, "type", "f32", &e), 0);
    CHECK_INT(plan_make(&p, fixture_dir(), &q, NULL, &e), 0);
    CHECK_INT(strlen(p.first.hash), 64);

    struct latent_shape s = plan_latent(&p);
    struct drawing d;
    CHECK_INT(s.h * s.w * s.c, 4 * 6 * 16);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(drawing_init(&d, &cx, b, &p, &sink, &e), 0);
    CHECK_INT(drawing_window(&d, 0, &e), 0);
    latent_get_frame(&s, d.x, 0, b->info.latents_std, b->info.latents_mean, frame);
    struct tensor *video = tensor_new(&cx, DT_F32, DIMS(1, p.h, p.w, 3));
    for (int64_t i = 0; i < tensor_count(video); i++)
        ((float *)video->data)[i] = (float)p.first.rgb[i] / 255;
    tensor_read_f32(&cx, codec_encode(&cx, &b->codec, video), given);
    cx_step_end(&cx);
    CHECK_BELOW(ztest_rel_l2(frame, given, 4 * 6 * 16), 1e-6);
    drawing_release(&d);
    cx_release(&cx);
    plan_release(&p);
    request_release(&q);
    bundle_free(&b);
    free(path);
}

/* Guidance of its own has the first window of a film to which a picture is given, no other. */
TEST(film_from_a_picture_has_guidance_of_its_own)
{
    struct bundle *b = networks(DT_F32);
    char *path = some_picture(), plain[2][65], both[65];
    struct film_run r = {0};

#define WITH "type", "f32", "frames", "9", "guidance", "3", "force-picture", "yes"
    for (int k = 0; k < 2; k++) {
        CHECK_INT(DRAW(&r, b, WITH, k ? "first-frame" : "type", k ? path : "f32"), 0);
        strcpy(plain[k], r.figures.frame_hash);
    }
    CHECK_INT(DRAW(&r, b, WITH, "first-frame", path, "guidance-to", "0.5"), 0);
    strcpy(both, r.figures.frame_hash);
    for (int k = 0; k < 2; k++) {
        CHECK_INT(DRAW(&r, b, WITH, "guidance-to-given", "0.5", k ? "first-frame" : "type",
                       k ? path : "f32"),
                  0);
        CHECK_STR(r.figures.frame_hash, k ? both : plain[0]);
    }
    CHECK(strcmp(both, plain[1]) != 0);
    CHECK_INT(DRAW(&r, b, WITH, "frames", "41"), 0); /* windows that go on from what was drawn */
    strcpy(plain[0], r.figures.frame_hash);
    CHECK_INT(DRAW(&r, b, WITH, "frames", "41", "guidance-to-given", "0.5"), 0);
    CHECK_STR(r.figures.frame_hash, plain[0]);
#undef WITH
    bundle_free(&b);
    free(path);
}

struct windows_run {
    int frames, sampled, before_last; /* before_last: frames that were seen while steps were left */
};

static int see_frame(void *user, int index, const uint8_t *rgb, struct err *e)
{
    struct windows_run *r = user;

    (void)index;
    (void)rgb;
    (void)e;
    r->frames++;
    return 0;
}

static int see_step(void *user, const char *stage, long done, long total, double left_s)
{
    struct windows_run *r = user;

    (void)left_s;
    if (!strcmp(stage, "sampling") && done < total) {
        CHECK(done >= r->sampled);
        r->sampled = (int)done;
        r->before_last = r->frames;
    }
    return 0;
}

/* Seven latent frames in windows of three: 0-2, 2-4, 4-6; each begins with the end of the one
 * before, and its frames are seen before the next one is drawn. */
TEST(film_longer_than_the_model_is_drawn_in_windows)
{
    struct bundle *b = networks(DT_F32);
    struct windows_run r = {0};
    struct sink sink = {.user = &r, .frame = see_frame, .progress = see_step}, nobody = {0};
    struct figures f, again;
    struct drawing d;
    struct request q;
    struct plan p;
    struct cx cx;
    struct err e = {0};
    float last[4 * 6 * 16], first[4 * 6 * 16], later[4 * 6 * 16], again_last[4 * 6 * 16];

    request_init(&q);
    CHECK_INT(request_set(&q, "prompt", "a red ball", &e), 0);
    CHECK_INT(request_set(&q, "type", "f32", &e), 0);
    CHECK_INT(request_set(&q, "frames", "25", &e), 0);
    CHECK_INT(plan_make(&p, fixture_dir(), &q, NULL, &e), 0);
    CHECK_INT(plan_windows(&p), 3);
    CHECK_INT(pipeline_run(b, &p, &sink, &f, &e), 0);
    CHECK_INT(r.frames, 25);
    CHECK_INT(r.before_last, 17); /* those of the first two windows */
    p.threads = 1;
    CHECK_INT(pipeline_run(b, &p, &nobody, &again, &e), 0);
    CHECK_STR(f.latent_hash, again.latent_hash);
    CHECK_STR(f.frame_hash, again.frame_hash);

    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(drawing_init(&d, &cx, b, &p, &nobody, &e), 0);
    CHECK_INT(drawing_window(&d, 0, &e), 0);
    latent_get_frame(&d.shape, d.x, 2, NULL, NULL, last);
    CHECK_INT(drawing_window(&d, 1, &e), 0);
    latent_get_frame(&d.shape, d.x, 0, NULL, NULL, first);
    latent_get_frame(&d.shape, d.x, 2, NULL, NULL, later);
    CHECK(!memcmp(first, last, sizeof first));
    CHECK(memcmp(later, last, sizeof later));
    p.fade = 0.25; /* of details that have grown, and nothing of what was drawn */
    for (int grown = 0; grown < 3; grown++) {
        CHECK_INT(drawing_window(&d, 0, &e), 0);
        latent_get_frame(&d.shape, d.x, 2, NULL, NULL, again_last);
        CHECK(!memcmp(again_last, last, sizeof last));
        d.details = (double[]){0, 1e12, 1e-3}[grown]; /* not known yet; once were more; were less */
        CHECK_INT(drawing_window(&d, 1, &e), 0);
        latent_get_frame(&d.shape, d.x, 0, NULL, NULL, first);
        for (int i = 0; i < 4 * 6 * 16; i++)
            CHECK(first[i] == (grown < 2 || i % 16 < 3 ? 1 : 0.75f) * last[i]);
    }
    drawing_release(&d);
    cx_release(&cx);
    plan_release(&p);
    request_release(&q);
    bundle_free(&b);
}

static int fail_late(void *user, int index, const uint8_t *rgb, struct err *e)
{
    (void)user, (void)rgb;
    return index == 20 ? err_set(e, ERR_IO, "no room for frame %d", index) : 0;
}

/* Windows are drawn while those before are shown, by another thread; what fails there ends the
 * film. */
TEST(film_is_the_same_shown_while_it_is_drawn)
{
    static const char *const set[][2] = {{"size", "native"}, {"size", "60x40"}, {"fps", "24"}};
    struct bundle *b = networks(DT_F32);
    struct sink turns = {0}, apart = {.apart = 1}, fails = {.frame = fail_late, .apart = 1};
    struct figures one, two;
    struct request q;
    struct plan p;
    struct err e = {0};

    for (int i = 0; i < 3; i++) {
        request_init(&q);
        CHECK_INT(request_set(&q, "prompt", "a red ball", &e), 0);
        CHECK_INT(request_set(&q, "type", "f32", &e), 0);
        CHECK_INT(request_set(&q, "frames", "25", &e), 0);
        CHECK_INT(request_set(&q, "steps", "4", &e), 0);
        CHECK_INT(request_set(&q, "threads", "2", &e), 0);
        CHECK_INT(request_set(&q, set[i][0], set[i][1], &e), 0);
        CHECK_INT(plan_make(&p, fixture_dir(), &q, NULL, &e), 0);
        CHECK(plan_ahead(&p) > 1);
        CHECK_INT(pipeline_run(b, &p, &turns, &one, &e), 0);
        CHECK_INT(pipeline_run(b, &p, &apart, &two, &e), 0);
        CHECK_STR(one.latent_hash, two.latent_hash);
        CHECK_STR(one.frame_hash, two.frame_hash);
        CHECK_INT(pipeline_run(b, &p, &fails, &two, &e), ERR_IO);
        CHECK(strstr(e.msg, "no room for frame 20"));
        plan_release(&p);
        request_release(&q);
    }
    bundle_free(&b);
}

/* What is left of a film counts both kinds of work, each by its own pace, before that by the
 * forecast. */
TEST(film_time_left_is_of_all_work)
{
    struct plan plan = {.forecast_s = 100, .forecast_drawing_s = 40};
    struct pace p;

    pace_init(&p, &plan);
    CHECK_BELOW(fabs(pace_left(&p, PACE_SAMPLING, 0, 0, 0, 10) - 100), 1e-9);
    CHECK_BELOW(fabs(pace_left(&p, PACE_SAMPLING, 10, 5, 5, 10) - (10 + 40)), 1e-9);
    CHECK_BELOW(fabs(pace_left(&p, PACE_DRAWING, 4, 2, 2, 8) - (10 + 12)), 1e-9);
    CHECK_BELOW(fabs(pace_left(&p, PACE_SAMPLING, 20, 10, 10, 10) - 12), 1e-9);
    CHECK_BELOW(fabs(pace_left(&p, PACE_DRAWING, 16, 8, 8, 8) - 0), 1e-9);
    pace_init(&p, &plan); /* seven of ten windows were drawn by another process */
    CHECK_BELOW(fabs(pace_left(&p, PACE_SAMPLING, 0, 0, 7, 10) - (18 + 40)), 1e-9);
}

/* Noise in what is given is in its tokens' timestep too, and it ends clean. */
TEST(film_of_given_frames_with_noise)
{
    struct bundle *b = networks(DT_F32);
    struct sink nobody = {0};
    struct pace pace = {0};
    struct denoise_progress progress = {.sink = &nobody, .pace = &pace};
    struct sampler_config config = {.name = "euler", .steps = 2, .shift = 1};
    struct sampler *sampler;
    struct velocity v;
    struct request q;
    struct plan p;
    struct cx cx;
    struct err e = {0};
    float latent[4 * 6 * 16], end[4 * 6 * 16], x[3][3 * 4 * 6 * 16];

    for (int i = 0; i < 4 * 6 * 16; i++)
        latent[i] = (float)(i % 13) / 13;
    request_init(&q);
    CHECK_INT(request_set(&q, "prompt", "a red ball", &e), 0);
    CHECK_INT(plan_make(&p, fixture_dir(), &q, NULL, &e), 0);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(velocity_of_plan(&v, &cx, b, &p, NULL, NULL, &e), 0);
    for (int i = 0; i < 3; i++) { /* nothing given, clean, with noise */
        struct given g = {1, i == 2 ? 0.25 : 0, latent};

        for (int k = 0; k < 3 * 4 * 6 * 16; k++)
            x[i][k] = (float)(k * 37 % 101 - 50) / 50;
        CHECK_INT(sampler_new(&sampler, &config, &e), 0);
        CHECK_INT(denoise(&v, sampler, &g, i > 0, x[i], &progress, &e), 0);
        sampler_free(&sampler);
        CHECK_INT(v.n_times, i ? 2 : 1);
        CHECK(!i || v.times[0] == (i == 2 ? 250 : 0));
        CHECK_INT(v.time_index[0], v.n_times - 1); /* frame 0 is drawn, frame 1 is given */
        CHECK(!i || v.time_index[6] == 0);
        latent_get_frame(&v.ask.shape, x[i], 1, NULL, NULL, end);
        CHECK_INT(!memcmp(end, latent, sizeof end), i > 0);
    }
    CHECK(memcmp(x[0], x[1], sizeof x[0]) && memcmp(x[1], x[2], sizeof x[1]));
    velocity_release(&v);
    cx_release(&cx);
    plan_release(&p);
    request_release(&q);
    bundle_free(&b);
}

TEST(film_stops_when_it_is_told)
{
    struct bundle *b = networks(DT_F32);
    struct film_run r = {.stop_at_frame = 2};

    CHECK_INT(DRAW(&r, b, "type", "f32"), ERR_CANCEL);
    CHECK_INT(r.frames, 2);
    r = (struct film_run){.stop_at_step = 1};
    CHECK_INT(DRAW(&r, b, "type", "f32"), ERR_CANCEL);
    CHECK_INT(r.frames, 0);
    CHECK_CONTAINS(r.e.msg, "sampling");
    bundle_free(&b);
}

static int stop_at_second(void *looks)
{
    return ++*(int *)looks == 2;
}

/* The flag is looked at between blocks, so that a long step ends soon; so does a watcher. */
TEST(film_stops_inside_a_step)
{
    struct bundle *b = networks(DT_F32);
    atomic_int stop = 1;
    int looks = 0;
    struct request q;
    struct plan p;
    struct velocity v;
    struct cx cx;
    struct err e = {0};

    request_init(&q);
    CHECK_INT(request_set(&q, "prompt", "a red ball", &e), 0);
    CHECK_INT(plan_make(&p, fixture_dir(), &q, NULL, &e), 0);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(velocity_of_plan(&v, &cx, b, &p, NULL, &stop, &e), 0);
    float *x = xcalloc(2 * latent_count(&v.ask.shape), sizeof *x);
    CHECK_INT(velocity_at(&v, x, 500, 0.5, x + latent_count(&v.ask.shape), &e), ERR_CANCEL);
    stop = 0;
    cx.err = (struct err){0};
    v.watch = (struct velocity_watch){stop_at_second, &looks};
    CHECK_INT(velocity_at(&v, x, 500, 0.5, x + latent_count(&v.ask.shape), &e), ERR_CANCEL);
    CHECK(looks >= 2); /* what is under way of the block still names its parts */
    free(x);
    velocity_release(&v);
    cx_release(&cx);
    plan_release(&p);
    request_release(&q);
    bundle_free(&b);
}

/* x, long enough for w, takes the place of its values. */
static void replace(struct weight *w, float *x)
{
    if (w->owner == OWNER_FILE)
        w->data = x;
    else
        weight_store(w, x, DT_F32);
}

/* The same with the values as they are, but for the first. */
static void spoil(struct weight *w, float *x, float first)
{
    weight_read(w, x);
    x[0] = first;
    replace(w, x);
}

TEST(film_names_the_step_that_is_not_finite)
{
    struct bundle *b = networks(DT_F32);
    struct film_run r = {0};
    float x[1024];

    spoil(weight_find(b->denoiser[0].weights, "proj_out.bias"), x, NAN);
    CHECK_INT(DRAW(&r, b, "type", "f32"), ERR_DEVICE);
    CHECK_CONTAINS(r.e.msg, "step 1 of 3");
    CHECK_CONTAINS(r.e.msg, "transformer");
    bundle_free(&b);
    b = networks(DT_F32);
    spoil(((struct tiny_vae *)b->part[PLACE_CODEC].net)->decoder.last.b, x, INFINITY);
    CHECK_INT(DRAW(&r, b, "type", "f32"), ERR_DEVICE);
    CHECK_CONTAINS(r.e.msg, "decoder: frames from 0 on are not finite, from layer decoder.");
    bundle_free(&b);
    b = networks(DT_F32);
    spoil(weight_find(b->text[0].weights, "encoder.block.1.layer.0.layer_norm.weight"), x, NAN);
    CHECK_INT(DRAW(&r, b, "type", "f32"), ERR_DEVICE);
    CHECK_STR(r.e.msg, "text encoder: its output is not finite, from hidden.2 on; the weight "
                       "encoder.block.1.layer.0.layer_norm.weight in its file is not finite");
    bundle_free(&b);
}

/* All values of a weight become 0. */
static void silence(struct weight_set *s, const char *name)
{
    static float zeros[1 << 14];
    struct weight *w = weight_find(s, name);

    CHECK(w && weight_count(w) <= 1 << 14);
    replace(w, zeros);
}

/* What is finite and the same everywhere would be a film of one colour: it is no success. */
TEST(film_names_the_step_and_layer_that_collapse)
{
    struct bundle *b = networks(DT_F32);
    struct film_run r = {0};

    silence(b->denoiser[0].weights, "proj_out.weight");
    CHECK_INT(DRAW(&r, b, "type", "f32"), ERR_DEVICE);
    CHECK_STR(r.e.msg, "step 1 of 3: transformer: its output has collapsed (it is the same in all "
                       "places), from the last layer on");
    CHECK_INT(r.frames, 0);
    bundle_free(&b);
    b = networks(DT_F32);
    silence(b->denoiser[0].weights, "patch_embedding.weight");
    CHECK_INT(DRAW(&r, b, "type", "f32"), ERR_DEVICE);
    CHECK_CONTAINS(r.e.msg, "has collapsed (it is the same in all places), from ");
    CHECK(!strstr(r.e.msg, "the last layer"));
    bundle_free(&b);
    b = networks(DT_BF16);
    silence(b->denoiser[0].weights, "proj_out.weight");
    CHECK_INT(DRAW(&r, b, "type", "bf16"), ERR_DEVICE);
    CHECK_CONTAINS(r.e.msg, "places), in f32 as well, from the last layer on");
    bundle_free(&b);
}

/* It says that all of x is noise, as is right in the first step. */
static struct tensor *all_is_noise(struct cx *cx, const void *net, const struct denoiser_batch *b)
{
    int64_t rows = b->rows->dim[0], columns = b->rows->dim[1];
    struct tensor *x = reshape(cx, cast(cx, b->rows, cx->wide), DIMS(rows, columns / 4, 4));

    (void)net; /* channels come last in what is said */
    return reshape(cx, permute(cx, x, (const int[]){0, 2, 1}), DIMS(rows, columns));
}

TEST(film_of_one_colour_names_the_step_from_which_on)
{
    struct bundle *b = networks(DT_F32);
    struct denoiser_class noise = *b->denoiser[0].is;
    struct film_run r = {0};

    noise.velocity = all_is_noise;
    b->denoiser[0].is = &noise;
    CHECK_INT(DRAW(&r, b, "type", "f32", "sampler", "euler", "steps", "1"), 0);
    CHECK_STR(r.figures.note, "from evaluation 1 of 1 on the latent has collapsed, it is the same "
                              "in all places: a film of one colour");
    bundle_free(&b);
}

/* 3.4e38 is a number in f32 and infinite in bf16, and what multiplies it is nothing: infinity times
 * 0. x is the caller's. */
static void overflow_in_bf16(struct weight_set *s, const char *bias, const char *after, float *x)
{
    struct weight *b = weight_find(s, bias), *w = weight_find(s, after);
    float *values = x + weight_count(b);

    spoil(b, x, 3.4e38f);
    weight_read(w, values);
    for (int64_t i = 0; i < w->dim[0]; i++)
        values[i * w->dim[1]] = 0;
    replace(w, values);
}

TEST(film_is_computed_again_in_f32_where_bf16_is_not_finite)
{
    static float x[1 << 16], y[1024];
    struct bundle *b = networks(DT_BF16);
    struct film_run r = {0}, plain = {0};

    CHECK_INT(DRAW(&plain, b, "type", "bf16"), 0);
    CHECK_STR(plain.figures.note, "");
    overflow_in_bf16(b->denoiser[0].weights, "blocks.0.ffn.net.0.proj.bias",
                     "blocks.0.ffn.net.2.weight", x);
    CHECK_INT(DRAW(&r, b, "type", "bf16"), 0);
    CHECK_INT(r.frames, 9);
    CHECK_STR(r.figures.note,
              "3 of 3 evaluations were computed again in f32, because they were not "
              "finite, or the same everywhere, in bf16 (the first: 1)");
    CHECK_INT(DRAW(&plain, b, "type", "f32"), 0);
    CHECK_STR(plain.figures.note, "");
    CHECK_STR(plain.figures.latent_hash, r.figures.latent_hash); /* the same networks in f32 */
    spoil(weight_find(b->denoiser[0].weights, "proj_out.bias"), y, NAN);
    CHECK_INT(DRAW(&r, b, "type", "bf16"), ERR_DEVICE);
    CHECK_CONTAINS(r.e.msg, "step 1 of 3: transformer: its output is not finite, in f32 as well, "
                            "from the last layer on; the weight proj_out.bias");
    bundle_free(&b);
}
