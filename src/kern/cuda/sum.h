/* sum.h - sums over rows, column by column (C++, for .cu files alone).
 *
 * Deterministic without atomics on floating point: every sum is owned by one block, whose warps
 * take tiles of 32 rows in turn; within a warp rows are added in order, then the warps are. Without
 * an index the rows are cut into slabs (by their number alone, not by the GPU); a second kernel
 * adds the slabs' sums in order. With one, a block owns an entry: it walks all rows from the first
 * of its entry and takes those that have it. So entries may come in any order and number, and
 * nothing is sorted; where rows of an entry stand together, as samples do, looking costs little. */
#ifndef KERN_CUDA_SUM_H
#define KERN_CUDA_SUM_H

#include "kern/cuda/launch.h"

enum { SUM_WARPS = 16, SUM_SLABS = 64, SUM_LEAST = 64, SUM_ENTRIES = 256 };

/* The first row of every entry that the index names: [0] is their number, then the rows, in any
 * order. In scratch (SLOT_LEADERS); NULL when that failed. */
const int32_t *sum_leaders(struct kcx *kc, const int32_t *index, int64_t rows);
/* a[col] += the slabs' sums in order; then b likewise. Either may be NULL. */
void sum_slabs(struct kcx *kc, const float *partial, int64_t slabs, int64_t dim, float *a,
               float *b);

/* Rows first..end-1 of the entry of row `first` (index NULL: all) added up in V columns from col.
 * t.term(row, col, out) gives the terms of up to two sums. */
template <int V, class T>
__device__ void sum_walk(const T &t, const int32_t *index, int64_t first, int64_t end, int64_t col,
                         float (&sum)[T::SUMS][V])
{
    int lane = (int)threadIdx.x % 32;
    int32_t entry = index ? index[first] : 0;

    for (int64_t at = first + threadIdx.x / 32 * 32; at < end; at += SUM_WARPS * 32) {
        int64_t mine = at + lane;
        unsigned here = __ballot_sync(~0u, mine < end && (!index || index[mine] == entry));
        float tile[T::SUMS][V] = {}, term[T::SUMS][V];

        if (col >= t.dim)
            continue;
        if (here == ~0u) { /* the usual case, which the compiler can unroll */
            for (int j = 0; j < 32; j++) {
                t.term(at + j, col, term);
                for (int k = 0; k < T::SUMS * V; k++)
                    tile[k / V][k % V] += term[k / V][k % V];
            }
        } else {
            for (; here; here &= here - 1) {
                t.term(at + __ffs((int)here) - 1, col, term);
                for (int k = 0; k < T::SUMS * V; k++)
                    tile[k / V][k % V] += term[k / V][k % V];
            }
        }
        for (int k = 0; k < T::SUMS * V; k++)
            sum[k / V][k % V] += tile[k / V][k % V];
    }
}

/* The warps' sums added in order: thread i < 32 V gets that of the block's column i. */
template <int V> __device__ float sum_warps(const float (&sum)[V])
{
    __shared__ float part[SUM_WARPS][32 * V];
    float total = 0;

    __syncthreads(); /* what was there before has been read */
    for (int j = 0; j < V; j++)
        part[threadIdx.x / 32][threadIdx.x % 32 * V + j] = sum[j];
    __syncthreads();
    if (threadIdx.x < 32 * V)
        for (int w = 0; w < SUM_WARPS; w++)
            total += part[w][threadIdx.x];
    return total;
}

template <int V, class T>
__global__ void sum_slab(T t, int64_t rows, int64_t slab_rows, float *partial)
{
    int64_t begin = blockIdx.y * slab_rows, end = begin + slab_rows;
    int64_t first_col = (int64_t)blockIdx.x * 32 * V, own = first_col + threadIdx.x;
    float sum[T::SUMS][V] = {};

    sum_walk<V>(t, NULL, begin, end < rows ? end : rows, first_col + threadIdx.x % 32 * V, sum);
    for (int s = 0; s < T::SUMS; s++) {
        float total = sum_warps<V>(sum[s]);

        if (threadIdx.x < 32 * V && own < t.dim)
            partial[((int64_t)s * gridDim.y + blockIdx.y) * t.dim + own] = total;
    }
}

template <int V, class T>
__global__ void sum_entry(T t, const int32_t *index, const int32_t *leaders, int64_t rows,
                          int64_t ld, float *a, float *b)
{
    int64_t first_col = (int64_t)blockIdx.x * 32 * V, own = first_col + threadIdx.x;

    for (int i = (int)blockIdx.y; i < leaders[0]; i += (int)gridDim.y) {
        int64_t first = leaders[1 + i];
        float sum[T::SUMS][V] = {};

        sum_walk<V>(t, index, first, rows, first_col + threadIdx.x % 32 * V, sum);
        for (int s = 0; s < T::SUMS; s++) {
            float *to = s ? b : a, total = sum_warps<V>(sum[s]);

            if (to && threadIdx.x < 32 * V && own < t.dim)
                to[index[first] * ld + own] += total;
        }
    }
}

template <int V, class T>
static void sum_columns_by(struct kcx *kc, const char *name, T t, int64_t rows,
                           const int32_t *index, int64_t ld, float *a, float *b)
{
    int64_t blocks = pieces(t.dim, 32 * V);

    if (index) {
        const int32_t *leaders = sum_leaders(kc, index, rows);

        if (leaders)
            launch(kc, name, sum_entry<V, T>, grid(blocks, at_most(rows, SUM_ENTRIES)),
                   SUM_WARPS * 32, t, index, leaders, rows, ld, a, b);
    } else {
        int64_t slab_rows = pieces(rows, at_most(pieces(rows, SUM_LEAST), SUM_SLABS));
        int64_t slabs = pieces(rows, slab_rows);
        float *partial = (float *)cuda_scratch(kc, SLOT_PARTIAL,
                                               (size_t)(T::SUMS * slabs * t.dim) * sizeof *partial);

        if (!partial)
            return;
        launch(kc, name, sum_slab<V, T>, grid(blocks, slabs), SUM_WARPS * 32, t, rows, slab_rows,
               partial);
        sum_slabs(kc, partial, slabs, t.dim, a, b);
    }
}

/* a[e,col] += sum over rows of term 0, b[e,col] += that of term 1; e = index[row] (NULL: 0), rows
 * of a and b are ld apart, each may be NULL. t.dim columns. */
template <class T>
static void sum_columns(struct kcx *kc, const char *name, T t, int64_t rows, const int32_t *index,
                        int64_t ld, float *a, float *b)
{
    if ((!a && !b) || rows == 0 || t.dim == 0)
        return;
    if (t.dim % 2 == 0 && t.packed(2))
        sum_columns_by<2>(kc, name, t, rows, index, ld, a, b);
    else
        sum_columns_by<1>(kc, name, t, rows, index, ld, a, b);
}

#endif
