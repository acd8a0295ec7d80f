/* sharpen.h - narrows the edges of a picture by moving pixels: no brightness is made that was not
 * beside them.
 *
 * Warp sharpening (Arad and Gotsman, "Enhancement by image-dependent warping", IEEE Trans. Image
 * Processing 8, 1999): how steep a picture is, smoothed, is a ridge along every edge; each pixel is
 * fetched from farther down that ridge, so both sides of the edge come closer to its middle. Slopes
 * far below SHARPEN_STEEP stay as they are, so specks do not become lines. Each picture alone:
 * equal pictures stay equal. The same for any number of threads. */
#ifndef MEDIA_SHARPEN_H
#define MEDIA_SHARPEN_H

#include <stddef.h>

#include "base/thread.h"

#define SHARPEN_STEEP 0.06f /* of the range from px to px: half of an edge */

/* floats that `room` of a picture must hold. */
static inline size_t sharpen_room(int w, int h)
{
    return 5 * (size_t)w * (size_t)h;
}

/* rgb [h][w][3], about 0..1, changed in place; amount 0 (nothing is changed) to 2: a pixel moves by
 * 8 times that for a ridge that falls by 1 from px to px, which is 1 to 2 px in all at an amount
 * of 1. threads may be NULL. Values that are not finite are moved, never looked at. */
void sharpen(float *rgb, int w, int h, double amount, float *room, struct threads *threads);

#endif
