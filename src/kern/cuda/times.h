/* times.h - where the time of a GPU goes. With ZT_CUDA_TIMES=1 in the environment every kernel of
 * kern.h and every copy to the GPU stands between two events, and a table of them by shape goes to
 * stderr when the program ends. It costs some microseconds a call. Calls that are kept for a graph
 * are not timed (ZT_CUDA_GRAPHS=0 queues them one by one).
 *
 * A time runs from the end of what was queued before, so where a mean is far above its least the
 * queue ran dry and the time is the host's. The first call of a shape, which prepares, is left out.
 */
#ifndef KERN_CUDA_TIMES_H
#define KERN_CUDA_TIMES_H

#include "kern/cuda/gpu.h"

/* NULL: not asked for. Lives as long as the program; one GPU at most is timed. */
struct times *cuda_times_open(struct gpu *g);
/* What is queued between the two; kernel is a literal, shape (may be "") is copied. */
void cuda_times_begin(struct gpu *g, const char *kernel, const char *shape);
void cuda_times_end(struct gpu *g);

enum { TIMES_SHAPE = 48 };
/* The sizes of a call in words; args is the struct of kern.h that belongs to the kernel. */
void cuda_times_shape(char shape[TIMES_SHAPE], const char *kernel, const void *args);

#endif
