/* call.h - one request and its answer, as the handlers of the APIs see it.
 *
 * A handler reads the call and fills its reply; sending is of http.c. It runs on a thread of the
 * HTTP server, so it never waits for a film. */
#ifndef SERVE_CALL_H
#define SERVE_CALL_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/jsonw.h"
#include "format/json.h"
#include "serve/server.h"

/* How errors look: OpenAI's {"error": {...}}, Kling's {"code", "message", "request_id"}. */
enum call_style { STYLE_OPENAI, STYLE_KLING };

enum fault {
    FAULT_MALFORMED, /* not HTTP or JSON as it should be */
    FAULT_VALUE,     /* a field is wrong */
    FAULT_KEY,       /* and those of keys.h */
    FAULT_KEY_EMPTY,
    FAULT_KEY_INVALID,
    FAULT_KEY_NOT_YET,
    FAULT_KEY_EXPIRED,
    FAULT_FORBIDDEN,
    FAULT_NOT_FOUND, /* of a path */
    FAULT_NO_SUCH,   /* job, model or product */
    FAULT_TASK,      /* a task that Kling's clients ask for */
    FAULT_METHOD,
    FAULT_TIMEOUT,
    FAULT_CONFLICT,
    FAULT_EXPIRED, /* a film that is not kept any more */
    FAULT_LENGTH,
    FAULT_TOO_LARGE,
    FAULT_URI,
    FAULT_RANGE,
    FAULT_TYPE,
    FAULT_MEDIA,   /* a picture that is none */
    FAULT_ADDRESS, /* of a picture or callback: not one that may be asked, or without an answer */
    FAULT_HEAD,
    FAULT_JOBS, /* too many at once */
    FAULT_SERVER,
    FAULT_BUSY, /* the queue is full, or the server ends */
    FAULT_DISK,
    N_FAULTS
};

struct call;
struct route {
    const char *method, *path; /* "{}" stands for one part of a path */
    void (*run)(struct call *c);
    enum call_style style;
    int flags;
    int body_most; /* bytes */
};
enum {
    ROUTE_OPEN = 1,      /* without a key */
    ROUTE_SIGNED = 2,    /* a signed address is as good as a key */
    ROUTE_MULTIPART = 4, /* JSON or multipart/form-data */
    ROUTE_SLOW = 8,      /* run by the threads of slow.h */
    ROUTE_WORKER = 16,   /* with a key of workers, not of clients */
    ROUTE_FILE = 32,     /* the body is any bytes, and goes to a file */
};
enum { BODY_NONE = 0, BODY_SMALL = 64 << 10, BODY_PICTURES = 48 << 20, BODY_FILM = 2000 << 20 };

enum { CALL_ARGS = 2, CALL_ARG_BYTES = 129, CALL_HEADERS = 8 };

/* A file that came in multipart/form-data: two pictures, and the masks of a motion brush. */
struct upload {
    char name[32]; /* of its field; "": none */
    struct buf data;
};
enum { CALL_UPLOADS = 9 };

struct call {
    struct server *s;
    struct MHD_Connection *conn;
    const struct route *route;
    enum call_style style;
    const char *method;
    const char *version, *raw; /* as they lie in the head; raw with its query */
    char *path;                /* without the query and "/kling" */
    char arg[CALL_ARGS][CALL_ARG_BYTES];
    const char *tenant;
    char request_id[37];
    struct buf body; /* JSON; of a multipart body its fields, as an object of strings */
    struct upload upload[CALL_UPLOADS];
    int multipart;     /* the body is one */
    size_t body_bytes; /* as they came */
    int checked;       /* the head was */
    char *file;        /* the body of ROUTE_FILE, removed with the call; NULL: it was empty */
    int file_out;
    struct sha256 sum; /* of it */
    double wait_until; /* of a call that waits for work; 0: it has not begun to */
    int again;         /* there was none yet */

    /* The reply. */
    int status;
    struct buf out;
    const char *type;                    /* of out, or of the file */
    const char *header[CALL_HEADERS][2]; /* names and values; values are owned */
    int n_headers;
    int fd; /* >= 0: a file instead of out */
    int64_t file_from, file_bytes;
    struct MHD_Response *stream; /* instead of both */
    int close;                   /* the connection ends with this answer */
};

/* A header of the request or NULL; a parameter of the query, decoded into b ("" when empty), or
 * NULL. */
const char *call_header(const struct call *c, const char *name);
const char *call_query(const struct call *c, const char *name, struct buf *b);
/* The i-th file that came in the field of this name, or NULL. */
const struct buf *call_file(const struct call *c, const char *name, int i);
/* 1: its address is one of ours, signed and not expired. */
int call_is_signed(const struct call *c);
void call_reply_header(struct call *c, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* One error of the table, in the form of the call's API. param: the field, or NULL. */
void call_fail(struct call *c, enum fault f, const char *param, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* For an error of a lower layer. */
void call_fail_err(struct call *c, const struct err *e);
/* The id in argument i: its decimal digits after prefix. -1, and the call has failed, when it is
 * none. */
int64_t call_id(struct call *c, int i, const char *prefix);
/* The body as an object; NULL, and the call has failed, when it is none. To be closed. */
struct jdoc *call_json(struct call *c);
/* The address of this server for the client, without a slash at the end. */
void call_base_url(const struct call *c, struct buf *out);

/* Is the path this row's? The parts for "{}" go to arg. */
int route_matches(const struct route *r, const char *path, char arg[CALL_ARGS][CALL_ARG_BYTES]);
/* The row of all APIs for method and path. NULL and *f: why not. */
const struct route *route_find(const char *method, const char *path,
                               char arg[CALL_ARGS][CALL_ARG_BYTES], enum fault *f);
/* The methods that the path has: "GET, HEAD, POST". */
void route_methods(const char *path, struct buf *out);
/* The i-th row of all, NULL after the last. */
const struct route *route_at(int i);

#endif
