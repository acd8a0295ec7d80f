/* Edges that are narrowed: in pictures whose blur is known, and in films. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/tree.h"
#include "fixture.h"
#include "generate/pipeline.h"
#include "measure/edges.h"
#include "media/sharpen.h"
#include "ztest.h"

enum { W = 64, H = 48 };

/* A bright half behind a line that is turned, blurred by a Gaussian. */
static void half(float *rgb, double sigma, double turn)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            double d = (x - W / 2.0 + 0.5) * cos(turn) + (y - H / 2.0 + 0.5) * sin(turn);
            double share = 0.5 * (1 + erf(d / (sigma * sqrt(2))));

            for (int k = 0; k < 3; k++)
                rgb[(y * W + x) * 3 + k] = (float)(0.2 + 0.15 * k * (1 - share) + 0.5 * share);
        }
}

static void in_place(float *rgb, double amount, struct threads *threads)
{
    float *room = xmalloc(sizeof *room * sharpen_room(W, H));

    sharpen(rgb, W, H, amount, room, threads);
    free(room);
}

static void bytes_of(uint8_t *bytes, const float *rgb)
{
    for (int i = 0; i < W * H * 3; i++)
        bytes[i] = (uint8_t)(rgb[i] * 255 + 0.5f);
}

/* Mean width of the picture's own edges, in those of the one that is least blurred. */
static double width(const float *rgb)
{
    static float sharp[W * H * 3];
    static uint8_t bytes[W * H * 3], truth[W * H * 3];
    struct edge_widths s = {0};

    half(sharp, 0.6, 0.5);
    bytes_of(bytes, rgb);
    bytes_of(truth, sharp);
    edge_widths_add(&s, bytes, truth, W, H);
    CHECK(s.own.n > 0 && s.true_own.n > 0);
    return edge_widths_own(&s);
}

TEST(sharpening_narrows_an_edge_where_it_is)
{
    static float soft[W * H * 3], rgb[W * H * 3];

    half(soft, 2, 0.5);
    double before = width(soft), last = before;
    for (double amount = 0.5; amount <= 1; amount += 0.5) {
        memcpy(rgb, soft, sizeof rgb);
        in_place(rgb, amount, NULL);
        double now = width(rgb);
        CHECK_BELOW(now, last * 0.9);
        last = now;
    }
    CHECK(before > 2);
    for (int i = 0; i < W * H; i++) {
        double d = (i % W - W / 2.0 + 0.5) * cos(0.5) + ((int)(i / W) - H / 2.0 + 0.5) * sin(0.5);
        float low = 0.2f, high = 0.7f; /* of the first channel */

        CHECK(rgb[i * 3] >= low - 1e-6f && rgb[i * 3] <= high + 1e-6f);
        if (fabs(d) > 1) /* the middle stays where it was */
            CHECK((rgb[i * 3] > (low + high) / 2) == (d > 0));
        if (fabs(d) > 10)
            CHECK(fabsf(rgb[i * 3] - soft[i * 3]) < 1e-3f);
    }
}

TEST(sharpening_leaves_flat_and_faint_pictures_alone)
{
    static float rgb[W * H * 3], was[W * H * 3];

    for (int i = 0; i < W * H * 3; i++)
        rgb[i] = was[i] = 0.3f;
    in_place(rgb, 2, NULL);
    CHECK(!memcmp(rgb, was, sizeof rgb));
    for (int i = 0; i < W * H * 3; i++) /* steps of a hundredth at every second px */
        rgb[i] = was[i] = 0.3f + 0.01f * (float)(i / 3 / 2 % 2);
    in_place(rgb, 1, NULL);
    for (int i = 0; i < W * H * 3; i++)
        CHECK(fabsf(rgb[i] - was[i]) < 0.002f);
    half(rgb, 2, 1);
    memcpy(was, rgb, sizeof was);
    in_place(rgb, 0, NULL);
    CHECK(!memcmp(rgb, was, sizeof rgb));
}

TEST(sharpening_is_the_same_for_all_threads_and_never_reads_outside)
{
    static float rgb[W * H * 3], other[W * H * 3];
    struct threads *threads = threads_new(3);

    half(rgb, 1.5, 2);
    memcpy(other, rgb, sizeof other);
    in_place(rgb, 2, NULL);
    in_place(other, 2, threads);
    CHECK(!memcmp(rgb, other, sizeof rgb));
    rgb[W * 3] = NAN;
    rgb[(W + 1) * 3] = INFINITY;
    in_place(rgb, 2, threads);
    for (int h = 1; h < 4; h++) { /* the smallest pictures */
        float small[3 * 3 * 3] = {0, 1, 1, 0}, room[5 * 9];
        sharpen(small, 3, h, 2, room, threads);
        sharpen(small, h, 3, 2, room, threads);
    }
    threads_free(&threads);
}

/* ---- films ---- */

static int plan(struct plan *p, struct err *e, const char *dir, const char *recipe,
                const char *amount, const char *size)
{
    const char *settings[] = {FIXTURE_FILM, "size", size, amount ? "sharpen" : NULL, amount, NULL};

    return fixture_plan_again(p, e, dir, recipe, settings);
}

static void draw(const char *dir, const char *amount, const char *size, char hash[65])
{
    struct sink sink = {0};
    struct figures figures;
    struct bundle *b;
    struct plan p;
    struct err e;

    CHECK_INT(plan(&p, &e, dir, NULL, amount, size), 0);
    CHECK_INT(bundle_open(&b, dir, device_cpu(), DT_F32, NULL, &e), 0);
    CHECK_INT(pipeline_run(b, &p, &sink, &figures, &e), 0);
    strcpy(hash, figures.frame_hash);
    plan_release(&p);
    bundle_free(&b);
}

TEST(sharpen_and_fade_are_what_the_model_says)
{
    static const struct {
        const char *recipe, *set, *size;
        int rc;
        double is;
    } rows[] = {{NULL, NULL, "96x64", 0, 0.6},
                {NULL, NULL, "native", 0, 0}, /* nothing enlarges it */
                {NULL, "0.25", "native", 0, 0.25},
                {NULL, "0", "96x64", 0, 0},
                {NULL, "3", "96x64", ERR_USAGE, 0},
                {"{\"zoetrope\": 1}", NULL, "96x64", 0, 0}, /* from before there was the option */
                {"{\"zoetrope\": 1, \"sharpen\": 0.5}", NULL, "96x64", 0, 0.5}};
    char *dir = fixture_with_upsamplers("sharpened", 2, 4), hash[3][65];
    struct bundle_info info;
    struct err e = {0};
    struct plan p;

    CHECK_INT(bundle_info_read(&info, dir, &e), 0);
    CHECK(info.sharpen == 0);
    CHECK_INT(bundle_info_write(&info, dir, &e), 0);
    CHECK_INT(bundle_hash(dir, NULL, hash[0], &e), 0);
    info.sharpen = 0.6;
    info.fade = 0.2;
    CHECK_INT(bundle_info_write(&info, dir, &e), 0);
    CHECK_INT(bundle_hash(dir, NULL, hash[1], &e), 0);
    CHECK_STR(hash[1], hash[0]); /* recipes say it */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_INT(plan(&p, &e, dir, rows[i].recipe, rows[i].set, rows[i].size), rows[i].rc);
        if (rows[i].rc)
            continue;
        CHECK(p.sharpen == rows[i].is);
        CHECK(p.fade == (rows[i].recipe ? 0 : 0.2)); /* recipes of before know neither */
        CHECK_INT((int64_t)plan_sharpen_room(&p),
                  p.sharpen > 0
                      ? (int64_t)sharpen_room(p.n_enlarge ? 96 : 48, p.n_enlarge ? 64 : 32)
                      : 0);
        plan_release(&p);
    }
    draw(dir, NULL, "96x64", hash[0]);
    draw(dir, "0.6", "96x64", hash[1]);
    draw(dir, "0", "96x64", hash[2]);
    CHECK_STR(hash[1], hash[0]);
    CHECK(strcmp(hash[2], hash[0]));
    draw(dir, NULL, "native", hash[0]);
    draw(dir, "0", "native", hash[1]);
    draw(dir, "1", "native", hash[2]);
    CHECK_STR(hash[1], hash[0]);
    CHECK(strcmp(hash[2], hash[0]));
    free(dir);
}
