/* checkpoint.h - the whole state of an optimiser in one safetensors file.
 *
 * Tensors SET.WEIGHT (f32 master, memory order) and with suffixes @m, @v, @ema; metadata: stage,
 * step, config hash and the length of the curve at that step. Files appear complete or not at all
 * (file_write); the last two are kept, and when the newest is broken the other is taken. */
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
/* Load the newest that is whole into o (step included) and c; publishes the weights. 1 when one was
 * loaded, 0 when there is none; broken (may be NULL) then says what is wrong with a newer one, or
 * is empty. Negative: ERR_FORMAT for the checkpoint of another config or network and when all are
 * broken; ERR_IO or ERR_FIT for one that cannot be read now, which is not to be passed over. */
NODISCARD int checkpoint_load(const char *dir, struct checkpoint *c, struct optim *o,
                              struct err *broken, struct err *e);
/* Step of the newest file, whatever it holds; -1: there is none. */
int64_t checkpoint_newest(const char *dir, const char *stage);

#endif
