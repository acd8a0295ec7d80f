#include "train/klt.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "kern/kern.h"
#include "train/eigen.h"

void klt_init(struct klt_fit *f, int dim)
{
    *f = (struct klt_fit){.dim = dim};
    f->moment = xcalloc((size_t)dim * (size_t)dim, sizeof(double));
    f->sum = xcalloc((size_t)dim, sizeof(double));
}

void klt_release(struct klt_fit *f)
{
    free(f->moment);
    free(f->sum);
    *f = (struct klt_fit){0};
}

void klt_add(struct klt_fit *f, float *rows, int64_t n, struct threads *th)
{
    int64_t d = f->dim;
    struct kcx kc;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < d; j++) {
            rows[i * d + j] -= KLT_ORIGIN;
            f->sum[j] += rows[i * d + j];
        }
    float *part = xmalloc(sizeof(float) * (size_t)(d * d));
    struct k_matmul m = {
        .m = d, .n = d, .k = n, .lda = d, .ldb = d, .ldc = d, .a = rows, .b = rows, .c = part};
    m.a_type = m.b_type = m.c_type = DT_F32;
    kcx_init(&kc, th);
    kernels_best()->matmul_tn(&kc, &m);
    kcx_release(&kc);
    for (int64_t i = 0; i < d * d; i++)
        f->moment[i] += part[i];
    free(part);
    f->n += n;
}

double klt_solve(struct klt_fit *f, int c, float *mean, float *basis, float *scale,
                 struct threads *th)
{
    size_t d = (size_t)f->dim;
    double n = (double)f->n, total = 0, kept = 0, variance = 0;
    ZT_ASSERT(f->n > 0 && c >= 1 && c <= f->dim);
    for (size_t i = 0; i < d; i++)
        f->sum[i] /= n;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j <= i; j++) {
            double s =
                (f->moment[i * d + j] + f->moment[j * d + i]) / (2 * n) - f->sum[i] * f->sum[j];
            f->moment[i * d + j] = f->moment[j * d + i] = s;
        }
    double *value = xmalloc(sizeof(double) * (size_t)c);
    double *vector = xmalloc(sizeof(double) * (size_t)c * d);
    eigen_top(f->moment, f->dim, c, value, vector, th);
    for (size_t i = 0; i < d; i++) {
        total += f->moment[i * d + i];
        mean[i] = (float)(f->sum[i] + KLT_ORIGIN);
    }
    for (int i = 0; i < c; i++) {
        double lambda = fmax(value[i], 1e-8); /* black clips have none */
        kept += value[i];
        variance += sqrt(lambda) / c;
        scale[i] = (float)pow(lambda, -0.25);
        for (size_t j = 0; j < d; j++)
            basis[(size_t)i * d + j] = (float)vector[(size_t)i * d + j];
    }
    for (int i = 0; i < c; i++)
        scale[i] /= (float)sqrt(variance);
    free(value);
    free(vector);
    return total > 0 ? kept / total : 1;
}
