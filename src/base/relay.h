/* relay.h - things that one thread makes and another deals with, in their order.
 *
 * A fixed number of them may wait, in memory that is taken once; who makes more waits. When no
 * thread is to be had, each is dealt with where it is passed.
 * Threads: all calls but `take` are of one thread. */
#ifndef BASE_RELAY_H
#define BASE_RELAY_H

#include <stddef.h>

#include "base/err.h"

struct relay;
/* room >= 1 things of so many bytes. take: deals with one, on the relay's thread; after a failure
 * it is not called again. arg is borrowed. ERR_FIT: *r is NULL then. */
NODISCARD int relay_new(struct relay **r, int room, size_t bytes,
                        int (*take)(void *arg, void *thing, struct err *e), void *arg,
                        struct err *e);
/* Memory for the next thing, when there is room; NULL: taking failed, relay_end says how. */
void *relay_room(struct relay *r);
/* What stands there is passed on. */
void relay_pass(struct relay *r);
/* Waits until all is dealt with. 0 or the first failure. Frees; *r may be NULL. */
NODISCARD int relay_end(struct relay **r, struct err *e);

#endif
