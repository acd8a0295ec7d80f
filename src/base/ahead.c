#include "base/ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct ahead {
    struct ahead_config c;
    pthread_t *thread;
    int n_threads;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t made, taken;
    int64_t next_make, next_take;
    void **slot; /* [room]: thing i at i % room, NULL until it is made */
    int stop;
};

static void *make_things(void *arg)
{
    struct ahead *a = arg;
    pthread_mutex_lock(&a->lock);
    for (;;) {
        while (!a->stop && a->next_make < a->c.end && a->next_make >= a->next_take + a->c.room)
            pthread_cond_wait(&a->taken, &a->lock);
        if (a->stop || a->next_make >= a->c.end)
            break;
        int64_t i = a->next_make++;
        pthread_mutex_unlock(&a->lock);
        void *thing = a->c.make(a->c.arg, i);
        pthread_mutex_lock(&a->lock);
        a->slot[i % a->c.room] = thing;
        pthread_cond_signal(&a->made);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* Makers take no signals: those belong to the threads of the program. */
static void start_makers(struct ahead *a)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (a->n_threads < a->c.threads &&
           !pthread_create(&a->thread[a->n_threads], NULL, make_things, a))
        a->n_threads++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int ahead_new(struct ahead **out, const struct ahead_config *c, struct err *e)
{
    struct ahead *a = *out = xcalloc(1, sizeof *a);
    ZT_ASSERT(c->threads > 0 && c->room > 0);
    a->c = *c;
    a->next_make = a->next_take = c->first;
    a->slot = xcalloc((size_t)c->room, sizeof *a->slot);
    a->thread = xcalloc((size_t)c->threads, sizeof *a->thread);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->made, NULL);
    pthread_cond_init(&a->taken, NULL);
    start_makers(a);
    if (a->n_threads)
        return 0;
    ahead_free(out);
    return err_set(e, ERR_FIT,
                   "no thread is to be had for work ahead: out of memory, or too many run");
}

void *ahead_take(struct ahead *a)
{
    ZT_ASSERT(a->next_take < a->c.end);
    pthread_mutex_lock(&a->lock);
    void **slot = &a->slot[a->next_take % a->c.room], *thing;
    while (!(thing = *slot))
        pthread_cond_wait(&a->made, &a->lock);
    *slot = NULL;
    a->next_take++;
    pthread_cond_broadcast(&a->taken);
    pthread_mutex_unlock(&a->lock);
    return thing;
}

void ahead_free(struct ahead **ap)
{
    struct ahead *a = *ap;
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = 1;
    pthread_cond_broadcast(&a->taken);
    pthread_mutex_unlock(&a->lock);
    for (int i = 0; i < a->n_threads; i++)
        pthread_join(a->thread[i], NULL);
    for (int i = 0; i < a->c.room; i++)
        if (a->slot[i])
            a->c.drop(a->slot[i]);
    pthread_cond_destroy(&a->made);
    pthread_cond_destroy(&a->taken);
    pthread_mutex_destroy(&a->lock);
    free(a->slot);
    free(a->thread);
    free(a);
    *ap = NULL;
}
