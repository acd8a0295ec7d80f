/* How people say what a camera does, and what becomes of it. */
#include <math.h>
#include <stdlib.h>

#include "generate/camera.h"
#include "generate/options.h"
#include "generate/plan_inner.h"
#include "generate/reading.h"
#include "world/world.h"
#include "ztest.h"

static struct camera parsed(const char *text)
{
    struct camera c;
    struct err e;

    if (camera_parse(&c, text, &e))
        ztest_fail(__FILE__, __LINE__, "%s: %s", text, e.msg);
    return c;
}

TEST(camera_words_and_numbers)
{
    static const struct {
        const char *text;
        double axis[N_AXES];
        const char *word;
    } good[] = {
        {"pan left", {[AXIS_PAN] = -5}, "panleft"},
        {"Pan Right 2.5", {[AXIS_PAN] = 2.5}, "panright"},
        {"pan left, zoom in 7", {[AXIS_PAN] = -5, [AXIS_ZOOM] = -7}, "zoomin"},
        {"tilt -3", {[AXIS_TILT] = -3}, "tiltdown"},
        {" horizontal 4 ,vertical 0.5", {[AXIS_HORIZONTAL] = 4, [AXIS_VERTICAL] = 0.5}, "panright"},
        {"roll cw 3", {[AXIS_ROLL] = 3}, "roll"},
        {"roll -10", {[AXIS_ROLL] = -10}, "roll"},
        {"zoom 10", {[AXIS_ZOOM] = 10}, "zoomout"},
        {"dolly in", {[AXIS_ZOOM] = -5}, "dollyin"},
        {"orbit left", {0}, "orbitleft"},
        {"static", {0}, "static"},
        {"drone", {0}, "drone"},
        {"pan left 0", {0}, "static"},
        {"orbit right 0, drone 0", {0}, "static"},
        {"orbit left, zoom in 3", {[AXIS_ZOOM] = -3}, "zoomin"},
        {"左摇 3", {[AXIS_PAN] = -3}, "panleft"},
        {"pan up", {[AXIS_TILT] = 5}, "tiltup"}, /* as Pika says it */
        {"pan left and zoom in 3", {[AXIS_PAN] = -5, [AXIS_ZOOM] = -3}, "panleft"},
        {"推近 3，左摇; pan down 2",
         {[AXIS_PAN] = -5, [AXIS_ZOOM] = -3, [AXIS_TILT] = -2},
         "panleft"},
        {"down_back", {[AXIS_VERTICAL] = -5, [AXIS_ZOOM] = 5}, "dollyout"},
        {"right_turn_forward", {[AXIS_PAN] = 5, [AXIS_ZOOM] = -5}, "panright"},
        {"{\"type\":\"simple\",\"config\":{\"tilt\":2,\"pan\":0}}", {[AXIS_TILT] = 2}, "tiltup"},
        {"{\"type\": \"forward_up\"}", {[AXIS_VERTICAL] = 5, [AXIS_ZOOM] = -5}, "dollyin"},
        {"", {0}, NULL},
        {"none", {0}, NULL},
    };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct camera c = parsed(good[i].text);
        struct buf again = BUF_INIT;

        for (int k = 0; k < N_AXES; k++)
            CHECK_INT(c.axis[k] * 1000, good[i].axis[k] * 1000);
        CHECK(good[i].word ? c.word && !strcmp(c.word, good[i].word) : !c.word);
        camera_say(&c, &again); /* is read as the same axes */
        struct camera d = parsed(buf_str(&again));
        for (int k = 0; k < N_AXES; k++)
            CHECK_INT(d.axis[k] * 1000, good[i].axis[k] * 1000);
        CHECK_INT(camera_asked(&d), camera_asked(&c));
        buf_release(&again);
    }
}

TEST(camera_says_what_is_wrong)
{
    static const char *const wrong[][2] = {
        {"sideways", "\"sideways\" is not known"},
        {"pan sideways", "\"pan sideways\" is not known; pan or truck left/right"},
        {"pan left and jump", "\"jump\" is not known"},
        {"pan", "pan wants a number from -10 to 10"},
        {"pan left 11", "from 0 to 10"},
        {"pan left -1", "from 0 to 10"},
        {"tilt 10.5", "from -10 to 10"},
        {"tilt nan", "\"tilt nan\" is not known"},
        {"pan left, pan right", "pan is said twice"},
        {"pan left,", "\"\" is not known"},
        {"static, pan left", "static goes with no move"},
        {"zoom in 2, fixed", "static goes with no move"},
        {"{\"type\":\"simple\",\"config\":{\"pan\":1,\"zoom\":1}}", "exactly one"},
        {"{\"type\":\"simple\",\"config\":{}}", "exactly one"},
        {"{\"type\":\"simple\",\"config\":{\"pan\":11}}", "-10 to 10"},
        {"{\"type\":\"spin\"}", "forward_up"},
        {"{\"type\":\"down_back\",\"config\":{\"pan\":1}}", "simple alone"},
        {"{", "camera"},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct request r;
        struct err e;

        request_init(&r);
        CHECK_INT(request_set(&r, "camera", wrong[i][0], &e), ERR_USAGE);
        CHECK_CONTAINS(e.msg, wrong[i][1]);
        CHECK(!strchr(e.msg, '\n'));
        request_release(&r);
    }
}

/* A share of what is seen is a smaller one of what is drawn; of a move up, of a zoom it is the
 * same. */
TEST(camera_goes_by_what_is_seen_of_the_picture)
{
    static const struct {
        const char *camera;
        int of_drawn;
        double weight; /* -1: that of the whole picture */
    } rows[] = {{"pan right", 0, 0}, {"pan right", 1, -1}, {"tilt up", 0, -1}, {"zoom in", 0, -1}};
    const char *typed = "a girl plays on a lawn";

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan p = {.info = {.worlds = world_bit(world_named("story"))},
                         .w = 28,
                         .h = 16,
                         .seen_w = 9,
                         .seen_h = 16,
                         .camera_of_drawn = rows[i].of_drawn};
        struct camera c = parsed(rows[i].camera), less = parsed("pan right 1.607142857142857");
        struct camera_words w, want = camera_words_of(&less);
        struct buf text = BUF_INIT, unknown = BUF_INIT;

        free(reading_prompt(typed, p.info.worlds, 1, NULL, &text, &unknown));
        w = plan_camera_say(&p, &c, typed, &text);
        if (rows[i].weight < 0)
            CHECK_INT(w.n, 0); /* the word as it was taught */
        else
            CHECK(w.n == 1 && fabs(w.weight[0] - want.weight[0]) < 1e-9 && want.weight[0] < 0.65);
        CHECK(!p.note);
        buf_release(&text);
        buf_release(&unknown);
    }
}

/* What is blended, and what a note says. */
TEST(camera_replaces_that_of_the_prompt_in_the_words_of_the_model)
{
    static const struct {
        const char *prompt, *camera, *end;
        int blended, noted;
        const char *word;
        double weight;
    } rows[] = {
        {"waves at a cliff, zoom out", "pan left", "; camera panleft", 0, 0, NULL, 0},
        {"waves at a cliff, zoom out", "pan left 3", "; camera static", 1, 0, "panleft", 0.68},
        {"a girl plays on a lawn", "tilt up, zoom in 4", "; camera static", 2, 0, "tiltup", 1},
        {"a girl plays on a lawn", "orbit left", "; camera orbitleft", 0, 0, NULL, 0},
        {"a girl plays on a lawn", "dolly in", "; camera dollyin", 0, 0, NULL, 0},
        {"a girl plays on a lawn", "roll cw", "; camera roll", 0, 1, NULL, 0},
        {"a girl plays on a lawn", "pan left 0", "; camera static", 0, 0, NULL, 0},
        {"a girl plays on a lawn", "orbit left, tilt up", "; camera tiltup", 0, 1, NULL, 0},
        {"a red ball rolls", "zoom in", "; camera zoomin", 0, 0, NULL, 0},
        {"a red ball rolls", "zoom out", "; camera static", 0, 1, NULL, 0},
        {"a red ball rolls", "orbit left", "; camera static", 0, 1, NULL, 0},
        {"a red ball rolls", "pan left, tilt up", "; camera static", 1, 1, "panleft", 1},
        {"waves at a cliff", "zoom in 6", "; camera static", 1, 0, "zoomin", 1.12},
        {"waves at a cliff", "pan left 9", "; camera static", 1, 1, "panleft", 1.48},
    };
    unsigned both = world_bit(world_named("physics")) | world_bit(world_named("story"));

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf text = BUF_INIT, unknown = BUF_INIT;
        struct plan p = {.info = {.worlds = both}, .w = 7, .h = 4, .seen_w = 7, .seen_h = 4};
        struct camera c = parsed(rows[i].camera);

        free(reading_prompt(rows[i].prompt, both, 1, NULL, &text, &unknown));
        struct camera_words w = plan_camera_say(&p, &c, rows[i].prompt, &text);
        CHECK_INT(w.n, rows[i].blended);
        CHECK(!w.n ||
              (!strcmp(w.word[0], rows[i].word) && fabs(w.weight[0] - rows[i].weight) < 1e-9));
        CHECK_INT(p.note != NULL, rows[i].noted);
        if (text.len < strlen(rows[i].end) || !strstr(buf_str(&text), rows[i].end))
            ztest_fail(__FILE__, __LINE__, "%s: %s", rows[i].camera, buf_str(&text));
        free(p.note);
        buf_release(&text);
        buf_release(&unknown);
    }
    struct buf text = BUF_INIT;
    struct plan p = {.w = 7, .h = 4, .seen_w = 7, .seen_h = 4};
    struct camera c = parsed("pan left, zoom in");
    buf_puts(&text, "a red fox");
    CHECK_INT(plan_camera_say(&p, &c, "a red fox", &text).n, 0);
    CHECK_STR(buf_str(&text), "a red fox, the camera pans left, the camera zooms in");
    CHECK_CONTAINS(p.note, "words");
    free(p.note);
    buf_release(&text);
}
