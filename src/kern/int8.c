#include "kern/int8.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* The bits of the largest |x|: those of what is not finite are above all others. In whole numbers,
 * so that it runs in vectors. */
static uint32_t largest(const float *x, int64_t n)
{
    uint32_t most = 0;

    for (int64_t i = 0; i < n; i++) {
        uint32_t u;

        memcpy(&u, &x[i], 4);
        u &= 0x7fffffff;
        most = u > most ? u : most;
    }
    return most;
}

/* x / scale, at most 127 and a rounding error, to the nearest whole number, halves to the even one:
 * adding 1.5 * 2^52 leaves it in the low bits. */
static int8_t nearest(float x, float scale)
{
    double t = (double)x / scale + 0x1.8p52;
    int64_t u;

    memcpy(&u, &t, 8);
    return (int8_t)u;
}

int int8_from_rows(int8_t *q, float *scale, const float *x, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++, q += n, x += n) {
        uint32_t bits = largest(x, n);
        float max, step;

        memcpy(&max, &bits, 4);
        if (!isfinite(max))
            return -1;
        step = max / 127 < FLT_MIN ? 1 : max / 127;
        for (int64_t i = 0; i < n; i++)
            q[i] = nearest(x[i], step);
        scale[r] = step;
    }
    return 0;
}

void int8_to_rows(float *x, const float *scale, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++, x += n)
        for (int64_t i = 0; i < n; i++)
            x[i] *= scale[r];
}
