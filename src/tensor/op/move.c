/* move.c - ops that only move elements: permutation, patches, concatenation, slices, upsampling,
 * casts.
 *
 * Each is one strided copy between x and y; the backward is the same copy with source and
 * destination exchanged, adding. */
#include <string.h>

#include "tensor/inner.h"

/* Element (i0..) of the box goes from x[x_first + i.xs] to y[y_first + i.ys]. */
struct move {
    int rank;
    int64_t dim[8], xs[8], ys[8], x_first, y_first;
    int all_x, once; /* every element of x is read; and no more than once */
    int add;         /* to what stands in y */
};

static void move_run(struct cx *cx, const struct move *m, const struct tensor *x,
                     const struct tensor *y)
{
    struct k_permute k = {.rank = m->rank,
                          .add = m->add,
                          .src_type = x->type,
                          .dst_type = y->type,
                          .src = tensor_at(x, m->x_first),
                          .dst = tensor_at(y, m->y_first)};
    memcpy(k.dim, m->dim, sizeof k.dim);
    memcpy(k.src_stride, m->xs, sizeof k.src_stride);
    memcpy(k.dst_stride, m->ys, sizeof k.dst_stride);
    RUN(cx, permute, &k);
}

static void move_back(struct cx *cx, const struct move *m, struct tensor *x,
                      const struct tensor *dy)
{
    int fresh;
    if (!x->needs_grad)
        return;
    struct tensor *dx = grad_of(cx, x, &fresh);
    int overwrite = fresh && m->all_x && m->once;
    if (fresh && !overwrite)
        tensor_fill_zero(cx, dx);
    struct k_permute k = {.rank = m->rank,
                          .add = !overwrite,
                          .src_type = dy->type,
                          .dst_type = dx->type,
                          .src = tensor_at(dy, m->y_first),
                          .dst = tensor_at(dx, m->x_first)};
    memcpy(k.dim, m->dim, sizeof k.dim);
    memcpy(k.src_stride, m->ys, sizeof k.src_stride);
    memcpy(k.dst_stride, m->xs, sizeof k.dst_stride);
    RUN(cx, permute, &k);
}

static void move_bwd(struct cx *cx, struct record *r)
{
    move_back(cx, r->args, r->in[0], r->out->grad);
}

static struct tensor *move(struct cx *cx, const char *op, struct tensor *x, struct tensor *y,
                           const struct move *m)
{
    move_run(cx, m, x, y);
    if (wants(cx, x))
        tape_push(cx, op, move_bwd, y, 1, &x, m, sizeof *m);
    return y;
}

/* Dense strides of a box whose axes lie in memory in the order order[0] (outermost) ..
 * order[rank-1]. */
static void strides(int rank, const int64_t *dim, const int *order, int64_t *out)
{
    int64_t s = 1;
    for (int i = rank - 1; i >= 0; i--) {
        out[order[i]] = s;
        s *= dim[order[i]];
    }
}

static const int PLAIN[8] = {0, 1, 2, 3, 4, 5, 6, 7};

/* A one-to-one move of a box that is dense on both sides, with axes ordered differently. */
static struct move shuffle(int rank, const int64_t *dim, const int *x_order, const int *y_order)
{
    struct move m = {.rank = rank, .all_x = 1, .once = 1};
    memcpy(m.dim, dim, (size_t)rank * sizeof *dim);
    strides(rank, dim, x_order, m.xs);
    strides(rank, dim, y_order, m.ys);
    return m;
}

struct tensor *upsample2(struct cx *cx, struct tensor *x)
{
    tensor_check(__func__, x);
    if (x->rank != 4)
        BUG("upsample2: x is %s", SHAPE(x));
    const int64_t *d = x->dim;
    struct tensor *y = tensor_new(cx, x->type, DIMS(d[0], 2 * d[1], 2 * d[2], d[3]));
    struct move m = {.rank = 5,
                     .dim = {d[0] * d[1], 2, d[2], 2, d[3]},
                     .xs = {d[2] * d[3], 0, d[3], 0, 1},
                     .all_x = 1};
    strides(5, m.dim, PLAIN, m.ys);
    return move(cx, __func__, x, y, &m);
}

struct tensor *repeat_row(struct cx *cx, struct tensor *x, int64_t n)
{
    tensor_check(__func__, x);
    if (x->rank != 2 || x->dim[0] != 1 || n < 1)
        BUG("repeat_row: x is %s", SHAPE(x));
    int64_t dim = x->dim[1];
    struct tensor *y = tensor_new(cx, x->type, DIMS(n, dim));
    struct move m = {.rank = 2, .dim = {n, dim}, .xs = {0, 1}, .ys = {dim, 1}, .all_x = 1};
    return move(cx, __func__, x, y, &m);
}

struct tensor *duplicate_up(struct cx *cx, struct tensor *x, int64_t out, int parts, int part)
{
    tensor_check(__func__, x);
    int64_t h = x->dim[1], w = x->dim[2], c = x->dim[3], all = out * parts * 4, repeats = all / c;
    if (x->rank != 4 || x->dim[0] != 1 || all % c || (repeats & (repeats - 1)) ||
        repeats > 4 * (int64_t)parts || part < 0 || part >= parts)
        BUG("duplicate_up: x %s to %lld channels, part %d of %d", SHAPE(x), (long long)out, part,
            parts);
    struct tensor *y = tensor_new(cx, x->type, DIMS(1, 2 * h, 2 * w, out));
    /* box h i w j o; channel ((o parts + part) 4 + i 2 + j) / repeats */
    struct move m = {.rank = 5,
                     .dim = {h, 2, w, 2, out},
                     .xs = {w * c, 2 / repeats, c, 1 / repeats, parts * 4 / repeats},
                     .x_first = part * 4 / repeats};
    strides(5, m.dim, PLAIN, m.ys);
    return move(cx, __func__, x, y, &m);
}

struct tensor *pixel_unshuffle(struct cx *cx, struct tensor *x, int p)
{
    tensor_check(__func__, x);
    if (x->rank != 4 || p < 1 || x->dim[1] % p || x->dim[2] % p)
        BUG("pixel_unshuffle: x is %s, p %d", SHAPE(x), p);
    int64_t n = x->dim[0], h = x->dim[1] / p, w = x->dim[2] / p, c = x->dim[3];
    struct tensor *y = tensor_new(cx, x->type, DIMS(n, h, w, c * p * p));
    /* box n h w c i j; x lies as n h i w j c */
    struct move m =
        shuffle(6, (int64_t[]){n, h, w, c, p, p}, (const int[]){0, 1, 4, 2, 5, 3}, PLAIN);
    return move(cx, __func__, x, y, &m);
}

struct tensor *pixel_shuffle(struct cx *cx, struct tensor *x, int p)
{
    tensor_check(__func__, x);
    if (x->rank != 4 || p < 1 || x->dim[3] % ((int64_t)p * p))
        BUG("pixel_shuffle: x is %s, p %d", SHAPE(x), p);
    int64_t n = x->dim[0], h = x->dim[1], w = x->dim[2], c = x->dim[3] / p / p;
    struct tensor *y = tensor_new(cx, x->type, DIMS(n, h * p, w * p, c));
    struct move m =
        shuffle(6, (int64_t[]){n, h, w, c, p, p}, PLAIN, (const int[]){0, 1, 4, 2, 5, 3});
    return move(cx, __func__, x, y, &m);
}

struct tensor *patchify(struct cx *cx, struct tensor *x, int pt, int ph, int pw)
{
    tensor_check(__func__, x);
    if (x->rank != 5 || pt < 1 || ph < 1 || pw < 1 || x->dim[1] % pt || x->dim[2] % ph ||
        x->dim[3] % pw)
        BUG("patchify: x is %s, patches of %d,%d,%d", SHAPE(x), pt, ph, pw);
    int64_t n = x->dim[0], t = x->dim[1] / pt, h = x->dim[2] / ph, w = x->dim[3] / pw;
    int64_t c = x->dim[4];
    struct tensor *y = tensor_new(cx, x->type, DIMS(n * t * h * w, c * pt * ph * pw));
    /* box (n t) h w c pt ph pw; x lies as n t pt h ph w pw c */
    struct move m = shuffle(7, (int64_t[]){n * t, h, w, c, pt, ph, pw},
                            (const int[]){0, 4, 1, 5, 2, 6, 3}, PLAIN);
    return move(cx, __func__, x, y, &m);
}

struct tensor *unpatchify(struct cx *cx, struct tensor *rows, int64_t n, int64_t t, int64_t h,
                          int64_t w, int pt, int ph, int pw)
{
    tensor_check(__func__, rows);
    int64_t p = (int64_t)pt * ph * pw;
    if (p < 1 || tensor_last(rows) % p || tensor_rows(rows) != n * t * h * w)
        BUG("unpatchify: rows %s, %lld clips of %lld x %lld x %lld patches of %d,%d,%d",
            SHAPE(rows), (long long)n, (long long)t, (long long)h, (long long)w, pt, ph, pw);
    int64_t c = tensor_last(rows) / p;
    struct tensor *y = tensor_new(cx, rows->type, DIMS(n, t * pt, h * ph, w * pw, c));
    /* box (n t) h w pt ph pw c; y lies as n t pt h ph w pw c */
    struct move m = shuffle(7, (int64_t[]){n * t, h, w, pt, ph, pw, c}, PLAIN,
                            (const int[]){0, 3, 1, 4, 2, 5, 6});
    return move(cx, __func__, rows, y, &m);
}

struct tensor *permute(struct cx *cx, struct tensor *x, const int *axis)
{
    int64_t dim[TENSOR_MAX_RANK], xs[8];
    unsigned seen = 0;
    tensor_check(__func__, x);
    strides(x->rank, x->dim, PLAIN, xs);
    struct move m = {.rank = x->rank, .all_x = 1, .once = 1};
    for (int i = 0; i < x->rank; i++) {
        if (axis[i] < 0 || axis[i] >= x->rank || (seen >> axis[i] & 1))
            BUG("permute: axis %d is %d for x %s", i, axis[i], SHAPE(x));
        seen |= 1u << axis[i];
        dim[i] = m.dim[i] = x->dim[axis[i]];
        m.xs[i] = xs[axis[i]];
    }
    strides(x->rank, dim, PLAIN, m.ys);
    return move(cx, __func__, x, tensor_new(cx, x->type, x->rank, dim), &m);
}

/* Columns x_first.. of x to columns y_first.. of y. */
static struct move columns(const struct tensor *x, int64_t x_first, const struct tensor *y,
                           int64_t y_first, int64_t n)
{
    return (struct move){.rank = 2,
                         .dim = {tensor_rows(x), n},
                         .xs = {tensor_last(x), 1},
                         .ys = {tensor_last(y), 1},
                         .x_first = x_first,
                         .y_first = y_first,
                         .all_x = n == tensor_last(x),
                         .once = 1};
}

static struct move run_of(int64_t x_first, int64_t y_first, int64_t n, int all_x)
{
    return (struct move){.rank = 1,
                         .dim = {n},
                         .xs = {1},
                         .ys = {1},
                         .x_first = x_first,
                         .y_first = y_first,
                         .all_x = all_x,
                         .once = 1};
}

struct concat_args {
    int n;
    struct tensor **x;
    struct move *m;
};

static void concat_bwd(struct cx *cx, struct record *r)
{
    struct concat_args *a = r->args;
    for (int i = a->n - 1; i >= 0; i--)
        move_back(cx, &a->m[i], a->x[i], r->out->grad);
}

static struct tensor *concat(struct cx *cx, const char *op, struct tensor *y,
                             const struct concat_args *a)
{
    int wanted = 0;
    for (int i = 0; i < a->n; i++) {
        move_run(cx, &a->m[i], a->x[i], y);
        wanted |= wants(cx, a->x[i]);
    }
    if (wanted)
        tape_push(cx, op, concat_bwd, y, 0, NULL, a, sizeof *a);
    return y;
}

static struct concat_args concat_new(struct cx *cx, int n, struct tensor **x)
{
    struct concat_args a = {n, arena_alloc(&cx->handles, (size_t)n * sizeof(struct tensor *)),
                            arena_alloc(&cx->handles, (size_t)n * sizeof(struct move))};
    memcpy(a.x, x, (size_t)n * sizeof(struct tensor *));
    return a;
}

struct tensor *concat_last(struct cx *cx, struct tensor *a, struct tensor *b)
{
    int64_t dim[TENSOR_MAX_RANK];
    tensor_check(__func__, a);
    tensor_check(__func__, b);
    if (a->rank != b->rank || a->type != b->type ||
        memcmp(a->dim, b->dim, (size_t)(a->rank - 1) * sizeof a->dim[0]))
        BUG("concat_last: a is %s, b is %s", SHAPE(a), SHAPE(b));
    memcpy(dim, a->dim, sizeof dim);
    dim[a->rank - 1] += tensor_last(b);
    struct tensor *y = tensor_new(cx, a->type, a->rank, dim);
    struct concat_args c = concat_new(cx, 2, (struct tensor *[]){a, b});
    c.m[0] = columns(a, 0, y, 0, tensor_last(a));
    c.m[1] = columns(b, 0, y, tensor_last(a), tensor_last(b));
    return concat(cx, __func__, y, &c);
}

struct tensor *slice_last(struct cx *cx, struct tensor *x, int64_t first, int64_t n)
{
    int64_t dim[TENSOR_MAX_RANK];
    tensor_check(__func__, x);
    if (first < 0 || n < 0 || first + n > tensor_last(x))
        BUG("slice_last: %lld from %lld of %s", (long long)n, (long long)first, SHAPE(x));
    memcpy(dim, x->dim, sizeof dim);
    dim[x->rank - 1] = n;
    struct tensor *y = tensor_new(cx, x->type, x->rank, dim);
    struct move m = columns(x, first, y, 0, n);
    return move(cx, __func__, x, y, &m);
}

struct tensor *pixel_shuffle_onto(struct cx *cx, struct tensor *x, int p, struct tensor *small)
{
    tensor_check(__func__, x);
    tensor_check(__func__, small);
    int64_t n = small->dim[0], h = small->dim[1], w = small->dim[2], c = small->dim[3];
    if (x->rank != 4 || small->rank != 4 || p < 1 || x->dim[3] != c * p * p ||
        memcmp(x->dim, small->dim, 3 * sizeof x->dim[0]))
        BUG("pixel_shuffle_onto: x is %s, p %d, onto %s", SHAPE(x), p, SHAPE(small));
    struct tensor *y = tensor_new(cx, small->type, DIMS(n, h * p, w * p, c));
    struct concat_args a = concat_new(cx, 2, (struct tensor *[]){small, x});
    a.m[0] =
        (struct move){.rank = 5, .dim = {n * h, p, w, p, c}, .xs = {w * c, 0, c, 0, 1}, .all_x = 1};
    strides(5, a.m[0].dim, PLAIN, a.m[0].ys);
    a.m[1] = shuffle(6, (int64_t[]){n, h, w, c, p, p}, PLAIN, (const int[]){0, 1, 4, 2, 5, 3});
    a.m[1].add = 1;
    return concat(cx, __func__, y, &a);
}

struct tensor *concat_rows(struct cx *cx, int n, struct tensor **x)
{
    int64_t dim[TENSOR_MAX_RANK], at = 0;
    if (n < 1)
        BUG("concat_rows: nothing");
    memcpy(dim, x[0]->dim, sizeof dim);
    dim[0] = 0;
    for (int i = 0; i < n; i++) {
        tensor_check(__func__, x[i]);
        if (x[i]->rank != x[0]->rank || x[i]->type != x[0]->type ||
            memcmp(x[i]->dim + 1, x[0]->dim + 1, (size_t)(x[0]->rank - 1) * sizeof dim[0]))
            BUG("concat_rows: part 0 is %s, part %d is %s", SHAPE(x[0]), i, SHAPE(x[i]));
        dim[0] += x[i]->dim[0];
    }
    struct tensor *y = tensor_new(cx, x[0]->type, x[0]->rank, dim);
    struct concat_args c = concat_new(cx, n, x);
    for (int i = 0; i < n; i++) {
        c.m[i] = run_of(0, at, tensor_count(x[i]), 1);
        at += tensor_count(x[i]);
    }
    return concat(cx, __func__, y, &c);
}

struct tensor *slice_rows(struct cx *cx, struct tensor *x, int64_t first, int64_t n)
{
    int64_t dim[TENSOR_MAX_RANK], row = 1;
    tensor_check(__func__, x);
    if (first < 0 || n < 0 || first + n > x->dim[0])
        BUG("slice_rows: %lld from %lld of %s", (long long)n, (long long)first, SHAPE(x));
    memcpy(dim, x->dim, sizeof dim);
    dim[0] = n;
    for (int i = 1; i < x->rank; i++)
        row *= dim[i];
    struct move m = run_of(first * row, 0, n * row, n == x->dim[0]);
    return move(cx, __func__, x, tensor_new(cx, x->type, x->rank, dim), &m);
}

static void cast_bwd(struct cx *cx, struct record *r)
{
    grad_pass(cx, r->in[0], r->out, 1);
}

struct tensor *cast(struct cx *cx, struct tensor *x, enum dtype type)
{
    tensor_check(__func__, x);
    struct tensor *y = tensor_like(cx, type, x);
    struct k_add k = {.n = tensor_count(x),
                      .a_type = x->type,
                      .b_type = x->type,
                      .y_type = type,
                      .alpha = 1,
                      .a = x->data,
                      .y = y->data};
    RUN(cx, add, &k);
    if (wants(cx, x))
        tape_push(cx, __func__, cast_bwd, y, 1, &x, NULL, 0);
    return y;
}
