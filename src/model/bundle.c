#include "model/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/jsonw.h"
#include "format/json.h"
#include "format/safetensors.h"

#define INFO_MAX_BYTES (1 << 20)
#define HASH_MAX_BYTES (64u << 20) /* of a config or tokenizer file */

/* ---- model_index.json ---- */

static void copy_text(char *dst, size_t size, struct jval o, const char *key, const char *def)
{
    const char *s = j_string_or(o, key, def);

    if (strlen(s) >= size)
        j_fail(o, key, "is longer than %zu bytes", size - 1);
    else
        strcpy(dst, s);
}

static void read_latents(struct bundle_info *info, struct jval o, const char *key, float *out,
                         double lo)
{
    double v[BUNDLE_MAX_CHANNELS];
    int n = j_reals(o, key, v, 1, BUNDLE_MAX_CHANNELS, lo, 1e6);

    if (info->channels && n != info->channels)
        j_fail(o, key, "expected a list of %d, but it has %d", info->channels, n);
    info->channels = n;
    for (int i = 0; i < n; i++)
        out[i] = (float)v[i];
}

static void read_info(void *arg, struct jval o)
{
    struct bundle_info *info = arg;
    static const char *const classes[] = {"ZoetropePipeline"};
    static const char *const texts[] = {"plain", "canonical"};
    int64_t format = j_int(o, "format", 1, INT32_MAX);

    if (format > BUNDLE_FORMAT)
        j_fail(o, "format", "is %lld; this version reads format %d, a newer zoetrope is needed",
               (long long)format, BUNDLE_FORMAT);
    j_choice(o, "_class_name", classes, 1);
    copy_text(info->name, sizeof info->name, o, "name", "");
    copy_text(info->license, sizeof info->license, o, "license", "");
    copy_text(info->description, sizeof info->description, o, "description", "");
    copy_text(info->release, sizeof info->release, o, "release", "");
    copy_text(info->sampler, sizeof info->sampler, o, "sampler", "euler");
    info->canonical = j_choice_or(o, "text", texts, 2, 0);
    info->frame_rate = j_real(o, "frame_rate", 1, 240);
    info->width = (int)j_int(o, "width", 8, 16384);
    info->height = (int)j_int(o, "height", 8, 16384);
    info->frames = (int)j_int(o, "frames", 1, 100000);
    info->steps = (int)j_int_or(o, "steps", 1, 1000, 20);
    info->guidance = j_real_or(o, "guidance", 0, 100, 1);
    info->shift = j_real_or(o, "shift", 0.01, 100, 1);
    read_latents(info, o, "latents_mean", info->latents_mean, -1e6);
    read_latents(info, o, "latents_std", info->latents_std, 1e-6);
}

int bundle_info_read(struct bundle_info *info, const char *dir, struct err *e)
{
    char *path = path_join(dir, "model_index.json");
    int rc;

    memset(info, 0, sizeof *info);
    rc = jdoc_take(path, INFO_MAX_BYTES, read_info, info, e);
    free(path);
    return rc;
}

static void write_reals(struct jsonw *w, const char *key, const float *v, int n)
{
    jsonw_array(w, key);
    for (int i = 0; i < n; i++)
        jsonw_real(w, NULL, v[i]);
    jsonw_end_array(w);
}

static void write_part(struct jsonw *w, const char *part, const char *library, const char *class)
{
    jsonw_array(w, part);
    jsonw_string(w, NULL, library);
    jsonw_string(w, NULL, class);
    jsonw_end_array(w);
}

int bundle_info_write(const struct bundle_info *info, const char *dir, struct err *e)
{
    struct buf b = BUF_INIT;
    struct jsonw w;
    char *path = path_join(dir, "model_index.json");
    int rc = dir_make(dir, e);

    jsonw_init(&w, &b, 2);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "format", BUNDLE_FORMAT);
    jsonw_string(&w, "_class_name", "ZoetropePipeline");
    jsonw_string(&w, "name", info->name);
    jsonw_string(&w, "license", info->license);
    jsonw_string(&w, "description", info->description);
    jsonw_string(&w, "release", info->release);
    jsonw_string(&w, "text", info->canonical ? "canonical" : "plain");
    jsonw_real(&w, "frame_rate", info->frame_rate);
    jsonw_int(&w, "width", info->width);
    jsonw_int(&w, "height", info->height);
    jsonw_int(&w, "frames", info->frames);
    jsonw_string(&w, "sampler", info->sampler);
    jsonw_int(&w, "steps", info->steps);
    jsonw_real(&w, "guidance", info->guidance);
    jsonw_real(&w, "shift", info->shift);
    write_reals(&w, "latents_mean", info->latents_mean, info->channels);
    write_reals(&w, "latents_std", info->latents_std, info->channels);
    write_part(&w, "tokenizer", "transformers", "T5TokenizerFast");
    write_part(&w, "text_encoder", "transformers", "UMT5EncoderModel");
    write_part(&w, "transformer", "diffusers", "WanTransformer3DModel");
    write_part(&w, "vae", "zoetrope", "TAEHV");
    jsonw_end_object(&w);
    buf_putc(&b, '\n');
    if (!rc)
        rc = file_write(path, b.data, b.len, e);
    buf_release(&b);
    free(path);
    return rc;
}

/* ---- one network ---- */

static int save_part(const struct weight_set *s, const char *dir, const char *weights,
                     struct buf *config, enum dtype type, float *const *values, struct err *e)
{
    char *path = path_join(dir, "config.json");
    int rc = dir_make(dir, e);

    if (!rc)
        rc = file_write(path, config->data, config->len, e);
    free(path);
    path = path_join(dir, weights);
    if (!rc)
        rc = store_save(s, path, type, values, e);
    free(path);
    buf_release(config);
    return rc;
}

/* clang-format off */
/* The last column: in which type a job loads it. */
#define PARTS(P)                                                                                   \
    P(wan, store_wan_names, "diffusion_pytorch_model.safetensors", type)                           \
    P(umt5, store_umt5_names, "model.safetensors", type)                                           \
    P(tiny_vae, store_tiny_vae_names, "diffusion_pytorch_model.safetensors",                       \
      tiny_vae_job_type(m, type))
/* clang-format on */

#define P(part, names, file, job_type)                                                             \
    int bundle_save_##part(const struct part *m, const char *dir, enum dtype type,                 \
                           float *const *values, struct err *e)                                    \
    {                                                                                              \
        struct buf config = BUF_INIT;                                                              \
        part##_config_write(&m->config, &config);                                                  \
        return save_part(&m->weights, dir, file, &config, type, values, e);                        \
    }                                                                                              \
    static int load_##part(struct part *m, const char *dir, struct device *device,                 \
                           enum dtype type, int job, int training, uint64_t budget_bytes,          \
                           struct store_report *report, struct err *e)                             \
    {                                                                                              \
        struct part##_config c;                                                                    \
        char *path = path_join(dir, "config.json");                                                \
        int rc = part##_config_read(&c, path, e);                                                  \
        free(path);                                                                                \
        memset(m, 0, sizeof *m);                                                                   \
        if (!rc)                                                                                   \
            rc = part##_init(m, &c, e);                                                            \
        m->weights.budget_bytes = budget_bytes;                                                    \
        if (!rc)                                                                                   \
            rc = store_load(&m->weights, dir, &names, device, job ? job_type : type, training,     \
                            report, e);                                                            \
        if (rc)                                                                                    \
            part##_release(m);                                                                     \
        return rc;                                                                                 \
    }                                                                                              \
    int bundle_load_##part(struct part *m, const char *dir, struct device *device,                 \
                           enum dtype type, int training, struct err *e)                           \
    {                                                                                              \
        return load_##part(m, dir, device, type, 0, training, 0, NULL, e);                         \
    }
PARTS(P)
#undef P

/* ---- the whole ---- */

int bundle_check_fit(const char *dir, const struct bundle_info *info, const struct wan_config *dit,
                     const struct umt5_config *text, const struct tiny_vae_config *vae,
                     struct err *e)
{
    if (dit->in_channels != vae->latent_channels || dit->out_channels != dit->in_channels ||
        dit->in_channels != info->channels)
        return err_set(e, ERR_FORMAT,
                       "%s: transformer of %d to %d channels, vae of %d, latents_mean of %d: all "
                       "must be equal",
                       dir, dit->in_channels, dit->out_channels, vae->latent_channels,
                       info->channels);
    if (dit->text_dim != text->d_model)
        return err_set(e, ERR_FORMAT,
                       "%s: transformer wants text of width %d, the text encoder gives %d", dir,
                       dit->text_dim, text->d_model);
    return 0;
}

static int check_fit(const struct bundle *b, struct err *e)
{
    int n = tokenizer_size(b->tokenizer), vocab = b->text.config.vocab;
    int rc = bundle_check_fit(b->dir, &b->info, &b->dit.config, &b->text.config, &b->vae.config, e);

    if (!rc && n > vocab)
        rc = err_set(e, ERR_FORMAT, "%s: tokenizer has %d pieces, the text encoder knows %d",
                     b->dir, n, vocab);
    return rc;
}

static int open_parts(struct bundle *b, struct device *device, enum dtype type,
                      const struct bundle_budget *budget, struct err *e)
{
    char *tok = path_join(b->dir, "tokenizer"), *text = path_join(b->dir, "text_encoder");
    char *dit = path_join(b->dir, "transformer"), *vae = path_join(b->dir, "vae");
    struct store_report r[3] = {0};
    int rc = tokenizer_open(&b->tokenizer, tok, e);

    if (!rc)
        rc = load_umt5(&b->text, text, device, type, 1, 0, budget ? budget->text : 0, &r[0], e);
    if (!rc)
        rc = load_wan(&b->dit, dit, device, type, 1, 0, budget ? budget->dit : 0, &r[1], e);
    if (!rc)
        rc = load_tiny_vae(&b->vae, vae, device, type, 1, 0, 0, &r[2], e);
    b->n_bad_weights = r[0].n_bad + r[1].n_bad + r[2].n_bad;
    free(tok);
    free(text);
    free(dit);
    free(vae);
    return rc ? rc : check_fit(b, e);
}

int bundle_open(struct bundle **out, const char *dir, struct device *device, enum dtype type,
                const struct bundle_budget *budget, struct err *e)
{
    struct bundle *b = xcalloc(1, sizeof *b);
    int rc = bundle_info_read(&b->info, dir, e);

    *out = NULL;
    b->dir = xstrdup(dir);
    if (!rc)
        rc = open_parts(b, device, type, budget, e);
    if (rc)
        bundle_free(&b);
    *out = b;
    return rc;
}

void bundle_free(struct bundle **b)
{
    if (!*b)
        return;
    tokenizer_free(&(*b)->tokenizer);
    umt5_release(&(*b)->text);
    wan_release(&(*b)->dit);
    tiny_vae_release(&(*b)->vae);
    free((*b)->dir);
    free(*b);
    *b = NULL;
}

static int hash_weights(struct sha256 *h, const char *dir, const char *part, struct err *e)
{
    char *path = path_join(dir, part), hex[65];
    struct st_file *f;
    int rc = st_open(&f, path, e);

    if (!rc) {
        rc = st_hash(f, hex, e);
        st_close(&f);
    }
    if (!rc) {
        sha256_add(h, part, strlen(part) + 1);
        sha256_add(h, hex, 64);
    }
    free(path);
    return rc;
}

static int hash_file(struct sha256 *h, const char *dir, const char *name, struct err *e)
{
    char *path = path_join(dir, name);
    struct buf b = BUF_INIT;
    int rc = file_read_regular(&b, path, HASH_MAX_BYTES, e);

    if (!rc) {
        sha256_add(h, name, strlen(name) + 1);
        sha256_add(h, b.data, b.len);
    }
    buf_release(&b);
    free(path);
    return rc;
}

static const char *const weight_parts[] = {"text_encoder", "transformer", "vae"};
enum { N_WEIGHT_PARTS = sizeof weight_parts / sizeof *weight_parts };

int bundle_stored(const char *dir, uint64_t bytes[N_DTYPES], struct err *e)
{
    int rc = 0;

    memset(bytes, 0, sizeof *bytes * N_DTYPES);
    for (int p = 0; !rc && p < N_WEIGHT_PARTS; p++) {
        char *path = path_join(dir, weight_parts[p]);
        struct st_file *f;

        rc = st_open(&f, path, e);
        for (int i = 0; !rc && i < st_count(f); i++)
            bytes[st_at(f, i)->type] += st_at(f, i)->bytes;
        st_close(&f);
        free(path);
    }
    return rc;
}

int bundle_hash(const char *dir, char hex[65], struct err *e)
{
    static const char *const files[] = {"model_index.json", "tokenizer/tokenizer.json",
                                        "text_encoder/config.json", "transformer/config.json",
                                        "vae/config.json"};
    struct sha256 h;
    int rc = 0;

    sha256_init(&h);
    for (size_t i = 0; !rc && i < sizeof files / sizeof *files; i++)
        rc = hash_file(&h, dir, files[i], e);
    for (int i = 0; !rc && i < N_WEIGHT_PARTS; i++)
        rc = hash_weights(&h, dir, weight_parts[i], e);
    sha256_hex(&h, hex);
    return rc;
}
