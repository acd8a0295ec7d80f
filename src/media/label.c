#include "media/label.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { GRID = 16, SMALLEST_PX = 12, PART = 20 /* of the short side: 5 % */, MOST = 64 };
#define GAP 5.0    /* between characters, on the grid */
#define STROKE 1.2 /* half of its width */
#define RIM 2.6    /* the same of the dark rim */

/* Strokes are lists of points, x and y from 0 to g. */
static const struct glyph {
    uint32_t character;
    int width;
    const char *strokes;
} glyphs[] = {
    {' ', 6, ""},
    {'-', 8, "0888"},
    {'.', 2, "1f1g"},
    {'0', 10, "3070a3ad7g3g0d0330 3d73"},
    {'1', 6, "03303g"},
    {'2', 10, "033070a3a60gag"},
    {'3', 10, "033070a3a57848 78abad7g3g0d"},
    {'4', 10, "808g 800bab"},
    {'5', 10, "a0000777aaad7g0g"},
    {'6', 10, "a37030030d3g7gadaa7707"},
    {'7', 10, "00a03g"},
    {'8', 10, "3070a3a57838050330 78abad7g3g0d0b38"},
    {'9', 10, "0d3g7gada3703003063999"},
    {'A', 10, "0g50ag 2a8a"},
    {'B', 10, "000g 0070a2a67808 78aaae7g0g"},
    {'C', 10, "a37030030d3g7gad"},
    {'D', 10, "000g 0060a4ac6g0g"},
    {'E', 10, "a0000gag 0888"},
    {'F', 10, "a0000g 0888"},
    {'G', 10, "a37030030d3g7gada959"},
    {'H', 10, "000g a0ag 08a8"},
    {'I', 2, "101g"},
    {'J', 10, "a0ad7g3g0d"},
    {'K', 10, "000g a009 37ag"},
    {'L', 10, "000gag"},
    {'M', 12, "0g006ac0cg"},
    {'N', 10, "0g00aga0"},
    {'O', 10, "3070a3ad7g3g0d0330"},
    {'P', 10, "0g0070a2a77909"},
    {'Q', 10, "3070a3ad7g3g0d0330 6bag"},
    {'R', 10, "0g0070a2a77909 59ag"},
    {'S', 10, "a3703003063878abad7g3g0d"},
    {'T', 10, "00a0 505g"},
    {'U', 10, "000d3g7gada0"},
    {'V', 10, "005ga0"},
    {'W', 14, "003g74bge0"},
    {'X', 10, "00ag a00g"},
    {'Y', 10, "0058a0 585g"},
    {'Z', 10, "00a00gag"},
    {0x4eba, 16, "80780g 79gg"},
    {0x5de5, 16, "22e2 828f 0fgf"},
    {0x667a, 16, "3013 2282 0595 524609 5688 b1g1g7b7b1 3adadg3g3a 3ddd"},
    {0x80fd, 16, "401474 5275 1g17777g6g 1a7a 1d7d a0a6g6g4 f1a4 a9agggge faac"},
    {0x751f, 16, "4117 34e4 29e9 0fgf 808f"},
    {0x6210, 16, "24g4 242a0g 28787d5d 90a8cdffgc e68g c0e2"},
    {0x5408, 16, "8007 80g7 47c7 3adadg3g3a"},
};

static const struct glyph *glyph_of(uint32_t c)
{
    c = c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
    for (size_t i = 0; i < sizeof glyphs / sizeof *glyphs; i++)
        if (glyphs[i].character == c)
            return &glyphs[i];
    return NULL;
}

static double at(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

static double to_segment(double px, double py, double ax, double ay, double bx, double by)
{
    double dx = bx - ax, dy = by - ay, length = dx * dx + dy * dy,
           t = length > 0 ? ((px - ax) * dx + (py - ay) * dy) / length : 0;

    t = fmin(fmax(t, 0), 1);
    return hypot(px - ax - t * dx, py - ay - t * dy);
}

/* How far a place of the grid is from the nearest stroke. */
static double to_glyph(const struct glyph *g, double x, double y)
{
    double least = 1e9;

    for (const char *s = g->strokes; *s; s += *s == ' ')
        for (; *s && *s != ' '; s += 2) {
            if (!s[2] || s[2] == ' ') {
                s += 2;
                break;
            }
            least = fmin(least, to_segment(x, y, at(s[0]), at(s[1]), at(s[2]), at(s[3])));
        }
    return least;
}

/* Characters of the text; returns how many, or ERR_USAGE. */
static int spell(const char *text, const struct glyph **out, struct err *e)
{
    int n = 0, len;
    uint32_t c;

    for (const char *s = text; *s; s += len) {
        len = utf8_decode(s, strlen(s), &c);
        if (n == MOST)
            return err_set(e, ERR_USAGE, "label: more than %d characters", MOST);
        if (!len || !(out[n++] = glyph_of(c)))
            return err_set(e, ERR_USAGE, "label \"%.80s\" is not allowed: " LABEL_RANGE, text);
    }
    return n;
}

static int is_blank(const struct glyph *const *line, int n)
{
    for (int i = 0; i < n; i++)
        if (*line[i]->strokes)
            return 0;
    return n > 0;
}

int label_check(const char *text, struct err *e)
{
    const struct glyph *line[MOST];
    int n = spell(text, line, e);

    if (is_blank(line, n))
        return err_set(e, ERR_USAGE, "label: nothing but spaces, which nobody sees");
    return n < 0 ? n : 0;
}

static void ink(struct label *l, const struct glyph *g, double left, double px)
{
    double rim = RIM + 0.5;

    for (int y = 0; y < l->h; y++)
        for (int x = 0; x < l->w; x++) {
            double u = (x + 0.5) / px - left - rim, v = (y + 0.5) / px - rim;
            size_t i = (size_t)y * (size_t)l->w + (size_t)x;

            if (u < -rim || u > g->width + rim)
                continue;
            double far = to_glyph(g, u, v);
            double white = fmin(fmax((STROKE - far) * px + 0.5, 0), 1),
                   dark = fmin(fmax((RIM - far) * px / 2 + 0.5, 0), 1);

            l->ink[i] = (uint8_t)fmax(l->ink[i], 255 * white);
            l->shade[i] = (uint8_t)fmax(l->shade[i], 160 * dark);
        }
}

int label_init(struct label *l, const char *text, int w, int h, struct err *e)
{
    const struct glyph *line[MOST];
    const char *words = !strcmp(text, "zh")   ? "AI\xe7\x94\x9f\xe6\x88\x90"
                        : !strcmp(text, "en") ? "AI-GENERATED"
                                              : text;
    int n = spell(words, line, e), side = w < h ? w : h;
    double high = fmax(ceil((double)side / PART), SMALLEST_PX), px = high / GRID, wide = 0;

    *l = (struct label){0};
    if (n <= 0)
        return n;
    for (int i = 0; i < n; i++)
        wide += line[i]->width + (i ? GAP : 0);
    l->w = (int)ceil((wide + 2 * RIM + 1) * px);
    l->h = (int)ceil((GRID + 2 * RIM + 1) * px);
    l->x = w - l->w - (int)(high / 2);
    l->y = h - l->h - (int)(high / 2);
    if (l->x < 0 || l->y < 0)
        return err_set(e, ERR_USAGE, "label \"%.80s\" is too long for frames of %dx%d", text, w, h);
    l->ink = xcalloc((size_t)l->w * (size_t)l->h, 1);
    l->shade = xcalloc((size_t)l->w * (size_t)l->h, 1);
    wide = 0;
    for (int i = 0; i < n; i++) {
        ink(l, line[i], wide, px);
        wide += line[i]->width + GAP;
    }
    return 0;
}

void label_release(struct label *l)
{
    free(l->ink);
    free(l->shade);
    *l = (struct label){0};
}

void label_draw(const struct label *l, uint8_t *rgb, int w)
{
    for (int y = 0; y < l->h; y++)
        for (int x = 0; x < l->w; x++) {
            uint8_t *c = rgb + ((size_t)(l->y + y) * (size_t)w + (size_t)(l->x + x)) * 3;
            int i = y * l->w + x, white = l->ink[i], dark = l->shade[i];

            for (int k = 0; k < 3; k++) {
                int under = (c[k] * (255 - dark) + 127) / 255;

                c[k] = (uint8_t)((under * (255 - white) + 255 * white + 127) / 255);
            }
        }
}
