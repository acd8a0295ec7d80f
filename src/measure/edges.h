/* edges.h - how wide the edges of a picture are, in px: sharpness that does not depend on contrast.
 *
 * A place is an edge where the true picture's brightness has its steepest step along a row or a
 * column (after Marziliano et al. 2002, "A no-reference perceptual blur metric"). Its width is what
 * brightness changes around it, divided by the steepest step: 1 for a jump between two pixels, 2.5
 * sigma for one that was blurred with a Gaussian. Places are those of the true picture in both, so
 * that noise makes no edges; but a sharp edge a few px aside counts as a wide one then, so edges
 * are also taken where each picture has its own: the steepest step within 4 px, where brightness
 * changes by a fifth of its range, however steep that step is. Threads: any number. */
#ifndef MEASURE_EDGES_H
#define MEASURE_EDGES_H

#include <stdint.h>

struct edge_widths {
    double sum, true_sum, n; /* widths in the picture, in the true one, places */
    struct edge_mean {
        double sum, n;
    } own, true_own; /* at edges of the picture itself, and of the true one */
};

/* Both [h][w][3]; added to *s. */
void edge_widths_add(struct edge_widths *s, const uint8_t *rgb, const uint8_t *truth, int w, int h);
/* Mean width over the true mean width; 0 without edges. */
double edge_widths_ratio(const struct edge_widths *s);
/* Mean width of its own edges over that of the true picture's; 0 without edges. */
double edge_widths_own(const struct edge_widths *s);

#endif
