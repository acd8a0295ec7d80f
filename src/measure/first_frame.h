/* first_frame.h - how a film goes on from the picture that it was given, beside a render that
 * begins with that picture.
 *
 * PSNR of all px, at most FIRST_MOST_DB, so that means over films can be taken.
 * Threads: a pure function of its arguments. */
#ifndef MEASURE_FIRST_FRAME_H
#define MEASURE_FIRST_FRAME_H

#include <stdint.h>

enum { FIRST_MOMENTS = 3, FIRST_LEAST_FRAMES = 5 };
#define FIRST_MOST_DB 50.0

struct first_frame {
    double first;                /* frame 0 against that of the render, dB */
    double truth[FIRST_MOMENTS]; /* later frames against those of the render at their times */
    double own[FIRST_MOMENTS];   /* and against frame 0 of the film itself: high where it stands */
};

/* Frame of a moment of n frames: a quarter, a half, the end. */
int first_frame_moment(int moment, int n);
/* film and truth are [n][h][w][3], n at least FIRST_LEAST_FRAMES. */
void first_frame_look(struct first_frame *out, const uint8_t *film, const uint8_t *truth, int w,
                      int h, int n);
/* PSNR of one picture [h][w][3] against another, as above. */
double first_frame_psnr(const uint8_t *a, const uint8_t *b, int w, int h);

#endif
