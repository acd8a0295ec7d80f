/* curl_net.c - net.h by libcurl, a handle for each request. */
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "net/net.h"

enum { MOST_FIELDS_BYTES = 256 << 10, MOST_REFUSAL_BYTES = 64 << 10, SHOWN_BYTES = 256 };

/* Where an address leads, in lower case. */
struct origin {
    char *scheme, *host, *port;
};

/* One request of a chain of redirects. */
struct hop {
    struct net_answer *a;
    const struct net_request *r;
    struct err *e;
    CURL *curl;
    int64_t most_bytes;
    int plain;     /* http, which may reach this machine alone */
    int follow;    /* a redirect is not the answer */
    int begun;     /* r->begin was called */
    int failed;    /* e holds why */
    int forbidden; /* an address was refused */
    char shown[SHOWN_BYTES];
};

static pthread_once_t curl_ready = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        panic("libcurl does not start");
}

int net_present(void)
{
    return 1;
}

/* ---- addresses ---- */

static void origin_release(struct origin *o)
{
    curl_free(o->scheme);
    curl_free(o->host);
    curl_free(o->port);
    *o = (struct origin){0};
}

static int same_origin(const struct origin *a, const struct origin *b)
{
    return !strcasecmp(a->scheme, b->scheme) && !strcasecmp(a->host, b->host) &&
           !strcmp(a->port, b->port);
}

static int is_https(const struct origin *o)
{
    return !strcasecmp(o->scheme, "https");
}

static int take_apart(struct origin *o, const char *url, const char *shown, struct err *e)
{
    CURLU *u = curl_url();
    char *user = NULL, *password = NULL;
    int rc = 0;

    if (!u)
        return err_set(e, ERR_IO, "%s: out of memory", shown);
    if (curl_url_set(u, CURLUPART_URL, url, 0) || curl_url_get(u, CURLUPART_SCHEME, &o->scheme, 0))
        rc = err_set(e, ERR_USAGE, "\"%s\" is no address: https://HOST/...", shown);
    else if (!is_https(o) && strcasecmp(o->scheme, "http"))
        rc = err_set(e, ERR_USAGE, "%s: \"%s\" is not allowed: https", shown, o->scheme);
    else if (curl_url_get(u, CURLUPART_HOST, &o->host, 0) ||
             curl_url_get(u, CURLUPART_PORT, &o->port, CURLU_DEFAULT_PORT))
        rc = err_set(e, ERR_USAGE, "\"%s\" names no host", shown);
    else if (!curl_url_get(u, CURLUPART_USER, &user, 0) ||
             !curl_url_get(u, CURLUPART_PASSWORD, &password, 0))
        rc = err_set(e, ERR_USAGE, "an address with a user or password in it is not allowed");
    curl_free(user);
    curl_free(password);
    curl_url_cleanup(u);
    return rc;
}

/* libcurl asks for a socket once the name is resolved: nothing changes between look and connection.
 */
static curl_socket_t open_allowed(void *user, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct hop *h = user;
    int bad = ((h->r->rules & NET_PUBLIC) && !net_is_public(&to->addr)) ||
              (h->plain && !net_is_loopback(&to->addr));

    (void)purpose;
    if (bad) {
        h->forbidden = 1;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* ---- what comes ---- */

static void add_lower(struct buf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_putc(b, s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] - 'A' + 'a') : s[i]);
}

static size_t on_field(char *line, size_t size, size_t n, void *user)
{
    struct hop *h = user;
    struct buf *fields = &h->a->fields;
    size_t bytes = size * n, length = bytes;

    while (length && (line[length - 1] == '\n' || line[length - 1] == '\r'))
        length--;
    if (length >= 5 && !strncmp(line, "HTTP/", 5)) { /* 100, then 200 */
        buf_clear(fields);
        return bytes;
    }
    const char *colon = memchr(line, ':', length);
    if (!colon || memchr(line, '\0', length))
        return bytes;
    if (fields->len + length > MOST_FIELDS_BYTES) {
        h->failed = 1;
        err_set(h->e, ERR_FORMAT, "%s: the head of the answer is larger than %d bytes", h->shown,
                MOST_FIELDS_BYTES);
        return 0;
    }
    add_lower(fields, line, (size_t)(colon - line));
    buf_add(fields, colon, length - (size_t)(colon - line));
    buf_putc(fields, '\n');
    return bytes;
}

static int is_success(const struct net_answer *a)
{
    return a->status >= 200 && a->status < 300;
}

static int is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void look_at_head(struct hop *h)
{
    long status = 0;
    curl_off_t length = -1;

    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(h->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    h->a->status = (int)status;
    h->a->body_bytes = length;
}

static int too_large(struct hop *h)
{
    h->failed = 1;
    return err_set(h->e, ERR_FORMAT, "%s: the answer is larger than %lld bytes", h->shown,
                   (long long)h->most_bytes);
}

/* The head is whole. Nonzero: failed. */
static int begin_body(struct hop *h)
{
    if (h->begun)
        return 0;
    h->begun = 1;
    look_at_head(h);
    if (!is_success(h->a))
        return 0;
    if (h->a->body_bytes > h->most_bytes)
        return too_large(h);
    if (h->r->begin && h->r->begin(h->r->user, h->a, h->e))
        h->failed = 1;
    return h->failed;
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    struct hop *h = user;
    struct net_answer *a = h->a;
    size_t bytes = size * n;

    if (begin_body(h))
        return 0;
    if (h->follow && is_redirect(a->status))
        return bytes;
    if (!is_success(a)) {
        size_t room = MOST_REFUSAL_BYTES - a->body.len;
        buf_add(&a->body, data, bytes < room ? bytes : room);
        return bytes;
    }
    if ((int64_t)bytes > h->most_bytes - a->took_bytes) {
        too_large(h);
        return 0;
    }
    a->took_bytes += (int64_t)bytes;
    if (!h->r->take) {
        buf_add(&a->body, data, bytes);
        return bytes;
    }
    if (h->r->take(h->r->user, data, bytes, h->e)) {
        h->failed = 1;
        return 0;
    }
    return bytes;
}

static int on_tick(void *user, curl_off_t down, curl_off_t of, curl_off_t up, curl_off_t up_of)
{
    const struct hop *h = user;

    (void)down, (void)of, (void)up, (void)up_of;
    return h->r->stop && __atomic_load_n(h->r->stop, __ATOMIC_RELAXED);
}

/* ---- one request ---- */

static int add_line(struct curl_slist **list, const char *line, struct err *e)
{
    struct curl_slist *more;

    if (strpbrk(line, "\r\n") || !strchr(line, ':'))
        return err_set(e, ERR_USAGE, "a field of a request is one line, \"Name: value\"");
    more = curl_slist_append(*list, line);
    if (!more)
        panic("out of memory for a field of a request");
    *list = more;
    return 0;
}

static int make_fields(struct curl_slist **list, const struct net_request *r, int with_token,
                       struct err *e)
{
    int rc = add_line(list, "Expect:", e); /* no round trip before a body */

    for (int i = 0; !rc && r->field && r->field[i]; i++)
        rc = add_line(list, r->field[i], e);
    if (!rc && with_token && r->token && *r->token) {
        char *line = xasprintf("Authorization: Bearer %s", r->token);

        rc = add_line(list, line, e);
        if (rc)
            err_set(e, rc, "the token is not one line");
        free(line);
    }
    return rc;
}

static void set_limits(CURL *c, struct hop *h, double left_s)
{
    const struct net_request *r = h->r;
    double connect_s = r->connect_s > 0 ? r->connect_s : NET_CONNECT_S;
    double stall_s = r->stall_s > 0 ? r->stall_s : NET_STALL_S;

    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_s * 1e3) + 1);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)stall_s + 1);
    if (r->most_s > 0)
        curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(left_s * 1e3) + 1);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_tick);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, h);
}

static size_t read_body(char *to, size_t size, size_t n, void *user)
{
    size_t got = fread(to, size, n, user);

    return !got && ferror(user) ? CURL_READFUNC_ABORT : got;
}

static void set_request(CURL *c, struct hop *h, const char *url, struct curl_slist *fields)
{
    const struct net_request *r = h->r;
    const char *bundle = getenv("SSL_CERT_FILE");

    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "zoetrope");
    curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, fields);
    if (bundle && *bundle)
        curl_easy_setopt(c, CURLOPT_CAINFO, bundle);
    if ((r->rules & NET_PUBLIC) || h->plain)
        curl_easy_setopt(c, CURLOPT_PROXY, "");
    if (r->body) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_n_bytes);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body);
    }
    if (r->body_file) {
        curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->body_n_bytes);
        curl_easy_setopt(c, CURLOPT_READFUNCTION, read_body);
        curl_easy_setopt(c, CURLOPT_READDATA, r->body_file);
    }
    if (r->method && !strcmp(r->method, "HEAD"))
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    else if (r->method)
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_allowed);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, h);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_field);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, h);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
}

/* Of no authority that is known here, or another host's. */
static int say_untrusted(struct hop *h, CURLcode rc, const char *why)
{
    const char *bundle = getenv("SSL_CERT_FILE");
    long chain = 0;

    if (rc == CURLE_SSL_CACERT_BADFILE && bundle)
        return err_set(h->e, ERR_IO, "SSL_CERT_FILE: %s: no certificates can be read there",
                       bundle);
    curl_easy_getinfo(h->curl, CURLINFO_SSL_VERIFYRESULT, &chain);
    return err_set(h->e, ERR_IO, "%s: its certificate is not trusted: %s%s", h->shown,
                   *why ? why : curl_easy_strerror(rc),
                   chain ? " (SSL_CERT_FILE names a file with the authority to trust)" : "");
}

static int say_failed(struct hop *h, CURLcode rc, const char *why)
{
    if (h->failed)
        return h->e->code;
    if (rc == CURLE_ABORTED_BY_CALLBACK)
        return err_set(h->e, ERR_CANCEL, "%s: interrupted", h->shown);
    if (rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_CACERT_BADFILE)
        return say_untrusted(h, rc, why);
    if (h->forbidden && h->plain)
        return err_set(h->e, ERR_USAGE, "%s: http is allowed to this machine alone: https",
                       h->shown);
    if (h->forbidden)
        return err_set(h->e, ERR_USAGE, "%s: the address is not a public one", h->shown);
    return err_set(h->e, ERR_IO, "%s: %s", h->shown, *why ? why : curl_easy_strerror(rc));
}

static int ask(struct hop *h, const char *url, int with_token, double left_s, char **next)
{
    char why[CURL_ERROR_SIZE] = "";
    struct curl_slist *fields = NULL;
    const char *to = NULL;
    int rc = make_fields(&fields, h->r, with_token, h->e);

    h->curl = rc ? NULL : curl_easy_init();
    if (!rc && !h->curl)
        rc = err_set(h->e, ERR_IO, "%s: libcurl has no memory", h->shown);
    if (rc)
        goto out;
    set_request(h->curl, h, url, fields);
    set_limits(h->curl, h, left_s);
    curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, why);
    CURLcode code = curl_easy_perform(h->curl);
    if (code) {
        look_at_head(h);
        rc = say_failed(h, code, why);
    } else if (begin_body(h)) { /* without a byte of body */
        rc = h->e->code;
    } else if (h->follow && is_redirect(h->a->status)) {
        curl_easy_getinfo(h->curl, CURLINFO_REDIRECT_URL, &to);
        *next = to ? xstrdup(to) : NULL;
    }
out:
    curl_slist_free_all(fields);
    if (h->curl)
        curl_easy_cleanup(h->curl);
    return rc;
}

/* ---- all of them ---- */

/* The head of a redirect goes before those that were seen earlier. */
static void keep_earlier(struct net_answer *a)
{
    struct buf old = a->earlier;

    a->earlier = a->fields;
    buf_add(&a->earlier, buf_str(&old), old.len);
    buf_release(&old);
    a->fields = (struct buf)BUF_INIT;
}

static int request_hop(struct net_answer *a, const struct net_request *r, const struct origin *from,
                       const struct origin *to, double left_s, int follow, char **next,
                       struct err *e)
{
    struct hop h = {.a = a, .r = r, .e = e, .follow = follow};

    h.most_bytes = r->most_bytes ? r->most_bytes : NET_MOST_BYTES;
    h.plain = !is_https(to) && !(r->rules & NET_PLAIN);
    net_shown(h.shown, sizeof h.shown, a->url);
    if (is_https(from) && !is_https(to))
        return err_set(e, ERR_USAGE, "%s: a redirect from https to http is not followed", h.shown);
    return ask(&h, a->url, same_origin(from, to), left_s, next);
}

int net_request(struct net_answer *a, const struct net_request *r, struct err *e)
{
    struct origin first = {0}, now = {0};
    double end_s = clock_s() + r->most_s;
    char *next = NULL, shown[SHOWN_BYTES];
    int rc, followed = 0;

    pthread_once(&curl_ready, start_curl);
    *a = (struct net_answer){.body_bytes = -1, .url = xstrdup(r->url)};
    net_shown(shown, sizeof shown, r->url);
    rc = take_apart(&first, r->url, shown, e);
    while (!rc) {
        origin_release(&now);
        rc = take_apart(&now, a->url, shown, e);
        double left_s = end_s - clock_s();
        if (!rc && r->most_s > 0 && left_s <= 0)
            rc = err_set(e, ERR_IO, "%s: no answer in time", shown);
        if (!rc)
            rc = request_hop(a, r, &first, &now, left_s, r->redirects && !r->body && !r->body_file,
                             &next, e);
        if (rc || !next)
            break;
        if (followed++ == r->redirects) {
            rc = err_set(e, ERR_IO, "%s: more than %d redirects", shown, r->redirects);
            break;
        }
        free(a->url);
        a->url = next;
        next = NULL;
        net_shown(shown, sizeof shown, a->url);
        keep_earlier(a);
    }
    free(next);
    origin_release(&first);
    origin_release(&now);
    return rc;
}
