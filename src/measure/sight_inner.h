/* sight_inner.h - the parts of sight.c: floor, colours, patches. */
#ifndef MEASURE_SIGHT_INNER_H
#define MEASURE_SIGHT_INNER_H

#include <stdint.h>

#include "measure/sight.h"

enum { SIGHT_MAX_PATCHES = 12, SIGHT_MAX_TRACKS = 48 };

struct patch {
    int color, area;
    int x0, y0, x1, y1; /* pixels, x1 and y1 exclusive */
    float cx, cy;       /* centre of its pixels */
    int cut;            /* touches the edge of the picture */
};

struct view_film { /* a film at working size; all owned */
    int w, h, n;
    uint8_t *rgb;        /* [n][h][w][3] */
    uint8_t *floor;      /* [h][w][3]: the picture without anything on it */
    uint8_t *color;      /* [n][h][w]: COLOR_ of the pixels that are not floor, else 0 */
    uint8_t *label;      /* [n][h][w]: patch number + 1 of that frame, else 0 */
    struct patch *patch; /* [n][SIGHT_MAX_PATCHES], the largest first */
    int *n_patches;      /* [n] */
};

/* One patch followed through the film: its number in each frame, or -1. */
struct track {
    int color, seen, last;
    float cx, cy; /* at frame `last` */
    int *patch;   /* [n] */
};

/* Fill f->floor: what most frames show at a place, where objects leave it free; elsewhere what
 * stands beside it in the same row. */
void floor_find(struct view_film *f);
/* Fill f->color. */
void color_pixels(struct view_film *f);
/* Fill f->label, f->patch, f->n_patches. */
void patch_find(struct view_film *f);
/* Follow patches. t[SIGHT_MAX_TRACKS]; returns how many; give each ->patch to free(). */
int track_find(const struct view_film *f, struct track *t);
/* Sight of the film, for the fit of the shape table: the track that sight_film judges, or NULL. */
const struct track *track_mover(const struct view_film *f, const struct track *t, int n_tracks);

/* Frames of more than most_px are made smaller. */
void view_film_init(struct view_film *f, const uint8_t *rgb, int w, int h, int n, int most_px);
void view_film_release(struct view_film *f);

#endif
