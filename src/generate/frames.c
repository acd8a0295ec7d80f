#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "generate/pipeline.h"
#include "media/resize.h"

/* Drawn frames arrive in order; each is shown as often as the film's rate wants it. */
static int show(struct screen *s, int frame, const float *rgb, struct err *e)
{
    const struct plan *p = s->plan;
    size_t n = (size_t)p->w * (size_t)p->h * 3, film = (size_t)p->film_w * (size_t)p->film_h * 3;
    int rc = 0;

    if (s->next == p->n_film || plan_drawn_frame(p, s->next) != frame)
        return 0;
    for (size_t i = 0; i < n; i++) {
        float v = rgb[i] * 255 + 0.5f;
        s->drawn[i] = v >= 255 ? 255 : v > 0 ? (uint8_t)v : 0;
    }
    if (p->film_w == p->w && p->film_h == p->h)
        memcpy(s->film, s->drawn, n);
    else
        resize_cover(s->film, p->film_w, p->film_h, s->drawn, p->w, p->h, RESIZE_BICUBIC,
                     s->cx->kcx.threads);
    for (; !rc && s->next < p->n_film && plan_drawn_frame(p, s->next) == frame; s->next++) {
        sha256_add(&s->hash, s->film, film);
        if (s->sink->frame)
            rc = s->sink->frame(s->sink->user, s->next, s->film, e);
    }
    return rc <= 0 ? rc : err_set(e, ERR_CANCEL, "stopped at frame %d", s->next);
}

/* Latent frame t of window x -> its video frames, shown. */
static int decode(struct screen *s, const struct latent_shape *shape, const float *x, int t,
                  struct err *e)
{
    const struct plan *p = s->plan;
    struct cx *cx = s->cx;
    float *latent = xmalloc(sizeof *latent * (size_t)p->lh * (size_t)p->lw * (size_t)p->c);
    int rc = 0, first = s->latents ? codec_frames(&p->codec, s->latents) : 0;

    latent_get_frame(shape, x, t, p->info.latents_std, p->info.latents_mean, latent);
    device_enter(cx->device);
    struct tensor *y = codec_stream_step(
        cx, &s->stream, tensor_from(cx, DT_F32, DIMS(1, p->lh, p->lw, p->c), latent, DT_F32));
    free(latent);
    int finite = tensor_finite(cx, y); /* it asks the device how it is */
    if (cx->err.code)
        rc = err_set(e, cx->err.code, "decoder: %s", cx->err.msg);
    else if (!finite)
        rc = err_set(e, ERR_DEVICE, "decoder: frames from %d on are not finite", first);
    size_t frame = (size_t)p->w * (size_t)p->h * 3;
    float *rgb = rc ? NULL : xmalloc(tensor_bytes(y));
    if (!rc)
        tensor_read_f32(cx, y, rgb);
    device_leave(cx->device);
    for (int i = 0; !rc && i < (int)y->dim[0]; i++)
        rc = show(s, first + i, rgb + frame * (size_t)i, e);
    free(rgb);
    cx_step_end(cx);
    s->latents++;
    return rc;
}

void screen_init(struct screen *s, struct cx *cx, const struct bundle *b, const struct plan *p,
                 const struct sink *sink)
{
    *s = (struct screen){.cx = cx, .plan = p, .sink = sink};
    s->drawn = xmalloc((size_t)p->w * (size_t)p->h * 3);
    s->film = xmalloc((size_t)p->film_w * (size_t)p->film_h * 3);
    sha256_init(&s->hash);
    codec_stream_init(&s->stream, cx->device, &b->codec);
}

int screen_show(struct screen *s, const struct latent_shape *shape, const float *x, int from,
                struct err *e)
{
    int all = s->plan->t, rc = 0;

    for (int t = from; !rc && t < shape->t; t++) {
        double start = clock_s();
        rc = decode(s, shape, x, t, e);
        s->spent_s += clock_s() - start;
        if (!rc)
            rc = sink_progress(s->sink, "drawing", s->latents, all,
                               s->spent_s / s->latents * (all - s->latents), e);
    }
    return rc;
}

void screen_release(struct screen *s)
{
    codec_stream_release(&s->stream);
    free(s->drawn);
    free(s->film);
    *s = (struct screen){0};
}
