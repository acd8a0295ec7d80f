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

/* Frames that are held beside each other: frame i of the slower film, and what the other shows in
 * that moment. */
struct pairs {
    const struct layout *a, *b; /* a is the slower */
    double step;                /* frames of b for each of a, >= 1 */
    int n;
};

static const uint8_t *of_b(const struct pairs *p, int i)
{
    return p->b->frame[(int)floor(i * p->step + 0.5)];
}

static struct pairs pairs_of(const struct layout *a, const struct layout *b)
{
    double faster = a->fps > 0 && b->fps > 0 ? b->fps / a->fps : 1;
    struct pairs p = {a, b, faster, 0};

    if (faster < 1)
        p = (struct pairs){b, a, 1 / faster, 0};
    while (p.n < p.a->n && floor(p.n * p.step + 0.5) < p.b->n)
        p.n++;
    return p;
}

static void means_of(const struct pairs *p, int channel, double *a, double *b)
{
    double sum[2] = {0};

    for (int i = 0; i < p->n; i++) {
        const uint8_t *y = of_b(p, i);

        for (int k = channel; k < LAYOUT_VALUES; k += 3) {
            sum[0] += p->a->frame[i][k];
            sum[1] += y[k];
        }
    }
    *a = sum[0] / p->n / (LAYOUT_VALUES / 3);
    *b = sum[1] / p->n / (LAYOUT_VALUES / 3);
}

double layout_agreement(const struct layout *a, const struct layout *b)
{
    struct pairs p = pairs_of(a, b);
    double ab = 0, aa = 0, bb = 0;

    for (int c = 0; c < 3 && p.n; c++) {
        double mean_a, mean_b;

        means_of(&p, c, &mean_a, &mean_b);
        for (int i = 0; i < p.n; i++) {
            const uint8_t *other = of_b(&p, i);

            for (int k = c; k < LAYOUT_VALUES; k += 3) {
                double x = p.a->frame[i][k] - mean_a, y = other[k] - mean_b;

                ab += x * y;
                aa += x * x;
                bb += y * y;
            }
        }
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}
