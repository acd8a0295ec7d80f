/* sum.cu - see sum.h: which entries an index names, and the last step of sums over rows. */
#include "kern/cuda/sum.h"

/* Counts and the lists behind them: heads of runs, then leaders. Atomics on whole numbers decide
 * the order of a list alone, and no result depends on that. */
static __global__ void clear_lists(int32_t *heads, int32_t *leaders)
{
    heads[0] = 0;
    leaders[0] = 0;
}

static __device__ void append(int32_t *list, int32_t row)
{
    list[1 + atomicAdd(list, 1)] = row;
}

static __global__ void find_heads(const int32_t *index, int64_t rows, int32_t *heads)
{
    int64_t r = (int64_t)blockIdx.x * BLOCK + threadIdx.x;

    if (r < rows && (r == 0 || index[r] != index[r - 1]))
        append(heads, (int32_t)r);
}

/* Heads of whose entry no head stands earlier. A warp looks at one head at a time. */
static __global__ void find_leaders(const int32_t *index, const int32_t *heads, int32_t *leaders)
{
    int lane = (int)threadIdx.x % 32, n = heads[0];
    int step = (int)(gridDim.x * (BLOCK / 32));

    for (int i = (int)(blockIdx.x * (BLOCK / 32) + threadIdx.x / 32); i < n; i += step) {
        int32_t row = heads[1 + i], entry = index[row];
        int earlier = 0;

        for (int at = lane; at - lane < n && !earlier; at += 32) {
            int32_t other = at < n ? heads[1 + at] : row;

            earlier = __any_sync(~0u, other < row && index[other] == entry);
        }
        if (!earlier && lane == 0)
            append(leaders, row);
    }
}

const int32_t *sum_leaders(struct kcx *kc, const int32_t *index, int64_t rows)
{
    int32_t *heads, *leaders;
    int64_t blocks = pieces(rows, BLOCK / 32);

    if (rows > INT32_MAX - 32)
        BUG("sums by index of %lld rows", (long long)rows);
    heads = (int32_t *)cuda_scratch(kc, SLOT_LEADERS, (size_t)(2 * (rows + 1)) * sizeof *heads);
    if (!heads)
        return NULL;
    leaders = heads + rows + 1;
    LAUNCH(kc, clear_lists, 1, 1, heads, leaders);
    LAUNCH(kc, find_heads, pieces(rows, BLOCK), BLOCK, index, rows, heads);
    LAUNCH(kc, find_leaders, at_most(blocks, 1024), BLOCK, index, heads, leaders);
    return leaders;
}

static __global__ void add_slabs(const float *partial, int slabs, int64_t dim, float *a, float *b)
{
    int64_t col = (int64_t)blockIdx.x * BLOCK + threadIdx.x;
    const float *from = partial + (int64_t)blockIdx.y * slabs * dim + col;
    float *to = blockIdx.y ? b : a, total = 0;

    if (!to || col >= dim)
        return;
    for (int s = 0; s < slabs; s++)
        total += from[s * dim];
    to[col] += total;
}

void sum_slabs(struct kcx *kc, const float *partial, int64_t slabs, int64_t dim, float *a, float *b)
{
    LAUNCH(kc, add_slabs, grid(pieces(dim, BLOCK), b ? 2 : 1), BLOCK, partial, slabs, dim, a, b);
}
