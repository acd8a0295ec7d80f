/* product.h - one blocked matrix product behind matmul and convolution:
 * c[m,n] (+)= sum over k of A[m,k] B[k,n] + bias[n], where A and B are read a line at a time.
 *
 * Sums run in wide: k in blocks of 256, each block in order, then the blocks in order, so the
 * result depends on k alone and not on threads or on the other sizes. */
#ifndef KERN_C_PRODUCT_H
#define KERN_C_PRODUCT_H

#include "kern/c/c.h"

/* A line of A runs along k (line i = A[i,..]) or across it (line k = A[..,k]); of B likewise:
 * along k line j = B[..,j], across it line k = B[k,..]. */
struct side {
    int along_k;
    enum dtype type;
    const void *data;
    int64_t ld; /* elements from line to line, when read is line_plain */
    /* out[0..n-1] = elements first.. of a line, as float (wide F32) or double (F64). */
    void (*read)(const struct side *s, int64_t line, int64_t first, int64_t n, enum dtype wide,
                 void *out);
    const void *arg;
};
void line_plain(const struct side *s, int64_t line, int64_t first, int64_t n, enum dtype wide,
                void *out);
/* The elements src[first..] of one contiguous run, for functions that stand in for line_plain. */
void read_run(const void *src, enum dtype type, int64_t first, int64_t n, enum dtype wide,
              void *out);

struct product {
    int64_t m, n, k, ldc;
    struct side a, b;
    const void *bias; /* wide [n] or NULL */
    void *c;
    enum dtype c_type, wide;
    int add;
};
void product(struct kcx *kc, const struct product *p);

#endif
