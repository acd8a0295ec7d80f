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
void worker_beat(struct worker *w); /* the job that is drawn goes on to be ours */
int worker_has_model(struct worker *w);
int worker_is_drawing(struct worker *w); /* a film; not a live scene */
/* Nothing new is begun. The film that is drawn may go on for drain_s, then its job is queued again.
 * Joins the thread. */
void worker_stop(struct worker *w, double drain_s);
void worker_free(struct worker **w);
/* The forecast's seconds of a job that waits, from its facts; 0 where it does not say. */
double job_forecast_s(const struct job *j);

#endif
