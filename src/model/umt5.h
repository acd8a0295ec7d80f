/* umt5.h - the text encoder: UMT5 (one relative bias per layer) and T5 (one, in layer 0, shared by
 * all). Reference: transformers, models/umt5 and models/t5, encoder only; also our own two-layer
 * encoder. Prompts of different length stand as rows one after the other; nothing is padded, so
 * there is no mask. Thread-safety: reading only, any number of contexts. */
#ifndef MODEL_UMT5_H
#define MODEL_UMT5_H

#include "base/buf.h"
#include "model/part.h"

struct umt5_config {                        /* keys of config.json where no other is said */
    int vocab;                              /* vocab_size */
    int d_model, d_kv, d_ff, layers, heads; /* num_layers, num_heads */
    int buckets, max_distance; /* relative_attention_num_buckets, relative_attention_max_distance */
    double eps;                /* layer_norm_epsilon */
    enum k_act act;            /* feed_forward_proj: [gated-]gelu|relu|silu */
    int gated;
    int shared_bias; /* 1: model_type "t5" */
};

struct umt5_block {
    struct linear_w q, k, v, o;
    struct weight *bias;          /* [buckets, heads]; with shared_bias NULL beyond layer 0 */
    struct weight *norm1, *norm2; /* [d_model] */
    struct linear_w wi0, wi1, wo; /* wi1 unused without gate */
};
struct umt5 {
    struct umt5_config config;
    struct weight_set weights; /* names of transformers */
    struct weight *embedding;  /* shared.weight [vocab, d_model] */
    struct umt5_block *blocks;
    struct weight *norm;
};

/* Defaults of the shipped encoder: two layers of width 256. */
void umt5_config_default(struct umt5_config *c);
NODISCARD int umt5_config_read(struct umt5_config *c, const char *path, struct err *e);
void umt5_config_write(const struct umt5_config *c, struct buf *out);

NODISCARD int umt5_init(struct umt5 *m, const struct umt5_config *c, struct err *e);
void umt5_release(struct umt5 *m);

/* text_rows; the tokenizer is checked against the vocabulary when a bundle is opened. tap sees
 * hidden.N. */
struct tensor *umt5_forward(struct cx *cx, const struct umt5 *m, const int32_t *ids,
                            const struct seq *seq, const struct tap *tap);
extern const struct part_class umt5_part;

#endif
