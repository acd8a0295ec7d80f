/* between_picture.h - the px of a picture between two, for between.c: one source for each set of
 * instructions, all of which give the same bytes. */
#ifndef MEDIA_BETWEEN_PICTURE_H
#define MEDIA_BETWEEN_PICTURE_H

#include <stdint.h>

/* What is known of a px at the wanted moment: its movement from the first to the second frame (x,
 * y), and how much it is to be seen in either, 0..1. */
typedef float seen __attribute__((vector_size(16)));

struct between_picture {
    int w, h, scale; /* px of a frame for one of the field */
    int sw, sh;
    const uint8_t *frame[2]; /* [h][w][3] */
    const seen *field;       /* [sh][sw] */
    float moment;
    uint8_t *out; /* [h][w][3] */
};

/* Makes row y of a struct between_picture; as threads_run calls it. */
typedef void between_row(void *picture, int y, int worker);
between_row between_row_c, between_row_avx2;
/* The best for this CPU. */
between_row *between_row_best(void);

#endif
