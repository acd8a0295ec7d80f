/* curve.h - the loss curve of one stage: a JSONL file that grows by a row per step, and a plot of
 * it. */
#ifndef TRAIN_CURVE_H
#define TRAIN_CURVE_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

struct curve {
    FILE *file;
    char *path;
    int64_t bytes; /* written so far */
};

/* Open DIR/curve-STAGE.jsonl; rows behind keep_bytes are cut off (they come from steps after the
 * checkpoint). */
NODISCARD int curve_open(struct curve *c, const char *dir, const char *stage, int64_t keep_bytes,
                         struct err *e);
/* Append one line (without its newline); curve_sync puts all lines on disk. */
NODISCARD int curve_add(struct curve *c, const char *line, struct err *e);
NODISCARD int curve_sync(struct curve *c, struct err *e);
void curve_close(struct curve *c);
/* Draw DIR/curve-STAGE.svg from the rows: loss and its running mean over the steps. Where rows have
 * them, curve-STAGE.words.svg: what false captions cost (gaps.h). */
NODISCARD int curve_plot(const char *dir, const char *stage, struct err *e);

#endif
