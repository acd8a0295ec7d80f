/* A film without end is, as long as nothing is asked, the long film bit for bit; frames that are
 * taken back are drawn anew from the latent frame behind those that stay. */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "zoetrope.h"
#include "ztest.h"

enum { W = 48, H = 32, BYTES = W * H * 3, MOST = 100 };

static char error[768];

struct show {
    zt_job *job;
    uint8_t frame[MOST][BYTES];
    int n, turns, last_turn;    /* frames so far; turns; that ends it */
    int cut_turn, keep, begins; /* at this turn so many stay; the first number that came then */
    int interrupt_at;           /* frame at which the window is let go; 0: none */
    const char *prompt, *camera;
    char note[300]; /* at the last turn */
};

static int see(void *user, int index, int n_frames, const uint8_t *rgb, int w, int h)
{
    struct show *s = user;

    CHECK(w == W && h == H && index < MOST && (n_frames == 0 || s->last_turn == 0));
    CHECK(index <= s->n);
    if (s->begins < 0)
        s->begins = index;
    memcpy(s->frame[index], rgb, BYTES);
    s->n = index + 1;
    if (s->interrupt_at && index == s->interrupt_at) {
        s->interrupt_at = 0;
        zt_job_turn(s->job);
    }
    return 0;
}

static int turn(void *user, int *keep, const char **prompt, const char **camera)
{
    struct show *s = user;

    CHECK_INT(*keep, s->n);
    snprintf(s->note, sizeof s->note, "%s",
             zt_job_get(s->job, "run_note") ? zt_job_get(s->job, "run_note") : "");
    if (s->turns == s->cut_turn) {
        *keep = s->keep;
        *prompt = s->prompt;
        *camera = s->camera;
        s->begins = -1;
    }
    return s->turns++ == s->last_turn;
}

static const char *between = "repeat";

static zt_job *job_of(const char *frames, const char *fps)
{
    const char *const set[] = {"model",       fixture_dir(), "prompt", "a red ball rolls",
                               "seed",        "5",           "type",   "f32",
                               "size",        "native",      "steps",  "2",
                               "frames",      frames,        "fps",    fps,
                               "interpolate", between};
    zt_job *job;

    zt_job_new(&job, NULL);
    for (size_t i = 0; i < sizeof set / sizeof *set; i += 2)
        if (zt_job_set(job, set[i], set[i + 1], error, sizeof error))
            ztest_fail(__FILE__, __LINE__, "%s", error);
    return job;
}

static struct show *live(int turns, int cut_turn, int keep, const char *prompt, int interrupt_at,
                         const char *fps)
{
    struct show *s = xcalloc(1, sizeof *s);

    *s = (struct show){.job = job_of("9", fps),
                       .last_turn = turns,
                       .cut_turn = cut_turn,
                       .keep = keep,
                       .prompt = prompt,
                       .interrupt_at = interrupt_at};
    zt_job_on_frame(s->job, see, s);
    if (zt_job_live(s->job, turn, s, error, sizeof error))
        ztest_fail(__FILE__, __LINE__, "%s", error);
    zt_job_free(&s->job);
    return s;
}

TEST(live_is_the_long_film)
{
    struct show *film = xcalloc(1, sizeof *film), *s = live(4, -1, 0, NULL, 0, "8");
    zt_job *job = job_of("33", "8");

    zt_job_on_frame(job, see, film);
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_INT(film->n, 33);
    CHECK_INT(s->n, 33);
    CHECK(!memcmp(film->frame, s->frame, (size_t)33 * BYTES));
    zt_job_free(&job);
    free(film), free(s);
}

/* Of 25 frames 15 stay: the next latent frame ends with number 16, so 17 is the first new one. */
TEST(live_takes_frames_back_and_goes_on)
{
    struct show *same = live(4, -1, 0, NULL, 0, "8"),
                *s = live(4, 3, 15, "a blue box falls", 0, "8"),
                *thrice = live(4, 3, 45, "a blue box falls", 0, "24");

    CHECK_INT(s->begins, 17);
    CHECK_INT(s->n, 25);
    CHECK(!memcmp(same->frame, s->frame, (size_t)17 * BYTES));
    CHECK(memcmp(same->frame[17], s->frame[17], 8 * (size_t)BYTES) != 0);
    CHECK_INT(thrice->begins, 51);
    CHECK_INT(thrice->n, 75);
    for (int i = 0; i < 75; i++)
        CHECK(!memcmp(thrice->frame[i], s->frame[i / 3], BYTES));
    free(same), free(s), free(thrice);
}

/* As the long film, but that drawn frames repeat where there was no time for one between. */
TEST(live_has_frames_between_drawn_ones)
{
    struct show *film = xcalloc(1, sizeof *film), *s;
    int n = 0;

    between = "motion";
    s = live(4, 3, 45, NULL, 0, "24"); /* nothing is asked for: drawn frames stay what they are */
    zt_job *job = job_of("33", "24");
    zt_job_on_frame(job, see, film);
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    between = "repeat";
    CHECK_INT(s->begins, 49); /* behind number 16 of the drawn ones, and what leads there */
    CHECK_INT(s->n, 73);
    for (int i = 0; i < 49; i++) {
        int left = i / 3 * 3, same = !memcmp(s->frame[i], film->frame[i], BYTES);

        n += i % 3 && same && memcmp(s->frame[i], s->frame[left], BYTES) != 0;
        if (!same)
            CHECK(i % 3 && (!memcmp(s->frame[i], film->frame[left], BYTES) ||
                            !memcmp(s->frame[i], film->frame[left + 3], BYTES)));
    }
    CHECK(n > 0);
    zt_job_free(&job);
    free(film), free(s);
}

/* A window that is let go in the middle leaves no gap, whatever was handed out of it. */
TEST(live_window_that_is_let_go_leaves_no_gap)
{
    for (int at = 9; at < 17; at += 3) {
        struct show *same = live(4, -1, 0, NULL, 0, "8"), *s = live(4, -1, 0, NULL, at, "8");

        CHECK(s->n >= 25 && s->n <= 33);
        CHECK(!memcmp(same->frame, s->frame, (size_t)13 * BYTES));
        free(same), free(s);
    }
}

/* What the model cannot do of the words from now on is known at the next turn, and once. */
TEST(live_says_what_it_cannot_do)
{
    struct show *s = xcalloc(1, sizeof *s);

    for (int last = 2; last <= 3; last++) {
        *s = (struct show){.job = job_of("9", "8"),
                           .last_turn = last,
                           .cut_turn = 1,
                           .keep = 9,
                           .camera = "orbit left"};
        zt_job_on_frame(s->job, see, s);
        CHECK_INT(zt_job_live(s->job, turn, s, error, sizeof error), 0);
        CHECK_STR(s->note, last == 2 ? "camera: films of this scene follow no orbitleft; the model "
                                       "was not taught it"
                                     : "");
        zt_job_free(&s->job);
    }
    free(s);
}

TEST(live_says_which_words_it_does_not_know)
{
    struct show *s = xcalloc(1, sizeof *s);

    *s = (struct show){.job = job_of("9", "8"),
                       .last_turn = 2,
                       .cut_turn = 1,
                       .keep = 9,
                       .prompt = "a red ball and a dragon"};
    zt_job_on_frame(s->job, see, s);
    CHECK_INT(zt_job_live(s->job, turn, s, error, sizeof error), 0);
    CHECK_STR(s->note, "words that the model does not know: dragon");
    zt_job_free(&s->job);
    free(s);
}

TEST(live_refuses_what_it_cannot_be)
{
    zt_job *job = job_of("33", "8"); /* two windows and more */
    struct show s = {.last_turn = 0};

    CHECK_INT(zt_job_live(job, turn, &s, error, sizeof error), ZT_E_USAGE);
    CHECK_CONTAINS(error, "frames");
    CHECK_INT(zt_job_set(job, "frames", "9", error, sizeof error), 0);
    CHECK_INT(zt_job_set(job, "output", "a.mp4", error, sizeof error), 0);
    CHECK_INT(zt_job_live(job, turn, &s, error, sizeof error), ZT_E_USAGE);
    CHECK_CONTAINS(error, "output");
    CHECK_INT(s.turns, 0);
    zt_job_free(&job);
}
