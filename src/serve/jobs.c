#include "serve/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve/jobs_db.h"

/* ---- adding ---- */

/* One who adds, and waits for the transaction that his job is part of. */
struct adding {
    const struct job *j;
    int64_t id; /* 0: none yet */
    enum jobs_added how;
    struct job *out;
    struct err *e;
    int rc, done;
    struct adding *next;
};

/* 0: nothing is in the way, 1: *out is, or an error. */
static int find_same(struct jobs *s, struct adding *a)
{
    const struct job *j = a->j;
    enum jobs_added *how = &a->how;
    struct job *out = a->out;
    struct err *e = a->e;
    int rc = 0;

    *how = JOBS_NEW;
    if (a->id) /* it was written already, and the answer lost */
        rc = jobs_one(JOBS_BIND(s, SQL_BY_ID, SQL_INT(a->id), SQL_TEXT(NULL)), out, e);
    if (!rc && j->idem_key) {
        rc = jobs_one(JOBS_BIND(s, SQL_BY_KEY, SQL_TEXT(j->tenant), SQL_TEXT(j->idem_key)), out, e);
        if (rc > 0)
            *how = strcmp(out->params_sha, j->params_sha) ? JOBS_CONFLICT : JOBS_SAME;
    }
    if (!rc && j->external_id) {
        rc = jobs_one(JOBS_BIND(s, SQL_BY_EXTERNAL, SQL_TEXT(j->tenant), SQL_TEXT(j->external_id)),
                      out, e);
        *how = rc ? JOBS_TAKEN : JOBS_NEW;
    }
    return rc;
}

static int new_id(struct jobs *s, int64_t *id, struct err *e)
{
    struct db *st = JOBS_BIND(s, SQL_NEW_ID, SQL_INT(s->last_id));
    int rc = st->kind->step(st, e);

    if (rc > 0)
        *id = st->kind->number(st, 0);
    st->kind->reset(st);
    return rc < 0 ? rc : 0;
}

static int insert(struct jobs *s, struct adding *a)
{
    const struct job *j = a->j;
    struct err *e = a->e;
    int rc = a->id ? 0 : new_id(s, &a->id, e);
    int64_t id = a->id;

    if (rc)
        return rc;
    rc = jobs_run(JOBS_BIND(s, SQL_INSERT, SQL_INT(id), SQL_TEXT(j->tenant), SQL_TEXT(j->idem_key),
                            SQL_TEXT(j->external_id), SQL_TEXT(j->api), SQL_TEXT(j->model),
                            SQL_TEXT(j->params), SQL_TEXT(j->params_sha), SQL_TEXT(j->facts),
                            SQL_TEXT(j->first), SQL_TEXT(j->last), SQL_TEXT(j->callback),
                            SQL_INT(j->parent), SQL_INT(j->priority)),
                  e);
    if (rc < 0)
        return rc;
    if (id > s->last_id)
        s->last_id = id;
    rc = jobs_one(JOBS_BIND(s, SQL_BY_ID, SQL_INT(id), SQL_TEXT(NULL)), a->out, e);
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
        jobs_run(jobs_bind(s, SQL_ROLLBACK, NULL, 0), &ignored); /* where there is one to end */
        return rc < 0 ? rc : end;
    }
    return rc;
}

/* Another server may have written the same key in between: then it is found at the second look. */
static int add_one(struct jobs *s, struct adding *a)
{
    int rc = jobs_run(jobs_bind(s, SQL_SAVE, NULL, 0), a->e);
    struct err ignored;

    if (rc >= 0)
        rc = find_same(s, a);
    if (rc)
        return rc;
    rc = insert(s, a);
    if (rc < 0 && s->db->kind->in_transaction(s->db) &&
        jobs_run(jobs_bind(s, SQL_BACK, NULL, 0), &ignored) >= 0) {
        struct err why = *a->e;

        if (find_same(s, a) > 0)
            return 1;
        *a->e = why;
    }
    return rc;
}

static int add_list(struct jobs *s, struct adding *list, struct err *e)
{
    int rc = jobs_run(jobs_bind(s, SQL_BEGIN, NULL, 0), e);

    for (struct adding *a = list; a && rc >= 0; a = a->next) {
        a->rc = add_one(s, a);
        if (a->rc < 0 && !s->db->kind->in_transaction(s->db)) {
            *e = *a->e;
            rc = a->rc;
        }
    }
    return finish(s, rc, e);
}

/* All of the list in one transaction. A job that is refused spoils no other, as the database takes
 * back the one statement; where it takes back more, or the end fails, all of them have failed. When
 * the connection broke, nobody knows whether they have: they are added again, by the same ids. */
static void add_all(struct jobs *s, struct adding *list)
{
    struct err e = {0};
    int rc;

    pthread_mutex_lock(&s->lock);
    rc = add_list(s, list, &e);
    if (rc < 0 && s->db->broke) {
        for (struct adding *a = list; a; a = a->next)
            job_release(a->out);
        rc = add_list(s, list, &e);
    }
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

/* In a shared store a server's own jobs have its name in their owner's. A claim whose answer was
 * lost is found again by its number. */
int jobs_claim(struct jobs *s, const char *owner, struct job *out, struct err *e)
{
    int own = *s->me && !strncmp(owner, "local-", 6), rc = 0;
    char *full = own ? xasprintf("local-%s-%s", s->me, owner + 6) : xstrdup(owner);

    pthread_mutex_lock(&s->lock);
    if (s->claim_unsure)
        rc = jobs_one(JOBS_BIND(s, SQL_CLAIMED, SQL_TEXT(s->claim), SQL_TEXT(full)), out, e);
    s->claim_unsure &= rc < 0;
    if (!rc && (rc = jobs_run(jobs_bind(s, SQL_BEGIN, NULL, 0), e)) >= 0) {
        snprintf(s->claim, sizeof s->claim, "%s-%ld-%d", s->me, (long)getpid(), ++s->claims);
        rc = change_one(
            s, JOBS_BIND(s, SQL_CLAIM, SQL_TEXT(full), SQL_INT(s->lease_ms), SQL_TEXT(s->claim)),
            out, e);
        s->claim_unsure = rc < 0;
    }
    pthread_mutex_unlock(&s->lock);
    free(full);
    return rc;
}

int jobs_lapse(struct jobs *s, struct job *out, struct err *e)
{
    int rc;

    pthread_mutex_lock(&s->lock);
    rc = jobs_run(jobs_bind(s, SQL_BEGIN, NULL, 0), e);
    if (rc >= 0)
        rc = change_one(s, JOBS_BIND(s, SQL_LAPSE, SQL_INT(JOBS_CRASHES), SQL_INT(s->lease_ms)),
                        out, e);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

#define HELD(id, fence) SQL_INT(id), SQL_INT(fence)

int jobs_lease(struct jobs *s, double seconds, struct err *e)
{
    s->lease_ms = (int64_t)(seconds * 1000);
    int rc = JOBS_WRITE(s, e, SQL_ORPHANS, SQL_INT(s->lease_ms), SQL_TEXT(s->me));
    return rc < 0 ? rc : 0;
}

int jobs_beat(struct jobs *s, int64_t id, int64_t fence, int step, int steps, struct err *e)
{
    return JOBS_WRITE(s, e, SQL_BEAT, HELD(id, fence), SQL_INT(step), SQL_INT(steps),
                      SQL_INT(s->lease_ms));
}

int jobs_noted(struct jobs *s, int64_t id, int64_t fence, const char *facts, struct err *e)
{
    return JOBS_WRITE(s, e, SQL_NOTED, HELD(id, fence), SQL_TEXT(facts));
}

int jobs_finalizing(struct jobs *s, int64_t id, int64_t fence, struct err *e)
{
    return JOBS_WRITE(s, e, SQL_FINALIZING, HELD(id, fence), SQL_INT(s->lease_ms));
}

/* An end that this fence has written already is done: its answer was lost, or it is said again. */
static int ended(struct jobs *s, int rc, int64_t id, int64_t fence, enum job_state as,
                 const char *sha)
{
    int64_t n = 0;

    if (rc)
        return rc;
    (void)JOBS_NUMBERS(s, NULL, &n, 1, SQL_ENDED, SQL_INT(id), SQL_INT(fence),
                       SQL_TEXT(job_state_name(as)), SQL_TEXT(sha));
    return n > 0;
}

int jobs_succeed(struct jobs *s, int64_t id, int64_t fence, const char *result, const char *sha,
                 int64_t bytes, struct err *e)
{
    int rc = JOBS_WRITE(s, e, SQL_SUCCEED, HELD(id, fence), SQL_TEXT(result), SQL_TEXT(sha),
                        SQL_INT(bytes));

    return ended(s, rc, id, fence, JOB_SUCCEEDED, sha);
}

int jobs_fail(struct jobs *s, int64_t id, int64_t fence, const char *code, const char *msg,
              struct err *e)
{
    int rc = JOBS_WRITE(s, e, SQL_FAIL, HELD(id, fence), SQL_TEXT(code), SQL_TEXT(msg));

    return ended(s, rc, id, fence, JOB_FAILED, NULL);
}

int jobs_cancelled(struct jobs *s, int64_t id, int64_t fence, struct err *e)
{
    int rc = JOBS_WRITE(s, e, SQL_CANCELLED, HELD(id, fence));

    return ended(s, rc, id, fence, JOB_CANCELLED, NULL);
}

int jobs_requeue(struct jobs *s, int64_t id, int64_t fence, struct err *e)
{
    return JOBS_WRITE(s, e, SQL_REQUEUE, HELD(id, fence));
}

/* ---- the client's side ---- */

int jobs_cancel(struct jobs *s, const char *tenant, int64_t id, struct job *out, struct err *e)
{
    int rc, again;

    pthread_mutex_lock(&s->lock);
    rc = jobs_run(JOBS_BIND(s, SQL_CANCEL_QUEUED, SQL_INT(id), SQL_TEXT(tenant)), e);
    again = s->db->again;
    if (!rc) {
        rc = jobs_run(JOBS_BIND(s, SQL_CANCEL_RUNNING, SQL_INT(id), SQL_TEXT(tenant)), e);
        again |= s->db->again;
    }
    pthread_mutex_unlock(&s->lock);
    if (rc < 0 || (!rc && !again))
        return rc;
    int found = jobs_get(s, tenant, id, out, e);
    if (rc || found <= 0 || out->state == JOB_CANCELLED)
        return found;
    job_release(out); /* said twice, and for nothing */
    return 0;
}

int jobs_delete(struct jobs *s, const char *tenant, int64_t id, struct err *e)
{
    return JOBS_WRITE(s, e, SQL_DELETE, SQL_INT(id), SQL_TEXT(tenant));
}

int jobs_edit(struct jobs *s, const char *tenant, int64_t id, const char *params, const char *facts,
              struct err *e)
{
    return JOBS_WRITE(s, e, SQL_EDIT, SQL_INT(id), SQL_TEXT(tenant), SQL_TEXT(params),
                      SQL_TEXT(facts));
}

int jobs_expire(struct jobs *s, int64_t id, struct err *e)
{
    return JOBS_WRITE(s, e, SQL_EXPIRE, SQL_INT(id));
}

int jobs_note_done(struct jobs *s, const struct jobs_note *n, struct err *e)
{
    return JOBS_WRITE(s, e, SQL_NOTE_DONE, SQL_INT(n->job), SQL_TEXT(n->state));
}

int jobs_note_later(struct jobs *s, const struct jobs_note *n, int64_t delay_ms, struct err *e)
{
    return JOBS_WRITE(s, e, SQL_NOTE_LATER, SQL_INT(n->job), SQL_TEXT(n->state), SQL_INT(delay_ms));
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
    s->n_rank = 0;
    rc = jobs_run(JOBS_BIND(s, SQL_MOVE, SQL_INT(id), SQL_TEXT(tenant), SQL_REAL(place)), e);
    pthread_mutex_unlock(&s->lock);
    return rc;
}
