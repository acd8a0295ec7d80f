#include "serve/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "format/json.h"
#include "media/picture.h"
#include "media/resize.h"
#include "serve/film_file.h"
#include "serve/keys.h"
#include "serve/order.h"
#include "serve/pictures.h"
#include "serve/scene.h"

enum { PREVIEW_SIDE = 320, PICTURE_MOST_BYTES = 256 << 20 };
#define PREVIEW_S 0.4

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
    int lost; /* another has the job */

    /* The thread's own. */
    zt_model *model;
    atomic_int has_model;
    struct job job;
    struct live live;
    const char *tenant;
    double preview_s;
    double sampled, drawn;   /* parts of the film, 0..1 */
    int n_pictures, picture; /* a job of pictures, and which of them; else 0 */
};

double job_forecast_s(const struct job *j)
{
    struct jdoc *doc;
    double s = 0;

    if (jdoc_parse(&doc, j->facts, strlen(j->facts), "facts", NULL))
        return 0;
    s = j_real_or(jdoc_root(doc), "forecast_s", 0, 1e12, 0);
    jdoc_close(&doc);
    return s;
}

/* ---- while a film is drawn ---- */

/* Nonzero: the job is another's, and its drawing ends. */
static int is_lost(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    int lost = w->lost;
    w->step = w->live.step;
    w->steps = w->live.steps;
    pthread_mutex_unlock(&w->lock);
    return lost;
}

static void hold(struct worker *w, int yes)
{
    pthread_mutex_lock(&w->lock);
    w->held_id = yes ? w->job.id : 0;
    w->held_fence = w->job.fence;
    w->lost = yes ? 0 : w->lost;
    w->step = w->steps = 0;
    pthread_mutex_unlock(&w->lock);
}

static int on_progress(void *user, const char *stage, long done, long total, double left_s)
{
    struct worker *w = user;

    (void)left_s;
    snprintf(w->live.stage, sizeof w->live.stage, "%s", stage);
    w->live.done = (int)done;
    w->live.total = (int)total;
    if (!strcmp(stage, "sampling")) {
        w->live.step = (int)done;
        w->live.steps = (int)total;
        w->sampled = total ? (double)done / (double)total : 0;
    } else if (!strcmp(stage, "drawing")) {
        w->drawn = total ? (double)done / (double)total : 0;
    }
    w->live.part = 0.6 * w->sampled + 0.39 * w->drawn;
    if (w->n_pictures)
        w->live.part = (w->picture + w->live.part) / w->n_pictures;
    board_live(w->s->board, &w->live, w->tenant);
    return is_lost(w);
}

/* Frames of the film stay as its poster; what is seen before them passes. */
static void save_preview(struct worker *w, const uint8_t *rgb, int width, int height, int passing)
{
    double scale = (double)PREVIEW_SIDE / (width > height ? width : height);
    struct picture p;
    char name[40];
    struct err e;

    if (scale > 1)
        scale = 1;
    picture_init(&p, (int)(width * scale + 0.5) + !(int)(width * scale + 0.5),
                 (int)(height * scale + 0.5) + !(int)(height * scale + 0.5));
    resize_rgb(p.rgb, p.w, p.h, rgb, width, height, RESIZE_AREA, NULL);
    snprintf(name, sizeof name, "%lld.png", (long long)w->job.id);
    char *path = path_join(w->s->preview_dir, name);
    if (!(passing ? picture_save_passing(&p, path, &e) : picture_save(&p, path, &e)))
        w->live.previews++;
    free(path);
    picture_release(&p);
}

/* As large as the film: another may go on from it. */
static void save_last(struct worker *w, const uint8_t *rgb, int width, int height)
{
    const struct picture p = {.w = width, .h = height, .rgb = (uint8_t *)rgb};
    char name[48];
    struct err e;

    snprintf(name, sizeof name, "%lld.last.png", (long long)w->job.id);
    char *path = path_join(w->s->preview_dir, name);
    if (picture_save(&p, path, &e))
        server_log(w->s, "last-picture-not-kept", "why", e.msg);
    free(path);
}

static int on_frame(void *user, int index, int n_frames, const uint8_t *rgb, int width, int height)
{
    struct worker *w = user;
    double now = clock_s();

    if (index && index + 1 < n_frames && now - w->preview_s < PREVIEW_S)
        return 0;
    w->preview_s = now;
    if (index + 1 == n_frames)
        save_last(w, rgb, width, height);
    save_preview(w, rgb, width, height, index + 1 < n_frames);
    board_live(w->s->board, &w->live, w->tenant);
    return is_lost(w);
}

/* What the film will be, until its frames come; of a film of windows also between them. */
static int on_preview(void *user, int window, int step, int n_steps, const uint8_t *rgb, int width,
                      int height)
{
    struct worker *w = user;
    double now = clock_s();

    (void)window;
    if (step > 1 && step < n_steps && now - w->preview_s < PREVIEW_S)
        return 0;
    w->preview_s = now;
    save_preview(w, rgb, width, height, 1);
    board_live(w->s->board, &w->live, w->tenant);
    return is_lost(w);
}

static int may_begin(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    int yes = !w->stop;
    pthread_mutex_unlock(&w->lock);
    return yes;
}

/* ---- one job ---- */

static int open_model(struct worker *w, struct err *e)
{
    if (w->model)
        return 0;
    e->code = zt_model_open(&w->model, w->s->o.model, e->msg, sizeof e->msg);
    atomic_store(&w->has_model, w->model != NULL);
    return e->code;
}

static int set_file(zt_job *job, const char *option, const char *dir, const char *name,
                    struct err *e)
{
    char *path;

    if (!name)
        return 0;
    path = path_join(dir, name);
    e->code = zt_job_set(job, option, path, e->msg, sizeof e->msg);
    free(path);
    return e->code;
}

static int set_picture_file(struct worker *w, zt_job *job, const char *option, const char *name,
                            struct err *e)
{
    if (name)
        film_file_fetch(w->s, w->s->picture_dir, name);
    return set_file(job, option, w->s->picture_dir, name, e);
}

/* From now on the job can be cancelled; -1 when it already was, or the server ends. */
static int show_running(struct worker *w, zt_job *job)
{
    pthread_mutex_lock(&w->lock);
    int stop = w->stop;
    w->running = job;
    w->running_id = job ? w->job.id : 0;
    pthread_mutex_unlock(&w->lock);
    return stop ? -1 : 0;
}

static int was_cancelled(struct worker *w)
{
    struct job now;
    struct err e;
    int rc = jobs_get(w->s->jobs, NULL, w->job.id, &now, &e);
    int yes = rc > 0 && now.cancel_requested;

    job_release(&now);
    return yes;
}

/* Each picture of a job has a seed of its own. A recipe would be a file beside it. */
static int set_picture(struct worker *w, zt_job *job, struct err *e)
{
    const int64_t all = INT64_C(1) << SEED_MOST_BITS;
    struct jdoc *params;
    char text[32];

    if (!w->n_pictures)
        return 0;
    e->code = zt_job_set(job, "no-metadata", "yes", e->msg, sizeof e->msg);
    if (e->code || jdoc_parse(&params, w->job.params, strlen(w->job.params), "params", e))
        return e->code;
    int64_t seed = j_int_or(jdoc_root(params), "seed", 0, all, 0) + w->picture;
    jdoc_close(&params);
    snprintf(text, sizeof text, "%lld", (long long)(seed > all ? seed - all : seed));
    return e->code = zt_job_set(job, "seed", text, e->msg, sizeof e->msg);
}

/* Where a film's steps are, for whoever draws it after a crash. The caller frees. */
static char *kept_folder(const struct worker *w)
{
    char *name = xasprintf("%lld.job", (long long)w->job.id),
         *dir = path_join(w->s->work_dir, name);

    free(name);
    return dir;
}

/* What is kept of another film, since the job was edited or the program is a newer one, gives way.
 */
static int keep_in(struct worker *w, zt_job *job, struct err *e)
{
    char *dir = kept_folder(w);

    e->code = zt_job_set(job, "job", dir, e->msg, sizeof e->msg);
    if (!e->code)
        e->code = zt_job_set(job, "overwrite", "yes", e->msg, sizeof e->msg);
    free(dir);
    return e->code;
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

/* A film, or one of the pictures. */
static int draw(struct worker *w, const char *path, struct err *e)
{
    zt_job *job;
    int rc = open_model(w, e);

    if (rc)
        return rc;
    zt_job_new(&job, w->model);
    rc = e->code = zt_job_set_json(job, w->job.params, e->msg, sizeof e->msg);
    if (!rc)
        rc = set_picture(w, job, e);
    if (!rc)
        rc = set_picture_file(w, job, order_first_option(w->n_pictures), w->job.first, e);
    if (!rc)
        rc = set_picture_file(w, job, "last-frame", w->job.last, e);
    if (!rc)
        rc = set_file(job, "output", w->s->work_dir, path_base(path), e);
    if (!rc && !w->n_pictures)
        rc = keep_in(w, job, e);
    zt_job_on_progress(job, on_progress, w);
    zt_job_on_preview(job, on_preview, w);
    zt_job_on_frame(job, on_frame, w);
    if (!rc && (show_running(w, job) || was_cancelled(w)))
        rc = err_set(e, ERR_CANCEL, "stopped");
    if (!rc)
        rc = e->code = zt_job_run(job, e->msg, sizeof e->msg);
    (void)show_running(w, NULL);
    zt_job_free(&job);
    return rc;
}

/* All pictures, one behind the other in the file at path. */
static int draw_pictures(struct worker *w, const char *path, struct err *e)
{
    char *one = xasprintf("%s.png", path);
    struct buf all = BUF_INIT;
    int rc = 0;

    for (w->picture = 0; !rc && w->picture < w->n_pictures; w->picture++) {
        struct buf file = BUF_INIT;

        w->sampled = w->drawn = 0;
        rc = draw(w, one, e);
        if (!rc)
            rc = file_read(&file, one, PICTURE_MOST_BYTES, e);
        if (!rc)
            buf_add(&all, file.data, file.len);
        unlink(one);
        buf_release(&file);
    }
    if (!rc)
        rc = file_write(path, all.data, all.len, e);
    buf_release(&all);
    free(one);
    return rc;
}

static const char *code_of(const struct server *s, const struct err *e)
{
    if (e->code != ERR_USAGE && server_free_bytes(s) < 1 << 20)
        return "E_DISK_FULL";
    switch (e->code) {
    case ERR_USAGE:
        return "E_REQUEST";
    case ERR_FORMAT:
        return "E_MODEL";
    case ERR_IO:
        return "E_IO";
    case ERR_FIT:
        return "E_FIT";
    default:
        return "E_DEVICE";
    }
}

/* A film's way out of the work folder. */
static int hand_in(struct worker *w, const char *path, struct err *e)
{
    hold(w, 0);
    int rc = film_file_hand_in(w->s, &w->job, path, e);
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
    if (why->code == ERR_CANCEL)
        return jobs_requeue(w->s->jobs, id, fence, e);
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

static void remove_work(struct worker *w, const char *stem)
{
    static const char *const endings[] = {".mp4", ".part.mp4", ".png", ".png.png"};

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *name = xasprintf("%s%s", stem, endings[i]);
        char *path = path_join(w->s->work_dir, name);
        unlink(path);
        free(path);
        free(name);
    }
}

static void work(struct worker *w)
{
    char *stem = xasprintf("%lld-%lld", (long long)w->job.id, (long long)w->job.fence);
    double begin = clock_s();
    struct err e = {0};
    int rc;

    w->n_pictures = job_pictures(&w->job);
    w->picture = 0;
    char *name = xasprintf("%s.%s", stem, w->n_pictures ? "png" : "mp4");
    char *path = path_join(w->s->work_dir, name);
    memset(&w->live, 0, sizeof w->live);
    w->live.id = w->job.id;
    w->live.left_s = -1;
    w->sampled = w->drawn = 0;
    hold(w, 1);
    board_live(w->s->board, &w->live, w->tenant);
    rc = w->n_pictures ? draw_pictures(w, path, &e) : draw(w, path, &e);
    if (!rc)
        rc = hand_in(w, path, &e);
    hold(w, 0);
    const char *code = rc ? code_of(w->s, &e) : NULL; /* while the disk is as full as it was */
    remove_work(w, stem);
    if (rc && !w->lost)
        end_badly(w, &e, code);
    if (!w->lost)
        forget_kept(w);
    if (!w->lost)
        count_film(w, !rc ? JOB_SUCCEEDED : rc == ERR_CANCEL ? JOB_CANCELLED : JOB_FAILED, begin);
    board_over(w->s->board, w->job.id);
    board_change(w->s->board, w->job.id, w->tenant);
    free(path);
    free(name);
    free(stem);
}

static void play(struct worker *w)
{
    struct err e = {0};

    (void)open_model(w, &e);
    scene_draw(w->s->scene, w->model, &e);
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
    unload = w->model && clock_s() - idle_since > w->s->o.idle_s;
    if (unload) {
        zt_model_free(&w->model);
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
    zt_model_free(&w->model);
    return NULL;
}

int worker_start(struct worker **out, struct server *s, struct err *e)
{
    struct worker *w = xcalloc(1, sizeof *w);

    w->s = s;
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

void worker_cancel(struct worker *w, int64_t id)
{
    pthread_mutex_lock(&w->lock);
    if (w->running && w->running_id == id)
        zt_cancel(w->running);
    pthread_mutex_unlock(&w->lock);
}

void worker_beat(struct worker *w)
{
    struct err e;

    pthread_mutex_lock(&w->lock);
    int64_t id = w->held_id, fence = w->held_fence;
    int step = w->step, steps = w->steps;
    pthread_mutex_unlock(&w->lock);
    if (!id || jobs_beat(w->s->jobs, id, fence, step, steps, &e))
        return;
    pthread_mutex_lock(&w->lock);
    if (w->held_id == id && w->held_fence == fence) {
        w->lost = 1;
        if (w->running)
            zt_cancel(w->running);
    }
    pthread_mutex_unlock(&w->lock);
}

int worker_has_model(struct worker *w)
{
    return atomic_load(&w->has_model);
}

void worker_stop(struct worker *w, double drain_s)
{
    double until = clock_s() + drain_s;

    pthread_mutex_lock(&w->lock);
    w->stop = 1;
    scene_end(w->s->scene, 1);
    pthread_cond_signal(&w->wake);
    while (w->running && clock_s() < until) {
        const struct timespec moment = {0, 50000000};
        pthread_mutex_unlock(&w->lock);
        nanosleep(&moment, NULL);
        pthread_mutex_lock(&w->lock);
    }
    if (w->running)
        zt_cancel(w->running);
    pthread_mutex_unlock(&w->lock);
    if (w->s->o.workers)
        pthread_join(w->thread, NULL);
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
