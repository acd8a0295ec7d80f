/* mm_i8_amx.c - products of bytes on tiles, sums in int32: exact. */
#include <limits.h>
#include <string.h>

#include "kern/quantise.h"
#include "kern/x86/mm.h"
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vec_math.inc"

#include "kern/x86/mm_end.inc"

enum { GROUP = 4 };
#define tile_product(c, a, b) _tile_dpbssd(c, a, b)
#include "kern/x86/mm_amx.inc"
#include "kern/x86/mm_bytes.inc"

static const float *begin_with(const struct mm_out *o, int64_t *ld)
{
    *ld = o->ld;
    return NULL;
}

static int ends_in_c(const struct mm_out *o, int add)
{
    (void)o, (void)add;
    return 0;
}

/* As mm_finish of mm_whole.inc. */
static void finish(const struct strip *s, int64_t j0, int64_t cols, const float *sums, int add,
                   const struct mm_out *o)
{
    for (int64_t r = 0; r < s->rows; r++) {
        int64_t at = (s->i + r) * o->ld;
        const vf scale = v_set(o->rows[s->i + r].scale);
        for (int64_t j = 0; j < cols; j += VL) {
            int64_t n = cols - j < VL ? cols - j : VL, to = at + j0 + j;
            vi whole = v_load_bits(sums + r * COLS + j);
            if (o->less)
                whole = _mm512_sub_epi32(whole, v_load_bits(o->less + j0 + j));
            vf x = _mm512_cvtepi32_ps(whole);
            if (o->columns)
                x = x * v_get(o->columns, DT_F32, j0 + j, n);
            x = x * scale;
            if (o->part)
                x = x + v_get(o->part, DT_F32, (s->i + r) * o->ld_part + j0 + j, n);
            if (o->bias)
                x = x + v_get(o->bias, DT_F32, j0 + j, n);
            if (add)
                x = x + v_get(o->c, o->type, to, n);
            if (o->end != MM_END_PLAIN)
                x = mm_end(o, o->type, to, x, n);
            v_put(o->c, o->type, to, x, n);
        }
    }
}

static void mm_quantise(void *dst, struct quant_row *row, const void *src, enum dtype t, int64_t ld,
                        int64_t rows, int64_t k)
{
    int64_t size = t == DT_BF16 ? 2 : 4, bytes = padded(k) * 4;
    for (int64_t r = 0; r < rows; r++) {
        int8_t *to = (int8_t *)dst + r * bytes;
        row[r] = quant_whole(to, (const char *)src + r * ld * size, t, k);
        memset(to + k, 0, (size_t)(bytes - k));
    }
}

const struct mm mm_i8_amx = {.type = DT_I8,
                             .group = GROUP,
                             .unit = TILE,
                             .rows = ROWS,
                             .cut = INT_MAX,
                             .block = mm_block,
                             .quantise = mm_quantise,
                             .range = mm_range,
                             .to_bytes = mm_to_bytes,
                             .means = mm_means,
                             .to_bytes_less = mm_to_bytes_less,
                             .pack_turned = mm_pack_turned,
                             .peak = mm_peak};
