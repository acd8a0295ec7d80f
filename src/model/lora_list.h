/* lora_list.h - the LoRA files that a film is drawn with:
 * "FILE[:STRENGTH][@high|@low][@FROM-TO],...".
 *
 * All act together. Of two transformers a file goes to both, or to that of the high or the low
 * noise levels; keys "transformer_2." in it are for the second alone. FROM-TO are percents of the
 * steps: it acts at step i of n, from 0, where FROM <= 100 i / n < TO. */
#ifndef MODEL_LORA_LIST_H
#define MODEL_LORA_LIST_H

#include "model/bundle.h"

/* Look through the files before anything is drawn. hash: over files and strengths;
 * values: how many will stand beside the weights, of the type of computing. note is given
 * what each changes and which of its tensors fit nothing; may be NULL. ERR_USAGE for a list that
 * cannot be read; the errors of lora_apply. b may be declared only. */
NODISCARD int lora_list_check(const struct bundle *b, const char *list, char hash[65],
                              int64_t *values, void (*note)(void *user, const char *text),
                              void *user, struct err *e);
/* Apply them to the transformers of a loaded bundle. */
NODISCARD int lora_list_apply(const struct bundle *b, const char *list, struct err *e);

#endif
