/* retain.h - films that have been kept long enough: their files go, their jobs stay and say so. */
#ifndef SERVE_RETAIN_H
#define SERVE_RETAIN_H

#include "serve/call.h"

/* A film of the last minutes is not removed for room: its client may just be fetching it. */
enum { RETAIN_FRESH_MS = 10 * 60 * 1000 };

/* Removes films older than keep_days, and the oldest while all together have more than keep_gb;
 * none that a job which waits or runs goes on from. The row lets go of the file before it is
 * removed, so no job names a film that is not there. */
void retain_films(struct server *s);
/* When the film of a job that is done goes, in ms since 1970; 0: when there is no room. */
int64_t retain_until_ms(const struct server *s, const struct job *j);
/* 1: the film was there and is not any more; the call has failed, saying so. */
int retain_is_gone(struct call *c, const struct job *j);

#endif
