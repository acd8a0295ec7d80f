#include "serve/draw.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "format/json.h"
#include "media/picture.h"
#include "media/resize.h"
#include "serve/order.h"
#include "serve/pictures.h"

enum { PREVIEW_SIDE = 320, PICTURE_MOST_BYTES = 256 << 20, ROOM_BYTES = 1 << 20 };
#define PREVIEW_S 0.4
#define FRAME_STAYS_S 2.0 /* the next window's noise is not shown over it */

/* ---- while it is drawn ---- */

static int on_progress(void *user, const char *stage, long done, long total, double left_s)
{
    struct drawer *d = user;

    (void)left_s;
    pthread_mutex_lock(&d->lock);
    snprintf(d->live.stage, sizeof d->live.stage, "%s", stage);
    d->live.done = (int)done;
    d->live.total = (int)total;
    if (!strcmp(stage, "sampling")) {
        d->live.step = (int)done;
        d->live.steps = (int)total;
        d->sampled = total ? (double)done / (double)total : 0;
    } else if (!strcmp(stage, "drawing")) {
        d->drawn = total ? (double)done / (double)total : 0;
    }
    d->live.part = 0.6 * d->sampled + 0.39 * d->drawn;
    if (d->n_pictures)
        d->live.part = (d->picture + d->live.part) / d->n_pictures;
    int rc = d->told(d->user, &d->live);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

/* 0: it lies there. Frames of the film stay as its poster; what is seen before them passes. */
static int save_preview(struct drawer *d, const uint8_t *rgb, int width, int height, int passing)
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
    snprintf(name, sizeof name, "%lld.png", (long long)d->job->id);
    char *path = path_join(d->preview_dir, name);
    int rc = passing ? picture_save_passing(&p, path, &e) : picture_save(&p, path, &e);
    free(path);
    picture_release(&p);
    return rc;
}

/* Outside of `lock`: who draws does not wait for a picture that the other thread encodes. */
static int show(struct drawer *d, const uint8_t *rgb, int width, int height, int passing)
{
    pthread_mutex_lock(&d->seeing);
    int saved = !save_preview(d, rgb, width, height, passing);
    pthread_mutex_unlock(&d->seeing);
    pthread_mutex_lock(&d->lock);
    d->live.previews += saved;
    int rc = d->told(d->user, &d->live);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

/* Is a picture to be made now? is_frame: of a frame of the film; else of what a step promises. */
static int is_due(struct drawer *d, int is_frame, int always)
{
    double now = clock_s();

    pthread_mutex_lock(&d->lock);
    int due = always || now - d->preview_s >= PREVIEW_S;
    if (is_frame)
        d->frame_s = now;
    else if (d->frame_s > 0 && now - d->frame_s < FRAME_STAYS_S)
        due = 0;
    if (due)
        d->preview_s = now;
    pthread_mutex_unlock(&d->lock);
    return due;
}

/* As large as the film: another may go on from it. */
static void save_last(struct drawer *d, const uint8_t *rgb, int width, int height)
{
    const struct picture p = {.w = width, .h = height, .rgb = (uint8_t *)rgb};
    char name[48];
    struct err e;

    snprintf(name, sizeof name, "%lld.last.png", (long long)d->job->id);
    char *path = path_join(d->preview_dir, name);
    if (picture_save(&p, path, &e))
        d->failed(d->user, "last-picture-not-kept", e.msg);
    free(path);
}

static int on_frame(void *user, int index, int n_frames, const uint8_t *rgb, int width, int height)
{
    struct drawer *d = user;
    int last = index + 1 == n_frames;

    if (!is_due(d, 1, !index || last))
        return 0;
    if (last)
        save_last(d, rgb, width, height);
    return show(d, rgb, width, height, !last);
}

/* What the film will be, until its frames come; of a film of windows also between them, but not in
 * turns with frames of the window before. */
static int on_preview(void *user, int window, int step, int n_steps, const uint8_t *rgb, int width,
                      int height)
{
    struct drawer *d = user;

    (void)window;
    return is_due(d, 0, step == 1 || step == n_steps) ? show(d, rgb, width, height, 1) : 0;
}

/* ---- one job ---- */

int drawer_open(struct drawer *d, struct err *e)
{
    if (!d->model)
        e->code = zt_model_open(&d->model, d->model_name, e->msg, sizeof e->msg);
    return d->model ? 0 : e->code;
}

static int set_option(zt_job *job, const char *name, const char *value, struct err *e)
{
    return value ? (e->code = zt_job_set(job, name, value, e->msg, sizeof e->msg)) : 0;
}

static int set_file(zt_job *job, const char *option, const char *dir, const char *name,
                    struct err *e)
{
    char *path;

    if (!name)
        return 0;
    path = path_join(dir, name);
    int rc = set_option(job, option, path, e);
    free(path);
    return rc;
}

/* Each picture of a job has a seed of its own. A recipe would be a file beside it. */
static int set_picture(struct drawer *d, zt_job *job, struct err *e)
{
    const int64_t all = INT64_C(1) << SEED_MOST_BITS;
    struct jdoc *params;
    char text[32];

    if (!d->n_pictures)
        return 0;
    int rc = set_option(job, "no-metadata", "yes", e);
    if (!rc)
        rc = jdoc_parse(&params, d->job->params, strlen(d->job->params), "params", e);
    if (rc)
        return rc;
    int64_t seed = j_int_or(jdoc_root(params), "seed", 0, all, 0) + d->picture;
    jdoc_close(&params);
    snprintf(text, sizeof text, "%lld", (long long)(seed > all ? seed - all : seed));
    return set_option(job, "seed", text, e);
}

char *draw_kept_folder(const char *work_dir, int64_t id)
{
    char *name = xasprintf("%lld.job", (long long)id), *dir = path_join(work_dir, name);

    free(name);
    return dir;
}

const char *const draw_kept[DRAW_KEPT] = {"windows", "step", "job.json"};

int64_t draw_kept_stamp(const char *path)
{
    struct stat st;

    if (stat(path, &st) || !st.st_size) /* no window is done yet */
        return 0;
    return (int64_t)st.st_ino * 31 + st.st_mtim.tv_sec * INT64_C(1000000007) + st.st_mtim.tv_nsec +
           st.st_size;
}

/* What is kept of another film, since the job was edited or the program is a newer one, gives way.
 */
static int keep_in(struct drawer *d, zt_job *job, struct err *e)
{
    char *dir = draw_kept_folder(d->work_dir, d->job->id);

    int rc = set_option(job, "job", dir, e);
    if (!rc)
        rc = set_option(job, "overwrite", "yes", e);
    free(dir);
    return rc;
}

static int set_job(struct drawer *d, zt_job *job, const char *path, struct err *e)
{
    int rc = e->code = zt_job_set_json(job, d->job->params, e->msg, sizeof e->msg);
    char threads[16];

    snprintf(threads, sizeof threads, "%d", d->threads);
    if (!rc && d->threads)
        rc = set_option(job, "threads", threads, e);
    if (!rc)
        rc = set_option(job, "device", d->device, e);
    if (!rc)
        rc = set_picture(d, job, e);
    if (!rc)
        rc = set_file(job, order_first_option(d->n_pictures), d->picture_dir, d->job->first, e);
    if (!rc)
        rc = set_file(job, "last-frame", d->picture_dir, d->job->last, e);
    if (!rc)
        rc = set_file(job, "output", d->work_dir, path_base(path), e);
    if (!rc && !d->n_pictures)
        rc = keep_in(d, job, e);
    return rc;
}

/* A film, or one of the pictures. */
static int draw(struct drawer *d, const char *path, struct err *e)
{
    zt_job *job;
    int rc = drawer_open(d, e);

    if (rc)
        return rc;
    zt_job_new(&job, d->model);
    rc = set_job(d, job, path, e);
    zt_job_on_progress(job, on_progress, d);
    zt_job_on_preview(job, on_preview, d);
    zt_job_on_frame(job, on_frame, d);
    zt_job_frames_apart(job, 1);
    if (!rc && d->running(d->user, job))
        rc = err_set(e, ERR_CANCEL, "stopped");
    if (!rc)
        rc = e->code = zt_job_run(job, e->msg, sizeof e->msg);
    d->running(d->user, NULL);
    const char *note = rc ? NULL : zt_job_get(job, "run_note");
    if (note)
        d->noted(d->user, note);
    zt_job_free(&job);
    return rc;
}

/* All pictures, one behind the other in the file at path. */
static int draw_pictures(struct drawer *d, const char *path, struct err *e)
{
    char *one = xasprintf("%s.png", path);
    struct buf all = BUF_INIT;
    int rc = 0;

    for (d->picture = 0; !rc && d->picture < d->n_pictures; d->picture++) {
        struct buf file = BUF_INIT;

        d->sampled = d->drawn = d->frame_s = 0; /* of the picture before */
        rc = draw(d, one, e);
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

/* ---- the owner's side ---- */

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

int job_noted(const struct job *j, const char *note, struct buf *facts)
{
    struct buf added = BUF_INIT;
    struct jdoc *doc;
    struct jsonw w;

    if (jdoc_parse(&doc, j->facts, strlen(j->facts), "facts", NULL))
        return 0;
    int said = !strcmp(j_string_or(jdoc_root(doc), "run_note", ""), note);
    jdoc_close(&doc);
    if (said)
        return 0;
    jsonw_init(&w, &added, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "run_note", note);
    jsonw_end_object(&w);
    /* One object behind the other. */
    buf_add(facts, j->facts, strlen(j->facts) - 1);
    buf_printf(facts, ", %s", buf_str(&added) + 1);
    buf_release(&added);
    return 1;
}

double draw_patience_s(const struct job *j, double stall_s)
{
    return stall_s > 0 ? stall_s + job_forecast_s(j) : 0;
}

char *draw_film_path(const char *work_dir, const struct job *j)
{
    char *name = xasprintf("%lld-%lld.%s", (long long)j->id, (long long)j->fence,
                           job_pictures(j) ? "png" : "mp4");
    char *path = path_join(work_dir, name);

    free(name);
    return path;
}

int drawer_draw(struct drawer *d, const struct job *j, const char *path, struct err *e)
{
    int rc;

    d->job = j;
    d->n_pictures = job_pictures(j);
    d->picture = 0;
    d->sampled = d->drawn = d->preview_s = d->frame_s = 0;
    memset(&d->live, 0, sizeof d->live);
    d->live.id = j->id;
    d->live.left_s = -1;
    if (d->told(d->user, &d->live))
        return err_set(e, ERR_CANCEL, "stopped");
    pthread_mutex_init(&d->lock, NULL);
    pthread_mutex_init(&d->seeing, NULL);
    rc = d->n_pictures ? draw_pictures(d, path, e) : draw(d, path, e);
    pthread_mutex_destroy(&d->seeing);
    pthread_mutex_destroy(&d->lock);
    return rc;
}

void drawer_clean(const struct drawer *d, const struct job *j)
{
    static const char *const endings[] = {".mp4", ".part.mp4", ".png", ".png.png"};

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *name = xasprintf("%lld-%lld%s", (long long)j->id, (long long)j->fence, endings[i]);
        char *path = path_join(d->work_dir, name);
        unlink(path);
        free(path);
        free(name);
    }
}

static int disk_is_full(const char *dir)
{
    struct statvfs v;

    return !statvfs(dir, &v) && (uint64_t)v.f_bavail * v.f_frsize < ROOM_BYTES;
}

const char *drawer_code(const struct drawer *d, const struct err *e)
{
    if (e->code != ERR_USAGE && disk_is_full(d->work_dir))
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
