#include "media/detail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "media/between.h"

#define SAME 6.0f       /* mean difference of a channel up to which a place looks as it did .. */
#define OTHER 20.0f     /* .. and from which on it is something else */
#define RISE 0.2f       /* by which it shows more than in the frame before, at most */
#define LEAST_LEFT 1e-3 /* of a frame: less is not worth to be sought */

/* Where a px of the small picture was in the first frame, in small px, and how much of what was
 * left out there is to be seen: `sure` of the way, `shown` by its look. */
typedef float origin __attribute__((vector_size(16)));
enum { AROUND = 5 }; /* px of the small picture that a px is softened over */
enum { AT_X, AT_Y, SURE, SHOWN };

struct detail {
    int w, h;
    float amount;
    struct between_field field; /* of the last two frames; borrowed of between */
    struct between *between;    /* borrowed */
    struct threads *threads;
    int16_t *left_out; /* owned [h][w][3], of the first frame */
    uint8_t *before;   /* owned [h][w][3]: the last frame as it was drawn */
    uint8_t *first;    /* owned [sh][sw][4]: the first one, small */
    origin *was, *now; /* owned [sh][sw] */
    double *row;       /* owned [sh]: sum of what is shown */
    uint8_t *drawn;    /* the frame that is changed */
    enum { DETAIL_NONE, DETAIL_BEGUN, DETAIL_CARRIED } state;
};

struct detail *detail_new(int w, int h, double amount, struct between *between,
                          struct threads *threads)
{
    struct detail *d = xcalloc(1, sizeof *d);
    size_t n = (size_t)w * (size_t)h * 3, small;

    d->w = w;
    d->h = h;
    d->amount = (float)amount;
    d->threads = threads;
    d->between = between;
    between_look(between, &d->field);
    small = (size_t)d->field.w * (size_t)d->field.h;
    d->left_out = malloc(n * sizeof *d->left_out);
    d->before = malloc(n);
    d->first = malloc(small * 4);
    d->was = malloc(small * sizeof *d->was);
    d->now = malloc(small * sizeof *d->now);
    d->row = malloc((size_t)d->field.h * sizeof *d->row);
    if (!d->left_out || !d->before || !d->first || !d->was || !d->now || !d->row)
        detail_free(&d);
    return d;
}

void detail_free(struct detail **d)
{
    if (!*d)
        return;
    free((*d)->left_out);
    free((*d)->before);
    free((*d)->first);
    free((*d)->was);
    free((*d)->now);
    free((*d)->row);
    free(*d);
    *d = NULL;
}

size_t detail_bytes(int w, int h)
{
    int scale, sw, sh;

    between_small(w, h, &scale, &sw, &sh);
    return (size_t)w * (size_t)h * 3 * (1 + sizeof(int16_t)) +
           (size_t)sw * (size_t)sh * (4 + 2 * sizeof(origin)) + (size_t)sh * sizeof(double) +
           sizeof(struct detail);
}

void detail_begin(struct detail *d, uint8_t *drawn, const uint8_t *given)
{
    size_t n = (size_t)d->w * (size_t)d->h * 3;

    memcpy(d->before, drawn, n);
    for (size_t i = 0; i < n; i++) {
        d->left_out[i] = (int16_t)lrintf(d->amount * (float)(given[i] - drawn[i]));
        drawn[i] = (uint8_t)(drawn[i] + d->left_out[i]);
    }
    for (int y = 0; y < d->field.h; y++)
        for (int x = 0; x < d->field.w; x++)
            d->was[(size_t)y * (size_t)d->field.w + (size_t)x] = (origin){(float)x, (float)y, 1, 1};
    d->state = DETAIL_BEGUN;
}

/* The four px around a place, which may lie beyond the edges, and their shares. */
struct around {
    size_t at[4];
    float share[4];
};

static int clamp(int v, int lo, int hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static struct around around(float x, float y, int w, int h)
{
    float fx = floorf(x), fy = floorf(y), dx = x - fx, dy = y - fy;
    int x0 = clamp((int)fx, 0, w - 1), x1 = clamp((int)fx + 1, 0, w - 1);
    size_t y0 = (size_t)clamp((int)fy, 0, h - 1) * (size_t)w,
           y1 = (size_t)clamp((int)fy + 1, 0, h - 1) * (size_t)w;

    return (struct around){{y0 + (size_t)x0, y0 + (size_t)x1, y1 + (size_t)x0, y1 + (size_t)x1},
                           {(1 - dx) * (1 - dy), dx * (1 - dy), (1 - dx) * dy, dx * dy}};
}

static origin mix(const origin *of, const struct around *a)
{
    return a->share[0] * of[a->at[0]] + a->share[1] * of[a->at[1]] + a->share[2] * of[a->at[2]] +
           a->share[3] * of[a->at[3]];
}

/* Row y of now: its origins are those of where it comes from. */
static void follow_row(void *arg, int y, int worker)
{
    struct detail *d = arg;
    const struct between_field *f = &d->field;

    (void)worker;
    for (int x = 0; x < f->w; x++) {
        size_t i = (size_t)y * (size_t)f->w + (size_t)x;
        float px = (float)x + f->way[2 * i], py = (float)y + f->way[2 * i + 1];
        int in = px > -1 && py > -1 && px < (float)f->w && py < (float)f->h && f->back[i];
        struct around a = around(px, py, f->w, f->h);
        origin o = mix(d->was, &a);

        if (!in)
            o[SURE] = 0;
        d->now[i] = o;
    }
}

/* Mean difference of a channel between the 3 x 3 px around and where they were. */
static float look_cost(const struct detail *d, int x, int y)
{
    const struct between_field *f = &d->field;
    float sum = 0;

    for (int k = 0; k < 9; k++) {
        int nx = clamp(x + k % 3 - 1, 0, f->w - 1), ny = clamp(y + k / 3 - 1, 0, f->h - 1);
        origin o = d->now[(size_t)ny * (size_t)f->w + (size_t)nx];
        struct around a = around(o[AT_X], o[AT_Y], f->w, f->h);
        const uint8_t *own = f->second + ((size_t)ny * f->stride + (size_t)nx) * 4;

        for (int c = 0; c < 3; c++) {
            float v = 0;

            for (int j = 0; j < 4; j++)
                v += a.share[j] * (float)d->first[4 * a.at[j] + (size_t)c];
            sum += fabsf(v - (float)own[c]);
        }
    }
    return sum / 27;
}

/* Row y of was: what of now is to be seen. */
static void look_row(void *arg, int y, int worker)
{
    struct detail *d = arg;
    const struct between_field *f = &d->field;
    double sum = 0;

    (void)worker;
    for (int x = 0; x < f->w; x++) {
        size_t i = (size_t)y * (size_t)f->w + (size_t)x;
        origin o = d->now[i];
        float looks = 0;

        if (o[SURE] > 0.01f)
            looks = fminf(1, fmaxf(0, (OTHER - look_cost(d, x, y)) / (OTHER - SAME)));
        o[SHOWN] = fminf(o[SURE] * looks, o[SHOWN] + RISE);
        d->was[i] = o;
        sum += o[SHOWN];
    }
    d->row[y] = sum;
}

/* Row y of now: what is to be seen has soft borders, and neighbours come from beside each other. */
static void soften_row(void *arg, int y, int worker)
{
    struct detail *d = arg;
    const struct between_field *f = &d->field;

    (void)worker;
    for (int x = 0; x < f->w; x++) {
        size_t i = (size_t)y * (size_t)f->w + (size_t)x;
        origin sum = {0, 0, 0, 0};
        float shown = 0;

        for (int k = 0; k < AROUND * AROUND; k++) {
            int dx = k % AROUND - AROUND / 2, dy = k / AROUND - AROUND / 2,
                nx = clamp(x + dx, 0, f->w - 1), ny = clamp(y + dy, 0, f->h - 1);
            origin o = d->was[(size_t)ny * (size_t)f->w + (size_t)nx];

            shown += o[SHOWN];
            o[AT_X] -= (float)nx;
            o[AT_Y] -= (float)ny;
            sum += o[SHOWN] * o;
        }
        d->now[i] = d->was[i];
        if (shown > 0) {
            d->now[i][AT_X] = (float)x + sum[AT_X] / shown;
            d->now[i][AT_Y] = (float)y + sum[AT_Y] / shown;
        }
        d->now[i][SHOWN] = fminf(d->was[i][SHOWN], shown / (AROUND * AROUND));
    }
}

/* Row y of the frame: the difference from where its px were. */
static void add_row(void *arg, int y, int worker)
{
    struct detail *d = arg;
    const struct between_field *f = &d->field;
    float scale = (float)f->scale, sy = ((float)y + 0.5f) / scale - 0.5f;
    uint8_t *to = d->drawn + (size_t)y * (size_t)d->w * 3;

    (void)worker;
    for (int x = 0; x < d->w; x++, to += 3) {
        struct around a = around(((float)x + 0.5f) / scale - 0.5f, sy, f->w, f->h);
        origin o = mix(d->now, &a);

        if (o[SHOWN] < 0.01f)
            continue;
        a = around((o[AT_X] + 0.5f) * scale - 0.5f, (o[AT_Y] + 0.5f) * scale - 0.5f, d->w, d->h);
        for (int c = 0; c < 3; c++) {
            float v = 0;

            for (int j = 0; j < 4; j++)
                v += a.share[j] * (float)d->left_out[3 * a.at[j] + (size_t)c];
            to[c] = (uint8_t)clamp((int)lrintf((float)to[c] + o[SHOWN] * v), 0, 255);
        }
    }
}

/* Of the first pair the first is the first. */
static void keep_first(struct detail *d)
{
    size_t row = (size_t)d->field.w * 4;

    for (int y = 0; y < d->field.h; y++)
        memcpy(d->first + row * (size_t)y, d->field.first + 4 * d->field.stride * (size_t)y, row);
}

void detail_carry(struct detail *d, uint8_t *drawn)
{
    double sum = 0;
    size_t n = (size_t)d->w * (size_t)d->h * 3;

    if (d->state == DETAIL_NONE)
        return;
    if (between_pair(d->between, d->before, drawn)) {
        d->state = DETAIL_NONE;
        return;
    }
    if (d->state == DETAIL_BEGUN)
        keep_first(d);
    d->state = DETAIL_CARRIED;
    threads_run(d->threads, d->field.h, follow_row, d);
    threads_run(d->threads, d->field.h, look_row, d);
    threads_run(d->threads, d->field.h, soften_row, d);
    memcpy(d->before, drawn, n);
    d->drawn = drawn;
    threads_run(d->threads, d->h, add_row, d);
    for (int y = 0; y < d->field.h; y++)
        sum += d->row[y];
    if (sum < LEAST_LEFT * d->field.w * d->field.h)
        d->state = DETAIL_NONE;
}
