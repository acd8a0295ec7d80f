/* vae_begin.h - what an autoencoder knows before its first step: weights of another one, and the
 * part of the decoder's root that reads the places around a block.
 *
 * Threads: the caller's. */
#ifndef TRAIN_VAE_BEGIN_H
#define TRAIN_VAE_BEGIN_H

#include "train/vae_task.h"

/* Before m is allocated: what the recipe does not train learns nothing. */
void vae_freeze(struct tiny_vae *m, const struct vae_recipe *r);

/* Take over the weights of the autoencoder in folder `dir`; m is allocated and initialised. Encoder
 * and fixed transform must have the same shapes (ERR_FORMAT names the weight that has not). The
 * decoder's network is taken where all of it has, otherwise it begins anew: *decoder says which.
 * *lapped: 1 when m.lapped was there too. ERR_IO, ERR_FORMAT. */
NODISCARD int vae_take_over(struct tiny_vae *m, const char *dir, int *decoder, int *lapped,
                            struct err *e);

/* Fit m.lapped by least squares to what the decoder is still wrong by, over n_groups groups of the
 * reel, with the recipe's noise on the latents. Returns the share of the squared error that it
 * takes away, or a negative error code. */
double vae_fit_lapped(struct tiny_vae *m, struct cx *cx, const struct reel *reel,
                      const struct vae_recipe *r, uint64_t seed, struct err *e);

#endif
