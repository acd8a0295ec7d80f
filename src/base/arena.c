/* arena.c - chained blocks; each allocation is cut from the newest block. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { ALIGN = 64, BLOCK_BYTES = 64 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t used, size; /* of the space behind this header */
    char pad[ALIGN - sizeof(void *) - 2 * sizeof(size_t)];
};
_Static_assert(sizeof(struct arena_block) == ALIGN, "the space behind the header stays aligned");

void arena_init(struct arena *a)
{
    a->head = NULL;
}

void arena_release(struct arena *a)
{
    struct arena_block *b, *next;

    for (b = a->head; b; b = next) {
        next = b->next;
        free(b);
    }
    a->head = NULL;
}

void arena_reset(struct arena *a)
{
    struct arena_block *b, *next, *largest = a->head;

    for (b = a->head; b; b = b->next)
        if (b->size > largest->size)
            largest = b;
    for (b = a->head; b; b = next) {
        next = b->next;
        if (b != largest)
            free(b);
    }
    a->head = largest;
    if (largest) {
        largest->next = NULL;
        largest->used = 0;
    }
}

static void arena_grow(struct arena *a, size_t bytes)
{
    struct arena_block *b;
    size_t size = BLOCK_BYTES, whole;

    if (a->head && size < 2 * a->head->size && a->head->size < (16u << 20))
        size = 2 * a->head->size; /* few blocks even for a large arena */
    if (size < bytes)
        size = bytes;
    if (size_add(size, sizeof *b, &whole) < 0 || !(b = aligned_alloc(ALIGN, whole)))
        panic("out of memory: %zu bytes", bytes);
    b->next = a->head;
    b->used = 0;
    b->size = size;
    a->head = b;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    size_t n;
    void *p;

    if (size_add(bytes ? bytes : 1, ALIGN - 1, &n) < 0)
        panic("out of memory: %zu bytes", bytes);
    n &= ~(size_t)(ALIGN - 1);
    if (!a->head || a->head->size - a->head->used < n)
        arena_grow(a, n);
    p = (char *)(a->head + 1) + a->head->used;
    a->head->used += n;
    return memset(p, 0, n);
}

char *arena_strdup(struct arena *a, const char *s)
{
    size_t n = strlen(s) + 1;

    return memcpy(arena_alloc(a, n), s, n);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    char *p;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        panic("cannot format \"%s\"", fmt);
    p = arena_alloc(a, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}
