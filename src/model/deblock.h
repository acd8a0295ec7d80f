/* deblock.h - takes steps across the borders of blocks out of a picture that a linear transform of
 * blocks has made.
 *
 * What filters of video codecs decide by thresholds (H.264, List et al., Adaptive deblocking
 * filter, 2003) is fitted here: a small step between two smooth blocks is an error of theirs and is
 * spread over both, a large one is an edge of the picture and stays. Along each border lies the
 * vector of its steps (frame, pixel, colour); its first n directions, saturated at three
 * strengths, are what a block sees of each of its four sides, and a linear map of them is added to
 * it. Borders of the picture are no steps. Thread-safety: reading only. */
#ifndef MODEL_DEBLOCK_H
#define MODEL_DEBLOCK_H

#include "tensor/ops.h"

#define DEBLOCK_STRENGTHS 3

struct deblock {
    int64_t n;             /* directions of a side; 0: none of this is there */
    struct linear_w edges; /* [4n,P]: left, right, upper, lower border of a block in n directions */
    struct linear_w out;   /* [P,4*DEBLOCK_STRENGTHS*n]; zero until it is fitted */
};

/* P values of a block (t,y,x,c). Both frozen. */
void deblock_declare(struct deblock *d, struct weight_set *s, int64_t P, int n);
/* rows wide [clips*h*w, P], the blocks of pictures of h x w blocks (kept) -> wide [clips*h*w,
 * 4*DEBLOCK_STRENGTHS*n]: what lies between a block and its left, right, upper, lower neighbour. */
struct tensor *deblock_features(struct cx *cx, const struct deblock *d, struct tensor *rows,
                                int64_t h, int64_t w);
/* The blocks with their borders mended; consumes rows. */
struct tensor *deblock_forward(struct cx *cx, const struct deblock *d, struct tensor *rows,
                               int64_t h, int64_t w);

#endif
