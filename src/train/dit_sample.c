#include "train/dit_sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "generate/pipeline.h"
#include "generate/sampler.h"
#include "media/picture.h"

/* One film: z [t,h,w,C] from the noise in it. */
static int draw_film(struct velocity *v, const struct latents *l, const struct dit_sampling *s,
                     uint64_t stream, float *z, struct err *e)
{
    static const struct sink nobody = {0};
    struct sampler_config config = {.name = "euler", .steps = s->steps, .shift = s->shift};
    const struct latent_shape *shape = &v->ask.shape;
    size_t n = latent_count(shape), frame = n / (size_t)shape->t;
    struct pace pace = {0}; /* which nobody is told of */
    struct denoise_progress progress = {.sink = &nobody, .pace = &pace};
    struct sampler *sampler;
    int rc = sampler_new(&sampler, &config, e);
    if (rc)
        return rc;
    float *x = xmalloc(sizeof(float) * n);
    rng_fill_normal(x, n, s->seed, stream, 0);
    rc = denoise(v, sampler, NULL, 0, x, &progress, e);
    for (int t = 0; t < shape->t && !rc; t++)
        latent_get_frame(shape, x, t, l->std, l->mean, z + frame * (size_t)t);
    free(x);
    sampler_free(&sampler);
    return rc;
}

/* The first caption of a record and the empty prompt as token ids, one after the other. */
static struct words words_of(const struct prompts *p, int record)
{
    const int64_t *at = p->start + (int64_t)record * p->each;
    int64_t n = at[1] - at[0];
    struct words w = {.ids = xmalloc(sizeof(int32_t) * (size_t)(n + p->n_empty)),
                      .start = {0, n, n + p->n_empty}};
    memcpy(w.ids, p->ids + at[0], sizeof(int32_t) * (size_t)n);
    memcpy(w.ids + n, p->empty, sizeof(int32_t) * (size_t)p->n_empty);
    return w;
}

int dit_sample(struct cx *cx, const struct denoiser *m, const struct text_model *text,
               const struct latents *l, const struct prompts *p, const int *record, int t,
               const struct dit_sampling *s, float *z, struct err *e)
{
    const struct latents_head *h = &l->head;
    struct velocity_ask ask = {.denoiser = m,
                               .n_denoisers = 1,
                               .shape = {h->c, t, h->h, h->w, 1, h->patch, h->patch},
                               .guidance = {s->guidance, 0, 1},
                               .together = VELOCITY_TOGETHER};
    int rc = 0;
    for (int i = 0; i < s->n && !rc; i++) {
        struct velocity v;
        struct words words = words_of(p, record[i]);
        rc = velocity_init(&v, cx, &ask, text, &words, e);
        if (!rc) {
            rc = draw_film(&v, l, s, (uint64_t)i, z + latent_count(&ask.shape) * (size_t)i, e);
            velocity_release(&v);
        }
        free(words.ids);
    }
    return rc;
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
    int rc = codec_decode(cx, codec, z, t, h->h, h->w, video, e);
    if (!rc)
        draw_row(p, row, video, frames, width, height, columns);
    free(video);
    return rc;
}

int dit_strip(struct cx *cx, const struct codec *codec, const struct latents *l, const int *record,
              int n, int t, const float *z, int columns, const char *path, struct err *e)
{
    const struct latents_head *h = &l->head;
    size_t each = (size_t)t * (size_t)h->h * (size_t)h->w * (size_t)h->c;
    float *truth = xmalloc(sizeof(float) * each);
    struct picture p;
    picture_init(&p, columns * h->w * codec->config.ks, 2 * n * h->h * codec->config.ks);
    int rc = 0;
    for (int i = 0; i < n && !rc; i++) {
        rc = decode_row(cx, codec, h, t, z + each * (size_t)i, &p, 2 * i, columns, e);
        dtype_convert(truth, DT_F32, latents_get(l, record[i]).z, DT_BF16, each);
        if (!rc)
            rc = decode_row(cx, codec, h, t, truth, &p, 2 * i + 1, columns, e);
    }
    if (!rc)
        rc = picture_save(&p, path, e);
    picture_release(&p);
    free(truth);
    return rc;
}
