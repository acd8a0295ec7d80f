/* jobs_db.h - a database as the store of jobs needs it: statements by name, one running at a time.
 *
 * What a job is, jobs*.c alone know; a kind of database says the statements of jobs_sql.c, in other
 * words where it must, and has the function now_ms() for them. All calls are made under the lock of
 * the store. */
#ifndef SERVE_JOBS_DB_H
#define SERVE_JOBS_DB_H

#include <stdatomic.h>

#include "serve/jobs_sql.h"

struct db_kind {
    /* The statement begins; it is stepped until it says 0, then it is over. What it changes is
     * changed after the first step. */
    void (*start)(struct db *db, enum sql which, const struct sql_value *v, int n);
    int (*step)(struct db *db, struct err *e);      /* 1: a row, 0: no more, ERR_IO or ERR_FIT */
    int (*changes)(struct db *db);                  /* rows that the statement wrote or found */
    void (*reset)(struct db *db);                   /* over, whatever there is left of it */
    int (*in_transaction)(struct db *db);           /* one that can go on */
    const char *(*text)(struct db *db, int column); /* of the row; NULL is NULL */
    int64_t (*number)(struct db *db, int column);
    double (*real)(struct db *db, int column);
    /* Of a store that others share: fn hears of their changes. NULL: nobody shares it. */
    void (*watch)(struct db *db, void (*fn)(void *arg, int64_t id), void *arg);
    void (*close)(struct db **db);
};
struct db {
    const struct db_kind *kind;
    int broke;       /* the last statement: what it did nobody knows */
    int again;       /* it was said twice, as the connection broke the first time */
    atomic_int away; /* the database cannot be reached */
};

/* Open with the newest schema. ERR_IO: cannot, or another server has it; ERR_FORMAT: damaged, or
 * of a newer version. */
NODISCARD int db_open_sqlite(struct db **out, const char *dir, struct err *e);
NODISCARD int db_open_pg(struct db **out, const char *url, struct err *e);

#endif
