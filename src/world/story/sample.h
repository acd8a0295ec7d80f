/* sample.h - sensible stories: six families of clips as anchors, and mixtures of their parts.
 *
 * What cannot be drawn is never drawn: weather in a room, a drone in a corridor, a reader without a
 * book. Everything else may meet (an astronaut on the cliff, the monster under neon).
 *
 * Threads: pure functions of their arguments. */
#ifndef STORY_SAMPLE_H
#define STORY_SAMPLE_H

#include <stdint.h>

#include "world/story/facts.h"

/* clang-format off */
/* FAMILY(NAME, "name in configs") */
#define STORY_FAMILY_LIST(X) X(CLIFF, "cliff") X(STREET, "street") X(MONSTER, "monster") \
                             X(ASTRONAUT, "astronaut") X(READER, "reader") X(GIRL, "girl") \
                             X(MIXED, "mixed")
#define X(name, word) STORY_FAMILY_##name,
enum { STORY_FAMILY_LIST(X) STORY_FAMILY_COUNT };
#undef X
/* clang-format on */

/* How often each choice is sampled; shares of any sum. A place may rule out a camera. */
struct story_mix {
    double family[STORY_FAMILY_COUNT];
    double camera[STORY_CAMERA_COUNT]; /* [0] is 0, and of style too */
    double style[STORY_STYLE_COUNT];
};
extern const struct story_mix story_mix_default;

const char *story_family_name(int family);
/* The family that complete facts belong to; STORY_FAMILY_MIXED when to none of the six. */
int story_family(const struct story_facts *f);

/* A clip by mix (NULL: the default), all facts drawn. aspect = w/h, 0 for 16:9. */
void story_sample(struct story *s, uint64_t seed, const struct story_mix *mix, double aspect);
/* Fill everything unsaid in what people have in mind who leave it out: the family that the said
 * words belong to, a photograph, clear weather, a camera that stands near enough to see what was
 * said; repeatable from the seed. Of two facts that
 * cannot be together the later slot gives way. Nobody has neither colour nor action (0). */
void story_facts_complete(struct story_facts *f, uint64_t seed);
/* A person is there, it is not said who: the one who is expected there, or any. */
void story_facts_somebody(struct story_facts *f, uint64_t seed);
/* 1 when every slot has a value and all can be together. */
int story_facts_are_complete(const struct story_facts *f);
/* A clip in which these facts hold, completed from the seed. */
void story_from_facts(struct story *s, const struct story_facts *f, uint64_t seed, double aspect);

/* Another caption's facts for the same clip, for measuring what a network takes from words: one
 * fact is wrong, the subject or its colour (the colour of nobody: the place). Complete. */
void story_facts_wrong(struct story_facts *f, uint64_t seed);

#endif
