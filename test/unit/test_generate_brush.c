/* The motion brush, and noise that goes along. */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/torch_rng.h"
#include "fixture.h"
#include "generate/drag.h"
#include "media/picture.h"
#include "ztest.h"

#define RUNS "{\"size\":[4,4],\"counts\":[0,8,8]}" /* the left half */
#define TWO "[{\"x\":0,\"y\":0},{\"x\":2,\"y\":1}]"

TEST(brush_is_read_and_said_again)
{
    struct brush b, again;
    struct buf text = BUF_INIT;
    double dx, dy;

    CHECK(!brush_read(&b,
                      "{\"static_mask\":{\"size\":[4,4],\"counts\":[12,4]},\"dynamic_masks\":[{"
                      "\"mask\":" RUNS ",\"trajectories\":" TWO "}]}",
                      NULL));
    CHECK_INT(b.w, 4);
    CHECK_INT(b.n_paths, 1);
    CHECK(b.still && b.still[3] && !b.still[2]);
    CHECK(b.path[0].mask[0] && b.path[0].mask[1] && !b.path[0].mask[2]);
    brush_at(&b, 0, 0.5, &dx, &dy);
    CHECK_BELOW(fabs(dx - 0.25), 1e-6);
    CHECK_BELOW(fabs(dy + 0.125), 1e-6); /* y of the file goes up */
    CHECK_BELOW(fabs(brush_cover(&b, b.path[0].mask, 0, 0, 0.75, 1) - 2.0 / 3), 1e-6);
    brush_say(&b, &text);
    CHECK(!brush_read(&again, buf_str(&text), NULL));
    CHECK(!memcmp(again.path[0].mask, b.path[0].mask, 16) && !memcmp(again.still, b.still, 16));
    brush_at(&again, 0, 1, &dx, &dy);
    CHECK_BELOW(fabs(dx - 0.5), 1e-6);
    brush_release(&again);
    brush_release(&b);
    buf_release(&text);
}

static char *points(int n)
{
    struct buf b = BUF_INIT;

    for (int i = 0; i < n; i++)
        buf_printf(&b, "%s{\"x\":%d,\"y\":0}", i ? "," : "", i);
    char *text =
        xasprintf("{\"dynamic_masks\":[{\"mask\":" RUNS ",\"trajectories\":[%s]}]}", buf_str(&b));
    buf_release(&b);
    return text;
}

static void wrong(const char *text, const char *says)
{
    struct brush b;
    struct err e;

    CHECK_INT(brush_read(&b, text, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, says);
    CHECK(!strchr(e.msg, '\n'));
    brush_release(&b);
}

TEST(brush_says_what_is_wrong)
{
    struct buf seven = BUF_INIT;

    buf_puts(&seven, "{\"dynamic_masks\":[");
    for (int i = 0; i < 7; i++)
        buf_printf(&seven, "%s{\"mask\":" RUNS ",\"trajectories\":" TWO "}", i ? "," : "");
    buf_puts(&seven, "]}");
    wrong(buf_str(&seven), "at most 6 masks");
    buf_release(&seven);
    for (int n = 0; n < 79; n++) {
        char *text = points(n);
        struct brush b;
        if (n == 1 || n == 78)
            wrong(text, "2 to 77 are allowed");
        if (n >= 2 && n <= 77) {
            CHECK(!brush_read(&b, text, NULL));
            brush_release(&b);
        }
        free(text);
    }
    wrong("{}", "static_mask");
    wrong("{\"dynamic_masks\":[{\"mask\":\"a.png\",\"trajectories\":" TWO "}]}", "names a file");
    wrong("{\"dynamic_masks\":[{\"trajectories\":" TWO "}]}", "mask");
    wrong("{\"static_mask\":{\"size\":[4,4],\"counts\":[3,4]}}", "7 px together");
    wrong("{\"static_mask\":{\"size\":[4,4],\"counts\":[30]}}", "counts");
    wrong("{\"static_mask\":" RUNS ",\"dynamic_masks\":[{\"mask\":{\"size\":[4,5],\"counts\":[20]},"
          "\"trajectories\":" TWO "}]}",
          "all have one size");
}

TEST(brush_takes_its_masks_from_files_beside_it)
{
    static const char json[] = "{\"dynamic_masks\":[{\"mask\":\"mask.ppm\",\"trajectories\":"
                               "[{\"x\":0,\"y\":0},{\"x\":100,\"y\":0}]}]}";
    char *mask = ztest_in_tmp("mask.ppm"), *path = ztest_in_tmp("brush.json");
    struct picture p;
    struct brush b;
    struct err e;

    picture_init(&p, 200, 100);
    memset(p.rgb, 255, (size_t)200 * 50 * 3);
    CHECK(!picture_save(&p, mask, NULL) && !file_write(path, json, sizeof json - 1, NULL));
    CHECK(!brush_read(&b, path, &e));
    CHECK_INT(b.w, 128);
    CHECK_INT(b.h, 64);
    CHECK(b.path[0].mask[0] && !b.path[0].mask[128 * 63]);
    CHECK_BELOW(fabs(b.path[0].x[1] - 0.5), 1e-6);
    brush_release(&b);
    memset(p.rgb, 0, (size_t)200 * 100 * 3);
    memset(p.rgb, 255, 3); /* one px of 200 x 100 */
    CHECK(!picture_save(&p, mask, NULL));
    CHECK_INT(brush_read(&b, path, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "dynamic mask 1: brush: mask is black");
    brush_release(&b);
    CHECK(!file_write(mask, "no picture", 10, NULL));
    CHECK(brush_read(&b, path, &e));
    CHECK_CONTAINS(e.msg, "mask");
    brush_release(&b);
    picture_release(&p);
    free(mask);
    free(path);
}

/* The note on a mask of 96 x h px with a run of so many, on the model of 48x32 px with places of 8.
 */
static char *note_of(int run, int h)
{
    char *json = xasprintf("{\"dynamic_masks\":[{\"mask\":{\"size\":[%d,96],\"counts\":[%d,%d,%d]},"
                           "\"trajectories\":" TWO "}]}",
                           h, h * 40 + 20, run, h * 96 - h * 40 - 20 - run),
         *note;
    struct request r;
    struct plan p;
    struct err e;

    request_init(&r);
    CHECK_INT(request_set(&r, "prompt", "a red ball", &e), 0);
    CHECK_INT(request_set(&r, "brush", json, &e), 0);
    CHECK_INT(plan_make(&p, fixture_dir(), &r, NULL, &e), 0);
    note = xstrdup(p.note ? p.note : "");
    plan_release(&p);
    request_release(&r);
    free(json);
    return note;
}

/* A part that never fills half of a latent place would stand without a word. */
TEST(brush_says_what_it_cannot_move)
{
    char *small = note_of(4, 64), *large = note_of(64 * 30, 64), *other = note_of(96 * 30, 96);

    CHECK_CONTAINS(small, "brush: mask 1 (0: the static one) is too small");
    CHECK(!strstr(large, "too small") && strstr(large, "parts go best in a picture"));
    CHECK_CONTAINS(other, "brush: masks of 96x96 are stretched over a film of another shape");
    free(small);
    free(large);
    free(other);
}

enum { C = 24, T = 5, H = 8, W = 14 };

/* The mean product of frame f of x and frame 0 of y, moved by u, v places. */
static double alike(const float *x, int f, const float *y, int u, int v)
{
    double sum = 0, n = 0;

    for (int c = 0; c < C; c++)
        for (int i = 0; i < H; i++)
            for (int k = 0; k < W; k++) {
                if (i + v < 0 || i + v >= H || k + u < 0 || k + u >= W)
                    continue;
                sum += (double)x[((c * T + f) * H + i) * W + k] *
                       (double)y[(c * T * H + i + v) * W + k + u];
                n++;
            }
    return sum / n;
}

TEST(noise_that_goes_with_the_camera_stays_noise)
{
    static const struct camera_rate rates[] = {
        {.pan = 0.05}, {.roll = 0.3}, {.zoom = 0.2}, {.zoom = -0.2}, {.tilt = -0.1, .roll = -0.1}};
    static float x[C * T * H * W], before[C * T * H * W];
    const struct latent_shape s = {C, T, H, W, 1, 1, 1};
    const double time[T] = {0, 0.5, 1, 1.5, 2};
    struct torch_rng rng;

    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        torch_rng_init(&rng, 7);
        torch_rng_normal(&rng, x, C * T * H * W);
        memcpy(before, x, sizeof x);
        CHECK_INT(warp_noise(&s, &rates[r], time, 7, 1, NULL, NULL, x), 0);
        for (int c = 0; c < C; c++)
            CHECK(!memcmp(x + c * T * H * W, before + c * T * H * W, H * W * sizeof *x));
        for (int f = 1; f < T; f++) {
            double mean = 0, square = 0, beside = 0, below = 0;

            for (int c = 0; c < C; c++)
                for (int i = 0; i < H; i++)
                    for (int k = 0; k < W; k++) {
                        const float *at = x + ((c * T + f) * H + i) * W + k;
                        mean += (double)*at / (C * H * W);
                        square += (double)*at * (double)*at / (C * H * W);
                        if (k + 1 < W)
                            beside += (double)at[0] * (double)at[1] / (C * H * (W - 1));
                        if (i + 1 < H)
                            below += (double)at[0] * (double)at[W] / (C * (H - 1) * W);
                    }
            /* of C H W = 2688 numbers: five times what chance gives */
            CHECK_BELOW(fabs(mean), 0.1);
            CHECK_BELOW(fabs(square - 1), 0.14);
            CHECK_BELOW(fabs(beside), 0.1);
            CHECK_BELOW(fabs(below), 0.11);
        }
    }
    /* 0.05 of 14 places a second: 0.7 places in one, so 0.7 of a place is that of the next */
    torch_rng_init(&rng, 7);
    torch_rng_normal(&rng, before, C * T * H * W);
    memcpy(x, before, sizeof x);
    CHECK_INT(warp_noise(&s, &rates[0], time, 7, 1, NULL, NULL, x), 0);
    CHECK_BELOW(fabs(alike(x, 2, before, 1, 0) - 0.7), 0.12);
    CHECK_BELOW(fabs(alike(x, 2, before, 0, 0) - 0.3), 0.12);
    CHECK_BELOW(fabs(alike(x, 2, before, -1, 0)), 0.1);
}

TEST(noise_goes_with_the_camera_alike_on_any_threads_and_stops)
{
    static const struct camera_rate rates[] = {
        {.pan = 0.3, .roll = 0.2, .zoom = 0.3}, {.tilt = -0.4}, {.zoom = -1}, {.pan = 40}};
    static float x[C * T * H * W], y[C * T * H * W];
    const struct latent_shape s = {C, T, H, W, 1, 1, 1};
    const double time[T] = {0, 0.5, 1, 1.5, 2};
    struct threads *th = threads_new(3);
    struct torch_rng rng;
    atomic_int stop = 0;

    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        torch_rng_init(&rng, 7);
        torch_rng_normal(&rng, x, C * T * H * W);
        memcpy(y, x, sizeof x);
        CHECK_INT(warp_noise(&s, &rates[r], time, 7, 0.95, NULL, NULL, x), 0);
        CHECK_INT(warp_noise(&s, &rates[r], time, 7, 0.95, th, &stop, y), 0);
        CHECK(!memcmp(x, y, sizeof x));
    }
    atomic_store(&stop, 1);
    CHECK_INT(warp_noise(&s, &rates[0], time, 7, 0.95, th, &stop, y), ERR_CANCEL);
    CHECK(!memcmp(x + T * H * W, y + T * H * W, (C - 1) * T * H * W * sizeof *x)); /* not begun */
    threads_free(&th);
}
