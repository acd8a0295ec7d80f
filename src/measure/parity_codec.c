/* Parity of autoencoders. Two layouts: video [N,3,H,W] in 0..1 and latent [t,C,h,w] (taehv), video
 * [1,3,N,H,W] in -1..1 and latent [1,C,t,h,w] (diffusers). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/parity_inner.h"

struct codec_case {
    struct parity *p;
    struct cx *cx;
    const struct codec *m;
    int diffusers;      /* layout */
    int64_t n, c, h, w; /* of the input: frames, channels, size */
    const char *suffix; /* of the names of inputs and outputs */
};

/* [n,places,C] of ours -> as the file has it, or the reverse. */
static void swap_layout(const struct codec_case *k, float *to, const float *from, int64_t n,
                        int64_t places, int64_t C, int back)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t q = 0; q < places; q++)
            for (int64_t c = 0; c < C; c++) {
                int64_t ours = (i * places + q) * C + c;
                int64_t theirs = k->diffusers ? (c * n + i) * places + q : (i * C + c) * places + q;

                to[back ? ours : theirs] = from[back ? theirs : ours];
            }
}

static void check(const struct codec_case *k, const char *name, const float *ours, int64_t n,
                  int64_t places, int64_t C)
{
    float *y = xmalloc(sizeof *y * (size_t)(n * places * C));
    char full[64];

    swap_layout(k, y, ours, n, places, C, 0);
    snprintf(full, sizeof full, "%s.%.40s", name, k->suffix);
    parity_check(k->p, full, y, n * places * C);
    free(y);
}

static void encode_case(const struct codec_case *k, const float *x)
{
    const struct codec_config *c = &k->m->config;
    struct cx *cx = k->cx;
    int64_t count = k->n * 3 * k->h * k->w;
    float *video = xmalloc(sizeof *video * (size_t)count), *host;
    struct tensor *z;

    swap_layout(k, video, x, k->n, k->h * k->w, 3, 1);
    for (int64_t i = 0; k->diffusers && i < count; i++)
        video[i] = (video[i] + 1) / 2;
    z = tensor_from(cx, DT_F32, DIMS(k->n, k->h, k->w, 3), video, DT_F32);
    z = k->m->is->moments ? k->m->is->moments(cx, k->m->net, z) : codec_encode(cx, k->m, z);
    host = xmalloc(tensor_bytes(z));
    int64_t t = z->dim[0], places = z->dim[1] * z->dim[2], C = c->channels;
    if (k->m->is->moments) {
        struct tensor *log = slice_last(cx, z, C, C);

        z = slice_last(cx, z, 0, C);
        tensor_read_f32(cx, log, host);
        check(k, "logvar", host, t, places, C);
    }
    tensor_read_f32(cx, z, host);
    check(k, k->m->is->moments ? "mean" : "encoded", host, t, places, C);
    free(video);
    free(host);
}

static void decode_case(const struct codec_case *k, const float *z)
{
    const struct codec_config *c = &k->m->config;
    int64_t n = codec_frames(c, (int)k->n), px = k->h * k->w * c->ks * c->ks, count = n * px * 3;
    float *latent = xmalloc(sizeof *latent * (size_t)(k->n * k->c * k->h * k->w));
    float *y = xmalloc(sizeof *y * (size_t)count);

    swap_layout(k, latent, z, k->n, k->h * k->w, k->c, 1);
    if (!codec_decode(k->cx, k->m, latent, (int)k->n, (int)k->h, (int)k->w, y, &k->p->err)) {
        check(k, "unclamped", y, n, px, 3);
        for (int64_t i = 0; i < count; i++) {
            y[i] = y[i] < 0 ? 0 : y[i] > 1 ? 1 : y[i];
            y[i] = k->diffusers ? 2 * y[i] - 1 : y[i];
        }
        check(k, "decoded", y, n, px, 3);
    }
    free(latent);
    free(y);
}

/* One tensor of the inputs, whose shape is looked at. */
static void one_case(struct codec_case *k, const struct st_tensor *t, const float *x)
{
    const struct codec_config *c = &k->m->config;
    int video = !strncmp(t->name, "video.", 6), ok;
    int64_t want = video ? 3 : c->channels, unit = video ? c->ks : 1;

    if (!video && strncmp(t->name, "latent.", 7) != 0)
        return;
    k->diffusers = t->rank == 5;
    k->suffix = strchr(t->name, '.') + 1;
    ok = (t->rank == 5 && t->dim[0] == 1) || t->rank == 4;
    k->n = ok ? t->dim[k->diffusers ? 2 : 0] : 0;
    k->c = ok ? t->dim[1] : 0;
    k->h = ok ? t->dim[t->rank - 2] : 0;
    k->w = ok ? t->dim[t->rank - 1] : 0;
    if (k->n < 1 || k->c != want || k->h < 1 || k->w < 1 || k->h % unit || k->w % unit)
        parity_fail(
            k->p, ERR_FORMAT,
            "%s/inputs.safetensors: %s must be [frames,%d,h,w] or [1,%d,frames,h,w], h and w "
            "multiples of %d",
            k->p->dir, t->name, (int)want, (int)want, (int)unit);
    else if (video)
        encode_case(k, x);
    else
        decode_case(k, x);
}

void parity_codec(struct parity *p)
{
    struct part part;
    struct codec m;
    struct cx cx;

    if (parity_load(p, &part, PART_CODEC, 0))
        return;
    m = part_codec(&part);
    cx_init(&cx, p->o->device, p->o->type, p->o->threads);
    for (int i = 0; i < st_count(p->in) && !p->err.code; i++) {
        struct codec_case k = {.p = p, .cx = &cx, .m = &m};
        const struct st_tensor *t = st_at(p->in, i);
        float *x = parity_input(p, t->name, &t);

        if (x)
            one_case(&k, t, x);
        parity_check_network(p, &cx);
        cx_step_end(&cx);
        free(x);
    }
    cx_release(&cx);
    part_release(&part);
}
