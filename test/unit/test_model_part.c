/* That a new network is one file and one row: a codec with causal 3D convolutions that look two
 * frames back, and a second denoiser, used in whole films. Nothing but this file and the table of
 * test/part_table.c knows them. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/jsonw.h"
#include "base/rng.h"
#include "fixture.h"
#include "format/json.h"
#include "generate/pipeline.h"
#include "model/networks.h"
#include "ztest.h"

static void fill(struct weight_set *s, uint64_t seed)
{
    weights_on_cpu(s, DT_F32, 0);
    for (int i = 0; i < s->n; i++) {
        int64_t n = weight_count(s->all[i]);
        float *x = xmalloc(sizeof *x * (size_t)n);

        rng_fill_normal(x, (size_t)n, seed, (uint64_t)i, 0);
        for (int64_t k = 0; k < n; k++)
            x[k] *= 0.2f;
        weight_store(s->all[i], x, DT_F32);
        free(x);
    }
}

static void write_class(struct buf *out, const char *name)
{
    struct jsonw w;

    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "_class_name", name);
    jsonw_end_object(&w);
}

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
    write_class(out, "ShortVAE");
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
                                       struct tensor *z)
{
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

/* ---- a denoiser without blocks ---- */

enum { DIM = 12, TEXT = 32, PATCH = CHANNELS * 4 };

enum { TEXT2 = 16, TEXT2_ROWS = 120 };

struct plain_dit_config {
    int texts; /* 2: it reads text_encoder_2 as well */
};
struct plain_dit {
    struct plain_dit_config config;
    struct weight_set weights;
    struct linear_w in, key, value, key2, value2, time, out;
};
static int plain_calls;
static double plain_latest; /* timestep of the last call */
static struct {             /* rows of both prompts that the last call was given, by text encoder */
    int64_t start[3];
    float rows[256 * TEXT];
} plain_texts[2];

static void read_texts(void *arg, struct jval root)
{
    ((struct plain_dit_config *)arg)->texts = (int)j_int_or(root, "texts", 1, 2, 1);
}

static int plain_dit_config_read(struct plain_dit_config *c, const char *path, struct err *e)
{
    return jdoc_take(path, 1 << 16, read_texts, c, e);
}

static void plain_dit_config_write(const struct plain_dit_config *c, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "_class_name", "PlainDenoiser");
    jsonw_int(&w, "texts", c->texts);
    jsonw_end_object(&w);
}

static int plain_dit_init(struct plain_dit *m, const struct plain_dit_config *c, struct err *e)
{
    struct weight_set *s = &m->weights;

    (void)e;
    m->config = *c;
    weight_set_init(s);
    m->in = linear_declare(s, "in", PATCH, DIM, 1, INIT_LINEAR, 1);
    m->key = linear_declare(s, "key", TEXT, DIM, 1, INIT_LINEAR, 1);
    m->value = linear_declare(s, "value", TEXT, DIM, 1, INIT_LINEAR, 1);
    if (c->texts == 2) {
        m->key2 = linear_declare(s, "key2", TEXT2, DIM, 1, INIT_LINEAR, 1);
        m->value2 = linear_declare(s, "value2", TEXT2, DIM, 1, INIT_LINEAR, 1);
    }
    m->time = linear_declare(s, "time", DIM, DIM, 1, INIT_LINEAR, 1);
    m->out = linear_declare(s, "out", DIM, PATCH, 1, INIT_LINEAR, 1);
    return 0;
}

static void plain_dit_release(struct plain_dit *m)
{
    weight_set_release(&m->weights);
}

/* Of the second text encoder, whose rows are filled up. */
static int plain_rows(const struct plain_dit *m)
{
    return m->config.texts == 2 ? TEXT2_ROWS : 0;
}

static struct denoiser_config plain_dit_denoiser(const void *net)
{
    return (struct denoiser_config){.patch = {1, 2, 2},
                                    .in_channels = CHANNELS,
                                    .out_channels = CHANNELS,
                                    .n_texts = ((const struct plain_dit *)net)->config.texts,
                                    .text_dim = {TEXT, TEXT2},
                                    .text_rows = {0, plain_rows(net)},
                                    .most_positions = 100,
                                    .width = DIM};
}

/* What the rows of one text encoder say to x. */
static struct tensor *heard(struct cx *cx, struct tensor *x, const struct seq *seq,
                            const struct context *text, const struct linear_w *key,
                            const struct linear_w *value)
{
    struct tensor *k = linear(cx, text->rows, key), *v = linear(cx, text->rows, value);

    return attention(cx, x, k, v,
                     &(struct attn_args){.heads = 1, .seq = seq, .kv_seq = &text->seq});
}

static void remember(struct cx *cx, const struct denoiser_batch *b, int texts)
{
    plain_calls++;
    plain_latest = b->times[b->n_times - 1];
    for (int k = 0; k < texts; k++) {
        ZT_ASSERT(tensor_bytes(b->text[k].rows) <= sizeof plain_texts[k].rows);
        tensor_read_f32(cx, b->text[k].rows, plain_texts[k].rows);
        for (int i = 0; i <= b->n; i++)
            plain_texts[k].start[i] = b->text[k].seq.start[i];
    }
}

static struct tensor *plain_dit_velocity(struct cx *cx, const void *net,
                                         const struct denoiser_batch *b)
{
    const struct plain_dit *m = net;
    int64_t rows = tensor_rows(b->rows), *start = arena_alloc(&cx->handles, 8 * (size_t)(b->n + 1));
    struct tensor *t = timestep_embedding(cx, b->times, b->n_times, DIM), *x;
    int32_t *zeros = arena_alloc(&cx->handles, sizeof *zeros * (size_t)rows);
    struct seq seq = {b->n, start};

    if (!cx->device->dry)
        remember(cx, b, m->config.texts);
    for (int i = 0; i < b->n; i++)
        start[i + 1] = start[i] + (int64_t)b->grid[i].t * b->grid[i].h * b->grid[i].w;
    t = gather_rows(cx, linear_wide(cx, t, &m->time), b->time_index ? b->time_index : zeros, rows);
    x = add(cx, cast(cx, linear_wide(cx, b->rows, &m->in), cx->wide), t);
    x = cast(cx, x, cx->type);
    x = heard(cx, x, &seq, &b->text[0], &m->key, &m->value);
    if (m->config.texts == 2)
        x = heard(cx, x, &seq, &b->text[1], &m->key2, &m->value2);
    return linear_wide(cx, x, &m->out);
}

PART_METHODS(plain_dit)
static const char *const plain_dit_names[] = {"PlainDenoiser", NULL};
static const struct denoiser_class plain_dit_class = {plain_dit_denoiser, plain_dit_velocity};
extern const struct part_class plain_dit_part;
const struct part_class plain_dit_part = {.role = PART_DENOISER,
                                          .names = plain_dit_names,
                                          .library = "test",
                                          .file = "model.safetensors",
                                          .tensors = &store_tiny_vae_names,
                                          PART_METHODS_OF(plain_dit),
                                          .denoiser = &plain_dit_class};

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
    fill(&m.weights, 8);
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

/* ---- films of a model that has both ---- */

static void add_part(const char *dir, enum bundle_place place, const struct part *p)
{
    char *path = path_join(dir, bundle_folder(place));
    struct err e = {0};

    CHECK_INT(part_save(p, path, DT_F32, NULL, &e), 0);
    free(path);
}

/* The fixture with the codec above, and with the denoiser above for noise below boundary. */
static char *model_of_both(const char *name, double boundary)
{
    char *dir = ztest_in_tmp(name),
         *vae = path_join(dir, "vae/diffusion_pytorch_model.safetensors");
    struct bundle_info info;
    struct short_vae codec;
    struct plain_dit dit;
    struct err e = {0};

    fixture_model(dir);
    CHECK_INT(remove(vae), 0);
    CHECK_INT(short_vae_init(&codec, &(struct short_vae_config){CHANNELS}, &e), 0);
    CHECK_INT(plain_dit_init(&dit, &(struct plain_dit_config){.texts = 1}, &e), 0);
    fill(&codec.weights, 1);
    fill(&dit.weights, 2);
    add_part(dir, PLACE_CODEC, &(struct part){&short_vae_part, &codec});
    add_part(dir, PLACE_DENOISER2, &(struct part){&plain_dit_part, &dit});
    CHECK_INT(bundle_info_read(&info, dir, &e), 0);
    info.boundary = boundary;
    CHECK_INT(bundle_info_write(&info, dir, &e), 0);
    short_vae_release(&codec);
    plain_dit_release(&dit);
    free(vae);
    return dir;
}

static int draw(const char *dir, const char *frames, struct figures *f, struct plan *p,
                struct err *e)
{
    struct request q;
    struct bundle *b = NULL;
    struct sink sink = {0};
    int rc;

    request_init(&q);
    rc = request_set(&q, "prompt", "a red ball rolls", e) | request_set(&q, "seed", "3", e) |
         request_set(&q, "type", "f32", e) | request_set(&q, "frames", frames, e);
    if (!rc)
        rc = plan_make(p, dir, &q, NULL, e);
    if (!rc)
        rc = bundle_open(&b, dir, device_cpu(), DT_F32, NULL, e);
    plain_calls = 0;
    if (!rc)
        rc = pipeline_run(b, p, &sink, f, e);
    bundle_free(&b);
    request_release(&q);
    return rc;
}

TEST(part_films_of_new_networks)
{
    char *low = model_of_both("both", 0.8), *all = model_of_both("all", 0.99), hash[65];
    struct figures f;
    struct plan p;
    struct err e = {0};

    CHECK_INT(draw(low, "9", &f, &p, &e), 0);
    CHECK_INT(p.t, 5); /* two frames each after the first */
    CHECK(p.forecast_s > 0 && p.memory_bytes > p.weight_bytes);
    CHECK(plain_calls > 0 && plain_calls < p.steps); /* the later ones */
    CHECK(plain_latest < 800);
    strcpy(hash, f.latent_hash);
    plan_release(&p);
    CHECK_INT(draw(all, "9", &f, &p, &e), 0);
    CHECK_INT(plain_calls, p.steps - 1); /* the first step is of pure noise */
    CHECK(strcmp(hash, f.latent_hash));
    plan_release(&p);
    free(low);
    free(all);
}

TEST(part_two_denoisers_want_a_boundary)
{
    char *dir = model_of_both("nowhere", 0);
    struct bundle *b;
    struct err e = {0};

    CHECK_INT(bundle_declare(&b, dir, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "boundary_ratio");
    free(dir);
}

/* ---- two text encoders, each with a tokenizer of its own ---- */

static void write_tokenizer(const char *dir, const char *extra)
{
    const char *const pieces[] = {"\xe2\x96\x81", "re", "d", extra};
    static const double scores[] = {-3, -2, -4, -1};
    char *tok = path_join(dir, "tokenizer_2"), *path = path_join(tok, "tokenizer.json");
    struct err e = {0};

    CHECK_INT(dir_make(tok, &e), 0);
    CHECK_INT(tokenizer_write(path, pieces, scores, 4, &e), 0);
    free(tok);
    free(path);
}

static void hide(const char *dir, const char *folder)
{
    char *from = path_join(dir, folder), *to = path_join(dir, "hidden"),
         *away = path_join(to, folder);
    struct err e = {0};

    CHECK_INT(dir_make(to, &e), 0);
    CHECK_INT(rename(from, away), 0);
    free(from);
    free(to);
    free(away);
}

/* The fixture with a second text encoder, and with a transformer that reads so many. */
static char *model_of_texts(const char *name, int texts)
{
    char *dir = ztest_in_tmp(name);
    struct umt5_config k;
    struct bundle_info info;
    struct plain_dit dit;
    struct umt5 text;
    struct err e = {0};

    fixture_model(dir);
    hide(dir, "transformer");
    write_tokenizer(dir, "ball");
    umt5_config_default(&k);
    k.vocab = 300;
    k.d_model = k.d_kv = TEXT2;
    k.d_ff = 24;
    k.heads = 1;
    CHECK_INT(umt5_init(&text, &k, &e), 0);
    CHECK_INT(plain_dit_init(&dit, &(struct plain_dit_config){.texts = texts}, &e), 0);
    fill(&text.weights, 5);
    fill(&dit.weights, 6);
    add_part(dir, PLACE_TEXT2, &(struct part){&umt5_part, &text});
    add_part(dir, PLACE_DENOISER, &(struct part){&plain_dit_part, &dit});
    CHECK_INT(bundle_info_read(&info, dir, &e), 0);
    CHECK_INT(bundle_info_write(&info, dir, &e), 0);
    umt5_release(&text);
    plain_dit_release(&dit);
    return dir;
}

/* What text encoder k of the model makes of a prompt, without the pipeline. */
static void check_heard(const struct bundle *b, int k, const char *prompt, int sample)
{
    const float *got = plain_texts[k].rows + plain_texts[k].start[sample] * b->text[k].config.dim;
    int64_t n_got = plain_texts[k].start[sample + 1] - plain_texts[k].start[sample];
    static float want[TEXT2_ROWS * TEXT];
    struct tokenizer *t;
    struct err e = {0};
    struct cx cx;
    int32_t *ids;
    int n;

    CHECK_INT(bundle_tokenizer(&t, b, k, &e), 0);
    tokenizer_encode(t, prompt, strlen(prompt), &ids, &n);
    CHECK(n > 0 && n < TEXT2_ROWS);
    memset(want, 0, sizeof want);
    CHECK_INT(n_got, k ? TEXT2_ROWS : n); /* those of the second are filled up */
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    int64_t start[2] = {0, n};
    struct seq seq = {1, start};
    tensor_read_f32(&cx, text_rows(&cx, &b->text[k], ids, &seq, NULL), want);
    CHECK(!memcmp(got, want, sizeof(float) * (size_t)(n_got * b->text[k].config.dim)));
    cx_release(&cx);
    free(ids);
    tokenizer_free(&t);
}

TEST(part_each_text_encoder_reads_with_its_own_tokenizer)
{
    char *dir = model_of_texts("texts", 2), hash[65], other[65];
    struct bundle *b;
    struct figures f;
    struct plan p;
    struct err e = {0};

    CHECK_INT(draw(dir, "5", &f, &p, &e), 0);
    CHECK_INT(plain_calls, p.steps);
    CHECK(p.words[0].start[1] != p.words[1].start[1]);
    CHECK_INT(bundle_open(&b, dir, device_cpu(), DT_F32, NULL, &e), 0);
    CHECK_INT(b->n_texts, 2);
    for (int k = 0; k < 2; k++) {
        check_heard(b, k, p.prompt, 0);
        check_heard(b, k, p.negative, 1);
    }
    bundle_free(&b);
    plan_release(&p);
    CHECK_INT(bundle_hash(dir, NULL, hash, &e), 0);
    write_tokenizer(dir, "rolls");
    CHECK_INT(bundle_hash(dir, NULL, other, &e), 0);
    CHECK(strcmp(hash, other));
    hide(dir, "tokenizer_2");
    CHECK_INT(draw(dir, "5", &f, &p, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "tokenizer_2");
    hide(dir, "text_encoder_2");
    CHECK_INT(draw(dir, "5", &f, &p, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "reads text_encoder and text_encoder_2, which is missing");
    free(dir);
}

TEST(part_a_text_encoder_that_nothing_reads_is_refused)
{
    char *dir = model_of_texts("unread", 1);
    struct bundle *b;
    struct err e = {0};

    CHECK_INT(bundle_declare(&b, dir, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "text_encoder_2, but the transformer reads one text encoder");
    free(dir);
}
