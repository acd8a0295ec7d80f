/* The encoder and the decoder of wan_vae.h, a frame at a time. */
#include <string.h>

#include "model/wan_vae_inner.h"
#include "tensor/ops.h"

/* A walk of one frame through a half: from level to level, as many frames as there come to be. */
struct walk {
    struct cx *cx;
    const struct wan_vae *m;
    const struct wan_half *half;
    struct codec_stream *past; /* NULL: nothing comes before or after this frame */
    int first;                 /* it is the first of the film */
    struct tensor *out;        /* where finished frames go, along its first axis */
    int64_t done;
};

/* ---- what both have ---- */

static double norm_eps(const struct tensor *x)
{
    return 1e-24 / (double)tensor_last(x); /* theirs is a least length of 1e-12 */
}

static struct tensor *ring_frame(const struct walk *k, int ring, int back)
{
    return k->past ? codec_ring_frame(k->cx, k->past, ring, back) : NULL;
}

static void ring_push(const struct walk *k, int ring, int frames, const struct tensor *x)
{
    if (k->past)
        codec_ring_push(k->cx, k->past, ring, frames, x);
}

/* Large pasts are those of kernels that see neighbours: of bf16 they are kept packed. */
static int packs(const struct walk *k, const struct tensor *x, const struct conv_w *w)
{
    return k->past && x->type == DT_BF16 && !conv_in_bytes(w) && w->w->dim[2] > 1;
}

/* w over x and the two frames before it, which then is the past. */
static struct tensor *causal(const struct walk *k, struct tensor *x, const struct conv_w *w,
                             int ring, struct tensor *to)
{
    struct tensor *frame[] = {ring_frame(k, ring, 2), ring_frame(k, ring, 1), x}, *y;

    if (packs(k, x, w)) {
        int64_t bytes = (int64_t)conv3d_packed_bytes(x->dim[1], x->dim[2], x->dim[3]);
        struct tensor *now = codec_ring_next(k->cx, k->past, ring, 2, bytes);

        return conv3d_packed(k->cx, frame, w, to, k->cx->type, now);
    }
    if (conv_in_bytes(w))
        y = conv3d_bytes(k->cx, frame, w, 1, to, k->cx->type, &x);
    else
        y = conv3d(k->cx, frame, w, 1, to, k->cx->type);
    ring_push(k, ring, 2, x);
    return y;
}

/* One frame alone: pictures, and convolutions of one place. */
static struct tensor *alone(struct cx *cx, struct tensor *x, const struct conv_w *w, int up)
{
    struct tensor *bytes;

    return conv_in_bytes(w) ? conv3d_bytes(cx, &x, w, up, NULL, cx->type, &bytes)
                            : conv3d(cx, &x, w, up, NULL, cx->type);
}

/* Consumes x where it keeps its channels. */
static struct tensor *res_block(const struct walk *k, const struct wan_res *r, struct tensor *x)
{
    struct cx *cx = k->cx;
    struct scope s, inner;

    scope_begin(cx, &s);
    scope_begin(cx, &inner);
    struct tensor *h = rms_silu(cx, x, r->norm1, norm_eps(x));
    h = scope_end(cx, &inner, causal(k, h, &r->conv1, r->ring, NULL));
    if (r->shortcut.w)
        x = alone(cx, x, &r->shortcut, 1);
    h = act(cx, rms_norm(cx, h, r->norm2, norm_eps(h)), ACT_SILU);
    return scope_end(cx, &s, causal(k, h, &r->conv2, r->ring + 1, x));
}

/* Every place of the frame sees every other. */
static struct tensor *attend(const struct walk *k, struct tensor *x)
{
    struct cx *cx = k->cx;
    int64_t c = tensor_last(x), n = tensor_rows(x), *start;
    struct scope s;

    scope_begin(cx, &s);
    start = arena_alloc(&cx->handles, 2 * sizeof *start);
    start[1] = n;
    struct tensor *h = rms_norm(cx, keep(cx, x), k->half->attn_norm, norm_eps(x));
    h = reshape(cx, conv2d(cx, h, &k->half->qkv, 1), DIMS(n, 3 * c));
    h = attention(cx, slice_last(cx, h, 0, c), slice_last(cx, h, c, c), slice_last(cx, h, 2 * c, c),
                  &(struct attn_args){.heads = 1, .seq = &(struct seq){1, start}});
    h = conv2d(cx, reshape(cx, h, x->rank, x->dim), &k->half->proj, 1);
    return scope_end(cx, &s, add(cx, h, x));
}

static struct tensor *middle(const struct walk *k, struct tensor *x)
{
    x = res_block(k, &k->half->mid[0], x);
    return res_block(k, &k->half->mid[1], attend(k, x));
}

/* Blocks of a level. The shortcut of a level still reads what came in. */
static struct tensor *level_blocks(const struct walk *k, const struct wan_level *l,
                                   struct tensor *x)
{
    if (k->m->config.residual)
        x = cast(k->cx, x, x->type);
    for (int b = 0; b < l->blocks; b++)
        x = res_block(k, &l->res[b], x);
    return x;
}

/* x is the next frame of the result. */
static void finish(struct walk *k, const struct tensor *x)
{
    size_t frame = tensor_bytes(k->out) / (size_t)k->out->dim[0];
    char *to = k->out->data;

    ZT_ASSERT(k->done < k->out->dim[0] && tensor_bytes(x) == frame);
    tensor_save(k->cx, x, 0, 1, to ? to + frame * (size_t)k->done : NULL);
    k->done++;
}

/* ---- decoder ---- */

/* Parts of three frames make the pixels of one: [1,h,w,3 p p] without bias. Where there was no
 * frame stand zeros, so that every frame takes the same memory. */
static struct tensor *join_taps(const struct walk *k, struct tensor *part)
{
    int64_t n = tensor_count(part) / 3;
    struct tensor *y = NULL;
    struct cx *cx = k->cx;

    for (int back = 2; back >= 0; back--) {
        struct tensor *p = back ? ring_frame(k, k->half->last_ring, back) : part;

        p = p ? slice_last(cx, reshape(cx, p, DIMS(n, 3)), 2 - back, 1)
              : tensor_zeros(cx, cx->wide, DIMS(n, 1));
        y = y ? add(cx, y, p) : p;
    }
    return y;
}

/* Features -> pixels 0..1. */
static void show(struct walk *k, struct tensor *x)
{
    int64_t h = x->dim[1], w = x->dim[2], p = k->m->config.patch_size, n = 3 * p * p;
    struct weight *bias = k->half->last.b;
    struct cx *cx = k->cx;
    struct scope s;

    scope_begin(cx, &s);
    struct tensor *part = act(cx, rms_norm(cx, x, k->half->norm, norm_eps(x)), ACT_SILU);
    part = conv3d_taps(cx, part, &k->half->last);
    struct tensor *y = reshape(cx, join_taps(k, part), DIMS(h * w, n));
    ring_push(k, k->half->last_ring, 2, part);
    struct tensor *half = tensor_from(cx, cx->wide, DIMS(1, 1), (float[]){0.5f}, DT_F32);
    half = reshape(cx, repeat_row(cx, half, n), DIMS(1, n));
    struct tensor *b = reshape(cx, weight_tensor(cx, bias), DIMS(1, n));
    b = repeat_row(cx, add_scaled(cx, b, 0.5, half, 1), h * w);
    y = add_scaled(cx, y, 0.5, b, 1);
    if (p > 1) { /* channels are c, column, row */
        y = permute(cx, reshape(cx, y, DIMS(h, w, 3, p, p)), (const int[]){0, 4, 1, 3, 2});
    }
    finish(k, reshape(cx, y, DIMS(1, h * p, w * p, 3)));
    scope_end(cx, &s, NULL);
}

/* Frame number `part` of the `parts` that a level makes of one; y went through its blocks, x came
 * in. */
static struct tensor *enlarged(const struct walk *k, const struct wan_level *l, struct tensor *x,
                               struct tensor *y, int part, int parts)
{
    struct cx *cx = k->cx;
    struct tensor *f = y;
    struct scope s;

    scope_begin(cx, &s);
    if (parts > 1)
        f = slice_last(cx, y, (int64_t)part * l->out, l->out);
    f = alone(cx, f, &l->space, 2);
    if (k->m->config.residual) {
        int second = l->time.w && k->first; /* of the first frame there is only that one */

        x = duplicate_up(cx, x, l->out, l->time.w ? 2 : 1, second ? 1 : part);
        f = add(cx, f, x);
    }
    return scope_end(cx, &s, f);
}

/* x, and what lies in its memory, is gone afterwards: most of the memory is that of the last level,
 * so nothing of those before it stays beside it. */
static void up(struct walk *k, int i, struct tensor *x)
{
    const struct wan_level *l = &k->half->level[i];
    int parts = l->time.w && !k->first ? 2 : 1;
    struct cx *cx = k->cx;
    struct scope s, each;

    scope_begin(cx, &s);
    struct tensor *y = level_blocks(k, l, x);
    if (parts > 1)
        y = causal(k, y, &l->time, l->ring, NULL);
    for (int part = 0; part < parts && l->scaled; part++) {
        scope_begin(cx, &each);
        struct tensor *f = enlarged(k, l, x, y, part, parts);
        if (part == parts - 1) {
            tensor_drop(cx, y);
            tensor_drop(cx, x);
        }
        up(k, i + 1, f);
        scope_end(cx, &each, NULL);
    }
    if (!l->scaled)
        show(k, y);
    scope_end(cx, &s, NULL);
}

struct tensor *wan_vae_decode(struct cx *cx, const void *net, struct codec_stream *s,
                              struct tensor *z, struct tensor *next)
{
    (void)next;
    const struct wan_vae *m = net;
    int first = s->steps == 0;
    struct walk k = {.cx = cx, .m = m, .half = &m->decoder, .past = s, .first = first};
    enum dtype type = cx->type;
    struct scope all;

    if (z->rank != 4 || z->dim[3] != m->config.z_dim)
        BUG("wan_vae: latent of %lld channels, wants %d", (long long)tensor_last(z),
            m->config.z_dim);
    cx->type = m->quant.w->type;
    codec_rings(s, m->decoder.n_rings);
    k.out =
        tensor_new(cx, cx->wide, DIMS(first ? 1 : m->kt, z->dim[1] * m->ks, z->dim[2] * m->ks, 3));
    scope_begin(cx, &all);
    struct tensor *x = alone(cx, cast(cx, z, cx->type), &m->post_quant, 1);
    x = middle(&k, causal(&k, x, &m->decoder.first, m->decoder.ring, NULL));
    up(&k, 0, x);
    scope_end(cx, &all, NULL);
    ZT_ASSERT(k.done == k.out->dim[0]);
    cx->type = type;
    return k.out;
}

/* ---- encoder ---- */

/* [1,h,w,C] -> wide [1,h,w,out]: the mean of neighbouring channels. */
static struct tensor *mean_channels(struct cx *cx, struct tensor *x, int64_t out)
{
    int64_t h = x->dim[1], w = x->dim[2], n = x->dim[3] / out;
    struct tensor *rows = reshape(cx, x, DIMS(h * w * out, n)), *y = NULL;

    for (int64_t i = 0; i < n; i++) {
        struct tensor *one = slice_last(cx, rows, i, 1);

        y = y ? add(cx, y, one) : one;
    }
    y = n > 1 ? add_scaled(cx, y, 1.0 / (double)n, y, 0) : y;
    return reshape(cx, y, DIMS(1, h, w, out));
}

/* What came into a level, averaged to what goes out; with time over two frames (before NULL:
 * zeros). */
static struct tensor *averaged(const struct walk *k, const struct wan_level *l, struct tensor *x,
                               struct tensor *before)
{
    struct cx *cx = k->cx;

    x = cast(cx, x, cx->wide);
    if (l->scaled)
        x = pixel_unshuffle(cx, x, 2);
    if (l->time.w) { /* channels are c, frame, place */
        int64_t h = x->dim[1], w = x->dim[2], n = h * w * l->in;
        struct tensor *b = before ? pixel_unshuffle(cx, cast(cx, before, cx->wide), 2)
                                  : tensor_zeros(cx, cx->wide, DIMS(1, h, w, 4 * l->in));

        x = concat_last(cx, reshape(cx, b, DIMS(n, 4)), reshape(cx, x, DIMS(n, 4)));
        x = reshape(cx, x, DIMS(1, h, w, 8 * l->in));
    }
    return mean_channels(cx, x, l->out);
}

/* x halved in space, and of every two after the first one in time: NULL where the second is to
 * come. */
static struct tensor *reduced(const struct walk *k, const struct wan_level *l, struct tensor *x)
{
    int64_t seen = k->past ? k->past->cache[l->ring].seen : 0;
    struct cx *cx = k->cx;
    struct tensor *y;

    x = conv2d(cx, x, &l->space, 2);
    if (!l->time.w)
        return x;
    if (seen == 0) {
        ring_push(k, l->ring, 2, x);
        return x;
    }
    if (seen % 2 == 0) {
        y = causal(k, x, &l->time, l->ring, NULL);
        return y;
    }
    ring_push(k, l->ring, 2, x);
    return NULL;
}

static void down(struct walk *k, int i, struct tensor *x)
{
    const struct wan_level *l = &k->half->level[i];
    int shortcut = k->m->config.residual;
    struct cx *cx = k->cx;
    struct scope s;

    scope_begin(cx, &s);
    struct tensor *y = level_blocks(k, l, x);
    if (l->scaled)
        y = reduced(k, l, y);
    if (shortcut && y) {
        struct tensor *before = l->time.w ? ring_frame(k, l->input_ring, 1) : NULL;

        y = add(cx, y, averaged(k, l, x, before));
    }
    if (shortcut && l->time.w)
        ring_push(k, l->input_ring, 1, x);
    if (y && l->scaled) {
        down(k, i + 1, y);
    } else if (y) {
        y = middle(k, y);
        y = rms_silu(cx, y, k->half->norm, norm_eps(y));
        y = causal(k, y, &k->half->last, k->half->last_ring, NULL);
        finish(k, cast(cx, alone(cx, y, &k->m->quant, 1), cx->wide));
    }
    scope_end(cx, &s, NULL);
}

/* A frame [1,H,W,3], 0..1, as the first convolution sees it. */
static struct tensor *pixels_in(struct cx *cx, struct tensor *x, int64_t p)
{
    int64_t h = x->dim[1] / p, w = x->dim[2] / p;
    struct tensor *one = tensor_from(cx, x->type, DIMS(1, 1), (float[]){1}, DT_F32);

    one = reshape(cx, repeat_row(cx, one, tensor_count(x)), x->rank, x->dim);
    x = add_scaled(cx, x, 2, one, -1);
    if (p > 1) { /* channels are c, column, row */
        x = permute(cx, reshape(cx, x, DIMS(h, p, w, p, 3)), (const int[]){0, 2, 4, 3, 1});
        x = reshape(cx, x, DIMS(1, h, w, 3 * p * p));
    }
    return cast(cx, x, cx->type);
}

struct tensor *wan_vae_moments(struct cx *cx, const void *net, struct tensor *video)
{
    const struct wan_vae *m = net;
    int64_t N = video->dim[0], t = (N - 1) / m->kt + 1;
    struct codec_stream past = {0};
    struct walk k = {.cx = cx, .m = m, .half = &m->encoder, .past = N > 1 ? &past : NULL};
    enum dtype type = cx->type;
    struct scope s;

    if (video->rank != 4 || video->dim[3] != 3 || (N - 1) % m->kt || video->dim[1] % m->ks ||
        video->dim[2] % m->ks)
        BUG("wan_vae: video [%lld,%lld,%lld,..] with %d frames x %d px under a place", (long long)N,
            (long long)video->dim[1], (long long)video->dim[2], m->kt, m->ks);
    codec_stream_init(&past, cx->device, NULL);
    codec_rings(&past, m->encoder.n_rings);
    cx->type = m->quant.w->type;
    k.out = tensor_new(
        cx, cx->wide,
        DIMS(t, video->dim[1] / m->ks, video->dim[2] / m->ks, 2 * (int64_t)m->config.z_dim));
    for (int64_t f = 0; f < N; f++) {
        scope_begin(cx, &s);
        struct tensor *x = pixels_in(cx, slice_rows(cx, video, f, 1), m->config.patch_size);
        down(&k, 0, causal(&k, x, &m->encoder.first, m->encoder.ring, NULL));
        scope_end(cx, &s, NULL);
    }
    ZT_ASSERT(k.done == t);
    cx->type = type;
    if (codec_stream_bytes(&past) > cx->aside_bytes)
        cx->aside_bytes = codec_stream_bytes(&past);
    codec_stream_release(&past);
    return k.out;
}

struct tensor *wan_vae_encode(struct cx *cx, const void *net, struct tensor *video)
{
    const struct wan_vae *m = net;

    return slice_last(cx, wan_vae_moments(cx, net, video), 0, m->config.z_dim);
}
