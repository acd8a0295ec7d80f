/* prompt_tokens.h - how much of a prompt its model reads. Pure, any thread. */
#ifndef GENERATE_PROMPT_TOKENS_H
#define GENERATE_PROMPT_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "model/denoiser.h"
#include "model/tokenizer.h"

enum { PROMPT_MAX_TOKENS = 512, WORDS_SWAPS = 4 };

/* What one text encoder reads: token ids of the prompt, start[0]..start[1], and of the negative
 * prompt, ..start[2]. */
struct words {
    int32_t *ids;
    int64_t start[3];
    /* Other words in places of the prompt: what is read is R + sum of weight (R' - R), R' being the
     * rows of the prompt with that one token. */
    struct word_swap {
        int64_t at;
        int32_t id;
        double weight;
    } swap[WORDS_SWAPS];
    int n_swaps;
    float
        *rows; /* [start[2], dim]: what it answered at another time (text_kept.h); NULL: unknown */
};

void words_release(struct words *w);
/* Tokens of one prompt, with its end token, that the transformer takes of text encoder k:
 * PROMPT_MAX_TOKENS where it takes any number. */
int prompt_tokens_most(const struct denoiser_config *c, int k);
/* What is longer than `most` loses its tail, not its end token. The caller frees w->ids. */
void prompt_tokens_both(struct words *w, const struct tokenizer *t, const char *prompt,
                        const char *negative, int most);
/* Bytes of text, whole words, whose tokens are at most so many; strlen(text) when all are read. */
size_t prompt_tokens_fit(const struct tokenizer *t, const char *text, int most);

#endif
