/* jobs_pg.h - inside of the store in PostgreSQL: a connection, its tables, and who listens. */
#ifndef SERVE_JOBS_PG_H
#define SERVE_JOBS_PG_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

typedef struct pg_conn PGconn; /* as libpq-fe.h has them */
typedef struct pg_result PGresult;

/* A connection that speaks of our tables, or NULL. ERR_IO: the database is away or refuses;
 * ERR_USAGE: url is no address. No message holds what the address says. */
PGconn *pg_connect(const char *url, struct err *e);
/* What PostgreSQL says, its first line. ERR_FIT: its disk is full. */
int pg_fault(const PGconn *c, const PGresult *r, struct err *e);
/* One value of a statement without any, which must have one row. */
NODISCARD int pg_number(PGconn *c, const char *sql, int64_t *out, struct err *e);
/* Makes the tables, or brings them up to date. ERR_FORMAT: they are of a newer version. */
NODISCARD int pg_schema(PGconn *c, struct err *e);

/* A thread that hears of changes on a connection of its own. `own` is the process of the database
 * whose changes are not told: those of this server. */
struct pg_watch;
struct pg_watch *pg_watch_new(const char *url, const atomic_int *own,
                              void (*fn)(void *arg, int64_t id), void *arg);
void pg_watch_free(struct pg_watch **w);

#endif
