#include "base/relay.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct relay {
    int (*take)(void *arg, void *thing, struct err *e);
    void *arg;
    char *memory; /* [room][bytes] */
    size_t bytes;
    int room;
    pthread_t thread;
    int apart; /* 0: there is no thread */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* of all below */
    int passed, taken;      /* things so far */
    int end;                /* no more come */
    int rc;
    struct err e;
};

static char *thing(struct relay *r, int i)
{
    return r->memory + (size_t)(i % r->room) * r->bytes;
}

static void *take_all(void *arg)
{
    struct relay *r = arg;

    pthread_mutex_lock(&r->lock);
    for (;;) {
        while (!r->end && r->taken == r->passed)
            pthread_cond_wait(&r->changed, &r->lock);
        if (r->taken == r->passed || r->rc)
            break;
        pthread_mutex_unlock(&r->lock);
        int rc = r->take(r->arg, thing(r, r->taken), &r->e);
        pthread_mutex_lock(&r->lock);
        r->taken++;
        r->rc = rc;
        pthread_cond_signal(&r->changed);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

int relay_new(struct relay **out, int room, size_t bytes,
              int (*take)(void *arg, void *thing, struct err *e), void *arg, struct err *e)
{
    struct relay *r = xcalloc(1, sizeof *r);
    sigset_t all, old;

    *out = NULL;
    *r = (struct relay){.take = take, .arg = arg, .bytes = bytes, .room = room};
    r->memory = try_malloc((size_t)room * bytes, e, "what is passed on");
    if (!r->memory) {
        free(r);
        return ERR_FIT;
    }
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    sigfillset(&all); /* signals belong to the threads of the program */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r->apart = !pthread_create(&r->thread, NULL, take_all, r);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    *out = r;
    return 0;
}

void *relay_room(struct relay *r)
{
    int rc;

    pthread_mutex_lock(&r->lock);
    while (!r->rc && r->passed - r->taken == r->room)
        pthread_cond_wait(&r->changed, &r->lock);
    rc = r->rc;
    pthread_mutex_unlock(&r->lock);
    return rc ? NULL : thing(r, r->passed);
}

void relay_pass(struct relay *r)
{
    if (!r->apart) {
        r->rc = r->take(r->arg, thing(r, r->passed), &r->e);
        return;
    }
    pthread_mutex_lock(&r->lock);
    r->passed++;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

int relay_end(struct relay **out, struct err *e)
{
    struct relay *r = *out;
    int rc;

    if (!r)
        return 0;
    pthread_mutex_lock(&r->lock);
    r->end = 1;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    if (r->apart)
        pthread_join(r->thread, NULL);
    rc = r->rc;
    if (rc)
        *e = r->e;
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r->memory);
    free(r);
    *out = NULL;
    return rc;
}
