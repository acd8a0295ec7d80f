/* codec.h - what a model's codec alone does to films: the ceiling of everything generated.
 *
 * Threads: a round trip belongs to one thread at a time. */
#ifndef MEASURE_CODEC_H
#define MEASURE_CODEC_H

#include <stdint.h>

#include "base/thread.h"
#include "model/part.h"

struct round_trip {
    struct part part;
    struct codec codec;
    struct cx cx;
};

/* Squared error of bytes and how many there are, summed over films; all and of the mover's pixels.
 */
struct codec_error {
    double sum, n, mover_sum, mover_n;
};

/* DIR/vae of a model. threads is borrowed and may be NULL. */
NODISCARD int round_trip_open(struct round_trip *c, const char *dir, struct threads *threads,
                              struct err *e);
void round_trip_close(struct round_trip *c);
/* Encode and decode n frames rgb [n][h][w][3] into out. ERR_USAGE when the codec cannot take the
 * sizes, ERR_DEVICE. */
NODISCARD int round_trip_film(struct round_trip *c, const uint8_t *rgb, int w, int h, int n,
                              uint8_t *out, struct err *e);
/* With noise on the latents, so many times their spread, of this key. */
NODISCARD int round_trip_noisy(struct round_trip *c, const uint8_t *rgb, int w, int h, int n,
                               double noise, uint64_t key, uint8_t *out, struct err *e);

/* ids [n_px]: 1 where the moving object is to be seen. */
void codec_error_add(struct codec_error *s, const uint8_t *a, const uint8_t *b, const uint8_t *ids,
                     size_t n_px);
double codec_psnr(double sum, double n); /* dB; 99 without error, 0 without pixels */

#endif
