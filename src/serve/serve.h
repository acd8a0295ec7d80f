/* serve.h - the service: films for programs and people over HTTP. doc/SERVE.md is its manual.
 *
 * One server owns a folder: zoetrope.db (jobs.h), film/ (finished films by the SHA-256 of their
 * bytes), picture/ (what clients gave), preview/ and work/ (of jobs that run). With a store that
 * others share, that has the jobs, and the folder copies of films. Built with libmicrohttpd and
 * SQLite; without them serve_start is ERR_USAGE. */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <stdio.h>

#include "base/err.h"

/* What stall_s is, unless said. */
enum { SERVE_STALL_S = 600 };

struct serve_options {
    const char *listen;     /* ADDR:PORT, [ADDR]:PORT or PORT; port 0: any free one */
    int listen_fd;          /* a socket that listens already, instead of `listen`; -1: none */
    const char *data;       /* folder, made when missing */
    const char *store;      /* postgresql://... of the jobs; NULL: SQLite in data */
    const char *keys;       /* file of keys, or NULL */
    const char *model;      /* default model, NULL: zoetrope's default */
    const char *models;     /* file of names that clients may call it by, or NULL: the usual */
    const char *public_url; /* how clients reach it, NULL: as they name it in Host */
    int queue_most;         /* jobs that may wait */
    int workers;            /* films that are drawn at once: 1, or 0: jobs wait */
    double idle_s;          /* after so long without work the model is unloaded */
    double head_s, body_s;  /* longest time for a request's head, and for its body */
    double seconds_most;    /* longest film */
    double live_yield_s;    /* a live scene may go on for so long while a film waits */
    double live_alone_s;    /* and while nobody watches */
    int live_ahead_bytes;   /* the kernel may keep so much of it for one who reads slowly */
    double lease_s;         /* a worker that is not heard for so long has lost its job */
    double stall_s;         /* a film without progress for so long hangs (draw.h); 0: never */
    double keep_days;       /* films are removed after so long; 0: never */
    double keep_gb;         /* the oldest are when all have more; 0: no limit */
    int allow_private;      /* pictures and callbacks may be at private addresses, by http too */
    FILE *log;              /* JSON lines; NULL: none */
};
void serve_options_init(struct serve_options *o);

struct server;
/* Listens when it returns, with one thread that draws films. ERR_USAGE: an address that is not of
 * this machine alone without keys; ERR_IO, ERR_FORMAT. */
NODISCARD int serve_start(struct server **out, const struct serve_options *o, struct err *e);
int serve_port(const struct server *s);
/* Reads the files of keys and of names of models again, while it serves. What is wrong with one
 * (the first is in e, the log has all) leaves what it said before in force. Streams of events end,
 * so that who has no key any more does not go on to read. */
NODISCARD int serve_reload(struct server *s, struct err *e);
/* Returns when the store of jobs answers, as a request would wait for it. */
void serve_knock(struct server *s);
/* "http://127.0.0.1:8700", without a slash at its end. Valid while s lives. */
const char *serve_url(const struct server *s);
/* Takes no new jobs, waits up to drain_s for the film that is drawn; then it goes back into the
 * queue. *s is NULL then, unless the thread that draws hangs (stall_s) and cannot be interrupted:
 * nothing that it uses may go, and all that is left to do is to end the process. */
void serve_stop(struct server **s, double drain_s);

#endif
