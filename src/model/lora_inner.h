/* lora_inner.h - what lora.c, which reads names, tells lora_layer.c, which makes values. */
#ifndef MODEL_LORA_INNER_H
#define MODEL_LORA_INNER_H

#include "format/json.h"
#include "model/lora.h"
#include "model/store_inner.h"

enum lora_kind {
    DOWN, /* [rank,in] */
    UP,   /* [out,rank] */
    HADA_1A,
    HADA_1B,
    HADA_2A,
    HADA_2B,
    KRON_1,
    KRON_1A,
    KRON_1B,
    KRON_2,
    KRON_2A,
    KRON_2B,
    DORA,
    ALPHA,
    DIFF,
    DIFF_BIAS,
    N_LORA_KINDS
};

struct lora_layer {
    struct weight *w, *bias;
    const struct st_tensor *of[N_LORA_KINDS];
    double scale; /* without strength */
};

struct lora_job {
    const struct st_file *f;
    const struct part *part;
    struct weight_set *set;
    const struct lora_use *use;
    struct lora_layer *layer;
    int n;
    struct jdoc *doc; /* of the metadata, NULL without */
    struct lora_report *report;
};

/* Shapes, and the scale. ERR_FORMAT. */
NODISCARD int lora_layer_check(const struct lora_job *j, struct lora_layer *l, struct err *e);
/* ERR_FORMAT: a value that is not finite. ERR_FIT. */
NODISCARD int lora_layer_apply(const struct lora_job *j, const struct lora_layer *l, struct err *e);

#endif
