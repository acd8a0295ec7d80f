/* Which world a prompt is about, and what a model that knows several makes of it. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "generate/reading.h"
#include "world/physics.h"
#include "world/story/press.h"
#include "world/story/world_story.h"
#include "ztest.h"

static unsigned both(void)
{
    return world_bit(&world_physics) | world_bit(&world_story);
}

static void check_meant(const char *text, const struct world *w)
{
    const struct world *meant = world_meant(text, both());

    if (meant != w)
        ztest_fail(__FILE__, __LINE__, "%s is read by %s: %d against %d", text, meant->name,
                   meant->score(text), w->score(text));
}

/* Everything that physics has ever read stays with it: its list, its captions. */
TEST(world_meant_physics)
{
    struct buf list = BUF_INIT;
    struct err e = {0};
    int n = 0;

    CHECK_INT(file_read(&list, ztest_data("../configs/prompts-200.txt"), 1 << 20, &e), 0);
    for (char *line = strtok(list.data, "\n"); line; line = strtok(NULL, "\n")) {
        char *tab = strchr(line, '\t');

        if (*line != '#' && tab) {
            check_meant(tab + 1, &world_physics);
            n++;
        }
    }
    CHECK(n >= 200);
    buf_release(&list);
}

static void captions_are_read(const struct world *w)
{
    for (uint64_t seed = 0; seed < 600; seed++) {
        struct world_scene s = {w, {0}};
        struct buf text = BUF_INIT;
        struct rng r;

        w->sample(s.state, seed, NULL, 0);
        rng_init(&r, seed, 3);
        w->everyday(s.state, seed % 2 ? LANG_ZH : LANG_EN, &r, &text);
        check_meant(buf_str(&text), w);
        buf_clear(&text);
        w->caption(s.state, &text);
        check_meant(buf_str(&text), w);
        buf_release(&text);
    }
}

TEST(world_meant_own_captions)
{
    captions_are_read(&world_physics);
    captions_are_read(&world_story);
}

TEST(world_meant_press)
{
    for (int family = 0; family < STORY_FAMILY_MIXED; family++) {
        for (int i = 0; i <= STORY_PARAPHRASES; i++) {
            struct buf text = BUF_INIT;

            story_press(family, i % 2 ? LANG_ZH : LANG_EN, i, &text);
            check_meant(buf_str(&text), &world_story);
            buf_release(&text);
        }
    }
    check_meant("waves crash against the cliffs", &world_story);
    check_meant("a red ball rolls", &world_physics);
    check_meant("frobnicate", &world_physics); /* nobody knows: the first */
    CHECK(world_meant("太空人", world_bit(&world_physics)) == &world_physics);
    CHECK(world_meant("a red ball rolls", world_bit(&world_story)) == &world_story);
    CHECK(world_meant("a red ball rolls", 0) == NULL);
}

/* A model of physics alone names the words of stories, one that knows them films them. */
TEST(reading_goes_to_the_world_that_the_model_knows)
{
    static const char text[] = "an astronaut on the moon";
    struct buf out = BUF_INIT, unknown = BUF_INIT;

    free(reading_prompt(text, world_bit(&world_physics), 1, NULL, &out, &unknown));
    CHECK_STR(buf_str(&unknown), "astronaut, moon");
    CHECK(!strstr(buf_str(&out), "astronaut"));
    buf_clear(&out);
    buf_clear(&unknown);
    free(reading_prompt(text, both(), 1, NULL, &out, &unknown));
    CHECK_STR(buf_str(&unknown), "");
    CHECK(!strncmp(buf_str(&out), "astronaut ", 10));
    CHECK_CONTAINS(buf_str(&out), "place moon");
    buf_clear(&out);
    reading_negative("snow, a girl", both(), &out, &unknown);
    CHECK_STR(buf_str(&out), "girl snow");
    CHECK_STR(buf_str(&unknown), "");
    buf_release(&out);
    buf_release(&unknown);
}
