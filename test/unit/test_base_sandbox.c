/* The child that reads: its answer, its error, and what ends it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "ztest.h"

static const struct sandbox box = {"a file", 64 << 20, 1 << 16, 1};

static int answer_it(void *arg, struct buf *answer, struct err *e)
{
    (void)e;
    buf_printf(answer, "%s and %d", (char *)arg, 7);
    return 0;
}

static int refuse_it(void *arg, struct buf *answer, struct err *e)
{
    (void)arg;
    (void)answer;
    return err_set(e, ERR_FORMAT, "tensor %d is wrong", 3);
}

static int open_it(void *arg, struct buf *answer, struct err *e)
{
    (void)e;
    buf_printf(answer, "%d", open(arg, O_RDONLY));
    return 0;
}

static int connect_it(void *arg, struct buf *answer, struct err *e)
{
    (void)arg;
    (void)e;
    buf_printf(answer, "%d", socket(AF_INET, SOCK_STREAM, 0));
    return 0;
}

static int start_it(void *arg, struct buf *answer, struct err *e)
{
    (void)e;
    buf_printf(answer, "%d", execl(arg, arg, (char *)NULL));
    return 0;
}

static int turn_it(void *arg, struct buf *answer, struct err *e)
{
    volatile int *go = arg;

    (void)answer;
    (void)e;
    while (*go)
        ;
    return 0;
}

static int talk_it(void *arg, struct buf *answer, struct err *e)
{
    (void)arg;
    (void)e;
    for (int i = 0; i < 1 << 17; i++)
        buf_putc(answer, 'x');
    return 0;
}

TEST(sandbox_gives_the_answer_and_the_error)
{
    struct buf b = BUF_INIT;
    struct err e = {0};

    CHECK_INT(sandbox_run(&box, answer_it, "six", &b, &e), 0);
    CHECK_STR(buf_str(&b), "six and 7");
    CHECK_INT(sandbox_run(&box, refuse_it, NULL, &b, &e), ERR_FORMAT);
    CHECK_STR(e.msg, "tensor 3 is wrong");
    buf_release(&b);
}

static void ended(int (*work)(void *arg, struct buf *answer, struct err *e), void *arg,
                  const char *want)
{
    struct buf b = BUF_INIT;
    struct err e = {0};

    CHECK_INT(sandbox_run(&box, work, arg, &b, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, want);
    CHECK_INT((int)b.len, 0);
    buf_release(&b);
}

TEST(sandbox_ends_what_does_more)
{
    int go = 1;

    ended(open_it, "/etc/passwd", "a file: its reader was ended (Bad system call)");
    ended(connect_it, NULL, "Bad system call");
    ended(start_it, "/bin/true", "Bad system call");
    ended(turn_it, &go, "more than 64 MiB, 1 s or something that readers may not");
    ended(talk_it, NULL, "takes more than 65536 bytes to tell");
}
