#include "generate/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/torch_rng.h"

/* Noise levels, one noise each; samples of one call of the network. */
static const double levels[] = {0.25, 0.4, 0.7};
enum { N_LEVELS = sizeof levels / sizeof *levels, TOGETHER = 8 };
#define NOISE_SEED 20230328

static int least(int a, int b)
{
    return a < b ? a : b;
}

struct asked {
    const struct bundle *b;
    const struct explain_frame *f;
    float *noise, *text; /* [N_LEVELS][count]; rows of all texts */
    int64_t *start;      /* [n + 1] rows of text */
    size_t count;        /* values of a frame */
};

/* Rows of all texts, in one call. */
static int read_texts(struct asked *a, struct cx *cx, const struct tokenizer *t,
                      const char *const *texts, int n, struct err *e)
{
    int32_t *ids = NULL;
    int bad;

    for (int i = 0; i < n; i++) {
        int32_t *own;
        int len;

        tokenizer_encode(t, texts[i], strlen(texts[i]), &own, &len);
        ids = xrealloc(ids, sizeof *ids * (size_t)(a->start[i] + len));
        memcpy(ids + a->start[i], own, sizeof *ids * (size_t)len);
        a->start[i + 1] = a->start[i] + len;
        free(own);
    }
    struct seq seq = {n, a->start};
    struct tensor *y = text_rows(cx, &a->b->text[0], ids, &seq, NULL);

    bad = cx->err.code || !tensor_finite(cx, y);
    a->text = xmalloc(tensor_bytes(y) + 1);
    if (!bad)
        tensor_read_f32(cx, y, a->text);
    cx_step_end(cx);
    free(ids);
    if (cx->err.code)
        return err_set(e, cx->err.code, "text encoder: %s", cx->err.msg);
    return bad ? err_set(e, ERR_DEVICE, "text encoder: its output is not finite") : 0;
}

/* Samples from..to-1 of texts x levels: their latents with noise, [n,1,h,w,C]; in a dry run there
 * are none. */
static void put_noisy(const struct asked *a, int from, int to, float *x)
{
    if (!a->f->z)
        return;
    for (int s = from; s < to; s++) {
        const float *noise = a->noise + a->count * (size_t)(s % N_LEVELS);
        float level = (float)levels[s % N_LEVELS];

        for (size_t k = 0; k < a->count; k++)
            *x++ = (1 - level) * a->f->z[k] + level * noise[k];
    }
}

static double differs(const struct asked *a, int s, const float *v)
{
    const float *noise = a->noise + a->count * (size_t)(s % N_LEVELS);
    double sum = 0;

    for (size_t k = 0; k < a->count; k++) {
        double d = (double)v[k] - ((double)noise[k] - (double)a->f->z[k]);

        sum += d * d;
    }
    return sum / (double)a->count;
}

/* Which row of tokens has which level; where the text of each sample begins. */
static void lay_out(const struct asked *a, int from, int to, int64_t tokens, int32_t *index,
                    int64_t *start)
{
    for (int s = from; s < to; s++) {
        int text = s / N_LEVELS, i = s - from;

        start[i + 1] = start[i] + a->start[text + 1] - a->start[text];
        for (int64_t k = 0; k < tokens; k++)
            index[i * tokens + k] = s % N_LEVELS;
    }
}

/* Samples x [n,1,h,w,C] with their rows of text -> velocities of the same form. */
static struct tensor *velocities(const struct asked *a, struct cx *cx, int n, const float *x,
                                 const float *rows, int64_t *start, int32_t *index, double *times)
{
    const struct denoiser *d = &a->b->denoiser[0];
    const int *p = d->config.patch;
    int h = a->f->h / p[1], w = a->f->w / p[2];
    struct token_grid grid[TOGETHER];
    struct tensor *in =
        tensor_from(cx, DT_F32, DIMS(n, 1, a->f->h, a->f->w, d->config.in_channels), x, DT_F32);
    struct tensor *text =
        tensor_from(cx, DT_F32, DIMS(start[n], d->config.text_dim[0]), rows, DT_F32);

    for (int i = 0; i < n; i++)
        grid[i] = (struct token_grid){1, h, w};
    struct denoiser_batch batch = {.n = n,
                                   .grid = grid,
                                   .rows = patchify(cx, in, 1, p[1], p[2]),
                                   .n_times = N_LEVELS,
                                   .times = times,
                                   .time_index = index,
                                   .text = {{text, {n, start}}}};

    return unpatchify(cx, denoiser_velocity(cx, d, &batch), n, 1, h, w, 1, p[1], p[2]);
}

/* Of samples from..to-1 to v. */
static int ask(const struct asked *a, struct cx *cx, int from, int to, float *v, struct err *e)
{
    const int *p = a->b->denoiser[0].config.patch;
    int64_t dim = a->b->denoiser[0].config.text_dim[0], start[TOGETHER + 1] = {0};
    int64_t tokens = (int64_t)(a->f->h / p[1]) * (a->f->w / p[2]);
    int n = to - from, bad;
    int32_t *index = xmalloc(sizeof *index * (size_t)(n * tokens));
    float *x = xmalloc(sizeof *x * a->count * (size_t)n), *rows;
    double times[N_LEVELS];

    for (int i = 0; i < N_LEVELS; i++)
        times[i] = 1000 * levels[i];
    lay_out(a, from, to, tokens, index, start);
    rows = xcalloc((size_t)(start[n] * dim), sizeof *rows);
    for (int i = 0; a->text && i < n; i++)
        memcpy(rows + start[i] * dim, a->text + a->start[(from + i) / N_LEVELS] * dim,
               sizeof *rows * (size_t)((start[i + 1] - start[i]) * dim));
    put_noisy(a, from, to, x);
    struct tensor *y = velocities(a, cx, n, x, rows, start, index, times);

    bad = v && (cx->err.code || !tensor_finite(cx, y));
    if (v && !bad)
        tensor_read_f32(cx, y, v);
    cx_step_end(cx);
    free(index);
    free(rows);
    free(x);
    if (cx->err.code)
        return err_set(e, cx->err.code, "transformer: %s", cx->err.msg);
    return bad ? err_set(e, ERR_DEVICE, "transformer: its output is not finite") : 0;
}

void explain_dry(struct cx *cx, const struct bundle *b, int h, int w, int n)
{
    enum { WORDS = 32 }; /* of a text */
    struct asked a = {.b = b, .f = &(struct explain_frame){NULL, h, w}};
    struct err e;

    a.start = xcalloc((size_t)n + 1, sizeof *a.start);
    for (int i = 0; i < n; i++)
        a.start[i + 1] = a.start[i] + WORDS;
    for (int from = 0; from < n * N_LEVELS; from += TOGETHER)
        (void)!ask(&a, cx, from, least(from + TOGETHER, n * N_LEVELS), NULL, &e);
    free(a.start);
}

int explain(double *error, struct cx *cx, const struct bundle *b, const struct tokenizer *t,
            const struct explain_frame *f, const char *const *texts, int n, struct err *e)
{
    struct asked a = {.b = b, .f = f};
    struct torch_rng rng;
    float *v;
    int rc;

    a.count = (size_t)f->h * (size_t)f->w * (size_t)b->info.channels;
    a.noise = xmalloc(sizeof *a.noise * a.count * N_LEVELS);
    a.start = xcalloc((size_t)n + 1, sizeof *a.start);
    v = xmalloc(sizeof *v * a.count * TOGETHER);
    torch_rng_init(&rng, NOISE_SEED);
    torch_rng_normal(&rng, a.noise, a.count * N_LEVELS);
    memset(error, 0, sizeof *error * (size_t)n);
    rc = read_texts(&a, cx, t, texts, n, e);
    for (int from = 0; !rc && from < n * N_LEVELS; from += TOGETHER) {
        int to = least(from + TOGETHER, n * N_LEVELS);

        rc = ask(&a, cx, from, to, v, e);
        for (int s = from; !rc && s < to; s++)
            error[s / N_LEVELS] += differs(&a, s, v + a.count * (size_t)(s - from)) / N_LEVELS;
    }
    free(a.noise);
    free(a.start);
    free(a.text);
    free(v);
    return rc;
}
