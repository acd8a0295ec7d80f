#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "generate/pipeline.h"
#include "media/resize.h"
#include "tensor/ops.h"

/* The frame that stands in s->film goes out. */
static int give(struct screen *s, size_t bytes, struct err *e)
{
    int rc = 0;

    sha256_add(&s->hash, s->film, bytes);
    if (s->sink->frame)
        rc = s->sink->frame(s->sink->user, s->next, s->film, e);
    if (rc > 0)
        rc = err_set(e, ERR_CANCEL, "stopped at frame %d", s->next);
    s->next += !rc;
    return rc;
}

/* Drawn frames arrive in order, rgb [h*scale][w*scale][3]; each is shown as often as the film's
 * rate wants it. */
static int show(struct screen *s, int frame, const float *rgb, struct err *e)
{
    const struct plan *p = s->plan;
    int w = p->w * p->scale, h = p->h * p->scale;
    size_t n = (size_t)w * (size_t)h * 3, film = (size_t)p->film_w * (size_t)p->film_h * 3;
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        float v = rgb[i] * 255 + 0.5f;
        s->drawn[i] = v >= 255 ? 255 : v > 0 ? (uint8_t)v : 0;
    }
    if (p->film_w == w && p->film_h == h)
        memcpy(s->film, s->drawn, n);
    else
        resize_cover(s->film, p->film_w, p->film_h, s->drawn, w, h, RESIZE_BICUBIC,
                     s->cx->kcx.threads);
    while (!rc && s->next < plan_film_end(p) && plan_drawn_frame(p, s->next) == frame)
        rc = give(s, film, e);
    return rc;
}

int screen_film(struct screen *s, const struct film *f, struct err *e)
{
    const struct plan *p = s->plan;
    size_t film = (size_t)p->film_w * (size_t)p->film_h * 3, own = (size_t)f->w * (size_t)f->h * 3;
    int rc = 0;

    for (int i = 0; !rc && i < f->n; i++) {
        resize_cover(s->film, p->film_w, p->film_h, f->rgb + own * (size_t)i, f->w, f->h,
                     RESIZE_BICUBIC, s->cx->kcx.threads);
        rc = give(s, film, e);
    }
    return rc;
}

/* Which layer gave what is not finite: the latent frame that stands in s->latent is decoded once
 * more, as if nothing had been before it. */
static int say_trouble(struct screen *s, int frame, struct err *e)
{
    const struct plan *p = s->plan;
    struct cx *cx = s->cx;
    struct watch watch = {{0}};

    codec_stream_release(&s->stream);
    codec_stream_init(&s->stream, cx->device, &s->model->codec);
    cx->watch = &watch;
    device_enter(cx->device);
    struct tensor *y = codec_stream_step(
        cx, &s->stream, tensor_from(cx, DT_F32, DIMS(1, p->lh, p->lw, p->c), s->latent, DT_F32));
    y = slice_rows(cx, y, 0, 1);
    for (int k = 0; k < p->n_enlarge; k++)
        y = upsampler_enlarge(cx, &s->model->upsampler[k], y);
    device_leave(cx->device);
    cx_step_end(cx);
    cx->watch = NULL;
    return err_set(e, ERR_DEVICE, "decoder: frames from %d on are not finite%s%s%s", frame,
                   watch.layer[0] ? ", from layer " : "", watch.layer,
                   cx->type == DT_BF16 ? "; --type f32 reaches further" : "");
}

/* Frame i of y, the drawn frame number `frame`, is enlarged and shown; nothing is done for one that
 * the film leaves out. */
static int show_drawn(struct screen *s, const struct tensor *y, int i, int frame, float *rgb,
                      struct err *e)
{
    const struct plan *p = s->plan;
    struct cx *cx = s->cx;
    struct scope scope;
    int finite;

    if (s->next == plan_film_end(p) || plan_drawn_frame(p, s->next) != frame)
        return 0;
    device_enter(cx->device);
    scope_begin(cx, &scope);
    struct tensor *x = slice_rows(cx, (struct tensor *)y, i, 1);
    for (int k = 0; k < p->n_enlarge; k++)
        x = upsampler_enlarge(cx, &s->model->upsampler[k], x);
    finite = tensor_finite(cx, x); /* it asks the device how it is */
    if (!cx->err.code && finite)
        tensor_read_f32(cx, x, rgb);
    scope_end(cx, &scope, NULL);
    device_leave(cx->device);
    if (cx->err.code)
        return err_set(e, cx->err.code, "decoder: %s", cx->err.msg);
    if (!finite)
        return say_trouble(s, frame, e);
    return show(s, frame, rgb, e);
}

/* Latent frame t of window x -> its video frames, shown; but for those behind the end of a take. */
static int decode(struct screen *s, const struct latent_shape *shape, const float *x,
                  const struct plan_window *w, int t, struct err *e)
{
    const struct plan *p = s->plan;
    struct cx *cx = s->cx;
    int first = s->latents ? codec_frames(&p->codec, s->latents) : 0;

    latent_get_frame(shape, x, t, p->info.latents_std, p->info.latents_mean, s->latent);
    device_enter(cx->device);
    struct tensor *y = codec_stream_step(
        cx, &s->stream, tensor_from(cx, DT_F32, DIMS(1, p->lh, p->lw, p->c), s->latent, DT_F32));
    device_leave(cx->device);
    int rc = 0;
    for (int i = 0; !rc && i < (int)y->dim[0] && first + i < w->n_frames; i++)
        rc = show_drawn(s, y, i, w->frame + first + i, s->values, e);
    cx_step_end(cx);
    s->latents++;
    s->done++;
    return rc;
}

int screen_init(struct screen *s, struct cx *cx, const struct bundle *b, const struct plan *p,
                const struct sink *sink, struct err *e)
{
    *s = (struct screen){.cx = cx, .model = b, .plan = p, .sink = sink};
    int w = p->w * p->scale, h = p->h * p->scale;
    size_t n = (size_t)w * (size_t)h * 3;
    s->drawn = try_malloc(n, e, "a frame of %dx%d", w, h);
    s->values = try_malloc(sizeof *s->values * n, e, "a frame of %dx%d", w, h);
    s->film = try_malloc((size_t)p->film_w * (size_t)p->film_h * 3, e, "a frame of %dx%d",
                         p->film_w, p->film_h);
    s->latent = xmalloc(sizeof *s->latent * (size_t)p->lh * (size_t)p->lw * (size_t)p->c);
    sha256_init(&s->hash);
    codec_stream_init(&s->stream, cx->device, &b->codec);
    return s->drawn && s->values && s->film ? 0 : ERR_FIT;
}

int screen_show(struct screen *s, const struct latent_shape *shape, const float *x,
                const struct plan_window *w, struct err *e)
{
    int all = s->plan->t, rc = 0;

    if (w->fresh && s->latents) {
        codec_stream_release(&s->stream);
        codec_stream_init(&s->stream, s->cx->device, &s->model->codec);
        s->latents = 0;
    }
    for (int t = w->given; !rc && t < w->shown; t++) {
        double start = clock_s();
        rc = decode(s, shape, x, w, t, e);
        s->spent_s += clock_s() - start;
        if (!rc)
            rc = sink_progress(s->sink, "drawing", s->done, all,
                               s->spent_s / s->done * (all - s->done), e);
    }
    return rc;
}

void screen_release(struct screen *s)
{
    codec_stream_release(&s->stream);
    free(s->latent);
    free(s->drawn);
    free(s->values);
    free(s->film);
    *s = (struct screen){0};
}
