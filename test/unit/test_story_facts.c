#include <string.h>

#include "world/story/facts.h"
#include "ztest.h"

/* Which word of physics is that, and in which slot: NULL when it has none. */
static const char *slot_in_physics(const char *word)
{
    for (int s = 0; s < SLOT_COUNT; s++) {
        for (int v = 1; v < slot_count(s); v++) {
            if (!strcmp(slot_word(s, v), word))
                return slot_name(s);
        }
    }
    return NULL;
}

TEST(story_facts_have_one_word_each_over_all_worlds)
{
    for (int s = 0; s < STORY_SLOT_COUNT; s++) {
        CHECK(story_slot_word(s, 0) == NULL);
        CHECK(story_slot_word(s, story_slot_count(s)) == NULL);
        for (int v = 1; v < story_slot_count(s); v++) {
            const char *word = story_slot_word(s, v), *other = slot_in_physics(word);

            for (int s2 = 0; s2 <= s; s2++) {
                for (int v2 = 1; v2 < (s2 == s ? v : story_slot_count(s2)); v2++)
                    CHECK(strcmp(word, story_slot_word(s2, v2)) != 0);
            }
            if (other && strcmp(other, story_slot_name(s)))
                ztest_fail(__FILE__, __LINE__, "%s is a %s here and a %s of physics", word,
                           story_slot_name(s), other);
        }
    }
}

TEST(story_facts_mirror_twice_is_nothing)
{
    for (int c = 0; c < STORY_CAMERA_COUNT; c++) {
        struct story a = {.facts = {.camera = c}, .seed = 7}, b = a;

        story_mirror(&b);
        CHECK(b.mirror == 1);
        if (c == STORY_PAN_LEFT)
            CHECK_INT(b.facts.camera, STORY_PAN_RIGHT);
        if (c == STORY_DRONE)
            CHECK_INT(b.facts.camera, STORY_DRONE);
        story_mirror(&b);
        CHECK(story_facts_equal(&a.facts, &b.facts) && !b.mirror);
    }
}

TEST(story_facts_agree_where_something_is_said)
{
    struct story_facts said = {0}, f = {.subject = STORY_GIRL, .place = STORY_LAWN};

    CHECK(story_facts_agree(&said, &f));
    for (int s = 0; s < STORY_SLOT_COUNT; s++) {
        *story_fact(&said, s) = 1 + story_fact_get(&f, s);
        CHECK(!story_facts_agree(&said, &f));
        *story_fact(&said, s) = story_fact_get(&f, s);
        CHECK(story_facts_agree(&said, &f));
    }
}
