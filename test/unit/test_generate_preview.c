/* What a step promises: the estimate is that of the sampler, the picture that of the codec, the
 * film the same with it as without. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "fixture.h"
#include "generate/pipeline.h"
#include "zoetrope.h"
#include "ztest.h"

static char error[768];

struct seen {
    int n, windows, stop_at, w, h, steps;
    uint8_t last[48 * 32 * 3];
};

static int see(void *user, int window, int step, int n_steps, const uint8_t *rgb, int w, int h)
{
    struct seen *s = user;

    CHECK_INT(step, s->n % n_steps + 1);
    CHECK_INT(window, s->n / n_steps);
    s->n++;
    s->windows = window + 1;
    s->steps = n_steps;
    s->w = w;
    s->h = h;
    CHECK(w == 48 && h == 32);
    memcpy(s->last, rgb, sizeof s->last);
    return s->n == s->stop_at;
}

static zt_job *job_of(const char *sampler, const char *frames)
{
    const char *const set[] = {"model",   fixture_dir(), "prompt", "a red ball rolls",
                               "seed",    "5",           "size",   "96x64",
                               "steps",   "3",           "type",   "f32",
                               "sampler", sampler,       "frames", frames};
    zt_job *job;

    zt_job_new(&job, NULL);
    for (size_t i = 0; i < sizeof set / sizeof *set; i += 2)
        if (zt_job_set(job, set[i], set[i + 1], error, sizeof error))
            ztest_fail(__FILE__, __LINE__, "%s", error);
    return job;
}

/* In two windows, by a sampler that looks back, larger than it is drawn. */
TEST(preview_changes_no_film)
{
    struct seen s = {0};
    zt_job *job = job_of("unipc", "13");

    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    char *latent = xstrdup(zt_job_get(job, "latent_hash")),
         *frames = xstrdup(zt_job_get(job, "frame_hash"));
    zt_job_on_preview(job, see, &s);
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_STR(zt_job_get(job, "latent_hash"), latent);
    CHECK_STR(zt_job_get(job, "frame_hash"), frames);
    CHECK_INT(s.windows, 2);
    CHECK_INT(s.n, 6);
    free(latent);
    free(frames);
    zt_job_free(&job);
}

TEST(preview_cancels)
{
    struct seen s = {.stop_at = 2};
    zt_job *job = job_of("euler", "9");

    zt_job_on_preview(job, see, &s);
    CHECK_INT(zt_job_plan(job, error, sizeof error), 0);
    CHECK_STR(zt_job_get(job, "previews"), "yes");
    CHECK_INT(zt_job_run(job, error, sizeof error), ZT_E_CANCEL);
    CHECK_CONTAINS(error, "stopped at a preview");
    CHECK_INT(s.n, 2);
    zt_job_on_preview(job, NULL, NULL);
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_INT(s.n, 2);
    zt_job_free(&job);
}

/* The latent that Euler ends with is the one that its last evaluation promises. */
TEST(preview_of_the_last_step_shows_the_latent_of_the_film)
{
    struct seen seen = {0};
    const struct sink sink = {.user = &seen, .preview = see};
    struct request q;
    struct plan p;
    struct bundle *b;
    struct drawing d;
    struct cx cx;
    struct err e = {0};

    request_init(&q);
    CHECK(!request_set(&q, "prompt", "a red ball", &e) && !request_set(&q, "steps", "3", &e) &&
          !request_set(&q, "size", "native", &e) && !request_set(&q, "sampler", "euler", &e));
    CHECK_INT(plan_make(&p, fixture_dir(), &q, NULL, &e), 0);
    CHECK_INT(bundle_open(&b, fixture_dir(), device_cpu(), DT_F32, NULL, &e), 0);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(drawing_init(&d, &cx, b, &p, &sink, &e), 0);
    CHECK_INT(drawing_window(&d, 0, &e), 0);
    CHECK_INT(seen.n, 3);
    float *z = xmalloc(sizeof *z * (size_t)p.lh * (size_t)p.lw * (size_t)p.c);
    latent_get_frame(&d.shape, d.x, d.shape.t / 2, p.info.latents_std, p.info.latents_mean, z);
    float *rgb = xmalloc(sizeof *rgb * sizeof seen.last);
    struct tensor *x = tensor_from(&cx, DT_F32, DIMS(1, p.lh, p.lw, p.c), z, DT_F32);
    tensor_read_f32(&cx, codec_preview(&cx, &b->codec, x), rgb);
    for (size_t i = 0; i < sizeof seen.last; i++) {
        float v = fminf(fmaxf(rgb[i], 0), 1) * 255;

        CHECK(fabsf(v - (float)seen.last[i]) < 0.51f);
    }
    free(z);
    free(rgb);
    drawing_release(&d);
    cx_release(&cx);
    bundle_free(&b);
    plan_release(&p);
    request_release(&q);
}

/* ---- the codec that is shipped ---- */

enum { W = 224, H = 128, BOX = 16, N = 9, BOXES = W / BOX * (H / BOX) * 3 };

/* Means of boxes of 16x16 px, less the mean of each colour over the picture. */
static void boxes(const float *rgb, float *out)
{
    float mean[3] = {0};

    memset(out, 0, sizeof *out * BOXES);
    for (int i = 0; i < W * H * 3; i++) {
        int c = i % 3, x = i / 3 % W / BOX, y = i / 3 / W / BOX;

        out[(y * (W / BOX) + x) * 3 + c] += rgb[i] / (BOX * BOX);
        mean[c] += rgb[i] / (W * H);
    }
    for (int i = 0; i < BOXES; i++)
        out[i] -= mean[i % 3];
}

TEST(preview_of_the_shipped_codec_is_the_film_seen_from_afar)
{
    char *dir = path_join(ztest_data(".."), "model");
    struct bundle *b;
    struct cx cx;
    struct err e = {0};
    size_t px = (size_t)W * H * 3;
    float *film = xmalloc(N * px * sizeof *film), *picture = xmalloc(px * sizeof *picture);
    uint8_t *frame = xmalloc(px);
    float all[BOXES], soon[BOXES];

    if (bundle_open(&b, dir, device_cpu(), DT_F32, NULL, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    CHECK(b->codec.config.previews);
    for (int t = 0; t < N; t++) {
        fixture_moving(frame, W, H, t);
        for (size_t i = 0; i < px; i++)
            film[(size_t)t * px + i] = frame[i] / 255.0f;
    }
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    struct tensor *z =
        codec_encode(&cx, &b->codec, tensor_from(&cx, DT_F32, DIMS(N, H, W, 3), film, DT_F32));
    int64_t h = z->dim[1], w = z->dim[2], c = z->dim[3];
    float *latent = xmalloc(tensor_count(z) * sizeof *latent);
    tensor_read_f32(&cx, z, latent);
    cx_step_end(&cx);
    CHECK_INT(codec_decode(&cx, &b->codec, latent, 3, (int)h, (int)w, film, &e), 0);
    for (int t = 0; t < 3; t++) {
        z = tensor_from(&cx, DT_F32, DIMS(1, h, w, c), latent + t * h * w * c, DT_F32);
        tensor_read_f32(&cx, codec_preview(&cx, &b->codec, z), picture);
        cx_step_end(&cx);
        boxes(film + (size_t)t * 4 * px, all);
        boxes(picture, soon);
        CHECK_BELOW(ztest_rel_l2(soon, all, BOXES), 0.1);
    }
    free(film);
    free(picture);
    free(frame);
    free(latent);
    cx_release(&cx);
    bundle_free(&b);
    free(dir);
}
