/* test_kern_optim.c - optimiser steps against formulas written again here: these kernels know f32
 * alone, so there is no f64 run to compare with. */
#include "kit.h"

static const int64_t shapes[][10] = {{1, 0}, {17, 1}, {1025, 2}, {70001, 3}, {0, 0}, {31, 3}};

/* n doubles, which kernels of any type take as they are. */
static double *doubles(struct kit *t, int64_t n)
{
    return kit_work(t, WIDE, kit_type(t, WIDE) == DT_F64 ? n : 2 * n);
}

static double *scale(struct kit *t, double value)
{
    double *s = doubles(t, 1);

    *s = value;
    return s;
}

static void adamw_again(const struct k_adamw *a, double *p, double *m, double *v, const double *g)
{
    for (int64_t i = 0; i < a->n; i++) {
        double gi = a->g_scale ? g[i] * *a->g_scale : g[i];

        m[i] += (1 - a->beta1) * (gi - m[i]);
        v[i] = a->beta2 * v[i] + (1 - a->beta2) * gi * gi;
        p[i] -= a->lr * a->decay * p[i];
        p[i] -= a->lr * (m[i] / a->c1) / (sqrt(v[i] / a->c2) + a->eps);
    }
}

static void adamw(struct kit *t)
{
    struct k_adamw a = {.n = t->s[0],
                        .lr = 1e-2,
                        .beta1 = 0.9,
                        .beta2 = 0.95,
                        .eps = 1e-8,
                        .decay = 0.1,
                        .c1 = 0.19,
                        .c2 = 0.0975,
                        .g_scale = t->s[1] & 1 ? scale(t, 0.37) : NULL};
    void *p = kit_io(t, "p", WIDE, a.n, 1), *m = kit_io(t, "m", WIDE, a.n, 0.1);
    void *v = kit_io(t, "v", WIDE, a.n, 1), *g = kit_in(t, WIDE, a.n, 1);

    for (int64_t i = 0; i < a.n; i++) /* second moments are never negative */
        if (t->reference)
            ((double *)v)[i] = fabs(((double *)v)[i]);
        else
            ((float *)v)[i] = fabsf(((float *)v)[i]);
    if (t->reference) {
        adamw_again(&a, p, m, v, g);
        return;
    }
    a.p = p;
    a.m = m;
    a.v = v;
    a.g = g;
    t->k->adamw(t->kc, &a);
}

static void momentum_again(const struct k_momentum *a, double *buf, double *u, const double *g)
{
    double mix = a->lerp ? 1 - a->mu : 1;

    for (int64_t i = 0; i < a->n; i++) {
        double gi = a->g_scale ? g[i] * *a->g_scale : g[i];

        buf[i] = a->mu * buf[i] + mix * gi;
        u[i] = a->nesterov ? mix * gi + a->mu * buf[i] : buf[i];
    }
}

static void momentum(struct kit *t)
{
    struct k_momentum a = {.n = t->s[0],
                           .mu = 0.95,
                           .g_scale = t->s[1] == 2 ? NULL : scale(t, 1.7),
                           .lerp = t->s[1] & 1,
                           .nesterov = t->s[1] >> 1 & 1};
    void *buf = kit_io(t, "buf", WIDE, a.n, 1), *u = kit_out(t, "u", WIDE, a.n);
    void *g = kit_in(t, WIDE, a.n, 1);

    if (t->reference) {
        momentum_again(&a, buf, u, g);
        return;
    }
    a.buf = buf;
    a.u = u;
    a.g = g;
    t->k->momentum(t->kc, &a);
}

static void ema(struct kit *t)
{
    struct k_ema a = {.n = t->s[0], .decay = 0.9985};
    void *avg = kit_io(t, "avg", WIDE, a.n, 1), *p = kit_in(t, WIDE, a.n, 1);

    if (t->reference) {
        for (int64_t i = 0; i < a.n; i++)
            ((double *)avg)[i] = a.decay * ((double *)avg)[i] + (1 - a.decay) * ((double *)p)[i];
        return;
    }
    a.avg = avg;
    a.p = p;
    t->k->ema(t->kc, &a);
}

KERNEL_ROW(adamw, adamw, shapes, DATA_MILD, 1, 2e-6, 0, 0)
KERNEL_ROW(momentum, momentum, shapes, DATA_ALL, 1, 2e-6, 0, 0)
KERNEL_ROW(ema, ema, shapes, DATA_ALL, 1, 2e-6, 0, 0)

/* n, place of a NaN + 1 */
static const int64_t square_shapes[][10] = {
    {0, 0}, {1, 0}, {31, 17}, {65536, 0}, {65537, 65537}, {200001, 0}, {200001, 131073}, {129, 1},
};

/* The first element of a wide buffer. */
static void kit_put(struct kit *t, void *buf, double value)
{
    if (kit_type(t, WIDE) == DT_F64)
        *(double *)buf = value;
    else
        *(float *)buf = (float)value;
}

static void sum_squares(struct kit *t)
{
    int64_t n = t->s[0], bad = t->s[1] - 1;
    struct k_sum_squares a = {.n = n, .type = kit_type(t, ACT)};
    void *sum = kit_out(t, "sum", WIDE, 1), *x = kit_in(t, ACT, n, 1);
    struct k_tally *tally = (struct k_tally *)doubles(t, 2);

    if (bad >= 0 && a.type == DT_F64)
        ((double *)x)[bad] = INFINITY;
    if (bad >= 0 && a.type == DT_F32)
        ((float *)x)[bad] = INFINITY;
    if (bad >= 0 && a.type == DT_BF16)
        ((bf16 *)x)[bad] = 0x7f80;
    a.x = x;
    a.out = tally;
    t->k->sum_squares(t->kc, &a);
    if (tally->first_bad != (double)bad)
        ztest_fail(__FILE__, __LINE__, "sum_squares: first bad element of %lld is %.0f, not %lld",
                   (long long)n, tally->first_bad, (long long)bad);
    kit_put(t, sum, bad < 0 ? tally->sum : 0);
}

KERNEL_ROW(sum_squares, sum_squares, square_shapes, DATA_ALL, 0, 1e-6, 1e-2, 1e-6)

/* parts, longest allowed length */
static const int64_t clip_shapes[][10] = {{0, 1}, {1, 2}, {3, 1000}, {300, 10}, {300, 0}};

static void clip(struct kit *t)
{
    struct k_clip a = {.n = t->s[0], .most = (double)t->s[1]};
    void *out = kit_out(t, "scale", WIDE, 1);
    struct k_tally *part = (struct k_tally *)doubles(t, 2 * a.n);
    double *scale = doubles(t, 1), total = 0;

    for (int64_t i = 0; i < a.n; i++) {
        part[i] = (struct k_tally){9 + (double)(i % 7), -1};
        total += part[i].sum;
    }
    a.part = part;
    a.scale = scale;
    if (t->reference)
        *scale = a.most > 0 && total > a.most * a.most ? a.most / sqrt(total) : 1;
    else
        t->k->clip(t->kc, &a);
    kit_put(t, out, *scale);
}

KERNEL_ROW(clip, clip, clip_shapes, DATA_SOFT, 1, 1e-7, 0, 0)

/* matrices, size of each. In bf16 the divisor is rounded too. */
static const int64_t unit_shapes[][10] = {{1, 1}, {3, 1025}, {5, 64}, {2, 131073}, {1, 65536}};

static void unit_norm(struct kit *t)
{
    struct k_unit_norm a = {.n = t->s[0], .size = t->s[1], .least = 1e-3, .type = kit_type(t, ACT)};

    a.x = kit_io(t, "x", ACT, a.n * a.size, 1);
    t->k->unit_norm(t->kc, &a);
}

KERNEL_ROW(unit_norm, unit_norm, unit_shapes, DATA_ALL, 0, 1e-6, 6e-3, 0)
