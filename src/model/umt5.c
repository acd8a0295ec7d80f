#include "model/umt5.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "format/json.h"

#define CONFIG_MAX_BYTES (1 << 20)
/* Encoders below this many weights compute with f32 matrices whatever the job's type is: the cost
 * is nothing beside the transformer, and what they say is the only thing that the picture hangs on.
 */
#define SMALL_ENCODER ((int64_t)64 << 20)

/* ---- config ---- */

/* clang-format off */
static const struct { const char *name; enum k_act act; int gated; } feed_forward[] = {
    {"gated-gelu", ACT_GELU_TANH, 1}, /* both libraries mean the tanh form when it is gated */
    {"gelu",       ACT_GELU_ERF,  0},
    {"relu",       ACT_RELU,      0},
    {"gated-relu", ACT_RELU,      1},
    {"silu",       ACT_SILU,      0},
    {"gated-silu", ACT_SILU,      1},
};
/* clang-format on */
#define N_FEED_FORWARD ((int)(sizeof feed_forward / sizeof *feed_forward))
enum { FEED_FORWARD_T5 = 2 }; /* the row that T5's class means when its config does not say */

void umt5_config_default(struct umt5_config *c)
{
    *c = (struct umt5_config){
        .vocab = 4096,
        .d_model = 256,
        .d_kv = 64,
        .d_ff = 512,
        .layers = 2,
        .heads = 4,
        .buckets = 32,
        .max_distance = 128,
        .eps = 1e-6,
        .act = ACT_GELU_TANH,
        .gated = 1,
        .shared_bias = 0,
    };
}

/* The class says which of the two it is where model_type does not. */
static int named_t5(struct jval o)
{
    struct jval list = j_has(o, "architectures") ? j_array(o, "architectures") : (struct jval){0};

    return j_len(list) > 0 && !strncmp(j_at_string(list, 0), "T5", 2);
}

/* Keys that are left out mean what the class means by them. */
static void read_fields(void *config, struct jval o)
{
    struct umt5_config *c = config;
    static const char *const types[] = {"umt5", "t5"};
    const char *names[N_FEED_FORWARD];
    int f;

    for (int i = 0; i < N_FEED_FORWARD; i++)
        names[i] = feed_forward[i].name;
    c->shared_bias = j_choice_or(o, "model_type", types, 2, named_t5(o)) == 1;
    c->vocab = (int)j_int_or(o, "vocab_size", 4, 1 << 24, c->shared_bias ? 32128 : 250112);
    c->d_model = (int)j_int_or(o, "d_model", 1, 65536, 512);
    c->d_kv = (int)j_int_or(o, "d_kv", 1, 1024, 64);
    c->d_ff = (int)j_int_or(o, "d_ff", 1, 262144, c->shared_bias ? 2048 : 1024);
    c->layers = (int)j_int_or(o, "num_layers", 1, 512, c->shared_bias ? 6 : 8);
    c->heads = (int)j_int_or(o, "num_heads", 1, 1024, c->shared_bias ? 8 : 6);
    c->buckets = (int)j_int_or(o, "relative_attention_num_buckets", 4, 4096, 32);
    c->max_distance = (int)j_int_or(o, "relative_attention_max_distance", 2, 1 << 20, 128);
    c->eps = j_real_or(o, "layer_norm_epsilon", 0, 1, 1e-6);
    f = j_choice_or(o, "feed_forward_proj", names, N_FEED_FORWARD,
                    c->shared_bias ? FEED_FORWARD_T5 : 0);
    c->act = feed_forward[f < 0 ? 0 : f].act;
    c->gated = feed_forward[f < 0 ? 0 : f].gated;
    if (c->buckets % 4)
        j_fail(o, "relative_attention_num_buckets", "must be a multiple of 4");
    if (c->max_distance <= c->buckets / 4)
        j_fail(o, "relative_attention_max_distance",
               "must be more than %d, a quarter of the buckets", c->buckets / 4);
}

int umt5_config_read(struct umt5_config *c, const char *path, struct err *e)
{
    memset(c, 0, sizeof *c);
    return jdoc_take(path, CONFIG_MAX_BYTES, read_fields, c, e);
}

void umt5_config_write(const struct umt5_config *c, struct buf *out)
{
    struct jsonw w;
    int f = 0;

    while (feed_forward[f].act != c->act || feed_forward[f].gated != c->gated)
        f++;
    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "architectures");
    jsonw_string(&w, NULL, c->shared_bias ? "T5EncoderModel" : "UMT5EncoderModel");
    jsonw_end_array(&w);
    jsonw_string(&w, "model_type", c->shared_bias ? "t5" : "umt5");
    jsonw_int(&w, "vocab_size", c->vocab);
    jsonw_int(&w, "d_model", c->d_model);
    jsonw_int(&w, "d_kv", c->d_kv);
    jsonw_int(&w, "d_ff", c->d_ff);
    jsonw_int(&w, "num_layers", c->layers);
    jsonw_int(&w, "num_heads", c->heads);
    jsonw_int(&w, "relative_attention_num_buckets", c->buckets);
    jsonw_int(&w, "relative_attention_max_distance", c->max_distance);
    jsonw_real(&w, "layer_norm_epsilon", c->eps);
    jsonw_string(&w, "feed_forward_proj", feed_forward[f].name);
    jsonw_end_object(&w);
    buf_putc(out, '\n');
}

/* ---- weights ---- */

static void declare_block(struct umt5 *m, int i)
{
    const struct umt5_config *c = &m->config;
    struct weight_set *s = &m->weights;
    struct umt5_block *b = &m->blocks[i];
    int64_t inner = (int64_t)c->heads * c->d_kv;
    char n[96];

#define NAME(part) (snprintf(n, sizeof n, "encoder.block.%d.layer.%s", i, part), n)
    b->q = linear_declare(s, NAME("0.SelfAttention.q"), c->d_model, inner, 0, INIT_LINEAR,
                          1 / sqrt(c->d_kv)); /* attention is not scaled in this family */
    b->k = linear_declare(s, NAME("0.SelfAttention.k"), c->d_model, inner, 0, INIT_LINEAR, 1);
    b->v = linear_declare(s, NAME("0.SelfAttention.v"), c->d_model, inner, 0, INIT_LINEAR, 1);
    b->o = linear_declare(s, NAME("0.SelfAttention.o"), inner, c->d_model, 0, INIT_LINEAR, 1);
    if (i == 0 || !c->shared_bias)
        b->bias = weight_declare(s, NAME("0.SelfAttention.relative_attention_bias.weight"), 0,
                                 INIT_NORMAL, 0.02, DIMS(c->buckets, c->heads));
    b->norm1 = weight_declare(s, NAME("0.layer_norm.weight"), 0, INIT_ONE, 0, DIMS(c->d_model));
    b->wi0 = linear_declare(s, NAME(c->gated ? "1.DenseReluDense.wi_0" : "1.DenseReluDense.wi"),
                            c->d_model, c->d_ff, 0, INIT_LINEAR, 1);
    if (c->gated)
        b->wi1 = linear_declare(s, NAME("1.DenseReluDense.wi_1"), c->d_model, c->d_ff, 0,
                                INIT_LINEAR, 1);
    b->wo = linear_declare(s, NAME("1.DenseReluDense.wo"), c->d_ff, c->d_model, 0, INIT_LINEAR, 1);
    b->norm2 = weight_declare(s, NAME("1.layer_norm.weight"), 0, INIT_ONE, 0, DIMS(c->d_model));
#undef NAME
    b->q.w->muon = b->k.w->muon = b->v.w->muon = b->o.w->muon = 1;
    b->wi0.w->muon = b->wo.w->muon = 1;
    if (c->gated)
        b->wi1.w->muon = 1;
}

int umt5_init(struct umt5 *m, const struct umt5_config *c, struct err *e)
{
    memset(m, 0, sizeof *m);
    if (c->layers < 1 || c->heads < 1 || c->vocab < 4)
        return err_set(e, ERR_FORMAT,
                       "text encoder: num_layers (%d) and num_heads (%d) must be at least 1, "
                       "vocab_size (%d) at least 4",
                       c->layers, c->heads, c->vocab);
    m->config = *c;
    m->blocks = xcalloc((size_t)c->layers, sizeof *m->blocks);
    weight_set_init(&m->weights);
    m->embedding =
        weight_declare(&m->weights, "shared.weight", 1, INIT_NORMAL, 1, DIMS(c->vocab, c->d_model));
    m->embedding->muon = 0;
    m->embedding->table = 1;
    for (int i = 0; i < c->layers; i++) {
        m->weights.group = 1 + i;
        declare_block(m, i);
    }
    m->weights.group = 0;
    m->norm = weight_declare(&m->weights, "encoder.final_layer_norm.weight", 0, INIT_ONE, 0,
                             DIMS(c->d_model));
    for (int i = 0; weight_set_count(&m->weights) < SMALL_ENCODER && i < m->weights.n; i++)
        m->weights.all[i]->wide = 1;
    return 0;
}

void umt5_release(struct umt5 *m)
{
    if (m->blocks)
        weight_set_release(&m->weights);
    free(m->blocks);
    memset(m, 0, sizeof *m);
}

/* ---- forward ---- */

/* Bucket of the distance key - query: half of the buckets for each direction, of these half exact
 * and the rest growing like a logarithm up to max_distance. */
static int bucket(const struct umt5_config *c, int64_t distance)
{
    int half = c->buckets / 2, exact = half / 2, far;
    int64_t d = distance < 0 ? -distance : distance;

    if (d >= exact) {
        /* single precision, as the reference: the rounding decides on which side a border falls */
        float x = logf((float)d / (float)exact) / (float)log((double)c->max_distance / exact);

        far = exact + (int)(x * (float)(half - exact));
        d = far < half - 1 ? far : half - 1;
    }
    return (int)d + (distance > 0 ? half : 0);
}

/* Buckets of all pairs of places up to n: [n*n], query-major, step lifetime. */
static const int32_t *bucket_map(struct cx *cx, const struct umt5_config *c, int64_t n)
{
    int32_t *map = arena_alloc(&cx->handles, sizeof(int32_t) * (size_t)(n * n));
    int32_t *of = arena_alloc(&cx->handles, sizeof(int32_t) * (size_t)(2 * n));

    for (int64_t d = -n + 1; d < n; d++)
        of[d + n] = bucket(c, d);
    for (int64_t q = 0; q < n; q++)
        for (int64_t k = 0; k < n; k++)
            map[q * n + k] = of[k - q + n];
    return map;
}

/* wide [heads, n, n] */
static struct tensor *bias_of(struct cx *cx, const struct umt5_config *c, struct weight *w,
                              const int32_t *map, int64_t n)
{
    struct tensor *b = embed(cx, w, map, n * n, cx->wide);

    return permute(cx, reshape(cx, b, DIMS(n, n, c->heads)), (const int[]){2, 0, 1});
}

static struct tensor *feed_forward_of(struct cx *cx, const struct umt5_config *c,
                                      const struct umt5_block *b, struct tensor *x)
{
    struct tensor *h = act(cx, linear(cx, x, &b->wi0), c->act);

    if (c->gated)
        h = mul(cx, h, linear(cx, x, &b->wi1));
    return linear(cx, h, &b->wo);
}

/* The sum runs on in x; the norm of this family consumes what it is given. */
static struct tensor *normed(struct cx *cx, struct tensor *x, struct weight *gain, double eps)
{
    return rms_norm(cx, keep(cx, x), gain, eps);
}

/* What all layers of one call share. */
struct call {
    const struct umt5_config *c;
    const struct seq *seq;
    const int32_t *map; /* [longest,longest] */
    int64_t longest;
    struct tensor *bias; /* of layer 0, for all of them; NULL where each layer has its own */
};

static struct tensor *layer(struct cx *cx, const struct call *a, const struct umt5_block *b,
                            struct tensor *x)
{
    const struct umt5_config *c = a->c;
    struct attn_args args = {.heads = c->heads, .scale = 1, .seq = a->seq, .bias = a->bias};
    struct mod none = {0};
    struct tensor *h, *q, *k, *v;
    struct scope s;

    scope_begin(cx, &s);
    if (!args.bias)
        args.bias = bias_of(cx, c, b->bias, a->map, a->longest);
    h = normed(cx, x, b->norm1, c->eps);
    q = linear(cx, h, &b->q);
    k = linear(cx, h, &b->k);
    v = linear(cx, h, &b->v);
    h = attention(cx, q, k, v, &args);
    x = add_gated(cx, x, linear(cx, h, &b->o), none);
    h = normed(cx, x, b->norm2, c->eps);
    return scope_end(cx, &s, add_gated(cx, x, feed_forward_of(cx, c, b, h), none));
}

static int64_t longest_of(const struct seq *seq)
{
    int64_t n = 1;

    for (int s = 0; s < seq->n; s++)
        if (seq->start[s + 1] - seq->start[s] > n)
            n = seq->start[s + 1] - seq->start[s];
    return n;
}

static struct tensor *forward(struct cx *cx, const struct umt5 *m, const int32_t *ids,
                              const struct seq *seq, const struct tap *tap)
{
    const struct umt5_config *c = &m->config;
    int64_t rows = seq->start[seq->n];
    struct call a = {.c = c, .seq = seq, .longest = longest_of(seq)};
    struct tensor *x;

    for (int64_t r = 0; r < rows; r++)
        if (ids[r] < 0 || ids[r] >= c->vocab)
            BUG("umt5: token %d of row %lld, vocabulary has %d", ids[r], (long long)r, c->vocab);
    a.map = bucket_map(cx, c, a.longest);
    if (c->shared_bias)
        a.bias = bias_of(cx, c, m->blocks[0].bias, a.map, a.longest);
    x = embed(cx, m->embedding, ids, rows, cx->wide);
    for (int i = 0; i < c->layers; i++) {
        tap_see(tap, cx, x, "hidden.%d", i);
        weights_enter(cx, &m->weights, 1 + i);
        x = layer(cx, &a, &m->blocks[i], x);
    }
    x = rms_norm(cx, x, m->norm, c->eps);
    tap_see(tap, cx, x, "hidden.%d", c->layers);
    return x;
}

struct tensor *umt5_forward(struct cx *cx, const struct umt5 *m, const int32_t *ids,
                            const struct seq *seq, const struct tap *tap)
{
    enum dtype type = cx->type;
    struct tensor *x;

    cx->type = cx->wide; /* logits are not scaled here, so bf16 would turn them by percents */
    x = forward(cx, m, ids, seq, tap);
    cx->type = type;
    return x;
}

/* ---- as a part ---- */

static struct text_config text_config_of(const void *net)
{
    const struct umt5_config *c = &((const struct umt5 *)net)->config;

    return (struct text_config){.vocab = c->vocab, .dim = c->d_model};
}

static struct tensor *rows(struct cx *cx, const void *net, const int32_t *ids,
                           const struct seq *seq, const struct tap *tap)
{
    return umt5_forward(cx, net, ids, seq, tap);
}

PART_METHODS(umt5)
/* The whole of a T5 is known by the encoder in it. */
static const char *const class_names[] = {"UMT5EncoderModel",
                                          "T5EncoderModel",
                                          "UMT5ForConditionalGeneration",
                                          "T5ForConditionalGeneration",
                                          "UMT5Model",
                                          "T5Model",
                                          NULL};
static const struct text_class text = {text_config_of, rows};
const struct part_class umt5_part = {.role = PART_TEXT,
                                     .names = class_names,
                                     .library = "transformers",
                                     .file = "model.safetensors",
                                     .tensors = &store_umt5_names,
                                     PART_METHODS_OF(umt5),
                                     .text = &text};
