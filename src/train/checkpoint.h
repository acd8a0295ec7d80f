/* checkpoint.h - the whole state of an optimiser in one safetensors file.
 *
 * Tensors SET.WEIGHT (f32 master, memory order) and with suffixes @m, @v, @ema; metadata: stage,
 * step, config hash and the length of the curve at that step. Files appear complete or not at all
 * (file_write); the last two are kept, and when the newest cannot be read the other is taken. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "train/optim.h"

struct checkpoint {
    const char *stage;       /* borrowed */
    const char *config_hash; /* borrowed */
    int64_t step;
    int64_t curve_bytes;
    double loss_mean; /* running mean shown on the log */
};

/* Write DIR/STAGE-STEP.safetensors and remove all but the last two. */
NODISCARD int checkpoint_save(const char *dir, const struct checkpoint *c, const struct optim *o,
                              struct err *e);
/* Load the newest into o (step included) and c; publishes the weights. 1 when one was loaded, 0
 * when there is none, negative: ERR_FORMAT names what does not fit. */
NODISCARD int checkpoint_load(const char *dir, struct checkpoint *c, struct optim *o,
                              struct err *e);

#endif
