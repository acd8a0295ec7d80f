#include "media/between.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "media/between_inner.h"
#include "media/between_picture.h"

enum {
    SIDE = 160, /* px that the shorter side of a small picture has at most */
    BESIDE = 48 /* px of it to what lies behind, at most */
};
#define LEAST_SURE 1e-6f
#define IN_FRONT 16.0f  /* what hides something is so many times as sure */
#define FITS 3.0f       /* cost of a px that was found though it finds no way back */
#define OTHER_WAY 10.0f /* px: nearer ways are its own */
#define CUT_COST 10.0f  /* mean of a channel by which most px of two scenes differ at their best */
#define CUT_SHARE 0.45f /* of px that find no way back */

/* What is known of a px at the wanted moment. */
struct spot {
    struct move v; /* from the first to the second frame */
    float sure;    /* 0: nothing */
    float sees[2]; /* 1: it is to be seen in that frame */
};

struct between {
    int w, h, scale; /* px of a frame for one of a small picture */
    int sw, sh;
    struct search search;
    const uint8_t *frame[2];
    uint8_t *back[2];  /* owned [sh][sw]: 1 finds its way back from the other frame */
    struct spot *spot; /* owned [sh][sw] */
    seen *smooth;      /* owned [sh][sw]: the field */
    int *hole;         /* owned [sh * sw] */
    float moment;
};

/* ---- memory ---- */

void between_small(int w, int h, int *scale, int *sw, int *sh)
{
    int side = w < h ? w : h;

    *scale = (side + SIDE - 1) / SIDE;
    *sw = (w + *scale - 1) / *scale;
    *sh = (h + *scale - 1) / *scale;
}

struct between *between_new(int w, int h, struct threads *threads)
{
    struct between *b = xcalloc(1, sizeof *b);
    size_t px;

    ZT_ASSERT(w >= 1 && h >= 1);
    b->w = w;
    b->h = h;
    between_small(w, h, &b->scale, &b->sw, &b->sh);
    px = (size_t)b->sw * (size_t)b->sh;
    int ok = search_init(&b->search, b->sw, b->sh, threads);
    b->back[0] = malloc(px);
    b->back[1] = malloc(px);
    b->spot = malloc(px * sizeof *b->spot);
    b->smooth = malloc(px * sizeof *b->smooth);
    b->hole = malloc(px * sizeof *b->hole);
    if (!ok || !b->back[0] || !b->back[1] || !b->spot || !b->smooth || !b->hole)
        between_free(&b);
    return b;
}

void between_free(struct between **b)
{
    if (!*b)
        return;
    search_release(&(*b)->search);
    free((*b)->back[0]);
    free((*b)->back[1]);
    free((*b)->spot);
    free((*b)->smooth);
    free((*b)->hole);
    free(*b);
    *b = NULL;
}

size_t between_bytes(int w, int h)
{
    int scale, sw, sh;

    between_small(w, h, &scale, &sw, &sh);
    return search_bytes(sw, sh) +
           (size_t)sw * (size_t)sh * (2 + sizeof(struct spot) + sizeof(seen) + sizeof(int)) +
           sizeof(struct between);
}

/* ---- a pair ---- */

/* Row i of both small pictures, one behind the other: means of scale x scale px. */
static void shrink_row(void *arg, int i, int worker)
{
    const struct between *b = arg;
    int which = i >= b->sh, y = i % b->sh, y0 = y * b->scale,
        y1 = y0 + b->scale < b->h ? y0 + b->scale : b->h;
    uint8_t *out = level_px(&b->search.level[0], which, 0, y);

    (void)worker;
    for (int x = 0; x < b->sw; x++, out += 4) {
        int x0 = x * b->scale, x1 = x0 + b->scale < b->w ? x0 + b->scale : b->w;
        unsigned sum[3] = {0, 0, 0}, n = (unsigned)((x1 - x0) * (y1 - y0));

        for (int r = y0; r < y1; r++) {
            const uint8_t *p = b->frame[which] + ((size_t)r * (size_t)b->w + (size_t)x0) * 3;

            for (int k = x0; k < x1; k++, p += 3) {
                sum[0] += p[0];
                sum[1] += p[1];
                sum[2] += p[2];
            }
        }
        for (int c = 0; c < 3; c++)
            out[c] = (uint8_t)((sum[c] + n / 2) / n);
        out[3] = 0;
    }
}

static int clamp(int v, int lo, int hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* Row i of both directions: where the other frame's movement leads back to. */
static void back_row(void *arg, int i, int worker)
{
    const struct between *b = arg;
    int d = i >= b->sh, y = i % b->sh;
    const struct move *way = b->search.dense[d], *other = b->search.dense[!d];

    (void)worker;
    for (int x = 0; x < b->sw; x++) {
        size_t at = (size_t)y * (size_t)b->sw + (size_t)x;
        struct move v = way[at], r;
        int tx = (int)lrintf((float)x + v.x), ty = (int)lrintf((float)y + v.y);
        int in = tx >= 0 && ty >= 0 && tx < b->sw && ty < b->sh;

        if (in) {
            r = other[(size_t)ty * (size_t)b->sw + (size_t)tx];
            float ex = v.x + r.x, ey = v.y + r.y;
            in = ex * ex + ey * ey < 0.5f + 0.01f * (v.x * v.x + v.y * v.y + r.x * r.x + r.y * r.y);
        }
        b->back[d][at] = (uint8_t)in;
    }
}

/* Does the px of frame d that goes by v hide what is at that place in its own frame? Then it passes
 * in front of all that it meets on its way. */
static int is_in_front(const struct between *b, int d, int x, int y, struct move v)
{
    int tx = (int)lrintf((float)x + v.x), ty = (int)lrintf((float)y + v.y);

    return tx >= 0 && ty >= 0 && tx < b->sw && ty < b->sh && !b->back[d][ty * b->sw + tx];
}

/* The movement of what lies behind beside a px: of the nearest one in its row or column that finds
 * its way back and hides nothing itself. 0: there is none near. */
static int behind(const struct between *b, int d, int x, int y, struct move *out)
{
    static const int way[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};

    for (int r = 1; r <= BESIDE; r++)
        for (int k = 0; k < 4; k++) {
            int nx = x + r * way[k][0], ny = y + r * way[k][1];

            if (nx < 0 || ny < 0 || nx >= b->sw || ny >= b->sh || !b->back[d][ny * b->sw + nx])
                continue;
            *out = b->search.dense[d][ny * b->sw + nx];
            if (!is_in_front(b, d, nx, ny, *out))
                return 1;
        }
    return 0;
}

/* What is hidden in the other frame has no movement that could be found there: it goes as what lies
 * behind beside it. Px that find their way back are read alone, so rows do not mind each other. */
static void mend_row(void *arg, int i, int worker)
{
    struct between *b = arg;
    int d = i >= b->sh, y = i % b->sh;

    (void)worker;
    for (int x = 0; x < b->sw; x++) {
        size_t at = (size_t)y * (size_t)b->sw + (size_t)x;
        struct move *own = &b->search.dense[d][at], v;

        if (b->back[d][at] || b->search.cost[d][at] < FITS || !behind(b, d, x, y, &v))
            continue;
        if (fabsf(own->x - v.x) + fabsf(own->y - v.y) > OTHER_WAY)
            *own = v;
    }
}

static int is_cut(const struct between *b)
{
    size_t px = (size_t)b->sw * (size_t)b->sh, lost = 0;
    double cost = 0;

    for (int d = 0; d < 2; d++)
        for (size_t i = 0; i < px; i++) {
            cost += b->search.cost[d][i];
            lost += !b->back[d][i];
        }
    return cost > 2 * CUT_COST * (double)px && (double)lost > 2 * CUT_SHARE * (double)px;
}

int between_pair(struct between *b, const uint8_t *first, const uint8_t *second)
{
    struct threads *th = b->search.threads;

    b->frame[0] = first;
    b->frame[1] = second;
    threads_run(th, 2 * b->sh, shrink_row, b);
    search_run(&b->search);
    threads_run(th, 2 * b->sh, back_row, b);
    if (is_cut(b))
        return 1;
    threads_run(th, 2 * b->sh, mend_row, b);
    return 0;
}

void between_look(const struct between *b, struct between_field *out)
{
    const struct level *l = &b->search.level[0];

    *out = (struct between_field){b->sw,
                                  b->sh,
                                  b->scale,
                                  (size_t)l->stride,
                                  level_px(l, 0, 0, 0),
                                  level_px(l, 1, 0, 0),
                                  &b->search.dense[1]->x,
                                  b->back[1]};
}

/* ---- the field of movement at a moment ---- */

static void put(struct between *b, int x, int y, const struct spot *s, float share)
{
    struct spot *to;

    if (x < 0 || y < 0 || x >= b->sw || y >= b->sh || share < 0.05f)
        return;
    to = &b->spot[(size_t)y * (size_t)b->sw + (size_t)x];
    if (s->sure * share > to->sure) {
        *to = *s;
        to->sure *= share;
    }
}

/* Every px of frame d goes to where it is at the moment; the surest one stays there. */
static void project(struct between *b, int d)
{
    float part = d ? 1 - b->moment : b->moment;

    for (int y = 0; y < b->sh; y++)
        for (int x = 0; x < b->sw; x++) {
            size_t i = (size_t)y * (size_t)b->sw + (size_t)x;
            struct move v = b->search.dense[d][i];
            float tx = (float)x + part * v.x, ty = (float)y + part * v.y;
            int ix = (int)floorf(tx), iy = (int)floorf(ty), both = b->back[d][i];
            float fx = tx - (float)ix, fy = ty - (float)iy;
            float weight = !both ? 0.02f : is_in_front(b, d, x, y, v) ? IN_FRONT : 1;
            struct spot s = {d ? (struct move){-v.x, -v.y} : v,
                             weight / (1 + b->search.cost[d][i]),
                             {both || !d, both || d}};

            put(b, ix, iy, &s, (1 - fx) * (1 - fy));
            put(b, ix + 1, iy, &s, fx * (1 - fy));
            put(b, ix, iy + 1, &s, (1 - fx) * fy);
            put(b, ix + 1, iy + 1, &s, fx * fy);
        }
}

/* The mean of the spots around that are known, or 0. */
static int mean_around(const struct between *b, int i, struct spot *out)
{
    int x = i % b->sw, y = i / b->sw, found = 0;
    struct spot sum = {{0, 0}, 0, {0, 0}};

    for (int j = 0; j < 9; j++) {
        int nx = clamp(x + j % 3 - 1, 0, b->sw - 1), ny = clamp(y + j / 3 - 1, 0, b->sh - 1);
        const struct spot *s = &b->spot[ny * b->sw + nx];

        if (s->sure <= 0)
            continue;
        found++;
        sum.v.x += s->v.x;
        sum.v.y += s->v.y;
        sum.sees[0] += s->sees[0];
        sum.sees[1] += s->sees[1];
    }
    if (!found)
        return 0;
    float each = 1 / (float)found;
    *out = (struct spot){
        {sum.v.x * each, sum.v.y * each}, -1, {sum.sees[0] * each, sum.sees[1] * each}};
    return 1;
}

/* Where nothing arrived the spots around know best; from the edge of a hole inwards, all px of a
 * round at once (sure is -1 until it ends). */
static void fill_holes(struct between *b)
{
    int px = b->sw * b->sh, n = 0;

    for (int i = 0; i < px; i++)
        if (b->spot[i].sure == 0)
            b->hole[n++] = i;
    while (n) {
        int left = 0;

        for (int k = 0; k < n; k++)
            mean_around(b, b->hole[k], &b->spot[b->hole[k]]);
        for (int k = 0; k < n; k++) {
            struct spot *s = &b->spot[b->hole[k]];

            if (s->sure == 0)
                b->hole[left++] = b->hole[k];
            else
                s->sure = LEAST_SURE;
        }
        if (left == n)
            break; /* nothing arrived anywhere: never, a px at rest stays */
        n = left;
    }
}

static float middle_of_9(float *v)
{
    for (int i = 0; i < 5; i++)
        for (int k = i + 1; k < 9; k++)
            if (v[k] < v[i]) {
                float t = v[i];
                v[i] = v[k];
                v[k] = t;
            }
    return v[4];
}

/* Single spots that disagree with those around are mistakes; what is hidden has soft borders. */
static void smooth_row(void *arg, int y, int worker)
{
    const struct between *b = arg;

    (void)worker;
    for (int x = 0; x < b->sw; x++) {
        float vx[9], vy[9], sees[2] = {0, 0};

        for (int j = 0; j < 9; j++) {
            int nx = clamp(x + j % 3 - 1, 0, b->sw - 1), ny = clamp(y + j / 3 - 1, 0, b->sh - 1);
            const struct spot *s = &b->spot[ny * b->sw + nx];

            vx[j] = s->v.x;
            vy[j] = s->v.y;
            sees[0] += s->sees[0];
            sees[1] += s->sees[1];
        }
        b->smooth[y * b->sw + x] =
            (seen){middle_of_9(vx), middle_of_9(vy), sees[0] / 9, sees[1] / 9};
    }
}

void between_at(struct between *b, float moment, uint8_t *rgb)
{
    struct between_picture p = {
        b->w, b->h, b->scale, b->sw, b->sh, {b->frame[0], b->frame[1]}, b->smooth, moment, rgb};

    if (moment <= 0 || moment >= 1) {
        memcpy(rgb, b->frame[moment > 0.5f], (size_t)b->w * (size_t)b->h * 3);
        return;
    }
    b->moment = moment;
    memset(b->spot, 0, (size_t)b->sw * (size_t)b->sh * sizeof *b->spot);
    project(b, 0);
    project(b, 1);
    fill_holes(b);
    threads_run(b->search.threads, b->sh, smooth_row, b);
    threads_run(b->search.threads, b->h, between_row_best(), &p);
}
