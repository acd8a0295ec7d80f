/* wan.h - the diffusion transformer of Wan 2.x (WanTransformer3DModel of diffusers,
 * models/transformers/transformer_wan.py): 3D rotary positions, QK RMS norm across heads,
 * cross-attention to text, one shared adaLN modulation plus a table per block, and a timestep per
 * token. Thread-safety: a wan may be read by several contexts at once, written by none then. */
#ifndef MODEL_WAN_H
#define MODEL_WAN_H

#include "base/buf.h"
#include "model/part.h"

struct wan_config {      /* keys of config.json where no other is said */
    int patch_size[3];   /* pt, ph, pw */
    int heads, head_dim; /* num_attention_heads, attention_head_dim; width D = heads*head_dim */
    int in_channels, out_channels;
    int text_dim, freq_dim, ffn_dim, layers; /* layers: num_layers */
    int cross_attn_norm;                     /* affine LayerNorm before cross-attention */
    double eps;
    int rope_max_seq_len; /* highest position of an axis + 1 */
    int text_len; /* rows of text per sample, zero-padded; 0: exactly the prompt's own rows. Without
                   * the key 512, as the released models were trained */
};

struct wan_attn {
    struct linear_w q, k, v, o;
    struct weight *norm_q, *norm_k; /* [D] */
};
struct wan_block {
    struct wan_attn self, cross;
    struct weight *norm2_gain, *norm2_bias; /* [D] or NULL */
    struct linear_w ffn_in, ffn_out;
    struct weight *table; /* [1,6,D]: shift, scale, gate of attention, then of the ffn */
};
struct wan {
    struct wan_config config;
    struct weight_set weights; /* names of diffusers */
    struct linear_w patch, text1, text2, time1, time2, time_proj, out;
    struct weight *table;     /* [1,2,D]: shift, scale of the last norm */
    struct wan_block *blocks; /* [layers], owned */
};

/* Defaults of the shipped small network: d256 L8 (text_dim 256, text_len 0). */
void wan_config_default(struct wan_config *c);
/* From config.json in diffusers' form. ERR_IO, ERR_FORMAT with the name and allowed range of a bad
 * field. */
NODISCARD int wan_config_read(struct wan_config *c, const char *path, struct err *e);
void wan_config_write(const struct wan_config *c, struct buf *out);

/* Checks the config and declares all weights (nothing is allocated: weight_set_allocate).
 * ERR_FORMAT. */
NODISCARD int wan_init(struct wan *m, const struct wan_config *c, struct err *e);
void wan_release(struct wan *m);

/* denoiser_velocity; b->tap sees patch_embedding, condition_embedder.*, blocks.N. */
struct tensor *wan_forward(struct cx *cx, const struct wan *m, const struct denoiser_batch *b);
extern const struct part_class wan_part;

#endif
