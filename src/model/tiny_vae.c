#include "model/tiny_vae.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FRAMES 64 /* under one latent place */

/* ---- weights ---- */

/* Names count the layers of two torch.nn.Sequential, those without weights too. */
static void declare_block(struct weight_set *s, struct vae_block *b, const char *half, int at,
                          int n)
{
    char name[64];

    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s.%d.conv.%d", half, at, 2 * i);
        b->conv[i] = conv_declare(s, name, i ? n : 2 * n, n, 3, 1, INIT_LINEAR, i < 2 ? 1.4 : 0.5);
    }
}

static struct conv_w conv_at(struct weight_set *s, const char *half, int at, const char *sub,
                             int64_t in, int64_t out, int kernel, int bias, enum init init)
{
    char name[64];

    snprintf(name, sizeof name, "%s.%d%s", half, at, sub);
    return conv_declare(s, name, in, out, kernel, bias, init, init == INIT_LINEAR ? 1.4 : 0);
}

static void declare_encoder(struct tiny_vae *m)
{
    const struct tiny_vae_config *c = &m->config;
    struct weight_set *s = &m->weights;
    int n = c->encoder_width, at = 2;

    m->encoder.first =
        conv_at(s, "encoder", 0, "", 3 * c->patch_size * c->patch_size, n, 3, 1, INIT_LINEAR);
    for (int i = 0; i < c->stages; i++) {
        struct vae_stage *st = &m->encoder.stage[i];

        st->time = conv_at(s, "encoder", at++, ".conv", (int64_t)n * c->time_down[i], n, 1, 0,
                           INIT_LINEAR);
        st->space = conv_at(s, "encoder", at++, "", n, n, 3, 0, INIT_LINEAR);
        for (int b = 0; b < c->encoder_blocks[i]; b++)
            declare_block(s, &st->block[b], "encoder", at++, n);
    }
    m->encoder.last = conv_at(s, "encoder", at, "", n, c->latent_channels, 3, 1,
                              c->klt ? INIT_ZERO : INIT_LINEAR);
}

static void declare_decoder(struct tiny_vae *m)
{
    const struct tiny_vae_config *c = &m->config;
    struct weight_set *s = &m->weights;
    const int *w = c->decoder_width;
    int at = 3;

    m->decoder.first = conv_at(s, "decoder", 1, "", c->latent_channels, w[0], 3, 1, INIT_LINEAR);
    for (int i = 0; i < c->stages; i++) {
        struct vae_stage *st = &m->decoder.stage[i];

        for (int b = 0; b < c->decoder_blocks[i]; b++)
            declare_block(s, &st->block[b], "decoder", at++, w[i]);
        at++; /* nearest upsampling */
        st->time = conv_at(s, "decoder", at++, ".conv", w[i], (int64_t)w[i] * c->time_up[i], 1, 0,
                           INIT_LINEAR);
        st->space = conv_at(s, "decoder", at++, "", w[i], w[i + 1], 3, 0, INIT_LINEAR);
    }
    at++; /* relu */
    m->decoder.last = conv_at(s, "decoder", at, "", w[c->stages], 3 * c->patch_size * c->patch_size,
                              3, 1, c->klt ? INIT_ZERO : INIT_LINEAR);
}

static struct linear_w klt_declare(struct weight_set *s, const char *name, int64_t in, int64_t out)
{
    char n[64];
    struct linear_w l;

    snprintf(n, sizeof n, "klt.%s.weight", name);
    l.w = weight_declare(s, n, 0, INIT_LINEAR, 1, DIMS(out, in));
    snprintf(n, sizeof n, "klt.%s.bias", name);
    l.b = weight_declare(s, n, 0, INIT_ZERO, 0, DIMS(out));
    l.w->frozen = l.b->frozen = 1;
    return l;
}

int tiny_vae_init(struct tiny_vae *m, const struct tiny_vae_config *c, struct err *e)
{
    int up = 1, space = 1;
    int64_t block;

    memset(m, 0, sizeof *m);
    m->config = *c;
    m->kt = m->ks = 1;
    for (int i = 0; i < c->stages; i++) {
        m->kt *= c->time_down[i];
        up *= c->time_up[i];
        m->ks *= c->space_down[i];
        space *= c->space_up[i];
    }
    if (c->stages < 1 || c->stages > TINY_VAE_STAGES || m->kt != up || m->ks != space ||
        m->kt > MAX_FRAMES)
        return err_set(
            e, ERR_FORMAT,
            "vae: 1 to %d stages whose encoder and decoder change time (%d, %d) and space (%d, %d) "
            "by the same factors, at most %d frames",
            TINY_VAE_STAGES, m->kt, up, m->ks, space, MAX_FRAMES);
    m->ks *= c->patch_size;
    weight_set_init(&m->weights);
    declare_encoder(m);
    declare_decoder(m);
    if (c->klt) {
        block = (int64_t)m->kt * m->ks * m->ks * 3;
        m->klt_encode = klt_declare(&m->weights, "encode", block, c->latent_channels);
        m->klt_decode = klt_declare(&m->weights, "decode", c->latent_channels, block);
        if (c->lapped) {
            m->lapped = conv_declare(&m->weights, "klt.lapped", c->latent_channels, block, 3, 0,
                                     INIT_ZERO, 0);
            m->lapped.w->frozen = 1;
        }
        if (c->deblock > m->kt * m->ks * 3)
            return err_set(e, ERR_FORMAT, "vae: klt_deblock is %d; a border has %d directions",
                           c->deblock, m->kt * m->ks * 3);
        deblock_declare(&m->deblock, &m->weights, block, c->deblock);
        if (c->motion) {
            int64_t C = c->latent_channels;

            m->motion = linear_declare(&m->weights, "klt.motion", 2 * C, block, 0, INIT_ZERO, 0);
            m->guess = linear_declare(&m->weights, "klt.guess", C, C, 0, INIT_ZERO, 0);
            m->motion.w->frozen = m->guess.w->frozen = 1;
        }
    }
    return 0;
}

void tiny_vae_release(struct tiny_vae *m)
{
    if (m->encoder.first.w)
        weight_set_release(&m->weights);
    memset(m, 0, sizeof *m);
}

void tiny_vae_set_klt(struct tiny_vae *m, const float *mean, const float *basis, const float *scale)
{
    int64_t n = (int64_t)m->kt * m->ks * m->ks, P = 3 * n, C = m->config.latent_channels;
    float *enc = xmalloc(sizeof(float) * (size_t)(P * C)),
          *dec = xmalloc(sizeof(float) * (size_t)(P * C));
    float *b = xcalloc((size_t)C, sizeof *b);

    ZT_ASSERT(m->config.klt);
    for (int64_t c = 0; c < C; c++) {
        double dot = 0;

        for (int64_t p = 0; p < P; p++) {
            /* patchify gives columns (colour, t, y, x), unpatchify takes (t, y, x, colour) */
            enc[c * P + (p % 3) * n + p / 3] = basis[c * P + p] * scale[c];
            dec[p * C + c] = basis[c * P + p] / scale[c];
            dot += (double)basis[c * P + p] * mean[p];
        }
        b[c] = (float)(-dot * scale[c]);
    }
    weight_store(m->klt_encode.w, enc, DT_F32);
    weight_store(m->klt_encode.b, b, DT_F32);
    weight_store(m->klt_decode.w, dec, DT_F32);
    weight_store(m->klt_decode.b, mean, DT_F32);
    free(enc);
    free(dec);
    free(b);
}

/* ---- blocks ---- */

/* x [B*t,h,w,C] one frame later: each clip begins with `before` [B or 1 frames], or with nothing
 * (zeros). */
static struct tensor *earlier(struct cx *cx, struct tensor *x, int64_t clips, struct tensor *before)
{
    int64_t frame = x->dim[1] * x->dim[2] * x->dim[3], t = x->dim[0] / clips;
    struct tensor *first = before ? before : tensor_zeros(cx, x->type, DIMS(clips, frame));
    struct tensor *rest;

    first = reshape(cx, first, DIMS(clips, frame));
    if (t > 1) {
        rest = slice_last(cx, reshape(cx, x, DIMS(clips, t * frame)), 0, (t - 1) * frame);
        first = concat_last(cx, first, rest);
    }
    return reshape(cx, first, x->rank, x->dim);
}

static struct tensor *block_forward(struct cx *cx, const struct vae_block *b, struct tensor *x,
                                    int64_t clips, struct tensor *before)
{
    struct tensor *h;
    struct scope s;

    scope_begin(cx, &s);
    h = concat_last(cx, x, earlier(cx, x, clips, before));
    h = act(cx, conv2d(cx, h, &b->conv[0], 1), ACT_RELU);
    h = act(cx, conv2d(cx, h, &b->conv[1], 1), ACT_RELU);
    h = add(cx, conv2d(cx, h, &b->conv[2], 1), x);
    return scope_end(cx, &s, act(cx, h, ACT_RELU));
}

/* k frames become channels of one. */
static struct tensor *fold_time(struct cx *cx, struct tensor *x, int k)
{
    int64_t n = x->dim[0] / k, h = x->dim[1], w = x->dim[2], c = x->dim[3];

    if (k == 1)
        return x;
    x = permute(cx, reshape(cx, x, DIMS(n, k, h, w, c)), (const int[]){0, 2, 3, 1, 4});
    return reshape(cx, x, DIMS(n, h, w, k * c));
}

static struct tensor *unfold_time(struct cx *cx, struct tensor *x, int k)
{
    int64_t n = x->dim[0], h = x->dim[1], w = x->dim[2], c = x->dim[3] / k;

    if (k == 1)
        return x;
    x = permute(cx, reshape(cx, x, DIMS(n, h, w, k, c)), (const int[]){0, 3, 1, 2, 4});
    return reshape(cx, x, DIMS(n * k, h, w, c));
}

/* ---- encoder ---- */

/* x [clips*T,H,W,3] -> [clips*T/kt,h,w,C] in the type of the weights. */
static struct tensor *encoder_net(struct cx *cx, const struct tiny_vae *m, struct tensor *x,
                                  int64_t clips)
{
    const struct tiny_vae_config *c = &m->config;
    enum dtype type = cx->type;

    cx->type = m->encoder.first.w->type;
    x = cast(cx, x, cx->type);
    if (c->patch_size > 1)
        x = pixel_unshuffle(cx, x, c->patch_size);
    x = act(cx, conv2d(cx, x, &m->encoder.first, 1), ACT_RELU);
    for (int i = 0; i < c->stages; i++) {
        const struct vae_stage *st = &m->encoder.stage[i];
        struct scope s;

        scope_begin(cx, &s);
        x = conv2d(cx, fold_time(cx, x, c->time_down[i]), &st->time, 1);
        x = conv2d(cx, x, &st->space, c->space_down[i]);
        for (int b = 0; b < c->encoder_blocks[i]; b++)
            x = block_forward(cx, &st->block[b], x, clips, NULL);
        x = scope_end(cx, &s, x);
    }
    x = conv2d(cx, x, &m->encoder.last, 1);
    cx->type = type;
    return x;
}

struct tensor *tiny_vae_encode_clips(struct cx *cx, const struct tiny_vae *m, struct tensor *x)
{
    int64_t B = x->dim[0], T = x->dim[1], H = x->dim[2], W = x->dim[3], n = B * T / m->kt;
    struct tensor *z, *frames;

    if (x->rank != 5 || x->dim[4] != 3 || T % m->kt || H % m->ks || W % m->ks)
        BUG("tiny_vae_encode_clips: video [%lld,%lld,%lld,%lld,3] with %d frames x %d px in a "
            "group",
            (long long)B, (long long)T, (long long)H, (long long)W, m->kt, m->ks);
    frames = reshape(cx, x, DIMS(B * T, H, W, 3));
    z = cast(cx, encoder_net(cx, m, frames, m->config.encoder_reset ? n : B), cx->wide);
    if (m->config.klt) {
        struct tensor *root = linear_wide(cx, patchify(cx, x, m->kt, m->ks, m->ks), &m->klt_encode);

        z = add(cx, z, reshape(cx, root, z->rank, z->dim));
    }
    return z;
}

/* video [N,H,W,3] with frame `which` repeated n times in front or behind. */
static struct tensor *padded(struct cx *cx, struct tensor *video, int64_t which, int64_t n,
                             int in_front)
{
    struct tensor *list[MAX_FRAMES], *frame;

    if (n == 0)
        return video;
    frame = slice_rows(cx, video, which, 1);
    for (int64_t i = 0; i <= n; i++)
        list[i] = frame;
    list[in_front ? n : 0] = video;
    return concat_rows(cx, (int)n + 1, list);
}

struct tensor *tiny_vae_encode(struct cx *cx, const struct tiny_vae *m, struct tensor *video)
{
    int64_t N = video->dim[0], H = video->dim[1], W = video->dim[2],
            pad = (m->kt - N % m->kt) % m->kt;

    if (m->config.pad_start && N % m->kt != 1 % m->kt)
        BUG("tiny_vae_encode: %lld frames, wants 1 + a multiple of %d", (long long)N, m->kt);
    video = padded(cx, video, m->config.pad_start ? 0 : N - 1, pad, m->config.pad_start);
    return tiny_vae_encode_clips(cx, m, reshape(cx, video, DIMS(1, N + pad, H, W, 3)));
}

/* ---- decoder ---- */

static struct tensor *decoder_stage(struct cx *cx, const struct tiny_vae *m, int i,
                                    struct tensor *x, int64_t clips, struct codec_stream *stream)
{
    const struct vae_stage *st = &m->decoder.stage[i];
    const struct tiny_vae_config *c = &m->config;
    struct scope s;

    scope_begin(cx, &s);
    for (int b = 0; b < c->decoder_blocks[i]; b++) {
        int cache = stream ? codec_cache_next(stream, 1) : 0;
        struct tensor *past = stream ? codec_cache_past(cx, stream, cache, x) : NULL;
        struct tensor *y = block_forward(cx, &st->block[b], x, clips, past);

        tap_see(m->tap, cx, y, "decoder.%d.%d", i, b);
        if (stream)
            codec_cache_keep(cx, stream, cache, x);
        x = y;
    }
    if (c->space_up[i] == 2)
        x = upsample2(cx, x);
    x = unfold_time(cx, conv2d(cx, x, &st->time, 1), c->time_up[i]);
    return scope_end(cx, &s, conv2d(cx, x, &st->space, 1));
}

/* z wide [n,h,w,C] -> [n*kt,H,W,3] in the type of the weights. */
static struct tensor *decoder_net(struct cx *cx, const struct tiny_vae *m, struct tensor *z,
                                  int64_t clips, struct codec_stream *stream)
{
    const struct tiny_vae_config *c = &m->config;
    enum dtype type = cx->type;
    struct tensor *x;

    cx->type = m->decoder.first.w->type;
    x = act(cx, cast(cx, keep(cx, z), cx->type), ACT_TANH3);
    x = act(cx, conv2d(cx, x, &m->decoder.first, 1), ACT_RELU);
    tap_see(m->tap, cx, x, "decoder.first");
    for (int i = 0; i < c->stages; i++)
        x = decoder_stage(cx, m, i, x, clips, stream);
    x = act(cx, x, ACT_RELU);
    tap_see(m->tap, cx, x, "decoder.last");
    x = conv2d(cx, x, &m->decoder.last, 1);
    if (c->patch_size > 1)
        x = pixel_shuffle(cx, x, c->patch_size);
    cx->type = type;
    return x;
}

struct tensor *tiny_vae_root(struct cx *cx, const struct tiny_vae *m, struct tensor *z)
{
    int64_t rows = z->dim[0] * z->dim[1] * z->dim[2];
    struct tensor *x = linear_wide(cx, reshape(cx, z, DIMS(rows, z->dim[3])), &m->klt_decode), *l;
    enum dtype type = cx->type;

    if (!m->config.lapped)
        return x;
    cx->type = m->lapped.w->type;
    l = conv2d(cx, cast(cx, keep(cx, z), cx->type), &m->lapped, 1);
    cx->type = type;
    return add(cx, x, reshape(cx, cast(cx, l, cx->wide), x->rank, x->dim));
}

/* Rows of latents as rows of places. */
static struct tensor *places(struct cx *cx, struct tensor *x, int64_t C)
{
    return reshape(cx, x, DIMS(tensor_count(x) / C, C));
}

/* step wide [clips,frame]: z - z_before of the last latents. */
static struct tensor *guessed(struct cx *cx, const struct linear_w *guess, struct tensor *step,
                              int64_t C)
{
    int64_t clips = step->dim[0], frame = step->dim[1];

    if (!guess)
        return tensor_zeros(cx, cx->wide, DIMS(clips, frame));
    return reshape(cx, linear_wide(cx, places(cx, step, C), guess), DIMS(clips, frame));
}

struct tiny_vae_moves tiny_vae_moves(struct cx *cx, struct tensor *z, int64_t clips,
                                     const struct linear_w *guess)
{
    int64_t t = z->dim[0] / clips, C = z->dim[3], frame = z->dim[1] * z->dim[2] * C;
    struct tensor *none = keep(cx, tensor_zeros(cx, cx->wide, DIMS(clips, frame)));
    struct tensor *rows = keep(cx, reshape(cx, z, DIMS(clips, t * frame))), *step, *last;
    struct tiny_vae_moves v = {none, none};

    if (t > 1) {
        step = keep(cx, add_scaled(cx, slice_last(cx, rows, frame, (t - 1) * frame), 1,
                                   slice_last(cx, rows, 0, (t - 1) * frame), -1));
        last = guessed(cx, guess, slice_last(cx, step, (t - 2) * frame, frame), C);
        if (t > 2)
            last = concat_last(cx, slice_last(cx, step, frame, (t - 2) * frame), last);
        v.back = concat_last(cx, none, step);
        v.ahead = concat_last(cx, none, last);
    }
    return (struct tiny_vae_moves){places(cx, v.back, C), places(cx, v.ahead, C)};
}

/* The same of the latent that a stream is at. */
static struct tiny_vae_moves stream_moves(struct cx *cx, const struct tiny_vae *m, struct tensor *z,
                                          struct codec_stream *s, struct tensor *next)
{
    int64_t C = z->dim[3], frame = tensor_count(z);
    int cache = codec_cache_next(s, 1);
    struct tensor *none = keep(cx, tensor_zeros(cx, cx->wide, DIMS(1, frame)));
    struct tensor *now = keep(cx, reshape(cx, z, DIMS(1, frame))), *before;
    struct tiny_vae_moves v = {none, none};

    if (s->steps) {
        before = reshape(cx, codec_cache_past(cx, s, cache, z), DIMS(1, frame));
        v.back = keep(cx, add_scaled(cx, now, 1, before, -1));
        v.ahead = next ? add_scaled(cx, reshape(cx, next, DIMS(1, frame)), 1, now, -1)
                       : guessed(cx, &m->guess, v.back, C);
    }
    codec_cache_keep(cx, s, cache, z);
    return (struct tiny_vae_moves){places(cx, v.back, C), places(cx, v.ahead, C)};
}

/* The root's blocks with their borders mended, and moved; each in a scope of its own, as what is
 * added is as large as the frames. */
static struct tensor *mended(struct cx *cx, const struct tiny_vae *m, struct tensor *root,
                             struct tensor *z, int64_t clips, struct codec_stream *stream,
                             struct tensor *next)
{
    struct scope s;

    if (m->deblock.n) {
        scope_begin(cx, &s);
        root = scope_end(cx, &s, deblock_forward(cx, &m->deblock, root, z->dim[1], z->dim[2]));
    }
    if (m->config.motion) {
        scope_begin(cx, &s);
        struct tiny_vae_moves v =
            stream ? stream_moves(cx, m, z, stream, next) : tiny_vae_moves(cx, z, clips, &m->guess);

        v.back = linear_wide(cx, concat_last(cx, v.back, v.ahead), &m->motion);
        root = scope_end(cx, &s, add(cx, root, v.back));
    }
    return root;
}

/* z wide [clips*t,h,w,C] -> wide [clips, kt*t, H, W, 3]; next: the latent behind those of a stream,
 * or NULL. */
static struct tensor *decode(struct cx *cx, const struct tiny_vae *m, struct tensor *z,
                             int64_t clips, struct codec_stream *stream, struct tensor *next)
{
    int64_t t = z->dim[0] / clips, h = z->dim[1], w = z->dim[2], C = m->config.latent_channels;
    struct tensor *x;

    if (z->rank != 4 || z->dim[3] != C)
        BUG("tiny_vae_decode: latent of %lld channels, wants %lld", (long long)tensor_last(z),
            (long long)C);
    x = cast(cx, decoder_net(cx, m, z, clips, stream), cx->wide);
    x = reshape(cx, x, DIMS(clips, m->kt * t, h * m->ks, w * m->ks, 3));
    if (m->config.klt) {
        struct tensor *root = tiny_vae_root(cx, m, z);

        root = mended(cx, m, root, z, clips, stream, next);
        x = add(cx, x, unpatchify(cx, root, clips, t, h, w, m->kt, m->ks, m->ks));
    }
    return x;
}

struct tensor *tiny_vae_decode_clips(struct cx *cx, const struct tiny_vae *m, struct tensor *z)
{
    struct tensor *flat =
        reshape(cx, z, DIMS(z->dim[0] * z->dim[1], z->dim[2], z->dim[3], z->dim[4]));

    return decode(cx, m, flat, z->dim[0], NULL, NULL);
}

/* x [1,N,H,W,3] without its first n frames, as [N-n,H,W,3]. */
static struct tensor *without_first(struct cx *cx, struct tensor *x, int64_t n)
{
    int64_t N = x->dim[1];

    x = reshape(cx, x, DIMS(N, x->dim[2], x->dim[3], 3));
    return n ? slice_rows(cx, x, n, N - n) : x;
}

struct tensor *tiny_vae_decode(struct cx *cx, const struct tiny_vae *m, struct tensor *z)
{
    return without_first(cx, decode(cx, m, z, 1, NULL, NULL), m->kt - 1);
}

/* ---- as a part ---- */

static struct codec_config codec_config_of(const void *net)
{
    const struct tiny_vae *m = net;

    return (struct codec_config){.channels = m->config.latent_channels,
                                 .kt = m->kt,
                                 .ks = m->ks,
                                 .first = 1,
                                 .previews = m->config.klt,
                                 .looks_ahead = m->config.motion};
}

static struct tensor *encode(struct cx *cx, const void *net, struct tensor *video)
{
    return tiny_vae_encode(cx, net, video);
}

static struct tensor *decode_step(struct cx *cx, const void *net, struct codec_stream *s,
                                  struct tensor *z, struct tensor *next)
{
    const struct tiny_vae *m = net;

    return without_first(cx, decode(cx, m, z, 1, s, next), s->steps ? 0 : m->kt - 1);
}

/* Of the root what is neither of the places around a block nor of its borders nor of motion. */
static struct tensor *preview(struct cx *cx, const void *net, struct tensor *z)
{
    const struct tiny_vae *m = net;
    int64_t h = z->dim[1], w = z->dim[2], frame = (int64_t)m->ks * m->ks * 3;
    struct tensor *x = linear_wide(cx, reshape(cx, z, DIMS(h * w, z->dim[3])), &m->klt_decode);

    x = slice_last(cx, x, (m->kt - 1) * frame, frame);
    x = unpatchify(cx, x, 1, 1, h, w, 1, m->ks, m->ks);
    return reshape(cx, x, DIMS(1, h * m->ks, w * m->ks, 3));
}

static enum dtype job_type(const void *net, enum dtype type)
{
    return codec_job_type(&((const struct tiny_vae *)net)->weights, type);
}

PART_METHODS(tiny_vae)
static const char *const class_names[] = {"TAEHV", NULL};
static const struct codec_class codec = {
    .config = codec_config_of, .encode = encode, .decode = decode_step, .preview = preview};
const struct part_class tiny_vae_part = {.role = PART_CODEC,
                                         .names = class_names,
                                         .library = "zoetrope",
                                         .file = "diffusion_pytorch_model.safetensors",
                                         .tensors = &store_tiny_vae_names,
                                         PART_METHODS_OF(tiny_vae),
                                         .job_type = job_type,
                                         .codec = &codec};
