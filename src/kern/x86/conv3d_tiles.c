/* conv3d_tiles.c - a 3x3 convolution over time by tiles of 4x4 outputs (winograd.h), where bf16 is
 * widened: sums are in f32 as elsewhere, with a quarter of the products. A pass takes some of the
 * outputs, a band some of the tiles; in three steps, between which all threads meet, what a band
 * sees is turned, each of the 36 places is a product of its own, and sums are turned back. The sum
 * of a place runs over taps and channels in order, whatever bands, passes and threads are. */
#include <string.h>

#include "kern/x86/conv.h"

enum {
    RUN = 8,            /* tiles of an item */
    PIECE = 96,         /* rows of a product */
    COLUMNS = 16,       /* outputs whose weights are turned together */
    LONGEST = 512,      /* of a sum, where taps can be put together */
    BAND = 16 << 20,    /* bytes of what is multiplied */
    WEIGHTS = 24 << 20, /* of the weights of a pass */
    SPARE = 16          /* floats between places, or all would lie in the same sets of a cache */
};

struct tiled {
    struct kcx *kc;
    const struct k_conv3d *a;
    const struct k_conv2d *f;
    const struct conv_set *set;
    int64_t oh, ow, across, tiles; /* of the output; tiles of a row, of the picture */
    int taps, tap[CONV3D_TAPS];    /* those that have a frame */
    int together, products;        /* taps of a product */
    int64_t k;                     /* taps cin */
    int64_t outs, band;            /* of a pass; tiles of a band */
    size_t product_bytes;          /* of the packed weights of a product */
    int64_t in_step, sum_step;     /* between places */
    char *weights;                 /* packed: [36, products] */
    float *in, *sum;               /* [36, band, k]; [36, band, outs] */
    const void *zeros;             /* a pixel */
    /* of the pass and the band that are computed */
    int64_t o0, n_outs, t0, n_tiles;
};

static int items_of(int64_t n, int64_t each)
{
    return (int)((n + each - 1) / each);
}

/* ---- weights ---- */

static int taps_of(const struct tiled *g, int product)
{
    return (int)least(g->together, g->taps - product * g->together);
}

/* A few outputs of one tap. */
static void weights_item(void *arg, int item, int worker)
{
    const struct tiled *g = arg;
    const struct k_conv2d *f = g->f;
    int tap = item % g->taps, product = tap / g->together;
    int64_t o = item / g->taps * COLUMNS, n = least(COLUMNS, g->n_outs - o), c = f->cin;
    int64_t k = taps_of(g, product) * c;
    float *room = kcx_scratch(g->kc, worker, (size_t)(WINO_PLACES * COLUMNS * c) * sizeof *room);
    size_t at =
        (size_t)(o / MM_PANEL * k + tap % g->together * c) * MM_PANEL + (size_t)(o % MM_PANEL);

    for (int64_t i = 0; i < n; i++) {
        int64_t from = ((g->o0 + o + i) * g->a->kt + g->tap[tap]) * 9 * c;

        g->set->winograd->kernel(room + i * c, COLUMNS * c,
                                 (const char *)f->weight + (size_t)from * dtype_bytes(f->type),
                                 f->type, c);
    }
    for (int p = 0; p < WINO_PLACES; p++)
        g->set->f32->pack_turned(g->weights +
                                     (size_t)(p * g->products + product) * g->product_bytes +
                                     at * sizeof(float),
                                 room + p * COLUMNS * c, DT_F32, c, n, c);
}

/* ---- tiles ---- */

/* Where the pixels of a frame lie that tile t sees. */
static void look(const struct tiled *g, const void **at, const char *frame, int64_t t)
{
    const struct k_conv2d *f = g->f;
    int64_t y0 = t / g->across * WINO_OUT - f->pad_top, x0 = t % g->across * WINO_OUT - f->pad_left;
    int64_t up = g->a->up, h = f->h * up, w = f->w * up;

    for (int64_t y = y0; y < y0 + WINO_IN; y++)
        for (int64_t x = x0; x < x0 + WINO_IN; x++) {
            int64_t pixel = y / up * f->w + x / up;
            int inside = y >= 0 && y < h && x >= 0 && x < w;

            *at++ = inside ? frame + (size_t)(pixel * f->cin) * dtype_bytes(f->type) : g->zeros;
        }
}

static int tap_packed(const struct tiled *g, int tap)
{
    return g->a->packed && g->tap[tap] < g->a->kt - 1;
}

/* The same of a packed frame. Pixels are unpacked into room, a column of the picture into column
 * x % 6 of it, where it still is for the next tile of the row. */
static void look_packed(const struct tiled *g, const void **at, const void *frame, int64_t t,
                        int first, bf16 *room)
{
    const struct k_conv2d *f = g->f;
    int64_t y0 = t / g->across * WINO_OUT - f->pad_top, x0 = t % g->across * WINO_OUT - f->pad_left;

    for (int64_t y = y0; y < y0 + WINO_IN; y++)
        for (int64_t x = x0; x < x0 + WINO_IN; x++) {
            bf16 *to = room + ((y - y0) * WINO_IN + (x + WINO_IN) % WINO_IN) * f->cin;
            int inside = y >= 0 && y < f->h && x >= 0 && x < f->w;

            if (inside && (first || x >= x0 + WINO_IN - WINO_OUT))
                g->set->packing->get(to, frame, f->h * f->w, f->cin, y * f->w + x, 1);
            *at++ = inside ? to : g->zeros;
        }
}

static size_t unpacked_bytes(const struct tiled *g)
{
    return g->a->packed ? (size_t)(WINO_PLACES * g->f->cin) * sizeof(bf16) : 0;
}

static void in_item(void *arg, int item, int worker)
{
    const struct tiled *g = arg;
    int64_t begin = item * RUN, end = least(begin + RUN, g->n_tiles);
    bf16 *room = g->a->packed ? kcx_scratch(g->kc, worker, unpacked_bytes(g)) : NULL;
    const void *at[WINO_PLACES];

    for (int tap = 0; tap < g->taps; tap++)
        for (int64_t i = begin; i < end; i++) {
            const void *frame = g->a->frame[g->tap[tap]];
            int64_t t = g->t0 + i;

            if (tap_packed(g, tap))
                look_packed(g, at, frame, t, i == begin || t % g->across == 0, room);
            else
                look(g, at, frame, t);
            g->set->winograd->in(g->in + i * g->k + tap * g->f->cin, g->in_step, at, g->f->type,
                                 g->f->cin);
        }
}

static void product_item(void *arg, int item, int worker)
{
    const struct tiled *g = arg;
    int64_t place = item % WINO_PLACES, i = item / WINO_PLACES * PIECE;
    const char *weights = g->weights + (size_t)(place * g->products) * g->product_bytes;
    const float *in = g->in + place * g->in_step + i * g->k;
    struct mm_out out = {
        .c = g->sum + place * g->sum_step + i * g->n_outs, .type = DT_F32, .ld = g->n_outs};

    (void)worker;
    for (int p = 0; p < g->products; p++) {
        struct mm_a rows = {in + p * g->together * g->f->cin, g->k * (int64_t)sizeof *in,
                            sizeof *in, 0, INT64_MAX};

        out.add = p > 0;
        g->set->f32->block(least(PIECE, g->n_tiles - i), g->n_outs, taps_of(g, p) * g->f->cin,
                           &rows, weights + (size_t)p * g->product_bytes, &out);
    }
}

static void out_item(void *arg, int item, int worker)
{
    const struct tiled *g = arg;
    const struct k_conv2d *f = g->f;
    int64_t end = least((item + 1) * RUN, g->n_tiles);
    size_t size = dtype_bytes(g->a->y_type);
    void *at[WINO_OUT * WINO_OUT];

    (void)worker;
    for (int64_t i = item * RUN; i < end; i++) {
        int64_t t = g->t0 + i, y0 = t / g->across * WINO_OUT, x0 = t % g->across * WINO_OUT;

        for (int64_t p = 0; p < WINO_OUT * WINO_OUT; p++) {
            int64_t y = y0 + p / WINO_OUT, x = x0 + p % WINO_OUT;
            int64_t to = (y * g->ow + x) * f->cout + g->o0;

            at[p] = y < g->oh && x < g->ow ? (char *)f->y + (size_t)to * size : NULL;
        }
        g->set->winograd->out(at, g->a->y_type, g->sum + i * g->n_outs, g->sum_step,
                              f->bias ? (const float *)f->bias + g->o0 : NULL, g->a->add,
                              g->n_outs);
    }
}

/* ---- all of it ---- */

int conv_tiles_fit(const struct k_conv2d *f, const struct conv_set *set)
{
    return f->type == DT_BF16 && f->stride == 1 && !set->dot && f->kh == 3 && f->kw == 3 &&
           f->cin >= COLUMNS && f->cout >= COLUMNS;
}

/* How the work is cut, by shapes alone. */
static void cut(struct tiled *g)
{
    const struct k_conv2d *f = g->f;
    int64_t floats = sizeof(float), outs;

    g->k = g->taps * f->cin;
    g->together = f->cin * g->taps <= LONGEST ? g->taps : (int)(LONGEST / f->cin);
    g->together = g->together < 1 ? 1 : g->together;
    g->products = items_of(g->taps, g->together);
    outs = WEIGHTS / (WINO_PLACES * g->k * floats) / MM_PANEL * MM_PANEL;
    g->outs = least(outs < MM_PANEL ? MM_PANEL : outs, f->cout);
    g->band = BAND / (WINO_PLACES * (g->k + g->outs) * floats) / RUN * RUN;
    g->band = least(g->band < RUN ? RUN : g->band, g->tiles);
    g->product_bytes = mm_bytes_b(g->set->f32, g->outs, g->together * f->cin);
    g->in_step = mm_round_up(g->band * g->k, SPARE) + SPARE;
    g->sum_step = mm_round_up(g->band * g->outs, SPARE) + SPARE;
}

/* 0: it was only counted. */
static int take_memory(struct tiled *g)
{
    size_t weights = (size_t)(WINO_PLACES * g->products) * g->product_bytes;
    size_t in = (size_t)(WINO_PLACES * g->in_step) * sizeof(float);
    size_t sum = (size_t)(WINO_PLACES * g->sum_step) * sizeof(float);
    size_t zeros = (size_t)g->f->cin * sizeof(float);
    size_t room = (size_t)(WINO_PLACES * COLUMNS * g->f->cin) * sizeof(float);
    int items = items_of(g->outs, COLUMNS) * g->taps;

    room = room > unpacked_bytes(g) ? room : unpacked_bytes(g);
    if (!kcx_reserve(g->kc, items, room, weights + in + sum + zeros))
        return 0;
    g->weights = kcx_shared(g->kc, weights + in + sum + zeros);
    g->in = (float *)(g->weights + weights);
    g->sum = (float *)(g->weights + weights + in);
    g->zeros = memset(g->weights + weights + in + sum, 0, zeros);
    return 1;
}

void conv3d_tiles_forward(struct kcx *kc, const struct k_conv3d *a, const struct conv_set *set)
{
    const struct k_conv2d *f = &a->f;
    struct tiled g = {.kc = kc, .a = a, .f = f, .set = set};

    for (int i = 0; i < a->kt; i++)
        if (a->frame[i] || kcx_counts(kc)) /* what counts takes all of them for there */
            g.tap[g.taps++] = i;
    g.oh = f->h * a->up + f->pad_top + f->pad_bottom - 2;
    g.ow = f->w * a->up + f->pad_left + f->pad_right - 2;
    if (g.oh <= 0 || g.ow <= 0 || g.taps == 0)
        return;
    g.across = items_of(g.ow, WINO_OUT);
    g.tiles = g.across * items_of(g.oh, WINO_OUT);
    cut(&g);
    if (!take_memory(&g))
        return;
    for (g.o0 = 0; g.o0 < f->cout; g.o0 += g.outs) {
        g.n_outs = least(g.outs, f->cout - g.o0);
        threads_run(kc->threads, items_of(g.n_outs, COLUMNS) * g.taps, weights_item, &g);
        for (g.t0 = 0; g.t0 < g.tiles; g.t0 += g.band) {
            g.n_tiles = least(g.band, g.tiles - g.t0);
            threads_run(kc->threads, items_of(g.n_tiles, RUN), in_item, &g);
            threads_run(kc->threads, items_of(g.n_tiles, PIECE) * WINO_PLACES, product_item, &g);
            threads_run(kc->threads, items_of(g.n_tiles, RUN), out_item, &g);
        }
    }
}

void conv2d_tiles_forward(struct kcx *kc, const struct k_conv2d *f, const struct conv_set *set)
{
    int64_t oh = f->h + f->pad_top + f->pad_bottom - 2, ow = f->w + f->pad_left + f->pad_right - 2;
    struct k_conv3d a = {.f = *f, .kt = 1, .up = 1, .y_type = f->type};

    for (int64_t i = 0; i < f->n; i++) {
        a.frame[0] = (const bf16 *)f->x + i * f->h * f->w * f->cin;
        a.f.y = (bf16 *)f->y + i * oh * ow * f->cout;
        conv3d_tiles_forward(kc, &a, set);
    }
}
