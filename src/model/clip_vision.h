/* clip_vision.h - the picture encoder of CLIP (CLIPVisionModel of transformers,
 * models/clip/modeling_clip.py; arXiv 2103.00020): square patches and a class token, blocks with
 * the norm in front. Wan takes what its last block but one gives. Thread-safety: a clip_vision may
 * be read by several contexts at once, written by none then. */
#ifndef MODEL_CLIP_VISION_H
#define MODEL_CLIP_VISION_H

#include "base/buf.h"
#include "model/part.h"

struct clip_vision_config {         /* keys of config.json where no other is said */
    int dim, hidden, layers, heads; /* hidden_size, intermediate_size, num_hidden_layers,
                                     * num_attention_heads */
    int side, patch;                /* image_size, patch_size; px */
    double eps;                     /* layer_norm_eps */
};

struct clip_vision_block {
    struct weight *norm1_gain, *norm1_bias, *norm2_gain, *norm2_bias; /* [D] */
    struct linear_w q, k, v, o, up, down;
};
struct clip_vision {
    struct clip_vision_config config;
    struct weight_set weights;                                    /* names of transformers */
    struct linear_w patch;                                        /* [D, 3*patch*patch] */
    struct weight *class_row;                                     /* [D] */
    struct weight *places;                                        /* [rows, D] */
    struct weight *norm_gain, *norm_bias, *last_gain, *last_bias; /* the last ones: read, not used
                                                                   */
    struct clip_vision_block *blocks;                             /* [layers], owned */
};

/* From config.json. ERR_IO, ERR_FORMAT with the name and allowed range of a bad field. */
NODISCARD int clip_vision_config_read(struct clip_vision_config *c, const char *path,
                                      struct err *e);
void clip_vision_config_write(const struct clip_vision_config *c, struct buf *out);
/* Declares all weights (nothing is allocated: weight_set_allocate). ERR_FORMAT. */
NODISCARD int clip_vision_init(struct clip_vision *m, const struct clip_vision_config *c,
                               struct err *e);
void clip_vision_release(struct clip_vision *m);

/* image_rows; tap sees hidden.N before block N, and the last one. */
struct tensor *clip_vision_forward(struct cx *cx, const struct clip_vision *m,
                                   struct tensor *pixels, int layers, const struct tap *tap);
extern const struct part_class clip_vision_part;

#endif
