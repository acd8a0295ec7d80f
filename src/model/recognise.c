#include "model/recognise.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "model/store.h"

enum { MOST_BLOCKS = 512, MOST_NAME = 200, N_CONVENTIONS = 3 };

/* A tensor by its names: ours, the release's, llama.cpp's. %d is a number of a block. */
typedef const char *const names[N_CONVENTIONS];

struct look {
    const struct st_file *f;
    const char *prefix;
    struct jsonw w;
};

static const struct st_tensor *numbered(const struct look *l, names n, int block)
{
    const struct st_tensor *t = NULL;
    char name[MOST_NAME];

    for (int i = 0; !t && i < N_CONVENTIONS && n[i]; i++) {
        const char *at = strstr(n[i], "%d");

        if (at)
            snprintf(name, sizeof name, "%s%.*s%d%s", l->prefix, (int)(at - n[i]), n[i], block,
                     at + 2);
        else
            snprintf(name, sizeof name, "%s%s", l->prefix, n[i]);
        t = st_find(l->f, name);
    }
    return t;
}

static const struct st_tensor *find(const struct look *l, names n)
{
    return numbered(l, n, 0);
}

/* Size i of a tensor; 0 where it or the dimension is missing. */
static int64_t size(const struct st_tensor *t, int i)
{
    return t && i < t->rank ? t->dim[i] : 0;
}

static int count_blocks(const struct look *l, names n)
{
    int blocks = 0;

    while (blocks < MOST_BLOCKS && numbered(l, n, blocks))
        blocks++;
    return blocks;
}

/* The prefix under which the file has one of those names. */
static int begins(struct look *l, names n)
{
    for (int i = 0; store_prefixes[i]; i++) {
        l->prefix = store_prefixes[i];
        if (find(l, n))
            return 1;
    }
    return 0;
}

/* ---- the transformers of Wan ---- */

static names wan_patch = {"patch_embedding.weight"};
static names wan_table = {"blocks.%d.scale_shift_table", "blocks.%d.modulation"};
static names wan_ffn = {"blocks.%d.ffn.net.0.proj.weight", "blocks.%d.ffn.0.weight"};
static names wan_text = {"condition_embedder.text_embedder.linear_1.weight",
                         "text_embedding.0.weight"};
static names wan_time = {"condition_embedder.time_embedder.linear_1.weight",
                         "time_embedding.0.weight"};
static names wan_out = {"proj_out.weight", "head.head.weight"};
static names wan_norm = {"blocks.%d.norm2.weight", "blocks.%d.norm3.weight"};
static names wan_image = {"condition_embedder.image_embedder.norm1.weight",
                          "img_emb.proj.0.weight"};
static names wan_rows = {"condition_embedder.image_embedder.pos_embed", "img_emb.emb_pos"};
static names vace_patch = {"vace_patch_embedding.weight"};
static names vace_table = {"vace_blocks.%d.scale_shift_table", "vace_blocks.%d.modulation"};

enum { WAN_HEAD = 128, WAN_PATCH = 4 };

static void put_vace(struct look *l, int layers)
{
    int n = count_blocks(l, vace_table);

    jsonw_array(&l->w, "vace_layers");
    for (int i = 0; i < n; i++) /* of the releases: every second or every fifth */
        jsonw_int(&l->w, NULL, (int64_t)i * layers / n);
    jsonw_end_array(&l->w);
    jsonw_int(&l->w, "vace_in_channels", size(find(l, vace_patch), 1));
}

static void wan_config(struct recognised *r, struct look *l)
{
    const struct st_tensor *patch = find(l, wan_patch);
    int64_t dim = size(patch, 0), image = size(find(l, wan_image), 0);
    int layers = count_blocks(l, wan_table), vace = find(l, vace_patch) != NULL;

    r->class = vace ? "WanVACETransformer3DModel" : "WanTransformer3DModel";
    r->in_channels = dim ? (int)(patch->n / dim / WAN_PATCH) : 0;
    r->channels = (int)(size(find(l, wan_out), 0) / WAN_PATCH);
    jsonw_string(&l->w, "_class_name", r->class);
    jsonw_int(&l->w, "num_attention_heads", dim / WAN_HEAD);
    jsonw_int(&l->w, "attention_head_dim", WAN_HEAD);
    jsonw_int(&l->w, "in_channels", r->in_channels);
    jsonw_int(&l->w, "out_channels", r->channels);
    jsonw_int(&l->w, "text_dim", size(find(l, wan_text), 1));
    jsonw_int(&l->w, "freq_dim", size(find(l, wan_time), 1));
    jsonw_int(&l->w, "ffn_dim", size(find(l, wan_ffn), 0));
    jsonw_int(&l->w, "num_layers", layers);
    jsonw_bool(&l->w, "cross_attn_norm", find(l, wan_norm) != NULL);
    if (image) {
        jsonw_int(&l->w, "image_dim", image);
        jsonw_int(&l->w, "added_kv_proj_dim", dim);
    }
    if (find(l, wan_rows))
        jsonw_int(&l->w, "pos_embed_seq_len", size(find(l, wan_rows), 1));
    if (vace)
        put_vace(l, layers);
}

/* ---- T5's encoders ---- */

static names t5_embed = {"shared.weight", "token_embedding.weight", "token_embd.weight"};
static names t5_tied = {"encoder.embed_tokens.weight"};
static names t5_norm = {"encoder.block.%d.layer.0.layer_norm.weight", "blocks.%d.norm1.weight",
                        "enc.blk.%d.attn_norm.weight"};
static names t5_q = {"encoder.block.%d.layer.0.SelfAttention.q.weight", "blocks.%d.attn.q.weight",
                     "enc.blk.%d.attn_q.weight"};
static names t5_bias = {"encoder.block.%d.layer.0.SelfAttention.relative_attention_bias.weight",
                        "blocks.%d.pos_embedding.embedding.weight", "enc.blk.%d.attn_rel_b.weight"};
static names t5_gate = {"encoder.block.%d.layer.1.DenseReluDense.wi_0.weight",
                        "blocks.%d.ffn.gate.0.weight", "enc.blk.%d.ffn_gate.weight"};

static void t5_config(struct recognised *r, struct look *l)
{
    const struct st_tensor *embed = find(l, t5_embed), *bias = find(l, t5_bias);
    int64_t heads = size(bias, 1);
    int each = numbered(l, t5_bias, 1) || count_blocks(l, t5_norm) == 1;

    embed = embed ? embed : find(l, t5_tied);
    r->class = each ? "UMT5EncoderModel" : "T5EncoderModel";
    jsonw_array(&l->w, "architectures");
    jsonw_string(&l->w, NULL, r->class);
    jsonw_end_array(&l->w);
    jsonw_string(&l->w, "model_type", each ? "umt5" : "t5");
    jsonw_string(&l->w, "feed_forward_proj", "gated-gelu");
    jsonw_int(&l->w, "vocab_size", size(embed, 0));
    jsonw_int(&l->w, "d_model", size(embed, 1));
    jsonw_int(&l->w, "d_kv", heads ? size(find(l, t5_q), 0) / heads : 0);
    jsonw_int(&l->w, "d_ff", size(find(l, t5_gate), 0));
    jsonw_int(&l->w, "num_layers", count_blocks(l, t5_norm));
    jsonw_int(&l->w, "num_heads", heads);
    jsonw_int(&l->w, "relative_attention_num_buckets", size(bias, 0));
}

/* ---- the autoencoders of Wan ---- */

static names vae_post = {"post_quant_conv.weight", "conv2.weight"};
static names vae_in = {"encoder.conv_in.weight", "encoder.conv1.weight"};
static names vae_norm = {"decoder.norm_out.gamma", "decoder.head.0.gamma"};
static names vae_levels = {"encoder.down_blocks.0.resnets.0.norm1.gamma",
                           "encoder.downsamples.0.downsamples.0.residual.0.gamma"};

/* Of the release's vae2_2.py; those of 16 channels are the class's own. */
static const float wan22_mean[48] = {
    -0.2289f, -0.0052f, -0.1323f, -0.2339f, -0.2799f, 0.0174f,  0.1838f,  0.1557f,
    -0.1382f, 0.0542f,  0.2813f,  0.0891f,  0.1570f,  -0.0098f, 0.0375f,  -0.1825f,
    -0.2246f, -0.1207f, -0.0698f, 0.5109f,  0.2665f,  -0.2108f, -0.2158f, 0.2502f,
    -0.2055f, -0.0322f, 0.1109f,  0.1567f,  -0.0729f, 0.0899f,  -0.2799f, -0.1230f,
    -0.0313f, -0.1649f, 0.0117f,  0.0723f,  -0.2839f, -0.2083f, -0.0520f, 0.3748f,
    0.0152f,  0.1957f,  0.1433f,  -0.2944f, 0.3573f,  -0.0548f, -0.1681f, -0.0667f};
static const float wan22_std[48] = {
    0.4765f, 1.0364f, 0.4514f, 1.1677f, 0.5313f, 0.4990f, 0.4818f, 0.5013f, 0.8158f, 1.0344f,
    0.5894f, 1.0901f, 0.6885f, 0.6165f, 0.8454f, 0.4978f, 0.5759f, 0.3523f, 0.7135f, 0.6804f,
    0.5833f, 1.4146f, 0.8986f, 0.5659f, 0.7069f, 0.5338f, 0.4889f, 0.4917f, 0.4069f, 0.4999f,
    0.6866f, 0.4093f, 0.5709f, 0.6065f, 0.6415f, 0.4944f, 0.5726f, 1.2042f, 0.5458f, 1.6887f,
    0.3971f, 1.0600f, 0.3943f, 0.5537f, 0.5444f, 0.4089f, 0.7468f, 0.7744f};

static void put_reals(struct jsonw *w, const char *key, const float *v, int n)
{
    jsonw_array(w, key);
    for (int i = 0; i < n; i++)
        jsonw_real(w, NULL, round((double)v[i] * 1e4) / 1e4);
    jsonw_end_array(w);
}

static void vae_config(struct recognised *r, struct look *l)
{
    int patch = (int)lround(sqrt((double)size(find(l, vae_in), 1) / 3));
    int residual = find(l, vae_levels) != NULL;

    r->class = "AutoencoderKLWan";
    r->channels = (int)size(find(l, vae_post), 0);
    jsonw_string(&l->w, "_class_name", r->class);
    jsonw_int(&l->w, "base_dim", size(find(l, vae_in), 0));
    jsonw_int(&l->w, "decoder_base_dim", size(find(l, vae_norm), 0));
    jsonw_int(&l->w, "z_dim", r->channels);
    jsonw_bool(&l->w, "is_residual", residual);
    if (patch > 1)
        jsonw_int(&l->w, "patch_size", patch);
    if (residual && r->channels == 48) {
        put_reals(&l->w, "latents_mean", wan22_mean, 48);
        put_reals(&l->w, "latents_std", wan22_std, 48);
    }
}

/* ---- CLIP's picture encoders ---- */

static names clip_patch = {"vision_model.embeddings.patch_embedding.weight",
                           "embeddings.patch_embedding.weight", "visual.patch_embedding.weight"};
static names clip_places = {"vision_model.embeddings.position_embedding.weight",
                            "embeddings.position_embedding.weight", "visual.pos_embedding"};
static names clip_fc = {"vision_model.encoder.layers.%d.mlp.fc1.weight",
                        "encoder.layers.%d.mlp.fc1.weight", "visual.transformer.%d.mlp.0.weight"};

enum { CLIP_HEAD = 80 }; /* of ViT-H */

static void clip_config(struct recognised *r, struct look *l)
{
    const struct st_tensor *patch = find(l, clip_patch);
    int64_t dim = size(patch, 0), side = size(patch, 3);
    int64_t rows = dim ? find(l, clip_places)->n / dim : 0;
    int64_t places = rows > 1 ? lround(sqrt((double)(rows - 1))) : 0;

    r->class = "CLIPVisionModel";
    jsonw_array(&l->w, "architectures");
    jsonw_string(&l->w, NULL, r->class);
    jsonw_end_array(&l->w);
    jsonw_string(&l->w, "hidden_act", "gelu");
    jsonw_int(&l->w, "hidden_size", dim);
    jsonw_int(&l->w, "intermediate_size", size(find(l, clip_fc), 0));
    jsonw_int(&l->w, "num_hidden_layers", count_blocks(l, clip_fc));
    jsonw_int(&l->w, "num_attention_heads", dim / CLIP_HEAD);
    jsonw_int(&l->w, "image_size", places * side);
    jsonw_int(&l->w, "patch_size", side);
}

/* ---- tiny autoencoders (taehv) ---- */

static names tiny_first = {"decoder.1.weight"};
static names tiny_in = {"encoder.0.weight"};
static names tiny_out = {"decoder.22.weight"};
static names tiny_second = {"decoder.13.conv.weight"};
static names tiny_third = {"decoder.19.conv.weight"};

/* Layers are counted as in taehv.py: a decoder of three stages of three blocks each. Its latents
 * are those that the transformer draws, without mean and deviation. */
static void tiny_config(struct recognised *r, struct look *l)
{
    int patch = (int)lround(sqrt((double)size(find(l, tiny_in), 1) / 3));

    r->class = "TAEHV";
    r->channels = (int)size(find(l, tiny_first), 1);
    jsonw_string(&l->w, "_class_name", r->class);
    jsonw_int(&l->w, "latent_channels", r->channels);
    jsonw_int(&l->w, "patch_size", patch > 1 ? patch : 1);
    jsonw_int(&l->w, "encoder_width", size(find(l, tiny_in), 0));
    jsonw_array(&l->w, "decoder_width");
    jsonw_int(&l->w, NULL, size(find(l, tiny_first), 0));
    jsonw_int(&l->w, NULL, size(find(l, tiny_second), 1));
    jsonw_int(&l->w, NULL, size(find(l, tiny_third), 1));
    jsonw_int(&l->w, NULL, size(find(l, tiny_out), 1));
    jsonw_end_array(&l->w);
    jsonw_array(&l->w, "time_down");
    for (int i = 0; i < 3; i++)
        jsonw_bool(&l->w, NULL, i < 2);
    jsonw_end_array(&l->w);
    jsonw_array(&l->w, "time_up");
    for (int i = 0; i < 3; i++)
        jsonw_bool(&l->w, NULL, i > 0);
    jsonw_end_array(&l->w);
}

/* ---- what was made of Wan ---- */

/* Networks with the tensors of a transformer of Wan and more of their own: without these they would
 * draw something else. A name that begins so says which. */
static const struct {
    const char *begins, *what;
} kin[] = {
    {"casual_audio_encoder.", "Wan2.2 S2V, which makes a film of speech"},
    {"face_adapter.", "Wan2.2 Animate, which moves a figure as in another film"},
    {"pose_patch_embedding.", "Wan2.2 Animate, which moves a figure as in another film"},
    {"audio_proj.audio_proj_glob_1.", "HuMo, which makes a film of speech"},
    {"audio_proj.", "MultiTalk or InfiniteTalk, which make a film of speech"},
    {"control_adapter.", "Wan Fun Camera Control; --camera moves the camera of other models"},
    {"ref_conv.", "Wan Fun Control with a reference picture; VACE takes one"},
    {"patch_embedding_pose.", "SCAIL, which moves a figure by poses"},
    {"patch_embedding_mask.", "SCAIL, which moves a figure by poses"},
    {"music_encoder.", "a model that dances to music"},
    {"fps_embedding.", "SkyReels V2 with a rate of frames of its own"},
    {"blocks.0.cam_encoder.", "ReCamMaster, which films another film anew"},
};
enum { N_KIN = sizeof kin / sizeof *kin };

/* The row of one of these, or NULL. */
static const char *kin_of(const struct look *l)
{
    size_t skip = strlen(l->prefix);

    for (int k = 0; k < N_KIN; k++)
        for (int i = 0; i < st_count(l->f); i++) {
            const char *name = st_at(l->f, i)->name;

            if (!strncmp(name, l->prefix, skip) &&
                !strncmp(name + skip, kin[k].begins, strlen(kin[k].begins)))
                return kin[k].what;
        }
    return NULL;
}

/* ---- which ---- */

/* A network has all of these; the first is where the prefix ends. */
static const struct {
    enum part_role role;
    const char *const *sign[3];
    void (*config)(struct recognised *r, struct look *l);
    const char *what;
} kinds[] = {
    {PART_DENOISER, {wan_patch, wan_table, wan_out}, wan_config, "transformers of Wan"},
    {PART_TEXT, {t5_norm, t5_q, t5_bias}, t5_config, "encoders of UMT5 and T5"},
    {PART_CODEC, {vae_post, vae_in, vae_norm}, vae_config, "autoencoders of Wan"},
    {PART_CODEC, {tiny_first, tiny_in, tiny_out}, tiny_config, "tiny autoencoders"},
    {PART_IMAGE, {clip_patch, clip_places, clip_fc}, clip_config, "picture encoders of CLIP"},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static int is_kind(struct look *l, int k)
{
    int all = begins(l, kinds[k].sign[0]);

    for (int i = 1; all && i < 3; i++)
        all = find(l, kinds[k].sign[i]) != NULL;
    return all;
}

static int unknown(const struct st_file *f, struct err *e)
{
    struct buf b = BUF_INIT;
    int n = st_count(f);

    for (int i = 0; i < n && i < 3; i++)
        buf_printf(&b, "%s%.80s", i ? ", " : "", st_at(f, i)->name);
    buf_puts(&b, n > 3 ? ", ...; known are" : "; known are");
    for (int k = 0; k < N_KINDS; k++)
        buf_printf(&b, "%s %s", k ? "," : "", kinds[k].what);
    err_set(e, ERR_FORMAT, "%s: by its %d tensors this is no network that is known: %s",
            st_path(f, 0), n, buf_str(&b));
    buf_release(&b);
    return ERR_FORMAT;
}

char *recognised_refusal(const struct recognised *r)
{
    return xasprintf("this is %s, and it is not read; transformers of Wan that are: T2V, I2V, "
                     "FLF2V, VACE, TI2V",
                     r->kin);
}

static int refuse(const struct recognised *r, const struct st_file *f, struct err *e)
{
    char *why = recognised_refusal(r);

    err_set(e, ERR_FORMAT, "%s: %s", st_path(f, 0), why);
    free(why);
    return ERR_FORMAT;
}

int recognise(struct recognised *r, const struct st_file *f, struct err *e)
{
    struct look l = {.f = f};

    *r = (struct recognised){0};
    for (int k = 0; st_count(f) && k < N_KINDS; k++) {
        if (!is_kind(&l, k))
            continue;
        r->kin = kinds[k].role == PART_DENOISER ? kin_of(&l) : NULL;
        if (r->kin)
            return refuse(r, f, e);
        r->role = kinds[k].role;
        jsonw_init(&l.w, &r->config, 2);
        jsonw_object(&l.w, NULL);
        kinds[k].config(r, &l);
        jsonw_end_object(&l.w);
        buf_putc(&r->config, '\n');
        return 0;
    }
    return st_count(f) ? unknown(f, e)
                       : err_set(e, ERR_FORMAT, "%s: holds no tensors", st_path(f, 0));
}

void recognised_release(struct recognised *r)
{
    buf_release(&r->config);
}
