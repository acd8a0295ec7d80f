#include <stdlib.h>

#include "generate/pipeline.h"
#include "tensor/ops.h"

int preview_init(struct preview *v, struct cx *cx, const struct bundle *b, const struct plan *p,
                 const struct sink *sink, struct err *e)
{
    *v = (struct preview){.cx = cx, .model = b, .plan = p, .sink = sink};
    if (!sink->preview || !b->codec.config.previews)
        return 0;
    size_t n = (size_t)p->seen_w * (size_t)p->seen_h * 3,
           place = (size_t)p->lh * (size_t)p->lw * (size_t)p->c;

    v->rgb = try_malloc(n, e, "a preview of %dx%d", p->seen_w, p->seen_h);
    v->values = try_malloc(n * sizeof *v->values, e, "a preview of %dx%d", p->seen_w, p->seen_h);
    v->clean = xmalloc(place * sizeof *v->clean);
    v->velocity = xmalloc(place * sizeof *v->velocity);
    return v->rgb && v->values ? 0 : ERR_FIT;
}

void preview_release(struct preview *v)
{
    free(v->rgb);
    free(v->values);
    free(v->clean);
    free(v->velocity);
    *v = (struct preview){0};
}

/* The clean latent [h,w,c] of frame f that x and the velocity promise, in the codec's units. */
static void estimate(struct preview *v, const struct latent_shape *s, const float *x,
                     const float *velocity, double sigma, int f)
{
    size_t n = (size_t)s->h * (size_t)s->w * (size_t)s->c;
    const float *std = v->plan->info.latents_std, *mean = v->plan->info.latents_mean;

    latent_get_frame(s, x, f, NULL, NULL, v->clean);
    latent_get_frame(s, velocity, f, NULL, NULL, v->velocity);
    for (size_t i = 0; i < n; i++) {
        size_t c = i % (size_t)s->c;
        float clean = v->clean[i] - (float)sigma * v->velocity[i];

        v->clean[i] = std ? clean * std[c] + mean[c] : clean;
    }
}

int preview_show(struct preview *v, const struct latent_shape *s, const float *x,
                 const float *velocity, const struct preview_step *at, struct err *e)
{
    const struct plan *p = v->plan;
    size_t n = (size_t)p->seen_w * (size_t)p->seen_h * 3;
    struct cx *cx = v->cx;
    struct tensor *z;

    if (!v->rgb)
        return 0;
    estimate(v, s, x, velocity, at->sigma, at->frame);
    device_enter(cx->device);
    z = tensor_from(cx, DT_F32, DIMS(1, s->h, s->w, s->c), v->clean, DT_F32);
    z = plan_seen(cx, p, codec_preview(cx, &v->model->codec, z));
    tensor_read_f32(cx, z, v->values);
    device_leave(cx->device);
    cx_step_end(cx);
    if (cx->err.code)
        return err_set(e, cx->err.code, "preview: %s", cx->err.msg);
    for (size_t i = 0; i < n; i++) {
        float value = v->values[i] * 255 + 0.5f;

        v->rgb[i] = value >= 255 ? 255 : value > 0 ? (uint8_t)value : 0;
    }
    return v->sink->preview(v->sink->user, at->window, at->step, at->n_steps, v->rgb, p->seen_w,
                            p->seen_h)
               ? err_set(e, ERR_CANCEL, "stopped at a preview")
               : 0;
}
