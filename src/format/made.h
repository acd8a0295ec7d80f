/* made.h - writing a file of weights whose data is made while it is written, so that it may be
 * larger than memory. Written beside PATH and renamed when it is whole. */
#ifndef FORMAT_MADE_H
#define FORMAT_MADE_H

#include "base/file.h"
#include "format/gguf.h"

struct made_tensor {
    const char *name, *type; /* type as the format names it ("BF16", "Q8_0") */
    int rank;
    int64_t dim[ST_MAX_RANK]; /* outermost first */
    size_t bytes;
    int source; /* the caller's */
};
/* Gives r exactly t->bytes. */
typedef int made_fill(void *arg, const struct made_tensor *t, struct file_replace *r,
                      struct err *e);

/* t is sorted as the file wants it: wide types first, so that all are aligned, or by name. A name
 * twice, or one that st_open would refuse, is ERR_FORMAT. */
NODISCARD int st_write_made(const char *path, struct made_tensor *t, int n,
                            const struct st_pair *meta, int n_meta, made_fill *fill, void *arg,
                            struct err *e);
/* Version 3, aligned to 32 bytes; all types must be ggml's (BUG). */
NODISCARD int gguf_write_made(const char *path, struct made_tensor *t, int n,
                              const struct gguf_value *value, int n_values, made_fill *fill,
                              void *arg, struct err *e);

#endif
