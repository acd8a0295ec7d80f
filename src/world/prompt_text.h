/* prompt_text.h - the text of a prompt as normal code points, and its words in the tables. */
#ifndef WORLD_PROMPT_TEXT_H
#define WORLD_PROMPT_TEXT_H

#include "world/prompt_inner.h"

enum { TEXT_MAX = PROMPT_READ_MAX };

/* Simplified, lower case, half width. */
struct text {
    int n;
    uint32_t cp[TEXT_MAX];
    int at[TEXT_MAX + 1]; /* byte offset of each in the original */
};

void text_decode(const char *s, struct text *t);
/* Mend words that no table knows: missing spaces, and slips of one letter. */
void text_spell(struct text *t);

int text_is_latin(uint32_t cp);
int text_is_han(uint32_t cp);
int text_is(const struct text *t, int from, int to, const char *word);
int text_word_end(const struct text *t, int i); /* of the latin word that begins at i */
/* 2 when the word [i,end) is the key, 1 when it is the key with an ending, 0 otherwise. */
int text_same_word(const struct text *t, int i, int end, const char *key, int n);
/* The entry with the longest form at i, NULL when there is none; returns where the form ends. */
int text_look_up(const struct text *t, int i, enum lang lang, const struct lexicon_entry **found);
/* Rank of the longest of some forms ("a|b c") at i if it is above best, and where it ends; best
 * otherwise. */
int text_best_form(const struct text *t, int i, enum lang lang, const char *forms, int best,
                   int *best_end);
/* TOKEN_STOP, TOKEN_COMMA or 0. */
int text_separator(uint32_t cp);
int text_is_number(const struct text *t, int i, int end);
int text_is_measure(const struct text *t, int i, int end); /* "8k", "24fps": of the film */
/* Is [i,end) one of a list of words with a space between? */
int text_is_listed(const struct text *t, int i, int end, const char *list);
/* Put n code points in place of [i,end), where there is room. */
void text_replace(struct text *t, int i, int end, const uint32_t *cp, int n);
/* How sure it is that what was typed was meant to be the word: 0 never, 3 nearly always. */
int text_likeness(const uint32_t *typed, int n, const char *word, int m);
/* Row i of all tables that the reader knows; *n of them. */
const struct lexicon_entry *text_entry(int i, int *n);

#endif
