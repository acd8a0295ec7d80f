/* wan_vae.h - the video autoencoders of Wan 2.1 and 2.2 (AutoencoderKLWan of diffusers,
 * autoencoder_kl_wan.py; vae.py and vae2_2.py of the releases): causal 3D convolutions, RMS norm
 * over channels, one attention within each frame in the middle.
 *
 * Everything goes frame by frame: a convolution keeps the two frames behind it in a ring (codec.h),
 * layers that double time hand on two frames, one after the other, those that halve it wait for the
 * second. So a film in pieces is the film at once, to the bit, and memory is that of the rings and
 * of a few frames of one layer. The last convolution keeps its parts of the sum instead of its
 * input. Pixels are 0..1 outside and -1..1 inside. Thread-safety: reading only. */
#ifndef MODEL_WAN_VAE_H
#define MODEL_WAN_VAE_H

#include "base/buf.h"
#include "model/part.h"

#define WAN_VAE_LEVELS 6    /* at most */
#define WAN_VAE_BLOCKS 4    /* residual blocks of a level, at most; the decoder has one more */
#define WAN_VAE_CHANNELS 64 /* of the latent, at most */

struct wan_vae_config {
    int base_dim, decoder_base_dim, z_dim;
    int levels, dim_mult[WAN_VAE_LEVELS];
    int res_blocks;
    int time_down[WAN_VAE_LEVELS]; /* [levels-1], 1: the level halves time as well */
    int residual;                  /* is_residual: levels have shortcuts (2.2) */
    int patch_size;                /* pixels each way under one place of the first convolution */
    int has_stats;                 /* latents_mean and latents_std are there */
    float latents_mean[WAN_VAE_CHANNELS], latents_std[WAN_VAE_CHANNELS];
};

struct wan_res { /* x + conv2(silu(norm2(conv1(silu(norm1(x)))))), x through shortcut if it is there
                  */
    struct weight *norm1, *norm2;
    struct conv_w conv1, conv2, shortcut;
    int ring; /* of conv1; that of conv2 is the next */
};
struct wan_level {
    struct wan_res res[WAN_VAE_BLOCKS + 1];
    int blocks, in, out; /* channels */
    int scaled;          /* 1: it changes the size, by space, and by time where that is there */
    struct conv_w space, time; /* 3x3; three frames */
    int ring, input_ring; /* of time; of what came in, for the shortcut of an encoder's level */
};
struct wan_half {
    struct conv_w first, last, qkv, proj;
    struct weight *attn_norm, *norm;
    struct wan_res mid[2];
    struct wan_level level[WAN_VAE_LEVELS];
    int ring, last_ring, n_rings; /* of first; of last */
};
struct wan_vae {
    struct wan_vae_config config;
    struct weight_set weights; /* names of diffusers */
    struct wan_half encoder, decoder;
    struct conv_w quant, post_quant;
    int kt, ks; /* frames and pixels (each way) under one latent place */
};

NODISCARD int wan_vae_config_read(struct wan_vae_config *c, const char *path, struct err *e);
void wan_vae_config_write(const struct wan_vae_config *c, struct buf *out);
/* 1 for Wan 2.1's, 2 for Wan 2.2's. */
void wan_vae_config_release(struct wan_vae_config *c, int which);
NODISCARD int wan_vae_init(struct wan_vae *m, const struct wan_vae_config *c, struct err *e);
void wan_vae_release(struct wan_vae *m);

extern const struct part_class wan_vae_part;

#endif
