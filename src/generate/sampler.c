#include "generate/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

struct kind {
    const char *name;
    void (*schedule)(struct sampler *s);
    void (*step)(struct sampler *s, int i, float *x, const float *v, size_t n);
    int latents_by_order, latents; /* that history() is asked for */
};

struct sampler {
    struct sampler_config c;
    const struct kind *kind;
    int n;                        /* evaluations */
    int n_sigma;                  /* entries of sigma */
    float *sigma, *t;             /* tables as the reference prints them */
    float *x0[SAMPLER_MAX_ORDER]; /* newest last: predictions of the clean sample */
    float *last;     /* unipc: x before the last prediction; heun: x at the first half */
    float *slope;    /* heun */
    int n_x0, order; /* predictions held, order of the last step */
};

static double shifted(const struct sampler_config *c, double sigma)
{
    if (c->dynamic)
        return exp(c->mu) / (exp(c->mu) + (1 / sigma - 1));
    return c->shift * sigma / (1 + (c->shift - 1) * sigma);
}

/* n steps from the largest to the smallest trained sigma. The reference shifts the smallest value
 * once when the scheduler is made, unless the shift is dynamic, and again here. `terminal`
 * stretches 1 - sigma so that the last level is that; one step has nothing to stretch (the
 * reference: NaN). */
static void linear_sigmas(struct sampler *s, float *out)
{
    int n = s->c.steps;
    double low = 1.0 / s->c.train_steps, scale = 1;

    if (!s->c.dynamic)
        low = (double)(float)(s->c.shift * low / (1 + (s->c.shift - 1) * low));
    if (s->c.terminal > 0 && n > 1)
        scale = (1 - shifted(&s->c, low)) / (1 - s->c.terminal);
    for (int i = 0; i < n; i++) {
        double u = n > 1 ? 1 + (low - 1) * i / (n - 1) : 1;
        out[i] = (float)(1 - (1 - shifted(&s->c, u)) / scale);
    }
}

static void tables(struct sampler *s, int evaluations, int sigmas)
{
    s->n = evaluations;
    s->n_sigma = sigmas;
    s->sigma = xcalloc((size_t)sigmas, sizeof(float));
    s->t = xcalloc((size_t)evaluations, sizeof(float));
}

static void schedule_linear(struct sampler *s)
{
    tables(s, s->c.steps, s->c.steps + 1);
    linear_sigmas(s, s->sigma);
    for (int i = 0; i < s->n; i++)
        s->t[i] = s->sigma[i] * (float)s->c.train_steps;
}

static void schedule_heun(struct sampler *s)
{
    int n = s->c.steps;
    float *one = xcalloc((size_t)n, sizeof(float));

    tables(s, 2 * n - 1, 2 * n);
    linear_sigmas(s, one);
    s->sigma[0] = one[0];
    s->t[0] = one[0] * (float)s->c.train_steps;
    for (int i = 1; i < n; i++) {
        s->sigma[2 * i - 1] = s->sigma[2 * i] = one[i];
        s->t[2 * i - 1] = s->t[2 * i] = one[i] * (float)s->c.train_steps;
    }
    free(one);
}

/* Entry i of numpy.linspace(from, to, n + 1), in its order of arithmetic: timesteps are cut to
 * integers, and a last bit decides on which side of one they fall. */
static double linspace(double from, double to, int n, int i)
{
    double step = (to - from) / n;

    return i == n ? to : from + i * step;
}

/* Timesteps are cut to integers. The level after the last is 0, or with ends_at_least `least`. */
static void integer_table(struct sampler *s, double (*level)(const struct sampler *s, int i),
                          double least)
{
    int n = s->c.steps;

    tables(s, n, n + 1);
    for (int i = 0; i < n; i++) {
        double sigma = level(s, i);

        s->sigma[i] = (float)sigma;
        s->t[i] = (float)floor(sigma * s->c.train_steps);
    }
    s->sigma[n] = s->c.ends_at_least ? (float)(least > 0 ? least : s->sigma[n - 1]) : 0;
}

/* Sigma 1 has an infinite log signal-to-noise ratio, so the reference steps back from it by 1e-6;
 * the release begins at the second trained level. */
static double unipc_level(const struct sampler *s, int i)
{
    double smallest = 1.0 / s->c.train_steps, sigma;

    if (s->c.release)
        return shifted(&s->c, linspace(1 - smallest, 0, s->c.steps, i));
    sigma = shifted(&s->c, linspace(1, smallest, s->c.steps, i));
    return i == 0 && fabs(sigma - 1) < 1e-6 ? sigma - 1e-6 : sigma;
}

static void schedule_unipc(struct sampler *s)
{
    integer_table(s, unipc_level, 0);
}

/* The reference makes its table from 1 - sigma, last first. */
static double dpm_level(const struct sampler *s, int i)
{
    int n = s->c.steps;

    if (s->c.release)
        return shifted(&s->c, linspace(1, 0, n, i));
    return shifted(&s->c, 1 - linspace(1, 1.0 / s->c.train_steps, n, n - i));
}

static void schedule_dpm(struct sampler *s)
{
    const double beta = 1e-4; /* the first of the noise schedule that the class is made with */

    integer_table(s, dpm_level, sqrt(beta / (1 - beta)));
}

static void step_euler(struct sampler *s, int i, float *x, const float *v, size_t n)
{
    float dt = s->sigma[i + 1] - s->sigma[i];

    for (size_t j = 0; j < n; j++)
        x[j] += dt * v[j];
}

static float *history(float **slot, size_t n)
{
    if (!*slot)
        *slot = xcalloc(n, sizeof(float));
    return *slot;
}

static void step_heun(struct sampler *s, int i, float *x, const float *v, size_t n)
{
    float *start = history(&s->last, n), *slope = history(&s->slope, n);

    if (i % 2 == 0) {
        float dt = s->sigma[i + 1] - s->sigma[i];

        memcpy(start, x, n * sizeof(float));
        memcpy(slope, v, n * sizeof(float));
        for (size_t j = 0; j < n; j++)
            x[j] += dt * v[j];
    } else {
        float dt = s->sigma[i] - s->sigma[i - 1];

        for (size_t j = 0; j < n; j++)
            x[j] = start[j] + dt * 0.5f * (slope[j] + v[j]);
    }
}

static void step_lcm(struct sampler *s, int i, float *x, const float *v, size_t n)
{
    float now = s->sigma[i], next = s->sigma[i + 1];
    float *noise = history(&s->slope, n);

    torch_rng_normal(s->c.rng, noise, n);
    for (size_t j = 0; j < n; j++)
        x[j] = (1 - next) * (x[j] - now * v[j]) + next * noise[j];
}

/* log of the signal-to-noise ratio; +infinity at sigma 0. */
static double log_snr(const struct sampler *s, int i)
{
    double sigma = s->sigma[i];

    return log(1 - sigma) - log(sigma);
}

/* Move the predictions down by one and store x - sigma v as the newest. */
static void push_x0(struct sampler *s, int i, const float *x, const float *v, size_t n)
{
    int order = s->c.order;
    float *oldest = history(&s->x0[0], n), sigma = s->sigma[i];

    for (int k = 0; k + 1 < order; k++)
        s->x0[k] = s->x0[k + 1];
    s->x0[order - 1] = oldest;
    for (size_t j = 0; j < n; j++)
        oldest[j] = x[j] - sigma * v[j];
    if (s->n_x0 < order)
        s->n_x0++;
}

static void step_dpm(struct sampler *s, int i, float *x, const float *v, size_t n)
{
    int last = i == s->n - 1 && (s->n < 15 || !s->c.ends_at_least); /* lower_order_final */
    double h = log_snr(s, i + 1) - log_snr(s, i), keep, gain, ratio = 0;
    const float *d0, *d1;

    push_x0(s, i, x, v, n);
    d0 = s->x0[s->c.order - 1];
    d1 = d0;
    keep = s->sigma[i + 1] / s->sigma[i];
    gain = -(1.0 - s->sigma[i + 1]) * expm1(-h);
    if (s->n_x0 > 1 && !last) {
        d1 = s->x0[s->c.order - 2];
        ratio = 0.5 * h / (log_snr(s, i) - log_snr(s, i - 1));
    }
    for (size_t j = 0; j < n; j++)
        x[j] = (float)(keep * x[j] + gain * (d0[j] + ratio * (d0[j] - d1[j])));
}

/* Solve the order x order system of UniPC's coefficients: sum_k r_k^(i) rho_k = b_i. */
static void solve(int n, double a[3][3], double *b, double *x)
{
    for (int c = 0; c < n; c++) {
        int p = c;

        for (int r = c + 1; r < n; r++)
            if (fabs(a[r][c]) > fabs(a[p][c]))
                p = r;
        for (int k = 0; k < n; k++) {
            double swap = a[c][k];
            a[c][k] = a[p][k];
            a[p][k] = swap;
        }
        double swap = b[c];
        b[c] = b[p];
        b[p] = swap;
        for (int r = c + 1; r < n; r++) {
            double f = a[r][c] / a[c][c];

            for (int k = c; k < n; k++)
                a[r][k] -= f * a[c][k];
            b[r] -= f * b[c];
        }
    }
    for (int r = n - 1; r >= 0; r--) {
        x[r] = b[r];
        for (int k = r + 1; k < n; k++)
            x[r] -= a[r][k] * x[k];
        x[r] /= a[r][r];
    }
}

/* One UniPC move over h from the newest prediction: r[] are the older ones' places in units of h,
 * with 1 for the far end. Fills rho (n of them) and the factors phi = e^-h - 1 and B(h). */
static void unipc_coefficients(const struct sampler *s, double h, int order, const double *r, int n,
                               double *rho, double *phi, double *bh)
{
    double hh = -h, term, factorial = 1, a[3][3], b[3];

    *phi = expm1(hh);
    *bh = s->c.bh1 ? hh : *phi;
    term = *phi / hh - 1;
    for (int i = 0; i < order; i++) {
        for (int k = 0; k < n; k++)
            a[i][k] = pow(r[k], i);
        b[i] = term * factorial / *bh;
        factorial *= i + 2;
        term = term / hh - 1 / factorial;
    }
    if (n > 0)
        solve(n, a, b, rho);
}

/* x_to = keep x_from + gain m0 + bend (sum rho_k (m_k - m0)/r_k + rho_last (model - m0)); model
 * NULL: predictor. */
static void unipc_move(struct sampler *s, int from, int order, const float *x_from, float *x_to,
                       const float *model, size_t n)
{
    int newest = s->c.order - 1, older = order - 1;
    double h = log_snr(s, from + 1) - log_snr(s, from), r[3], rho[3] = {0}, phi, bh;
    double alpha = 1.0 - s->sigma[from + 1], keep = (double)s->sigma[from + 1] / s->sigma[from];
    const float *m0 = s->x0[newest];

    for (int k = 0; k < older; k++)
        r[k] = (log_snr(s, from - 1 - k) - log_snr(s, from)) / h;
    r[older] = 1;
    unipc_coefficients(s, h, order, r, model ? order : older, rho, &phi, &bh);
    if ((model && order == 1) || (!model && order == 2))
        rho[0] = 0.5; /* the reference's simplification */
    for (size_t j = 0; j < n; j++) {
        double bend = 0;

        for (int k = 0; k < older; k++)
            bend += rho[k] * (s->x0[newest - 1 - k][j] - m0[j]) / r[k];
        if (model)
            bend += rho[older] * (model[j] - m0[j]);
        x_to[j] = (float)(keep * x_from[j] - alpha * phi * m0[j] - alpha * bh * bend);
    }
}

static void step_unipc(struct sampler *s, int i, float *x, const float *v, size_t n)
{
    float *last = history(&s->last, n);

    if (i > 0) { /* correct x with the prediction just made at it */
        float *model = history(&s->slope, n);

        for (size_t j = 0; j < n; j++)
            model[j] = x[j] - s->sigma[i] * v[j];
        unipc_move(s, i - 1, s->order, last, x, model, n);
        for (int k = 0; k + 1 < s->c.order; k++) {
            float *t = s->x0[k];
            s->x0[k] = s->x0[k + 1];
            s->x0[k + 1] = t;
        }
        memcpy(history(&s->x0[s->c.order - 1], n), model, n * sizeof(float));
        s->n_x0 += s->n_x0 < s->c.order;
    } else {
        for (int k = 0; k < s->c.order; k++)
            history(&s->x0[k], n);
        push_x0(s, i, x, v, n);
    }
    s->order = s->c.order < s->n - i ? s->c.order : s->n - i;
    if (s->order > s->n_x0)
        s->order = s->n_x0;
    memcpy(last, x, n * sizeof(float));
    unipc_move(s, i, s->order, last, x, NULL, n);
}

#define KIND(name, schedule, step, by_order, latents)                                              \
    {name, schedule_##schedule, step_##step, by_order, latents},
static const struct kind kinds[] = {SAMPLERS(KIND)};
enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

const char *const *sampler_names(void)
{
    static const char *const names[] = {SAMPLERS(SAMPLER_NAME) NULL};

    return names;
}

int sampler_new(struct sampler **out, const struct sampler_config *c, struct err *e)
{
    const struct kind *kind = NULL;
    struct sampler *s;

    *out = NULL;
    for (int i = 0; i < N_KINDS; i++)
        if (!strcmp(kinds[i].name, c->name))
            kind = &kinds[i];
    if (!kind) {
        const char *near = nearest_name(c->name, sampler_names(), N_KINDS);

        return err_set(e, ERR_USAGE, "sampler: unknown '%s' (allowed: %s)%s%s", c->name,
                       SAMPLER_LIST, near ? "; did you mean " : "", near ? near : "");
    }
    if (c->steps < 1 || c->steps > SAMPLER_MAX_STEPS)
        return err_set(e, ERR_USAGE, "steps: %d is outside 1..%d", c->steps, SAMPLER_MAX_STEPS);
    if (!(c->shift > 0 && c->shift <= 100))
        return err_set(e, ERR_USAGE, "shift: %g is outside 0..100", c->shift);
    if (c->order < 0 || c->order > SAMPLER_MAX_ORDER)
        return err_set(e, ERR_USAGE, "solver order: %d is outside 1..%d", c->order,
                       SAMPLER_MAX_ORDER);
    s = xcalloc(1, sizeof(*s));
    s->c = *c;
    s->c.order = c->order ? c->order : 2;
    s->c.train_steps = c->train_steps ? c->train_steps : SAMPLER_TRAIN_STEPS;
    s->kind = kind;
    kind->schedule(s);
    *out = s;
    return 0;
}

void sampler_free(struct sampler **s)
{
    if (!*s)
        return;
    for (int k = 0; k < SAMPLER_MAX_ORDER; k++)
        free((*s)->x0[k]);
    free((*s)->last);
    free((*s)->slope);
    free((*s)->sigma);
    free((*s)->t);
    free(*s);
    *s = NULL;
}

int sampler_evaluations(const struct sampler *s)
{
    return s->n;
}

int sampler_latents(const struct sampler *s)
{
    return s->kind->latents_by_order * s->c.order + s->kind->latents;
}

void sampler_state_of(struct sampler *s, size_t n, struct sampler_state *out)
{
    float **beside[] = {&s->slope, &s->last}; /* which of them a kind has, its number says */
    int k = 0;

    *out = (struct sampler_state){.n_x0 = &s->n_x0, .order = &s->order, .rng = s->c.rng};
    for (int i = 0; i < s->c.order && s->kind->latents_by_order; i++)
        out->array[k++] = history(&s->x0[i], n);
    for (int i = 0; i < s->kind->latents; i++)
        out->array[k++] = history(beside[i], n);
    out->n_arrays = k;
}

double sampler_timestep(const struct sampler *s, int i)
{
    return s->t[i];
}

double sampler_sigma(const struct sampler *s, int i)
{
    if (i >= s->n)
        return s->sigma[s->n_sigma - 1];
    return s->sigma[i];
}

int sampler_sigma_table(const struct sampler *s, const float **table)
{
    *table = s->sigma;
    return s->n_sigma;
}

void sampler_step(struct sampler *s, int i, float *x, const float *v, size_t n)
{
    ZT_ASSERT(i >= 0 && i < s->n);
    s->kind->step(s, i, x, v, n);
}
