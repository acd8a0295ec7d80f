/* names.h - what clients may call the model that draws here.
 *
 * Those of Kling's and OpenAI's models, or what a file has in their place:
 *
 *     {"models": ["default", "sora-2", "our-model"]}
 *
 * Threads: any. */
#ifndef SERVE_NAMES_H
#define SERVE_NAMES_H

#include "base/err.h"

struct names;

/* path NULL: the table of the program. ERR_IO, ERR_FORMAT: what is wrong with the file. */
NODISCARD int names_open(struct names **out, const char *path, struct err *e);
/* What the file says now holds; the errors of names_open: what held before does. */
NODISCARD int names_reload(struct names *n, struct err *e);
void names_free(struct names **n);
int names_has(struct names *n, const char *name);
/* All of them in their order, as they are now. */
void names_each(struct names *n, void (*take)(void *arg, const char *name), void *arg);

#endif
