#include "media/term_picture.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "media/resize.h"

enum {
    TEXT_LINES = 4,       /* that stay free below */
    MOST_COLUMNS = 96,    /* of a picture */
    LEVELS = 6,           /* of each colour of the cube */
    KITTY_PIECE = 4096,   /* bytes of base64 in one command */
    KITTY_NUMBER = 20741, /* names our picture, so that the next one takes its place */
};

/* Places that a picture takes. */
static void places(const struct term *t, int w, int h, int *columns, int *lines)
{
    double cell = (double)t->cell_w / t->cell_h;
    int most_w = t->columns - 1 < MOST_COLUMNS ? t->columns - 1 : MOST_COLUMNS;
    int most_h = t->rows > 2 * TEXT_LINES ? t->rows - TEXT_LINES : TEXT_LINES;

    most_w = most_w > 2 ? most_w : 2;
    *columns = most_w;
    *lines = (int)(most_w * cell * h / w + 0.5);
    if (*lines > most_h) {
        *lines = most_h;
        *columns = (int)(most_h / cell * w / h + 0.5);
    }
    *columns = *columns < 1 ? 1 : *columns > most_w ? most_w : *columns;
    *lines = *lines > 0 ? *lines : 1;
}

int term_picture_lines(const struct term *t, int w, int h)
{
    int columns, lines;

    places(t, w, h, &columns, &lines);
    return lines;
}

static struct picture sized(const struct picture *p, int w, int h)
{
    struct picture out;

    picture_init(&out, w, h);
    resize_rgb(out.rgb, w, h, p->rgb, p->w, p->h,
               w < p->w && h < p->h ? RESIZE_AREA : RESIZE_BICUBIC, NULL);
    return out;
}

/* ---- half-blocks ---- */

/* Nearest of the cube 16..231, whose levels are 0, 95, 135, 175, 215, 255. */
static int xterm_level(int v)
{
    return v < 48 ? 0 : v < 115 ? 1 : (v - 35) / 40;
}

static void colour(const struct term *t, int ground, const uint8_t *c, struct buf *out)
{
    if (t->true_colour)
        buf_printf(out, "\033[%d;2;%d;%d;%dm", ground, c[0], c[1], c[2]);
    else
        buf_printf(out, "\033[%d;5;%dm", ground,
                   16 + 36 * xterm_level(c[0]) + 6 * xterm_level(c[1]) + xterm_level(c[2]));
}

static void blocks(const struct term *t, const struct picture *p, int columns, int lines,
                   struct buf *out)
{
    struct picture small = sized(p, columns, 2 * lines);
    size_t row = (size_t)columns * 3;

    for (int y = 0; y < lines; y++) {
        const uint8_t *upper = small.rgb + row * 2 * (size_t)y, *lower = upper + row;

        for (int x = 0; x < columns; x++, upper += 3, lower += 3) {
            if (!x || memcmp(upper, upper - 3, 3))
                colour(t, 38, upper, out);
            if (!x || memcmp(lower, lower - 3, 3))
                colour(t, 48, lower, out);
            buf_puts(out, "\xe2\x96\x80");
        }
        buf_puts(out, "\033[0m\033[K\r\n");
    }
    picture_release(&small);
}

/* ---- sixels ---- */

static int cube_level(int v, int x, int y)
{
    static const int bayer[4][4] = {{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};

    return (v * (LEVELS - 1) * 16 + 255 * bayer[y & 3][x & 3] + 127) / (255 * 16);
}

/* One run of a sixel; short ones are cheaper as they are. */
static void sixel_run(struct buf *out, int bits, int n)
{
    if (n > 3)
        buf_printf(out, "!%d%c", n, '?' + bits);
    else
        while (n-- > 0)
            buf_putc(out, (char)('?' + bits));
}

/* Six lines of a picture of numbers of colours, each colour over the ones before. */
static void sixel_band(struct buf *out, const uint8_t *index, int w, int n)
{
    uint8_t used[LEVELS * LEVELS * LEVELS] = {0};

    for (int i = 0; i < w * n; i++)
        used[index[i]] = 1;
    for (int c = 0; c < (int)sizeof used; c++) {
        int run = 0, last = 0;

        if (!used[c])
            continue;
        buf_printf(out, "#%d", c);
        for (int x = 0; x < w; x++) {
            int bits = 0;

            for (int k = 0; k < n; k++)
                bits |= (index[k * w + x] == c) << k;
            if (bits != last) {
                sixel_run(out, last, run);
                run = 0;
            }
            last = bits;
            run++;
        }
        if (last)
            sixel_run(out, last, run);
        buf_putc(out, '$');
    }
    buf_putc(out, '-');
}

static void sixel(const struct picture *p, int w, int h, struct buf *out)
{
    struct picture at = sized(p, w, h);
    uint8_t *index = xmalloc((size_t)w * (size_t)h);

    for (int i = 0; i < w * h; i++) {
        const uint8_t *c = at.rgb + (size_t)i * 3;
        int x = i % w, y = i / w;

        index[i] = (uint8_t)((cube_level(c[0], x, y) * LEVELS + cube_level(c[1], x, y)) * LEVELS +
                             cube_level(c[2], x, y));
    }
    buf_printf(out, "\033P0;1q\"1;1;%d;%d", w, h);
    for (int i = 0; i < LEVELS * LEVELS * LEVELS; i++)
        buf_printf(out, "#%d;2;%d;%d;%d", i, i / LEVELS / LEVELS * 20, i / LEVELS % LEVELS * 20,
                   i % LEVELS * 20);
    for (int y = 0; y < h; y += 6)
        sixel_band(out, index + (size_t)y * (size_t)w, w, h - y < 6 ? h - y : 6);
    buf_puts(out, "\033\\");
    free(index);
    picture_release(&at);
}

/* ---- kitty ---- */

static void kitty(const struct picture *p, int columns, int lines, struct buf *out)
{
    struct buf text = BUF_INIT;

    base64_encode(&text, p->rgb, (size_t)p->w * (size_t)p->h * 3);
    for (size_t at = 0; at < text.len; at += KITTY_PIECE) {
        size_t n = text.len - at < KITTY_PIECE ? text.len - at : KITTY_PIECE;

        buf_puts(out, "\033_G");
        if (!at)
            buf_printf(out, "a=T,q=2,f=24,i=%d,p=1,C=1,s=%d,v=%d,c=%d,r=%d,", KITTY_NUMBER, p->w,
                       p->h, columns, lines);
        buf_printf(out, "m=%d;", at + n < text.len);
        buf_add(out, text.data + at, n);
        buf_puts(out, "\033\\");
    }
    buf_release(&text);
}

/* Pictures of pixels are drawn into lines that were made free for them: nothing scrolls under them.
 */
void term_picture(const struct term *t, const struct picture *p, int again, struct buf *out)
{
    int columns, lines;

    places(t, p->w, p->h, &columns, &lines);
    buf_puts(out, again ? "\r" : "\r\033[K");
    if (again)
        buf_printf(out, "\033[%dA", lines);
    if (t->way == TERM_BLOCKS) {
        blocks(t, p, columns, lines, out);
        return;
    }
    for (int i = 0; i < lines && !again; i++)
        buf_puts(out, "\r\n");
    if (!again)
        buf_printf(out, "\033[%dA", lines);
    buf_puts(out, "\0337");
    if (t->way == TERM_KITTY)
        kitty(p, columns, lines, out);
    else
        sixel(p, columns * t->cell_w, lines * t->cell_h, out);
    buf_printf(out, "\0338\033[%dB\r", lines);
}
