/* remote_carry.c - the two threads of a worker beside the one that draws. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/jsonw.h"
#include "format/json.h"
#include "serve/remote_state.h"

enum { BEATS = 6, MOST_BACKOFF_S = 30 };
#define BEAT_MOST_S 2.0
#define CARRY_S 1.0
#define HANGS_S 5.0 /* a film that was given up has so long to end */

struct remote_text remote_number(int64_t n)
{
    struct remote_text t;

    snprintf(t.s, sizeof t.s, "%lld", (long long)n);
    return t;
}

void remote_pause(double seconds)
{
    const struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

    nanosleep(&t, NULL);
}

double remote_backoff(int n)
{
    double s = n < 6 ? 0.5 * (1 << n) : MOST_BACKOFF_S;
    uint16_t random = 0;

    (void)!getrandom(&random, sizeof random, 0);
    return (s < MOST_BACKOFF_S ? s : MOST_BACKOFF_S) * (0.5 + random / 65536.0);
}

int remote_stops(const struct remote *r)
{
    return __atomic_load_n(r->stop, __ATOMIC_RELAXED) != 0;
}

int remote_holds(struct remote *r)
{
    pthread_mutex_lock(&r->lock);
    int holds = r->held && !r->lost;
    pthread_mutex_unlock(&r->lock);
    return holds;
}

/* ---- leases ---- */

/* Under the lock. The drawing ends, and nothing more is sent of it. */
static void let_go(struct remote *r, int cancelled)
{
    r->lost |= !cancelled;
    r->cancelled |= cancelled;
    __atomic_store_n(&r->halt, 1, __ATOMIC_RELAXED);
    if (r->running)
        zt_cancel(r->running);
}

static void write_beat(const struct live *l, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "stage", l->stage);
    jsonw_int(&w, "done", l->done);
    jsonw_int(&w, "total", l->total);
    jsonw_int(&w, "step", l->step);
    jsonw_int(&w, "steps", l->steps);
    jsonw_real(&w, "part", l->part);
    jsonw_end_object(&w);
}

/* The answer to a beat that was sent at this time. */
static void take_answer(struct remote *r, const struct remote_hold *h, int status, double sent_s,
                        const struct buf *body)
{
    struct jdoc *doc = NULL;
    const char *why = NULL;

    pthread_mutex_lock(&r->lock);
    if (!r->held || r->lost || r->hold.id != h->id || r->hold.fence != h->fence) {
        ; /* of a job that is over */
    } else if (status == 200 && !jdoc_parse(&doc, buf_str(body), body->len, "answer", NULL)) {
        r->lease_s = j_real_or(jdoc_root(doc), "lease", 0.01, 1e6, r->lease_s);
        r->lease_until_s = sent_s + r->lease_s;
        if (j_bool_or(jdoc_root(doc), "cancel", 0) && !r->cancelled)
            let_go(r, 1);
    } else if (status == 404 || status == 409) {
        why = "the job is another's, or is no more";
    } else if (clock_s() > r->lease_until_s) {
        why = "the server was not heard for as long as the lease";
    }
    if (why)
        let_go(r, 0);
    pthread_mutex_unlock(&r->lock);
    if (why)
        remote_log(r, "job-lost", "id", remote_number(h->id).s, "why", why);
    jdoc_close(&doc);
}

static void beat(struct remote *r, const struct remote_hold *h, const struct live *l)
{
    struct buf json = BUF_INIT, body = BUF_INIT;
    double sent_s = clock_s();
    struct err e;

    write_beat(l, &json);
    int status = remote_post(&r->link, h, "beat", buf_str(&json), &body, &e);
    take_answer(r, h, status, sent_s, &body);
    buf_release(&json);
    buf_release(&body);
}

/* A film without progress is given up: its lease is not renewed, and another worker has it. Where
 * it does not even end then, the device hangs, and only a new process may draw again. */
static void watch(struct remote *r)
{
    pthread_mutex_lock(&r->lock);
    double now = clock_s();
    int stalls = r->running && !r->lost && r->patience_s > 0 && now - r->moved_s > r->patience_s;
    if (stalls) {
        r->stalled = 1;
        r->stalled_s = now;
        let_go(r, 0);
    }
    int hangs = r->stalled && r->running && now - r->stalled_s > HANGS_S;
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)r->hold.id);
    pthread_mutex_unlock(&r->lock);
    if (stalls)
        remote_log(r, "film-stalled", "id", id, "why", "no progress; another worker has it");
    if (hangs) {
        remote_log(r, "ended", "id", id, "why", "the film cannot be interrupted: the device hangs");
        r->o->hangs();
    }
}

void *remote_beats(void *remote)
{
    struct remote *r = remote;
    double beat_s = 0;

    while (!atomic_load(&r->ended)) {
        pthread_mutex_lock(&r->lock);
        struct remote_hold h = r->hold;
        struct live live = r->live;
        double every_s = r->lease_s / BEATS < BEAT_MOST_S ? r->lease_s / BEATS : BEAT_MOST_S;
        int due = r->held && !r->lost && clock_s() - beat_s >= every_s;
        if (remote_stops(r) && r->running)
            zt_cancel(r->running);
        pthread_mutex_unlock(&r->lock);
        watch(r);
        if (due) {
            beat_s = clock_s();
            beat(r, &h, &live);
        }
        remote_pause(0.05);
    }
    return NULL;
}

/* ---- pictures and steps ---- */

static void send_preview(struct remote *r, const struct live *live)
{
    char *name = xasprintf("%lld.png", (long long)live->id),
         *path = path_join(r->preview_dir, name);
    struct err e;

    if (live->previews != r->previews_sent &&
        remote_put(&r->link, &r->hold, "preview", path, &r->halt, &e) == 200)
        r->previews_sent = live->previews;
    free(path);
    free(name);
}

void remote_send_kept(struct remote *r)
{
    char *dir = draw_kept_folder(r->work_dir, r->hold.id);
    struct err e;

    for (int i = 0; i < DRAW_KEPT; i++) {
        char *path = path_join(dir, draw_kept[i]);
        int64_t stamp = draw_kept_stamp(path);

        if (stamp && stamp != r->kept_sent[i]) {
            int status = remote_put(&r->link, &r->hold, draw_kept[i], path, &r->halt, &e);
            if (status == 200)
                r->kept_sent[i] = stamp;
            else if (status != ERR_CANCEL)
                remote_log(r, "step-not-sent", "id", remote_number(r->hold.id).s, "why",
                           status < 0 ? e.msg : "the server refused it");
        }
        free(path);
    }
    free(dir);
}

void *remote_carries(void *remote)
{
    struct remote *r = remote;
    double kept_s = 0;

    while (!atomic_load(&r->ended)) {
        pthread_mutex_lock(&r->carrying);
        pthread_mutex_lock(&r->lock);
        int active = r->held && !r->lost && !r->cancelled;
        struct live live = r->live;
        pthread_mutex_unlock(&r->lock);
        if (active)
            send_preview(r, &live);
        if (active && clock_s() - kept_s >= CARRY_S) {
            remote_send_kept(r);
            kept_s = clock_s();
        }
        pthread_mutex_unlock(&r->carrying);
        remote_pause(0.1);
    }
    return NULL;
}
