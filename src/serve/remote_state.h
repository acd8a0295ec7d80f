/* remote_state.h - inside of a worker: what its threads share. */
#ifndef SERVE_REMOTE_STATE_H
#define SERVE_REMOTE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "serve/draw.h"
#include "serve/log.h"
#include "serve/reader.h"
#include "serve/remote.h"
#include "serve/remote_call.h"

struct remote {
    const struct remote_options *o;
    const volatile sig_atomic_t *stop; /* the worker is to end */
    struct remote_link link;
    struct reader *reader;
    struct drawer drawer;
    char *picture_dir, *preview_dir, *work_dir;
    int unfit; /* of the thread that draws: the last job went back, for this machine's disk is full
                */
    atomic_int ended; /* the threads are to end */

    pthread_mutex_t lock; /* guards what follows */
    struct remote_hold hold;
    struct live live;
    zt_job *running;
    int held, lost, cancelled, stalled;
    double lease_s, lease_until_s, moved_s; /* moved: when it was last told of progress */
    double patience_s;                      /* a film that shows none for so long hangs */
    double stalled_s;                       /* when that was seen */

    pthread_mutex_t carrying; /* held while files of the job are sent; guards what follows */
    int previews_sent;
    int64_t kept_sent[DRAW_KEPT]; /* by remote_carry.c: stamps of the files */
    volatile sig_atomic_t halt;   /* what is being sent is not wanted any more */
};

#define remote_log(r, ...) log_line((r)->o->log, (const char *const[]){__VA_ARGS__, NULL})
/* A number that stays as long as the line: remote_log's texts. */
struct remote_text {
    char s[32];
};
struct remote_text remote_number(int64_t n);

/* remote_carry.c */
void *remote_beats(void *remote);        /* the thread that renews leases */
void *remote_carries(void *remote);      /* the thread that sends pictures and steps */
void remote_send_kept(struct remote *r); /* under `carrying` */
void remote_pause(double seconds);
/* 1: the worker is to end; set by a signal. */
int remote_stops(const struct remote *r);
/* 1: the job is still ours, as far as is known. */
int remote_holds(struct remote *r);
/* Seconds before try n (0, 1, ...), so that many workers do not come at once. */
double remote_backoff(int n);

#endif
