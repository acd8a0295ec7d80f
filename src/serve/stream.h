/* stream.h - the newest picture to whoever watches, as multipart/x-mixed-replace.
 *
 * A watcher is sent what is newest when it can take more; what came in between is passed over, and
 * what it is being sent is all that is kept for it. One that takes nothing for STREAM_SILENCE_S is
 * dropped. Threads: any. */
#ifndef SERVE_STREAM_H
#define SERVE_STREAM_H

#include "serve/call.h"

enum { STREAM_SILENCE_S = 15, STREAM_WATCHERS = 16 };
#define STREAM_TYPE "multipart/x-mixed-replace; boundary=frame"

struct stream;
struct stream *stream_new(void);
void stream_free(struct stream **st);
/* Watchers of what was before are at its end. */
void stream_begin(struct stream *st);
void stream_end(struct stream *st);
/* headers: whole lines of the part, each with CRLF. */
void stream_show(struct stream *st, const struct buf *jpeg, const char *headers);
/* Those who take what comes. */
int stream_watchers(struct stream *st);
/* The reply becomes a stream. -1: the call has failed, too many watch. */
NODISCARD int stream_reply(struct stream *st, struct call *c);

#endif
