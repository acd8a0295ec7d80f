/* loop.h - what every learning stage shares: rates, curve, checkpoints, exact resume, stopping.
 *
 * A stage gives two functions: one fills the gradients of a step, one looks at the network now and
 * then. Both draw their random numbers from (seed, step), never from what ran before, so a resumed
 * run repeats an uninterrupted one bit for bit. Files in the run's folder: curve-STAGE.jsonl (a row
 * per step, no times in it), curve-STAGE.svg, STAGE-STEP.safetensors (the last two checkpoints). */
#ifndef TRAIN_LOOP_H
#define TRAIN_LOOP_H

#include <signal.h>
#include <stdio.h>

#include "base/jsonw.h"
#include "train/optim.h"

/* One run of `zoetrope train`: where it writes and on what it computes. */
struct run {
    const char *dir;
    const char *config_hash;     /* checkpoints of another config are refused */
    FILE *log;                   /* progress lines; NULL = quiet */
    volatile sig_atomic_t *stop; /* set from a signal handler; NULL = never */
    double checkpoint_s;         /* seconds between checkpoints */
    const char *until;           /* the last stage that runs; NULL: all */
    int resume; /* 1: continue from what is there; 0: files that exist are refused */
    struct device *device;
    struct threads *threads;
};

struct loop {
    const char *stage;
    int64_t steps;
    int64_t warmup;     /* steps in which the rate rises from 0 to 1 */
    double decay;       /* last part of the steps, 0..1, in which it falls to 0 */
    int report_every;   /* steps between lines on the log */
    int evaluate_every; /* steps between looks at the network; also after the last; 0 = never */
    struct optim *optim;
    const struct kernels *kernels;
    struct kcx *kcx;
    void *arg;
    /* Zero the gradients and fill them for step (0-based); *loss for the curve. */
    int (*gradients)(void *arg, int64_t step, double *loss, struct err *e);
    /* Add fields to the row of `step` finished steps. Called with the averaged weights in place. */
    int (*evaluate)(void *arg, int64_t step, struct jsonw *row, struct err *e);
};

/* Rate multiplier of step (0-based). */
double loop_rate(const struct loop *l, int64_t step);

/* Run to the end, or go on from the newest checkpoint when run->resume. 0: optim holds the result,
 * the last checkpoint is on disk. ERR_CANCEL after *run->stop (checkpoint written), ERR_DEVICE at
 * the first value that is not finite, ERR_FORMAT for a checkpoint of another config, ERR_IO. */
NODISCARD int loop_run(struct loop *l, const struct run *run, struct err *e);

/* A line on run->log, which may be NULL. */
void run_log(const struct run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
