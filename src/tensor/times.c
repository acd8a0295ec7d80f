#include "tensor/times.h"

#include <stdio.h>
#include <string.h>

/* "blocks.12.attn1.to_q.weight" is "attn1.to_q". */
static void name_of_layer(char *out, size_t size, const char *name)
{
    const char *end = strrchr(name, '.'), *from = strchr(name, '.');
    size_t digits = from ? strspn(from + 1, "0123456789") : 0;

    from = digits && from[1 + digits] == '.' ? from + digits + 2 : name;
    snprintf(out, size, "%.*s", end && end > from ? (int)(end - from) : (int)size, from);
}

/* What the last kernel did. */
static void count(struct cx *cx)
{
    struct times *t = cx->times;

    if (t->last)
        t->last->flops += cx->flops - t->seen;
    t->seen = cx->flops;
}

void times_begin(struct cx *cx, struct times *t)
{
    t->n = 0;
    t->last = NULL;
    cx->times = t;
    count(cx);
}

void times_add(struct cx *cx, const struct weight *w, const char *kernel, double seconds)
{
    struct times *t = cx->times;
    char name[sizeof t->row->name];
    int i = 0;

    if (w)
        name_of_layer(name, sizeof name, w->name);
    else
        snprintf(name, sizeof name, "%s", kernel);
    while (i < t->n && strcmp(t->row[i].name, name) != 0)
        i++;
    if (i == TIMES_ROWS)
        BUG("times: more than %d kinds of layers", TIMES_ROWS);
    if (i == t->n) {
        t->row[t->n] = (struct times_row){.seconds = 0};
        memcpy(t->row[t->n++].name, name, sizeof name);
    }
    count(cx);
    t->last = &t->row[i];
    t->last->seconds += seconds;
}

void times_end(struct cx *cx)
{
    count(cx);
    cx->times = NULL;
}
