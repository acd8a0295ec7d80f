/* prompt.h - reads everyday sentences in English and Chinese and says which facts they state.
 *
 * The reader looks words up (lexicon.h), takes the longest phrase that fits, ignores grammar where
 * it can, and binds each adjective to its noun, each side to "from", "to" or a place. It never
 * fails: what it does not know is listed. Threads: pure, any thread. */
#ifndef WORLD_PROMPT_H
#define WORLD_PROMPT_H

#include <stdint.h>

#include "world/facts.h"

struct buf;

enum {
    PROMPT_READ_MAX = 2500, /* code points that are looked at, as many as the service takes */
    PROMPT_MAX_UNKNOWN = 24,
    PROMPT_WORD_BYTES = 48
};

struct prompt {
    struct facts facts; /* only what was stated; the actor is object[0] */
    int score;          /* how much was understood: comparable with that of other worlds */
    int n_unknown;
    char unknown[PROMPT_MAX_UNKNOWN][PROMPT_WORD_BYTES]; /* words as typed, each once */
    int n_near;
    char near[PROMPT_MAX_UNKNOWN][PROMPT_WORD_BYTES]; /* "pink as red": the nearest that there is */
};

/* text: UTF-8 (malformed bytes are skipped), any length; PROMPT_READ_MAX code points are read. */
void prompt_read(const char *text, struct prompt *p);

/* Append a word to a list of n words as typed, if it is new and there is room: the new n. */
int prompt_add_word(char (*list)[PROMPT_WORD_BYTES], int n, const char *word, int bytes);
/* The same for a word that is drawn as the nearest thing there is: "pink as red". */
int prompt_add_near(char (*list)[PROMPT_WORD_BYTES], int n, const char *word, int bytes,
                    const char *drawn);
/* The same for what is written in scripts that no reader of a world has words in (Cyrillic, Arabic,
 * kana, emoji ...): readers go past it, so that it does not part the words that they know. */
int prompt_add_foreign(char (*list)[PROMPT_WORD_BYTES], int n, const char *text);

/* The canonical text of a prompt: what it states, completed from the seed. Appended to out. p may
 * be NULL; `full` receives the completed facts and may be NULL. */
void world_canonical(const char *text, uint64_t seed, struct buf *out, struct facts *full,
                     struct prompt *p);

#endif
