#include "cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

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
static void (*volatile stop_hook)(void);

static void on_signal(int number)
{
    (void)number;
    cmd_stop = 1;
    if (stop_hook)
        stop_hook();
}

void cmd_on_stop(void (*hook)(void))
{
    stop_hook = hook;
}

void cmd_catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

/* Chinese puts no spaces between words: so many characters beyond ASCII are a sentence as well. */
enum { SENTENCE_CHARACTERS = 4 };

int cmd_is_sentence(const char *s)
{
    int wide = 0;
    s += strspn(s, " \t\r\n");
    const char *space = strpbrk(s, " \t\r\n");
    if (space && space[strspn(space, " \t\r\n")])
        return 1;
    for (uint32_t cp; *s;) {
        int len = utf8_decode(s, strlen(s), &cp);
        wide += len > 1 && cp >= 0x2e80;
        s += len ? len : 1;
    }
    return wide >= SENTENCE_CHARACTERS;
}
