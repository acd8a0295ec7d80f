/* between_inner.h - movement between two small pictures, for between.c. */
#ifndef MEDIA_BETWEEN_INNER_H
#define MEDIA_BETWEEN_INNER_H

#include <stdint.h>

#include <stddef.h>

#include "base/thread.h"

enum { LEVELS = 5, BLOCK = 4, EDGE = 8 /* px repeated around a picture */ };

struct move {
    float x, y; /* px */
};

/* A picture [h + 2 EDGE][w + 2 EDGE][4], and the grid of its blocks. */
struct level {
    int w, h, stride; /* px */
    int bw, bh;
    uint8_t *rgbx[2]; /* owned: of both frames */
};

/* All of a pair. The first index is the direction: 0 is from the first frame to the second. */
struct search {
    struct level level[LEVELS];
    int n_levels;
    struct move *block[2][2]; /* owned [bh][bw]: a pass reads one and writes the other */
    struct move *dense[2];    /* owned [h][w] of level 0 */
    float *cost[2];           /* owned [h][w]: how badly a px fits, mean of a channel, 0..255 */
    struct threads *threads;
};

/* ok only when every pointer is there. */
int search_init(struct search *s, int w, int h, struct threads *threads);
void search_release(struct search *s);
size_t search_bytes(int w, int h);
/* The pictures of level 0 are in place, but for their edges. Fills dense and cost. */
void search_run(struct search *s);
/* px x, y of picture 0..1 of level 0. */
static inline uint8_t *level_px(const struct level *l, int which, int x, int y)
{
    return l->rgbx[which] + ((size_t)(y + EDGE) * (size_t)l->stride + (size_t)(x + EDGE)) * 4;
}

#endif
