/* remote.h - a worker: draws the jobs of a server on another machine (api_workers.c), one after the
 * other, by the same code as the server's own thread (draw.h).
 *
 * While it draws, a thread renews its lease and tells how far it is; another sends what is kept of
 * the film, so that any worker goes on where this one ends. When the server is not heard for longer
 * than the lease, or says that the job is another's, it is let go. */
#ifndef SERVE_REMOTE_H
#define SERVE_REMOTE_H

#include <signal.h>
#include <stdio.h>

#include "base/err.h"

struct remote_options {
    const char *server; /* http:// or https:// address */
    const char *key;    /* NULL: none */
    const char *data;   /* folder for files of the job; one worker's alone */
    const char *model;  /* NULL: zoetrope's default */
    const char *name;   /* in the server's log */
    int threads;        /* 0: all */
    const char *device; /* NULL: unsaid */
    double stall_s;     /* a film without progress for so long hangs (draw.h); 0: never */
    int plain;          /* http to other machines too, the key unencrypted */
    FILE *log;          /* JSON lines */
    /* A film hangs, was given up, and cannot be interrupted: nothing is drawn here any more, and
     * remote_run does not return. By another thread than that of remote_run. */
    void (*hangs)(void);
};
/* Until *stop is set: then the job goes back with what was kept. From a process of one thread.
 * ERR_USAGE: an address or name that is none, or a key that the server does not take; ERR_IO,
 * ERR_FORMAT: the folder or the model. */
NODISCARD int remote_run(const struct remote_options *o, const volatile sig_atomic_t *stop,
                         struct err *e);

#endif
