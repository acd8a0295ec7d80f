/* grapheme.h - where one user-perceived character ends: extended grapheme clusters of Unicode
 * Standard Annex 29, rules GB3 to GB13 without GB9c (conjuncts of Indic scripts). Pure. */
#ifndef MODEL_GRAPHEME_H
#define MODEL_GRAPHEME_H

#include <stddef.h>

/* Bytes of the cluster that s (UTF-8, n > 0 bytes) begins with, at least 1; a malformed byte is a
 * character. */
size_t grapheme_length(const char *s, size_t n);

#endif
