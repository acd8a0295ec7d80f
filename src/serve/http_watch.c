/* http_watch.c - absolute deadlines. libmicrohttpd ends a connection that is silent; one that sends
 * a byte each second it would hear for ever. A thread looks at all connections four times a second:
 * whose head or body is late is told 408 and shut. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "serve/http.h"

enum { IDLE_S = 60 }; /* between two requests of a connection */

struct link {
    int fd;
    enum link_phase phase;
    double since;
    struct link *next, *prev;
};

struct watch {
    pthread_t thread;
    pthread_mutex_t lock;
    struct link *first;
    double limit[4]; /* by phase; 0: none */
    void (*tick)(void *arg);
    void *arg;
    atomic_int stop;
};

static void end(struct link *l)
{
    static const char late[] = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n"
                               "Connection: close\r\n\r\n";

    if (l->phase != LINK_IDLE)
        (void)!send(l->fd, late, sizeof late - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(l->fd, SHUT_RDWR);
    l->phase = LINK_REPLY; /* said once */
}

static void *watch_main(void *arg)
{
    const struct timespec pause = {0, 250000000};
    struct watch *w = arg;

    while (!atomic_load(&w->stop)) {
        double now = clock_s();

        pthread_mutex_lock(&w->lock);
        for (struct link *l = w->first; l; l = l->next)
            if (w->limit[l->phase] > 0 && now - l->since > w->limit[l->phase])
                end(l);
        pthread_mutex_unlock(&w->lock);
        w->tick(w->arg);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

struct watch *watch_new(double head_s, double body_s, void (*tick)(void *arg), void *arg)
{
    struct watch *w = xcalloc(1, sizeof *w);

    pthread_mutex_init(&w->lock, NULL);
    w->limit[LINK_HEAD] = head_s;
    w->limit[LINK_BODY] = body_s;
    w->limit[LINK_IDLE] = IDLE_S;
    w->tick = tick;
    w->arg = arg;
    if (pthread_create(&w->thread, NULL, watch_main, w))
        panic("no thread for the deadlines of connections");
    return w;
}

void watch_free(struct watch **w)
{
    if (!*w)
        return;
    atomic_store(&(*w)->stop, 1);
    pthread_join((*w)->thread, NULL);
    pthread_mutex_destroy(&(*w)->lock);
    free(*w);
    *w = NULL;
}

struct link *watch_open(struct watch *w, int fd)
{
    struct link *l = xcalloc(1, sizeof *l);

    l->fd = fd;
    l->phase = LINK_HEAD;
    l->since = clock_s();
    pthread_mutex_lock(&w->lock);
    l->next = w->first;
    if (w->first)
        w->first->prev = l;
    w->first = l;
    pthread_mutex_unlock(&w->lock);
    return l;
}

void watch_close(struct watch *w, struct link *l)
{
    pthread_mutex_lock(&w->lock);
    *(l->prev ? &l->prev->next : &w->first) = l->next;
    if (l->next)
        l->next->prev = l->prev;
    pthread_mutex_unlock(&w->lock);
    free(l);
}

void watch_phase(struct watch *w, struct link *l, enum link_phase phase)
{
    pthread_mutex_lock(&w->lock);
    if (phase != LINK_HEAD || l->phase != LINK_HEAD) /* a head's time began with its connection */
        l->since = clock_s();
    l->phase = phase;
    pthread_mutex_unlock(&w->lock);
}
