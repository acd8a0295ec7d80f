/* probe_find.h - from where a probe's first look sees somebody to what its second look is shown.
 *
 * Threads: pure functions of their arguments. */
#ifndef MEASURE_PROBE_FIND_H
#define MEASURE_PROBE_FIND_H

#include <stdint.h>

#include "measure/probe_net.h"

enum { PROBE_MAP_CELLS = PROBE_MAP * PROBE_MAP };
#define PROBE_LEAST_SIDE 24.0f /* px of what a second look shows */

/* A box of a picture in px, x1 and y1 exclusive; x1 = 0: there is none. */
struct probe_box {
    float x0, y0, x1, y1;
};

/* The part of a map [PROBE_MAP_CELLS], 0..1, that hangs together around its peak, as a box of a
 * picture w x h; there is none where it is 0 everywhere. */
struct probe_box probe_box_of(const float *map, int w, int h);
/* Frames from one of a second look to the next. */
int probe_stride(double fps);
/* The square that a second look shows of boxes of `n` frames: around the middle one of each edge.
 * Boxes that are none are left out; all none: 0. */
int probe_square(const struct probe_box *box, int n, float *x, float *y, float *side);
/* That square of a picture rgb [h][w][3], resized to [to][to][3]; grey beyond the picture. */
void probe_cut(uint8_t *out, int to, const uint8_t *rgb, int w, int h, float x, float y,
               float side);

#endif
