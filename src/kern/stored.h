/* stored.h - numbers as files keep them: rows of blocks, widened where they are used.
 *
 * A form is one row of stored_forms: how many values a block holds, how many bytes it takes, and
 * how it becomes f32. Nothing else in the program knows a form by its name (int8.h writes one).
 * Thread-safety: any thread; nothing is allocated. */
#ifndef KERN_STORED_H
#define KERN_STORED_H

#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"

enum { STORED_MAX_BLOCK = 256 };

struct stored_form {
    const char *name; /* as weight files write it */
    int block, bytes; /* values and bytes of a block */
    /* n values of whole blocks, exactly or rounded to f32 once. */
    void (*unpack)(float *out, const void *blocks, int64_t n);
    /* The other way, as the gguf package does it, to the bit; NULL: nobody packs it. The values are
     * finite. */
    void (*pack)(void *blocks, const float *x, int64_t n);
};
extern const struct stored_form stored_forms[];           /* ends with name NULL */
const struct stored_form *stored_named(const char *name); /* NULL when there is none */

/* x [group], group = 4^k, times the k-fold Kronecker power of [[1,1,1,-1],[1,1,-1,1],[1,-1,1,1],
 * [-1,1,1,1]] / 2, which is its own inverse: the rotation of ConvRot. */
void stored_turn(float *x, int group);

/* A matrix [rows, row_values]; row_values is a multiple of the block. */
struct stored {
    const struct stored_form *form; /* NULL: plain, of some dtype */
    const float *scale;             /* one for each row, multiplied in f32; NULL: 1 */
    int64_t row_values;
    int int8; /* of I8: 1 asks for products in bytes (matmul_nt, matmul_gelu; kern.h) */
};

/* Bytes of a row. */
size_t stored_row_bytes(const struct stored *s);
/* Values first..first+n-1 of a row, in f32, and in `type` (F32 or BF16, rounded). */
void stored_read(const struct stored *s, const void *data, int64_t row, int64_t first, int64_t n,
                 float *out);
void stored_read_as(const struct stored *s, const void *data, int64_t row, int64_t first, int64_t n,
                    enum dtype type, void *out);

#endif
