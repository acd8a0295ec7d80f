/* times.h - where the time of a network goes: seconds and operations of each layer and kernel.
 *
 * For who measures: cx->times points to one, and each kernel adds itself until it is taken off.
 * Kernels of a layer go to its name without the number of its block ("attn1.to_q"), all others to
 * the name of the kernel. On the host alone: others only put kernels into a queue. */
#ifndef TENSOR_TIMES_H
#define TENSOR_TIMES_H

#include "tensor/weight.h"

enum { TIMES_ROWS = 64 };
struct times_row {
    char name[48];
    double seconds, flops;
};
struct times {
    struct times_row row[TIMES_ROWS];
    int n;
    struct times_row *last; /* of the kernel that ran last, whose operations are counted after it */
    double seen;            /* of cx->flops */
};

/* All rows gone, from now on. */
void times_begin(struct cx *cx, struct times *t);
/* w: whose layer it is, or NULL. */
void times_add(struct cx *cx, const struct weight *w, const char *kernel, double seconds);
void times_end(struct cx *cx);

#endif
