/* journal.h - what a film has reached while it is drawn, in a folder of its own, so that a process
 * that dies loses a step and no more.
 *
 *   DIR/job.json  which film it is; written by the owner of the journal with the first thing kept
 *   DIR/windows   records of one size, appended and synced: the clean latent of each window drawn
 *   DIR/step      the window that is being drawn behind its latest step; replaced, not synced
 *   DIR/lock      held while somebody draws
 * Numbers are f32 and integers as this machine has them. Each record ends with its SHA-256: what a
 * crash cut off is left out, and drawn again. Frames are decoded again from the latents, since an
 * encoder's state cannot be kept; a film that was interrupted has the bits of one that was not.
 *
 * The folder is made when there is something to keep, so a film of a second leaves no trace. A
 * journal that can no longer be written (a full disk) ends, and the film goes on without.
 * Threads: a journal belongs to one thread. */
#ifndef GENERATE_JOURNAL_H
#define GENERATE_JOURNAL_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define JOURNAL_JOB "job.json"

struct journal;
struct sampler;

/* Evaluations of the film so far, that a window takes along. */
struct journal_window {
    int evaluations, skipped;
};

/* 1: the folder has nothing in it but what a journal leaves that died before it began, or is not
 * there. */
int journal_may_begin(const char *dir);
/* dir need not be there. n: floats of a window's latent. head: gives the text of job.json when it
 * is to be written. What is kept already is taken over, a record that was cut off removed. ERR_IO:
 * cannot be read, or somebody draws it. */
NODISCARD int journal_open(struct journal **out, const char *dir, size_t n,
                           int (*head)(void *user, struct buf *out, struct err *e), void *user,
                           struct err *e);
/* The folder stays. NULL is nothing. */
void journal_close(struct journal **j);
/* The film is whole: the folder goes. */
void journal_finish(struct journal **j);
/* Why nothing more is kept; NULL: all is. Valid as long as the journal. */
const char *journal_trouble(const struct journal *j);

int journal_windows(const struct journal *j); /* windows 0..n-1 are there */
/* Window i -> x [n]. ERR_IO, ERR_FORMAT. */
NODISCARD int journal_read_window(struct journal *j, int i, float *x, struct journal_window *w,
                                  struct err *e);
/* The next one, x [n]; the step that was kept goes. */
void journal_keep_window(struct journal *j, const float *x, const struct journal_window *w);

/* What is kept of a step of this window, so that evaluation *next is to come: x [n] and the history
 * of the sampler. 0, and nothing is changed, when there is none. */
int journal_read_step(struct journal *j, int window, struct sampler *s, float *x, int *next);
/* Behind evaluation next - 1; once in a second at most, unless now. */
void journal_keep_step(struct journal *j, int window, struct sampler *s, const float *x, int next,
                       int now);

#endif
