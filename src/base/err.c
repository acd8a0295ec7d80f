/* err.c - messages, the panic hook, and allocation that cannot fail. */
#include "base/err.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t hook_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*panic_hook)(const char *msg, void *user);
static void *panic_user;

/* A message that was cut must still be valid UTF-8: drop a trailing partial sequence. */
static void trim_utf8(char *s, size_t size)
{
    size_t n = strlen(s), i = n;

    if (n + 1 < size)
        return;
    while (i > 0 && n - i < 4 && ((unsigned char)s[i - 1] & 0xc0) == 0x80)
        i--;
    if (i > 0 && (unsigned char)s[i - 1] >= 0xc0)
        s[i - 1] = 0;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    va_list ap;
    char msg[sizeof e->msg];

    if (!e)
        return code;
    va_start(ap, fmt); /* formatted aside, because an argument may be e->msg itself */
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    trim_utf8(msg, sizeof msg);
    memcpy(e->msg, msg, sizeof msg);
    e->code = code;
    return code;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
    va_list ap;
    char prefix[256], old[sizeof e->msg];

    if (!e)
        return ERR_OK;
    va_start(ap, fmt);
    vsnprintf(prefix, sizeof prefix, fmt, ap);
    va_end(ap);
    memcpy(old, e->msg, sizeof old);
    return err_set(e, e->code, "%s: %s", prefix, old);
}

void panic_set_hook(void (*hook)(const char *msg, void *user), void *user)
{
    pthread_mutex_lock(&hook_lock);
    panic_hook = hook;
    panic_user = user;
    pthread_mutex_unlock(&hook_lock);
}

static _Noreturn void panic_with(const char *msg)
{
    void (*hook)(const char *msg, void *user);
    void *user;

    pthread_mutex_lock(&hook_lock);
    hook = panic_hook;
    user = panic_user;
    pthread_mutex_unlock(&hook_lock);
    if (hook)
        hook(msg, user);
    else
        fprintf(stderr, "zoetrope: %s\n", msg);
    abort();
}

void panic(const char *fmt, ...)
{
    va_list ap;
    char msg[768];

    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    panic_with(msg);
}

void bug_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    char msg[768];
    int n = snprintf(msg, sizeof msg, "BUG at %.200s:%d: ", file, line);

    va_start(ap, fmt);
    vsnprintf(msg + n, sizeof msg - (size_t)n, fmt, ap);
    va_end(ap);
    panic_with(msg);
}

void *xmalloc(size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);

    if (!p)
        panic("out of memory: %zu bytes", bytes);
    return p;
}

void *try_malloc(size_t bytes, struct err *e, const char *fmt, ...)
{
    void *p = malloc(bytes ? bytes : 1);
    char what[256];
    va_list ap;

    if (p)
        return p;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    err_set(e, ERR_FIT, "out of memory: %zu bytes for %s", bytes, what);
    return NULL;
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (!p)
        panic("out of memory: %zu times %zu bytes", n, size);
    return p;
}

void *xrealloc(void *p, size_t bytes)
{
    p = realloc(p, bytes ? bytes : 1);
    if (!p)
        panic("out of memory: %zu bytes", bytes);
    return p;
}

char *xstrndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *p = xmalloc(len + 1);

    memcpy(p, s, len);
    p[len] = 0;
    return p;
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *xasprintf(const char *fmt, ...)
{
    va_list ap;
    char *p;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        panic("cannot format \"%s\"", fmt);
    p = xmalloc((size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}

int size_mul(size_t a, size_t b, size_t *out)
{
    return __builtin_mul_overflow(a, b, out) ? -1 : 0;
}

int size_add(size_t a, size_t b, size_t *out)
{
    return __builtin_add_overflow(a, b, out) ? -1 : 0;
}
