/* norm.c - layer norm with modulation, and RMS norm. In the comments h is the normalised row. */
#include "kern/c/c.h"

#include <math.h>

struct moments {
    double mean, rstd;
};

static double mean_of(const double *x, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

static double mean_product(const double *x, const double *y, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum / (double)n;
}

/* x becomes h = (x - mean) rstd. */
static struct moments normalise(double *x, int64_t n, double eps)
{
    struct moments m = {.mean = mean_of(x, n)};

    for (int64_t i = 0; i < n; i++)
        x[i] -= m.mean;
    m.rstd = 1 / sqrt(mean_product(x, x, n) + eps);
    for (int64_t i = 0; i < n; i++)
        x[i] *= m.rstd;
    return m;
}

static int64_t entry(const int32_t *index, int64_t row, int64_t ld)
{
    return index ? index[row] * ld : 0;
}

static void norm_mod_rows(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_norm_mod *a = arg;
    enum dtype wide = wide_of(a->y_type);
    int64_t n = a->dim;
    double *h = kcx_scratch(kc, worker, (size_t)(5 * n) * sizeof *h);
    double *gain = h + n, *bias = gain + n, *scale = bias + n, *shift = scale + n;

    load_or(gain, a->gain, wide, 0, n, 1);
    load_or(bias, a->bias, wide, 0, n, 0);
    for (int64_t r = begin; r < end; r++) {
        struct moments m;
        int64_t e = entry(a->index, r, a->ld_mod);

        load(h, a->x, a->x_type, r * n, n);
        load_or(scale, a->scale, wide, e, n, 0);
        load_or(shift, a->shift, wide, e, n, 0);
        m = normalise(h, n, a->eps);
        for (int64_t i = 0; i < n; i++)
            h[i] = (h[i] * gain[i] + bias[i]) * (1 + scale[i]) + shift[i];
        store(a->y, a->y_type, r * n, n, h);
        if (a->stats)
            store(a->stats, wide, 2 * r, 2, &m.mean);
    }
}

void norm_mod_c(struct kcx *kc, struct k_norm_mod *a)
{
    split(kc, a->rows, 16, norm_mod_rows, a);
}

/* What the column sums need to see of a row again: its moments, and which sum is taken. */
struct norm_sums {
    const struct k_norm_mod_bwd *a;
    struct moments *m;
    int after_mod; /* sums of the modulation, else of gain and bias */
    int times_h;   /* scale and gain, else shift and bias */
};

/* dx: with g = dy (1 + scale) gain, dx = rstd (g - mean(g) - h mean(g h)). */
static void norm_mod_bwd_rows(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct norm_sums *s = arg;
    const struct k_norm_mod *f = &s->a->f;
    enum dtype wide = wide_of(f->y_type);
    int64_t n = f->dim;
    double *h = kcx_scratch(kc, worker, (size_t)(4 * n) * sizeof *h);
    double *g = h + n, *gain = g + n, *scale = gain + n;

    load_or(gain, f->gain, wide, 0, n, 1);
    for (int64_t r = begin; r < end; r++) {
        double mean, mean_h;

        load(h, f->x, f->x_type, r * n, n);
        load(g, s->a->dy, f->y_type, r * n, n);
        load_or(scale, f->scale, wide, entry(f->index, r, f->ld_mod), n, 0);
        s->m[r] = normalise(h, n, f->eps);
        for (int64_t i = 0; i < n; i++)
            g[i] *= (1 + scale[i]) * gain[i];
        mean = mean_of(g, n);
        mean_h = mean_product(g, h, n);
        for (int64_t i = 0; i < n; i++)
            g[i] = s->m[r].rstd * (g[i] - mean - h[i] * mean_h);
        if (s->a->add)
            store_add(s->a->dx, f->x_type, r * n, n, g);
        else
            store(s->a->dx, f->x_type, r * n, n, g);
    }
}

/* Columns first.. of one row: dshift dy; dscale dy (h gain + bias); dbias dy (1 + scale); dgain
 * that times h. */
static void norm_mod_term(const void *arg, int64_t row, int64_t first, int64_t n, double *term)
{
    const struct norm_sums *s = arg;
    const struct k_norm_mod *f = &s->a->f;
    enum dtype wide = wide_of(f->y_type);
    double h[COLS], gain[COLS], bias[COLS], scale[COLS];

    load(term, s->a->dy, f->y_type, row * f->dim + first, n);
    load(h, f->x, f->x_type, row * f->dim + first, n);
    load_or(gain, f->gain, wide, first, n, 1);
    load_or(bias, f->bias, wide, first, n, 0);
    load_or(scale, f->scale, wide, entry(f->index, row, f->ld_mod) + first, n, 0);
    for (int64_t i = 0; i < n; i++) {
        double hat = (h[i] - s->m[row].mean) * s->m[row].rstd;

        if (!s->after_mod)
            term[i] *= 1 + scale[i];
        if (s->times_h)
            term[i] *= s->after_mod ? hat * gain[i] + bias[i] : hat;
    }
}

void norm_mod_bwd_c(struct kcx *kc, struct k_norm_mod_bwd *a)
{
    const struct k_norm_mod *f = &a->f;
    void *sum[4] = {a->dbias, a->dgain, a->dshift, a->dscale};
    struct norm_sums s = {.a = a, .m = kcx_shared(kc, (size_t)f->rows * sizeof *s.m)};

    split(kc, f->rows, 16, norm_mod_bwd_rows, &s);
    for (int i = 0; i < 4; i++) {
        struct column_sum c = {
            f->rows, f->dim,        f->ld_mod, i >= 2 ? f->index : NULL, wide_of(f->y_type),
            sum[i],  norm_mod_term, &s};

        s.after_mod = i >= 2;
        s.times_h = i & 1;
        column_sum(kc, &c);
    }
}

static double rms_rstd(const double *x, int64_t n, double eps)
{
    return 1 / sqrt(mean_product(x, x, n) + eps);
}

static void rms_norm_rows(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_rms_norm *a = arg;
    enum dtype wide = wide_of(a->y_type);
    int64_t n = a->dim;
    double *x = kcx_scratch(kc, worker, (size_t)(2 * n) * sizeof *x), *gain = x + n;

    load_or(gain, a->gain, wide, 0, n, 1);
    for (int64_t r = begin; r < end; r++) {
        double rstd;

        load(x, a->x, a->x_type, r * n, n);
        rstd = rms_rstd(x, n, a->eps);
        for (int64_t i = 0; i < n; i++)
            x[i] = x[i] * rstd * gain[i];
        store(a->y, a->y_type, r * n, n, x);
        if (a->stats)
            store(a->stats, wide, r, 1, &rstd);
    }
}

void rms_norm_c(struct kcx *kc, struct k_rms_norm *a)
{
    split(kc, a->rows, 16, rms_norm_rows, a);
}

struct rms_sums {
    const struct k_rms_norm_bwd *a;
    double *rstd;
};

/* With g = dy gain and h = x rstd: dx = rstd (g - h mean(g h)). */
static void rms_norm_bwd_rows(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct rms_sums *s = arg;
    const struct k_rms_norm *f = &s->a->f;
    int64_t n = f->dim;
    double *x = kcx_scratch(kc, worker, (size_t)(3 * n) * sizeof *x);
    double *g = x + n, *gain = g + n;

    load_or(gain, f->gain, wide_of(f->y_type), 0, n, 1);
    for (int64_t r = begin; r < end; r++) {
        double rstd, mean;

        load(x, f->x, f->x_type, r * n, n);
        load(g, s->a->dy, f->y_type, r * n, n);
        rstd = s->rstd[r] = rms_rstd(x, n, f->eps);
        for (int64_t i = 0; i < n; i++)
            g[i] *= gain[i];
        mean = mean_product(g, x, n) * rstd;
        for (int64_t i = 0; i < n; i++)
            g[i] = rstd * (g[i] - x[i] * rstd * mean);
        store(s->a->dx, f->x_type, r * n, n, g);
    }
}

static void rms_norm_term(const void *arg, int64_t row, int64_t first, int64_t n, double *term)
{
    const struct rms_sums *s = arg;
    const struct k_rms_norm *f = &s->a->f;
    double x[COLS];

    load(term, s->a->dy, f->y_type, row * f->dim + first, n);
    load(x, f->x, f->x_type, row * f->dim + first, n);
    for (int64_t i = 0; i < n; i++)
        term[i] *= x[i] * s->rstd[row];
}

void rms_norm_bwd_c(struct kcx *kc, struct k_rms_norm_bwd *a)
{
    const struct k_rms_norm *f = &a->f;
    struct rms_sums s = {a, kcx_shared(kc, (size_t)f->rows * sizeof *s.rstd)};
    struct column_sum c = {f->rows,  f->dim,        0, NULL, wide_of(f->y_type),
                           a->dgain, rms_norm_term, &s};

    split(kc, f->rows, 16, rms_norm_bwd_rows, &s);
    column_sum(kc, &c);
}
