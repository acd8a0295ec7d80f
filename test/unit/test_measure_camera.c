/* Films whose camera is known: drawn by a formula, and rendered by the worlds. */
#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "measure/camera_sight.h"
#include "world/world.h"
#include "ztest.h"

enum { W = 160, H = 96, N = 17, FPS = 8 };

/* A picture without end: waves of several lengths and directions. */
static double value_at(double x, double y)
{
    static const double wave[][4] = {{0.11, 0.03, 30, 0},
                                     {-0.05, 0.13, 25, 1},
                                     {0.31, 0.22, 15, 2},
                                     {0.17, -0.29, 15, 3},
                                     {0.02, 0.05, 25, 4}};
    double v = 128;

    for (size_t i = 0; i < sizeof wave / sizeof *wave; i++)
        v += wave[i][2] * sin(wave[i][0] * x + wave[i][1] * y + wave[i][3]);
    return v;
}

/* As the camera sees it at time t; a square of its own goes across. */
static void draw(uint8_t *rgb, const struct camera_rate *r, double t, int mover)
{
    double scale = exp(r->zoom * t), c = cos(r->roll * t) * scale, s = sin(r->roll * t) * scale;

    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            double u = x - (W - 1) / 2.0, v = y - (H - 1) / 2.0;
            double px = c * u - s * v + r->pan * t * W, py = s * u + c * v - r->tilt * t * H;
            double mx = x - 20 - 40 * t, my = y - 40;
            int in = mover && mx > 0 && mx < 36 && my > 0 && my < 36;
            double g = in ? 90 + 60 * sin(0.5 * mx) * sin(0.4 * my) : value_at(px, py);

            for (int k = 0; k < 3; k++)
                *rgb++ = (uint8_t)(g < 0 ? 0 : g > 255 ? 255 : g);
        }
}

static struct camera_rate seen(const struct camera_rate *r, int mover)
{
    struct camera_sight *s = camera_sight_new(W, H, FPS);
    struct camera_report report;
    static uint8_t rgb[W * H * 3];

    for (int f = 0; f < N; f++) {
        draw(rgb, r, (double)f / FPS, mover);
        camera_sight_add(s, rgb);
    }
    camera_report(s, &report);
    struct camera_rate all = report.all;
    CHECK_INT(report.n_seconds, 2);
    camera_report_release(&report);
    camera_sight_free(&s);
    return all;
}

TEST(camera_of_drawn_films_is_seen)
{
    static const char *const moves[] = {
        "pan left 2", "pan right 9", "tilt up 4",  "tilt down 8",           "zoom in 6",
        "zoom out 3", "roll cw 4",   "roll ccw 9", "pan left 5, zoom in 4", "tilt 3, roll 2"};

    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        for (int mover = 0; mover < 2; mover++) {
            struct camera c;

            CHECK(!camera_parse(&c, moves[i], NULL));
            struct camera_rate want = camera_rate_of(&c), got = seen(&want, mover);
            for (int k = 0; k < N_LOOKS; k++)
                if (!(fabs(camera_look(&got, k) - camera_look(&want, k)) <
                      0.2 + 0.1 * fabs(camera_look(&want, k))))
                    ztest_fail(__FILE__, __LINE__, "%s: %s is %g, seen as %g", moves[i],
                               camera_look_names[k], camera_look(&want, k), camera_look(&got, k));
            CHECK(camera_obeyed(&got, &want));
            want.pan = -want.pan + 0.05;
            CHECK(!camera_obeyed(&got, &want));
        }
    struct camera_rate none = {0}, got = seen(&none, 1);
    CHECK(camera_obeyed(&got, &none));
}

TEST(camera_of_flat_and_short_films_stands)
{
    struct camera_sight *s = camera_sight_new(W, H, FPS);
    static uint8_t rgb[W * H * 3];
    struct camera_report report;

    camera_report(s, &report);
    CHECK_INT(report.n_seconds, 0);
    camera_report_release(&report);
    for (int f = 0; f < 4; f++)
        camera_sight_add(s, rgb);
    camera_report(s, &report);
    for (int k = 0; k < N_LOOKS; k++)
        CHECK_BELOW(fabs(camera_look(&report.all, k)), 1e-6);
    camera_report_release(&report);
    camera_sight_free(&s);
}

/* Turns and lenses alone: what far points do is what is to be seen. The camera follows who walks,
 * so nobody does. */
TEST(camera_of_rendered_worlds_is_as_the_truth_says)
{
    static const struct {
        const char *world, *camera;
        int look;
    } rows[] = {{"story", "pan left", LOOK_PAN},     {"story", "pan right", LOOK_PAN},
                {"story", "tilt up", LOOK_TILT},     {"story", "tilt down", LOOK_TILT},
                {"story", "zoom in", LOOK_ZOOM},     {"story", "zoom out", LOOK_ZOOM},
                {"story", "camera roll", LOOK_ROLL}, {"physics", "pan left", LOOK_PAN},
                {"physics", "zoom in", LOOK_ZOOM}};
    static const char *const scenes[] = {"a girl on a lawn, ", "an astronaut stands on the moon, "};
    int n = 0, sides = 0;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int k = 0; k < 2; k++) {
            struct world_scene s = {world_named(rows[i].world), {0}};
            char *text = xasprintf(
                "%s%s", *rows[i].world == 's' ? scenes[k] : "a red box falls, checkered floor, ",
                rows[i].camera);
            struct camera_report report;
            struct clip c;

            s.world->read(s.state, text, (uint64_t)k, 1.75, NULL);
            s.world->render(s.state, 112, 64, 21, 8, &c);
            struct camera_sight *sight = camera_sight_new(c.w, c.h, c.fps);
            for (int f = 0; f < c.n_frames; f++)
                camera_sight_add(sight, c.rgb + (size_t)f * (size_t)c.w * (size_t)c.h * 3);
            camera_report(sight, &report);
            struct camera_rate truth = camera_true_rate(c.view, c.n_frames, c.fps);
            double want = camera_look(&truth, rows[i].look),
                   got = camera_look(&report.all, rows[i].look);
            n++;
            sides += want * got > 0;
            CHECK_BELOW(1, fabs(want));
            if (!(fabs(got - want) < 0.2 * fabs(want)))
                ztest_fail(__FILE__, __LINE__, "%s %s: %s is %g, seen as %g", rows[i].world, text,
                           camera_look_names[rows[i].look], want, got);
            camera_report_release(&report);
            camera_sight_free(&sight);
            clip_release(&c);
            free(text);
        }
    CHECK_INT(sides, n);
}
