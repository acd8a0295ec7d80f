/* gemm.h - the one matrix product of this folder, and the scratch slots of what is built on it. */
#ifndef KERN_CUDA_GEMM_H
#define KERN_CUDA_GEMM_H

#include "kern/cuda/cuda.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What becomes of the sum x with its bias: x, gelu(x) in the tanh form (x itself goes to pre, if
 * that is not NULL), or x gelu'(pre). */
enum cuda_end { END_PLAIN, END_GELU, END_GELU_SLOPE };

/* c[m,n] = alpha op(a) op(b) (+ c when add) (+ bias), `batch` times, rows contiguous, ld* and
 * stride_* in elements. a is stored [m,k], or [k,m] with a_t; b is stored [k,n], or [n,k] with b_t.
 * `type` is that of a and b. Allowed: F32 into F32, BF16 into F32 or BF16 (summed in f32). m, n, k
 * and batch are not 0. bias [n] has the type of c, in a batch of one; so has an end, which adds
 * nothing to c. pre is laid out as c. */
struct cuda_gemm {
    int64_t m, n, k, lda, ldb, ldc, batch, stride_a, stride_b, stride_c;
    int a_t, b_t, add;
    enum dtype type, c_type;
    float alpha;
    const void *a, *b, *bias;
    void *c;
    enum cuda_end end;
    void *pre;
};
/* The same shape always takes the same algorithm, and none sums by atomics. Returns 0 when nothing
 * was done because no algorithm does the bias or the end for this shape; 1 else, also after a
 * failure. */
int cuda_gemm(struct kcx *kc, const struct cuda_gemm *g);

#ifdef __cplusplus
}
#endif

/* p and so many elements on. */
static inline void *moved(const void *p, enum dtype type, int64_t elements)
{
    return (char *)p + elements * (int64_t)dtype_bytes(type);
}

/* Sizes of pieces of work: small on the host, so that tests walk through several. */
#ifdef ZT_CUDA_HOST
#define PIECE(gpu, host) (host)
#else
#define PIECE(gpu, host) (gpu)
#endif

/* What lives at the same time has slots of its own, apart from those of kernels that call nobody
 * (cuda.h). */
enum {
    SLOT_WORKSPACE = 16,
    SLOT_WIDE_A,
    SLOT_WIDE_B,
    SLOT_WIDE_C,
    SLOT_BIAS,
    SLOT_COLUMNS,
    SLOT_WEIGHT,
    SLOT_Q,
    SLOT_KEYS,
    SLOT_VALUES,
    SLOT_OUT,
    SLOT_SCORES,
    SLOT_P,
    SLOT_DP,
    SLOT_DS,
    SLOT_DQ,
    SLOT_DKEYS
};

#endif
