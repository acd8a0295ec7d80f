/* wan.h - the diffusion transformers of Wan 2.x (WanTransformer3DModel and
 * WanVACETransformer3DModel of diffusers, models/transformers/transformer_wan.py and _vace.py): 3D
 * rotary positions, QK RMS norm across heads, cross-attention to text, one shared adaLN modulation
 * plus a table per block, and a timestep per token. Those that go on from pictures attend to rows
 * of a picture encoder as well; VACE has a branch of blocks beside some of its own that reads a
 * control video and adds what it makes of it.
 * Thread-safety: a wan may be read by several contexts at once, written by none then. */
#ifndef MODEL_WAN_H
#define MODEL_WAN_H

#include "base/buf.h"
#include "model/part.h"

enum { WAN_MOST_VACE = 64 };

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
    int image_dim;        /* width of the rows of pictures, 0: takes none */
    int image_rows;       /* pos_embed_seq_len: of all pictures of a sample, each with a learned
                           * place; 0: as many as there are, without */
    int vace_in_channels; /* of the control video */
    int n_vace, vace_layers[WAN_MOST_VACE]; /* after which blocks a branch adds to the stream,
                                             * ascending from 0; none: no VACE */
};

struct wan_attn {
    struct linear_w q, k, v, o;
    struct weight *norm_q, *norm_k;   /* [D] */
    struct linear_w image_k, image_v; /* of pictures, beside the text; empty without */
    struct weight *image_norm_k;
};
struct wan_block {
    struct wan_attn self, cross;
    struct weight *norm2_gain, *norm2_bias; /* [D] or NULL */
    struct linear_w ffn_in, ffn_out;
    struct weight *table; /* [1,6,D]: shift, scale, gate of attention, then of the ffn */
    int group;            /* of weights, in the order in which blocks run */
};
struct wan_vace {            /* a block of the control stream */
    struct linear_w in, out; /* in: of the first one; out: what is added to the main stream */
    struct wan_block block;
};
struct wan_image { /* rows of pictures -> rows of width D */
    struct weight *norm1_gain, *norm1_bias, *norm2_gain, *norm2_bias;
    struct weight *places; /* [1, image_rows, image_dim] or NULL */
    struct linear_w up, down;
};
struct wan {
    struct wan_config config;
    struct weight_set weights; /* names of diffusers */
    struct linear_w patch, vace_patch, text1, text2, time1, time2, time_proj, out;
    struct weight *table; /* [1,2,D]: shift, scale of the last norm */
    struct wan_image image;
    struct wan_block *blocks; /* [layers], owned */
    struct wan_vace *vace;    /* [n_vace], owned */
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

/* denoiser_velocity; b->tap sees patch_embedding, condition_embedder.*, blocks.N and
 * vace_blocks.N (what the branch adds, before it is scaled). */
struct tensor *wan_forward(struct cx *cx, const struct wan *m, const struct denoiser_batch *b);
extern const struct part_class wan_part;

#endif
