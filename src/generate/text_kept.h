/* text_kept.h - what large text encoders said of prompts, kept in the user's cache folder: a film
 * whose prompts are all known is drawn without loading them.
 *
 * An entry is one prompt's rows, under a hash of the encoder's files, its tokenizer, the token ids,
 * and of what else decides bits: the type of computing, that of the weights, the device. The film
 * has the same bits with and without. Entries are safetensors with the hash of their rows; one that
 * is broken counts as none and is written again, and what cannot be written is not kept. Of a text
 * encoder that was never read before nothing is looked for: its hash would cost as much as loading
 * it. */
#ifndef GENERATE_TEXT_KEPT_H
#define GENERATE_TEXT_KEPT_H

#include "generate/plan.h"

/* Below so many weights, loading costs less than it is worth. */
#define TEXT_KEPT_FROM 50000000

/* Give all words of p their rows, if all are kept: p->text_kept is 1 then. */
void text_kept_find(struct plan *p);
/* Keep rows of both prompts, rows[i] [start[i+1] - start[i], dim], of text encoder k. */
void text_kept_put(const struct plan *p, int k, const struct words *w, const float *const rows[2]);

#endif
