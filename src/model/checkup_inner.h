/* checkup_inner.h - what the files of checkup.h share. */
#ifndef MODEL_CHECKUP_INNER_H
#define MODEL_CHECKUP_INNER_H

#include "model/checkup.h"
#include "model/recognise.h"

/* A line more of what is wrong. */
void checkup_wrong(struct checkup *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The file is damaged, by a message that may begin with its name. */
void checkup_bad(struct checked_file *f, const char *message);
/* The one with this path, links followed; NULL without one. */
struct checked_file *checkup_file(const struct checkup *c, const char *full);
/* What the folder knows of the SHA-256 of its files. */
void checkup_known_hashes(struct checkup *c);
/* By kind: what belongs together, what is missing. */
void checkup_model(struct checkup *c);
void checkup_loose(struct checkup *c);

#endif
