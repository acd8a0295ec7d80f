#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "model/wan.h"
#include "tensor/times.h"
#include "train/optim.h"
#include "train/train.h"

/* clang-format off */
const struct bench_case bench_cases[] = {
    {"train-s", "a training step of the small transformer (width 256, 8 layers): 32 windows of 140\n"
                "           tokens with 10 words each, forward, backward, Muon and AdamW",
     4, 64, 1024, 8, 256, 32, {5, 4, 7}, 10, 1},
    {"train-m", "a training step of the middle one (width 384, 12 layers): 256 windows of 308 tokens",
     6, 64, 1536, 12, 256, 256, {11, 4, 7}, 24, 1},
    {"wan-block", "one block of the shape of Wan 14B, forward, on 32760 tokens (832x480, 81 frames)",
     40, 128, 13824, 1, 4096, 1, {21, 30, 52}, 512, 0},
    {"wan-1.3b", "all 30 layers of the shape of Wan 1.3B, forward, on the same tokens",
     12, 128, 8960, 30, 4096, 1, {21, 30, 52}, 512, 0},
};
/* clang-format on */
const int n_bench_cases = sizeof bench_cases / sizeof *bench_cases;

struct bench {
    const struct bench_ask *ask;
    struct cx cx;
    struct wan m;
    struct optim optim;
    struct token_grid *grid;
    double *times;
    int64_t *text_start;
    int32_t *time_index;
    float *x, *target, *text;
    int64_t rows, cols;
};

static float *noise(int64_t n, uint64_t stream)
{
    float *x = xmalloc(sizeof(float) * (size_t)n);
    rng_fill_normal(x, (size_t)n, 1, stream, 0);
    return x;
}

static void fill_inputs(struct bench *b)
{
    const struct bench_case *is = &b->ask->is;
    int64_t tokens = (int64_t)is->grid[0] * is->grid[1] * is->grid[2], n = is->windows;
    b->rows = n * tokens;
    b->x = noise(b->rows * b->cols, 1);
    b->target = noise(b->rows * b->cols, 2);
    b->text = noise(n * is->words * is->text_dim, 3);
    b->grid = xcalloc((size_t)n, sizeof *b->grid);
    b->times = xcalloc((size_t)n, sizeof *b->times);
    b->text_start = xcalloc((size_t)n + 1, sizeof *b->text_start);
    b->time_index = xmalloc(sizeof(int32_t) * (size_t)b->rows);
    for (int i = 0; i < n; i++) {
        b->grid[i] = (struct token_grid){is->grid[0], is->grid[1], is->grid[2]};
        b->times[i] = 1000.0 * (i + 0.5) / (double)n;
        b->text_start[i + 1] = (int64_t)is->words * (i + 1);
        for (int64_t j = 0; j < tokens; j++)
            b->time_index[i * tokens + j] = i;
    }
}

/* A bench that hangs has said where. */
static PRINTF_LIKE(2, 3) void say(FILE *log, const char *fmt, ...)
{
    va_list ap;
    if (!log)
        return;
    va_start(ap, fmt);
    vfprintf(log, fmt, ap);
    va_end(ap);
    fputc('\n', log);
    fflush(log);
}

static struct wan_config config_of(const struct bench_case *is)
{
    struct wan_config c;
    wan_config_default(&c);
    c.heads = is->heads;
    c.head_dim = is->head_dim;
    c.ffn_dim = is->ffn_dim;
    c.layers = is->layers;
    c.text_dim = is->text_dim;
    return c;
}

/* Layers that begin at zero to be trained would hide what comes before them. */
static void nothing_is_zero(struct weight_set *s)
{
    for (int i = 0; i < s->n; i++)
        if (s->all[i]->matrix && s->all[i]->init == INIT_ZERO) {
            s->all[i]->init = INIT_LINEAR;
            s->all[i]->init_arg = 1;
        }
}

/* The network in `type`, its matrices as `as` says, and what it is given. */
static int prepare(struct bench *b, enum dtype type, struct weight_as as, struct err *e)
{
    const struct bench_case *is = &b->ask->is;
    struct wan_config c = config_of(is);
    b->cols = (int64_t)c.in_channels * c.patch_size[1] * c.patch_size[2];
    cx_init(&b->cx, b->ask->device, type, b->ask->threads);
    int rc = wan_init(&b->m, &c, e);
    if (rc)
        return rc;
    b->m.weights.as = as;
    if (!is->training)
        nothing_is_zero(&b->m.weights);
    rc = weight_set_allocate(&b->m.weights, b->ask->device, type, is->training, e);
    if (rc)
        return rc;
    double start = clock_s();
    weight_set_initialise(&b->m.weights, 1, b->ask->threads);
    say(b->ask->log, "%s: %lld weights drawn in %.1f s", is->name,
        (long long)weight_set_count(&b->m.weights), clock_s() - start);
    struct optim_set set = {"dit", &b->m.weights};
    if (is->training && (rc = optim_init(&b->optim, &optim_config_default, &set, 1, e)))
        return rc;
    fill_inputs(b);
    return 0;
}

/* The velocity, or its first value alone (enough to wait for it). */
static void read_velocity(struct cx *cx, struct tensor *v, float *out)
{
    float first;
    tensor_read_f32(cx, out ? v : slice_last(cx, slice_rows(cx, v, 0, 1), 0, 1),
                    out ? out : &first);
}

/* velocity [rows, cols] may be NULL. */
static int step(struct bench *b, float *velocity, struct err *e)
{
    const struct bench_case *is = &b->ask->is;
    struct cx *cx = &b->cx;
    struct denoiser_batch call = {.n = is->windows,
                                  .grid = b->grid,
                                  .n_times = is->windows,
                                  .times = b->times,
                                  .time_index = b->time_index,
                                  .text = {{NULL, {is->windows, b->text_start}}}};
    if (is->training) {
        weight_zero_grads(&b->m.weights);
        tape_begin(cx);
    }
    call.rows = tensor_from(cx, DT_F32, DIMS(b->rows, b->cols), b->x, DT_F32);
    call.text[0].rows = tensor_from(
        cx, DT_F32, DIMS((int64_t)is->windows * is->words, is->text_dim), b->text, DT_F32);
    struct tensor *v = wan_forward(cx, &b->m, &call);
    if (is->training) {
        struct tensor *target = tensor_from(cx, DT_F32, DIMS(b->rows, b->cols), b->target, DT_F32);
        backward(cx, loss_l2(cx, v, target, NULL, 1.0 / (double)b->rows), 1);
        tape_end(cx);
    } else {
        read_velocity(cx, v, velocity);
    }
    cx_step_end(cx);
    if (cx->err.code)
        return err_set(e, cx->err.code, "%s", cx->err.msg);
    if (!is->training)
        return 0;
    int rc = optim_step(&b->optim, cx->k, &cx->kcx, 0.1, e);
    return rc ? rc : device_check(cx->device, e);
}

static void release(struct bench *b)
{
    optim_release(&b->optim);
    wan_release(&b->m);
    free(b->x);
    free(b->target);
    free(b->text);
    free(b->grid);
    free(b->times);
    free(b->text_start);
    free(b->time_index);
    cx_release(&b->cx);
}

int bench_step(const struct bench_ask *a, double *out, double *cpu, double *flops, struct err *e)
{
    struct bench b = {.ask = a};
    struct times now;
    double least = INFINITY;
    int rc = prepare(&b, DT_BF16, a->as, e);
    for (int i = 0; i < a->n_steps && !rc; i++) {
        b.cx.flops = 0;
        double start = clock_s(), cpu_start = clock_cpu_s();
        if (a->times)
            times_begin(&b.cx, &now);
        rc = step(&b, NULL, e);
        out[i] = clock_s() - start;
        if (a->times)
            times_end(&b.cx);
        if (a->times && out[i] < least)
            *a->times = now;
        least = fmin(least, out[i]);
        *cpu = fmin(i ? *cpu : INFINITY, clock_cpu_s() - cpu_start);
        *flops = b.cx.flops;
        say(a->log, "%s: step %d of %d, %.3f s", a->is.name, i + 1, a->n_steps, out[i]);
    }
    release(&b);
    return rc;
}

/* The velocity in one type; *out is the caller's, NULL when it fails. */
static int velocity_in(const struct bench_ask *a, enum dtype type, struct weight_as as, float **out,
                       int64_t *n, struct err *e)
{
    struct bench b = {.ask = a};
    int rc = prepare(&b, type, as, e);
    *n = b.rows * b.cols;
    *out = rc ? NULL : xmalloc(sizeof **out * (size_t)*n);
    if (!rc)
        rc = step(&b, *out, e);
    release(&b);
    return rc;
}

int bench_error(const struct bench_ask *a, double *error, struct err *e)
{
    float *v, *w = NULL;
    double diff = 0, all = 0;
    int64_t n;
    int rc = velocity_in(a, DT_BF16, a->as, &v, &n, e);
    if (!rc)
        rc = velocity_in(a, DT_F32, (struct weight_as){0}, &w, &n, e);
    for (int64_t i = 0; i < n && !rc; i++) {
        diff += ((double)v[i] - w[i]) * ((double)v[i] - w[i]);
        all += (double)w[i] * w[i];
    }
    *error = isfinite(diff) && all > 0 ? sqrt(diff / all) : INFINITY;
    free(v);
    free(w);
    return rc;
}
