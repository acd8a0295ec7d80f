#include "measure/probe_pictures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "base/rng.h"
#include "media/resize.h"
#include "tensor/ops.h"
#include "world/story/render.h"
#include "world/story/sample.h"

enum { AT_ONCE = 32, PER_CLIP = 2 };
#define LATENT_NOISE 0.3 /* at most, in parts of a latent's spread: as wrong as those of films */

/* Clip i of a probe: who is in it, how it is looked at, and its pictures. */
struct take {
    struct story story;
    int w, h;
    double apart_s, noise; /* noise < 0: not through the codec */
    struct clip clip;
};

struct takes {
    const struct probe_recipe *recipe;
    struct take take[AT_ONCE];
    int first;
};

static int to_squares(int length, int square)
{
    return length / square * square;
}

static void draw(struct take *t, const struct probe_recipe *r, int i)
{
    static const double family[STORY_FAMILY_COUNT] = {1, 1, 1, 1, 1, 1, 6};
    struct story_mix mix = story_mix_default;
    struct rng g;

    rng_init(&g, r->seed ^ 0x7069637475726573, (uint64_t)i);
    /* What is usual together must not answer for each other: half are mixtures. */
    memcpy(mix.family, family, sizeof family);
    t->w = r->w;
    t->h = r->h;
    switch (rng_below(&g, 5)) {
    case 0:
        t->w = r->h;
        t->h = r->w;
        break;
    case 1:
        t->w = t->h = to_squares((int)sqrt((double)r->w * r->h), 32);
        break;
    default:
        break;
    }
    story_sample(&t->story, rng_u64(&g), &mix, (double)t->w / t->h);
    t->apart_s = rng_range(&g, 1, 5);
    t->noise = rng_chance(&g, 0.5) ? rng_range(&g, 0, LATENT_NOISE) : -1;
}

static void render(void *arg, int item, int worker)
{
    struct takes *all = arg;
    struct take *t = &all->take[item];

    (void)worker;
    draw(t, all->recipe, all->first + item);
    story_render(&t->story, t->w, t->h, PER_CLIP, 1 / t->apart_s, &t->clip);
}

/* Every picture as a film of one frame, in place. */
static int through_codec(struct take *t, struct round_trip *c, uint64_t key, struct err *e)
{
    const struct codec_config *k = &c->codec.config;
    size_t bytes = (size_t)t->w * (size_t)t->h * 3;
    int lh = t->h / k->ks, lw = t->w / k->ks;
    size_t n_z = (size_t)lh * (size_t)lw * (size_t)k->channels;
    float *pixels = xmalloc(sizeof *pixels * bytes * (size_t)k->first);
    float *z = xmalloc(sizeof *z * n_z), *noise = xmalloc(sizeof *noise * n_z);
    int rc = 0;

    for (int f = 0; !rc && f < PER_CLIP; f++) {
        uint8_t *rgb = t->clip.rgb + bytes * (size_t)f;

        for (size_t i = 0; i < bytes * (size_t)k->first; i++)
            pixels[i] = (float)rgb[i % bytes] / 255;
        struct tensor *x =
            tensor_from(&c->cx, DT_F32, DIMS(k->first, t->h, t->w, 3), pixels, DT_F32);
        tensor_read_f32(&c->cx, codec_encode(&c->cx, &c->codec, x), z);
        cx_step_end(&c->cx);
        rng_fill_normal(noise, n_z, key, (uint64_t)f, 0);
        for (size_t i = 0; i < n_z; i++)
            z[i] += noise[i] * (float)t->noise * (k->std ? k->std[i % (size_t)k->channels] : 1);
        rc = codec_decode(&c->cx, &c->codec, z, 1, lh, lw, pixels, e);
        for (size_t i = 0; !rc && i < bytes; i++)
            rgb[i] = (uint8_t)(fminf(fmaxf(pixels[i], 0), 1) * 255 + 0.5f);
    }
    free(pixels);
    free(z);
    free(noise);
    return rc;
}

static int keep_pictures(struct probe_pictures *p, struct take *t, struct round_trip *codec,
                         struct threads *threads, uint64_t key, struct err *e)
{
    int rc = t->noise < 0 ? 0 : through_codec(t, codec, key, e);

    for (int f = 0; !rc && f < PER_CLIP; f++, p->n++) {
        resize_rgb(p->rgb + (size_t)p->n * PROBE_BYTES, PROBE_SIDE, PROBE_SIDE,
                   t->clip.rgb + (size_t)f * (size_t)t->w * (size_t)t->h * 3, t->w, t->h,
                   RESIZE_AREA, threads);
        p->facts[p->n] = t->story.facts;
    }
    clip_release(&t->clip);
    return rc;
}

int probe_pictures_make(struct probe_pictures *p, const struct probe_recipe *r,
                        struct round_trip *codec, struct threads *threads, FILE *log,
                        volatile sig_atomic_t *stop, struct err *e)
{
    struct takes *all = xcalloc(1, sizeof *all);
    struct progress bar;
    int rc = 0;

    all->recipe = r;
    p->rgb = xmalloc((size_t)r->clips * PER_CLIP * PROBE_BYTES);
    p->facts = xcalloc((size_t)r->clips * PER_CLIP, sizeof *p->facts);
    if (log)
        progress_start(&bar, log, "pictures", r->clips);
    while (!rc && all->first < r->clips) {
        int n = r->clips - all->first < AT_ONCE ? r->clips - all->first : AT_ONCE;

        threads_run(threads, n, render, all);
        for (int i = 0; i < n; i++)
            if (!rc)
                rc = keep_pictures(p, &all->take[i], codec, threads,
                                   r->seed + (uint64_t)(all->first + i), e);
            else
                clip_release(&all->take[i].clip);
        all->first += n;
        if (!rc && stop && *stop)
            rc = err_set(e, ERR_CANCEL, "interrupted");
        if (log)
            progress_step(&bar, all->first, NULL);
    }
    if (log)
        progress_end(&bar, NULL);
    free(all);
    return rc;
}

void probe_pictures_release(struct probe_pictures *p)
{
    free(p->rgb);
    free(p->facts);
    memset(p, 0, sizeof *p);
}
