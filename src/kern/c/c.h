/* c.h - inside of the C kernels: one prototype per kernel, elements of any type as double, and
 * loops that are shared among threads.
 *
 * These kernels are the definition. Except in products and convolutions, which sum in wide, all
 * arithmetic is in double and rounded once, when the result is stored. */
#ifndef KERN_C_C_H
#define KERN_C_C_H

#include "base/err.h"
#include "kern/kern.h"

#define K(kernel, args) void kernel##_c(struct kcx *kc, struct args *a);
KERNELS(K)
#undef K
void conv3d_bytes_c(struct kcx *kc, const struct k_conv3d *a); /* with bytes.scale */

enum { COLS = 64, BLOCK = 512 }; /* columns of one owner; elements worked on at a time */

static inline enum dtype wide_of(enum dtype type)
{
    return type == DT_F64 ? DT_F64 : DT_F32;
}

/* out[0..n-1] = src[first..first+n-1] as double, and back. Types F32, BF16, F64. */
void load(double *out, const void *src, enum dtype type, int64_t first, int64_t n);
void store(void *dst, enum dtype type, int64_t first, int64_t n, const double *in);
/* dst[first+i] += in[i], rounded once. */
void store_add(void *dst, enum dtype type, int64_t first, int64_t n, const double *in);

static inline double load1(const void *src, enum dtype type, int64_t i)
{
    double v;

    load(&v, src, type, i, 1);
    return v;
}

/* The vector at row `row` of a table, or `none` repeated where there is no table. */
void load_or(double *out, const void *src, enum dtype type, int64_t first, int64_t n, double none);

/* Run fn over 0..n-1 in pieces of `grain`, on all threads; each piece is one call. */
typedef void range_fn(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker);
void split(struct kcx *kc, int64_t n, int64_t grain, range_fn *fn, void *arg);

/* Sum over rows, one column block per call of fn, into rows of `sum` chosen by index (NULL: row 0):
 * fn fills term[0..n-1] for columns first..first+n-1 of one row. Rows are taken in order; runs of
 * equal index are summed in double before they are added. */
struct column_sum {
    int64_t rows, dim, ld;
    const int32_t *index;
    enum dtype type;
    void *sum;
    void (*fn)(const void *arg, int64_t row, int64_t first, int64_t n, double *term);
    const void *arg;
};
void column_sum(struct kcx *kc, struct column_sum *s);

#endif
