/* optim.cu - losses, optimiser steps, and the sum that watches over them. Scalars are worked out in
 * double on the host, elements in f32. */
#include "kern/cuda/each.h"

template <typename T> __global__ void loss_rows(struct k_loss a, float scale, int team)
{
    int64_t r = team_row(team), at = r * a.dim;
    const T *pred = (const T *)a.pred + at;
    const float *target = (const float *)a.target + at;
    T *dpred = (T *)a.dpred + at;
    float w, sum = 0;

    if (r >= a.rows)
        return;
    w = a.weight ? ((const float *)a.weight)[r] : 1;
    for (int64_t i = team_rank(team); i < a.dim; i += team) {
        float d = to_f32(pred[i]) - target[i];

        sum += a.l1 ? fabsf(d) : d * d;
        if (!a.dpred)
            continue;
        d = scale * w * (a.l1 ? (float)(d > 0) - (float)(d < 0) : 2 * d);
        from_f32(&dpred[i], a.add ? to_f32(dpred[i]) + d : d);
    }
    sum = team_sum(sum, team);
    if (team_rank(team) == 0)
        ((float *)a.loss)[r] = sum * (w / (float)a.dim);
}

void loss_cuda(struct kcx *kc, struct k_loss *a)
{
    int team = team_of(a->dim);

    BY_TYPE(a->type, T,
            LAUNCH(kc, loss_rows<T>, team_blocks(a->rows, team), BLOCK, *a,
                   (float)(a->scale / (double)a->dim), team))
}

__device__ static inline float scale_of(const double *g_scale)
{
    return g_scale ? (float)*g_scale : 1;
}

/* Loshchilov and Hutter 2019, in the order of torch.optim.AdamW. */
struct adamw_job {
    float *p, *m, *v;
    const float *g;
    const double *g_scale;
    float beta1, rest1, beta2, rest2, keep, step, root, eps;

    bool packed() const
    {
        return packs(p, sizeof *p) && packs(m, sizeof *m) && packs(v, sizeof *v) &&
               packs(g, sizeof *g);
    }
    template <int V> __device__ void run(int64_t i) const
    {
        float pi[V], mi[V], vi[V], gi[V], scale = scale_of(g_scale);

        load<V>(pi, p + i);
        load<V>(mi, m + i);
        load<V>(vi, v + i);
        load<V>(gi, g + i);
        for (int j = 0; j < V; j++) {
            float gj = gi[j] * scale;

            mi[j] = beta1 * mi[j] + rest1 * gj;
            vi[j] = beta2 * vi[j] + rest2 * gj * gj;
            pi[j] = pi[j] * keep - step * mi[j] / (sqrtf(vi[j]) / root + eps);
        }
        store<V>(m + i, mi);
        store<V>(v + i, vi);
        store<V>(p + i, pi);
    }
};

void adamw_cuda(struct kcx *kc, struct k_adamw *a)
{
    each(kc, "adamw",
         adamw_job{a->p, a->m, a->v, a->g, a->g_scale, (float)a->beta1, (float)(1 - a->beta1),
                   (float)a->beta2, (float)(1 - a->beta2), (float)(1 - a->lr * a->decay),
                   (float)(a->lr / a->c1), (float)sqrt(a->c2), (float)a->eps},
         a->n);
}

/* Momentum of torch.optim.SGD, or with lerp of torch.optim.Muon (Jordan et al. 2024). */
struct momentum_job {
    float *buf, *u;
    const float *g;
    const double *g_scale;
    float mu, mix;
    int nesterov;

    bool packed() const
    {
        return packs(buf, sizeof *buf) && packs(u, sizeof *u) && packs(g, sizeof *g);
    }
    template <int V> __device__ void run(int64_t i) const
    {
        float b[V], gi[V], part = mix * scale_of(g_scale);

        load<V>(b, buf + i);
        load<V>(gi, g + i);
        for (int j = 0; j < V; j++) {
            b[j] = mu * b[j] + part * gi[j];
            gi[j] = nesterov ? part * gi[j] + mu * b[j] : b[j];
        }
        store<V>(buf + i, b);
        store<V>(u + i, gi);
    }
};

void momentum_cuda(struct kcx *kc, struct k_momentum *a)
{
    double mix = a->lerp ? 1 - a->mu : 1;

    each(kc, "momentum",
         momentum_job{a->buf, a->u, a->g, a->g_scale, (float)a->mu, (float)mix, a->nesterov}, a->n);
}

struct ema_job {
    float *avg;
    const float *p;
    float rest;

    bool packed() const
    {
        return packs(avg, sizeof *avg) && packs(p, sizeof *p);
    }
    template <int V> __device__ void run(int64_t i) const
    {
        float a[V], b[V];

        load<V>(a, avg + i);
        load<V>(b, p + i);
        for (int j = 0; j < V; j++)
            a[j] += rest * (b[j] - a[j]);
        store<V>(avg + i, a);
    }
};

void ema_cuda(struct kcx *kc, struct k_ema *a)
{
    each(kc, "ema", ema_job{a->avg, a->p, (float)(1 - a->decay)}, a->n);
}

struct chunk {
    double sum;
    int64_t first_bad; /* INT64_MAX: none */
};

enum { CHUNK = 65536, MOST_ROWS = 65535 };

__device__ static struct chunk both(struct chunk a, struct chunk b)
{
    a.sum += b.sum;
    a.first_bad = min(a.first_bad, b.first_bad);
    return a;
}

/* The chunks of a block's threads, added pairwise; thread 0 has the whole. */
__device__ static struct chunk block_chunk(struct chunk c)
{
    __shared__ struct chunk all[BLOCK];

    all[threadIdx.x] = c;
    for (int half = BLOCK / 2; half; half /= 2) {
        __syncthreads();
        if ((int)threadIdx.x < half)
            all[threadIdx.x] = both(all[threadIdx.x], all[threadIdx.x + half]);
    }
    return all[0];
}

/* Chunks of matrices [size], one to a row of blocks. */
template <typename T> __global__ void square_chunks(const T *x, int64_t size, struct chunk *out)
{
    int64_t begin = (int64_t)blockIdx.x * CHUNK, end = begin + CHUNK < size ? begin + CHUNK : size;
    struct chunk c = {0, INT64_MAX};

    x += blockIdx.y * size;
    for (int64_t i = begin + threadIdx.x; i < end; i += BLOCK) {
        float v = to_f32(x[i]);

        c.sum += (double)v * v;
        if (!(fabsf(v) < INFINITY))
            c.first_bad = min(c.first_bad, i);
    }
    c = block_chunk(c);
    if (threadIdx.x == 0)
        out[(int64_t)blockIdx.y * gridDim.x + blockIdx.x] = c;
}

static __global__ void add_chunks(const struct chunk *from, int64_t n, struct k_tally *out)
{
    struct chunk c = {0, INT64_MAX};

    for (int64_t i = threadIdx.x; i < n; i += BLOCK)
        c = both(c, from[i]);
    c = block_chunk(c);
    if (threadIdx.x == 0) {
        out->sum = c.sum;
        out->first_bad = c.first_bad == INT64_MAX ? -1 : (double)c.first_bad;
    }
}

void sum_squares_cuda(struct kcx *kc, struct k_sum_squares *a)
{
    int64_t n = pieces(a->n, CHUNK);
    struct chunk *all = (struct chunk *)cuda_scratch(kc, SLOT_CHUNKS, (size_t)n * sizeof *all);

    if (!all)
        return;
    BY_TYPE(a->type, T, LAUNCH(kc, square_chunks<T>, n, BLOCK, (const T *)a->x, a->n, all))
    LAUNCH(kc, add_chunks, 1, BLOCK, all, n, a->out);
}

/* In order and by one thread: a network has some hundred parts. */
static __global__ void clip_scale(struct k_clip a)
{
    double total = 0;

    for (int64_t i = 0; i < a.n; i++)
        total += a.part[i].sum;
    total = sqrt(total);
    *a.scale = a.most > 0 && total > a.most ? a.most / total : 1;
}

void clip_cuda(struct kcx *kc, struct k_clip *a)
{
    LAUNCH(kc, clip_scale, 1, 1, *a);
}

/* Every block adds the pieces of its matrix again, in the same order. */
template <typename T>
__global__ void divide_pieces(T *x, int64_t size, double least, const struct chunk *piece)
{
    int64_t begin = (int64_t)blockIdx.x * CHUNK, end = begin + CHUNK < size ? begin + CHUNK : size;
    double total = 0;
    T norm;

    x += blockIdx.y * size;
    for (unsigned i = 0; i < gridDim.x; i++)
        total += piece[(int64_t)blockIdx.y * gridDim.x + i].sum;
    total = sqrt(total);
    from_f32(&norm, (float)(total < least ? least : total));
    for (int64_t i = begin + threadIdx.x; i < end; i += BLOCK)
        from_f32(&x[i], to_f32(x[i]) / to_f32(norm));
}

void unit_norm_cuda(struct kcx *kc, struct k_unit_norm *a)
{
    int64_t pieces_each = pieces(a->size, CHUNK);

    for (int64_t first = 0; first < a->n; first += MOST_ROWS) {
        int64_t n = at_most(MOST_ROWS, a->n - first);
        struct chunk *all =
            (struct chunk *)cuda_scratch(kc, SLOT_CHUNKS, (size_t)(n * pieces_each) * sizeof *all);
        void *x = (char *)a->x + first * a->size * (int64_t)dtype_bytes(a->type);

        if (!all)
            return;
        BY_TYPE(a->type, T, {
            LAUNCH(kc, square_chunks<T>, grid(pieces_each, n), BLOCK, (const T *)x, a->size, all);
            LAUNCH(kc, divide_pieces<T>, grid(pieces_each, n), BLOCK, (T *)x, a->size, a->least,
                   all);
        });
    }
}
