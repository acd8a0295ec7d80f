/* conv3d.c - one frame of a causal convolution as products of pictures with zeros around them. A
 * band of output rows copies the rows that it sees, and a row of output pixels seen through one row
 * (tap, ky) of the kernel is then a matrix whose lines overlap: line x begins a pixel after line
 * x - 1 and is kw pixels long. Nothing is gathered per place of the kernel. The sum runs over the
 * rows of the kernel in order, whatever the bands are; taps without a frame are left out. */
#include <string.h>

#include "base/err.h"
#include "kern/packed.h"
#include "kern/x86/conv.h"

enum { SUMS = 384 << 10, SLACK = 128 }; /* of a band: f32 sums; bytes that may be read behind it */

struct conv3d {
    struct kcx *kc;
    const struct k_conv3d *a;
    const struct k_conv2d *f;
    const struct mm *mm;
    const struct packing *packing;
    int64_t oh, ow, rows;    /* of the output; rows of a band */
    int64_t cin, line, k;    /* channels filled up to a group; pixels of a padded row; kw cin */
    int first, parts;        /* taps before `first` have no frame; rows of the kernel */
    size_t size, part_bytes; /* of an element; of the packed weights of a part */
    const char *weights;     /* packed: [parts] */
};

/* ---- weights ---- */

/* One part of the weights, packed: columns are outputs, kw x cin elements are summed. */
static void pack_item(void *arg, int item, int worker)
{
    const struct conv3d *g = arg;
    const struct k_conv2d *f = g->f;
    int64_t all = (int64_t)g->a->kt * f->kh * f->kw * f->cin, n = f->kw * f->cin;
    size_t size = f->type == DT_BF16 ? 2 : 4;
    const char *from = (const char *)f->weight + (size_t)((g->first * f->kh + item) * n) * size;
    char *to = (char *)g->weights + (size_t)item * g->part_bytes;

    if (g->cin != f->cin) {
        char *room = kcx_scratch(g->kc, worker, (size_t)(f->cout * g->k) * size);

        memset(room, 0, (size_t)(f->cout * g->k) * size);
        for (int64_t o = 0; o < f->cout; o++)
            for (int64_t x = 0; x < f->kw; x++)
                memcpy(room + (size_t)(o * g->k + x * g->cin) * size,
                       from + (size_t)(o * all + x * f->cin) * size, (size_t)f->cin * size);
        g->mm->pack_turned(to, room, f->type, g->k, f->cout, g->k);
        return;
    }
    g->mm->pack_turned(to, from, f->type, all, f->cout, g->k);
}

/* ---- pictures ---- */

static void put_pixels(const struct conv3d *g, char *to, const char *from, int64_t n)
{
    const struct k_conv2d *f = g->f;

    if (g->cin == f->cin) {
        dtype_convert(to, g->mm->type, from, f->type, (size_t)(n * f->cin));
        return;
    }
    memset(to, 0, (size_t)(n * g->cin) * g->size);
    for (int64_t i = 0; i < n; i++)
        dtype_convert(to + (size_t)(i * g->cin) * g->size, g->mm->type,
                      from + (size_t)(i * f->cin) * (f->type == DT_BF16 ? 2 : 4), f->type,
                      (size_t)f->cin);
}

/* Is the frame of this tap packed? */
static int tap_packed(const struct conv3d *g, int tap)
{
    return g->a->packed && tap < g->a->kt - 1;
}

/* Row y of a frame as it is seen, with zeros on both sides; room: for a packed one, else NULL. */
static void put_row(const struct conv3d *g, char *to, const char *frame, int64_t y, bf16 *room)
{
    const struct k_conv2d *f = g->f;
    size_t pixel = (size_t)g->cin * g->size, row = (size_t)(f->w * f->cin);
    int64_t seen = f->w * g->a->up;

    if (!frame || y < 0 || y >= f->h * g->a->up) {
        memset(to, 0, (size_t)g->line * pixel);
        return;
    }
    if (room)
        g->packing->get(room, frame, f->h * f->w, f->cin, y / g->a->up * f->w, f->w);
    frame = room ? (const char *)room
                 : frame + (size_t)(y / g->a->up) * row * (f->type == DT_BF16 ? 2 : 4);
    memset(to, 0, (size_t)f->pad_left * pixel);
    to += (size_t)f->pad_left * pixel;
    put_pixels(g, to, frame, f->w);
    for (int64_t x = f->w - 1; g->a->up == 2 && x >= 0; x--) { /* from behind, in place */
        memmove(to + (size_t)(2 * x + 1) * pixel, to + (size_t)x * pixel, pixel);
        memmove(to + (size_t)(2 * x) * pixel, to + (size_t)x * pixel, pixel);
    }
    memset(to + (size_t)seen * pixel, 0, (size_t)f->pad_right * pixel);
}

/* ---- a band ---- */

/* Where the sums of row r of the band go after part number `part`. */
static struct mm_out out_of(const struct conv3d *g, float *sums, int64_t y, int64_t r, int part)
{
    const struct k_conv3d *a = g->a;
    const struct k_conv2d *f = g->f;
    float *own = sums + r * g->ow * f->cout;
    struct mm_out out = {.c = own, .type = DT_F32, .ld = f->cout, .add = part > 0};

    if (part < g->parts - 1)
        return out;
    return (struct mm_out){.c = (char *)f->y + (size_t)((y + r) * g->ow * f->cout) *
                                                   (a->y_type == DT_BF16 ? 2 : 4),
                           .type = a->y_type,
                           .ld = f->cout,
                           .ld_part = f->cout,
                           .part = part > 0 ? own : NULL,
                           .bias = f->bias,
                           .add = a->add};
}

/* Rows of all pictures that a band sees. */
static size_t picture_bytes(const struct conv3d *g)
{
    size_t line = (size_t)(g->line * g->cin) * g->size;
    size_t taps = (size_t)(g->a->kt - g->first);

    return (taps * (size_t)(g->rows + g->f->kh - 1) * line + SLACK + 63) / 64 * 64;
}

static size_t sums_bytes(const struct conv3d *g)
{
    return (size_t)(g->rows * g->ow * g->f->cout) * sizeof(float);
}

/* With its sums behind them, and a row of a packed frame. */
static size_t band_bytes(const struct conv3d *g)
{
    return picture_bytes(g) + sums_bytes(g) +
           (g->a->packed ? (size_t)(g->f->w * g->f->cin) * sizeof(bf16) : 0);
}

static void band_item(void *arg, int item, int worker)
{
    const struct conv3d *g = arg;
    const struct k_conv2d *f = g->f;
    int64_t y = item * g->rows, rows = least(g->rows, g->oh - y), seen = rows + f->kh - 1;
    size_t pixel = (size_t)g->cin * g->size, line = (size_t)g->line * pixel;
    int taps = g->a->kt - g->first;
    char *room = kcx_scratch(g->kc, worker, band_bytes(g));
    float *sums = (float *)(room + picture_bytes(g));
    bf16 *unpacked = (bf16 *)(room + picture_bytes(g) + sums_bytes(g));

    for (int t = 0; t < taps; t++)
        for (int64_t r = 0; r < seen; r++)
            put_row(g, room + (size_t)(t * seen + r) * line, g->a->frame[g->first + t],
                    y + r - f->pad_top, tap_packed(g, g->first + t) ? unpacked : NULL);
    memset(room + (size_t)(taps * seen) * line, 0, SLACK);
    for (int part = 0; part < g->parts; part++)
        for (int64_t r = 0; r < rows; r++) {
            int64_t at = part / f->kh * seen + r + part % f->kh;
            struct mm_a lines = {room + (size_t)at * line, (int64_t)pixel, 4, 0, INT64_MAX};
            struct mm_out out = out_of(g, sums, y, r, part);

            g->mm->block(g->ow, f->cout, mm_groups(g->mm, g->k), &lines,
                         g->weights + (size_t)part * g->part_bytes, &out);
        }
}

/* As many rows as the sums of a band leave room for, and as many bands as keep all threads busy. */
static int64_t band_rows(const struct conv3d *g)
{
    int64_t threads = kcx_workers(g->kc);
    int64_t most = SUMS / (g->ow * g->f->cout), bands;

    most = most < 1 ? 1 : least(most, g->oh);
    bands = (g->oh + most - 1) / most;
    bands = (bands + threads - 1) / threads * threads;
    return (g->oh + bands - 1) / bands;
}

static void conv3d_rows(struct kcx *kc, const struct k_conv3d *a, const struct conv_set *set)
{
    const struct k_conv2d *f = &a->f;
    const struct mm *mm = f->type == DT_BF16 && set->dot ? set->dot : set->f32;
    struct conv3d g = {.kc = kc,
                       .a = a,
                       .f = f,
                       .mm = mm,
                       .packing = set->packing,
                       .size = mm->type == DT_BF16 ? 2 : 4};

    g.oh = f->h * a->up + f->pad_top + f->pad_bottom - f->kh + 1;
    g.ow = f->w * a->up + f->pad_left + f->pad_right - f->kw + 1;
    if (g.oh <= 0 || g.ow <= 0 || f->cout <= 0)
        return;
    while (!kcx_counts(kc) && !a->frame[g.first]) /* what counts takes all of them for there */
        if (++g.first == a->kt)
            BUG("conv3d: no frame");
    g.cin = mm_round_up(f->cin, mm->group);
    g.line = f->w * a->up + f->pad_left + f->pad_right;
    g.k = f->kw * g.cin;
    g.parts = (a->kt - g.first) * f->kh;
    g.part_bytes = mm_bytes_b(mm, f->cout, g.k);
    g.rows = band_rows(&g);
    int bands = (int)((g.oh + g.rows - 1) / g.rows);
    size_t weights = (size_t)g.parts * g.part_bytes;
    if (!kcx_reserve(kc, bands, band_bytes(&g), weights))
        return;
    g.weights = kcx_shared(kc, weights);
    threads_run(kc->threads, g.parts, pack_item, &g);
    threads_run(kc->threads, bands, band_item, &g);
}

/* ---- the last frame is packed ---- */

enum { PIECE = 2048 }; /* pixels */

struct packs {
    const struct k_conv3d *a;
    const struct packing *packing;
};

static void packs_item(void *arg, int item, int worker)
{
    const struct packs *p = arg;
    const struct k_conv2d *f = &p->a->f;
    int64_t first = (int64_t)item * PIECE, n = f->h * f->w - first;

    (void)worker;
    p->packing->put(p->a->now, f->h * f->w, f->cin, first, least(n, PIECE),
                    (const bf16 *)p->a->frame[p->a->kt - 1] + first * f->cin);
}

void conv3d_forward(struct kcx *kc, const struct k_conv3d *a, const struct conv_set *set)
{
    struct packs p = {a, set->packing};

    if (a->bytes.scale)
        conv3d_bytes_forward(kc, a, set->int8);
    else if (conv_tiles_fit(&a->f, set))
        conv3d_tiles_forward(kc, a, set);
    else
        conv3d_rows(kc, a, set);
    if (a->packed && !kcx_counts(kc))
        threads_run(kc->threads, (int)((a->f.h * a->f.w + PIECE - 1) / PIECE), packs_item, &p);
}
