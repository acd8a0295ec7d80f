/* from.h - a run that begins with the networks of a finished model: fine-tuning.
 *
 * "from" of the config names the model's folder. Its codec, upsamplers, tokenizer and statistics of
 * latents stay what they are, bit for bit; transformer and text encoder learn on from its weights.
 * What generation uses unless told otherwise stays that model's as well. */
#ifndef TRAIN_FROM_H
#define TRAIN_FROM_H

#include "model/bundle.h"
#include "train/config.h"
#include "train/loop.h"

/* The shapes of c's networks, and its defaults of generation but for how weights are stored, become
 * those of c->from. ERR_IO, ERR_FORMAT: there is no such model, or not one that can be trained. */
NODISCARD int from_read(struct train_config *c, struct err *e);
/* The rate of c's clips is the model's, at which its films are written: another one would teach
 * other velocities. Sizes and lengths may be others. ERR_FORMAT. */
NODISCARD int from_check(const struct train_config *c, struct err *e);
/* A stage (stages.h): lays codec, upsamplers, tokenizer and statistics into the run's folder.
 * Nothing to do without `from`. */
NODISCARD int from_stage(const struct train_config *c, const struct run *run, struct err *e);
/* 1: a file of a folder that only says that its stage has ended. */
int from_is_mark(const char *path);
/* model_index.json of what comes out: the name is the config's, and so are licence and description
 * where it has them. ERR_IO, ERR_FORMAT. */
NODISCARD int from_info(const struct train_config *c, struct bundle_info *info, struct err *e);

#endif
