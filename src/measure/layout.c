#include "measure/layout.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "media/resize.h"

void layout_add(struct layout *l, const uint8_t *rgb, int w, int h)
{
    if (l->n == l->room) {
        l->room = 2 * l->room + 64;
        l->frame = xrealloc(l->frame, (size_t)l->room * sizeof *l->frame);
    }
    resize_rgb(l->frame[l->n++], LAYOUT_SIDE, LAYOUT_SIDE, rgb, w, h, RESIZE_AREA, NULL);
}

void layout_release(struct layout *l)
{
    free(l->frame);
    *l = (struct layout){0};
}

static double mean_of(const struct layout *l, int n, int channel)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        for (int k = channel; k < LAYOUT_VALUES; k += 3)
            sum += l->frame[i][k];
    return sum / n / (LAYOUT_VALUES / 3);
}

double layout_agreement(const struct layout *a, const struct layout *b)
{
    int n = a->n < b->n ? a->n : b->n;
    double ab = 0, aa = 0, bb = 0;

    for (int c = 0; c < 3 && n; c++) {
        double mean_a = mean_of(a, n, c), mean_b = mean_of(b, n, c);

        for (int i = 0; i < n; i++)
            for (int k = c; k < LAYOUT_VALUES; k += 3) {
                double x = a->frame[i][k] - mean_a, y = b->frame[i][k] - mean_b;

                ab += x * y;
                aa += x * x;
                bb += y * y;
            }
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}
