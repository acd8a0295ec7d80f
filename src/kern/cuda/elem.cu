/* elem.cu - kernels of single elements and of rows that need no sum: activations, sums and products
 * of arrays, gated residuals, rotation. */
#include "kern/cuda/each.h"
#include "kern/cuda/sum.h"

static const float gelu_c = 0.79788456080286535588f; /* sqrt(2/pi) */
static const float gelu_d = 0.044715f;               /* Hendrycks and Gimpel 2016 */
static const float root_half = 0.70710678118654752440f;

__device__ static float act_value(int act, float x)
{
    switch (act) {
    case ACT_RELU:
        return x > 0 || x != x ? x : 0;
    case ACT_SILU:
        return x / (1 + expf(-x));
    case ACT_GELU_TANH:
        return 0.5f * x * (1 + tanhf(gelu_c * (x + gelu_d * x * x * x)));
    case ACT_GELU_ERF:
        return 0.5f * x * (1 + erff(x * root_half));
    default:
        return 3 * tanhf(x / 3);
    }
}

__device__ static float act_slope(int act, float x)
{
    float s, t;

    switch (act) {
    case ACT_RELU:
        return x > 0;
    case ACT_SILU:
        s = 1 / (1 + expf(-x));
        return s * (1 + x * (1 - s));
    case ACT_GELU_TANH:
        t = tanhf(gelu_c * (x + gelu_d * x * x * x));
        s = 1 - t * t; /* where it is 0, x*x may be infinite */
        s = s == 0 ? 0 : 0.5f * x * s * gelu_c * (1 + 3 * gelu_d * x * x);
        return 0.5f * (1 + t) + s;
    case ACT_GELU_ERF:
        return 0.5f * (1 + erff(x * root_half)) + 0.5f * gelu_c * x * expf(-0.5f * x * x);
    default:
        t = tanhf(x / 3);
        return 1 - t * t;
    }
}

template <typename T> struct act_job {
    const T *x;
    T *y;
    int act;

    bool packed() const
    {
        return packs(x, sizeof *x) && packs(y, sizeof *y);
    }
    template <int V> __device__ void run(int64_t i) const
    {
        float v[V];

        load<V>(v, x + i);
        for (int j = 0; j < V; j++)
            v[j] = act_value(act, v[j]);
        store<V>(y + i, v);
    }
};

void act_cuda(struct kcx *kc, struct k_act_fwd *a)
{
    BY_TYPE(a->type, T, each(kc, "act", act_job<T>{(const T *)a->x, (T *)a->y, a->act}, a->n))
}

template <typename T> struct act_bwd_job {
    const T *x, *dy;
    T *dx;
    int act;

    bool packed() const
    {
        return packs(x, sizeof *x) && packs(dy, sizeof *x) && packs(dx, sizeof *x);
    }
    template <int V> __device__ void run(int64_t i) const
    {
        float v[V], d[V];

        load<V>(v, x + i);
        load<V>(d, dy + i);
        for (int j = 0; j < V; j++)
            d[j] *= act_slope(act, v[j]);
        store<V>(dx + i, d);
    }
};

void act_bwd_cuda(struct kcx *kc, struct k_act_bwd *a)
{
    BY_TYPE(a->type, T,
            each(kc, "act_bwd",
                 act_bwd_job<T>{(const T *)a->x, (const T *)a->dy, (T *)a->dx, a->act}, a->n))
}

template <typename A, typename B, typename Y> struct add_job {
    const A *a;
    const B *b; /* NULL: not read */
    Y *y;
    float alpha, beta;

    bool packed() const
    {
        return packs(a, sizeof *a) && packs(b, sizeof *b) && packs(y, sizeof *y);
    }
    template <int V> __device__ void run(int64_t i) const
    {
        float v[V], w[V];

        load<V>(v, a + i);
        for (int j = 0; j < V; j++)
            v[j] *= alpha;
        if (b) {
            load<V>(w, b + i);
            for (int j = 0; j < V; j++)
                v[j] += beta * w[j];
        }
        store<V>(y + i, v);
    }
};

void add_cuda(struct kcx *kc, struct k_add *a)
{
    const void *b = a->beta != 0 ? a->b : NULL;

    BY_TYPE(a->a_type, A,
            BY_TYPE(b ? a->b_type : DT_F32, B,
                    BY_TYPE(a->y_type, Y,
                            each(kc, "add",
                                 add_job<A, B, Y>{(const A *)a->a, (const B *)b, (Y *)a->y,
                                                  (float)a->alpha, (float)a->beta},
                                 a->n))))
}

template <typename T> struct mul_job {
    const T *a, *b;
    T *y;
    int add;

    bool packed() const
    {
        return packs(a, sizeof *a) && packs(b, sizeof *a) && packs(y, sizeof *a);
    }
    template <int V> __device__ void run(int64_t i) const
    {
        float v[V], w[V];

        load<V>(v, a + i);
        load<V>(w, b + i);
        for (int j = 0; j < V; j++)
            v[j] *= w[j];
        if (add) {
            load<V>(w, y + i);
            for (int j = 0; j < V; j++)
                v[j] += w[j];
        }
        store<V>(y + i, v);
    }
};

void mul_cuda(struct kcx *kc, struct k_mul *a){
    BY_TYPE(a->type, T,
            each(kc, "mul", mul_job<T>{(const T *)a->a, (const T *)a->b, (T *)a->y, a->add}, a->n))}

/* Element (row, i) of the modulation, whose rows are ld apart. */
__device__ static const
    float *entry_of(const void *table, const int32_t *index, int64_t row, int64_t ld)
{
    return (const float *)table + (index ? index[row] * ld : 0);
}

template <int V, typename X, typename H>
__global__ void add_gated_rows(struct k_add_gated a, int team)
{
    int64_t r = team_row(team);
    const float *gate;

    if (r >= a.rows)
        return;
    gate = a.gate ? entry_of(a.gate, a.index, r, a.ld_mod) : NULL;
    for (int64_t i = team_rank(team) * V; i < a.dim; i += team * V) {
        float x[V], h[V], g[V];

        load<V>(x, (const X *)a.x + r * a.dim + i);
        load<V>(h, (const H *)a.h + r * a.dim + i);
        if (gate)
            load<V>(g, gate + i);
        for (int j = 0; j < V; j++)
            x[j] += gate ? h[j] * g[j] : h[j];
        store<V>((X *)a.y + r * a.dim + i, x);
    }
}

static bool gate_packs(const struct k_add_gated *a)
{
    return a->dim % PACK == 0 && packs(a->gate, sizeof(float)) &&
           (!a->index || a->ld_mod % PACK == 0);
}

void add_gated_cuda(struct kcx *kc, struct k_add_gated *a)
{
    size_t x = dtype_bytes(a->x_type), h = dtype_bytes(a->h_type);
    int team = team_of(a->dim);
    int64_t blocks = team_blocks(a->rows, team);
    bool packed = gate_packs(a) && packs(a->x, x) && packs(a->h, h) && packs(a->y, x);

    BY_TYPE(a->x_type, X,
            BY_TYPE(
                a->h_type, H,
                if (packed) {
                    LAUNCH(kc, (add_gated_rows<PACK, X, H>), blocks, BLOCK, *a, team);
                } else { LAUNCH(kc, (add_gated_rows<1, X, H>), blocks, BLOCK, *a, team); }))
}

template <int V, typename X, typename H>
__global__ void add_gated_bwd_rows(struct k_add_gated_bwd a, int team)
{
    const struct k_add_gated &f = a.f;
    int64_t r = team_row(team);
    const float *gate;

    if (r >= f.rows)
        return;
    gate = f.gate ? entry_of(f.gate, f.index, r, f.ld_mod) : NULL;
    for (int64_t i = team_rank(team) * V; i < f.dim; i += team * V) {
        float d[V], g[V];

        load<V>(d, (const X *)a.dy + r * f.dim + i);
        if (gate) {
            load<V>(g, gate + i);
            for (int j = 0; j < V; j++)
                d[j] *= g[j];
        }
        store<V>((H *)a.dh + r * f.dim + i, d);
    }
}

template <typename X, typename H> struct gate_terms {
    enum { SUMS = 1 };
    int64_t dim;
    const X *dy;
    const H *h;

    bool packed(int v) const
    {
        return packs(dy, sizeof *dy, v) && packs(h, sizeof *h, v);
    }
    template <int V> __device__ void term(int64_t row, int64_t col, float (&out)[1][V]) const
    {
        float v[V];

        load<V>(out[0], dy + row * dim + col);
        load<V>(v, h + row * dim + col);
        for (int j = 0; j < V; j++)
            out[0][j] *= v[j];
    }
};

void add_gated_bwd_cuda(struct kcx *kc, struct k_add_gated_bwd *a)
{
    const struct k_add_gated *f = &a->f;
    size_t x = dtype_bytes(f->x_type), h = dtype_bytes(f->h_type);
    int team = team_of(f->dim);
    int64_t blocks = team_blocks(f->rows, team);
    bool packed = gate_packs(f) && packs(a->dy, x) && packs(a->dh, h);

    BY_TYPE(f->x_type, X, BY_TYPE(f->h_type, H, {
                if (packed)
                    LAUNCH(kc, (add_gated_bwd_rows<PACK, X, H>), blocks, BLOCK, *a, team);
                else
                    LAUNCH(kc, (add_gated_bwd_rows<1, X, H>), blocks, BLOCK, *a, team);
                sum_columns(kc, "add_gated_bwd sums",
                            gate_terms<X, H>{f->dim, (const X *)a->dy, (const H *)f->h}, f->rows,
                            f->index, f->ld_mod, (float *)a->dgate, NULL);
            }))
}

/* V elements are V/2 pairs; those of one head where V is PACK, as head_dim is then a multiple. */
template <int V, typename T> __global__ void rope_rows(struct k_rope a, int team)
{
    int64_t r = team_row(team);
    int width = a.heads * a.head_dim;
    const float *table;

    if (r >= a.rows)
        return;
    table = (const float *)a.table + (a.pos ? a.pos[r] : r) * a.head_dim;
    for (int i = team_rank(team) * V; i < width; i += team * V) {
        const T *x = (const T *)a.x + r * width + i;
        T *y = (T *)a.y + r * width + i;
        float v[V], turn[V];

        load<V>(v, x);
        load<V>(turn, table + i % a.head_dim);
        for (int j = 0; j < V; j += 2) {
            float c = turn[j], s = a.inverse ? -turn[j + 1] : turn[j + 1];
            float even = v[j], odd = v[j + 1];

            v[j] = even * c - odd * s;
            v[j + 1] = even * s + odd * c;
        }
        store<V>(y, v);
    }
}

void rope_cuda(struct kcx *kc, struct k_rope *a)
{
    size_t x = dtype_bytes(a->type);
    int team = team_of((int64_t)a->heads * a->head_dim);
    int64_t blocks = team_blocks(a->rows, team);
    bool packed = a->head_dim % PACK == 0 && packs(a->x, x) && packs(a->y, x) &&
                  packs(a->table, sizeof(float));

    BY_TYPE(
        a->type, T,
        if (packed) { LAUNCH(kc, (rope_rows<PACK, T>), blocks, BLOCK, *a, team); } else {
            LAUNCH(kc, (rope_rows<2, T>), blocks, BLOCK, *a, team);
        })
}
