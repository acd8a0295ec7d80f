/* Velocities of films whose mover is known: drawn by hand, and rendered. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "measure/mover_velocity.h"
#include "world/physics.h"
#include "ztest.h"

enum { W = 224, H = 128, N = 25, FPS = 8, PX = W * H * 3 };

/* A red disc on grey; it has no px in frames from `gone` on. */
static uint8_t *draw(double x0, double dx, double dy, int gone)
{
    uint8_t *film = xmalloc((size_t)N * PX), *p = film;

    for (int t = 0; t < N; t++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++, p += 3) {
                double u = x + 0.5 - x0 - dx * t, v = y + 0.5 - 40 - dy * t;
                int in = t < gone && u * u + v * v < 18 * 18;

                memcpy(p, in ? (const uint8_t[3]){200, 30, 25} : (const uint8_t[3]){140, 140, 142},
                       3);
            }
    return film;
}

static void want(struct mover_place *truth, double x0, double dx, double dy)
{
    for (int t = 0; t < N; t++)
        truth[t] =
            (struct mover_place){(x0 + dx * t) * MOVER_WIDE / W, (40 + dy * t) * MOVER_WIDE / W, 1};
}

TEST(velocity_of_a_drawn_disc_is_seen)
{
    static const double way[][3] = {{40, 5.6, 0}, {190, -6.3, 0}, {60, 2.3, 1.1}, {90, 0, 0}};
    struct mover_place truth[N], seen[N];
    struct mover_error e;

    for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
        uint8_t *film = draw(way[i][0], way[i][1], way[i][2], N);

        want(truth, way[i][0], way[i][1], way[i][2]);
        mover_places(film, W, H, N, COLOR_RED, seen);
        mover_compare(seen, truth, N, FPS, &e);
        CHECK_INT(e.n, N - MOVER_GIVEN);
        CHECK(e.across < 0.05 && e.down < 0.05 && e.lost == 0);
        /* one px a frame too fast */
        want(truth, way[i][0], way[i][1] + 1, way[i][2]);
        mover_compare(seen, truth, N, FPS, &e);
        CHECK(fabs(e.across - MOVER_WIDE / W * FPS) < 0.05);
        CHECK(fabs(e.calm - MOVER_WIDE / W * FPS) < 0.05);
        free(film);
    }
}

TEST(velocity_of_a_mover_that_vanishes_is_none)
{
    struct mover_place truth[N], seen[N];
    struct mover_error e;
    uint8_t *film = draw(40, 5, 0, MOVER_GIVEN);

    want(truth, 40, 5, 0);
    mover_places(film, W, H, N, COLOR_RED, seen);
    mover_compare(seen, truth, N, FPS, &e);
    CHECK(e.lost == 1 && fabs(e.across - 5 * MOVER_WIDE / W * FPS) < 1e-9);
    mover_places(film, W, H, N, COLOR_BLUE, seen);
    for (int t = 0; t < N; t++)
        CHECK(!seen[t].whole);
    free(film);
}

static void render(int speed, struct clip *c)
{
    struct facts f = {.n_objects = 1, .event = EVENT_MOVE, .camera = CAMERA_STATIC, .speed = speed};
    struct scene s;

    f.object[0].shape = SHAPE_BALL;
    f.object[0].color = COLOR_GREEN;
    f.direction = DIRECTION_LEFT;
    scene_from_facts(&s, &f, 7, (double)W / H);
    scene_render(&s, W, H, N, FPS, c);
}

TEST(velocity_of_a_frozen_film_is_that_of_a_mover_that_stands)
{
    struct mover_place truth[N], seen[N];
    struct mover_error e, stands, goes_on;
    struct clip c;

    for (int speed = SPEED_SLOW; speed <= SPEED_FAST; speed++) {
        render(speed, &c);
        mover_true_places(&c, truth);
        mover_places(c.rgb, W, H, N, COLOR_GREEN, seen);
        mover_compare(seen, truth, N, FPS, &e);
        CHECK(e.n >= 15 && e.across < 0.1 && e.lost == 0);
        mover_goes_on(truth, N, seen);
        mover_compare(seen, truth, N, FPS, &goes_on);
        CHECK((goes_on.across < 0.01) == (speed == SPEED_SLOW)); /* fast ones come to rest */
        mover_stands(truth, N, seen);
        mover_compare(seen, truth, N, FPS, &stands);
        for (int t = MOVER_GIVEN; t < N; t++)
            memcpy(c.rgb + (size_t)t * PX, c.rgb + (size_t)(MOVER_GIVEN - 1) * PX, PX);
        mover_places(c.rgb, W, H, N, COLOR_GREEN, seen);
        mover_compare(seen, truth, N, FPS, &e);
        CHECK(stands.across > 1.5 && e.across == stands.across && e.calm == stands.calm &&
              e.lost == 0);
        clip_release(&c);
    }
}
