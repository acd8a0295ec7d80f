/* pool.c - buffers that are reserved once and handed out again and again.
 *
 * Free buffers stand in lists by size class: 16 classes to an octave, so at most one part in 16 is
 * wasted. A dry pool makes the same decisions and reserves nothing. */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/err.h"
#include "tensor/inner.h"

#define MAP_FROM ((size_t)1 << 20) /* larger buffers are mapped: untouched pages cost nothing */
#define REUSE_CLASSES 4            /* a free buffer up to a quarter too large is taken */

struct pool *pool_new(int dry)
{
    struct pool *p = xcalloc(1, sizeof *p);
    p->dry = dry;
    return p;
}

static void buffer_release(struct buffer *b)
{
    if (b->mem && b->cap >= MAP_FROM)
        munmap(b->mem, b->cap);
    else
        free(b->mem);
    free(b);
}

void pool_free(struct pool **pp)
{
    struct pool *p = *pp;
    if (!p)
        return;
    for (int i = 0; i < p->n_all; i++)
        buffer_release(p->all[i]);
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

static void *memory_new(size_t cap)
{
    void *mem;
    if (cap >= MAP_FROM) {
        mem = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mem == MAP_FAILED)
            panic("out of memory: %zu bytes for a tensor", cap);
        madvise(mem, cap, MADV_HUGEPAGE);
    } else {
        mem = aligned_alloc(64, cap);
        if (!mem)
            panic("out of memory: %zu bytes for a tensor", cap);
    }
    return mem;
}

static struct buffer *buffer_new(struct pool *p, size_t cap)
{
    struct buffer *b = xcalloc(1, sizeof *b);
    b->cap = cap;
    b->mem = p->dry ? NULL : memory_new(cap);
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
    int last = cap >= MAP_FROM ? c + REUSE_CLASSES : c;
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
    b->refs = 0;
    b->live_at = -1;
    b->kept = 0;
    b->used = 1;
    b->next = NULL;
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

void pool_reclaim(struct pool *p)
{
    p->n_live = 0;
    for (int i = 0; i < p->n_all; i++)
        if (p->all[i]->used)
            pool_give(p, p->all[i]);
}
