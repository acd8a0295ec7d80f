#include "model/clip_vision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "format/json.h"

#define CONFIG_MAX_BYTES (1 << 20)

/* ---- configuration ---- */

/* Keys that are left out mean what the class means by them: of the activation that is another one
 * than that of the large networks. */
static void read_fields(void *config, struct jval o)
{
    struct clip_vision_config *c = config;
    static const char *const acts[] = {"gelu"};

    c->dim = (int)j_int_or(o, "hidden_size", 1, 65536, 768);
    c->hidden = (int)j_int_or(o, "intermediate_size", 1, 262144, 3072);
    c->layers = (int)j_int_or(o, "num_hidden_layers", 1, 512, 12);
    c->heads = (int)j_int_or(o, "num_attention_heads", 1, 1024, 12);
    c->side = (int)j_int_or(o, "image_size", 1, 4096, 224);
    c->patch = (int)j_int_or(o, "patch_size", 1, 1024, 32);
    c->eps = j_real_or(o, "layer_norm_eps", 0, 1, 1e-5);
    j_int_or(o, "num_channels", 3, 3, 3);
    j_choice(o, "hidden_act", acts, 1);
    if (c->heads && c->dim % c->heads)
        j_fail(o, "hidden_size", "must be a multiple of the %d of num_attention_heads", c->heads);
    if (c->patch && c->side % c->patch)
        j_fail(o, "image_size", "must be a multiple of patch_size, %d", c->patch);
}

int clip_vision_config_read(struct clip_vision_config *c, const char *path, struct err *e)
{
    memset(c, 0, sizeof *c);
    return jdoc_take(path, CONFIG_MAX_BYTES, read_fields, c, e);
}

void clip_vision_config_write(const struct clip_vision_config *c, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "architectures");
    jsonw_string(&w, NULL, "CLIPVisionModel");
    jsonw_end_array(&w);
    jsonw_string(&w, "model_type", "clip_vision_model");
    jsonw_int(&w, "hidden_size", c->dim);
    jsonw_int(&w, "intermediate_size", c->hidden);
    jsonw_int(&w, "num_hidden_layers", c->layers);
    jsonw_int(&w, "num_attention_heads", c->heads);
    jsonw_int(&w, "image_size", c->side);
    jsonw_int(&w, "patch_size", c->patch);
    jsonw_real(&w, "layer_norm_eps", c->eps);
    jsonw_string(&w, "hidden_act", "gelu");
    jsonw_end_object(&w);
    buf_putc(out, '\n');
}

/* ---- weights ---- */

static int picture_rows(const struct clip_vision_config *c)
{
    int n = c->side / c->patch;

    return 1 + n * n;
}

static struct weight *vector(struct weight_set *s, const char *name, int64_t n, enum init init)
{
    return weight_declare(s, name, 0, init, 0, DIMS(n));
}

static void declare_block(struct clip_vision *m, int i)
{
    struct clip_vision_block *b = &m->blocks[i];
    struct weight_set *s = &m->weights;
    int64_t d = m->config.dim;
    char n[96];

    s->group = 1 + i;
#define NAME(part) (snprintf(n, sizeof n, "encoder.layers.%d.%s", i, part), n)
#define LINEAR(part, in, out) linear_declare(s, NAME(part), in, out, 1, INIT_LINEAR, 1)
    b->norm1_gain = vector(s, NAME("layer_norm1.weight"), d, INIT_ONE);
    b->norm1_bias = vector(s, NAME("layer_norm1.bias"), d, INIT_ZERO);
    b->q = LINEAR("self_attn.q_proj", d, d);
    b->k = LINEAR("self_attn.k_proj", d, d);
    b->v = LINEAR("self_attn.v_proj", d, d);
    b->o = LINEAR("self_attn.out_proj", d, d);
    b->norm2_gain = vector(s, NAME("layer_norm2.weight"), d, INIT_ONE);
    b->norm2_bias = vector(s, NAME("layer_norm2.bias"), d, INIT_ZERO);
    b->up = LINEAR("mlp.fc1", d, m->config.hidden);
    b->down = LINEAR("mlp.fc2", m->config.hidden, d);
#undef LINEAR
#undef NAME
}

int clip_vision_init(struct clip_vision *m, const struct clip_vision_config *c, struct err *e)
{
    struct weight_set *s = &m->weights;

    memset(m, 0, sizeof *m);
    if (c->layers < 1 || c->heads < 1 || c->dim % c->heads || c->side % c->patch)
        return err_set(e, ERR_FORMAT, "picture encoder: sizes that do not divide");
    m->config = *c;
    m->blocks = xcalloc((size_t)c->layers, sizeof *m->blocks);
    weight_set_init(s);
    m->class_row = vector(s, "embeddings.class_embedding", c->dim, INIT_ZERO);
    m->patch.w = weight_declare(s, "embeddings.patch_embedding.weight", 1, INIT_LINEAR, 1,
                                DIMS(c->dim, 3, c->patch, c->patch));
    m->places = weight_declare(s, "embeddings.position_embedding.weight", 0, INIT_NORMAL, 0.02,
                               DIMS(picture_rows(c), c->dim));
    m->norm_gain = vector(s, "pre_layrnorm.weight", c->dim, INIT_ONE); /* spelt so everywhere */
    m->norm_bias = vector(s, "pre_layrnorm.bias", c->dim, INIT_ZERO);
    for (int i = 0; i < c->layers; i++)
        declare_block(m, i);
    s->group = 0;
    m->last_gain = vector(s, "post_layernorm.weight", c->dim, INIT_ONE);
    m->last_bias = vector(s, "post_layernorm.bias", c->dim, INIT_ZERO);
    return 0;
}

void clip_vision_release(struct clip_vision *m)
{
    if (m->blocks)
        weight_set_release(&m->weights);
    free(m->blocks);
    memset(m, 0, sizeof *m);
}

/* ---- forward ---- */

static struct tensor *layer(struct cx *cx, const struct clip_vision *m,
                            const struct clip_vision_block *b, const struct seq *seq,
                            struct tensor *x)
{
    struct attn_args args = {.heads = m->config.heads, .seq = seq};
    struct mod none = {0};
    struct tensor *h, *q, *k, *v;
    struct scope s;

    scope_begin(cx, &s);
    h = norm_mod(cx, x, b->norm1_gain, b->norm1_bias, none, none, m->config.eps);
    q = linear(cx, h, &b->q);
    k = linear(cx, h, &b->k);
    v = linear(cx, h, &b->v);
    h = linear(cx, attention(cx, q, k, v, &args), &b->o);
    x = add_gated(cx, x, h, none);
    h = norm_mod(cx, x, b->norm2_gain, b->norm2_bias, none, none, m->config.eps);
    h = linear(cx, act(cx, linear(cx, h, &b->up), ACT_GELU_ERF), &b->down);
    return scope_end(cx, &s, add_gated(cx, x, h, none));
}

/* Class token and patches of each picture, in their places. */
static struct tensor *embed_pictures(struct cx *cx, const struct clip_vision *m,
                                     struct tensor *pixels)
{
    int64_t n = pixels->dim[0], side = m->config.side, rows = picture_rows(&m->config);
    int32_t *place = arena_alloc(&cx->handles, sizeof *place * (size_t)(n * rows));
    struct tensor **part = arena_alloc(&cx->handles, sizeof *part * (size_t)(2 * n));
    struct tensor *x = reshape(cx, pixels, DIMS(n, 1, side, side, 3));

    x = linear_wide(cx, patchify(cx, x, 1, m->config.patch, m->config.patch), &m->patch);
    for (int64_t i = 0; i < n; i++) {
        part[2 * i] = reshape(cx, weight_tensor(cx, m->class_row), DIMS(1, m->config.dim));
        part[2 * i + 1] = slice_rows(cx, x, i * (rows - 1), rows - 1);
    }
    for (int64_t i = 0; i < n * rows; i++)
        place[i] = (int32_t)(i % rows);
    x = concat_rows(cx, (int)(2 * n), part);
    return add(cx, x, gather_rows(cx, weight_tensor(cx, m->places), place, n * rows));
}

struct tensor *clip_vision_forward(struct cx *cx, const struct clip_vision *m,
                                   struct tensor *pixels, int layers, const struct tap *tap)
{
    int64_t n = pixels->dim[0], rows = picture_rows(&m->config);
    int64_t *start = arena_alloc(&cx->handles, sizeof *start * (size_t)(n + 1));
    struct seq seq = {(int)n, start};
    struct mod none = {0};
    struct tensor *x;

    if (pixels->dim[1] != m->config.side || pixels->dim[2] != m->config.side)
        BUG("clip_vision: a picture of %lldx%lld, not %d", (long long)pixels->dim[2],
            (long long)pixels->dim[1], m->config.side);
    for (int64_t i = 0; i <= n; i++)
        start[i] = i * rows;
    x = norm_mod(cx, embed_pictures(cx, m, pixels), m->norm_gain, m->norm_bias, none, none,
                 m->config.eps);
    x = cast(cx, x, cx->wide);
    for (int i = 0; i < layers; i++) {
        tap_see(tap, cx, x, "hidden.%d", i);
        weights_enter(cx, &m->weights, 1 + i);
        x = layer(cx, m, &m->blocks[i], &seq, x);
    }
    tap_see(tap, cx, x, "hidden.%d", layers);
    return x;
}

/* ---- as a part ---- */

static struct image_config image_config_of(const void *net)
{
    const struct clip_vision_config *c = &((const struct clip_vision *)net)->config;

    return (struct image_config){c->side, picture_rows(c), c->dim, c->layers};
}

static struct tensor *rows_of(struct cx *cx, const void *net, struct tensor *pixels, int layers,
                              const struct tap *tap)
{
    return clip_vision_forward(cx, net, pixels, layers, tap);
}

PART_METHODS(clip_vision)
static const char *const class_names[] = {"CLIPVisionModel", "CLIPVisionModelWithProjection", NULL};
static const struct image_class image = {image_config_of, rows_of};
const struct part_class clip_vision_part = {.role = PART_IMAGE,
                                            .names = class_names,
                                            .library = "transformers",
                                            .file = "model.safetensors",
                                            .tensors = &store_clip_vision_names,
                                            PART_METHODS_OF(clip_vision),
                                            .image = &image};
