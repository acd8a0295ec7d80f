/* stages.h - the stages of a run, in order; each finds its input in the run's folder and leaves its
 * result there.
 *
 *   reel     reel.bin: clips for the autoencoder (reel.h)
 *   vae      vae/: the frozen codec, fixed transform fitted, residual networks trained
 *   upsamplers  upsampler/ upsampler_2/: what enlarges frames of the codec, where the config asks
 *            for them (upsample_task.h)
 *   latents  latents.bin: latent_clips clips, and their mirror images, as latents (latents.h)
 *   dit      transformer/ text_encoder/: flow matching on the latents, text encoder trained
 *            jointly; with latent_growth more clips come meanwhile (growth.h)
 *   bundle   model/: all of it as one model directory (model/bundle.h)
 *
 * A stage whose result is there is skipped, one that was cut goes on. Errors: ERR_IO, ERR_FORMAT,
 * ERR_DEVICE, ERR_CANCEL. */
#ifndef TRAIN_STAGES_H
#define TRAIN_STAGES_H

#include "train/config.h"
#include "train/loop.h"

NODISCARD int vae_stage(const struct train_config *c, const struct run *run, struct err *e);
NODISCARD int upsample_stage(const struct train_config *c, const struct run *run, struct err *e);
NODISCARD int latents_stage(const struct train_config *c, const struct run *run, struct err *e);
NODISCARD int dit_stage(const struct train_config *c, const struct run *run, struct err *e);
NODISCARD int bundle_stage(const struct train_config *c, const struct run *run, struct err *e);

/* SHA-256 of the text of a format: what a stage's state depends on. */
void stage_hash(char out[65], const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
