#include "http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"

enum { MOST_HEAD = 64 << 10 };

struct http_server {
    int fd, port;
    http_answer answer;
    void *user;
    pthread_t thread;
};

const char *http_asked_field(const struct http_asked *q, const char *name)
{
    static _Thread_local char value[1024];
    size_t n = strlen(name);

    for (const char *at = buf_str(&q->fields); *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (!strncasecmp(at, name, n) && at[n] == ':') {
            at += n + 1;
            at += strspn(at, " ");
            snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\r\n"), at);
            return value;
        }
    return "";
}

void http_reply(struct buf *reply, int status, const char *fields, const void *body, size_t n)
{
    buf_printf(reply, "HTTP/1.1 %d said\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n",
               status, n, fields);
    buf_add(reply, body, n);
}

/* Fill b up to n bytes, or to the end of the head when n is 0. */
static int receive(int fd, struct buf *b, size_t n)
{
    char piece[4096];

    while (n ? b->len < n : !strstr(buf_str(b), "\r\n\r\n")) {
        ssize_t got = recv(fd, piece, sizeof piece, 0);
        if (got <= 0 || (!n && b->len > MOST_HEAD))
            return -1;
        buf_add(b, piece, (size_t)got);
    }
    return 0;
}

static int read_request(int fd, struct http_asked *q)
{
    struct buf all = BUF_INIT;
    int rc = receive(fd, &all, 0);

    if (!rc) {
        size_t head = (size_t)(strstr(all.data, "\r\n\r\n") + 4 - all.data);
        const char *line = strstr(all.data, "\r\n") + 2;
        sscanf(all.data, "%15s %511s", q->method, q->path);
        buf_add(&q->fields, line, head - 2 - (size_t)(line - all.data));
        size_t body = (size_t)strtoul(http_asked_field(q, "Content-Length"), NULL, 10);
        rc = body ? receive(fd, &all, head + body) : 0;
        if (!rc)
            buf_add(&q->body, all.data + head, body);
    }
    buf_release(&all);
    return rc;
}

static void send_all(int fd, const struct buf *b)
{
    for (size_t at = 0; at < b->len;) {
        ssize_t n = send(fd, b->data + at, b->len - at, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        at += (size_t)n;
    }
}

static void *serve(void *arg)
{
    struct http_server *s = arg;

    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        struct http_asked q = {0};
        struct buf reply = BUF_INIT;
        if (!read_request(fd, &q)) {
            s->answer(s->user, &q, &reply);
            send_all(fd, &reply);
        }
        buf_release(&q.fields);
        buf_release(&q.body);
        buf_release(&reply);
        shutdown(fd, SHUT_RDWR);
        close(fd);
    }
}

struct http_server *http_server_new(http_answer answer, void *user)
{
    struct http_server *s = xcalloc(1, sizeof *s);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof to;

    s->answer = answer;
    s->user = user;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&to, sizeof to) || listen(s->fd, 16) ||
        getsockname(s->fd, (struct sockaddr *)&to, &size))
        panic("no server on 127.0.0.1");
    s->port = ntohs(to.sin_port);
    if (pthread_create(&s->thread, NULL, serve, s))
        panic("no thread for a server");
    return s;
}

void http_server_free(struct http_server **s)
{
    shutdown((*s)->fd, SHUT_RDWR); /* ends accept */
    pthread_join((*s)->thread, NULL);
    close((*s)->fd);
    free(*s);
    *s = NULL;
}

int http_server_port(const struct http_server *s)
{
    return s->port;
}

const char *http_server_url(const struct http_server *s, const char *path)
{
    static char url[8][600];
    static int next;

    next = (next + 1) % 8;
    snprintf(url[next], sizeof *url, "http://127.0.0.1:%d%s", s->port, path);
    return url[next];
}
