#include "measure/edges.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"

enum { REACH = 8, STEP = 24 }; /* px around an edge that belong to it; least step, of 255 */

static float *brightness(const uint8_t *rgb, size_t n)
{
    float *y = xmalloc(sizeof *y * n);

    for (size_t i = 0; i < n; i++)
        y[i] = 0.299f * rgb[3 * i] + 0.587f * rgb[3 * i + 1] + 0.114f * rgb[3 * i + 2];
    return y;
}

static double step_at(const float *y, int64_t i, int64_t span)
{
    return fabs((double)y[i + span] - (double)y[i]);
}

/* Of the edge between i and i + span, with `reach` px on both sides. The steepest step may have
 * moved by a px or two. */
static double width_at(const float *y, int64_t i, int64_t span)
{
    double lo = y[i], hi = y[i], steepest = 0;

    for (int k = -REACH; k <= REACH + 1; k++) {
        lo = fmin(lo, y[i + k * span]);
        hi = fmax(hi, y[i + k * span]);
    }
    for (int k = -2; k <= 2; k++)
        steepest = fmax(steepest, step_at(y, i + k * span, span));
    return steepest > 0 ? (hi - lo) / steepest : 2 * REACH;
}

/* Lines of `along` px that are `span` apart from each other in memory, `lines` of them `next`
 * apart.
 */
static void add_lines(struct edge_widths *s, const float *y, const float *truth, int along,
                      int64_t span, int lines, int64_t next)
{
    for (int line = 0; line < lines; line++)
        for (int k = REACH; k + REACH + 1 < along; k++) {
            int64_t i = line * next + k * span;
            double step = step_at(truth, i, span);

            if (step < STEP || step < step_at(truth, i - span, span) ||
                step <= step_at(truth, i + span, span))
                continue;
            s->sum += width_at(y, i, span);
            s->true_sum += width_at(truth, i, span);
            s->n++;
        }
}

void edge_widths_add(struct edge_widths *s, const uint8_t *rgb, const uint8_t *truth, int w, int h)
{
    float *y = brightness(rgb, (size_t)w * (size_t)h);
    float *t = brightness(truth, (size_t)w * (size_t)h);

    add_lines(s, y, t, w, 1, h, w);
    add_lines(s, y, t, h, w, w, 1);
    free(y);
    free(t);
}

double edge_widths_ratio(const struct edge_widths *s)
{
    return s->n > 0 ? s->sum / s->true_sum : 0;
}
