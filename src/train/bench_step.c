#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"
#include "model/wan.h"
#include "train/optim.h"
#include "train/train.h"

enum {
    WINDOWS = 32,
    FRAMES = 5,
    ROWS = 4,
    COLUMNS = 7,
    TOKENS = FRAMES * ROWS * COLUMNS,
    WORDS = 10
};

struct bench {
    struct cx cx;
    struct wan m;
    struct optim optim;
    struct wan_grid grid[WINDOWS];
    double times[WINDOWS];
    int64_t text_start[WINDOWS + 1];
    int32_t *time_index;
    float *x, *target, *text;
};

static float *noise(int64_t n, uint64_t stream)
{
    float *x = xmalloc(sizeof(float) * (size_t)n);
    rng_fill_normal(x, (size_t)n, 1, stream, 0);
    return x;
}

static void prepare(struct bench *b, struct device *device, struct threads *th)
{
    struct wan_config c;
    struct err e = {0};
    wan_config_default(&c);
    cx_init(&b->cx, device, DT_BF16, th);
    if (wan_init(&b->m, &c, &e) || weight_set_allocate(&b->m.weights, device, DT_BF16, 1, &e))
        BUG("%s", e.msg);
    weight_set_initialise(&b->m.weights, 1);
    if (optim_init(&b->optim, &optim_config_default, &(struct optim_set){"dit", &b->m.weights}, 1,
                   &e))
        BUG("%s", e.msg);
    int64_t cols = (int64_t)c.in_channels * c.patch_size[1] * c.patch_size[2],
            rows = (int64_t)WINDOWS * TOKENS;
    b->x = noise(rows * cols, 1);
    b->target = noise(rows * cols, 2);
    b->text = noise((int64_t)WINDOWS * WORDS * c.text_dim, 3);
    b->time_index = xmalloc(sizeof(int32_t) * (size_t)rows);
    for (int i = 0; i < WINDOWS; i++) {
        b->grid[i] = (struct wan_grid){FRAMES, ROWS, COLUMNS};
        b->times[i] = 1000.0 * (i + 0.5) / WINDOWS;
        b->text_start[i + 1] = (int64_t)WORDS * (i + 1);
        for (int j = 0; j < TOKENS; j++)
            b->time_index[i * TOKENS + j] = i;
    }
}

static void step(struct bench *b)
{
    struct cx *cx = &b->cx;
    const struct wan_config *c = &b->m.config;
    int64_t rows = (int64_t)WINDOWS * TOKENS,
            cols = (int64_t)c->in_channels * c->patch_size[1] * c->patch_size[2];
    struct wan_batch call = {.n = WINDOWS,
                             .grid = b->grid,
                             .n_times = WINDOWS,
                             .times = b->times,
                             .time_index = b->time_index,
                             .text_seq = {WINDOWS, b->text_start}};
    weight_zero_grads(&b->m.weights);
    tape_begin(cx);
    call.rows = tensor_from(cx, DT_F32, DIMS(rows, cols), b->x, DT_F32);
    call.text =
        tensor_from(cx, DT_F32, DIMS((int64_t)WINDOWS * WORDS, c->text_dim), b->text, DT_F32);
    struct tensor *target = tensor_from(cx, DT_F32, DIMS(rows, cols), b->target, DT_F32);
    struct tensor *v = wan_forward(cx, &b->m, &call);
    backward(cx, loss_l2(cx, v, target, NULL, 1.0 / (double)rows), 1);
    tape_end(cx);
    cx_step_end(cx);
    struct err e = {0};
    if (optim_step(&b->optim, cx->k, &cx->kcx, 0.1, &e) || device_check(cx->device, &e))
        BUG("%s", e.msg);
}

double bench_step(struct device *device, struct threads *th, int n_steps, double *out)
{
    struct bench b = {0};
    prepare(&b, device, th);
    double flops = 0;
    for (int i = 0; i < n_steps; i++) {
        b.cx.flops = 0;
        double start = clock_s();
        step(&b);
        out[i] = clock_s() - start;
        flops = b.cx.flops;
    }
    optim_release(&b.optim);
    wan_release(&b.m);
    free(b.x);
    free(b.target);
    free(b.text);
    free(b.time_index);
    cx_release(&b.cx);
    return flops;
}
