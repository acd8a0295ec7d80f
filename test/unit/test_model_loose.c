/* Models of loose files: ComfyUI's folders, single files by name, what is missing or fits twice.
 * The files hold the few tensors by which they are recognised. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tree.h"
#include "format/safetensors.h"
#include "model/loose.h"
#include "model/loose_inner.h"
#include "ztest.h"

static const float zeros[128 * 48 * 4];

#define ROW(name, ...)                                                                             \
    {                                                                                              \
        name, DT_F32, sizeof((int64_t[]){__VA_ARGS__}) / 8, {__VA_ARGS__}, zeros                   \
    }

static void put(const char *tree, const char *path, const struct st_out *t, int n)
{
    char *full = path_join(tree, path), *dir = path_dir(full);
    struct err e = {0};

    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(st_write(full, t, n, NULL, 0, &e), 0);
    free(full);
    free(dir);
}

static void put_transformer(const char *tree, const char *path, int in, int out)
{
    const struct st_out t[] = {
        ROW("model.diffusion_model.patch_embedding.weight", 128, in, 1, 2, 2),
        ROW("model.diffusion_model.blocks.0.modulation", 1, 6, 128),
        ROW("model.diffusion_model.blocks.0.ffn.0.weight", 32, 128),
        ROW("model.diffusion_model.head.head.weight", 4 * out, 128)};

    put(tree, path, t, 4);
}

static void put_vae(const char *tree, const char *path, int channels)
{
    const struct st_out t[] = {ROW("conv2.weight", channels, channels, 1, 1, 1),
                               ROW("encoder.conv1.weight", 8, 3, 3, 3, 3),
                               ROW("decoder.head.0.gamma", 8, 1, 1, 1)};

    put(tree, path, t, 3);
}

/* A tiny decoder, which zoetrope knows by where its layers are counted. */
static void put_tiny(const char *tree, const char *path, int channels)
{
    const struct st_out t[] = {ROW("encoder.0.weight", 8, channels == 48 ? 12 : 3, 3, 3),
                               ROW("decoder.1.weight", 8, channels, 3, 3),
                               ROW("decoder.13.conv.weight", 16, 8, 1, 1),
                               ROW("decoder.19.conv.weight", 16, 8, 1, 1),
                               ROW("decoder.22.weight", channels == 48 ? 12 : 3, 8, 3, 3)};

    put(tree, path, t, 5);
}

static void put_text(const char *tree, const char *path, const char *spiece)
{
    struct st_out t[] = {
        ROW("shared.weight", 30, 16),
        ROW("encoder.block.0.layer.0.layer_norm.weight", 16),
        ROW("encoder.block.0.layer.0.SelfAttention.q.weight", 16, 16),
        ROW("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", 32, 2),
        {"spiece_model", DT_U8, 1, {spiece ? (int64_t)strlen(spiece) : 0}, spiece},
    };

    put(tree, path, t, spiece ? 5 : 4);
}

/* A fresh tree, and a cache of its own. */
static char *new_tree(const char *name)
{
    char *tree = path_join(ztest_tmp(), name), *cache = path_join(ztest_tmp(), "cache");

    setenv("XDG_CACHE_HOME", cache, 1);
    if (dir_exists(tree))
        CHECK_INT(tree_remove(tree, NULL), 0);
    free(cache);
    return tree;
}

static void file_holds(const char *dir, const char *name, const char *want)
{
    char *path = path_join(dir, name);
    struct buf b = BUF_INIT;
    struct err e = {0};

    CHECK_INT(file_read(&b, path, 1 << 20, &e), 0);
    CHECK_CONTAINS(buf_str(&b), want);
    buf_release(&b);
    free(path);
}

static void leads_to(const char *dir, const char *name, const char *tree, const char *file)
{
    char *path = path_join(dir, name), *want = path_join(tree, file);
    char *a = realpath(path, NULL), *b = realpath(want, NULL);

    CHECK(a && b);
    CHECK_STR(a, b);
    free(a);
    free(b);
    free(path);
    free(want);
}

static void refused(const struct loose *l, int code, const char *want)
{
    struct err e = {0};
    char *dir;

    CHECK_INT(loose_model(&dir, l, &e), code);
    CHECK(dir == NULL);
    CHECK_CONTAINS(e.msg, want);
}

TEST(loose_tree_of_comfyui_is_a_model)
{
    char *tree = new_tree("comfy"), *dir, *again;
    struct loose l = {.tree = tree};
    struct err e = {0};

    put_transformer(tree, "diffusion_models/wan2.1_t2v_1.3B_bf16.safetensors", 16, 16);
    put_vae(tree, "vae/wan_2.1_vae.safetensors", 16);
    put_vae(tree, "vae/wan2.2_vae.safetensors", 48); /* of another family: it does not fit */
    put_text(tree, "text_encoders/umt5_xxl_fp16.safetensors", "the bytes of spiece.model");
    put_text(tree, "loras/not_looked_at.safetensors", NULL);
    CHECK(loose_is_tree(tree));
    CHECK_INT(loose_model(&dir, &l, &e), 0);
    file_holds(dir, "model_index.json", "\"_class_name\": \"WanPipeline\"");
    file_holds(dir, "transformer/config.json", "\"in_channels\": 16");
    file_holds(dir, "vae/config.json", "\"z_dim\": 16");
    file_holds(dir, "tokenizer/spiece.model", "the bytes of spiece.model");
    file_holds(dir, "scheduler/scheduler_config.json", "UniPCMultistepScheduler");
    leads_to(dir, "transformer/model.safetensors", tree,
             "diffusion_models/wan2.1_t2v_1.3B_bf16.safetensors");
    leads_to(dir, "text_encoder/model.safetensors", tree,
             "text_encoders/umt5_xxl_fp16.safetensors");
    leads_to(dir, "vae/model.safetensors", tree, "vae/wan_2.1_vae.safetensors");
    CHECK_INT(loose_model(&again, &l, &e), 0);
    CHECK_STR(again, dir); /* the same files, the same folder */
    CHECK_CONTAINS(path_base(dir), "wan2.1_t2v_1.3B_bf16-");
    free(dir);
    free(again);
    free(tree);
}

TEST(loose_experts_are_told_by_name)
{
    char *tree = new_tree("experts"), *dir;
    struct loose l = {.tree = tree};
    struct err e = {0};

    put_transformer(tree, "high_noise_model/diffusion_pytorch_model.safetensors", 36, 16);
    put_transformer(tree, "low_noise_model/diffusion_pytorch_model.safetensors", 36, 16);
    put_vae(tree, "Wan2.1_VAE.safetensors", 16);
    put_text(tree, "models_t5.safetensors", "pieces");
    CHECK_INT(loose_model(&dir, &l, &e), 0);
    leads_to(dir, "transformer/model.safetensors", tree,
             "high_noise_model/diffusion_pytorch_model.safetensors");
    leads_to(dir, "transformer_2/model.safetensors", tree,
             "low_noise_model/diffusion_pytorch_model.safetensors");
    file_holds(dir, "model_index.json", "\"boundary_ratio\": 0.9");
    file_holds(dir, "model_index.json", "WanImageToVideoPipeline");
    CHECK_CONTAINS(path_base(dir), "low_noise_model-");
    free(dir);
    free(tree);
}

/* The original release after `convert`: the tokenizer has a folder there. */
TEST(loose_release_has_its_tokenizer_in_a_folder)
{
    char *tree = new_tree("release"), *dir,
         *words = path_join(tree, "google/umt5-xxl/spiece.model");
    char *folder = path_dir(words);
    struct loose l = {.tree = tree};
    struct err e = {0};

    put_transformer(tree, "diffusion_pytorch_model.safetensors", 16, 16);
    put_vae(tree, "Wan2.1_VAE.safetensors", 16);
    put_text(tree, "models_t5_umt5-xxl-enc-bf16.safetensors", NULL);
    CHECK_INT(dir_make(folder, &e), 0);
    CHECK_INT(file_write(words, "words", 5, &e), 0);
    CHECK_INT(loose_model(&dir, &l, &e), 0);
    file_holds(dir, "tokenizer/spiece.model", "words");
    free(dir);
    free(tree);
    free(words);
    free(folder);
}

/* Users keep files in folders of their own, and disks may be called anything. */
TEST(loose_experts_are_told_in_folders_of_users)
{
    char *disk = new_tree("slow-disk"), *tree = path_join(disk, "models"), *dir, *one;
    struct loose l = {.tree = tree}, alone = {.tree = tree};
    struct err e = {0};

    put_transformer(disk, "models/unet/Wan22/T2V-HighNoise-Q4.safetensors", 16, 16);
    put_transformer(disk, "models/unet/Wan22/T2V-LowNoise-Q4.safetensors", 16, 16);
    put_vae(disk, "models/vae/wan/low.safetensors", 16);
    put_text(disk, "models/clip/umt5.safetensors", "pieces");
    CHECK_INT(loose_model(&dir, &l, &e), 0);
    leads_to(dir, "transformer/model.safetensors", tree, "unet/Wan22/T2V-HighNoise-Q4.safetensors");
    leads_to(dir, "transformer_2/model.safetensors", tree,
             "unet/Wan22/T2V-LowNoise-Q4.safetensors");
    file_holds(dir, "model_index.json", "\"boundary_ratio\": 0.875");
    free(dir);
    one = path_join(tree, "unet/Wan22/T2V-HighNoise-Q4.safetensors");
    CHECK_INT(unlink(one), 0);
    CHECK_INT(loose_model(&dir, &alone, &e), 0);
    file_holds(dir, "model_index.json", "\"expert\": \"low\"");
    free(one);
    free(dir);
    free(tree);
    free(disk);
}

TEST(loose_experts_are_words_of_their_own)
{
    CHECK_INT(found_noise("unet/wan2.2_t2v_low_noise_14B.safetensors"), -1);
    CHECK_INT(found_noise("A14B/HIGH/model.safetensors"), 1);
    CHECK_INT(found_noise("unet/t2v_high-Q4_K.gguf"), 1);
    CHECK_INT(found_noise("low_vram/t2v.safetensors"), 0);
    CHECK_INT(found_noise("unet/wan-high-quality.safetensors"), 0);
    CHECK_INT(found_noise("slow/lowvram.safetensors"), 0);
}

TEST(loose_files_by_option)
{
    char *tree = new_tree("by_option"), *dir, *t = path_join(tree, "t.safetensors"),
         *x = path_join(tree, "x.safetensors"), *v = path_join(tree, "v.safetensors"),
         *words = path_join(tree, "spiece.model");
    struct loose l = {.file = {t, NULL, x, v}}, other;
    struct err e = {0};

    put_transformer(tree, "t.safetensors", 48, 48);
    put_vae(tree, "v.safetensors", 16);
    put_text(tree, "x.safetensors", NULL);
    refused(&l, ERR_FORMAT, "v.safetensors takes a latent of 16 channels,");
    put_tiny(tree, "v.safetensors", 16); /* that of 2.1 for a transformer of 2.2 */
    refused(&l, ERR_FORMAT, "v.safetensors takes a latent of 16 channels,");
    put_tiny(tree, "v.safetensors", 48);
    refused(&l, ERR_FORMAT, "x.safetensors: no tokenizer in it");
    put_vae(tree, "v.safetensors", 48);
    refused(&l, ERR_FORMAT,
            "x.safetensors: no tokenizer in it (tensor spiece_model) nor beside it");
    CHECK_INT(file_write(words, "words", 5, &e), 0);
    CHECK_INT(loose_model(&dir, &l, &e), 0);
    leads_to(dir, "tokenizer/spiece.model", tree, "spiece.model");
    file_holds(dir, "model_index.json", "\"expand_timesteps\": true");
    other = l;
    other.file[LOOSE_CODEC] = x;
    refused(&other, ERR_FORMAT, "x.safetensors holds a text encoder, a vae is wanted");
    other.file[LOOSE_CODEC] = NULL;
    refused(&other, ERR_USAGE, "no vae; option vae names one");
    other.file[LOOSE_CODEC] = "none.safetensors";
    refused(&other, ERR_IO, "vae: none.safetensors: there is no such file");
    free(dir);
    free(tree);
    free(t);
    free(x);
    free(v);
    free(words);
}

TEST(loose_trees_that_are_not_clear)
{
    char *tree = new_tree("unclear"), *pickle = path_join(tree, "Wan2.1_VAE.pth");
    struct loose l = {.tree = tree};
    struct err e = {0};

    put_transformer(tree, "unet/a.safetensors", 16, 16);
    put_transformer(tree, "unet/b.safetensors", 16, 16);
    refused(&l, ERR_FORMAT,
            "2 files may be the transformer: a.safetensors, b.safetensors; option "
            "diffusion-model names one");
    l.file[LOOSE_DENOISER] = "a.safetensors"; /* of the tree */
    put_text(tree, "clip/x.safetensors", "pieces");
    refused(&l, ERR_FORMAT, "no vae that fits among its files; option vae names one");
    CHECK_INT(file_write(pickle, "PK", 2, &e), 0);
    refused(&l, ERR_FORMAT,
            "Wan2.1_VAE.pth is a file of PyTorch, which is not read: make one of it "
            "with `zoetrope convert");
    free(tree);
    free(pickle);
}

/* A folder of anything is not looked through to its end. */
TEST(loose_folder_of_too_many_files_is_refused)
{
    char *tree = path_join(ztest_tmp(), "too-many");
    struct found_list found;
    struct err e;

    CHECK_INT(dir_make(tree, &e), 0);
    put_vae(tree, "vae.safetensors", 16);
    for (int i = 0; i < (1 << 15) - 1; i++) {
        char *path = xasprintf("%s/%d", tree, i);
        int fd = open(path, O_WRONLY | O_CREAT, 0600);

        CHECK(fd >= 0);
        close(fd);
        free(path);
    }
    CHECK(loose_is_tree(tree)); /* whoever opens it says why not */
    CHECK_INT(found_in(&found, tree, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, tree);
    CHECK_CONTAINS(e.msg, "name the folder of one model");
    found_release(&found);
    free(tree);
}
