#include "generate/region.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

enum {
    SOFT_PART = 32, /* the soft border is this part of the shorter side */
    STRAIGHT = 3,   /* of a chamfer distance (Borgefors 1986): a step, a diagonal one */
    DIAGONAL = 4,
    LEAST_SIDE = 16,
    LEAST_PART = 8 /* of a place: where less is drawn it is held whole */
};

int region_read(struct region *g, const struct film *mask, struct err *e)
{
    size_t px = (size_t)mask->n * (size_t)mask->w * (size_t)mask->h;
    int any = 0;

    *g = (struct region){mask->n, mask->w, mask->h, try_malloc(px, e, "a mask"), 0, 0};
    if (!g->drawn)
        return ERR_FIT;
    for (size_t i = 0; i < px; i++)
        any |= g->drawn[i] = mask->rgb[3 * i] >= REGION_WHITE;
    return any ? 0
               : err_set(e, ERR_USAGE,
                         "mask: it is black, nothing would be drawn anew; white is what is to be");
}

void region_release(struct region *g)
{
    free(g->drawn);
    *g = (struct region){0};
}

int region_is_all(const struct region *g)
{
    return !memchr(g->drawn, 0, (size_t)g->n * (size_t)g->w * (size_t)g->h);
}

const uint8_t *region_mask(const struct region *g, int i)
{
    return g->drawn + (size_t)(i < g->n ? i : g->n - 1) * (size_t)g->w * (size_t)g->h;
}

void region_scale(const struct region *g, int i, int w, int h, uint8_t *drawn)
{
    const uint8_t *mask = region_mask(g, i);

    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            *drawn++ =
                mask[(int64_t)(2 * y + 1) * g->h / (2 * h) * g->w + (2 * x + 1) * g->w / (2 * w)];
}

/* How many of these px are of the region, in REGION_DRAWN-ths. */
static int share_of(const uint8_t *mask, int w, int y0, int y1, int x0, int x1)
{
    int n = 0;

    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            n += mask[(size_t)y * (size_t)w + (size_t)x];
    return (int)ceil((double)n * REGION_DRAWN / ((double)(y1 - y0) * (x1 - x0)));
}

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

/* Px from..to-1 of n that lie under px a..b-1 of a film of `side` px. 0: they lie beside it. */
static int under(int a, int b, int side, int n, int *from, int *to)
{
    a = a > 0 ? a : 0;
    b = b < side ? b : side;
    *from = a * n / side;
    *to = ceil_div(b * n, side);
    return a < b;
}

void region_places(const struct region *g, int i, const struct region_in *in, int lh, int lw,
                   uint8_t *place)
{
    const uint8_t *mask = region_mask(g, i);
    int half = g->around ? in->place / 2 : 0;

    for (int y = 0; y < lh; y++)
        for (int x = 0; x < lw; x++, place++) {
            int top = y * in->place - in->top, left = x * in->place - in->left, y0, y1, x0, x1;
            int in_film = under(top - half, top + in->place + half, in->h, g->h, &y0, &y1) &&
                          under(left - half, left + in->place + half, in->w, g->w, &x0, &x1);
            int share = in_film ? share_of(mask, g->w, y0, y1, x0, x1) : REGION_DRAWN;

            if (!g->goes_on && share)
                share = REGION_DRAWN;
            if (share >= REGION_DRAWN / LEAST_PART && share > *place)
                *place = (uint8_t)share;
        }
}

static void nearer(uint16_t *d, const uint16_t *from, int step)
{
    if (*from + step < *d)
        *d = (uint16_t)(*from + step);
}

/* d is 0 outside; inside it becomes the distance to there, in thirds of a px. */
static void distances(uint16_t *d, int w, int h)
{
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            uint16_t *at = d + (ptrdiff_t)y * w + x;

            if (x)
                nearer(at, at - 1, STRAIGHT);
            if (y)
                nearer(at, at - w, STRAIGHT);
            if (x && y)
                nearer(at, at - w - 1, DIAGONAL);
            if (x + 1 < w && y)
                nearer(at, at - w + 1, DIAGONAL);
        }
    for (int y = h - 1; y >= 0; y--)
        for (int x = w - 1; x >= 0; x--) {
            uint16_t *at = d + (ptrdiff_t)y * w + x;

            if (x + 1 < w)
                nearer(at, at + 1, STRAIGHT);
            if (y + 1 < h)
                nearer(at, at + w, STRAIGHT);
            if (x + 1 < w && y + 1 < h)
                nearer(at, at + w + 1, DIAGONAL);
            if (x && y + 1 < h)
                nearer(at, at + w - 1, DIAGONAL);
        }
}

/* Of a region that is thinner than two soft borders the border is half of it. */
void region_share(const struct region *g, int i, int w, int h, uint16_t *share)
{
    size_t n = (size_t)w * (size_t)h;
    uint8_t *drawn = xmalloc(n);
    int soft = STRAIGHT * (w < h ? w : h) / SOFT_PART, deepest = 0;

    region_scale(g, i, w, h, drawn);
    for (size_t k = 0; k < n; k++)
        share[k] = drawn[k] ? UINT16_MAX : 0;
    distances(share, w, h);
    for (size_t k = 0; k < n; k++)
        deepest = share[k] > deepest ? share[k] : deepest;
    soft = soft > deepest / 2 ? deepest / 2 : soft;
    soft = soft > 0 ? soft : 1;
    for (size_t k = 0; k < n; k++)
        share[k] = (uint16_t)(share[k] >= soft ? 256 : share[k] * 256 / soft);
    free(drawn);
}

void region_blend(uint8_t *to, const uint8_t *kept, const uint8_t *drawn, const uint16_t *share,
                  int w, int h)
{
    for (size_t i = 0; i < (size_t)w * (size_t)h; i++)
        for (size_t c = 3 * i; c < 3 * i + 3; c++)
            to[c] = (uint8_t)((kept[c] * (256 - share[i]) + drawn[c] * share[i] + 128) >> 8);
}

/* ---- outpainting ---- */

/* "16:9" of n bytes. */
static int parse_shape(const char *s, const char *colon, struct outpaint *o)
{
    char *wide = xstrndup(s, (size_t)(colon - s));
    int64_t a, b;
    int rc = parse_int(wide, &a) || parse_int(colon + 1, &b) || a < 1 || a > FILM_MAX_SIDE ||
             b < 1 || b > FILM_MAX_SIDE;

    free(wide);
    if (rc)
        return -1;
    o->wide = (int)a;
    o->high = (int)b;
    return 0;
}

int outpaint_parse(const char *s, struct outpaint *o)
{
    int *const sides[] = {&o->left, &o->right, &o->top, &o->bottom};
    const char *colon = strchr(s, ':');

    *o = (struct outpaint){0};
    if (colon)
        return parse_shape(s, colon, o);
    for (int i = 0; i < 4; i++) {
        size_t len = strcspn(s, ",");
        char *number = xstrndup(s, len);
        int64_t v = -1;
        int bad = parse_int(number, &v) || v < 0 || v > FILM_MAX_SIDE || (s[len] == ',') != (i < 3);

        free(number);
        if (bad)
            return -1;
        *sides[i] = (int)v;
        s += len + 1;
    }
    return o->left + o->right + o->top + o->bottom ? 0 : -1;
}

/* A shape is as many px on both sides. */
static void sides_of_shape(struct outpaint *o, int w, int h)
{
    double wanted = (double)o->wide / o->high;
    int more_w = (int)floor(h * wanted - w + 0.5), more_h = (int)floor(w / wanted - h + 0.5);

    o->left = more_w > 0 ? more_w / 2 : 0;
    o->right = more_w > 0 ? more_w - more_w / 2 : 0;
    o->top = more_h > 0 ? more_h / 2 : 0;
    o->bottom = more_h > 0 ? more_h - more_h / 2 : 0;
}

/* Mirrored at both ends of 0..n-1. */
static int mirrored(int i, int n)
{
    int k = ((i % (2 * n)) + 2 * n) % (2 * n);

    return k < n ? k : 2 * n - 1 - k;
}

static void put_mirrored(uint8_t *to, int w, int h, const struct film *f, int frame,
                         const struct outpaint *o)
{
    const uint8_t *own = f->rgb + (size_t)frame * (size_t)f->w * (size_t)f->h * 3;

    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++, to += 3)
            memcpy(to,
                   own + 3 * ((size_t)mirrored(y - o->top, f->h) * (size_t)f->w +
                              (size_t)mirrored(x - o->left, f->w)),
                   3);
}

int outpaint_apply(const struct outpaint *o, struct film *f, struct region *g, struct err *e)
{
    struct outpaint s = *o;
    uint8_t *rgb;
    int w, h;

    if (s.wide)
        sides_of_shape(&s, f->w, f->h);
    w = (f->w + s.left + s.right + 1) & ~1;
    h = (f->h + s.top + s.bottom + 1) & ~1;
    if (!(s.left + s.right + s.top + s.bottom))
        return err_set(e, ERR_USAGE, "outpaint: %dx%d is %d:%d already", f->w, f->h, o->wide,
                       o->high);
    if (w > FILM_MAX_SIDE || h > FILM_MAX_SIDE || w < LEAST_SIDE || h < LEAST_SIDE)
        return err_set(e, ERR_USAGE, "outpaint: the film would have %dx%d px; %d to %d are allowed",
                       w, h, LEAST_SIDE, FILM_MAX_SIDE);
    *g = (struct region){1, w, h, xmalloc((size_t)w * (size_t)h), 1, 0};
    memset(g->drawn, 1, (size_t)w * (size_t)h);
    for (int y = 0; y < f->h; y++)
        memset(g->drawn + (size_t)(y + s.top) * (size_t)w + s.left, 0, (size_t)f->w);
    rgb = try_malloc((size_t)f->n * (size_t)w * (size_t)h * 3, e, "%d frames of %dx%d", f->n, w, h);
    if (!rgb)
        return ERR_FIT;
    for (int i = 0; i < f->n; i++)
        put_mirrored(rgb + (size_t)i * (size_t)w * (size_t)h * 3, w, h, f, i, &s);
    free(f->rgb);
    f->rgb = rgb;
    f->w = w;
    f->h = h;
    return 0;
}
