/* prompt_tokens.h - how much of a prompt its model reads. Pure, any thread. */
#ifndef GENERATE_PROMPT_TOKENS_H
#define GENERATE_PROMPT_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "model/denoiser.h"
#include "model/tokenizer.h"

enum { PROMPT_MAX_TOKENS = 512 };

/* Tokens of one prompt, with its end token: as many as the transformer takes, PROMPT_MAX_TOKENS
 * where it takes any number. */
int prompt_tokens_most(const struct denoiser_config *c);
/* Token ids of the prompt, start[0]..start[1], and of the negative prompt, ..start[2]: what is
 * longer than `most` loses its tail, not its end token. The caller frees. */
int32_t *prompt_tokens_both(const struct tokenizer *t, const char *prompt, const char *negative,
                            int most, int64_t start[3]);
/* Bytes of text, whole words, whose tokens are at most so many; strlen(text) when all are read. */
size_t prompt_tokens_fit(const struct tokenizer *t, const char *text, int most);

#endif
