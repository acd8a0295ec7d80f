#include "serve/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "serve/draw.h"
#include "serve/film_file.h"
#include "serve/kept.h"
#include "serve/keys.h"
#include "serve/order.h"
#include "serve/scene.h"

#define HANGS_S 2.0 /* a film that was given up has so long to end with the server */

struct worker {
    struct server *s;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    int stop, woken;
    zt_job *running;
    int64_t running_id;
    int64_t held_id, held_fence; /* 0: no job is held */
    int step, steps;
    int lost;                   /* the job is not ours any more */
    double moved_s, patience_s; /* progress was seen; a film that shows none for so long hangs */
    int stalled, ended; /* the thread hangs in a film that was given up; it has come to its end */

    /* The thread's own. */
    struct drawer drawer;
    atomic_int has_model;
    struct job job;
    const char *tenant;

    /* Of the one who beats: a film that was given up, until the store has it. */
    int64_t given_up_id, given_up_fence;
    char why[120];
};

/* ---- while a film is drawn ---- */

/* Nonzero: the job is another's, and its drawing ends. */
static int told(void *user, const struct live *l)
{
    struct worker *w = user;

    board_live(w->s->board, l, w->tenant);
    pthread_mutex_lock(&w->lock);
    int lost = w->lost;
    w->step = l->step;
    w->steps = l->steps;
    w->moved_s = clock_s();
    pthread_mutex_unlock(&w->lock);
    return lost;
}

static void failed(void *user, const char *what, const char *why)
{
    const struct worker *w = user;

    server_log(w->s, what, "why", why);
}

static void noted(void *user, const char *note)
{
    const struct worker *w = user;
    struct buf facts = BUF_INIT;
    struct err e;

    if (job_noted(&w->job, note, &facts) &&
        jobs_noted(w->s->jobs, w->job.id, w->job.fence, buf_str(&facts), &e) < 0)
        server_log(w->s, "store-failed", "why", e.msg);
    buf_release(&facts);
}

static void hold(struct worker *w, int yes)
{
    pthread_mutex_lock(&w->lock);
    w->held_id = yes ? w->job.id : 0;
    w->held_fence = w->job.fence;
    w->lost = yes ? 0 : w->lost;
    w->step = w->steps = 0;
    w->moved_s = clock_s();
    w->patience_s = yes ? draw_patience_s(&w->job, w->s->o.stall_s) : 0;
    pthread_mutex_unlock(&w->lock);
}

static int may_begin(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    int yes = !w->stop;
    pthread_mutex_unlock(&w->lock);
    return yes;
}

/* ---- one job ---- */

static int was_cancelled(struct worker *w)
{
    struct job now;
    struct err e;
    int rc = jobs_get(w->s->jobs, NULL, w->job.id, &now, &e);
    int yes = rc > 0 && now.cancel_requested;

    job_release(&now);
    return yes;
}

/* From now on the job can be cancelled; nonzero when it already was, or the server ends. */
static int show_running(void *user, zt_job *job)
{
    struct worker *w = user;

    atomic_store(&w->has_model, 1);
    pthread_mutex_lock(&w->lock);
    int stop = w->stop;
    w->running = job;
    w->running_id = job ? w->job.id : 0;
    pthread_mutex_unlock(&w->lock);
    return job && (stop || was_cancelled(w));
}

/* A film that is over, or deleted, is not gone on with. */
static void forget_kept(const struct worker *w)
{
    struct job now;
    struct err e;
    int rc = jobs_get(w->s->jobs, NULL, w->job.id, &now, &e);

    if (!rc || (rc > 0 && JOB_IS_OVER(now.state)))
        work_forget(w->s, w->job.id);
    job_release(&now);
}

/* A film's way out of the work folder: kept, then said. */
static int hand_in(struct worker *w, const char *path, struct err *e)
{
    hold(w, 0);
    int rc = film_file_hand_in(w->s, &w->job, path, 1, e);
    w->lost |= rc == 0; /* the thread's own again */
    return rc < 0 ? rc : 0;
}

static void count_film(struct worker *w, enum job_state how, double begin_s)
{
    atomic_fetch_add(&w->s->films[how], 1);
    atomic_fetch_add(&w->s->drawing_ms, (long)((clock_s() - begin_s) * 1000));
}

static int write_end(struct worker *w, const struct err *why, const char *code, struct err *e)
{
    int64_t id = w->job.id, fence = w->job.fence;

    if (why->code == ERR_CANCEL && was_cancelled(w))
        return jobs_cancelled(w->s->jobs, id, fence, e);
    if (why->code == ERR_CANCEL) {
        kept_send(w->s->kept, id);
        return jobs_requeue(w->s->jobs, id, fence, e);
    }
    return jobs_fail(w->s->jobs, id, fence, code, server_says(w->s, why), e);
}

/* Until it is written: a job that nobody draws must not look as if it ran. */
static void end_badly(struct worker *w, const struct err *why, const char *code)
{
    const struct timespec moment = {0, 500000000};
    struct err e;

    server_log(w->s, "film-ended", "tenant", w->tenant, "code",
               why->code == ERR_CANCEL ? "stopped" : code, "why", why->msg);
    while (write_end(w, why, code, &e) < 0 && may_begin(w)) {
        server_log(w->s, "store-failed", "why", e.msg);
        nanosleep(&moment, NULL);
    }
}

/* A picture that came by another server. */
static void fetch(struct worker *w, const char *picture)
{
    if (picture)
        (void)film_file_fetch(w->s, w->s->picture_dir, picture, 1);
}

/* From a film that was given up, in the end. */
static void come_back(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    int stalled = w->stalled;
    w->stalled = 0;
    pthread_mutex_unlock(&w->lock);
    if (stalled)
        server_log(w->s, "worker-back");
}

/* Its lease was over and it is another's now. */
static void say_lost(const struct worker *w)
{
    char id[32];

    snprintf(id, sizeof id, "%lld", (long long)w->job.id);
    server_log(w->s, "job-lost", "id", id, "tenant", w->tenant);
}

static void work(struct worker *w)
{
    char *path = draw_film_path(w->drawer.work_dir, &w->job);
    double begin = clock_s();
    struct err e = {0};

    hold(w, 1);
    fetch(w, w->job.first);
    fetch(w, w->job.last);
    kept_fetch(w->s, &w->job);
    kept_hold(w->s->kept, w->job.id, w->job.fence);
    int rc = drawer_draw(&w->drawer, &w->job, path, &e);
    if (!rc)
        rc = hand_in(w, path, &e);
    hold(w, 0);
    const char *code = rc ? drawer_code(&w->drawer, &e) : NULL; /* while the disk is as it was */
    drawer_clean(&w->drawer, &w->job);
    if (w->lost)
        say_lost(w);
    else if (rc)
        end_badly(w, &e, code);
    kept_drop(w->s->kept, w->job.id);
    forget_kept(w);
    come_back(w);
    if (!w->lost)
        count_film(w, !rc ? JOB_SUCCEEDED : rc == ERR_CANCEL ? JOB_CANCELLED : JOB_FAILED, begin);
    board_over(w->s->board, w->job.id);
    board_change(w->s->board, w->job.id, w->tenant);
    free(path);
}

static void play(struct worker *w)
{
    struct err e = {0};

    atomic_store(&w->has_model, !drawer_open(&w->drawer, &e));
    scene_draw(w->s->scene, w->drawer.model, &e);
}

/* ---- the thread ---- */

/* Until there may be a job; 0: the server ends. */
static int wait_for_work(struct worker *w, double idle_since)
{
    struct timespec until;
    int unload = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_mutex_lock(&w->lock);
    if (!w->stop && !w->woken)
        pthread_cond_timedwait(&w->wake, &w->lock, &until);
    w->woken = 0;
    int go_on = !w->stop;
    pthread_mutex_unlock(&w->lock);
    unload = w->drawer.model && clock_s() - idle_since > w->s->o.idle_s;
    if (unload) {
        zt_model_free(&w->drawer.model);
        atomic_store(&w->has_model, 0);
        server_log(w->s, "model-unloaded");
    }
    return go_on;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    double idle_since = clock_s();
    struct err e;
    char owner[32];

    snprintf(owner, sizeof owner, "local-%ld", (long)getpid());
    while (may_begin(w)) {
        if (scene_waits(w->s->scene)) {
            play(w);
            idle_since = clock_s();
        }
        int rc = jobs_claim(w->s->jobs, owner, &w->job, &e);
        if (rc > 0) {
            w->tenant = keys_tenant(w->s->keys, w->job.tenant);
            order_queue_changed(w->s);
            work(w);
            job_release(&w->job);
            idle_since = clock_s();
            continue;
        }
        if (rc < 0)
            server_log(w->s, "store-failed", "why", e.msg);
        if (!wait_for_work(w, idle_since))
            break;
    }
    zt_model_free(&w->drawer.model);
    pthread_mutex_lock(&w->lock);
    w->ended = 1;
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int worker_start(struct worker **out, struct server *s, struct err *e)
{
    struct worker *w = xcalloc(1, sizeof *w);

    w->s = s;
    w->drawer = (struct drawer){.model_name = s->o.model,
                                .picture_dir = s->picture_dir,
                                .preview_dir = s->preview_dir,
                                .work_dir = s->work_dir,
                                .user = w,
                                .told = told,
                                .running = show_running,
                                .failed = failed,
                                .noted = noted};
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    if (s->o.workers && pthread_create(&w->thread, NULL, worker_main, w)) {
        free(w);
        return err_set(e, ERR_IO, "no thread for the worker: %s", strerror(errno));
    }
    *out = w;
    return 0;
}

void worker_wake(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->woken = 1;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

int worker_is_drawing(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    int yes = w->held_id != 0;
    pthread_mutex_unlock(&w->lock);
    return yes;
}

void worker_cancel(struct worker *w, int64_t id)
{
    pthread_mutex_lock(&w->lock);
    if (w->running && w->running_id == id)
        zt_cancel(w->running);
    pthread_mutex_unlock(&w->lock);
}

/* Another has the job, or it is given up; under the lock. What is drawn of it ends. */
static void let_go(struct worker *w)
{
    w->lost = 1;
    if (w->running)
        zt_cancel(w->running);
}

/* A device that hangs: nobody can interrupt it, but the job need not wait for it. */
static void give_up(struct worker *w)
{
    struct live live = {0};
    char id[24];

    pthread_mutex_lock(&w->lock);
    int hangs = w->held_id && w->patience_s > 0 && clock_s() - w->moved_s > w->patience_s;
    if (hangs) {
        w->given_up_id = w->held_id;
        w->given_up_fence = w->held_fence;
        w->held_id = 0;
        w->stalled = 1;
        let_go(w);
    }
    double silent_s = clock_s() - w->moved_s;
    pthread_mutex_unlock(&w->lock);
    if (!hangs)
        return;
    (void)board_get(w->s->board, w->given_up_id, &live);
    snprintf(w->why, sizeof w->why, "no progress for %.0f seconds%s%.48s", silent_s,
             *live.stage ? " of " : "", live.stage);
    snprintf(id, sizeof id, "%lld", (long long)w->given_up_id);
    server_log(w->s, "film-stalled", "id", id, "why", w->why, "now",
               "nothing is drawn here until the device answers");
}

/* Until the store has it. */
static void end_given_up(struct worker *w)
{
    int64_t id = w->given_up_id;
    struct job j;
    struct err e;
    int rc = jobs_fail(w->s->jobs, id, w->given_up_fence, "E_STALLED", w->why, &e);

    if (rc < 0) {
        server_log(w->s, "store-failed", "why", e.msg);
        return;
    }
    w->given_up_id = 0;
    atomic_fetch_add(&w->s->films[JOB_FAILED], rc);
    board_over(w->s->board, id);
    if (jobs_get(w->s->jobs, NULL, id, &j, &e) > 0)
        board_change(w->s->board, id, keys_tenant(w->s->keys, j.tenant));
    job_release(&j);
}

void worker_beat(struct worker *w)
{
    struct err e;

    give_up(w);
    if (w->given_up_id)
        end_given_up(w);
    pthread_mutex_lock(&w->lock);
    int64_t id = w->held_id, fence = w->held_fence;
    int step = w->step, steps = w->steps;
    pthread_mutex_unlock(&w->lock);
    if (!id || jobs_beat(w->s->jobs, id, fence, step, steps, &e))
        return;
    pthread_mutex_lock(&w->lock);
    if (w->held_id == id && w->held_fence == fence)
        let_go(w);
    pthread_mutex_unlock(&w->lock);
}

int worker_has_stalled(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    int yes = w->stalled;
    pthread_mutex_unlock(&w->lock);
    return yes;
}

int worker_has_model(struct worker *w)
{
    return atomic_load(&w->has_model);
}

/* 1: the thread has come to its end; 0: it hangs in a film that was given up. */
static int has_ended(struct worker *w)
{
    double until = clock_s() + HANGS_S;
    int ended, stalled;

    do {
        const struct timespec moment = {0, 50000000};
        nanosleep(&moment, NULL);
        pthread_mutex_lock(&w->lock);
        ended = w->ended;
        stalled = w->stalled;
        pthread_mutex_unlock(&w->lock);
    } while (!ended && (!stalled || clock_s() < until));
    return ended;
}

int worker_stop(struct worker *w, double drain_s)
{
    double until = clock_s() + drain_s;

    pthread_mutex_lock(&w->lock);
    w->stop = 1;
    scene_end(w->s->scene, 1);
    pthread_cond_signal(&w->wake);
    while (w->running && !w->stalled && clock_s() < until) {
        const struct timespec moment = {0, 50000000};
        pthread_mutex_unlock(&w->lock);
        nanosleep(&moment, NULL);
        pthread_mutex_lock(&w->lock);
    }
    if (w->running)
        zt_cancel(w->running);
    pthread_mutex_unlock(&w->lock);
    if (!w->s->o.workers)
        return 0;
    if (!has_ended(w))
        return 1;
    pthread_join(w->thread, NULL);
    return 0;
}

void worker_free(struct worker **w)
{
    if (!*w)
        return;
    pthread_cond_destroy(&(*w)->wake);
    pthread_mutex_destroy(&(*w)->lock);
    free(*w);
    *w = NULL;
}
