/* brush.h - a motion brush: parts of the first picture that go along paths, and one that stands.
 *
 * JSON with the fields of Kling's API: {"static_mask": M, "dynamic_masks": [{"mask": M,
 * "trajectories": [{"x": 10, "y": 20}, ...]}, ...]}. M is a picture beside the JSON file, white
 * where it is meant, or {"size": [h, w], "counts": [...]}, runs of 0 and 1 down the columns as COCO
 * has them. At most BRUSH_PATHS dynamic masks, all of one size, each with BRUSH_LEAST to
 * BRUSH_POINTS points in pixels of the mask from its lower left corner, evenly over the film. Masks
 * are kept in BRUSH_SIDE px at most, for latent places are larger. Threads: a struct brush belongs
 * to one thread. */
#ifndef GENERATE_BRUSH_H
#define GENERATE_BRUSH_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { BRUSH_PATHS = 6, BRUSH_LEAST = 2, BRUSH_POINTS = 77, BRUSH_SIDE = 128 };

struct brush {
    int w, h;         /* of the masks as kept; 0: there is no brush */
    int own_w, own_h; /* as given */
    uint8_t *still;   /* owned [h][w], 1 is meant; NULL: none */
    struct brush_path {
        uint8_t *mask; /* owned [h][w] */
        int n;
        float x[BRUSH_POINTS], y[BRUSH_POINTS]; /* shares of width and height, y downward */
    } path[BRUSH_PATHS];
    int n_paths;
};

/* From a file, or from JSON itself, which then names no files. To be released whatever it returns.
 * ERR_IO, ERR_FORMAT (a picture), ERR_USAGE: file, field and what is allowed. */
NODISCARD int brush_read(struct brush *b, const char *path_or_json, struct err *e);
/* The JSON that is read as the same brush, without files. Appended. */
void brush_say(const struct brush *b, struct buf *out);
void brush_release(struct brush *b);
/* How far path i has come at `part` of the way, 0..1, from its beginning: shares of the sides. */
void brush_at(const struct brush *b, int i, double part, double *dx, double *dy);
/* Share of a rectangle of the picture (shares of its sides) that is meant, 0..1. */
double brush_cover(const struct brush *b, const uint8_t *mask, double x0, double y0, double x1,
                   double y1);

#endif
