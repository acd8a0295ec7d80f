#include "serve/slow.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "serve/call.h"

/* More than cores: those who wait for the disk share its next sync (jobs.c). */
enum { THREADS = 16, WAITING = 256, PARKED = 256 };

struct slow {
    pthread_t thread[THREADS];
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct call *wait[WAITING]; /* a ring */
    int first, n, stop;
    struct call *parked[PARKED];
    int n_parked;
    unsigned wakes;
    void (*run)(struct call *c);
    void (*done)(struct call *c);
};

static void push(struct slow *s, struct call *c)
{
    s->wait[(s->first + s->n++) % WAITING] = c;
    pthread_cond_signal(&s->wake);
}

/* A call that found no work waits for some, unless there was some meanwhile. 0: nobody may wait. */
static int park(struct slow *s, struct call *c, unsigned wakes)
{
    if (!c->again)
        return 0;
    if (s->wakes != wakes && s->n < WAITING)
        push(s, c);
    else if (s->n_parked < PARKED)
        s->parked[s->n_parked++] = c;
    else
        return 0;
    return 1;
}

static void *slow_main(void *arg)
{
    struct slow *s = arg;

    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->n && !s->stop)
            pthread_cond_wait(&s->wake, &s->lock);
        if (!s->n)
            break;
        struct call *c = s->wait[s->first];
        s->first = (s->first + 1) % WAITING;
        s->n--;
        unsigned wakes = s->wakes;
        pthread_mutex_unlock(&s->lock);
        s->run(c);
        pthread_mutex_lock(&s->lock);
        if (!s->stop && park(s, c, wakes))
            continue;
        pthread_mutex_unlock(&s->lock);
        s->done(c);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

struct slow *slow_new(void (*run)(struct call *c), void (*done)(struct call *c))
{
    struct slow *s = xcalloc(1, sizeof *s);

    s->run = run;
    s->done = done;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&s->thread[i], NULL, slow_main, s))
            panic("no thread for the calls of clients");
    return s;
}

static void unpark(struct slow *s, int all)
{
    double now = clock_s();
    int left = 0;

    for (int i = 0; i < s->n_parked; i++)
        if ((all || now >= s->parked[i]->wait_until) && s->n < WAITING)
            push(s, s->parked[i]);
        else
            s->parked[left++] = s->parked[i];
    s->n_parked = left;
}

void slow_wake(struct slow *s)
{
    pthread_mutex_lock(&s->lock);
    s->wakes++;
    unpark(s, 1);
    pthread_mutex_unlock(&s->lock);
}

void slow_look(struct slow *s)
{
    pthread_mutex_lock(&s->lock);
    unpark(s, 0);
    pthread_mutex_unlock(&s->lock);
}

void slow_stop(struct slow *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = 1;
    unpark(s, 1);
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < THREADS; i++)
        pthread_join(s->thread[i], NULL);
}

void slow_free(struct slow **slow)
{
    struct slow *s = *slow;

    if (!s)
        return;
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
    *slow = NULL;
}

int slow_add(struct slow *s, struct call *c)
{
    int rc = -1;

    pthread_mutex_lock(&s->lock);
    if (s->n < WAITING && !s->stop) {
        push(s, c);
        rc = 0;
    }
    pthread_mutex_unlock(&s->lock);
    return rc;
}
