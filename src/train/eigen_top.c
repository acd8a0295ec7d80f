/* eigen_top.c - the largest eigenvalues by orthogonal iteration. A codec wants some tens of
 * thousands of components, for which a full solution would do 64 times the work. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rng.h"
#include "base/thread.h"
#include "train/eigen.h"

enum {
    COLUMNS = 256,    /* of one item of work: a block of all vectors stays in the cache */
    LEAST_EXTRA = 16, /* vectors beside the wanted ones; they set the speed of convergence */
    MOST_TURNS = 60,
    SEED = 20
};
#define RESIDUAL 1e-9

struct product { /* y [p,n] = x [p,n] a */
    const double *a, *x;
    double *y;
    int n, p;
};

static void product_columns(void *arg, int item, int worker)
{
    const struct product *j = arg;
    size_t n = (size_t)j->n;
    int from = item * COLUMNS, count = j->n - from < COLUMNS ? j->n - from : COLUMNS;

    (void)worker;
    for (int v = 0; v < j->p; v++)
        memset(j->y + (size_t)v * n + from, 0, sizeof(double) * (size_t)count);
    for (size_t i = 0; i < n; i++) {
        const double *row = j->a + i * n + from;

        for (int v = 0; v < j->p; v++) {
            double *y = j->y + (size_t)v * n + from, f = j->x[(size_t)v * n + i];

            for (int c = 0; c < count; c++)
                y[c] += f * row[c];
        }
    }
}

static void multiply(const double *a, const double *x, double *y, int n, int p, struct threads *th)
{
    struct product j = {a, x, y, n, p};

    threads_run(th, (n + COLUMNS - 1) / COLUMNS, product_columns, &j);
}

static double dot(const double *x, const double *y, int n)
{
    double s = 0;

    for (int i = 0; i < n; i++)
        s += x[i] * y[i];
    return s;
}

/* Gram and Schmidt, each row twice: once leaves what cancellation made of it. A row that the others
 * span is replaced by noise. */
static void orthonormalise(double *q, int n, int p, struct rng *r)
{
    for (int v = 0; v < p; v++) {
        double *row = q + (size_t)v * (size_t)n, length = sqrt(dot(row, row, n));

        for (int turn = 0; turn < 2; turn++) {
            for (int u = 0; u < v; u++) {
                const double *other = q + (size_t)u * (size_t)n;
                double s = dot(row, other, n);

                for (int i = 0; i < n; i++)
                    row[i] -= s * other[i];
            }
            double left = sqrt(dot(row, row, n));
            if (!(left > 1e-13 * length)) {
                for (int i = 0; i < n; i++)
                    row[i] = rng_normal(r);
                length = sqrt(dot(row, row, n));
                turn = -1;
                continue;
            }
            for (int i = 0; i < n; i++)
                row[i] /= left;
            length = 1;
        }
    }
}

/* out [p,n] = turn [p,p] x [p,n] */
static void combine(const double *turn, const double *x, double *out, int n, int p)
{
    memset(out, 0, sizeof(double) * (size_t)p * (size_t)n);
    for (int v = 0; v < p; v++)
        for (int u = 0; u < p; u++) {
            double f = turn[(size_t)v * (size_t)p + (size_t)u];
            const double *row = x + (size_t)u * (size_t)n;
            double *to = out + (size_t)v * (size_t)n;

            for (int i = 0; i < n; i++)
                to[i] += f * row[i];
        }
}

static double worst_residual(const double *v, const double *av, const double *value, int n, int k)
{
    double worst = 0;

    for (int c = 0; c < k; c++) {
        double sum = 0;

        for (int i = 0; i < n; i++) {
            double d = av[(size_t)c * (size_t)n + (size_t)i] -
                       value[c] * v[(size_t)c * (size_t)n + (size_t)i];
            sum += d * d;
        }
        worst = fmax(worst, sqrt(sum));
    }
    return worst;
}

static void orient(double *dst, const double *src, int n)
{
    int top = 0;

    for (int i = 1; i < n; i++)
        if (fabs(src[i]) > fabs(src[top]))
            top = i;
    for (int i = 0; i < n; i++)
        dst[i] = src[top] < 0 ? -src[i] : src[i];
}

void eigen_top(const double *a, int n, int k, double *value, double *vector, struct threads *th)
{
    int p = 2 * k > k + LEAST_EXTRA ? 2 * k : k + LEAST_EXTRA;
    struct rng r;

    ZT_ASSERT(k >= 1 && k <= n);
    p = p < n ? p : n;
    size_t rows = (size_t)p * (size_t)n, square = (size_t)p * (size_t)p;
    double *q = xmalloc(sizeof(double) * rows), *aq = xmalloc(sizeof(double) * rows);
    double *v = xmalloc(sizeof(double) * rows), *av = xmalloc(sizeof(double) * rows);
    double *small = xmalloc(sizeof(double) * square), *turn = xmalloc(sizeof(double) * square);
    double *ritz = xmalloc(sizeof(double) * (size_t)p);
    rng_init(&r, SEED, 0);
    for (size_t i = 0; i < rows; i++)
        v[i] = rng_normal(&r);
    multiply(a, v, q, n, p, th);
    for (int t = 0; t < MOST_TURNS; t++) {
        orthonormalise(q, n, p, &r);
        multiply(a, q, aq, n, p, th);
        for (int i = 0; i < p; i++)
            for (int j = 0; j <= i; j++)
                small[(size_t)i * (size_t)p + (size_t)j] =
                    small[(size_t)j * (size_t)p + (size_t)i] =
                        dot(q + (size_t)i * (size_t)n, aq + (size_t)j * (size_t)n, n);
        eigen_symmetric(small, p, ritz, turn);
        combine(turn, q, v, n, p);
        combine(turn, aq, av, n, p);
        if (worst_residual(v, av, ritz, n, k) <= RESIDUAL * fabs(ritz[0]))
            break;
        multiply(a, av, q, n, p, th); /* av is one product of v already */
    }
    for (int c = 0; c < k; c++) {
        value[c] = ritz[c];
        orient(vector + (size_t)c * (size_t)n, v + (size_t)c * (size_t)n, n);
    }
    free(q);
    free(aq);
    free(v);
    free(av);
    free(small);
    free(turn);
    free(ritz);
}
