/* gif.c - animated GIF (GIF89a), by ourselves: a palette for each frame, so that colours are those
 * of that frame; what is left is spread in a fixed pattern that stands still, not over neighbours,
 * which would crawl.
 *
 * Palettes: median cut (Heckbert 1982) of a histogram of 5 bits each. Codes: LZW as the
 * specification of 1990 has it. The recipe is a comment in front of the frames. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "media/film_kind.h"

enum {
    BITS = 5,
    SIDE = 1 << BITS,
    CELLS = SIDE * SIDE * SIDE,
    COLORS = 256,
    MOST_CODES = 4096,
    SLOTS = 8192, /* of the table of codes, a power of two */
    SPREAD = 8    /* of 255, how far the pattern moves a value at most, up and down */
};

struct box {
    int lo[3], hi[3]; /* cells, both inclusive */
    int64_t n;        /* pixels */
};

struct gif {
    char *path, *part, *comment;
    FILE *out;
    int w, h, hold;
    int64_t n;
    double fps;
    uint32_t *count; /* [CELLS] */
    uint8_t *near;   /* [CELLS] entry of the palette */
    uint8_t *index;  /* [h][w] */
    uint8_t palette[COLORS][3];
    struct buf bytes;
};

/* ---- colours ---- */

static int cell_of(const int c[3])
{
    return (c[0] << BITS | c[1]) << BITS | c[2];
}

static void shrink(const struct gif *g, struct box *b)
{
    int lo[3] = {SIDE, SIDE, SIDE}, hi[3] = {-1, -1, -1}, c[3];

    b->n = 0;
    for (c[0] = b->lo[0]; c[0] <= b->hi[0]; c[0]++)
        for (c[1] = b->lo[1]; c[1] <= b->hi[1]; c[1]++)
            for (c[2] = b->lo[2]; c[2] <= b->hi[2]; c[2]++) {
                uint32_t n = g->count[cell_of(c)];

                b->n += n;
                for (int k = 0; n && k < 3; k++) {
                    lo[k] = c[k] < lo[k] ? c[k] : lo[k];
                    hi[k] = c[k] > hi[k] ? c[k] : hi[k];
                }
            }
    memcpy(b->lo, lo, sizeof lo);
    memcpy(b->hi, hi, sizeof hi);
}

static int longest_side(const struct box *b)
{
    int axis = 0;

    for (int k = 1; k < 3; k++)
        if (b->hi[k] - b->lo[k] > b->hi[axis] - b->lo[axis])
            axis = k;
    return axis;
}

/* Cut along its longest side, where half of the pixels are on either; b keeps the lower part. */
static struct box cut(const struct gif *g, struct box *b)
{
    int axis = longest_side(b), at = b->lo[axis];
    struct box upper = *b;
    int64_t half = b->n / 2, below = 0;

    for (; at < b->hi[axis] && below < half; at++) {
        struct box slice = *b;

        slice.lo[axis] = slice.hi[axis] = at;
        shrink(g, &slice);
        below += slice.n;
    }
    at = at > b->lo[axis] ? at - 1 : at;
    upper.lo[axis] = at + 1;
    b->hi[axis] = at;
    shrink(g, b);
    shrink(g, &upper);
    return upper;
}

/* Of the boxes that can be cut the one with the most pixels times its length; -1: none can. */
static int next_box(const struct box *b, int n)
{
    int64_t most = 0;
    int best = -1;

    for (int i = 0; i < n; i++) {
        int axis = longest_side(&b[i]), length = b[i].hi[axis] - b[i].lo[axis];

        if (length * b[i].n > most) {
            most = length * b[i].n;
            best = i;
        }
    }
    return best;
}

static void color_of(struct gif *g, const struct box *b, int entry)
{
    double sum[3] = {0};
    int c[3];

    for (c[0] = b->lo[0]; c[0] <= b->hi[0]; c[0]++)
        for (c[1] = b->lo[1]; c[1] <= b->hi[1]; c[1]++)
            for (c[2] = b->lo[2]; c[2] <= b->hi[2]; c[2]++) {
                for (int k = 0; k < 3; k++)
                    sum[k] += (double)g->count[cell_of(c)] * c[k];
                g->near[cell_of(c)] = (uint8_t)entry;
            }
    for (int k = 0; k < 3 && b->n; k++)
        g->palette[entry][k] = (uint8_t)(sum[k] / (double)b->n * 255 / (SIDE - 1) + 0.5);
}

/* A value of 0..255 at a place of the pattern, in cells. */
static int spread(int v, int x, int y)
{
    static const uint8_t bayer[4][4] = {
        {0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
    int s = v + (2 * bayer[y & 3][x & 3] - 15) * SPREAD / 32;

    s = s < 0 ? 0 : s > 255 ? 255 : s;
    return (s * (SIDE - 1) + 127) / 255;
}

static void quantise(struct gif *g, const uint8_t *rgb)
{
    struct box box[COLORS] = {{{0}, {SIDE - 1, SIDE - 1, SIDE - 1}, 0}};
    size_t px = (size_t)g->w * (size_t)g->h;
    int n = 1, i;

    memset(g->count, 0, CELLS * sizeof *g->count);
    memset(g->palette, 0, sizeof g->palette);
    for (size_t k = 0; k < px; k++) {
        int x = (int)(k % (size_t)g->w), y = (int)(k / (size_t)g->w);
        int c[3] = {spread(rgb[3 * k], x, y), spread(rgb[3 * k + 1], x, y),
                    spread(rgb[3 * k + 2], x, y)};

        g->count[cell_of(c)]++;
    }
    shrink(g, &box[0]);
    while (n < COLORS && (i = next_box(box, n)) >= 0) {
        box[n] = cut(g, &box[i]);
        n++;
    }
    for (i = 0; i < n; i++)
        color_of(g, &box[i], i);
    for (size_t k = 0; k < px; k++) {
        int x = (int)(k % (size_t)g->w), y = (int)(k / (size_t)g->w);
        int c[3] = {spread(rgb[3 * k], x, y), spread(rgb[3 * k + 1], x, y),
                    spread(rgb[3 * k + 2], x, y)};

        g->index[k] = g->near[cell_of(c)];
    }
}

/* ---- bytes ---- */

static void put16(struct buf *b, int v)
{
    buf_putc(b, (char)(v & 255));
    buf_putc(b, (char)(v >> 8 & 255));
}

/* Data in blocks of at most 255 bytes, and an empty one. */
static void put_blocks(struct buf *b, const void *data, size_t n)
{
    const char *p = data;

    while (n) {
        size_t some = n < 255 ? n : 255;

        buf_putc(b, (char)some);
        buf_add(b, p, some);
        p += some;
        n -= some;
    }
    buf_putc(b, 0);
}

struct codes {
    struct buf out;
    uint32_t bits;
    int held, width, next;
    int32_t key[SLOTS]; /* prefix << 8 | value, -1: free */
    int16_t code[SLOTS];
};

static void put_code(struct codes *c, int code)
{
    c->bits |= (uint32_t)code << c->held;
    c->held += c->width;
    for (; c->held >= 8; c->held -= 8, c->bits >>= 8)
        buf_putc(&c->out, (char)(c->bits & 255));
}

static void begin_codes(struct codes *c)
{
    put_code(c, COLORS); /* clear */
    memset(c->key, 0xff, sizeof c->key);
    c->width = 9;
    c->next = COLORS + 2;
}

static void lzw(struct buf *to, const uint8_t *index, size_t n)
{
    struct codes *c = xcalloc(1, sizeof *c);
    int prefix = index[0];

    c->width = 9;
    begin_codes(c);
    for (size_t i = 1; i < n; i++) {
        int32_t key = prefix << 8 | index[i];
        uint32_t at = (uint32_t)key * 2654435761u >> 19;

        while (c->key[at] >= 0 && c->key[at] != key)
            at = (at + 1) % SLOTS;
        if (c->key[at] == key) {
            prefix = c->code[at];
            continue;
        }
        put_code(c, prefix);
        prefix = index[i];
        if (c->next == MOST_CODES) {
            begin_codes(c);
            continue;
        }
        c->key[at] = key;
        c->code[at] = (int16_t)c->next;
        c->width += c->next++ == 1 << c->width;
    }
    put_code(c, prefix);
    put_code(c, COLORS + 1); /* end */
    if (c->held)
        buf_putc(&c->out, (char)(c->bits & 255));
    put_blocks(to, c->out.data, c->out.len);
    buf_release(&c->out);
    free(c);
}

static void put_head(struct gif *g)
{
    buf_puts(&g->bytes, "GIF89a");
    put16(&g->bytes, g->w);
    put16(&g->bytes, g->h);
    buf_add(&g->bytes, "\0\0\0", 3);       /* no palette for all frames */
    buf_add(&g->bytes, "\x21\xff\x0b", 3); /* plays without end */
    buf_add(&g->bytes, "NETSCAPE2.0\3\1\0\0\0", 16);
    if (g->comment) {
        buf_add(&g->bytes, "\x21\xfe", 2);
        put_blocks(&g->bytes, g->comment, strlen(g->comment));
    }
}

/* Hundredths of a second, such that frame i begins when it should. */
static int delay(const struct gif *g)
{
    double each = 100 / g->fps;

    return (int)(floor((double)(g->n + 1) * each + 0.5) - floor((double)g->n * each + 0.5));
}

static void put_frame(struct gif *g)
{
    struct buf *b = &g->bytes;

    buf_add(b, "\x21\xf9\4\0", 4);
    put16(b, delay(g));
    buf_add(b, "\0\0", 2);
    buf_add(b, "\x2c\0\0\0\0", 5);
    put16(b, g->w);
    put16(b, g->h);
    buf_putc(b, (char)0x87); /* a palette of 256 */
    buf_add(b, g->palette, sizeof g->palette);
    buf_putc(b, 8);
    lzw(b, g->index, (size_t)g->w * (size_t)g->h);
}

/* What waits goes out. */
static int flush(struct gif *g, struct err *e)
{
    size_t n = g->bytes.len;
    int bad = n && fwrite(g->bytes.data, 1, n, g->out) != n;

    bad |= fflush(g->out) != 0;
    buf_clear(&g->bytes);
    return bad ? err_set(e, ERR_IO, "%s: cannot write: %s", g->part, strerror(errno)) : 0;
}

/* ---- the kind ---- */

static void gif_free(struct gif *g)
{
    if (g->out)
        fclose(g->out);
    if (g->hold >= 0)
        close(g->hold);
    free(g->path);
    free(g->part);
    free(g->comment);
    free(g->count);
    free(g->near);
    free(g->index);
    buf_release(&g->bytes);
    free(g);
}

static int gif_begin(void **state, const char *path, const struct film_options *o, struct err *e)
{
    struct gif *g = xcalloc(1, sizeof *g);
    int rc = 0;

    g->path = xstrdup(path);
    g->part = film_part_name(path);
    g->comment = o->comment ? xstrdup(o->comment) : NULL;
    g->w = o->w;
    g->h = o->h;
    g->fps = (double)o->fps_num / o->fps_den;
    g->count = xmalloc(CELLS * sizeof *g->count);
    g->near = xmalloc(CELLS);
    g->index = xmalloc((size_t)o->w * (size_t)o->h);
    if ((g->hold = film_hold_part(g->part, e)) < 0)
        rc = g->hold;
    else if (!(g->out = fopen(g->part, "wbe")))
        rc = err_set(e, ERR_IO, "%s: cannot write: %s", g->part, strerror(errno));
    if (rc)
        gif_free(g);
    else
        *state = g;
    return rc;
}

static int gif_write(void *state, const uint8_t *rgb, struct err *e)
{
    struct gif *g = state;

    if (!g->n)
        put_head(g);
    quantise(g, rgb);
    put_frame(g);
    g->n++;
    return flush(g, e);
}

static int gif_comment(void *state, const char *comment, struct err *e)
{
    struct gif *g = state;

    (void)e;
    free(g->comment);
    g->comment = xstrdup(comment);
    return 0;
}

static int gif_finish(void *state, struct err *e)
{
    struct gif *g = state;
    int rc = g->n ? 0 : err_set(e, ERR_IO, "%s: not one frame was written", g->path);

    buf_putc(&g->bytes, ';');
    if (!rc)
        rc = flush(g, e);
    if (!rc)
        rc = film_place(g->part, g->path, e);
    gif_free(g);
    return rc;
}

static void gif_abort(void *state)
{
    struct gif *g = state;

    if (g->n) {
        buf_putc(&g->bytes, ';');
        (void)flush(g, NULL); /* what cannot be written now is lost; the rest plays */
    } else {
        unlink(g->part);
    }
    gif_free(g);
}

/* Tables, indexes, and a frame in codes of up to 12 bits, in a buffer that grew by doubling. */
static uint64_t gif_room(const struct film_options *o, int64_t n)
{
    uint64_t pixels = (uint64_t)o->w * (uint64_t)o->h;

    (void)n;
    return CELLS * 5 + sizeof(struct codes) + pixels + 4 * pixels * 3 / 2;
}

const struct film_kind film_kind_gif = {gif_begin,  gif_write, gif_comment,
                                        gif_finish, gif_abort, gif_room};
