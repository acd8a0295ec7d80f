/* server.h - inside of the service: what its files share. */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "serve/board.h"
#include "serve/serve.h"
#include "serve/jobs.h"
#include "zoetrope.h"

struct http;
struct worker;
struct keys;
struct names;
struct reader;
struct callbacks;
struct keeper;
struct kept;
struct scene;

struct server {
    struct serve_options o; /* strings are owned by `text` below */
    char *text[7];
    char *film_dir, *picture_dir, *preview_dir, *work_dir;
    char *url;
    struct jobs *jobs;
    struct board *board;
    struct keys *keys;
    struct names *names;
    struct reader *reader;
    zt_model *model; /* for plans: no weights are loaded through it */
    struct worker *worker;
    struct callbacks *callbacks;
    struct keeper *keeper;
    struct kept *kept;
    struct scene *scene;
    struct http *http;
    double started_s;
    /* For /metrics. */
    atomic_long calls[6];                 /* answered, by the first digit of their status */
    atomic_long films[JOB_CANCELLED + 1]; /* ended since the start, by state */
    atomic_long drawing_ms;
    atomic_int draining;
    volatile sig_atomic_t stop; /* what waits for other machines gives up */
};

/* Free bytes of the data folder's disk; a job is not taken with less than this. */
enum { SERVER_ROOM_BYTES = 64 << 20 };
int64_t server_free_bytes(const struct server *s);
/* There may be a job: for the server's own thread, and for workers that wait. */
void server_work_waits(struct server *s);
/* What a client may read of an error: no names of files of the server. */
const char *server_says(const struct server *s, const struct err *e);
/* One line of JSON in the log: the time, what happened, and pairs of name and text. Never keys, and
 * never whole prompts; texts may be of strangers. */
void server_log_list(struct server *s, const char *const *event_and_pairs);
#define server_log(s, ...) server_log_list(s, (const char *const[]){__VA_ARGS__, NULL})

#endif
