/* Films that begin with a given picture, spoiled in the ways in which they are spoiled. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "measure/first_frame.h"
#include "world/world.h"
#include "ztest.h"

enum { W = 112, H = 64, N = 17, PX = W * H * 3 };

/* A scene of physics in which something moves. */
static void render(struct clip *c)
{
    struct world_scene s;
    struct worlds w;

    worlds_default(&w);
    worlds_sample(&w, &s, 11, 3, (double)W / H);
    s.world->render(s.state, W, H, N, 8, c);
}

static uint8_t *copy(const struct clip *c)
{
    uint8_t *film = xmalloc((size_t)N * PX);

    memcpy(film, c->rgb, (size_t)N * PX);
    return film;
}

/* Another picture from `from` on: what is left of a given one that the model does not know. */
static void drop(uint8_t *film, int from)
{
    for (size_t i = (size_t)from * PX; i < (size_t)N * PX; i++)
        film[i] = (uint8_t)(255 - film[i]);
}

static void soften(uint8_t *film, int by)
{
    for (size_t i = 0; i < (size_t)N * PX; i++)
        film[i] = (uint8_t)(film[i] > by ? film[i] - by : 0);
}

TEST(first_frame_moments_lie_in_the_film)
{
    CHECK_INT(first_frame_moment(0, N), 4);
    CHECK_INT(first_frame_moment(1, N), 8);
    CHECK_INT(first_frame_moment(2, N), 16);
    for (int k = 0; k < FIRST_MOMENTS; k++)
        CHECK_INT(first_frame_moment(k, FIRST_LEAST_FRAMES), k == 2 ? 4 : k + 1);
}

TEST(first_frame_of_a_true_film_has_no_error)
{
    struct first_frame f;
    struct clip c;

    render(&c);
    first_frame_look(&f, c.rgb, c.rgb, W, H, N);
    CHECK(f.first == FIRST_MOST_DB);
    for (int k = 0; k < FIRST_MOMENTS; k++) {
        CHECK(f.truth[k] == FIRST_MOST_DB);
        CHECK_BELOW(f.own[k], 40); /* it moves */
    }
    clip_release(&c);
}

TEST(first_frame_of_a_spoiled_film_is_worse)
{
    double before = FIRST_MOST_DB;
    struct first_frame f;
    struct clip c;

    render(&c);
    for (int by = 2; by <= 32; by *= 2) {
        uint8_t *film = copy(&c);

        soften(film, by);
        first_frame_look(&f, film, c.rgb, W, H, N);
        CHECK_BELOW(f.first + 4, before);
        CHECK_BELOW(f.truth[2], before);
        before = f.first;
        free(film);
    }
    clip_release(&c);
}

TEST(first_frame_shows_a_picture_that_is_dropped_behind_it)
{
    struct first_frame f, truth;
    struct clip c;

    render(&c);
    uint8_t *film = copy(&c);
    drop(film, 1);
    first_frame_look(&truth, c.rgb, c.rgb, W, H, N);
    first_frame_look(&f, film, c.rgb, W, H, N);
    CHECK(f.first == FIRST_MOST_DB);
    for (int k = 0; k < FIRST_MOMENTS; k++) {
        CHECK_BELOW(f.truth[k], 15);
        CHECK_BELOW(f.own[k] + 6, truth.own[k]);
    }
    free(film);
    clip_release(&c);
}

TEST(first_frame_shows_a_film_that_stands)
{
    struct first_frame f, truth;
    struct clip c;

    render(&c);
    uint8_t *film = copy(&c);
    for (size_t t = 1; t < N; t++)
        memcpy(film + t * PX, film, PX);
    first_frame_look(&truth, c.rgb, c.rgb, W, H, N);
    first_frame_look(&f, film, c.rgb, W, H, N);
    for (int k = 0; k < FIRST_MOMENTS; k++) {
        CHECK(f.own[k] == FIRST_MOST_DB);
        CHECK(f.truth[k] == truth.own[k]); /* what the measure says beside it */
    }
    free(film);
    clip_release(&c);
}
