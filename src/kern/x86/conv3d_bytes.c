/* conv3d_bytes.c - a convolution over time in bytes. A row of output pixels that sees one frame is
 * one product: what it sees is laid down column by column, so that a line of the matrix begins a
 * pixel's kh rows after the one before and is kw such columns long. All sums of a tap are whole
 * numbers, so neither the order within it nor the engine changes a bit. */
#include <string.h>

#include "base/err.h"
#include "kern/quantise.h"
#include "kern/x86/conv.h"

enum {
    SLACK = 128,
    PIXELS = 4096
}; /* bytes that may be read behind a line; of a piece of a frame */

struct bytes {
    struct kcx *kc;
    const struct k_conv3d *a;
    const struct k_conv2d *f;
    const struct mm *mm;
    int64_t oh, ow, line, k, panels; /* of the output; pixels of a padded row; summed; of weights */
    int first, pieces;               /* taps before `first` have no frame; of a frame */
    size_t size;                     /* of a byte as this engine reads it */
    size_t tap_bytes;                /* of the packed weights of a tap */
    char *weights;                   /* packed: [taps] */
    int32_t *less;                   /* [taps, panels 64]: what zeros add to sums */
    struct quant_range *range;       /* [pieces] of the last frame */
    struct quant_step step;
};

/* ---- the last frame becomes bytes ---- */

static const void *pixels_from(const struct bytes *g, int64_t p)
{
    return (const char *)g->a->frame[g->a->kt - 1] +
           (size_t)(p * g->f->cin) * (g->f->type == DT_BF16 ? 2 : 4);
}

static int64_t piece_pixels(const struct bytes *g, int item)
{
    int64_t left = g->f->h * g->f->w - (int64_t)item * PIXELS;

    return left < PIXELS ? left : PIXELS;
}

static void range_item(void *arg, int item, int worker)
{
    const struct bytes *g = arg;

    (void)worker;
    g->range[item] = g->mm->range(pixels_from(g, (int64_t)item * PIXELS), g->f->type,
                                  piece_pixels(g, item) * g->f->cin);
}

static int8_t *bytes_of(const struct bytes *g, const struct conv3d_head *frame)
{
    return (int8_t *)(frame->sum + g->f->h * g->f->w);
}

static void bytes_item(void *arg, int item, int worker)
{
    const struct bytes *g = arg;
    struct conv3d_head *now = g->a->bytes.now;
    int64_t p = (int64_t)item * PIXELS;

    (void)worker;
    g->mm->to_bytes(bytes_of(g, now) + p * g->f->cin, now->sum + p, pixels_from(g, p), g->f->type,
                    piece_pixels(g, item), g->f->cin, &g->step);
}

/* A NaN is neither above nor below: it is asked for. */
static void frame_to_bytes(struct bytes *g)
{
    struct quant_range all = {0, 0};

    threads_run(g->kc->threads, g->pieces, range_item, g);
    for (int i = 0; i < g->pieces; i++) {
        struct quant_range r = g->range[i];

        all.low = r.low < all.low || isnan(r.low) ? r.low : all.low;
        all.high = r.high > all.high || isnan(r.high) ? r.high : all.high;
    }
    g->step = quant_step(all);
    *(struct conv3d_head *)g->a->bytes.now =
        (struct conv3d_head){.scale = g->step.scale, .zero = g->step.zero};
    threads_run(g->kc->threads, g->pieces, bytes_item, g);
}

/* ---- weights ---- */

static const struct conv3d_head *frame_of(const struct bytes *g, int tap)
{
    return tap == g->a->kt - 1 ? g->a->bytes.now : g->a->frame[tap];
}

/* A panel of outputs of one tap: columns of the kernel, each with its rows. */
static void pack_item(void *arg, int item, int worker)
{
    const struct bytes *g = arg;
    const struct k_conv2d *f = g->f;
    int64_t tap = item / g->panels, o0 = item % g->panels * MM_PANEL, c = f->cin;
    int64_t n = f->cout - o0 < MM_PANEL ? f->cout - o0 : MM_PANEL, places = f->kh * f->kw;
    int8_t *room = kcx_scratch(g->kc, worker, (size_t)(n * g->k));
    const struct conv3d_head *frame = frame_of(g, g->first + (int)tap);
    int32_t *less = g->less + (tap * g->panels * MM_PANEL + o0);

    if (!frame)
        return;
    memset(less, 0, MM_PANEL * sizeof *less);
    for (int64_t o = 0; o < n; o++) {
        const int8_t *from = (const int8_t *)f->weight + (o0 + o) * g->a->kt * g->k;
        int8_t *to = room + o * g->k;

        from += (g->first + tap) * g->k;
        for (int64_t p = 0; p < places; p++)
            memcpy(to + (p % f->kw * f->kh + p / f->kw) * c, from + p * c, (size_t)c);
        for (int64_t i = 0; i < g->k; i++)
            less[o] += to[i];
        less[o] *= frame->zero;
    }
    g->mm->pack_turned(g->weights + (size_t)tap * g->tap_bytes +
                           (size_t)(o0 * mm_groups(g->mm, g->k)) * 4,
                       room, DT_I8, g->k, n, g->k);
}

/* ---- a row of outputs ---- */

/* What a worker has: a line of columns, its sums, what the product asks of its rows, sums so far.
 */
struct room {
    char *line;
    int32_t *column;
    struct quant_row *rows;
    float *part;
};

static size_t carve(const struct bytes *g, struct room *r, char *base)
{
    size_t line = ((size_t)(g->line * g->f->kh * g->f->cin) * g->size + SLACK + 63) / 64 * 64;
    size_t column = ((size_t)g->line * sizeof *r->column + 63) / 64 * 64;
    size_t rows = ((size_t)g->ow * sizeof *r->rows + 63) / 64 * 64;

    if (base)
        *r = (struct room){.line = base,
                           .column = (int32_t *)(base + line),
                           .rows = (struct quant_row *)(base + line + column),
                           .part = (float *)(base + line + column + rows)};
    return line + column + rows + (size_t)(g->ow * g->f->cout) * sizeof(float);
}

static void put(const struct bytes *g, char *to, const int8_t *from)
{
    int16_t *wide = (int16_t *)(void *)to;

    if (g->size == 1) {
        memcpy(to, from, (size_t)g->f->cin);
        return;
    }
    for (int64_t i = 0; i < g->f->cin; i++)
        wide[i] = from[i];
}

static void put_zeros(const struct bytes *g, char *to, int32_t zero)
{
    int16_t *wide = (int16_t *)(void *)to;

    if (g->size == 1) {
        memset(to, zero, (size_t)g->f->cin);
        return;
    }
    for (int64_t i = 0; i < g->f->cin; i++)
        wide[i] = (int16_t)zero;
}

/* Row y of a frame as it is seen, into row ky of every column. */
static void put_row(const struct bytes *g, const struct room *r, const struct conv3d_head *frame,
                    int64_t y, int ky)
{
    const struct k_conv2d *f = g->f;
    int64_t up = g->a->up, seen = f->w * up, at = y / up * f->w;
    size_t pitch = (size_t)(f->kh * f->cin) * g->size;
    char *to = r->line + (size_t)(ky * f->cin) * g->size;
    int inside = y >= 0 && y < f->h * up;

    for (int64_t x = 0; x < g->line; x++, to += pitch) {
        int64_t p = x - f->pad_left;

        if (!inside || p < 0 || p >= seen) {
            put_zeros(g, to, frame->zero);
            r->column[x] += frame->zero * (int32_t)f->cin;
        } else {
            put(g, to, bytes_of(g, frame) + (at + p / up) * f->cin);
            r->column[x] += frame->sum[at + p / up];
        }
    }
}

/* With what is read behind a line to fill up its last group. */
static void put_line(const struct bytes *g, const struct room *r, const struct conv3d_head *frame,
                     int64_t y)
{
    int64_t pitch = g->f->kh * g->f->cin, fill = g->size == 1 ? -g->k & 3 : 0;

    memset(r->line + g->line * pitch * (int64_t)g->size, 0, SLACK);
    memset(r->column, 0, (size_t)g->line * sizeof *r->column);
    for (int ky = 0; ky < g->f->kh; ky++)
        put_row(g, r, frame, y + ky - g->f->pad_top, ky);
    for (int64_t x = 0; x < g->ow; x++) {
        r->rows[x] = (struct quant_row){.scale = frame->scale};
        for (int kx = 0; kx < g->f->kw; kx++)
            r->rows[x].sum += r->column[x + kx];
        for (int64_t i = 0; i < fill; i++)
            r->rows[x].sum += (int8_t)r->line[x * pitch + g->k + i];
    }
}

static struct mm_out out_of(const struct bytes *g, const struct room *r, int64_t y, int tap)
{
    const struct k_conv3d *a = g->a;
    const struct k_conv2d *f = g->f;
    int first = tap == g->first;
    struct mm_out out = {.c = r->part,
                         .type = DT_F32,
                         .ld = f->cout,
                         .add = !first,
                         .columns = a->bytes.scale,
                         .rows = r->rows,
                         .less = g->less + (tap - g->first) * g->panels * MM_PANEL};

    if (tap < a->kt - 1)
        return out;
    out.c = (char *)f->y + (size_t)(y * g->ow * f->cout) * (a->y_type == DT_BF16 ? 2 : 4);
    out.type = a->y_type;
    out.part = first ? NULL : r->part;
    out.ld_part = f->cout;
    out.bias = f->bias;
    out.add = a->add;
    return out;
}

static void row_item(void *arg, int item, int worker)
{
    const struct bytes *g = arg;
    struct room r = {0};

    carve(g, &r, kcx_scratch(g->kc, worker, carve(g, &r, NULL)));
    for (int tap = g->first; tap < g->a->kt; tap++) {
        int64_t pitch = g->f->kh * g->f->cin * (int64_t)g->size;
        struct mm_a lines = {r.line, pitch, 4, 0, INT64_MAX};
        struct mm_out out = out_of(g, &r, item, tap);

        if (!frame_of(g, tap))
            continue;
        put_line(g, &r, frame_of(g, tap), item);
        g->mm->block(g->ow, g->f->cout, mm_groups(g->mm, g->k), &lines,
                     g->weights + (size_t)(tap - g->first) * g->tap_bytes, &out);
    }
}

/* ---- all of it ---- */

/* Memory of the call; 0: it was only counted. */
static int take_memory(struct bytes *g)
{
    size_t taps = (size_t)(g->a->kt - g->first), columns = taps * (size_t)g->panels * MM_PANEL;
    size_t weights = taps * g->tap_bytes, range = (size_t)g->pieces * sizeof *g->range;
    size_t room = carve(g, NULL, NULL), pack = (size_t)(MM_PANEL * g->k);
    size_t all = weights + columns * sizeof *g->less + range;
    char *p;

    if (!kcx_reserve(g->kc, g->oh, room > pack ? room : pack, all))
        return 0;
    p = kcx_shared(g->kc, all);
    g->weights = p;
    g->less = (int32_t *)(p + weights);
    g->range = (struct quant_range *)(g->less + columns);
    return 1;
}

void conv3d_bytes_forward(struct kcx *kc, const struct k_conv3d *a, const struct mm *mm)
{
    const struct k_conv2d *f = &a->f;
    struct bytes g = {.kc = kc, .a = a, .f = f, .mm = mm, .size = mm->group == 4 ? 1 : 2};

    g.oh = f->h * a->up + f->pad_top + f->pad_bottom - f->kh + 1;
    g.line = f->w * a->up + f->pad_left + f->pad_right;
    g.ow = g.line - f->kw + 1;
    if (g.oh <= 0 || g.ow <= 0 || f->cout <= 0)
        return;
    while (!kcx_counts(kc) && !a->frame[g.first]) /* what counts takes all of them for there */
        if (++g.first == a->kt)
            BUG("conv3d: no frame");
    g.k = f->kh * f->kw * f->cin;
    if (g.k > KERN_INT8_K / 2)
        BUG("conv3d: %lld bytes in a sum", (long long)g.k);
    g.panels = mm_round_up(f->cout, MM_PANEL) / MM_PANEL;
    g.tap_bytes = mm_bytes_b(mm, f->cout, g.k);
    g.pieces = (int)((f->h * f->w + PIXELS - 1) / PIXELS);
    if (!take_memory(&g))
        return;
    frame_to_bytes(&g);
    threads_run(kc->threads, (a->kt - g.first) * (int)g.panels, pack_item, &g);
    threads_run(kc->threads, (int)g.oh, row_item, &g);
}
