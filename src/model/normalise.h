/* normalise.h - the text normalisers of tokenizer files: character maps of SentencePiece,
 * replacement, lower case. Inner header of src/model (tokenizer*.c). Source: google/sentencepiece
 * src/normalizer.cc and the double-array trie of s-yata/darts-clone; huggingface/tokenizers
 * normalizers/. */
#ifndef MODEL_NORMALISE_H
#define MODEL_NORMALISE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A precompiled map of character sequences to text: trie and NUL-separated strings. */
struct charsmap {
    uint32_t *unit; /* owned */
    size_t n_units;
    char *text; /* owned, ends with NUL */
    size_t text_len;
};
/* 0, or -1 when the bytes are not such a map. n = 0 gives an empty map. */
int charsmap_init(struct charsmap *m, const void *bytes, size_t n);
void charsmap_release(struct charsmap *m);
/* What a prefix of s[0..n) becomes: the longest known one, or the shortest. NULL when none is
 * known; *used is its length. */
const char *charsmap_match(const struct charsmap *m, const char *s, size_t n, int longest,
                           size_t *used);
/* As huggingface/tokenizers applies it: whole graphemes under 6 bytes first, then single
 * characters. */
void charsmap_apply(const struct charsmap *m, const char *s, size_t n, struct buf *out);

enum norm_kind { NORM_CHARSMAP, NORM_LOWER, NORM_REPLACE, NORM_RUNS, NORM_STRIP };
struct norm_step {
    enum norm_kind kind;
    char *from, *to; /* owned: REPLACE from -> to; RUNS: two or more spaces -> to */
    int left, right; /* STRIP */
};
struct normaliser {
    struct charsmap map;
    struct norm_step *step; /* owned */
    int n, cap;
};
struct norm_step *normaliser_add(struct normaliser *z, enum norm_kind kind, const char *from,
                                 const char *to);
void normaliser_release(struct normaliser *z);
void normaliser_apply(const struct normaliser *z, const char *s, size_t n, struct buf *out);
/* The steps of files that tokenizer_write makes. */
void normaliser_own(struct normaliser *z);

int utf8_is_space(uint32_t cp);
uint32_t utf8_point(const char *s,
                    size_t n); /* the character at s (n > 0); U+FFFD when malformed */
/* Length of the character at s (n > 0); 1 for a malformed byte. */
int utf8_length(const char *s, size_t n);

#endif
