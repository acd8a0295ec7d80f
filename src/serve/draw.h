/* draw.h - one job of the store becomes a film, or pictures, by include/zoetrope.h: for the
 * server's own thread and for a worker on another machine alike.
 *
 * Beside the film it leaves preview_dir/ID.png (what is seen now, in the end the poster) and
 * preview_dir/ID.last.png (the film's end, as large as the film). Where it has got to is kept in
 * work_dir/ID.job, from which whoever draws it next goes on. Threads: one, but told is also called
 * on the thread that shows the frames of a long film, while its next window is drawn. */
#ifndef SERVE_DRAW_H
#define SERVE_DRAW_H

#include <pthread.h>

#include "base/buf.h"
#include "serve/board.h"
#include "serve/jobs.h"
#include "zoetrope.h"

struct drawer {
    /* Of the owner; strings are borrowed. */
    const char *model_name; /* NULL: zoetrope's default */
    const char *picture_dir, *preview_dir, *work_dir;
    int threads;        /* of the machine; 0: all */
    const char *device; /* NULL: unsaid */
    void *user;
    int (*told)(void *user, const struct live *l); /* progress; nonzero: it ends. Not at once */
    /* From now on it may be cancelled (zt_cancel); nonzero: it is not to begin. NULL: it is over.
     */
    int (*running)(void *user, zt_job *job);
    void (*failed)(void *user, const char *what, const char *why); /* the film goes on without */
    void (*noted)(void *user, const char *note); /* of a film that is drawn: "run_note" */

    zt_model *model; /* opened by the first job; the owner frees it */

    /* Its own. */
    const struct job *job;
    int n_pictures, picture; /* a job of pictures, and which of them; else 0 */
    pthread_mutex_t seeing;  /* held by who writes the preview */
    pthread_mutex_t lock;    /* guards what follows */
    struct live live;
    double sampled, drawn;     /* parts of the film, 0..1 */
    double preview_s, frame_s; /* when a preview was made; when a frame was last seen, or 0 */
};

/* The forecast's seconds of a job that waits, from its facts; 0 where it does not say. */
double job_forecast_s(const struct job *j);
/* Its facts, and what happened while it was drawn. 0: they say so already. */
int job_noted(const struct job *j, const char *note, struct buf *facts);
/* A film that shows no progress for so long hangs: stall_s more than all of it was forecast to
 * take, since one step of it may be most of that. 0: never, as stall_s of 0. */
double draw_patience_s(const struct job *j, double stall_s);

NODISCARD int drawer_open(struct drawer *d, struct err *e); /* the model, if it is not open */
/* Where a film is while it is drawn, work_dir/ID-FENCE.mp4 or .png; and its steps, for whoever
 * draws it after a crash, the folder work_dir/ID.job. The caller frees. */
char *draw_film_path(const char *work_dir, const struct job *j);
char *draw_kept_folder(const char *work_dir, int64_t id);
/* Its files, in the order in which they belong to each other: each is whole and says to which it
 * belongs, so they may be copied one after the other, and the last never. */
enum { DRAW_KEPT = 3 };
extern const char *const draw_kept[DRAW_KEPT];
/* Another number whenever the file at path is another; 0: there is none, or nothing in it. */
int64_t draw_kept_stamp(const char *path);
/* The file at path, whole. ERR_CANCEL: cancelled, or the owner did not want it to go on. */
NODISCARD int drawer_draw(struct drawer *d, const struct job *j, const char *path, struct err *e);
/* What lies in work_dir of this try, half done or not. */
void drawer_clean(const struct drawer *d, const struct job *j);
/* The code that a client reads of an error of drawing. */
const char *drawer_code(const struct drawer *d, const struct err *e);

#endif
