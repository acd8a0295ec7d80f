/* pool.c - buffers that are reserved once and handed out again and again.
 *
 * Free buffers stand in lists by size class: 16 classes to an octave, so at most one part in 16 is
 * wasted. The pool of the null device makes the same decisions and reserves nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tensor/inner.h"

#define REUSE_FROM ((size_t)1 << 20) /* from this size on .. */
#define REUSE_CLASSES 4              /* .. a free buffer up to a quarter too large is taken */

struct pool *pool_new(struct device *device)
{
    struct pool *p = xcalloc(1, sizeof *p);
    p->device = device;
    return p;
}

static void buffer_release(struct pool *p, struct buffer *b)
{
    device_give(p->device, b->mem, b->cap);
    free(b);
}

void pool_free(struct pool **pp)
{
    struct pool *p = *pp;
    if (!p)
        return;
    for (int i = 0; i < p->n_all; i++)
        buffer_release(p, p->all[i]);
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

static void trim(struct pool *p)
{
    int n = 0;
    for (int i = 0; i < p->n_all; i++) {
        if (p->all[i]->used) {
            p->all[n++] = p->all[i];
        } else {
            p->reserved_bytes -= p->all[i]->cap;
            buffer_release(p, p->all[i]);
        }
    }
    p->n_all = n;
    memset(p->free, 0, sizeof p->free);
}

static struct buffer *buffer_new(struct pool *p, size_t cap)
{
    struct buffer *b = xcalloc(1, sizeof *b);
    b->cap = cap;
    b->mem = device_take(p->device, cap);
    if (!b->mem && !p->device->dry) { /* free buffers of other sizes may be in the way */
        trim(p);
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

struct buffer *pool_take(struct pool *p, size_t bytes)
{
    size_t cap, rounded = (bytes + 63) & ~(size_t)63;
    if (!rounded)
        rounded = 64;
    int c = size_class(rounded, &cap);
    int last = cap >= REUSE_FROM ? c + REUSE_CLASSES : c;
    ZT_ASSERT(c < POOL_CLASSES - REUSE_CLASSES);
    struct buffer *b = NULL;
    for (int i = c; i <= last && !b; i++) {
        b = p->free[i];
        if (b)
            p->free[i] = b->next;
    }
    if (!b)
        b = buffer_new(p, cap);
    b->bytes = rounded;
    b->most = rounded > b->most ? rounded : b->most;
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

void pool_give(struct pool *p, struct buffer *b)
{
    size_t cap;
    ZT_ASSERT(b->used);
    int c = size_class(b->cap, &cap);
    p->used_bytes -= b->bytes;
    b->used = 0;
    b->gen++;
    b->next = p->free[c];
    p->free[c] = b;
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

/* The lists are made afresh, in one order: an equal step gets equal memory. */
void pool_reclaim(struct pool *p)
{
    p->n_live = 0;
    memset(p->free, 0, sizeof p->free);
    for (int i = 0; i < p->n_all; i++) {
        struct buffer *b = p->all[i];
        if (b->used) {
            pool_give(p, b);
        } else {
            size_t cap;
            int c = size_class(b->cap, &cap);
            b->next = p->free[c];
            p->free[c] = b;
        }
    }
}
