#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "model/wan.h"
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
    const struct bench_case *is;
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
    const struct bench_case *is = b->is;
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

static int prepare(struct bench *b, struct device *device, struct threads *th, FILE *log,
                   struct err *e)
{
    const struct bench_case *is = b->is;
    struct wan_config c;
    wan_config_default(&c);
    c.heads = is->heads;
    c.head_dim = is->head_dim;
    c.ffn_dim = is->ffn_dim;
    c.layers = is->layers;
    c.text_dim = is->text_dim;
    b->cols = (int64_t)c.in_channels * c.patch_size[1] * c.patch_size[2];
    cx_init(&b->cx, device, DT_BF16, th);
    int rc = wan_init(&b->m, &c, e);
    if (!rc)
        rc = weight_set_allocate(&b->m.weights, device, DT_BF16, is->training, e);
    if (rc)
        return rc;
    double start = clock_s();
    weight_set_initialise(&b->m.weights, 1, th);
    say(log, "%s: %lld weights drawn in %.1f s", is->name,
        (long long)weight_set_count(&b->m.weights), clock_s() - start);
    struct optim_set set = {"dit", &b->m.weights};
    if (is->training && (rc = optim_init(&b->optim, &optim_config_default, &set, 1, e)))
        return rc;
    fill_inputs(b);
    return 0;
}

static int step(struct bench *b, struct err *e)
{
    const struct bench_case *is = b->is;
    struct cx *cx = &b->cx;
    struct denoiser_batch call = {.n = is->windows,
                                  .grid = b->grid,
                                  .n_times = is->windows,
                                  .times = b->times,
                                  .time_index = b->time_index,
                                  .text = {{NULL, {is->windows, b->text_start}}}};
    float first;
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
        tensor_read_f32(cx, slice_last(cx, slice_rows(cx, v, 0, 1), 0, 1), &first); /* waits */
    }
    cx_step_end(cx);
    if (cx->err.code)
        return err_set(e, cx->err.code, "%s", cx->err.msg);
    if (!is->training)
        return 0;
    int rc = optim_step(&b->optim, cx->k, &cx->kcx, 0.1, e);
    return rc ? rc : device_check(cx->device, e);
}

int bench_step(const struct bench_case *is, struct device *device, struct threads *th, int n_steps,
               FILE *log, double *out, double *flops, struct err *e)
{
    struct bench b = {.is = is};
    int rc = prepare(&b, device, th, log, e);
    for (int i = 0; i < n_steps && !rc; i++) {
        b.cx.flops = 0;
        double start = clock_s();
        rc = step(&b, e);
        out[i] = clock_s() - start;
        *flops = b.cx.flops;
        say(log, "%s: step %d of %d, %.3f s", is->name, i + 1, n_steps, out[i]);
    }
    optim_release(&b.optim);
    wan_release(&b.m);
    free(b.x);
    free(b.target);
    free(b.text);
    free(b.grid);
    free(b.times);
    free(b.text_start);
    free(b.time_index);
    cx_release(&b.cx);
    return rc;
}
