#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rng.h"
#include "media/resize.h"
#include "measure/codec.h"
#include "measure/score.h"
#include "measure/sight.h"
#include "world/physics.h"
#include "ztest.h"

enum { W = 112, H = 64 };

/* A film drawn by hand, in colours and places that no render has: a square or a disc on grey. */
static uint8_t *draw(int n, const uint8_t rgb[3], int disc, double x0, double dx, double r0,
                     double dr)
{
    uint8_t *film = xmalloc((size_t)n * W * H * 3), *p = film;

    for (int t = 0; t < n; t++) {
        double cx = x0 + dx * t, cy = 30 + 2 * dr * t, r = r0 + dr * t;

        for (int y = 0; y < H; y++) {
            for (int x = 0; x < W; x++, p += 3) {
                double u = x + 0.5 - cx, v = y + 0.5 - cy;
                int in = disc ? u * u + v * v < r * r : fabs(u) < r && fabs(v) < r;

                memcpy(p, in ? rgb : (const uint8_t[3]){140, 140, 142}, 3);
            }
        }
    }
    return film;
}

TEST(sight_follows_a_disc_drawn_by_hand)
{
    static const struct {
        uint8_t rgb[3];
        int color;
        double dx, dr;
        int direction;
    } rows[] = {
        {{210, 20, 30}, COLOR_RED, 3, 0, DIRECTION_RIGHT},
        {{240, 130, 10}, COLOR_ORANGE, -3, 0, DIRECTION_LEFT},
        {{20, 150, 40}, COLOR_GREEN, 0, 0.5, DIRECTION_TOWARD},
        {{120, 30, 170}, COLOR_PURPLE, 0, -0.4, DIRECTION_AWAY},
        {{250, 250, 250}, COLOR_WHITE, 3, 0, DIRECTION_RIGHT},
        {{12, 12, 14}, COLOR_BLACK, -3, 0, DIRECTION_LEFT},
        {{230, 215, 20}, COLOR_YELLOW, 3, 0, DIRECTION_RIGHT},
        {{20, 60, 220}, COLOR_BLUE, 3, 0, DIRECTION_RIGHT},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t *film = draw(17, rows[i].rgb, 1,
                             rows[i].dx < 0   ? 85
                             : rows[i].dx > 0 ? 27
                                              : 56,
                             rows[i].dx, rows[i].dr < 0 ? 14 : 10, rows[i].dr);
        struct sight s;

        sight_film(film, W, H, 17, &s);
        free(film);
        CHECK_INT(s.color, rows[i].color);
        CHECK_INT(s.direction, rows[i].direction);
        CHECK(s.seen > 0.99);
    }
}

TEST(sight_of_nothing_and_of_rest)
{
    uint8_t *film = draw(17, (const uint8_t[]){140, 140, 142}, 1, 50, 1, 10, 0);
    struct sight s;

    sight_film(film, W, H, 17, &s);
    CHECK_INT(s.color, 0);
    CHECK_INT(s.direction, 0);
    free(film);
    film = draw(9, (const uint8_t[]){210, 20, 30}, 0, 50, 0, 10, 0);
    sight_film(film, W, H, 9, &s);
    CHECK_INT(s.direction, 0);
    sight_film(film, W, H, 1, &s); /* a picture */
    CHECK_INT(s.direction, 0);
    sight_film(film, 1, 1, 3, &s);
    free(film);
}

static void render(int i, int frames, struct scene *s, struct clip *c)
{
    struct facts f = {.n_objects = 1, .event = EVENT_MOVE, .camera = CAMERA_STATIC};
    struct rng r;

    rng_init(&r, (uint64_t)i, 0x74657374);
    f.object[0].color = 1 + i % 8;
    f.object[0].shape = 1 + i / 8 % 4;
    f.direction = 1 + i % 5 % 4;
    scene_from_facts(s, &f, rng_u64(&r), (double)W / H);
    scene_render(s, W, H, frames, 8, c);
}

/* 64 renders whose seeds the table has never seen. The whole calibration is in doc/MEASURES.md. */
TEST(sight_agrees_with_the_truth_of_renders)
{
    int right = 0, color = 0, direction = 0;

    for (int i = 0; i < 64; i++) {
        struct scene s;
        struct clip c;
        struct sight g;

        render(i, 17, &s, &c);
        sight_film(c.rgb, c.w, c.h, c.n_frames, &g);
        color += g.color == s.facts.object[0].color;
        direction += g.direction == s.facts.direction;
        right += g.color == s.facts.object[0].color && g.shape == s.facts.object[0].shape &&
                 g.direction == s.facts.direction;
        clip_release(&c);
    }
    CHECK(color >= 63);
    CHECK(direction >= 63);
    CHECK(right >= 62);
}

/* Films of any size are brought to the working size. */
TEST(sight_does_not_depend_on_the_size)
{
    struct scene s;
    struct clip c;
    struct sight small, large;
    uint8_t *film;

    render(10, 9, &s, &c);
    film = xmalloc((size_t)9 * 4 * W * 4 * H * 3);
    for (int t = 0; t < 9; t++)
        resize_rgb(film + (size_t)t * 16 * W * H * 3, 4 * W, 4 * H, c.rgb + (size_t)t * W * H * 3,
                   W, H, RESIZE_BICUBIC, NULL);
    sight_film(c.rgb, W, H, 9, &small);
    sight_film(film, 4 * W, 4 * H, 9, &large);
    CHECK_INT(large.color, small.color);
    CHECK_INT(large.shape, small.shape);
    CHECK_INT(large.direction, small.direction);
    CHECK_BELOW(fabs(large.across - small.across), 0.01);
    free(film);
    clip_release(&c);
}

static int open_score(struct score *s, struct wishes *w, const char *path, const char *settings)
{
    struct err e;

    return score_open(s, w, w->n, path, settings, &e);
}

TEST(score_goes_on_from_its_log)
{
    struct wish item[2] = {{COLOR_RED, SHAPE_BALL, DIRECTION_LEFT, "a"},
                           {COLOR_BLUE, SHAPE_BOX, DIRECTION_AWAY, "b"}};
    struct wishes w = {item, 2};
    struct score_row row = {.sight = {.color = COLOR_RED,
                                      .shape = SHAPE_BALL,
                                      .direction = DIRECTION_LEFT,
                                      .shape_p = 0.25,
                                      .across = -0.7},
                            .seam = {6, 2, 3, 3},
                            .seconds = 1.5};
    struct score s;
    struct tally t;
    struct err e;
    char path[512];
    FILE *f;

    snprintf(path, sizeof path, "%s/films.jsonl", ztest_tmp());
    CHECK_INT(open_score(&s, &w, path, "{\"a\": 1}"), 0);
    CHECK_INT(score_add(&s, SCORE_MODEL, 0, &row, &e), 0);
    CHECK_INT(score_add(&s, SCORE_MODEL, 1, &row, &e), 0);
    score_close(&s);
    f = fopen(path, "a"); /* the next run was killed while it wrote */
    CHECK(f != NULL);
    fputs("{\"column\": \"mod", f);
    fclose(f);
    CHECK_INT(open_score(&s, &w, path, "{\"a\": 1}"), 0);
    CHECK(s.row[SCORE_MODEL][1].done && !s.row[SCORE_CODEC][0].done);
    CHECK_INT(s.row[SCORE_MODEL][0].sight.color, COLOR_RED);
    CHECK(s.row[SCORE_MODEL][0].sight.across == -0.7 && s.row[SCORE_MODEL][0].seconds == 1.5);
    CHECK(seam_ratio(&s.row[SCORE_MODEL][1].seam) == 3);
    score_tally(&s, SCORE_MODEL, &t);
    CHECK(t.films == 2 && t.all == 1 && t.color == 1);
    score_shuffled(&s, SCORE_MODEL, &t); /* film 0 against b: wrong; film 1 against a: right */
    CHECK(t.films == 2 && t.all == 1);
    CHECK_INT(score_add(&s, SCORE_CODEC, 0, &row, &e), 0);
    score_close(&s);
    CHECK_INT(open_score(&s, &w, path, "{\"a\": 1}"), 0);
    CHECK(s.row[SCORE_CODEC][0].done);
    score_close(&s);
    CHECK_INT(open_score(&s, &w, path, "{\"a\": 2}"), ERR_USAGE);
}

/* Steps of 1 inside squares of 4 px, of 4 across their borders to the right, of 7 downward. */
TEST(seam_of_known_squares)
{
    enum { W = 12, H = 8, N = 2 };
    uint8_t rgb[N][H][W][3];
    struct seam s = {0};

    for (int i = 0; i < N * H * W * 3; i++) {
        int x = i / 3 % W, y = i / 3 / W % H;
        (&rgb[0][0][0][0])[i] = (uint8_t)(x + 3 * (x / 4) + y + 6 * (y / 4));
    }
    seam_add(&s, &rgb[0][0][0][0], W, H, N, 4);
    double n_right = N * H * 2 * 3, n_down = N * W * 1 * 3;
    CHECK(s.n_border == n_right + n_down && s.n_inside == N * 3 * (H * 9 + W * 6));
    CHECK_BELOW(fabs(seam_ratio(&s) - (4 * n_right + 7 * n_down) / (n_right + n_down)), 1e-12);
    struct seam other = {0}; /* a grid that is not that of the picture shows less */
    seam_add(&other, &rgb[0][0][0][0], W, H, N, 3);
    CHECK_BELOW(seam_ratio(&other), 1.01);
    struct seam none = {0};
    memset(rgb, 9, sizeof rgb);
    seam_add(&none, &rgb[0][0][0][0], W, H, N, 4);
    CHECK(seam_ratio(&none) == 1);
}

TEST(psnr_inside_the_mover_counts_only_its_pixels)
{
    uint8_t a[12] = {0}, b[12] = {0}, ids[4] = {0, 1, 2, 1};
    struct codec_error e = {0};

    b[3] = 10;
    b[6] = 20;
    codec_error_add(&e, a, b, ids, 4);
    CHECK(e.sum == 500 && e.n == 12 && e.mover_sum == 100 && e.mover_n == 6);
    CHECK_BELOW(fabs(codec_psnr(e.sum, e.n) - 31.932), 0.01);
    CHECK(codec_psnr(0, 3) == 99);
}
