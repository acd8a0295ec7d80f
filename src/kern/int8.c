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

/* x [n] / step, at most 127 and a rounding error, to the nearest whole number, halves to the even
 * one. A product with the inverse takes the place of the division, to the same bits: a quotient of
 * two floats is a half, or at least 2^-25 away from all halves, and rounding to multiples of 2^-30
 * (by adding 1.5 * 2^22) takes the error of the product off. Adding 1.5 * 2^52 leaves the whole
 * number in the low bits. */
static inline __attribute__((always_inline)) void nearest(int8_t *q, const float *x, int64_t n,
                                                          float step)
{
    double inverse = 1 / (double)step;

    for (int64_t i = 0; i < n; i++) {
        double t = (double)x[i] * inverse + 0x1.8p22;
        int64_t u;

        t = t - 0x1.8p22 + 0x1.8p52;
        memcpy(&u, &t, 8);
        q[i] = (int8_t)u;
    }
}

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) static void
nearest_avx512(int8_t *q, const float *x, int64_t n, float step)
{
    nearest(q, x, n, step);
}

__attribute__((target("avx2"))) static void nearest_avx2(int8_t *q, const float *x, int64_t n,
                                                         float step)
{
    nearest(q, x, n, step);
}

static void nearest_best(int8_t *q, const float *x, int64_t n, float step)
{
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        nearest_avx512(q, x, n, step);
    else if (__builtin_cpu_supports("avx2"))
        nearest_avx2(q, x, n, step);
    else
        nearest(q, x, n, step);
}
#else
#define nearest_best nearest
#endif

int int8_from_rows(int8_t *q, float *scale, const float *x, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++, q += n, x += n) {
        uint32_t bits = largest(x, n);
        float max, step;

        memcpy(&max, &bits, 4);
        if (!isfinite(max))
            return -1;
        step = max / 127 < FLT_MIN ? 1 : max / 127;
        nearest_best(q, x, n, step);
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
