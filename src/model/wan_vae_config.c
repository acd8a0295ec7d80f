/* The configuration of wan_vae.h as diffusers writes it. */
#include <string.h>

#include "base/jsonw.h"
#include "format/json.h"
#include "model/wan_vae.h"

#define CONFIG_MAX_BYTES (1 << 20)
#define MAX_WIDTH 4096

/* Of the class's defaults, in the order of the channels. */
static const float wan21_mean[16] = {-0.7571f, -0.7089f, -0.9113f, 0.1075f,  -0.1745f, 0.9653f,
                                     -0.1517f, 1.5508f,  0.4134f,  -0.0715f, 0.5517f,  -0.3632f,
                                     -0.1922f, -0.9497f, 0.2503f,  -0.2921f};
static const float wan21_std[16] = {2.8184f, 1.4541f, 2.3275f, 2.6558f, 1.2196f, 1.7708f,
                                    2.6052f, 2.0743f, 3.2687f, 2.1526f, 2.8652f, 1.5579f,
                                    1.6382f, 1.1253f, 2.8251f, 1.9160f};

void wan_vae_config_release(struct wan_vae_config *c, int which)
{
    *c = (struct wan_vae_config){.base_dim = which == 2 ? 160 : 96,
                                 .decoder_base_dim = which == 2 ? 256 : 96,
                                 .z_dim = which == 2 ? 48 : 16,
                                 .levels = 4,
                                 .dim_mult = {1, 2, 4, 4},
                                 .res_blocks = 2,
                                 .time_down = {0, 1, 1},
                                 .residual = which == 2,
                                 .patch_size = which == 2 ? 2 : 1,
                                 .has_stats = which != 2};
    if (which != 2) {
        memcpy(c->latents_mean, wan21_mean, sizeof wan21_mean);
        memcpy(c->latents_std, wan21_std, sizeof wan21_std);
    }
}

static int read_levels(struct wan_vae_config *c, struct jval o)
{
    struct jval time;
    int64_t mult[WAN_VAE_LEVELS];

    if (j_has(o, "dim_mult")) {
        c->levels = j_ints(o, "dim_mult", mult, 1, WAN_VAE_LEVELS, 1, 64);
        for (int i = 0; i < c->levels; i++)
            c->dim_mult[i] = (int)mult[i];
    }
    if (!j_has(o, "temperal_downsample"))
        return c->levels;
    time = j_array(o, "temperal_downsample");
    if (j_len(time) < c->levels - 1) {
        j_fail(o, "temperal_downsample", "expected a list of %d, one less than dim_mult has",
               c->levels - 1);
        return 0;
    }
    for (int i = 0; i < c->levels - 1; i++)
        c->time_down[i] = j_at_bool(time, i);
    return c->levels;
}

static void read_stats(struct wan_vae_config *c, struct jval o)
{
    double mean[WAN_VAE_CHANNELS], std[WAN_VAE_CHANNELS];

    if (!j_has(o, "latents_mean") && !j_has(o, "latents_std"))
        return;
    c->has_stats = j_reals(o, "latents_mean", mean, c->z_dim, c->z_dim, -1e6, 1e6) &&
                   j_reals(o, "latents_std", std, c->z_dim, c->z_dim, 1e-6, 1e6);
    for (int i = 0; c->has_stats && i < c->z_dim; i++) {
        c->latents_mean[i] = (float)mean[i];
        c->latents_std[i] = (float)std[i];
    }
}

/* A field that says again what others decide. */
static void must_equal(struct jval o, const char *key, int want)
{
    if (j_has(o, key) && j_int(o, key, 1, 1 << 20) != want)
        j_fail(o, key, "must be %d, as the other fields say", want);
}

/* Keys that are left out mean what the class means by them: Wan 2.1. */
static void read_fields(void *config, struct jval o)
{
    struct wan_vae_config *c = config;
    static const char *const classes[] = {"AutoencoderKLWan"};
    int kt = 1, ks;

    wan_vae_config_release(c, 1);
    j_choice_or(o, "_class_name", classes, 1, 0);
    c->base_dim = (int)j_int_or(o, "base_dim", 1, MAX_WIDTH, 96);
    c->decoder_base_dim = (int)j_int_or(o, "decoder_base_dim", 1, MAX_WIDTH, c->base_dim);
    c->z_dim = (int)j_int_or(o, "z_dim", 1, WAN_VAE_CHANNELS, 16);
    c->has_stats = c->z_dim == 16;
    c->res_blocks = (int)j_int_or(o, "num_res_blocks", 1, WAN_VAE_BLOCKS, 2);
    c->residual = j_bool_or(o, "is_residual", 0);
    c->patch_size = (int)j_int_or(o, "patch_size", 1, 8, 1);
    if (!read_levels(c, o))
        return;
    read_stats(c, o);
    if (j_has(o, "attn_scales") && j_len(j_array(o, "attn_scales")) > 0)
        j_fail(o, "attn_scales", "attention outside the middle is not supported, it must be []");
    ks = c->patch_size;
    for (int i = 0; i < c->levels - 1; i++) {
        kt *= 1 + c->time_down[i];
        ks *= 2;
    }
    must_equal(o, "in_channels", 3 * c->patch_size * c->patch_size);
    must_equal(o, "out_channels", 3 * c->patch_size * c->patch_size);
    must_equal(o, "scale_factor_temporal", kt);
    must_equal(o, "scale_factor_spatial", ks);
}

int wan_vae_config_read(struct wan_vae_config *c, const char *path, struct err *e)
{
    memset(c, 0, sizeof *c);
    return jdoc_take(path, CONFIG_MAX_BYTES, read_fields, c, e);
}

static void write_reals(struct jsonw *w, const char *key, const float *v, int n)
{
    jsonw_array(w, key);
    for (int i = 0; i < n; i++)
        jsonw_real(w, NULL, (double)v[i]);
    jsonw_end_array(w);
}

static void write_levels(const struct wan_vae_config *c, struct jsonw *w, int *kt, int *ks)
{
    jsonw_array(w, "dim_mult");
    for (int i = 0; i < c->levels; i++)
        jsonw_int(w, NULL, c->dim_mult[i]);
    jsonw_end_array(w);
    jsonw_array(w, "temperal_downsample");
    for (int i = 0; i < c->levels - 1; i++) {
        jsonw_bool(w, NULL, c->time_down[i]);
        *kt *= 1 + c->time_down[i];
        *ks *= 2;
    }
    jsonw_end_array(w);
}

void wan_vae_config_write(const struct wan_vae_config *c, struct buf *out)
{
    struct jsonw w;
    int kt = 1, ks = c->patch_size, pixels = 3 * c->patch_size * c->patch_size;

    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "_class_name", "AutoencoderKLWan");
    jsonw_int(&w, "base_dim", c->base_dim);
    jsonw_int(&w, "decoder_base_dim", c->decoder_base_dim);
    jsonw_int(&w, "z_dim", c->z_dim);
    write_levels(c, &w, &kt, &ks);
    jsonw_int(&w, "num_res_blocks", c->res_blocks);
    jsonw_bool(&w, "is_residual", c->residual);
    if (c->patch_size > 1)
        jsonw_int(&w, "patch_size", c->patch_size);
    jsonw_int(&w, "in_channels", pixels);
    jsonw_int(&w, "out_channels", pixels);
    jsonw_int(&w, "scale_factor_temporal", kt);
    jsonw_int(&w, "scale_factor_spatial", ks);
    if (c->has_stats) {
        write_reals(&w, "latents_mean", c->latents_mean, c->z_dim);
        write_reals(&w, "latents_std", c->latents_std, c->z_dim);
    }
    jsonw_end_object(&w);
    buf_putc(out, '\n');
}
