/* gguf.h - what a GGUF file says beside its tensors: keys with typed values.
 *
 * st_open (safetensors.h) opens such a file and lists its tensors like those of any other: shapes
 * outermost first, types that are no dtype as DT_OTHER with the name that ggml gives them ("Q4_K").
 * Versions 2 and 3, little-endian. "comfy.gguf.orig_shape.NAME" is taken as the shape of NAME.
 * Source: ggml-org/ggml docs/gguf.md and the gguf package. All lengths are checked before use.
 * Thread-safety: reading only. */
#ifndef FORMAT_GGUF_H
#define FORMAT_GGUF_H

#include "format/safetensors.h"

enum gguf_type { /* numbers of the format */
                 GGUF_U8,
                 GGUF_I8,
                 GGUF_U16,
                 GGUF_I16,
                 GGUF_U32,
                 GGUF_I32,
                 GGUF_F32,
                 GGUF_BOOL,
                 GGUF_STRING,
                 GGUF_ARRAY,
                 GGUF_U64,
                 GGUF_I64,
                 GGUF_F64,
                 GGUF_N_TYPES
};

struct gguf_value {            /* all borrowed: valid until st_close */
    const char *key;           /* UTF-8 without NUL */
    enum gguf_type type;       /* of the elements; never GGUF_ARRAY */
    int is_array;              /* 0: n is 1 */
    int64_t n;                 /* elements */
    const unsigned char *data; /* as in the file; before each string 8 bytes with its length */
    size_t bytes;
};

int gguf_count(const struct st_file *f);                          /* 0 also for safetensors */
const struct gguf_value *gguf_at(const struct st_file *f, int i); /* sorted by key */
const struct gguf_value *gguf_find(const struct st_file *f, const char *key); /* NULL without it */

/* Element i as a number; strings are 0 and NaN. i must be below n (BUG); what does not fit into
 * int64 becomes its limit. */
int64_t gguf_int(const struct gguf_value *v, int64_t i);
double gguf_real(const struct gguf_value *v, int64_t i);
/* The strings of a value one after the other: size_t at = 0; while (gguf_string(v, &at, &s, &n)).
 * Not terminated by NUL. */
int gguf_string(const struct gguf_value *v, size_t *at, const char **s, size_t *n);

/* Values and bytes of a block of a ggml type by its name; 0 values: no such type. */
int gguf_block(const char *type_name, int *bytes);
/* Its number in files; no such type is a BUG. */
int gguf_type_number(const char *type_name);

#endif
