/* mover_velocity.h - does a film that goes on from true frames keep the velocity of its mover?
 *
 * As phyworld judges uniform motion (Kang and others, "How far is video generation from world
 * model", evaluate.py): the centre of the px of the mover's colour, differences from frame to
 * frame, their mean distance from the true ones, in units of which the picture is ten wide, over
 * the frames that really show the whole mover. Where no px of the colour are left the mover counts
 * as standing where it was seen last.
 * Threads: pure functions of their arguments. */
#ifndef MEASURE_MOVER_VELOCITY_H
#define MEASURE_MOVER_VELOCITY_H

#include <stdint.h>

#include "world/clip.h"

enum { MOVER_GIVEN = 5 }; /* true frames that a film goes on from: two latent frames */
#define MOVER_WIDE 10.0   /* units of the width of a picture */

struct mover_place {
    double x, y; /* units, from the left and upper edge */
    int whole;   /* seen; of the truth: all of it is */
};

/* The largest patch of a colour (COLOR_) in every frame of rgb [n][h][w][3], to out[n]. */
void mover_places(const uint8_t *rgb, int w, int h, int n, int color, struct mover_place *out);
/* Object 0 of a rendered clip, to out[n_frames]. */
void mover_true_places(const struct clip *c, struct mover_place *out);
/* What somebody would draw behind the given frames who lets the mover stand, or go on as it went
 * from the first of them to the last. */
void mover_stands(const struct mover_place *truth, int n, struct mover_place *out);
void mover_goes_on(const struct mover_place *truth, int n, struct mover_place *out);

struct mover_error {
    double across, down; /* mean distance of the velocities, units per second */
    double calm;         /* the same of the way across in half a second: jitter counts a fourth */
    double lost;         /* share of the frames in which the mover was not seen */
    int n;               /* pairs of frames: from the last given one to the last one that counts */
};
void mover_compare(const struct mover_place *seen, const struct mover_place *truth, int n,
                   double fps, struct mover_error *out);

#endif
