/* jobs_pg_watch.c - what other servers change, as PostgreSQL tells it (LISTEN). It is a hint: those
 * who wait for work ask the store each second anyway. */
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve/jobs_pg.h"

enum { LOOK_MS = 1000 };

struct pg_watch {
    char *url;
    const atomic_int *own;
    void (*fn)(void *arg, int64_t id);
    void *arg;
    pthread_t thread;
    int wake[2];     /* a pipe; written when the thread is to end */
    int64_t seen_ms; /* by the clock of the database; 0: not yet */
};

/* 1: the thread is to end. */
static int rest(struct pg_watch *w, int fd)
{
    struct pollfd p[2] = {{.fd = w->wake[0], .events = POLLIN}, {.fd = fd, .events = POLLIN}};

    poll(p, fd < 0 ? 1 : 2, LOOK_MS);
    return p[0].revents != 0;
}

/* What changed while nobody listened. */
static int catch_up(struct pg_watch *w, PGconn *c)
{
    char *sql =
        xasprintf("SELECT id FROM job WHERE updated_at>=%lld ORDER BY updated_at LIMIT 1000",
                  (long long)w->seen_ms);
    PGresult *r = PQexec(c, sql);
    int rc = PQresultStatus(r) == PGRES_TUPLES_OK ? 0 : -1;

    for (int i = 0; !rc && i < PQntuples(r); i++)
        w->fn(w->arg, strtoll(PQgetvalue(r, i, 0), NULL, 10));
    PQclear(r);
    free(sql);
    return rc;
}

static int listen_on(struct pg_watch *w, PGconn *c)
{
    PGresult *r = PQexec(c, "LISTEN zoetrope");
    int rc = PQresultStatus(r) == PGRES_COMMAND_OK ? 0 : -1;

    PQclear(r);
    return rc || !w->seen_ms ? rc : catch_up(w, c);
}

/* Until the connection breaks. 1: the thread is to end. */
static int hear(struct pg_watch *w, PGconn *c)
{
    PGnotify *n;
    struct err e;

    while (!pg_number(c, "SELECT now_ms()", &w->seen_ms, &e)) {
        while ((n = PQnotifies(c))) {
            if (n->be_pid != atomic_load(w->own))
                w->fn(w->arg, strtoll(n->extra, NULL, 10));
            PQfreemem(n);
        }
        if (rest(w, PQsocket(c)))
            return 1;
        if (!PQconsumeInput(c))
            break;
    }
    return 0;
}

static void *watch_main(void *arg)
{
    struct pg_watch *w = arg;
    struct err e;
    int over = 0;

    while (!over) {
        PGconn *c = pg_connect(w->url, &e);
        if (c && !listen_on(w, c))
            over = hear(w, c);
        PQfinish(c);
        over = over || rest(w, -1);
    }
    return NULL;
}

struct pg_watch *pg_watch_new(const char *url, const atomic_int *own,
                              void (*fn)(void *arg, int64_t id), void *arg)
{
    struct pg_watch *w = xcalloc(1, sizeof *w);

    w->url = xstrdup(url);
    w->own = own;
    w->fn = fn;
    w->arg = arg;
    if (pipe(w->wake) || pthread_create(&w->thread, NULL, watch_main, w))
        panic("no thread for what other servers change");
    return w;
}

void pg_watch_free(struct pg_watch **watch)
{
    struct pg_watch *w = *watch;

    if (!w)
        return;
    (void)!write(w->wake[1], "", 1);
    pthread_join(w->thread, NULL);
    close(w->wake[0]);
    close(w->wake[1]);
    free(w->url);
    free(w);
    *watch = NULL;
}
