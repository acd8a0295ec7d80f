/* ahead.h - numbered things, made by threads ahead of the one who takes them in their order.
 *
 * Which thread makes a thing must not change it. At most `room` things are made or wait at a time:
 * that bounds their memory; a maker that is slow holds up nobody before the room is full. */
#ifndef BASE_AHEAD_H
#define BASE_AHEAD_H

#include <stdint.h>

#include "base/err.h"

struct ahead_config {
    void *(*make)(void *arg, int64_t i); /* on any thread; never NULL */
    void (*drop)(void *thing);           /* of those that nobody took */
    void *arg;                           /* borrowed */
    int64_t first, end;                  /* first..end-1 */
    int threads, room;                   /* both 1 or more */
};

struct ahead;
/* Begins to make at once. ERR_FIT: no thread is to be had; *a is NULL then. */
NODISCARD int ahead_new(struct ahead **a, const struct ahead_config *c, struct err *e);
/* The next thing, the caller's from now on; waits for it. BUG behind the last. One caller. */
void *ahead_take(struct ahead *a);
void ahead_free(struct ahead **a); /* waits for what is being made; *a may be NULL */

#endif
