/* mm_bf16_amx.c - products of bf16 on tiles, sums in f32. Denormals count as zero, as operands and
 * as results. */
#include <string.h>

#include "kern/x86/mm.h"
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vec_math.inc"

#include "kern/x86/mm_end.inc"

enum { GROUP = 2 };
#define tile_product(c, a, b) _tile_dpbf16ps(c, a, b)
#include "kern/x86/mm_amx.inc"

static const float *begin_with(const struct mm_out *o, int64_t *ld)
{
    *ld = o->part ? o->ld_part : o->ld;
    if (o->part)
        return o->part;
    return o->add && o->type == DT_F32 && o->end == MM_END_PLAIN ? o->c : NULL;
}

static int ends_in_c(const struct mm_out *o, int add)
{
    return o->type == DT_F32 && o->end == MM_END_PLAIN && !o->bias && !add;
}

static inline void put_row(const struct mm_out *o, int64_t at, __mmask32 m, vf x0, vf x1)
{
    if (o->type == DT_BF16) {
        __m512i both = (__m512i)_mm512_cvtne2ps_pbh(x1, x0);
        _mm512_mask_storeu_epi16((bf16 *)o->c + at, m, both);
        return;
    }
    _mm512_mask_storeu_ps((float *)o->c + at, (__mmask16)m, x0);
    _mm512_mask_storeu_ps((float *)o->c + at + VL, (__mmask16)(m >> VL), x1);
}

static void finish(const struct strip *s, int64_t j, int64_t cols, const float *sums, int add,
                   const struct mm_out *o)
{
    __mmask32 m = lanes32(cols);
    int64_t n0 = cols < VL ? cols : VL, n1 = cols - n0;
    vf bias0 = v_set(0.0f), bias1 = v_set(0.0f);
    if (o->bias) {
        bias0 = _mm512_maskz_loadu_ps((__mmask16)m, o->bias + j);
        bias1 = _mm512_maskz_loadu_ps((__mmask16)(m >> VL), o->bias + j + VL);
    }
    for (int64_t r = 0; r < s->rows; r++) {
        int64_t at = (s->i + r) * o->ld + j;
        vf x0 = v_load(sums + r * COLS) + bias0, x1 = v_load(sums + r * COLS + VL) + bias1;
        if (add) {
            x0 = x0 + v_get(o->c, o->type, at, n0);
            x1 = x1 + v_get(o->c, o->type, at + VL, n1);
        }
        if (o->end != MM_END_PLAIN) {
            x0 = mm_end(o, o->type, at, x0, n0);
            if (n1 > 0)
                x1 = mm_end(o, o->type, at + VL, x1, n1);
        }
        put_row(o, at, m, x0, x1);
    }
}

/* All sources are bf16: nothing else is multiplied here. */
static void mm_pack_rows(void *dst, const void *src, enum dtype t, int64_t ld, int64_t rows,
                         int64_t k)
{
    int64_t groups = padded(k);
    (void)t;
    for (int64_t r = 0; r < rows; r++) {
        char *d = (char *)dst + r * groups * 4;
        const bf16 *from = (const bf16 *)src + r * ld;
        for (int64_t i = 0; i < k; i += 32, d += 64)
            _mm512_storeu_si512(
                d, _mm512_maskz_loadu_epi16(lanes32(k - i < 32 ? k - i : 32), from + i));
    }
}

/* Thirty-two elements of rows k and k+1 -> pairs of 0..15 and of 16..31. */
static inline void pairs(const bf16 *src, int64_t ld, int two, __mmask32 m, vi *low, vi *high)
{
    const vi order = _mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0);
    vi a = _mm512_permutexvar_epi64(order, _mm512_maskz_loadu_epi16(m, src)), b = {0};
    if (two)
        b = _mm512_permutexvar_epi64(order, _mm512_maskz_loadu_epi16(m, src + ld));
    *low = _mm512_unpacklo_epi16(a, b);
    *high = _mm512_unpackhi_epi16(a, b);
}

/* Thirty-two rows from k on of 32 columns: a tile of the first sixteen columns, one of the others,
 * groups down. */
static inline void pair_tiles(const bf16 *src, int64_t ld, int64_t k, __mmask32 m, vi low[TILE],
                              vi high[TILE])
{
    for (int g = 0; g < TILE; g++) {
        low[g] = high[g] = (vi){0};
        if (k > 2 * g)
            pairs(src + 2 * g * ld, ld, k > 2 * g + 1, m, &low[g], &high[g]);
    }
}

static void mm_pack_cols(void *dst, int width, const void *src, enum dtype t, int64_t ld, int64_t k,
                         int64_t n)
{
    int64_t groups = padded(k);
    (void)t;
    for (int64_t u = 0; u < groups / TILE; u++) {
        for (int64_t j = 0; j < n; j += COLS) {
            vi low[TILE], high[TILE];
            char *d = (char *)dst + j * groups * 4;
            pair_tiles((const bf16 *)src + u * 2 * TILE * ld + j, ld, k - u * 2 * TILE,
                       lanes32(n - j < COLS ? n - j : COLS), low, high);
            if (width == MM_PANEL) {
                d += u * 2 * TILE_BYTES;
                store_tile(d, low);
                store_tile(d + TILE_BYTES, high);
                continue;
            }
            d += u * TILE_BYTES;
            v_transpose(low);
            store_tile(d, low);
            if (n - j <= TILE)
                continue;
            v_transpose(high);
            store_tile(d + groups * TILE * 4, high);
        }
    }
}

const struct mm mm_bf16_amx = {.type = DT_BF16,
                               .group = GROUP,
                               .unit = TILE,
                               .rows = ROWS,
                               .cut = 1024,
                               .strip_row = TILE * 4,
                               .block = mm_block,
                               .pack_rows = mm_pack_rows,
                               .pack_cols = mm_pack_cols,
                               .pack_turned = mm_pack_turned,
                               .peak = mm_peak};
