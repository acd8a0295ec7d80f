/* That a new network is one file and one row: a codec with causal 3D convolutions that look two
 * frames back. Nothing but this file and the table of test/part_table.c knows it; films of a model
 * that has it are drawn in test_part_denoiser.c. */
#include <stdlib.h>

#include "base/rng.h"
#include "fixture.h"
#include "model/networks.h"
#include "ztest.h"

/* ---- a codec: 2 frames x 8x8 px under a latent place ---- */

enum { KT = 2, KS = 8, CHANNELS = 16, WIDTH = 6, PAST = 2 };

struct short_vae_config {
    int channels;
};
struct short_vae {
    struct short_vae_config config;
    struct weight_set weights;
    struct conv_w in, causal1, time, causal2, out; /* causal: [out, 3 frames x channels, 3, 3] */
};

static int short_vae_config_read(struct short_vae_config *c, const char *path, struct err *e)
{
    (void)path;
    (void)e;
    c->channels = CHANNELS;
    return 0;
}

static void short_vae_config_write(const struct short_vae_config *c, struct buf *out)
{
    (void)c;
    buf_puts(out, "{\"_class_name\":\"ShortVAE\"}");
}

static int short_vae_init(struct short_vae *m, const struct short_vae_config *c, struct err *e)
{
    struct weight_set *s = &m->weights;

    (void)e;
    m->config = *c;
    weight_set_init(s);
    m->in = conv_declare(s, "in", KT * KS * KS * 3, CHANNELS, 1, 1, INIT_LINEAR, 1);
    m->causal1 = conv_declare(s, "causal1", 3 * CHANNELS, WIDTH, 3, 1, INIT_LINEAR, 1);
    m->time = conv_declare(s, "time", WIDTH, KT * WIDTH, 1, 1, INIT_LINEAR, 1);
    m->causal2 = conv_declare(s, "causal2", 3 * WIDTH, WIDTH, 3, 1, INIT_LINEAR, 1);
    m->out = conv_declare(s, "out", WIDTH, KS * KS * 3, 1, 1, INIT_LINEAR, 1);
    return 0;
}

static void short_vae_release(struct short_vae *m)
{
    weight_set_release(&m->weights);
}

static struct codec_config short_vae_codec(const void *net)
{
    return (struct codec_config){.channels = ((const struct short_vae *)net)->config.channels,
                                 .kt = KT,
                                 .ks = KS,
                                 .first = 1};
}

static struct tensor *short_vae_encode(struct cx *cx, const void *net, struct tensor *video)
{
    const struct short_vae *m = net;
    struct tensor *x[KT] = {slice_rows(cx, video, 0, 1), video};

    x[1] = concat_rows(cx, 2, x); /* the first frame stands twice */
    x[1] = pixel_unshuffle(cx, x[1], KS);
    int64_t t = x[1]->dim[0] / KT, h = x[1]->dim[1], w = x[1]->dim[2], c = x[1]->dim[3];
    struct tensor *y =
        permute(cx, reshape(cx, x[1], DIMS(t, KT, h, w, c)), (const int[]){0, 2, 3, 1, 4});

    return conv2d(cx, reshape(cx, y, DIMS(t, h, w, KT * c)), &m->in, 1);
}

/* Each frame of x beside the two before it: what a convolution over time looks at. */
static struct tensor *causal(struct cx *cx, struct codec_stream *s, const struct conv_w *w,
                             struct tensor *x)
{
    int cache = codec_cache_next(s, PAST);
    struct tensor *all[] = {codec_cache_past(cx, s, cache, x), x}, *list = concat_rows(cx, 2, all);
    int64_t n = x->dim[0];
    struct tensor *y = concat_last(cx, slice_rows(cx, list, 0, n), slice_rows(cx, list, 1, n));

    y = conv2d(cx, concat_last(cx, y, x), w, 1);
    codec_cache_keep(cx, s, cache, x);
    return y;
}

static struct tensor *short_vae_decode(struct cx *cx, const void *net, struct codec_stream *s,
                                       struct tensor *z, struct tensor *next)
{
    (void)next;
    const struct short_vae *m = net;
    struct tensor *x = conv2d(cx, causal(cx, s, &m->causal1, z), &m->time, 1);
    int64_t h = x->dim[1], w = x->dim[2];

    x = permute(cx, reshape(cx, x, DIMS(1, h, w, KT, WIDTH)), (const int[]){0, 3, 1, 2, 4});
    x = causal(cx, s, &m->causal2, reshape(cx, x, DIMS(KT, h, w, WIDTH)));
    x = pixel_shuffle(cx, conv2d(cx, x, &m->out, 1), KS);
    return s->steps ? x : slice_rows(cx, x, KT - 1, 1);
}

PART_METHODS(short_vae)
static const char *const short_vae_names[] = {"ShortVAE", NULL};
static const struct codec_class short_vae_class = {
    .config = short_vae_codec, .encode = short_vae_encode, .decode = short_vae_decode};
extern const struct part_class short_vae_part;
const struct part_class short_vae_part = {.role = PART_CODEC,
                                          .names = short_vae_names,
                                          .library = "test",
                                          .file = "model.safetensors",
                                          .tensors = &store_tiny_vae_names,
                                          PART_METHODS_OF(short_vae),
                                          .codec = &short_vae_class};

/* ---- that caches are the past ---- */

/* y [n,h,w,out] of x [n,h,w,in]: a causal convolution of 3x3x3 places, zeros around the film. */
static float *conv3d_by_hand(const struct conv_w *w, const float *x, int n, int h, int wide, int in,
                             int out)
{
    const float *weight = w->w->data, *bias = w->b->data;
    float *y = xmalloc(sizeof *y * (size_t)(n * h * wide * out));

    for (int i = 0; i < n * h * wide * out; i++) {
        int o = i % out, u = i / out % wide, v = i / out / wide % h, f = i / out / wide / h;
        double sum = bias[o];

        for (int k = 0; k < 27 * in; k++) {
            int c = k % (3 * in), a = v + k / (9 * in) - 1, b = u + k / (3 * in) % 3 - 1;
            int g = f + c / in - PAST;

            if (g >= 0 && a >= 0 && a < h && b >= 0 && b < wide)
                sum += (double)weight[o * 27 * in + k] * x[((g * h + a) * wide + b) * in + c % in];
        }
        y[i] = (float)sum;
    }
    return y;
}

/* Frames of both convolutions in time, written without ops, streams or caches. */
static float *decoded_by_hand(const struct short_vae *m, const float *z, int t, int h, int w)
{
    int px = h * w, n = KT * t;
    float *a = conv3d_by_hand(&m->causal1, z, t, h, w, CHANNELS, WIDTH);
    float *b = xmalloc(sizeof *b * (size_t)(n * px * WIDTH)), *c, *video;
    const float *wt = m->time.w->data, *bt = m->time.b->data;
    const float *wo = m->out.w->data, *bo = m->out.b->data;

    for (int i = 0; i < n * px * WIDTH; i++) {
        int o = i % WIDTH, place = i / WIDTH % px, f = i / WIDTH / px, row = f % KT * WIDTH + o;
        double sum = bt[row];

        for (int k = 0; k < WIDTH; k++)
            sum += (double)wt[row * WIDTH + k] * a[(f / KT * px + place) * WIDTH + k];
        b[i] = (float)sum;
    }
    c = conv3d_by_hand(&m->causal2, b, n, h, w, WIDTH, WIDTH);
    video = xmalloc(sizeof *video * (size_t)(n * px * KS * KS * 3));
    for (int i = 0; i < n * px * KS * KS * 3; i++) {
        int rgb = i % 3, x = i / 3 % (w * KS), y = i / 3 / (w * KS) % (h * KS);
        int f = i / 3 / (w * KS) / (h * KS), place = y / KS * w + x / KS;
        int row = rgb * KS * KS + y % KS * KS + x % KS;
        double sum = bo[row];

        for (int k = 0; k < WIDTH; k++)
            sum += (double)wo[row * WIDTH + k] * c[(f * px + place) * WIDTH + k];
        video[i] = (float)sum;
    }
    free(a);
    free(b);
    free(c);
    return video;
}

TEST(part_codec_with_two_frames_of_cache)
{
    enum { T = 4, H = 2, W = 3, FRAME = H * KS * W * KS * 3, N = 1 + KT * (T - 1) };
    static float z[T * H * W * CHANNELS], got[N * FRAME];
    struct short_vae m;
    struct part p = {&short_vae_part, &m};
    struct cx cx;
    struct err e = {0};

    CHECK_INT(short_vae_init(&m, &(struct short_vae_config){CHANNELS}, &e), 0);
    fixture_fill(&m.weights, 8);
    rng_fill_normal(z, T * H * W * CHANNELS, 9, 0, 0);
    struct codec codec = part_codec(&p);
    CHECK_INT(codec_frames(&codec.config, T), N);
    for (int n = 1; n <= N; n++)
        CHECK_INT(codec_latents(&codec.config, n), 1 + n / 2);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(codec_decode(&cx, &codec, z, T, H, W, got, &e), 0);
    float *want = decoded_by_hand(&m, z, T, H, W);
    CHECK_BELOW(ztest_rel_l2(got, want + (KT - 1) * FRAME, N * FRAME), 1e-5);
    free(want);
    cx_release(&cx);
    short_vae_release(&m);
}
