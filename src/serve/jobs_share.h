/* jobs_share.h - jobs in a database of PostgreSQL that many servers share: opening, being away,
 * hearing of the others, and the files that one of them has made. With SQLite all of it is nothing.
 *
 * A server that is silent for a lease has lost its job to the others, by the clock of the database.
 * Threads: any. */
#ifndef SERVE_JOBS_SHARE_H
#define SERVE_JOBS_SHARE_H

#include "serve/jobs.h"

/* The same with the jobs at url, postgresql://...; NULL: in dir. dir is still this server's own.
 * ERR_USAGE: no address, or this build cannot. No message holds what the address says. */
NODISCARD int jobs_open_at(struct jobs **out, const char *dir, const char *url, struct err *e);
/* 1: the database cannot be reached; a call asks it again, ever less often, at least each 2 s. */
int jobs_away(struct jobs *s);
/* 1: other servers have the same jobs. From then on fn hears of what they change, from a thread of
 * its own; a hint that may be lost. fn NULL: no longer. */
int jobs_shared(const struct jobs *s);
void jobs_watch(struct jobs *s, void (*fn)(void *arg, int64_t id), void *arg);

/* In a shared store, a file for the other servers. put: of this job (its pictures), 0: that jobs
 * name. get: 1: it lies at path now, whole, 0: there is none. Nothing without a shared store. */
NODISCARD int jobs_file_put(struct jobs *s, const char *name, int64_t job, const char *path,
                            struct err *e);
int jobs_file_get(struct jobs *s, const char *name, const char *path, struct err *e);
void jobs_files_sweep(struct jobs *s); /* those that no job names any more */

/* In a shared store, what has been reached of a film, for the server that goes on with it: a few
 * files by name, each replaced as a whole. They go when the job is over, in the same moment.
 * put: 1, or 0: the job is no longer this worker's. get: as jobs_file_get. count: of the job's
 * files, and how many of them another server wrote. */
int jobs_kept_put(struct jobs *s, int64_t id, int64_t fence, const char *name, const char *path,
                  struct err *e);
int jobs_kept_get(struct jobs *s, int64_t id, const char *name, const char *path, struct err *e);
int jobs_kept_count(struct jobs *s, int64_t id, int *elsewhere, struct err *e);

#endif
