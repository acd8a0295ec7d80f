/* Parity of whole pipelines: a model directory and what the reference made of a call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/pipeline.h"
#include "measure/parity_inner.h"
#include "media/film.h"

struct pipe_case {
    struct parity *p;
    struct request request;
    struct picture first, last, reference;
    struct film film[2]; /* control, mask */
    struct plan plan;
    struct bundle *bundle;
    int text_rows;
};

/* Takes over the text. */
static void set(struct pipe_case *c, const char *option, char *text)
{
    if (!c->p->err.code)
        (void)!request_set(&c->request, option, text, &c->p->err);
    free(text);
}

static void take_picture(struct pipe_case *c, int which, const char *name, struct picture *x)
{
    const struct st_tensor *t = st_find(c->p->in, name);
    float *rgb = t ? parity_input(c->p, name, &t) : NULL;

    if (!rgb)
        return;
    if (t->rank != 3 || t->dim[2] != 3 || t->dim[0] > PICTURE_MAX_SIDE ||
        t->dim[1] > PICTURE_MAX_SIDE) {
        parity_fail(c->p, ERR_FORMAT, "%s/inputs.safetensors: %s must be [H,W,3]", c->p->dir, name);
    } else {
        picture_init(x, (int)t->dim[1], (int)t->dim[0]);
        for (int64_t i = 0; i < t->n; i++)
            x->rgb[i] = (uint8_t)rgb[i];
        c->request.picture[which] = x;
    }
    free(rgb);
}

static void take_film(struct pipe_case *c, int which, const char *name)
{
    const struct st_tensor *t = st_find(c->p->in, name);
    float *rgb = t ? parity_input(c->p, name, &t) : NULL;
    struct film *f = &c->film[which];

    if (!rgb)
        return;
    if (t->rank != 4 || t->dim[3] != 3 || t->dim[0] > INT32_MAX || t->dim[1] > FILM_MAX_SIDE ||
        t->dim[2] > FILM_MAX_SIDE) {
        parity_fail(c->p, ERR_FORMAT, "%s/inputs.safetensors: %s must be [frames,H,W,3]", c->p->dir,
                    name);
    } else {
        *f = (struct film){.w = (int)t->dim[2], .h = (int)t->dim[1], .n = (int)t->dim[0]};
        f->rgb = xmalloc((size_t)t->n);
        for (int64_t i = 0; i < t->n; i++)
            f->rgb[i] = (uint8_t)rgb[i];
        c->request.film[which] = f;
    }
    free(rgb);
}

/* The arguments of the reference's call as settings. */
static void take_call(struct pipe_case *c)
{
    struct jval call = j_object(parity_root(c->p), "call");

    set(c, "prompt", xasprintf("%s", j_string(call, "prompt")));
    set(c, "negative", xasprintf("%s", j_string_or(call, "negative_prompt", "")));
    set(c, "size",
        xasprintf("%dx%d", (int)j_int(call, "width", 1, 8192),
                  (int)j_int(call, "height", 1, 8192)));
    set(c, "frames", xasprintf("%d", (int)j_int(call, "num_frames", 1, 10000)));
    set(c, "steps", xasprintf("%d", (int)j_int(call, "num_inference_steps", 1, 1000)));
    set(c, "guidance", xasprintf("%.17g", j_real_or(call, "guidance_scale", 0, 100, 5)));
    if (j_has(call, "conditioning_scale"))
        set(c, "control-scale", xasprintf("%.17g", j_real(call, "conditioning_scale", 0, 10)));
    if (j_has(call, "guidance_scale_2"))
        set(c, "guidance-2", xasprintf("%.17g", j_real(call, "guidance_scale_2", 0, 100)));
    set(c, "seed", xasprintf("%lld", (long long)j_int(call, "seed", 0, INT32_MAX)));
    set(c, "type",
        xasprintf("%s", c->p->o->as.int8           ? "int8"
                        : c->p->o->type == DT_BF16 ? "bf16"
                                                   : "f32"));
    c->text_rows = (int)j_int_or(call, "max_sequence_length", 1, 512, 512);
    c->request.stretch = 1;
    if (c->p->in) {
        take_picture(c, 0, "image", &c->first);
        take_picture(c, 1, "last_image", &c->last);
        take_picture(c, 2, "reference", &c->reference);
        take_film(c, 0, "video");
        take_film(c, 1, "mask");
    }
    if (!c->p->err.code)
        (void)!jdoc_status(c->p->config, &c->p->err);
}

/* The call may read less of a prompt than the network. */
static void shorten_text(struct bundle *b, int rows)
{
    for (int i = 0; i < b->n_denoisers; i++)
        b->denoiser[i].config.text_rows[0] = rows;
}

static void check_video(struct pipe_case *c, struct cx *cx, const struct drawing *d)
{
    const struct plan *p = &c->plan;
    size_t frame = (size_t)p->lh * (size_t)p->lw * (size_t)p->c;
    int n = codec_frames(&p->codec, p->t);
    int64_t count = (int64_t)n * p->h * p->w * 3;
    float *z = xmalloc(frame * (size_t)p->t * sizeof *z),
          *video = xmalloc((size_t)count * sizeof *video);

    for (int t = 0; t < p->t; t++)
        latent_get_frame(&d->shape, d->x, p->ahead + t, p->info.latents_std, p->info.latents_mean,
                         z + frame * (size_t)t);
    if (!codec_decode(cx, &c->bundle->codec, z, p->t, p->lh, p->lw, video, &c->p->err)) {
        for (int64_t i = 0; i < count; i++)
            video[i] = video[i] < 0 ? 0 : video[i] > 1 ? 1 : video[i];
        parity_check(c->p, "video", video, count);
    }
    free(z);
    free(video);
}

static void run(struct pipe_case *c)
{
    const struct sink silent = {0};
    struct parity *p = c->p;
    struct drawing d;
    struct cx cx;

    cx_init(&cx, p->o->device, c->plan.type, p->o->threads);
    if (!drawing_init(&d, &cx, c->bundle, &c->plan, &silent, &p->err)) {
        if (!drawing_window(&d, 0, &p->err)) {
            parity_check(p, "latent", d.x, (int64_t)latent_count(&d.shape));
            check_video(c, &cx, &d);
        }
        drawing_release(&d);
    }
    cx_release(&cx);
}

void parity_pipeline(struct parity *p)
{
    struct pipe_case c = {.p = p};
    char *dir = parity_path(p, "model");

    request_init(&c.request);
    take_call(&c);
    if (!p->err.code && !plan_make(&c.plan, dir, &c.request, NULL, &p->err)) {
        if (!bundle_open(&c.bundle, dir, p->o->device, c.plan.type, &c.plan.budget, &p->err)) {
            shorten_text(c.bundle, c.text_rows);
            run(&c);
        }
        bundle_free(&c.bundle);
        plan_release(&c.plan);
    }
    request_release(&c.request);
    picture_release(&c.first);
    picture_release(&c.last);
    picture_release(&c.reference);
    film_release(&c.film[0]);
    film_release(&c.film[1]);
    free(dir);
}
