#include "serving.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "fixture.h"
#include "format/json.h"
#include "ztest.h"

void serving_options(struct serving *s, const char *name)
{
    memset(s, 0, sizeof *s);
    serve_options_init(&s->o);
    s->data = ztest_in_tmp(name);
    s->o.listen = "127.0.0.1:0";
    s->o.data = s->data;
    s->o.model = fixture_dir();
}

void serving_start(struct serving *s)
{
    struct err e;

    if (serve_start(&s->server, &s->o, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    s->port = serve_port(s->server);
}

void serving_stop(struct serving *s, double drain_s)
{
    serve_stop(&s->server, drain_s);
    free(s->data);
    s->data = NULL;
}

void answer_release(struct answer *a)
{
    buf_release(&a->head);
    buf_release(&a->body);
    a->status = 0;
}

int serving_connect(const struct serving *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof to));
    return fd;
}

void serving_send(int fd, const void *bytes, size_t n)
{
    const char *p = bytes;
    ssize_t sent;

    while (n && (sent = send(fd, p, n, MSG_NOSIGNAL)) > 0) {
        p += sent;
        n -= (size_t)sent;
    }
}

/* Chunks of a body become the body. */
static void join_chunks(struct buf *body)
{
    struct buf whole = BUF_INIT;
    const char *at = buf_str(body), *end = at + body->len;

    while (at < end) {
        char *after;
        unsigned long n = strtoul(at, &after, 16);

        if (!n || after + 2 + n > end)
            break;
        buf_add(&whole, after + 2, n);
        at = after + 2 + n + 2;
    }
    buf_release(body);
    *body = whole;
}

void serving_receive(int fd, double seconds, struct answer *a)
{
    double until = clock_s() + seconds;
    struct buf all = BUF_INIT;
    char room[4096];
    ssize_t n = 0;

    memset(a, 0, sizeof *a);
    while (clock_s() < until) {
        struct pollfd p = {fd, POLLIN, 0};

        if (poll(&p, 1, 50) == 1 && (n = recv(fd, room, sizeof room, 0)) <= 0)
            break;
        if (p.revents)
            buf_add(&all, room, (size_t)n);
    }
    const char *end = all.len ? memmem(all.data, all.len, "\r\n\r\n", 4) : NULL;
    if (end && sscanf(all.data, "HTTP/1.1 %d", &a->status) == 1) {
        buf_add(&a->head, all.data, (size_t)(end + 2 - all.data));
        buf_add(&a->body, end + 4, all.len - (size_t)(end + 4 - all.data));
        if (strcasestr(buf_str(&a->head), "Transfer-Encoding: chunked"))
            join_chunks(&a->body);
    }
    buf_release(&all);
}

void serving_hear(int fd, struct buf *got, const char *text, int times)
{
    double end = clock_s() + 60;

    for (;;) {
        struct pollfd f = {.fd = fd, .events = POLLIN};
        char block[4096];
        int n = 0;

        for (size_t i = 0; i + strlen(text) <= got->len; i++)
            n += !memcmp(got->data + i, text, strlen(text));
        if (n >= times)
            return;
        if (clock_s() > end || poll(&f, 1, 1000) < 0)
            break;
        ssize_t k = f.revents ? recv(fd, block, sizeof block, 0) : 0;
        if (k < 0 || (f.revents && !k))
            break;
        buf_add(got, block, (size_t)k);
    }
    ztest_fail(__FILE__, __LINE__, "\"%s\" did not come %d times in %zu bytes: %.300s", text, times,
               got->len, buf_str(got));
}

void serving_raw(const struct serving *s, const void *bytes, size_t n, struct answer *a)
{
    int fd = serving_connect(s);

    serving_send(fd, bytes, n);
    serving_receive(fd, 60, a);
    close(fd);
}

void serving_call(const struct serving *s, const char *method, const char *path,
                  const char *headers, const char *json, struct answer *a)
{
    struct buf b = BUF_INIT;

    buf_printf(&b, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n%s", method, path,
               s->port, headers ? headers : "");
    if (json)
        buf_printf(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(json));
    buf_printf(&b, "\r\n%s", json ? json : "");
    serving_raw(s, b.data, b.len, a);
    buf_release(&b);
}

void serving_post(const struct serving *s, const char *path, const char *json, struct answer *a)
{
    answer_release(a);
    serving_call(s, "POST", path, NULL, json, a);
}

static struct jval step_into(struct jval v, const char *name, size_t n)
{
    char key[64];

    snprintf(key, sizeof key, "%.*s", (int)n, name);
    return j_type(v) == J_ARRAY ? j_at(v, atoi(key)) : j_get(v, key);
}

char *answer_text(const struct answer *a, const char *path)
{
    struct jdoc *doc;
    struct err e;
    char *text = NULL;

    if (jdoc_parse(&doc, buf_str(&a->body), a->body.len, "answer", &e))
        ztest_fail(__FILE__, __LINE__, "%s: status %d: %s", e.msg, a->status, buf_str(&a->body));
    struct jval v = jdoc_root(doc), in = v;
    const char *name = path;
    for (const char *at = path;; at += strcspn(at, ".") + 1) {
        in = v;
        name = at;
        v = step_into(v, at, strcspn(at, "."));
        if (!at[strcspn(at, ".")])
            break;
    }
    switch (j_type(v)) {
    case J_STRING:
        text = xstrdup(j_type(in) == J_ARRAY ? j_at_string(in, atoi(name)) : j_string(in, name));
        break;
    case J_INT:
        text = xasprintf("%lld", (long long)j_int(in, name, INT64_MIN, INT64_MAX));
        break;
    case J_REAL:
        text = xasprintf("%.17g", j_real(in, name, -1e300, 1e300));
        break;
    case J_BOOL:
        text = xstrdup(j_bool(in, name) ? "1" : "0");
        break;
    case J_NULL:
        text = xstrdup("");
        break;
    default:
        ztest_fail(__FILE__, __LINE__, "no %s in %s", path, buf_str(&a->body));
    }
    jdoc_close(&doc);
    return text;
}

int answer_is(const struct answer *a, const char *path, const char *text)
{
    char *got = answer_text(a, path);
    int same = !strcmp(got, text);

    free(got);
    return same;
}

char *serving_film(const struct serving *s, const char *json)
{
    struct answer a;
    char *id;

    serving_call(s, "POST", "/v1/videos", NULL, json, &a);
    if (a.status != 200)
        ztest_fail(__FILE__, __LINE__, "status %d: %s", a.status, buf_str(&a.body));
    id = answer_text(&a, "id");
    answer_release(&a);
    return id;
}

void serving_wait(const struct serving *s, const char *id, struct answer *a)
{
    const struct timespec moment = {0, 20000000};
    double until = clock_s() + 60;
    char path[128];

    snprintf(path, sizeof path, "/v1/videos/%s", id);
    for (;;) {
        serving_call(s, "GET", path, NULL, NULL, a);
        CHECK_INT(a->status, 200);
        if (!answer_is(a, "completed_at", ""))
            return;
        if (clock_s() > until)
            ztest_fail(__FILE__, __LINE__, "still waiting: %s", buf_str(&a->body));
        answer_release(a);
        nanosleep(&moment, NULL);
    }
}
