/* score.h - the films of a prompt list, judged column by column, with a log that a run can resume.
 *
 * Columns: renders (true clips of the same facts: what the measure itself can tell), codec (the
 * same clips through the model's autoencoder: the ceiling), model (generated). Shuffled is no
 * column: it is every film of the model held against every other sentence, the share that chance
 * would give.
 *
 * The log is JSON lines: the settings first, then one film per line, written as they come.
 * Threads: one at a time. */
#ifndef MEASURE_SCORE_H
#define MEASURE_SCORE_H

#include <stdio.h>

#include "measure/codec.h"
#include "measure/wish.h"
#include "model/seam.h"

enum score_column { SCORE_RENDERS, SCORE_CODEC, SCORE_MODEL, SCORE_COLUMNS };

struct score_row {
    int done;
    struct sight sight;
    struct codec_error error; /* of the codec column */
    struct seam seam;         /* on the model's latent grid, at the size that it draws */
    double seconds;           /* of the model column: time to generate */
};

struct score {
    const struct wishes *wishes; /* borrowed */
    int n;                       /* of the wishes, the first so many count */
    struct score_row *row[SCORE_COLUMNS];
    FILE *log; /* NULL: none */
};

const char *score_column_name(enum score_column c);
/* path may be NULL. An existing log is read when its first line is `settings` (one line of JSON);
 * otherwise ERR_USAGE. A last line that was cut off is dropped. */
NODISCARD int score_open(struct score *s, const struct wishes *w, int n, const char *path,
                         const char *settings, struct err *e);
void score_close(struct score *s);
/* Keep what was seen in film i, and log it. ERR_IO. */
NODISCARD int score_add(struct score *s, enum score_column c, int i, const struct score_row *row,
                        struct err *e);

void score_tally(const struct score *s, enum score_column c, struct tally *t);
/* All pairs of a film and another film's sentence. */
void score_shuffled(const struct score *s, enum score_column c, struct tally *t);
/* Tables for people; one JSON object on one line. */
void score_print(const struct score *s, FILE *out);
void score_json(const struct score *s, struct buf *out);

#endif
