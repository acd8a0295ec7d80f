#include "serve/board.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { CHANGES = 1024 };

struct change {
    int64_t id;
    const char *tenant;
    uint64_t number; /* 0: free */
};

struct board {
    pthread_mutex_t lock;
    struct change change[CHANGES];
    struct live live[BOARD_LIVES]; /* id 0: free */
    uint64_t number;
    void (*changed)(void *arg);
    void *arg;
};

struct board *board_new(uint64_t now_ms, void (*changed)(void *arg), void *arg)
{
    struct board *b = xcalloc(1, sizeof *b);

    pthread_mutex_init(&b->lock, NULL);
    b->number = now_ms * 1000; /* so that numbers grow over servers too */
    b->changed = changed;
    b->arg = arg;
    return b;
}

void board_free(struct board **b)
{
    if (!*b)
        return;
    pthread_mutex_destroy(&(*b)->lock);
    free(*b);
    *b = NULL;
}

/* The entry of the job, or the one that has not changed for longest. */
static void note(struct board *b, int64_t id, const char *tenant)
{
    struct change *at = &b->change[0];

    for (int i = 0; i < CHANGES; i++) {
        if (b->change[i].id == id) {
            at = &b->change[i];
            break;
        }
        if (b->change[i].number < at->number)
            at = &b->change[i];
    }
    *at = (struct change){id, tenant, ++b->number};
}

void board_change(struct board *b, int64_t id, const char *tenant)
{
    pthread_mutex_lock(&b->lock);
    note(b, id, tenant);
    pthread_mutex_unlock(&b->lock);
    b->changed(b->arg);
}

int board_next(struct board *b, const char *tenant, int64_t only, uint64_t seen, int64_t *id,
               uint64_t *number)
{
    const struct change *best = NULL;

    pthread_mutex_lock(&b->lock);
    for (int i = 0; i < CHANGES; i++) {
        const struct change *c = &b->change[i];

        if (c->number > seen && (only ? c->id == only : c->tenant && !strcmp(c->tenant, tenant)) &&
            (!best || c->number < best->number))
            best = c;
    }
    if (best) {
        *id = best->id;
        *number = best->number;
    }
    pthread_mutex_unlock(&b->lock);
    return best != NULL;
}

uint64_t board_now(struct board *b)
{
    pthread_mutex_lock(&b->lock);
    uint64_t n = b->number;
    pthread_mutex_unlock(&b->lock);
    return n;
}

static struct live *find(struct board *b, int64_t id)
{
    for (int i = 0; i < BOARD_LIVES; i++)
        if (b->live[i].id == id)
            return &b->live[i];
    return NULL;
}

void board_live(struct board *b, const struct live *l, const char *tenant)
{
    pthread_mutex_lock(&b->lock);
    struct live *at = find(b, l->id);
    if (!at)
        at = find(b, 0);
    if (at)
        *at = *l;
    note(b, l->id, tenant);
    pthread_mutex_unlock(&b->lock);
    b->changed(b->arg);
}

void board_over(struct board *b, int64_t id)
{
    pthread_mutex_lock(&b->lock);
    struct live *at = find(b, id);
    if (at)
        memset(at, 0, sizeof *at);
    pthread_mutex_unlock(&b->lock);
}

int board_get(struct board *b, int64_t id, struct live *out)
{
    pthread_mutex_lock(&b->lock);
    const struct live *at = find(b, id);
    if (at)
        *out = *at;
    pthread_mutex_unlock(&b->lock);
    return at != NULL;
}

int board_lives(struct board *b, struct live out[BOARD_LIVES])
{
    int n = 0;

    pthread_mutex_lock(&b->lock);
    for (int i = 0; i < BOARD_LIVES; i++)
        if (b->live[i].id)
            out[n++] = b->live[i];
    pthread_mutex_unlock(&b->lock);
    return n;
}
