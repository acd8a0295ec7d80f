/* jobs_read.c - what is asked of the store and changes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/jobs_sql.h"

static int read_one(struct jobs *s, sqlite3_stmt *st, struct job *out, struct err *e)
{
    int rc = jobs_one(s, st, out, e);

    pthread_mutex_unlock(&s->lock);
    return rc;
}

int jobs_get(struct jobs *s, const char *tenant, int64_t id, struct job *out, struct err *e)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&s->lock);
    return read_one(s, JOBS_BIND(s, SQL_BY_ID, SQL_INT(id), SQL_TEXT(tenant)), out, e);
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
    int limit = l->limit < MOST ? l->limit : MOST, n = 0, rc = SQLITE_DONE;
    struct job *all = xcalloc((size_t)limit + 1, sizeof *all);
    sqlite3_stmt *st;
    char states[80] = "", *wanted = l->states ? states : NULL;

    for (int i = 0; i <= JOB_CANCELLED; i++)
        if (l->states >> i & 1)
            strcat(states, job_state_name((enum job_state)i));

    pthread_mutex_lock(&s->lock);
    st = JOBS_BIND(s, l->ascending ? SQL_OLDEST : SQL_NEWEST, SQL_TEXT(l->tenant), SQL_TEXT(l->api),
                   SQL_INT(l->after), SQL_INT(limit), SQL_INT(l->offset), SQL_INT(l->from_ms),
                   SQL_INT(l->until_ms), SQL_TEXT(wanted));
    while (n < limit && (rc = sqlite3_step(st)) == SQLITE_ROW)
        jobs_row(st, &all[n++]);
    rc = n == limit || rc == SQLITE_DONE ? 0 : jobs_fault(s, e);
    sqlite3_reset(st);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < n; i++) {
        if (!rc)
            fn(arg, &all[i]);
        job_release(&all[i]);
    }
    free(all);
    return rc ? rc : n;
}

static int64_t read_number(struct jobs *s, sqlite3_stmt *st)
{
    int64_t n = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;

    sqlite3_reset(st);
    pthread_mutex_unlock(&s->lock);
    return n;
}

int jobs_position(struct jobs *s, int64_t id)
{
    pthread_mutex_lock(&s->lock);
    return (int)read_number(s, JOBS_BIND(s, SQL_POSITION, SQL_INT(id))) - 1;
}

int jobs_waiting(struct jobs *s, const char *tenant)
{
    pthread_mutex_lock(&s->lock);
    return (int)read_number(s, JOBS_BIND(s, SQL_WAITING, SQL_TEXT(tenant)));
}

int64_t jobs_films_bytes(struct jobs *s)
{
    pthread_mutex_lock(&s->lock);
    return read_number(s, s->stmt[SQL_FILMS_BYTES]);
}

int jobs_names_file(struct jobs *s, const char *name)
{
    pthread_mutex_lock(&s->lock);
    return (int)read_number(s, JOBS_BIND(s, SQL_NAMES_FILE, SQL_TEXT(name)));
}

void jobs_counts(struct jobs *s, int64_t n[JOB_CANCELLED + 1])
{
    sqlite3_stmt *st;

    memset(n, 0, (JOB_CANCELLED + 1) * sizeof *n);
    pthread_mutex_lock(&s->lock);
    st = s->stmt[SQL_COUNTS];
    while (sqlite3_step(st) == SQLITE_ROW)
        for (int i = 0; i <= JOB_CANCELLED; i++)
            if (!strcmp((const char *)sqlite3_column_text(st, 0), job_state_name(i)))
                n[i] = sqlite3_column_int64(st, 1);
    sqlite3_reset(st);
    pthread_mutex_unlock(&s->lock);
}

int jobs_queue(struct jobs *s, int64_t *ids, int most)
{
    sqlite3_stmt *st;
    int n = 0;

    pthread_mutex_lock(&s->lock);
    st = JOBS_BIND(s, SQL_QUEUE, SQL_INT(most));
    while (n < most && sqlite3_step(st) == SQLITE_ROW)
        ids[n++] = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    pthread_mutex_unlock(&s->lock);
    return n;
}

double jobs_ahead_s(struct jobs *s, int n)
{
    sqlite3_stmt *st;
    double sum = 0;

    pthread_mutex_lock(&s->lock);
    st = JOBS_BIND(s, SQL_AHEAD, SQL_INT(n));
    if (sqlite3_step(st) == SQLITE_ROW)
        sum = sqlite3_column_double(st, 0);
    sqlite3_reset(st);
    pthread_mutex_unlock(&s->lock);
    return sum;
}

int jobs_note_next(struct jobs *s, struct jobs_note *out, struct err *e)
{
    sqlite3_stmt *st;
    int rc;

    pthread_mutex_lock(&s->lock);
    st = JOBS_BIND(s, SQL_NOTE_NEXT, SQL_INT(jobs_now_ms()));
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        out->job = sqlite3_column_int64(st, 0);
        snprintf(out->state, sizeof out->state, "%s", sqlite3_column_text(st, 1));
        out->attempts = sqlite3_column_int(st, 2);
        rc = 1;
    } else {
        rc = rc == SQLITE_DONE ? 0 : jobs_fault(s, e);
    }
    sqlite3_reset(st);
    pthread_mutex_unlock(&s->lock);
    return rc;
}
