#include "model/int8.h"

#include <float.h>
#include <math.h>

/* -1 when a value is not finite. */
static float largest(const float *x, int64_t n)
{
    float max = 0;

    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            return -1;
        max = fmaxf(max, fabsf(x[i]));
    }
    return max;
}

int int8_from_rows(int8_t *q, float *scale, const float *x, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++, q += n, x += n) {
        float max = largest(x, n);

        if (max < 0)
            return -1;
        scale[r] = max / 127 < FLT_MIN ? 1 : max / 127;
        for (int64_t i = 0; i < n; i++)
            q[i] = (int8_t)lrint((double)x[i] / scale[r]);
    }
    return 0;
}

void int8_to_rows(float *x, const float *scale, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++, x += n)
        for (int64_t i = 0; i < n; i++)
            x[i] *= scale[r];
}
