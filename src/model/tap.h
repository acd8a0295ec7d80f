/* tap.h - look at the inner values of a network by the dotted names of the reference
 * implementation.
 *
 * Used by the parity command to find where a difference begins, and by training to hang a head on
 * an inner layer. `see` is called while the network runs; value is poisoned by later ops, so read
 * it at once or keep() it. */
#ifndef MODEL_TAP_H
#define MODEL_TAP_H

#include "tensor/tensor.h"

struct tap {
    void (*see)(void *user, struct cx *cx, const char *name, struct tensor *value);
    void *user;
};

/* Does nothing when t is NULL. The name is built as by printf and lives only during the call. */
void tap_see(const struct tap *t, struct cx *cx, struct tensor *value, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

#endif
