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

/* It learns a few pictures by heart, a part of them through the codec; one that learned nothing
 * would know the place of every fourth. */
TEST(probe_learns_what_it_is_shown)
{
    const struct probe_recipe r = {
        .clips = 16, .steps = 160, .batch = 16, .w = 64, .h = 32, .seed = 3};
    struct threads *threads = threads_new(machine_threads());
    struct probe_pictures p = {0};
    struct round_trip codec;
    struct probe probe;
    struct err e;
    int right = 0;

    CHECK_INT(round_trip_open(&codec, "model", threads, &e), 0);
    CHECK_INT(probe_train(&probe, &r, &codec, threads, NULL, NULL, &e), 0);
    CHECK_INT(probe_pictures_make(&p, &r, &codec, threads, NULL, NULL, &e), 0);
    CHECK_INT(p.n, 2 * r.clips);
    for (int i = 0; i < p.n; i++) {
        struct probe_sight s;

        CHECK_INT(
            probe_look(&probe, p.rgb + (size_t)i * PROBE_BYTES, PROBE_SIDE, PROBE_SIDE, 1, &s, &e),
            0);
        right += s.value[STORY_SLOT_PLACE] == p.facts[i].place;
    }
    CHECK(right >= p.n * 3 / 4);
    /* who stays in the picture is like itself; a film of two clips is not */
    double same = 0, other = 0;
    for (int i = 0; i + 2 < p.n; i += 2) {
        uint8_t *film = xmalloc(2 * PROBE_BYTES);
        struct probe_sight s[2];

        for (int k = 0; k < 2; k++) {
            memcpy(film, p.rgb + (size_t)i * PROBE_BYTES, PROBE_BYTES);
            memcpy(film + PROBE_BYTES, p.rgb + (size_t)(i + 1 + k) * PROBE_BYTES, PROBE_BYTES);
            CHECK_INT(probe_look(&probe, film, PROBE_SIDE, PROBE_SIDE, 2, &s[k], &e), 0);
        }
        same += s[0].likeness;
        other += s[1].likeness;
        free(film);
    }
    CHECK(same > 1.1 * other);
    probe_pictures_release(&p);
    probe_release(&probe);
    round_trip_close(&codec);
    threads_free(&threads);
}
