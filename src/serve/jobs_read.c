/* jobs_read.c - what is asked of the store and changes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/jobs_db.h"

static int read_one(struct jobs *s, struct db *st, struct job *out, struct err *e)
{
    int rc = jobs_one(st, out, e);

    pthread_mutex_unlock(&s->lock);
    return rc;
}

int jobs_get(struct jobs *s, const char *tenant, int64_t id, struct job *out, struct err *e)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&s->lock);
    return read_one(s, JOBS_BIND(s, SQL_BY_ID, SQL_INT(id), SQL_TEXT(tenant)), out, e);
}

int jobs_held(struct jobs *s, int64_t id, int64_t fence, const char *owner, struct job *out,
              struct err *e)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&s->lock);
    return read_one(s, JOBS_BIND(s, SQL_HELD, SQL_INT(id), SQL_INT(fence), SQL_TEXT(owner)), out,
                    e);
}

int jobs_get_external(struct jobs *s, const char *tenant, const char *external, struct job *out,
                      struct err *e)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&s->lock);
    return read_one(s, JOBS_BIND(s, SQL_BY_EXTERNAL, SQL_TEXT(tenant), SQL_TEXT(external)), out, e);
}

int jobs_get_film(struct jobs *s, const char *tenant, const char *sha, struct job *out,
                  struct err *e)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&s->lock);
    return read_one(s, JOBS_BIND(s, SQL_BY_FILM, SQL_TEXT(tenant), SQL_TEXT(sha)), out, e);
}

int jobs_oldest_film(struct jobs *s, int64_t before_ms, struct job *out, struct err *e)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&s->lock);
    return read_one(s, JOBS_BIND(s, SQL_OLDEST_FILM, SQL_INT(before_ms)), out, e);
}

/* Jobs are read under the lock and handed out after it: fn may ask the store. */
int jobs_each(struct jobs *s, const struct jobs_list *l, void (*fn)(void *arg, struct job *j),
              void *arg, struct err *e)
{
    enum { MOST = 501 };
    int limit = l->limit < MOST ? l->limit : MOST, n = 0, rc = 0;
    struct job *all = xcalloc((size_t)limit + 1, sizeof *all);
    struct db *st;
    char states[80] = "", *wanted = l->states ? states : NULL;

    for (int i = 0; i <= JOB_CANCELLED; i++)
        if (l->states >> i & 1)
            strcat(states, job_state_name((enum job_state)i));

    pthread_mutex_lock(&s->lock);
    st = JOBS_BIND(s, l->ascending ? SQL_OLDEST : SQL_NEWEST, SQL_TEXT(l->tenant), SQL_TEXT(l->api),
                   SQL_INT(l->after), SQL_INT(limit), SQL_INT(l->offset), SQL_INT(l->from_ms),
                   SQL_INT(l->until_ms), SQL_TEXT(wanted));
    while (n < limit && (rc = st->kind->step(st, e)) > 0)
        jobs_row(st, &all[n++]);
    rc = rc < 0 ? rc : 0;
    st->kind->reset(st);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < n; i++) {
        if (!rc)
            fn(arg, &all[i]);
        job_release(&all[i]);
    }
    free(all);
    return rc ? rc : n;
}

/* ---- places of a long queue ----
 * The database counts those that come before: 1.4 ms for 10,000 that wait, for each call about one
 * of them. So a long queue is read once in a while, and places deep in it are looked up there. */

#define RANK_S 0.2
enum { DEEP = 256, RANK_MOST = 1 << 20, RANK_SHARE = 20 };

struct jobs_rank {
    int64_t priority, id;
    double place;
};

static int rank_before(const struct jobs_rank *a, const struct jobs_rank *b)
{
    if (a->priority != b->priority)
        return a->priority < b->priority;
    return a->place != b->place ? a->place < b->place : a->id < b->id;
}

static void read_rank(struct jobs *s)
{
    double begin = clock_s();
    int room = 0;
    struct db *st = JOBS_BIND(s, SQL_QUEUE, SQL_INT(RANK_MOST));

    s->n_rank = 0;
    while (st->kind->step(st, NULL) > 0) {
        if (s->n_rank == room)
            s->rank = xrealloc(s->rank, (size_t)(room = room ? 2 * room : 1024) * sizeof *s->rank);
        s->rank[s->n_rank++] = (struct jobs_rank){.id = st->kind->number(st, 0),
                                                  .priority = st->kind->number(st, 1),
                                                  .place = st->kind->real(st, 2)};
    }
    st->kind->reset(st);
    s->rank_s = clock_s();
    s->rank_took_s = s->rank_s - begin;
}

/* 1: it waits, and *own says where. */
static int place_of(struct jobs *s, int64_t id, struct jobs_rank *own)
{
    struct db *st = JOBS_BIND(s, SQL_PLACE, SQL_INT(id));
    int found = st->kind->step(st, NULL) > 0;

    if (found)
        *own = (struct jobs_rank){
            .id = id, .priority = st->kind->number(st, 0), .place = st->kind->real(st, 1)};
    st->kind->reset(st);
    return found;
}

/* As what was read has it; -1: that is too old, or the place is one to be counted. */
static int rank_of(const struct jobs *s, const struct jobs_rank *own)
{
    double most_s = RANK_SHARE * s->rank_took_s;
    int lo = 0, hi = s->n_rank;

    if (!hi || clock_s() - s->rank_s > (most_s > RANK_S ? most_s : RANK_S))
        return -1;
    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;

        if (rank_before(&s->rank[mid], own))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo >= DEEP ? lo : -1;
}

static int count_before(struct jobs *s, const struct jobs_rank *own)
{
    struct db *st =
        JOBS_BIND(s, SQL_POSITION, SQL_INT(own->priority), SQL_REAL(own->place), SQL_INT(own->id));
    int n = st->kind->step(st, NULL) > 0 ? (int)st->kind->number(st, 0) : -1;

    st->kind->reset(st);
    return n;
}

int jobs_position(struct jobs *s, int64_t id)
{
    struct jobs_rank own;
    int n = -1;

    pthread_mutex_lock(&s->lock);
    int found = place_of(s, id, &own);
    if (found)
        n = rank_of(s, &own);
    if (found && n < 0) {
        n = count_before(s, &own);
        if (n >= DEEP)
            read_rank(s);
    }
    pthread_mutex_unlock(&s->lock);
    return n;
}

int jobs_waiting(struct jobs *s, const char *tenant, int *his)
{
    int64_t n[2] = {0, 0};

    (void)JOBS_NUMBERS(s, NULL, n, 2, SQL_WAITING, SQL_TEXT(tenant));
    *his = (int)n[1];
    return (int)n[0];
}

int64_t jobs_films_bytes(struct jobs *s)
{
    int64_t n = 0;

    (void)jobs_numbers(s, SQL_FILMS_BYTES, NULL, 0, &n, 1, NULL);
    return n;
}

/* A store that does not answer is no reason to remove a film. */
int jobs_names_file(struct jobs *s, const char *name)
{
    int64_t n = 0;
    int rc = JOBS_NUMBERS(s, NULL, &n, 1, SQL_NAMES_FILE, SQL_TEXT(name));

    return rc < 0 || n != 0;
}

void jobs_counts(struct jobs *s, int64_t n[JOB_CANCELLED + 1])
{
    struct db *st;

    memset(n, 0, (JOB_CANCELLED + 1) * sizeof *n);
    pthread_mutex_lock(&s->lock);
    st = jobs_bind(s, SQL_COUNTS, NULL, 0);
    while (st->kind->step(st, NULL) > 0)
        for (int i = 0; i <= JOB_CANCELLED; i++)
            if (!strcmp(st->kind->text(st, 0), job_state_name(i)))
                n[i] = st->kind->number(st, 1);
    st->kind->reset(st);
    pthread_mutex_unlock(&s->lock);
}

int jobs_queue(struct jobs *s, int64_t *ids, int most)
{
    struct db *st;
    int n = 0;

    pthread_mutex_lock(&s->lock);
    st = JOBS_BIND(s, SQL_QUEUE, SQL_INT(most));
    while (n < most && st->kind->step(st, NULL) > 0)
        ids[n++] = st->kind->number(st, 0);
    st->kind->reset(st);
    pthread_mutex_unlock(&s->lock);
    return n;
}

double jobs_ahead_s(struct jobs *s, int n)
{
    struct db *st;
    double sum = 0;

    pthread_mutex_lock(&s->lock);
    st = JOBS_BIND(s, SQL_AHEAD, SQL_INT(n));
    if (st->kind->step(st, NULL) > 0)
        sum = st->kind->real(st, 0);
    st->kind->reset(st);
    pthread_mutex_unlock(&s->lock);
    return sum;
}

int jobs_note_next(struct jobs *s, const char *const busy[JOBS_BUSY], struct jobs_note *out,
                   struct err *e)
{
    struct sql_value v[JOBS_BUSY];
    struct db *st;
    int rc;

    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < JOBS_BUSY; i++)
        v[i] = SQL_TEXT(busy ? busy[i] : NULL);
    st = jobs_bind(s, SQL_NOTE_NEXT, v, JOBS_BUSY);
    rc = st->kind->step(st, e);
    if (rc > 0) {
        out->job = st->kind->number(st, 0);
        snprintf(out->state, sizeof out->state, "%s", st->kind->text(st, 1));
        out->attempts = (int)st->kind->number(st, 2);
    }
    st->kind->reset(st);
    pthread_mutex_unlock(&s->lock);
    return rc;
}
