/* Sentences about stories, and the probe that looks whether films show what they say. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/machine.h"
#include "measure/probe_pictures.h"
#include "measure/story_wish.h"
#include "world/story/caption.h"
#include "world/story/prompt.h"
#include "world/story/sample.h"
#include "ztest.h"

TEST(story_wishes_are_what_they_say)
{
    struct story_wishes l;
    int languages[LANG_COUNT] = {0}, held_out = 0;

    story_wishes_sample(&l, 64, 5, 224, 128);
    CHECK_INT(l.n, 64);
    for (int i = 0; i < l.n; i++) {
        const struct story_wish *w = &l.item[i];

        CHECK(story_facts_agree(&w->said, &w->story.facts));
        CHECK_INT(w->held_out, story_caption_held_out(w->text));
        languages[w->lang]++;
        held_out += w->held_out;
        CHECK(i % 4 == 0 || strcmp(w->text, w[-1].text));
        CHECK(story_facts_equal(&w->story.facts, &l.item[i - i % 4].story.facts));
        CHECK_INT(w->seed, i / 4);
    }
    CHECK_INT(languages[LANG_EN], 32);
    CHECK_INT(languages[LANG_ZH], 32);
    CHECK(held_out >= 24);
    story_wishes_release(&l);
}

TEST(story_wishes_of_the_press_are_six_in_two_languages_and_shapes)
{
    struct story_wishes l;

    story_wishes_press(&l, 3, 5, 224, 128);
    CHECK_INT(l.n, 6 * 2 * 3);
    for (int i = 0; i < l.n; i++) {
        const struct story_wish *w = &l.item[i];
        struct story_prompt read;

        CHECK_INT(w->family, i / 6);
        CHECK_INT(w->held_out, i / 2 % 3 > 0);
        CHECK_INT(w->w, i % 2 ? 128 : 224);
        story_prompt_read(w->text, &read);
        CHECK(story_facts_agree(&w->said, &read.facts));
    }
    story_wishes_release(&l);
}

TEST(story_tally_counts_what_is_said_alone)
{
    struct story_wish w = {.said = {.subject = STORY_GIRL, .place = STORY_COURT}};
    struct probe_sight right = {.likeness = 1}, wrong;
    struct story_tally t = {{0}, {0}};

    right.value[STORY_SLOT_SUBJECT] = STORY_GIRL;
    right.value[STORY_SLOT_PLACE] = STORY_COURT;
    right.value[STORY_SLOT_TIME] = STORY_NIGHT;
    wrong = right;
    wrong.value[STORY_SLOT_PLACE] = STORY_MOON;
    story_tally_add(&t, &w, &right);
    story_tally_add(&t, &w, &wrong);
    CHECK(t.asked[STORY_SLOT_TIME] == 0);
    CHECK(t.asked[STORY_SLOT_SUBJECT] == 2 && t.right[STORY_SLOT_SUBJECT] == 2);
    CHECK(t.asked[STORY_SLOT_PLACE] == 2 && t.right[STORY_SLOT_PLACE] == 1);
    CHECK(t.asked[STORY_ALL] == 2 && t.right[STORY_ALL] == 1);
    CHECK(story_share(&w, &right) == 1 && story_share(&w, &wrong) == 0.5);
    w.said = (struct story_facts){.camera = STORY_DRONE};
    CHECK(story_share(&w, &right) < 0);
}

/* A probe that learned a few clips by heart, a part of them through the codec. */
static void learn(struct probe *p, struct probe_pictures *all, int keep)
{
    const struct probe_recipe r = {
        .clips = 16, .steps = {100, 100}, .batch = {16, 8}, .w = 64, .h = 64, .fps = 8, .seed = 3};
    struct threads *threads = threads_new(machine_threads());
    struct round_trip codec;
    struct err e;

    CHECK_INT(round_trip_open(&codec, "model", threads, &e), 0);
    CHECK_INT(probe_train(p, &r, &codec, NULL, keep, NULL, NULL, &e), 0);
    CHECK_INT(probe_pictures_make(all, &r, &codec, threads, NULL, NULL, &e), 0);
    CHECK_INT(all->n, r.clips);
    round_trip_close(&codec);
    threads_free(&threads);
}

/* Film of one frame, the whole picture of clip i. */
static void look(struct probe *p, const struct probe_pictures *all, int i, struct probe_sight *s)
{
    struct err e;

    CHECK_INT(probe_look(p, all->whole + (size_t)i * PROBE_WHOLE_BYTES, PROBE_SIDE, PROBE_SIDE, 1,
                         8, s, &e),
              0);
}

/* One that learned nothing would know the place of every fourth, who is there of every fifth. */
TEST(probe_learns_what_it_is_shown)
{
    struct probe_pictures all = {0};
    struct probe probe;
    int place = 0, subject = 0;

    learn(&probe, &all, 0);
    for (int i = 0; i < all.n; i++) {
        struct probe_sight s;

        look(&probe, &all, i, &s);
        place += s.value[STORY_SLOT_PLACE] == all.facts[i].place;
        subject += s.value[STORY_SLOT_SUBJECT] == all.facts[i].subject;
    }
    CHECK(place >= all.n * 3 / 4);
    CHECK(subject >= all.n * 3 / 4);
    /* who stays in the picture is like itself; a film of two clips is not */
    double same = 0, other = 0;
    for (int i = 0; i + 1 < all.n; i++) {
        uint8_t *film = xmalloc(2 * PROBE_WHOLE_BYTES);
        struct probe_sight s[2];
        struct err e;

        for (int k = 0; k < 2; k++) {
            memcpy(film, all.whole + (size_t)i * PROBE_WHOLE_BYTES, PROBE_WHOLE_BYTES);
            memcpy(film + PROBE_WHOLE_BYTES, all.whole + (size_t)(i + k) * PROBE_WHOLE_BYTES,
                   PROBE_WHOLE_BYTES);
            CHECK_INT(probe_look(&probe, film, PROBE_SIDE, PROBE_SIDE, 2, 8, &s[k], &e), 0);
        }
        same += s[0].likeness;
        other += s[1].likeness;
        free(film);
    }
    CHECK(same > 1.1 * other);
    probe_pictures_release(&all);
    probe_release(&probe);
}

TEST(probe_finds_the_part_around_the_peak)
{
    float map[PROBE_MAP_CELLS] = {0}, x, y, side;
    struct probe_box b = probe_box_of(map, 240, 120), three[3];
    uint8_t rgb[8 * 8 * 3], out[4 * 4 * 3];

    CHECK(b.x1 == 0 && !probe_square(&b, 1, &x, &y, &side));
    for (int v = 10; v < 14; v++)
        for (int u = 5; u < 7; u++)
            map[v * PROBE_MAP + u] = v == 12 ? 0.9f : 0.5f;
    map[3 * PROBE_MAP + 20] = 0.8f; /* apart */
    map[9 * PROBE_MAP + 5] = 0.3f;  /* too little */
    b = probe_box_of(map, 240, 120);
    CHECK(b.x0 == 50 && b.x1 == 70 && b.y0 == 50 && b.y1 == 70);
    /* one of three that sees somebody else has no say */
    three[0] = three[1] = b;
    three[2] = (struct probe_box){0, 0, 240, 120};
    CHECK(probe_square(three, 3, &x, &y, &side));
    CHECK(fabsf(side - 26) < 1e-4f && fabsf(x - 47) < 1e-4f && fabsf(y - 47) < 1e-4f);
    /* beyond the picture it is grey */
    memset(rgb, 200, sizeof rgb);
    probe_cut(out, 4, rgb, 8, 8, -4, 0, 8);
    CHECK(out[0] == 128 && out[3] == 128 && out[3 * 3] == 200 && out[sizeof out - 1] == 200);
}

TEST(probe_is_kept_and_taken_from_there)
{
    char *dir = ztest_in_tmp("probes"), *old = getenv("XDG_CACHE_HOME");
    struct probe_recipe r = {
        .clips = 8, .steps = {3, 3}, .batch = {4, 2}, .w = 64, .h = 64, .fps = 8, .seed = 3};
    struct probe_sight s[3];
    struct round_trip codec;
    struct err e;

    old = old ? xstrdup(old) : NULL;
    setenv("XDG_CACHE_HOME", dir, 1);
    CHECK_INT(round_trip_open(&codec, "model", NULL, &e), 0);
    for (int k = 0; k < 3; k++) { /* trained, taken, of another recipe */
        uint8_t grey[PROBE_WHOLE_BYTES];
        volatile sig_atomic_t stop = 0;
        struct probe p;

        r.seed += k == 2;
        CHECK_INT(probe_train(&p, &r, &codec, NULL, 1, NULL, &stop, &e), 0);
        CHECK_INT(p.eye[PROBE_NEAR].out.w->master == NULL, k == 1);
        memset(grey, 99, sizeof grey);
        CHECK_INT(probe_look(&p, grey, PROBE_SIDE, PROBE_SIDE, 1, 8, &s[k], &e), 0);
        probe_release(&p);
    }
    CHECK(!memcmp(s[0].value, s[1].value, sizeof s[0].value));
    round_trip_close(&codec);
    free(dir);
    if (old)
        setenv("XDG_CACHE_HOME", old, 1);
    else
        unsetenv("XDG_CACHE_HOME");
    free(old);
}
