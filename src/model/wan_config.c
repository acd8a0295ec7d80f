/* The configuration of wan.h as diffusers writes it. */
#include <string.h>

#include "base/jsonw.h"
#include "format/json.h"
#include "model/wan.h"

#define CONFIG_MAX_BYTES (1 << 20)

void wan_config_default(struct wan_config *c)
{
    *c = (struct wan_config){
        .patch_size = {1, 2, 2},
        .heads = 4,
        .head_dim = 64,
        .in_channels = 16,
        .out_channels = 16,
        .text_dim = 256,
        .freq_dim = 256,
        .ffn_dim = 1024,
        .layers = 8,
        .cross_attn_norm = 1,
        .eps = 1e-6,
        .rope_max_seq_len = 1024,
        .text_len = 0,
    };
}

static int is_null(struct jval o, const char *key)
{
    return j_type(j_get(o, key)) == J_NULL;
}

/* Of those that attend to pictures. */
static void read_image(struct wan_config *c, struct jval o)
{
    int64_t width = (int64_t)c->heads * c->head_dim;

    c->image_dim = (int)j_int_or(o, "image_dim", 1, 65536, 0);
    if (c->image_dim && j_int(o, "added_kv_proj_dim", 1, 1 << 20) != width)
        j_fail(o, "added_kv_proj_dim", "must be %lld, the width of the stream", (long long)width);
    else if (!c->image_dim && j_has(o, "added_kv_proj_dim"))
        j_fail(o, "added_kv_proj_dim", "must be null without image_dim");
    c->image_rows = (int)j_int_or(o, "pos_embed_seq_len", 1, 1 << 16, 0);
    if (c->image_rows && !c->image_dim)
        j_fail(o, "pos_embed_seq_len", "must be null without image_dim");
}

static void read_vace(struct wan_config *c, struct jval o)
{
    static const int usual[] = {0, 5, 10, 15, 20, 25, 30, 35};
    int64_t layer[WAN_MOST_VACE];

    c->n_vace = (int)(sizeof usual / sizeof *usual);
    for (int i = 0; i < c->n_vace; i++)
        layer[i] = usual[i];
    if (j_has(o, "vace_layers"))
        c->n_vace = j_ints(o, "vace_layers", layer, 1, WAN_MOST_VACE, 0, c->layers - 1);
    for (int i = 0; i < c->n_vace; i++) {
        c->vace_layers[i] = (int)layer[i];
        if (i ? layer[i] <= layer[i - 1] : layer[i] != 0)
            j_fail(o, "vace_layers", "must begin with 0 and ascend");
        if (layer[i] >= c->layers)
            j_fail(o, "vace_layers", "layer %d is not among the %d of num_layers", (int)layer[i],
                   c->layers);
    }
    c->vace_in_channels = (int)j_int_or(o, "vace_in_channels", 1, 4096, 96);
}

/* Keys that are left out mean what the class means by them. */
static void read_fields(void *config, struct jval o)
{
    struct wan_config *c = config;
    static const char *const qk[] = {"rms_norm_across_heads"};
    static const char *const classes[] = {"WanTransformer3DModel", "WanVACETransformer3DModel"};
    int64_t patch[3] = {1, 2, 2};
    int vace = j_choice_or(o, "_class_name", classes, 2, 0) == 1;

    if (j_has(o, "patch_size"))
        j_ints(o, "patch_size", patch, 3, 3, 1, 16);
    for (int i = 0; i < 3; i++)
        c->patch_size[i] = (int)patch[i];
    c->heads = (int)j_int_or(o, "num_attention_heads", 1, 256, 40);
    c->head_dim = (int)j_int_or(o, "attention_head_dim", 6, 512, 128);
    c->in_channels = (int)j_int_or(o, "in_channels", 1, 4096, 16);
    c->out_channels =
        (int)j_int_or(o, "out_channels", 1, 4096, is_null(o, "out_channels") ? c->in_channels : 16);
    c->text_dim = (int)j_int_or(o, "text_dim", 1, 65536, 4096);
    c->freq_dim = (int)j_int_or(o, "freq_dim", 2, 65536, 256);
    c->ffn_dim = (int)j_int_or(o, "ffn_dim", 1, 262144, 13824);
    c->layers = (int)j_int_or(o, "num_layers", 1, 512, 40);
    c->cross_attn_norm = j_bool_or(o, "cross_attn_norm", !is_null(o, "cross_attn_norm"));
    j_choice_or(o, "qk_norm", qk, 1, 0); /* null or not: the class always has these norms */
    c->eps = j_real_or(o, "eps", 0, 1, 1e-6);
    c->rope_max_seq_len = (int)j_int_or(o, "rope_max_seq_len", 1, 1 << 20, 1024);
    c->text_len = (int)j_int_or(o, "text_len", 0, 1 << 16, 512);
    if (c->head_dim % 2)
        j_fail(o, "attention_head_dim", "must be even");
    if (c->freq_dim % 2)
        j_fail(o, "freq_dim", "must be even");
    read_image(c, o);
    if (vace)
        read_vace(c, o);
    else if (j_has(o, "vace_layers"))
        j_fail(o, "vace_layers", "belongs to the class WanVACETransformer3DModel");
}

int wan_config_read(struct wan_config *c, const char *path, struct err *e)
{
    memset(c, 0, sizeof *c);
    return jdoc_take(path, CONFIG_MAX_BYTES, read_fields, c, e);
}

static void write_variant(struct jsonw *w, const struct wan_config *c)
{
    if (c->image_dim) {
        jsonw_int(w, "image_dim", c->image_dim);
        jsonw_int(w, "added_kv_proj_dim", (int64_t)c->heads * c->head_dim);
    }
    if (c->image_rows)
        jsonw_int(w, "pos_embed_seq_len", c->image_rows);
    if (!c->n_vace)
        return;
    jsonw_array(w, "vace_layers");
    for (int i = 0; i < c->n_vace; i++)
        jsonw_int(w, NULL, c->vace_layers[i]);
    jsonw_end_array(w);
    jsonw_int(w, "vace_in_channels", c->vace_in_channels);
}

void wan_config_write(const struct wan_config *c, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "_class_name",
                 c->n_vace ? "WanVACETransformer3DModel" : "WanTransformer3DModel");
    jsonw_array(&w, "patch_size");
    for (int i = 0; i < 3; i++)
        jsonw_int(&w, NULL, c->patch_size[i]);
    jsonw_end_array(&w);
    jsonw_int(&w, "num_attention_heads", c->heads);
    jsonw_int(&w, "attention_head_dim", c->head_dim);
    jsonw_int(&w, "in_channels", c->in_channels);
    jsonw_int(&w, "out_channels", c->out_channels);
    jsonw_int(&w, "text_dim", c->text_dim);
    jsonw_int(&w, "freq_dim", c->freq_dim);
    jsonw_int(&w, "ffn_dim", c->ffn_dim);
    jsonw_int(&w, "num_layers", c->layers);
    jsonw_bool(&w, "cross_attn_norm", c->cross_attn_norm);
    jsonw_string(&w, "qk_norm", "rms_norm_across_heads");
    jsonw_real(&w, "eps", c->eps);
    jsonw_int(&w, "rope_max_seq_len", c->rope_max_seq_len);
    jsonw_int(&w, "text_len", c->text_len);
    write_variant(&w, c);
    jsonw_end_object(&w);
    buf_putc(out, '\n');
}
