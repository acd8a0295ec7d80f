#include "serve/call.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "serve/http.h"
#include "serve/jobs_share.h"
#include "serve/sign.h"

/* What a fault is in each API. Kling's codes: its documentation of errors. */
static const struct {
    int status, kling;
    const char *type, *code;
} FAULTS[N_FAULTS] = {
    [FAULT_MALFORMED] = {400, 1200, "invalid_request_error", "malformed"},
    [FAULT_VALUE] = {400, 1201, "invalid_request_error", "invalid_value"},
    [FAULT_KEY] = {401, 1000, "authentication_error", "invalid_api_key"},
    [FAULT_KEY_EMPTY] = {401, 1001, "authentication_error", "missing_api_key"},
    [FAULT_KEY_INVALID] = {401, 1002, "authentication_error", "invalid_api_key"},
    [FAULT_KEY_NOT_YET] = {401, 1003, "authentication_error", "token_not_yet_valid"},
    [FAULT_KEY_EXPIRED] = {401, 1004, "authentication_error", "token_expired"},
    [FAULT_FORBIDDEN] = {403, 1103, "permission_error", "forbidden"},
    [FAULT_NOT_FOUND] = {404, 1202, "invalid_request_error", "not_found"},
    [FAULT_NO_SUCH] = {404, 1203, "invalid_request_error", "not_found"},
    [FAULT_TASK] = {400, 1201, "invalid_request_error", "not_found"},
    [FAULT_METHOD] = {405, 1202, "invalid_request_error", "method_not_allowed"},
    [FAULT_TIMEOUT] = {408, 5002, "invalid_request_error", "timeout"},
    [FAULT_CONFLICT] = {409, 1201, "invalid_request_error", "conflict"},
    [FAULT_EXPIRED] = {410, 1203, "invalid_request_error", "expired"},
    [FAULT_LENGTH] = {411, 1200, "invalid_request_error", "length_required"},
    [FAULT_TOO_LARGE] = {413, 1201, "invalid_request_error", "too_large"},
    [FAULT_URI] = {414, 1200, "invalid_request_error", "uri_too_long"},
    [FAULT_RANGE] = {416, 1201, "invalid_request_error", "range_not_satisfiable"},
    [FAULT_TYPE] = {415, 1200, "invalid_request_error", "unsupported_media_type"},
    [FAULT_MEDIA] = {422, 1201, "invalid_request_error", "E_MEDIA"},
    [FAULT_ADDRESS] = {400, 1201, "invalid_request_error", "E_URL_FORBIDDEN"},
    [FAULT_HEAD] = {431, 1200, "invalid_request_error", "headers_too_large"},
    [FAULT_JOBS] = {429, 1303, "rate_limit_error", "rate_limit_exceeded"},
    [FAULT_SERVER] = {500, 5000, "server_error", "server_error"},
    [FAULT_BUSY] = {503, 5001, "server_error", "overloaded"},
    [FAULT_DISK] = {507, 5000, "server_error", "E_DISK_FULL"},
};

const char *call_header(const struct call *c, const char *name)
{
    return MHD_lookup_connection_value(c->conn, MHD_HEADER_KIND, name);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* A percent that no two digits follow stays one; %00 was refused with the head. */
const char *call_query(const struct call *c, const char *name, struct buf *b)
{
    const char *v = MHD_lookup_connection_value(c->conn, MHD_GET_ARGUMENT_KIND, name);

    buf_clear(b);
    for (; v && *v; v++) {
        int hi = *v == '%' ? hex_digit(v[1]) : -1, lo = hi >= 0 ? hex_digit(v[2]) : -1;

        if (lo >= 0) {
            buf_putc(b, (char)(hi << 4 | lo));
            v += 2;
        } else {
            buf_putc(b, *v == '+' ? ' ' : *v);
        }
    }
    return v ? buf_str(b) : NULL;
}

const struct buf *call_file(const struct call *c, const char *name, int i)
{
    for (int k = 0; k < CALL_UPLOADS; k++)
        if (!strcmp(c->upload[k].name, name) && !i--)
            return &c->upload[k].data;
    return NULL;
}

int call_is_signed(const struct call *c)
{
    struct buf expires = BUF_INIT, signature = BUF_INIT;
    const char *until = call_query(c, "expires", &expires);
    const char *sign = call_query(c, "signature", &signature);
    int ok = path_is_signed(jobs_secret(c->s->jobs), c->path, until, sign, jobs_now_ms() / 1000);

    buf_release(&expires);
    buf_release(&signature);
    return ok;
}

void call_reply_header(struct call *c, const char *name, const char *fmt, ...)
{
    struct buf b = BUF_INIT;
    va_list args;
    char text[512];

    ZT_ASSERT(c->n_headers < CALL_HEADERS);
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_puts(&b, text);
    c->header[c->n_headers][0] = name;
    c->header[c->n_headers++][1] = buf_take(&b);
}

static void write_openai(struct jsonw *w, enum fault f, const char *param, const char *text)
{
    jsonw_object(w, "error");
    jsonw_string(w, "message", text);
    jsonw_string(w, "type", FAULTS[f].type);
    jsonw_string(w, "param", param);
    jsonw_string(w, "code", FAULTS[f].code);
    jsonw_end_object(w);
}

void call_fail(struct call *c, enum fault f, const char *param, const char *fmt, ...)
{
    struct jsonw w;
    va_list args;
    char text[1024];

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_clear(&c->out);
    c->status = FAULTS[f].status;
    c->type = "application/json";
    jsonw_init(&w, &c->out, 0);
    jsonw_object(&w, NULL);
    if (c->style == STYLE_KLING) {
        jsonw_int(&w, "code", FAULTS[f].kling);
        jsonw_string(&w, "message", text);
        jsonw_string(&w, "request_id", c->request_id);
    } else {
        write_openai(&w, f, param, text);
    }
    jsonw_end_object(&w);
    if (f == FAULT_JOBS || f == FAULT_BUSY)
        call_reply_header(c, "Retry-After", "%d", 5);
}

/* Where the library says that a JSON of settings was wrong: that it was one is our doing. */
static const char *without_settings(const char *line)
{
    static const char settings[] = "settings: ";

    return strncmp(line, settings, sizeof settings - 1) ? line : line + sizeof settings - 1;
}

/* The field that a line of a lower layer names: json.h's "FILE: field NAME.PART: why", or the
 * library's, that begins with an option. NULL: none. */
static const char *field_of(const char *line, char name[64])
{
    static const char *const ours[][2] = {{"first-frame", "input_reference"},
                                          {"last-frame", "last_frame"},
                                          {"negative", "negative_prompt"},
                                          {"aspect", "aspect_ratio"}};
    static const char field[] = ": field ";
    const char *at = strstr(line, field);
    struct zt_option o;

    if (at) {
        at += sizeof field - 1;
        snprintf(name, 64, "%.*s", (int)strcspn(at, ".[:"), at);
        return name;
    }
    line = without_settings(line);
    snprintf(name, 64, "%.*s", (int)strcspn(line, " :"), line);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (!strcmp(name, ours[i][0]))
            return ours[i][1];
    for (int i = 0; !zt_option_info(i, &o, sizeof o); i++)
        if (!strcmp(name, o.name))
            return name;
    return NULL;
}

void call_fail_err(struct call *c, const struct err *e)
{
    char name[64];

    switch (e->code) {
    case ERR_USAGE:
    case ERR_FORMAT:
        call_fail(c, FAULT_VALUE, field_of(e->msg, name), "%s",
                  without_settings(server_says(c->s, e)));
        break;
    case ERR_FIT:
        call_fail(c, FAULT_DISK, NULL, "the disk of the server is full");
        break;
    default: /* what names files of the server stays in its log */
        server_log(c->s, "call-failed", "path", c->path, "why", e->msg);
        if (jobs_away(c->s->jobs))
            call_fail(c, FAULT_BUSY, NULL, "the store of jobs is away; ask again");
        else
            call_fail(c, FAULT_SERVER, NULL, "the server could not do this; see its log");
    }
}

int64_t call_id(struct call *c, int i, const char *prefix)
{
    const char *text = c->arg[i];
    size_t n = strlen(prefix);
    int64_t id;

    if (!strncmp(text, prefix, n) && strspn(text + n, "0123456789") == strlen(text + n) &&
        text[n] && !parse_int(text + n, &id) && id > 0)
        return id;
    call_fail(c, FAULT_NO_SUCH, NULL, "no such video");
    return -1;
}

struct jdoc *call_json(struct call *c)
{
    struct jdoc *doc;
    struct err e;

    if (!c->body.len) {
        call_fail(c, FAULT_MALFORMED, NULL, "the body is empty; it must be a JSON object");
        return NULL;
    }
    if (jdoc_parse(&doc, c->body.data, c->body.len, "body", &e)) {
        call_fail(c, FAULT_MALFORMED, NULL, "%s", e.msg);
        return NULL;
    }
    if (j_type(jdoc_root(doc)) != J_OBJECT) {
        call_fail(c, FAULT_MALFORMED, NULL, "body: must be a JSON object");
        jdoc_close(&doc);
        return NULL;
    }
    return doc;
}

void call_base_url(const struct call *c, struct buf *out)
{
    const char *host = call_header(c, "Host");

    if (c->s->o.public_url)
        buf_puts(out, c->s->o.public_url);
    else
        buf_printf(out, "http://%s", host ? host : "");
}
