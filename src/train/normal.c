#include "train/normal.h"

#include <math.h>
#include <stdlib.h>

void normal_init(struct normal *s, int64_t n_in, int64_t n_out)
{
    *s = (struct normal){.n_in = n_in, .n_out = n_out};
    s->a = xcalloc((size_t)(n_in * n_in), sizeof *s->a);
    s->b = xcalloc((size_t)(n_in * n_out), sizeof *s->b);
    s->part = xmalloc(sizeof *s->part * (size_t)(n_in * (n_in > n_out ? n_in : n_out)));
}

void normal_release(struct normal *s)
{
    free(s->a);
    free(s->b);
    free(s->part);
    *s = (struct normal){0};
}

/* part [n_in, n] = x^T y of rows, added to sum. */
static void add_product(const struct normal *s, struct kcx *kc, double *sum, const float *x,
                        const float *y, int64_t rows, int64_t n)
{
    int64_t n_in = s->n_in;
    struct k_matmul p = {.m = n_in,
                         .n = n,
                         .k = rows,
                         .lda = n_in,
                         .ldb = n,
                         .ldc = n,
                         .a = x,
                         .b = y,
                         .c = s->part};
    p.a_type = p.b_type = p.c_type = DT_F32;
    kernels_best()->matmul_tn(kc, &p);
    for (int64_t i = 0; i < n_in * n; i++)
        sum[i] += s->part[i];
}

void normal_add(struct normal *s, struct kcx *kc, const float *x, const float *y, int64_t rows)
{
    for (int64_t i = 0; i < rows * s->n_out; i++)
        s->error += (double)y[i] * y[i];
    add_product(s, kc, s->a, x, x, rows, s->n_in);
    add_product(s, kc, s->b, x, y, rows, s->n_out);
}

/* In place: A becomes its Cholesky factor (lower), B the solution. */
double normal_solve(struct normal *s)
{
    int64_t n = s->n_in, m = s->n_out;
    double trace = 0, given = 0;
    for (int64_t i = 0; i < n; i++)
        trace += s->a[i * n + i];
    for (int64_t i = 0; i < n; i++)
        s->a[i * n + i] += 1e-4 * trace / (double)n + 1e-12;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j <= i; j++) {
            double sum = s->a[i * n + j];
            for (int64_t k = 0; k < j; k++)
                sum -= s->a[i * n + k] * s->a[j * n + k];
            s->a[i * n + j] = i == j ? sqrt(fmax(sum, 1e-30)) : sum / s->a[j * n + j];
        }
    }
    for (int64_t i = 0; i < n; i++) { /* L u = B */
        for (int64_t k = 0; k < i; k++)
            for (int64_t j = 0; j < m; j++)
                s->b[i * m + j] -= s->a[i * n + k] * s->b[k * m + j];
        for (int64_t j = 0; j < m; j++) {
            s->b[i * m + j] /= s->a[i * n + i];
            given += s->b[i * m + j] * s->b[i * m + j];
        }
    }
    for (int64_t i = n - 1; i >= 0; i--) { /* L^T w = u */
        for (int64_t k = i + 1; k < n; k++)
            for (int64_t j = 0; j < m; j++)
                s->b[i * m + j] -= s->a[k * n + i] * s->b[k * m + j];
        for (int64_t j = 0; j < m; j++)
            s->b[i * m + j] /= s->a[i * n + i];
    }
    return given / fmax(s->error, 1e-30);
}

void normal_store(const struct normal *s, struct weight *w)
{
    float *values = xmalloc(sizeof *values * (size_t)(s->n_in * s->n_out));
    weight_read(w, values);
    for (int64_t p = 0; p < s->n_out; p++)
        for (int64_t i = 0; i < s->n_in; i++)
            values[p * s->n_in + i] += (float)s->b[i * s->n_out + p];
    weight_store(w, values, DT_F32);
    free(values);
}
