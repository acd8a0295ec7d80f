/* jobs_pg.c - the store in PostgreSQL, by libpq: the same statements over one connection.
 *
 * When the connection breaks, a statement that stands alone is said again on a new one: each of
 * them does the same when it is said twice, or its caller looks (`again`). A transaction fails as a
 * whole (`broke`). While the database is away, statements fail at once; now and then one of them
 * tries. */
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/jobs_db.h"
#include "serve/jobs_pg.h"

#define ANSWER_S 10.0 /* a database that is silent for so long is away */
#define WAIT_LEAST_S 0.05
#define WAIT_MOST_S 2.0
enum { TEXT_OID = 25, INT8_OID = 20, FLOAT8_OID = 701, MOST_VALUES = 16 };

struct pg {
    struct db db;
    PGconn *conn; /* NULL: broken */
    char *url;
    PGresult *result; /* of the statement that runs */
    int row;          /* of it; -1: before the first */
    int in_transaction;
    int torn;             /* the connection broke in a transaction that is not over yet */
    double try_s, wait_s; /* the database is asked again then, and so long after */
    struct err why;       /* the statement could not be said */
    char *sql[N_SQL];
    atomic_int process; /* of the database, that serves the connection */
    struct pg_watch *watch;
};

static struct pg *pg_of(struct db *db)
{
    return (struct pg *)db;
}

/* ---- the connection ---- */

int pg_fault(const PGconn *c, const PGresult *r, struct err *e)
{
    const char *said = r ? PQresultErrorMessage(r) : "", *state = NULL;

    if (r)
        state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (!*said)
        said = c ? PQerrorMessage(c) : "no connection";
    return err_set(e, state && !strcmp(state, "53100") ? ERR_FIT : ERR_IO,
                   "the store of jobs: %.*s", (int)strcspn(said, "\n"), said);
}

int pg_number(PGconn *c, const char *sql, int64_t *out, struct err *e)
{
    PGresult *r = PQexec(c, sql);
    int rc = 0;

    if (PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1)
        *out = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
    else
        rc = pg_fault(c, r, e);
    PQclear(r);
    return rc;
}

static void ignore_notice(void *arg, const PGresult *r)
{
    (void)arg, (void)r;
}

/* Of an address that parses: is what stands for the port one? */
static int port_is_number(const PQconninfoOption *o)
{
    while (o->keyword && strcmp(o->keyword, "port"))
        o++;
    return !o->keyword || !o->val || !o->val[strspn(o->val, "0123456789,")];
}

/* libpq repeats what it does not understand, which may be of a password, so its words are not used;
 * a password with an unwritten @ would be taken for the host. */
static int check_address(const char *url, struct err *e)
{
    int is_url = !strncmp(url, "postgresql://", 13) || !strncmp(url, "postgres://", 11);
    const char *who = is_url ? strstr(url, "//") + 2 : url;
    const char *at = memchr(who, '@', strcspn(who, "/?"));
    PQconninfoOption *o = is_url ? PQconninfoParse(url, NULL) : NULL;
    int good = o && port_is_number(o) && !(at && memchr(at + 1, '@', strcspn(at + 1, "/?")));

    PQconninfoFree(o);
    if (good)
        return 0;
    return err_set(
        e, ERR_USAGE,
        "store: not an address of PostgreSQL; postgresql://USER@HOST:PORT/NAME is one (in a "
        "password @ is written %%40, and / %%2F)");
}

PGconn *pg_connect(const char *url, struct err *e)
{
    /* What the address says comes after these, and so goes before them. */
    static const char *const name[] = {"connect_timeout",
                                       "tcp_user_timeout",
                                       "keepalives_idle",
                                       "client_encoding",
                                       "fallback_application_name",
                                       "dbname",
                                       NULL};
    const char *const value[] = {"5", "10000", "10", "UTF8", "zoetrope", url, NULL};
    int64_t standby = 0;
    PGconn *c;
    int rc = check_address(url, e);

    if (rc)
        return NULL;
    c = PQconnectdbParams(name, value, 1);
    if (PQstatus(c) != CONNECTION_OK)
        rc = pg_fault(c, NULL, e);
    PQsetNoticeReceiver(c, ignore_notice, NULL);
    if (!rc)
        rc =
            pg_number(c,
                      "SELECT pg_is_in_recovery()::int FROM"
                      " set_config('search_path','zoetrope',false) AS path,"
                      " set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
                      "  WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') "
                      "END,false) AS durable",
                      &standby, e);
    if (!rc && standby)
        rc = err_set(e, ERR_IO, "store: this PostgreSQL is a standby, which only reads");
    if (rc) {
        PQfinish(c);
        return NULL;
    }
    return c;
}

static void hang_up(struct pg *s)
{
    PQfinish(s->conn);
    s->conn = NULL;
    atomic_store(&s->db.away, 1);
    s->torn = s->in_transaction;
    s->in_transaction = 0;
}

/* Once, unless it was just tried. */
static int connect_again(struct pg *s, struct err *e)
{
    double now = clock_s();

    if (now < s->try_s)
        return err_set(e, ERR_IO, "the store of jobs is away");
    s->conn = pg_connect(s->url, e);
    if (!s->conn) {
        s->wait_s = s->wait_s * 2 < WAIT_LEAST_S  ? WAIT_LEAST_S
                    : s->wait_s * 2 > WAIT_MOST_S ? WAIT_MOST_S
                                                  : s->wait_s * 2;
        s->try_s = clock_s() + s->wait_s;
        atomic_store(&s->db.away, 1);
        return ERR_IO;
    }
    s->wait_s = s->try_s = 0;
    atomic_store(&s->process, PQbackendPID(s->conn));
    atomic_store(&s->db.away, 0);
    return 0;
}

/* ---- statements ---- */

static int send_values(struct pg *s, enum sql which, const struct sql_value *v, int n)
{
    const char *value[MOST_VALUES];
    char text[MOST_VALUES][32];
    Oid type[MOST_VALUES];

    ZT_ASSERT(n <= MOST_VALUES);
    for (int i = 0; i < n; i++) {
        value[i] = v[i].is_null ? NULL : v[i].kind == SQL_IS_TEXT ? v[i].text : text[i];
        type[i] = v[i].kind == SQL_IS_TEXT  ? TEXT_OID
                  : v[i].kind == SQL_IS_INT ? INT8_OID
                                            : FLOAT8_OID;
        if (v[i].kind == SQL_IS_INT)
            snprintf(text[i], sizeof text[i], "%lld", (long long)v[i].number);
        else if (v[i].kind == SQL_IS_REAL)
            snprintf(text[i], sizeof text[i], "%.17g", v[i].real);
    }
    return PQsendQueryParams(s->conn, s->sql[which], n, type, value, NULL, NULL, 0);
}

/* The last result of what was sent; NULL: none came in time. */
static PGresult *receive(PGconn *c)
{
    double until = clock_s() + ANSWER_S;
    PGresult *last = NULL, *r;

    while (PQflush(c) > 0 || PQisBusy(c)) {
        struct pollfd p = {.fd = PQsocket(c), .events = POLLIN};

        if (poll(&p, 1, 500) >= 0 && !PQconsumeInput(c))
            break;
        if (clock_s() > until)
            return NULL;
    }
    while ((r = PQgetResult(c))) {
        PQclear(last);
        last = r;
    }
    return last;
}

/* Is the transaction, or the connection, gone with this answer? */
static int is_broken(const struct pg *s)
{
    const char *state = s->result ? PQresultErrorField(s->result, PG_DIAG_SQLSTATE) : NULL;

    return !s->result || PQstatus(s->conn) != CONNECTION_OK ||
           (state && (!strncmp(state, "40", 2) || !strncmp(state, "57P", 3) ||
                      !strncmp(state, "08", 2) || !strcmp(state, "25006")));
}

static void pg_reset(struct db *db)
{
    PQclear(pg_of(db)->result);
    pg_of(db)->result = NULL;
}

static void say(struct pg *s, enum sql which, const struct sql_value *v, int n)
{
    pg_reset(&s->db);
    if (send_values(s, which, v, n))
        s->result = receive(s->conn);
    s->db.broke = is_broken(s);
    if (s->db.broke) {
        pg_fault(s->conn, s->result, &s->why);
        hang_up(s);
        return;
    }
    if (which == SQL_BEGIN || which == SQL_COMMIT || which == SQL_ROLLBACK)
        s->in_transaction = which == SQL_BEGIN;
}

static void pg_start(struct db *db, enum sql which, const struct sql_value *v, int n)
{
    struct pg *s = pg_of(db);
    int alone = !s->in_transaction && which != SQL_COMMIT, ready = s->conn != NULL;

    pg_reset(db);
    s->row = -1;
    s->why.code = 0;
    db->again = 0;
    if (which == SQL_ROLLBACK && !s->in_transaction) { /* it went with the connection */
        s->torn = 0;
        return;
    }
    if (s->torn) {
        err_set(&s->why, ERR_IO, "the store of jobs: the connection broke");
        return;
    }
    if (ready)
        say(s, which, v, n);
    if (s->conn || !alone)
        return;
    s->torn = 0;
    struct err why = s->why;
    if (connect_again(s, &s->why)) {
        db->broke = ready;
        if (ready)
            s->why = why;
        return;
    }
    s->why.code = 0;
    say(s, which, v, n);
    db->again = ready;
}

static int pg_step(struct db *db, struct err *e)
{
    struct pg *s = pg_of(db);
    ExecStatusType status = PQresultStatus(s->result);

    if (s->why.code)
        return err_set(e, s->why.code, "%s", s->why.msg);
    if (!s->result)
        return 0;
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        return pg_fault(s->conn, s->result, e);
    return ++s->row < PQntuples(s->result);
}

static int pg_changes(struct db *db)
{
    return pg_of(db)->result ? atoi(PQcmdTuples(pg_of(db)->result)) : 0;
}

static int pg_in_transaction(struct db *db)
{
    return pg_of(db)->in_transaction;
}

static const char *text_at(struct db *db, int column)
{
    const struct pg *s = pg_of(db);

    return PQgetisnull(s->result, s->row, column) ? NULL : PQgetvalue(s->result, s->row, column);
}

static int64_t number_at(struct db *db, int column)
{
    const char *t = text_at(db, column);

    return t ? *t == 't' ? 1 : strtoll(t, NULL, 10) : 0;
}

static double real_at(struct db *db, int column)
{
    const char *t = text_at(db, column);

    return t ? strtod(t, NULL) : 0;
}

static void pg_watch_for(struct db *db, void (*fn)(void *arg, int64_t id), void *arg)
{
    struct pg *s = pg_of(db);

    pg_watch_free(&s->watch);
    if (fn)
        s->watch = pg_watch_new(s->url, &s->process, fn, arg);
}

static void pg_close(struct db **db)
{
    struct pg *s = pg_of(*db);

    pg_watch_free(&s->watch);
    pg_reset(*db);
    PQfinish(s->conn);
    for (int i = 0; i < N_SQL; i++)
        free(s->sql[i]);
    free(s->url);
    free(s);
    *db = NULL;
}

static const struct db_kind PG = {.start = pg_start,
                                  .step = pg_step,
                                  .changes = pg_changes,
                                  .reset = pg_reset,
                                  .in_transaction = pg_in_transaction,
                                  .text = text_at,
                                  .number = number_at,
                                  .real = real_at,
                                  .watch = pg_watch_for,
                                  .close = pg_close};

/* "?1" is "$1" here; no text of the statements has a question mark. */
static char *own_words(enum sql which)
{
    char *sql = xstrdup(jobs_sql_pg[which] ? jobs_sql_pg[which] : jobs_sql[which]);

    for (char *p = sql; (p = strchr(p, '?'));)
        *p = '$';
    return sql;
}

int db_open_pg(struct db **out, const char *url, struct err *e)
{
    struct pg *s = xcalloc(1, sizeof *s);
    int rc;

    s->db.kind = &PG;
    *out = &s->db;
    s->url = xstrdup(url);
    for (int i = 0; i < N_SQL; i++)
        s->sql[i] = own_words((enum sql)i);
    s->conn = pg_connect(url, e);
    rc = s->conn ? pg_schema(s->conn, e) : e->code;
    if (s->conn)
        atomic_store(&s->process, PQbackendPID(s->conn));
    if (rc)
        pg_close(out);
    return rc;
}
