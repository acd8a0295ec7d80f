/* gemm.h - matrix products of any size on the engine of mm.h, and splitting of work. */
#ifndef KERN_X86_GEMM_H
#define KERN_X86_GEMM_H

#include "kern/kern.h"
#include "kern/x86/mm.h"

enum gemm_form { GEMM_NT, GEMM_NN, GEMM_TN };

/* The three products of kern.h; types F32 and BF16. dot (NULL: none) serves bf16 by bf16, f32 all
 * else. Sums are taken in blocks of GEMM_K groups, in order. */
void gemm(struct kcx *kc, const struct k_matmul *q, enum gemm_form form, const struct mm *f32,
          const struct mm *dot);

enum { GEMM_K = 512 };

/* Matmul functions of each level, for the table. */
void gemm_overlay_avx2(struct kernels *k);
void gemm_overlay_avx512(struct kernels *k);
void gemm_overlay_avx512bf16(struct kernels *k);

#endif
