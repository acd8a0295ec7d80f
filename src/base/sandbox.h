/* sandbox.h - reading what may be hostile in a child that can do nothing else.
 *
 * The child may read what is open, take memory up to a limit, and write its answer; every other
 * call of the kernel ends it (seccomp), and so does too much time. Linux on x86-64 and arm64. From
 * a program of one thread, or one whose threads hold no locks that `work` needs. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include "base/buf.h"
#include "base/err.h"

struct sandbox {
    const char *name;   /* of what is read, for messages */
    size_t most_memory; /* bytes that the child may have beyond what the program has */
    size_t most_answer; /* bytes */
    int most_seconds;   /* of computing */
};

/* Run work(arg, answer, e) in a child; what it appends to answer is appended to ours. Its error is
 * ours. ERR_FORMAT also when it was ended, or its answer is too long; ERR_DEVICE when there is no
 * such child on this machine. */
NODISCARD int sandbox_run(const struct sandbox *s,
                          int (*work)(void *arg, struct buf *answer, struct err *e), void *arg,
                          struct buf *answer, struct err *e);

#endif
