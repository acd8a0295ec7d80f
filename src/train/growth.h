/* growth.h - the pool of clips that the transformer draws from grows while it trains.
 *
 * Before step s (from 0) the pool holds latent_clips + floor(latent_growth * s) clips, however fast
 * the machine is: training waits when rendering is behind, and what is ahead is not drawn from yet.
 * So a run gives the same bits anywhere and however often it was stopped. Threads of their own
 * render clips ahead; the caller, who owns the device, encodes them in groups and appends them to
 * DIR/latents.bin. What the file holds already is not made again.
 * Threads: one caller. */
#ifndef TRAIN_GROWTH_H
#define TRAIN_GROWTH_H

#include "train/dit_task.h"
#include "train/latents_write.h"
#include "train/prompts.h"

/* Clips in the pool before a step, at most TRAIN_MAX_CLIPS; and before the last step. */
int growth_clips(const struct train_config *c, int64_t step);
int growth_final(const struct train_config *c);

struct growth_config { /* borrowed */
    const struct train_config *config;
    const struct run *run;
    struct cx *cx;
    const struct tiny_vae *vae;
    const struct tokenizer *tokenizer;
    struct latents *latents; /* opened with room for all clips */
    struct prompts *prompts; /* of those records */
};

struct growth;
/* Begin to render behind what DIR/latents.bin holds. ERR_IO, ERR_FORMAT; *g is NULL then. */
NODISCARD int growth_new(struct growth **g, const struct growth_config *c, struct err *e);
/* Latents and prompts as step wants them; nobody may read them meanwhile. Steps must not go
 * backwards. ERR_IO, ERR_DEVICE; ERR_CANCEL only at the first call, which may have much to make
 * again. */
NODISCARD int growth_to(struct growth *g, int64_t step, struct err *e);
/* A line on the log: which share of the time since the first call training stood still for
 * rendering (and longest at one step) and for encoding. */
void growth_say(const struct growth *g);
/* rc: as in latents_writer_close. */
int growth_free(struct growth **g, int rc, struct err *e);

#endif
