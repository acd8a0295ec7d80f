/* thread.c - the pool: workers sleep until a job is posted, then draw item numbers from a counter.
 */
#include "base/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct threads {
    int n;
    pthread_t *thread;    /* n - 1 */
    pthread_mutex_t turn; /* one threads_run at a time, when several threads share the pool */
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t posted, finished;
    unsigned long job; /* number of the current job */
    int open;          /* workers may still join it */
    int busy;          /* workers that joined and have not left */
    int stop;

    atomic_int next; /* the next item */
    int n_items;
    void (*fn)(void *arg, int item, int worker);
    void *arg;
};

struct worker {
    struct threads *th;
    int id;
};

static _Thread_local int inside; /* this thread is running an item */

static void run_items(struct threads *th, int worker)
{
    int i;

    inside++;
    while ((i = atomic_fetch_add_explicit(&th->next, 1, memory_order_relaxed)) < th->n_items)
        th->fn(th->arg, i, worker);
    inside--;
}

static void *worker_main(void *arg)
{
    struct worker w = *(struct worker *)arg;
    struct threads *th = w.th;
    unsigned long seen = 0;

    free(arg);
    pthread_mutex_lock(&th->lock);
    for (;;) {
        while (!th->stop && th->job == seen)
            pthread_cond_wait(&th->posted, &th->lock);
        if (th->stop)
            break;
        seen = th->job;
        if (!th->open)
            continue;
        th->busy++;
        pthread_mutex_unlock(&th->lock);
        run_items(th, w.id);
        pthread_mutex_lock(&th->lock);
        if (--th->busy == 0)
            pthread_cond_signal(&th->finished);
    }
    pthread_mutex_unlock(&th->lock);
    return NULL;
}

/* Workers take no signals: those belong to the threads of the program. Fewer threads than asked for
 * only cost time, so a refused thread is no error. */
static void start_workers(struct threads *th, int n)
{
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (int i = 1; i < n; i++) {
        struct worker *w = xmalloc(sizeof *w);

        *w = (struct worker){th, i};
        if (pthread_create(&th->thread[i - 1], NULL, worker_main, w)) {
            free(w);
            break;
        }
        th->n++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

struct threads *threads_new(int n)
{
    struct threads *th = xcalloc(1, sizeof *th);

    ZT_ASSERT(n >= 1);
    th->thread = xcalloc((size_t)n, sizeof *th->thread);
    pthread_mutex_init(&th->turn, NULL);
    pthread_mutex_init(&th->lock, NULL);
    pthread_cond_init(&th->posted, NULL);
    pthread_cond_init(&th->finished, NULL);
    th->n = 1;
    start_workers(th, n);
    return th;
}

void threads_free(struct threads **thp)
{
    struct threads *th = *thp;

    if (!th)
        return;
    pthread_mutex_lock(&th->lock);
    th->stop = 1;
    pthread_cond_broadcast(&th->posted);
    pthread_mutex_unlock(&th->lock);
    for (int i = 0; i < th->n - 1; i++)
        pthread_join(th->thread[i], NULL);
    pthread_cond_destroy(&th->finished);
    pthread_cond_destroy(&th->posted);
    pthread_mutex_destroy(&th->lock);
    pthread_mutex_destroy(&th->turn);
    free(th->thread);
    free(th);
    *thp = NULL;
}

int threads_count(const struct threads *th)
{
    return th ? th->n : 1;
}

void threads_run(struct threads *th, int n_items, void (*fn)(void *arg, int item, int worker),
                 void *arg)
{
    if (!th || th->n == 1 || n_items <= 1 || inside) {
        for (int i = 0; i < n_items; i++)
            fn(arg, i, 0);
        return;
    }
    pthread_mutex_lock(&th->turn);
    pthread_mutex_lock(&th->lock);
    th->fn = fn;
    th->arg = arg;
    th->n_items = n_items;
    atomic_store_explicit(&th->next, 0, memory_order_relaxed);
    th->open = 1;
    th->job++;
    for (int i = 1; i < n_items && i < th->n; i++)
        pthread_cond_signal(&th->posted);
    pthread_mutex_unlock(&th->lock);

    run_items(th, 0);

    pthread_mutex_lock(&th->lock);
    th->open = 0;
    while (th->busy)
        pthread_cond_wait(&th->finished, &th->lock);
    pthread_mutex_unlock(&th->lock);
    pthread_mutex_unlock(&th->turn);
}
