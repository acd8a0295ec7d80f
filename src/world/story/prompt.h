/* prompt.h - reads everyday sentences in English and Chinese and says which facts of a story they
 * state.
 *
 * Words are looked up (words.h), the longest phrase that fits; a few rules say what a word means
 * beside others: whose colour it is, whether waves are of the sea, which way the camera goes. It
 * never fails: what it does not know is listed. Threads: pure, any thread. */
#ifndef STORY_PROMPT_H
#define STORY_PROMPT_H

#include <stdint.h>

#include "world/prompt.h"
#include "world/story/facts.h"

struct story_prompt {
    struct story_facts facts; /* only what was stated, or goes without saying ("neon": a street) */
    int either_side;          /* the camera pans or orbits, left or right is not said */
    int somebody;             /* a person is named, but of no kind */
    int score;                /* how much was understood: comparable with that of other worlds */
    int n_unknown;
    char unknown[PROMPT_MAX_UNKNOWN][PROMPT_WORD_BYTES]; /* words as typed, each once */
    int n_near;
    char near[PROMPT_MAX_UNKNOWN][PROMPT_WORD_BYTES]; /* as in world/prompt.h */
};

/* text: UTF-8 (malformed bytes are skipped), any length; only the first 400 words count. */
void story_prompt_read(const char *text, struct story_prompt *p);
/* What the prompt states, completed from the seed so that the scene stays natural. */
void story_prompt_complete(const struct story_prompt *p, uint64_t seed, struct story_facts *f);

#endif
