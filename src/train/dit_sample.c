#include "train/dit_sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "generate/sampler.h"
#include "media/picture.h"

/* A batch of 2n samples: films with their prompts, then the same films with the empty one. */
static void make_batch(struct dit_batch *b, const struct latents *l, const struct prompts *p,
                       const int *record, int n, int t)
{
    const struct latents_head *h = &l->head;
    int gh = h->h / h->patch, gw = h->w / h->patch;
    size_t cols = (size_t)(h->c * h->patch * h->patch);
    *b = (struct dit_batch){.n = 2 * n, .rows = (int64_t)2 * n * t * gh * gw};
    b->grid = xmalloc(sizeof(*b->grid) * 2 * (size_t)n);
    b->text_start = xcalloc(2 * (size_t)n + 1, sizeof(*b->text_start));
    b->x = xmalloc(sizeof(float) * (size_t)b->rows * cols);
    b->times = xcalloc(2 * (size_t)n + 1, sizeof(double));
    b->time_index = xmalloc(sizeof(int32_t) * (size_t)b->rows);
    for (int i = 0; i < 2 * n; i++) {
        const int64_t *start = p->start + (i < n ? (int64_t)record[i] * p->each : 0);
        int64_t len = i < n ? start[1] - start[0] : p->n_empty;
        b->grid[i] = (struct token_grid){t, gh, gw};
        b->text_start[i + 1] = b->text_start[i] + len;
    }
    b->text_rows = b->text_start[2 * n];
    b->ids = xmalloc(sizeof(int32_t) * (size_t)(b->text_rows + 1));
    for (int i = 0; i < 2 * n; i++)
        memcpy(b->ids + b->text_start[i],
               i < n ? p->ids + p->start[(int64_t)record[i] * p->each] : p->empty,
               sizeof(int32_t) * (size_t)(b->text_start[i + 1] - b->text_start[i]));
    for (int64_t row = 0, each = (int64_t)t * gh * gw; row < b->rows; row++)
        b->time_index[row] = (int32_t)(row / each) + 1;
}

static int velocity(struct cx *cx, const struct denoiser *m, const struct text_model *text,
                    const struct latents *l, struct dit_batch *b, const float *x, double timestep,
                    double guidance, float *v, struct err *e)
{
    const struct latents_head *h = &l->head;
    int frames = b->n / 2 * b->grid[0].t;
    int64_t frame = (int64_t)b->grid[0].h * b->grid[0].w, half = b->rows / 2;
    size_t count = (size_t)h->h * (size_t)h->w * (size_t)h->c, cols = count / (size_t)frame;
    for (int i = 0; i < frames; i++)
        patch_frame(b->x + (size_t)(frame * i) * cols, x + count * (size_t)i, h->h, h->w, h->c,
                    h->patch, 0);
    memcpy(b->x + (size_t)half * cols, b->x, sizeof(float) * (size_t)half * cols);
    for (int i = 1; i <= b->n; i++)
        b->times[i] = timestep;
    struct tensor *y = dit_velocity(cx, m, text, b, 0);
    float *rows = xmalloc(sizeof(float) * (size_t)b->rows * cols);
    tensor_read_f32(cx, y, rows);
    for (size_t i = 0, n = (size_t)half * cols; i < n; i++)
        rows[i] = (float)(rows[n + i] + guidance * (rows[i] - rows[n + i]));
    for (int i = 0; i < frames; i++)
        unpatch_frame(v + count * (size_t)i, rows + (size_t)(frame * i) * cols, h->h, h->w, h->c,
                      h->patch, 1);
    free(rows);
    cx_step_end(cx);
    return cx->err.code ? err_set(e, cx->err.code, "%s", cx->err.msg) : 0;
}

int dit_sample(struct cx *cx, const struct denoiser *m, const struct text_model *text,
               const struct latents *l, const struct prompts *p, const int *record, int t,
               const struct dit_sampling *s, float *z, struct err *e)
{
    const struct latents_head *h = &l->head;
    size_t each = (size_t)t * (size_t)h->h * (size_t)h->w * (size_t)h->c, n = each * (size_t)s->n;
    struct sampler_config config = {.name = "euler", .steps = s->steps, .shift = s->shift};
    struct sampler *sampler;
    int r = sampler_new(&sampler, &config, e);
    if (r)
        return r;
    struct dit_batch b;
    float *v = xmalloc(sizeof(float) * n);
    make_batch(&b, l, p, record, s->n, t);
    for (int i = 0; i < s->n; i++)
        rng_fill_normal(z + each * (size_t)i, each, s->seed, (uint64_t)i, 0);
    for (int i = 0; i < sampler_evaluations(sampler) && !r; i++) {
        r = velocity(cx, m, text, l, &b, z, sampler_timestep(sampler, i), s->guidance, v, e);
        if (!r)
            sampler_step(sampler, i, z, v, n);
    }
    for (size_t i = 0; i < n; i++)
        z[i] = z[i] * l->std[i % (size_t)h->c] + l->mean[i % (size_t)h->c];
    free(v);
    dit_batch_release(&b);
    sampler_free(&sampler);
    return r;
}

static void draw_row(struct picture *p, int row, const float *video, int frames, int w, int h,
                     int columns)
{
    for (int col = 0; col < columns; col++) {
        int f = columns > 1 ? (int)lround((double)col * (frames - 1) / (columns - 1)) : 0;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w * 3; x++) {
                double value =
                    video[((size_t)f * (size_t)h + (size_t)y) * (size_t)w * 3 + (size_t)x];
                size_t at =
                    ((size_t)(row * h + y) * (size_t)p->w + (size_t)(col * w)) * 3 + (size_t)x;
                p->rgb[at] = (uint8_t)lround(255 * fmin(fmax(value, 0), 1));
            }
    }
}

static int decode_row(struct cx *cx, const struct codec *codec, const struct latents_head *h, int t,
                      const float *z, struct picture *p, int row, int columns, struct err *e)
{
    int frames = codec_frames(&codec->config, t), width = h->w * codec->config.ks;
    int height = h->h * codec->config.ks;
    float *video = xmalloc(sizeof(float) * (size_t)frames * (size_t)height * (size_t)width * 3);
    int r = codec_decode(cx, codec, z, t, h->h, h->w, video, e);
    if (!r)
        draw_row(p, row, video, frames, width, height, columns);
    free(video);
    return r;
}

int dit_strip(struct cx *cx, const struct codec *codec, const struct latents *l, const int *record,
              int n, int t, const float *z, int columns, const char *path, struct err *e)
{
    const struct latents_head *h = &l->head;
    size_t each = (size_t)t * (size_t)h->h * (size_t)h->w * (size_t)h->c;
    float *truth = xmalloc(sizeof(float) * each);
    struct picture p;
    picture_init(&p, columns * h->w * codec->config.ks, 2 * n * h->h * codec->config.ks);
    int r = 0;
    for (int i = 0; i < n && !r; i++) {
        r = decode_row(cx, codec, h, t, z + each * (size_t)i, &p, 2 * i, columns, e);
        dtype_convert(truth, DT_F32, latents_get(l, record[i]).z, DT_BF16, each);
        if (!r)
            r = decode_row(cx, codec, h, t, truth, &p, 2 * i + 1, columns, e);
    }
    if (!r)
        r = picture_save(&p, path, e);
    picture_release(&p);
    free(truth);
    return r;
}
