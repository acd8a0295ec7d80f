/* Pictures between two frames. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "format/json.h"
#include "media/between.h"
#include "media/between_picture.h"
#include "world/world.h"
#include "ztest.h"

enum { W = 160, H = 96, BYTES = W * H * 3 };

/* A pattern without an end, seen from a place that is moved and turned about the middle. */
static void pattern(uint8_t *rgb, double dx, double dy, double turn)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            double px = x - W / 2.0 - dx, py = y - H / 2.0 - dy;
            double u = px * cos(turn) + py * sin(turn), v = py * cos(turn) - px * sin(turn);
            uint8_t *p = rgb + (y * W + x) * 3;

            p[0] = (uint8_t)(128 + 60 * sin(u * 0.31) * cos(v * 0.23) + 40 * sin(u * 0.11 + 1));
            p[1] = (uint8_t)(128 + 50 * sin(u * 0.17 + v * 0.29) + 50 * cos(v * 0.13 - u * 0.07));
            p[2] = (uint8_t)(128 + 90 * sin(u * 0.09 - v * 0.19));
        }
}

/* A disk on a still pattern, its own pattern goes along; below a px too. */
static void disk(uint8_t *rgb, double x0, double y0, double radius)
{
    pattern(rgb, 0, 0, 0);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            double dx = x - x0, dy = y - y0, share = radius - hypot(dx, dy) + 0.5;
            double own[3] = {230, 94 + 50 * sin(dx * 0.5) * cos(dy * 0.4), 20};
            uint8_t *p = rgb + (y * W + x) * 3;

            share = share < 0 ? 0 : share > 1 ? 1 : share;
            for (int c = 0; c < 3; c++)
                p[c] = (uint8_t)(p[c] + share * (own[c] - p[c]) + 0.5);
        }
}

static double psnr(const uint8_t *a, const uint8_t *b)
{
    double sum = 0;

    for (int i = 0; i < BYTES; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum > 0 ? 10 * log10(255.0 * 255 * BYTES / sum) : 99;
}

struct shown {
    uint8_t first[BYTES], second[BYTES], truth[BYTES], made[BYTES];
};

/* PSNR of what is made, and of what could be shown without a search. */
struct gain {
    double made, blend, repeat;
};

static struct gain look(struct shown *s, float t)
{
    struct between *b = between_new(W, H, NULL);
    static uint8_t blend[BYTES];

    CHECK_INT(between_pair(b, s->first, s->second), 0);
    between_at(b, t, s->made);
    between_free(&b);
    for (int i = 0; i < BYTES; i++)
        blend[i] = (uint8_t)((1 - t) * s->first[i] + t * s->second[i] + 0.5f);
    return (struct gain){psnr(s->made, s->truth), psnr(blend, s->truth),
                         psnr(t < 0.5f ? s->first : s->second, s->truth)};
}

/* All of the picture counts, also what comes in at its edges. */
TEST(between_follows_what_moves_and_turns)
{
    static const struct {
        double dx, dy, turn;
    } cases[] = {{6, 0, 0}, {-3.4, 2.7, 0}, {0, 0, 0.12}, {5, -4, -0.08}, {14, 6, 0}, {20, 0, 0}};
    static struct shown s;

    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        double dx = cases[i / 2].dx, dy = cases[i / 2].dy, turn = cases[i / 2].turn;
        float t = i % 2 ? 2 / 3.0f : 1 / 3.0f;

        pattern(s.first, 0, 0, 0);
        pattern(s.second, dx, dy, turn);
        pattern(s.truth, dx * t, dy * t, turn * t);
        struct gain g = look(&s, t);
        CHECK(g.made >= 36);
        CHECK(g.made >= g.blend + 12);
        CHECK(g.repeat < 27); /* whoever shows the nearest frame again is far away */
    }
}

/* It is where it should be, and nowhere else: neither where it was nor where it will be. */
TEST(between_moves_an_object_on_what_stands_still)
{
    static const struct {
        double radius, way, least; /* px; dB */
    } cases[] = {{6, 6, 46},     {6, 12, 40},    {12, 6, 44},    {12, 12, 38.5},
                 {12, 18, 36.5}, {12, 24, 32.5}, {12, 30, 33.5}, {12, 36, 31}};
    static struct shown s;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double r = cases[i].radius, way = cases[i].way;
        float t = 1 / 3.0f;

        disk(s.first, 50, 48, r);
        disk(s.second, 50 + way, 48 - way / 4, r);
        disk(s.truth, 50 + way * t, 48 - way / 4 * t, r);
        struct gain g = look(&s, t);
        CHECK(g.made >= cases[i].least);
        CHECK(g.made >= g.blend + 2.5);
        CHECK(g.repeat < cases[i].least - 3);
        CHECK(!memcmp(s.made, s.first, W * 3)); /* what is far from it is not touched */
    }
}

/* Clips of the worlds at 24 per second against what is made of every third picture. */
TEST(between_pictures_of_worlds_is_near_what_is_there)
{
    static struct shown s;
    double made = 0, blend = 0, repeat = 0;
    int n = 0;

    for (int i = 0; world_at(i); i++) {
        struct worlds w = {.n = 1, .part = {{.world = world_at(i), .share = 1}}};

        world_at(i)->mix_read(w.part[0].mix, (struct jval){0});
        for (int scene = 0; scene < 3; scene++) {
            struct world_scene one;
            struct clip c;

            worlds_sample(&w, &one, 7, (uint64_t)scene, (double)W / H);
            one.world->render(one.state, W, H, 13, 24, &c);
            for (int f = 0; f < 12; f++) {
                int at = f / 3 * 3;

                if (f == at)
                    continue;
                memcpy(s.first, c.rgb + (size_t)at * BYTES, BYTES);
                memcpy(s.second, c.rgb + (size_t)(at + 3) * BYTES, BYTES);
                memcpy(s.truth, c.rgb + (size_t)f * BYTES, BYTES);
                struct gain g = look(&s, (float)(f - at) / 3);
                made += g.made;
                blend += g.blend;
                repeat += g.repeat;
                n++;
            }
            clip_release(&c);
        }
    }
    CHECK(made / n >= repeat / n + 5);
    CHECK(made / n >= blend / n + 3.5);
}

TEST(between_two_equal_frames_is_that_frame)
{
    static struct shown s;
    struct between *b = between_new(W, H, NULL);

    pattern(s.first, 0, 0, 0);
    CHECK_INT(between_pair(b, s.first, s.first), 0);
    between_at(b, 0.4f, s.made);
    CHECK(!memcmp(s.made, s.first, BYTES));
    pattern(s.second, 3, 1, 0);
    CHECK_INT(between_pair(b, s.first, s.second), 0);
    between_at(b, 0, s.made);
    CHECK(!memcmp(s.made, s.first, BYTES));
    between_at(b, 1, s.made);
    CHECK(!memcmp(s.made, s.second, BYTES));
    between_free(&b);
}

TEST(between_is_the_same_for_any_number_of_threads)
{
    static struct shown s;
    static uint8_t other[BYTES];
    struct threads *th = threads_new(3);
    struct between *b = between_new(W, H, NULL), *c = between_new(W, H, th);

    disk(s.first, 40, 40, 12);
    disk(s.second, 52, 55, 12);
    for (int again = 0; again < 2; again++) { /* a pair leaves nothing to the next */
        CHECK_INT(between_pair(b, s.first, s.second), 0);
        CHECK_INT(between_pair(c, s.first, s.second), 0);
        between_at(b, 0.25f, s.made);
        between_at(c, 0.25f, other);
        CHECK(!memcmp(s.made, other, BYTES));
        pattern(s.second, 4, 4, 0.02);
        pattern(s.first, 0, 0, 0);
    }
    between_free(&b);
    between_free(&c);
    threads_free(&th);
}

TEST(between_knows_a_cut)
{
    static struct shown s;
    struct between *b = between_new(W, H, NULL);

    pattern(s.first, 0, 0, 0);
    for (int i = 0; i < BYTES; i++) /* another place */
        s.second[i] = (uint8_t)(20 + (i / 3 % W / 7 * 37 + i / 3 / W / 9 * 61 + i % 3 * 40) % 90);
    CHECK_INT(between_pair(b, s.first, s.second), 1);
    between_free(&b);
}

TEST(between_takes_any_size)
{
    static const int sides[][2] = {{1, 1}, {2, 1}, {1, 9}, {7, 5}, {33, 17}, {400, 322}};

    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        int w = sides[i][0], h = sides[i][1], bytes = w * h * 3;
        uint8_t *rgb[3] = {xmalloc((size_t)bytes), xmalloc((size_t)bytes), xmalloc((size_t)bytes)};
        struct between *b = between_new(w, h, NULL);

        for (int k = 0; k < bytes; k++)
            rgb[0][k] = rgb[1][k] = (uint8_t)(k * 7 % 251);
        CHECK_INT(between_pair(b, rgb[0], rgb[1]), 0);
        between_at(b, 0.5f, rgb[2]);
        CHECK(!memcmp(rgb[0], rgb[2], (size_t)bytes));
        CHECK(between_bytes(w, h) > 0);
        between_free(&b);
        for (int k = 0; k < 3; k++)
            free(rgb[k]);
    }
}

/* Pictures of noise that goes anywhere, also far beyond the edges, of sides that are no multiple of
 * anything: the plain rows and those of this CPU. */
TEST(between_rows_are_the_same_on_every_cpu)
{
    static const int side[][3] = {{83, 47, 3}, {1, 1, 1}, {2, 7, 2}, {3, 2, 1}, {64, 3, 5}};

    for (int k = 0; k < 5; k++) {
        int w = side[k][0], h = side[k][1], scale = side[k][2];
        int sw = (w + scale - 1) / scale, sh = (h + scale - 1) / scale;
        size_t bytes = (size_t)w * (size_t)h * 3;
        uint8_t *first = xmalloc(bytes), *second = xmalloc(bytes), *plain = xmalloc(bytes),
                *best = xmalloc(bytes);
        seen *field = xmalloc((size_t)sw * (size_t)sh * sizeof *field);
        struct between_picture p = {w, h, scale, sw, sh, {first, second}, field, 0.3f, plain};

        for (size_t i = 0; i < bytes; i++) {
            first[i] = (uint8_t)(i * 2654435761u >> 13);
            second[i] = (uint8_t)(i * 2246822519u >> 11);
        }
        for (int i = 0; i < sw * sh; i++)
            field[i] =
                (seen){(float)(i * 37 % 200 - 100) * 0.13f, (float)(i * 53 % 90 - 45) * 0.17f,
                       (float)(i % 4) / 3, (float)(i % 3) / 2};
        for (int y = 0; y < h; y++)
            between_row_c(&p, y, 0);
        p.out = best;
        for (int y = 0; y < h; y++)
            between_row_best()(&p, y, 0);
        CHECK(!memcmp(plain, best, bytes));
        free(first), free(second), free(plain), free(best), free(field);
    }
}
