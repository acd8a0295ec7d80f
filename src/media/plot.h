/* plot.h - small line plots as SVG files: loss curves and measurements.
 * Independent of the locale. Values that are not finite, or not positive on a log axis, are gaps.
 */
#ifndef MEDIA_PLOT_H
#define MEDIA_PLOT_H

#include "base/buf.h"
#include "base/err.h"

enum { PLOT_MAX_SERIES = 4 };

struct plot_series {
    const char *name;    /* for the legend; UTF-8; borrowed */
    const double *x, *y; /* n values each; borrowed; x need not be sorted */
    int n;
};

struct plot {
    const char *title, *x_label, *y_label; /* UTF-8; NULL: none */
    int log_y;
    int n_series; /* 1..PLOT_MAX_SERIES */
    struct plot_series series[PLOT_MAX_SERIES];
};

/* Append the SVG text to out. */
void plot_svg(struct buf *out, const struct plot *p);
/* The same into a file, replaced as a whole. */
NODISCARD int plot_write(const struct plot *p, const char *path, struct err *e);

#endif
