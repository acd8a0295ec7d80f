#include "terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"

#define ANSWER_S 0.2

enum term_way terminal_way(const char *name)
{
    return !strcmp(name, "sixel")    ? TERM_SIXEL
           : !strcmp(name, "kitty")  ? TERM_KITTY
           : !strcmp(name, "blocks") ? TERM_BLOCKS
                                     : TERM_NONE;
}

static const char *env(const char *name)
{
    const char *v = getenv(name);

    return v ? v : "";
}

/* The answer to DA1, "ESC [ ? 62 ; 4 ; .. c": 4 stands for sixels. */
static int says_sixel(const char *answer)
{
    const char *s = strstr(answer, "\033[?");

    while (s && *s && *s != 'c') {
        s += strcspn(s, ";c");
        if (*s == ';' && (s++, strspn(s, "0123456789") == 1) && *s == '4')
            return 1;
    }
    return 0;
}

static void read_answer(int fd, char *text, size_t size)
{
    double until = clock_s() + ANSWER_S;
    size_t n = 0;

    while (n + 1 < size && !memchr(text, 'c', n)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        double left = until - clock_s();

        if (left <= 0 || poll(&p, 1, (int)(left * 1000) + 1) <= 0)
            break;
        ssize_t got = read(fd, text + n, size - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    text[n] = 0;
}

/* Only who is in the foreground may ask: others are stopped by the terminal. */
static int asked_for_sixel(void)
{
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), yes = 0;
    struct termios was, raw;

    if (fd < 0)
        return 0;
    if (tcgetpgrp(fd) == getpgrp() && !tcgetattr(fd, &was)) {
        char text[128];

        raw = was;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        if (!tcsetattr(fd, TCSANOW, &raw) && write(fd, "\033[c", 3) == 3) {
            read_answer(fd, text, sizeof text);
            yes = says_sixel(text);
        }
        (void)tcsetattr(fd, TCSANOW, &was);
    }
    close(fd);
    return yes;
}

static enum term_way find_way(void)
{
    static const char *const kitty[] = {"xterm-kitty", "xterm-ghostty"};
    const char *name = env("TERM");
    int inside = !strncmp(name, "screen", 6) || !strncmp(name, "tmux", 4);

    if (!*name || !strcmp(name, "dumb"))
        return TERM_NONE;
    for (size_t i = 0; i < sizeof kitty / sizeof *kitty; i++)
        if (!strcmp(name, kitty[i]))
            return TERM_KITTY;
    if (!inside && (*env("KITTY_WINDOW_ID") || !strcmp(env("TERM_PROGRAM"), "WezTerm")))
        return TERM_KITTY; /* screen and tmux pass no such pictures on */
    return asked_for_sixel() ? TERM_SIXEL : TERM_BLOCKS;
}

void terminal_find(struct term *t, FILE *out, enum term_way way)
{
    struct winsize size = {0};

    *t = (struct term){.columns = 80, .rows = 24, .cell_w = 10, .cell_h = 20};
    if (!isatty(fileno(out)))
        return;
    if (!ioctl(fileno(out), TIOCGWINSZ, &size) && size.ws_col && size.ws_row) {
        t->columns = size.ws_col;
        t->rows = size.ws_row;
        if (size.ws_xpixel >= 4 * size.ws_col && size.ws_ypixel >= 4 * size.ws_row) {
            t->cell_w = size.ws_xpixel / size.ws_col;
            t->cell_h = size.ws_ypixel / size.ws_row;
        }
    }
    t->true_colour = !strcmp(env("COLORTERM"), "truecolor") || !strcmp(env("COLORTERM"), "24bit") ||
                     strstr(env("TERM"), "-direct") != NULL;
    t->way = way != TERM_NONE ? way : find_way();
}

void terminal_show(struct terminal_place *p, const struct picture *picture)
{
    struct buf b = BUF_INIT;

    term_picture(&p->term, picture, p->again, &b);
    fwrite(b.data, 1, b.len, p->out);
    fflush(p->out);
    p->again = 1;
    buf_release(&b);
}
