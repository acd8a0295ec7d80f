/* step_speed.h - seconds of one sampling step on this machine, by running one block of the
 * transformer in its true shape. */
#ifndef GENERATE_STEP_SPEED_H
#define GENERATE_STEP_SPEED_H

#include "generate/latent.h"
#include "model/bundle.h"

#define STEP_SPEED_FLOPS 4e11 /* about a second of a desktop */

struct step_speed {
    int blocks, tokens;  /* of the transformer; of a film of that size */
    int measured_tokens; /* that the block was run on: what takes too long is run on fewer */
    double block_s;      /* what was measured */
    double flops;        /* of a whole step */
    double step_s;       /* a step, by the operations of both */
};

/* shape: the latent of a film, b: declared (its weights are not read, the block's are made up);
 * samples: 2 with guidance; a block of more than most_flops is run on fewer tokens. ERR_FORMAT: a
 * transformer of no known class; ERR_FIT. */
NODISCARD int step_measure(struct step_speed *s, const struct bundle *b,
                           const struct latent_shape *shape, int samples, double most_flops,
                           struct threads *th, struct err *e);

#endif
