/* bench_parts.h - where a step of `zoetrope bench` went. */
#ifndef TOOL_BENCH_PARTS_H
#define TOOL_BENCH_PARTS_H

#include "base/jsonw.h"
#include "tensor/times.h"

/* Of a step of so many seconds: a line for each kind of work; an object "parts" of w. */
void bench_parts_print(const struct times *t, double step_s);
void bench_parts_json(struct jsonw *w, const struct times *t, double step_s);

#endif
