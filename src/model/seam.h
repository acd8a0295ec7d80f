/* seam.h - do squares show? The mean absolute step between neighbouring pixels across the borders
 * of the latent grid, divided by that inside its squares, in both directions. Pictures that know
 * nothing of the grid have 1; a transform of blocks has more.
 *
 * Threads: the caller's. */
#ifndef MODEL_SEAM_H
#define MODEL_SEAM_H

#include <stdint.h>

struct seam { /* sums of steps and how many there are; {0} is none */
    double border, n_border, inside, n_inside;
};

/* n frames rgb [n][h][w][3], squares of side px from the corner above left on. */
void seam_add(struct seam *s, const uint8_t *rgb, int w, int h, int n, int side);
double seam_ratio(const struct seam *s); /* 1 where nothing changes */

#endif
