#include "generate/conditions.h"

#include <stdlib.h>
#include <string.h>

/* ---- latents ---- */

static void put_pixels(float *to, const uint8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)from[i] / 255;
}

/* The latent of a film [n,h,w,3] in the transformer's scale, [t,h,w,C]. */
static int encode(float *z, struct cx *cx, const struct bundle *b, const struct plan *p, int n,
                  const float *pixels, struct err *e)
{
    const struct bundle_info *m = &b->info;

    device_enter(cx->device);
    struct tensor *x = codec_encode(
        cx, &b->codec, tensor_from(cx, DT_F32, DIMS(n, p->h, p->w, 3), pixels, DT_F32));
    int bad = cx->err.code || !tensor_finite(cx, x);

    if (!bad)
        tensor_read_f32(cx, x, z);
    for (int64_t i = 0; !bad && i < tensor_count(x); i++) {
        int c = (int)(i % m->channels);
        z[i] = (z[i] - m->latents_mean[c]) / m->latents_std[c];
    }
    device_leave(cx->device);
    cx_step_end(cx);
    if (cx->err.code)
        return err_set(e, cx->err.code, "given pictures: %s", cx->err.msg);
    return bad ? err_set(e, ERR_DEVICE, "given pictures: their latent is not finite") : 0;
}

int conditions_picture(float *z, struct cx *cx, const struct bundle *b, const struct plan *p,
                       const uint8_t *rgb, struct err *e)
{
    size_t n = (size_t)p->h * (size_t)p->w * 3;
    float *pixels = xmalloc(n * sizeof *pixels);
    int rc;

    put_pixels(pixels, rgb, n);
    rc = encode(z, cx, b, p, 1, pixels, e);
    free(pixels);
    return rc;
}

static int encode_first(struct conditions *c, struct cx *cx, const struct bundle *b,
                        const struct plan *p, struct err *e)
{
    c->first = xmalloc((size_t)p->lh * (size_t)p->lw * (size_t)p->c * sizeof(float));
    return conditions_picture(c->first, cx, b, p, p->first.rgb, e);
}

static float *add_known(struct conditions *c, const struct plan *p, int frame)
{
    size_t n = (size_t)p->lh * (size_t)p->lw * (size_t)p->c;

    c->known = xrealloc(c->known, (size_t)(c->n_known + 1) * sizeof *c->known);
    c->known[c->n_known] = (struct known){frame, xmalloc(n * sizeof(float))};
    return c->known[c->n_known++].latent;
}

/* Film frames [n,h,w,3] are known as latent frames from `frame` on; of one that is not the film's
 * first the codec is shown a film that stands still. */
static int encode_known(struct conditions *c, struct cx *cx, const struct bundle *b,
                        const struct plan *p, int frame, int n, const float *pixels, struct err *e)
{
    size_t px = (size_t)p->h * (size_t)p->w * 3,
           place = (size_t)p->lh * (size_t)p->lw * (size_t)p->c;
    int still = n == 1 && frame > 0, all = still ? 1 + p->codec.kt : n;
    int t = codec_latents(&p->codec, all);
    float *film = xmalloc((size_t)all * px * sizeof *film),
          *z = xmalloc((size_t)t * place * sizeof *z);
    int rc;

    for (int i = 0; i < all; i++)
        memcpy(film + px * (size_t)i, pixels + (still ? 0 : px * (size_t)i), px * sizeof *film);
    rc = encode(z, cx, b, p, all, film, e);
    for (int i = still; !rc && i < t; i++)
        memcpy(add_known(c, p, frame + i - still), z + place * (size_t)i, place * sizeof *z);
    free(film);
    free(z);
    return rc;
}

static int encode_keys(struct conditions *c, struct cx *cx, const struct bundle *b,
                       const struct plan *p, struct err *e)
{
    size_t px = (size_t)p->h * (size_t)p->w * 3;
    int rc = 0;

    for (int i = 0; !rc && i < p->n_keys; i++) {
        const struct plan_key *k = &p->key[i];
        float *pixels = xmalloc((size_t)k->n * px * sizeof *pixels);

        put_pixels(pixels, k->rgb, (size_t)k->n * px);
        rc = encode_known(c, cx, b, p, k->latent, k->n, pixels, e);
        free(pixels);
    }
    return rc;
}

int conditions_loop(struct conditions *c, struct cx *cx, const struct bundle *b,
                    const struct plan *p, const struct latent_shape *s, const float *x,
                    struct err *e)
{
    size_t place = (size_t)p->lh * (size_t)p->lw * (size_t)p->c;
    size_t px = (size_t)p->h * (size_t)p->w * 3;
    float *z = xmalloc(place * sizeof *z), *frame = xmalloc(px * sizeof *frame);
    int rc;

    latent_get_frame(s, x, 0, NULL, NULL, add_known(c, p, 0));
    latent_get_frame(s, x, 0, p->info.latents_std, p->info.latents_mean, z);
    device_enter(cx->device);
    rc = codec_decode(cx, &b->codec, z, 1, s->h, s->w, frame, e);
    device_leave(cx->device);
    for (size_t i = 0; !rc && i < px; i++)
        frame[i] = frame[i] > 1 ? 1 : frame[i] > 0 ? frame[i] : 0; /* as it is shown */
    if (!rc)
        rc = encode_known(c, cx, b, p, p->t - 1, 1, frame, e);
    free(frame);
    free(z);
    return rc;
}

int conditions_source(struct cx *cx, const struct bundle *b, const struct plan *p,
                      const struct plan_window *w, const struct latent_shape *s, float *clean,
                      struct err *e)
{
    size_t px = (size_t)p->h * (size_t)p->w * 3, place = (size_t)s->h * (size_t)s->w;
    size_t C = (size_t)s->c, one = place * C;
    int lead = w->first > 0, t = s->t + lead, n = codec_frames(&p->codec, t);
    int from = lead ? codec_frames(&p->codec, w->first) - 1 : 0;
    uint8_t *rgb = xmalloc(px);
    float *film = try_malloc((size_t)n * px * sizeof *film, e, "a film to draw anew"),
          *z = xmalloc((size_t)t * one * sizeof *z);
    int rc = film ? 0 : ERR_FIT;

    for (int i = 0; !rc && i < n; i++) {
        plan_source_frame(p, from + i, rgb);
        put_pixels(film + px * (size_t)i, rgb, px);
    }
    if (!rc)
        rc = encode(z, cx, b, p, n, film, e);
    for (size_t i = 0; !rc && i < (size_t)s->t * one; i++) {
        size_t c = i / ((size_t)s->t * place), at = i % ((size_t)s->t * place);

        clean[i] = z[(at / place + (size_t)lead) * one + at % place * C + c];
    }
    free(rgb);
    free(film);
    free(z);
    return rc;
}

/* Whole tokens that are held become clean. */
static void clean_tokens(const struct latent_shape *s, uint8_t *place)
{
    int n = s->pt * s->ph * s->pw;

    for (int64_t k = 0; k < latent_tokens(s); k++) {
        int held = 0;

        for (int i = 0; i < n; i++)
            held += place[latent_place_of(s, k, i)] == REGION_HELD;
        for (int i = 0; held == n && i < n; i++)
            place[latent_place_of(s, k, i)] = REGION_CLEAN;
    }
}

void conditions_region(const struct plan *p, const struct plan_window *w,
                       const struct latent_shape *s, uint8_t *place)
{
    size_t frame = (size_t)s->h * (size_t)s->w;
    struct region_in in = {(p->w - p->seen_w) / 2, (p->h - p->seen_h) / 2, p->seen_w, p->seen_h,
                           p->codec.ks};

    memset(place, REGION_HELD, frame * (size_t)s->t);
    for (int t = 0; t < s->t; t++) {
        int at = w->first + t, from = at ? codec_frames(&p->codec, at) : 0;

        for (int i = from; i < codec_frames(&p->codec, at + 1); i++)
            region_places(&p->region, plan_source_index(p, i, p->info.frame_rate), &in, s->h, s->w,
                          place + frame * (size_t)t);
    }
    if (p->info.own_times)
        clean_tokens(s, place);
}

/* Channel k of latent frame t tells of frame k of those under it whether it is known; the first
 * frame stands for all under the first latent frame. */
static void put_mask(const struct plan *p, float *mask)
{
    size_t place = (size_t)p->lh * (size_t)p->lw;
    int kt = p->codec.kt;

    for (int k = 0; k < kt; k++)
        for (int t = 0; t < p->t; t++) {
            int last = t == p->t - 1 && k == kt - 1 && t > 0;
            int known = t == 0 ? p->first.rgb != NULL : last && p->last.rgb;

            for (size_t i = 0; i < place; i++)
                *mask++ = (float)known;
        }
}

/* The mask, then the latent of the known frames with grey between them. */
static int encode_channels(struct conditions *c, struct cx *cx, const struct bundle *b,
                           const struct plan *p, struct err *e)
{
    int n = codec_frames(&p->codec, p->t), C = p->c, kt = p->codec.kt, rc;
    size_t frame = (size_t)p->h * (size_t)p->w * 3, place = (size_t)p->lh * (size_t)p->lw;
    size_t places = place * (size_t)p->t;
    float *pixels = malloc((size_t)n * frame * sizeof *pixels), *z, *to;

    if (!pixels)
        return err_set(e, ERR_FIT, "no memory for %d frames of %dx%d", n, p->w, p->h);
    for (size_t i = 0; i < (size_t)n * frame; i++)
        pixels[i] = 0.5f;
    put_pixels(pixels, p->first.rgb, frame);
    if (p->last.rgb)
        put_pixels(pixels + (size_t)(n - 1) * frame, p->last.rgb, frame);
    z = xmalloc(places * (size_t)C * sizeof *z);
    rc = encode(z, cx, b, p, n, pixels, e);
    free(pixels);
    c->n_channels = kt + C;
    c->channels = xmalloc(places * (size_t)c->n_channels * sizeof *c->channels);
    put_mask(p, c->channels);
    to = c->channels + places * (size_t)kt;
    for (int ch = 0; !rc && ch < C; ch++)
        for (size_t i = 0; i < places; i++)
            *to++ = z[i * (size_t)C + (size_t)ch];
    free(z);
    return rc;
}

/* ---- rows of a picture encoder ---- */

static void put_seen(float *to, const uint8_t *from, int side)
{
    static const double mean[3] = {0.48145466, 0.4578275, 0.40821073},
                        std[3] = {0.26862954, 0.26130258, 0.27577711}; /* of CLIP */

    for (size_t i = 0; i < (size_t)side * (size_t)side * 3; i++)
        to[i] = (float)((from[i] / 255.0 - mean[i % 3]) / std[i % 3]);
}

/* What the last block but one gives, as the networks were trained. */
static int see_pictures(struct conditions *c, struct cx *cx, const struct bundle *b,
                        const struct plan *p, struct err *e)
{
    const struct image_config *k = &b->image.config;
    int n = 1 + (p->last.seen != NULL), side = k->side, bad;
    size_t each = (size_t)side * (size_t)side * 3;
    float *pixels = xmalloc((size_t)n * each * sizeof *pixels);
    struct tensor *x;

    put_seen(pixels, p->first.seen, side);
    if (p->last.seen)
        put_seen(pixels + each, p->last.seen, side);
    device_enter(cx->device);
    x = tensor_from(cx, DT_F32, DIMS(n, side, side, 3), pixels, DT_F32);
    x = image_rows(cx, &b->image, x, k->layers - 1, NULL);
    free(pixels);
    bad = cx->err.code || !tensor_finite(cx, x);
    c->n_rows = (int64_t)n * k->rows;
    c->rows = xmalloc((size_t)(c->n_rows * k->dim) * sizeof *c->rows);
    if (!bad)
        tensor_read_f32(cx, x, c->rows);
    device_leave(cx->device);
    cx_step_end(cx);
    if (cx->err.code)
        return err_set(e, cx->err.code, "image encoder: %s", cx->err.msg);
    return bad ? err_set(e, ERR_DEVICE, "image encoder: its output is not finite") : 0;
}

/* ---- control video ---- */

/* A film [n,h,w,3] of the control: the pixels with drawn == keep, grey elsewhere. */
static void put_side(float *to, const struct plan *p, int n, int side)
{
    size_t frame = (size_t)p->h * (size_t)p->w;

    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < frame; k++) {
            size_t at = (size_t)i * frame + k;
            int shown = p->control.known[i] && p->control.drawn[at] == side;

            for (int c = 0; c < 3; c++)
                *to++ = shown ? (float)p->control.rgb[3 * at + (size_t)c] / 255 : 0.5f;
        }
}

/* z [t,h,w,C] as channels first..first+C-1 of to [..,t_all,h,w], from latent frame `ahead` on. */
static void put_latent(float *to, const struct plan *p, int first, int ahead, int t, const float *z)
{
    size_t place = (size_t)p->lh * (size_t)p->lw, all = place * (size_t)(p->t + p->ahead);

    for (int c = 0; c < p->c; c++)
        for (size_t i = 0; i < place * (size_t)t; i++)
            to[all * (size_t)(first + c) + place * (size_t)ahead + i] =
                z[i * (size_t)p->c + (size_t)c];
}

/* Channel (row, column) of a latent place is that pixel of the mask under it, at the frame in the
 * middle of those that the latent frame stands for. */
static void put_drawn(float *to, const struct plan *p, int n)
{
    int ks = p->codec.ks;
    size_t place = (size_t)p->lh * (size_t)p->lw, all = place * (size_t)(p->t + p->ahead);

    for (int k = 0; k < ks * ks; k++)
        for (int t = 0; t < p->t; t++) {
            size_t frame = (size_t)((t + 0.5) * n / p->t);
            float *at = to + all * (size_t)k + place * (size_t)(p->ahead + t);

            for (int y = 0; y < p->lh; y++)
                for (int x = 0; x < p->lw; x++)
                    *at++ = p->control.drawn[(frame * (size_t)p->h + (size_t)(y * ks + k / ks)) *
                                                 (size_t)p->w +
                                             (size_t)(x * ks + k % ks)];
        }
}

static int encode_control(struct conditions *c, struct cx *cx, const struct bundle *b,
                          const struct plan *p, struct err *e)
{
    int n = codec_frames(&p->codec, p->t), rc = 0;
    size_t frame = (size_t)p->h * (size_t)p->w * 3, place = (size_t)p->lh * (size_t)p->lw;
    size_t all = place * (size_t)(p->t + p->ahead);
    float *pixels = malloc((size_t)n * frame * sizeof *pixels),
          *z = xmalloc(place * (size_t)p->t * (size_t)p->c * sizeof *z);

    if (!pixels)
        rc = err_set(e, ERR_FIT, "no memory for %d frames of %dx%d", n, p->w, p->h);
    c->control = xcalloc(all * (size_t)p->dit.control_channels, sizeof *c->control);
    for (int side = 0; !rc && side < 2; side++) {
        put_side(pixels, p, n, side);
        rc = encode(z, cx, b, p, n, pixels, e);
        if (!rc)
            put_latent(c->control, p, side * p->c, p->ahead, p->t, z);
    }
    free(pixels);
    if (!rc && p->control.reference)
        rc = encode(z, cx, b, p, 1, p->control.reference, e);
    if (!rc && p->control.reference)
        put_latent(c->control, p, 0, 0, 1, z);
    put_drawn(c->control + all * (size_t)(2 * p->c), p, n);
    free(z);
    return rc;
}

int conditions_init(struct conditions *c, struct cx *cx, const struct bundle *b,
                    const struct plan *p, struct err *e)
{
    int rc = 0;

    *c = (struct conditions){0};
    if (p->dit.n_controls)
        rc = encode_control(c, cx, b, p, e);
    else if (p->first.rgb && p->dit.in_channels > p->dit.out_channels)
        rc = encode_channels(c, cx, b, p, e);
    else if (p->first.rgb)
        rc = encode_first(c, cx, b, p, e);
    if (!rc)
        rc = encode_keys(c, cx, b, p, e);
    if (!rc && p->first.seen)
        rc = see_pictures(c, cx, b, p, e);
    if (rc)
        conditions_release(c);
    return rc;
}

void conditions_release(struct conditions *c)
{
    for (int i = 0; i < c->n_known; i++)
        free(c->known[i].latent);
    free(c->known);
    free(c->first);
    free(c->channels);
    free(c->rows);
    free(c->control);
    *c = (struct conditions){0};
}

void conditions_dry(struct cx *cx, const struct plan *p)
{
    const struct image_config *k = &p->model->image.config;
    int all = p->dit.in_channels > p->dit.out_channels, n = codec_frames(&p->codec, p->t);

    for (int i = 0; i < 2 && p->dit.n_controls; i++) {
        codec_encode(cx, &p->model->codec, tensor_new(cx, DT_F32, DIMS(n, p->h, p->w, 3)));
        cx_step_end(cx);
    }
    if (p->control.reference || (p->first.rgb && !p->dit.n_controls)) {
        codec_encode(cx, &p->model->codec,
                     tensor_new(cx, DT_F32, DIMS(all ? n : 1, p->h, p->w, 3)));
        cx_step_end(cx);
    }
    for (int i = 0; i < p->n_keys + p->loop; i++) {
        int still = i >= p->n_keys || p->key[i].n == 1;

        n = still ? 1 + p->codec.kt : p->key[i].n;
        codec_encode(cx, &p->model->codec, tensor_new(cx, DT_F32, DIMS(n, p->h, p->w, 3)));
        cx_step_end(cx);
    }
    for (int i = 0; plan_source_is_mixed(p) && i < 1 + (plan_windows(p) > 1); i++) {
        n = codec_frames(&p->codec, p->window + i);
        codec_encode(cx, &p->model->codec, tensor_new(cx, DT_F32, DIMS(n, p->h, p->w, 3)));
        cx_step_end(cx);
    }
    if (!p->first.seen)
        return;
    image_rows(cx, &p->model->image,
               tensor_new(cx, DT_F32, DIMS(1 + (p->last.seen != NULL), k->side, k->side, 3)),
               k->layers - 1, NULL);
    cx_step_end(cx);
}
