#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "generate/pipeline.h"
#include "generate/velocity.h"
#include "media/resize.h"

/* Drawn frames arrive in order; each is shown as often as the film's rate wants it. */
struct screen {
    const struct plan *plan;
    const struct sink *sink;
    struct threads *threads;
    struct sha256 hash;
    uint8_t *drawn, *film; /* owned: [h][w][3] at both sizes */
    int next;              /* frame of the film */
};

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
                     s->threads);
    for (; !rc && s->next < p->n_film && plan_drawn_frame(p, s->next) == frame; s->next++) {
        sha256_add(&s->hash, s->film, film);
        if (s->sink->frame)
            rc = s->sink->frame(s->sink->user, s->next, s->film, e);
    }
    return rc <= 0 ? rc : err_set(e, ERR_CANCEL, "stopped at frame %d", s->next);
}

/* Latent frame t of x -> its video frames, shown. */
static int decode(struct screen *s, struct cx *cx, const struct bundle *b,
                  struct codec_stream *stream, const float *x, int t, struct err *e)
{
    const struct plan *p = s->plan;
    struct latent_shape shape;
    float *latent = xmalloc(sizeof *latent * (size_t)p->lh * (size_t)p->lw * (size_t)p->c);
    int rc = 0, first = t ? codec_frames(&p->codec, t) : 0;

    velocity_shape(p, &shape);
    latent_get_frame(&shape, x, t, b->info.latents_std, b->info.latents_mean, latent);
    device_enter(cx->device);
    struct tensor *y = codec_stream_step(
        cx, stream, tensor_from(cx, DT_F32, DIMS(1, p->lh, p->lw, p->c), latent, DT_F32));
    free(latent);
    if (cx->err.code)
        rc = err_set(e, cx->err.code, "decoder: %s", cx->err.msg);
    else if (!tensor_finite(cx, y))
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
    return rc;
}

int show_frames(struct cx *cx, const struct bundle *b, const struct plan *p, const struct sink *s,
                const float *x, char frame_hash[65], struct err *e)
{
    struct screen screen = {.plan = p, .sink = s, .threads = cx->kcx.threads};
    struct codec_stream stream;
    double start = clock_s();
    int rc = 0;

    screen.drawn = xmalloc((size_t)p->w * (size_t)p->h * 3);
    screen.film = xmalloc((size_t)p->film_w * (size_t)p->film_h * 3);
    sha256_init(&screen.hash);
    codec_stream_init(&stream, cx->device, &b->codec);
    for (int t = 0; !rc && t < p->t; t++) {
        rc = decode(&screen, cx, b, &stream, x, t, e);
        if (!rc)
            rc = sink_progress(s, "drawing", t + 1, p->t,
                               (clock_s() - start) / (t + 1) * (p->t - t - 1), e);
    }
    codec_stream_release(&stream);
    sha256_hex(&screen.hash, frame_hash);
    free(screen.drawn);
    free(screen.film);
    return rc;
}
