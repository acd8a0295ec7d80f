/* caption.h - scenes in words.
 *
 * The canonical caption says every fact once, in a fixed order, one word per fact:
 *   red ball large matte rolls rightward fast ; blue box medium shiny still left back ;
 *   floor grey ; light leftlit ; camera static
 * It is what the video model reads; prompts are rewritten to it (prompt.h). Everyday captions are
 * what people would say: many templates in two languages, with everything or only part of it said.
 *
 * Threads: pure but for the caller's generator and buffer. */
#ifndef WORLD_CAPTION_H
#define WORLD_CAPTION_H

#include "world/facts.h"
#include "world/lexicon.h"

struct buf;
struct rng;

/* Appended to out. f must be complete (facts_complete): BUG otherwise. */
void caption_canonical(const struct facts *f, struct buf *out);
/* One everyday sentence or two, appended to out. Reading it back (prompt_read) gives facts that all
 * hold in f. */
void caption_everyday(const struct facts *f, enum lang lang, struct rng *r, struct buf *out);

#endif
