/* norm.cu - layer norm with modulation, and RMS norm. A row is the work of a team (launch.h), which
 * reads it again for each of its passes: from the second on it comes from the cache. In the
 * comments h is the normalised row. */
#include "kern/cuda/launch.h"
#include "kern/cuda/sum.h"

struct moments {
    float mean, rstd;
};

/* Two passes, so that a large mean costs no digits of the variance. */
template <int V, typename X>
__device__ struct moments moments_of(const X *x, int64_t dim, float eps, int team)
{
    float sum = 0, squares = 0, v[V];
    struct moments m;

    for (int64_t i = team_rank(team) * V; i < dim; i += team * V) {
        load<V>(v, x + i);
        for (int j = 0; j < V; j++)
            sum += v[j];
    }
    m.mean = team_sum(sum, team) / (float)dim;
    for (int64_t i = team_rank(team) * V; i < dim; i += team * V) {
        load<V>(v, x + i);
        for (int j = 0; j < V; j++)
            squares += (v[j] - m.mean) * (v[j] - m.mean);
    }
    m.rstd = 1 / sqrtf(team_sum(squares, team) / (float)dim + eps);
    return m;
}

/* v[j] = v[j] t[i+j], or + t[i+j]; nothing where there is no table. */
template <int V> __device__ void times(float (&v)[V], const float *t, int64_t i, float more = 0)
{
    float w[V];

    if (!t)
        return;
    load<V>(w, t + i);
    for (int j = 0; j < V; j++)
        v[j] *= more + w[j];
}

template <int V> __device__ void plus(float (&v)[V], const float *t, int64_t i)
{
    float w[V];

    if (!t)
        return;
    load<V>(w, t + i);
    for (int j = 0; j < V; j++)
        v[j] += w[j];
}

__device__ static const float *entry_of(const void *table, const int32_t *index, int64_t row,
                                        int64_t ld)
{
    return table ? (const float *)table + (index ? index[row] * ld : 0) : NULL;
}

template <int V, typename X, typename Y>
__global__ void norm_mod_rows(struct k_norm_mod a, float eps, int team)
{
    int64_t r = team_row(team);
    const X *x = (const X *)a.x + r * a.dim;
    const float *scale, *shift;
    struct moments m;

    if (r >= a.rows)
        return;
    scale = entry_of(a.scale, a.index, r, a.ld_mod);
    shift = entry_of(a.shift, a.index, r, a.ld_mod);
    m = moments_of<V>(x, a.dim, eps, team);
    for (int64_t i = team_rank(team) * V; i < a.dim; i += team * V) {
        float h[V];

        load<V>(h, x + i);
        for (int j = 0; j < V; j++)
            h[j] = (h[j] - m.mean) * m.rstd;
        times<V>(h, (const float *)a.gain, i);
        plus<V>(h, (const float *)a.bias, i);
        times<V>(h, scale, i, 1);
        plus<V>(h, shift, i);
        store<V>((Y *)a.y + r * a.dim + i, h);
    }
    if (a.stats && team_rank(team) == 0)
        ((struct moments *)a.stats)[r] = m;
}

/* The moments alone, where the forward call did not keep them. */
template <int V, typename X>
__global__ void norm_moments(const X *x, int64_t rows, int64_t dim, float eps, int team,
                             struct moments *out)
{
    int64_t r = team_row(team);
    struct moments m;

    if (r >= rows)
        return;
    m = moments_of<V>(x + r * dim, dim, eps, team);
    if (team_rank(team) == 0)
        out[r] = m;
}

static bool mod_packs(const struct k_norm_mod *a)
{
    size_t w = sizeof(float);

    return a->dim % PACK == 0 && (!a->index || a->ld_mod % PACK == 0) &&
           packs(a->x, dtype_bytes(a->x_type)) && packs(a->gain, w) && packs(a->bias, w) &&
           packs(a->scale, w) && packs(a->shift, w);
}

template <int V, typename X, typename Y>
static void norm_mod_as(struct kcx *kc, const struct k_norm_mod *a)
{
    int team = team_of(a->dim);

    LAUNCH(kc, (norm_mod_rows<V, X, Y>), team_blocks(a->rows, team), BLOCK, *a, (float)a->eps,
           team);
}

void norm_mod_cuda(struct kcx *kc, struct k_norm_mod *a)
{
    bool packed = mod_packs(a) && packs(a->y, dtype_bytes(a->y_type));

    BY_TYPE(a->x_type, X,
            BY_TYPE(a->y_type, Y, (packed ? norm_mod_as<PACK, X, Y> : norm_mod_as<1, X, Y>)(kc, a)))
}

/* With g = dy (1 + scale) gain: dx = rstd (g - mean(g) - h mean(g h)). */
template <int V, typename X, typename Y>
__global__ void norm_mod_bwd_rows(struct k_norm_mod_bwd a, int team)
{
    const struct k_norm_mod &f = a.f;
    int64_t r = team_row(team), at = r * f.dim;
    const float *scale, *gain = (const float *)f.gain;
    float mean = 0, mean_h = 0, g[V], h[V];
    struct moments m;

    if (r >= f.rows)
        return;
    scale = entry_of(f.scale, f.index, r, f.ld_mod);
    m = ((const struct moments *)f.stats)[r];
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = team_rank(team) * V; i < f.dim; i += team * V) {
            load<V>(g, (const Y *)a.dy + at + i);
            load<V>(h, (const X *)f.x + at + i);
            times<V>(g, scale, i, 1);
            times<V>(g, gain, i);
            for (int j = 0; j < V; j++) {
                h[j] = (h[j] - m.mean) * m.rstd;
                if (pass == 0) {
                    mean += g[j];
                    mean_h += g[j] * h[j];
                } else {
                    g[j] = m.rstd * (g[j] - mean - h[j] * mean_h);
                }
            }
            if (pass && a.add) {
                load<V>(h, (const X *)a.dx + at + i);
                for (int j = 0; j < V; j++)
                    g[j] += h[j];
            }
            if (pass)
                store<V>((X *)a.dx + at + i, g);
        }
        if (pass == 0) {
            mean = team_sum(mean, team) / (float)f.dim;
            mean_h = team_sum(mean_h, team) / (float)f.dim;
        }
    }
}

/* Sums of the modulation: dy, and dy (h gain + bias). Else of bias and gain: dy (1 + scale), and
 * that times h. */
template <typename X, typename Y> struct norm_terms {
    enum { SUMS = 2 };
    int64_t dim, ld;
    const X *x;
    const Y *dy;
    const struct moments *m;
    const float *gain, *bias, *scale;
    const int32_t *index;
    int after_mod;

    bool packed(int v) const
    {
        size_t w = sizeof(float);

        return (!index || ld % v == 0) && packs(x, sizeof *x, v) && packs(dy, sizeof *dy, v) &&
               packs(gain, w, v) && packs(bias, w, v) && packs(scale, w, v);
    }
    template <int V> __device__ void term(int64_t row, int64_t col, float (&out)[2][V]) const
    {
        struct moments s = m[row];

        load<V>(out[0], dy + row * dim + col);
        load<V>(out[1], x + row * dim + col);
        for (int j = 0; j < V; j++)
            out[1][j] = (out[1][j] - s.mean) * s.rstd;
        if (after_mod) {
            times<V>(out[1], gain, col);
            plus<V>(out[1], bias, col);
        } else {
            times<V>(out[0], entry_of(scale, index, row, ld), col, 1);
        }
        for (int j = 0; j < V; j++)
            out[1][j] *= out[0][j];
    }
};

template <int V, typename X, typename Y>
static void norm_mod_bwd_as(struct kcx *kc, const struct k_norm_mod_bwd *given)
{
    struct k_norm_mod_bwd a = *given;
    struct k_norm_mod *f = &a.f;
    int team = team_of(f->dim);
    int64_t blocks = team_blocks(f->rows, team);
    norm_terms<X, Y> t = {f->dim,
                          f->ld_mod,
                          (const X *)f->x,
                          (const Y *)a.dy,
                          NULL,
                          (const float *)f->gain,
                          (const float *)f->bias,
                          (const float *)f->scale,
                          f->index,
                          0};

    if (!f->stats) {
        f->stats = cuda_scratch(kc, SLOT_STATS, (size_t)f->rows * sizeof(struct moments));
        if (!f->stats)
            return;
        LAUNCH(kc, (norm_moments<V, X>), blocks, BLOCK, t.x, f->rows, f->dim, (float)f->eps, team,
               (struct moments *)f->stats);
    }
    LAUNCH(kc, (norm_mod_bwd_rows<V, X, Y>), blocks, BLOCK, a, team);
    t.m = (const struct moments *)f->stats;
    sum_columns(kc, "norm_mod_bwd gain", t, f->rows, NULL, 0, (float *)a.dbias, (float *)a.dgain);
    t.after_mod = 1;
    sum_columns(kc, "norm_mod_bwd scale", t, f->rows, f->index, f->ld_mod, (float *)a.dshift,
                (float *)a.dscale);
}

void norm_mod_bwd_cuda(struct kcx *kc, struct k_norm_mod_bwd *a)
{
    const struct k_norm_mod *f = &a->f;
    bool packed = mod_packs(f) && packs(a->dy, dtype_bytes(f->y_type)) &&
                  packs(a->dx, dtype_bytes(f->x_type));

    if (f->rows == 0)
        return;
    BY_TYPE(f->x_type, X,
            BY_TYPE(f->y_type, Y,
                    (packed ? norm_mod_bwd_as<PACK, X, Y> : norm_mod_bwd_as<1, X, Y>)(kc, a)))
}

template <int V, typename X> __device__ float rstd_of(const X *x, int64_t dim, float eps, int team)
{
    float squares = 0, v[V];

    for (int64_t i = team_rank(team) * V; i < dim; i += team * V) {
        load<V>(v, x + i);
        for (int j = 0; j < V; j++)
            squares += v[j] * v[j];
    }
    return 1 / sqrtf(team_sum(squares, team) / (float)dim + eps);
}

/* y may be x: the team's last pass writes where it alone reads. */
template <int V, typename X, typename Y>
__global__ void rms_norm_rows(struct k_rms_norm a, float eps, int team)
{
    int64_t r = team_row(team);
    const X *x = (const X *)a.x + r * a.dim;
    float rstd, v[V];

    if (r >= a.rows)
        return;
    rstd = rstd_of<V>(x, a.dim, eps, team);
    for (int64_t i = team_rank(team) * V; i < a.dim; i += team * V) {
        load<V>(v, x + i);
        for (int j = 0; j < V; j++)
            v[j] *= rstd;
        times<V>(v, (const float *)a.gain, i);
        store<V>((Y *)a.y + r * a.dim + i, v);
    }
    if (a.stats && team_rank(team) == 0)
        ((float *)a.stats)[r] = rstd;
}

static bool rms_packs(const struct k_rms_norm *a)
{
    return a->dim % PACK == 0 && packs(a->x, dtype_bytes(a->x_type)) &&
           packs(a->gain, sizeof(float));
}

template <int V, typename X, typename Y>
static void rms_norm_as(struct kcx *kc, const struct k_rms_norm *a)
{
    int team = team_of(a->dim);

    LAUNCH(kc, (rms_norm_rows<V, X, Y>), team_blocks(a->rows, team), BLOCK, *a, (float)a->eps,
           team);
}

void rms_norm_cuda(struct kcx *kc, struct k_rms_norm *a)
{
    bool packed = rms_packs(a) && packs(a->y, dtype_bytes(a->y_type));

    BY_TYPE(a->x_type, X,
            BY_TYPE(a->y_type, Y, (packed ? rms_norm_as<PACK, X, Y> : rms_norm_as<1, X, Y>)(kc, a)))
}

/* With g = dy gain and h = x rstd: dx = rstd (g - h mean(g h)). stats has rstd, or is to get it. */
template <int V, typename X, typename Y>
__global__ void rms_norm_bwd_rows(struct k_rms_norm_bwd a, float eps, int team, float *stats)
{
    const struct k_rms_norm &f = a.f;
    int64_t r = team_row(team), at = r * f.dim;
    float rstd, mean = 0, g[V], x[V];

    if (r >= f.rows)
        return;
    rstd = f.stats ? stats[r] : rstd_of<V>((const X *)f.x + at, f.dim, eps, team);
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = team_rank(team) * V; i < f.dim; i += team * V) {
            load<V>(g, (const Y *)a.dy + at + i);
            load<V>(x, (const X *)f.x + at + i);
            times<V>(g, (const float *)f.gain, i);
            for (int j = 0; j < V; j++) {
                x[j] *= rstd;
                if (pass == 0)
                    mean += g[j] * x[j];
                else
                    g[j] = rstd * (g[j] - x[j] * mean);
            }
            if (pass)
                store<V>((X *)a.dx + at + i, g);
        }
        if (pass == 0)
            mean = team_sum(mean, team) / (float)f.dim;
    }
    if (!f.stats && team_rank(team) == 0)
        stats[r] = rstd;
}

/* In a row of a few elements g and h mean(g h) cancel almost wholly: that needs double. */
enum { SHORT = 4 };

template <typename X, typename Y>
__global__ void rms_norm_bwd_short(struct k_rms_norm_bwd a, float *stats)
{
    const struct k_rms_norm &f = a.f;
    int64_t r = (int64_t)blockIdx.x * BLOCK + threadIdx.x, at = r * f.dim;
    double squares = 0, mean = 0, rstd, g[SHORT], h[SHORT];

    if (r >= f.rows)
        return;
    for (int i = 0; i < f.dim; i++) {
        h[i] = to_f32(((const X *)f.x)[at + i]);
        g[i] = to_f32(((const Y *)a.dy)[at + i]);
        g[i] *= f.gain ? ((const float *)f.gain)[i] : 1;
        squares += h[i] * h[i];
    }
    rstd = 1 / sqrt(squares / (double)f.dim + f.eps);
    for (int i = 0; i < f.dim; i++) {
        h[i] *= rstd;
        mean += g[i] * h[i] / (double)f.dim;
    }
    for (int i = 0; i < f.dim; i++)
        from_f32((X *)a.dx + at + i, (float)(rstd * (g[i] - h[i] * mean)));
    if (!f.stats)
        stats[r] = (float)rstd;
}

template <typename X, typename Y> struct rms_terms {
    enum { SUMS = 1 };
    int64_t dim;
    const X *x;
    const Y *dy;
    const float *rstd;

    bool packed(int v) const
    {
        return packs(x, sizeof *x, v) && packs(dy, sizeof *dy, v);
    }
    template <int V> __device__ void term(int64_t row, int64_t col, float (&out)[1][V]) const
    {
        float v[V];

        load<V>(out[0], dy + row * dim + col);
        load<V>(v, x + row * dim + col);
        for (int j = 0; j < V; j++)
            out[0][j] *= v[j] * rstd[row];
    }
};

template <int V, typename X, typename Y>
static void rms_norm_bwd_as(struct kcx *kc, const struct k_rms_norm_bwd *a)
{
    const struct k_rms_norm *f = &a->f;
    int team = team_of(f->dim);
    float *stats = (float *)f->stats;

    if (!stats)
        stats = (float *)cuda_scratch(kc, SLOT_STATS, (size_t)f->rows * sizeof *stats);
    if (!stats)
        return;
    if (f->dim < SHORT)
        LAUNCH(kc, (rms_norm_bwd_short<X, Y>), pieces(f->rows, BLOCK), BLOCK, *a, stats);
    else
        LAUNCH(kc, (rms_norm_bwd_rows<V, X, Y>), team_blocks(f->rows, team), BLOCK, *a,
               (float)f->eps, team, stats);
    sum_columns(kc, "rms_norm_bwd gain",
                rms_terms<X, Y>{f->dim, (const X *)f->x, (const Y *)a->dy, stats}, f->rows, NULL, 0,
                (float *)a->dgain, NULL);
}

void rms_norm_bwd_cuda(struct kcx *kc, struct k_rms_norm_bwd *a)
{
    const struct k_rms_norm *f = &a->f;
    bool packed = rms_packs(f) && packs(a->dy, dtype_bytes(f->y_type)) &&
                  packs(a->dx, dtype_bytes(f->x_type));

    if (f->rows == 0)
        return;
    BY_TYPE(f->x_type, X,
            BY_TYPE(f->y_type, Y,
                    (packed ? rms_norm_bwd_as<PACK, X, Y> : rms_norm_bwd_as<1, X, Y>)(kc, a)))
}
