#include "serve/stream.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

#define SLOW_S 2.0 /* who takes so long over one picture does not watch */

struct watcher {
    struct stream *st;
    struct MHD_Connection *conn;
    int scene;       /* which one it watches */
    uint64_t seen;   /* number of the picture that it was sent last */
    struct buf part; /* that is on its way */
    size_t sent;
    double since; /* when it took something last */
    int suspended;
    struct watcher *next, *prev;
};

struct stream {
    pthread_mutex_t lock; /* guards all; of a watcher what others look at */
    struct watcher *first;
    int n, scene, over;
    uint64_t number; /* of the newest picture; 0: there is none */
    struct buf part;
};

struct stream *stream_new(void)
{
    struct stream *st = xcalloc(1, sizeof *st);

    pthread_mutex_init(&st->lock, NULL);
    st->over = 1;
    return st;
}

void stream_free(struct stream **st)
{
    if (!*st)
        return;
    buf_release(&(*st)->part);
    pthread_mutex_destroy(&(*st)->lock);
    free(*st);
    *st = NULL;
}

/* ---- what is shown ---- */

static void wake(struct stream *st)
{
    for (struct watcher *w = st->first; w; w = w->next) {
        if (w->suspended)
            MHD_resume_connection(w->conn);
        w->suspended = 0;
    }
}

static void turn_over(struct stream *st, int over)
{
    pthread_mutex_lock(&st->lock);
    st->scene += !over;
    st->over = over;
    st->number = over ? st->number : 0;
    wake(st);
    pthread_mutex_unlock(&st->lock);
}

void stream_begin(struct stream *st)
{
    turn_over(st, 0);
}

void stream_end(struct stream *st)
{
    turn_over(st, 1);
}

/* The boundary stands behind each picture, since browsers show one when they have seen its end. */
void stream_show(struct stream *st, const struct buf *jpeg, const char *headers)
{
    pthread_mutex_lock(&st->lock);
    buf_clear(&st->part);
    buf_printf(&st->part, "Content-Type: image/jpeg\r\nContent-Length: %zu\r\n%s\r\n", jpeg->len,
               headers);
    buf_add(&st->part, jpeg->data, jpeg->len);
    buf_puts(&st->part, "\r\n--frame\r\n");
    st->number++;
    wake(st);
    pthread_mutex_unlock(&st->lock);
}

int stream_watchers(struct stream *st)
{
    double now = clock_s();
    int n = 0;

    pthread_mutex_lock(&st->lock);
    for (const struct watcher *w = st->first; w; w = w->next)
        n += w->scene == st->scene && (w->suspended || now - w->since < SLOW_S);
    pthread_mutex_unlock(&st->lock);
    return n;
}

/* ---- one watcher ---- */

/* 1: there is something to send, 0: it sleeps until there is, -1: it has seen all. */
static int next_part(struct watcher *w)
{
    struct stream *st = w->st;
    int rc = 1;

    pthread_mutex_lock(&st->lock);
    if (w->scene != st->scene || st->over) {
        rc = -1;
    } else if (st->number > w->seen) {
        buf_clear(&w->part);
        buf_add(&w->part, st->part.data, st->part.len);
        w->seen = st->number;
        w->sent = 0;
    } else {
        rc = 0;
        w->suspended = 1;
        MHD_suspend_connection(w->conn);
    }
    w->since = clock_s();
    pthread_mutex_unlock(&st->lock);
    return rc;
}

static ssize_t read_parts(void *cls, uint64_t pos, char *to, size_t most)
{
    struct watcher *w = cls;
    size_t n;

    (void)pos;
    if (w->sent == w->part.len) {
        int rc = next_part(w);

        if (rc <= 0)
            return rc ? MHD_CONTENT_READER_END_OF_STREAM : 0;
    }
    n = w->part.len - w->sent;
    n = n < most ? n : most;
    memcpy(to, w->part.data + w->sent, n);
    w->sent += n;
    return (ssize_t)n;
}

static void free_watcher(void *cls)
{
    struct watcher *w = cls;

    pthread_mutex_lock(&w->st->lock);
    *(w->prev ? &w->prev->next : &w->st->first) = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->st->n--;
    pthread_mutex_unlock(&w->st->lock);
    buf_release(&w->part);
    free(w);
}

static void add(struct stream *st, struct watcher *w)
{
    w->scene = st->scene;
    w->next = st->first;
    if (w->next)
        w->next->prev = w;
    st->first = w;
    st->n++;
}

/* What the kernel keeps for it is no longer the newest when it is read; and one that does not read
 * is soon known. */
static void keep_little(struct MHD_Connection *conn, int bytes)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (i)
        (void)setsockopt(i->connect_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    MHD_set_connection_option(conn, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)STREAM_SILENCE_S);
}

int stream_reply(struct stream *st, struct call *c)
{
    enum { BLOCK = 16 << 10 };
    struct watcher *w = xcalloc(1, sizeof *w);
    int full;

    w->st = st;
    w->conn = c->conn;
    w->since = clock_s();
    buf_puts(&w->part, "--frame\r\n");
    pthread_mutex_lock(&st->lock);
    full = st->n >= STREAM_WATCHERS;
    if (!full)
        add(st, w);
    pthread_mutex_unlock(&st->lock);
    if (full) {
        free(w);
        call_fail(c, FAULT_JOBS, NULL, "%d watch this already", STREAM_WATCHERS);
        return -1;
    }
    c->stream =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_parts, w, free_watcher);
    if (!c->stream)
        free_watcher(w);
    keep_little(c->conn, c->s->o.live_ahead_bytes);
    c->close = 1; /* the connection is as this answer wants it */
    c->type = STREAM_TYPE;
    call_reply_header(c, "Cache-Control", "no-store");
    call_reply_header(c, "X-Accel-Buffering", "no");
    call_reply_header(c, "Content-Security-Policy", "default-src 'none'; sandbox");
    return 0;
}
