/* The weights of wan.h, by the names of diffusers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/wan.h"

static struct linear_w matrix(struct weight_set *s, const char *name, int64_t in, int64_t out,
                              enum init init, int hidden)
{
    struct linear_w w = linear_declare(s, name, in, out, 1, init, 1);

    w.w->muon = hidden;
    return w;
}

static struct weight *vector(struct weight_set *s, const char *name, int64_t n, enum init init)
{
    return weight_declare(s, name, 0, init, 0, DIMS(n));
}

static int64_t width(const struct wan *m)
{
    return (int64_t)m->config.heads * m->config.head_dim;
}

/* A Conv3d whose steps are as long as its kernel, as a matrix. */
static struct linear_w patches(struct wan *m, const char *name, int channels)
{
    const int *p = m->config.patch_size;
    struct linear_w w;
    char s[64];

    snprintf(s, sizeof s, "%s.weight", name);
    w.w = weight_declare(&m->weights, s, 1, INIT_LINEAR, 1,
                         DIMS(width(m), channels, p[0], p[1], p[2]));
    snprintf(s, sizeof s, "%s.bias", name);
    w.b = vector(&m->weights, s, width(m), INIT_ZERO);
    return w;
}

static void declare_attn(struct wan *m, struct wan_attn *a, const char *name, int pictures)
{
    int64_t d = width(m);
    char s[96];

#define NAME(part) (snprintf(s, sizeof s, "%s.%s", name, part), s)
    a->q = matrix(&m->weights, NAME("to_q"), d, d, INIT_LINEAR, 1);
    a->k = matrix(&m->weights, NAME("to_k"), d, d, INIT_LINEAR, 1);
    a->v = matrix(&m->weights, NAME("to_v"), d, d, INIT_LINEAR, 1);
    a->o = matrix(&m->weights, NAME("to_out.0"), d, d, INIT_LINEAR, 1);
    a->norm_q = vector(&m->weights, NAME("norm_q.weight"), d, INIT_ONE);
    a->norm_k = vector(&m->weights, NAME("norm_k.weight"), d, INIT_ONE);
    if (pictures) {
        a->image_k = matrix(&m->weights, NAME("add_k_proj"), d, d, INIT_LINEAR, 1);
        a->image_v = matrix(&m->weights, NAME("add_v_proj"), d, d, INIT_LINEAR, 1);
        a->image_norm_k = vector(&m->weights, NAME("norm_added_k.weight"), d, INIT_ONE);
    }
#undef NAME
}

static void declare_block(struct wan *m, struct wan_block *b, const char *list, int i)
{
    int64_t d = width(m);
    char s[64];

    b->group = ++m->weights.group;
#define NAME(part) (snprintf(s, sizeof s, "%s.%d.%s", list, i, part), s)
    declare_attn(m, &b->self, NAME("attn1"), 0);
    declare_attn(m, &b->cross, NAME("attn2"), m->config.image_dim);
    if (m->config.cross_attn_norm) {
        b->norm2_gain = vector(&m->weights, NAME("norm2.weight"), d, INIT_ONE);
        b->norm2_bias = vector(&m->weights, NAME("norm2.bias"), d, INIT_ZERO);
    }
    b->ffn_in = matrix(&m->weights, NAME("ffn.net.0.proj"), d, m->config.ffn_dim, INIT_LINEAR, 1);
    b->ffn_out = matrix(&m->weights, NAME("ffn.net.2"), m->config.ffn_dim, d, INIT_LINEAR, 1);
    b->table =
        weight_declare(&m->weights, NAME("scale_shift_table"), 0, INIT_ZERO, 0, DIMS(1, 6, d));
#undef NAME
}

/* Branch i of the control video; what it adds begins at zero. */
static void declare_vace(struct wan *m, int i)
{
    struct wan_vace *v = &m->vace[i];
    int64_t d = width(m);
    char s[64];

    declare_block(m, &v->block, "vace_blocks", i);
    if (i == 0)
        v->in = matrix(&m->weights, "vace_blocks.0.proj_in", d, d, INIT_LINEAR, 1);
    snprintf(s, sizeof s, "vace_blocks.%d.proj_out", i);
    v->out = matrix(&m->weights, s, d, d, INIT_ZERO, 1);
}

/* In the order in which they run, which is that of the groups of weights. */
static void declare_blocks(struct wan *m)
{
    int vace = 0;

    for (int i = 0; i < m->config.layers; i++) {
        if (vace < m->config.n_vace && m->config.vace_layers[vace] == i)
            declare_vace(m, vace++);
        declare_block(m, &m->blocks[i], "blocks", i);
    }
    m->weights.group = 0;
}

static void declare_image(struct wan *m)
{
    const struct wan_config *c = &m->config;
    struct wan_image *p = &m->image;

#define NAME(part) "condition_embedder.image_embedder." part
    p->norm1_gain = vector(&m->weights, NAME("norm1.weight"), c->image_dim, INIT_ONE);
    p->norm1_bias = vector(&m->weights, NAME("norm1.bias"), c->image_dim, INIT_ZERO);
    p->up = matrix(&m->weights, NAME("ff.net.0.proj"), c->image_dim, c->image_dim, INIT_LINEAR, 0);
    p->down = matrix(&m->weights, NAME("ff.net.2"), c->image_dim, width(m), INIT_LINEAR, 0);
    p->norm2_gain = vector(&m->weights, NAME("norm2.weight"), width(m), INIT_ONE);
    p->norm2_bias = vector(&m->weights, NAME("norm2.bias"), width(m), INIT_ZERO);
    if (c->image_rows)
        p->places = weight_declare(&m->weights, NAME("pos_embed"), 0, INIT_ZERO, 0,
                                   DIMS(1, c->image_rows, c->image_dim));
#undef NAME
}

static void declare_all(struct wan *m)
{
    const struct wan_config *c = &m->config;
    struct weight_set *s = &m->weights;
    int64_t d = width(m), patch = (int64_t)c->patch_size[0] * c->patch_size[1] * c->patch_size[2];

    m->patch = patches(m, "patch_embedding", c->in_channels);
    if (c->n_vace)
        m->vace_patch = patches(m, "vace_patch_embedding", c->vace_in_channels);
    m->text1 =
        matrix(s, "condition_embedder.text_embedder.linear_1", c->text_dim, d, INIT_LINEAR, 0);
    m->text2 = matrix(s, "condition_embedder.text_embedder.linear_2", d, d, INIT_LINEAR, 0);
    m->time1 =
        matrix(s, "condition_embedder.time_embedder.linear_1", c->freq_dim, d, INIT_LINEAR, 0);
    m->time2 = matrix(s, "condition_embedder.time_embedder.linear_2", d, d, INIT_LINEAR, 0);
    m->time_proj = matrix(s, "condition_embedder.time_proj", d, 6 * d, INIT_LINEAR, 0);
    if (c->image_dim)
        declare_image(m);
    declare_blocks(m);
    m->out = matrix(s, "proj_out", d, patch * c->out_channels, INIT_ZERO, 0);
    m->table = weight_declare(s, "scale_shift_table", 0, INIT_ZERO, 0, DIMS(1, 2, d));
}

int wan_init(struct wan *m, const struct wan_config *c, struct err *e)
{
    memset(m, 0, sizeof *m);
    if (c->head_dim % 2 || c->freq_dim % 2 || c->layers < 1 || c->heads < 1)
        return err_set(e, ERR_FORMAT,
                       "transformer: attention_head_dim (%d) and freq_dim (%d) must be even, "
                       "num_layers (%d) and num_attention_heads (%d) at least 1",
                       c->head_dim, c->freq_dim, c->layers, c->heads);
    m->config = *c;
    m->blocks = xcalloc((size_t)c->layers, sizeof *m->blocks);
    m->vace = xcalloc((size_t)c->n_vace + 1, sizeof *m->vace);
    weight_set_init(&m->weights);
    declare_all(m);
    return 0;
}

void wan_release(struct wan *m)
{
    if (m->blocks)
        weight_set_release(&m->weights);
    free(m->blocks);
    free(m->vace);
    memset(m, 0, sizeof *m);
}
