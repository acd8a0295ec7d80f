/* between.h - pictures between two neighbouring frames, by the movement between them.
 *
 * Movement is sought both ways on smaller pictures: blocks coarse to fine with candidates from the
 * neighbours (3-D recursive search, de Haan 1993, with all blocks of a pass at once), then gradient
 * steps below one px (Lucas and Kanade 1981), then each px takes the movement among those of the
 * blocks around it that fits it best. Where both ways disagree something is hidden in one of the
 * frames; a picture between takes it from the other one, moved as what lies behind beside it.
 * Movement is projected to the wanted moment, what hides something in front of all, and both frames
 * are fetched along it.
 * Two frames without a change give that frame, bit for bit; so does moment 0 and 1. The result is
 * the same for any number of threads. Threads: one belongs to one thread. */
#ifndef MEDIA_BETWEEN_H
#define MEDIA_BETWEEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/thread.h"

struct between;
/* Of frames of w x h px, sides >= 1; threads borrowed, or NULL. NULL: no memory. */
struct between *between_new(int w, int h, struct threads *threads);
void between_free(struct between **b);
/* Bytes that one holds. */
size_t between_bytes(int w, int h);
/* Sides of the small pictures that movement is sought on. */
void between_small(int w, int h, int *scale, int *small_w, int *small_h);

/* The two frames [h][w][3], borrowed until the next call. 1: they show two different scenes (a
 * cut), there is nothing between them; else 0. */
int between_pair(struct between *b, const uint8_t *first, const uint8_t *second);
/* The picture at moment 0..1 of a pair without a cut -> rgb [h][w][3]. */
void between_at(struct between *b, float moment, uint8_t *rgb);

/* What the last pair says of the second frame, on its small picture; borrowed until the next. */
struct between_field {
    int w, h, scale;               /* px of a frame for one of the small picture */
    size_t stride;                 /* px from row to row of the pictures */
    const uint8_t *first, *second; /* both frames [h][stride][4] */
    const float *way;              /* [h][w][2]: from a px of the second to where it was, px */
    const uint8_t *back;           /* [h][w]: 1 it was to be seen in the first, and leads back */
};
void between_look(const struct between *b, struct between_field *out);

#endif
