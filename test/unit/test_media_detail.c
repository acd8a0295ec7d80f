/* What a codec left out of a film's first picture goes with it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/between.h"
#include "media/detail.h"
#include "ztest.h"

enum { W = 160, H = 96, BYTES = W * H * 3, N = 5 };

/* Broad waves, and stripes of 4 px on them that no codec of ours would hold; moved by dx. */
static void scene(uint8_t *rgb, double dx, int stripes)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            double u = x - dx, v = y;
            double fine = stripes ? 16 * sin(u * 1.5) * cos(v * 1.2) : 0;
            uint8_t *p = rgb + (y * W + x) * 3;

            p[0] = (uint8_t)(120 + 50 * sin(u * 0.21) * cos(v * 0.13) + fine);
            p[1] = (uint8_t)(120 + 40 * sin(u * 0.15 + v * 0.19) - fine);
            p[2] = (uint8_t)(120 + 50 * sin(u * 0.09 - v * 0.11) + fine);
        }
}

static void block(uint8_t *rgb, int x0)
{
    for (int y = 24; y < 72; y++)
        for (int x = x0; x < x0 + 40; x++)
            memcpy(rgb + (y * W + x) * 3, (uint8_t[]){230, 30, (uint8_t)(20 + 2 * y)}, 3);
}

static double error(const uint8_t *a, const uint8_t *b, int x0, int x1)
{
    double sum = 0;

    for (int y = 8; y < H - 8; y++)
        for (int i = (y * W + x0) * 3; i < (y * W + x1) * 3; i++)
            sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum / ((H - 16) * (x1 - x0) * 3));
}

struct films {
    uint8_t given[BYTES], drawn[BYTES], plain[BYTES], truth[BYTES];
};

/* Frame i of a film, as it was drawn. */
static void frame(struct detail *d, int i, uint8_t *drawn, const uint8_t *given)
{
    if (i)
        detail_carry(d, drawn);
    else
        detail_begin(d, drawn, given);
}

TEST(detail_first_frame_is_the_picture)
{
    struct films *f = malloc(sizeof *f);
    struct between *b = between_new(W, H, NULL);
    struct detail *d = detail_new(W, H, 1, b, NULL);

    scene(f->given, 0, 1);
    scene(f->drawn, 0, 0);
    detail_begin(d, f->drawn, f->given);
    CHECK(!memcmp(f->drawn, f->given, BYTES));
    detail_free(&d);
    d = detail_new(W, H, 0.5, b, NULL);
    scene(f->plain, 0, 0);
    memcpy(f->drawn, f->plain, BYTES);
    detail_begin(d, f->drawn, f->given);
    double half = error(f->drawn, f->given, 0, W) / error(f->plain, f->given, 0, W);
    CHECK(half > 0.4 && half < 0.6);
    detail_free(&d);
    between_free(&b);
    free(f);
}

TEST(detail_stays_where_nothing_moves)
{
    struct films *f = malloc(sizeof *f);
    struct between *b = between_new(W, H, NULL);
    struct detail *d = detail_new(W, H, 1, b, NULL);

    scene(f->given, 0, 1);
    for (int i = 0; i < N; i++) {
        scene(f->drawn, 0, 0);
        frame(d, i, f->drawn, f->given);
        CHECK(!memcmp(f->drawn, f->given, BYTES));
    }
    detail_free(&d);
    between_free(&b);
    free(f);
}

/* A camera that moves 3.5 px a frame: stripes of 4 px, so what stayed where it was would be wrong
 * after one. */
TEST(detail_goes_with_what_moves)
{
    struct films *f = malloc(sizeof *f);
    struct between *b = between_new(W, H, NULL);
    struct detail *d = detail_new(W, H, 1, b, NULL);

    scene(f->given, 0, 1);
    for (int i = 0; i < N; i++) {
        scene(f->plain, 3.5 * i, 0);
        scene(f->truth, 3.5 * i, 1);
        memcpy(f->drawn, f->plain, BYTES);
        frame(d, i, f->drawn, f->given);
        CHECK(error(f->plain, f->truth, 32, W - 8) > 7);
        CHECK(error(f->drawn, f->truth, 32, W - 8) < 2.5);
    }
    /* what came in was in no picture */
    CHECK(error(f->drawn, f->plain, 0, 8) < 2.5);
    detail_free(&d);
    between_free(&b);
    free(f);
}

TEST(detail_is_not_seen_through_what_passes)
{
    struct films *f = malloc(sizeof *f);
    struct between *b = between_new(W, H, NULL);
    struct detail *d = detail_new(W, H, 1, b, NULL);

    scene(f->given, 0, 1);
    block(f->given, 4);
    for (int i = 0; i < N; i++) {
        scene(f->drawn, 0, 0);
        block(f->drawn, 4 + 12 * i);
        memcpy(f->plain, f->drawn, BYTES);
        frame(d, i, f->drawn, f->given);
        double sum = 0;
        for (int y = 30; y < 66; y++)
            for (int k = (y * W + 4 + 12 * i + 6) * 3; k < (y * W + 4 + 12 * i + 34) * 3; k++)
                sum += abs(f->drawn[k] - f->plain[k]);
        CHECK(sum / (36 * 28 * 3) < 0.5);
    }
    CHECK(!memcmp(f->drawn + (40 * W + 120) * 3, f->given + (40 * W + 120) * 3, 32 * 3));
    detail_free(&d);
    between_free(&b);
    free(f);
}

/* Another scene stays as it was drawn, and so does the old one when it comes back. */
TEST(detail_ends_at_a_cut)
{
    struct films *f = malloc(sizeof *f);
    struct between *b = between_new(W, H, NULL);
    struct detail *d = detail_new(W, H, 1, b, NULL);

    scene(f->given, 0, 1);
    scene(f->drawn, 0, 0);
    detail_begin(d, f->drawn, f->given);
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < BYTES; k++)
            f->drawn[k] = (uint8_t)((k / 3 / 5 % 2 + k / 3 / W / 7 % 2) * 120);
        if (i)
            scene(f->drawn, 0, 0);
        memcpy(f->plain, f->drawn, BYTES);
        detail_carry(d, f->drawn);
        CHECK(!memcmp(f->drawn, f->plain, BYTES));
    }
    detail_free(&d);
    between_free(&b);
    free(f);
}

TEST(detail_the_same_for_any_threads)
{
    struct films *f = malloc(sizeof *f);
    struct between *b = between_new(W, H, NULL);
    struct threads *th = threads_new(3);
    struct between *other = between_new(W, H, th);
    struct detail *d[2] = {detail_new(W, H, 1, b, NULL), detail_new(W, H, 1, other, th)};

    scene(f->given, 0, 1);
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < 2; k++) {
            uint8_t *to = k ? f->truth : f->drawn;

            scene(to, 2.3 * i, 0);
            block(to, 90 - 9 * i);
            frame(d[k], i, to, f->given);
        }
        CHECK(!memcmp(f->drawn, f->truth, BYTES));
    }
    CHECK(detail_bytes(W, H) > (size_t)BYTES * 3);
    detail_free(&d[0]);
    detail_free(&d[1]);
    between_free(&other);
    threads_free(&th);
    between_free(&b);
    free(f);
}
