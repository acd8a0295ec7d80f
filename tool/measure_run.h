/* measure_run.h - fills the columns of a score: renders, codec, model. */
#ifndef TOOL_MEASURE_RUN_H
#define TOOL_MEASURE_RUN_H

#include "measure/score.h"

struct measure_args {
    const char *prompts, *model, *out, *expect, *against;
    const char *steps, *guidance, *frames, *type; /* of generation; NULL: the model's */
    const char *device, *threads;
    int column[SCORE_COLUMNS]; /* 1: wanted */
    int64_t count, fit;
    int json;
};

/* Measure a prompt list. Returns 0 or a negative code; an interrupted run prints what it has. */
NODISCARD int measure_list(const struct measure_args *a, struct err *e);

#endif
