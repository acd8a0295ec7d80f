/* The configuration of tiny_vae.h. TAEHV has no file of its own; the keys are its constructor's
 * arguments. */
#include <string.h>

#include "base/jsonw.h"
#include "format/json.h"
#include "model/tiny_vae.h"

#define CONFIG_MAX_BYTES (1 << 20)
#define MAX_WIDTH 4096
#define MAX_DEBLOCK 256

void tiny_vae_config_default(struct tiny_vae_config *c)
{
    /* Most of the work at a quarter of the resolution; one latent place is 4 frames x 8x8 px. */
    *c = (struct tiny_vae_config){
        .latent_channels = 16,
        .patch_size = 4,
        .stages = 2,
        .encoder_width = 96,
        .decoder_width = {96, 96, 48},
        .time_down = {4, 1},
        .time_up = {1, 4},
        .space_down = {1, 2},
        .space_up = {2, 1},
        .encoder_blocks = {1, 0},
        .decoder_blocks = {0, 2},
        .klt = 1,
        .encoder_reset = 1,
        .pad_start = 1,
    };
}

/* A list of `n` numbers lo..hi; where the key is missing all are def. In lists of factors true is 2
 * and false 1. */
static void read_list(struct jval o, const char *key, int *out, int n, int lo, int hi, int def)
{
    struct jval a;

    for (int i = 0; i < n; i++)
        out[i] = def;
    if (!j_has(o, key))
        return;
    a = j_array(o, key);
    if (j_len(a) != n) {
        j_fail(o, key, "expected a list of %d, but it has %d", n, j_len(a));
        return;
    }
    for (int i = 0; i < n; i++)
        out[i] = j_type(j_at(a, i)) == J_BOOL ? 1 + j_at_bool(a, i) : (int)j_at_int(a, i, lo, hi);
}

static void read_fields(void *config, struct jval o)
{
    struct tiny_vae_config *c = config;
    static const char *const classes[] = {"TAEHV"};
    static const char *const pads[] = {"end", "start"};

    j_choice_or(o, "_class_name", classes, 1, 0);
    c->latent_channels = (int)j_int(o, "latent_channels", 1, 1024);
    c->patch_size = (int)j_int_or(o, "patch_size", 1, 16, 1);
    c->stages = j_has(o, "time_down") ? j_len(j_array(o, "time_down")) : 3;
    if (c->stages < 1 || c->stages > TINY_VAE_STAGES) {
        j_fail(o, "time_down", "expected a list of 1 to %d", TINY_VAE_STAGES);
        return;
    }
    c->encoder_width = (int)j_int_or(o, "encoder_width", 1, MAX_WIDTH, 64);
    read_list(o, "decoder_width", c->decoder_width, c->stages + 1, 1, MAX_WIDTH, 64);
    read_list(o, "time_down", c->time_down, c->stages, 1, 8, 1);
    read_list(o, "time_up", c->time_up, c->stages, 1, 8, 1);
    read_list(o, "space_down", c->space_down, c->stages, 1, 2, 2);
    read_list(o, "space_up", c->space_up, c->stages, 1, 2, 2);
    read_list(o, "encoder_blocks", c->encoder_blocks, c->stages, 0, TINY_VAE_BLOCKS, 3);
    read_list(o, "decoder_blocks", c->decoder_blocks, c->stages, 0, TINY_VAE_BLOCKS, 3);
    c->klt = j_bool_or(o, "klt", 0);
    c->lapped = j_bool_or(o, "klt_lapped", 0);
    if (c->lapped && !c->klt)
        j_fail(o, "klt_lapped", "is part of the fixed transform: it wants klt true");
    c->deblock = (int)j_int_or(o, "klt_deblock", 0, MAX_DEBLOCK, 0);
    if (c->deblock && !c->klt)
        j_fail(o, "klt_deblock", "mends the fixed transform: it wants klt true");
    c->motion = j_bool_or(o, "klt_motion", 0);
    if (c->motion && !c->klt)
        j_fail(o, "klt_motion", "mends the fixed transform: it wants klt true");
    c->encoder_reset = j_bool_or(o, "encoder_reset", 0);
    c->pad_start = j_choice_or(o, "time_pad", pads, 2, 0) == 1;
}

int tiny_vae_config_read(struct tiny_vae_config *c, const char *path, struct err *e)
{
    memset(c, 0, sizeof *c);
    return jdoc_take(path, CONFIG_MAX_BYTES, read_fields, c, e);
}

static void write_list(struct jsonw *w, const char *key, const int *v, int n)
{
    jsonw_array(w, key);
    for (int i = 0; i < n; i++)
        jsonw_int(w, NULL, v[i]);
    jsonw_end_array(w);
}

void tiny_vae_config_write(const struct tiny_vae_config *c, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "_class_name", "TAEHV");
    jsonw_int(&w, "latent_channels", c->latent_channels);
    jsonw_int(&w, "patch_size", c->patch_size);
    jsonw_int(&w, "encoder_width", c->encoder_width);
    write_list(&w, "decoder_width", c->decoder_width, c->stages + 1);
    write_list(&w, "time_down", c->time_down, c->stages);
    write_list(&w, "time_up", c->time_up, c->stages);
    write_list(&w, "space_down", c->space_down, c->stages);
    write_list(&w, "space_up", c->space_up, c->stages);
    write_list(&w, "encoder_blocks", c->encoder_blocks, c->stages);
    write_list(&w, "decoder_blocks", c->decoder_blocks, c->stages);
    jsonw_bool(&w, "klt", c->klt);
    if (c->lapped)
        jsonw_bool(&w, "klt_lapped", 1);
    if (c->deblock)
        jsonw_int(&w, "klt_deblock", c->deblock);
    if (c->motion)
        jsonw_bool(&w, "klt_motion", 1);
    jsonw_bool(&w, "encoder_reset", c->encoder_reset);
    jsonw_string(&w, "time_pad", c->pad_start ? "start" : "end");
    jsonw_end_object(&w);
    buf_putc(out, '\n');
}
