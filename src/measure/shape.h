/* shape.h - ball, box, cone or cylinder, from the outline and shading of one patch.
 *
 * The patch's box is divided into 6x6 cells; features are the covered share of each cell, its
 * brightness relative to the patch, and the box's proportions. A linear model with softmax, one for
 * colours, one for white, one for black (whose dark or pale sides are lost against the floor),
 * gives four probabilities. shape_table.h holds its weights: `zoetrope measure --fit` makes it from
 * renders of the world with fixed seeds. Threads: pure. */
#ifndef MEASURE_SHAPE_H
#define MEASURE_SHAPE_H

#include <stdint.h>

struct buf;
struct patch;
struct view_film;

enum {
    SHAPE_GRID = 6,
    SHAPE_KINDS = 4,                                  /* SHAPE_BALL .. SHAPE_CYLINDER */
    SHAPE_GROUPS = 3,                                 /* colours, white, black */
    SHAPE_FEATURES = 2 * SHAPE_GRID * SHAPE_GRID + 4, /* the last is 1 */
};

int shape_group(int color);
/* Patch i of frame t. */
void shape_features(const struct view_film *f, int t, int i, float x[SHAPE_FEATURES]);
/* Adds the logarithms of the four probabilities to sum. */
void shape_judge(const float x[SHAPE_FEATURES], int group, double sum[SHAPE_KINDS]);

/* Fit the table to n_scenes renders and append it as C text. Returns the share of training patches
 * that it judges right. */
double shape_fit(int n_scenes, struct buf *out);

#endif
