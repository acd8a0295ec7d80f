#include "model/seam.h"

#include <stdlib.h>

/* Steps from the pixels of a row to those `far` bytes before them. */
static int64_t steps(const uint8_t *a, int64_t far, int64_t n)
{
    int64_t sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += abs(a[i] - a[i - far]);
    return sum;
}

static void add(struct seam *s, int at_border, int64_t sum, int64_t n)
{
    *(at_border ? &s->border : &s->inside) += (double)sum;
    *(at_border ? &s->n_border : &s->n_inside) += (double)n;
}

void seam_add(struct seam *s, const uint8_t *rgb, int w, int h, int n, int side)
{
    int64_t row = 3 * (int64_t)w;

    for (int64_t y = 0; y < (int64_t)n * h; y++) {
        const uint8_t *line = rgb + y * row;

        if (y % h)
            add(s, y % h % side == 0, steps(line, row, row), row);
        for (int x = 1; x < w; x++)
            add(s, x % side == 0, steps(line + 3 * (size_t)x, 3, 3), 3);
    }
}

double seam_ratio(const struct seam *s)
{
    if (!s->n_border || !s->n_inside || s->border + s->inside == 0)
        return 1;
    double inside = s->inside / s->n_inside, border = s->border / s->n_border;
    return border / (inside > 1e-6 ? inside : 1e-6);
}
