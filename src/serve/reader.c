#include "serve/reader.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"

enum { MOST_FILE = 64 << 20, MOST_PIXELS = 48 << 20, MOST_SECONDS = 10 };

struct reader {
    pthread_mutex_t lock;
    int fd;
    pid_t pid;
};

/* What goes before the bytes, in both directions. */
struct note {
    int32_t code; /* of struct err */
    int32_t w, h;
    uint64_t bytes; /* of the file, the pixels or the message */
};

static int move_all(int fd, void *data, size_t n, int out)
{
    char *p = data;

    while (n) {
        ssize_t k = out ? send(fd, p, n, MSG_NOSIGNAL) : recv(fd, p, n, 0);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return -1;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

/* ---- the process ---- */

static int decode(void *arg, struct buf *answer, struct err *e)
{
    struct picture p;
    int rc = picture_decode(&p, "picture", arg, e);

    if (rc)
        return rc;
    if ((size_t)p.w * (size_t)p.h > MOST_PIXELS)
        return err_set(e, ERR_FORMAT, "picture: %dx%d are more than %d million pixels", p.w, p.h,
                       MOST_PIXELS >> 20);
    buf_add(answer, &p.w, sizeof p.w);
    buf_add(answer, &p.h, sizeof p.h);
    buf_add(answer, p.rgb, (size_t)p.w * (size_t)p.h * 3);
    return 0;
}

static int serve_one(int fd)
{
    static const struct sandbox box = {"picture", (size_t)768 << 20, (size_t)MOST_PIXELS * 3 + 8,
                                       MOST_SECONDS};
    struct buf file = BUF_INIT, answer = BUF_INIT;
    struct note in, out = {0};
    struct err e = {0};
    char *data;
    int rc;

    if (move_all(fd, &in, sizeof in, 0) || in.bytes > MOST_FILE)
        return -1;
    file.data = xmalloc((size_t)in.bytes + 1);
    file.len = file.cap = (size_t)in.bytes;
    file.data[file.len] = '\0';
    if (move_all(fd, file.data, file.len, 0))
        return -1;
    out.code = sandbox_run(&box, decode, &file, &answer, &e);
    data = out.code ? e.msg : answer.data + 8;
    out.bytes = out.code ? strlen(e.msg) : answer.len - 8;
    if (!out.code) {
        memcpy(&out.w, answer.data, 4);
        memcpy(&out.h, answer.data + 4, 4);
    }
    rc = move_all(fd, &out, sizeof out, 1) || move_all(fd, data, (size_t)out.bytes, 1);
    buf_release(&file);
    buf_release(&answer);
    return rc;
}

_Noreturn static void process(int fd)
{
    signal(SIGINT, SIG_IGN); /* it ends when the server has, whatever way */
    signal(SIGTERM, SIG_IGN);
    while (!serve_one(fd))
        ;
    _exit(0);
}

/* ---- the server's side ---- */

int reader_new(struct reader **out, struct err *e)
{
    struct reader *r = xcalloc(1, sizeof *r);
    int pair[2];

    *out = NULL;
    r->pid = -1;
    if (!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
        r->pid = fork();
        if (!r->pid) {
            close(pair[0]);
            process(pair[1]);
        }
        close(pair[1]);
        r->fd = pair[0];
    }
    if (r->pid < 0) {
        free(r);
        return err_set(e, ERR_IO, "no process that reads pictures: %s", strerror(errno));
    }
    pthread_mutex_init(&r->lock, NULL);
    *out = r;
    return 0;
}

void reader_free(struct reader **r)
{
    if (!*r)
        return;
    close((*r)->fd);
    while (waitpid((*r)->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    pthread_mutex_destroy(&(*r)->lock);
    free(*r);
    *r = NULL;
}

/* What is not wanted may not be taken for the next answer. */
static int skip(int fd, uint64_t bytes)
{
    char block[4096];

    for (size_t n; bytes; bytes -= n) {
        n = bytes < sizeof block ? (size_t)bytes : sizeof block;
        if (move_all(fd, block, n, 0))
            return -1;
    }
    return 0;
}

static int take_answer(int fd, struct picture *out, struct err *e)
{
    struct note n;

    if (move_all(fd, &n, sizeof n, 0))
        return err_set(e, ERR_DEVICE, "the process that reads pictures has gone");
    if (n.code) {
        e->code = n.code;
        size_t most = n.bytes < sizeof e->msg ? (size_t)n.bytes : sizeof e->msg - 1;
        e->msg[most] = '\0';
        return move_all(fd, e->msg, most, 0) || skip(fd, n.bytes - most)
                   ? err_set(e, ERR_DEVICE, "no answer")
                   : n.code;
    }
    if (n.w < 1 || n.h < 1 || n.w > PICTURE_MAX_SIDE || n.h > PICTURE_MAX_SIDE ||
        n.bytes != (uint64_t)n.w * (uint64_t)n.h * 3)
        return err_set(e, ERR_DEVICE, "the process that reads pictures says nonsense");
    if (picture_try(out, n.w, n.h, "picture", e))
        return skip(fd, n.bytes) ? err_set(e, ERR_DEVICE, "no answer") : e->code;
    return move_all(fd, out->rgb, (size_t)n.bytes, 0) ? err_set(e, ERR_DEVICE, "no answer") : 0;
}

int reader_decode(struct reader *r, const struct buf *file, struct picture *out, struct err *e)
{
    struct note n = {.bytes = file->len};
    int rc;

    *out = (struct picture){0};
    if (file->len > MOST_FILE)
        return err_set(e, ERR_FORMAT, "picture: more than %d bytes", MOST_FILE);
    pthread_mutex_lock(&r->lock);
    if (move_all(r->fd, &n, sizeof n, 1) || move_all(r->fd, file->data, file->len, 1))
        rc = err_set(e, ERR_DEVICE, "the process that reads pictures has gone");
    else
        rc = take_answer(r->fd, out, e);
    pthread_mutex_unlock(&r->lock);
    if (rc)
        picture_release(out);
    return rc;
}
