/* serving.h - a service on the fixture's model, and a client that says exactly what it is told. */
#ifndef TEST_SERVING_H
#define TEST_SERVING_H

#include <stdint.h>

#include "base/buf.h"
#include "serve/serve.h"

struct serving {
    struct serve_options o; /* as serving_options made them; may be changed before serving_start */
    char *data;
    struct server *server;
    int port;
};
/* On a free port and a folder of this name, which is kept from one to the next of the same test. */
void serving_options(struct serving *s, const char *name);
void serving_start(struct serving *s); /* the test fails where it cannot */
void serving_stop(struct serving *s, double drain_s);

struct answer {
    int status; /* 0: the connection ended without one */
    struct buf head, body;
};
void answer_release(struct answer *a);
int serving_connect(const struct serving *s);
void serving_send(int fd, const void *bytes, size_t n); /* a peer that has gone is no failure */
/* What comes back on fd until its end, at most for so many seconds. */
void serving_receive(int fd, double seconds, struct answer *a);
/* Reads on into *got until the text has come so many times; the test fails where it does not. */
void serving_hear(int fd, struct buf *got, const char *text, int times);
/* Bytes as they are, and the answer until the server closes. */
void serving_raw(const struct serving *s, const void *bytes, size_t n, struct answer *a);
/* METHOD PATH with Connection: close. json NULL: no body. headers: whole lines, each with CRLF, or
 * NULL. */
void serving_call(const struct serving *s, const char *method, const char *path,
                  const char *headers, const char *json, struct answer *a);
/* POST of a body; what a held before is released. */
void serving_post(const struct serving *s, const char *path, const char *json, struct answer *a);
/* The field of the body as text ("" for null, 0 and 1 for flags); "a.b" goes into objects, "a.0"
 * into arrays. The test fails where there is none. The caller frees. */
char *answer_text(const struct answer *a, const char *path);
int answer_is(const struct answer *a, const char *path, const char *text);

/* POST /v1/videos; returns the id. The caller frees. */
char *serving_film(const struct serving *s, const char *json);
/* Ask until it is completed or failed; *a is the last answer. */
void serving_wait(const struct serving *s, const char *id, struct answer *a);

#endif
