#include "model/codec.h"

#include <stdlib.h>
#include <string.h>

#include "tensor/ops.h"

#define SMALL_CODEC ((int64_t)8 << 20)

int codec_frames(const struct codec_config *c, int t)
{
    return c->first + c->kt * (t - 1);
}

int codec_latents(const struct codec_config *c, int n)
{
    return n <= c->first ? 1 : (n - c->first + c->kt - 1) / c->kt + 1;
}

struct tensor *codec_encode(struct cx *cx, const struct codec *c, struct tensor *video)
{
    return c->is->encode(cx, c->net, video);
}

struct tensor *codec_preview(struct cx *cx, const struct codec *c, struct tensor *z)
{
    ZT_ASSERT(c->config.previews && z->dim[0] == 1);
    return c->is->preview(cx, c->net, z);
}

enum dtype codec_job_type(const struct weight_set *weights, enum dtype type)
{
    return type == DT_BF16 && weight_set_count(weights) < SMALL_CODEC ? DT_F32 : type;
}

/* ---- streams ---- */

void codec_stream_init(struct codec_stream *s, struct device *device, const struct codec *codec)
{
    *s = (struct codec_stream){.codec = codec, .device = device};
}

void codec_stream_release(struct codec_stream *s)
{
    for (int i = 0; i < s->n; i++)
        if (s->cache[i].memory)
            device_give(s->device, s->cache[i].memory, s->cache[i].bytes);
    free(s->cache);
    memset(s, 0, sizeof *s);
}

void codec_stream_keep(const struct codec_stream *s, struct codec_past *past)
{
    ZT_ASSERT(!past->n || past->n == s->n);
    if (!past->n)
        past->cache = xcalloc((size_t)s->n + 1, sizeof *past->cache);
    past->n = s->n;
    past->steps = s->steps;
    for (int i = 0; i < s->n; i++) {
        const struct codec_cache *from = &s->cache[i];
        void *memory = past->cache[i].memory;

        if (!memory && from->memory)
            memory = xmalloc(from->bytes);
        if (from->memory)
            device_get(s->device, memory, from->memory, from->bytes);
        past->cache[i] = *from;
        past->cache[i].memory = memory;
    }
}

void codec_stream_back(struct codec_stream *s, const struct codec_past *past)
{
    ZT_ASSERT(past->n == s->n);
    s->steps = past->steps;
    for (int i = 0; i < s->n; i++) {
        struct codec_cache *to = &s->cache[i];
        void *memory = to->memory;

        ZT_ASSERT(to->bytes == past->cache[i].bytes);
        if (memory)
            device_put(s->device, memory, past->cache[i].memory, to->bytes);
        *to = past->cache[i];
        to->memory = memory;
    }
}

void codec_past_release(struct codec_past *past)
{
    for (int i = 0; i < past->n; i++)
        free(past->cache[i].memory);
    free(past->cache);
    *past = (struct codec_past){0};
}

struct tensor *codec_stream_step(struct cx *cx, struct codec_stream *s, struct tensor *z,
                                 struct tensor *next)
{
    struct tensor *x;

    ZT_ASSERT(z->dim[0] == 1 && !cx->tape);
    s->next = 0;
    x = s->codec->is->decode(cx, s->codec->net, s, z, next);
    ZT_ASSERT(s->next == s->n);
    s->steps++;
    return x;
}

int codec_decode(struct cx *cx, const struct codec *c, const float *z, int t, int h, int w,
                 float *frames, struct err *e)
{
    size_t place = (size_t)h * (size_t)w * (size_t)c->config.channels;
    struct codec_stream s;

    codec_stream_init(&s, cx->device, c);
    for (int i = 0; i < t && !cx->err.code; i++) {
        struct tensor *at[2] = {NULL, NULL}, *x;

        for (int k = 0; k <= c->config.looks_ahead && i + k < t; k++)
            at[k] = tensor_from(cx, DT_F32, DIMS(1, h, w, c->config.channels),
                                z + place * (size_t)(i + k), DT_F32);
        x = codec_stream_step(cx, &s, at[0], at[1]);
        tensor_read_f32(cx, x, frames);
        frames += tensor_count(x);
        cx_step_end(cx);
    }
    codec_stream_release(&s);
    return cx->err.code ? err_set(e, cx->err.code, "decoder: %s", cx->err.msg) : 0;
}

size_t codec_stream_bytes(const struct codec_stream *s)
{
    size_t bytes = 0;

    for (int i = 0; i < s->n; i++)
        bytes += s->cache[i].bytes;
    return bytes;
}

int codec_cache_next(struct codec_stream *s, int frames)
{
    if (s->next == s->n) {
        ZT_ASSERT(s->steps == 0);
        s->cache = xrealloc(s->cache, sizeof *s->cache * (size_t)(s->n + 1));
        s->cache[s->n++] = (struct codec_cache){.frames = frames};
    }
    ZT_ASSERT(s->cache[s->next].frames == frames);
    return s->next++;
}

static struct tensor *past(struct cx *cx, const struct codec_cache *c, const struct tensor *x)
{
    return tensor_wrap(cx, x->type, DIMS(c->frames, x->dim[1], x->dim[2], x->dim[3]), c->memory);
}

struct tensor *codec_cache_past(struct cx *cx, struct codec_stream *s, int cache,
                                const struct tensor *x)
{
    const struct codec_cache *c = &s->cache[cache];
    int64_t h = x->dim[1], w = x->dim[2], n = x->dim[3];

    if (!c->filled)
        return tensor_zeros(cx, x->type, DIMS(c->frames, h, w, n));
    return past(cx, c, x);
}

/* For c->frames frames of so many bytes. */
static void take_memory(struct cx *cx, const struct codec_stream *s, struct codec_cache *c,
                        size_t frame)
{
    struct err e;

    ZT_ASSERT(!c->bytes || c->bytes == frame * (size_t)c->frames);
    if (c->bytes || cx->err.code)
        return;
    c->bytes = frame * (size_t)c->frames;
    c->memory = device_take(s->device, c->bytes);
    if (!c->memory && !s->device->dry) {
        device_no_room(s->device, &e, "the frames that a codec looks back at");
        cx_fail(cx, e.code, "%s", e.msg);
    }
}

void codec_cache_keep(struct cx *cx, struct codec_stream *s, int cache, struct tensor *x)
{
    struct codec_cache *c = &s->cache[cache];
    size_t frame = tensor_bytes(x) / (size_t)x->dim[0];

    if (x->dim[0] < c->frames) { /* what is kept reaches farther back than this step */
        struct tensor *all[] = {codec_cache_past(cx, s, cache, x), x};

        x = concat_rows(cx, 2, all);
    }
    take_memory(cx, s, c, frame);
    tensor_save(cx, x, x->dim[0] - c->frames, c->frames, c->memory);
    c->filled = 1;
}

/* ---- rings ---- */

void codec_rings(struct codec_stream *s, int n)
{
    if (!s->cache) {
        s->cache = xcalloc((size_t)n, sizeof *s->cache);
        s->n = n;
    }
    ZT_ASSERT(s->n == n);
    s->next = n;
}

static void *ring_slot(const struct codec_cache *c, int64_t frame)
{
    size_t bytes = c->bytes / (size_t)c->frames;

    return c->memory ? (char *)c->memory + (size_t)(frame % c->frames) * bytes : NULL;
}

struct tensor *codec_ring_frame(struct cx *cx, const struct codec_stream *s, int ring, int back)
{
    const struct codec_cache *c = &s->cache[ring];

    if (c->seen < back)
        return NULL;
    ZT_ASSERT(back >= 1 && back <= c->frames);
    return tensor_wrap(cx, c->like.type, c->like.rank, c->like.dim, ring_slot(c, c->seen - back));
}

/* Memory of the coming frame, which is like x. */
static void *ring_turn(struct cx *cx, struct codec_stream *s, int ring, int frames,
                       const struct tensor *x)
{
    struct codec_cache *c = &s->cache[ring];

    ZT_ASSERT(!c->frames || c->frames == frames);
    c->frames = frames;
    take_memory(cx, s, c, tensor_bytes(x));
    c->like = (struct tensor){.rank = x->rank, .type = x->type};
    memcpy(c->like.dim, x->dim, sizeof c->like.dim);
    return ring_slot(c, c->seen++);
}

void codec_ring_push(struct cx *cx, struct codec_stream *s, int ring, int frames,
                     const struct tensor *x)
{
    ZT_ASSERT(x->dim[0] == 1);
    tensor_save(cx, x, 0, 1, ring_turn(cx, s, ring, frames, x));
}

struct tensor *codec_ring_next(struct cx *cx, struct codec_stream *s, int ring, int frames,
                               int64_t bytes)
{
    struct tensor like = {.rank = 2, .type = DT_I8, .dim = {1, bytes}};

    return tensor_wrap(cx, like.type, like.rank, like.dim, ring_turn(cx, s, ring, frames, &like));
}
