/* ops.h - the coarse operations networks are made of, each with forward and backward in one file of
 * src/tensor/op/.
 *
 * Shapes in brackets; R rows, D width, E modulation entries, H heads. All ops return a new handle,
 * record on the tape when one is set, and do nothing after cx->err. "Consumes x": without a tape
 * the op may work in place and x is poisoned (use keep() if it is read again). A wrong shape is a
 * BUG with both shapes printed. */
#ifndef TENSOR_OPS_H
#define TENSOR_OPS_H

#include "tensor/tensor.h"
#include "tensor/weight.h"

/* Which rows belong together: sequence s has rows start[s]..start[s+1]-1. Host memory of the caller
 * or the step. */
struct seq {
    int n;
    const int64_t *start; /* n+1 */
};

/* Modulation: a column block of a wide table e [E, n*D]; row r uses entry index[r] (NULL: 0). */
struct mod {
    struct tensor *table; /* wide [E, ld] */
    int64_t offset;       /* first column */
    const int32_t *index; /* [R], step lifetime */
};

/* y [.., out] = x [.., in] w^T + b. Result type: cx->type. linear_wide gives the wide type (time
 * embedding, last layers). */
struct tensor *linear(struct cx *cx, struct tensor *x, const struct linear_w *w);
struct tensor *linear_wide(struct cx *cx, struct tensor *x, const struct linear_w *w);
/* linear down of gelu (tanh form) of linear up: one op, so that no pass of its own goes over the
 * hidden activation, and its gradient is not kept twice. */
struct tensor *mlp_gelu(struct cx *cx, struct tensor *x, const struct linear_w *up,
                        const struct linear_w *down);
/* LayerNorm over the last axis, optional affine (gain, bias), optional modulation (1+scale), shift.
 * x wide or cx->type -> cx->type. mod.table NULL: none. */
struct tensor *norm_mod(struct cx *cx, struct tensor *x, struct weight *gain, struct weight *bias,
                        struct mod scale, struct mod shift, double eps);
/* Over the last axis. Consumes x; -> cx->type. */
struct tensor *rms_norm(struct cx *cx, struct tensor *x, struct weight *gain, double eps);
/* silu of rms_norm, without consuming x. */
struct tensor *rms_silu(struct cx *cx, struct tensor *x, struct weight *gain, double eps);
struct tensor *act(struct cx *cx, struct tensor *x, enum k_act kind);  /* consumes x */
struct tensor *add(struct cx *cx, struct tensor *a, struct tensor *b); /* consumes a; type of a */
struct tensor *add_scaled(struct cx *cx, struct tensor *a, double alpha, struct tensor *b,
                          double beta);
struct tensor *mul(struct cx *cx, struct tensor *a, struct tensor *b); /* consumes a */
/* x + h * gate (gate.table NULL: 1). Consumes x. Type of x. */
struct tensor *add_gated(struct cx *cx, struct tensor *x, struct tensor *h, struct mod gate);

/* Rotary table: wide [positions, head_dim/2, 2] and the position of each row. */
struct rope_table {
    struct tensor *table;
    const int32_t *pos; /* [R] or NULL */
};
/* Consumes x [R, heads*hd]. */
struct tensor *rope(struct cx *cx, struct tensor *x, int heads, const struct rope_table *t);

struct attn_args {
    int heads, kv_heads; /* kv_heads 0 = heads */
    double scale;        /* 0 = 1/sqrt(head size) */
    int causal;
    int int8;                 /* 1: q k^T in bytes on the CPU (kern.h); no gradient */
    const struct seq *seq;    /* of the queries */
    const struct seq *kv_seq; /* of keys and values; NULL = seq */
    struct tensor *bias;      /* wide [heads, q, k] or NULL; differentiable */
};
/* q [R, heads*hd], k and v [S, kv_heads*hd] -> [R, heads*hd]. */
struct tensor *attention(struct cx *cx, struct tensor *q, struct tensor *k, struct tensor *v,
                         const struct attn_args *a);

/* Images are [n,h,w,C]. kernel 1 or 3, stride 1 or 2; padding (kernel-1)/2 unless pad_after: then
 * (0, kernel-1) after only. */
struct tensor *conv2d(struct cx *cx, struct tensor *x, const struct conv_w *w, int stride);
/* One frame [1,h,w,cout] of a causal convolution over time: frame[i] [1,h,w,C] is what tap i of w
 * looks at, the oldest first, NULL for zeros; there are as many as w has taps. up 2: frames are
 * seen twice as large (nearest). Odd kernels, padding as conv2d's. to [1,h,w,cout]: the result is
 * added to it, which consumes it; NULL: type is that of the result. No gradient: with a tape that
 * wants one the job fails. */
struct tensor *conv3d(struct cx *cx, struct tensor *const *frame, const struct conv_w *w, int up,
                      struct tensor *to, enum dtype type);
/* The same of a w that conv_in_bytes says is held in bytes (kern.h): frames before the last are
 * what calls before gave as *now, bytes [1,n]. */
int conv_in_bytes(const struct conv_w *w);
struct tensor *conv3d_bytes(struct cx *cx, struct tensor *const *frame, const struct conv_w *w,
                            int up, struct tensor *to, enum dtype type, struct tensor **now);
/* As conv3d of bf16, where frames before the last are packed (kern.h), bytes [1,n] as `now`, into
 * which the last one is packed when all were read: it may be the oldest. */
struct tensor *conv3d_packed(struct cx *cx, struct tensor *const *frame, const struct conv_w *w,
                             struct tensor *to, enum dtype type, struct tensor *now);
/* As conv3d, a tap at a time: wide [1,h,w,cout*kt], what tap i of output c makes of frame x is
 * channel c*kt + i; no bias. For outputs of few channels, whose past is smaller than that of the
 * inputs. */
struct tensor *conv3d_taps(struct cx *cx, struct tensor *x, const struct conv_w *w);
struct tensor *upsample2(struct cx *cx, struct tensor *x); /* nearest, [n,2h,2w,C] */
/* [n, h*p, w*p, C] <-> [n, h, w, C*p*p]; channel order c*p*p + i*p + j as torch.pixel_unshuffle. */
struct tensor *pixel_unshuffle(struct cx *cx, struct tensor *x, int p);
struct tensor *pixel_shuffle(struct cx *cx, struct tensor *x, int p);
/* x shuffled so, in any type, and each px of small [n,h,w,C] p times in a row and column, added in
 * the type of small: one pass instead of three. */
struct tensor *pixel_shuffle_onto(struct cx *cx, struct tensor *x, int p, struct tensor *small);
/* Rows of x [1,D], again and again: [n,D]. */
struct tensor *repeat_row(struct cx *cx, struct tensor *x, int64_t n);
/* Every channel stands `repeats` times in a row, and then part `part` of `parts` equal parts of
 * what each of the `out` channels has got is pixel_shuffled by 2: [1,h,w,C] -> [1,2h,2w,out], with
 * C repeats = out parts 4 and repeats a power of two up to 4 parts (Wan 2.2's DupUp3D). */
struct tensor *duplicate_up(struct cx *cx, struct tensor *x, int64_t out, int parts, int part);
/* [n,t,h,w,C] -> rows [n*(t/pt)*(h/ph)*(w/pw), C*pt*ph*pw], columns in order c,pt,ph,pw (a Conv3d
 * weight as a matrix). */
struct tensor *patchify(struct cx *cx, struct tensor *x, int pt, int ph, int pw);
/* rows [n*t*h*w (in patches), pt*ph*pw*C], columns in order pt,ph,pw,c -> [n, t*pt, h*ph, w*pw, C]
 * (Wan's output order). */
struct tensor *unpatchify(struct cx *cx, struct tensor *rows, int64_t n, int64_t t, int64_t h,
                          int64_t w, int pt, int ph, int pw);
/* Any transposition: y.dim[i] = x.dim[axis[i]]. */
struct tensor *permute(struct cx *cx, struct tensor *x, const int *axis);
/* Along the last axis; along axis 0. */
struct tensor *concat_last(struct cx *cx, struct tensor *a, struct tensor *b);
struct tensor *slice_last(struct cx *cx, struct tensor *x, int64_t first, int64_t n);
struct tensor *concat_rows(struct cx *cx, int n, struct tensor **x);
struct tensor *slice_rows(struct cx *cx, struct tensor *x, int64_t first, int64_t n);
struct tensor *cast(struct cx *cx, struct tensor *x, enum dtype type);
struct tensor *embed(struct cx *cx, struct weight *table, const int32_t *index, int64_t rows,
                     enum dtype type);
struct tensor *gather_rows(struct cx *cx, struct tensor *x, const int32_t *index, int64_t rows);
/* Wide [n, dim] = cos(t f_i), sin(t f_i), f_i = 10000^(-i/(dim/2)): diffusers
 * Timesteps(flip_sin_to_cos, shift 0). */
struct tensor *timestep_embedding(struct cx *cx, const double *t, int64_t n, int64_t dim);
/* A weight as a tensor (tables that are added or multiplied); gradients flow to the weight. */
struct tensor *weight_tensor(struct cx *cx, struct weight *w);

/* Scalar wide [1] losses: scale * sum over rows of weight[row] * mean over columns of
 * (pred-target)^2 or |pred-target|. target is wide and constant, weight wide [R] or NULL. */
struct tensor *loss_l2(struct cx *cx, struct tensor *pred, struct tensor *target,
                       struct tensor *weight, double scale);
struct tensor *loss_l1(struct cx *cx, struct tensor *pred, struct tensor *target,
                       struct tensor *weight, double scale);
double scalar_value(struct cx *cx, struct tensor *x);

#endif
