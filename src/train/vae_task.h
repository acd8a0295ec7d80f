/* vae_task.h - learning of the codec: batches of runs of consecutive groups, loss, quality.
 *
 * Loss: mean squared error + l1 |error| + difference |error of frame differences| + gradient |error
 * of differences between neighbours in a frame|, in the first two pixels of
 * objects and changed pixels weighing object_weight. The decoder sees z + sigma eps, sigma in
 * 0..noise, half of the time (l-DeTok, arXiv 2507.15856), so that it forgives what a generator gets
 * slightly wrong. */
#ifndef TRAIN_VAE_TASK_H
#define TRAIN_VAE_TASK_H

#include "train/config.h"
#include "train/reel.h"

struct vae_batch {     /* f32, owned */
    int n, t, h, w;    /* sequences, frames of each, pixels */
    int lh, lw, c, lt; /* latent: rows, columns, channels, frames of each sequence */
    float *video;      /* [n,t,h,w,3] in 0..1 */
    float *weight;     /* [n*t*h*w] */
    float *noise;      /* [n*lt,lh,lw,c] added to the latent */
};

/* Sizes alone, for a dry device. */
void vae_batch_sizes(struct vae_batch *b, const struct tiny_vae *m, const struct clip_shape *shape,
                     int n, int groups);
void vae_batch_init(struct vae_batch *b, const struct tiny_vae *m, const struct clip_shape *shape,
                    int n, int groups);
void vae_batch_release(struct vae_batch *b);
/* Fill from random places of the reel; everything follows from (seed, step). */
NODISCARD int vae_batch_draw(struct vae_batch *b, const struct reel *reel, const struct tiny_vae *m,
                             const struct vae_recipe *r, uint64_t seed, int64_t step,
                             struct err *e);
/* Scalar loss on the tape of cx; b must live until cx_step_end. */
struct tensor *vae_loss(struct cx *cx, const struct tiny_vae *m, const struct vae_batch *b,
                        const struct vae_recipe *r);
/* Fit the fixed root to random groups of the reel; returns the share of variance kept, or a
 * negative error code. */
double vae_fit_klt(struct tiny_vae *m, const struct reel *reel, int n_groups, uint64_t seed,
                   struct threads *th, struct err *e);

#endif
