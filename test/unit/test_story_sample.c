#include <string.h>

#include "base/buf.h"
#include "format/json.h"
#include "world/story/caption.h"
#include "world/story/sample.h"
#include "world/story/world_story.h"
#include "ztest.h"

TEST(story_sample_is_complete_repeatable_and_by_mix)
{
    enum { N = 4000 };
    int family[STORY_FAMILY_COUNT] = {0}, photo = 0, astronaut_on_cliff = 0;

    for (int i = 0; i < N; i++) {
        struct story s, again;

        story_sample(&s, (uint64_t)i, NULL, 0);
        story_sample(&again, (uint64_t)i, NULL, 0);
        CHECK(!memcmp(&s, &again, sizeof s));
        CHECK(story_facts_are_complete(&s.facts));
        CHECK(s.aspect > 1.7f && !s.mirror);
        family[story_family(&s.facts)]++;
        photo += s.facts.style == STORY_PHOTO;
        astronaut_on_cliff += s.facts.subject == STORY_ASTRONAUT && s.facts.place == STORY_CLIFF;
        CHECK((s.facts.action == STORY_READS) <= (s.facts.prop == STORY_BOOK));
        CHECK((s.facts.action == STORY_PLAYS) <= (s.facts.prop == STORY_RACKET));
        CHECK((s.facts.place == STORY_ROOM) <= (s.facts.weather == STORY_CLEAR));
        CHECK((s.facts.place == STORY_SHIP) <= (s.facts.camera != STORY_DRONE));
    }
    for (int i = 0; i < STORY_FAMILY_MIXED; i++)
        CHECK(family[i] > N * 0.09 &&
              family[i] < N * 0.16); /* mixtures may fall on one of the six */
    CHECK(family[STORY_FAMILY_MIXED] > N * 0.3);
    CHECK(photo > N * 0.67 && photo < N * 0.73);
    CHECK(astronaut_on_cliff > 10);
}

/* The weights of a mix decide: one family alone, one camera, one style. */
TEST(story_sample_obeys_its_mix)
{
    for (int family = 0; family < STORY_FAMILY_MIXED; family++) {
        struct story_mix mix = {.camera = {[STORY_ROLL] = 1}, .style = {[STORY_INK] = 1}};

        mix.family[family] = 1;
        for (uint64_t seed = 0; seed < 50; seed++) {
            struct story s;

            story_sample(&s, seed, &mix, 1);
            CHECK_INT(story_family(&s.facts), family);
            CHECK_INT(s.facts.camera, STORY_ROLL);
            CHECK_INT(s.facts.style, STORY_INK);
        }
    }
}

/* A mix from a config: groups of shares, and what is wrong with one is said. */
TEST(story_mix_is_read)
{
    static const char good[] = "{\"families\": {\"girl\": 2}, \"styles\": {\"clay\": 1}}";
    static const struct {
        const char *text, *error;
    } bad[] = {{"{\"families\": {\"ghost\": 1}}", "ghost"},
               {"{\"cameras\": {\"roll\": -1}}", "roll"},
               {"{\"styles\": {}}", "no share"}};
    struct story_mix mix;
    struct jdoc *doc;
    struct err e = {0};

    CHECK_INT(jdoc_parse(&doc, good, strlen(good), "test", &e), 0);
    world_story.mix_read(&mix, jdoc_root(doc));
    CHECK_INT(jdoc_status(doc, &e), 0);
    CHECK(mix.family[STORY_FAMILY_GIRL] == 2 && mix.family[STORY_FAMILY_MIXED] == 0);
    CHECK(mix.style[STORY_CLAY] == 1 && mix.style[STORY_PHOTO] == 0);
    CHECK(!memcmp(mix.camera, story_mix_default.camera, sizeof mix.camera));
    jdoc_close(&doc);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err why = {0};

        CHECK_INT(jdoc_parse(&doc, bad[i].text, strlen(bad[i].text), "test", &e), 0);
        world_story.mix_read(&mix, jdoc_root(doc));
        CHECK(jdoc_status(doc, &why) < 0);
        CHECK_CONTAINS(why.msg, bad[i].error);
        jdoc_close(&doc);
    }
}

/* Every value of every slot is drawn now and then, or the network would never learn its word. */
TEST(story_sample_reaches_every_value)
{
    int seen[STORY_SLOT_COUNT][STORY_CAMERA_COUNT] = {{0}};
    int met[STORY_SUBJECT_COUNT][STORY_PLACE_COUNT] = {{0}};

    for (uint64_t seed = 0; seed < 6000; seed++) {
        struct story s;

        story_sample(&s, seed, NULL, 1);
        met[s.facts.subject][s.facts.place]++;
        for (int slot = 0; slot < STORY_SLOT_COUNT; slot++)
            seen[slot][story_fact_get(&s.facts, slot)]++;
    }
    for (int slot = 0; slot < STORY_SLOT_COUNT; slot++) {
        for (int v = 1; v < story_slot_count(slot); v++) {
            if (seen[slot][v] < 60)
                ztest_fail(__FILE__, __LINE__, "%s is drawn %d times of 6000",
                           story_slot_word(slot, v), seen[slot][v]);
        }
    }
    for (int subject = 1; subject < STORY_SUBJECT_COUNT; subject++) {
        for (int place = 1; place < STORY_PLACE_COUNT; place++)
            CHECK(met[subject][place] > 5);
    }
}

/* What is said holds, where it can; what is not said is completed as people would expect it. */
TEST(story_complete_keeps_what_is_said)
{
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct story from;
        struct story_facts said = {0}, f;

        story_sample(&from, seed, NULL, 1);
        for (int slot = 0; slot < STORY_SLOT_COUNT; slot++) {
            if (seed >> slot & 1)
                *story_fact(&said, slot) = story_fact_get(&from.facts, slot);
        }
        f = said;
        story_facts_complete(&f, seed + 5);
        CHECK(story_facts_are_complete(&f));
        if (!story_facts_agree(&said, &f))
            ztest_fail(__FILE__, __LINE__, "seed %d: something said is lost", (int)seed);
    }
}

TEST(story_complete_stays_natural)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct story_facts a = {.subject = STORY_ASTRONAUT}, street = {.place = STORY_STREET},
                           rain = {.subject = STORY_MONSTER, .weather = STORY_RAIN},
                           book = {.subject = STORY_WOMAN, .prop = STORY_BOOK},
                           waves = {.place = STORY_CLIFF, .action = STORY_WAVES}, nothing = {0};

        story_facts_complete(&a, seed);
        CHECK(a.place == STORY_MOON || a.place == STORY_SHIP);
        CHECK_INT(a.style, STORY_PHOTO);
        story_facts_complete(&street, seed);
        CHECK_INT(street.subject, STORY_NOBODY);
        story_facts_complete(&rain, seed);
        CHECK_INT(rain.weather, STORY_RAIN);
        CHECK(rain.place != STORY_ROOM);
        story_facts_complete(&book, seed);
        CHECK_INT(book.prop, STORY_BOOK);
        story_facts_complete(&waves, seed);
        CHECK(waves.subject > STORY_NOBODY && waves.action == STORY_WAVES);
        story_facts_complete(&nothing, seed);
        CHECK(story_family(&nothing) != STORY_FAMILY_MIXED);
    }
}

/* Nobody who is named stands far away or before a camera that nobody asked to move, what is done or
 * held is not cut off, and away from home nothing is there that was not said. */
TEST(story_complete_shows_what_is_said)
{
    int close = 0;

    for (uint64_t seed = 0; seed < 100; seed++) {
        struct story_facts girl = {.subject = STORY_GIRL, .place = STORY_CLIFF},
                           red = {.subject = STORY_ASTRONAUT, .color = COLOR_RED},
                           reads = {.action = STORY_READS}, candle = {.prop = STORY_CANDLE},
                           far = {.subject = STORY_WOMAN, .shot = STORY_FAR},
                           sea = {.place = STORY_CLIFF};

        story_facts_complete(&girl, seed);
        CHECK(girl.action != STORY_PLAYS && girl.prop == STORY_NO_PROP);
        story_facts_complete(&red, seed);
        CHECK(red.shot != STORY_FAR && red.camera == STORY_STATIC);
        close += red.shot == STORY_CLOSE;
        story_facts_complete(&reads, seed);
        CHECK(reads.shot == STORY_MID && reads.prop == STORY_BOOK);
        story_facts_complete(&candle, seed);
        CHECK_INT(candle.shot, STORY_MID);
        story_facts_complete(&far, seed);
        CHECK_INT(far.shot, STORY_FAR);
        story_facts_complete(&sea, seed);
        CHECK(sea.camera == STORY_STATIC && sea.subject == STORY_NOBODY);
    }
    CHECK(close > 20 && close < 80);
}

TEST(story_facts_that_cannot_be_together_give_way)
{
    struct story_facts f = {.subject = STORY_ASTRONAUT,
                            .place = STORY_SHIP,
                            .action = STORY_READS,
                            .prop = STORY_CANDLE,
                            .camera = STORY_DRONE,
                            .weather = STORY_RAIN};

    story_facts_complete(&f, 3);
    CHECK_INT(f.prop, STORY_BOOK);
    CHECK_INT(f.weather, STORY_CLEAR);
    CHECK(f.camera != STORY_DRONE);
    CHECK_INT(f.action, STORY_READS);
}

TEST(story_caption_canonical_says_each_fact_once)
{
    struct story_facts f = {.subject = STORY_ASTRONAUT,
                            .place = STORY_MOON,
                            .action = STORY_STANDS,
                            .color = COLOR_WHITE,
                            .prop = STORY_SPACESHIP,
                            .shot = STORY_FAR,
                            .camera = STORY_ORBIT_LEFT,
                            .time = STORY_NIGHT,
                            .weather = STORY_CLEAR,
                            .style = STORY_PHOTO};
    struct buf b = BUF_INIT;

    story_caption_canonical(&f, &b);
    CHECK_STR(buf_str(&b), "astronaut white stands ; place moon ; prop spaceship ; time night ; "
                           "weather clear ; style photo ; shot far ; camera orbitleft");
    buf_clear(&b);
    f.subject = STORY_NOBODY;
    f.action = f.color = 0;
    story_caption_canonical(&f, &b);
    CHECK(!strncmp(buf_str(&b), "nobody ; place moon ; prop", 26));
    buf_release(&b);
}

static int is_canonical(const char *word, size_t n)
{
    for (int i = 0; story_canonical_word(i); i++) {
        if (strlen(story_canonical_word(i)) == n && !memcmp(word, story_canonical_word(i), n))
            return 1;
    }
    return 0;
}

TEST(story_canonical_words_are_those_of_the_captions)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct buf b = BUF_INIT;
        struct story s;
        int n = 0;

        story_sample(&s, seed, NULL, 1);
        story_caption_canonical(&s.facts, &b);
        for (const char *w = buf_str(&b); *w; n++) {
            size_t len = strcspn(w, " ");

            CHECK(is_canonical(w, len));
            w += len + (w[len] == ' ');
        }
        CHECK(n <= 30);
        buf_release(&b);
    }
    for (int i = 0; story_canonical_word(i); i++) {
        for (int k = 0; k < i; k++)
            CHECK(strcmp(story_canonical_word(i), story_canonical_word(k)) != 0);
    }
}

TEST(story_wrong_facts_differ_in_one)
{
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct story s;
        struct story_facts wrong;
        int differ = 0;

        story_sample(&s, seed, NULL, 1);
        wrong = s.facts;
        story_facts_wrong(&wrong, seed);
        CHECK(story_facts_are_complete(&wrong));
        for (int slot = 0; slot < STORY_SLOT_COUNT; slot++)
            differ += story_fact_get(&wrong, slot) != story_fact_get(&s.facts, slot);
        CHECK_INT(differ, 1);
        if (s.facts.subject != STORY_NOBODY) {
            CHECK((wrong.subject != s.facts.subject) != (wrong.color != s.facts.color));
        } else {
            CHECK(wrong.place != s.facts.place && wrong.subject == STORY_NOBODY);
        }
    }
}
