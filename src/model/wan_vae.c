/* Declaration and configuration as a part; the networks are in wan_vae_net.c. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/wan_vae_inner.h"

#define NAME_MAX_BYTES 128

/* ---- weights ---- */

struct declare { /* a half that is being declared, and where in it */
    struct weight_set *set;
    struct wan_half *half;
    char prefix[NAME_MAX_BYTES / 2];
};

static const char *name_of(const struct declare *d, char *out, const char *sub)
{
    snprintf(out, NAME_MAX_BYTES, "%s.%s", d->prefix, sub);
    return out;
}

PRINTF_LIKE(2, 3) static void at(struct declare *d, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(d->prefix, sizeof d->prefix, fmt, ap);
    va_end(ap);
}

static struct conv_w conv(const struct declare *d, const char *sub, int in, int out, int frames,
                          int kernel)
{
    char name[NAME_MAX_BYTES];

    return conv3d_declare(d->set, name_of(d, name, sub), in, out, frames, kernel);
}

static struct conv_w conv_2d(const struct declare *d, const char *sub, int in, int out, int kernel)
{
    char name[NAME_MAX_BYTES];

    return conv_declare(d->set, name_of(d, name, sub), in, out, kernel, 1, INIT_LINEAR, 1);
}

/* In files gains of frames are [n,1,1,1], those of pictures [n,1,1]. */
static struct weight *gain(const struct declare *d, const char *sub, int n, int of_picture)
{
    char name[NAME_MAX_BYTES];

    return weight_declare(d->set, name_of(d, name, sub), 0, INIT_ONE, 0, of_picture ? 3 : 4,
                          (const int64_t[]){n, 1, 1, 1});
}

static int rings(struct declare *d, int n)
{
    d->half->n_rings += n;
    return d->half->n_rings - n;
}

static void declare_res(struct declare *d, struct wan_res *r, int in, int out)
{
    r->norm1 = gain(d, "norm1.gamma", in, 0);
    r->conv1 = conv(d, "conv1", in, out, 3, 3);
    r->norm2 = gain(d, "norm2.gamma", out, 0);
    r->conv2 = conv(d, "conv2", out, out, 3, 3);
    if (in != out)
        r->shortcut = conv(d, "conv_shortcut", in, out, 1, 1);
    r->ring = rings(d, 2);
}

static void declare_middle(struct declare *d, const char *half, int n)
{
    struct wan_half *h = d->half;

    at(d, "%s.mid_block.resnets.0", half);
    declare_res(d, &h->mid[0], n, n);
    at(d, "%s.mid_block.attentions.0", half);
    h->attn_norm = gain(d, "norm.gamma", n, 1);
    h->qkv = conv_2d(d, "to_qkv", n, 3 * n, 1);
    h->proj = conv_2d(d, "proj", n, n, 1);
    at(d, "%s.mid_block.resnets.1", half);
    declare_res(d, &h->mid[1], n, n);
}

static void declare_ends(struct declare *d, const char *half, int in, int first, int last, int out)
{
    at(d, "%s", half);
    d->half->first = conv(d, "conv_in", in, first, 3, 3);
    d->half->ring = rings(d, 1);
    d->half->norm = gain(d, "norm_out.gamma", last, 0);
    d->half->last = conv(d, "conv_out", last, out, 3, 3);
    d->half->last_ring = rings(d, 1);
}

/* 2.1 counts the encoder's layers through, 2.2 has blocks of them. */
static void declare_down(struct wan_vae *m, struct declare *d, int i, int *flat)
{
    const struct wan_vae_config *c = &m->config;
    struct wan_level *l = &m->encoder.level[i];

    *l = (struct wan_level){.blocks = c->res_blocks,
                            .in = c->base_dim * (i ? c->dim_mult[i - 1] : 1),
                            .out = c->base_dim * c->dim_mult[i],
                            .scaled = i < c->levels - 1};
    for (int b = 0; b < l->blocks; b++) {
        if (c->residual)
            at(d, "encoder.down_blocks.%d.resnets.%d", i, b);
        else
            at(d, "encoder.down_blocks.%d", (*flat)++);
        declare_res(d, &l->res[b], b ? l->out : l->in, l->out);
    }
    if (!l->scaled)
        return;
    if (c->residual)
        at(d, "encoder.down_blocks.%d.downsampler", i);
    else
        at(d, "encoder.down_blocks.%d", (*flat)++);
    l->space = conv_2d(d, "resample.1", l->out, l->out, 3);
    l->space.pad_after = 1;
    if (c->time_down[i]) {
        l->time = conv(d, "time_conv", l->out, l->out, 3, 1);
        l->ring = rings(d, 2);
        l->input_ring = l->ring + 1;
    }
}

/* Of the decoder, nearly all of its work may be done in bytes. Its ends and the attention keep
 * their numbers; so does the encoder, which a film asks once, for the frames it is given. */
static void declare_up(struct wan_vae *m, struct declare *d, int i)
{
    const struct wan_vae_config *c = &m->config;
    struct wan_level *l = &m->decoder.level[i];
    int n = c->levels, in = c->decoder_base_dim * c->dim_mult[i ? n - i : n - 1];

    *l = (struct wan_level){.blocks = c->res_blocks + 1,
                            .in = i && !c->residual ? in / 2 : in,
                            .out = c->decoder_base_dim * c->dim_mult[n - 1 - i],
                            .scaled = i < n - 1};
    for (int b = 0; b < l->blocks; b++) {
        at(d, "decoder.up_blocks.%d.resnets.%d", i, b);
        declare_res(d, &l->res[b], b ? l->out : l->in, l->out);
        l->res[b].conv1.w->in_bytes = l->res[b].conv2.w->in_bytes = 1;
    }
    if (!l->scaled)
        return;
    at(d, c->residual ? "decoder.up_blocks.%d.upsampler" : "decoder.up_blocks.%d.upsamplers.0", i);
    l->space = conv_2d(d, "resample.1", l->out, c->residual ? l->out : l->out / 2, 3);
    l->space.w->in_bytes = 1;
    if (c->time_down[n - 2 - i]) {
        l->time = conv(d, "time_conv", l->out, 2 * l->out, 3, 1);
        l->ring = rings(d, 1);
    }
}

/* The shortcuts of 2.2 repeat or average whole groups of channels. */
static int check_shortcuts(const struct wan_vae *m, struct err *e)
{
    const struct wan_vae_config *c = &m->config;

    for (int i = 0; c->residual && i < c->levels; i++) {
        int down_t = i < c->levels - 1 ? 1 + c->time_down[i] : 1;
        int up_t = i < c->levels - 1 ? 1 + c->time_down[c->levels - 2 - i] : 1;
        int in = c->dim_mult[i ? i - 1 : 0] * (i ? 1 : 0) + (i ? 0 : 1), out = c->dim_mult[i];
        int up_in = c->dim_mult[i ? c->levels - i : c->levels - 1];
        int up_out = c->dim_mult[c->levels - 1 - i];
        int all = up_out * up_t * 4, repeats = all / up_in;

        if (in * down_t * (i < c->levels - 1 ? 4 : 1) % out ||
            (i < c->levels - 1 && (all % up_in || (repeats & (repeats - 1)) || repeats > 4 * up_t)))
            return err_set(e, ERR_FORMAT,
                           "vae: with is_residual the widths of dim_mult must halve, stay or "
                           "double from one to the next; number %d does not",
                           i);
    }
    return 0;
}

int wan_vae_init(struct wan_vae *m, const struct wan_vae_config *c, struct err *e)
{
    struct declare enc = {.set = &m->weights, .half = &m->encoder};
    struct declare dec = {.set = &m->weights, .half = &m->decoder};
    struct declare top = {.set = &m->weights};
    int n = c->levels, pixels = 3 * c->patch_size * c->patch_size, flat = 0;
    int in = c->base_dim * c->dim_mult[n - 1], out = c->decoder_base_dim * c->dim_mult[n - 1];
    char name[NAME_MAX_BYTES];

    memset(m, 0, sizeof *m);
    m->config = *c;
    m->kt = 1;
    m->ks = c->patch_size;
    for (int i = 0; i < n - 1; i++) {
        m->kt *= 1 + c->time_down[i];
        m->ks *= 2;
        if (!c->residual && c->decoder_base_dim * c->dim_mult[i + 1] % 2)
            return err_set(e, ERR_FORMAT, "vae: decoder_base_dim times dim_mult must be even");
    }
    if (check_shortcuts(m, e))
        return ERR_FORMAT;
    weight_set_init(&m->weights);
    declare_ends(&enc, "encoder", pixels, c->base_dim, in, 2 * c->z_dim);
    for (int i = 0; i < n; i++)
        declare_down(m, &enc, i, &flat);
    declare_middle(&enc, "encoder", in);
    snprintf(name, sizeof name, "quant_conv");
    m->quant = conv3d_declare(top.set, name, 2 * c->z_dim, 2 * c->z_dim, 1, 1);
    m->post_quant = conv3d_declare(top.set, "post_quant_conv", c->z_dim, c->z_dim, 1, 1);
    declare_ends(&dec, "decoder", c->z_dim, out, c->decoder_base_dim * c->dim_mult[0], pixels);
    declare_middle(&dec, "decoder", out);
    for (int i = 0; i < n; i++)
        declare_up(m, &dec, i);
    return 0;
}

void wan_vae_release(struct wan_vae *m)
{
    if (m->quant.w)
        weight_set_release(&m->weights);
    memset(m, 0, sizeof *m);
}

/* ---- as a part ---- */

static struct codec_config codec_config_of(const void *net)
{
    const struct wan_vae *m = net;
    const struct wan_vae_config *c = &m->config;

    return (struct codec_config){.channels = c->z_dim,
                                 .kt = m->kt,
                                 .ks = m->ks,
                                 .first = 1,
                                 .mean = c->has_stats ? c->latents_mean : NULL,
                                 .std = c->has_stats ? c->latents_std : NULL};
}

static enum dtype job_type(const void *net, enum dtype type)
{
    return codec_job_type(&((const struct wan_vae *)net)->weights, type);
}

PART_METHODS(wan_vae)
static const char *const class_names[] = {"AutoencoderKLWan", NULL};
static const struct codec_class codec = {.config = codec_config_of,
                                         .encode = wan_vae_encode,
                                         .moments = wan_vae_moments,
                                         .decode = wan_vae_decode};
const struct part_class wan_vae_part = {.role = PART_CODEC,
                                        .names = class_names,
                                        .library = "diffusers",
                                        .file = "diffusion_pytorch_model.safetensors",
                                        .tensors = &store_wan_vae_names,
                                        PART_METHODS_OF(wan_vae),
                                        .job_type = job_type,
                                        .codec = &codec};
