/* train.h - a whole run: all stages of a config, in order, each going on where it was cut. */
#ifndef TRAIN_TRAIN_H
#define TRAIN_TRAIN_H

#include <stdio.h>

#include "train/config.h"
#include "train/loop.h"

/* run->dir is made when missing. Without run->resume a folder that holds a run already is refused
 * (ERR_IO), and always one that another run is writing. With it the config must ask for what the
 * run was begun with (recipe.h; ERR_FORMAT). Memory and disk must be there (room.h; ERR_FIT,
 * ERR_IO). 0: DIR/model is a complete model directory. ERR_USAGE,
 * ERR_FORMAT, ERR_IO, ERR_DEVICE (a value that is not finite), ERR_CANCEL (run->stop; everything so
 * far is on disk). */
NODISCARD int train_run(const struct train_config *c, const struct run *run, struct err *e);

/* 1: there is a stage of that name, as struct run wants in `until`. */
int train_has_stage(const char *name);

/* Steps that are worth timing, in bf16, of transformers of random weights. */
struct bench_case {
    const char *name, *help;
    int heads, head_dim, ffn_dim, layers, text_dim;
    int windows, grid[3], words; /* samples of t h w tokens with so many words each */
    int training;                /* 1: forward, backward and optimiser; 0: forward */
};
extern const struct bench_case bench_cases[];
extern const int n_bench_cases;

struct bench_ask {
    struct bench_case is; /* a row, or one with other sizes */
    struct device *device;
    struct threads *threads;
    struct weight_as as; /* what matrices of blocks become; not of a case that trains */
    int n_steps;
    FILE *log;           /* a line for what is done, or NULL */
    struct times *times; /* NULL, or to be filled with those of the fastest step; of the host */
};
/* Time steps, weights drawn before. out[n_steps] seconds each; *cpu: of all threads together, least
 * of a step; *flops of forward and backward of a step. ERR_FIT, ERR_DEVICE. */
NODISCARD int bench_step(const struct bench_ask *a, double *out, double *cpu, double *flops,
                         struct err *e);
/* *error: the velocity of a case that does not train, |v - w| / |w| with w the same network in f32
 * throughout; infinite where one is not finite. Errors as before. */
NODISCARD int bench_error(const struct bench_ask *a, double *error, struct err *e);

#endif
