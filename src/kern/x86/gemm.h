/* gemm.h - matrix products of any size on the engine of mm.h, and splitting of work. */
#ifndef KERN_X86_GEMM_H
#define KERN_X86_GEMM_H

#include "kern/kern.h"
#include "kern/x86/mm.h"

enum gemm_form { GEMM_NT, GEMM_NN, GEMM_TN };

/* A matrix that is not stored as such: fill(arg, out, line, lines, first, n) writes elements
 * first..first+n of `lines` lines (rows of the matrix as the form reads it) side by side into out
 * [lines, n], in the type of the operand. */
struct gemm_side {
    void (*fill)(const void *arg, void *out, int64_t line, int64_t lines, int64_t first, int64_t n);
    const void *arg;
};

/* The three products of kern.h; types F32 and BF16. dot (NULL: none) serves bf16 by bf16, int8 an
 * nt product with a b that asks for bytes (NULL: never asked), f32 all else. Sums are taken in
 * blocks of mm->cut groups, in order. a, b: NULL, or what stands in for q->a and q->b. */
struct gemm {
    const struct k_matmul *q;
    enum gemm_form form;
    const struct gemm_side *a, *b;
    const struct mm *f32, *dot, *int8;
    enum mm_end end; /* and pre, as in struct mm_out */
    void *pre;
};
void gemm(struct kcx *kc, const struct gemm *g);

/* Matmul functions of each level, for the table. */
void gemm_overlay_avx2(struct kernels *k);
void gemm_overlay_avx512(struct kernels *k);
void gemm_overlay_avx512vnni(struct kernels *k);
void gemm_overlay_avx512bf16(struct kernels *k);
void gemm_overlay_amx(struct kernels *k);

#endif
