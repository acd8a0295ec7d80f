/* That a new network is one file and one row: a second denoiser, which reads one or two text
 * encoders, in whole films; with it the codec of test_model_part.c. Nothing but this file and the
 * table of test/part_table.c knows it. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/jsonw.h"
#include "base/torch_rng.h"
#include "fixture.h"
#include "format/json.h"
#include "generate/pipeline.h"
#include "model/networks.h"
#include "ztest.h"

enum { CHANNELS = 16 }; /* of the latents of the fixture */

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
enum { MOST_WINDOWS = 4, MOST_TOKENS = 64 };
static float plain_first[MOST_WINDOWS][MOST_TOKENS * PATCH]; /* rows of the first call of each */
static int plain_steps;                                      /* of a window; 0: they are not kept */

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
    int window = plain_steps && plain_calls % plain_steps == 0 ? plain_calls / plain_steps : -1;

    if (window >= 0 && window < MOST_WINDOWS) {
        float *all = xmalloc(tensor_bytes(b->rows));
        int64_t n = tensor_rows(b->rows) / b->n;

        ZT_ASSERT(n <= MOST_TOKENS);
        tensor_read_f32(cx, b->rows, all);
        memcpy(plain_first[window], all, sizeof *all * (size_t)(n * PATCH));
        free(all);
    }
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
    struct tensor *t = timestep_embedding(cx, b->times, b->n_times, DIM), *x, *y;
    int32_t *zeros = arena_alloc(&cx->handles, sizeof *zeros * (size_t)rows);
    struct seq seq = {b->n, start};

    if (!cx->device->dry)
        remember(cx, b, m->config.texts);
    for (int i = 0; i < b->n; i++)
        start[i + 1] = start[i] + (int64_t)b->grid[i].t * b->grid[i].h * b->grid[i].w;
    t = gather_rows(cx, linear_wide(cx, t, &m->time), b->time_index ? b->time_index : zeros, rows);
    x = add(cx, cast(cx, linear_wide(cx, b->rows, &m->in), cx->wide), t);
    x = cast(cx, x, cx->type);
    y = heard(cx, keep(cx, x), &seq, &b->text[0], &m->key, &m->value);
    if (m->config.texts == 2)
        y = heard(cx, y, &seq, &b->text[1], &m->key2, &m->value2);
    return linear_wide(cx, add(cx, x, y), &m->out); /* words alone would be the same everywhere */
}

PART_METHODS(plain_dit)
static const char *const plain_dit_names[] = {"PlainDenoiser", NULL};
static const struct denoiser_class plain_dit_class = {plain_dit_denoiser, plain_dit_velocity, NULL};
extern const struct part_class plain_dit_part;
const struct part_class plain_dit_part = {.role = PART_DENOISER,
                                          .names = plain_dit_names,
                                          .library = "test",
                                          .file = "model.safetensors",
                                          .tensors = &store_tiny_vae_names,
                                          PART_METHODS_OF(plain_dit),
                                          .denoiser = &plain_dit_class};

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
    struct part codec = {part_class_named("ShortVAE"), NULL};
    struct plain_dit dit;
    struct err e = {0};

    fixture_model(dir);
    CHECK_INT(remove(vae), 0);
    CHECK_INT(codec.is->declare(&codec.net, "", &e), 0);
    CHECK_INT(plain_dit_init(&dit, &(struct plain_dit_config){.texts = 1}, &e), 0);
    fixture_fill(part_weights(&codec), 1);
    fixture_fill(&dit.weights, 2);
    add_part(dir, PLACE_CODEC, &codec);
    add_part(dir, PLACE_DENOISER2, &(struct part){&plain_dit_part, &dit});
    CHECK_INT(bundle_info_read(&info, dir, &e), 0);
    info.boundary = boundary;
    CHECK_INT(bundle_info_write(&info, dir, &e), 0);
    part_release(&codec);
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
    fixture_fill(&text.weights, 5);
    fixture_fill(&dit.weights, 6);
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

/* ---- the noise of windows ---- */

/* Rows of the frames that window i draws are torch.randn of that seed, patch by patch. */
static void check_noise(const struct plan *p, int i, uint64_t seed)
{
    struct latent_shape s = plan_latent(p);
    size_t n = latent_count(&s), frame = (size_t)s.h * (size_t)s.w;
    float *noise = xmalloc(sizeof *noise * n);
    struct torch_rng rng;
    int given = plan_window(p, i).given;

    torch_rng_init(&rng, seed);
    torch_rng_normal(&rng, noise, n);
    CHECK(i ? given > 0 && given < s.t : given == 0);
    for (int t = given; t < s.t; t++)
        for (int y = 0; y < s.h; y++)
            for (int x = 0; x < s.w; x++)
                for (int c = 0; c < s.c; c++) {
                    int row = (t * s.h / 2 + y / 2) * (s.w / 2) + x / 2;
                    size_t at = ((size_t)c * (size_t)s.t + (size_t)t) * frame +
                                (size_t)y * (size_t)s.w + (size_t)x;

                    CHECK(plain_first[i][row * PATCH + c * 4 + y % 2 * 2 + x % 2] == noise[at]);
                }
    free(noise);
}

/* The first has that of the film's seed, later ones have their own: that of seed 3 and windows 1
 * and 2 is written down, since films of a seed stay what they are. */
TEST(part_windows_begin_from_noise_of_their_own)
{
    static const uint64_t seeds[] = {3, 0x95cc5931896b59e6, 0xed8fdc1bbc2802a1};
    char *dir = model_of_texts("windows", 2);
    struct figures f;
    struct plan p;
    struct err e = {0};

    plain_steps = 4; /* those of the fixture */
    CHECK_INT(draw(dir, "41", &f, &p, &e), 0);
    plain_steps = 0;
    CHECK_INT(p.steps, 4);
    CHECK(plan_windows(&p) >= 3);
    for (int i = 0; i < 3; i++)
        check_noise(&p, i, seeds[i]);
    plan_release(&p);
    free(dir);
}
