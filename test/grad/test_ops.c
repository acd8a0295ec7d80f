/* test_ops.c - every operation: gradients against differences in f64, f32 and bf16 against f64. */
#include <stdlib.h>

#include "grad/gradcheck.h"
#include "tensor/ops.h"
#include "ztest.h"

static void check(const struct gradcheck *g)
{
    double out, grad;
    CHECK_BELOW(gradcheck(g), 1e-6);
    gradcheck_type(g, DT_F32, &out, &grad);
    CHECK_BELOW(out, 1e-5);
    CHECK_BELOW(grad, 5e-5);
    gradcheck_type(g, DT_BF16, &out, &grad);
    CHECK_BELOW(out, 2e-2);
    CHECK_BELOW(grad, 4e-2);
}

/* What the blocks of this file may need. */
struct part {
    struct weight_set ws;
    struct linear_w lin, lin2;
    struct conv_w conv;
    struct weight *gain, *bias, *table;
    const int32_t *index;
    struct seq seq, kv_seq;
    struct attn_args attn;
    int kind, stride;
    double scale;
};

static struct part *part_new(void)
{
    struct part *p = xcalloc(1, sizeof *p);
    weight_set_init(&p->ws);
    return p;
}

static void part_check(struct part *p, int n_in, const struct gradcheck_input *in, block_fn fn)
{
    struct gradcheck g = {.fn = fn, .arg = p, .weights = &p->ws, .n_in = n_in, .seed = 11};
    memcpy(g.in, in, (size_t)n_in * sizeof *in);
    check(&g);
}

static void part_free(struct part *p)
{
    weight_set_release(&p->ws);
    free(p);
}

static const int32_t INDEX7[] = {0, 2, 2, 1, 0, 2, 1};

static struct tensor *linear_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    (void)n;
    return linear(cx, in[0], &p->lin);
}

static struct tensor *linear_wide_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    (void)n;
    return linear_wide(cx, linear(cx, in[0], &p->lin), &p->lin2);
}

TEST(grad_linear)
{
    struct part *p = part_new();
    p->lin = linear_declare(&p->ws, "a", 6, 5, 1, INIT_LINEAR, 0);
    part_check(p, 1, (struct gradcheck_input[]){{.rank = 3, .dim = {2, 3, 6}}}, linear_block);
    part_check(p, 1, (struct gradcheck_input[]){{.rank = 2, .dim = {4, 6}, .wide = 1}},
               linear_block);
    p->lin2 = linear_declare(&p->ws, "b", 5, 3, 0, INIT_LINEAR, 0);
    part_check(p, 1, (struct gradcheck_input[]){{.rank = 2, .dim = {4, 6}, .wide = 1}},
               linear_wide_block);
    part_free(p);
}

static struct tensor *mlp_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    struct tensor *y = mlp_gelu(cx, in[0], &p->lin, &p->lin2);
    return n > 1 ? add(cx, y, linear(cx, in[0], &p->lin2)) : y;
}

TEST(grad_mlp_gelu)
{
    struct part *p = part_new();
    struct gradcheck_input in[] = {{.rank = 3, .dim = {2, 3, 6}, .scale = 2},
                                   {.rank = 1, .dim = {1}}};
    p->lin = linear_declare(&p->ws, "up", 6, 16, 1, INIT_LINEAR, 0);
    p->lin2 = linear_declare(&p->ws, "down", 16, 5, 1, INIT_LINEAR, 0);
    part_check(p, 1, in, mlp_block);
    p->lin2.w->frozen = p->lin2.b->frozen = 1;
    part_check(p, 1, in, mlp_block);
    part_free(p);
    p = part_new(); /* the gradient of x comes from two sides */
    p->lin = linear_declare(&p->ws, "up", 6, 6, 0, INIT_LINEAR, 0);
    p->lin2 = linear_declare(&p->ws, "down", 6, 5, 0, INIT_LINEAR, 0);
    part_check(p, 2, in, mlp_block);
    part_free(p);
}

static struct tensor *norm_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    struct mod scale = {0}, shift = {0};
    if (n > 1) {
        if (p->kind & 1)
            scale = (struct mod){in[1], 10, p->index};
        if (p->kind & 2)
            shift = (struct mod){in[1], 0, p->index};
    }
    return norm_mod(cx, in[0], p->gain, p->bias, scale, shift, 1e-6);
}

TEST(grad_norm_mod)
{
    struct gradcheck_input in[] = {{.rank = 2, .dim = {7, 10}, .offset = 0.3},
                                   {.rank = 2, .dim = {3, 25}, .wide = 1, .scale = 0.5}};
    struct part *p = part_new();
    part_check(p, 1, in, norm_block);
    p->index = INDEX7;
    p->kind = 3;
    part_check(p, 2, in, norm_block);
    p->gain = weight_declare(&p->ws, "gain", 0, INIT_ONE, 0, DIMS(10));
    part_check(p, 2, in, norm_block);
    p->bias = weight_declare(&p->ws, "bias", 0, INIT_ZERO, 0, DIMS(10));
    in[0].wide = 1;
    part_check(p, 2, in, norm_block);
    part_check(p, 1, in, norm_block);
    p->index = NULL;
    in[1].dim[0] = 1;
    part_check(p, 2, in, norm_block);
    p->kind = 1;
    part_check(p, 2, in, norm_block);
    p->kind = 2;
    part_check(p, 2, in, norm_block);
    part_free(p);
}

static struct tensor *rms_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    (void)n;
    return rms_norm(cx, in[0], p->gain, 1e-5);
}

TEST(grad_rms_norm)
{
    struct gradcheck_input in[] = {{.rank = 3, .dim = {2, 3, 8}, .offset = 0.3}};
    struct part *p = part_new();
    part_check(p, 1, in, rms_block);
    p->gain = weight_declare(&p->ws, "gain", 0, INIT_ONE, 0, DIMS(8));
    part_check(p, 1, in, rms_block);
    in[0].wide = 1;
    part_check(p, 1, in, rms_block);
    part_free(p);
}

static struct tensor *act_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    (void)n;
    return act(cx, in[0], (enum k_act)p->kind);
}

TEST(grad_act)
{
    struct part *p = part_new();
    for (p->kind = 0; p->kind < N_ACTS; p->kind++)
        part_check(p, 1, (struct gradcheck_input[]){{.rank = 2, .dim = {5, 9}, .scale = 2}},
                   act_block);
    part_free(p);
}

static struct tensor *sums_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    (void)n;
    switch (p->kind) {
    case 0:
        return add(cx, in[0], in[1]);
    case 1:
        return add_scaled(cx, in[0], 0.7, in[1], -1.3);
    case 2:
        return mul(cx, in[0], in[1]);
    case 3: /* used three times: gradients sum */
        return mul(cx, add(cx, keep(cx, in[0]), in[0]), in[0]);
    default: /* the square */
        return mul(cx, in[0], in[0]);
    }
}

TEST(grad_sums_and_products)
{
    struct gradcheck_input in[] = {{.rank = 2, .dim = {4, 6}}, {.rank = 2, .dim = {4, 6}}};
    struct part *p = part_new();
    for (p->kind = 0; p->kind < 5; p->kind++)
        part_check(p, p->kind < 3 ? 2 : 1, in, sums_block);
    in[0].wide = 1; /* a wide stream and a narrow summand */
    for (p->kind = 0; p->kind < 2; p->kind++)
        part_check(p, 2, in, sums_block);
    part_free(p);
}

static struct tensor *gated_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    struct mod gate = {n > 2 ? in[2] : NULL, 4, p->index};
    return add_gated(cx, in[0], in[1], gate);
}

TEST(grad_add_gated)
{
    struct gradcheck_input in[] = {{.rank = 2, .dim = {7, 6}, .wide = 1},
                                   {.rank = 2, .dim = {7, 6}},
                                   {.rank = 2, .dim = {3, 12}, .wide = 1}};
    struct part *p = part_new();
    part_check(p, 2, in, gated_block);
    p->index = INDEX7;
    part_check(p, 3, in, gated_block);
    in[0].wide = 0;
    part_check(p, 3, in, gated_block);
    in[1].constant = 1;
    part_check(p, 3, in, gated_block);
    in[1].constant = 0;
    in[2].constant = 1;
    part_check(p, 3, in, gated_block);
    in[2].constant = 0;
    in[2].dim[0] = 1;
    p->index = NULL;
    part_check(p, 3, in, gated_block);
    part_free(p);
}

static struct tensor *rope_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    struct rope_table t = {in[1], p->index};
    (void)n;
    return rope(cx, in[0], 2, &t);
}

TEST(grad_rope)
{
    struct gradcheck_input in[] = {{.rank = 2, .dim = {7, 16}},
                                   {.rank = 3, .dim = {7, 4, 2}, .wide = 1, .constant = 1}};
    struct part *p = part_new();
    part_check(p, 2, in, rope_block);
    p->index = INDEX7;
    in[1].dim[0] = 3;
    part_check(p, 2, in, rope_block);
    part_free(p);
}

static struct tensor *attention_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    struct attn_args a = p->attn;
    a.bias = n > 3 ? in[3] : NULL;
    return attention(cx, in[0], in[1], in[2], &a);
}

TEST(grad_attention)
{
    static const int64_t q_start[] = {0, 4, 5, 9}, k_start[] = {0, 3, 5, 6};
    struct gradcheck_input in[] = {{.rank = 2, .dim = {9, 16}},
                                   {.rank = 2, .dim = {9, 16}},
                                   {.rank = 2, .dim = {9, 16}},
                                   {.rank = 3, .dim = {4, 6, 5}, .wide = 1}};
    struct part *p = part_new();
    p->seq = (struct seq){3, q_start};
    p->kv_seq = (struct seq){3, k_start};
    p->attn = (struct attn_args){.heads = 4, .seq = &p->seq};
    part_check(p, 3, in, attention_block);
    part_check(p, 4, in, attention_block);
    p->attn.causal = 1;
    part_check(p, 3, in, attention_block);
    part_check(p, 4, in, attention_block);
    p->attn.causal = 0;
    p->attn.kv_heads = 2;
    p->attn.scale = 0.8;
    p->attn.kv_seq = &p->kv_seq;
    in[1].dim[0] = in[2].dim[0] = 6;
    in[1].dim[1] = in[2].dim[1] = 8;
    part_check(p, 3, in, attention_block);
    part_check(p, 4, in, attention_block);
    in[0].constant = in[2].constant = 1;
    part_check(p, 3, in, attention_block);
    part_free(p);
}

static struct tensor *conv_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    (void)n;
    return conv2d(cx, in[0], &p->conv, p->stride);
}

TEST(grad_conv2d)
{
    struct gradcheck_input in[] = {{.rank = 4, .dim = {2, 6, 4, 3}}};
    for (int k = 0; k < 6; k++) {
        struct part *p = part_new();
        p->conv = conv_declare(&p->ws, "c", 3, 4, k < 4 ? 3 : 1, k != 3, INIT_LINEAR, 0);
        p->conv.pad_after = k == 2;
        p->stride = k == 1 || k == 2 || k == 5 ? 2 : 1;
        in[0].dim[1] = k == 1 ? 5 : 6;
        part_check(p, 1, in, conv_block);
        if (k == 0) {
            p->conv.w->frozen = 1;
            part_check(p, 1, in, conv_block);
        }
        part_free(p);
    }
}

/* Each move twice over: its result meets its own input again where that is possible, so that
 * gradients are both overwritten and added to. */
static struct tensor *move_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    struct tensor *x = in[0], *parts[10];
    (void)n;
    switch (p->kind) {
    case 0:
        return upsample2(cx, x);
    case 1:
        return pixel_unshuffle(cx, x, 2);
    case 2:
        return pixel_shuffle(cx, x, 2);
    case 3:
        return add(cx, pixel_shuffle(cx, pixel_unshuffle(cx, x, 2), 2), x);
    case 4:
        return permute(cx, x, (const int[]){2, 0, 3, 1});
    case 5:
        return concat_last(cx, x, slice_last(cx, x, 1, 5));
    case 6:
        return concat_last(cx, slice_last(cx, x, 0, 8), x);
    case 7:
        for (int i = 0; i < 10; i++)
            parts[i] = slice_rows(cx, x, i & 1, 1);
        return concat_rows(cx, 10, parts);
    case 8:
        return cast(cx, cast(cx, x, cx->wide), cx->type);
    case 9:
        return reshape(cx, act(cx, reshape(cx, x, DIMS(16, 12)), ACT_SILU), DIMS(4, 48));
    case 10:
        return mul(cx, reshape(cx, x, DIMS(192)), reshape(cx, x, DIMS(192)));
    case 11:
        return pixel_shuffle_onto(cx, x, 2, cast(cx, slice_last(cx, x, 3, 2), cx->wide));
    default:
        return slice_rows(cx, x, 0, 2);
    }
}

TEST(grad_moves)
{
    struct gradcheck_input in[] = {{.rank = 4, .dim = {2, 4, 3, 8}}};
    struct part *p = part_new();
    for (p->kind = 0; p->kind < 13; p->kind++) {
        in[0].dim[2] = p->kind == 1 || p->kind == 3 ? 2 : 3;
        part_check(p, 1, in, move_block);
    }
    part_free(p);
}

static struct tensor *patch_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    (void)n;
    if (p->kind)
        return unpatchify(cx, in[0], 2, 2, 1, 3, 1, 2, 2);
    return patchify(cx, in[0], 2, 2, 3);
}

TEST(grad_patches)
{
    struct part *p = part_new();
    part_check(p, 1, (struct gradcheck_input[]){{.rank = 5, .dim = {2, 4, 2, 3, 3}}}, patch_block);
    p->kind = 1;
    part_check(p, 1, (struct gradcheck_input[]){{.rank = 2, .dim = {12, 12}}}, patch_block);
    part_free(p);
}

static struct tensor *rows_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    (void)n;
    if (p->kind == 1)
        return gather_rows(cx, in[0], INDEX7, 7);
    if (p->kind == 2) {
        struct tensor *t = weight_tensor(cx, p->table);
        return mul(cx, gather_rows(cx, t, INDEX7, 7), gather_rows(cx, in[0], INDEX7, 7));
    }
    return embed(cx, p->table, INDEX7, 7, cx->type);
}

TEST(grad_rows_of_tables)
{
    struct gradcheck_input in[] = {{.rank = 2, .dim = {3, 6}}};
    struct part *p = part_new();
    p->kind = 1;
    part_check(p, 1, in, rows_block);
    in[0].wide = 1;
    part_check(p, 1, in, rows_block);
    p->table = weight_declare(&p->ws, "table", 0, INIT_NORMAL, 1, DIMS(3, 6));
    p->kind = 2;
    part_check(p, 1, in, rows_block);
    p->kind = 0;
    part_check(p, 0, in, rows_block);
    part_free(p);
}

static struct tensor *loss_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct part *p = arg;
    struct tensor *(*loss)(struct cx *, struct tensor *, struct tensor *, struct tensor *, double) =
        p->kind ? loss_l1 : loss_l2;
    struct tensor *both = loss(cx, in[0], in[1], n > 2 ? in[2] : NULL, 0.25);
    return add(cx, both, loss(cx, in[0], in[1], NULL, 2));
}

TEST(grad_losses)
{
    struct gradcheck_input in[] = {{.rank = 2, .dim = {5, 6}},
                                   {.rank = 2, .dim = {5, 6}, .wide = 1, .constant = 1},
                                   {.rank = 1, .dim = {5}, .wide = 1, .constant = 1, .offset = 3}};
    struct part *p = part_new();
    for (p->kind = 0; p->kind < 2; p->kind++) {
        part_check(p, 2, in, loss_block);
        part_check(p, 3, in, loss_block);
    }
    part_free(p);
}

/* All of a transformer block at once: attention, modulation, gate, feed-forward, within scopes. */
struct mini {
    struct weight_set ws;
    struct linear_w q, k, v, o, up, down, mod;
    struct weight *q_norm, *table;
};

static const int64_t MINI_START[] = {0, 4, 9};
static const int32_t MINI_ENTRY[] = {0, 0, 0, 0, 1, 1, 1, 1, 1};
static const int32_t MINI_SAME[] = {0, 0};

static struct tensor *mini_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct mini *m = arg;
    struct seq seq = {2, MINI_START};
    struct rope_table pos = {in[1], NULL};
    struct attn_args a = {.heads = 2, .seq = &seq};
    struct tensor *x = in[0], *e, *h, *q, *k, *v;
    struct scope s;
    (void)n;
    e = linear_wide(cx, act(cx, in[2], ACT_SILU), &m->mod);
    e = add(cx, e, gather_rows(cx, weight_tensor(cx, m->table), MINI_SAME, 2));
    scope_begin(cx, &s);
    h = norm_mod(cx, x, NULL, NULL, (struct mod){e, 8, MINI_ENTRY}, (struct mod){e, 0, MINI_ENTRY},
                 1e-6);
    q = rope(cx, rms_norm(cx, linear(cx, h, &m->q), m->q_norm, 1e-6), 2, &pos);
    k = rope(cx, rms_norm(cx, linear(cx, h, &m->k), NULL, 1e-6), 2, &pos);
    v = linear(cx, h, &m->v);
    h = linear(cx, attention(cx, q, k, v, &a), &m->o);
    x = scope_end(cx, &s, add_gated(cx, x, h, (struct mod){e, 16, MINI_ENTRY}));
    scope_begin(cx, &s);
    h = norm_mod(cx, x, NULL, NULL, (struct mod){0}, (struct mod){0}, 1e-6);
    h = linear(cx, act(cx, linear(cx, h, &m->up), ACT_GELU_TANH), &m->down);
    return scope_end(cx, &s, add_gated(cx, x, h, (struct mod){0}));
}

static struct tensor *mini_net(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct tensor *part[3] = {in[0], in[1], in[2]};
    keep(cx, in[2]);
    part[0] = add_scaled(cx, in[0], 1.5, in[0], 0.5);
    part[0] = remat(cx, mini_block, part, n, arg);
    part[0] = remat(cx, mini_block, part, n, arg);
    return add(cx, part[0], in[0]);
}

static struct mini *mini_new(void)
{
    struct mini *m = xcalloc(1, sizeof *m);
    struct weight_set *ws = &m->ws;
    weight_set_init(ws);
    m->q = linear_declare(ws, "q", 8, 8, 1, INIT_LINEAR, 0);
    m->k = linear_declare(ws, "k", 8, 8, 1, INIT_LINEAR, 0);
    m->v = linear_declare(ws, "v", 8, 8, 1, INIT_LINEAR, 0);
    m->o = linear_declare(ws, "o", 8, 8, 1, INIT_LINEAR, 0);
    m->up = linear_declare(ws, "up", 8, 16, 1, INIT_LINEAR, 0);
    m->down = linear_declare(ws, "down", 16, 8, 1, INIT_LINEAR, 0);
    m->mod = linear_declare(ws, "mod", 6, 24, 1, INIT_LINEAR, 0);
    m->q_norm = weight_declare(ws, "q_norm", 0, INIT_ONE, 0, DIMS(8));
    m->table = weight_declare(ws, "table", 0, INIT_NORMAL, 1, DIMS(1, 24));
    return m;
}

TEST(grad_transformer_block)
{
    struct mini *m = mini_new();
    struct gradcheck g = {.fn = mini_block,
                          .arg = m,
                          .weights = &m->ws,
                          .n_in = 3,
                          .in = {{.rank = 2, .dim = {9, 8}, .wide = 1},
                                 {.rank = 3, .dim = {9, 2, 2}, .wide = 1, .constant = 1},
                                 {.rank = 2, .dim = {2, 6}, .wide = 1}},
                          .seed = 5};
    double out, grad;
    check(&g);
    g.fn = mini_net;
    CHECK_BELOW(gradcheck(&g), 1e-6);
    g.threads = threads_new(3);
    CHECK_BELOW(gradcheck(&g), 1e-6);
    gradcheck_type(&g, DT_F32, &out, &grad);
    CHECK_BELOW(out, 1e-5);
    threads_free(&g.threads);
    weight_set_release(&m->ws);
    free(m);
}
