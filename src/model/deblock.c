#include "model/deblock.h"

/* A step of typical size in its direction is 1; 3 tanh(x / 3) saturates at 3. */
static const double STRENGTH[DEBLOCK_STRENGTHS] = {1, 0.2, 0.04};

void deblock_declare(struct deblock *d, struct weight_set *s, int64_t P, int n)
{
    *d = (struct deblock){.n = n};
    if (!n)
        return;
    d->edges = linear_declare(s, "klt.deblock.edges", P, 4 * d->n, 0, INIT_ZERO, 0);
    d->out = linear_declare(s, "klt.deblock.out", 4 * DEBLOCK_STRENGTHS * d->n, P, 0, INIT_ZERO, 0);
    d->edges.w->frozen = d->out.w->frozen = 1;
}

/* steps [rows, n-1 borders, k directions] -> [rows, n, strengths*k]: those in front of each block,
 * or those behind it. */
static struct tensor *saturated(struct cx *cx, struct tensor *steps, int64_t k)
{
    struct tensor *all = NULL;

    steps = keep(cx, reshape(cx, steps, DIMS(tensor_count(steps) / k, k)));
    for (int i = 0; i < DEBLOCK_STRENGTHS; i++) {
        struct tensor *x = add_scaled(cx, steps, STRENGTH[i], steps, 0);

        x = act(cx, x, ACT_TANH3);
        all = all ? concat_last(cx, all, x) : x;
    }
    return all;
}

/* The borders between n blocks that follow each other: `low` and `high` [rows*n*each, k] are the
 * first and the last edge of each. Gives what every block sees in front of it and behind it. */
static void side_features(struct cx *cx, struct tensor *low, struct tensor *high, int64_t n,
                          int64_t rows, int64_t each, struct tensor *out[2])
{
    int64_t k = tensor_last(low), line = each * k, wide = line * DEBLOCK_STRENGTHS;
    struct tensor *none = tensor_zeros(cx, cx->wide, DIMS(rows, wide));
    struct tensor *f;

    if (n == 1) {
        out[0] = out[1] = keep(cx, reshape(cx, none, DIMS(rows * each, DEBLOCK_STRENGTHS * k)));
        return;
    }
    low = slice_last(cx, reshape(cx, low, DIMS(rows, n * line)), line, (n - 1) * line);
    high = slice_last(cx, reshape(cx, high, DIMS(rows, n * line)), 0, (n - 1) * line);
    f = saturated(cx, add_scaled(cx, low, 1, high, -1), k);
    f = keep(cx, reshape(cx, f, DIMS(rows, (n - 1) * wide)));
    none = keep(cx, none);
    out[0] = concat_last(cx, none, f);
    out[1] = concat_last(cx, f, none);
    for (int i = 0; i < 2; i++)
        out[i] = reshape(cx, out[i], DIMS(rows * n * each, DEBLOCK_STRENGTHS * k));
}

struct tensor *deblock_features(struct cx *cx, const struct deblock *d, struct tensor *rows,
                                int64_t h, int64_t w)
{
    int64_t clips = tensor_rows(rows) / (h * w);
    struct tensor *edges = keep(cx, linear_wide(cx, keep(cx, rows), &d->edges));
    struct tensor *edge[4], *side[4];

    for (int i = 0; i < 4; i++)
        edge[i] = slice_last(cx, edges, i * d->n, d->n);
    side_features(cx, edge[0], edge[1], w, clips * h, 1, side);
    side_features(cx, edge[2], edge[3], h, clips, w, side + 2);
    return concat_last(cx, concat_last(cx, side[0], side[1]), concat_last(cx, side[2], side[3]));
}

struct tensor *deblock_forward(struct cx *cx, const struct deblock *d, struct tensor *rows,
                               int64_t h, int64_t w)
{
    struct tensor *f = deblock_features(cx, d, rows, h, w);

    return add(cx, rows, linear_wide(cx, f, &d->out));
}
