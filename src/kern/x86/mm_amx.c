/* mm_amx.c - bf16 products on AMX tiles (Intel SDM, volume 1, chapter 18): 16 x 16 sums in f32 +=
 * 16 x 32 by 32 x 16. Denormals count as zero, as operands and as results.
 *
 * A strip of 32 rows passes 32 columns at a time: two tiles of A and two of B feed four tiles of
 * sums. DEEP groups of a strip lie in L1 while B comes from L2 by loads that are not kept there;
 * sums in between are kept as they are, so that cutting changes no bit. B lies tile by tile: a
 * panel is two halves of [groups / 16][2][16 groups][16 columns]. */
#include <string.h>

#include "kern/x86/mm.h"
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vec_math.inc"

#include "kern/x86/mm_end.inc"

enum { TILE = 16, TILE_BYTES = 1024, GROUP = 2, ROWS = 2 * TILE, COLS = 2 * TILE };
enum { DEEP = 256, WIDE = 256 }; /* of a strip at a time: groups, columns */

/* Rows i..i+rows of A as two tiles; tiles of the next groups follow `step` bytes behind. */
struct strip {
    const char *a0, *a1;
    int64_t i, rows, row, step;
    int another; /* whole strip of rows behind it, where they lie */
};

/* What comes next is asked for while tiles are multiplied: with every unit one line each of a_rows
 * rows of the strip behind, and the lines of c_rows rows that sums will go to. */
struct ahead {
    const char *a, *c;
    int64_t a_rows, c_rows, c_row, c_lines;
};

/* Sums of a strip by COLS columns. */
struct sums {
    float *p;
    int64_t ld;
};

/* The tile intrinsics do not say that they read memory. */
static inline void memory_is_read(void)
{
    __asm__ volatile("" : : : "memory");
}

static struct strip strip_at(const struct mm_a *a, int64_t i, int64_t m)
{
    const char *p[2];
    for (int t = 0; t < 2; t++) {
        int64_t r = i + t * TILE;
        p[t] = (const char *)a->p + r / a->per_panel * a->panel + r % a->per_panel * a->row;
    }
    return (struct strip){.a0 = p[0],
                          .a1 = p[1],
                          .i = i,
                          .rows = m - i < ROWS ? m - i : ROWS,
                          .row = a->row,
                          .step = TILE * a->step,
                          .another = a->per_panel == INT64_MAX && i + 2 * ROWS <= m};
}

/* Tiles 0 1 2 3: sums; 4 5: A; 6 7: B. Rows that a strip has not got are neither read nor written.
 */
static void tiles_configure(int64_t rows)
{
    struct {
        uint8_t palette, start, none[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } c __attribute__((aligned(64))) = {.palette = 1};
    uint8_t upper = (uint8_t)(rows < TILE ? rows : TILE);
    uint8_t lower = (uint8_t)(rows > TILE ? rows - TILE : 1);
    for (int t = 0; t < 8; t++)
        c.row_bytes[t] = 64;
    c.rows[0] = c.rows[1] = c.rows[4] = upper;
    c.rows[2] = c.rows[3] = c.rows[5] = lower;
    c.rows[6] = c.rows[7] = TILE;
    memory_is_read();
    _tile_loadconfig(&c);
}

static inline void fetch(const struct ahead *f, int64_t u, int64_t row)
{
    for (int64_t r = 0; r < f->a_rows; r++)
        __builtin_prefetch(f->a + r * row + u * 64, 0, 2);
    for (int64_t r = u * f->c_rows; r < (u + 1) * f->c_rows; r++)
        for (int64_t l = 0; l < f->c_lines; l++)
            __builtin_prefetch(f->c + r * f->c_row + l * 64, 1, 2);
}

/* R x C tiles of sums over `units` tiles of groups. */
static inline __attribute__((always_inline)) void
tiles_add(const int R, const int C, const char *a0, const char *a1, int64_t row, int64_t step,
          const char *b, int64_t units, const struct ahead *f)
{
    for (int64_t u = 0; u < units; u++) {
        fetch(f, u, row);
        _tile_stream_loadd(6, b, 64);
        if (C > 1)
            _tile_stream_loadd(7, b + TILE_BYTES, 64);
        _tile_loadd(4, a0, row);
        _tile_dpbf16ps(0, 4, 6);
        if (C > 1)
            _tile_dpbf16ps(1, 4, 7);
        if (R > 1) {
            _tile_loadd(5, a1, row);
            _tile_dpbf16ps(2, 5, 6);
            if (C > 1)
                _tile_dpbf16ps(3, 5, 7);
        }
        a0 += step;
        a1 += step;
        b += 2 * TILE_BYTES;
    }
}

static void tiles_begin(int lower, const float *from, int64_t ld)
{
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    if (!from)
        return;
    _tile_loadd(0, from, ld * 4);
    _tile_loadd(1, from + TILE, ld * 4);
    if (lower) {
        _tile_loadd(2, from + TILE * ld, ld * 4);
        _tile_loadd(3, from + TILE * ld + TILE, ld * 4);
    }
}

static void tiles_end(int lower, const struct sums *to)
{
    _tile_stored(0, to->p, to->ld * 4);
    _tile_stored(1, to->p + TILE, to->ld * 4);
    if (lower) {
        _tile_stored(2, to->p + TILE * to->ld, to->ld * 4);
        _tile_stored(3, to->p + TILE * to->ld + TILE, to->ld * 4);
    }
}

/* to = from + product of units u..u+units; from may be NULL. */
static void tiles_run(const struct strip *s, int64_t cols, int64_t u, int64_t units, const char *b,
                      const struct sums *from, const struct sums *to, const struct ahead *f)
{
    int lower = s->rows > TILE;
    const char *a0 = s->a0 + u * s->step, *a1 = s->a1 + u * s->step;
    b += u * 2 * TILE_BYTES;
    tiles_begin(lower, from->p, from->ld);
    if (lower && cols > TILE)
        tiles_add(2, 2, a0, a1, s->row, s->step, b, units, f);
    else if (lower)
        tiles_add(2, 1, a0, a1, s->row, s->step, b, units, f);
    else if (cols > TILE)
        tiles_add(1, 2, a0, a1, s->row, s->step, b, units, f);
    else
        tiles_add(1, 1, a0, a1, s->row, s->step, b, units, f);
    tiles_end(lower, to);
}

static __mmask32 lanes32(int64_t n)
{
    return (__mmask32)((1ull << n) - 1);
}

/* What the sums begin with, or NULL: the part, or c itself if it is to be added to and nothing
 * comes in between. */
static const float *begin_with(const struct mm_out *o, int64_t *ld)
{
    *ld = o->part ? o->ld_part : o->ld;
    if (o->part)
        return o->part;
    return o->add && o->type == DT_F32 && o->end == MM_END_PLAIN ? o->c : NULL;
}

/* Rows of `cols` elements into room for whole tiles. */
static void take_in(const struct strip *s, int64_t cols, const float *from, int64_t ld, float *to)
{
    __mmask32 m = lanes32(cols);
    for (int64_t r = 0; r < s->rows; r++) {
        v_store(to + r * COLS, _mm512_maskz_loadu_ps((__mmask16)m, from + r * ld));
        v_store(to + r * COLS + VL,
                _mm512_maskz_loadu_ps((__mmask16)(m >> VL), from + r * ld + VL));
    }
    memory_is_read();
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

/* Columns j..j+cols of the strip are summed up. */
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

/* Pays where a strip is one block deep: lines of L2 that wait longer are lost again. */
static struct ahead look_ahead(const struct strip *s, int64_t j, int64_t units,
                               const struct mm_out *o)
{
    int64_t size = o->type == DT_BF16 ? 2 : 4, share = ROWS * COLS / WIDE;
    struct ahead f = {.a = s->a0 + (ROWS + j / COLS * share) * s->row,
                      .a_rows = s->another && j < WIDE ? share : 0,
                      .c = (const char *)o->c + (s->i * o->ld + j) * size,
                      .c_rows = s->rows / units,
                      .c_row = o->ld * size,
                      .c_lines = COLS * size / 64};
    return f;
}

/* Columns j..j+cols, COLS at most, of units u..u+units; `room` keeps sums that cannot lie in c. */
static void strip_columns(const struct strip *s, int64_t j, int64_t cols, int64_t u, int64_t units,
                          int last, const char *b, float *room, const struct mm_out *o)
{
    int64_t ld;
    const float *first = begin_with(o, &ld);
    int add = o->add && first != o->c; /* c is still to be added */
    int in_c = o->type == DT_F32 && o->end == MM_END_PLAIN && !o->bias && !add && cols == COLS;
    struct sums to = {room, COLS}, from = to;
    if (in_c)
        to = (struct sums){(float *)o->c + s->i * o->ld + j, o->ld};
    if (u > 0) {
        from = to;
    } else if (!first) {
        from.p = NULL;
    } else if (cols == COLS) {
        from = (struct sums){(float *)first + s->i * ld + j, ld};
    } else {
        take_in(s, cols, first + s->i * ld + j, ld, room);
    }
    struct ahead f = {0};
    if (last && u == 0 && units > 0)
        f = look_ahead(s, j, units, o);
    tiles_run(s, cols, u, units, b, &from, &to, &f);
    if (last && !in_c)
        finish(s, j, cols, room, add, o);
}

/* Columns j0..j0+cols, WIDE at most, by all groups. */
static void strip_block(const struct strip *s, int64_t j0, int64_t cols, int64_t groups,
                        const char *b, const struct mm_out *o)
{
    float room[ROWS * WIDE] __attribute__((aligned(64)));
    int64_t all = groups / TILE, deep = DEEP / TILE;
    int64_t keep = all > deep ? ROWS : 0; /* room per column */
    for (int64_t u = 0, units; u == 0 || u < all; u += units) {
        units = all - u < deep ? all - u : deep;
        for (int64_t j = 0; j < cols; j += COLS)
            strip_columns(s, j0 + j, cols - j < COLS ? cols - j : COLS, u, units, u + units == all,
                          b + (j0 + j) * groups * 4, room + j * keep, o);
        units = units ? units : 1;
    }
}

static void mm_block(int64_t m, int64_t n, int64_t groups, const struct mm_a *a, const void *b,
                     const struct mm_out *out)
{
    int64_t configured = 0;
    for (int64_t i = 0; i < m; i += ROWS) {
        struct strip s = strip_at(a, i, m);
        if (s.rows != configured)
            tiles_configure(s.rows);
        configured = s.rows;
        for (int64_t j = 0; j < n; j += WIDE)
            strip_block(&s, j, n - j < WIDE ? n - j : WIDE, groups, b, out);
    }
    _tile_release();
}

/* All sources are bf16: nothing else is multiplied here. */
static int64_t padded(int64_t k)
{
    return mm_round_up((k + GROUP - 1) / GROUP, TILE);
}

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

static void store_tile(char *d, const vi r[TILE])
{
    for (int i = 0; i < TILE; i++)
        _mm512_storeu_si512(d + i * 64, r[i]);
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

static void mm_pack_turned(void *dst, const void *src, enum dtype t, int64_t ld, int64_t n,
                           int64_t k)
{
    int64_t groups = padded(k);
    (void)t;
    for (int64_t j = 0; j < n; j += TILE) {
        char *d = (char *)dst + j / COLS * COLS * groups * 4 + j % COLS / TILE * TILE_BYTES;
        const bf16 *from = (const bf16 *)src + j * ld;
        for (int64_t i = 0; i < k; i += 32, d += 2 * TILE_BYTES) {
            __mmask32 m = lanes32(k - i < 32 ? k - i : 32);
            vi r[TILE];
            for (int l = 0; l < TILE; l++)
                r[l] = j + l < n ? _mm512_maskz_loadu_epi16(m, from + l * ld + i) : (vi){0};
            v_transpose(r);
            store_tile(d, r);
        }
    }
}

static double mm_peak(int64_t loops, float *sink)
{
    tiles_configure(ROWS);
    tiles_begin(0, NULL, 0);
    _tile_zero(4);
    _tile_zero(6);
    for (int64_t l = 0; l < loops; l++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 6);
        _tile_dpbf16ps(2, 4, 6);
        _tile_dpbf16ps(3, 4, 6);
    }
    _tile_release();
    (void)sink; /* nothing of this can be optimised away */
    return 2.0 * 4 * TILE * TILE * GROUP * TILE * (double)loops;
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
