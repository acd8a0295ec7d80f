#include "model/wan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Columns of the modulation: attention first, then the feed-forward part. */
enum { SHIFT1, SCALE1, GATE1, SHIFT2, SCALE2, GATE2 };

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
    const int32_t *zeros;            /* [n_times] */
    struct tensor *e, *text, *image; /* [E,6D] wide, [L,D], [P,D] or NULL */
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

/* x [R,D] attends to itself. */
static struct tensor *attend_self(struct cx *cx, const struct wan_call *c, const struct wan_attn *a,
                                  struct tensor *x)
{
    const struct wan_config *cfg = &c->m->config;
    struct attn_args args = {.heads = cfg->heads, .int8 = c->m->weights.as.int8, .seq = &c->seq};
    struct tensor *q = linear(cx, x, &a->q), *k = linear(cx, x, &a->k), *v = linear(cx, x, &a->v);

    q = rope(cx, rms_norm(cx, q, a->norm_q, cfg->eps), cfg->heads, &c->rope);
    k = rope(cx, rms_norm(cx, k, a->norm_k, cfg->eps), cfg->heads, &c->rope);
    return linear(cx, attention(cx, q, k, v, &args), &a->o);
}

/* To text [L,D], and by keys and values of their own to pictures [P,D] (NULL: none). */
static struct tensor *attend_cross(struct cx *cx, const struct wan_call *c,
                                   const struct wan_attn *a, struct tensor *x, struct tensor *text,
                                   struct tensor *image)
{
    const struct wan_config *cfg = &c->m->config;
    struct attn_args args = {.heads = cfg->heads,
                             .int8 = c->m->weights.as.int8,
                             .seq = &c->seq,
                             .kv_seq = &c->b->text[0].seq};
    struct tensor *q = rms_norm(cx, linear(cx, x, &a->q), a->norm_q, cfg->eps);
    struct tensor *k = rms_norm(cx, linear(cx, text, &a->k), a->norm_k, cfg->eps);
    struct tensor *h = attention(cx, q, k, linear(cx, text, &a->v), &args);

    if (image) {
        args.kv_seq = &c->b->image.seq;
        k = rms_norm(cx, linear(cx, image, &a->image_k), a->image_norm_k, cfg->eps);
        h = add(cx, h, attention(cx, q, k, linear(cx, image, &a->image_v), &args));
    }
    return linear(cx, h, &a->o);
}

/* in: x [R,D] wide, e [E,6D] wide, text [L,D], image [P,D] or nothing. Returns the new x. */
static struct tensor *block_forward(struct cx *cx, struct tensor **in, int n_in, void *arg)
{
    const struct block_call *bc = arg;
    const struct wan_call *c = bc->call;
    const struct wan_block *b = bc->block;
    double eps = c->m->config.eps;
    struct mod none = {0};
    struct tensor *x = in[0], *h, *mod;
    struct scope s;

    ZT_ASSERT(n_in == (c->image ? 4 : 3));
    weights_enter(cx, &c->m->weights, b->group);
    scope_begin(cx, &s);
    mod = shifted_table(cx, c, b->table, in[1]);
    h = norm_mod(cx, x, NULL, NULL, part(c, mod, SCALE1), part(c, mod, SHIFT1), eps);
    x = add_gated(cx, x, attend_self(cx, c, &b->self, h), part(c, mod, GATE1));

    h = b->norm2_gain ? norm_mod(cx, x, b->norm2_gain, b->norm2_bias, none, none, eps)
                      : cast(cx, x, cx->type);
    h = attend_cross(cx, c, &b->cross, h, in[2], n_in == 4 ? in[3] : NULL);
    x = add_gated(cx, x, h, none);

    h = norm_mod(cx, x, NULL, NULL, part(c, mod, SCALE2), part(c, mod, SHIFT2), eps);
    h = mlp_gelu(cx, h, &b->ffn_in, &b->ffn_out);
    x = add_gated(cx, x, h, part(c, mod, GATE2));
    return scope_end(cx, &s, x);
}

/* x through a block, recomputed in the backward where the batch says so. */
static struct tensor *run_block(struct cx *cx, const struct wan_call *c, const struct wan_block *b,
                                struct tensor *x)
{
    struct block_call *bc = arena_alloc(&cx->handles, sizeof *bc);
    struct tensor *in[4] = {x, c->e, c->text, c->image};
    int n = c->image ? 4 : 3;

    *bc = (struct block_call){c, b};
    return c->b->remat ? remat(cx, block_forward, in, n, bc) : block_forward(cx, in, n, bc);
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
    if (!b->image.rows != !m->config.image_dim || !b->control != !m->config.n_vace)
        BUG("wan: %s pictures, %s control video", b->image.rows ? "unwanted or" : "no",
            b->control ? "unwanted or" : "no");
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

/* Rows of pictures, each in its learned place where the network has such. */
static struct tensor *embed_image(struct cx *cx, const struct wan *m,
                                  const struct denoiser_batch *b)
{
    const struct wan_image *p = &m->image;
    struct tensor *t = b->image.rows;
    struct mod none = {0};
    int64_t n = tensor_rows(t), each = m->config.image_rows;

    if (p->places) {
        int32_t *place = arena_alloc(&cx->handles, sizeof *place * (size_t)n);
        struct tensor *table =
            reshape(cx, weight_tensor(cx, p->places), DIMS(each, m->config.image_dim));

        if (n != each * b->n)
            BUG("wan: %lld rows of pictures, %d samples of %lld", (long long)n, b->n,
                (long long)each);
        for (int64_t i = 0; i < n; i++)
            place[i] = (int32_t)(i % each);
        t = add(cx, cast(cx, t, cx->wide), gather_rows(cx, table, place, n));
    }
    t = norm_mod(cx, t, p->norm1_gain, p->norm1_bias, none, none, 1e-5);
    t = linear(cx, act(cx, linear(cx, t, &p->up), ACT_GELU_ERF), &p->down);
    return norm_mod(cx, t, p->norm2_gain, p->norm2_bias, none, none, 1e-5);
}

/* Blocks run in turn with those of the control stream, which never see what the others did: so
 * only one block's share of it is held at a time. */
static struct tensor *run_blocks(struct cx *cx, const struct wan_call *c, struct tensor *x)
{
    const struct wan *m = c->m;
    const struct denoiser_batch *b = c->b;
    struct tensor *control = NULL, *share = NULL;

    if (m->config.n_vace) {
        weights_enter(cx, &m->weights, m->vace[0].block.group);
        control = linear_wide(cx, linear_wide(cx, b->control, &m->vace_patch), &m->vace[0].in);
        control = add(cx, control, x);
    }
    for (int i = 0, k = 0; i < m->config.layers; i++) {
        int acts = k < m->config.n_vace && m->config.vace_layers[k] == i;

        if (acts) {
            control = run_block(cx, c, &m->vace[k].block, control);
            share = linear(cx, control, &m->vace[k].out);
            tap_see(b->tap, cx, share, "vace_blocks.%d", k);
        }
        x = run_block(cx, c, &m->blocks[i], x);
        tap_see(b->tap, cx, x, "blocks.%d", i);
        if (acts)
            x = add_scaled(cx, x, 1, share, b->control_scale ? b->control_scale[k] : 1);
        k += acts;
    }
    return x;
}

/* What stands between the first layer and the last, or what it added to another x. */
static struct tensor *between(struct cx *cx, struct wan_call *c, struct tensor *x)
{
    const struct wan *m = c->m;
    struct denoiser_blocks *blocks = c->b->blocks;
    struct tensor *before = x;

    if (blocks && blocks->given)
        return add(cx, x, blocks->given);
    if (blocks)
        keep(cx, before);
    c->text = embed_text(cx, m, c->b);
    if (m->config.image_dim)
        c->image = embed_image(cx, m, c->b);
    x = run_blocks(cx, c, x);
    if (blocks)
        blocks->made = add_scaled(cx, keep(cx, x), 1, before, -1);
    return x;
}

struct tensor *wan_forward(struct cx *cx, const struct wan *m, const struct denoiser_batch *b)
{
    int64_t d = (int64_t)m->config.heads * m->config.head_dim;
    struct wan_call *c = call_new(cx, m, b);
    struct tensor *temb, *x, *last;

    c->e = embed_times(cx, m, b, &temb);
    x = linear_wide(cx, b->rows, &m->patch);
    tap_see(b->tap, cx, x, "patch_embedding");
    x = between(cx, c, x);
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
        .image_dim = c->image_dim,
        .image_rows = c->image_rows,
        .control_channels = c->n_vace ? c->vace_in_channels : 0,
        .n_controls = c->n_vace,
        .most_positions = c->rope_max_seq_len,
        .width = c->heads * c->head_dim,
        .blocks_apart = 1,
    };
}

static struct tensor *velocity(struct cx *cx, const void *net, const struct denoiser_batch *b)
{
    return wan_forward(cx, net, b);
}

static struct tensor *time_alone(struct cx *cx, const void *net, double timestep, int modulation)
{
    double *times = arena_alloc(&cx->handles, sizeof *times);
    struct denoiser_batch b = {.n_times = 1, .times = times};
    struct tensor *temb, *all;

    *times = timestep;
    all = embed_times(cx, net, &b, &temb);
    return modulation ? all : temb;
}

PART_METHODS(wan)
static const char *const class_names[] = {"WanTransformer3DModel", "WanVACETransformer3DModel",
                                          NULL};
static const struct denoiser_class denoiser = {denoiser_config_of, velocity, time_alone};
const struct part_class wan_part = {.role = PART_DENOISER,
                                    .names = class_names,
                                    .library = "diffusers",
                                    .file = "diffusion_pytorch_model.safetensors",
                                    .tensors = &store_wan_names,
                                    PART_METHODS_OF(wan),
                                    .denoiser = &denoiser};
