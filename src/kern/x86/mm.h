/* mm.h - the matrix engine under matmul, attention and convolution: packing, and the product of
 * packed blocks.
 *
 * A block product is out[i,j] = sum over g of A(i,g) B(g,j), g counting groups of one f32, of two
 * neighbouring bf16 or int16 (k and k+1), or of two or four bytes of int8, always 4 bytes of
 * memory. Each element is summed over g in order in one f32 lane of its own, whatever m and n are;
 * bytes and int16 are summed exactly in int32. B is packed in panels of MM_PANEL columns, A read as
 * it lies or packed. After GotoBLAS (Goto and van de Geijn, 2008). All functions may run on any
 * thread; they allocate nothing. */
#ifndef KERN_X86_MM_H
#define KERN_X86_MM_H

#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"

struct quant_row;
struct quant_range;
struct quant_step;

enum { MM_PANEL = 64, MM_STRIP = 16 };

/* Where A(i, g) lies: p + (i / per_panel) panel + (i % per_panel) row + g step, strides in bytes.
 * With unit > 1 the groups of a unit lie side by side: p + ... + (g - g % unit) step + (g %
 * unit) 4. */
struct mm_a {
    const void *p;
    int64_t row, step, panel, per_panel;
};

/* What becomes of x = product + part + bias: x, gelu(x) (x itself goes to pre, if that is wanted),
 * or x gelu'(pre). */
enum mm_end { MM_END_PLAIN, MM_END_GELU, MM_END_GELU_SLOPE };

/* out[i,j] (+)= product + part[i,j] + bias[j]; part (f32) and bias may be NULL, part may be c. pre:
 * as c. */
struct mm_out {
    void *c;
    enum dtype type; /* F32 or BF16 */
    int64_t ld, ld_part;
    const float *part, *bias;
    int add;
    enum mm_end end;
    void *pre;
    /* of whole numbers: x is first multiplied by columns[j] (NULL: 1), then by rows[i].scale */
    const float *columns;
    const struct quant_row *rows;
    const int32_t *less; /* NULL, or what is taken off the sums of a column; of whole panels */
};

struct mm {
    enum dtype type; /* of packed elements: F32, BF16, I8 or I16 */
    int group;       /* k per group: 1, 2 or 4 */
    int unit;        /* groups are counted in multiples of it, filled up with zeros */
    int rows;        /* that pass together: blocks of a multiple have no splinters */
    int cut;         /* groups at most: longer sums are added up block by block, in order */
    int strip_row;   /* of what pack_cols makes of A: bytes between rows */
    /* b: panels of groups x MM_PANEL. n may be anything: columns beyond it are not stored. */
    void (*block)(int64_t m, int64_t n, int64_t groups, const struct mm_a *a, const void *b,
                  const struct mm_out *out);
    /* src[rows,k] -> dst[rows][groups]: A as rows. k is filled up with zeros. */
    void (*pack_rows)(void *dst, const void *src, enum dtype t, int64_t ld, int64_t rows,
                      int64_t k);
    /* The same of bytes or 16 bits, whose rows [rows] say what they are multiplied with; no
     * pack_rows and pack_cols there. 16 bits: k of cut groups at most, src is not negative and may
     * be dst. */
    void (*quantise)(void *dst, struct quant_row *row, const void *src, enum dtype t, int64_t ld,
                     int64_t rows, int64_t k);
    /* Of 16 bits: src[k,n] -> panels [groups][MM_PANEL] of B, and what each column is multiplied
     * with, scale[n]. NULL in other engines. */
    void (*quantise_cols)(void *dst, float *scale, const void *src, enum dtype t, int64_t ld,
                          int64_t k, int64_t n);
    /* Of bytes that lie between two numbers (quantise.h): the range of n values; rows of k values
     * as bytes [rows,k], dense, and the sum of each. NULL in other engines. */
    struct quant_range (*range)(const void *src, enum dtype t, int64_t n);
    void (*to_bytes)(int8_t *dst, int32_t *sum, const void *src, enum dtype t, int64_t rows,
                     int64_t k, const struct quant_step *step);
    /* Means of columns (quantise.h), and rows less them as bytes [rows,k], dense, with a scale
     * each; room [k]. NULL in other engines. */
    void (*means)(float *mean, const void *src, enum dtype t, int64_t ld, int64_t rows, int64_t k);
    void (*to_bytes_less)(int8_t *dst, float *scale, const void *src, enum dtype t, int64_t ld,
                          int64_t rows, int64_t k, const float *mean, float *room);
    /* src[k,n] -> panels [groups][width] with width 64 (B) or 16 (A, transposed): filled up with
     * zeros. What lies where in a panel is a matter of this engine. */
    void (*pack_cols)(void *dst, int width, const void *src, enum dtype t, int64_t ld, int64_t k,
                      int64_t n);
    /* src[n,k] -> panels [groups][MM_PANEL] of B. */
    void (*pack_turned)(void *dst, const void *src, enum dtype t, int64_t ld, int64_t n, int64_t k);
    /* Register-only products for measuring; sink [3] is read and written. Returns operations done.
     */
    double (*peak)(int64_t loops, float *sink);
};

extern const struct mm mm_f32_avx2, mm_f32_avx512, mm_bf16_avx512bf16, mm_bf16_amx;
extern const struct mm mm_i8_avx2, mm_i8_avx512, mm_i8_avx512vnni, mm_i8_amx, mm_i16_avx512vnni;

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t mm_round_up(int64_t x, int64_t to)
{
    return (x + to - 1) / to * to;
}

static inline int64_t mm_groups(const struct mm *mm, int64_t k)
{
    return mm_round_up((k + mm->group - 1) / mm->group, mm->unit);
}

/* Whether rows of k elements can be read where they lie. */
static inline int mm_whole(const struct mm *mm, int64_t k)
{
    return k % (mm->group * mm->unit) == 0;
}

/* Bytes of packed operands. */
static inline size_t mm_bytes_b(const struct mm *mm, int64_t n, int64_t k)
{
    return (size_t)(mm_round_up(n, MM_PANEL) * mm_groups(mm, k) * 4);
}

static inline size_t mm_bytes_rows(const struct mm *mm, int64_t rows, int64_t k)
{
    return (size_t)mm_round_up(rows * mm_groups(mm, k) * 4, 64);
}

static inline size_t mm_bytes_strips(const struct mm *mm, int64_t rows, int64_t k)
{
    return (size_t)(mm_round_up(rows, MM_STRIP) * mm_groups(mm, k) * 4);
}

/* A as pack_rows, or as pack_cols with width MM_STRIP, laid it down. */
static inline struct mm_a mm_a_rows(const struct mm *mm, const void *p, int64_t k)
{
    return (struct mm_a){p, mm_groups(mm, k) * 4, 4, 0, INT64_MAX};
}

static inline struct mm_a mm_a_strips(const struct mm *mm, const void *p, int64_t k)
{
    return (struct mm_a){p, mm->strip_row, MM_STRIP * 4, mm_groups(mm, k) * MM_STRIP * 4, MM_STRIP};
}

#endif
