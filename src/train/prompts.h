/* prompts.h - the captions of all training records as token ids, and the tokenizer that makes them.
 *
 * The tokenizer knows every word of the worlds whole (worlds_vocabulary), with the boundary before
 * it: a word is a token. It is written to DIR/tokenizer/tokenizer.json once and belongs to the
 * model. Captions stand in the records. */
#ifndef TRAIN_PROMPTS_H
#define TRAIN_PROMPTS_H

#include "model/tokenizer.h"
#include "train/dit_task.h"

/* The piece between the clauses of a canonical caption. */
#define PROMPTS_SEPARATOR "\xe2\x96\x81;"

/* Write the tokenizer into DIR/tokenizer unless it is there, and open it. ERR_FORMAT: what is there
 * is not the vocabulary of these worlds in this version, so a network that learned with it could
 * not go on. */
NODISCARD int prompts_tokenizer(struct tokenizer **out, const struct worlds *worlds,
                                const char *dir, struct err *e);
/* Open the one in DIR/tokenizer, which may know more than these worlds. ERR_IO; ERR_FORMAT: it
 * lacks a word of theirs, which is named. *out is NULL on failure. */
NODISCARD int prompts_tokenizer_of(struct tokenizer **out, const struct worlds *worlds,
                                   const char *dir, struct err *e);
/* Ids of the captions of all records. Freed with prompts_release. */
void prompts_make(struct prompts *p, const struct tokenizer *t, const struct latents *l);
/* The same for records that came since. */
void prompts_extend(struct prompts *p, const struct tokenizer *t, const struct latents *l);
/* Of n records from `first`: the canonical caption, then each lie of the record's world
 * (world.h), empty where there is none. */
void prompts_lies(struct prompts *p, const struct tokenizer *t, const struct latents *l, int first,
                  int n);
void prompts_release(struct prompts *p);

#endif
