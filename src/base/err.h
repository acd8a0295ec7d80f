/* err.h - the four kinds of failure, kept apart.
 *
 * 1. Our bug: BUG(...) and ZT_ASSERT print the message and abort through the panic hook.
 * 2. The world (files, requests, limits): a negative code and a message in struct err.
 * 3. The device or a non-finite value inside model code: sticky error in struct cx (tensor.h).
 * 4. A small host allocation fails: xmalloc and friends panic.
 *
 * Thread-safety: a struct err belongs to one thread. The panic hook is process-wide. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

/* The negated code is the exit status of the program. */
enum {
    ERR_OK = 0,
    ERR_CHECK = -1,   /* a check or comparison failed */
    ERR_USAGE = -2,   /* an option or request is wrong */
    ERR_FORMAT = -3,  /* a model, config or data file is wrong */
    ERR_IO = -4,      /* reading or writing failed, or the file exists already */
    ERR_DEVICE = -5,  /* device trouble, or a non-finite value in a network */
    ERR_FIT = -6,     /* the job needs more memory than there is */
    ERR_CANCEL = -130 /* interrupted by the user */
};

struct err {
    int code;      /* 0 or one of the above */
    char msg[768]; /* one line, names file, field or option; UTF-8 */
};

/* Store code and message; return code, so that `return err_set(...)` reads well.
 * A NULL e only returns the code. An error that is already set is overwritten. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Put "context: " in front of the message that is there. Returns e->code. */
int err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Called with the finished message before abort(); NULL restores the default (stderr). */
void panic_set_hook(void (*hook)(const char *msg, void *user), void *user);
_Noreturn void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);
_Noreturn void bug_at(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
#define ZT_ASSERT(cond)                                                                            \
    do {                                                                                           \
        if (!(cond))                                                                               \
            bug_at(__FILE__, __LINE__, "%s", #cond);                                               \
    } while (0)

/* Allocation of small things: never NULL, panic when memory is gone. Free with free(). */
void *xmalloc(size_t bytes);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t bytes);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* For what a file or a user has sized: NULL when there is no memory, with ERR_FIT, "out of memory:
 * N bytes for" and this text. */
void *try_malloc(size_t bytes, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* a*b and a+b of sizes; return -1 on overflow, 0 otherwise. */
NODISCARD int size_mul(size_t a, size_t b, size_t *out);
NODISCARD int size_add(size_t a, size_t b, size_t *out);

#endif
