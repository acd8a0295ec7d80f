/* store_inner.h - what the parts of the store share. Private to this folder. */
#ifndef MODEL_STORE_INNER_H
#define MODEL_STORE_INNER_H

#include "format/safetensors.h"
#include "model/quant.h"
#include "model/store.h"

/* Which tensor of a file is which weight. */
struct match {
    struct weight_set *set;
    const struct st_file *file;
    const char *path;
    const struct st_tensor **of;    /* [set->n], NULL where missing */
    const struct st_tensor **scale; /* [set->n], of those that have any */
    struct quant quant;             /* how the file says it is stored */
    const char **spare;             /* names in the file that fit nothing */
    struct st_tensor *part;         /* parts of tensors that are several weights */
    int n_parts;
    int n_spare, n_missing;
};

/* Finds them all, by any convention of names. ERR_FORMAT: not these, or one twice. */
NODISCARD int match_init(struct match *m, struct weight_set *set, const struct st_file *f,
                         const char *path, const struct store_names *names, struct err *e);
void match_release(struct match *m);

/* store_values of a tensor that is unpacked by `form` (NULL: by none). */
NODISCARD int store_values_by(const struct st_file *f, const struct st_tensor *t,
                              const struct stored_form *form, int64_t first, int64_t n, float *out,
                              struct err *e);
/* ERR_FORMAT: the tensor is packed in a way that nobody unpacks here. */
int store_no_form(const struct st_file *f, const struct st_tensor *t, struct err *e);

/* The weight that a tensor of a file is meant for, by any convention of names; NULL: none. */
struct weight *store_find_weight(struct weight_set *s, const char *name,
                                 const struct store_names *names);

/* Weight k gets its values from its tensor, from element `first` on, times `scale` of each row
 * (NULL: 1), by the threads of the set. *bad: how many are NaN or infinite. */
NODISCARD int store_fill(const struct match *m, int k, int64_t first, const float *scale,
                         int64_t *bad, struct err *e);
/* How many values are NaN or infinite; of a weight that lies in its file. */
int64_t store_count_bad(const float *x, int64_t n);
int64_t store_count_bad_stored(const struct weight *w);

/* Elements of one row (output channel) of w, in files and in memory. */
int64_t store_row(const struct weight *w);
/* Dimension i of w as files write it. */
int64_t store_dim(const struct weight *w, int i);

#endif
