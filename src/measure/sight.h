/* sight.h - what is to be seen in a film: colour, shape and direction of the object that moves
 * most.
 *
 * Works on pixels alone, whoever made the film: pixels that differ from the empty floor are given
 * one of the eight colours of the world, patches of one colour are followed from frame to frame,
 * the patch that moves most is the mover. Its outline and shading tell the shape (shape.h), the way
 * of its centre and its growth tell the direction. Films are first brought to about 7,000 pixels
 * per frame. Names of colours, shapes and directions are those of world/facts.h; 0 is "cannot
 * tell".
 *
 * Threads: pure functions of their arguments. */
#ifndef MEASURE_SIGHT_H
#define MEASURE_SIGHT_H

#include <stdint.h>

#include "world/facts.h"

enum {
    SIGHT_VERSION = 2, /* of the figures: another number when they may differ */
    SIGHT_PIXELS = 112 * 64,
};

struct sight {
    int color, shape, direction; /* COLOR_, SHAPE_, DIRECTION_; 0: cannot tell */
    double shape_p;              /* probability that the table gives the shape, 0..1 */
    double seen;                 /* share of the frames in which the mover was found */
    double area;                 /* its mean share of the frame */
    double across, down;         /* way of its centre and of its foot, in widths and heights */
    double growth;               /* natural logarithm of last / first height */
    double flicker; /* mean change of floor pixels between frames, 0..1 (own variant) */
    double speed;   /* of the mover, widths per second at 8 frames per second */
};

/* rgb [n][h][w][3], sRGB; n, w, h >= 1. A film in which nothing moves gives zeros. */
void sight_film(const uint8_t *rgb, int w, int h, int n, struct sight *out);

#endif
