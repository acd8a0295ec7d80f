/* caption.h - stories in words.
 *
 * The canonical caption says every fact once, in a fixed order, one word per fact behind the name
 * of its slot; no other world has the first words:
 *   astronaut white stands ; place moon ; prop spaceship ; time night ; weather clear ;
 *   style photo ; shot far ; camera orbitleft
 *
 * Threads: pure but for the caller's generator and buffer. */
#ifndef STORY_CAPTION_H
#define STORY_CAPTION_H

#include "world/story/facts.h"

struct buf;

/* Appended to out. f must be complete (story_facts_are_complete): BUG otherwise. */
void story_caption_canonical(const struct story_facts *f, struct buf *out);
/* The words that canonical captions are made of, each once, in a fixed order; NULL at the end:
 * word i. Constant. */
const char *story_canonical_word(int i);

#endif
