/* caption.h - stories in words.
 *
 * The canonical caption says every fact once, in a fixed order, one word per fact behind the name
 * of its slot; no other world has the first words:
 *   astronaut white stands ; place moon ; prop spaceship ; time night ; weather clear ;
 *   style photo ; shot far ; camera orbitleft
 *
 * Everyday captions are what people would say (phrases.h).
 *
 * Threads: pure but for the caller's generator and buffer. */
#ifndef STORY_CAPTION_H
#define STORY_CAPTION_H

#include "world/lexicon.h"
#include "world/story/facts.h"

struct buf;
struct rng;

/* Appended to out. f must be complete (story_facts_are_complete): BUG otherwise. */
void story_caption_canonical(const struct story_facts *f, struct buf *out);
/* What people would say, all or part of it, with words of praise that mean nothing; appended to
 * out. Reading it back (story_prompt_read) gives facts that all hold in f, up to the side of a
 * camera that orbits without one. said: receives the facts that were chosen to be said; may be
 * NULL. */
void story_caption_everyday(const struct story_facts *f, enum lang lang, struct rng *r,
                            struct buf *out, struct story_facts *said);
/* 1 for the fifth of all sentences that training never says, so that measures can: each choice of
 * template and words is in or out for good. */
int story_caption_held_out(const char *text);
/* The words that canonical captions are made of, each once, in a fixed order; NULL at the end:
 * word i. Constant. */
const char *story_canonical_word(int i);

#endif
