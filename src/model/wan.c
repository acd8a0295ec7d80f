#include "model/wan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns of the modulation: attention first, then the feed-forward part. */
enum { SHIFT1, SCALE1, GATE1, SHIFT2, SCALE2, GATE2, N_MOD };

/* ---- weights ---- */

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

static void declare_attn(struct wan *m, struct wan_attn *a, const char *name, enum init out)
{
    int64_t d = (int64_t)m->config.heads * m->config.head_dim;
    char s[96];

#define NAME(part) (snprintf(s, sizeof s, "%s.%s", name, part), s)
    a->q = matrix(&m->weights, NAME("to_q"), d, d, INIT_LINEAR, 1);
    a->k = matrix(&m->weights, NAME("to_k"), d, d, INIT_LINEAR, 1);
    a->v = matrix(&m->weights, NAME("to_v"), d, d, INIT_LINEAR, 1);
    a->o = matrix(&m->weights, NAME("to_out.0"), d, d, out, 1);
    a->norm_q = vector(&m->weights, NAME("norm_q.weight"), d, INIT_ONE);
    a->norm_k = vector(&m->weights, NAME("norm_k.weight"), d, INIT_ONE);
#undef NAME
}

static void declare_block(struct wan *m, int i)
{
    struct wan_block *b = &m->blocks[i];
    int64_t d = (int64_t)m->config.heads * m->config.head_dim;
    char s[64];

#define NAME(part) (snprintf(s, sizeof s, "blocks.%d.%s", i, part), s)
    declare_attn(m, &b->self, NAME("attn1"), INIT_LINEAR);
    declare_attn(m, &b->cross, NAME("attn2"), INIT_LINEAR);
    if (m->config.cross_attn_norm) {
        b->norm2_gain = vector(&m->weights, NAME("norm2.weight"), d, INIT_ONE);
        b->norm2_bias = vector(&m->weights, NAME("norm2.bias"), d, INIT_ZERO);
    }
    b->ffn_in = matrix(&m->weights, NAME("ffn.net.0.proj"), d, m->config.ffn_dim, INIT_LINEAR, 1);
    b->ffn_out = matrix(&m->weights, NAME("ffn.net.2"), m->config.ffn_dim, d, INIT_LINEAR, 1);
    b->table =
        weight_declare(&m->weights, NAME("scale_shift_table"), 0, INIT_ZERO, 0, DIMS(1, N_MOD, d));
#undef NAME
}

static void declare_all(struct wan *m)
{
    const struct wan_config *c = &m->config;
    struct weight_set *s = &m->weights;
    int64_t d = (int64_t)c->heads * c->head_dim;
    int64_t patch = (int64_t)c->patch_size[0] * c->patch_size[1] * c->patch_size[2];

    m->patch.w = weight_declare(
        s, "patch_embedding.weight", 1, INIT_LINEAR, 1,
        DIMS(d, c->in_channels, c->patch_size[0], c->patch_size[1], c->patch_size[2]));
    m->patch.b = vector(s, "patch_embedding.bias", d, INIT_ZERO);
    m->text1 =
        matrix(s, "condition_embedder.text_embedder.linear_1", c->text_dim, d, INIT_LINEAR, 0);
    m->text2 = matrix(s, "condition_embedder.text_embedder.linear_2", d, d, INIT_LINEAR, 0);
    m->time1 =
        matrix(s, "condition_embedder.time_embedder.linear_1", c->freq_dim, d, INIT_LINEAR, 0);
    m->time2 = matrix(s, "condition_embedder.time_embedder.linear_2", d, d, INIT_LINEAR, 0);
    m->time_proj = matrix(s, "condition_embedder.time_proj", d, N_MOD * d, INIT_LINEAR, 0);
    for (int i = 0; i < c->layers; i++) {
        s->group = 1 + i;
        declare_block(m, i);
    }
    s->group = 0;
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
    weight_set_init(&m->weights);
    declare_all(m);
    return 0;
}

void wan_release(struct wan *m)
{
    if (m->blocks)
        weight_set_release(&m->weights);
    free(m->blocks);
    memset(m, 0, sizeof *m);
}

/* ---- positions ---- */

/* Pairs (cos, sin) of position * 10000^(-2i/dim) for positions 0..n-1; [n,dim], step lifetime. */
static double *axis_angles(struct cx *cx, int dim, int n)
{
    double *a = arena_alloc(&cx->handles, sizeof(double) * (size_t)dim * (size_t)n);

    for (int i = 0; i < dim / 2; i++) {
        double freq = 1.0 / pow(10000.0, 2.0 * i / dim);

        for (int p = 0; p < n; p++) {
            a[(int64_t)p * dim + 2 * i] = cos(p * freq);
            a[(int64_t)p * dim + 2 * i + 1] = sin(p * freq);
        }
    }
    return a;
}

/* The rows of the table for one grid. Height and width take a third of the head each, rounded down
 * to pairs; time takes the rest. */
static void fill_grid(struct cx *cx, const struct wan *m, double *row, struct token_grid g)
{
    int hd = m->config.head_dim, space = 2 * (hd / 6), time = hd - 2 * space;
    double *at = axis_angles(cx, time, g.t), *ah = axis_angles(cx, space, g.h),
           *aw = axis_angles(cx, space, g.w);

    for (int t = 0; t < g.t; t++)
        for (int y = 0; y < g.h; y++)
            for (int x = 0; x < g.w; x++, row += hd) {
                memcpy(row, at + (int64_t)t * time, sizeof *row * (size_t)time);
                memcpy(row + time, ah + (int64_t)y * space, sizeof *row * (size_t)space);
                memcpy(row + time + space, aw + (int64_t)x * space, sizeof *row * (size_t)space);
            }
}

static int64_t grid_rows(struct token_grid g)
{
    return (int64_t)g.t * g.h * g.w;
}

/* Index of the first sample with the grid of sample i: equal grids share table rows. */
static int same_grid(const struct denoiser_batch *b, int i)
{
    int j = 0;

    while (b->grid[j].t != b->grid[i].t || b->grid[j].h != b->grid[i].h ||
           b->grid[j].w != b->grid[i].w)
        j++;
    return j;
}

static struct rope_table rope_positions(struct cx *cx, const struct wan *m,
                                        const struct denoiser_batch *b)
{
    int64_t n = 0, row = 0, *first = arena_alloc(&cx->handles, sizeof(int64_t) * (size_t)b->n);
    int hd = m->config.head_dim;
    int32_t *pos;
    double *angles;
    struct tensor *table;

    for (int i = 0; i < b->n; i++) {
        int j = same_grid(b, i);

        first[i] = j < i ? first[j] : n;
        n += j < i ? 0 : grid_rows(b->grid[i]);
    }
    angles = xcalloc((size_t)n * (size_t)hd + 1, sizeof *angles);
    for (int i = 0; i < b->n && !cx->device->dry; i++)
        if (same_grid(b, i) == i)
            fill_grid(cx, m, angles + first[i] * hd, b->grid[i]);
    table = tensor_from(cx, cx->wide, DIMS(n, hd / 2, 2), angles, DT_F64);
    free(angles);
    pos = arena_alloc(&cx->handles, sizeof(int32_t) * (size_t)tensor_rows(b->rows));
    for (int i = 0; i < b->n; i++)
        for (int64_t r = 0; r < grid_rows(b->grid[i]); r++)
            pos[row++] = (int32_t)(first[i] + r);
    return (struct rope_table){table, pos};
}

/* ---- forward ---- */

/* What the blocks of one call share. Lives in the step's arena, because remat runs blocks again
 * later. */
struct wan_call {
    const struct wan *m;
    const struct denoiser_batch *b;
    struct seq seq;
    struct rope_table rope;
    const int32_t *zeros; /* [n_times] */
};
struct block_call {
    const struct wan_call *call;
    const struct wan_block *block;
};

/* A learned table [1,n,D] repeated for every entry of e [E,n*D], plus e. */
static struct tensor *shifted_table(struct cx *cx, const struct wan_call *c, struct weight *w,
                                    struct tensor *e)
{
    struct tensor *t = reshape(cx, weight_tensor(cx, w), DIMS(1, weight_count(w)));

    return add(cx, gather_rows(cx, t, c->zeros, e->dim[0]), e);
}

static struct mod part(const struct wan_call *c, struct tensor *table, int column)
{
    int64_t d = (int64_t)c->m->config.heads * c->m->config.head_dim;

    return (struct mod){table, column * d, c->b->time_index};
}

/* x [R,D] attends to itself (text NULL, rotary positions) or to text [L,D]. */
static struct tensor *attend(struct cx *cx, const struct wan_call *c, const struct wan_attn *a,
                             struct tensor *x, struct tensor *text)
{
    const struct wan_config *cfg = &c->m->config;
    struct tensor *from = text ? text : x;
    struct tensor *q = linear(cx, x, &a->q), *k = linear(cx, from, &a->k);
    struct tensor *v = linear(cx, from, &a->v);

    q = rms_norm(cx, q, a->norm_q, cfg->eps);
    k = rms_norm(cx, k, a->norm_k, cfg->eps);
    if (!text) {
        q = rope(cx, q, cfg->heads, &c->rope);
        k = rope(cx, k, cfg->heads, &c->rope);
    }
    return linear(cx,
                  attention(cx, q, k, v,
                            &(struct attn_args){.heads = cfg->heads,
                                                .seq = &c->seq,
                                                .kv_seq = text ? &c->b->text[0].seq : NULL}),
                  &a->o);
}

/* in: x [R,D] wide, e [E,6D] wide, text [L,D]. Returns the new x. */
static struct tensor *block_forward(struct cx *cx, struct tensor **in, int n_in, void *arg)
{
    const struct block_call *bc = arg;
    const struct wan_call *c = bc->call;
    const struct wan_block *b = bc->block;
    double eps = c->m->config.eps;
    struct mod none = {0};
    struct tensor *x = in[0], *h, *mod;
    struct scope s;

    ZT_ASSERT(n_in == 3);
    weights_enter(cx, &c->m->weights, 1 + (int)(b - c->m->blocks));
    scope_begin(cx, &s);
    mod = shifted_table(cx, c, b->table, in[1]);
    h = norm_mod(cx, x, NULL, NULL, part(c, mod, SCALE1), part(c, mod, SHIFT1), eps);
    x = add_gated(cx, x, attend(cx, c, &b->self, h, NULL), part(c, mod, GATE1));

    h = b->norm2_gain ? norm_mod(cx, x, b->norm2_gain, b->norm2_bias, none, none, eps)
                      : cast(cx, x, cx->type);
    x = add_gated(cx, x, attend(cx, c, &b->cross, h, in[2]), none);

    h = norm_mod(cx, x, NULL, NULL, part(c, mod, SCALE2), part(c, mod, SHIFT2), eps);
    h = mlp_gelu(cx, h, &b->ffn_in, &b->ffn_out);
    x = add_gated(cx, x, h, part(c, mod, GATE2));
    return scope_end(cx, &s, x);
}

static struct wan_call *call_new(struct cx *cx, const struct wan *m, const struct denoiser_batch *b)
{
    struct wan_call *c = arena_alloc(&cx->handles, sizeof *c);
    int64_t *start = arena_alloc(&cx->handles, sizeof(int64_t) * ((size_t)b->n + 1));

    for (int i = 0; i < b->n; i++)
        start[i + 1] = start[i] + grid_rows(b->grid[i]);
    if (start[b->n] != tensor_rows(b->rows) || b->text[0].seq.n != b->n)
        BUG("wan: %lld rows for grids of %lld, %d prompts for %d samples",
            (long long)tensor_rows(b->rows), (long long)start[b->n], b->text[0].seq.n, b->n);
    *c = (struct wan_call){.m = m, .b = b, .seq = {b->n, start}};
    c->zeros = arena_alloc(&cx->handles, sizeof(int32_t) * (size_t)b->n_times);
    c->rope = rope_positions(cx, m, b);
    return c;
}

/* *temb wide [E,D] for the last norm; returns wide [E,6D] for the blocks. */
static struct tensor *embed_times(struct cx *cx, const struct wan *m,
                                  const struct denoiser_batch *b, struct tensor **temb)
{
    struct tensor *t = timestep_embedding(cx, b->times, b->n_times, m->config.freq_dim);

    t = act(cx, linear_wide(cx, t, &m->time1), ACT_SILU);
    *temb = keep(cx, linear_wide(cx, t, &m->time2));
    t = linear_wide(cx, act(cx, *temb, ACT_SILU), &m->time_proj);
    tap_see(b->tap, cx, t, "condition_embedder.time_proj");
    return t;
}

static struct tensor *embed_text(struct cx *cx, const struct wan *m, const struct denoiser_batch *b)
{
    struct tensor *t = mlp_gelu(cx, b->text[0].rows, &m->text1, &m->text2);

    tap_see(b->tap, cx, t, "condition_embedder.text_embedder");
    return t;
}

struct tensor *wan_forward(struct cx *cx, const struct wan *m, const struct denoiser_batch *b)
{
    int64_t d = (int64_t)m->config.heads * m->config.head_dim;
    struct wan_call *c = call_new(cx, m, b);
    struct tensor *temb, *e = embed_times(cx, m, b, &temb), *text = embed_text(cx, m, b);
    struct tensor *x = linear_wide(cx, b->rows, &m->patch), *last;

    tap_see(b->tap, cx, x, "patch_embedding");
    for (int i = 0; i < m->config.layers; i++) {
        struct block_call *bc = arena_alloc(&cx->handles, sizeof *bc);
        struct tensor *in[3] = {x, e, text};

        *bc = (struct block_call){c, &m->blocks[i]};
        x = b->remat ? remat(cx, block_forward, in, 3, bc) : block_forward(cx, in, 3, bc);
        tap_see(b->tap, cx, x, "blocks.%d", i);
    }
    last = shifted_table(cx, c, m->table, concat_last(cx, temb, temb));
    x = norm_mod(cx, x, NULL, NULL, (struct mod){last, d, b->time_index},
                 (struct mod){last, 0, b->time_index}, m->config.eps);
    return linear_wide(cx, x, &m->out);
}

/* ---- as a part ---- */

static struct denoiser_config denoiser_config_of(const void *net)
{
    const struct wan_config *c = &((const struct wan *)net)->config;

    return (struct denoiser_config){
        .patch = {c->patch_size[0], c->patch_size[1], c->patch_size[2]},
        .in_channels = c->in_channels,
        .out_channels = c->out_channels,
        .n_texts = 1,
        .text_dim = {c->text_dim},
        .text_rows = {c->text_len},
        .most_positions = c->rope_max_seq_len,
        .width = c->heads * c->head_dim,
    };
}

static struct tensor *velocity(struct cx *cx, const void *net, const struct denoiser_batch *b)
{
    return wan_forward(cx, net, b);
}

PART_METHODS(wan)
static const char *const class_names[] = {"WanTransformer3DModel", NULL};
static const struct denoiser_class denoiser = {denoiser_config_of, velocity};
const struct part_class wan_part = {.role = PART_DENOISER,
                                    .names = class_names,
                                    .library = "diffusers",
                                    .file = "diffusion_pytorch_model.safetensors",
                                    .tensors = &store_wan_names,
                                    PART_METHODS_OF(wan),
                                    .denoiser = &denoiser};
