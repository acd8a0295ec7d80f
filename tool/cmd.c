#include "cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "zoetrope.h"

void cmd_put_text(FILE *out, const char *text)
{
    for (size_t n = strlen(text); n;) {
        uint32_t cp = 0;
        int len = utf8_decode(text, n, &cp);
        int control = (cp < 0x20 && cp != '\n' && cp != '\t') || (cp >= 0x7f && cp < 0xa0);

        if (!len || control)
            fputc('?', out);
        else
            fwrite(text, 1, (size_t)len, out);
        text += len ? len : 1;
        n -= (size_t)(len ? len : 1);
    }
}

int cmd_fail(const struct err *e)
{
    fputs("zoetrope: ", stderr);
    cmd_put_text(stderr, e->msg);
    fputc('\n', stderr);
    return -e->code;
}

int cmd_usage(const char *name, const char *fmt, ...)
{
    va_list args;
    char text[1024];

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fputs("zoetrope: ", stderr);
    cmd_put_text(stderr, text);
    fprintf(stderr, "; see zoetrope %s --help\n", name);
    return EXIT_USAGE;
}

int cmd_check_option(const char *command, const char *s, const char *value,
                     const char *const *names)
{
    while (*names && strcmp(*names, s) != 0)
        names++;
    if (!*names)
        return cmd_usage(command, "unknown option %s", s);
    return value ? 0 : cmd_usage(command, "%s wants a value", s);
}

void cmd_put_option(const char *left, const char *help, const char *fallback)
{
    enum { MARGIN = 25, WIDTH = 96 };
    char *text = xasprintf("%s%s%s%s", help, fallback ? " (" : "", fallback ? fallback : "",
                           fallback ? ")" : "");
    int column = printf("  %-*s", MARGIN - 3, left);

    for (const char *word = text; *word;) {
        int n = (int)strcspn(word, " ");

        if (column + n >= WIDTH || (word == text && column >= MARGIN))
            column = printf("\n%*s", MARGIN - 1, "") - 1;
        column += printf(" %.*s", n, word);
        word += n + (word[n] == ' ');
    }
    putchar('\n');
    free(text);
}

volatile sig_atomic_t cmd_stop;
static void (*volatile stop_hook)(void);

static void on_signal(int number)
{
    (void)number;
    __atomic_store_n(&cmd_stop, 1, __ATOMIC_RELAXED); /* threads read it too */
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

/* Letters of any script beyond ASCII. Dashes, quotes and full-width forms are not: what a word
 * processor or an input method made of "--steps" or of a quoted prompt begins with them. */
static int is_wide_letter(uint32_t cp)
{
    return cp >= 0xc0 && !(cp >= 0x2000 && cp < 0x2e80) && !(cp >= 0x3000 && cp < 0x3040) &&
           !(cp >= 0xfe00 && cp < 0x10000);
}

int cmd_is_prompt(const char *s)
{
    s += strspn(s, " \t\r\n");
    const char *space = strpbrk(s, " \t\r\n");
    if (space && space[strspn(space, " \t\r\n")])
        return 1;
    for (uint32_t cp; *s;) {
        int len = utf8_decode(s, strlen(s), &cp);
        if (len > 1 && is_wide_letter(cp))
            return 1;
        s += len ? len : 1;
    }
    return 0;
}

const char *cmd_option_of_letter(const char *s)
{
    struct zt_option o;

    for (int i = 0; s[0] && !s[1] && !zt_option_info(i, &o, sizeof o); i++)
        if (o.letter == s[0])
            return o.name;
    return NULL;
}

int cmd_is_option(const char *name, const char *type)
{
    struct zt_option o;

    for (int i = 0; !zt_option_info(i, &o, sizeof o); i++)
        if (!strcmp(o.name, name))
            return !type || !strcmp(o.type, type);
    return 0;
}

char *cmd_data_folder(const char *name)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

    if (xdg && *xdg)
        return xasprintf("%s/zoetrope/%s", xdg, name);
    return xasprintf("%s/.local/share/zoetrope/%s", home && *home ? home : ".", name);
}
