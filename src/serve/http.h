/* http.h - the HTTP server: libmicrohttpd, and around it what it does not check itself.
 *
 * Refused before a handler sees it: two lengths, a length beside chunks, NUL and bare line feeds in
 * a head, heads over 32 KiB, addresses over 8 KiB, bodies over the limit of their route, other
 * hosts and origins than ours, forms of foreign pages. Heads and bodies have absolute deadlines. */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include "serve/call.h"

/* Holds the address; calls that come wait for http_serve, which is the last to start: from then on
 * they use all of the server. */
NODISCARD int http_start(struct http **out, struct server *s, struct err *e);
NODISCARD int http_serve(struct http *h, struct err *e);
void http_stop(struct http **h);
int http_port(const struct http *h);
/* The host of the address that it listens on, for URLs: "127.0.0.1", "[::1]". */
const char *http_host(const struct http *h);
/* Calls that wait for work look again. */
void http_work_waits(struct http *h);
void http_keys_changed(struct http *h); /* streams of events end: who may, asks again */
/* Something changed on the board: those who watch are woken. */
void http_changed(void *server);

/* ---- for the files of the HTTP server ---- */

struct MHD_Connection;
/* What can be said of the head. 0, or -1 and the call has failed. */
int http_check_head(struct call *c);
/* "bytes=a-b" of a file of `whole` bytes. 1: a part, 0: no range, -1: none that can be given. */
int http_range(const char *header, int64_t whole, int64_t *from, int64_t *bytes);

/* http_watch.c: deadlines of connections. */
struct watch;
struct link;
struct watch *watch_new(double head_s, double body_s, void (*tick)(void *arg), void *arg);
void watch_free(struct watch **w);
struct link *watch_open(struct watch *w, int fd);
void watch_close(struct watch *w, struct link *l);
enum link_phase { LINK_HEAD, LINK_BODY, LINK_REPLY, LINK_IDLE };
void watch_phase(struct watch *w, struct link *l, enum link_phase phase);

/* events.c: server-sent events. */
struct events;
struct events *events_new(struct server *s);
void events_free(struct events **e);
void events_wake(struct events *e);
void events_ping(struct events *e);  /* a comment to everyone, so that the dead are noticed */
void events_end(struct events *e);   /* all streams that there are end */
void events_close(struct events *e); /* and those that come */
/* The call's reply becomes the stream of job `only`, 0: of all jobs of the tenant. */
void events_reply(struct events *e, struct call *c, int64_t only);
struct events *http_events(struct http *h);

#endif
