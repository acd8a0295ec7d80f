/* Films drawn by hand with one fault each: the report about joins names that one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "measure/joins.h"
#include "ztest.h"

enum { W = 96, H = 64, N = 40, AT = 20 };

/* A square that goes to the right over stripes. Every field is a fault. */
struct drawing_of {
    int brighter; /* of 255, from frame AT on */
    int back;     /* px that the square is back at frame AT */
    int stop;     /* it stands still from there on */
    int soft;     /* stripes without their contrast from there on */
    int rising;   /* of 255 per 10 frames, everywhere */
    int repeat;   /* each frame so often: a film of 8 * repeat per second */
};

static void draw_frame(uint8_t *p, const struct drawing_of *d, int t)
{
    int behind = t >= AT, x0 = 8 + 2 * (d->stop && behind ? AT : t) - (behind ? d->back : 0);
    int add = (behind ? d->brighter : 0) + d->rising * t / 10;

    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int stripe = (x / 4 + y / 4) % 2 ? (behind && d->soft ? 2 : 12) : 0;
            int in = x >= x0 && x < x0 + 12 && y > 20 && y < 40;
            int v = (in ? 60 : 110) + stripe + add;

            for (int c = 0; c < 3; c++)
                *p++ = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
}

static void report(const struct drawing_of *d, struct joins_report *r)
{
    int repeat = d->repeat ? d->repeat : 1, at = AT * repeat;
    struct joins *j = joins_new(W, H, 8 * repeat);
    static uint8_t frame[W * H * 3];

    for (int t = 0; t < N * repeat; t++) {
        draw_frame(frame, d, t / repeat);
        joins_add(j, frame);
    }
    joins_report(j, &at, 1, r);
    joins_free(&j);
}

static double lightness(int v)
{
    double c = v / 255.0, y = pow((c + 0.055) / 1.055, 2.4);

    return 116 * cbrt(y) - 16;
}

TEST(joins_of_a_film_without_faults)
{
    for (int repeat = 1; repeat <= 3; repeat++) {
        struct joins_report r;

        report(&(struct drawing_of){.repeat = repeat}, &r);
        CHECK_INT(r.n, 1);
        CHECK_INT(r.join[0].frame, AT * repeat);
        CHECK_BELOW(r.join[0].color, 0.05);
        CHECK_BELOW(fabs(r.join[0].sharpness - 1), 0.05);
        CHECK_BELOW(fabs(r.join[0].motion - 1), 0.15);
        CHECK_BELOW(fabs(r.join[0].jump - 1), 0.15);
        CHECK_BELOW(0.97, r.quality);
        CHECK_BELOW(r.still_s, 0.01);
        CHECK_BELOW(fabs(r.slope.luminance), 0.5);
        joins_report_release(&r);
    }
}

TEST(joins_say_a_step_of_brightness_in_true_units)
{
    struct joins_report r;

    report(&(struct drawing_of){.brighter = 20}, &r);
    CHECK_BELOW(fabs(r.join[0].luminance - (lightness(136) - lightness(116))), 0.3);
    CHECK_BELOW(fabs(r.join[0].color - r.join[0].luminance), 0.01); /* grey: nothing else */
    CHECK_BELOW(3, r.join[0].jump);
    joins_report_release(&r);
}

TEST(joins_say_a_thing_that_jumps_back)
{
    struct joins_report r;

    report(&(struct drawing_of){.back = 30}, &r);
    CHECK_BELOW(3, r.join[0].jump);
    CHECK_BELOW(r.join[0].color, 0.1);
    joins_report_release(&r);
}

TEST(joins_say_that_nothing_moves_any_more)
{
    for (int repeat = 1; repeat <= 3; repeat++) {
        struct joins_report r;

        report(&(struct drawing_of){.stop = 1, .repeat = repeat}, &r);
        CHECK_BELOW(fabs(r.still_s - (N - AT) / 8.0), 0.26);
        CHECK_BELOW(fabs(r.still_at_s - AT / 8.0), 0.26);
        CHECK_BELOW(r.join[0].motion, 0.01);
        joins_report_release(&r);
    }
}

TEST(joins_say_lost_sharpness_and_quality)
{
    struct joins_report r;

    report(&(struct drawing_of){.soft = 1}, &r);
    CHECK_BELOW(r.join[0].sharpness, 0.5);
    CHECK_BELOW(r.quality, 0.85);
    CHECK_BELOW(r.slope.sharpness, -1);
    joins_report_release(&r);
}

TEST(joins_say_what_drifts)
{
    struct joins_report r;
    double rise;

    report(&(struct drawing_of){.rising = 10}, &r); /* 40 of 255 in 5 s, 480 in a minute */
    rise = (lightness(116 + 39) - lightness(116)) / 39 * 480;
    CHECK_BELOW(fabs(r.slope.luminance / rise - 1), 0.05);
    CHECK_BELOW(fabs(r.slope.color / rise - 1), 0.05);
    joins_report_release(&r);
}

TEST(joins_of_films_too_short_for_any)
{
    static uint8_t frame[4 * 2 * 3];
    const int at[3] = {0, 1, 9};

    for (int n = 0; n < 3; n++) {
        struct joins *j = joins_new(4, 2, 8);
        struct joins_report r;

        for (int i = 0; i < n; i++)
            joins_add(j, frame);
        joins_report(j, at, 3, &r);
        CHECK_INT(r.n, n == 2); /* those with a frame on both sides */
        CHECK(isfinite(r.quality) && isfinite(r.slope.motion) && isfinite(r.slope.color));
        joins_report_release(&r);
        joins_free(&j);
    }
}

/* A black film, one of another colour, and one with a dark stripe: only the last has pictures. */
TEST(joins_say_that_frames_are_of_one_colour)
{
    static const struct {
        int ground, stripe, without; /* so many frames of ten have none */
        double flat;
    } rows[] = {{0, 0, 10, 1}, {180, 0, 10, 1}, {180, 1, 0, 0}, {180, 1, 3, 0.3}};
    static uint8_t frame[W * H * 3];

    for (int i = 0; i < 4; i++) {
        struct joins *j = joins_new(W, H, 8);
        struct joins_report r;

        for (int t = 0; t < 10; t++) {
            memset(frame, rows[i].ground, sizeof frame);
            if (rows[i].stripe && t >= rows[i].without)
                memset(frame, 0, sizeof frame / 16);
            joins_add(j, frame);
        }
        joins_report(j, NULL, 0, &r);
        CHECK_BELOW(fabs(r.flat - rows[i].flat), 1e-9);
        joins_report_release(&r);
        joins_free(&j);
    }
}

TEST(joins_lists_are_read)
{
    static const char *const wrong[] = {"0", "3,", ",3", "3,3", "5,4", "3;4", "x", "99999999"};
    int n, *list = joins_parse("41,73,105", &n);

    CHECK_INT(n, 3);
    CHECK(list && list[0] == 41 && list[2] == 105);
    free(list);
    CHECK(!joins_parse("", &n) && n == 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!joins_parse(wrong[i], &n) && n == 0);
}
