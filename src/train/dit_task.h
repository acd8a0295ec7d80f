/* dit_task.h - flow matching on latents: which windows, which noise, which loss.
 *
 * x_s = (1-s) x0 + s eps, target v = eps - x0, timestep 1000 s (Wan, rectified flow). A window is
 * the first k latent frames of a clip. Sometimes frames are given: the first; the first and the
 * last; or the first few of a window that goes on from anywhere in the clip. Given frames have the
 * timestep of their own noise (none here) and no loss. The text is sometimes empty, for guidance.
 * Everything a step draws follows from (seed, step, window). */
#ifndef TRAIN_DIT_TASK_H
#define TRAIN_DIT_TASK_H

#include "generate/given.h"
#include "train/config.h"
#include "train/latents.h"

/* Token ids of the captions of every record, and of the empty prompt. Caption k of record i is text
 * (i - first) * each + k. */
struct prompts {
    int n, each; /* texts; captions of a record */
    int first;   /* record of text 0 */
    int32_t *ids;
    int64_t *start;          /* [n+1] */
    size_t room, start_room; /* elements that ids and start have memory for */
    int32_t *empty;
    int n_empty;
};

enum { DIT_GIVEN = 4 }; /* at most, in a window */

struct dit_window {
    int record, t; /* latent frames */
    double s;      /* noise level */
    int first;     /* latent frame of the record that the window begins with */
    int no_text;
    int caption; /* of the record */
    int n_given;
    struct given given[DIT_GIVEN]; /* frames of the window that are known, with so much noise */
    int context;                   /* so many of them are the past of a window that goes on */
    double recycled; /* > 0: and have the network's error at this noise level (recycle.h) */
};

struct dit_batch { /* owned */
    int n;
    struct dit_window *window; /* [n] */
    struct token_grid *grid;   /* [n] */
    int64_t rows, text_rows;
    int frames, h, w, c;        /* latent frames of all windows, and their sizes */
    float *x;                   /* [frames,h,w,C] noisy */
    float *target;              /* [frames,h,w,C] */
    float *weight;              /* [rows] */
    int n_times;                /* 0 for clean frames, one per window, then of noisy given frames */
    double *times;              /* [n_times] */
    int32_t *time_index;        /* [rows] */
    int32_t *ids;               /* [text_rows] */
    int64_t *text_start;        /* [n+1] */
    struct denoiser_batch call; /* what the network was asked; the tape may look at it */
};

struct dit_pool {            /* what is drawn from */
    int n_records, captions; /* the first n_records records, of so many captions each */
    int frames, kt;          /* latent frames of a record, and pictures in one */
};
/* Windows of a step, by the recipe. */
void dit_draw_windows(struct dit_window *w, int n, const struct dit_recipe *r,
                      const struct dit_phase *phase, const struct dit_pool *pool, uint64_t seed,
                      int64_t step);
/* Noise of window i is that of stream i of (seed, step). Windows are spread over th (may be NULL).
 */
void dit_batch_make(struct dit_batch *b, const struct dit_window *w, int n,
                    const struct dit_recipe *r, const struct latents *l, const struct prompts *p,
                    uint64_t seed, int64_t step, struct threads *th);
void dit_batch_release(struct dit_batch *b);
/* The velocity of every row, wide [rows, C*p*p] in columns ph,pw,c. b lives until cx_step_end. */
struct tensor *dit_velocity(struct cx *cx, const struct denoiser *m, const struct text_model *text,
                            struct dit_batch *b, int remat);
/* The same without a tape, as numbers [frames,h,w,C] in the layout of b's target; the caller frees.
 * Ends a step of cx. */
float *dit_velocity_values(struct cx *cx, const struct denoiser *m, const struct text_model *text,
                           struct dit_batch *b);
/* Such rows as latent frames [frames,h,w,C]. */
struct tensor *dit_frames(struct cx *cx, const struct dit_batch *b, struct tensor *rows);
/* Scalar: weighted mean squared error of the velocity. */
struct tensor *dit_loss(struct cx *cx, const struct denoiser *m, const struct text_model *text,
                        struct dit_batch *b, int remat);
/* Phase of a step (0-based), and the steps of all phases. */
const struct dit_phase *dit_phase_of(const struct dit_recipe *r, int64_t step);
int64_t dit_steps(const struct dit_recipe *r);

#endif
