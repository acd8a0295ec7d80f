/* optim.c - losses, optimiser steps, and the sum that watches over them. */
#include "kern/c/c.h"

#include <math.h>

enum { PIECE = 65536 };

static void loss_rows(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_loss *a = arg;
    enum dtype wide = wide_of(a->type);
    int64_t n = a->dim;
    double *d = kcx_scratch(kc, worker, (size_t)(2 * n) * sizeof *d), *target = d + n;

    for (int64_t r = begin; r < end; r++) {
        double w = a->weight ? load1(a->weight, wide, r) : 1, sum = 0;

        load(d, a->pred, a->type, r * n, n);
        load(target, a->target, wide, r * n, n);
        for (int64_t i = 0; i < n; i++) {
            d[i] -= target[i];
            sum += a->l1 ? fabs(d[i]) : d[i] * d[i];
        }
        sum *= w / (double)n;
        store(a->loss, wide, r, 1, &sum);
        if (!a->dpred)
            continue;
        for (int64_t i = 0; i < n; i++)
            d[i] = a->scale * w / (double)n * (a->l1 ? (d[i] > 0) - (d[i] < 0) : 2 * d[i]);
        if (a->add)
            store_add(a->dpred, a->type, r * n, n, d);
        else
            store(a->dpred, a->type, r * n, n, d);
    }
}

void loss_c(struct kcx *kc, struct k_loss *a)
{
    split(kc, a->rows, 16, loss_rows, a);
}

/* Loshchilov and Hutter 2019, in the order of torch.optim.AdamW. */
static void adamw_range(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_adamw *a = arg;
    double root = sqrt(a->c2), scale = a->g_scale ? *a->g_scale : 1;

    (void)kc, (void)worker;
    for (int64_t i = begin; i < end; i++) {
        double g = a->g[i] * scale;
        double m = a->beta1 * a->m[i] + (1 - a->beta1) * g;
        double v = a->beta2 * a->v[i] + (1 - a->beta2) * g * g;
        double p = a->p[i] * (1 - a->lr * a->decay);

        a->m[i] = (float)m;
        a->v[i] = (float)v;
        a->p[i] = (float)(p - a->lr / a->c1 * m / (sqrt(v) / root + a->eps));
    }
}

void adamw_c(struct kcx *kc, struct k_adamw *a)
{
    split(kc, a->n, PIECE, adamw_range, a);
}

/* Momentum of torch.optim.SGD, or with lerp of torch.optim.Muon (Jordan et al. 2024). */
static void momentum_range(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_momentum *a = arg;
    double scale = a->g_scale ? *a->g_scale : 1;

    (void)kc, (void)worker;
    for (int64_t i = begin; i < end; i++) {
        double g = a->g[i] * scale, mix = a->lerp ? 1 - a->mu : 1;
        double buf = a->mu * a->buf[i] + mix * g;

        a->buf[i] = (float)buf;
        a->u[i] = (float)(a->nesterov ? mix * g + a->mu * buf : buf);
    }
}

void momentum_c(struct kcx *kc, struct k_momentum *a)
{
    split(kc, a->n, PIECE, momentum_range, a);
}

static void ema_range(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_ema *a = arg;

    (void)kc, (void)worker;
    for (int64_t i = begin; i < end; i++)
        a->avg[i] = (float)(a->avg[i] + (1 - a->decay) * ((double)a->p[i] - a->avg[i]));
}

void ema_c(struct kcx *kc, struct k_ema *a)
{
    split(kc, a->n, PIECE, ema_range, a);
}

struct chunks {
    const struct k_sum_squares *a;
    struct k_tally *chunk;
};

static struct k_tally tally(const void *x, enum dtype type, int64_t begin, int64_t end)
{
    struct k_tally c = {0, -1};
    double v[BLOCK];

    for (int64_t at = begin; at < end; at += BLOCK) {
        int64_t n = end - at < BLOCK ? end - at : BLOCK;

        load(v, x, type, at, n);
        for (int64_t i = 0; i < n; i++) {
            c.sum += v[i] * v[i];
            if (c.first_bad < 0 && !isfinite(v[i]))
                c.first_bad = (double)(at + i);
        }
    }
    return c;
}

static struct k_tally add_tallies(const struct k_tally *part, int64_t n)
{
    struct k_tally all = {0, -1};

    for (int64_t i = 0; i < n; i++) {
        all.sum += part[i].sum;
        if (all.first_bad < 0)
            all.first_bad = part[i].first_bad;
    }
    return all;
}

static void sum_squares_range(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct chunks *s = arg;

    (void)kc, (void)worker;
    s->chunk[begin / PIECE] = tally(s->a->x, s->a->type, begin, end);
}

void sum_squares_c(struct kcx *kc, struct k_sum_squares *a)
{
    int64_t n = (a->n + PIECE - 1) / PIECE;
    struct chunks s = {a, kcx_shared(kc, (size_t)n * sizeof *s.chunk)};

    split(kc, a->n, PIECE, sum_squares_range, &s);
    *a->out = add_tallies(s.chunk, n);
}

void clip_c(struct kcx *kc, struct k_clip *a)
{
    double norm = sqrt(add_tallies(a->part, a->n).sum);

    (void)kc;
    *a->scale = a->most > 0 && norm > a->most ? a->most / norm : 1;
}

static void unit_norm_range(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_unit_norm *a = arg;
    double x[BLOCK];

    (void)kc, (void)worker;
    for (int64_t m = begin; m < end; m++) {
        int64_t first = m * a->size, last = first + a->size;
        double sum = 0, by;

        for (int64_t at = first; at < last; at += PIECE)
            sum += tally(a->x, a->type, at, last - at < PIECE ? last : at + PIECE).sum;
        by = fmax(sqrt(sum), a->least);
        if (a->type == DT_BF16)
            by = bf16_to_f32(f32_to_bf16((float)by));
        for (int64_t at = first; at < last; at += BLOCK) {
            int64_t n = last - at < BLOCK ? last - at : BLOCK;

            load(x, a->x, a->type, at, n);
            for (int64_t i = 0; i < n; i++)
                x[i] /= by;
            store(a->x, a->type, at, n, x);
        }
    }
}

void unit_norm_c(struct kcx *kc, struct k_unit_norm *a)
{
    split(kc, a->n, 1, unit_norm_range, a);
}
