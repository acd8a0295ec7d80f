#include "serve/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/tree.h"
#include "serve/draw.h"
#include "serve/film_file.h"
#include "serve/jobs_share.h"

#define EVERY_S 1.0 /* as often as a step is kept */
#define REST 49.0
#define LOOK_S 60.0 /* a film that shows nothing new may be another's by now */

struct held {
    int64_t id, fence;
    int64_t stamp[DRAW_KEPT]; /* of what was sent */
    double next_s, moved_s;
    int troubled; /* it was said that it cannot be sent */
};

struct kept {
    struct server *s;
    pthread_t thread;
    pthread_mutex_t lock;    /* guards the list */
    pthread_mutex_t sending; /* held while files go; taken before `lock`, never within it */
    struct held *held;
    int n;
    atomic_int stop;
};

/* ---- the list; under the lock ---- */

static struct held *find(struct kept *k, int64_t id)
{
    for (int i = 0; i < k->n; i++)
        if (k->held[i].id == id)
            return &k->held[i];
    return NULL;
}

static void forget(struct kept *k, struct held *h)
{
    *h = k->held[--k->n];
}

/* The one whose time has come first; *out is a copy. */
static int next_due(struct kept *k, struct held *out)
{
    const struct held *first = NULL;

    pthread_mutex_lock(&k->lock);
    for (int i = 0; i < k->n; i++)
        if (!first || k->held[i].next_s < first->next_s)
            first = &k->held[i];
    int due = first && first->next_s <= clock_s();
    if (due)
        *out = *first;
    pthread_mutex_unlock(&k->lock);
    return due;
}

/* ---- sending; under `sending` ---- */

static void say(struct kept *k, struct held *h, const char *why)
{
    char id[24];

    snprintf(id, sizeof id, "%lld", (long long)h->id);
    if (!h->troubled)
        server_log(k->s, "step-not-shared", "id", id, "why", why);
    h->troubled = 1;
}

static int fits(struct kept *k, struct held *h, char *const path[DRAW_KEPT])
{
    int64_t sum = 0;
    char why[120];

    for (int i = 0; i < DRAW_KEPT; i++)
        sum += file_exists(path[i]) ? file_size(path[i]) : 0;
    if (sum <= KEPT_MOST_BYTES)
        return 1;
    snprintf(why, sizeof why, "the film's steps have %lld MB; the store keeps %lld of one film",
             (long long)(sum >> 20), (long long)(KEPT_MOST_BYTES >> 20));
    say(k, h, why);
    return 0;
}

/* What has changed. 1: sent or not, the film is still ours; 0: it is another's. */
static int send_files(struct kept *k, struct held *h, char *const path[DRAW_KEPT])
{
    struct err e;
    int rc = 1, all = 1;

    for (int i = 0; i < DRAW_KEPT && rc; i++) {
        int64_t stamp = draw_kept_stamp(path[i]);

        if (!stamp || stamp == h->stamp[i])
            continue;
        rc = jobs_kept_put(k->s->jobs, h->id, h->fence, draw_kept[i], path[i], &e);
        if (rc > 0) {
            h->stamp[i] = stamp;
            h->moved_s = clock_s();
        } else if (rc < 0 && file_exists(path[i])) { /* not a step whose window is done */
            say(k, h, e.msg);
            all = 0;
        }
    }
    h->troubled &= !all;
    return rc != 0;
}

/* 1: nothing new for long, and the store says that it is not ours. */
static int is_lost(struct kept *k, struct held *h)
{
    struct job j;
    struct err e;

    if (clock_s() - h->moved_s < LOOK_S)
        return 0;
    h->moved_s = clock_s();
    int rc = jobs_get(k->s->jobs, NULL, h->id, &j, &e);
    int lost =
        !rc ||
        (rc > 0 && (j.fence != h->fence || (j.state != JOB_RUNNING && j.state != JOB_FINALIZING)));
    job_release(&j);
    return lost;
}

static void send_one(struct kept *k, struct held *h)
{
    char *dir = draw_kept_folder(k->s->work_dir, h->id), *path[DRAW_KEPT];
    double begin_s = clock_s();

    for (int i = 0; i < DRAW_KEPT; i++)
        path[i] = path_join(dir, draw_kept[i]);
    int ours = !fits(k, h, path) || send_files(k, h, path);
    ours = ours && !is_lost(k, h);
    double now = clock_s(), rest_s = REST * (now - begin_s);
    h->next_s = now + (rest_s > EVERY_S ? rest_s : EVERY_S);
    pthread_mutex_lock(&k->lock);
    struct held *there = find(k, h->id);
    if (there && there->fence == h->fence) {
        *there = *h;
        if (!ours)
            forget(k, there);
    }
    pthread_mutex_unlock(&k->lock);
    for (int i = 0; i < DRAW_KEPT; i++)
        free(path[i]);
    free(dir);
}

static void *kept_main(void *arg)
{
    const struct timespec moment = {0, 100000000};
    struct kept *k = arg;
    struct held h;

    while (!atomic_load(&k->stop)) {
        pthread_mutex_lock(&k->sending);
        if (!jobs_away(k->s->jobs) && next_due(k, &h))
            send_one(k, &h);
        pthread_mutex_unlock(&k->sending);
        nanosleep(&moment, NULL);
    }
    return NULL;
}

/* ---- the owner's side ---- */

int kept_start(struct kept **out, struct server *s, struct err *e)
{
    struct kept *k;

    *out = NULL;
    if (!jobs_shared(s->jobs))
        return 0;
    k = xcalloc(1, sizeof *k);
    k->s = s;
    pthread_mutex_init(&k->lock, NULL);
    pthread_mutex_init(&k->sending, NULL);
    if (pthread_create(&k->thread, NULL, kept_main, k)) {
        free(k);
        return err_set(e, ERR_IO, "no thread for the steps of films: %s", strerror(errno));
    }
    *out = k;
    return 0;
}

void kept_stop(struct kept **kept)
{
    struct kept *k = *kept;

    if (!k)
        return;
    atomic_store(&k->stop, 1);
    pthread_join(k->thread, NULL);
    pthread_mutex_destroy(&k->lock);
    pthread_mutex_destroy(&k->sending);
    free(k->held);
    free(k);
    *kept = NULL;
}

void kept_hold(struct kept *k, int64_t id, int64_t fence)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    struct held *h = find(k, id);
    if (!h) {
        k->held = xrealloc(k->held, (size_t)(k->n + 1) * sizeof *k->held);
        h = &k->held[k->n++];
        h->fence = 0;
    }
    if (h->fence != fence)
        *h = (struct held){.id = id, .fence = fence, .moved_s = clock_s()};
    pthread_mutex_unlock(&k->lock);
}

void kept_drop(struct kept *k, int64_t id)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    struct held *h = find(k, id);
    if (h)
        forget(k, h);
    pthread_mutex_unlock(&k->lock);
}

void kept_send(struct kept *k, int64_t id)
{
    struct held h;

    if (!k)
        return;
    pthread_mutex_lock(&k->sending);
    pthread_mutex_lock(&k->lock);
    const struct held *there = find(k, id);
    if (there)
        h = *there;
    pthread_mutex_unlock(&k->lock);
    if (there && !jobs_away(k->s->jobs))
        send_one(k, &h);
    pthread_mutex_unlock(&k->sending);
}

/* ---- what another server has reached ---- */

/* Who kept a step last went on from those before it; of our own the folder has the newest. */
static int is_wanted(struct server *s, int64_t id, const char *dir, struct err *e)
{
    int elsewhere, n = jobs_kept_count(s->jobs, id, &elsewhere, e);

    return n < 0 ? n : n && (elsewhere || !dir_exists(dir));
}

static int fetch_files(struct server *s, int64_t id, const char *dir, struct err *e)
{
    int rc = dir_exists(dir) ? tree_remove(dir, e) : 0;

    if (!rc)
        rc = dir_make(dir, e);
    for (int i = 0; i < DRAW_KEPT && rc >= 0; i++) {
        char *path = path_join(dir, draw_kept[i]);

        rc = jobs_kept_get(s->jobs, id, draw_kept[i], path, e);
        free(path);
    }
    return rc < 0 ? rc : 0;
}

void kept_fetch(struct server *s, const struct job *j)
{
    char *dir = draw_kept_folder(s->work_dir, j->id), id[24];
    struct err e = {0};
    int wanted = j->attempt > 1 ? is_wanted(s, j->id, dir, &e) : 0;
    int rc = wanted > 0 ? fetch_files(s, j->id, dir, &e) : wanted;

    snprintf(id, sizeof id, "%lld", (long long)j->id);
    if (rc)
        server_log(s, "step-not-fetched", "id", id, "why", e.msg);
    else if (wanted > 0)
        server_log(s, "job-continued", "id", id);
    if (rc && wanted > 0) /* what came of it is of no use */
        work_forget(s, j->id);
    free(dir);
}
