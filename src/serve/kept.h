/* kept.h - steps of the films that are drawn here, or by workers of this server, copied to a store
 * that other servers share: whoever draws such a film next goes on with them.
 *
 * A thread of its own sends what has changed, file by file, and then rests 49 times as long as that
 * took, so it costs a film 2 % of its time at most. Without a shared store all of it is nothing.
 * Threads: any. */
#ifndef SERVE_KEPT_H
#define SERVE_KEPT_H

#include "serve/server.h"

/* Of a film in the store; with more it is not sent, and another server would begin it anew. */
#define KEPT_MOST_BYTES (INT64_C(512) << 20)

struct kept;
NODISCARD int kept_start(struct kept **out, struct server *s, struct err *e);
void kept_stop(struct kept **k);
/* From now on the job's steps are sent, until it is dropped or another's. */
void kept_hold(struct kept *k, int64_t id, int64_t fence);
void kept_drop(struct kept *k, int64_t id);
/* Now, and to its end: the job is given back. */
void kept_send(struct kept *k, int64_t id);
/* Before a job that was claimed is drawn: what another server has reached comes into the folder of
 * work. When it does not, that is logged, and the film goes on from what lies there, or begins. */
void kept_fetch(struct server *s, const struct job *j);

#endif
