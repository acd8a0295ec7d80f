/* between_search.c - movement between two small pictures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "media/between_inner.h"

enum {
    PATCH = 8,
    PASSES = 3,
    STEPS = 4,
    REACH = 4,
    SEEK = 16,
    SEEK_LEVELS = 2,
    UNKNOWN = 30 /* sum of a px that is not there */,
    LEAST_SIDE = 12
};
#define SMOOTH 6.0f       /* of a patch's sum: what a px of difference to the neighbours costs */
#define BAD 3000.0f       /* of a patch's sum: it fits nowhere near */
#define MUCH_BETTER 0.33f /* of that: what is believed of a place further away */
#define STIFF 200.0f      /* where nothing is to be seen, steps are short */
#define AT_REST 8.0f      /* what any movement costs: noise does not move */

static int clamp(int v, int lo, int hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* ---- memory ---- */

static void sides(struct level *l, int w, int h)
{
    *l = (struct level){.w = w, .h = h, .stride = w + 2 * EDGE};
    l->bw = (w + BLOCK - 1) / BLOCK;
    l->bh = (h + BLOCK - 1) / BLOCK;
}

static size_t level_bytes(const struct level *l)
{
    return (size_t)l->stride * (size_t)(l->h + 2 * EDGE) * 4;
}

static int sides_of_all(struct search *s, int w, int h)
{
    int n = 0;

    do {
        sides(&s->level[n++], w, h);
        w = (w + 1) / 2;
        h = (h + 1) / 2;
    } while (n < LEVELS && w >= LEAST_SIDE && h >= LEAST_SIDE);
    return n;
}

size_t search_bytes(int w, int h)
{
    struct search s;
    size_t sum = 0, blocks, px = (size_t)w * (size_t)h;
    int n = sides_of_all(&s, w, h);

    for (int i = 0; i < n; i++)
        sum += 2 * level_bytes(&s.level[i]);
    blocks = (size_t)s.level[0].bw * (size_t)s.level[0].bh;
    return sum + (4 * blocks + 2 * px) * sizeof(struct move) + 2 * px * sizeof(float);
}

int search_init(struct search *s, int w, int h, struct threads *threads)
{
    size_t px = (size_t)w * (size_t)h, blocks;
    int ok = 1;

    *s = (struct search){.threads = threads};
    s->n_levels = sides_of_all(s, w, h);
    blocks = (size_t)s->level[0].bw * (size_t)s->level[0].bh;
    for (int d = 0; d < 2; d++) {
        for (int i = 0; i < s->n_levels; i++)
            ok &= (s->level[i].rgbx[d] = calloc(1, level_bytes(&s->level[i]))) != NULL;
        for (int k = 0; k < 2; k++)
            ok &= (s->block[d][k] = calloc(blocks, sizeof(struct move))) != NULL;
        ok &= (s->dense[d] = calloc(px, sizeof(struct move))) != NULL;
        ok &= (s->cost[d] = calloc(px, sizeof(float))) != NULL;
    }
    return ok;
}

void search_release(struct search *s)
{
    for (int d = 0; d < 2; d++) {
        for (int i = 0; i < s->n_levels; i++)
            free(s->level[i].rgbx[d]);
        for (int k = 0; k < 2; k++)
            free(s->block[d][k]);
        free(s->dense[d]);
        free(s->cost[d]);
    }
    *s = (struct search){0};
}

/* ---- the pyramid ---- */

static void repeat_edges(const struct level *l, int which)
{
    size_t row = (size_t)l->stride * 4;

    for (int y = 0; y < l->h; y++)
        for (int k = 1; k <= EDGE; k++) {
            memcpy(level_px(l, which, -k, y), level_px(l, which, 0, y), 4);
            memcpy(level_px(l, which, l->w - 1 + k, y), level_px(l, which, l->w - 1, y), 4);
        }
    for (int k = 1; k <= EDGE; k++) {
        memcpy(level_px(l, which, -EDGE, -k), level_px(l, which, -EDGE, 0), row);
        memcpy(level_px(l, which, -EDGE, l->h - 1 + k), level_px(l, which, -EDGE, l->h - 1), row);
    }
}

static void halve(const struct level *from, const struct level *to, int which)
{
    for (int y = 0; y < to->h; y++)
        for (int x = 0; x < to->w; x++) {
            const uint8_t *a = level_px(from, which, 2 * x, 2 * y), *b = a + from->stride * 4;
            uint8_t *out = level_px(to, which, x, y);

            for (int c = 0; c < 3; c++)
                out[c] = (uint8_t)((a[c] + a[c + 4] + b[c] + b[c + 4] + 2) >> 2);
        }
}

static void pyramid(void *arg, int which, int worker)
{
    const struct search *s = arg;

    (void)worker;
    repeat_edges(&s->level[0], which);
    for (int i = 1; i < s->n_levels; i++) {
        halve(&s->level[i - 1], &s->level[i], which);
        repeat_edges(&s->level[i], which);
    }
}

/* ---- blocks ---- */

struct pass {
    struct search *s;
    const struct level *l;
    int direction, first; /* 1: the first of a level: what is read is the grid of the level above */
    struct move *in, *out;
    int in_w, in_h;
};

/* Where a patch of n x n px at x, y still lies in the picture with its edge. */
static int inside(int v, int n, int side)
{
    return clamp(v, -EDGE, side + EDGE - n);
}

static int patch_sum(const struct level *l, const uint8_t *a, int other, int x, int y)
{
    const uint8_t *b = level_px(l, other, inside(x, PATCH, l->w), inside(y, PATCH, l->h));
    int sum = 0;

    for (int r = 0; r < PATCH; r++, a += l->stride * 4, b += l->stride * 4)
        for (int i = 0; i < 4 * PATCH; i++)
            sum += abs(a[i] - b[i]);
    return sum;
}

/* The same where a part of the other patch lies beyond the picture: what comes in or goes out there
 * is unknown, neither good nor bad. */
static int part_sum(const struct level *l, int which, int x0, int y0, int dx, int dy, int *known)
{
    int sum = 0;

    *known = 0;
    for (int r = 0; r < PATCH; r++)
        for (int k = 0; k < PATCH; k++) {
            int x = x0 + k + dx, y = y0 + r + dy;

            if (x < 0 || y < 0 || x >= l->w || y >= l->h) {
                sum += UNKNOWN;
                continue;
            }
            const uint8_t *a = level_px(l, which, x0 + k, y0 + r), *b = level_px(l, !which, x, y);
            ++*known;
            for (int c = 0; c < 3; c++)
                sum += abs(a[c] - b[c]);
        }
    return sum;
}

/* Does a part of a patch lie beyond the side behind the movement, that does not before? */
static int leaves(int v, int d, int side)
{
    return (d < 0 && v + d < 0) || (d > 0 && v + d + PATCH > side);
}

struct best {
    struct move v;
    float cost;
};

static float apart(struct move a, struct move b)
{
    return fabsf(a.x - b.x) + fabsf(a.y - b.y);
}

/* One more candidate, in whole px. */
static void attempt(struct best *best, const struct pass *p, int bx, int by, struct move v,
                    struct move near)
{
    int dx = (int)lrintf(v.x), dy = (int)lrintf(v.y), x = bx * BLOCK - (PATCH - BLOCK) / 2,
        y = by * BLOCK - (PATCH - BLOCK) / 2;
    const uint8_t *a =
        level_px(p->l, p->direction, inside(x, PATCH, p->l->w), inside(y, PATCH, p->l->h));
    struct move whole = {(float)dx, (float)dy};
    float cost;

    if (leaves(x, dx, p->l->w) || leaves(y, dy, p->l->h)) {
        int known;

        cost = (float)part_sum(p->l, p->direction, inside(x, PATCH, p->l->w),
                               inside(y, PATCH, p->l->h), dx, dy, &known);
        if (known < PATCH * PATCH / 2 && apart(whole, near) >= 1)
            return;
    } else {
        cost = (float)patch_sum(p->l, a, !p->direction, x + dx, y + dy);
    }
    cost += SMOOTH * fminf(apart(whole, near), 8) + (dx || dy ? AT_REST : 0);
    if (cost < best->cost)
        *best = (struct best){whole, cost};
}

static struct move read_block(const struct pass *p, int bx, int by)
{
    struct move v = p->in[(size_t)clamp(by, 0, p->in_h - 1) * (size_t)p->in_w +
                          (size_t)clamp(bx, 0, p->in_w - 1)];

    return p->first ? (struct move){2 * v.x, 2 * v.y} : v;
}

static float middle(float *v, int n)
{
    for (int i = 1; i < n; i++)
        for (int k = i; k > 0 && v[k - 1] > v[k]; k--) {
            float t = v[k];
            v[k] = v[k - 1];
            v[k - 1] = t;
        }
    return v[n / 2];
}

static void pass_row(void *arg, int by, int worker)
{
    const struct pass *p = arg;

    (void)worker;
    for (int bx = 0; bx < p->l->bw; bx++) {
        struct best best = {{0, 0}, INFINITY};
        int cx = p->first ? bx / 2 : bx, cy = p->first ? by / 2 : by, n = 0;
        struct move list[9], near;
        float xs[9], ys[9];

        for (int k = 0; k < 9; k++, n++) {
            list[k] = read_block(p, cx + k % 3 - 1, cy + k / 3 - 1);
            xs[k] = list[k].x;
            ys[k] = list[k].y;
        }
        near = (struct move){middle(xs, 9), middle(ys, 9)};
        attempt(&best, p, bx, by, (struct move){0, 0}, near);
        attempt(&best, p, bx, by, near, near);
        for (int k = 0; k < 9; k++) {
            int known = 0;

            for (int i = 0; i < k && !known; i++)
                known = apart(list[i], list[k]) < 0.5f;
            if (!known)
                attempt(&best, p, bx, by, list[k], near);
        }
        struct move at = best.v;
        for (int k = 0; k < 9; k++)
            if (k != 4)
                attempt(&best, p, bx, by,
                        (struct move){at.x + (float)(k % 3 - 1), at.y + (float)(k / 3 - 1)}, near);
        p->out[(size_t)by * (size_t)p->l->bw + (size_t)bx] = best.v;
    }
}

/* The smallest level is so small that everything is looked at. */
static void whole_row(void *arg, int by, int worker)
{
    const struct pass *p = arg;

    (void)worker;
    for (int bx = 0; bx < p->l->bw; bx++) {
        struct best best = {{0, 0}, INFINITY};

        for (int y = -REACH; y <= REACH; y++)
            for (int x = -REACH; x <= REACH; x++)
                attempt(&best, p, bx, by, (struct move){(float)x, (float)y}, (struct move){0, 0});
        p->out[(size_t)by * (size_t)p->l->bw + (size_t)bx] = best.v;
    }
}

/* What went further than about its own size is lost on smaller levels. A block that fits badly
 * where it is looked for looks all around, and believes what is better by far: what repeats itself
 * fits well in many places, and stays. */
static void seek_row(void *arg, int by, int worker)
{
    const struct pass *p = arg;

    (void)worker;
    for (int bx = 0; bx < p->l->bw; bx++) {
        size_t i = (size_t)by * (size_t)p->l->bw + (size_t)bx;
        struct move at = p->in[i];
        struct best old = {at, INFINITY}, best;

        attempt(&old, p, bx, by, at, at);
        best = old;
        for (int y = -SEEK; y <= SEEK && old.cost > BAD; y++)
            for (int x = -SEEK; x <= SEEK; x++)
                attempt(&best, p, bx, by, (struct move){(float)x, (float)y}, at);
        p->out[i] = best.cost < MUCH_BETTER * old.cost ? best.v : at;
    }
}

/* ---- below one px ---- */

/* The channels of a px side by side; the fourth is 0. */
typedef float lanes __attribute__((vector_size(16)));

static lanes channels(const uint8_t *px)
{
    typedef uint8_t bytes __attribute__((vector_size(4)));
    bytes b;

    memcpy(&b, px, sizeof b);
    return __builtin_convertvector(b, lanes);
}

static float lanes_sum(lanes v)
{
    return (v[0] + v[1]) + (v[2] + v[3]);
}

/* A patch of n x n px that lies between px: its corner, and the shares of the four px around. */
struct moved {
    const uint8_t *at;
    size_t row; /* bytes */
    float share[4];
};

static struct moved moved_patch(const struct level *l, int which, int x, int y, int n,
                                struct move v)
{
    enum { FAR = 4096 }; /* further than anything moves, for rounding down */
    int ix = (int)(v.x + FAR) - FAR, iy = (int)(v.y + FAR) - FAR;
    float fx = v.x - (float)ix, fy = v.y - (float)iy;

    return (struct moved){
        level_px(l, which, inside(x + ix, n + 1, l->w), inside(y + iy, n + 1, l->h)),
        (size_t)l->stride * 4,
        {(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy}};
}

static lanes moved_px(const struct moved *m, int x, int y)
{
    const uint8_t *p = m->at + (size_t)y * m->row + (size_t)x * 4;

    return m->share[0] * channels(p) + m->share[1] * channels(p + 4) +
           m->share[2] * channels(p + m->row) + m->share[3] * channels(p + m->row + 4);
}

/* A patch, its gradients and the sums of their products. */
struct fixed {
    lanes px[PATCH * PATCH], dx[PATCH * PATCH], dy[PATCH * PATCH];
    float m[3];
};

static void fixed_patch(struct fixed *f, const struct level *l, int which, int x0, int y0)
{
    lanes m[3] = {{0}, {0}, {0}};
    size_t row = (size_t)l->stride * 4;

    for (int i = 0; i < PATCH * PATCH; i++) {
        const uint8_t *p = level_px(l, which, x0 + i % PATCH, y0 + i / PATCH);

        f->px[i] = channels(p);
        f->dx[i] = 0.5f * (channels(p + 4) - channels(p - 4));
        f->dy[i] = 0.5f * (channels(p + row) - channels(p - row));
        m[0] += f->dx[i] * f->dx[i];
        m[1] += f->dx[i] * f->dy[i];
        m[2] += f->dy[i] * f->dy[i];
    }
    f->m[0] = lanes_sum(m[0]) + STIFF;
    f->m[1] = lanes_sum(m[1]);
    f->m[2] = lanes_sum(m[2]) + STIFF;
}

/* Sum of squares between the patch and what lies at b; its gradients against the difference in g.
 */
static float patch_squares(const struct fixed *f, const struct moved *b, float g[2])
{
    lanes sum = {0}, gx = {0}, gy = {0};

    for (int i = 0; i < PATCH * PATCH; i++) {
        lanes e = moved_px(b, i % PATCH, i / PATCH) - f->px[i];

        sum += e * e;
        gx += f->dx[i] * e;
        gy += f->dy[i] * e;
    }
    g[0] = lanes_sum(gx);
    g[1] = lanes_sum(gy);
    return lanes_sum(sum);
}

static void fine_row(void *arg, int by, int worker)
{
    const struct pass *p = arg;
    const struct level *l = p->l;
    int y0 = clamp(by * BLOCK - (PATCH - BLOCK) / 2, 1 - EDGE, l->h + EDGE - PATCH - 1);

    (void)worker;
    for (int bx = 0; bx < l->bw; bx++) {
        size_t i = (size_t)by * (size_t)l->bw + (size_t)bx;
        int x0 = clamp(bx * BLOCK - (PATCH - BLOCK) / 2, 1 - EDGE, l->w + EDGE - PATCH - 1);
        struct move best = p->in[i], v = best;
        float least = INFINITY, g[2];
        struct fixed f;

        if (leaves(x0, (int)lrintf(v.x), l->w) || leaves(y0, (int)lrintf(v.y), l->h)) {
            p->out[i] = best; /* nothing to measure there */
            continue;
        }
        fixed_patch(&f, l, p->direction, x0, y0);
        float det = f.m[0] * f.m[2] - f.m[1] * f.m[1];
        for (int k = 0; k <= STEPS; k++) {
            struct moved b = moved_patch(l, !p->direction, x0, y0, PATCH, v);
            float sum = patch_squares(&f, &b, g);

            if (!(sum < least))
                break;
            best = v;
            least = sum;
            if (sum < PATCH * PATCH * 3) /* a step of a channel: noise */
                break;
            v.x -= (f.m[2] * g[0] - f.m[1] * g[1]) / det;
            v.y -= (f.m[0] * g[1] - f.m[1] * g[0]) / det;
            if (apart(v, p->in[i]) > 2)
                break;
        }
        p->out[i] = best;
    }
}

/* ---- px ---- */

static lanes absolute(lanes v)
{
    typedef int32_t bits __attribute__((vector_size(16)));

    return (lanes)((bits)v & 0x7fffffff);
}

/* Mean difference of a channel in the 3 x 3 px around. */
static float px_cost(const struct level *l, int d, int x, int y, struct move v)
{
    struct moved b = moved_patch(l, !d, x - 1, y - 1, 3, v);
    const uint8_t *a = level_px(l, d, x - 1, y - 1);
    lanes sum = {0}, above[3];
    float fx = b.share[1] + b.share[3], fy = b.share[2] + b.share[3];

    for (int k = 0; k < 4; k++, b.at += b.row) {
        lanes left = channels(b.at);

        for (int i = 0; i < 3; i++) {
            lanes right = channels(b.at + 4 * i + 4), row = left + fx * (right - left);

            if (k)
                sum += absolute(above[i] + fy * (row - above[i]) -
                                channels(a + (size_t)(k - 1) * b.row + (size_t)(4 * i)));
            above[i] = row;
            left = right;
        }
    }
    return lanes_sum(sum) / 27;
}

static struct move mix(struct move a, struct move b, float t)
{
    return (struct move){a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)};
}

static void dense_row(void *arg, int y, int worker)
{
    const struct pass *p = arg;
    const struct level *l = p->l;
    float fy = ((float)y + 0.5f) / BLOCK - 0.5f;
    int by = (int)floorf(fy);

    (void)worker;
    for (int x = 0; x < l->w; x++) {
        float fx = ((float)x + 0.5f) / BLOCK - 0.5f, least;
        int bx = (int)floorf(fx);
        struct move four[4], v;

        for (int k = 0; k < 4; k++)
            four[k] = read_block(p, bx + k % 2, by + k / 2);
        v = mix(mix(four[0], four[1], fx - (float)bx), mix(four[2], four[3], fx - (float)bx),
                fy - (float)by);
        float spread = apart(four[0], four[3]) + apart(four[1], four[2]) + apart(four[0], four[1]);
        least = px_cost(l, p->direction, x, y, v);
        for (int k = 0; k < 4 && spread > 0.5f; k++) {
            float cost = px_cost(l, p->direction, x, y, four[k]);

            if (cost < least) {
                least = cost;
                v = four[k];
            }
        }
        p->s->dense[p->direction][(size_t)y * (size_t)l->w + (size_t)x] = v;
        p->s->cost[p->direction][(size_t)y * (size_t)l->w + (size_t)x] = least;
    }
}

/* The next pass reads what this one wrote. */
static void swap_grids(struct pass *p)
{
    struct move *t = p->in;

    p->in = p->out;
    p->out = t;
    p->in_w = p->l->bw;
    p->in_h = p->l->bh;
    p->first = 0;
}

static void search_direction(struct search *s, int d)
{
    struct pass p = {.s = s, .direction = d, .in = s->block[d][0], .out = s->block[d][1]};

    for (int i = s->n_levels - 1; i >= 0; i--) {
        p.l = &s->level[i];
        if (i == s->n_levels - 1) {
            threads_run(s->threads, p.l->bh, whole_row, &p);
            swap_grids(&p);
        } else {
            p.first = 1;
        }
        for (int k = 0; k < PASSES; k++) {
            threads_run(s->threads, p.l->bh, pass_row, &p);
            swap_grids(&p);
        }
        if (i < SEEK_LEVELS) {
            threads_run(s->threads, p.l->bh, seek_row, &p);
            swap_grids(&p);
            threads_run(s->threads, p.l->bh, pass_row, &p);
            swap_grids(&p);
        }
    }
    threads_run(s->threads, p.l->bh, fine_row, &p);
    swap_grids(&p);
    threads_run(s->threads, p.l->h, dense_row, &p);
}

void search_run(struct search *s)
{
    threads_run(s->threads, 2, pyramid, s);
    for (int d = 0; d < 2; d++)
        search_direction(s, d);
}
