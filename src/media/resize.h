/* resize.h - RGB24 pictures to any size, separable filters with float accumulation.
 *
 * When a side shrinks, the filter is stretched by the ratio (no aliasing). Edges repeat. The result
 * is the same for any number of threads. Filters: Keys 1981 (bicubic, a = -1/2), Lanczos with three
 * lobes; area is the exact mean of the covered pixels when shrinking and nearest when growing. */
#ifndef MEDIA_RESIZE_H
#define MEDIA_RESIZE_H

#include <stddef.h>
#include <stdint.h>

#include "base/thread.h"

enum resize_filter { RESIZE_AREA, RESIZE_BICUBIC, RESIZE_LANCZOS };

/* src [sh][sw][3] -> dst [dh][dw][3], both tightly packed and not overlapping; sides >= 1.
 * threads may be NULL. */
void resize_rgb(uint8_t *dst, int dw, int dh, const uint8_t *src, int sw, int sh,
                enum resize_filter filter, struct threads *threads);

/* The largest part of src with the aspect of dst, centred, resized to dst: nothing is distorted. */
void resize_cover(uint8_t *dst, int dw, int dh, const uint8_t *src, int sw, int sh,
                  enum resize_filter filter, struct threads *threads);

/* Bytes that either takes for each thread while it works, at most. */
size_t resize_room(int dw, int dh, int sw, int sh, enum resize_filter filter);

/* The same bytes as Pillow 13 (bicubic or Lanczos), which pictures for the networks of others went
 * through: two passes, each rounded to bytes, windows cut at the border. 13.0 goes down first where
 * that saves work; older ones always across. The caller frees. */
uint8_t *resize_bytes(int dw, int dh, const uint8_t *src, int sw, int sh,
                      enum resize_filter filter);
/* So that dst is covered, sides rounded down, then the middle of it. */
uint8_t *resize_bytes_cover(int dw, int dh, const uint8_t *src, int sw, int sh,
                            enum resize_filter filter);

#endif
