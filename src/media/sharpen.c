#include "media/sharpen.h"

#include <math.h>
#include <string.h>

enum {
    TURNS = 2, /* where an edge is is seen better when it has become narrower; even: see sharpen */
    ROWS = 16, /* of an item of work */
    TAPS = 4   /* of SMOOTH, each way beside the middle */
};
static const float DEPTH = 8; /* px for a ridge that falls by 1 from px to px */
static const float SMOOTH[TAPS + 1] = {70 / 256.f, 56 / 256.f, 28 / 256.f, 8 / 256.f, 1 / 256.f};

struct picture {
    int w, h;
    float depth;
    const float *from; /* [h][w][3] */
    float *to;
    float *ridge, *across; /* [h][w]: how much of an edge is there, 0..1; smoothed along rows */
};

static int inside(int i, int n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

/* Three neighbouring rows of `channels` values a px; repeated at the border of the picture. */
struct rows {
    const float *above, *here, *below;
};

static struct rows rows_at(const float *values, const struct picture *p, int y, int channels)
{
    size_t row = (size_t)p->w * (size_t)channels;

    return (struct rows){values + row * (size_t)inside(y - 1, p->h), values + row * (size_t)y,
                         values + row * (size_t)inside(y + 1, p->h)};
}

/* Sobel's slopes at index m, whose neighbours are l and r: change from px to px. */
static inline void slopes(const struct rows *s, int l, int m, int r, float *across, float *down)
{
    const float *a = s->above, *b = s->here, *c = s->below;

    *across = (a[r] - a[l] + 2 * (b[r] - b[l]) + c[r] - c[l]) * 0.125f;
    *down = (c[l] - a[l] + 2 * (c[m] - a[m]) + c[r] - a[r]) * 0.125f;
}

static inline float steepness(const struct rows *s, int l, int m, int r)
{
    float across, down;

    slopes(s, l, m, r, &across, &down);
    return across * across + down * down;
}

/* Of each of n values, 3 to a px. The loop between the borders becomes vectors. */
static void steep_row(const struct rows *s, int n, float *out)
{
    int i = 0;

    for (; i < 3; i++)
        out[i] = steepness(s, i, i, i + 3 < n ? i + 3 : i);
    for (; i < n - 3; i++)
        out[i] = steepness(s, i - 3, i, i + 3);
    for (; i < n; i++)
        out[i] = steepness(s, i - 3, i, i);
}

static void find_row(const struct picture *p, int y)
{
    struct rows s = rows_at(p->from, p, y, 3);
    float *out = p->ridge + (size_t)y * (size_t)p->w;
    float *each = p->to + (size_t)y * (size_t)p->w * 3; /* free until pixels move */

    steep_row(&s, p->w * 3, each);
    for (int x = 0; x < p->w; x++) {
        float sum = each[x * 3] + each[x * 3 + 1] + each[x * 3 + 2];
        out[x] = sum / (sum + SHARPEN_STEEP * SHARPEN_STEEP);
    }
}

static float smooth_at(const float *in, int x, int w)
{
    float sum = SMOOTH[0] * in[x];

    for (int k = 1; k <= TAPS; k++)
        sum += SMOOTH[k] * (in[inside(x - k, w)] + in[inside(x + k, w)]);
    return sum;
}

static void smooth_row(const struct picture *p, int y)
{
    const float *in = p->ridge + (size_t)y * (size_t)p->w;
    float *out = p->across + (size_t)y * (size_t)p->w;
    int x = 0;

    for (; x < TAPS && x < p->w; x++)
        out[x] = smooth_at(in, x, p->w);
    for (; x < p->w - TAPS; x++) {
        float sum = SMOOTH[0] * in[x];
        for (int k = 1; k <= TAPS; k++)
            sum += SMOOTH[k] * (in[x - k] + in[x + k]);
        out[x] = sum;
    }
    for (; x < p->w; x++)
        out[x] = smooth_at(in, x, p->w);
}

static void smooth_column(const struct picture *p, int y)
{
    size_t w = (size_t)p->w;
    float *out = p->ridge + (size_t)y * w;

    for (size_t x = 0; x < w; x++)
        out[x] = SMOOTH[0] * p->across[(size_t)y * w + x];
    for (int k = 1; k <= TAPS; k++) {
        const float *a = p->across + (size_t)inside(y - k, p->h) * w;
        const float *b = p->across + (size_t)inside(y + k, p->h) * w;
        for (size_t x = 0; x < w; x++)
            out[x] += SMOOTH[k] * (a[x] + b[x]);
    }
}

/* fmaxf takes the other of a value that is not a number. */
static float within(float v, int n)
{
    return fminf(fmaxf(v, 0), (float)(n - 1));
}

/* Bilinear. */
static void fetch(const struct picture *p, float x, float y, float *out)
{
    x = within(x, p->w);
    y = within(y, p->h);
    int ix = (int)x, iy = (int)y;
    float fx = x - (float)ix, fy = y - (float)iy;
    const float *a = p->from + ((size_t)iy * (size_t)p->w + (size_t)ix) * 3;
    const float *b = iy + 1 < p->h ? a + (size_t)p->w * 3 : a;
    int r = ix + 1 < p->w ? 3 : 0;

    for (int k = 0; k < 3; k++) {
        float above = a[k] + (a[r + k] - a[k]) * fx, below = b[k] + (b[r + k] - b[k]) * fx;
        out[k] = above + (below - above) * fy;
    }
}

static void move_row(const struct picture *p, int y)
{
    struct rows s = rows_at(p->ridge, p, y, 1);
    float *out = p->to + (size_t)y * (size_t)p->w * 3;

    for (int x = 0; x < p->w; x++) {
        float across, down;
        slopes(&s, inside(x - 1, p->w), x, inside(x + 1, p->w), &across, &down);
        fetch(p, (float)x - across * p->depth, (float)y - down * p->depth, out + (size_t)x * 3);
    }
}

struct pass {
    const struct picture *p;
    void (*row)(const struct picture *p, int y);
};

static void run_rows(void *arg, int item, int worker)
{
    const struct pass *pass = arg;

    (void)worker;
    for (int y = item * ROWS; y < (item + 1) * ROWS && y < pass->p->h; y++)
        pass->row(pass->p, y);
}

void sharpen(float *rgb, int w, int h, double amount, float *room, struct threads *threads)
{
    static void (*const passes[])(const struct picture *p, int y) = {find_row, smooth_row,
                                                                     smooth_column, move_row};
    size_t px = (size_t)w * (size_t)h;
    float *other = room + 2 * px;
    struct picture p = {
        .w = w, .h = h, .depth = DEPTH * (float)amount, .ridge = room, .across = room + px};

    if (!(amount > 0))
        return;
    for (int i = 0; i < TURNS; i++) { /* there and back */
        p.from = i % 2 ? other : rgb;
        p.to = i % 2 ? rgb : other;
        for (size_t k = 0; k < sizeof passes / sizeof *passes; k++)
            threads_run(threads, (h + ROWS - 1) / ROWS, run_rows,
                        &(struct pass){.p = &p, .row = passes[k]});
    }
}
