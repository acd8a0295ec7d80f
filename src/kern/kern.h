/* kern.h - THE list of kernels: what every backend can do with plain memory.
 *
 * Each kernel NAME takes a struct k_NAME of sizes and pointers, so a new backend is a table of
 * functions of one shape. The C kernels (kern/c, f32 bf16 and f64) are the truth; faster ones are
 * laid over them (kern/x86) and must agree in test/kern. The null backend does nothing: it lets a
 * network run dry.
 *
 * Types: `type` is the storage type of activations (F32, BF16 or F64). "wide" is F32, or F64 when
 * type is F64: statistics, modulation, gains, biases, rotary tables, gradients of weights. Sums run
 * in wide (C kernels of f32 and bf16 may use double) in one fixed order whatever the number of
 * threads: threads split rows, heads and output channels, never a summed axis. Layout: rows are
 * contiguous, channels last. All pointers are host or all device memory of that backend. Arrays
 * never overlap unless said.
 * "+=" marks outputs that are added to. Index arrays are int32. Any m, n, rows may be 0. */
#ifndef KERN_KERN_H
#define KERN_KERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/thread.h"
#include "kern/stored.h"

/* What a kernel call runs on. Scratch is per worker, grown on demand, kept between calls. */
struct device;
struct kcx {
    struct threads *threads; /* NULL = the caller alone */
    struct kscratch *scratch;
    struct device *device; /* what the kernels run on; NULL = the CPU */
};
void kcx_init(struct kcx *kc, struct threads *th);
/* For a dry run: kernels do nothing but say what scratch so many threads would take. */
void kcx_init_dry(struct kcx *kc, int threads);
void kcx_release(struct kcx *kc);
int kcx_workers(const struct kcx *kc);
int kcx_counts(const struct kcx *kc); /* of kcx_init_dry */
/* Each of the workers that share `items` will ask for up to so many bytes of scratch, all of them
 * together for `shared`. 0: only the count is wanted, there is nothing to do. To be called where
 * the items are given out. */
int kcx_reserve(struct kcx *kc, int64_t items, size_t bytes, size_t shared);
/* Scratch that is resident, in whole pages of so many bytes; of a dry run what would be. */
uint64_t kcx_scratch_bytes(const struct kcx *kc, uint64_t page);
void *kcx_scratch(struct kcx *kc, int worker, size_t bytes); /* 64-byte aligned, old content lost */
void *kcx_shared(struct kcx *kc, size_t bytes); /* one more, for all workers of a call */

/* Matrix products; ld* in elements. a and b may be F32 or BF16 in any mixture (a wide a with a bf16
 * b is computed in f32), or all F64. bias is wide [n] or NULL. add != 0: c += instead of c =.
 *   matmul_nt: c[m,n] = a[m,k] b[n,k]^T + bias     forward: y = x w^T
 *   matmul_nn: c[m,n] = a[m,k] b[k,n]              backward to x: dx = dy w
 *   matmul_tn: c[m,n] = a[k,m]^T b[k,n]            backward to w: dw += dy^T x
 * batch > 1: so many products of one shape, with operands *_step elements apart and one bias.
 * b_form: b is rows of blocks as a file keeps them (ldb their length; batch 0), and its values are
 * rounded to b_type. Kernels of the host alone.
 * b_form->int8, in matmul_nt and matmul_gelu: each row of a becomes bytes and a scale (quantise.h),
 * bytes are summed in int32, and x = (sum * scale of the row of b) * scale of the row of a, + bias,
 * + c, each rounded to f32: the same bits in every set of kernels, GELU apart. k is at most
 * KERN_INT8_K. A row of a that is not finite makes its whole row of c NaN. Elsewhere int8 says
 * nothing. */
enum { KERN_INT8_K = 1 << 17 /* bytes of 7 bits and a sign: no sum overflows */ };
struct k_matmul {
    int64_t m, n, k, lda, ldb, ldc;
    enum dtype a_type, b_type, c_type;
    const void *a, *b, *bias;
    void *c;
    int add;
    int64_t batch, a_step, b_step, c_step; /* batch 0 is 1 */
    const struct stored *b_form;           /* NULL: plain */
};

/* A product with GELU (tanh form) on it, without a pass of its own over a wide activation.
 *   matmul_gelu, as matmul_nt:      pre = a b^T + bias, c = gelu(pre); pre NULL: not wanted
 *   matmul_gelu_bwd, as matmul_nn:  c = (a b) gelu'(pre)
 * pre [m,n] has the type and rows of c and is other memory. One product (batch 0), add 0. */
struct k_matmul_gelu {
    struct k_matmul q;
    void *pre;
};

/* softmax(scale q k^T + bias) v for n_seq independent sequences: sequence s owns query rows
 * q_start[s]..q_start[s+1]-1 and key rows k_start[s].. likewise. q [.,heads*head_dim] with row
 * stride ldq; k, v with ldk, ldv (multi-head; kv_heads divides heads); o, dq.. are dense. bias wide
 * [heads,bias_q,bias_k] is indexed by the place within the sequence (-inf masks), or NULL. lse wide
 * [rows_q,heads] = log-sum-exp of the row, NULL when not wanted. causal: query i of a sequence sees
 * its keys 0..i. A row that sees no key has o = 0, lse = -inf.
 * int8, on the CPU alone: q k^T is computed in bytes. A head's row of q, and of k less the mean of
 * all keys of its sequence and head, becomes bytes and a scale each (quantise.h); that mean adds
 * the same to all scores of a query, which the softmax takes off (SageAttention, arXiv
 * 2410.02367). All else stays wide, but a set may multiply probabilities by values in 16 bits,
 * which costs 3e-4. lse is NULL then, and there is no backward. */
struct k_attention {
    int n_seq, heads, kv_heads, head_dim, causal;
    const int64_t *q_start, *k_start; /* host memory, n_seq+1 each */
    int64_t ldq, ldk, ldv, bias_q, bias_k;
    double scale;
    enum dtype type;
    const void *q, *k, *v, *bias;
    void *o, *lse;
    int int8;
};
struct k_attention_bwd {
    struct k_attention f; /* as in the forward call, o and lse filled */
    const void *d_o;      /* [rows_q, heads*head_dim] */
    void *dq, *dk, *dv;   /* dense [rows,heads*head_dim], [rows,kv_heads*head_dim], overwritten */
    void *dbias;          /* wide, +=, or NULL */
};

/* y = (hat(x) gain + bias) (1 + scale[e]) + shift[e], hat(x) = (x - mean) rstd over dim (biased
 * variance, eps inside the root), e = index[row] (NULL: 0). gain, bias, scale, shift: wide, each
 * may be NULL; scale and shift rows are ld_mod apart. stats wide [rows,2] = mean, rstd, kept for
 * backward (NULL allowed). */
struct k_norm_mod {
    int64_t rows, dim, ld_mod;
    enum dtype x_type, y_type; /* x may be wide while y is the storage type */
    double eps;
    const void *x, *gain, *bias, *scale, *shift;
    const int32_t *index;
    void *y, *stats;
};
struct k_norm_mod_bwd {
    struct k_norm_mod f;
    int add;                               /* dx += instead of dx = */
    const void *dy;                        /* y_type */
    void *dx;                              /* x_type */
    void *dgain, *dbias, *dscale, *dshift; /* wide, +=, each may be NULL; ld_mod for the last two */
};

/* y = x rstd gain, rstd = 1/sqrt(mean(x^2) + eps). stats wide [rows] = rstd. y may be x. */
struct k_rms_norm {
    int64_t rows, dim;
    enum dtype x_type, y_type;
    double eps;
    const void *x, *gain;
    void *y, *stats;
};
struct k_rms_norm_bwd {
    struct k_rms_norm f; /* x is the input, not overwritten */
    const void *dy;
    void *dx, *dgain; /* dgain wide += or NULL */
};

/* Rotate pairs (x[2i], x[2i+1]) of each head by the angle whose cos, sin stand in table wide
 * [positions, head_dim/2, 2], row pos[row] (NULL: row). inverse = 1 turns back (the backward). y
 * may be x. */
struct k_rope {
    int64_t rows;
    int heads, head_dim, inverse;
    enum dtype type;
    const void *x, *table;
    const int32_t *pos;
    void *y;
};

enum k_act { ACT_RELU, ACT_SILU, ACT_GELU_TANH, ACT_GELU_ERF, ACT_TANH3 /* 3 tanh(x/3) */, N_ACTS };
/* y = act(x). y may be x. */
struct k_act_fwd {
    int64_t n;
    enum k_act act;
    enum dtype type;
    const void *x;
    void *y;
};
struct k_act_bwd { /* dx = dy act'(x). dx may be dy. */
    int64_t n;
    enum k_act act;
    enum dtype type;
    const void *x, *dy;
    void *dx;
};

/* y = alpha a + beta b, types free; b may be NULL; beta = 0 never reads b. y may be a. */
struct k_add {
    int64_t n;
    enum dtype a_type, b_type, y_type;
    double alpha, beta;
    const void *a, *b;
    void *y;
};
struct k_mul { /* y = a b; add: y += a b. y may be a. */
    int64_t n;
    enum dtype type;
    const void *a, *b;
    void *y;
    int add;
};

/* y = x + h gate[e], e = index[row] (NULL: 0); gate wide with rows ld_mod apart, or NULL for 1. y
 * may be x. */
struct k_add_gated {
    int64_t rows, dim, ld_mod;
    enum dtype x_type, h_type; /* y has x_type */
    const void *x, *h, *gate;
    const int32_t *index;
    void *y;
};
struct k_add_gated_bwd { /* dh = dy gate[e]; dgate[e] += sum over rows dy h; (dx is dy itself) */
    struct k_add_gated f;
    const void *dy; /* x_type */
    void *dh;       /* h_type */
    void *dgate;    /* wide, +=, or NULL */
};

/* 2D convolution, zero padding, x [n,h,w,cin], w [cout,kh,kw,cin], bias wide [cout] or NULL, y
 * [n,oh,ow,cout]; oh = (h + pad_top + pad_bottom - kh)/stride + 1. */
struct k_conv2d {
    int64_t n, h, w, cin, cout;
    int kh, kw, stride, pad_top, pad_left, pad_bottom, pad_right;
    enum dtype type;
    const void *x, *weight, *bias;
    void *y;
};
struct k_conv2d_dx { /* dx = overwritten */
    struct k_conv2d f;
    const void *dy;
    void *dx;
};
struct k_conv2d_dw { /* dw, dbias: wide, += */
    struct k_conv2d f;
    const void *dy;
    void *dw, *dbias;
};

/* One frame of a causal convolution over time and space. frame[i] [h,w,cin] is what tap i looks at,
 * the oldest first, or NULL for zeros; f.weight [cout,kt,kh,kw,cin], y [oh,ow,cout] in y_type. up
 * 2: frames are seen twice as large, every pixel four times. add: y +=. f.n, f.x and f.stride are
 * not used; the last frame is never NULL.
 *
 * With bytes.scale it is computed in bytes, on the CPU alone: f.weight is bytes with a scale for
 * each output (int8.h), the last frame becomes bytes in `now` (conv3d_now_bytes of them) as it is
 * read, and the frames before it are such. A frame has one scale and one byte that stands for zero
 * (quantise.h). Sums of a tap are exact, taps add up in f32 in order: all sets give the same bits.
 * Sums of at most KERN_INT8_K / 2. A frame that is not finite makes all of y NaN.
 *
 * packed, of bf16 and not of bytes, up 1: the frames before the last one are packed (packed.h), and
 * the last one is packed into `now` (conv3d_packed_bytes) when all frames were read: it may lie
 * where the first of them does. */
enum { CONV3D_TAPS = 3 };
struct conv3d_bytes {
    const float *scale; /* [cout] */
    void *now;
};
struct k_conv3d {
    struct k_conv2d f;
    int kt, up, add, packed;
    void *now;
    enum dtype y_type;
    const void *frame[CONV3D_TAPS];
    struct conv3d_bytes bytes;
};
/* A frame of bytes: how they are meant and, for each pixel, their sum; then they themselves. */
struct conv3d_head {
    float scale;
    int32_t zero, unused[14];
    int32_t sum[]; /* [h w] */
};
static inline size_t conv3d_now_bytes(int64_t h, int64_t w, int64_t cin)
{
    return sizeof(struct conv3d_head) + (size_t)(h * w) * (sizeof(int32_t) + (size_t)cin);
}

static inline size_t conv3d_packed_bytes(int64_t h, int64_t w, int64_t cin)
{
    return (size_t)((h * w + 63) / 64 * 64 + h * w * (cin + (cin + 1) / 2));
}

/* dst[i0..] = (or +=) src[i0..] over a box of up to 8 dimensions with strides in elements. A source
 * stride of 0 repeats (nearest upsampling); with add a destination stride of 0 sums, else no
 * destination is written twice. */
struct k_permute {
    int rank, add;
    int64_t dim[8], src_stride[8], dst_stride[8];
    enum dtype src_type, dst_type;
    const void *src;
    void *dst;
};

/* y[row] = table[index[row]]; backward: dtable[index[row]] += dy[row] (wide). form: as b_form of a
 * product. */
struct k_embedding {
    int64_t rows, dim, vocab;
    enum dtype table_type, y_type;
    const void *table;
    const int32_t *index;
    void *y;
    const struct stored *form;
};
struct k_embedding_bwd {
    struct k_embedding f;
    const void *dy;
    void *dtable;
};

/* dbias[dim] += sum over rows of dy. */
struct k_sum_rows {
    int64_t rows, dim;
    enum dtype type;
    const void *dy;
    void *sum;
};

/* loss[row] = weight[row] mean_i f(pred - target), f = d^2 (L2) or |d| (L1); dpred = (or +=) scale
 * times the derivative of loss[row] (NULL: not wanted). target wide, weight wide [rows] or NULL for
 * 1, loss wide [rows]. */
struct k_loss {
    int64_t rows, dim;
    int l1, add;
    double scale;
    enum dtype type;
    const void *pred, *target, *weight;
    void *loss, *dpred;
};

/* What one look at an array says. It stays in the memory of the device, so that nobody waits for
 * it: it is read when the host waits anyway. */
struct k_tally {
    double sum, first_bad; /* of squares; first element that is not finite, or -1 */
};
struct k_sum_squares { /* *out: summed in double in fixed chunks of 65536 */
    int64_t n;
    enum dtype type;
    const void *x;
    struct k_tally *out;
};
/* *scale shortens a gradient of n parts to the length `most`: min(1, most / sqrt(sum of the n
 * sums)). most 0: 1. */
struct k_clip {
    int64_t n;
    double most;
    const struct k_tally *part;
    double *scale;
};

/* Optimiser steps on f32 arrays of n. g is multiplied by *g_scale first (NULL: 1). */
struct k_adamw { /* decoupled decay; c1 = 1-beta1^t, c2 = 1-beta2^t */
    int64_t n;
    double lr, beta1, beta2, eps, decay, c1, c2;
    const double *g_scale;
    float *p, *m, *v;
    const float *g;
};
struct k_momentum { /* buf = mu buf + g (torch.optim.Muon: lerp form when lerp = 1); u = nesterov
                       mix */
    int64_t n;
    double mu;
    const double *g_scale;
    int lerp, nesterov;
    float *buf, *u;
    const float *g;
};
/* Each of n matrices x [n,size] divided by its Frobenius norm, or by `least` where that is larger;
 * the divisor is rounded to the type first, as PyTorch does. */
struct k_unit_norm {
    int64_t n, size;
    double least;
    enum dtype type;
    void *x;
};
struct k_ema { /* avg += (1-decay)(p-avg) */
    int64_t n;
    double decay;
    float *avg;
    const float *p;
};

/* clang-format off */
#define KERNELS(K)                                                                                 \
    K(matmul_nt, k_matmul) K(matmul_nn, k_matmul) K(matmul_tn, k_matmul)                           \
    K(matmul_gelu, k_matmul_gelu) K(matmul_gelu_bwd, k_matmul_gelu)                                \
    K(attention, k_attention) K(attention_bwd, k_attention_bwd)                                    \
    K(norm_mod, k_norm_mod) K(norm_mod_bwd, k_norm_mod_bwd)                                        \
    K(rms_norm, k_rms_norm) K(rms_norm_bwd, k_rms_norm_bwd)                                        \
    K(rope, k_rope) K(act, k_act_fwd) K(act_bwd, k_act_bwd)                                        \
    K(add, k_add) K(mul, k_mul) K(add_gated, k_add_gated) K(add_gated_bwd, k_add_gated_bwd)        \
    K(conv2d, k_conv2d) K(conv2d_dx, k_conv2d_dx) K(conv2d_dw, k_conv2d_dw)                        \
    K(conv3d, k_conv3d)                                                                            \
    K(permute, k_permute) K(embedding, k_embedding) K(embedding_bwd, k_embedding_bwd)              \
    K(sum_rows, k_sum_rows) K(loss, k_loss)                                                        \
    K(sum_squares, k_sum_squares) K(clip, k_clip)                                                  \
    K(adamw, k_adamw) K(momentum, k_momentum) K(unit_norm, k_unit_norm) K(ema, k_ema)
/* clang-format on */

/* One function pointer per kernel. */
struct kernels {
    const char *name; /* "c", "avx2", "avx512", "avx512vnni", "avx512bf16", "amx", "null", "cuda" */
#define K(kernel, args) void (*kernel)(struct kcx *, struct args *);
    KERNELS(K)
#undef K
};

const struct kernels *kernels_c(void);
const struct kernels *kernels_null(void);
/* The fastest kernels of this CPU, which need not be its highest level (x86_best_level);
 * ZT_CPU=c|avx2|avx512|avx512vnni|avx512bf16|amx in the environment chooses a level. An unknown or
 * unavailable name falls to the nearest lower set. Decided once, thread-safe. */
const struct kernels *kernels_best(void);
/* The kernels up to one set by name, for tests: NULL when this CPU, machine or build has not got
 * it. */
const struct kernels *kernels_named(const char *name);

#endif
