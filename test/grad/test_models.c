/* Gradients of every network in miniature against central differences. */
#include <stdlib.h>

#include "gradcheck.h"
#include "model/clause_text.h"
#include "model/subpixel.h"
#include "model/tiny_vae.h"
#include "model/umt5.h"
#include "model/wan.h"
#include "ztest.h"

/* ---- transformer ---- */

struct wan_case {
    struct wan m;
    struct token_grid grid[2];
    double times[2];
    int32_t time_index[20];
    int64_t text_start[3], image_start[3];
    double control_scale[2];
    struct denoiser_batch b;
    int remat;
};

enum { PICTURES = 1, CONTROL = 2 };

static void wan_case_init(struct wan_case *c, int cross_norm, int with)
{
    struct wan_config k = {.patch_size = {1, 2, 2},
                           .heads = 2,
                           .head_dim = 8,
                           .in_channels = 2,
                           .out_channels = 3,
                           .text_dim = 5,
                           .freq_dim = 6,
                           .ffn_dim = 12,
                           .layers = 2,
                           .cross_attn_norm = cross_norm,
                           .eps = 1e-6,
                           .image_dim = with & PICTURES ? 4 : 0,
                           .image_rows = with & PICTURES ? 3 : 0,
                           .vace_in_channels = 3,
                           .n_vace = with & CONTROL ? 2 : 0,
                           .vace_layers = {0, 1}};
    struct err e = {0};

    memset(c, 0, sizeof *c);
    CHECK_INT(wan_init(&c->m, &k, &e), 0);
    c->grid[0] = (struct token_grid){2, 1, 3};
    c->grid[1] = (struct token_grid){1, 2, 2};
    c->times[0] = 0;
    c->times[1] = 731;
    for (int r = 0; r < 10; r++)
        c->time_index[r] = r > 2;
    c->text_start[1] = 3;
    c->text_start[2] = 4;
    c->b = (struct denoiser_batch){.n = 2,
                                   .grid = c->grid,
                                   .n_times = 2,
                                   .times = c->times,
                                   .time_index = c->time_index,
                                   .text = {{NULL, {2, c->text_start}}},
                                   .image = {NULL, {2, c->image_start}},
                                   .control_scale = c->control_scale};
    c->image_start[1] = 3;
    c->image_start[2] = 6;
    c->control_scale[0] = 0.7;
    c->control_scale[1] = 1.2;
}

static struct tensor *wan_fn(struct cx *cx, struct tensor **in, int n_in, void *arg)
{
    struct wan_case *c = arg;

    CHECK_INT(n_in, 2 + (c->m.config.image_dim > 0) + (c->m.config.n_vace > 0));
    c->b.image.rows = c->m.config.image_dim ? in[2] : NULL;
    c->b.control = c->m.config.n_vace ? in[2 + (c->m.config.image_dim > 0)] : NULL;
    c->b.rows = in[0];
    c->b.text[0].rows = in[1];
    c->b.remat = c->remat;
    return wan_forward(cx, &c->m, &c->b);
}

static double wan_error(int cross_norm, int remat, int with)
{
    struct wan_case c;
    struct gradcheck g = {.fn = wan_fn,
                          .arg = &c,
                          .n_in = 2,
                          .in = {{2, {10, 8}, 0, 0, 0, 0}, {2, {4, 5}, 0, 0, 0, 0}},
                          .entries = 6,
                          .seed = 5};
    double worst;

    wan_case_init(&c, cross_norm, with);
    if (with & PICTURES)
        g.in[g.n_in++] = (struct gradcheck_input){2, {6, 4}, 0, 0, 0, 0};
    if (with & CONTROL)
        g.in[g.n_in++] = (struct gradcheck_input){2, {10, 12}, 0, 0, 0, 0};
    c.remat = remat;
    g.weights = &c.m.weights;
    worst = gradcheck(&g);
    wan_release(&c.m);
    return worst;
}

TEST(grad_model_wan)
{
    CHECK_BELOW(wan_error(1, 0, 0), 1e-6);
}

TEST(grad_model_wan_without_a_norm_of_text)
{
    CHECK_BELOW(wan_error(0, 0, 0), 1e-6);
}

TEST(grad_model_wan_with_pictures)
{
    CHECK_BELOW(wan_error(1, 0, PICTURES), 1e-6);
}

TEST(grad_model_wan_with_pictures_and_a_control_video)
{
    CHECK_BELOW(wan_error(1, 1, PICTURES | CONTROL), 1e-6);
}

/* ---- text encoder ---- */

static const int32_t some_ids[7] = {3, 1, 9, 4, 4, 0, 8};
static const int64_t some_start[3] = {0, 5, 7};

static struct tensor *umt5_fn(struct cx *cx, struct tensor **in, int n_in, void *arg)
{
    static const struct seq seq = {2, some_start};

    (void)in;
    (void)n_in;
    return umt5_forward(cx, arg, some_ids, &seq, NULL);
}

static double umt5_error(enum k_act act, int gated, int shared)
{
    struct umt5_config k = {.vocab = 11,
                            .d_model = 6,
                            .d_kv = 4,
                            .d_ff = 8,
                            .layers = 2,
                            .heads = 2,
                            .buckets = 8,
                            .max_distance = 16,
                            .eps = 1e-6,
                            .act = act,
                            .gated = gated,
                            .shared_bias = shared};
    struct umt5 m;
    struct err e = {0};
    struct gradcheck g = {.fn = umt5_fn, .arg = &m, .entries = 12, .seed = 3};
    double worst;

    CHECK_INT(umt5_init(&m, &k, &e), 0);
    g.weights = &m.weights;
    worst = gradcheck(&g);
    umt5_release(&m);
    return worst;
}

TEST(grad_model_umt5)
{
    CHECK_BELOW(umt5_error(ACT_GELU_TANH, 1, 0), 1e-6);
}

TEST(grad_model_t5_ungated)
{
    CHECK_BELOW(umt5_error(ACT_SILU, 0, 1), 1e-6);
}

static struct tensor *clause_text_fn(struct cx *cx, struct tensor **in, int n_in, void *arg)
{
    static const struct seq seq = {2, some_start};

    (void)in;
    (void)n_in;
    return clause_text_forward(cx, arg, some_ids, &seq, NULL);
}

TEST(grad_model_clause_text)
{
    struct clause_text_config k = {.vocab = 11,
                                   .d_model = 6,
                                   .d_kv = 4,
                                   .d_ff = 8,
                                   .layers = 2,
                                   .heads = 2,
                                   .clauses = 2,
                                   .places = 3,
                                   .separator = 4,
                                   .eps = 1e-6};
    struct clause_text m;
    struct err e = {0};
    struct gradcheck g = {.fn = clause_text_fn, .arg = &m, .entries = 12, .seed = 3};

    CHECK_INT(clause_text_init(&m, &k, &e), 0);
    g.weights = &m.weights;
    CHECK_BELOW(gradcheck(&g), 1e-6);
    clause_text_release(&m);
}

/* ---- autoencoder ---- */

static const struct tiny_vae_config small_vae = {.latent_channels = 3,
                                                 .patch_size = 2,
                                                 .stages = 2,
                                                 .encoder_width = 4,
                                                 .decoder_width = {4, 5, 3},
                                                 .time_down = {4, 1},
                                                 .time_up = {1, 4},
                                                 .space_down = {1, 2},
                                                 .space_up = {2, 1},
                                                 .encoder_blocks = {1, 1},
                                                 .decoder_blocks = {1, 1},
                                                 .klt = 1,
                                                 .encoder_reset = 1,
                                                 .pad_start = 1};

static struct tensor *encode_fn(struct cx *cx, struct tensor **in, int n_in, void *arg)
{
    (void)n_in;
    return tiny_vae_encode_clips(cx, arg, in[0]);
}

static struct tensor *decode_fn(struct cx *cx, struct tensor **in, int n_in, void *arg)
{
    (void)n_in;
    return tiny_vae_decode_clips(cx, arg, in[0]);
}

static double vae_error(block_fn fn, int reset, struct gradcheck_input in)
{
    struct tiny_vae_config k = small_vae;
    struct tiny_vae m;
    struct err e = {0};
    struct gradcheck g = {.fn = fn, .arg = &m, .n_in = 1, .in = {in}, .entries = 6, .seed = 10};
    double worst;

    k.encoder_reset = reset;
    CHECK_INT(tiny_vae_init(&m, &k, &e), 0);
    g.weights = &m.weights;
    worst = gradcheck(&g);
    tiny_vae_release(&m);
    return worst;
}

TEST(grad_model_tiny_vae_encoder)
{
    CHECK_BELOW(vae_error(encode_fn, 1,
                          (struct gradcheck_input){.rank = 5, .dim = {1, 8, 4, 8, 3}, .wide = 1}),
                1e-6);
}

TEST(grad_model_tiny_vae_encoder_with_memory)
{
    CHECK_BELOW(vae_error(encode_fn, 0,
                          (struct gradcheck_input){.rank = 5, .dim = {1, 8, 4, 8, 3}, .wide = 1}),
                1e-6);
}

TEST(grad_model_tiny_vae_decoder)
{
    CHECK_BELOW(vae_error(decode_fn, 1,
                          (struct gradcheck_input){.rank = 5, .dim = {2, 2, 1, 2, 3}, .wide = 1}),
                1e-6);
}

/* The root that reads the places around a block, and mends its borders. */
TEST(grad_model_tiny_vae_lapped_decoder)
{
    struct tiny_vae_config k = small_vae;
    struct tiny_vae m;
    struct err e = {0};
    struct gradcheck g = {.fn = decode_fn,
                          .arg = &m,
                          .n_in = 1,
                          .in = {{.rank = 5, .dim = {2, 2, 2, 2, 3}, .wide = 1}},
                          .entries = 6,
                          .seed = 10};

    k.lapped = 1;
    k.deblock = 2;
    CHECK_INT(tiny_vae_init(&m, &k, &e), 0);
    g.weights = &m.weights;
    CHECK_BELOW(gradcheck(&g), 1e-6);
    tiny_vae_release(&m);
}

static struct tensor *enlarge_fn(struct cx *cx, struct tensor **in, int n_in, void *arg)
{
    (void)n_in;
    return subpixel_forward(cx, arg, in[0]);
}

TEST(grad_model_subpixel)
{
    struct subpixel m;
    struct err e = {0};
    struct gradcheck g = {.fn = enlarge_fn,
                          .arg = &m,
                          .n_in = 1,
                          .in = {{.rank = 4, .dim = {2, 3, 5, 3}, .wide = 1}},
                          .entries = 6,
                          .seed = 11};

    CHECK_INT(subpixel_init(&m, &(struct subpixel_config){4, 4, 2}, &e), 0);
    g.weights = &m.weights;
    CHECK_BELOW(gradcheck(&g), 1e-6);
    subpixel_release(&m);
}
