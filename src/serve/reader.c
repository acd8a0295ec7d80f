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
    int fd; /* to the process that reads; -1: none was begun yet, or it has gone */
    int starter;
    pid_t starter_pid;
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

_Noreturn static void read_pictures(int fd)
{
    signal(SIGCHLD, SIG_DFL);
    while (!serve_one(fd))
        ;
    _exit(0);
}

/* ---- the process that begins it ---- */

static struct msghdr message_with_fd(struct iovec *byte, void *room, size_t room_bytes)
{
    return (struct msghdr){
        .msg_iov = byte, .msg_iovlen = 1, .msg_control = room, .msg_controllen = room_bytes};
}

static int send_fd(int to, int fd)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof fd)] = {0};
    char byte = 0;
    struct iovec one = {&byte, 1};
    struct msghdr m = message_with_fd(&one, room, sizeof room);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    *c = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    return sendmsg(to, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

/* -1: there is none. */
static int take_fd(int from)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {0};
    char byte = 0;
    struct iovec one = {&byte, 1};
    struct msghdr m = message_with_fd(&one, room, sizeof room);
    const struct cmsghdr *c;
    int fd = -1;

    if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) != 1 || !(c = CMSG_FIRSTHDR(&m)) ||
        c->cmsg_type != SCM_RIGHTS)
        return -1;
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

/* For each byte that it is sent it begins a process that reads, and sends back the way to it. It
 * does nothing else, so nothing is likely to end it. */
_Noreturn static void begin_readers(int fd)
{
    char byte;

    signal(SIGINT, SIG_IGN); /* it ends when the server has, whatever way */
    signal(SIGTERM, SIG_IGN);
    signal(SIGCHLD, SIG_IGN); /* nobody asks how they ended */
    while (!move_all(fd, &byte, 1, 0)) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
            break;
        pid_t pid = fork();
        if (!pid) {
            close(pair[0]);
            close(fd);
            read_pictures(pair[1]);
        }
        close(pair[1]);
        int sent = pid > 0 && !send_fd(fd, pair[0]);
        close(pair[0]);
        if (!sent)
            break;
    }
    _exit(0);
}

/* ---- the server's side ---- */

int reader_new(struct reader **out, struct err *e)
{
    struct reader *r = xcalloc(1, sizeof *r);
    int pair[2];

    *out = NULL;
    r->starter_pid = r->fd = -1;
    if (!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
        r->starter_pid = fork();
        if (!r->starter_pid) {
            close(pair[0]);
            begin_readers(pair[1]);
        }
        close(pair[1]);
        r->starter = pair[0];
    }
    if (r->starter_pid < 0) {
        free(r);
        return err_set(e, ERR_IO, "no process that reads pictures: %s", strerror(errno));
    }
    pthread_mutex_init(&r->lock, NULL);
    *out = r;
    return 0;
}

static void let_go(struct reader *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

void reader_free(struct reader **r)
{
    if (!*r)
        return;
    let_go(*r);
    close((*r)->starter);
    while (waitpid((*r)->starter_pid, NULL, 0) < 0 && errno == EINTR)
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

/* ERR_DEVICE: the process has gone, and who asks it next finds nothing that belongs together. */
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

/* By the process that is there, or a new one. */
static int ask(struct reader *r, const struct buf *file, struct picture *out, struct err *e)
{
    struct note n = {.bytes = file->len};
    char byte = 0;
    int rc;

    if (r->fd < 0 && !move_all(r->starter, &byte, 1, 1))
        r->fd = take_fd(r->starter);
    if (r->fd < 0)
        return err_set(e, ERR_DEVICE, "no process that reads pictures can be begun any more");
    if (move_all(r->fd, &n, sizeof n, 1) || move_all(r->fd, file->data, file->len, 1))
        rc = err_set(e, ERR_DEVICE, "the process that reads pictures has gone");
    else
        rc = take_answer(r->fd, out, e);
    if (rc)
        picture_release(out);
    return rc;
}

int reader_decode(struct reader *r, const struct buf *file, struct picture *out, struct err *e)
{
    enum { TRIES = 2 }; /* a picture that ends its reader each time is none of ours to insist on */
    int rc = ERR_DEVICE;

    *out = (struct picture){0};
    if (file->len > MOST_FILE)
        return err_set(e, ERR_FORMAT, "picture: more than %d bytes", MOST_FILE);
    pthread_mutex_lock(&r->lock);
    for (int i = 0; rc == ERR_DEVICE && i < TRIES; i++) {
        rc = ask(r, file, out, e);
        if (rc == ERR_DEVICE)
            let_go(r);
    }
    pthread_mutex_unlock(&r->lock);
    return rc;
}
