/* store_match.c - names of tensors in files, and which weight each is meant for. */
#include "model/store_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "kern/int8.h"
#include "model/quant.h"

#define MAX_LISTED 3 /* names in one message */

/* ---- names ---- */

/* clang-format off */
static const struct naming wan_rules[] = { /* the original Wan release */
    {"condition_embedder.time_embedder.linear_1", "time_embedding.0"},
    {"condition_embedder.time_embedder.linear_2", "time_embedding.2"},
    {"condition_embedder.text_embedder.linear_1", "text_embedding.0"},
    {"condition_embedder.text_embedder.linear_2", "text_embedding.2"},
    {"condition_embedder.time_proj",              "time_projection.1"},
    {"proj_out",          "head.head"},
    {"scale_shift_table", "head.modulation"},
    {"scale_shift_table", "modulation"},
    {"attn1",             "self_attn"},
    {"attn2",             "cross_attn"},
    {"attn1.to_q",        "attn1.q"},
    {"attn1.to_k",        "attn1.k"},
    {"attn1.to_v",        "attn1.v"},
    {"attn1.to_out.0",    "attn1.o"},
    {"attn2.to_q",        "attn2.q"},
    {"attn2.to_k",        "attn2.k"},
    {"attn2.to_v",        "attn2.v"},
    {"attn2.to_out.0",    "attn2.o"},
    {"norm2",             "norm3"},
    {"ffn.net.0.proj",    "ffn.0"},
    {"ffn.net.2",         "ffn.2"},
    {"attn2.add_k_proj",   "attn2.k_img"},
    {"attn2.add_v_proj",   "attn2.v_img"},
    {"attn2.norm_added_k", "attn2.norm_k_img"},
    {"condition_embedder.image_embedder.norm1",         "img_emb.proj.0"},
    {"condition_embedder.image_embedder.ff.net.0.proj", "img_emb.proj.1"},
    {"condition_embedder.image_embedder.ff.net.2",      "img_emb.proj.3"},
    {"condition_embedder.image_embedder.norm2",         "img_emb.proj.4"},
    {"condition_embedder.image_embedder.pos_embed",     "img_emb.emb_pos"},
    {"proj_in",  "before_proj"},
    {"proj_out", "after_proj"},
    {NULL, NULL},
};
static const struct naming umt5_rules[] = { /* the text encoder of the original Wan release */
    {"shared",                                       "token_embedding"},
    {"encoder.final_layer_norm",                     "norm"},
    {"encoder.block",                                "blocks"},
    {"layer.0.SelfAttention",                        "attn"},
    {"layer.0.SelfAttention.relative_attention_bias", "pos_embedding.embedding"},
    {"layer.0.layer_norm",                           "norm1"},
    {"layer.1.layer_norm",                           "norm2"},
    {"layer.1.DenseReluDense.wi_0",                  "ffn.gate.0"},
    {"layer.1.DenseReluDense.wi_1",                  "ffn.fc1"},
    {"layer.1.DenseReluDense.wo",                    "ffn.fc2"},
    /* llama.cpp's names in GGUF */
    {"shared",                    "token_embd"},
    {"encoder.final_layer_norm",  "enc.output_norm"},
    {"encoder.block",             "enc.blk"},
    {"layer.0.SelfAttention.q",   "attn_q"},
    {"layer.0.SelfAttention.k",   "attn_k"},
    {"layer.0.SelfAttention.v",   "attn_v"},
    {"layer.0.SelfAttention.o",   "attn_o"},
    {"layer.0.SelfAttention.relative_attention_bias", "attn_rel_b"},
    {"layer.0.layer_norm",        "attn_norm"},
    {"layer.1.layer_norm",        "ffn_norm"},
    {"layer.1.DenseReluDense.wi_0", "ffn_gate"},
    {"layer.1.DenseReluDense.wi_1", "ffn_up"},
    {"layer.1.DenseReluDense.wo", "ffn_down"},
    {NULL, NULL},
};
static const struct naming wan_vae_rules[] = { /* vae.py and vae2_2.py of the releases */
    {"encoder.conv_in", "encoder.conv1"},
    {"decoder.conv_in", "decoder.conv1"},
    {"quant_conv", "conv1"},
    {"post_quant_conv", "conv2"},
    {"norm_out", "head.0"},
    {"conv_out", "head.2"},
    {"mid_block.resnets.0", "middle.0"},
    {"mid_block.attentions.0", "middle.1"},
    {"mid_block.resnets.1", "middle.2"},
    {"down_blocks.0.resnets.0", "downsamples.0.downsamples.0"},
    {"down_blocks.0.resnets.1", "downsamples.0.downsamples.1"},
    {"down_blocks.0.downsampler", "downsamples.0.downsamples.2"},
    {"down_blocks.1.resnets.0", "downsamples.1.downsamples.0"},
    {"down_blocks.1.resnets.1", "downsamples.1.downsamples.1"},
    {"down_blocks.1.downsampler", "downsamples.1.downsamples.2"},
    {"down_blocks.2.resnets.0", "downsamples.2.downsamples.0"},
    {"down_blocks.2.resnets.1", "downsamples.2.downsamples.1"},
    {"down_blocks.2.downsampler", "downsamples.2.downsamples.2"},
    {"down_blocks.3.resnets.0", "downsamples.3.downsamples.0"},
    {"down_blocks.3.resnets.1", "downsamples.3.downsamples.1"},
    {"up_blocks.0.resnets.0", "upsamples.0.upsamples.0"},
    {"up_blocks.0.resnets.1", "upsamples.0.upsamples.1"},
    {"up_blocks.0.resnets.2", "upsamples.0.upsamples.2"},
    {"up_blocks.0.upsampler", "upsamples.0.upsamples.3"},
    {"up_blocks.1.resnets.0", "upsamples.1.upsamples.0"},
    {"up_blocks.1.resnets.1", "upsamples.1.upsamples.1"},
    {"up_blocks.1.resnets.2", "upsamples.1.upsamples.2"},
    {"up_blocks.1.upsampler", "upsamples.1.upsamples.3"},
    {"up_blocks.2.resnets.0", "upsamples.2.upsamples.0"},
    {"up_blocks.2.resnets.1", "upsamples.2.upsamples.1"},
    {"up_blocks.2.resnets.2", "upsamples.2.upsamples.2"},
    {"up_blocks.2.upsampler", "upsamples.2.upsamples.3"},
    {"up_blocks.3.resnets.0", "upsamples.3.upsamples.0"},
    {"up_blocks.3.resnets.1", "upsamples.3.upsamples.1"},
    {"up_blocks.3.resnets.2", "upsamples.3.upsamples.2"},
    {"down_blocks", "downsamples"},
    {"up_blocks.0.resnets.0", "upsamples.0"},
    {"up_blocks.0.resnets.1", "upsamples.1"},
    {"up_blocks.0.resnets.2", "upsamples.2"},
    {"up_blocks.0.upsamplers.0", "upsamples.3"},
    {"up_blocks.1.resnets.0", "upsamples.4"},
    {"up_blocks.1.resnets.1", "upsamples.5"},
    {"up_blocks.1.resnets.2", "upsamples.6"},
    {"up_blocks.1.upsamplers.0", "upsamples.7"},
    {"up_blocks.2.resnets.0", "upsamples.8"},
    {"up_blocks.2.resnets.1", "upsamples.9"},
    {"up_blocks.2.resnets.2", "upsamples.10"},
    {"up_blocks.2.upsamplers.0", "upsamples.11"},
    {"up_blocks.3.resnets.0", "upsamples.12"},
    {"up_blocks.3.resnets.1", "upsamples.13"},
    {"up_blocks.3.resnets.2", "upsamples.14"},
    {"norm1", "residual.0"},
    {"conv1", "residual.2"},
    {"norm2", "residual.3"},
    {"conv2", "residual.6"},
    {"conv_shortcut", "shortcut"},
    {NULL, NULL},
};
static const struct naming no_rules[] = {{NULL, NULL}};
static const char *const no_names[] = {NULL};
static const char *const wan_ignore[] = {".norm_added_q.", NULL}; /* of no use to the class either */
static const struct naming clip_rules[] = { /* clip.py of the original Wan release */
    {"embeddings.class_embedding",           "cls_embedding"},
    {"embeddings.position_embedding.weight", "pos_embedding"},
    {"embeddings.patch_embedding",           "patch_embedding"},
    {"pre_layrnorm",                         "pre_norm"},
    {"post_layernorm",                       "post_norm"},
    {"encoder.layers",     "transformer"},
    {"layer_norm1",        "norm1"},
    {"layer_norm2",        "norm2"},
    {"self_attn.out_proj", "attn.proj"},
    {"mlp.fc1",            "mlp.0"},
    {"mlp.fc2",            "mlp.2"},
    {NULL, NULL},
};
static const struct naming clip_parts[] = {
    {"self_attn.q_proj", "attn.to_qkv"},
    {"self_attn.k_proj", "attn.to_qkv"},
    {"self_attn.v_proj", "attn.to_qkv"},
    {NULL, NULL},
};
static const char *const clip_ignore[] = {"visual_projection.weight", ".position_ids", "text_model.",
                                          "text_projection.weight", "logit_scale", "textual.",
                                          "log_scale", "visual.head", NULL};
static const char *const umt5_ignore[] = {"decoder.", "lm_head.weight", "spiece_model", NULL};
static const struct naming umt5_tied[] = {{"shared.weight", "encoder.embed_tokens.weight"},
                                          {NULL, NULL}};
const char *const store_prefixes[] = {"", "model.diffusion_model.", "diffusion_model.", "model.",
                                       "transformer.", "module.", "vision_model.", "vae.",
                                       "first_stage_model.", "visual.", NULL};
/* clang-format on */

const struct store_names store_wan_names = {wan_rules, wan_ignore, no_rules, 0, NULL};
const struct store_names store_clip_vision_names = {clip_rules, clip_ignore, no_rules, 0,
                                                    clip_parts};
const struct store_names store_umt5_names = {umt5_rules, umt5_ignore, umt5_tied, 0, NULL};
const struct store_names store_clause_text_names = {no_rules, no_names, no_rules, 0, NULL};
const struct store_names store_subpixel_names = {no_rules, no_names, no_rules, 0, NULL};
const struct store_names store_wan_vae_names = {wan_vae_rules, no_names, no_rules, 0, NULL};
const struct store_names store_tiny_vae_names = {no_rules, no_names, no_rules, 1, NULL};

/* Replace the whole dotted part `from` of name, where it is there. */
static void rewrite(char *name, size_t size, const char *from, const char *to)
{
    size_t n = strlen(from);
    char out[ST_MAX_NAME + 64];

    for (char *at = strstr(name, from); at; at = strstr(at + 1, from))
        if ((at == name || at[-1] == '.') && (at[n] == '.' || !at[n])) {
            snprintf(out, sizeof out, "%.*s%s%s", (int)(at - name), name, to, at + n);
            snprintf(name, size, "%s", out);
            return;
        }
}

static struct weight *find_renamed(struct weight_set *s, const char *name,
                                   const struct store_names *names)
{
    char own[ST_MAX_NAME + 64];
    struct weight *w = weight_find(s, name);

    if (w)
        return w;
    snprintf(own, sizeof own, "%s", name);
    for (const struct naming *r = names->rules; r->own; r++)
        rewrite(own, sizeof own, r->other, r->own);
    return weight_find(s, own);
}

struct weight *store_find_weight(struct weight_set *s, const char *name,
                                 const struct store_names *names)
{
    for (const char *const *p = store_prefixes; *p; p++) {
        size_t n = strlen(*p);
        struct weight *w = strncmp(name, *p, n) ? NULL : find_renamed(s, name + n, names);

        if (w)
            return w;
    }
    return NULL;
}

/* A pattern is a whole name, "begin." or, with a point in front, a part of names. */
static int ignored(const char *name, const struct store_names *names)
{
    for (const char *const *i = names->ignore; *i; i++) {
        size_t n = strlen(*i);

        if (**i == '.'           ? strstr(name, *i) != NULL
            : (*i)[n - 1] == '.' ? !strncmp(name, *i, n)
                                 : !strcmp(name, *i))
            return 1;
    }
    return 0;
}

/* Whether name is a second name of a weight, or (*scale) of its scales; the pair of names. */
static const struct naming *find_tied(const struct store_names *names, const char *name, int *scale)
{
    for (const struct naming *r = names->tied; r->own; r++) {
        size_t n = strlen(r->other);
        int begins = !strncmp(name, r->other, n);

        *scale = begins && !strcmp(name + n, INT8_SCALE);
        if (*scale || (begins && !name[n]))
            return r;
    }
    return NULL;
}

/* What a tensor of the file is meant for: a weight, or (*scale) the scales of one. NULL: neither,
 * and with *unused nobody misses it. */
static struct weight *find_use(struct weight_set *s, const char *name,
                               const struct store_names *names, int *scale, int *unused)
{
    char scaled[ST_MAX_NAME + 1];
    struct weight *w = store_find_weight(s, name, names);

    *unused =
        !w && (ignored(name, names) || find_tied(names, name, scale) || quant_is_marker(name));
    *scale = 0;
    if (w || *unused || !quant_scaled(name, scaled, sizeof scaled))
        return w;
    *scale = 1;
    *unused = ignored(scaled, names);
    return store_find_weight(s, scaled, names);
}

/* ---- which tensor is which weight ---- */

static int index_of(const struct weight_set *s, const struct weight *w)
{
    int i = 0;

    while (s->all[i] != w)
        i++;
    return i;
}

/* Weights that are there by their second name alone. */
static void match_tied(struct match *m, const struct store_names *names)
{
    for (int i = 0; i < st_count(m->file); i++) {
        const struct st_tensor *t = st_at(m->file, i);
        int scale, k;
        const struct naming *r = find_tied(names, t->name, &scale);
        struct weight *w = r ? weight_find(m->set, r->own) : NULL;

        if (!w)
            continue;
        k = index_of(m->set, w);
        if (!scale && !m->of[k])
            m->of[k] = t;
        if (scale && m->of[k] && !strcmp(m->of[k]->name, r->other)) /* NAME sorts before it */
            m->scale[k] = t;
    }
}

static int twice(const struct match *m, const struct st_tensor *a, const struct st_tensor *b,
                 const struct weight *w, int scale, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: tensors \"%s\" and \"%s\" are both %s%s", m->path, a->name,
                   b->name, w->name, scale ? INT8_SCALE : "");
}

static int count_parts(const struct store_names *names)
{
    int n = 0;

    while (names->parts && names->parts[n].own)
        n++;
    return n;
}

/* Of a tensor that is several weights each takes its part; *some: it is one. */
static int match_parts(struct match *m, const struct st_tensor *t, const struct store_names *names,
                       int *some, struct err *e)
{
    int n = count_parts(names);
    char own[ST_MAX_NAME + 64];

    *some = 0;
    for (int i = 0; i < n; i++) {
        struct st_tensor *part = &m->part[m->n_parts];
        struct weight *w;
        int k;

        snprintf(own, sizeof own, "%s", t->name);
        rewrite(own, sizeof own, names->parts[i].other, names->parts[i].own);
        w = strcmp(own, t->name) ? store_find_weight(m->set, own, names) : NULL;
        if (!w || !t->rank || t->dim[0] % n)
            return 0;
        k = index_of(m->set, w);
        if (m->of[k])
            return twice(m, m->of[k], t, w, 0, e);
        *part = *t;
        part->dim[0] /= n;
        part->n /= n;
        part->bytes /= (size_t)n;
        part->offset += (uint64_t)i * part->bytes;
        m->of[k] = part;
        m->n_parts++;
        *some = 1;
    }
    return 0;
}

static int match_all(struct match *m, const struct store_names *names, struct err *e)
{
    for (int i = 0; i < st_count(m->file); i++) {
        const struct st_tensor *t = st_at(m->file, i);
        const struct st_tensor **of;
        int scale, unused, some;
        struct weight *w = find_use(m->set, t->name, names, &scale, &unused);

        if (match_parts(m, t, names, &some, e))
            return ERR_FORMAT;
        if (some)
            continue;
        if (!w) {
            if (!unused)
                m->spare[m->n_spare++] = t->name;
            continue;
        }
        of = (scale ? m->scale : m->of) + index_of(m->set, w);
        if (*of)
            return twice(m, *of, t, w, scale, e);
        *of = t;
    }
    match_tied(m, names);
    for (int k = 0; k < m->set->n; k++)
        m->n_missing += !m->of[k];
    return 0;
}

static void list_missing(const struct match *m, struct buf *b)
{
    int listed = 0;

    buf_printf(b, "%d missing (", m->n_missing);
    for (int k = 0; k < m->set->n && listed < MAX_LISTED; k++) {
        const char *name = m->set->all[k]->name, *near;

        if (m->of[k])
            continue;
        near = nearest_name(name, m->spare, m->n_spare);
        buf_printf(b, "%s%s", listed++ ? ", " : "", name);
        if (m->scale[k])
            buf_puts(b, ", of which only the scale is there");
        else if (near)
            buf_printf(b, ", nearest in the file %s", near);
    }
    buf_puts(b, m->n_missing > MAX_LISTED ? ", ...)" : ")");
}

static void list_spare(const struct match *m, struct buf *b)
{
    const char **own = xcalloc((size_t)m->set->n + 1, sizeof *own);
    int n_own = 0;

    for (int k = 0; k < m->set->n; k++)
        if (!m->of[k])
            own[n_own++] = m->set->all[k]->name;
    buf_printf(b, "%d unexpected (", m->n_spare);
    for (int i = 0; i < m->n_spare && i < MAX_LISTED; i++) {
        const char *near = nearest_name(m->spare[i], own, n_own);

        buf_printf(b, "%s%.100s", i ? ", " : "", m->spare[i]);
        if (near)
            buf_printf(b, ", nearest %s", near);
    }
    buf_puts(b, m->n_spare > MAX_LISTED ? ", ...)" : ")");
    free(own);
}

static int refuse(const struct match *m, struct err *e)
{
    struct buf b = BUF_INIT;

    if (m->n_missing)
        list_missing(m, &b);
    if (m->n_missing && m->n_spare)
        buf_puts(&b, "; ");
    if (m->n_spare)
        list_spare(m, &b);
    err_set(e, ERR_FORMAT, "%s: the tensors are not those of this network: %s", m->path,
            buf_str(&b));
    buf_release(&b);
    return ERR_FORMAT;
}

/* Hostile files may hold 400,000 names; comparing each with every weight would take minutes. */
static int check_count(const struct match *m, struct err *e)
{
    int n = st_count(m->file);

    if (n <= 4 * m->set->n + 1000)
        return 0;
    return err_set(e, ERR_FORMAT, "%s: holds %d tensors, this network has %d", m->path, n,
                   m->set->n);
}

int match_init(struct match *m, struct weight_set *set, const struct st_file *f, const char *path,
               const struct store_names *names, struct err *e)
{
    int rc;

    *m = (struct match){.set = set, .file = f, .path = path};
    m->of = xcalloc((size_t)set->n + 1, sizeof *m->of);
    m->scale = xcalloc((size_t)set->n + 1, sizeof *m->scale);
    m->spare = xcalloc((size_t)st_count(f) + 1, sizeof *m->spare);
    m->part = xcalloc((size_t)(st_count(f) * count_parts(names)) + 1, sizeof *m->part);
    rc = check_count(m, e);
    if (!rc)
        rc = match_all(m, names, e);
    if (!rc && (m->n_missing || m->n_spare))
        rc = refuse(m, e);
    return rc;
}

void match_release(struct match *m)
{
    free(m->of);
    free(m->scale);
    free(m->spare);
    free(m->part);
    quant_release(&m->quant);
}
