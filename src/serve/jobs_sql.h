/* jobs_sql.h - inside of the store: its statements, and one way to run them. */
#ifndef SERVE_JOBS_SQL_H
#define SERVE_JOBS_SQL_H

#include <pthread.h>

#include "serve/jobs.h"

enum { JOBS_VERSION = 3 };

enum sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_SAVE,
    SQL_BACK,
    SQL_META,
    SQL_NEW_ID,
    SQL_INSERT,
    SQL_BY_ID,
    SQL_BY_KEY,
    SQL_BY_EXTERNAL,
    SQL_BY_FILM,
    SQL_NEWEST,
    SQL_OLDEST,
    SQL_POSITION,
    SQL_PLACE,
    SQL_WAITING,
    SQL_COUNTS,
    SQL_QUEUE,
    SQL_AHEAD,
    SQL_CLAIM,
    SQL_CLAIMED,
    SQL_BEAT,
    SQL_NOTED,
    SQL_FINALIZING,
    SQL_SUCCEED,
    SQL_FAIL,
    SQL_CANCELLED,
    SQL_REQUEUE,
    SQL_ENDED,
    SQL_CANCEL_QUEUED,
    SQL_CANCEL_RUNNING,
    SQL_DELETE,
    SQL_PLACES,
    SQL_MOVE,
    SQL_EDIT,
    SQL_NAMES_FILE,
    SQL_OLDEST_FILM,
    SQL_FILMS_BYTES,
    SQL_EXPIRE,
    SQL_HELD,
    SQL_ORPHANS,
    SQL_LAPSE,
    SQL_NOTE_NEXT,
    SQL_NOTE_DONE,
    SQL_NOTE_LATER,
    SQL_FILE_FRESH,
    SQL_FILE_PART,
    SQL_FILE_WHOLE,
    SQL_FILE_FACTS,
    SQL_FILE_READ,
    SQL_FILE_SWEEP,
    SQL_FILE_SWEEP_PARTS,
    SQL_KEPT_PART,
    SQL_KEPT_WHOLE,
    SQL_KEPT_FACTS,
    SQL_KEPT_READ,
    SQL_KEPT_COUNT,
    N_SQL
};
/* As SQLite says them. NULL: what it need not say, as one server alone has the file. */
extern const char *const jobs_sql[N_SQL];
/* What PostgreSQL says in other words; NULL: in the same. */
extern const char *const jobs_sql_pg[N_SQL];
/* What makes version i + 1 of version i. */
extern const char *const jobs_schema[JOBS_VERSION];

struct db;
struct jobs {
    struct db *db;
    pthread_mutex_t lock;
    pthread_mutex_t add_lock; /* guards those who add; taken before `lock`, never within it */
    pthread_cond_t added;
    struct adding *add_first, **add_end; /* who waits for a transaction */
    int adds;                            /* one of them writes */
    int64_t last_id, lease_ms;
    int lock_fd;      /* of the data folder */
    char me[24];      /* this folder's name among the servers of a shared store; "": the only one */
    char claim[64];   /* of the claim that was made last */
    int claims;       /* how many were made */
    int claim_unsure; /* its answer was lost: the job may be ours */
    char secret[65];

    /* The queue as it was a moment ago, in order, where it is long (jobs_read.c); under lock. */
    struct jobs_rank *rank; /* owned */
    int n_rank;
    double rank_s, rank_took_s; /* when it was read, and how long that took */
};

/* A value of a statement. */
struct sql_value {
    enum { SQL_IS_TEXT, SQL_IS_INT, SQL_IS_REAL } kind;
    const char *text;
    int64_t number;
    double real;
    int is_null;
};
/* clang-format off */
#define SQL_TEXT(s)  ((struct sql_value){.text = (s), .is_null = !(s)})
#define SQL_INT(n)   ((struct sql_value){.kind = SQL_IS_INT, .number = (n)})
#define SQL_REAL(x)  ((struct sql_value){.kind = SQL_IS_REAL, .real = (x)})
/* clang-format on */

/* Begin with n values; the statement is then stepped by the caller and reset. */
struct db *jobs_bind(struct jobs *s, enum sql which, const struct sql_value *v, int n);
#define JOBS_BIND(s, which, ...)                                                                   \
    jobs_bind(s, which, (const struct sql_value[]){__VA_ARGS__},                                   \
              (int)(sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value)))
/* Step to the end, reset; how many rows changed, or an error. */
int jobs_run(struct db *st, struct err *e);
/* A statement that stands alone: bound and run under the lock. */
int jobs_write(struct jobs *s, enum sql which, const struct sql_value *v, int n, struct err *e);
#define JOBS_WRITE(s, e, which, ...)                                                               \
    jobs_write(s, which, (const struct sql_value[]){__VA_ARGS__},                                  \
               (int)(sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value)),  \
               e)
/* First row of one that stands alone as n numbers. 1, 0 or an error; e may be NULL. */
int jobs_numbers(struct jobs *s, enum sql which, const struct sql_value *v, int n_v, int64_t *out,
                 int n, struct err *e);
#define JOBS_NUMBERS(s, e, out, n, which, ...)                                                     \
    jobs_numbers(                                                                                  \
        s, which, (const struct sql_value[]){__VA_ARGS__},                                         \
        (int)(sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value)), out, n, \
        e)
/* First row as a job. 1, 0 or an error; the statement is reset. */
int jobs_one(struct db *st, struct job *out, struct err *e);
void jobs_row(struct db *st, struct job *out); /* the columns of a job, in order */

#endif
