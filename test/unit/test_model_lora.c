/* LoRA files: which layer each name means, scales, differences, what is refused; and that the
 * product beside a matrix is that of the sum. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "fixture.h"
#include "model/lora.h"
#include "model/lora_list.h"
#include "tensor/ops.h"
#include "ztest.h"

enum { D = 8, R = 2 };
#define USE(strength) (&(struct lora_use){strength, 0, 1, 1})
static float down[R * D], up[D * R], alpha = 1, ones[D], table[6 * D];

static const char config[] = "{\"_class_name\":\"WanTransformer3DModel\",\"num_attention_heads\":1,"
                             "\"attention_head_dim\":8,\"in_channels\":4,\"out_channels\":4,"
                             "\"text_dim\":8,\"freq_dim\":8,\"ffn_dim\":8,\"num_layers\":2}";

static void net_of(struct part *p, const char *text)
{
    char *path = path_join(ztest_tmp(), "lora/config.json"), *dir = path_dir(path);
    struct err e = {0};

    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(file_write(path, text, strlen(text), &e), 0);
    CHECK_INT(part_declare(p, dir, PART_DENOISER, &e), 0);
    CHECK_INT(weight_set_allocate(part_weights(p), device_cpu(), DT_F32, 0, &e), 0);
    free(path);
    free(dir);
}

static void small_net(struct part *p)
{
    net_of(p, config);
}

static void fill(void)
{
    for (int i = 0; i < R * D; i++) {
        down[i] = (float)(i % 5) - 2;
        up[i] = (float)(i % 7) / 4 - 1;
    }
    for (int i = 0; i < D; i++)
        ones[i] = isinf(ones[i]) ? ones[i] : 1;
    for (int i = 0; i < 6 * D; i++)
        table[i] = (float)i;
}

/* A file with the pair of one layer and, if there is a third name, that of `more`. */
static char *put_file(const char *a, const char *b, const char *third, const float *more, int n)
{
    char *path = path_join(ztest_tmp(), "l.safetensors");
    const struct st_out t[] = {{a, DT_F32, 2, {R, D}, down},
                               {b, DT_F32, 2, {D, R}, up},
                               {third, DT_F32, n != 1, {n}, more}};
    struct err e = {0};

    fill();
    CHECK_INT(st_write(path, t, third ? 3 : 2, NULL, 0, &e), 0);
    return path;
}

/* The only changed layer is `name`, by scale * B A. */
static void changes(const struct part *p, const char *name, float scale)
{
    struct weight_set *s = part_weights(p);
    const struct weight *w = weight_find(s, name);
    int n = 0;

    for (int i = 0; i < s->n; i++)
        n += s->all[i]->lora != NULL;
    CHECK_INT(n, 1);
    CHECK(w && w->lora);
    CHECK_INT(w->lora->rank, R);
    for (int i = 0; i < R * D; i++) {
        CHECK(((const float *)w->lora->a)[i] == down[i]);
        CHECK(fabsf(((const float *)w->lora->b)[i] - scale * up[i]) < 1e-6f);
    }
}

TEST(lora_layers_are_found_by_every_name)
{
    static const struct {
        const char *down, *up, *layer;
    } rows[] = {
        {"transformer.blocks.1.attn1.to_q.lora_A.weight",
         "transformer.blocks.1.attn1.to_q.lora_B.weight", "blocks.1.attn1.to_q.weight"},
        {"blocks.0.attn2.to_out.0.lora_A.default.weight",
         "blocks.0.attn2.to_out.0.lora_B.default.weight", "blocks.0.attn2.to_out.0.weight"},
        {"diffusion_model.blocks.0.cross_attn.k.lora_down.weight",
         "diffusion_model.blocks.0.cross_attn.k.lora_up.weight", "blocks.0.attn2.to_k.weight"},
        {"base_model.model.blocks.1.ffn.0.lora_A.weight",
         "base_model.model.blocks.1.ffn.0.lora_B.weight", "blocks.1.ffn.net.0.proj.weight"},
        {"base_model.model.diffusion_model.blocks.1.ffn.2.lora_A.weight",
         "base_model.model.diffusion_model.blocks.1.ffn.2.lora_B.weight",
         "blocks.1.ffn.net.2.weight"},
        {"pipe.dit.blocks.1.self_attn.o.lora_A.weight",
         "pipe.dit.blocks.1.self_attn.o.lora_B.weight", "blocks.1.attn1.to_out.0.weight"},
        {"lora_unet_blocks_1_self_attn_v.lora_down.weight",
         "lora_unet_blocks_1_self_attn_v.lora_up.weight", "blocks.1.attn1.to_v.weight"},
        {"lora_unet_text_embedding_2.lora_down.weight", "lora_unet_text_embedding_2.lora_up.weight",
         "condition_embedder.text_embedder.linear_2.weight"},
        {"lycoris_blocks_0_ffn_2.lora_down.weight", "lycoris_blocks_0_ffn_2.lora_up.weight",
         "blocks.0.ffn.net.2.weight"},
        {"lora_unet_blocks_0_attn1_to_out_0.lora_down.weight",
         "lora_unet_blocks_0_attn1_to_out_0.lora_up.weight", "blocks.0.attn1.to_out.0.weight"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *path = put_file(rows[i].down, rows[i].up, NULL, NULL, 0);
        struct lora_report r;
        struct part p;
        struct err e = {0};

        small_net(&p);
        if (lora_apply(&p, path, USE(0.5), &r, &e))
            ztest_fail(__FILE__, __LINE__, "%s: %s", rows[i].down, e.msg);
        CHECK(r.matched == 1 && r.unmatched == 0);
        changes(&p, rows[i].layer, 0.5f);
        part_release(&p);
        free(path);
    }
}

TEST(lora_scales)
{
    static const struct st_pair meta = {
        "lora_adapter_metadata",
        "{\"transformer.r\":2,\"transformer.lora_alpha\":8,\"transformer.use_rslora\":true}"};
    char *path = put_file("transformer.blocks.0.attn1.to_k.lora_A.weight",
                          "transformer.blocks.0.attn1.to_k.lora_B.weight",
                          "transformer.blocks.0.attn1.to_k.alpha", &alpha, 1);
    const struct st_out t[] = {{"blocks.0.attn1.to_k.lora_A.weight", DT_F32, 2, {R, D}, down},
                               {"blocks.0.attn1.to_k.lora_B.weight", DT_F32, 2, {D, R}, up}};
    struct part p;
    struct err e = {0};

    small_net(&p);
    CHECK_INT(lora_apply(&p, path, USE(3), NULL, &e), 0);
    changes(&p, "blocks.0.attn1.to_k.weight", 3 * 0.5f); /* alpha / rank */
    part_release(&p);
    CHECK_INT(st_write(path, t, 2, &meta, 1, &e), 0);
    small_net(&p);
    CHECK_INT(lora_apply(&p, path, USE(1), NULL, &e), 0);
    changes(&p, "blocks.0.attn1.to_k.weight", 8 / sqrtf(R));
    part_release(&p);
    free(path);
}

TEST(lora_differences_are_added_by_strength_alone)
{
    char *path = put_file("diffusion_model.blocks.0.self_attn.q.lora_down.weight",
                          "diffusion_model.blocks.0.self_attn.q.lora_up.weight",
                          "diffusion_model.blocks.0.self_attn.q.diff_b", ones, D);
    const struct st_out t[] = {
        {"diffusion_model.blocks.0.norm3.diff", DT_F32, 1, {D}, ones},
        {"diffusion_model.blocks.0.modulation.diff", DT_F32, 3, {1, 6, D}, table},
        {"diffusion_model.blocks.0.ffn.0.diff", DT_F32, 2, {D, D}, table}};
    struct lora_report r;
    struct part p;
    struct err e = {0};
    float x[6 * D];

    small_net(&p);
    CHECK_INT(lora_apply(&p, path, USE(0.25), NULL, &e), 0);
    weight_read(weight_find(part_weights(&p), "blocks.0.attn1.to_q.bias"), x);
    CHECK(x[0] == 0.25f && x[D - 1] == 0.25f);
    CHECK_INT(st_write(path, t, 2, NULL, 0, &e), 0);
    CHECK_INT(lora_apply(&p, path, USE(0.5), &r, &e), 0);
    CHECK(r.matched == 2 && !r.unmatched);
    weight_read(weight_find(part_weights(&p), "blocks.0.norm2.weight"), x);
    CHECK(x[3] == 0.5f);
    weight_read(weight_find(part_weights(&p), "blocks.0.scale_shift_table"), x);
    CHECK(x[6 * D - 1] == (6 * D - 1) / 2.0f);
    part_release(&p);
    free(path);
}

/* As LightX2V's extractor calls what it adds to modulation. */
TEST(lora_differences_of_modulation)
{
    char *path = path_join(ztest_tmp(), "modulation.safetensors");
    const struct st_out t[] = {{"diffusion_model.blocks.0.diff_m", DT_F32, 3, {1, 6, D}, table},
                               {"diffusion_model.head.diff_m", DT_F32, 3, {1, 2, D}, table},
                               {"diffusion_model.blocks.7.diff_m", DT_F32, 3, {1, 6, D}, table}};
    float was[6 * D], x[6 * D], head[2 * D], head_was[2 * D];
    struct lora_report r;
    struct part p;
    struct err e = {0};

    small_net(&p);
    weight_read(weight_find(part_weights(&p), "blocks.0.scale_shift_table"), was);
    weight_read(weight_find(part_weights(&p), "scale_shift_table"), head_was);
    CHECK_INT(st_write(path, t, 3, NULL, 0, &e), 0);
    CHECK_INT(lora_apply(&p, path, USE(0.5), &r, &e), 0);
    CHECK(r.matched == 2 && r.unmatched == 1);
    CHECK_STR(r.names, "diffusion_model.blocks.7.diff_m");
    weight_read(weight_find(part_weights(&p), "blocks.0.scale_shift_table"), x);
    weight_read(weight_find(part_weights(&p), "scale_shift_table"), head);
    CHECK(x[6 * D - 1] == was[6 * D - 1] + (6 * D - 1) / 2.0f);
    CHECK(head[D + 1] == head_was[D + 1] + (D + 1) / 2.0f);
    part_release(&p);
    free(path);
}

static void refused(const char *a, const char *b, const char *third, const float *more, int n,
                    const char *want)
{
    char *path = put_file(a, b, third, more, n);
    struct part p;
    struct err e = {0};

    small_net(&p);
    CHECK_INT(lora_apply(&p, path, USE(1), NULL, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, want);
    for (int i = 0; i < part_weights(&p)->n; i++) /* nothing half applied */
        CHECK(!part_weights(&p)->all[i]->lora);
    part_release(&p);
    free(path);
}

TEST(lora_what_does_not_fit_is_named)
{
    const char *a = "diffusion_model.blocks.0.ffn.0.lora_A.weight",
               *b = "diffusion_model.blocks.0.ffn.0.lora_B.weight";

    refused("diffusion_model.blocks.9.ffn.0.lora_A.weight",
            "diffusion_model.blocks.9.ffn.0.lora_B.weight", NULL, NULL, 0,
            "none of its 2 tensors is of a layer of this transformer");
    refused(a, b, "diffusion_model.blocks.0.ffn.0.oft_blocks", ones, D,
            "\"oft_blocks\" is a way that is not computed");
    refused(a, b, "diffusion_model.blocks.0.ffn.2.dora_scale", ones, D,
            "layer blocks.0.ffn.net.2.weight has a dora_scale and nothing else");
    refused(a, b, "diffusion_model.blocks.0.ffn.0.dora_scale", ones, D - 1,
            "dora_scale is [7,1], which does not fit blocks.0.ffn.net.0.proj.weight of [8,8]");
    refused(a, b, "diffusion_model.blocks.0.ffn.0.hada_w1_a", table, 2 * D,
            "hada_w1_a is one of four of which others are missing");
    refused(a, b, "diffusion_model.blocks.0.ffn.0.lokr_w1", table, 4,
            "layer blocks.0.ffn.net.0.proj.weight says twice what is added to it");
    refused(a, b, "diffusion_model.blocks.0.ffn.2.lokr_w1", table, 4,
            "has one factor of a Kronecker product, the other is missing");
    refused(a, "diffusion_model.blocks.9.ffn.0.lora_B.weight", NULL, NULL, 0,
            "is one of a pair of which the other is missing");
    refused(a, b, "diffusion_model.blocks.0.self_attn.q.diff_b", ones, D - 1,
            "diff_b is [7,1], which does not fit");
    refused("diffusion_model.text_embedding.0.lora_A.weight",
            "diffusion_model.text_embedding.0.lora_B.weight",
            "diffusion_model.blocks.0.ffn.2.lora_A.weight", ones, D, "the other is missing");
    refused(a, b, "diffusion_model.blocks.0.ffn.0.lora_A.default.weight", ones, D, "are both of");
    ones[2] = INFINITY;
    refused("diffusion_model.blocks.9.x.lora_A.weight", "y.lora_B.weight",
            "diffusion_model.blocks.0.self_attn.q.diff_b", ones, D, "not finite");
    ones[2] = 1;
}

/* Of a wider model: the message says both shapes. */
TEST(lora_of_another_model_is_named_by_shapes)
{
    static float wide[R * 3 * D];
    char *path = path_join(ztest_tmp(), "w.safetensors");
    const struct st_out t[] = {
        {"diffusion_model.blocks.0.cross_attn.q.lora_A.weight", DT_F32, 2, {R, D}, down},
        {"diffusion_model.blocks.0.cross_attn.q.lora_B.weight", DT_F32, 2, {D, R}, up},
        {"diffusion_model.blocks.0.ffn.0.lora_A.weight", DT_F32, 2, {R, 3 * D}, wide},
        {"diffusion_model.blocks.0.ffn.0.lora_B.weight", DT_F32, 2, {D, R}, up}};
    struct part p;
    struct err e = {0};

    CHECK_INT(st_write(path, t, 4, NULL, 0, &e), 0);
    small_net(&p);
    CHECK_INT(lora_apply(&p, path, USE(1), NULL, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg,
                   "lora_A.weight is [2,24], which does not fit blocks.0.ffn.net.0.proj.weight "
                   "of [8,8]: it is of another model");
    for (int i = 0; i < part_weights(&p)->n; i++) /* nor the pair that fits */
        CHECK(!part_weights(&p)->all[i]->lora);
    part_release(&p);
    free(path);
}

/* One made for words alone: the layers that read a picture stay as they are, the rest acts. */
TEST(lora_for_words_on_a_model_that_reads_pictures)
{
    char *path = put_file("diffusion_model.blocks.0.cross_attn.k.lora_A.weight",
                          "diffusion_model.blocks.0.cross_attn.k.lora_B.weight", NULL, NULL, 0);
    struct lora_report r;
    struct part p;
    struct err e = {0};

    net_of(&p, "{\"_class_name\":\"WanTransformer3DModel\",\"num_attention_heads\":1,"
               "\"attention_head_dim\":8,\"in_channels\":9,\"out_channels\":4,\"text_dim\":8,"
               "\"freq_dim\":8,\"ffn_dim\":8,\"num_layers\":2,\"image_dim\":8,"
               "\"added_kv_proj_dim\":8}");
    CHECK(weight_find(part_weights(&p), "blocks.0.attn2.add_k_proj.weight") != NULL);
    CHECK_INT(lora_apply(&p, path, USE(1), &r, &e), 0);
    CHECK(r.matched == 1 && !r.unmatched);
    changes(&p, "blocks.0.attn2.to_k.weight", 1);
    part_release(&p);
    free(path);
}

/* x (W + B A)^T, W as a file keeps it, both widths. */
TEST(lora_product_is_that_of_the_sum)
{
    enum { ROWS = 5, IN = 32, OUT = 7 };
    const struct stored_form *form = stored_named("Q8_0");
    float a[R * IN], b[OUT * R], w[OUT * IN], sum[OUT * IN], x[ROWS * IN], got[2][ROWS * OUT];
    char packed[OUT * 34];
    struct weight_set s;
    struct err e = {0};

    for (int i = 0; i < OUT * IN; i++)
        w[i] = (float)(i * 31 % 63 - 31);
    for (int i = 0; i < R * IN; i++)
        a[i] = (float)(i % 9 - 4) / 8;
    for (int i = 0; i < OUT * R; i++)
        b[i] = (float)(i % 5 - 2) / 4;
    for (int i = 0; i < ROWS * IN; i++)
        x[i] = (float)(i * 7 % 13 - 6) / 8;
    form->pack(packed, w, OUT * IN);
    form->unpack(w, packed, OUT * IN);
    for (int o = 0; o < OUT; o++)
        for (int i = 0; i < IN; i++) {
            sum[o * IN + i] = w[o * IN + i];
            for (int r = 0; r < R; r++)
                sum[o * IN + i] += b[o * R + r] * a[r * IN + i];
        }
    weight_set_init(&s);
    struct linear_w l[2] = {linear_declare(&s, "a", IN, OUT, 0, INIT_ZERO, 0),
                            linear_declare(&s, "b", IN, OUT, 0, INIT_ZERO, 0)};
    weight_set_prepare(&s, device_cpu(), DT_F32);
    weight_place(l[0].w, form, packed, NULL);
    CHECK_INT(weight_set_finish(&s, 0, &e), 0);
    weight_store(l[1].w, sum, DT_F32);
    struct lora_values pair = {.a = a, .b = b, .rank = R, .to = 1};
    CHECK_INT(weight_add_lora(l[0].w, &pair, &e), 0);
    for (int bf = 0; bf < 2; bf++) {
        struct cx cx;
        double diff = 0, norm = 0;

        cx_init(&cx, device_cpu(), bf ? DT_BF16 : DT_F32, NULL);
        for (int i = 0; i < 2; i++) {
            struct tensor *t = tensor_from(&cx, cx.type, DIMS(ROWS, IN), x, DT_F32);
            tensor_read_f32(&cx, linear_wide(&cx, t, &l[i]), got[i]);
        }
        for (int i = 0; i < ROWS * OUT; i++) {
            diff += (double)(got[0][i] - got[1][i]) * (got[0][i] - got[1][i]);
            norm += (double)got[1][i] * got[1][i];
        }
        CHECK_BELOW(sqrt(diff / norm), bf ? 1e-2 : 1e-6);
        cx_release(&cx);
    }
    weight_set_release(&s);
}
