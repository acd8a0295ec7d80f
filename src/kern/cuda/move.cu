/* move.cu - kernels that carry elements elsewhere: permute, embedding; and the sum over rows. */
#include "kern/cuda/launch.h"
#include "kern/cuda/sum.h"

struct dims {
    int n;
    int64_t dim[8], src[8], dst[8];
};

/* What is left of a permute: `kept` has one element of dst each, the smallest step last; `summed`
 * are the elements of src that go to the same one. */
struct box {
    struct dims kept, summed;
    int64_t count, terms; /* elements of the two */
};

/* Offset in `stride` of element number `at` of the first n dimensions. */
template <typename I>
__device__ int64_t offset(const struct dims &d, int n, const int64_t *stride, I at)
{
    int64_t sum = 0;

    for (int i = n - 1; i > 0; i--) {
        sum += (int64_t)(at % (I)d.dim[i]) * stride[i];
        at /= (I)d.dim[i];
    }
    return n ? sum + (int64_t)at * stride[0] : 0;
}

/* I: 32 bits where they hold all numbers, as division of 64 is slow. */
template <int V, typename I, typename S, typename D>
__global__ void permute_box(struct box b, const S *src, D *dst, int add)
{
    int64_t at = ((int64_t)blockIdx.x * BLOCK + threadIdx.x) * V;
    float sum[V] = {}, term[V];

    if (at >= b.count)
        return;
    src += offset<I>(b.kept, b.kept.n, b.kept.src, (I)at);
    dst += offset<I>(b.kept, b.kept.n, b.kept.dst, (I)at);
    for (int64_t t = 0; t < b.terms; t++) {
        load<V>(term, src + offset<I>(b.summed, b.summed.n, b.summed.src, (I)t));
        for (int j = 0; j < V; j++)
            sum[j] += term[j];
    }
    if (add) {
        load<V>(term, dst);
        for (int j = 0; j < V; j++)
            sum[j] += term[j];
    }
    store<V>(dst, sum);
}

enum { TILE = 32, TILE_LINES = BLOCK / TILE };

/* Where neighbours in src are not neighbours in dst: tiles are turned in shared memory, so that
 * both sides move whole lines. kept[n-1] is dense in dst, kept[n-2] in src; a block per tile. */
template <typename S, typename D>
__global__ void permute_tile(struct box b, const S *src, D *dst, int add)
{
    __shared__ float tile[TILE][TILE + 1];
    const struct dims &d = b.kept;
    int last = d.n - 1;
    int64_t rows = d.dim[last - 1], cols = d.dim[last], at = blockIdx.x;
    int64_t across = (cols + TILE - 1) / TILE, down = (rows + TILE - 1) / TILE;
    int64_t col = at % across * TILE, row = at / across % down * TILE;
    int x = (int)threadIdx.x % TILE, y = (int)threadIdx.x / TILE;

    src += offset<int64_t>(d, last - 1, d.src, at / (across * down));
    dst += offset<int64_t>(d, last - 1, d.dst, at / (across * down));
    for (int i = y; i < TILE; i += TILE_LINES)
        if (col + i < cols && row + x < rows)
            tile[i][x] = to_f32(src[(col + i) * d.src[last] + row + x]);
    __syncthreads();
    for (int i = y; i < TILE; i += TILE_LINES) {
        D *to = dst + (row + i) * d.dst[last - 1] + col + x;

        if (col + x < cols && row + i < rows)
            from_f32(to, add ? to_f32(*to) + tile[x][i] : tile[x][i]);
    }
}

/* Puts a dimension in: the order is that of falling steps in dst. */
static void insert(struct dims *d, int64_t dim, int64_t src, int64_t dst)
{
    int at = d->n++;

    for (; at > 0 && d->dst[at - 1] < dst; at--) {
        d->dim[at] = d->dim[at - 1];
        d->src[at] = d->src[at - 1];
        d->dst[at] = d->dst[at - 1];
    }
    d->dim[at] = dim;
    d->src[at] = src;
    d->dst[at] = dst;
}

/* Neighbours that lie like one dimension become one. Returns the number of elements. */
static int64_t merge(struct dims *d)
{
    int64_t count = 1;
    int n = 0;

    for (int i = 0; i < d->n; i++) {
        int joins = n > 0 && d->src[n - 1] == d->src[i] * d->dim[i] &&
                    d->dst[n - 1] == d->dst[i] * d->dim[i];

        count *= d->dim[i];
        n += !joins;
        d->dim[n - 1] = joins ? d->dim[n - 1] * d->dim[i] : d->dim[i];
        d->src[n - 1] = d->src[i];
        d->dst[n - 1] = d->dst[i];
    }
    d->n = n;
    return count;
}

static struct box box_of(const struct k_permute *a)
{
    struct box b = {};

    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != 1)
            insert(a->add && a->dst_stride[i] == 0 ? &b.summed : &b.kept, a->dim[i],
                   a->src_stride[i], a->dst_stride[i]);
    b.count = merge(&b.kept);
    b.terms = merge(&b.summed);
    return b;
}

static bool box_packs(const struct box *b, const struct k_permute *a)
{
    const struct dims *k = &b->kept;
    int last = k->n - 1;
    int64_t odd = 0; /* has a low bit where some step leaves the grid of packs */

    if (last < 0 || k->src[last] != 1 || k->dst[last] != 1)
        return false;
    for (int i = 0; i < last; i++)
        odd |= k->src[i] | k->dst[i];
    for (int i = 0; i < b->summed.n; i++)
        odd |= b->summed.src[i];
    return (odd | k->dim[last]) % PACK == 0 && packs(a->src, dtype_bytes(a->src_type)) &&
           packs(a->dst, dtype_bytes(a->dst_type));
}

/* Brings the dimension that is dense in src next to the one that is dense in dst. */
static bool tiles(struct box *b)
{
    struct dims *k = &b->kept;
    int last = k->n - 1, from = last - 1;
    int64_t dim, dst;

    if (last < 1 || k->dst[last] != 1 || k->src[last] == 1 || b->summed.n)
        return false;
    while (from >= 0 && k->src[from] != 1)
        from--;
    if (from < 0)
        return false;
    dim = k->dim[from];
    dst = k->dst[from];
    for (int i = from; i < last - 1; i++) {
        k->dim[i] = k->dim[i + 1];
        k->src[i] = k->src[i + 1];
        k->dst[i] = k->dst[i + 1];
    }
    k->dim[last - 1] = dim;
    k->src[last - 1] = 1;
    k->dst[last - 1] = dst;
    return true;
}

template <typename S, typename D> static void permute_as(struct kcx *kc, const struct k_permute *a)
{
    struct box b = box_of(a);
    const S *src = (const S *)a->src;
    D *dst = (D *)a->dst;
    bool packed = box_packs(&b, a), small = b.count <= INT32_MAX && b.terms <= INT32_MAX;
    int64_t blocks = pieces(b.count, packed ? BLOCK * PACK : BLOCK);

    if (b.count == 0 || b.terms == 0)
        return;
    if (tiles(&b)) {
        const struct dims *k = &b.kept;
        int64_t rows = k->dim[k->n - 2], cols = k->dim[k->n - 1];

        blocks = b.count / (rows * cols) * pieces(rows, TILE) * pieces(cols, TILE);
        LAUNCH(kc, (permute_tile<S, D>), blocks, BLOCK, b, src, dst, a->add);
    } else if (packed && small) {
        LAUNCH(kc, (permute_box<PACK, uint32_t, S, D>), blocks, BLOCK, b, src, dst, a->add);
    } else if (packed) {
        LAUNCH(kc, (permute_box<PACK, int64_t, S, D>), blocks, BLOCK, b, src, dst, a->add);
    } else if (small) {
        LAUNCH(kc, (permute_box<1, uint32_t, S, D>), blocks, BLOCK, b, src, dst, a->add);
    } else {
        LAUNCH(kc, (permute_box<1, int64_t, S, D>), blocks, BLOCK, b, src, dst, a->add);
    }
}

void permute_cuda(struct kcx *kc, struct k_permute *a)
{
    BY_TYPE(a->src_type, S, BY_TYPE(a->dst_type, D, permute_as<S, D>(kc, a)))
}

template <int V, typename T, typename Y> __global__ void table_rows(struct k_embedding a, int team)
{
    int64_t r = team_row(team), e;

    if (r >= a.rows)
        return;
    e = a.index[r];
    if (e < 0 || e >= a.vocab)
        __trap();
    for (int64_t i = team_rank(team) * V; i < a.dim; i += team * V) {
        float v[V];

        load<V>(v, (const T *)a.table + e * a.dim + i);
        store<V>((Y *)a.y + r * a.dim + i, v);
    }
}

template <int V, typename T, typename Y>
static void embedding_as(struct kcx *kc, const struct k_embedding *a)
{
    int team = team_of(a->dim);

    LAUNCH(kc, (table_rows<V, T, Y>), team_blocks(a->rows, team), BLOCK, *a, team);
}

void embedding_cuda(struct kcx *kc, struct k_embedding *a)
{
    bool packed = a->dim % PACK == 0 && packs(a->table, dtype_bytes(a->table_type)) &&
                  packs(a->y, dtype_bytes(a->y_type));

    BY_TYPE(
        a->table_type, T,
        BY_TYPE(a->y_type, Y, (packed ? embedding_as<PACK, T, Y> : embedding_as<1, T, Y>)(kc, a)))
}

template <typename T> struct row_terms {
    enum { SUMS = 1 };
    int64_t dim;
    const T *dy;

    bool packed(int v) const
    {
        return packs(dy, sizeof *dy, v);
    }
    template <int V> __device__ void term(int64_t row, int64_t col, float (&out)[1][V]) const
    {
        load<V>(out[0], dy + row * dim + col);
    }
};

/* Entries outside of the table are the forward call's to find. */
void embedding_bwd_cuda(struct kcx *kc, struct k_embedding_bwd *a)
{
    const struct k_embedding *f = &a->f;

    BY_TYPE(f->y_type, T,
            sum_columns(kc, "embedding_bwd", row_terms<T>{f->dim, (const T *)a->dy}, f->rows,
                        f->index, f->dim, (float *)a->dtable, NULL))
}

void sum_rows_cuda(struct kcx *kc, struct k_sum_rows *a)
{
    BY_TYPE(a->type, T,
            sum_columns(kc, "sum_rows", row_terms<T>{a->dim, (const T *)a->dy}, a->rows, NULL, 0,
                        (float *)a->sum, NULL))
}
