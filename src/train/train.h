/* train.h - a whole run: all stages of a config, in order, each going on where it was cut. */
#ifndef TRAIN_TRAIN_H
#define TRAIN_TRAIN_H

#include "train/config.h"
#include "train/loop.h"

/* run->dir is made when missing. Without run->resume a folder that holds a run already is refused
 * (ERR_IO). 0: DIR/model is a complete model directory. ERR_USAGE, ERR_FORMAT, ERR_IO, ERR_DEVICE
 * (a value that is not finite), ERR_CANCEL (run->stop; everything so far is on disk). */
NODISCARD int train_run(const struct train_config *c, const struct run *run, struct err *e);

/* Time steps on a device of the shipped small network (32 windows of 140 tokens, 10 tokens of text
 * each, forward, backward, Muon, AdamW and averaging, bf16). out[n_steps] seconds each; returns the
 * FLOPs of forward and backward of a step. */
double bench_step(struct device *device, struct threads *th, int n_steps, double *out);

#endif
