#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "measure/sight_inner.h"

enum {
    STRANGE = 38,   /* of 255: farther than this from its row is no floor; tiles differ by 31 */
    MIN_SHARE = 10, /* a place is known when 1/10 of the frames show it free */
};

static int chroma(const uint8_t *p)
{
    int hi = p[0] > p[1] ? p[0] : p[1], lo = p[0] < p[1] ? p[0] : p[1];

    hi = p[2] > hi ? p[2] : hi;
    lo = p[2] < lo ? p[2] : lo;
    return hi - lo;
}

static int median(const int count[256], int total)
{
    int v = 0;

    for (int sum = count[0]; 2 * sum < total && v < 255;)
        sum += count[++v];
    return v;
}

/* Per row: the median of everything in it that is not colourful. */
static void row_floor(const struct view_film *f, int y, uint8_t out[3])
{
    int count[3][256] = {{0}}, total = 0;

    for (int t = 0; t < f->n; t++) {
        const uint8_t *p = f->rgb + ((size_t)t * f->h + y) * f->w * 3;

        for (int x = 0; x < f->w; x++, p += 3) {
            if (chroma(p) > 64)
                continue;
            for (int k = 0; k < 3; k++)
                count[k][p[k]]++;
            total++;
        }
    }
    for (int k = 0; k < 3; k++)
        out[k] = (uint8_t)(total ? median(count[k], total) : 128);
}

/* Columns of row y of frame t that are no floor, one pixel around them included. */
static void strange_row(const struct view_film *f, int t, int y, const uint8_t row[3], uint8_t *out)
{
    const uint8_t *p = f->rgb + ((size_t)t * f->h + y) * f->w * 3;

    memset(out, 0, (size_t)f->w);
    for (int x = 0; x < f->w; x++, p += 3) {
        int far = 0;

        for (int k = 0; k < 3; k++)
            far |= abs(p[k] - row[k]) > STRANGE;
        for (int i = x - 1; far && i <= x + 1; i++)
            if (i >= 0 && i < f->w)
                out[i] = 1;
    }
}

/* Unknown stretches of a row take over from their neighbours, in a straight line. */
static void bridge_row(uint8_t *floor, const uint8_t *known, int w, const uint8_t row[3])
{
    for (int x = 0; x < w; x++) {
        int a = x - 1, b = x;

        if (known[x])
            continue;
        while (b < w && !known[b])
            b++;
        for (int i = x; i < b; i++) {
            const uint8_t *pa = a >= 0 ? floor + 3 * a : b < w ? floor + 3 * b : row;
            const uint8_t *pb = b < w ? floor + 3 * b : pa;

            for (int k = 0; k < 3; k++)
                floor[3 * i + k] = (uint8_t)((pa[k] * (b - i) + pb[k] * (i - a)) / (b - a));
        }
        x = b;
    }
}

static void floor_row(struct view_film *f, int y)
{
    uint8_t row[3], *known = xcalloc((size_t)f->w, 1);
    uint8_t *strange = xmalloc((size_t)f->n * (size_t)f->w);
    uint8_t *floor = f->floor + (size_t)y * f->w * 3;

    row_floor(f, y, row);
    for (int t = 0; t < f->n; t++)
        strange_row(f, t, y, row, strange + (size_t)t * f->w);
    for (int x = 0; x < f->w; x++) {
        int count[3][256] = {{0}}, total = 0;

        for (int t = 0; t < f->n; t++) {
            const uint8_t *p = f->rgb + (((size_t)t * f->h + y) * f->w + x) * 3;

            if (strange[(size_t)t * f->w + x])
                continue;
            for (int k = 0; k < 3; k++)
                count[k][p[k]]++;
            total++;
        }
        known[x] = total > 0 && total * MIN_SHARE >= f->n;
        for (int k = 0; known[x] && k < 3; k++)
            floor[3 * x + k] = (uint8_t)median(count[k], total);
    }
    bridge_row(floor, known, f->w, row);
    free(strange);
    free(known);
}

void floor_find(struct view_film *f)
{
    for (int y = 0; y < f->h; y++)
        floor_row(f, y);
}
