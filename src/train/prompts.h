/* prompts.h - the captions of all training records as token ids, and the tokenizer that makes them.
 *
 * The tokenizer knows every word of the worlds whole (worlds_vocabulary); it is written to
 * DIR/tokenizer/tokenizer.json once and belongs to the model. Captions stand in the records. */
#ifndef TRAIN_PROMPTS_H
#define TRAIN_PROMPTS_H

#include "model/tokenizer.h"
#include "train/dit_task.h"

/* Write the tokenizer into DIR/tokenizer unless it is there, and open it. */
NODISCARD int prompts_tokenizer(struct tokenizer **out, const struct worlds *worlds,
                                const char *dir, struct err *e);
/* Ids of the captions of all records. Freed with prompts_release. */
void prompts_make(struct prompts *p, const struct tokenizer *t, const struct latents *l);
/* The same for records that came since. */
void prompts_extend(struct prompts *p, const struct tokenizer *t, const struct latents *l);
void prompts_release(struct prompts *p);

#endif
