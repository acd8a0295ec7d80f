/* attn.h - softmax rows for attention, and attention on the engine of mm.h.
 *
 * Forward: blocks of ATTN_KEYS keys with a running maximum (Dao et al., FlashAttention, 2022), so
 * that the order of every sum depends on the number of keys alone. Backward: probabilities again
 * from the log-sum-exp. */
#ifndef KERN_X86_ATTN_H
#define KERN_X86_ATTN_H

#include "kern/kern.h"
#include "kern/x86/mm.h"

/* Rows of scores s [rows, keys] (row stride ld_s) in place: s = scale s + bias. `first` is the
 * number of leading keys that row 0 may see, one more for each row after it when causal; keys
 * beyond are masked. */
struct soft_rows {
    int64_t rows, keys, first;
    int causal;
    float scale;
    float *s;
    int64_t ld_s;
    const float *bias; /* of row 0, key 0; NULL for none */
    int64_t ld_bias;
    void *p; /* out: probabilities, type p_type, row stride ld_p, zeros up to a multiple of
                SOFT_KEYS */
    enum dtype p_type;
    int64_t ld_p;
};

enum { SOFT_KEYS = 32 };

struct soft {
    /* One more block of keys: max[row] and sum[row] go on; out [rows, dim] so far is rescaled. */
    void (*step)(const struct soft_rows *r, float *max, float *sum, float *out, int64_t dim);
    /* o[row] = out[row] / sum[row]; lse (NULL allowed) = max + log sum, ld_lse apart. */
    void (*finish)(int64_t rows, int64_t dim, const float *out, const float *max, const float *sum,
                   void *o, enum dtype type, int64_t ld_o, float *lse, int64_t ld_lse);
    /* d[row] = a[row] . b[row] over dim. */
    void (*dots)(int64_t rows, int64_t dim, const void *a, const void *b, enum dtype type,
                 int64_t ld, float *d);
    /* p = exp(s - lse); ds = p (dp - d), times scale, in place of dp in p_type with stride ld_p;
     * dbias += p (dp - d). */
    void (*backward)(const struct soft_rows *r, const float *dp, void *ds, const float *lse,
                     int64_t ld_lse, const float *d, float *dbias);
    /* dst (type) = src (f32), row by row. */
    void (*store)(int64_t rows, int64_t dim, const float *src, void *dst, enum dtype type,
                  int64_t ld);
};

extern const struct soft soft_avx2, soft_avx512;

/* What a level computes with: f32 for any storage, dot (NULL: none) for bf16, int8 for q k^T in
 * bytes and int16 (NULL: as without bytes) for what follows. */
struct attn_set {
    const struct mm *f32, *dot, *int8, *int16;
    const struct soft *soft;
};

void attn_forward(struct kcx *kc, const struct k_attention *a, const struct attn_set *set);
void attn_backward(struct kcx *kc, const struct k_attention_bwd *b, const struct attn_set *set);

/* One sequence and head: where its rows begin. */
struct attn_piece {
    int64_t q0, nq, k0, nk;
    int head, kv_head;
};
struct attn_piece attn_piece(const struct k_attention *a, int seq, int head);
int64_t attn_longest(const int64_t *start, int n_seq);
/* Address of element i of an array of this type. */
void *attn_at(const void *p, enum dtype type, int64_t i);
/* Rows of a matrix as left operand: where they lie when that will do, else packed into room. */
struct mm_a attn_rows(const struct mm *mm, const void *src, enum dtype type, int64_t ld,
                      int64_t rows, int64_t k, void *room);
/* Cut bytes, rounded up to 64, from *room; a NULL base only counts. */
void *attn_carve(char **room, size_t bytes);

void attn_overlay_avx2(struct kernels *k);
void attn_overlay_avx512(struct kernels *k);
void attn_overlay_avx512vnni(struct kernels *k);
void attn_overlay_avx512bf16(struct kernels *k);
void attn_overlay_amx(struct kernels *k);

#endif
