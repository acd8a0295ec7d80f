/* remote_call.h - what a worker says to its server (api_workers.c), one request each.
 *
 * The key goes to that server alone: no redirect is followed. Threads: any. */
#ifndef SERVE_REMOTE_CALL_H
#define SERVE_REMOTE_CALL_H

#include <signal.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct remote_link {
    const char *server; /* "https://films.example", without a slash at its end */
    const char *key;    /* NULL: none */
    char owner[80];
    int plain; /* http to other machines too */
};
/* A job that the link's owner holds. */
struct remote_hold {
    int64_t id, fence;
};

/* These return the status of HTTP, or a negative code: no answer. stop: gives up when it is set;
 * may be NULL. body: of an answer of 200, or what a refusal says. */
int remote_claim(const struct remote_link *l, const char *json, const volatile sig_atomic_t *stop,
                 struct buf *body, struct err *e);
int remote_post(const struct remote_link *l, const struct remote_hold *h, const char *what,
                const char *json, struct buf *body, struct err *e);
/* The file at path as it is now, whatever becomes of it meanwhile. */
int remote_put(const struct remote_link *l, const struct remote_hold *h, const char *what,
               const char *path, const volatile sig_atomic_t *stop, struct err *e);
/* Into the file at path. ERR_FORMAT: not of this hash; the file is not there then. */
int remote_get(const struct remote_link *l, const struct remote_hold *h, const char *what,
               const char *sha, const char *path, const volatile sig_atomic_t *stop, struct err *e);

#endif
