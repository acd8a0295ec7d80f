/* times.c - see times.h. */
#include "kern/cuda/times.h"

#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SPANS = 1024, MOST_ROWS = 512 };

struct row {
    const char *kernel;
    char shape[TIMES_SHAPE];
    int64_t calls; /* the first one is not in the sums */
    double ms, least;
};

struct span {
    cudaEvent_t from, to;
    struct row *row;
};

struct times {
    struct gpu *gpu;
    struct row row[MOST_ROWS];
    int n_rows, n_spans;
    struct span span[MOST_SPANS];
};

static struct times *the_times;

static void fold(struct times *t)
{
    float ms;

    cudaStreamSynchronize(t->gpu->stream);
    for (int i = 0; i < t->n_spans; i++) {
        struct row *r = t->span[i].row;

        if (cudaEventElapsedTime(&ms, t->span[i].from, t->span[i].to) || r->calls++ == 0)
            continue;
        r->ms += ms;
        r->least = r->calls == 2 || ms < r->least ? ms : r->least;
    }
    t->n_spans = 0;
}

static int by_time(const void *a, const void *b)
{
    double x = ((const struct row *)a)->ms, y = ((const struct row *)b)->ms;

    return (x < y) - (x > y);
}

static void print(void)
{
    struct times *t = the_times;
    double all = 0;

    fold(t);
    qsort(t->row, (size_t)t->n_rows, sizeof *t->row, by_time);
    for (int i = 0; i < t->n_rows; i++)
        all += t->row[i].ms;
    fprintf(stderr, "%-16s %-32s %8s %10s %6s %10s %10s\n", "kernel", "shape", "calls", "ms", "%",
            "mean us", "least us");
    for (int i = 0; i < t->n_rows; i++) {
        const struct row *r = &t->row[i];

        if (r->calls > 1)
            fprintf(stderr, "%-16s %-32s %8lld %10.2f %6.2f %10.1f %10.1f\n", r->kernel, r->shape,
                    (long long)r->calls - 1, r->ms, 100 * r->ms / all,
                    1000 * r->ms / (double)(r->calls - 1), 1000 * r->least);
    }
    fprintf(stderr, "all %.2f ms\n", all);
}

struct times *cuda_times_open(struct gpu *g)
{
    const char *wanted = getenv("ZT_CUDA_TIMES");
    struct times *t;

    if (the_times || !wanted || strcmp(wanted, "1"))
        return NULL;
    t = xcalloc(1, sizeof *t);
    t->gpu = g;
    for (int i = 0; i < MOST_SPANS; i++)
        if (cudaEventCreate(&t->span[i].from) || cudaEventCreate(&t->span[i].to)) {
            cudaGetLastError();
            free(t);
            return NULL;
        }
    the_times = t;
    atexit(print);
    return t;
}

static struct row *row_of(struct times *t, const char *kernel, const char *shape)
{
    for (int i = 0; i < t->n_rows; i++)
        if (!strcmp(t->row[i].kernel, kernel) && !strcmp(t->row[i].shape, shape))
            return &t->row[i];
    if (t->n_rows == MOST_ROWS)
        return &t->row[MOST_ROWS - 1];
    t->row[t->n_rows].kernel = kernel;
    snprintf(t->row[t->n_rows].shape, TIMES_SHAPE, "%s", shape);
    return &t->row[t->n_rows++];
}

void cuda_times_begin(struct gpu *g, const char *kernel, const char *shape)
{
    struct times *t = g->times;
    struct span *s;

    if (t->n_spans == MOST_SPANS)
        fold(t);
    s = &t->span[t->n_spans];
    s->row = row_of(t, kernel, shape);
    cudaEventRecord(s->from, g->stream);
}

void cuda_times_end(struct gpu *g)
{
    struct times *t = g->times;

    cudaEventRecord(t->span[t->n_spans++].to, g->stream);
}

static void product(char *shape, const struct k_matmul *q)
{
    snprintf(shape, TIMES_SHAPE, "%lldx%lldx%lld%s%s x%lld", (long long)q->m, (long long)q->n,
             (long long)q->k, q->a_type == DT_BF16 ? "" : " f32", q->bias ? " bias" : "",
             (long long)(q->batch ? q->batch : 1));
}

static void attention(char *shape, const struct k_attention *a)
{
    int64_t q = a->n_seq ? a->q_start[a->n_seq] : 0, k = a->n_seq ? a->k_start[a->n_seq] : 0;

    snprintf(shape, TIMES_SHAPE, "%d of %lld to %lld, %dx%d", a->n_seq, (long long)q, (long long)k,
             a->heads, a->head_dim);
}

static void rows(char *shape, int64_t n, int64_t dim, const void *index)
{
    snprintf(shape, TIMES_SHAPE, "%lldx%lld%s", (long long)n, (long long)dim,
             index ? " by index" : "");
}

static int is(const char *kernel, const char *name)
{
    return !strncmp(kernel, name, strlen(name));
}

/* A backward struct begins with the forward one. */
void cuda_times_shape(char shape[TIMES_SHAPE], const char *kernel, const void *args)
{
    const struct k_norm_mod *norm = args;
    const struct k_rms_norm *rms = args;
    const struct k_add_gated *gated = args;
    const struct k_rope *rope = args;

    shape[0] = 0;
    if (is(kernel, "matmul"))
        product(shape, args);
    else if (is(kernel, "attention"))
        attention(shape, args);
    else if (is(kernel, "norm_mod"))
        rows(shape, norm->rows, norm->dim, norm->index);
    else if (is(kernel, "rms_norm"))
        rows(shape, rms->rows, rms->dim, NULL);
    else if (is(kernel, "add_gated"))
        rows(shape, gated->rows, gated->dim, gated->index);
    else if (is(kernel, "rope"))
        rows(shape, rope->rows, (int64_t)rope->heads * rope->head_dim, NULL);
    else if (is(kernel, "act"))
        rows(shape, ((const struct k_act_fwd *)args)->n, 1, NULL);
    else if (!strcmp(kernel, "add"))
        rows(shape, ((const struct k_add *)args)->n, 1, NULL);
    else if (is(kernel, "sum_rows"))
        rows(shape, ((const struct k_sum_rows *)args)->rows, ((const struct k_sum_rows *)args)->dim,
             NULL);
}
