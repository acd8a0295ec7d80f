/* worker.h - the thread that draws films, one after the other, by include/zoetrope.h.
 *
 * The model is opened by the first job and closed after idle_s without one. Threads: any. */
#ifndef SERVE_WORKER_H
#define SERVE_WORKER_H

#include "serve/server.h"

NODISCARD int worker_start(struct worker **out, struct server *s, struct err *e);
void worker_wake(struct worker *w); /* there may be a job */
/* Stop drawing this job, if it is the one. */
void worker_cancel(struct worker *w, int64_t id);
/* The job that is drawn goes on to be ours; one that hangs is given up, and fails E_STALLED. */
void worker_beat(struct worker *w);
int worker_has_stalled(struct worker *w); /* the thread has not come back from such a job */
int worker_has_model(struct worker *w);
int worker_is_drawing(struct worker *w); /* a film; not a live scene */
/* Nothing new is begun. The film that is drawn may go on for drain_s, then its job is queued again.
 * Joins the thread. 1: it hangs, and is still there. */
int worker_stop(struct worker *w, double drain_s);
void worker_free(struct worker **w);
#endif
