/* layout.h - what lies where in a film, and whether another film (a draft of it) has it there.
 *
 * Each frame is 16x16 means of colour. The agreement of two films is the correlation of all means
 * of the frames that both have, each channel without its own mean over the film: 1 is the same
 * layout, 0 another one. Sizes of the films may differ, and their rates: each frame of the slower
 * one is held beside what the other shows then. Thread-safety: one thread at a time. */
#ifndef MEASURE_LAYOUT_H
#define MEASURE_LAYOUT_H

#include <stdint.h>

enum { LAYOUT_SIDE = 16, LAYOUT_VALUES = LAYOUT_SIDE * LAYOUT_SIDE * 3 };

struct layout {
    uint8_t (*frame)[LAYOUT_VALUES]; /* owned [n] */
    int n, room;
    double fps; /* 0: as the other film's */
};
void layout_add(struct layout *l, const uint8_t *rgb, int w, int h);
void layout_release(struct layout *l);
/* -1..1; 0 where one of them is of one colour, or has no frames. */
double layout_agreement(const struct layout *a, const struct layout *b);

#endif
