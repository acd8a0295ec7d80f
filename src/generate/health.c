#include "generate/health.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"

#define LEAST_RANGE 1e-3 /* of a latent's element over all tokens */
#define SAME_ROWS 1e-6   /* of the largest value: how far rows that are the same differ */

/* 1: some element of a token is so far from that of another one, in x - sigma v (v NULL: in x).
 * Found among the first tokens, where a network works. */
static int differs(const struct latent_shape *s, const float *x, const float *v, double sigma)
{
    int64_t places = (int64_t)s->t * s->h * s->w, tokens = latent_tokens(s);
    int n = s->pt * s->ph * s->pw;

    for (int64_t c = 0; c < s->c; c++)
        for (int i = 0; i < n; i++) {
            double lo = INFINITY, hi = -INFINITY;

            for (int64_t k = 0; k < tokens; k++) {
                int64_t at = c * places + (int64_t)latent_place_of(s, k, i);
                double value = v ? x[at] - sigma * v[at] : x[at];

                lo = value < lo ? value : lo;
                hi = value > hi ? value : hi;
                if (hi - lo >= LEAST_RANGE)
                    return 1;
            }
        }
    return 0;
}

enum health health_of_clean(const struct latent_shape *s, const float *x, const float *v,
                            double sigma)
{
    return latent_tokens(s) < 2 || differs(s, x, v, sigma) ? HEALTH_GOOD : HEALTH_COLLAPSED;
}

enum health health_of_velocity(const struct latent_shape *s, const float *v)
{
    return health_of_clean(s, v, NULL, 0);
}

/* 1: all rows of x [rows,columns] are the same. */
static int same_rows(const float *x, int64_t rows, int64_t columns)
{
    double range = 0, most = 0;

    for (int64_t i = 0; i < rows * columns; i++) {
        range = fmax(range, fabs((double)x[i] - x[i % columns]));
        most = fmax(most, fabs(x[i]));
    }
    return range <= SAME_ROWS * most;
}

enum health health_of_value(struct cx *cx, struct tensor *x)
{
    int64_t columns = x->dim[x->rank - 1], rows = tensor_count(x) / columns;
    enum health h = HEALTH_GOOD;
    float *all;

    if (!tensor_finite(cx, x))
        return HEALTH_NOT_FINITE;
    if (rows < 2 || cx->err.code)
        return HEALTH_GOOD;
    all = xmalloc(sizeof *all * (size_t)tensor_count(x));
    tensor_read_f32(cx, x, all);
    if (same_rows(all, rows, columns))
        h = HEALTH_COLLAPSED;
    free(all);
    return h;
}

const char *health_name(enum health h)
{
    return h == HEALTH_NOT_FINITE  ? "is not finite"
           : h == HEALTH_COLLAPSED ? "has collapsed (it is the same in all places)"
                                   : "is good";
}
