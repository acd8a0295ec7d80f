/* jobs.h - the jobs on disk: one SQLite file that only this process opens, or a database of
 * PostgreSQL that many servers share.
 *
 * What was acknowledged is on disk (SQLite: journal_mode TRUNCATE, synchronous EXTRA). A job is
 * worked on by whoever holds its fence: a number that grows with each claim, so that writes of a
 * worker which lost its job find no row. He has it for as long as his lease, which each beat makes
 * new. States: queued -> running -> finalizing -> succeeded; running, finalizing -> queued (the
 * server ended or a lease did, and the film is gone on with); running, finalizing -> failed;
 * queued, running -> cancelled. What a fence has ended may be said again: it is done once.
 *
 * Threads: any; calls take turns. Strings of a struct job are owned by it. Times are milliseconds
 * since 1970. */
#ifndef SERVE_JOBS_H
#define SERVE_JOBS_H

#include <stdint.h>

#include "base/err.h"

enum job_state {
    JOB_QUEUED,
    JOB_RUNNING,
    JOB_FINALIZING,
    JOB_SUCCEEDED,
    JOB_FAILED,
    JOB_CANCELLED
};
#define JOB_IS_OVER(state) ((state) >= JOB_SUCCEEDED)

/* What decides the film and is drawn once, when the job comes in. */
struct job {
    int64_t id;         /* time and a count: ascending, decimal in every API */
    char *tenant;       /* who owns it */
    char *idem_key;     /* NULL: none */
    char *external_id;  /* the client's name for it, NULL: none */
    char *api;          /* which form it came in */
    char *model;        /* as the client called it */
    char *params;       /* JSON of options for zt_job_set_json */
    char *params_sha;   /* of what the client said, for idem_key */
    char *facts;        /* JSON: what the plan settled (size, frames, seed, ...) */
    char *first, *last; /* pictures: names in the folder of pictures, or NULL */
    char *callback;     /* address, or NULL */
    int64_t parent;     /* the job that this one goes on from, 0: none */
    enum job_state state;
    int priority; /* the higher come first */
    int attempt, crash_count;
    int64_t fence;
    int cancel_requested;
    int step, steps;              /* as the worker said last */
    char *error_code, *error_msg; /* NULL without an error */
    char *result;                 /* name in the folder of films; NULL: none, or it has expired */
    char *result_sha;
    int64_t result_bytes;
    int64_t created_ms, updated_ms, started_ms, finished_ms; /* 0: not yet */
};
void job_release(struct job *j);
const char *job_state_name(enum job_state s);

struct jobs;
enum { JOBS_CRASHES = 3 }; /* so many deaths of workers under a job end it */
enum { JOBS_LEASE_MS = 30000 };

/* Opens or makes dir/zoetrope.db and takes its lock. Jobs that the last server drew ("local-...")
 * lapse, others get a new lease. ERR_IO; ERR_FORMAT: damaged, or of a newer version. */
NODISCARD int jobs_open(struct jobs **out, const char *dir, struct err *e);
void jobs_close(struct jobs **s);
/* 32 random bytes in hex, made with the store: the key of signed addresses. */
const char *jobs_secret(const struct jobs *s);
int64_t jobs_now_ms(void);

enum jobs_added { JOBS_NEW, JOBS_SAME, JOBS_CONFLICT, JOBS_TAKEN };
/* Takes over nothing; j->id, created_ms and state are set here. *out is the job as stored: the new
 * one, the one of the same idem_key and params_sha (JOBS_SAME), of the same key with other
 * parameters (JOBS_CONFLICT), or of the same external_id (JOBS_TAKEN). ERR_IO, ERR_FIT: the disk
 * is full. */
NODISCARD int jobs_add(struct jobs *s, const struct job *j, enum jobs_added *how, struct job *out,
                       struct err *e);
/* 1: found, 0: not, negative: ERR_IO. tenant NULL: anybody's. */
int jobs_get(struct jobs *s, const char *tenant, int64_t id, struct job *out, struct err *e);
int jobs_get_external(struct jobs *s, const char *tenant, const char *external, struct job *out,
                      struct err *e);
/* The newest whose film has these bytes. */
int jobs_get_film(struct jobs *s, const char *tenant, const char *sha, struct job *out,
                  struct err *e);
struct jobs_list {
    const char *tenant;
    const char *api;           /* NULL: all */
    int64_t from_ms, until_ms; /* when they were made; 0: no limit */
    unsigned states;           /* 1 << state of those that are wanted; 0: all */
    int64_t after;             /* beyond this id in the order asked for; 0: from the start */
    int ascending, offset, limit;
};
/* Calls fn for each job, the newest first unless ascending; returns how many, or ERR_IO. */
int jobs_each(struct jobs *s, const struct jobs_list *l, void (*fn)(void *arg, struct job *j),
              void *arg, struct err *e);
/* How many jobs of the queue come before this one; -1: it does not wait. Of the first 256 it is
 * exact, behind them as it was a fifth of a second ago, or longer where the queue is endless. */
int jobs_position(struct jobs *s, int64_t id);
/* Jobs that wait or run, of all; *his: the tenant's. */
int jobs_waiting(struct jobs *s, const char *tenant, int *his);
/* So many of each state, in the order of enum job_state. */
void jobs_counts(struct jobs *s, int64_t n[JOB_CANCELLED + 1]);
/* The ids that wait, in the order of the queue; returns how many of at most `most`. */
int jobs_queue(struct jobs *s, int64_t *ids, int most);
/* What is forecast for the first n that wait, all together. */
double jobs_ahead_s(struct jobs *s, int n);

/* Their length, of those that are out and of new ones. */
NODISCARD int jobs_lease(struct jobs *s, double seconds, struct err *e);
/* The next job becomes running under a new fence. 1: *out, 0: nothing waits, negative ERR_IO. */
int jobs_claim(struct jobs *s, const char *owner, struct job *out, struct err *e);
/* A job whose lease is over is queued again, cancelled if that was asked for, or failed
 * E_WORKER_LOST after JOBS_CRASHES. 1: *out as it is now, 0: there is none. */
int jobs_lapse(struct jobs *s, struct job *out, struct err *e);
/* 1: *out is drawn by this owner under this fence; 0: not, or not any more. */
int jobs_held(struct jobs *s, int64_t id, int64_t fence, const char *owner, struct job *out,
              struct err *e);
/* These write while the fence holds. 1: done, 0: the job is no longer this worker's. */
int jobs_beat(struct jobs *s, int64_t id, int64_t fence, int step, int steps, struct err *e);
int jobs_noted(struct jobs *s, int64_t id, int64_t fence, const char *facts, struct err *e);
int jobs_finalizing(struct jobs *s, int64_t id, int64_t fence, struct err *e);
int jobs_succeed(struct jobs *s, int64_t id, int64_t fence, const char *result, const char *sha,
                 int64_t bytes, struct err *e);
int jobs_fail(struct jobs *s, int64_t id, int64_t fence, const char *code, const char *msg,
              struct err *e);
int jobs_cancelled(struct jobs *s, int64_t id, int64_t fence, struct err *e);
int jobs_requeue(struct jobs *s, int64_t id, int64_t fence, struct err *e); /* server ends */

/* 1: cancelled or asked to (*out as it is now), 0: not found or over already. */
int jobs_cancel(struct jobs *s, const char *tenant, int64_t id, struct job *out, struct err *e);
int jobs_delete(struct jobs *s, const char *tenant, int64_t id, struct err *e);
/* While it waits: to place n (0: next) of the queue; other parameters. 1, or 0: it waits not. */
int jobs_move(struct jobs *s, const char *tenant, int64_t id, int n, struct err *e);
int jobs_edit(struct jobs *s, const char *tenant, int64_t id, const char *params, const char *facts,
              struct err *e);
/* Of the films that ended before this and that no job which waits or runs goes on from, the one
 * that ended first. 1: *out, 0: none, or ERR_IO. */
int jobs_oldest_film(struct jobs *s, int64_t before_ms, struct job *out, struct err *e);
int64_t jobs_films_bytes(struct jobs *s); /* a film that several jobs name counts once */
/* The job names no film any more, but still its hash and size. 1, or 0: it named none. */
int jobs_expire(struct jobs *s, int64_t id, struct err *e);
/* A change of a job that its callback has not been told. */
struct jobs_note {
    int64_t job;
    char state[16];
    int attempts;
};
enum { JOBS_BUSY = 7 };
/* One whose time has come, of no address that begins with one of `busy` (NULL among them: none;
 * NULL: no such). 1: *out, 0: none, or ERR_IO. */
int jobs_note_next(struct jobs *s, const char *const busy[JOBS_BUSY], struct jobs_note *out,
                   struct err *e);
/* These do nothing when the job has changed since. */
int jobs_note_done(struct jobs *s, const struct jobs_note *n, struct err *e);
int jobs_note_later(struct jobs *s, const struct jobs_note *n, int64_t delay_ms, struct err *e);
/* 1: as film or picture, or the store does not say. */
int jobs_names_file(struct jobs *s, const char *name);

#endif
