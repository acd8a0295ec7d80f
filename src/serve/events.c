/* events.c - server-sent events: the newest state of each job that changed, as soon as the reader
 * can take it. Nothing is queued for a reader: it has a number of the board, and one event. */
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "serve/http.h"
#include "serve/jobs_share.h"
#include "serve/scene.h"
#include "serve/video_json.h"

struct watcher {
    struct events *e;
    struct MHD_Connection *conn;
    const char *tenant;
    int64_t only;
    uint64_t seen;
    char *base;     /* address of the server, for the client */
    struct buf out; /* the event that is on its way */
    size_t sent;
    int suspended, ping, last, over;
    struct watcher *next, *prev;
};

struct events {
    struct server *s;
    pthread_mutex_t lock; /* guards the list, and suspended, ping and last of each */
    struct watcher *first;
    int closing;
};

struct events *events_new(struct server *s)
{
    struct events *e = xcalloc(1, sizeof *e);

    e->s = s;
    pthread_mutex_init(&e->lock, NULL);
    return e;
}

void events_free(struct events **e)
{
    if (!*e)
        return;
    pthread_mutex_destroy(&(*e)->lock);
    free(*e);
    *e = NULL;
}

static void resume(struct watcher *w)
{
    if (w->suspended)
        MHD_resume_connection(w->conn);
    w->suspended = 0;
}

void events_wake(struct events *e)
{
    pthread_mutex_lock(&e->lock);
    for (struct watcher *w = e->first; w; w = w->next)
        resume(w);
    pthread_mutex_unlock(&e->lock);
}

void events_ping(struct events *e)
{
    pthread_mutex_lock(&e->lock);
    for (struct watcher *w = e->first; w; w = w->next) {
        w->ping = 1;
        resume(w);
    }
    pthread_mutex_unlock(&e->lock);
}

void events_end(struct events *e)
{
    pthread_mutex_lock(&e->lock);
    for (struct watcher *w = e->first; w; w = w->next) {
        w->last = 1;
        resume(w);
    }
    pthread_mutex_unlock(&e->lock);
}

void events_close(struct events *e)
{
    pthread_mutex_lock(&e->lock);
    e->closing = 1;
    pthread_mutex_unlock(&e->lock);
    events_wake(e);
}

/* ---- one reader ---- */

static void put(struct watcher *w, uint64_t number, const char *name, const struct buf *json)
{
    buf_printf(&w->out, "id: %llu\nevent: %s\ndata: %s\n\n", (unsigned long long)number, name,
               buf_str(json));
}

static void write_scene(struct watcher *w, uint64_t number)
{
    struct buf json = BUF_INIT;

    scene_json(w->e->s->scene, w->tenant, w->base, &json);
    if (json.len) /* the next one may be another tenant's */
        put(w, number, "live", &json);
    buf_release(&json);
}

static void write_event(struct watcher *w, int64_t id, uint64_t number)
{
    struct server *s = w->e->s;
    struct buf json = BUF_INIT;
    struct job j;
    struct err err;
    /* While the store is away only steps are missed, and the next of them tells all. */
    int rc = jobs_away(s->jobs) ? ERR_IO : jobs_get(s->jobs, w->tenant, id, &j, &err);

    if (rc < 0)
        return;
    if (rc > 0)
        video_json(s, &j, w->base, &json);
    else if (rc == 0)
        buf_printf(&json, "{\"id\":\"" VIDEO_PREFIX "%lld\",\"object\":\"video.deleted\"}",
                   (long long)id);
    put(w, number, rc ? "video" : "deleted", &json);
    if (w->only && (!rc || JOB_IS_OVER(j.state)))
        w->over = 1;
    job_release(&j);
    buf_release(&json);
}

/* The next event into w->out. 1: there is one, 0: the reader sleeps until there is. */
static int next_event(struct watcher *w)
{
    struct events *e = w->e;
    uint64_t number = 0;
    int64_t id = 0;
    int news, ping, last, closing;

    pthread_mutex_lock(&e->lock);
    news = board_next(e->s->board, w->tenant, w->only, w->seen, &id, &number);
    ping = w->ping;
    last = w->last;
    closing = e->closing;
    w->ping = 0;
    if (!news && !ping && !last && !closing) {
        w->suspended = 1;
        MHD_suspend_connection(w->conn);
    }
    pthread_mutex_unlock(&e->lock);
    if (last) {
        w->over = 1;
    } else if (news) {
        w->seen = number;
        if (id == SCENE_CHANGE)
            write_scene(w, number);
        else
            write_event(w, id, number);
    } else if (ping) {
        buf_puts(&w->out, ":\n\n");
    } else if (closing) {
        w->over = 1;
    }
    return news || ping || last || closing;
}

static ssize_t read_events(void *cls, uint64_t pos, char *to, size_t most)
{
    struct watcher *w = cls;
    size_t n;

    (void)pos;
    while (w->sent == w->out.len) {
        buf_clear(&w->out);
        w->sent = 0;
        if (w->over)
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (!next_event(w))
            return 0;
    }
    n = w->out.len - w->sent;
    n = n < most ? n : most;
    memcpy(to, w->out.data + w->sent, n);
    w->sent += n;
    return (ssize_t)n;
}

static void free_watcher(void *cls)
{
    struct watcher *w = cls;

    pthread_mutex_lock(&w->e->lock);
    *(w->prev ? &w->prev->next : &w->e->first) = w->next;
    if (w->next)
        w->next->prev = w->prev;
    pthread_mutex_unlock(&w->e->lock);
    buf_release(&w->out);
    free(w->base);
    free(w);
}

/* Where a reader goes on that was here before. */
static uint64_t last_seen(const struct call *c, uint64_t now)
{
    const char *said = call_header(c, "Last-Event-ID");
    int64_t n;

    return said && !parse_int(said, &n) && n >= 0 && (uint64_t)n < now ? (uint64_t)n : now;
}

void events_reply(struct events *e, struct call *c, int64_t only)
{
    enum { BLOCK = 4096 };
    struct watcher *w = xcalloc(1, sizeof *w);
    struct buf base = BUF_INIT;

    call_base_url(c, &base);
    w->e = e;
    w->conn = c->conn;
    w->tenant = c->tenant;
    w->only = only;
    w->base = buf_take(&base);
    w->seen = last_seen(c, board_now(e->s->board));
    buf_puts(&w->out, "retry: 1000\n\n");
    if (only)
        write_event(w, only, w->seen);
    c->stream =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_events, w, free_watcher);
    pthread_mutex_lock(&e->lock);
    w->next = e->first;
    if (w->next)
        w->next->prev = w;
    e->first = w;
    pthread_mutex_unlock(&e->lock);
    if (!c->stream)
        free_watcher(w);
    c->type = "text/event-stream";
    call_reply_header(c, "Cache-Control", "no-store");
    call_reply_header(c, "X-Accel-Buffering", "no");
}
