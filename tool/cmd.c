#include "cmd.h"

#include <stdarg.h>
#include <stdio.h>

int cmd_fail(const struct err *e)
{
    fprintf(stderr, "zoetrope: %s\n", e->msg);
    return -e->code;
}

int cmd_usage(const char *name, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("zoetrope: ", stderr);
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "; see zoetrope %s --help\n", name);
    va_end(args);
    return EXIT_USAGE;
}

volatile sig_atomic_t cmd_stop;

static void on_signal(int number)
{
    (void)number;
    cmd_stop = 1;
}

void cmd_catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}
