/* vae_begin.h - what an autoencoder knows before its first step: weights of another one, and what
 * the decoder's root knows of the places around a block and of the borders to them.
 *
 * Threads: the caller's. */
#ifndef TRAIN_VAE_BEGIN_H
#define TRAIN_VAE_BEGIN_H

#include "train/vae_task.h"

/* Before m is allocated: what the recipe does not train learns nothing. */
void vae_freeze(struct tiny_vae *m, const struct vae_recipe *r);

struct vae_taken { /* 1: was there in the shape that the config asks for */
    int decoder, lapped, deblock, motion;
};

/* Take over the weights of the autoencoder in folder `dir`; m is allocated and initialised. Encoder
 * and fixed transform must have the same shapes (ERR_FORMAT names the weight that has not). The
 * decoder's network is taken where all of it has, otherwise it begins anew; so are lapped, deblock
 * and motion, each of which knows the errors of those before it alone. ERR_IO, ERR_FORMAT. */
NODISCARD int vae_take_over(struct tiny_vae *m, const char *dir, struct vae_taken *taken,
                            struct err *e);

/* Fit m.lapped, after it m.deblock and then m.motion and m.guess, by least squares to what the
 * decoder is still wrong by: over klt_groups groups of the reel, with the recipe's noise on the
 * latents, quiet blocks weighing more, but for motion: what is busy moves. The directions of
 * deblock are the principal ones of the steps over borders. Returns the share of the (weighted)
 * squared error that it takes away, or a negative error code. vae_fit.c */
double vae_fit_lapped(struct tiny_vae *m, struct cx *cx, const struct reel *reel,
                      const struct vae_recipe *r, uint64_t seed, struct err *e);
double vae_fit_deblock(struct tiny_vae *m, struct cx *cx, const struct reel *reel,
                       const struct vae_recipe *r, uint64_t seed, struct err *e);
/* ERR_USAGE: the recipe's clips have fewer than 3 groups. */
double vae_fit_motion(struct tiny_vae *m, struct cx *cx, const struct reel *reel,
                      const struct vae_recipe *r, uint64_t seed, struct err *e);

#endif
