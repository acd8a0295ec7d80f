/* What a folder holds of a model: missing, damaged, superfluous, not finite. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/tree.h"
#include "fixture.h"
#include "generate/step_speed.h"
#include "model/checkup.h"
#include "model/hub.h"
#include "model/networks.h"
#include "ztest.h"

/* A copy of the small model; the caller frees. */
static char *copy_of_fixture(const char *name)
{
    char *dir = path_join(ztest_tmp(), name);
    struct err e = {0};

    if (dir_exists(dir))
        CHECK_INT(tree_remove(dir, &e), 0);
    CHECK_INT(tree_copy(fixture_dir(), dir, NULL, &e), 0);
    return dir;
}

static void put(const char *dir, const char *name, const char *text)
{
    char *path = path_join(dir, name), *folder = path_dir(path);
    struct err e = {0};

    CHECK_INT(dir_make(folder, &e), 0);
    CHECK_INT(file_write(path, text, strlen(text), &e), 0);
    free(folder);
    free(path);
}

static void look(struct checkup *c, const char *dir)
{
    struct err e = {0};

    CHECK_INT(checkup_look(c, &dir, 1, &e), 0);
}

static const struct checked_file *file_of(const struct checkup *c, const char *path)
{
    for (int i = 0; i < c->n; i++)
        if (!strcmp(c->file[i].path, path))
            return &c->file[i];
    ztest_fail(__FILE__, __LINE__, "%s is not among the files", path);
}

/* 1: a line of what is wrong holds both texts. */
static int is_wrong(const struct checkup *c, const char *a, const char *b)
{
    for (int i = 0; i < c->n_wrong; i++)
        if (strstr(c->wrong[i], a) && strstr(c->wrong[i], b))
            return 1;
    for (int i = 0; i < c->n_wrong; i++)
        printf("wrong: %s\n", c->wrong[i]);
    return 0;
}

static const char WEIGHTS[] = "transformer/diffusion_pytorch_model.safetensors";

TEST(checkup_of_a_whole_model)
{
    char *dir = copy_of_fixture("whole");
    struct checkup c;

    put(dir, "transformer/diffusion_pytorch_model.bin", "PK a pickle");
    put(dir, "vae/model.safetensors.incomplete", "half");
    put(dir, "README.md", "words");
    look(&c, dir);
    CHECK_INT(c.n_wrong, 0);
    CHECK_INT(c.kind, CHECKUP_OURS);
    CHECK_STR(c.model, dir);
    CHECK_STR(c.info.name, "fixture");
    CHECK_INT(file_of(&c, WEIGHTS)->state, CHECKED_USED);
    CHECK_STR(file_of(&c, WEIGHTS)->part, "transformer");
    CHECK_INT(file_of(&c, "tokenizer/tokenizer.json")->state, CHECKED_USED);
    CHECK_INT(file_of(&c, "transformer/diffusion_pytorch_model.bin")->state, CHECKED_UNUSED);
    CHECK_CONTAINS(file_of(&c, "transformer/diffusion_pytorch_model.bin")->say, "zoetrope convert");
    CHECK_CONTAINS(file_of(&c, "vae/model.safetensors.incomplete")->say, "not finished");
    CHECK_INT(c.unused_bytes, 15);
    checkup_release(&c);
    free(dir);
}

TEST(checkup_names_what_is_missing)
{
    char *dir = copy_of_fixture("missing"), *vae = path_join(dir, "vae");
    char *weights = path_join(dir, WEIGHTS), *tokenizer = path_join(dir, "tokenizer");
    struct checkup c;

    CHECK_INT(tree_remove(vae, NULL), 0);
    CHECK_INT(unlink(weights), 0);
    CHECK_INT(tree_remove(tokenizer, NULL), 0);
    look(&c, dir);
    CHECK(!c.model);
    CHECK_INT(c.n_wrong, 3); /* all of them at once */
    CHECK(is_wrong(&c, "the vae is missing: folder vae", "diffusion_pytorch_model.safetensors"));
    CHECK(is_wrong(&c, "the transformer has no weights: in transformer", ".gguf"));
    CHECK(is_wrong(&c, "the tokenizer is missing", "tokenizer/spiece.model"));
    checkup_release(&c);
    free(tokenizer);
    free(weights);
    free(vae);
    free(dir);
}

static void damaged(const char *name, const char *text, const char *says)
{
    char *dir = copy_of_fixture("damaged");
    struct checkup c;

    put(dir, name, text);
    look(&c, dir);
    CHECK(!c.model);
    CHECK_INT(file_of(&c, name)->state, CHECKED_BAD);
    CHECK_CONTAINS(file_of(&c, name)->say, says);
    CHECK(c.n_wrong > 0);
    checkup_release(&c);
    free(dir);
}

TEST(checkup_knows_what_came_instead)
{
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\noid sha256:1\n";

    damaged(WEIGHTS, pointer, "Git LFS pointer");
    damaged("transformer/config.json", pointer, "Git LFS pointer");
    damaged(WEIGHTS, "<!DOCTYPE html><html>", "HTML page");
    damaged("vae/config.json", "<html>not found</html>", "HTML page");
    damaged("model_index.json", "{\"_class_name\": ", "");
}

TEST(checkup_finds_a_file_that_was_cut)
{
    char *dir = copy_of_fixture("cut"), *weights = path_join(dir, WEIGHTS);
    struct checkup c;

    CHECK_INT(truncate(weights, file_size(weights) - 1), 0);
    look(&c, dir);
    CHECK(!c.model);
    CHECK_INT(file_of(&c, WEIGHTS)->state, CHECKED_BAD);
    CHECK(is_wrong(&c, "transformer: ", "diffusion_pytorch_model.safetensors"));
    checkup_release(&c);
    free(weights);
    free(dir);
}

TEST(checkup_names_the_shard_that_is_not_there)
{
    char *dir = copy_of_fixture("shards"), *weights = path_join(dir, WEIGHTS);
    struct checkup c;

    CHECK_INT(unlink(weights), 0);
    put(dir, "transformer/diffusion_pytorch_model.safetensors.index.json",
        "{\"weight_map\": {\"a\": \"diffusion_pytorch_model-00001-of-00002.safetensors\"}}");
    look(&c, dir);
    CHECK(!c.model);
    CHECK(is_wrong(&c, "transformer: ", "diffusion_pytorch_model-00001-of-00002.safetensors"));
    checkup_release(&c);
    free(weights);
    free(dir);
}

/* SHA-256 of a file. */
static void hash_of(const char *path, char hex[65])
{
    struct buf b = BUF_INIT;
    struct sha256 h;
    struct err e;

    CHECK_INT(file_read(&b, path, 1 << 26, &e), 0);
    sha256_init(&h);
    sha256_add(&h, b.data, b.len);
    sha256_hex(&h, hex);
    buf_release(&b);
}

/* Another value in the last byte but three, the header as it was. */
static void change_a_value(const char *path, const void *value, size_t n)
{
    FILE *f = fopen(path, "r+b");

    CHECK(f && !fseek(f, -(long)n, SEEK_END));
    CHECK_INT(fwrite(value, 1, n, f), n);
    fclose(f);
}

TEST(checkup_compares_sums_that_lie_there)
{
    char *dir = copy_of_fixture("sums"), *weights = path_join(dir, WEIGHTS), line[256], hex[65];
    struct checkup c;
    struct err e = {0};

    hash_of(weights, hex);
    snprintf(line, sizeof line, "%s *%s\n", hex, WEIGHTS);
    put(dir, "SHA256SUMS", line);
    look(&c, dir);
    CHECK_INT(checkup_hash_bytes(&c), file_size(weights));
    CHECK_INT(checkup_hash(&c, NULL, &e), 0);
    CHECK(file_of(&c, WEIGHTS)->hashed && c.model && !c.n_wrong);
    checkup_release(&c);

    change_a_value(weights, "\1\2\3\4", 4);
    look(&c, dir);
    CHECK(c.model != NULL); /* its head tells nothing */
    CHECK_INT(checkup_hash(&c, NULL, &e), 0);
    CHECK(!c.model);
    CHECK(is_wrong(&c, WEIGHTS, "SHA-256"));
    checkup_release(&c);

    put(dir, "SHA256SUMS", "");
    snprintf(line, sizeof line, "revision\n%s\n1700000000.0\n", hex);
    put(dir,
        ".cache/huggingface/download/transformer/"
        "diffusion_pytorch_model.safetensors.metadata",
        line);
    look(&c, dir);
    CHECK_INT(checkup_hash(&c, NULL, &e), 0);
    CHECK(is_wrong(&c, WEIGHTS, "SHA-256"));
    checkup_release(&c);
    free(weights);
    free(dir);
}

TEST(checkup_reads_the_hubs_cache)
{
    char *from = copy_of_fixture("hub/models--org--name/snapshots/0123");
    char *repo = path_join(ztest_tmp(), "hub/models--org--name"),
         *hub = path_join(ztest_tmp(), "hub");
    char *weights = path_join(from, WEIGHTS), target[256], hex[65];
    struct checkup c;
    struct err e = {0};

    hash_of(weights, hex);
    put(repo, "refs/main", "0123");
    put(repo, "blobs/x", "");
    snprintf(target, sizeof target, "blobs/%s", hex);
    char *blob = path_join(repo, target);
    CHECK_INT(rename(weights, blob), 0);
    snprintf(target, sizeof target, "../../../blobs/%s", hex);
    CHECK_INT(symlink(target, weights), 0);
    setenv("HF_HUB_CACHE", hub, 1);
    char *found = hub_find("org/name");
    CHECK_STR(found, from);
    CHECK(!hub_find("org/other"));
    look(&c, repo);
    CHECK_STR(c.dir, from);
    CHECK(c.model && !c.n_wrong);
    CHECK_INT(checkup_hash(&c, NULL, &e), 0);
    CHECK(file_of(&c, WEIGHTS)->hashed && !c.n_wrong);
    checkup_release(&c);
    CHECK_INT(unlink(blob), 0); /* a link to nothing */
    look(&c, repo);
    CHECK_INT(file_of(&c, WEIGHTS)->state, CHECKED_BAD);
    CHECK(!c.model);
    checkup_release(&c);
    unsetenv("HF_HUB_CACHE");
    free(found);
    free(blob);
    free(weights);
    free(repo);
    free(hub);
    free(from);
}

TEST(checkup_looks_at_values_when_asked)
{
    char *dir = copy_of_fixture("values"), *weights = path_join(dir, WEIGHTS);
    volatile sig_atomic_t stop = 1;
    struct checkup_watch watch = {.stop = &stop};
    const float nan = NAN;
    struct checkup c;
    struct err e = {0};

    look(&c, dir);
    CHECK_INT(checkup_values(&c, NULL, &e), 0);
    CHECK(c.model && !c.n_wrong);
    CHECK_INT(checkup_values(&c, &watch, &e), ERR_CANCEL);
    checkup_release(&c);
    change_a_value(weights, &nan, 4);
    look(&c, dir);
    CHECK(c.model != NULL);
    CHECK_INT(checkup_values(&c, NULL, &e), 0);
    CHECK(!c.model);
    CHECK(is_wrong(&c, WEIGHTS, "1 values are not finite, the first in "));
    checkup_release(&c);
    free(weights);
    free(dir);
}

/* ---- loose files ---- */

static const float zeros[128 * 48 * 4];

#define ROW(name, ...)                                                                             \
    {                                                                                              \
        name, DT_F32, sizeof((int64_t[]){__VA_ARGS__}) / 8, {__VA_ARGS__}, zeros                   \
    }

static void put_weights(const char *tree, const char *path, const struct st_out *t, int n)
{
    char *full = path_join(tree, path), *dir = path_dir(full);
    struct err e = {0};

    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(st_write(full, t, n, NULL, 0, &e), 0);
    free(full);
    free(dir);
}

static void put_transformer(const char *tree, const char *path, int channels)
{
    const struct st_out t[] = {ROW("patch_embedding.weight", 128, channels, 1, 2, 2),
                               ROW("blocks.0.modulation", 1, 6, 128),
                               ROW("blocks.0.ffn.0.weight", 32, 128),
                               ROW("head.head.weight", 4 * channels, 128)};

    put_weights(tree, path, t, 4);
}

TEST(checkup_of_loose_files)
{
    static const struct st_out lora[] = {ROW("blocks.0.attn1.to_q.lora_A.weight", 4, 16)};
    static const struct st_out vae[] = {ROW("conv2.weight", 16, 16, 1, 1, 1),
                                        ROW("encoder.conv1.weight", 8, 3, 3, 3, 3),
                                        ROW("decoder.head.0.gamma", 8, 1, 1, 1)};
    char *tree = path_join(ztest_tmp(), "loose-checkup");
    char *file = path_join(tree, "diffusion_models/wan2.2_ti2v_5B.safetensors");
    struct checkup c;
    struct err e = {0};

    put_transformer(tree, "diffusion_models/wan2.2_ti2v_5B.safetensors", 48);
    put_weights(tree, "vae/wan_2.1_vae.safetensors", vae, 3); /* of another family */
    put_weights(tree, "loras/fast.safetensors", lora, 1);
    put(tree, "text_encoders/models_t5_umt5-xxl-enc-bf16.pth", "PK");
    look(&c, tree);
    CHECK_INT(c.kind, CHECKUP_LOOSE);
    CHECK(!c.model);
    CHECK_INT(c.n_wrong, 2);
    CHECK(is_wrong(&c, "the text encoder is missing", "umt5_xxl_fp16.safetensors"));
    CHECK(is_wrong(&c, "the vae of 48 channels is missing", "wan2.2_vae.safetensors"));
    CHECK_CONTAINS(file_of(&c, "text_encoders/models_t5_umt5-xxl-enc-bf16.pth")->say, "convert");
    CHECK_CONTAINS(file_of(&c, "loras/fast.safetensors")->say, "a LoRA");
    checkup_release(&c);

    look(&c, file); /* alone it is a whole file, and no model */
    CHECK(c.kind == CHECKUP_PARTS && !c.n_wrong && !c.model);
    CHECK_STR(c.file[0].part, "transformer");
    CHECK_STR(c.file[0].network, "WanTransformer3DModel");
    checkup_release(&c);

    const char *nowhere = "/nowhere/at/all";
    CHECK_INT(checkup_look(&c, &nowhere, 1, &e), ERR_IO);
    checkup_release(&c);
    const char *empty = ztest_data("golden/cases.json");
    look(&c, empty);
    CHECK(!c.model);
    checkup_release(&c);
    free(file);
    free(tree);
}

/* Save, and lay the file where ComfyUI has it. */
static void lay(const char *tree, const char *saved, const char *file, const char *as)
{
    char *from = path_join(saved, file), *to = path_join(tree, as), *dir = path_dir(to);
    struct err e = {0};

    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(rename(from, to), 0);
    free(dir);
    free(to);
    free(from);
}

static void fill(struct weight_set *s)
{
    weights_on_cpu(s, DT_F32, 0);
    weight_set_initialise(s, 1, NULL);
}

/* A whole small model as loose files; where its pieces are saved first. */
static void put_loose_model(const char *tree, const char *saved)
{
    struct wan_config dc;
    struct umt5_config tc;
    struct tiny_vae_config vc = {.latent_channels = 16,
                                 .patch_size = 1,
                                 .stages = 3,
                                 .encoder_width = 8,
                                 .decoder_width = {8, 8, 8, 8},
                                 .time_down = {2, 2, 1},
                                 .time_up = {1, 2, 2},
                                 .space_down = {2, 2, 2},
                                 .space_up = {2, 2, 2},
                                 .encoder_blocks = {3, 3, 3},
                                 .decoder_blocks = {3, 3, 3}};
    struct wan dit;
    struct umt5 text;
    struct tiny_vae vae;
    struct err e = {0};

    wan_config_default(&dc);
    dc.heads = 1;
    dc.head_dim = 128;
    dc.ffn_dim = 64;
    dc.layers = 1;
    dc.freq_dim = dc.text_dim = 32;
    dc.in_channels = dc.out_channels = 16;
    CHECK_INT(wan_init(&dit, &dc, &e), 0);
    fill(&dit.weights);
    CHECK_INT(bundle_save_wan(&dit, saved, DT_F32, NULL, &e), 0);
    wan_release(&dit);
    lay(tree, saved, "diffusion_pytorch_model.safetensors", "unet/wan_t2v.safetensors");
    umt5_config_default(&tc);
    tc.vocab = 1200;
    tc.d_model = 32;
    tc.d_kv = 16;
    tc.d_ff = 48;
    tc.heads = 2;
    CHECK_INT(umt5_init(&text, &tc, &e), 0);
    fill(&text.weights);
    CHECK_INT(bundle_save_umt5(&text, saved, DT_F32, NULL, &e), 0);
    umt5_release(&text);
    lay(tree, saved, "model.safetensors", "text_encoders/umt5.safetensors");
    CHECK_INT(tiny_vae_init(&vae, &vc, &e), 0);
    fill(&vae.weights);
    CHECK_INT(bundle_save_tiny_vae(&vae, saved, DT_F32, NULL, &e), 0);
    tiny_vae_release(&vae);
    lay(tree, saved, "diffusion_pytorch_model.safetensors", "vae/taew2_1.safetensors");
}

TEST(checkup_of_loose_files_that_are_a_model)
{
    char *tree = path_join(ztest_tmp(), "loose-whole"), *saved = path_join(ztest_tmp(), "saved");
    char *spiece = path_join(tree, "text_encoders/spiece.model");
    struct buf b = BUF_INIT;
    struct checkup c;
    struct err e = {0};

    put_loose_model(tree, saved);
    CHECK_INT(file_read(&b, ztest_data("golden/tokenizer-bytes/spiece.model"), 1 << 20, &e), 0);
    CHECK_INT(file_write(spiece, b.data, b.len, &e), 0);
    put(tree, "unet/notes.bin", "other");
    look(&c, tree);
    if (c.n_wrong)
        printf("    %s\n", c.wrong[0]);
    CHECK_INT(c.n_wrong, 0);
    CHECK_INT(c.kind, CHECKUP_LOOSE);
    CHECK(c.model != NULL);
    CHECK_INT(file_of(&c, "unet/wan_t2v.safetensors")->state, CHECKED_USED);
    CHECK_INT(file_of(&c, "text_encoders/umt5.safetensors")->state, CHECKED_USED);
    CHECK_INT(file_of(&c, "text_encoders/spiece.model")->state, CHECKED_USED);
    CHECK_INT(file_of(&c, "vae/taew2_1.safetensors")->state, CHECKED_USED);
    CHECK_INT(file_of(&c, "unet/notes.bin")->state, CHECKED_UNUSED);
    CHECK_INT(c.info.frames, 81); /* what the release draws */
    checkup_release(&c);
    buf_release(&b);
    free(spiece);
    free(saved);
    free(tree);
}

TEST(checkup_of_a_folder_without_a_model)
{
    char *dir = path_join(ztest_tmp(), "no-model");
    struct checkup c;

    put(dir, "notes.txt", "nothing");
    look(&c, dir);
    CHECK_INT(c.kind, CHECKUP_NOTHING);
    CHECK(is_wrong(&c, "neither model_index.json", dir));
    checkup_release(&c);
    free(dir);
}

TEST(step_speed_is_measured_by_one_block)
{
    struct latent_shape shape = {.c = 48, .t = 3, .h = 4, .w = 6, .pt = 1, .ph = 2, .pw = 2};
    struct step_speed one, two;
    struct threads *th = threads_new(1);
    struct bundle *b;
    struct err e = {0};

    CHECK_INT(bundle_declare(&b, fixture_dir(), &e), 0);
    shape.pt = b->denoiser[0].config.patch[0];
    shape.ph = b->denoiser[0].config.patch[1];
    shape.pw = b->denoiser[0].config.patch[2];
    CHECK_INT(step_measure(&one, b, &shape, 1, STEP_SPEED_FLOPS, th, &e), 0);
    CHECK_INT(step_measure(&two, b, &shape, 2, STEP_SPEED_FLOPS, th, &e), 0);
    CHECK_INT(one.blocks, 5);
    CHECK_INT(one.tokens, shape.t * (shape.h / shape.ph) * (shape.w / shape.pw));
    CHECK_INT(one.measured_tokens, one.tokens);
    CHECK(one.block_s > 0 && one.step_s > one.block_s && one.step_s < 1000);
    CHECK_BELOW(fabs(two.flops / one.flops - 2), 0.1);
    CHECK_INT(step_measure(&two, b, &shape, 2, one.flops / 20, th, &e), 0);
    CHECK(two.measured_tokens < two.tokens && two.tokens == one.tokens);
    bundle_free(&b);
    threads_free(&th);
}
