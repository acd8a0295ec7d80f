#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "generate/pipeline.h"
#include "generate/sampler.h"
#include "generate/velocity.h"

/* The latent of the given first frame [C,1,h,w] in the transformer's scale; the caller frees. */
static int encode_first(float **out, struct cx *cx, const struct bundle *b, const struct plan *p,
                        struct err *e)
{
    const struct bundle_info *m = &b->info;
    struct latent_shape one = {p->c, 1, p->lh, p->lw, 1, 1, 1};
    size_t n = (size_t)p->h * (size_t)p->w * 3;
    float *pixels = xmalloc(n * sizeof *pixels);

    for (size_t i = 0; i < n; i++)
        pixels[i] = (float)p->first_frame[i] / 255;
    device_enter(cx->device);
    struct tensor *z = codec_encode(
        cx, &b->codec, tensor_from(cx, DT_F32, DIMS(1, p->h, p->w, 3), pixels, DT_F32));
    free(pixels);
    *out = NULL;
    if (!cx->err.code && tensor_finite(cx, z)) {
        float *frame = xmalloc(tensor_bytes(z));
        tensor_read_f32(cx, z, frame);
        *out = xmalloc(latent_count(&one) * sizeof(float));
        latent_set_frame(&one, *out, 0, m->latents_std, m->latents_mean, frame);
        free(frame);
    }
    device_leave(cx->device);
    cx_step_end(cx);
    if (cx->err.code)
        return err_set(e, cx->err.code, "first frame: %s", cx->err.msg);
    return *out ? 0 : err_set(e, ERR_DEVICE, "first frame: its latent is not finite");
}

/* Frame 0 of x becomes the given one. */
static void give_first(const struct latent_shape *s, float *x, const float *first)
{
    size_t frame = (size_t)s->h * (size_t)s->w;

    for (int c = 0; first && c < s->c; c++)
        memcpy(x + (size_t)c * (size_t)s->t * frame, first + (size_t)c * frame,
               frame * sizeof(float));
}

static int all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

struct run {
    struct cx *cx;
    const struct sink *sink;
    struct velocity v;
    struct sampler *sampler;
    const float *first; /* NULL: none given */
    float *x, *out;     /* [C,t,h,w]: the latent, the velocity */
};

static int evaluate(struct run *r, struct err *e)
{
    int n = sampler_evaluations(r->sampler);
    size_t count = latent_count(&r->v.shape);
    double start = clock_s();

    for (int i = 0; i < n; i++) {
        double left = i ? (clock_s() - start) / i * (n - i) : -1;
        int rc = sink_progress(r->sink, "sampling", i, n, left, e);
        give_first(&r->v.shape, r->x, r->first);
        if (!rc)
            rc = velocity_at(&r->v, r->x, sampler_timestep(r->sampler, i),
                             sampler_sigma(r->sampler, i), r->out, e);
        if (rc == ERR_CANCEL)
            return err_set(e, rc, "stopped while sampling, in step %d of %d", i + 1, n);
        if (rc)
            return err_prefix(e, "step %d of %d", i + 1, n);
        sampler_step(r->sampler, i, r->x, r->out, count);
        if (!all_finite(r->x, count))
            return err_set(e, ERR_DEVICE, "step %d of %d: the latent is not finite", i + 1, n);
    }
    give_first(&r->v.shape, r->x, r->first);
    return sink_progress(r->sink, "sampling", n, n, 0, e);
}

int denoise(struct cx *cx, const struct bundle *b, const struct plan *p, const struct sink *s,
            float *x, struct err *e)
{
    struct run r = {.cx = cx, .sink = s, .x = x};
    struct torch_rng rng; /* one generator, also for samplers that draw noise at every step */
    struct sampler_config c = {
        .name = p->sampler, .steps = p->steps, .shift = p->shift, .rng = &rng};
    float *first = NULL;
    int rc = sink_progress(s, "reading the prompt", 0, 1, -1, e);

    if (!rc)
        rc = sampler_new(&r.sampler, &c, e);
    if (!rc && p->first_frame)
        rc = encode_first(&first, cx, b, p, e);
    if (!rc)
        rc = velocity_init(&r.v, cx, b, p, s->stop, e);
    if (!rc) {
        r.first = first;
        torch_rng_init(&rng, p->seed);
        torch_rng_normal(&rng, x, latent_count(&r.v.shape));
        r.out = xmalloc(latent_count(&r.v.shape) * sizeof(float));
        rc = evaluate(&r, e);
        free(r.out);
        velocity_release(&r.v);
    }
    sampler_free(&r.sampler);
    free(first);
    return rc;
}
