/* wish.h - prompts of which it is known what must be seen, and counting how often it is.
 *
 * A list is a text file: one wish per line, `colour shape direction`, a tab, the sentence; empty
 * lines and lines that begin with # do not count. Directions are right, left, toward, away.
 * Threads: a list is only read once it is there. */
#ifndef MEASURE_WISH_H
#define MEASURE_WISH_H

#include <stddef.h>

#include "base/err.h"
#include "measure/sight.h"
#include "world/facts.h"

enum { WISH_MAX = 10000 };

struct wish {
    int color, shape, direction; /* 0: not asked for */
    char *text;                  /* UTF-8, owned by the list */
};

struct wishes {
    struct wish *item; /* owned */
    int n;
};

/* How often a film showed what was asked for. Real numbers: shuffled counts are means. */
struct tally {
    double films, color, shape, direction, all;
};

/* ERR_IO, ERR_FORMAT (names file and line). *w is empty on failure. */
NODISCARD int wishes_read(struct wishes *w, const char *path, struct err *e);
void wishes_release(struct wishes *w);
/* "red ball right", any part of it, in any order. ERR_USAGE names the word and what is allowed. */
NODISCARD int wish_parse(struct wish *w, const char *words, size_t len, struct err *e);
/* "red ball right"; parts that are 0 are "?". out of 64 bytes at least. */
void wish_name(char *out, size_t size, int color, int shape, int direction);
/* The facts that the generator draws for sentence i with seed i: what true renders are made of. */
void wish_facts(const struct wish *w, uint64_t seed, struct facts *f);

/* 1 when all that is asked for was seen. */
int wish_met(const struct wish *w, const struct sight *s);
void tally_add(struct tally *t, const struct wish *w, const struct sight *s);

#endif
