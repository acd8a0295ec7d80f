/* alloc.h - the allocator of the whole process, one of whose calls fails.
 *
 * Linked into a program, it stands before that of the C library, for the libraries as well: malloc,
 * calloc, realloc and their aligned kin, and what else reserves memory on behalf of our own code,
 * mmap and pthread_create. Calls are numbered in the order in which they come; who called, by the
 * module that the call comes from, decides whether it counts. GNU libc alone.
 * Threads: calls of all threads are counted. */
#ifndef TEST_FAULTS_ALLOC_H
#define TEST_FAULTS_ALLOC_H

#include <stdatomic.h>
#include <stddef.h>

enum caller {
    CALLER_OURS = 1,   /* this program */
    CALLER_JSON = 2,   /* jansson */
    CALLER_LIBC = 4,   /* the C library, for whoever called it */
    CALLER_MEDIA = 8,  /* FFmpeg and the codecs under it */
    CALLER_WORLD = 16, /* ODE and what it stands on */
    CALLER_OTHER = 32,
    CALLER_ALL = 63
};

enum { ALLOC_TRACE = 32, ALLOC_PLACES = 1 << 18 };

/* Lies in memory that parent and child share. */
struct alloc_log {
    atomic_long n;    /* calls that counted */
    long fail_at;     /* the number of the one that fails; 0: none */
    unsigned callers; /* those that count */
    int failed;       /* it came to that; what follows is about it */
    enum caller caller;
    size_t bytes;
    void *trace[ALLOC_TRACE]; /* where from, innermost first */
    int depth;
    unsigned
        *place; /* [ALLOC_PLACES], by number: stands for the way to that call; NULL: not asked */
};

void alloc_prepare(void); /* once, before the first alloc_arm */
/* From here on; NULL: no more. Returns what was armed. */
struct alloc_log *alloc_arm(struct alloc_log *log);
size_t alloc_held(void); /* bytes that are given out and not yet back */
enum caller alloc_module(const void *code, const char **name, size_t *offset);

#endif
