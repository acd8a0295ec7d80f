/* text_model.h - what turns tokens into rows for the transformer, whichever network does it.
 * Thread-safety: reading only, any number of contexts. */
#ifndef MODEL_TEXT_MODEL_H
#define MODEL_TEXT_MODEL_H

#include "model/tap.h"
#include "tensor/ops.h"

struct text_config {
    int vocab, dim; /* tokens that it knows; width of a row */
};
struct text_class {
    struct text_config (*config)(const void *net);
    struct tensor *(*rows)(struct cx *cx, const void *net, const int32_t *ids,
                           const struct seq *seq, const struct tap *tap);
};
struct text_model { /* borrowed; part_text gives it */
    const struct text_class *is;
    const void *net;
    struct weight_set *weights;
    struct text_config config;
};

/* ids [L] in 0..vocab-1 (else BUG), seq: which are of which prompt; both live until cx_step_end. ->
 * wide [L, dim]. tap may be NULL. */
struct tensor *text_rows(struct cx *cx, const struct text_model *m, const int32_t *ids,
                         const struct seq *seq, const struct tap *tap);

#endif
