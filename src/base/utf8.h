/* utf8.h - strict UTF-8 (RFC 3629), endings, numbers, and edit distance for "did you mean". */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Decode one code point at s (n > 0 bytes left). Returns its length 1..4, or 0 when malformed. */
int utf8_decode(const char *s, size_t n, uint32_t *cp);
int utf8_encode(uint32_t cp, char out[4]);               /* length */
int utf8_valid(const char *s, size_t n, size_t *bad_at); /* 1 or 0; bad_at may be NULL */
int ends_with(const char *s, const char *end);
int ends_behind(const char *s, const char *end); /* with something in front of it */
/* Nearest of n names to word by Damerau-Levenshtein distance; NULL when nothing is near. */
const char *nearest_name(const char *word, const char *const *names, int n);
/* Number parsing independent of the locale: whole string must be used. 0 or -1. */
int parse_int(const char *s, int64_t *out);
int parse_real(const char *s, double *out);
int parse_yes(const char *s, int *out);       /* yes, no, true, false, on, off, 1, 0 */
int parse_bytes(const char *s, int64_t *out); /* a number with K, M, G or T (of 1024) or nothing */

#endif
