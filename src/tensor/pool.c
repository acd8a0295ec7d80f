/* pool.c - buffers that are reserved once and handed out again and again.
 *
 * Free buffers stand in lists by size class: 16 classes to an octave, so at most one part in 16 is
 * wasted. Large ones are cut in halves where nothing smaller is free, and grow together again, so
 * that layers of few large pictures and of many small ones share memory. The pool of the null
 * device makes the same decisions and reserves nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tensor/inner.h"

#define REUSE_FROM ((size_t)1 << 20) /* from this size on .. */
#define REUSE_CLASSES 4              /* .. a free buffer up to a quarter too large is taken */
#define HALVINGS 3                   /* .. or a part of one */
#define OCTAVE 16                    /* classes from a size to twice that */

struct pool *pool_new(struct device *device)
{
    struct pool *p = xcalloc(1, sizeof *p);
    p->device = device;
    return p;
}

static void buffer_free(struct buffer *b)
{
    if (!b)
        return;
    buffer_free(b->half[0]);
    buffer_free(b->half[1]);
    free(b);
}

void pool_free(struct pool **pp)
{
    struct pool *p = *pp;
    if (!p)
        return;
    for (int i = 0; i < p->n_all; i++) {
        device_give(p->device, p->all[i]->mem, p->all[i]->cap);
        buffer_free(p->all[i]);
    }
    while (p->gone) {
        struct buffer *b = p->gone;
        p->gone = b->next;
        buffer_free(b);
    }
    free(p->all);
    free(p->live);
    free(p);
    *pp = NULL;
}

/* Class of a size in units of 64 bytes: the exponent and the four bits below the first, rounded up.
 */
static int size_class(size_t bytes, size_t *cap)
{
    size_t units = bytes >> 6;
    if (units <= 16) {
        *cap = units << 6;
        return (int)units - 1;
    }
    int shift = 59 - __builtin_clzll(units - 1);
    size_t top = ((units - 1) >> shift) + 1; /* 17..32 */
    *cap = (top << shift) << 6;
    return 16 * shift + (int)top - 1;
}

/* ---- free buffers ---- */

static int is_free(const struct buffer *b)
{
    return !b->used && !b->split;
}

static void push(struct pool *p, struct buffer *b)
{
    size_t cap;
    int c = size_class(b->cap, &cap);
    b->next = p->free[c];
    p->free[c] = b;
}

static void unlink_free(struct pool *p, struct buffer *b)
{
    size_t cap;
    struct buffer **at = &p->free[size_class(b->cap, &cap)];
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
}

/* Two free halves are a whole again. */
static void put_back(struct pool *p, struct buffer *b)
{
    struct buffer *w = b->whole;
    if (!w || !is_free(w->half[b == w->half[0]])) {
        push(p, b);
        return;
    }
    unlink_free(p, w->half[b == w->half[0]]);
    w->split = 0;
    put_back(p, w);
}

static struct buffer *pop(struct pool *p, int first, int last)
{
    for (int i = first; i <= last; i++) {
        struct buffer *b = p->free[i];
        if (b) {
            p->free[i] = b->next;
            return b;
        }
    }
    return NULL;
}

static struct buffer *first_half(struct pool *p, struct buffer *b)
{
    size_t cap = b->cap / 2;
    for (int i = 0; i < 2 && !b->half[i]; i++) {
        b->half[i] = xcalloc(1, sizeof *b);
        b->half[i]->cap = cap;
        b->half[i]->whole = b;
        b->half[i]->mem = b->mem ? (char *)b->mem + cap * (size_t)i : NULL;
    }
    b->split = 1;
    push(p, b->half[1]);
    return b->half[0];
}

/* A half of a free buffer that is twice as large, or a half of that. */
static struct buffer *pop_half(struct pool *p, int first, int last)
{
    for (int halvings = 1; halvings <= HALVINGS; halvings++) {
        struct buffer *b = pop(p, first + OCTAVE * halvings, last + OCTAVE * halvings);
        if (b) {
            for (int i = 0; i < halvings; i++)
                b = first_half(p, b);
            return b;
        }
    }
    return NULL;
}

/* ---- the device's memory ---- */

/* Gives back free wholes of `least` bytes and more, at most `most` bytes of them. */
static void trim(struct pool *p, size_t least, size_t most)
{
    size_t given = 0;
    int n = 0;
    for (int i = 0; i < p->n_all; i++) {
        struct buffer *b = p->all[i];
        if (b->cap < least || b->cap > most - given || !is_free(b)) {
            p->all[n++] = b;
            continue;
        }
        unlink_free(p, b);
        given += b->cap;
        p->reserved_bytes -= b->cap;
        device_give(p->device, b->mem, b->cap);
        b->next = p->gone;
        p->gone = b;
    }
    p->n_all = n;
}

/* As much of what is too small for it is given back first: later the new one is cut for what those
 * served. So what is reserved never falls, and its end is its peak. */
static struct buffer *buffer_new(struct pool *p, size_t cap)
{
    struct buffer *b = xcalloc(1, sizeof *b);
    if (cap >= REUSE_FROM)
        trim(p, REUSE_FROM, cap);
    b->cap = cap;
    b->mem = device_take(p->device, cap);
    if (!b->mem && !p->device->dry) { /* other free buffers may be in the way */
        trim(p, 0, SIZE_MAX);
        b->mem = device_take(p->device, cap);
    }
    if (p->n_all == p->cap_all) {
        p->cap_all = p->cap_all ? 2 * p->cap_all : 256;
        p->all = xrealloc(p->all, (size_t)p->cap_all * sizeof *p->all);
    }
    p->all[p->n_all++] = b;
    p->reserved_bytes += cap;
    return b;
}

/* The whole that b is of has been written up to the end of these bytes. */
static void touched(struct buffer *b, size_t bytes)
{
    for (; b->whole; b = b->whole)
        bytes += b == b->whole->half[1] ? b->cap : 0;
    b->most = bytes > b->most ? bytes : b->most;
}

struct buffer *pool_take(struct pool *p, size_t bytes)
{
    size_t cap, rounded = (bytes + 63) & ~(size_t)63;
    if (!rounded)
        rounded = 64;
    int c = size_class(rounded, &cap);
    int last = cap >= REUSE_FROM ? c + REUSE_CLASSES : c;
    ZT_ASSERT(c < POOL_CLASSES - REUSE_CLASSES - OCTAVE * HALVINGS);
    struct buffer *b = pop(p, c, last);
    if (!b && cap >= REUSE_FROM)
        b = pop_half(p, c, last);
    if (!b)
        b = buffer_new(p, cap);
    touched(b, rounded);
    b->bytes = rounded;
    b->refs = 0;
    b->live_at = -1;
    b->kept = 0;
    b->used = 1;
    b->next = NULL;
    p->places = (p->places ^ (uintptr_t)b->mem) * 1099511628211u;
    p->used_bytes += rounded;
    if (p->used_bytes > p->peak_bytes)
        p->peak_bytes = p->used_bytes;
    return b;
}

static void let_go(struct pool *p, struct buffer *b)
{
    p->used_bytes -= b->bytes;
    b->used = 0;
    b->gen++;
}

void pool_give(struct pool *p, struct buffer *b)
{
    ZT_ASSERT(b->used);
    let_go(p, b);
    put_back(p, b);
}

void pool_live_add(struct pool *p, struct buffer *b)
{
    if (p->n_live == p->cap_live) {
        p->cap_live = p->cap_live ? 2 * p->cap_live : 256;
        p->live = xrealloc(p->live, (size_t)p->cap_live * sizeof *p->live);
    }
    b->live_at = p->n_live;
    p->live[p->n_live++] = b;
}

void pool_live_drop(struct pool *p, struct buffer *b)
{
    if (b->live_at < 0)
        return;
    p->live[b->live_at] = NULL;
    b->live_at = -1;
    if (!b->refs)
        pool_give(p, b);
}

void pool_unref(struct pool *p, struct buffer *b)
{
    ZT_ASSERT(b->refs > 0);
    if (!--b->refs && b->live_at < 0)
        pool_give(p, b);
}

/* Large buffers lie side by side in memory with huge pages, so that the end of one is resident with
 * the beginning of its neighbour. */
uint64_t pool_resident_bytes(const struct pool *p, uint64_t huge_page)
{
    uint64_t sum = 0;
    for (int i = 0; i < p->n_all; i++) {
        const struct buffer *b = p->all[i];
        uint64_t whole = (b->most + huge_page - 1) / huge_page * huge_page;
        sum += b->cap < DEVICE_MAP_FROM ? b->most : whole < b->cap ? whole : b->cap;
    }
    return sum;
}

static void make_whole(struct pool *p, struct buffer *b)
{
    if (b->split) {
        make_whole(p, b->half[0]);
        make_whole(p, b->half[1]);
        b->split = 0;
    } else if (b->used) {
        let_go(p, b);
    }
}

/* The lists are made afresh, in one order: an equal step gets equal memory. */
void pool_reclaim(struct pool *p)
{
    p->n_live = 0;
    memset(p->free, 0, sizeof p->free);
    for (int i = 0; i < p->n_all; i++) {
        make_whole(p, p->all[i]);
        push(p, p->all[i]);
    }
}
