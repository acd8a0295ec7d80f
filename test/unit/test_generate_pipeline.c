/* From plan to frames on the model of random weights: the same bits for any number of threads,
 * given first frames, guidance, stopping, values that are not finite. */
#include <stdlib.h>

#include "base/hash.h"
#include "fixture.h"
#include "generate/latent.h"
#include "generate/pipeline.h"
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
    struct sink sink = {r, on_frame, on_progress, NULL};
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
    struct latent_shape s;
    struct plan p;
    struct cx cx;
    struct err e = {0};

    request_init(&q);
    CHECK_INT(request_set(&q, "prompt", "a red ball", &e), 0);
    CHECK_INT(request_set(&q, "seed", "7", &e), 0);
    CHECK_INT(plan_make(&p, fixture_dir(), &q, NULL, &e), 0);
    velocity_shape(&p, &s);
    float *x = xcalloc(latent_count(&s), sizeof *x);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(denoise(&cx, b, &p, &sink, x, &e), ERR_CANCEL);
    CHECK_BELOW(ztest_rel_l2(x, torch, 2), 1e-6);
    cx_release(&cx);
    free(x);
    plan_release(&p);
    request_release(&q);
    bundle_free(&b);
}

TEST(film_keeps_a_given_first_frame)
{
    struct bundle *b = networks(DT_F32);
    struct request q;
    struct plan p;
    struct err e = {0};
    struct picture pic;
    struct cx cx;
    struct sink sink = {0};
    char path[600];
    float frame[4 * 6 * 16], given[4 * 6 * 16];

    picture_init(&pic, 96, 64);
    for (int i = 0; i < 96 * 64 * 3; i++)
        pic.rgb[i] = (uint8_t)(i * 7 % 251);
    snprintf(path, sizeof path, "%s/first.ppm", ztest_tmp());
    CHECK_INT(picture_save(&pic, path, &e), 0);
    picture_release(&pic);
    request_init(&q);
    CHECK_INT(request_set(&q, "first-frame", path, &e), 0);
    CHECK_INT(request_set(&q, "type", "f32", &e), 0);
    CHECK_INT(plan_make(&p, fixture_dir(), &q, NULL, &e), 0);
    CHECK_INT(strlen(p.first_frame_hash), 64);

    struct latent_shape s;
    velocity_shape(&p, &s);
    CHECK_INT(s.h * s.w * s.c, 4 * 6 * 16);
    float *x = xmalloc(latent_count(&s) * sizeof(float));
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(denoise(&cx, b, &p, &sink, x, &e), 0);
    latent_get_frame(&s, x, 0, b->info.latents_std, b->info.latents_mean, frame);
    struct tensor *video = tensor_new(&cx, DT_F32, DIMS(1, p.h, p.w, 3));
    for (int64_t i = 0; i < tensor_count(video); i++)
        ((float *)video->data)[i] = (float)p.first_frame[i] / 255;
    tensor_read_f32(&cx, codec_encode(&cx, &b->codec, video), given);
    cx_step_end(&cx);
    CHECK_BELOW(ztest_rel_l2(frame, given, 4 * 6 * 16), 1e-6);
    cx_release(&cx);
    free(x);
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

/* The flag is looked at between blocks, so that a long step ends soon. */
TEST(film_stops_inside_a_step)
{
    struct bundle *b = networks(DT_F32);
    atomic_int stop = 1;
    struct request q;
    struct plan p;
    struct velocity v;
    struct cx cx;
    struct err e = {0};

    request_init(&q);
    CHECK_INT(request_set(&q, "prompt", "a red ball", &e), 0);
    CHECK_INT(plan_make(&p, fixture_dir(), &q, NULL, &e), 0);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(velocity_init(&v, &cx, b, &p, &stop, &e), 0);
    float *x = xcalloc(2 * latent_count(&v.shape), sizeof *x);
    CHECK_INT(velocity_at(&v, x, 500, 0.5, x + latent_count(&v.shape), &e), ERR_CANCEL);
    free(x);
    velocity_release(&v);
    cx_release(&cx);
    plan_release(&p);
    request_release(&q);
    bundle_free(&b);
}

/* x, long enough for w, takes the place of its values, of which the first becomes `first`. */
static void spoil(struct weight *w, float *x, float first)
{
    weight_read(w, x);
    x[0] = first;
    if (w->owner == OWNER_FILE)
        w->data = x;
    else
        weight_store(w, x, DT_F32);
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
    CHECK_CONTAINS(r.e.msg, "decoder");
    bundle_free(&b);
}
