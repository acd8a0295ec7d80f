/* store.h - the weights of one network in files: a directory in diffusers or transformers layout,
 * one file or shards.
 *
 * Names in the file may be our own (the diffusers, transformers or taehv names) or those of another
 * release; a table of rewriting rules per network says how (struct naming), and prefixes such as
 * "model.diffusion_model." are stripped. Every declared weight must be in the file with its shape,
 * and every tensor of the file must be declared: otherwise ERR_FORMAT lists what is missing and
 * unexpected with the nearest names. A weight NAME stored as I8 has its scales beside it in
 * NAME_scale (int8.h), by whichever name the file knows it; they are gone once it is loaded. */
#ifndef MODEL_STORE_H
#define MODEL_STORE_H

#include "base/dtype.h"
#include "base/err.h"
#include "format/safetensors.h"
#include "tensor/weight.h"

struct naming {
    const char *own, *other; /* dotted part of a name in our files, and in the other release */
};
struct store_names {
    const struct naming *rules; /* ends with {NULL, NULL} */
    const char *const *ignore;  /* names that may be in a file unused, "x." all that begin so, ".x"
                                 * all with it inside; ends with NULL */
    const struct naming *tied;  /* whole names: `other` is the same tensor as `own`, and is taken
                                 * where that is not there; ends as rules */
    int last_rows; /* a convolution with too many rows gives its last ones (as taehv) */
    const struct naming *parts; /* each `own` has so many rows of the one tensor `other`, in this
                                 * order; ends as rules; NULL: there are none */
};
extern const struct store_names store_wan_names, store_umt5_names, store_clause_text_names,
    store_tiny_vae_names, store_clip_vision_names, store_subpixel_names, store_wan_vae_names;

/* What may stand before the names in a file, "" first; ends with NULL. */
extern const char *const store_prefixes[];

struct store_report {
    int64_t n_bad; /* NaN and infinite values; of large matrices that stay in their file some
                    * rows are looked at, the rest when it turns out that something is wrong */
    const char *first_bad; /* first tensor that holds one; lives as long as the weight set */
};

/* Values first..first+n-1 of t (row-major) as f32, however they are stored. ERR_IO; ERR_FORMAT: in
 * a way that is not computed. */
NODISCARD int store_values(const struct st_file *f, const struct st_tensor *t, int64_t first,
                           int64_t n, float *out, struct err *e);
/* dir: holds model.safetensors, diffusion_pytorch_model.safetensors or an index of shards; or the
 * path of one file. Names and shapes are checked, then the weights are allocated
 * (weight_set_allocate with device, type and training) and read. report may be NULL. ERR_IO,
 * ERR_FORMAT (also scales that are missing, too many, of another shape, negative or not finite);
 * ERR_FIT when the machine has not got the memory. */
NODISCARD int store_load(struct weight_set *s, const char *dir, const struct store_names *names,
                         struct device *device, enum dtype type, int training,
                         struct store_report *report, struct err *e);
/* The first weight in host memory that holds a value that is not finite, all of them looked
 * through; NULL: none does. */
const struct weight *store_find_bad(const struct weight_set *s);
/* What the weights will take when they are loaded for inference, found without loading them. */
struct store_room {
    uint64_t own;    /* copies in memory of the device, and scales */
    uint64_t mapped; /* pages of the file that using them makes resident */
};
/* Names, shapes, types and places as store_load leaves them, but weights without memory: a network
 * of them runs dry. Errors as there. */
NODISCARD int store_survey(struct weight_set *s, const char *dir, const struct store_names *names,
                           struct device *device, enum dtype type, struct store_room *room,
                           struct err *e);
/* Matrices in `type` (F32, BF16 or I8; of the last, rows below INT8_MIN_ROW are BF16), vectors and
 * tables always F32. Values come from master, or from data without one; values != NULL gives them
 * instead, one f32 array per weight in declaration order (an averaged copy). ERR_FORMAT: a value
 * that is not finite, in I8. */
NODISCARD int store_save(const struct weight_set *s, const char *path, enum dtype type,
                         float *const *values, struct err *e);

#endif
