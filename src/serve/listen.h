/* listen.h - the address that the server listens at: opened here, or given by who started it. */
#ifndef SERVE_LISTEN_H
#define SERVE_LISTEN_H

#include "base/err.h"

struct listening {
    int fd; /* owned by who asked; -1 after an error */
    int port;
    int local;     /* this machine alone reaches it */
    char host[64]; /* of the address, for URLs: "127.0.0.1", "[::1]" */
};

/* ADDR:PORT, [ADDR]:PORT or PORT with an IP address. It is taken, and nobody can connect yet.
 * ERR_USAGE: no such address; ERR_IO. */
NODISCARD int listen_at(struct listening *l, const char *text, struct err *e);
/* The same of an open socket, which must be a stream of IP that listens. */
NODISCARD int listen_on(struct listening *l, int fd, struct err *e);
/* Begin to take connections. Not before it is clear that they may come. */
NODISCARD int listen_begin(struct listening *l, struct err *e);

#endif
