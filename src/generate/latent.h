/* latent.h - the film in latent space on the host: [C,t,h,w] as PyTorch lays it out, f32, and as
 * token rows for the transformer. Pure functions, any thread. */
#ifndef GENERATE_LATENT_H
#define GENERATE_LATENT_H

#include <stddef.h>
#include <stdint.h>

struct latent_shape {
    int c, t, h, w;
    int pt, ph, pw; /* patch of a token */
};

size_t latent_count(const struct latent_shape *s);   /* elements */
int64_t latent_tokens(const struct latent_shape *s); /* rows */
int latent_columns(const struct latent_shape *s);    /* of a row */

/* x -> rows [tokens, columns], columns in order c,pt,ph,pw. */
void latent_to_rows(const struct latent_shape *s, const float *x, float *rows);
/* rows with columns in order pt,ph,pw,c (the transformer's output) -> x. */
void latent_from_rows(const struct latent_shape *s, const float *rows, float *x);
/* Latent frame f of x as [h,w,C], each channel times scale plus shift; and the reverse. */
void latent_get_frame(const struct latent_shape *s, const float *x, int f, const float *scale,
                      const float *shift, float *out);
void latent_set_frame(const struct latent_shape *s, float *x, int f, const float *scale,
                      const float *shift, const float *in);
/* SHA-256 over the elements as they lie in memory (f32; little-endian on the machines we know). */
void latent_hash(const struct latent_shape *s, const float *x, char hex[65]);

#endif
