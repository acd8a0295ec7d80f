#include "generate/step_speed.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "model/networks.h"

enum { CLIP_ROWS = 257, ROWS_OF_TEXT = 512 };

/* All samples of a step, of zeros: what a network computes does not change how long it takes. */
static void evaluate(struct cx *cx, const struct denoiser *d, struct token_grid grid, int n)
{
    const struct denoiser_config *k = &d->config;
    int64_t tokens = (int64_t)grid.t * grid.h * grid.w,
            patch = k->patch[0] * k->patch[1] * k->patch[2];
    struct token_grid grids[2] = {grid, grid};
    int64_t starts[DENOISER_TEXTS + 1][3];
    double times[1] = {500},
           *scale = arena_alloc(&cx->handles, sizeof *scale * (size_t)(k->n_controls + 1));
    struct denoiser_batch b = {.n = n, .grid = grids, .n_times = 1, .times = times};

    b.rows = tensor_zeros(cx, DT_F32, DIMS(n * tokens, k->in_channels * patch));
    for (int i = 0; i <= k->n_texts; i++) {
        int image = i == k->n_texts;
        int64_t rows = image ? k->image_rows : k->text_rows[i];
        int64_t dim = image ? k->image_dim : k->text_dim[i];

        rows = rows ? rows : image ? CLIP_ROWS : ROWS_OF_TEXT;
        for (int j = 0; j <= 2; j++)
            starts[i][j] = j * rows;
        if (dim)
            *(image ? &b.image : &b.text[i]) =
                (struct context){tensor_zeros(cx, DT_F32, DIMS(n * rows, dim)), {n, starts[i]}};
    }
    if (k->n_controls) {
        for (int i = 0; i < k->n_controls; i++)
            scale[i] = 1;
        b.control = tensor_zeros(cx, DT_F32, DIMS(n * tokens, k->control_channels * patch));
        b.control_scale = scale;
    }
    denoiser_velocity(cx, d, &b);
    cx_step_end(cx);
}

static double count(const struct denoiser *d, struct token_grid grid, int n, enum dtype type)
{
    struct cx cx;
    double flops;

    cx_init(&cx, device_null(), type, NULL);
    evaluate(&cx, d, grid, n);
    flops = cx.flops;
    cx_release(&cx);
    return flops;
}

/* Small and finite, whatever type they are read as. */
static void fill(struct weight_set *s)
{
    for (int i = 0; i < s->n; i++)
        memset(s->all[i]->data, 0x3c,
               (size_t)weight_count(s->all[i]) * dtype_bytes(s->all[i]->type));
}

/* The transformer of b with one block. */
static int one_block(struct wan *m, const struct bundle *b, int *blocks, struct err *e)
{
    struct wan_config c = ((const struct wan *)b->denoiser[0].net)->config;

    *blocks = c.layers + c.n_vace;
    c.layers = 1;
    c.n_vace = c.n_vace > 0;
    return wan_init(m, &c, e);
}

/* Fewer tokens until the block is done in time. */
static struct token_grid shrink(const struct denoiser *d, struct token_grid g, enum dtype type,
                                double most)
{
    while (count(d, g, 1, type) > most) {
        if (g.t > 1)
            g.t = (g.t + 1) / 2;
        else if (g.h > 1)
            g.h = (g.h + 1) / 2;
        else
            break;
    }
    return g;
}

static int run(struct step_speed *s, const struct denoiser *one, struct weight_set *weights,
               struct token_grid grid, enum dtype type, struct threads *th, struct err *e)
{
    struct cx cx;
    int rc;

    cx_init(&cx, device_cpu(), type, th);
    rc = weight_set_allocate(weights, device_cpu(), type, 0, e);
    s->block_s = INFINITY;
    if (!rc)
        fill(weights);
    for (int i = 0; !rc && i < 2; i++) { /* the first run warms up */
        double start = clock_s();

        evaluate(&cx, one, grid, 1);
        s->block_s = fmin(s->block_s, clock_s() - start);
        rc = cx.err.code;
        if (rc)
            err_set(e, rc, "%s", cx.err.msg);
    }
    cx_release(&cx);
    return rc;
}

int step_measure(struct step_speed *s, const struct bundle *b, const struct latent_shape *shape,
                 int samples, double most_flops, struct threads *th, struct err *e)
{
    struct token_grid grid = {shape->t / shape->pt, shape->h / shape->ph, shape->w / shape->pw},
                      less;
    enum dtype type = DT_BF16;
    struct wan m;
    int rc;

    *s = (struct step_speed){0};
    if (b->part[PLACE_DENOISER].is != &wan_part)
        return err_set(e, ERR_FORMAT, "%s: one block of this transformer cannot be run", b->dir);
    rc = one_block(&m, b, &s->blocks, e);
    if (rc)
        return rc;
    struct part p = {&wan_part, &m};
    struct denoiser one = part_denoiser(&p);
    weight_set_prepare(&m.weights, device_cpu(), type);
    weight_set_prepare(b->denoiser[0].weights, device_cpu(), type);
    less = shrink(&one, grid, type, most_flops);
    rc = run(s, &one, &m.weights, less, type, th, e);
    s->tokens = grid.t * grid.h * grid.w;
    s->measured_tokens = less.t * less.h * less.w;
    s->flops = count(&b->denoiser[0], grid, samples, type);
    s->step_s = s->block_s * s->flops / count(&one, less, 1, type);
    wan_release(&m);
    return rc;
}
