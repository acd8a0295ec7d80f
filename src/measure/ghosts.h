/* ghosts.h - do things that move leave double contours behind them?
 *
 * Where a thing leaves a place, or reaches it, a clean film shows there first the one and then the
 * other. A film with ghosts shows both at once for a while: what is between the picture before and
 * the picture behind, over an area and not only along a blurred edge. Looked at are places that
 * stood still before and stand still behind, so a thing has to move by some px, and what is
 * everywhere in motion (water, a camera that turns over a pattern) says little.
 *
 * Frames are looked at an eighth of a second apart, at most 224 px wide, as models draw them.
 * Threads: pure functions of their arguments. */
#ifndef MEASURE_GHOSTS_H
#define MEASURE_GHOSTS_H

#include <stdint.h>

struct ghosts {
    double sum, n; /* of what is still (or already) there, 0..0.5, over places; how many */
};

/* rgb [n][h][w][3], added to *g. */
void ghosts_add(struct ghosts *g, const uint8_t *rgb, int w, int h, int n, double fps);
/* Mean strength of the ghost: 0 none, 0.5 both as strong; negative: nothing to judge by. */
double ghosts_strength(const struct ghosts *g);

#endif
