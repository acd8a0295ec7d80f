/* move.c - kernels that carry elements elsewhere: permute, embedding; and the sum over rows. */
#include "kern/c/c.h"

#include <string.h>

/* A box without its dimensions of one element. Destinations are written once each: the dimensions
 * that a destination stride of 0 sums over stand apart. */
struct box {
    const struct k_permute *a;
    int n_kept, n_summed;
    int64_t kept[8], kept_src[8], kept_dst[8];
    int64_t summed[8], summed_src[8];
    int64_t run, run_src, run_dst; /* the last kept dimension */
};

static struct box box_of(const struct k_permute *a)
{
    struct box b = {.a = a, .run = 1};

    for (int i = 0; i < a->rank; i++) {
        if (a->dim[i] == 1)
            continue;
        if (a->add && a->dst_stride[i] == 0) {
            b.summed[b.n_summed] = a->dim[i];
            b.summed_src[b.n_summed++] = a->src_stride[i];
        } else {
            b.kept[b.n_kept] = a->dim[i];
            b.kept_src[b.n_kept] = a->src_stride[i];
            b.kept_dst[b.n_kept++] = a->dst_stride[i];
        }
    }
    if (b.n_kept) {
        b.n_kept--;
        b.run = b.kept[b.n_kept];
        b.run_src = b.kept_src[b.n_kept];
        b.run_dst = b.kept_dst[b.n_kept];
    }
    return b;
}

static int64_t count(const int64_t *dim, int n)
{
    int64_t c = 1;

    for (int i = 0; i < n; i++)
        c *= dim[i];
    return c;
}

/* Offset of element number `at` of a box. */
static int64_t offset(const int64_t *dim, const int64_t *stride, int n, int64_t at)
{
    int64_t sum = 0;

    for (int i = n - 1; i >= 0; i--) {
        sum += at % dim[i] * stride[i];
        at /= dim[i];
    }
    return sum;
}

static void load_strided(double *out, const void *src, enum dtype type, int64_t first,
                         int64_t stride, int64_t n)
{
    if (stride == 1)
        load(out, src, type, first, n);
    else
        for (int64_t i = 0; i < n; i++)
            out[i] = load1(src, type, first + i * stride);
}

static void store_strided(const struct k_permute *a, int64_t first, int64_t stride, int64_t n,
                          const double *in)
{
    int64_t step = stride == 1 ? n : 1; /* elements that stand together */

    for (int64_t i = 0; i < n; i += step) {
        if (a->add)
            store_add(a->dst, a->dst_type, first + i * stride, step, in + i);
        else
            store(a->dst, a->dst_type, first + i * stride, step, in + i);
    }
}

/* The sum of `terms` source runs goes to one destination run. */
static void permute_run(const struct box *b, int64_t src, int64_t dst, int64_t terms)
{
    const struct k_permute *a = b->a;
    double sum[BLOCK], term[BLOCK];

    for (int64_t at = 0; at < b->run; at += BLOCK) {
        int64_t n = b->run - at < BLOCK ? b->run - at : BLOCK;

        memset(sum, 0, sizeof sum);
        for (int64_t t = 0; t < terms; t++) {
            int64_t from = src + offset(b->summed, b->summed_src, b->n_summed, t);

            load_strided(term, a->src, a->src_type, from + at * b->run_src, b->run_src, n);
            for (int64_t i = 0; i < n; i++)
                sum[i] += term[i];
        }
        store_strided(a, dst + at * b->run_dst, b->run_dst, n, sum);
    }
}

static void permute_range(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct box *b = arg;
    int64_t terms = count(b->summed, b->n_summed);

    (void)kc, (void)worker;
    for (int64_t at = begin; at < end; at++)
        permute_run(b, offset(b->kept, b->kept_src, b->n_kept, at),
                    offset(b->kept, b->kept_dst, b->n_kept, at), terms);
}

void permute_c(struct kcx *kc, struct k_permute *a)
{
    struct box b = box_of(a);
    int64_t runs = count(b.kept, b.n_kept), grain = 1 + 16384 / (b.run + 1);

    if (count(a->dim, a->rank) > 0)
        split(kc, runs, grain, permute_range, &b);
}

static int64_t table_row(const struct k_embedding *a, int64_t row)
{
    int64_t i = a->index[row];

    if (i < 0 || i >= a->vocab)
        BUG("embedding: row %lld asks for entry %lld of %lld", (long long)row, (long long)i,
            (long long)a->vocab);
    return i;
}

static void embedding_rows(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_embedding *a = arg;
    double *line = kcx_scratch(kc, worker, (size_t)a->dim * 2 * sizeof *line);

    for (int64_t r = begin; r < end; r++) {
        if (a->form) {
            float *wide = (float *)(line + a->dim);

            stored_read_as(a->form, a->table, table_row(a, r), 0, a->dim, a->table_type, wide);
            load(line, wide, a->table_type, 0, a->dim);
        } else {
            load(line, a->table, a->table_type, table_row(a, r) * a->dim, a->dim);
        }
        store(a->y, a->y_type, r * a->dim, a->dim, line);
    }
}

void embedding_c(struct kcx *kc, struct k_embedding *a)
{
    split(kc, a->rows, 16, embedding_rows, a);
}

/* Rows share entries of the table, so the columns are split. */
static void embedding_bwd_columns(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_embedding_bwd *a = arg;
    double dy[COLS];

    (void)kc, (void)worker;
    for (int64_t r = 0; r < a->f.rows; r++) {
        load(dy, a->dy, a->f.y_type, r * a->f.dim + begin, end - begin);
        store_add(a->dtable, wide_of(a->f.y_type), table_row(&a->f, r) * a->f.dim + begin,
                  end - begin, dy);
    }
}

void embedding_bwd_c(struct kcx *kc, struct k_embedding_bwd *a)
{
    split(kc, a->f.dim, COLS, embedding_bwd_columns, a);
}

static void row_term(const void *arg, int64_t row, int64_t first, int64_t n, double *term)
{
    const struct k_sum_rows *a = arg;

    load(term, a->dy, a->type, row * a->dim + first, n);
}

void sum_rows_c(struct kcx *kc, struct k_sum_rows *a)
{
    struct column_sum c = {a->rows, a->dim, 0, NULL, wide_of(a->type), a->sum, row_term, a};

    column_sum(kc, &c);
}
