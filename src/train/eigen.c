#include "train/eigen.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static double dot(const double *x, const double *y, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++)
        s += x[i] * y[i];
    return s;
}

/* Reflect so that column k of the trailing part becomes (alpha, 0, ..., 0); v (of length m) is left
 * in row k of a. */
static void reflect(double *a, int n, int k, double *u, double *d, double *e)
{
    int m = n - k - 1;
    double *v =
        a + (size_t)k * n + k + 1; /* row k right of the diagonal equals column k below it */
    d[k] = a[(size_t)k * n + k];
    double norm = sqrt(dot(v, v, m));
    double alpha = v[0] > 0 ? -norm : norm;
    e[k] = alpha;
    v[0] -= alpha;
    double len = sqrt(dot(v, v, m));
    if (len == 0) {
        memset(v, 0, sizeof(double) * (size_t)m);
        return;
    }
    for (int i = 0; i < m; i++)
        v[i] /= len;
    double *t = a + (size_t)(k + 1) * n + k + 1; /* trailing matrix, rows n apart */
    for (int i = 0; i < m; i++)
        u[i] = dot(t + (size_t)i * n, v, m);
    double vu = dot(v, u, m);
    for (int i = 0; i < m; i++)
        u[i] = 2 * (u[i] - vu * v[i]);
    for (int i = 0; i < m; i++) {
        double *row = t + (size_t)i * n;
        for (int j = 0; j < m; j++)
            row[j] -= v[i] * u[j] + u[i] * v[j];
    }
}

/* z = transpose of Q = H_0 H_1 ... H_{n-3}: its rows become the eigenvectors, so rotations run
 * along rows. */
static void accumulate(const double *a, int n, double *z)
{
    memset(z, 0, sizeof(double) * (size_t)n * (size_t)n);
    for (int i = 0; i < n; i++)
        z[(size_t)i * n + i] = 1;
    for (int k = n - 3; k >= 0; k--) {
        int m = n - k - 1;
        const double *v = a + (size_t)k * n + k + 1;
        for (int i = k + 1; i < n; i++) {
            double *row = z + (size_t)i * n + k + 1;
            double s = 2 * dot(row, v, m);
            for (int j = 0; j < m; j++)
                row[j] -= s * v[j];
        }
    }
}

static void rotate(double *lower, double *upper, int n, double c, double s)
{
    for (int j = 0; j < n; j++) {
        double x = lower[j], y = upper[j];
        upper[j] = s * x + c * y;
        lower[j] = c * x - s * y;
    }
}

/* One implicit QL sweep over the unreduced block l..m. */
static void sweep(double *d, double *e, int l, int m, double *z, int n)
{
    double g = (d[l + 1] - d[l]) / (2 * e[l]);
    double r = hypot(g, 1);
    g = d[m] - d[l] + e[l] / (g + copysign(r, g));
    double s = 1, c = 1, p = 0;
    for (int i = m - 1; i >= l; i--) {
        double f = s * e[i], b = c * e[i];
        r = hypot(f, g);
        e[i + 1] = r;
        if (r == 0) { /* the block fell apart early */
            d[i + 1] -= p;
            e[m] = 0;
            return;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        rotate(z + (size_t)i * n, z + (size_t)(i + 1) * n, n, c, s);
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0;
}

static void solve_tridiagonal(double *d, double *e, int n, double *z)
{
    for (int l = 0; l < n; l++) {
        for (int turn = 0;; turn++) {
            int m = l;
            while (m < n - 1 && fabs(e[m]) > DBL_EPSILON * (fabs(d[m]) + fabs(d[m + 1])))
                m++;
            if (m == l)
                break;
            if (turn > 60)
                BUG("eigen: no convergence of value %d of %d", l, n);
            sweep(d, e, l, m, z, n);
        }
    }
}

struct pair {
    double value;
    int index;
};

static int by_value(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? 1 : -1;
    return x->index - y->index;
}

static void copy_oriented(double *dst, const double *src, int n)
{
    int top = 0;
    for (int i = 1; i < n; i++)
        if (fabs(src[i]) > fabs(src[top]))
            top = i;
    double sign = src[top] < 0 ? -1 : 1;
    for (int i = 0; i < n; i++)
        dst[i] = sign * src[i];
}

void eigen_symmetric(double *a, int n, double *value, double *vector)
{
    ZT_ASSERT(n >= 1);
    size_t count = (size_t)n;
    double *d = xcalloc(count, sizeof(double)), *e = xcalloc(count, sizeof(double));
    double *u = xcalloc(count, sizeof(double));
    double *z = xmalloc(sizeof(double) * count * count);
    for (int k = 0; k < n - 2; k++)
        reflect(a, n, k, u, d, e);
    if (n >= 2) {
        d[n - 2] = a[(count - 2) * count + count - 2];
        e[n - 2] = a[(count - 2) * count + count - 1];
    }
    d[n - 1] = a[count * count - 1];
    accumulate(a, n, z);
    solve_tridiagonal(d, e, n, z);
    struct pair *order = xmalloc(sizeof(*order) * count);
    for (int i = 0; i < n; i++)
        order[i] = (struct pair){d[i], i};
    qsort(order, count, sizeof(*order), by_value);
    for (int i = 0; i < n; i++) {
        value[i] = order[i].value;
        copy_oriented(vector + (size_t)i * count, z + (size_t)order[i].index * count, n);
    }
    free(order);
    free(z);
    free(u);
    free(e);
    free(d);
}
