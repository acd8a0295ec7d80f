/* Weight files without a config: which network it is, by names and shapes. Files of the true shapes
 * are holes on the disk. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "fixture.h"
#include "model/networks.h"
#include "model/recognise.h"
#include "ztest.h"

/* A file with the names and shapes of a network and nothing in it; the caller frees the path. */
static char *hollow(struct weight_set *s, const char *prefix)
{
    char *path = path_join(ztest_tmp(), "hollow.safetensors");
    struct buf b = BUF_INIT;
    uint64_t at = 0, n;
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    buf_putc(&b, '{');
    for (int i = 0; i < s->n; i++) {
        uint64_t bytes = 2 * (uint64_t)weight_count(s->all[i]);
        const struct weight *t = s->all[i];
        static const int order[3][5] = {{0, 1, 2, 3, 4}, {0, 3, 1, 2}, {0, 4, 1, 2, 3}};
        int in_file = t->conv ? t->rank - 3 : 0;

        buf_printf(&b, "%s\"%s%s\":{\"dtype\":\"BF16\",\"shape\":[", i ? "," : "", prefix,
                   s->all[i]->name);
        for (int d = 0; d < t->rank; d++)
            buf_printf(&b, "%s%lld", d ? "," : "", (long long)t->dim[order[in_file][d]]);
        buf_printf(&b, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at,
                   (unsigned long long)(at + bytes));
        at += bytes;
    }
    buf_putc(&b, '}');
    n = b.len;
    CHECK(fd >= 0 && write(fd, &n, 8) == 8 && write(fd, b.data, b.len) == (ssize_t)b.len);
    CHECK_INT(ftruncate(fd, (off_t)(8 + n + at)), 0);
    close(fd);
    buf_release(&b);
    return path;
}

/* The config that is recognised declares the network that the file was made from. */
static void same_network(enum part_role role, const char *config, const char *prefix)
{
    char *made = path_join(ztest_tmp(), "made/config.json"), *dir = path_dir(made), *path;
    struct part a, b;
    struct st_file *f;
    struct recognised r;
    struct buf x = BUF_INIT, y = BUF_INIT;
    struct err e = {0};

    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(file_write(made, config, strlen(config), &e), 0);
    CHECK_INT(part_declare(&a, dir, role, &e), 0);
    path = hollow(part_weights(&a), prefix);
    CHECK_INT(st_open(&f, path, &e), 0);
    CHECK_INT(recognise(&r, f, &e), 0);
    CHECK_INT(r.role, role);
    CHECK_INT(file_write(made, r.config.data, r.config.len, &e), 0);
    CHECK_INT(part_declare(&b, dir, role, &e), 0);
    a.is->config_write(a.net, &x);
    b.is->config_write(b.net, &y);
    CHECK_STR(buf_str(&y), buf_str(&x));
    part_release(&a);
    part_release(&b);
    recognised_release(&r);
    st_close(&f);
    CHECK_INT(unlink(path), 0);
    buf_release(&x);
    buf_release(&y);
    free(path);
    free(made);
    free(dir);
}

#define WAN_HEADS(n) "\"attention_head_dim\":128,\"num_attention_heads\":" n ","

TEST(recognise_released_transformers)
{
    same_network(PART_DENOISER,
                 "{\"_class_name\":\"WanTransformer3DModel\"," WAN_HEADS(
                     "12") "\"ffn_dim\":8960,\"num_layers\":30}",
                 "");
    same_network(PART_DENOISER,
                 "{\"_class_name\":\"WanTransformer3DModel\"," WAN_HEADS(
                     "24") "\"ffn_dim\":14336,\"num_layers\":30,\"in_channels\":48,"
                           "\"out_channels\":48}",
                 "model.diffusion_model.");
    same_network(PART_DENOISER,
                 "{\"_class_name\":\"WanTransformer3DModel\"," WAN_HEADS(
                     "40") "\"num_layers\":40,\"in_channels\":36,\"out_channels\":16,"
                           "\"image_dim\":1280,\"added_kv_proj_dim\":5120,"
                           "\"pos_embed_seq_len\":514}",
                 "");
    same_network(PART_DENOISER,
                 "{\"_class_name\":\"WanVACETransformer3DModel\"," WAN_HEADS(
                     "12") "\"ffn_dim\":8960,\"num_layers\":30,"
                           "\"vace_layers\":[0,2,4,6,8,10,12,14,16,18,20,22,24,26,28],"
                           "\"vace_in_channels\":96}",
                 "");
    same_network(PART_DENOISER,
                 "{\"_class_name\":\"WanVACETransformer3DModel\"," WAN_HEADS(
                     "40") "\"vace_layers\":[0,5,10,15,20,25,30,35],\"vace_in_channels\":96}",
                 "diffusion_model.");
}

TEST(recognise_released_encoders)
{
    same_network(PART_TEXT,
                 "{\"architectures\":[\"UMT5EncoderModel\"],\"model_type\":\"umt5\","
                 "\"vocab_size\":256384,\"d_model\":4096,\"d_kv\":64,\"d_ff\":10240,"
                 "\"num_layers\":24,\"num_heads\":64}",
                 "");
    same_network(PART_TEXT,
                 "{\"architectures\":[\"T5EncoderModel\"],\"model_type\":\"t5\","
                 "\"feed_forward_proj\":\"gated-gelu\",\"vocab_size\":32128,\"d_model\":4096,"
                 "\"d_kv\":64,\"d_ff\":10240,\"num_layers\":24,\"num_heads\":64}",
                 "");
    same_network(PART_IMAGE,
                 "{\"architectures\":[\"CLIPVisionModel\"],\"hidden_act\":\"gelu\","
                 "\"hidden_size\":1280,\"intermediate_size\":5120,\"num_hidden_layers\":32,"
                 "\"num_attention_heads\":16,\"image_size\":224,\"patch_size\":14}",
                 "vision_model.");
}

TEST(recognise_released_autoencoders)
{
    same_network(PART_CODEC, "{\"_class_name\":\"AutoencoderKLWan\"}", "first_stage_model.");
    same_network(
        PART_CODEC,
        "{\"_class_name\":\"TAEHV\",\"latent_channels\":16,\"decoder_width\":[256,128,64,64],"
        "\"time_down\":[true,true,false],\"time_up\":[false,true,true]}",
        "");
    same_network(PART_CODEC,
                 "{\"_class_name\":\"TAEHV\",\"latent_channels\":48,\"patch_size\":2,"
                 "\"decoder_width\":[256,128,64,64],\"time_down\":[true,true,false],"
                 "\"time_up\":[false,true,true]}",
                 "vae.");
}

static void golden_is(const char *name, enum part_role role, const char *want)
{
    struct recognised r;
    struct st_file *f;
    struct err e = {0};
    char path[96];

    snprintf(path, sizeof path, "golden/%s", name);
    CHECK_INT(st_open(&f, ztest_data(path), &e), 0);
    CHECK_INT(recognise(&r, f, &e), 0);
    CHECK_INT(r.role, role);
    CHECK_CONTAINS(buf_str(&r.config), want);
    recognised_release(&r);
    st_close(&f);
}

TEST(recognise_other_names)
{
    golden_is("umt5-gguf/model.gguf", PART_TEXT, "\"d_kv\": 16");
    golden_is("umt5-gguf/model.gguf", PART_TEXT, "\"num_layers\": 2");
    golden_is("wan-t2v-original-keys/model.safetensors", PART_DENOISER, "\"text_dim\": 20");
    golden_is("wan-vae-2.1-original-keys/model.safetensors", PART_CODEC, "\"is_residual\": false");
    golden_is("wan-vae-2.2-original-keys/model.safetensors", PART_CODEC, "\"patch_size\": 2");
    golden_is("tiny-vae/model.safetensors", PART_CODEC, "\"latent_channels\": 6");
    golden_is("wan-i2v-comfy-keys/model.safetensors", PART_DENOISER, "\"image_dim\": 8");
}

/* What was made of Wan has its tensors and others: it is named, not taken for a transformer of Wan.
 */
TEST(recognise_says_what_was_made_of_wan)
{
    static const char *const rows[][3] = {
        {"", "casual_audio_encoder.encoder.final_linear.weight", "this is Wan2.2 S2V"},
        {"model.diffusion_model.", "face_adapter.fuser_blocks.0.k_norm.weight", "Wan2.2 Animate"},
        {"", "audio_proj.audio_proj_glob_1.layer.bias", "this is HuMo"},
        {"", "audio_proj.proj1.weight", "this is MultiTalk"},
        {"", "control_adapter.conv.weight", "--camera moves the camera"},
        {"", "blocks.0.cam_encoder.weight", "this is ReCamMaster"},
        {"", "ref_conv.weight", "VACE takes one"},
    };
    static const char *const wan[] = {"patch_embedding.weight", "blocks.0.modulation",
                                      "head.head.weight"};
    char *path = path_join(ztest_tmp(), "kin.safetensors");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = BUF_INIT;
        struct recognised r;
        struct st_file *f;
        struct err e = {0};
        uint64_t n;

        buf_puts(&b, "00000000{");
        for (int t = 0; t < 4; t++)
            buf_printf(&b, "%s\"%s%s\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}",
                       t ? "," : "", rows[i][0], t < 3 ? wan[t] : rows[i][1], t, t + 1);
        buf_puts(&b, "}");
        n = b.len - 8;
        buf_puts(&b, "1234");
        memcpy(b.data, &n, 8);
        CHECK_INT(file_write(path, b.data, b.len, &e), 0);
        buf_release(&b);
        CHECK_INT(st_open(&f, path, &e), 0);
        CHECK_INT(recognise(&r, f, &e), ERR_FORMAT);
        CHECK_CONTAINS(e.msg, rows[i][2]);
        CHECK_CONTAINS(e.msg,
                       "it is not read; transformers of Wan that are: T2V, I2V, FLF2V, VACE");
        CHECK(r.kin && !r.class);
        st_close(&f);
    }
    free(path);
}

TEST(recognise_says_what_is_no_network)
{
    struct recognised r;
    struct st_file *f;
    struct err e = {0};

    CHECK_INT(st_open(&f, ztest_data("golden/comfy-quant/model.safetensors"), &e), 0);
    CHECK_INT(recognise(&r, f, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "model.safetensors: by its 25 tensors this is no network that is known: "
                          "fp8.comfy_quant, fp8.weight, fp8.weight_scale, ...; known are "
                          "transformers of Wan, encoders of UMT5 and T5,");
    st_close(&f);
}
