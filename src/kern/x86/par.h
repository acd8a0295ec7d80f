/* par.h - sharing the elements or rows of one kernel call among threads. */
#ifndef KERN_X86_PAR_H
#define KERN_X86_PAR_H

#include "kern/kern.h"

/* fn does begin..end-1 of something; pieces never overlap, so that outputs have one owner. */
typedef void par_fn(const void *arg, int64_t begin, int64_t end);

/* 0..n-1 in equal pieces, a multiple of `align` each, of at least `least`: no result may depend on
 * the cut. */
void par_split(struct kcx *kc, int64_t n, int64_t align, int64_t least, par_fn *fn,
               const void *arg);
/* Pieces of exactly `size` (the last one shorter): for sums that are finished piece by piece. */
void par_pieces(struct kcx *kc, int64_t n, int64_t size, par_fn *fn, const void *arg);

/* How few elements are worth another thread: waking one takes as long as 50 KB of memory. */
enum { PAR_ELEMENTS = 16384 };
static inline int64_t par_rows(int64_t dim)
{
    return dim >= PAR_ELEMENTS ? 1 : PAR_ELEMENTS / (dim + 1) + 1;
}

/* Sums over rows are part of convolution too. */
void sum_rows_avx2(struct kcx *kc, struct k_sum_rows *a);
void sum_rows_avx512(struct kcx *kc, struct k_sum_rows *a);

void elem_overlay_avx2(struct kernels *k);
void elem_overlay_avx512(struct kernels *k);
void norm_overlay_avx2(struct kernels *k);
void norm_overlay_avx512(struct kernels *k);
void optim_overlay_avx2(struct kernels *k);
void optim_overlay_avx512(struct kernels *k);
void move_overlay_avx2(struct kernels *k);
void move_overlay_avx512(struct kernels *k);

#endif
