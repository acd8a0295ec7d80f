/* common.c - elements of any type, shared loops, column sums, and the table of the C kernels. */
#include "kern/c/c.h"

#include <string.h>

void load(double *out, const void *src, enum dtype type, int64_t first, int64_t n)
{
    const float *f = (const float *)src + first;
    const bf16 *h = (const bf16 *)src + first;

    switch (type) {
    case DT_F32:
        for (int64_t i = 0; i < n; i++)
            out[i] = f[i];
        break;
    case DT_BF16:
        for (int64_t i = 0; i < n; i++)
            out[i] = bf16_to_f32(h[i]);
        break;
    case DT_F64:
        memcpy(out, (const double *)src + first, (size_t)n * sizeof *out);
        break;
    default:
        BUG("kernels have no type %s", dtype_name(type));
    }
}

void store(void *dst, enum dtype type, int64_t first, int64_t n, const double *in)
{
    float *f = (float *)dst + first;
    bf16 *h = (bf16 *)dst + first;

    switch (type) {
    case DT_F32:
        for (int64_t i = 0; i < n; i++)
            f[i] = (float)in[i];
        break;
    case DT_BF16:
        for (int64_t i = 0; i < n; i++)
            h[i] = f32_to_bf16((float)in[i]);
        break;
    case DT_F64:
        memcpy((double *)dst + first, in, (size_t)n * sizeof *in);
        break;
    default:
        BUG("kernels have no type %s", dtype_name(type));
    }
}

void store_add(void *dst, enum dtype type, int64_t first, int64_t n, const double *in)
{
    double t[BLOCK];

    for (int64_t at = 0; at < n; at += BLOCK) {
        int64_t len = n - at < BLOCK ? n - at : BLOCK;

        load(t, dst, type, first + at, len);
        for (int64_t i = 0; i < len; i++)
            t[i] += in[at + i];
        store(dst, type, first + at, len, t);
    }
}

void load_or(double *out, const void *src, enum dtype type, int64_t first, int64_t n, double none)
{
    if (src)
        load(out, src, type, first, n);
    else
        for (int64_t i = 0; i < n; i++)
            out[i] = none;
}

struct split_job {
    struct kcx *kc;
    int64_t n, grain;
    range_fn *fn;
    void *arg;
};

static void split_item(void *arg, int item, int worker)
{
    struct split_job *j = arg;
    int64_t begin = item * j->grain, end = begin + j->grain;

    j->fn(j->kc, j->arg, begin, end < j->n ? end : j->n, worker);
}

void split(struct kcx *kc, int64_t n, int64_t grain, range_fn *fn, void *arg)
{
    struct split_job job = {kc, n, grain, fn, arg};

    if (n > 0 && !kcx_counts(kc))
        threads_run(kc->threads, (int)((n + grain - 1) / grain), split_item, &job);
}

static void column_sum_range(struct kcx *kc, void *arg, int64_t first, int64_t end, int worker)
{
    const struct column_sum *s = arg;
    double sum[COLS] = {0}, term[COLS];
    int64_t n = end - first, entry = 0;

    (void)kc, (void)worker;
    for (int64_t r = 0; r < s->rows; r++) {
        int64_t e = s->index ? s->index[r] : 0;

        if (e != entry && r > 0) {
            store_add(s->sum, s->type, entry * s->ld + first, n, sum);
            memset(sum, 0, sizeof sum);
        }
        entry = e;
        s->fn(s->arg, r, first, n, term);
        for (int64_t i = 0; i < n; i++)
            sum[i] += term[i];
    }
    store_add(s->sum, s->type, entry * s->ld + first, n, sum);
}

void column_sum(struct kcx *kc, struct column_sum *s)
{
    if (s->sum && s->rows > 0)
        split(kc, s->dim, COLS, column_sum_range, s);
}

const struct kernels *kernels_c(void)
{
    static const struct kernels table = {.name = "c",
#define K(kernel, args) .kernel = kernel##_c,
                                         KERNELS(K)
#undef K
    };

    return &table;
}
