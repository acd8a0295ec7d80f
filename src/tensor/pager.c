/* pager.c - weights that lie mapped in their files and are more than may be in memory at a time.
 *
 * As many groups (blocks of a network) as fit stay, spread evenly. The pages of the others are let
 * go once their group was used, and a thread touches those of the next one meanwhile. Pages of
 * files are never written, so nothing is swapped out; one that is missing is brought by whoever
 * reads it, so a pager that is wrong costs time and never bits. What it lets go stays in the
 * system's cache for as long as there is room.
 */
#define _DEFAULT_SOURCE /* madvise */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tensor/inner.h"

enum {
    PIECE = 1 << 20,   /* touched at a time; who wants the lock waits for one */
    AHEAD = 128 << 10, /* the system reads no more than this for one MADV_WILLNEED */
    TABLE_BYTES =
        32 << 20 /* most that 512 rows make resident, each 64 KiB that the system maps around */
};

/* Bytes of pages, by group. */
struct pages {
    int n; /* groups 1..n */
    uint64_t *bytes;
    uint64_t slot, all; /* of the largest group; of all that count */
};

struct pager {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    const struct weight_set *set;
    struct pages pages;
    uint64_t limit; /* 0: none */
    atomic_int on;
    int running, stop;
    int now, next;    /* the group in use, and the one that is brought; 0: none */
    char *waits, *in; /* by group: is it let go? may it be in memory? */
};

static uint64_t page_bytes(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The pages that hold some of w. */
static uint64_t range_of(const struct weight *w, char **from)
{
    uintptr_t page = (uintptr_t)page_bytes(), at = (uintptr_t)w->data;
    uintptr_t end = at + weight_data_bytes(w);

    *from = (char *)w->data - at % page;
    return (end + page - 1) / page * page - (at - at % page);
}

uint64_t weight_unread_bytes(const struct weight *w)
{
    char *from;
    uint64_t bytes = w->table && w->owner == OWNER_FILE ? range_of(w, &from) : 0;

    return bytes > TABLE_BYTES ? bytes - TABLE_BYTES : 0;
}

static void pages_measure(struct pages *p, const struct weight_set *s)
{
    char *from;

    *p = (struct pages){0};
    for (int i = 0; i < s->n; i++)
        p->n = s->all[i]->group > p->n ? s->all[i]->group : p->n;
    p->bytes = xcalloc((size_t)p->n + 1, sizeof *p->bytes);
    for (int i = 0; i < s->n; i++) {
        const struct weight *w = s->all[i];
        uint64_t bytes = w->owner == OWNER_FILE ? range_of(w, &from) : 0;

        bytes -= weight_unread_bytes(w);
        p->bytes[w->group] += bytes;
        p->all += bytes;
    }
    for (int g = 1; g <= p->n; g++)
        p->slot = p->bytes[g] > p->slot ? p->bytes[g] : p->slot;
}

/* How many groups stay beside the two that come and go; negative: there is no room for those. */
static int keeps(const struct pages *p, uint64_t limit)
{
    uint64_t least = p->bytes[0] + 2 * p->slot;

    if (p->all <= limit)
        return p->n;
    if (p->n < 3 || limit < least || !p->slot)
        return -1;
    return (int)((limit - least) / p->slot);
}

uint64_t weight_set_resident(const struct weight_set *s, uint64_t limit)
{
    struct pages p;

    pages_measure(&p, s);
    int keep = keeps(&p, limit);
    uint64_t bytes = p.bytes[0] + (2 + (uint64_t)(keep < 0 ? 0 : keep)) * p.slot;
    free(p.bytes);
    return !p.n ? UINT64_MAX : p.n < 3 || bytes > p.all ? p.all : bytes;
}

static void let_go(const struct weight *w)
{
    char *from;
    uint64_t bytes = range_of(w, &from);

    madvise(from, bytes, MADV_DONTNEED);
}

static void let_group_go(struct pager *p, int group)
{
    for (int i = 0; i < p->set->n; i++)
        if (p->set->all[i]->group == group && p->set->all[i]->owner == OWNER_FILE)
            let_go(p->set->all[i]);
    p->in[group] = 0;
}

/* The pages at `from` become this process's. */
static void touch(const char *from, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += page_bytes())
        (void)*(const volatile char *)(from + at);
}

/* Brings w, for as long as its group is wanted; the lock is held, but between pieces. */
static void bring(struct pager *p, const struct weight *w)
{
    char *from;
    uint64_t bytes = range_of(w, &from);

    for (uint64_t at = 0; at < bytes; at += AHEAD)
        madvise(from + at, bytes - at < AHEAD ? bytes - at : AHEAD, MADV_WILLNEED);
    for (uint64_t at = 0; at < bytes && !p->stop && p->next == w->group; at += PIECE) {
        touch(from + at, bytes - at < PIECE ? bytes - at : PIECE);
        pthread_mutex_unlock(&p->lock);
        pthread_mutex_lock(&p->lock);
    }
}

static void *read_ahead(void *arg)
{
    struct pager *p = arg;
    int done = 0;

    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        int group = p->next;

        if (!group || group == done) {
            done = group;
            pthread_cond_wait(&p->wake, &p->lock);
            continue;
        }
        for (int i = 0; i < p->set->n && p->next == group; i++)
            if (p->set->all[i]->group == group && p->set->all[i]->owner == OWNER_FILE)
                bring(p, p->set->all[i]);
        done = group;
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Without a thread the products bring their pages themselves. Signals belong to the program's. */
static void start(struct pager *p)
{
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    p->running = !pthread_create(&p->thread, NULL, read_ahead, p);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void pager_new(struct weight_set *s)
{
    struct pager *p = xcalloc(1, sizeof *p);

    p->set = s;
    pages_measure(&p->pages, s);
    p->waits = xcalloc((size_t)p->pages.n + 1, 1);
    p->in = xcalloc((size_t)p->pages.n + 1, 1);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    s->pager = p;
    weight_set_limit(s, s->budget_bytes);
}

void pager_free(struct weight_set *s)
{
    struct pager *p = s->pager;

    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = 1;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    if (p->running)
        pthread_join(p->thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    free(p->pages.bytes);
    free(p->waits);
    free(p->in);
    free(p);
    s->pager = NULL;
}

void weight_set_limit(struct weight_set *s, uint64_t limit)
{
    struct pager *p = s->pager;

    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    int keep = limit ? keeps(&p->pages, limit) : p->pages.n, n = p->pages.n;
    keep = keep < 0 ? 0 : keep;
    p->limit = limit;
    for (int g = 1; g <= n; g++)
        p->waits[g] = (char)(keep < n && stream_waits(g, n, keep));
    atomic_store(&p->on, limit > 0);
    if (keep < n && !p->running)
        start(p);
    pthread_mutex_unlock(&p->lock);
    if (limit)
        pager_rest(p);
}

void pager_rest(struct pager *p)
{
    if (!atomic_load(&p->on))
        return;
    pthread_mutex_lock(&p->lock);
    p->now = p->next = 0;
    for (int g = 0; g <= p->pages.n; g++)
        let_group_go(p, g);
    pthread_mutex_unlock(&p->lock);
}

void weight_looked_at(const struct weight_set *s, const struct weight *w)
{
    enum { STAYS = 3 << 19 }; /* bytes: fewer are not worth the faults */
    char *from;

    if (range_of(w, &from) > STAYS || weight_unread_bytes(w) ||
        (s->pager && atomic_load(&s->pager->on)))
        let_go(w);
}

static int next_waiting(const struct pager *p, int group)
{
    for (int i = 0; i + 1 < p->pages.n; i++) {
        int g = (group + i) % p->pages.n + 1;

        if (p->waits[g])
            return g;
    }
    return 0;
}

void pager_enter(struct cx *cx, const struct weight_set *s, int group)
{
    struct pager *p = s->pager;

    if (cx->pager && cx->pager != p)
        pager_rest(cx->pager); /* another network's turn */
    cx->pager = p;
    if (!p || !atomic_load(&p->on))
        return;
    pthread_mutex_lock(&p->lock);
    p->now = group;
    p->next = next_waiting(p, group);
    for (int g = 1; g <= p->pages.n; g++)
        if (p->in[g] && p->waits[g] && g != p->now && g != p->next)
            let_group_go(p, g);
    p->in[p->now] = p->in[p->next] = 1;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}
