/* jobs_sqlite.c - the store in one file, zoetrope.db, that only this process opens. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/file.h"
#include "serve/jobs_db.h"

struct lite {
    struct db db;
    sqlite3 *sql;
    sqlite3_stmt *stmt[N_SQL];
    sqlite3_stmt *now; /* the statement that runs */
    int alone;         /* it is no part of a transaction */
    char *reserve;     /* a file whose room is given up when the disk is full */
};

static struct lite *lite_of(struct db *db)
{
    return (struct lite *)db;
}

/* ---- opening ---- */

/* Locks of network file systems are not what SQLite needs; magic numbers of statfs(2). */
static int on_network(const char *dir)
{
    static const unsigned long network[] = {0x6969, 0xff534d42, 0xfe534d42, 0x517b, 0x01021997};
    struct statfs f;

    if (statfs(dir, &f))
        return 0;
    for (size_t i = 0; i < sizeof network / sizeof *network; i++)
        if ((unsigned long)f.f_type == network[i])
            return 1;
    return 0;
}

/* So that "failed: the disk is full" can always be written. */
static void hold_reserve(const struct lite *s)
{
    enum { RESERVE_BYTES = 1 << 20 };
    int fd = open(s->reserve, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0) {
        (void)!posix_fallocate(fd, 0, RESERVE_BYTES); /* where there is room again */
        close(fd);
    }
}

static int fault(struct lite *s, struct err *e)
{
    int full = sqlite3_errcode(s->sql) == SQLITE_FULL || sqlite3_system_errno(s->sql) == ENOSPC;

    return err_set(e, full ? ERR_FIT : ERR_IO, "the store of jobs: %s", sqlite3_errmsg(s->sql));
}

static int number_of(struct lite *s, const char *sql, int *out, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->sql, sql, -1, &st, NULL);

    if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        *out = sqlite3_column_int(st, 0);
    else
        rc = SQLITE_ERROR;
    sqlite3_finalize(st);
    return rc == SQLITE_OK ? 0 : fault(s, e);
}

static int run_text(struct lite *s, const char *sql, struct err *e)
{
    return sqlite3_exec(s->sql, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fault(s, e);
}

static int check_whole(struct lite *s, const char *path, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(s->sql, "PRAGMA quick_check(1)", -1, &st, NULL) != SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW)
        rc = err_set(e, ERR_FORMAT, "%s: %s", path, sqlite3_errmsg(s->sql));
    else if (strcmp((const char *)sqlite3_column_text(st, 0), "ok"))
        rc = err_set(e, ERR_FORMAT, "%s: damaged: %s", path, sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    return rc;
}

static int make_schema(struct lite *s, const char *path, struct err *e)
{
    int version = 0, rc;

    rc = run_text(s,
                  "PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=EXTRA; PRAGMA mmap_size=0;"
                  "PRAGMA trusted_schema=OFF; PRAGMA busy_timeout=5000",
                  e);
    if (!rc)
        rc = check_whole(s, path, e);
    if (!rc)
        rc = number_of(s, "PRAGMA user_version", &version, e);
    if (rc)
        return rc;
    if (version > JOBS_VERSION)
        return err_set(e, ERR_FORMAT, "%s: of version %d; this program knows up to %d", path,
                       version, JOBS_VERSION);
    while (!rc && version < JOBS_VERSION) {
        rc = run_text(s, "BEGIN IMMEDIATE", e);
        if (!rc)
            rc = run_text(s, jobs_schema[version++], e);
        if (!rc)
            rc = run_text(s, "COMMIT", e);
    }
    return rc;
}

/* The clock of the statements, which PostgreSQL has of its own. */
static void now_ms(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n, (void)v;
    sqlite3_result_int64(c, jobs_now_ms());
}

static int prepare_all(struct lite *s, struct err *e)
{
    if (sqlite3_create_function(s->sql, "now_ms", 0, SQLITE_UTF8, NULL, now_ms, NULL, NULL))
        return fault(s, e);
    for (int i = 0; i < N_SQL; i++)
        if (jobs_sql[i] && sqlite3_prepare_v3(s->sql, jobs_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                              &s->stmt[i], NULL) != SQLITE_OK)
            return fault(s, e);
    return 0;
}

/* ---- statements ---- */

static void lite_start(struct db *db, enum sql which, const struct sql_value *v, int n)
{
    sqlite3_stmt *st = lite_of(db)->stmt[which];

    lite_of(db)->now = st;
    lite_of(db)->alone = sqlite3_get_autocommit(lite_of(db)->sql);
    sqlite3_reset(st);
    for (int i = 0; i < n && i < sqlite3_bind_parameter_count(st); i++)
        if (v[i].is_null)
            sqlite3_bind_null(st, i + 1);
        else if (v[i].kind == SQL_IS_TEXT)
            sqlite3_bind_text(st, i + 1, v[i].text, -1, SQLITE_TRANSIENT);
        else if (v[i].kind == SQL_IS_REAL)
            sqlite3_bind_double(st, i + 1, v[i].real);
        else
            sqlite3_bind_int64(st, i + 1, v[i].number);
}

/* A full disk: the reserve is given up for what stands alone, and for no new job. What is bound
 * stays bound. */
static int lite_step(struct db *db, struct err *e)
{
    struct lite *s = lite_of(db);
    struct err why = {0};
    int rc;

    if (!s->now)
        return 0;
    rc = sqlite3_step(s->now);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE && fault(s, &why) == ERR_FIT && s->alone &&
        !truncate(s->reserve, 0)) {
        sqlite3_reset(s->now);
        rc = sqlite3_step(s->now);
    }
    return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : fault(s, e);
}

static int lite_changes(struct db *db)
{
    return sqlite3_changes(lite_of(db)->sql);
}

static void lite_reset(struct db *db)
{
    sqlite3_reset(lite_of(db)->now);
}

static int lite_in_transaction(struct db *db)
{
    return !sqlite3_get_autocommit(lite_of(db)->sql);
}

static const char *lite_text(struct db *db, int column)
{
    return (const char *)sqlite3_column_text(lite_of(db)->now, column);
}

static int64_t lite_number(struct db *db, int column)
{
    return sqlite3_column_int64(lite_of(db)->now, column);
}

static double lite_real(struct db *db, int column)
{
    return sqlite3_column_double(lite_of(db)->now, column);
}

static void lite_close(struct db **db)
{
    struct lite *s = lite_of(*db);

    for (int i = 0; i < N_SQL; i++)
        sqlite3_finalize(s->stmt[i]);
    sqlite3_close(s->sql);
    free(s->reserve);
    free(s);
    *db = NULL;
}

static const struct db_kind LITE = {.start = lite_start,
                                    .step = lite_step,
                                    .changes = lite_changes,
                                    .reset = lite_reset,
                                    .in_transaction = lite_in_transaction,
                                    .text = lite_text,
                                    .number = lite_number,
                                    .real = lite_real,
                                    .close = lite_close};

int db_open_sqlite(struct db **out, const char *dir, struct err *e)
{
    struct lite *s = xcalloc(1, sizeof *s);
    char *path = path_join(dir, "zoetrope.db");
    int rc = 0;

    s->db.kind = &LITE;
    *out = &s->db;
    if (on_network(dir))
        rc = err_set(e, ERR_IO, "%s: on a network file system, whose locks do not hold", dir);
    if (!rc && sqlite3_open_v2(path, &s->sql,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
                               NULL) != SQLITE_OK)
        rc = err_set(e, ERR_IO, "%s: %s", path, sqlite3_errmsg(s->sql));
    if (!rc)
        rc = make_schema(s, path, e);
    s->reserve = path_join(dir, "reserve");
    hold_reserve(s);
    if (!rc)
        rc = prepare_all(s, e);
    free(path);
    if (rc)
        lite_close(out);
    return rc;
}
