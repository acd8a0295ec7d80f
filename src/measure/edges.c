#include "measure/edges.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"

enum {
    REACH = 8,  /* px around an edge that belong to it */
    STEP = 24,  /* least one of a true edge, of 255 */
    NEAR = 4,   /* px in which an own edge has the steepest step .. */
    CHANGE = 48 /* .. and least change of it */
};

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

/* Up to `reach` px from the step from i to i + span. */
static double change_at(const float *y, int64_t i, int64_t span, int reach)
{
    double lo = y[i], hi = y[i];

    for (int k = -reach; k <= reach + 1; k++) {
        lo = fmin(lo, y[i + k * span]);
        hi = fmax(hi, y[i + k * span]);
    }
    return hi - lo;
}

/* Of the edge between i and i + span, with `reach` px on both sides. The steepest step may have
 * moved by a px or two. */
static double width_at(const float *y, int64_t i, int64_t span)
{
    double steepest = 0;

    for (int k = -2; k <= 2; k++)
        steepest = fmax(steepest, step_at(y, i + k * span, span));
    return steepest > 0 ? change_at(y, i, span, REACH) / steepest : 2 * REACH;
}

/* Of the picture's own edge there, 1 to 2 NEAR + 1; 0: there is none. */
static double own_width_at(const float *y, int64_t i, int64_t span)
{
    double step = step_at(y, i, span), change = change_at(y, i, span, NEAR);

    if (change < CHANGE)
        return 0;
    for (int k = 1; k <= NEAR; k++)
        if (step < step_at(y, i - k * span, span) || step <= step_at(y, i + k * span, span))
            return 0;
    return change / step;
}

static void add_own(struct edge_mean *s, double width)
{
    s->sum += width;
    s->n += width > 0;
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

            add_own(&s->own, own_width_at(y, i, span));
            add_own(&s->true_own, own_width_at(truth, i, span));
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

double edge_widths_own(const struct edge_widths *s)
{
    return s->own.n > 0 && s->true_own.n > 0
               ? s->own.sum / s->own.n / (s->true_own.sum / s->true_own.n)
               : 0;
}
