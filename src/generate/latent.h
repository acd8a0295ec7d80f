/* latent.h - a window of the film in latent space on the host: [C,t,h,w] as PyTorch lays it out,
 * f32. Pure functions, any thread. */
#ifndef GENERATE_LATENT_H
#define GENERATE_LATENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

struct latent_shape {
    int c, t, h, w;
    int pt, ph, pw; /* patch of a token */
};

size_t latent_count(const struct latent_shape *s);   /* elements */
int64_t latent_tokens(const struct latent_shape *s); /* rows */
/* Position in [t,h,w] of place i, 0..pt ph pw - 1, of a token. */
size_t latent_place_of(const struct latent_shape *s, int64_t token, int i);
/* Latent frame f of x as [h,w,C], each channel times scale plus shift (NULL: as it is). */
void latent_get_frame(const struct latent_shape *s, const float *x, int f, const float *scale,
                      const float *shift, float *out);
/* Add the elements of frames from..to-1 as they lie in memory (f32; little-endian on the machines
 * we know). */
void latent_hash_add(struct sha256 *hash, const struct latent_shape *s, const float *x, int from,
                     int to);

#endif
