/* elementwise.c - activations, sums and products of arrays, gated residuals, rotation. Blocks of
 * elements are loaded whole before any is stored, so outputs may be their inputs. */
#include "kern/c/c.h"

#include <math.h>

enum { PIECE = 64 * BLOCK };

/* Begin and length of each block of a range. */
#define FOR_BLOCKS(at, n, begin, end)                                                              \
    for (int64_t at = begin, n; at < end && (n = end - at < BLOCK ? end - at : BLOCK, 1); at += n)

static const double gelu_c = 0.79788456080286535588; /* sqrt(2/pi) */
static const double gelu_d = 0.044715;               /* Hendrycks and Gimpel 2016 */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double act_value(enum k_act act, double x)
{
    switch (act) {
    case ACT_RELU:
        return x > 0 || isnan(x) ? x : 0;
    case ACT_SILU:
        return x * sigmoid(x);
    case ACT_GELU_TANH:
        return 0.5 * x * (1 + tanh(gelu_c * (x + gelu_d * x * x * x)));
    case ACT_GELU_ERF:
        return 0.5 * x * (1 + erf(x * M_SQRT1_2));
    case ACT_TANH3:
        return 3 * tanh(x / 3);
    case N_ACTS:
        break;
    }
    BUG("no activation %d", (int)act);
}

static double act_slope(enum k_act act, double x)
{
    double s, t;

    switch (act) {
    case ACT_RELU:
        return x > 0;
    case ACT_SILU:
        s = sigmoid(x);
        return s * (1 + x * (1 - s));
    case ACT_GELU_TANH:
        t = tanh(gelu_c * (x + gelu_d * x * x * x));
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * gelu_c * (1 + 3 * gelu_d * x * x);
    case ACT_GELU_ERF:
        return 0.5 * (1 + erf(x * M_SQRT1_2)) + 0.5 * gelu_c * x * exp(-0.5 * x * x);
    case ACT_TANH3:
        t = tanh(x / 3);
        return 1 - t * t;
    case N_ACTS:
        break;
    }
    BUG("no activation %d", (int)act);
}

static void act_range(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_act_fwd *a = arg;
    double x[BLOCK];

    (void)kc, (void)worker;
    FOR_BLOCKS(at, n, begin, end)
    {
        load(x, a->x, a->type, at, n);
        for (int64_t i = 0; i < n; i++)
            x[i] = act_value(a->act, x[i]);
        store(a->y, a->type, at, n, x);
    }
}

void act_c(struct kcx *kc, struct k_act_fwd *a)
{
    split(kc, a->n, PIECE, act_range, a);
}

static void act_bwd_range(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_act_bwd *a = arg;
    double x[BLOCK], dy[BLOCK];

    (void)kc, (void)worker;
    FOR_BLOCKS(at, n, begin, end)
    {
        load(x, a->x, a->type, at, n);
        load(dy, a->dy, a->type, at, n);
        for (int64_t i = 0; i < n; i++)
            dy[i] *= act_slope(a->act, x[i]);
        store(a->dx, a->type, at, n, dy);
    }
}

void act_bwd_c(struct kcx *kc, struct k_act_bwd *a)
{
    split(kc, a->n, PIECE, act_bwd_range, a);
}

static void add_range(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_add *a = arg;
    double x[BLOCK], y[BLOCK];

    (void)kc, (void)worker;
    FOR_BLOCKS(at, n, begin, end)
    {
        load(x, a->a, a->a_type, at, n);
        for (int64_t i = 0; i < n; i++)
            x[i] *= a->alpha;
        if (a->b && a->beta != 0) { /* b may be uninitialised where beta is 0 */
            load(y, a->b, a->b_type, at, n);
            for (int64_t i = 0; i < n; i++)
                x[i] += a->beta * y[i];
        }
        store(a->y, a->y_type, at, n, x);
    }
}

void add_c(struct kcx *kc, struct k_add *a)
{
    split(kc, a->n, PIECE, add_range, a);
}

static void mul_range(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_mul *a = arg;
    double x[BLOCK], y[BLOCK];

    (void)kc, (void)worker;
    FOR_BLOCKS(at, n, begin, end)
    {
        load(x, a->a, a->type, at, n);
        load(y, a->b, a->type, at, n);
        for (int64_t i = 0; i < n; i++)
            x[i] *= y[i];
        if (a->add)
            store_add(a->y, a->type, at, n, x);
        else
            store(a->y, a->type, at, n, x);
    }
}

void mul_c(struct kcx *kc, struct k_mul *a)
{
    split(kc, a->n, PIECE, mul_range, a);
}

static int64_t gate_at(const struct k_add_gated *a, int64_t row)
{
    return a->index ? a->index[row] * a->ld_mod : 0;
}

static void add_gated_rows(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_add_gated *a = arg;
    double x[BLOCK], h[BLOCK], gate[BLOCK];

    (void)kc, (void)worker;
    for (int64_t r = begin; r < end; r++)
        FOR_BLOCKS(at, n, 0, a->dim)
        {
            load(x, a->x, a->x_type, r * a->dim + at, n);
            load(h, a->h, a->h_type, r * a->dim + at, n);
            load_or(gate, a->gate, wide_of(a->x_type), gate_at(a, r) + at, n, 1);
            for (int64_t i = 0; i < n; i++)
                x[i] += h[i] * gate[i];
            store(a->y, a->x_type, r * a->dim + at, n, x);
        }
}

void add_gated_c(struct kcx *kc, struct k_add_gated *a)
{
    split(kc, a->rows, 16, add_gated_rows, a);
}

static void add_gated_bwd_rows(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_add_gated_bwd *a = arg;
    const struct k_add_gated *f = &a->f;
    double dy[BLOCK], gate[BLOCK];

    (void)kc, (void)worker;
    for (int64_t r = begin; r < end; r++)
        FOR_BLOCKS(at, n, 0, f->dim)
        {
            load(dy, a->dy, f->x_type, r * f->dim + at, n);
            load_or(gate, f->gate, wide_of(f->x_type), gate_at(f, r) + at, n, 1);
            for (int64_t i = 0; i < n; i++)
                dy[i] *= gate[i];
            store(a->dh, f->h_type, r * f->dim + at, n, dy);
        }
}

static void gate_term(const void *arg, int64_t row, int64_t first, int64_t n, double *term)
{
    const struct k_add_gated_bwd *a = arg;
    double h[COLS];

    load(term, a->dy, a->f.x_type, row * a->f.dim + first, n);
    load(h, a->f.h, a->f.h_type, row * a->f.dim + first, n);
    for (int64_t i = 0; i < n; i++)
        term[i] *= h[i];
}

void add_gated_bwd_c(struct kcx *kc, struct k_add_gated_bwd *a)
{
    const struct k_add_gated *f = &a->f;
    struct column_sum c = {f->rows,  f->dim,    f->ld_mod, f->index, wide_of(f->x_type),
                           a->dgate, gate_term, a};

    split(kc, f->rows, 16, add_gated_bwd_rows, a);
    column_sum(kc, &c);
}

static void rope_rows(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_rope *a = arg;
    int64_t dim = a->head_dim;
    double *turn = kcx_scratch(kc, worker, (size_t)(2 * dim) * sizeof *turn), *x = turn + dim;

    for (int64_t r = begin; r < end; r++) {
        load(turn, a->table, wide_of(a->type), (a->pos ? a->pos[r] : r) * dim, dim);
        for (int64_t h = 0; h < a->heads; h++) {
            int64_t at = (r * a->heads + h) * dim;

            load(x, a->x, a->type, at, dim);
            for (int64_t i = 0; i < dim; i += 2) {
                double c = turn[i], s = a->inverse ? -turn[i + 1] : turn[i + 1];
                double even = x[i], odd = x[i + 1];

                x[i] = even * c - odd * s;
                x[i + 1] = even * s + odd * c;
            }
            store(a->y, a->type, at, dim, x);
        }
    }
}

void rope_c(struct kcx *kc, struct k_rope *a)
{
    split(kc, a->rows, 16, rope_rows, a);
}
