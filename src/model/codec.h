/* codec.h - what turns frames into latents and latents into frames, whichever network does it.
 *
 * Frames are [N,H,W,3], pixels 0..1; latents [t,h,w,C]; both wide. The first latent frame stands
 * for `first` frames, every other for kt, each latent place for ks x ks px. Decoding is a stream:
 * one latent frame after the other, in memory that does not grow with the film. What a network must
 * remember of frames behind it lies in caches that it asks for itself, any number of frames each.
 * On a null device the same calls say what they cost.
 * Thread-safety: reading only; a stream belongs to one thread. */
#ifndef MODEL_CODEC_H
#define MODEL_CODEC_H

#include "tensor/tensor.h"
#include "tensor/weight.h"

struct codec_config {
    int channels;            /* of the latent */
    int kt, ks;              /* frames, and px each way, under one latent place */
    int first;               /* frames of the first latent frame, 1..kt */
    const float *mean, *std; /* [channels], of its latents, borrowed; NULL: it does not say */
    int previews;            /* 1: it has codec_preview */
    int looks_ahead;         /* 1: a latent frame is decoded better where the one behind is known */
};

struct codec_stream;
struct codec_class {
    struct codec_config (*config)(const void *net);
    struct tensor *(*encode)(struct cx *cx, const void *net, struct tensor *video);
    /* Of a codec that gives a distribution: [t,h,w,2C], mean (which encode gives) and log variance.
     * NULL: it gives none. */
    struct tensor *(*moments)(struct cx *cx, const void *net, struct tensor *video);
    struct tensor *(*decode)(struct cx *cx, const void *net, struct codec_stream *s,
                             struct tensor *z, struct tensor *next);
    struct tensor *(*preview)(struct cx *cx, const void *net, struct tensor *z); /* or NULL */
};

struct codec { /* borrowed; part_codec gives it */
    const struct codec_class *is;
    const void *net;
    struct weight_set *weights;
    struct codec_config config;
};

/* Frames of t >= 1 latent frames; latent frames that hold n >= 1 frames. */
int codec_frames(const struct codec_config *c, int t);
int codec_latents(const struct codec_config *c, int n);

/* video [N,H,W,3], N = codec_frames of something, H and W divisible by ks -> [t, H/ks, W/ks, C]. */
struct tensor *codec_encode(struct cx *cx, const struct codec *c, struct tensor *video);

/* About what the last frame under one latent frame z wide [1,h,w,C] shows, for a hundredth of what
 * decoding costs and without looking back -> unclamped, wide [1,H,W,3]. Where config.previews. */
struct tensor *codec_preview(struct cx *cx, const struct codec *c, struct tensor *z);

/* The type to compute in for a job of `type`: codecs below 8 M weights take f32 in a job of bf16,
 * for it costs nothing beside the transformer and is worth 1 % of the signal. */
enum dtype codec_job_type(const struct weight_set *weights, enum dtype type);

/* Frames of one layer's input that the next step will look back at. */
struct codec_cache {
    void *memory; /* of the device; NULL before the first step, and in a dry run */
    size_t bytes;
    int frames, filled; /* filled: there was a step before this one */
    int64_t seen;       /* of a ring: frames so far */
    struct tensor like; /* of a ring: shape and type of a frame */
};
struct codec_stream {
    const struct codec *codec;
    struct device *device;
    struct codec_cache *cache; /* [n], owned, in the order in which the network asks for them */
    int n, next;               /* next: how many were asked for in this step */
    int64_t steps;             /* latent frames before this one */
};
/* codec is borrowed until the release. */
void codec_stream_init(struct codec_stream *s, struct device *device, const struct codec *codec);
void codec_stream_release(struct codec_stream *s);
/* What a stream looks back at, on the host, so that it can go on from there again. Kept into what
 * is zero or was kept of the same stream before. */
struct codec_past {
    struct codec_cache *cache; /* [n], owned; memory: on the host */
    int n;
    int64_t steps;
};
void codec_stream_keep(const struct codec_stream *s, struct codec_past *past);
void codec_stream_back(struct codec_stream *s, const struct codec_past *past); /* to where it was */
void codec_past_release(struct codec_past *past);
/* z [1,h,w,C] -> unclamped, the next kt frames [kt,H,W,3], of the first one `first`. next: the
 * latent frame behind it, for codecs that look ahead; NULL where it is not known. Sizes must not
 * change in a stream. No tape. */
struct tensor *codec_stream_step(struct cx *cx, struct codec_stream *s, struct tensor *z,
                                 struct tensor *next);
/* A whole latent z [t,h,w,C] on the host -> frames [codec_frames(t), h*ks, w*ks, 3], by a stream.
 * Ends the step of cx. ERR_DEVICE, ERR_FIT. */
NODISCARD int codec_decode(struct cx *cx, const struct codec *c, const float *z, int t, int h,
                           int w, float *frames, struct err *e);
/* Memory of the device that the caches hold, in a dry run too. */
size_t codec_stream_bytes(const struct codec_stream *s);

/* For networks, inside decode: every layer that looks back takes its cache, in the same order at
 * every step, reads the past and, when that was used, keeps the present. */
int codec_cache_next(struct codec_stream *s, int frames); /* number of the cache */
/* The `frames` frames before x [n,h,w,C], oldest first; zeros where the stream had not begun. */
struct tensor *codec_cache_past(struct cx *cx, struct codec_stream *s, int cache,
                                const struct tensor *x);
void codec_cache_keep(struct cx *cx, struct codec_stream *s, int cache, struct tensor *x);
/* For networks that go frame by frame: the caches of a step are rings 0..n-1, which are used in any
 * order and as often as there are frames. */
void codec_rings(struct codec_stream *s, int n);
/* The frame `back` >= 1 before the coming one; NULL where there was none. */
struct tensor *codec_ring_frame(struct cx *cx, const struct codec_stream *s, int ring, int back);
/* Where the coming frame goes, `bytes` of [1,bytes] that whoever asks fills: until then it holds
 * the oldest frame, which can still be read. */
struct tensor *codec_ring_next(struct cx *cx, struct codec_stream *s, int ring, int frames,
                               int64_t bytes);
/* x [1,h,w,C] is the latest frame; the ring holds `frames` of them. */
void codec_ring_push(struct cx *cx, struct codec_stream *s, int ring, int frames,
                     const struct tensor *x);

#endif
