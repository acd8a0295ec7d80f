#include "serve/http.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "serve/jobs_share.h"
#include "serve/keys.h"
#include "serve/listen.h"
#include "serve/multipart.h"
#include "serve/sign.h"
#include "serve/slow.h"

enum {
    THREADS = 4,
    MEMORY = 64 << 10, /* of a connection, for its head */
    SILENCE_S = 60,    /* a reader that takes nothing for so long is dropped */
    CONNECTIONS = 16384,
    SPARE_FILES = 128,
    TOO_MUCH = 8 << 20, /* bytes beyond the limit of a body */
    PING_TICKS = 60     /* of a quarter of a second */
};

struct http {
    struct server *s;
    struct MHD_Daemon *daemon;
    struct watch *watch;
    struct events *events;
    struct slow *slow;
    struct listening at;
    int ticks;
};

int http_port(const struct http *h)
{
    return h->at.port;
}

const char *http_host(const struct http *h)
{
    return h->at.host;
}

struct events *http_events(struct http *h)
{
    return h->events;
}

void http_changed(void *server)
{
    struct server *s = server;

    if (s->http && s->http->events)
        events_wake(s->http->events);
}

/* ---- a request ---- */

/* Addresses stay as they came: what is decoded is decoded where it is used. */
static size_t leave_escaped(void *cls, struct MHD_Connection *conn, char *text)
{
    (void)cls, (void)conn;
    return strlen(text);
}

static void make_request_id(char out[37])
{
    uint8_t r[16] = {0};
    char hex[33];

    (void)!getrandom(r, sizeof r, 0);
    r[6] = (uint8_t)((r[6] & 15) | 0x40);
    r[8] = (uint8_t)((r[8] & 63) | 0x80);
    hex_of(r, sizeof r, hex);
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static struct link *link_of(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return i ? i->socket_context : NULL;
}

static void set_phase(struct http *h, struct MHD_Connection *conn, enum link_phase phase)
{
    struct link *l = link_of(conn);

    if (l)
        watch_phase(h->watch, l, phase);
}

/* Bytes before the path of Kling's API, by which gateways tell whose it is: "/kling" of new-api and
 * one-api, "/proxy/kling" of ComfyUI. */
static size_t kling_prefix(const char *uri)
{
    static const char *const prefixes[] = {"/kling/", "/proxy/kling/"};

    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (!strncmp(uri, prefixes[i], strlen(prefixes[i])))
            return strlen(prefixes[i]) - 1;
    return 0;
}

/* What a call begins with; the address as it came is seen here alone. */
static void *begin(void *cls, const char *uri, struct MHD_Connection *conn)
{
    size_t prefix = kling_prefix(uri);
    struct http *h = cls;
    struct call *c = xcalloc(1, sizeof *c);

    c->s = h->s;
    c->conn = conn;
    c->fd = c->file_out = -1;
    c->style = prefix ? STYLE_KLING : STYLE_OPENAI;
    uri += prefix;
    c->raw = xstrdup(uri);
    c->path = xstrndup(uri, strcspn(uri, "?"));
    make_request_id(c->request_id);
    set_phase(h, conn, LINK_HEAD);
    return c;
}

static void call_free(struct call *c)
{
    for (int i = 0; i < c->n_headers; i++)
        free((char *)c->header[i][1]);
    for (int i = 0; i < CALL_UPLOADS; i++)
        buf_release(&c->upload[i].data);
    if (c->fd >= 0)
        close(c->fd);
    if (c->file_out >= 0)
        close(c->file_out);
    if (c->file)
        unlink(c->file);
    free(c->file);
    buf_release(&c->body);
    buf_release(&c->out);
    free((char *)c->raw);
    free(c->path);
    free(c);
}

static struct MHD_Response *response_of(struct call *c)
{
    struct MHD_Response *r = c->stream;

    c->stream = NULL;
    if (!r && c->fd >= 0) {
        r = MHD_create_response_from_fd_at_offset64((uint64_t)c->file_bytes, c->fd,
                                                    (uint64_t)c->file_from);
        if (r)
            c->fd = -1;
    } else if (!r) {
        r = MHD_create_response_from_buffer(c->out.len, c->out.data, MHD_RESPMEM_MUST_COPY);
    }
    return r;
}

/* Who asked for what, without the query: it may hold a signature. */
static void note_call(struct server *s, const struct call *c)
{
    char status[16];

    atomic_fetch_add(&s->calls[c->status / 100 % 6], 1);
    if (!s->o.log)
        return;
    snprintf(status, sizeof status, "%d", c->status);
    server_log(s, "call", "method", c->method ? c->method : "", "path", c->path, "status", status,
               "tenant", c->tenant ? c->tenant : "", "id", c->request_id);
}

static enum MHD_Result answer(struct http *h, struct call *c)
{
    struct MHD_Response *r = response_of(c);
    enum MHD_Result done;

    if (!r)
        return MHD_NO;
    if (c->type)
        MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, c->type);
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "X-Request-Id", c->request_id);
    for (int i = 0; i < c->n_headers; i++)
        MHD_add_response_header(r, c->header[i][0], c->header[i][1]);
    if (c->close)
        MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
    note_call(h->s, c);
    set_phase(h, c->conn, LINK_REPLY);
    done = MHD_queue_response(c->conn, (unsigned)c->status, r);
    MHD_destroy_response(r);
    return done;
}

/* A name is there once, but for files of a list, whose name ends so that clients can say it again.
 */
static int name_is_free(const struct part *part, int i)
{
    int list = *part[i].filename && strstr(part[i].name, "[]");

    for (int k = 0; !list && k < i; k++)
        if (!strcmp(part[i].name, part[k].name))
            return 0;
    return utf8_valid(part[i].name, strlen(part[i].name), NULL);
}

/* The fields of a form become an object of strings, its files uploads. */
static int take_parts(struct call *c)
{
    struct part part[MULTIPART_PARTS];
    struct buf json = BUF_INIT;
    struct jsonw w;
    int n = multipart_read(call_header(c, "Content-Type"), buf_str(&c->body), c->body.len, part);
    int files = 0, ok = n >= 0;

    jsonw_init(&w, &json, 0);
    jsonw_object(&w, NULL);
    for (int i = 0; ok && i < n; i++) {
        ok = name_is_free(part, i);
        if (ok && *part[i].filename && files < CALL_UPLOADS) {
            memcpy(c->upload[files].name, part[i].name, sizeof c->upload[files].name);
            buf_add(&c->upload[files++].data, part[i].data, part[i].bytes);
        } else if (ok && !*part[i].filename && utf8_valid(part[i].data, part[i].bytes, NULL) &&
                   !memchr(part[i].data, 0, part[i].bytes)) {
            char *text = xstrndup(part[i].data, part[i].bytes);
            jsonw_string(&w, part[i].name, text);
            free(text);
        } else {
            ok = 0;
        }
    }
    jsonw_end_object(&w);
    buf_release(&c->body);
    c->body = json;
    return ok ? 0 : -1;
}

static void run(struct call *c)
{
    if (c->multipart && take_parts(c)) {
        call_fail(
            c, FAULT_MALFORMED, NULL,
            "the body is no multipart/form-data of at most %d fields of UTF-8 and %d files, each "
            "name once",
            MULTIPART_PARTS, CALL_UPLOADS);
        return;
    }
    if (jobs_away(c->s->jobs) && !(c->route->flags & ROUTE_OPEN)) {
        call_fail(c, FAULT_BUSY, NULL, "the store of jobs is away; ask again");
        return;
    }
    c->status = 200;
    c->again = 0;
    c->type = "application/json";
    c->route->run(c);
}

static void take_file(struct call *c, const char *data, size_t n)
{
    if (!c->file) {
        char *name = xasprintf("%s.part", c->request_id);
        c->file = path_join(c->s->work_dir, name);
        free(name);
        c->file_out = open(c->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        sha256_init(&c->sum);
    }
    sha256_add(&c->sum, data, n);
    while (n) {
        ssize_t k = c->file_out < 0 ? -1 : write(c->file_out, data, n);

        if (k < 0 && (c->file_out < 0 || errno != EINTR)) {
            int full = errno == ENOSPC || errno == EDQUOT;
            call_fail(c, full ? FAULT_DISK : FAULT_SERVER, NULL, "the body could not be kept");
            return;
        }
        data += k > 0 ? k : 0;
        n -= (size_t)(k > 0 ? k : 0);
    }
}

/* More than the route allows is counted and not kept. */
static void take_body(struct call *c, const char *data, size_t n)
{
    size_t most = (size_t)c->route->body_most;

    c->body_bytes += n;
    if (c->status)
        return;
    if (c->body_bytes > most) {
        call_fail(c, FAULT_TOO_LARGE, NULL, "the body may have %zu bytes at most", most);
        c->close = 1;
    } else if (c->route->flags & ROUTE_FILE) {
        take_file(c, data, n);
    } else if (!buf_reserve(&c->body, n)) {
        buf_add(&c->body, data, n);
    } else {
        call_fail(c, FAULT_SERVER, NULL, "no memory for the body");
    }
}

static enum MHD_Result on_call(void *cls, struct MHD_Connection *conn, const char *url,
                               const char *method, const char *version, const char *data, size_t *n,
                               void **context)
{
    struct http *h = cls;
    struct call *c = *context;

    (void)url, (void)conn;
    if (!c->checked) {
        c->checked = 1;
        c->method = method;
        c->version = version;
        if (http_check_head(c))
            return answer(h, c);
        /* What a worker sends may take its time, but not fall silent. */
        set_phase(h, conn, c->route->flags & ROUTE_FILE ? LINK_REPLY : LINK_BODY);
        return MHD_YES;
    }
    if (*n) {
        size_t most = (size_t)c->route->body_most + TOO_MUCH;

        /* An answer may not be queued while a body is on its way: the rest is thrown away, up to
         * what nobody sends by mistake. */
        take_body(c, data, *n);
        *n = 0;
        return c->body_bytes > most ? MHD_NO : MHD_YES;
    }
    if (!c->status && (c->route->flags & ROUTE_SLOW)) {
        set_phase(h, conn, LINK_REPLY);
        MHD_suspend_connection(conn);
        if (!slow_add(h->slow, c))
            return MHD_YES;
        call_fail(c, FAULT_BUSY, NULL, "too many calls at once");
        MHD_resume_connection(conn);
        return MHD_YES;
    }
    if (!c->status)
        run(c);
    return answer(h, c);
}

static void slow_done(struct call *c)
{
    MHD_resume_connection(c->conn); /* on_call is asked again, and answers */
}

static void on_end(void *cls, struct MHD_Connection *conn, void **context,
                   enum MHD_RequestTerminationCode code)
{
    struct http *h = cls;

    (void)code;
    if (*context)
        call_free(*context);
    *context = NULL;
    set_phase(h, conn, LINK_IDLE);
}

static void on_connection(void *cls, struct MHD_Connection *conn, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *h = cls;
    const int on = 1;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *i =
            MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
        setsockopt(i->connect_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        *socket_context = watch_open(h->watch, i->connect_fd);
    } else if (*socket_context) {
        watch_close(h->watch, *socket_context);
        *socket_context = NULL;
    }
}

static void no_log(void *cls, const char *format, va_list args)
{
    (void)cls, (void)format, (void)args;
}

/* ---- start and end ---- */

static void on_tick(void *arg)
{
    struct http *h = arg;

    if (++h->ticks % PING_TICKS == 0)
        events_ping(h->events);
    slow_look(h->slow);
}

void http_work_waits(struct http *h)
{
    slow_wake(h->slow);
}

void http_keys_changed(struct http *h)
{
    events_end(h->events);
}

/* As many connections as there may be files, but for some of our own. */
static unsigned most_connections(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r))
        return 512;
    if (r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max < 2 * CONNECTIONS ? r.rlim_max : 2 * CONNECTIONS;
        setrlimit(RLIMIT_NOFILE, &r);
        getrlimit(RLIMIT_NOFILE, &r);
    }
    return r.rlim_cur > CONNECTIONS + SPARE_FILES ? CONNECTIONS
           : r.rlim_cur > 2 * SPARE_FILES         ? (unsigned)r.rlim_cur - SPARE_FILES
                                                  : SPARE_FILES;
}

int http_serve(struct http *h, struct err *e)
{
    const unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG;

    h->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_call, h, MHD_OPTION_EXTERNAL_LOGGER, no_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, h->at.fd, MHD_OPTION_URI_LOG_CALLBACK, begin, h,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_end, h,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)MEMORY, MHD_OPTION_CONNECTION_LIMIT, most_connections(),
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)THREADS, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    return h->daemon ? 0
                     : err_set(e, ERR_IO, "the HTTP server does not start: %s", strerror(errno));
}

int http_start(struct http **out, struct server *s, struct err *e)
{
    struct http *h = xcalloc(1, sizeof *h);
    int rc;

    h->s = s;
    s->http = h;
    rc = s->o.listen_fd < 0 ? listen_at(&h->at, s->o.listen, e)
                            : listen_on(&h->at, s->o.listen_fd, e);
    if (!rc && !h->at.local && !keys_are_asked_for(s->keys))
        rc = err_set(e, ERR_USAGE,
                     "listen: %s can be reached from other machines, so --keys is needed",
                     h->at.host);
    if (!rc)
        rc = listen_begin(&h->at, e);
    if (!rc) {
        h->events = events_new(s);
        h->slow = slow_new(run, slow_done);
        h->watch = watch_new(s->o.head_s, s->o.body_s, on_tick, h);
    }
    *out = h;
    if (rc)
        http_stop(out);
    s->http = *out;
    return rc;
}

void http_stop(struct http **http)
{
    struct http *h = *http;

    if (!h)
        return;
    /* Nobody waits any more when the daemon stops; its threads and the watch ask until they have.
     */
    if (h->slow)
        slow_stop(h->slow);
    if (h->events)
        events_close(h->events);
    if (h->daemon) {
        MHD_quiesce_daemon(h->daemon); /* else it shuts the socket, which systemd holds as well */
        MHD_stop_daemon(h->daemon);
    }
    if (h->at.fd >= 0)
        close(h->at.fd);
    watch_free(&h->watch);
    slow_free(&h->slow);
    events_free(&h->events);
    free(h);
    *http = NULL;
}
