/* A given picture is kept, or the film is refused: with the codec that is shipped, films that stay
 * what they are and films that show something else. */
#include <stdlib.h>

#include "base/file.h"
#include "generate/pipeline.h"
#include "ztest.h"

enum { W = 224, H = 128, PART = 16, LOWER_GONE = 5, CORNER_GONE, PARTS_GONE = 100 };

static struct bundle *b;
static struct plan p;
static struct cx cx;

static void begin(void)
{
    char *dir = path_join(ztest_data(".."), "model");
    struct request q;
    struct err e = {0};

    request_init(&q);
    if (request_set(&q, "prompt", "a red ball", &e) || request_set(&q, "frames", "5", &e) ||
        request_set(&q, "size", "native", &e) || plan_make(&p, dir, &q, NULL, &e) ||
        bundle_open(&b, dir, device_cpu(), DT_F32, NULL, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    CHECK(p.w == W && p.h == H && p.t == 2);
    p.first.rgb = xmalloc((size_t)W * H * 3);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    request_release(&q);
    free(dir);
}

static void end(void)
{
    cx_release(&cx);
    plan_release(&p);
    bundle_free(&b);
}

/* Is the pixel in one of the last n parts of what the film shows, line by line? */
static int in_last_parts(int n, int x, int y)
{
    int n_x = (p.seen_w + PART / 2) / PART, first = n_x * (H / PART) - n, line = first / n_x;

    return y / PART > line ||
           (y / PART == line && x >= (W - p.seen_w) / 2 + first % n_x * p.seen_w / n_x);
}

/* Pixel of picture `k`: soft spots, the same with their colours turned; two greys that hardly
 * differ, and two that do; the spots without their lower third, or without a corner; with so many
 * parts of another brightness as k is above PARTS_GONE. */
static float pixel(int k, int i)
{
    int c = i % 3, x = i / 3 % W, y = i / 3 / W;

    if (k >= PARTS_GONE)
        return pixel(0, i) + (in_last_parts(k - PARTS_GONE, x, y) ? 0.15f : 0);
    if (k >= LOWER_GONE) {
        int gone = y >= H * 2 / 3 && (k == LOWER_GONE || x < W / 3);

        return gone ? 0.5f : pixel(0, i);
    }
    if (k > 1)
        return (const float[]){0.5f, 0.52f, 0.58f}[k - 2];
    return 0.5f + 0.3f * sinf((float)x / 30 + (float)((c + k) % 3)) * cosf((float)y / 25);
}

/* What is said to a film that begins with picture `given` and goes on with `next`. */
static int answer(int given, int next, struct err *e)
{
    struct latent_shape s = plan_latent(&p);
    size_t place = (size_t)s.h * (size_t)s.w * (size_t)s.c;
    float *video = xmalloc(sizeof *video * 5 * W * H * 3), *z = xmalloc(sizeof *z * 2 * place),
          *x = xmalloc(sizeof *x * 2 * place);

    for (int i = 0; i < W * H * 3; i++) {
        p.first.rgb[i] = (uint8_t)(255 * pixel(given, i) + 0.5f);
        for (int f = 0; f < 5; f++)
            video[f * W * H * 3 + i] = f ? pixel(next, i) : pixel(given, i);
    }
    tensor_read_f32(
        &cx,
        codec_encode(&cx, &b->codec, tensor_from(&cx, DT_F32, DIMS(5, H, W, 3), video, DT_F32)), z);
    cx_step_end(&cx);
    for (size_t t = 0; t < 2; t++) /* as the transformer has it */
        for (size_t k = 0; k < place; k++) {
            size_t c = k % (size_t)s.c, at = (c * 2 + t) * (place / (size_t)s.c) + k / (size_t)s.c;
            x[at] = (z[t * place + k] - p.info.latents_mean[c]) / p.info.latents_std[c];
        }
    *e = (struct err){0};
    int rc = picture_kept(&cx, b, &p, &s, x, e);
    free(video);
    free(z);
    free(x);
    return rc;
}

TEST(kept_picture_is_the_one_behind_it)
{
    struct err e;

    begin();
    CHECK_INT(answer(0, 0, &e), 0);
    CHECK_INT(answer(2, 3, &e), 0);
    CHECK_INT(answer(2, 4, &e), ERR_USAGE);
    CHECK_INT(answer(0, CORNER_GONE, &e), 0); /* things go */
    CHECK_INT(answer(0, LOWER_GONE, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "a fifth of it is gone");
    CHECK_INT(answer(0, 1, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "first-frame: the film does not go on from this picture");
    CHECK_CONTAINS(e.msg, "physics, story");
    CHECK_CONTAINS(e.msg, "force-picture");
    p.any_picture = 1; /* force-picture */
    CHECK_INT(answer(0, 1, &e), 0);
    p.any_picture = 0;
    unsigned worlds = p.info.worlds;
    p.info.worlds = 0; /* a model of any picture */
    CHECK_INT(answer(0, 1, &e), 0);
    p.info.worlds = worlds;
    CHECK_INT(answer(0, 1, &e), ERR_USAGE);
    end();
}

/* A fifth of the parts may be lost, and 14 of few; the mean alone lets all of these pass. */
TEST(kept_picture_may_lose_so_many_parts)
{
    struct err e;

    begin();
    CHECK(p.seen_w == W && p.seen_h == H); /* 112 parts */
    CHECK_INT(answer(0, PARTS_GONE + 22, &e), 0);
    CHECK_INT(answer(0, PARTS_GONE + 23, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "a fifth of it is gone");
    p.seen_w = 72; /* on end: 40 parts */
    CHECK_INT(answer(0, PARTS_GONE + 14, &e), 0);
    CHECK_INT(answer(0, PARTS_GONE + 15, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "a fifth of it is gone");
    end();
}
