/* http_server.h - a server on 127.0.0.1 for tests: one connection after the other, answers by a
 * function of the test. */
#ifndef TEST_HTTP_SERVER_H
#define TEST_HTTP_SERVER_H

#include "base/buf.h"

struct http_asked {
    char method[16];
    char path[512];    /* with what stands behind '?' */
    struct buf fields; /* as they were sent, "Name: value\r\n" */
    struct buf body;
};

struct http_server;

/* Called in the server's thread. Put the bytes of the whole answer into reply (http_reply writes
 * them); the connection is closed behind it. Nothing in reply: closed without a word. */
typedef void (*http_answer)(void *user, const struct http_asked *q, struct buf *reply);

struct http_server *http_server_new(http_answer answer, void *user);
void http_server_free(struct http_server **s); /* when all answers are given */
int http_server_port(const struct http_server *s);
/* "http://127.0.0.1:PORT" and path; static storage of eight such texts. */
const char *http_server_url(const struct http_server *s, const char *path);

/* An answer: `fields` are whole lines ending in "\r\n", or "". Content-Length is added. */
void http_reply(struct buf *reply, int status, const char *fields, const void *body, size_t n);
/* Value of a field that was sent, "" without it; static storage of the calling thread. */
const char *http_asked_field(const struct http_asked *q, const char *name);

#endif
