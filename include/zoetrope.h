/* zoetrope.h - text to video as a library.
 *
 *     zt_model *model;  zt_job *job;
 *     if (zt_model_open(&model, NULL, error, sizeof error)) ...
 *     zt_job_new(&job, model);
 *     zt_job_set(job, "prompt", "a red ball rolls from left to right", error, sizeof error);
 *     zt_job_run(job, error, sizeof error);       // calls the frame callback, writes "output"
 *     zt_job_free(&job);  zt_model_free(&model);
 *
 * Every call that can fail returns 0 (ZT_OK) or one of the codes below and, where it takes (error,
 * size), writes one line of UTF-8 that names the option, file or field (error may be NULL). Options
 * are strings, so no public struct ever grows: zt_option_info lists them. Threads: a model may
 * serve any number of jobs in any threads, one job belongs to one thread at a time, except
 * zt_cancel, which any thread or signal handler may call. The library has no global state, installs
 * no signal handlers, never writes to stdout or stderr, never exits, and does not depend on the
 * locale. */
#ifndef ZOETROPE_H
#define ZOETROPE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zt_model zt_model;
typedef struct zt_job zt_job;

/* Negated: the exit status of the program. */
enum zt_code {
    ZT_OK = 0,
    ZT_E_CHECK = -1,   /* a check failed */
    ZT_E_USAGE = -2,   /* an option or request is wrong */
    ZT_E_MODEL = -3,   /* a model or data file is wrong */
    ZT_E_IO = -4,      /* input or output failed, or the file exists */
    ZT_E_DEVICE = -5,  /* device trouble or a value that is not finite */
    ZT_E_FIT = -6,     /* needs more memory than there is */
    ZT_E_CANCEL = -130 /* a callback or zt_cancel asked to stop */
};

const char *zt_version(void); /* "0.1.0" */

/* Called with messages of our own bugs just before abort(); NULL restores the default (stderr).
 * Process-wide. */
void zt_set_panic_hook(void (*hook)(const char *message, void *user), void *user);

/* --- models --- */

/* Open a model directory. name: a path, a name to be looked up in $ZOETROPE_MODELS, the XDG data
 * directories and the installed data, or NULL for the default model. Weights are loaded by the
 * first job. */
int zt_model_open(zt_model **out, const char *name, char *error, size_t size);
void zt_model_free(zt_model **model);
/* A fact about the model: "name", "description", "release", "license", "hash", "width", "height",
 * "frames", "frame_rate", "shown_rate" (of films of which no fps is said), "guidance",
 * "guidance_to_given", "stagger", "sharpen", "fade", "type" (that of a film on a CPU), "sampler",
 * "text", "path", "parameters", "weights" (types and sizes as stored), "weight_bytes". NULL for an
 * unknown key. Valid until zt_model_free. "hash" reads the model's files, once: what was found is
 * kept in the user's cache folder. */
const char *zt_model_get(const zt_model *model, const char *key);

/* --- options --- */

/* One row of the option table. All strings are static; new fields are only ever appended. */
struct zt_option {
    const char *name;
    const char *type;     /* text int bytes real flag path choice */
    const char *range;    /* what is allowed, in words */
    const char *fallback; /* what it is when unsaid, in words */
    const char *help;
    char letter; /* of the program's short form, 0 without one */
    char film;   /* 1: decides what the film is; 0: how it is made, and where it goes */
};
/* Row i of the table, 0 for success, ZT_E_USAGE past the end. size = sizeof(struct zt_option) of
 * the caller. */
int zt_option_info(int i, struct zt_option *out, size_t size);

/* --- jobs --- */

/* Borrows the model. NULL: the job opens the model that its option "model" names, or the default.
 */
int zt_job_new(zt_job **out, zt_model *model);
void zt_job_free(zt_job **job);
/* A job of its own with the settings of another and on the same model, which is opened now if it
 * was not. `from` is freed after all jobs that were made of it. */
int zt_job_copy(zt_job **out, zt_job *from, char *error, size_t size);

/* Set one option: zt_job_set(job, "steps", "20", ...). ZT_E_USAGE names the option, the value and
 * what is allowed. */
int zt_job_set(zt_job *job, const char *name, const char *value, char *error, size_t size);
/* Set many from JSON text {"zoetrope": 1, "prompt": ..., ...}, such as a config file. */
int zt_job_set_json(zt_job *job, const char *json, char *error, size_t size);
/* Set what the recipe of the film at path says, to make the film again. Films come from anywhere:
 * a recipe that names files, or anything else that does not decide a film, is ZT_E_MODEL. */
int zt_job_set_film(zt_job *job, const char *path, char *error, size_t size);

/* Called for each finished picture in order: rgb is h rows of w*3 bytes. Non-zero cancels. */
typedef int (*zt_frame_fn)(void *user, int index, int n_frames, const uint8_t *rgb, int w, int h);
/* done of total units of work, with the seconds that are left (< 0: not known yet). Non-zero
 * cancels. */
typedef int (*zt_progress_fn)(void *user, const char *stage, long done, long total, double left_s);
/* What step 1..n_steps of a window 0, 1, ... of the film promises for the middle of the window, in
 * the size that the model draws ("width", "height" of it): the noisy latent without its noise, by
 * a part of the codec that costs next to nothing. A window that is drawn twice is shown twice.
 * Non-zero cancels. Never called with models whose codec has no such part (Wan's). The film is the
 * same bit for bit. */
typedef int (*zt_preview_fn)(void *user, int window, int step, int n_steps, const uint8_t *rgb,
                             int w, int h);
/* All are called on the thread of zt_job_run, unless frames are apart; fn NULL: nobody looks. */
void zt_job_on_preview(zt_job *job, zt_preview_fn fn, void *user);
void zt_job_on_frame(zt_job *job, zt_frame_fn fn, void *user);
void zt_job_on_progress(zt_job *job, zt_progress_fn fn, void *user);
/* yes: zt_job_run may call the frame callback on another thread than its own, meanwhile and at once
 * with the other callbacks, but one frame at a time, in order, and never after it has returned; of
 * this job only zt_cancel may be called there. The next window of a long film is drawn so while the
 * last one is shown, on a CPU; otherwise in turns. The film is the same bit for bit. At first 0. */
void zt_job_frames_apart(zt_job *job, int yes);

/* Settle what is unsaid (seed, size, frames), read the prompt and forecast memory and time, without
 * loading weights. Called by zt_job_run when it was not called before. ZT_E_FIT says what would
 * fit. */
int zt_job_plan(zt_job *job, char *error, size_t size);
/* Generate. With option "output" set the film is written (NAME.part.mp4 until it is complete).
 * After ZT_E_CANCEL the frames so far stay in the part file. With option "job" what was drawn is
 * kept in that folder until the film is whole, and what is kept there of the same film is not drawn
 * again. ZT_E_USAGE: nothing is written, the
 * model does not go on from the first-frame that it was given. */
int zt_job_run(zt_job *job, char *error, size_t size);
/* A film without end, window by window, each as long as the job's "frames" say (17 to 41 with the
 * shipped model: the shorter, the sooner it obeys); nothing is written, frames go to the callback.
 * turn is called on this thread before each window: non-zero ends the film (ZT_OK). *keep: so many
 * frames of the film stay, at first all that were handed out; those behind are taken back, and the
 * frames that come have their numbers. *prompt, *camera: other words from there on (as the options
 * of these names), or NULL; borrowed until the next turn; what the model cannot do of them is
 * "run_note" in that turn. n_frames of the frame callback is 0. */
typedef int (*zt_turn_fn)(void *user, int *keep, const char **prompt, const char **camera);
int zt_job_live(zt_job *job, zt_turn_fn turn, void *user, char *error, size_t size);
/* Any thread: what is being drawn live is let go, and turn is called at once. */
void zt_job_turn(zt_job *job);
/* Ask a running job to stop soon. Safe in any thread and in signal handlers. */
void zt_cancel(zt_job *job);

/* Settings of the job that is kept in dir (option "job"), for a process that goes on with it: the
 * film has the bits of one that was not interrupted. folder: in which it was begun, to which the
 * paths of its options belong; valid until the next call with this job; may be NULL. ZT_E_IO,
 * ZT_E_MODEL: no such job, damaged. That model and pictures are still the same zt_job_run checks.
 */
int zt_job_set_kept(zt_job *job, const char *dir, const char **folder, char *error, size_t size);

/* "output" as it was set; "kept": after a film that was not finished the folder that
 * zt_job_set_kept goes on with. Figures after plan: "seed", "width", "height", "frames", "fps",
 * "steps", "threads", "memory_bytes" (the highest resident memory that the process will have, pages
 * of mapped weights counted; not what lies on a GPU), "forecast_s", "unknown_words" (separated by
 * ",
 * "), "canonical_prompt", "brush" (as JSON without files), "note" (a warning), "previews" ("yes" or
 * "no"), "expanded_prompt" (of the option expand), "expand_note" (why it was not expanded), "again"
 * (what differs from the film that the recipe came from), "model_KEY" (KEY of zt_model_get); after
 * run also "seconds", "frame_hash", "latent_hash", "joins" (how the windows of a long film go
 * together, and what drifts: JSON), "joins_text" (the same for people), "still" (a warning: frames
 * are of one colour, or nothing moves for seconds), "run_note" (what happened on the way that is
 * worth a word; what was seen in a picture already after the stage "looking at the picture"),
 * "evaluations" and "skipped_evaluations" of the transformer, "cache_error" (with cache-check:
 * relative L2 of the latent). NULL when not known (yet). Valid until the next call
 * with this job. */
const char *zt_job_get(zt_job *job, const char *key);
/* The whole recipe as JSON: prompt, seed, model hash, all settings; no paths, host names or dates.
 * NULL before the plan. Same validity. */
const char *zt_job_recipe(zt_job *job);

#ifdef __cplusplus
}
#endif

#endif
