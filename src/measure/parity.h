/* parity.h - are our networks the same as the reference's? Runs a folder of reference vectors.
 *
 * A folder holds config.json ("_class_name", or "kind" where there is no network),
 * model.safetensors, inputs.safetensors and outputs.safetensors, made by diffusers, transformers
 * and PyTorch; the kinds are the rows of the table in parity.c. Every tensor of outputs.safetensors
 * must be computed and agree. */
#ifndef MEASURE_PARITY_H
#define MEASURE_PARITY_H

#include "base/dtype.h"
#include "base/err.h"
#include "base/thread.h"
#include "kern/device.h"
#include "tensor/weight.h"

struct parity_line {
    const char *name;
    double error; /* relative L2 |ours - theirs| / |theirs|; NaN in either gives infinity */
    double limit;
    int computed, ok; /* ok: computed and error <= limit */
};
struct parity_options {
    enum dtype type;     /* DT_F32 or DT_BF16 */
    struct weight_as as; /* what matrices of networks become */
    double tol; /* 0: 1e-5 in f32 (gradients 1e-4, Muon 2e-2), 2e-2 in bf16 (gradients 5e-2), 3e-2
                   in bytes */
    struct device *device;
    struct threads *threads; /* may be NULL */
    void (*line)(void *user,
                 const struct parity_line *l); /* each output, in the order of the file */
    void *user;
};

/* 0: all outputs agree. ERR_CHECK: some do not. ERR_FORMAT, ERR_IO: the folder cannot be read, or
 * its kind is not supported. *worst (may be NULL) is the largest error. */
NODISCARD int parity_run(const char *dir, const struct parity_options *o, double *worst,
                         struct err *e);

#endif
