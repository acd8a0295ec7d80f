/* staged.h - the kernels of a device, for rows that keep their buffers in host memory.
 *
 * Each call brings all buffers of the run to the device, between guard zones, calls the kernel
 * there with their places, and brings them back. So rows need not know where a kernel runs, and the
 * pages around host buffers keep their meaning. */
#ifndef TEST_KERN_STAGED_H
#define TEST_KERN_STAGED_H

#include "kern/device.h"
#include "kit.h"

/* The same kernels at every call; t: whose buffers travel, until the next call. */
const struct kernels *staged_kernels(struct device *d, struct kit *t);

#endif
