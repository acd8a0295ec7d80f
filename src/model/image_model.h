/* image_model.h - what turns a picture into rows for the transformer, whichever network does it.
 * Thread-safety: reading only, any number of contexts. */
#ifndef MODEL_IMAGE_MODEL_H
#define MODEL_IMAGE_MODEL_H

#include "model/tap.h"
#include "tensor/ops.h"

struct image_config {
    int side;      /* px of the square that it sees */
    int rows, dim; /* of one picture */
    int layers;
};
struct image_class {
    struct image_config (*config)(const void *net);
    struct tensor *(*rows)(struct cx *cx, const void *net, struct tensor *pixels, int layers,
                           const struct tap *tap);
};
struct image_model { /* borrowed; part_image gives it */
    const struct image_class *is;
    const void *net;
    struct weight_set *weights;
    struct image_config config;
};

/* pixels wide [n,side,side,3], normalised as the network was trained -> wide [n*rows, dim] after
 * its first `layers` layers. tap may be NULL. */
struct tensor *image_rows(struct cx *cx, const struct image_model *m, struct tensor *pixels,
                          int layers, const struct tap *tap);

#endif
