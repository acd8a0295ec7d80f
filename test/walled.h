/* walled.h - a device for tests whose memory the host cannot touch.
 *
 * It computes with the kernels of the CPU on memory that may be read and written only inside a
 * kernel, put, get or zero. Whatever else looks at it dies by a signal, and a kernel that is given
 * memory of the host is a BUG, as it would go wrong on a GPU. Results are those of the CPU to the
 * bit. Calls between record and run are kept and done later, as a GPU does. Callers wait for
 * their turn (device_enter). */
#ifndef TEST_WALLED_H
#define TEST_WALLED_H

#include "kern/device.h"

/* Nothing is kept from before; at most `bytes` can be taken. */
struct device *walled_device(size_t bytes);
size_t walled_held(void);        /* bytes that were taken and not given back */
extern size_t walled_prefetched; /* bytes, since the program began */
extern int walled_replayed;      /* lists of calls that were done again */
extern int walled_refuses;       /* 1: recording will fail from now on */
extern int walled_takes; /* so many takes go well; after them the device has failed. < 0: all */

#endif
