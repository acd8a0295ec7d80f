#include "serve/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "serve/jobs_sql.h"

int64_t jobs_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
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

static int take_lock(struct jobs *s, const char *dir, struct err *e)
{
    char *path = path_join(dir, "lock");
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int rc = 0;

    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        rc = err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    else if (fcntl(s->lock_fd, F_OFD_SETLK, &whole))
        rc = err_set(e, ERR_IO, "%s: another zoetrope serve has this folder", dir);
    free(path);
    return rc;
}

/* So that "failed: the disk is full" can always be written. */
static void hold_reserve(const struct jobs *s)
{
    enum { RESERVE_BYTES = 1 << 20 };
    int fd = open(s->reserve, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0) {
        (void)!posix_fallocate(fd, 0, RESERVE_BYTES); /* where there is room again */
        close(fd);
    }
}

static int number_of(struct jobs *s, const char *sql, int *out, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

    if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        *out = sqlite3_column_int(st, 0);
    else
        rc = SQLITE_ERROR;
    sqlite3_finalize(st);
    return rc == SQLITE_OK ? 0 : jobs_fault(s, e);
}

static int run_text(struct jobs *s, const char *sql, struct err *e)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : jobs_fault(s, e);
}

static int check_whole(struct jobs *s, const char *path, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL) != SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW)
        rc = err_set(e, ERR_FORMAT, "%s: %s", path, sqlite3_errmsg(s->db));
    else if (strcmp((const char *)sqlite3_column_text(st, 0), "ok"))
        rc = err_set(e, ERR_FORMAT, "%s: damaged: %s", path, sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    return rc;
}

static int make_schema(struct jobs *s, const char *path, struct err *e)
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

static int read_meta(struct jobs *s, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(s->db,
                           "SELECT value, (SELECT coalesce(max(id), 0) FROM job) FROM meta "
                           "WHERE key='secret'",
                           -1, &st, NULL) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW) {
        snprintf(s->secret, sizeof s->secret, "%s", sqlite3_column_text(st, 0));
        s->last_id = sqlite3_column_int64(st, 1);
    } else {
        rc = jobs_fault(s, e);
    }
    sqlite3_finalize(st);
    return rc;
}

static int prepare_all(struct jobs *s, struct err *e)
{
    for (int i = 0; i < N_SQL; i++)
        if (sqlite3_prepare_v3(s->db, jobs_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[i],
                               NULL) != SQLITE_OK)
            return jobs_fault(s, e);
    return 0;
}

/* Jobs that ran when the last server ended. */
static int take_back(struct jobs *s, struct err *e)
{
    int64_t now = jobs_now_ms();
    int rc = jobs_run(s, JOBS_BIND(s, SQL_LOST, SQL_INT(now), SQL_INT(JOBS_CRASHES)), e);

    if (rc >= 0)
        rc = jobs_run(s, JOBS_BIND(s, SQL_AGAIN, SQL_INT(now)), e);
    return rc < 0 ? rc : 0;
}

int jobs_open(struct jobs **out, const char *dir, struct err *e)
{
    struct jobs *s = xcalloc(1, sizeof *s);
    char *path = path_join(dir, "zoetrope.db");
    int rc = dir_make(dir, e);

    s->lock_fd = -1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->add_lock, NULL);
    pthread_cond_init(&s->added, NULL);
    s->add_end = &s->add_first;
    if (!rc && on_network(dir))
        rc = err_set(e, ERR_IO, "%s: on a network file system, whose locks do not hold", dir);
    if (!rc)
        rc = take_lock(s, dir, e);
    if (!rc && sqlite3_open_v2(path, &s->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
                               NULL) != SQLITE_OK)
        rc = err_set(e, ERR_IO, "%s: %s", path, sqlite3_errmsg(s->db));
    if (!rc)
        rc = make_schema(s, path, e);
    s->reserve = path_join(dir, "reserve");
    hold_reserve(s);
    if (!rc)
        rc = read_meta(s, e);
    if (!rc)
        rc = prepare_all(s, e);
    if (!rc)
        rc = take_back(s, e);
    free(path);
    if (rc)
        jobs_close(&s);
    *out = s;
    return rc;
}

void jobs_close(struct jobs **s)
{
    if (!*s)
        return;
    for (int i = 0; i < N_SQL; i++)
        sqlite3_finalize((*s)->stmt[i]);
    sqlite3_close((*s)->db);
    if ((*s)->lock_fd >= 0)
        close((*s)->lock_fd);
    free((*s)->reserve);
    pthread_mutex_destroy(&(*s)->lock);
    pthread_mutex_destroy(&(*s)->add_lock);
    pthread_cond_destroy(&(*s)->added);
    free(*s);
    *s = NULL;
}

const char *jobs_secret(const struct jobs *s)
{
    return s->secret;
}

/* ---- adding ---- */

/* 0: nothing is in the way, 1: *out is, or an error. */
static int find_same(struct jobs *s, const struct job *j, enum jobs_added *how, struct job *out,
                     struct err *e)
{
    int rc = 0;

    if (j->idem_key) {
        rc = jobs_one(s, JOBS_BIND(s, SQL_BY_KEY, SQL_TEXT(j->tenant), SQL_TEXT(j->idem_key)), out,
                      e);
        if (rc > 0)
            *how = strcmp(out->params_sha, j->params_sha) ? JOBS_CONFLICT : JOBS_SAME;
    }
    if (!rc && j->external_id) {
        rc = jobs_one(s,
                      JOBS_BIND(s, SQL_BY_EXTERNAL, SQL_TEXT(j->tenant), SQL_TEXT(j->external_id)),
                      out, e);
        *how = JOBS_TAKEN;
    }
    return rc;
}

static int insert(struct jobs *s, const struct job *j, struct job *out, struct err *e)
{
    int64_t now = jobs_now_ms(), id = now * 1000;
    int rc;

    if (id <= s->last_id) /* within a millisecond, or the clock was set back */
        id = s->last_id + 1;
    rc = jobs_run(s,
                  JOBS_BIND(s, SQL_INSERT, SQL_INT(id), SQL_TEXT(j->tenant), SQL_TEXT(j->idem_key),
                            SQL_TEXT(j->external_id), SQL_TEXT(j->api), SQL_TEXT(j->model),
                            SQL_TEXT(j->params), SQL_TEXT(j->params_sha), SQL_TEXT(j->facts),
                            SQL_TEXT(j->first), SQL_TEXT(j->last), SQL_TEXT(j->callback),
                            SQL_INT(j->parent), SQL_INT(now), SQL_INT(j->priority)),
                  e);
    if (rc < 0)
        return rc;
    s->last_id = id;
    rc = jobs_one(s, JOBS_BIND(s, SQL_BY_ID, SQL_INT(id), SQL_TEXT(NULL)), out, e);
    return rc > 0 ? 0 : rc < 0 ? rc : err_set(e, ERR_IO, "the store of jobs lost a row");
}

/* What one transaction has done becomes true, or nothing of it. */
static int finish(struct jobs *s, int rc, struct err *e)
{
    struct err ignored;
    int end = 0;

    if (rc >= 0)
        end = jobs_run(s, s->stmt[SQL_COMMIT], e);
    if (rc < 0 || end < 0) {
        if (!sqlite3_get_autocommit(s->db))
            jobs_run(s, s->stmt[SQL_ROLLBACK], &ignored);
        return rc < 0 ? rc : end;
    }
    return rc;
}

/* One who adds, and waits for the transaction that his job is part of. */
struct adding {
    const struct job *j;
    enum jobs_added how;
    struct job *out;
    struct err *e;
    int rc, done;
    struct adding *next;
};

static int add_one(struct jobs *s, struct adding *a)
{
    int rc;

    a->how = JOBS_NEW;
    rc = find_same(s, a->j, &a->how, a->out, a->e);
    if (rc)
        return rc;
    a->how = JOBS_NEW;
    return insert(s, a->j, a->out, a->e);
}

/* All of the list in one transaction. A job that is refused spoils no other, as SQLite takes back
 * the one statement; where it takes back more, or the end fails, all of them have failed. */
static void add_all(struct jobs *s, struct adding *list)
{
    struct err e = {0};
    int rc;

    pthread_mutex_lock(&s->lock);
    rc = jobs_run(s, s->stmt[SQL_BEGIN], &e);
    for (struct adding *a = list; a && rc >= 0; a = a->next) {
        a->rc = add_one(s, a);
        if (a->rc < 0 && sqlite3_get_autocommit(s->db)) {
            e = *a->e;
            rc = a->rc;
        }
    }
    rc = finish(s, rc, &e);
    pthread_mutex_unlock(&s->lock);
    for (struct adding *a = list; a && rc < 0; a = a->next) {
        a->rc = rc;
        *a->e = e;
    }
}

/* Who comes while others write waits; one of those who waited then writes for all of them: a disk
 * that syncs a hundred times in a second takes more than a hundred jobs. */
int jobs_add(struct jobs *s, const struct job *j, enum jobs_added *how, struct job *out,
             struct err *e)
{
    struct adding mine = {.j = j, .out = out, .e = e}, *list;

    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&s->add_lock);
    *s->add_end = &mine;
    /* cppcheck-suppress autoVariables ; it is out of the list before this call returns */
    s->add_end = &mine.next;
    while (s->adds && !mine.done)
        pthread_cond_wait(&s->added, &s->add_lock);
    if (!mine.done) {
        list = s->add_first;
        s->add_first = NULL;
        s->add_end = &s->add_first;
        s->adds = 1;
        pthread_mutex_unlock(&s->add_lock);
        add_all(s, list);
        pthread_mutex_lock(&s->add_lock);
        s->adds = 0;
        for (struct adding *a = list, *next; a; a = next) {
            next = a->next; /* who is told may go */
            a->done = 1;
        }
        pthread_cond_broadcast(&s->added);
    }
    pthread_mutex_unlock(&s->add_lock);
    *how = mine.how;
    if (mine.rc < 0)
        job_release(out);
    return mine.rc < 0 ? mine.rc : 0;
}

/* ---- the worker's side ---- */

int jobs_claim(struct jobs *s, const char *owner, struct job *out, struct err *e)
{
    int rc;

    pthread_mutex_lock(&s->lock);
    rc = jobs_run(s, s->stmt[SQL_BEGIN], e);
    if (rc >= 0) {
        rc = jobs_one(s, JOBS_BIND(s, SQL_CLAIM, SQL_TEXT(owner), SQL_INT(jobs_now_ms())), out, e);
        int claimed = rc > 0;
        rc = finish(s, rc, e);
        if (rc < 0 && claimed)
            job_release(out);
    }
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* What is bound stays bound over a reset. */
static int write_one(struct jobs *s, sqlite3_stmt *st, struct err *e)
{
    struct err why;
    int rc = jobs_run(s, st, &why);

    if (rc == ERR_FIT && !truncate(s->reserve, 0))
        rc = jobs_run(s, st, &why);
    if (rc < 0)
        err_set(e, why.code, "%s", why.msg);
    pthread_mutex_unlock(&s->lock);
    return rc;
}
/* A statement is bound and run under the lock; write_one gives it back. */
#define WRITE(s, e, which, ...)                                                                    \
    (pthread_mutex_lock(&(s)->lock), write_one(s, JOBS_BIND(s, which, __VA_ARGS__), e))
#define HELD(id, fence) SQL_INT(id), SQL_INT(fence), SQL_INT(jobs_now_ms())

int jobs_beat(struct jobs *s, int64_t id, int64_t fence, int step, int steps, struct err *e)
{
    return WRITE(s, e, SQL_BEAT, HELD(id, fence), SQL_INT(step), SQL_INT(steps));
}

int jobs_finalizing(struct jobs *s, int64_t id, int64_t fence, struct err *e)
{
    return WRITE(s, e, SQL_FINALIZING, HELD(id, fence));
}

int jobs_succeed(struct jobs *s, int64_t id, int64_t fence, const char *result, const char *sha,
                 int64_t bytes, struct err *e)
{
    return WRITE(s, e, SQL_SUCCEED, HELD(id, fence), SQL_TEXT(result), SQL_TEXT(sha),
                 SQL_INT(bytes));
}

int jobs_fail(struct jobs *s, int64_t id, int64_t fence, const char *code, const char *msg,
              struct err *e)
{
    return WRITE(s, e, SQL_FAIL, HELD(id, fence), SQL_TEXT(code), SQL_TEXT(msg));
}

int jobs_cancelled(struct jobs *s, int64_t id, int64_t fence, struct err *e)
{
    return WRITE(s, e, SQL_CANCELLED, HELD(id, fence));
}

int jobs_requeue(struct jobs *s, int64_t id, int64_t fence, struct err *e)
{
    return WRITE(s, e, SQL_REQUEUE, HELD(id, fence));
}

/* ---- the client's side ---- */

int jobs_cancel(struct jobs *s, const char *tenant, int64_t id, struct job *out, struct err *e)
{
    int64_t now = jobs_now_ms();
    int rc = WRITE(s, e, SQL_CANCEL_QUEUED, SQL_INT(id), SQL_TEXT(tenant), SQL_INT(now));

    if (!rc)
        rc = WRITE(s, e, SQL_CANCEL_RUNNING, SQL_INT(id), SQL_TEXT(tenant), SQL_INT(now));
    return rc > 0 ? jobs_get(s, tenant, id, out, e) : rc;
}

int jobs_delete(struct jobs *s, const char *tenant, int64_t id, struct err *e)
{
    return WRITE(s, e, SQL_DELETE, SQL_INT(id), SQL_TEXT(tenant));
}

int jobs_edit(struct jobs *s, const char *tenant, int64_t id, const char *params, const char *facts,
              struct err *e)
{
    return WRITE(s, e, SQL_EDIT, SQL_INT(id), SQL_TEXT(tenant), SQL_TEXT(params), SQL_TEXT(facts),
                 SQL_INT(jobs_now_ms()));
}

int jobs_expire(struct jobs *s, int64_t id, struct err *e)
{
    return WRITE(s, e, SQL_EXPIRE, SQL_INT(id), SQL_INT(jobs_now_ms()));
}

int jobs_note_done(struct jobs *s, const struct jobs_note *n, struct err *e)
{
    return WRITE(s, e, SQL_NOTE_DONE, SQL_INT(n->job), SQL_TEXT(n->state));
}

int jobs_note_later(struct jobs *s, const struct jobs_note *n, int64_t delay_ms, struct err *e)
{
    return WRITE(s, e, SQL_NOTE_LATER, SQL_INT(n->job), SQL_TEXT(n->state),
                 SQL_INT(jobs_now_ms() + delay_ms));
}

/* A place between the n-th waiting job and the one before it. */
static double place_between(struct jobs *s, int64_t id, int n)
{
    sqlite3_stmt *st = JOBS_BIND(s, SQL_PLACES, SQL_INT(id), SQL_INT(n ? n - 1 : 0));
    double first = (double)s->last_id, second;
    int found = sqlite3_step(st) == SQLITE_ROW;

    if (found)
        first = sqlite3_column_double(st, 0);
    second = first + 2000;
    if (n && found && sqlite3_step(st) == SQLITE_ROW)
        second = sqlite3_column_double(st, 0);
    sqlite3_reset(st);
    return n ? (found ? (first + second) / 2 : first + 1000) : first - 1000;
}

int jobs_move(struct jobs *s, const char *tenant, int64_t id, int n, struct err *e)
{
    sqlite3_stmt *st;
    double place;
    int rc;

    pthread_mutex_lock(&s->lock);
    place = place_between(s, id, n);
    st = JOBS_BIND(s, SQL_MOVE, SQL_INT(id), SQL_TEXT(tenant), SQL_INT(0), SQL_INT(jobs_now_ms()));
    sqlite3_bind_double(st, 3, place);
    rc = jobs_run(s, st, e);
    pthread_mutex_unlock(&s->lock);
    return rc;
}
