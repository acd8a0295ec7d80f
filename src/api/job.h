/* job.h - inside of zt_job. */
#ifndef API_JOB_H
#define API_JOB_H

#include <stdatomic.h>

#include "api/api.h"
#include "base/arena.h"
#include "generate/pipeline.h"
#include "measure/joins.h"
#include "media/film.h"
#include "media/label.h"

struct zt_job {
    struct zt_model *model; /* borrowed, or own; NULL before the plan of a job without one */
    struct zt_model *own;
    struct request request;
    struct plan plan;
    int planned, done;
    struct figures figures;
    atomic_int stop, turn; /* turn: of zt_job_turn */
    zt_frame_fn on_frame;
    zt_progress_fn on_progress;
    zt_preview_fn on_preview;
    void *frame_user, *progress_user, *preview_user;
    int frames_apart; /* the program's frame callback may be called on another thread */

    uint64_t film_bytes; /* forecast for writing and looking at it */
    struct joins *joins; /* while running */
    struct joins_report report;
    struct film_writer *film;  /* open while running */
    struct label label;        /* drawn over every frame */
    uint8_t *labelled;         /* owned: the frame with it; NULL: none is wanted */
    char *typed, *expand_note; /* owned: the prompt before it was expanded; why it was not; NULL */
    char *said;                /* owned: the prompt of which they tell */
    char *output;              /* where it goes; NULL: callbacks only */
    struct journal *journal;   /* while running; NULL: nothing is kept */
    char *kept;                /* the folder of a film that was not finished; NULL: there is none */
    char *kept_film;   /* owned: where it grew, when it is gone on with elsewhere; or NULL */
    char *kept_by;     /* owned: what computed it before, if not what does now; or NULL */
    struct arena text; /* what zt_job_get and zt_job_recipe returned last */
};

/* The recipe as JSON, appended to out. latent_hash: NULL when not known yet. Waits for the hash of
 * the model; the errors of model_hash. */
NODISCARD int recipe_write(const struct zt_job *job, const char *latent_hash, struct buf *out,
                           struct err *e);

/* The frame of the film with the label that is asked for: rgb itself, or the job's until the next.
 */
const uint8_t *job_labelled(struct zt_job *job, const uint8_t *rgb);

/* job_kept.c: the settings that are kept in a folder; then the folder of the option "job", while it
 * runs. What is kept there of another film, or
 * by another version, is ERR_USAGE, which names the first difference; with overwrite it goes. */
NODISCARD int job_kept_read(struct zt_job *job, const char *dir, const char **folder,
                            struct err *e);
int job_kept_there(const struct zt_job *job); /* 1: something is kept in the folder */
NODISCARD int job_kept_open(struct zt_job *job, struct err *e);
/* whole: the film is done, the folder goes. */
void job_kept_close(struct zt_job *job, int whole);

/* job_expand.c: after the model is open. ERR_CANCEL alone: whatever goes wrong with the endpoint,
 * the prompt stays as typed. Of a plan: the prompt before and after, NULL where nothing was
 * expanded. */
NODISCARD int job_expand(struct zt_job *job, struct err *e);
const char *job_typed(const struct zt_job *job);
const char *job_expanded(const struct zt_job *job);
const char *job_expand_note(const struct zt_job *job);

/* job_joins.c: between begin and end every frame of the film goes through joins_add. Texts are of
 * the film that is done, valid as that of zt_job_get; still: NULL where something moves. */
uint64_t job_joins_bytes(const struct zt_job *job);
void job_joins_begin(struct zt_job *job);
void job_joins_end(struct zt_job *job);
void job_joins_release(struct zt_job *job);
const char *job_joins_json(struct zt_job *job);
const char *job_joins_text(struct zt_job *job);
const char *job_joins_still(struct zt_job *job);

#endif
