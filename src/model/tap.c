#include "model/tap.h"

#include <stdio.h>

void tap_see(const struct tap *t, struct cx *cx, struct tensor *value, const char *fmt, ...)
{
    char name[96];
    va_list ap;

    if (!t || !t->see)
        return;
    va_start(ap, fmt);
    vsnprintf(name, sizeof name, fmt, ap);
    va_end(ap);
    t->see(t->user, cx, name, value);
}
