/* detail.h - what a codec left out of the picture that a film begins with, carried along.
 *
 * The first frame of a film that goes on from a picture is that picture without what the codec
 * cannot hold. The difference is added again: to the first frame, which is the picture then, and to
 * those behind it, moved as what it was seen on moves (between.h, from frame to frame). It ends
 * where its place is hidden, goes out or changes its look, so a frame that shows nothing of the
 * picture any more stays as it was drawn.
 * The result is the same for any number of threads. Threads: one belongs to one thread. */
#ifndef MEDIA_DETAIL_H
#define MEDIA_DETAIL_H

#include <stddef.h>
#include <stdint.h>

#include "base/thread.h"

struct between;
struct detail;
/* Of frames of w x h px, sides >= 1; amount 0..1 of the difference is carried. between is of such
 * frames and borrowed: the pair it knows is another one behind each call. threads borrowed, or
 * NULL. NULL: no memory. */
struct detail *detail_new(int w, int h, double amount, struct between *between,
                          struct threads *threads);
void detail_free(struct detail **d);
/* Bytes that one holds. */
size_t detail_bytes(int w, int h);

/* The first frame [h][w][3] as it was drawn, and as it should be. drawn is changed. */
void detail_begin(struct detail *d, uint8_t *drawn, const uint8_t *given);
/* The frame behind the last one, as it was drawn; changed. Does nothing before detail_begin, and
 * behind a cut. */
void detail_carry(struct detail *d, uint8_t *drawn);

#endif
