/* buf.c - growing by half, so that appending is linear in all. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* And the NUL. */
int buf_reserve(struct buf *b, size_t more)
{
    size_t need, cap = b->cap + b->cap / 2;
    char *data;

    if (size_add(b->len, more, &need) < 0 || size_add(need, 1, &need) < 0)
        return -1;
    if (need <= b->cap)
        return 0;
    cap = cap < need ? need : cap;
    cap = cap < 32 ? 32 : cap;
    data = realloc(b->data, cap);
    if (!data)
        return -1;
    b->data = data;
    b->cap = cap;
    b->data[b->len] = 0;
    return 0;
}

static void buf_room(struct buf *b, size_t more)
{
    if (buf_reserve(b, more))
        panic("out of memory: a text of %zu + %zu bytes", b->len, more);
}

void buf_release(struct buf *b)
{
    free(b->data);
    memset(b, 0, sizeof *b);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = 0;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    buf_room(b, len);
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = 0;
}

void buf_puts(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_xml(struct buf *b, const char *s)
{
    for (; *s; s++) {
        if (*s == '<')
            buf_puts(b, "&lt;");
        else if (*s == '&')
            buf_puts(b, "&amp;");
        else if (*s == '"')
            buf_puts(b, "&quot;");
        else
            buf_putc(b, *s);
    }
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        panic("cannot format \"%s\"", fmt);
    buf_room(b, (size_t)n);
    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

const char *buf_str(const struct buf *b)
{
    return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
    char *p = b->data ? b->data : xstrdup("");

    memset(b, 0, sizeof *b);
    return p;
}
