#include "serve/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "serve/jobs_db.h"

int64_t jobs_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- opening ---- */

static int read_meta(struct jobs *s, struct err *e)
{
    struct db *st = jobs_bind(s, SQL_META, NULL, 0);
    int rc = st->kind->step(st, e);

    if (rc > 0) {
        snprintf(s->secret, sizeof s->secret, "%s", st->kind->text(st, 0));
        s->last_id = st->kind->number(st, 1);
    } else if (!rc) {
        rc = err_set(e, ERR_FORMAT, "the store of jobs has no secret");
    }
    st->kind->reset(st);
    return rc < 0 ? rc : 0;
}

/* Jobs that ran when the last server ended: its own are nobody's now, workers of other machines
 * could not be heard and get the time to say that they go on. */
static int take_back(struct jobs *s, struct err *e)
{
    struct job j;
    int rc = jobs_run(JOBS_BIND(s, SQL_ORPHANS, SQL_INT(s->lease_ms)), e);

    if (rc >= 0)
        while ((rc = jobs_lapse(s, &j, e)) > 0)
            job_release(&j);
    return rc;
}

int jobs_open(struct jobs **out, const char *dir, struct err *e)
{
    struct jobs *s = xcalloc(1, sizeof *s);
    int rc;

    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->add_lock, NULL);
    pthread_cond_init(&s->added, NULL);
    s->add_end = &s->add_first;
    s->lease_ms = JOBS_LEASE_MS;
    rc = db_open_sqlite(&s->db, dir, e);
    if (!rc)
        rc = read_meta(s, e);
    if (!rc)
        rc = take_back(s, e);
    if (rc)
        jobs_close(&s);
    *out = s;
    return rc;
}

void jobs_close(struct jobs **s)
{
    if (!*s)
        return;
    if ((*s)->db)
        (*s)->db->kind->close(&(*s)->db);
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
        rc = jobs_one(JOBS_BIND(s, SQL_BY_KEY, SQL_TEXT(j->tenant), SQL_TEXT(j->idem_key)), out, e);
        if (rc > 0)
            *how = strcmp(out->params_sha, j->params_sha) ? JOBS_CONFLICT : JOBS_SAME;
    }
    if (!rc && j->external_id) {
        rc = jobs_one(JOBS_BIND(s, SQL_BY_EXTERNAL, SQL_TEXT(j->tenant), SQL_TEXT(j->external_id)),
                      out, e);
        *how = JOBS_TAKEN;
    }
    return rc;
}

static int insert(struct jobs *s, const struct job *j, struct job *out, struct err *e)
{
    int64_t id = jobs_now_ms() * 1000;
    int rc;

    if (id <= s->last_id) /* within a millisecond, or the clock was set back */
        id = s->last_id + 1;
    rc = jobs_run(JOBS_BIND(s, SQL_INSERT, SQL_INT(id), SQL_TEXT(j->tenant), SQL_TEXT(j->idem_key),
                            SQL_TEXT(j->external_id), SQL_TEXT(j->api), SQL_TEXT(j->model),
                            SQL_TEXT(j->params), SQL_TEXT(j->params_sha), SQL_TEXT(j->facts),
                            SQL_TEXT(j->first), SQL_TEXT(j->last), SQL_TEXT(j->callback),
                            SQL_INT(j->parent), SQL_INT(j->priority)),
                  e);
    if (rc < 0)
        return rc;
    s->last_id = id;
    rc = jobs_one(JOBS_BIND(s, SQL_BY_ID, SQL_INT(id), SQL_TEXT(NULL)), out, e);
    return rc > 0 ? 0 : rc < 0 ? rc : err_set(e, ERR_IO, "the store of jobs lost a row");
}

/* What one transaction has done becomes true, or nothing of it. */
static int finish(struct jobs *s, int rc, struct err *e)
{
    struct err ignored;
    int end = 0;

    if (rc >= 0)
        end = jobs_run(jobs_bind(s, SQL_COMMIT, NULL, 0), e);
    if (rc < 0 || end < 0) {
        if (s->db->kind->in_transaction(s->db))
            jobs_run(jobs_bind(s, SQL_ROLLBACK, NULL, 0), &ignored);
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
    rc = jobs_run(jobs_bind(s, SQL_BEGIN, NULL, 0), &e);
    for (struct adding *a = list; a && rc >= 0; a = a->next) {
        a->rc = add_one(s, a);
        if (a->rc < 0 && !s->db->kind->in_transaction(s->db)) {
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

/* In a transaction that has begun: the job that the statement wrote. 1, 0 or an error. */
static int change_one(struct jobs *s, struct db *st, struct job *out, struct err *e)
{
    int rc = jobs_one(st, out, e), found = rc > 0;

    rc = finish(s, rc, e);
    if (rc < 0 && found)
        job_release(out);
    return rc;
}

int jobs_claim(struct jobs *s, const char *owner, struct job *out, struct err *e)
{
    int rc;

    pthread_mutex_lock(&s->lock);
    rc = jobs_run(jobs_bind(s, SQL_BEGIN, NULL, 0), e);
    if (rc >= 0)
        rc = change_one(s, JOBS_BIND(s, SQL_CLAIM, SQL_TEXT(owner), SQL_INT(s->lease_ms)), out, e);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

int jobs_lapse(struct jobs *s, struct job *out, struct err *e)
{
    int rc;

    pthread_mutex_lock(&s->lock);
    rc = jobs_run(jobs_bind(s, SQL_BEGIN, NULL, 0), e);
    if (rc >= 0)
        rc = change_one(s, JOBS_BIND(s, SQL_LAPSE, SQL_INT(JOBS_CRASHES)), out, e);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static int write_one(struct jobs *s, struct db *st, struct err *e)
{
    int rc = jobs_run(st, e);

    pthread_mutex_unlock(&s->lock);
    return rc;
}
/* A statement is bound and run under the lock; write_one gives it back. */
#define WRITE(s, e, which, ...)                                                                    \
    (pthread_mutex_lock(&(s)->lock), write_one(s, JOBS_BIND(s, which, __VA_ARGS__), e))
#define HELD(id, fence) SQL_INT(id), SQL_INT(fence)

int jobs_lease(struct jobs *s, double seconds, struct err *e)
{
    s->lease_ms = (int64_t)(seconds * 1000);
    int rc = WRITE(s, e, SQL_ORPHANS, SQL_INT(s->lease_ms));
    return rc < 0 ? rc : 0;
}

int jobs_beat(struct jobs *s, int64_t id, int64_t fence, int step, int steps, struct err *e)
{
    return WRITE(s, e, SQL_BEAT, HELD(id, fence), SQL_INT(step), SQL_INT(steps),
                 SQL_INT(s->lease_ms));
}

int jobs_finalizing(struct jobs *s, int64_t id, int64_t fence, struct err *e)
{
    return WRITE(s, e, SQL_FINALIZING, HELD(id, fence), SQL_INT(s->lease_ms));
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
    int rc = WRITE(s, e, SQL_CANCEL_QUEUED, SQL_INT(id), SQL_TEXT(tenant));

    if (!rc)
        rc = WRITE(s, e, SQL_CANCEL_RUNNING, SQL_INT(id), SQL_TEXT(tenant));
    return rc > 0 ? jobs_get(s, tenant, id, out, e) : rc;
}

int jobs_delete(struct jobs *s, const char *tenant, int64_t id, struct err *e)
{
    return WRITE(s, e, SQL_DELETE, SQL_INT(id), SQL_TEXT(tenant));
}

int jobs_edit(struct jobs *s, const char *tenant, int64_t id, const char *params, const char *facts,
              struct err *e)
{
    return WRITE(s, e, SQL_EDIT, SQL_INT(id), SQL_TEXT(tenant), SQL_TEXT(params), SQL_TEXT(facts));
}

int jobs_expire(struct jobs *s, int64_t id, struct err *e)
{
    return WRITE(s, e, SQL_EXPIRE, SQL_INT(id));
}

int jobs_note_done(struct jobs *s, const struct jobs_note *n, struct err *e)
{
    return WRITE(s, e, SQL_NOTE_DONE, SQL_INT(n->job), SQL_TEXT(n->state));
}

int jobs_note_later(struct jobs *s, const struct jobs_note *n, int64_t delay_ms, struct err *e)
{
    return WRITE(s, e, SQL_NOTE_LATER, SQL_INT(n->job), SQL_TEXT(n->state), SQL_INT(delay_ms));
}

/* A place between the n-th waiting job and the one before it. */
static double place_between(struct jobs *s, int64_t id, int n)
{
    struct db *st = JOBS_BIND(s, SQL_PLACES, SQL_INT(id), SQL_INT(n ? n - 1 : 0));
    double first = (double)s->last_id, second;
    int found = st->kind->step(st, NULL) > 0;

    if (found)
        first = st->kind->real(st, 0);
    second = first + 2000;
    if (n && found && st->kind->step(st, NULL) > 0)
        second = st->kind->real(st, 0);
    st->kind->reset(st);
    return n ? (found ? (first + second) / 2 : first + 1000) : first - 1000;
}

int jobs_move(struct jobs *s, const char *tenant, int64_t id, int n, struct err *e)
{
    double place;
    int rc;

    pthread_mutex_lock(&s->lock);
    place = place_between(s, id, n);
    rc = jobs_run(JOBS_BIND(s, SQL_MOVE, SQL_INT(id), SQL_TEXT(tenant), SQL_REAL(place)), e);
    pthread_mutex_unlock(&s->lock);
    return rc;
}
