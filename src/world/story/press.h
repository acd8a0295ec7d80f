/* press.h - the six prompts that text-to-video systems are shown by, and ways to say the same.
 * Threads: pure but for the caller's buffer. */
#ifndef STORY_PRESS_H
#define STORY_PRESS_H

#include "world/lexicon.h"
#include "world/story/sample.h"

struct buf;

enum { STORY_PARAPHRASES = 200 };

/* Prompt 0 of a family (one of the six) is its own wording, 1 .. STORY_PARAPHRASES say it in other
 * words, all different. Appended to out. */
void story_press(int family, enum lang lang, int i, struct buf *out);
/* 1 for the fifth of the paraphrases that training never says (story_caption_held_out). */
int story_press_held_out(int family, enum lang lang, int i);
/* What every one of them says; the rest is unsaid. */
void story_press_facts(int family, struct story_facts *f);

#endif
