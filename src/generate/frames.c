#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/relay.h"
#include "generate/enlarge.h"
#include "generate/pipeline.h"
#include "media/between.h"
#include "media/detail.h"
#include "media/resize.h"
#include "tensor/ops.h"

#define NOTHING 1e-6 /* of the time between two drawn frames */

/* Outside of the region a frame is that of the source. */
static const uint8_t *keep_outside(struct screen *s, const uint8_t *rgb)
{
    const struct plan *p = s->plan;
    const struct film *f = &p->source;
    int w = p->film_w, h = p->film_h, i = plan_source_index(p, s->next, p->fps);
    const uint8_t *kept = f->rgb + (size_t)i * (size_t)f->w * (size_t)f->h * 3;

    if (s->shared != i + 1 && (!s->shared || p->region.n > 1))
        region_share(&p->region, i, w, h, s->share);
    if (s->shared != i + 1 && (f->w != w || f->h != h))
        resize_rgb(s->kept, w, h, kept, f->w, f->h, RESIZE_BICUBIC, s->threads);
    s->shared = i + 1;
    region_blend(s->joined, f->w == w && f->h == h ? kept : s->kept, rgb, s->share, w, h);
    return s->joined;
}

/* A frame of the film goes out. */
static int give(struct screen *s, const uint8_t *rgb, struct err *e)
{
    int rc = 0;

    if (s->share)
        rgb = keep_outside(s, rgb);
    sha256_add(&s->hash, rgb, plan_frame_bytes(s->plan));
    if (s->sink->frame)
        rc = s->sink->frame(s->sink->user, s->next, rgb, e);
    if (rc > 0)
        rc = err_set(e, ERR_CANCEL, "stopped at frame %d", s->next);
    s->next += !rc;
    return rc;
}

/* What stands in s->film is the frame before the next drawn one. */
static void becomes_left(struct screen *s)
{
    uint8_t *t = s->left;

    s->left = s->film;
    s->film = t;
    s->known = 1;
}

/* Film frame s->next is as far behind the frame before as t says, 0..1; that of 1 stands in
 * s->film. *sought, *cut: of these two. */
static int give_between(struct screen *s, double t, int *sought, int *cut, struct err *e)
{
    const uint8_t *rgb = s->film;
    double start = clock_s();

    if (s->known && t < 1 - NOTHING) {
        if (!*cut && !*sought && !s->plain)
            *cut = between_pair(s->between, s->left, s->film);
        *sought |= !s->plain;
        if (!*cut && *sought)
            between_at(s->between, (float)t, s->made);
        rgb = !*cut && *sought ? s->made : t < 0.5 ? s->left : s->film;
    }
    s->between_s += clock_s() - start;
    return give(s, rgb, e);
}

/* Drawn frame `frame` stands in s->film: those between the one before and it, and itself. Nothing
 * is between two takes. */
static int show_between(struct screen *s, int frame, struct err *e)
{
    const struct plan *p = s->plan;
    int rc = 0, sought = 0, cut = s->cut;

    s->cut = 0;
    while (!rc && s->next < plan_film_end(p) && plan_moment(p, s->next) <= frame + NOTHING)
        rc = give_between(s, plan_moment(p, s->next) - (frame - 1), &sought, &cut, e);
    if (s->first && !s->known)
        memcpy(s->first, s->film, plan_frame_bytes(p));
    becomes_left(s);
    return rc;
}

int screen_end(struct screen *s, struct err *e)
{
    const struct plan *p = s->plan;
    const struct film *f = &p->behind;
    int rc = 0;

    if (!p->interpolate)
        return 0;
    if (s->first)
        memcpy(s->film, s->first, plan_frame_bytes(p));
    else if (f->n)
        resize_cover(s->film, p->film_w, p->film_h, f->rgb, f->w, f->h, RESIZE_BICUBIC,
                     s->cx->kcx.threads);
    if (s->first || f->n)
        rc = show_between(s, p->n_frames, e);
    while (!rc && s->next < plan_film_end(p))
        rc = give(s, s->left, e);
    return rc;
}

/* A drawn frame on its way. */
struct drawn {
    int frame, cut;
    uint8_t rgb[]; /* [h*scale][w*scale][3] */
};

/* The drawn frame that shows the picture that the film begins with, or goes on from. */
static int first_of_all(const struct plan *p)
{
    return p->skip ? p->skip - 1 : 0;
}

/* What the codec left out of that picture. */
static void add_detail(struct screen *s, const struct drawn *d)
{
    if (d->frame == first_of_all(s->plan))
        detail_begin(s->detail, s->film, s->plan->begins);
    else if (d->cut)
        detail_free(&s->detail);
    else
        detail_carry(s->detail, s->film);
}

/* They arrive in order; each is shown as often as the film's rate wants it. */
static int show(void *user, void *thing, struct err *e)
{
    struct screen *s = user;
    const struct drawn *d = thing;
    const struct plan *p = s->plan;
    int w = p->seen_w * p->scale, h = p->seen_h * p->scale;
    int rc = 0;

    s->cut |= d->cut;
    if (p->film_w == w && p->film_h == h)
        memcpy(s->film, d->rgb, plan_drawn_bytes(p));
    else if (p->region.n)
        resize_rgb(s->film, p->film_w, p->film_h, d->rgb, w, h, RESIZE_BICUBIC, s->threads);
    else
        resize_cover(s->film, p->film_w, p->film_h, d->rgb, w, h, RESIZE_BICUBIC, s->threads);
    if (s->detail)
        add_detail(s, d);
    if (p->interpolate)
        return show_between(s, d->frame, e);
    while (!rc && s->next < plan_film_end(p) && plan_drawn_frame(p, s->next) == d->frame)
        rc = give(s, s->film, e);
    return rc;
}

/* Frames of the film up to which a drawn frame is shown. */
static void count_due(struct screen *s, int frame)
{
    const struct plan *p = s->plan;

    while (s->due < plan_film_end(p) && (p->interpolate ? plan_moment(p, s->due) <= frame + NOTHING
                                                        : plan_drawn_frame(p, s->due) == frame))
        s->due++;
}

/* The drawn frame `frame`, values of plan_drawn_bytes, is shown, or waits for that. */
static int pass(struct screen *s, int frame, const float *rgb, struct err *e)
{
    size_t n = plan_drawn_bytes(s->plan);
    struct drawn *d = s->relay ? relay_room(s->relay) : s->drawn;

    if (!d)
        return screen_together(s, e);
    d->frame = frame;
    d->cut = s->new_take;
    s->new_take = 0;
    for (size_t i = 0; i < n; i++) {
        float v = rgb[i] * 255 + 0.5f;
        d->rgb[i] = v >= 255 ? 255 : v > 0 ? (uint8_t)v : 0;
    }
    count_due(s, frame);
    if (!s->relay)
        return show(s, d, e);
    relay_pass(s->relay);
    return 0;
}

/* Frame i of f stands in s->film; *k of the film's frames that show f are out. */
static int show_given(struct screen *s, const struct film *f, int i, int *k, struct err *e)
{
    const struct plan *p = s->plan;
    int n = f == &p->before ? p->n_before : p->n_behind, rc = 0, sought = 0, cut = 0;

    while (!rc && *k < n) {
        double at = plan_given_moment(p, f, *k);

        if (p->interpolate ? at > i + NOTHING : floor(at + 0.5) > i)
            break;
        rc = p->interpolate ? give_between(s, at - (i - 1), &sought, &cut, e) : give(s, s->film, e);
        *k += !rc;
    }
    return rc;
}

int screen_film(struct screen *s, const struct film *f, struct err *e)
{
    const struct plan *p = s->plan;
    size_t own = (size_t)f->w * (size_t)f->h * 3;
    int rc = 0, k = 0;

    for (int i = 0; !rc && i < f->n; i++) {
        resize_cover(s->film, p->film_w, p->film_h, f->rgb + own * (size_t)i, f->w, f->h,
                     RESIZE_BICUBIC, s->threads);
        rc = show_given(s, f, i, &k, e);
        if (p->interpolate)
            becomes_left(s);
    }
    return rc;
}

static struct tensor *latent_as_tensor(const struct screen *s)
{
    const struct plan *p = s->plan;

    return tensor_from(s->cx, DT_F32, DIMS(1, p->lh, p->lw, p->c), s->latent, DT_F32);
}

/* Latent frame t of window x as the codec knows it. */
static struct tensor *latent_of(const struct screen *s, const struct latent_shape *shape,
                                const float *x, int t)
{
    latent_get_frame(shape, x, t, s->plan->info.latents_std, s->plan->info.latents_mean, s->latent);
    return latent_as_tensor(s);
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
    struct tensor *y = codec_stream_step(cx, &s->stream, latent_as_tensor(s), NULL);
    y = slice_rows(cx, y, 0, 1);
    y = enlarge_drawn(cx, &(struct enlarging){.by = s->model->upsampler, .n = p->n_enlarge}, y);
    device_leave(cx->device);
    cx_step_end(cx);
    cx->watch = NULL;
    return err_set(e, ERR_DEVICE, "decoder: frames from %d on are not finite%s%s%s", frame,
                   watch.layer[0] ? ", from layer " : "", watch.layer,
                   cx->type == DT_BF16 ? "; --type f32 reaches further" : "");
}

/* 0: the film shows nothing of that drawn frame. */
static int is_shown(const struct screen *s, int frame)
{
    const struct plan *p = s->plan;

    if (s->due == plan_film_end(p))
        return 0;
    if (p->begins && frame == first_of_all(p))
        return 1;
    return p->interpolate ? frame >= p->skip : plan_drawn_frame(p, s->due) == frame;
}

/* What is drawn and seen as it goes to the film. */
static struct tensor *enlarged(struct screen *s, struct tensor *x)
{
    const struct enlarging e = {s->model->upsampler, s->plan->n_enlarge, s->plan->sharpen,
                                s->values, s->sharpening};

    return enlarge_drawn(s->cx, &e, x);
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

    if (!is_shown(s, frame))
        return 0;
    device_enter(cx->device);
    scope_begin(cx, &scope);
    struct tensor *x = enlarged(s, plan_seen(cx, p, slice_rows(cx, (struct tensor *)y, i, 1)));
    finite = tensor_finite(cx, x); /* it asks the device how it is */
    if (!cx->err.code && finite)
        tensor_read_f32(cx, x, rgb);
    scope_end(cx, &scope, NULL);
    device_leave(cx->device);
    if (cx->err.code)
        return err_set(e, cx->err.code, "decoder: %s", cx->err.msg);
    if (!finite)
        return say_trouble(s, frame, e);
    return pass(s, frame, rgb, e);
}

/* Latent frame t of window x -> its video frames, shown; but for those behind the end of a take. */
static int decode(struct screen *s, const struct latent_shape *shape, const float *x,
                  const struct plan_window *w, int t, struct err *e)
{
    const struct plan *p = s->plan;
    struct cx *cx = s->cx;
    int first = s->latents ? codec_frames(&p->codec, s->latents) : 0;

    device_enter(cx->device);
    struct tensor *next =
        p->codec.looks_ahead && t + 1 < shape->t ? latent_of(s, shape, x, t + 1) : NULL;
    struct tensor *y = codec_stream_step(cx, &s->stream, latent_of(s, shape, x, t), next);
    device_leave(cx->device);
    int rc = 0;
    for (int i = 0; !rc && i < (int)y->dim[0] && first + i < w->n_frames; i++)
        rc = show_drawn(s, y, i, w->frame + first + i, s->values, e);
    cx_step_end(cx);
    s->latents++;
    s->done++;
    return rc;
}

static int init_between(struct screen *s, struct err *e)
{
    const struct plan *p = s->plan;

    s->between = between_new(p->film_w, p->film_h, s->threads);
    return s->between ? 0
                      : err_set(e, ERR_FIT, "no memory for movement between frames of %dx%d",
                                p->film_w, p->film_h);
}

static int init_interpolate(struct screen *s, struct err *e)
{
    const struct plan *p = s->plan;
    uint8_t **all[] = {&s->left, &s->made, p->loop ? &s->first : NULL};

    for (int i = 0; i < 3; i++)
        if (all[i] &&
            !(*all[i] = try_malloc(plan_frame_bytes(p), e, "frames of %dx%d between frames",
                                   p->film_w, p->film_h)))
            return ERR_FIT;
    return init_between(s, e);
}

static int init_detail(struct screen *s, struct err *e)
{
    const struct plan *p = s->plan;

    if (!s->between && init_between(s, e))
        return ERR_FIT;
    s->detail = detail_new(p->film_w, p->film_h, p->detail, s->between, s->threads);
    return s->detail ? 0
                     : err_set(e, ERR_FIT, "no memory for details of frames of %dx%d", p->film_w,
                               p->film_h);
}

static int init_region(struct screen *s, struct err *e)
{
    const struct plan *p = s->plan;
    const char *what = "frames of %dx%d with a region";

    s->joined = try_malloc(plan_frame_bytes(p), e, what, p->film_w, p->film_h);
    s->kept = try_malloc(plan_frame_bytes(p), e, what, p->film_w, p->film_h);
    s->share =
        try_malloc(plan_frame_bytes(p) / 3 * sizeof *s->share, e, what, p->film_w, p->film_h);
    return s->joined && s->kept && s->share ? 0 : ERR_FIT;
}

int screen_init(struct screen *s, struct cx *cx, const struct bundle *b, const struct plan *p,
                const struct sink *sink, struct pace *pace, struct err *e)
{
    *s = (struct screen){.cx = cx, .model = b, .plan = p, .sink = sink, .pace = pace};
    int w = p->seen_w * p->scale, h = p->seen_h * p->scale;
    size_t n = plan_drawn_bytes(p);
    s->ahead = sink->apart ? plan_ahead(p) : 0;
    s->threads = s->ahead ? threads_new(p->threads) : cx->kcx.threads;
    s->due = p->n_before;
    s->drawn = s->ahead ? NULL : try_malloc(sizeof *s->drawn + n, e, "a frame of %dx%d", w, h);
    s->values = try_malloc(sizeof *s->values * n, e, "a frame of %dx%d", w, h);
    if (plan_sharpen_room(p) &&
        !(s->sharpening = try_malloc(sizeof *s->sharpening * plan_sharpen_room(p), e,
                                     "sharpening a frame of %dx%d", w, h)))
        return ERR_FIT;
    s->film = try_malloc(plan_frame_bytes(p), e, "a frame of %dx%d", p->film_w, p->film_h);
    s->latent = xmalloc(sizeof *s->latent * (size_t)p->lh * (size_t)p->lw * (size_t)p->c);
    sha256_init(&s->hash);
    codec_stream_init(&s->stream, cx->device, &b->codec);
    if ((!s->ahead && !s->drawn) || !s->values || !s->film || (p->region.n && init_region(s, e)))
        return ERR_FIT;
    if ((p->interpolate && init_interpolate(s, e)) || (p->begins && init_detail(s, e)))
        return ERR_FIT;
    return s->ahead
               ? relay_new(&s->relay, s->ahead, plan_drawn_bytes(p) + sizeof *s->drawn, show, s, e)
               : 0;
}

int screen_show(struct screen *s, const struct latent_shape *shape, const float *x,
                const struct plan_window *w, struct err *e)
{
    int all = s->plan->t, rc = 0;

    if (w->fresh && s->latents) {
        codec_stream_release(&s->stream);
        codec_stream_init(&s->stream, s->cx->device, &s->model->codec);
        s->latents = 0;
        s->new_take = 1;
    }
    for (int t = w->given; !rc && t < w->shown; t++) {
        double start = clock_s() - s->pace->spent_s[PACE_DRAWING];
        rc = decode(s, shape, x, w, t, e);
        double left = pace_left(s->pace, PACE_DRAWING, clock_s() - start, s->done, s->done, all);
        if (!rc)
            rc = sink_progress(s->sink, "drawing", s->done, all, left, e);
    }
    return rc;
}

int screen_together(struct screen *s, struct err *e)
{
    return relay_end(&s->relay, e);
}

void screen_release(struct screen *s)
{
    struct err e;

    if (screen_together(s, &e))
        s->next = 0; /* the film has failed already */
    codec_stream_release(&s->stream);
    free(s->latent);
    free(s->drawn);
    free(s->values);
    free(s->sharpening);
    free(s->film);
    free(s->left);
    free(s->made);
    free(s->first);
    free(s->kept);
    free(s->joined);
    free(s->share);
    between_free(&s->between);
    detail_free(&s->detail);
    if (s->cx && s->threads != s->cx->kcx.threads)
        threads_free(&s->threads);
    *s = (struct screen){0};
}
