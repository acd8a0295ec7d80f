/* vae_dead.h - features of a decoder that have died: behind a ReLU on the way from block to block
 * what is zero everywhere gets no gradient and never comes back.
 *
 * A network that writes onto a good fixed root learns first to be silent, since what it writes at
 * random does harm; it did so by pushing features below zero, and stayed silent. Counted over the
 * held-out clips whenever they are looked at, layer by layer, and said above VAE_DEAD_ALARM.
 * Threads: the caller's. */
#ifndef TRAIN_VAE_DEAD_H
#define TRAIN_VAE_DEAD_H

#include <stddef.h>

#include "model/tap.h"

#define VAE_DEAD_LAYERS 32
#define VAE_DEAD_FIRES 0.01 /* a feature above zero at fewer places is dead */
#define VAE_DEAD_ALARM 0.5  /* of the features of one layer */

struct vae_dead_layer {
    char name[64];
    int64_t channels, places;
    int64_t *fires; /* [channels] places where the feature is above zero */
};
struct vae_dead { /* zeroed at first; owned */
    struct vae_dead_layer layer[VAE_DEAD_LAYERS];
    int n;
};

/* A tap that counts what it sees into d; more than VAE_DEAD_LAYERS names are a BUG. */
struct tap vae_dead_tap(struct vae_dead *d);
/* Share of dead features of layer i. */
double vae_dead_share(const struct vae_dead *d, int i);
/* The layer with the highest share, -1 without layers. */
int vae_dead_worst(const struct vae_dead *d);
void vae_dead_release(struct vae_dead *d);

#endif
