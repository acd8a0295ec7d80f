/* recipe.h - what a run was begun with: a run that goes on must be asked for the same.
 *
 * DIR/recipe.txt holds a line "FIELD VALUE" for every field of the config that decides a result,
 * named as in the config. Fields of stages that have not begun may change, and so may what only
 * decides about steps to come: schedules, how often is looked, which model directory is written.
 * A finished stage is asked for what it did: the transformer's steps may only become more. */
#ifndef TRAIN_RECIPE_H
#define TRAIN_RECIPE_H

#include "train/config.h"
#include "train/loop.h"

/* Compare with what DIR holds, before anything is done, then note the config. ERR_FORMAT names the
 * first field that differs. ERR_IO. */
NODISCARD int recipe_check(const struct train_config *c, const char *dir, struct err *e);

/* A stage's result folder is complete when its file "done" is there; it says for which schedule. */
int recipe_vae_done(const struct train_config *c, const char *dir);
int recipe_dit_done(const struct train_config *c, const char *dir);
int recipe_upsampler_done(const struct train_config *c, const char *dir, int i);
NODISCARD int recipe_upsampler_finish(const struct train_config *c, const char *dir, int i,
                                      struct err *e);
NODISCARD int recipe_vae_finish(const struct train_config *c, const char *dir, struct err *e);
NODISCARD int recipe_dit_finish(const struct train_config *c, const char *dir, struct err *e);

#endif
