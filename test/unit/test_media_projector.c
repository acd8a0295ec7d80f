/* Between a thread that draws a film without end and one that shows it. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "media/projector.h"
#include "ztest.h"

enum { W = 2, H = 1 };

static int interrupts;

static void interrupt(void *user)
{
    (void)user;
    interrupts++;
}

static void put(struct projector *p, int index, int value)
{
    uint8_t rgb[W * H * 3];

    memset(rgb, value, sizeof rgb);
    CHECK_INT(projector_put(p, index, rgb), 0);
}

static void shows(struct projector *p, int value, int wish)
{
    struct projector_frame f;

    CHECK_INT(projector_next(p, 1, &f), 1);
    CHECK_INT(f.rgb[0], value);
    CHECK_INT(f.wish, wish);
    free(f.rgb);
}

static int turn(struct projector *p, int keep, const char *prompt, const char *camera)
{
    const char *said = NULL, *moves = NULL;

    CHECK_INT(projector_turn(p, &keep, &said, &moves), 0);
    CHECK(prompt ? said && !strcmp(said, prompt) : !said);
    CHECK(camera ? moves && !strcmp(moves, camera) : !moves);
    return keep;
}

TEST(media_projector_takes_back_what_nobody_has_seen)
{
    struct projector *p = projector_new(W, H, 1000, interrupt, NULL);
    struct projector_frame f;

    interrupts = 0;
    CHECK_INT(turn(p, 0, NULL, NULL), 0);
    for (int i = 0; i < 8; i++)
        put(p, i, 10 + i);
    shows(p, 10, 0);
    shows(p, 11, 0);
    CHECK_INT(projector_wish(p, "a coast", NULL), 1);
    CHECK_INT(interrupts, 1);
    /* Drawing took no time yet: the nearest cut lies up to a quarter of a second (all that was
     * seen here) behind, and what is drawn again of it is passed over. */
    CHECK_INT(turn(p, 8, "a coast", NULL), 0);
    /* A second wish waits for the first picture of the one before, then it interrupts. */
    CHECK_INT(projector_wish(p, NULL, "pan left"), 2);
    CHECK_INT(projector_wish(p, NULL, "pan right"), 3);
    CHECK_INT(interrupts, 1);
    put(p, 4, 50);
    CHECK_INT(interrupts, 2);
    shows(p, 12, 0);
    shows(p, 13, 0);
    shows(p, 50, 1);
    CHECK_INT(projector_next(p, 0.01, &f), 0); /* 5, 6 and 7 were taken back */
    CHECK_INT(turn(p, 5, NULL, "pan right"), 0);
    put(p, 5, 60);
    shows(p, 60, 3);
    CHECK_INT(projector_figures(p).answers, 2);
    CHECK_INT(projector_figures(p).shown, 6);
    CHECK_BELOW(projector_figures(p).longest_gap_s, 5);
    CHECK(projector_figures(p).longest_gap_s > 0.0009);
    projector_free(&p);
}

/* Of two wishes that one picture answers, the first has waited longer. */
TEST(media_projector_measures_from_the_first_wish)
{
    struct projector *p = projector_new(W, H, 1000, interrupt, NULL);
    const struct timespec moment = {0, 60000000};

    CHECK_INT(turn(p, 0, NULL, NULL), 0);
    put(p, 0, 10);
    shows(p, 10, 0);
    CHECK_INT(projector_wish(p, "a coast", NULL), 1);
    nanosleep(&moment, NULL);
    CHECK_INT(projector_wish(p, NULL, "pan left"), 2);
    CHECK_INT(turn(p, 1, "a coast", "pan left"), 0);
    put(p, 1, 20);
    shows(p, 20, 2);
    CHECK_INT(projector_figures(p).answers, 1);
    CHECK(projector_figures(p).slowest_answer_s >= 0.06);
    projector_free(&p);
}

TEST(media_projector_shows_one_frame_after_the_other)
{
    struct projector *p = projector_new(W, H, 50, interrupt, NULL);
    struct projector_frame f;
    double first = 0;

    for (int i = 0; i < 5; i++)
        put(p, i, i);
    for (int i = 0; i < 5; i++) {
        CHECK_INT(projector_next(p, 1, &f), 1);
        first = i ? first : f.when;
        CHECK_BELOW(fabs(f.when - first - i * 0.02), 1e-6);
        free(f.rgb);
    }
    /* One that comes too late moves those behind it. */
    double end = clock_s() + 0.6;
    while (clock_s() < end)
        CHECK_INT(projector_next(p, 0.05, &f), 0);
    put(p, 5, 5);
    CHECK_INT(projector_next(p, 1, &f), 1);
    CHECK(f.when > first + 0.5);
    CHECK_INT(projector_figures(p).late, 1);
    free(f.rgb);
    projector_free(&p);
}

static void *draw_on(void *projector)
{
    static const uint8_t rgb[W * H * 3];

    for (int i = 0; i < 5000; i++)
        if (projector_put(projector, i, rgb))
            return projector;
    return NULL;
}

TEST(media_projector_closes_under_who_draws)
{
    struct projector *p = projector_new(W, H, 50, interrupt, NULL);
    struct projector_frame f;
    pthread_t thread;
    void *closed;
    int keep = 0;
    const char *prompt, *camera;

    CHECK(!pthread_create(&thread, NULL, draw_on, p)); /* until the reel is full */
    for (int i = 0; i < 3; i++) {
        CHECK_INT(projector_next(p, 5, &f), 1);
        free(f.rgb);
    }
    CHECK(!projector_is_closed(p));
    projector_close(p);
    pthread_join(thread, &closed);
    CHECK(closed == p && projector_is_closed(p));
    CHECK_INT(projector_turn(p, &keep, &prompt, &camera), 1);
    projector_free(&p);
}
