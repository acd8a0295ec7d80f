/* Gradients of the two whole training losses in miniature, against differences in f64. */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "base/rng.h"
#include "grad/gradcheck.h"
#include "train/dit_task.h"
#include "train/gaps.h"
#include "train/recycle.h"
#include "train/upsample_critic.h"
#include "train/upsample_task.h"
#include "train/vae_task.h"
#include "ztest.h"

enum { RECORDS = 3, T = 2, H = 4, W = 6, C = 3, WORDS = 9 };

/* Latents and prompts that no file ever held. */
static void make_data(struct latents *l, struct prompts *p)
{
    struct rng r;
    rng_init(&r, 3, 0);
    *l = (struct latents){.n = RECORDS, .head = {.t = T, .h = H, .w = W, .c = C, .patch = 2}};
    for (int k = 0; k < C; k++) {
        l->mean[k] = 0.1f * (float)k;
        l->std[k] = 1 + 0.2f * (float)k;
    }
    struct latents_layout part = latents_layout(&l->head);
    l->mapped = sizeof(l->head) + part.bytes * RECORDS;
    uint8_t *bytes = xcalloc(1, l->mapped);
    for (int i = 0; i < RECORDS; i++) {
        uint8_t *at = bytes + sizeof(l->head) + part.bytes * (size_t)i;
        for (int j = 0; j < T * H * W * C; j++)
            ((bf16 *)(at + part.z))[j] = f32_to_bf16((float)rng_normal(&r));
        at[part.share + 2] = 40;
    }
    l->bytes = bytes;
    static int32_t ids[] = {4, 5, 1, 7, 1, 2, 3, 8, 1}, empty[] = {1};
    static int64_t start[] = {0, 3, 5, 9};
    *p = (struct prompts){
        .n = RECORDS, .each = 1, .ids = ids, .start = start, .empty = empty, .n_empty = 1};
}

struct dit_block {
    struct wan m;
    struct clause_text text;
    struct dit_batch b;
};

static struct tensor *dit_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct dit_block *d = arg;
    (void)in;
    (void)n;
    struct denoiser m = part_denoiser(&(struct part){&wan_part, &d->m});
    struct text_model text = part_text(&(struct part){&clause_text_part, &d->text});
    return dit_loss(cx, &m, &text, &d->b, 0);
}

static void dit_networks(struct dit_block *d)
{
    struct err e = {0};
    struct wan_config wc;
    struct clause_text_config tc;
    wan_config_default(&wc);
    clause_text_config_default(&tc);
    wc.heads = 2;
    wc.head_dim = 12;
    wc.ffn_dim = 20;
    wc.layers = 2;
    wc.freq_dim = 8;
    wc.in_channels = wc.out_channels = C;
    wc.text_dim = tc.d_model = 10;
    tc.vocab = WORDS;
    tc.separator = 5;
    tc.clauses = 3;
    tc.places = 4;
    tc.heads = 2;
    tc.d_kv = 5;
    tc.d_ff = 12;
    tc.layers = 2;
    if (wan_init(&d->m, &wc, &e) || clause_text_init(&d->text, &tc, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
}

/* Windows with text and without, of both lengths, one with its first frame given. */
static void dit_windows(struct dit_block *d, const struct latents *l, const struct prompts *p)
{
    struct dit_recipe r = {.object_weight = 3, .object_s = 0.6};
    struct dit_window w[] = {{.record = 0, .t = T, .s = 0.3},
                             {.record = 1, .t = 1, .s = 0.8, .no_text = 1},
                             {.record = 2, .t = T, .s = 0.55, .n_given = 1}};
    dit_batch_make(&d->b, w, 3, &r, l, p, 1, 7, NULL);
    CHECK_INT(d->b.rows, 6 * (T + 1 + T));
    CHECK(d->b.weight[2] == 3 &&
          d->b.weight[6 * T] == 1); /* an object token; noise beyond its level */
    CHECK(d->b.weight[6 * (T + 1)] == 0 && d->b.time_index[6 * (T + 1)] == 0); /* given */
    CHECK_INT(d->b.text_start[2] - d->b.text_start[1], 1); /* the empty prompt */
}

TEST(train_dit_loss_gradient)
{
    struct latents l;
    struct prompts p;
    make_data(&l, &p);
    for (int text = 0; text < 2; text++) {
        struct dit_block d = {0};
        dit_networks(&d);
        dit_windows(&d, &l, &p);
        struct weight_set *fixed = text ? &d.m.weights : &d.text.weights;
        weights_on_cpu(fixed, DT_F64, 1);
        weight_set_initialise(fixed, 4, NULL);
        for (int i = 0; i < fixed->n;
             i++) /* gates and the last layer begin at zero, where nothing flows */
            for (int64_t j = 0; j < weight_count(fixed->all[i]); j++)
                ((double *)fixed->all[i]->data)[j] += 0.1 * sin((double)(j + i));
        struct gradcheck g = {.fn = dit_block,
                              .arg = &d,
                              .weights = text ? &d.text.weights : &d.m.weights,
                              .seed = 5,
                              .entries = 6};
        CHECK_BELOW(gradcheck(&g), 1e-6);
        dit_batch_release(&d.b);
        wan_release(&d.m);
        clause_text_release(&d.text);
    }
    free((void *)l.bytes);
}

/* Networks with random weights in f32. */
static void networks_f32(struct dit_block *d)
{
    dit_networks(d);
    fixture_fill(&d->m.weights, 3);
    fixture_fill(&d->text.weights, 4);
}

/* The error inside the objects is the loss of which nothing but their tokens has weight. */
TEST(train_gaps_are_the_loss_inside_the_objects)
{
    struct latents l;
    struct prompts p;
    struct dit_block d = {0};
    struct dit_recipe recipe = {.object_weight = 1};
    struct cx cx;
    struct err e = {0};
    struct gaps g;
    static const int record[] = {1};
    make_data(&l, &p);
    networks_f32(&d);
    struct prompts lies = p; /* of record 1: itself, "exchanged" and "wrong" */
    static int64_t start[] = {0, 3, 5, 9};
    lies.each = 1 + N_LIES;
    lies.first = 1;
    lies.start = start;
    struct gaps_call call = {&recipe, &l, &lies, record, 1, T, 1};
    struct denoiser m = part_denoiser(&(struct part){&wan_part, &d.m});
    struct text_model text = part_text(&(struct part){&clause_text_part, &d.text});
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(gaps_measure(&g, &cx, &m, &text, &call, &e), 0);
    for (int level = 0; level < GAP_LEVELS; level++) {
        double loss[1 + N_LIES];
        for (int k = 0; k <= N_LIES; k++) {
            struct dit_window w = {.record = 1, .t = T, .s = gap_level[level], .caption = k};
            dit_batch_make(&d.b, &w, 1, &recipe, &l, &lies, 1, -1, NULL);
            for (int64_t j = 0; j < d.b.rows; j++)
                d.b.weight[j] = latents_get(&l, 1).share[j] > 0;
            loss[k] = scalar_value(&cx, dit_loss(&cx, &m, &text, &d.b, 0));
            cx_step_end(&cx);
            dit_batch_release(&d.b);
        }
        CHECK_BELOW(fabs(g.at[level].right / loss[0] - 1), 1e-5);
        for (int k = 0; k < N_LIES; k++)
            CHECK_BELOW(fabs(g.at[level].lie[k] - (loss[1 + k] - loss[0])), 1e-5 * loss[0]);
    }
    cx_release(&cx);
    wan_release(&d.m);
    clause_text_release(&d.text);
    free((void *)l.bytes);
}

/* What a window goes on from becomes one step of the network from a noise level, as it is worked
 * out here by hand; nothing else of the batch changes. */
TEST(train_recycled_frames_have_the_networks_error)
{
    enum { FRAME = H * W * C, FROM = T * FRAME }; /* of the second window */
    struct latents l;
    struct prompts p;
    struct dit_block d = {0};
    struct dit_recipe recipe = {.object_weight = 3, .object_s = 0.6};
    struct dit_window w[] = {{.record = 0, .t = T, .s = 0.3, .n_given = 1},
                             {.record = 1, .t = T, .s = 0.8, .n_given = 1, .context = 1}};
    struct recycle r = {&recipe, &l, &p, 1};
    struct cx cx;
    make_data(&l, &p);
    networks_f32(&d);
    struct denoiser m = part_denoiser(&(struct part){&wan_part, &d.m});
    struct text_model text = part_text(&(struct part){&clause_text_part, &d.text});
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    float clean[2 * FROM], twice[FROM];
    for (int turn = 0; turn < 3; turn++) { /* not recycled, and twice the same */
        w[1].recycled = turn ? 0.5 : 0;
        dit_batch_make(&d.b, w, 2, &recipe, &l, &p, 1, 7, NULL);
        if (!turn)
            memcpy(clean, d.b.x, sizeof clean);
        recycle(&cx, &m, &text, &d.b, &r, 7);
        CHECK(!memcmp(d.b.x, clean, sizeof(float) * FROM));
        CHECK(!memcmp(d.b.x + FROM + FRAME, clean + FROM + FRAME, sizeof(float) * FRAME));
        CHECK(!memcmp(d.b.x + FROM, clean + FROM, sizeof(float) * FRAME) == !turn);
        if (turn == 2)
            CHECK(!memcmp(d.b.x + FROM, twice, sizeof(float) * FRAME));
        memcpy(twice, d.b.x + FROM, sizeof(float) * FRAME);
        dit_batch_release(&d.b);
    }
    struct dit_window source = {.record = 1, .t = T, .s = 0.5};
    dit_batch_make(&d.b, &source, 1, &recipe, &l, &p, 1 ^ RECYCLE_NOISE, 7, NULL);
    float v[FROM], want[FRAME];
    tensor_read_f32(&cx, dit_frames(&cx, &d.b, dit_velocity(&cx, &m, &text, &d.b, 0)), v);
    for (int j = 0; j < FRAME; j++) /* x0 + s (target - v), which is x_s - s v */
        want[j] = clean[FROM + j] + 0.5f * (d.b.target[j] - v[j]);
    CHECK_BELOW(ztest_rel_l2(twice, want, FRAME), 1e-5);
    dit_batch_release(&d.b);
    cx_release(&cx);
    wan_release(&d.m);
    clause_text_release(&d.text);
    free((void *)l.bytes);
}

struct vae_block_arg {
    struct tiny_vae m;
    struct vae_batch b;
    struct vae_recipe r;
};

static struct tensor *vae_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct vae_block_arg *v = arg;
    (void)in;
    (void)n;
    return vae_loss(cx, &v->m, &v->b, &v->r);
}

TEST(train_vae_loss_gradient)
{
    struct err e = {0};
    struct vae_block_arg v = {
        .r = {.l1 = 0.1, .difference = 0.1, .gradient = 0.1, .object_weight = 5, .noise = 0.1}};
    struct clip_shape shape = {.width = 16, .height = 8, .frames = 9, .fps = 8};
    struct tiny_vae_config c;
    struct rng r;
    tiny_vae_config_default(&c);
    c.latent_channels = 3;
    c.encoder_width = 6;
    c.decoder_width[0] = c.decoder_width[1] = 6;
    c.decoder_width[2] = 4;
    if (tiny_vae_init(&v.m, &c, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    vae_batch_init(&v.b, &v.m, &shape, 2, 2);
    rng_init(&r, 8, 0);
    int64_t pixels = (int64_t)v.b.n * v.b.t * v.b.h * v.b.w;
    for (int64_t i = 0; i < pixels * 3; i++)
        v.b.video[i] = (float)rng_uniform(&r);
    for (int64_t i = 0; i < pixels; i++)
        v.b.weight[i] = i % 7 ? 1 : 5;
    rng_fill_normal(
        v.b.noise, (size_t)v.b.n * (size_t)v.b.lt * (size_t)v.b.lh * (size_t)v.b.lw * (size_t)v.b.c,
        1, 2, 0);
    /* relu and |x| have corners: small steps keep the differences on one side of nearly all of them
     */
    struct gradcheck g = {
        .fn = vae_block, .arg = &v, .weights = &v.m.weights, .seed = 6, .entries = 6, .step = 2e-6};
    CHECK_BELOW(gradcheck(&g), 1e-5);
    vae_batch_release(&v.b);
    tiny_vae_release(&v.m);
}

static struct tensor *enlarged_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    (void)n;
    (void)arg;
    return upsample_loss(cx, &(struct upsample_views){in[0], in[1], in[2]}, 0.5);
}

static struct tensor *wish_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    (void)n;
    return critic_wish(cx, arg, in[0], in[1], 0.3);
}

static struct tensor *critic_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    (void)n;
    return critic_loss(cx, arg, in[0], in[1], in[2]);
}

/* What an upsampler and its critic learn by, with pictures as inputs. Sides are odd, so the
 * critic's half of them is rounded up. */
TEST(train_upsampler_loss_gradients)
{
    struct critic c;
    struct gradcheck g = {.arg = &c,
                          .n_in = 3,
                          .in = {{.rank = 4, .dim = {2, 3, 3, 3}, .wide = 1, .constant = 1},
                                 {.rank = 4, .dim = {2, 6, 6, 3}, .wide = 1},
                                 {.rank = 4, .dim = {2, 6, 6, 3}, .wide = 1, .constant = 1}},
                          .entries = 8,
                          .seed = 13};

    g.fn = enlarged_block;
    CHECK_BELOW(gradcheck(&g), 1e-5);
    critic_init(&c, 2, 4);
    g.weights = &c.weights;
    g.fn = critic_block;
    CHECK_BELOW(gradcheck(&g), 1e-6);
    critic_release(&c);

    /* Frozen, the picture alone has a gradient. */
    critic_init(&c, 2, 4);
    critic_freeze(&c, 1);
    g.weights = &c.weights;
    g.fn = wish_block;
    g.n_in = 2;
    CHECK_BELOW(gradcheck(&g), 1e-6);
    critic_release(&c);
}
