#include "generate/velocity.h"
#include "generate/prompt_tokens.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void velocity_shape(const struct plan *p, struct latent_shape *s)
{
    const int *patch = p->dit.patch;

    *s = (struct latent_shape){p->c, p->t, p->lh, p->lw, patch[0], patch[1], patch[2]};
}

/* ---- text ---- */

/* Token ids of both prompts one after the other; start[3] gets their rows. */
static int32_t *tokens(const struct bundle *b, const struct plan *p, int64_t start[3])
{
    const char *text[2] = {p->prompt, p->negative};
    int32_t *all = xmalloc(sizeof(*all) * 2 * PROMPT_MAX_TOKENS);
    int most = prompt_tokens_most(&b->denoiser[0].config), end = tokenizer_end(b->tokenizer);

    start[0] = 0;
    for (int i = 0; i < 2; i++) {
        int32_t *ids;
        int n;
        tokenizer_encode(b->tokenizer, text[i], strlen(text[i]), &ids, &n);
        if (n > most) { /* what is too long loses its tail, not its end token */
            n = most;
            if (end >= 0)
                ids[n - 1] = end;
        }
        memcpy(all + start[i], ids, sizeof(*all) * (size_t)n);
        start[i + 1] = start[i] + n;
        free(ids);
    }
    return all;
}

/* Rows as the transformer was trained: exactly those of the prompt, or filled up with zeros. */
static void keep_text(struct velocity *v, const float *rows, const int64_t start[3])
{
    int64_t fixed = v->dit->config.text_rows[0], dim = v->dit->config.text_dim[0];

    v->text_start[0] = 0;
    for (int i = 0; i < 2; i++)
        v->text_start[i + 1] = v->text_start[i] + (fixed ? fixed : start[i + 1] - start[i]);
    v->text = xcalloc((size_t)(v->text_start[2] * dim), sizeof(float));
    for (int i = 0; i < 2; i++)
        memcpy(v->text + v->text_start[i] * dim, rows + start[i] * dim,
               sizeof(float) * (size_t)((start[i + 1] - start[i]) * dim));
}

static int read_text(struct velocity *v, struct cx *cx, const struct bundle *b, struct err *e)
{
    int64_t start[3];
    int32_t *ids = tokens(b, v->plan, start);
    struct seq seq = {2, start};
    device_enter(cx->device);
    struct tensor *y = text_rows(cx, &b->text[0], ids, &seq, NULL);
    int bad = cx->err.code || !tensor_finite(cx, y);

    if (!bad) {
        float *rows = xmalloc(tensor_bytes(y));
        tensor_read_f32(cx, y, rows);
        keep_text(v, rows, start);
        free(rows);
    }
    device_leave(cx->device);
    cx_step_end(cx);
    free(ids);
    if (cx->err.code)
        return err_set(e, cx->err.code, "text encoder: %s", cx->err.msg);
    return bad ? err_set(e, ERR_DEVICE, "text encoder: its output is not finite") : 0;
}

/* ---- the transformer ---- */

static void look_for_stop(void *user, struct cx *cx, const char *name, struct tensor *value)
{
    const struct velocity *v = user;

    (void)name;
    (void)value;
    if (v->stop && atomic_load(v->stop))
        cx_fail(cx, ERR_CANCEL, "stopped");
}

/* Rows of n samples in and out: [n*tokens, columns]. */
static struct tensor *call(struct velocity *v, struct cx *cx, int n, struct tensor *rows,
                           struct tensor *text, const double times[2])
{
    struct token_grid *grid = arena_alloc(&cx->handles, 2 * sizeof(*grid));
    struct tap *tap = arena_alloc(&cx->handles, sizeof(*tap));
    const struct latent_shape *s = &v->shape;

    grid[0] = grid[1] = (struct token_grid){s->t / s->pt, s->h / s->ph, s->w / s->pw};
    *tap = (struct tap){look_for_stop, v};
    struct denoiser_batch b = {.n = n,
                               .grid = grid,
                               .rows = rows,
                               .n_times = v->time_index ? 2 : 1,
                               .times = v->time_index ? times : times + 1,
                               .time_index = v->time_index,
                               .text = {{text, {n, v->text_start}}},
                               .tap = tap};
    return denoiser_velocity(cx, v->dit, &b);
}

int velocity_init(struct velocity *v, struct cx *cx, const struct bundle *b, const struct plan *p,
                  const atomic_int *stop, struct err *e)
{
    memset(v, 0, sizeof(*v));
    v->plan = p;
    v->cx = cx;
    v->model = b;
    v->dit = &b->denoiser[0];
    v->stop = stop;
    velocity_shape(p, &v->shape);
    int64_t tokens = latent_tokens(&v->shape), given = tokens / (v->shape.t / v->shape.pt);
    size_t n = (size_t)(2 * tokens) * (size_t)latent_columns(&v->shape);
    v->in = xmalloc(n * sizeof(float));
    v->out = xmalloc(n * sizeof(float));
    if (p->first_frame) {
        v->time_index = xmalloc(sizeof(int32_t) * (size_t)(2 * tokens));
        for (int64_t i = 0; i < 2 * tokens; i++)
            v->time_index[i] = i % tokens >= given;
    }
    int rc = read_text(v, cx, b, e);
    if (rc)
        velocity_release(v);
    return rc;
}

void velocity_release(struct velocity *v)
{
    if (v->cx)
        device_enter(v->cx->device);
    for (int i = 0; v->cx && i < 4; i++)
        replay_release(v->cx, &v->replay[i / 2][i % 2]);
    if (v->cx)
        device_leave(v->cx->device);
    free(v->text);
    free(v->in);
    free(v->out);
    free(v->time_index);
    memset(v, 0, sizeof(*v));
}

/* The rows of n samples that stand in v->in, at these times. Weights that
 * come and go are brought by calls of their own, so such a step is not replayed. */
static struct tensor *evaluate(struct velocity *v, int n, const double times[2])
{
    struct cx *cx = v->cx;
    int64_t tokens = latent_tokens(&v->shape), columns = latent_columns(&v->shape);
    int streamed = v->dit->weights->stream != NULL;
    struct replay *replay = &v->replay[v->dit - v->model->denoiser][n - 1];

    for (;;) {
        if (!streamed)
            replay_begin(cx, replay);
        struct tensor *rows = tensor_from(cx, DT_F32, DIMS(n * tokens, columns), v->in, DT_F32);
        struct tensor *text = tensor_from(
            cx, DT_F32, DIMS(v->text_start[n], v->dit->config.text_dim[0]), v->text, DT_F32);
        struct tensor *y = call(v, cx, n, rows, text, times);
        if (streamed || replay_end(cx, replay))
            return y;
        cx_step_end(cx);
    }
}

int velocity_at(struct velocity *v, const float *x, double timestep, double sigma, float *out,
                struct err *e)
{
    const struct plan *p = v->plan;
    struct cx *cx = v->cx;
    int n = p->guidance != 1 && sigma >= p->guidance_from && sigma <= p->guidance_to ? 2 : 1;
    int64_t tokens = latent_tokens(&v->shape), columns = latent_columns(&v->shape);
    size_t half = (size_t)(tokens * columns);
    double times[2] = {0, timestep};

    v->dit = &v->model->denoiser[timestep < 1000 * v->model->info.boundary];
    latent_to_rows(&v->shape, x, v->in);
    memcpy(v->in + half, v->in, half * sizeof(float));
    device_enter(cx->device);
    struct tensor *y = evaluate(v, n, times);
    int bad = cx->err.code || !tensor_finite(cx, y);
    if (!bad)
        tensor_read_f32(cx, y, v->out);
    device_leave(cx->device);
    cx_step_end(cx);
    if (cx->err.code)
        return err_set(e, cx->err.code, "transformer: %s", cx->err.msg);
    if (bad)
        return err_set(e, ERR_DEVICE, "transformer: its output is not finite");
    float g = (float)p->guidance;
    for (size_t i = 0; n == 2 && i < half; i++)
        v->out[i] = v->out[half + i] + g * (v->out[i] - v->out[half + i]);
    latent_from_rows(&v->shape, v->out, out);
    return 0;
}

void velocity_dry(const struct plan *p, const struct denoiser *dit, struct cx *cx, int text_rows)
{
    int n = p->guidance != 1 ? 2 : 1,
        rows = dit->config.text_rows[0] ? dit->config.text_rows[0] : text_rows;
    struct velocity v = {.plan = p, .dit = dit, .text_start = {0, rows, 2 * rows}};
    double times[2] = {0, 500};

    velocity_shape(p, &v.shape);
    int64_t tokens = latent_tokens(&v.shape);
    call(&v, cx, n, tensor_new(cx, DT_F32, DIMS(n * tokens, latent_columns(&v.shape))),
         tensor_new(cx, DT_F32, DIMS(n * rows, dit->config.text_dim[0])), times);
    cx_step_end(cx);
}
