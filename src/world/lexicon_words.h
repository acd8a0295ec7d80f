/* lexicon_words.h - the data behind lexicon.h; only lexicon.c reads it. */
#ifndef WORLD_LEXICON_WORDS_H
#define WORLD_LEXICON_WORDS_H

#include "world/lexicon.h"

extern const struct lexicon_entry lexicon_entries[];
extern const int lexicon_n_entries;
extern const char lexicon_script_pairs[]; /* UTF-8: simplified, traditional, simplified, ... */

#endif
