/* http_check.c - what can be said of a request by its head. */
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "serve/http.h"
#include "serve/keys.h"

enum { HEAD_BYTES = 32 << 10, URI_BYTES = 8 << 10 };

struct head {
    const char *at; /* where the next line of the head begins, if nothing lies hidden */
    int whole;
    int n_length, n_chunked, n_host, n_encoding, n_type;
    const char *length, *host, *origin, *site, *type, *authorization;
};

static enum MHD_Result look(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct head *h = cls;

    (void)kind;
    /* libmicrohttpd cuts the head into strings where it lies. A NUL that came with it, a bare line
     * feed or a folded line leaves a gap. */
    if (!value || name != h->at || value <= name)
        h->whole = 0;
    h->at = value ? value + strlen(value) + 2 : NULL;
    value = value ? value : "";
    if (!strcasecmp(name, "Content-Length")) {
        h->n_length++;
        h->length = value;
    } else if (!strcasecmp(name, "Transfer-Encoding")) {
        h->n_encoding++;
        h->n_chunked += !strcasecmp(value, "chunked");
    } else if (!strcasecmp(name, "Host")) {
        h->n_host++;
        h->host = value;
    } else if (!strcasecmp(name, "Origin")) {
        h->origin = value;
    } else if (!strcasecmp(name, "Sec-Fetch-Site")) {
        h->site = value;
    } else if (!strcasecmp(name, "Content-Type")) {
        h->n_type++;
        h->type = value;
    }
    return MHD_YES;
}

/* ---- framing ---- */

static int check_framing(struct call *c, const struct head *h, const char *end)
{
    if (!h->whole || h->at + 2 != end) {
        call_fail(c, FAULT_MALFORMED, NULL,
                  "the head of the request holds a NUL, a folded line or a bare line feed");
    } else if (h->n_length > 1 || h->n_host != 1 || h->n_encoding > 1 || h->n_type > 1) {
        call_fail(c, FAULT_MALFORMED, NULL,
                  "Host must be given once, and Content-Length, Transfer-Encoding and "
                  "Content-Type at most once");
    } else if (h->n_encoding && (h->n_length || !h->n_chunked)) {
        call_fail(c, FAULT_MALFORMED, NULL,
                  "Transfer-Encoding must be chunked, without a Content-Length");
    } else if (h->length && (strspn(h->length, "0123456789") != strlen(h->length) || !*h->length ||
                             strlen(h->length) > 15)) {
        call_fail(c, FAULT_MALFORMED, NULL, "Content-Length must be a decimal number");
    } else {
        return 0;
    }
    c->close = 1;
    return -1;
}

static int check_sizes(struct call *c, size_t head_bytes, const char *raw)
{
    if (strlen(raw) > URI_BYTES)
        call_fail(c, FAULT_URI, NULL, "the address is longer than %d bytes", URI_BYTES);
    else if (head_bytes > HEAD_BYTES)
        call_fail(c, FAULT_HEAD, NULL, "the head of the request is larger than %d bytes",
                  HEAD_BYTES);
    else if (strstr(raw, "%00"))
        call_fail(c, FAULT_MALFORMED, NULL, "%%00 in the address");
    else
        return 0;
    c->close = 1;
    return -1;
}

/* ---- whose page ---- */

static int is_host(const char *given, const char *name)
{
    size_t n = strlen(name);

    return !strncasecmp(given, name, n) &&
           (!given[n] ||
            (given[n] == ':' && strspn(given + n + 1, "0123456789") == strlen(given + n + 1)));
}

/* A page of another name that resolves to us (rebinding) names itself in Host. */
static int host_is_ours(const struct server *s, const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    const char *url = s->o.public_url ? strstr(s->o.public_url, "://") : NULL;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_host(host, names[i]))
            return 1;
    if (url && !strncasecmp(host, url + 3, strlen(host)) && strcspn(url + 3, "/") == strlen(host))
        return 1;
    return is_host(host, http_host(s->http)) || (keys_are_asked_for(s->keys) && !url);
}

static int origin_is_ours(const struct server *s, const char *origin, const char *host)
{
    const char *name = strstr(origin, "://");
    size_t n = s->o.public_url ? strlen(s->o.public_url) : 0;

    if (n && !strncasecmp(origin, s->o.public_url, n) && !origin[n])
        return 1;
    return name && !strcasecmp(name + 3, host);
}

static int check_origin(struct call *c, const struct head *h)
{
    int writes = strcmp(c->method, "GET") && strcmp(c->method, "HEAD");

    if (!host_is_ours(c->s, h->host))
        call_fail(c, FAULT_FORBIDDEN, NULL, "Host is not a name of this server");
    else if (h->origin && !origin_is_ours(c->s, h->origin, h->host))
        call_fail(c, FAULT_FORBIDDEN, NULL, "requests of pages of another origin are refused");
    else if (writes && h->site && !strcasecmp(h->site, "cross-site"))
        call_fail(c, FAULT_FORBIDDEN, NULL, "requests of pages of another site are refused");
    else
        return 0;
    c->close = 1;
    return -1;
}

/* ---- the body to come ---- */

static int is_type(const char *given, const char *type)
{
    size_t n = strlen(type);

    return given && !strncasecmp(given, type, n) && strchr(" ;\t", given[n]);
}

static int check_body(struct call *c, const struct head *h)
{
    const struct route *r = c->route;
    int has_body = h->n_encoding || (h->length && strspn(h->length, "0") != strlen(h->length));

    if (h->length && atoll(h->length) > r->body_most) {
        call_fail(c, FAULT_TOO_LARGE, NULL, "the body may have %d bytes at most", r->body_most);
    } else if (!has_body || is_type(h->type, (r->flags & ROUTE_FILE) ? "application/octet-stream"
                                                                     : "application/json")) {
        return 0;
    } else if ((r->flags & ROUTE_MULTIPART) && is_type(h->type, "multipart/form-data")) {
        c->multipart = 1;
        return 0;
    } else if (is_type(h->type, "application/x-www-form-urlencoded") ||
               is_type(h->type, "multipart/form-data") || is_type(h->type, "text/plain")) {
        call_fail(c, FAULT_FORBIDDEN, NULL, "forms of pages are refused: send application/json");
    } else {
        call_fail(c, FAULT_TYPE, NULL, "Content-Type must be %s",
                  r->flags & ROUTE_FILE        ? "application/octet-stream"
                  : r->flags & ROUTE_MULTIPART ? "application/json or multipart/form-data"
                                               : "application/json");
    }
    c->close = 1;
    return -1;
}

/* ---- who asks ---- */

/* Authorization, or X-API-KEY, by which ComfyUI says a key. */
static enum key_answer ask_keys(struct call *c)
{
    const char *said = call_header(c, "Authorization");
    const char *plain = said ? NULL : call_header(c, "X-API-KEY");
    struct buf bearer = BUF_INIT;
    enum key_answer a;

    if (plain)
        buf_printf(&bearer, "Bearer %s", plain);
    said = plain ? buf_str(&bearer) : said;
    if (c->route->flags & ROUTE_WORKER)
        a = keys_check_worker(c->s->keys, said);
    else
        a = keys_check(c->s->keys, said, jobs_now_ms() / 1000, &c->tenant);
    buf_release(&bearer);
    return a;
}

static int check_key(struct call *c)
{
    static const enum fault faults[] = {[KEY_FAILED] = FAULT_KEY,
                                        [KEY_EMPTY] = FAULT_KEY_EMPTY,
                                        [KEY_INVALID] = FAULT_KEY_INVALID,
                                        [KEY_NOT_YET] = FAULT_KEY_NOT_YET,
                                        [KEY_EXPIRED] = FAULT_KEY_EXPIRED};
    static const char *const why[] = {[KEY_FAILED] = "the key is not accepted",
                                      [KEY_EMPTY] = "a key is needed: Authorization: Bearer KEY",
                                      [KEY_INVALID] = "the key or token is not valid",
                                      [KEY_NOT_YET] = "the token is not valid yet",
                                      [KEY_EXPIRED] = "the token has expired"};
    enum key_answer a = ask_keys(c);

    if (a == KEY_OK || (c->route->flags & (ROUTE_OPEN | ROUTE_SIGNED)))
        return 0; /* a handler of signed addresses looks at tenant, and else at the signature */
    call_fail(c, faults[a], NULL, "%s", why[a]);
    call_reply_header(c, "WWW-Authenticate", "Bearer");
    c->close = 1;
    return -1;
}

static void fail_method(struct call *c)
{
    struct buf methods = BUF_INIT;

    route_methods(c->path, &methods);
    call_fail(c, FAULT_METHOD, NULL, "%s is not a method of this address", c->method);
    call_reply_header(c, "Allow", "%s", buf_str(&methods));
    buf_release(&methods);
}

int http_check_head(struct call *c)
{
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(c->conn, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct head h = {.whole = 1};
    size_t n = size ? size->header_size : 0;
    enum fault f;

    h.at = c->version + strlen(c->version) + 2;
    MHD_get_connection_values(c->conn, MHD_HEADER_KIND, look, &h);
    if (check_sizes(c, n, c->raw) || check_framing(c, &h, c->method + n) || check_origin(c, &h))
        return -1;
    c->route = route_find(c->method, c->path, c->arg, &f);
    if (!c->route) {
        if (f == FAULT_METHOD)
            fail_method(c);
        else
            call_fail(c, f, NULL, "no such address");
        c->close = h.n_encoding || h.n_length;
        return -1;
    }
    c->style = c->route->style;
    return check_key(c) || check_body(c, &h) ? -1 : 0;
}

/* ---- ranges ---- */

int http_range(const char *header, int64_t whole, int64_t *from, int64_t *bytes)
{
    static const char unit[] = "bytes=";
    const char *text = header ? header + sizeof unit - 1 : "", *dash;
    char first[24] = "", last[24] = "";
    int64_t a, b;

    if (!header || strncasecmp(header, unit, sizeof unit - 1))
        return 0;
    dash = strchr(text, '-');
    if (!dash || strspn(text, "0123456789-") != strlen(text) || strchr(dash + 1, '-') ||
        dash - text > 18 || strlen(dash + 1) > 18 || !text[1])
        return -1;
    snprintf(first, sizeof first, "%.*s", (int)(dash - text), text);
    snprintf(last, sizeof last, "%s", dash + 1);
    if (!*first) { /* the last b bytes */
        if (parse_int(last, &b) || b == 0 || !whole)
            return -1;
        a = b < whole ? whole - b : 0;
        b = whole - 1;
    } else {
        if (parse_int(first, &a) || (*last && parse_int(last, &b)))
            return -1;
        if (!*last || b >= whole)
            b = whole - 1;
        if (a > b)
            return -1;
    }
    *from = a;
    *bytes = b - a + 1;
    return 1;
}
