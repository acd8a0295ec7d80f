/* tiny_vae.h - a small streaming video autoencoder: 2D convolutions, each residual block sees its
 * frame and the one before. The design of madebyollin/taehv (taehv.py); the config also says our
 * own codec:
 *   - a fixed linear root (klt): z = E x + e + f(x), x' = D z + d + g(z) on blocks of 4 frames x
 * 8x8 px x RGB, always in f32; f and g are the networks, whose last convolutions begin at zero
 *   - klt_lapped: the root of the decoder reads the 3x3 latent places around a block, so that
 * blocks meet without seams: x' = D z + d + L(z) + g(z)
 *   - klt_deblock: n directions along every border of a block, by which its root is mended there
 * (deblock.h): x' = R + S(R) + g(z), R = D z + d + L(z)
 *   - klt_motion: a group of frames that a transform of few components has made moves too little
 * within itself and leaps to the next one. By how much the latents before and behind it differ says
 * how far everything moves: x' = R + S(R) + M(z - z_before, z_behind - z) + g(z). The first latent,
 * which is one frame, does not move; where the one behind is not known it is guessed (G) from the
 * one before.
 *   - encoder_reset: the encoder forgets between groups of 4 frames, so groups may be encoded alone
 *   - time_pad "start": frame 0 is repeated in front (N = 1+4k frames), where TAEHV repeats the
 * last frame at the end One latent frame stands for kt = product(time_up) video frames; decoding
 * drops the first kt-1, so that t latent frames give 1 + kt*(t-1) video frames. Decoding as a
 * stream (codec.h) equals decoding all at once bit for bit. Thread-safety: reading only. */
#ifndef MODEL_TINY_VAE_H
#define MODEL_TINY_VAE_H

#include "base/buf.h"
#include "model/deblock.h"
#include "model/part.h"
#include "model/tap.h"

#define TINY_VAE_STAGES 4 /* at most */
#define TINY_VAE_BLOCKS 6 /* per stage, at most */

struct tiny_vae_config {
    int latent_channels, patch_size;
    int stages; /* length of the lists below; 3 in TAEHV */
    int encoder_width;
    int decoder_width[TINY_VAE_STAGES + 1]; /* [stages+1] */
    int time_down[TINY_VAE_STAGES],
        time_up[TINY_VAE_STAGES]; /* factors; true in JSON is 2, false 1 */
    int space_down[TINY_VAE_STAGES], space_up[TINY_VAE_STAGES];           /* 1 or 2; default 2 */
    int encoder_blocks[TINY_VAE_STAGES], decoder_blocks[TINY_VAE_STAGES]; /* default 3 */
    int klt, encoder_reset, pad_start; /* "klt", "encoder_reset": bool; "time_pad": "start"|"end" */
    int lapped;                        /* "klt_lapped": bool, only with klt */
    int deblock; /* "klt_deblock": directions of a border, 0: none; only with klt */
    int motion;  /* "klt_motion": bool, only with klt */
};

struct vae_block { /* relu(conv(cat(x, x one frame earlier)) + x) */
    struct conv_w conv[3];
};
struct vae_stage {
    struct conv_w time, space; /* 1x1 over frames, 3x3 without bias */
    struct vae_block block[TINY_VAE_BLOCKS];
};
struct vae_half {
    struct conv_w first, last;
    struct vae_stage stage[TINY_VAE_STAGES];
};
struct tiny_vae {
    struct tiny_vae_config config;
    struct weight_set weights; /* names of taehv; klt.encode.*, klt.decode.* */
    struct vae_half encoder, decoder;
    struct linear_w klt_encode,
        klt_decode;       /* [C,P] + [C], [P,C] + [P]; frozen, f32; P = kt*ks*ks*3 */
    struct conv_w lapped; /* [P,3,3,C], frozen; zero until it is fitted; only with config.lapped */
    struct deblock deblock;        /* frozen; none without config.deblock */
    struct linear_w motion, guess; /* [P,2C], [C,C]; frozen; zero until they are fitted; none
                                      without config.motion */
    int kt, ks;                    /* frames and pixels (each way) under one latent place */
    const struct tap *tap; /* NULL, or sees what leaves the decoder's ReLUs from block to block:
                              "decoder.first", "decoder.STAGE.BLOCK", "decoder.last" */
};

void tiny_vae_config_default(struct tiny_vae_config *c); /* our codec */
NODISCARD int tiny_vae_config_read(struct tiny_vae_config *c, const char *path, struct err *e);
void tiny_vae_config_write(const struct tiny_vae_config *c, struct buf *out);
NODISCARD int tiny_vae_init(struct tiny_vae *m, const struct tiny_vae_config *c, struct err *e);
void tiny_vae_release(struct tiny_vae *m);

/* Fill the root. mean [P], basis [C,P] orthonormal rows, scale [C] (factor of each component): z =
 * scale * basis (x-mean). P runs over frame, row, column, colour (t,y,x,c). After
 * weight_set_allocate. */
void tiny_vae_set_klt(struct tiny_vae *m, const float *mean, const float *basis,
                      const float *scale);

/* video [N,H,W,3]; H, W divisible by ks; with pad_start N = 1+4k. -> [ceil(N/kt), H/ks, W/ks, C].
 */
struct tensor *tiny_vae_encode(struct cx *cx, const struct tiny_vae *m, struct tensor *video);
/* Training: x [B,T,H,W,3], T a multiple of kt, B independent clips without padding -> [B*T/kt, h,
 * w, C]. */
struct tensor *tiny_vae_encode_clips(struct cx *cx, const struct tiny_vae *m, struct tensor *x);
/* z [t,h,w,C] -> unclamped [1+kt*(t-1), H, W, 3]. */
struct tensor *tiny_vae_decode(struct cx *cx, const struct tiny_vae *m, struct tensor *z);
/* Training: z [B,t,h,w,C], B independent sequences -> [B, kt*t, H, W, 3] with no frame dropped. */
struct tensor *tiny_vae_decode_clips(struct cx *cx, const struct tiny_vae *m, struct tensor *z);

/* z wide [B*t,h,w,C], B independent sequences -> wide rows [B*t*h*w, C]: z - z_before, z_behind - z
 * (NULL guess: zero behind the last one). Both zero in the first latent of each. */
struct tiny_vae_moves {
    struct tensor *back, *ahead;
};
struct tiny_vae_moves tiny_vae_moves(struct cx *cx, struct tensor *z, int64_t clips,
                                     const struct linear_w *guess);

/* z wide [n,h,w,C] -> wide rows [n*h*w, P]: the fixed transform, and what the places around a block
 * say of it; what klt_deblock mends. Only with klt. */
struct tensor *tiny_vae_root(struct cx *cx, const struct tiny_vae *m, struct tensor *z);

extern const struct part_class tiny_vae_part;

#endif
