/* test_kern_move.c - sums, products, copies, tables, losses against the C kernels in f64. */
#include "kit.h"

enum { A_WIDE = 1, B_WIDE = 2, Y_WIDE = 4, ALIAS = 8, NO_B = 16, ZERO_BETA = 32, ADDS = 64 };

/* n, flags */
static const int64_t flat_shapes[][10] = {
    {1, 0},
    {3, ALIAS},
    {17, A_WIDE | ADDS},
    {31, B_WIDE | ALIAS | ADDS},
    {65, Y_WIDE},
    {129, NO_B},
    {1025, ZERO_BETA},
    {70001, A_WIDE | Y_WIDE | ALIAS},
    {513, ZERO_BETA | ALIAS},
    {0, 0},
    {4099, A_WIDE | B_WIDE | NO_B},
};

static void add(struct kit *t)
{
    int64_t n = t->s[0], f = t->s[1];
    enum cls ca = f & A_WIDE ? WIDE : ACT, cb = f & B_WIDE ? WIDE : ACT;
    enum cls cy = f & Y_WIDE ? WIDE : ACT;
    struct k_add a = {
        .n = n,
        .a_type = kit_type(t, ca),
        .b_type = kit_type(t, cb),
        .y_type = kit_type(t, f & ALIAS ? ca : cy),
        .alpha = -1.25,
        .beta = f & ZERO_BETA ? 0 : 0.75,
    };

    a.a = f & ALIAS ? kit_io(t, "y", ca, n, 1) : kit_in(t, ca, n, 1);
    a.b = f & NO_B ? NULL : kit_in(t, cb, n, f & ZERO_BETA ? 0 : 1); /* NaN that may not be read */
    a.y = f & ALIAS ? (void *)a.a : kit_out(t, "y", cy, n);
    t->k->add(t->kc, &a);
}

static void mul(struct kit *t)
{
    int64_t n = t->s[0], f = t->s[1];
    struct k_mul a = {.n = n, .type = kit_type(t, ACT), .add = !!(f & ADDS)};

    a.a = f & ALIAS ? kit_io(t, "y", ACT, n, 1) : kit_in(t, ACT, n, 1);
    a.b = kit_in(t, ACT, n, 1);
    a.y = f & ALIAS ? (void *)a.a : f & ADDS ? kit_io(t, "y", ACT, n, 1) : kit_out(t, "y", ACT, n);
    t->k->mul(t->kc, &a);
}

KERNEL_ROW(add, add, flat_shapes, DATA_ALL, 0, 2e-6, 1e-2, 1e-5)
KERNEL_ROW(mul, mul, flat_shapes, DATA_ALL, 0, 2e-6, 1e-2, 1e-5)

enum { TRANSPOSE, SHUFFLE, SLICE, UPSAMPLE, DOWNSUM };

/* kind, four sizes, flags; the strides follow from the kind */
static const int64_t permute_shapes[][10] = {
    {TRANSPOSE, 17, 33, 1, 1, 0},    {TRANSPOSE, 65, 130, 1, 1, A_WIDE},
    {TRANSPOSE, 3, 1, 1, 1, ADDS},   {SHUFFLE, 3, 5, 4, 7, 0},
    {SHUFFLE, 2, 17, 3, 65, Y_WIDE}, {SHUFFLE, 1, 2, 9, 1, ADDS | Y_WIDE},
    {SLICE, 31, 9, 1, 1, 0},         {SLICE, 5, 129, 1, 1, A_WIDE | Y_WIDE | ADDS},
    {UPSAMPLE, 2, 3, 5, 8, 0},       {UPSAMPLE, 1, 4, 3, 33, A_WIDE},
    {DOWNSUM, 2, 3, 5, 8, ADDS},     {DOWNSUM, 1, 4, 3, 33, ADDS | Y_WIDE},
    {SHUFFLE, 0, 3, 2, 4, 0},        {TRANSPOSE, 300, 200, 1, 1, 0},
    {SHUFFLE, 3, 40, 70, 1, 0},      {SHUFFLE, 2, 5, 3, 16, ADDS},
};

static void set_box(struct k_permute *a, int rank, const int64_t *dim, const int64_t *src,
                    const int64_t *dst)
{
    a->rank = rank;
    memcpy(a->dim, dim, (size_t)rank * sizeof *dim);
    memcpy(a->src_stride, src, (size_t)rank * sizeof *src);
    memcpy(a->dst_stride, dst, (size_t)rank * sizeof *dst);
}

/* The box for a kind, and how many elements source and destination have. */
static void box(struct k_permute *a, const int64_t *s, int64_t *n_src, int64_t *n_dst)
{
    int64_t p = s[1], q = s[2], r = s[3], c = s[4];

    *n_src = *n_dst = p * q * r * c;
    if (s[0] == TRANSPOSE) { /* [p,q] -> [q,p] */
        set_box(a, 2, (int64_t[]){q, p}, (int64_t[]){1, q}, (int64_t[]){p, 1});
    } else if (s[0] == SHUFFLE) { /* [p,q,r,c] -> [p,r,q,c] */
        set_box(a, 4, (int64_t[]){p, r, q, c}, (int64_t[]){q * r * c, c, r * c, 1},
                (int64_t[]){q * r * c, q * c, c, 1});
    } else if (s[0] == SLICE) { /* the first q of q+3 columns, into rows of q+2 */
        set_box(a, 2, (int64_t[]){p, q}, (int64_t[]){q + 3, 1}, (int64_t[]){q + 2, 1});
        *n_src = p * (q + 3);
        *n_dst = p * (q + 2);
    } else { /* [p,q,r,c] <-> [p,2q,2r,c] */
        int64_t fine[] = {4 * q * r * c, 4 * r * c, 2 * r * c, 2 * c, c, 1};
        int64_t coarse[] = {q * r * c, r * c, 0, c, 0, 1}, dim[] = {p, q, 2, r, 2, c};
        int up = s[0] == UPSAMPLE;

        set_box(a, 6, dim, up ? coarse : fine, up ? fine : coarse);
        *(up ? n_dst : n_src) *= 4;
    }
}

static void permute(struct kit *t)
{
    const int64_t *s = t->s;
    enum cls cs = s[5] & A_WIDE ? WIDE : ACT, cd = s[5] & Y_WIDE ? WIDE : ACT;
    struct k_permute a = {
        .add = !!(s[5] & ADDS), .src_type = kit_type(t, cs), .dst_type = kit_type(t, cd)};
    int64_t n_src, n_dst;

    box(&a, s, &n_src, &n_dst);
    a.src = kit_in(t, cs, n_src, 1);
    a.dst = a.add || s[0] == SLICE ? kit_io(t, "dst", cd, n_dst, 1) : kit_out(t, "dst", cd, n_dst);
    t->k->permute(t->kc, &a);
}

KERNEL_ROW(permute, permute, permute_shapes, DATA_ALL, 0, 2e-6, 1e-2, 1e-2)

/* rows, dim, vocab, wide (A table, Y result) */
static const int64_t table_shapes[][10] = {
    {1, 1, 1, 0},    {17, 31, 5, 0},   {65, 129, 100, A_WIDE}, {3, 64, 9, Y_WIDE}, {0, 8, 3, 0},
    {200, 66, 3, 0}, {400, 6, 300, 0}, {1100, 6, 2, 0},        {5, 1032, 4, 0},
};

static struct k_embedding table_args(struct kit *t)
{
    const int64_t *s = t->s;
    struct k_embedding f = {
        .rows = s[0],
        .dim = s[1],
        .vocab = s[2],
        .table_type = kit_type(t, s[3] & A_WIDE ? WIDE : ACT),
        .y_type = kit_type(t, s[3] & Y_WIDE ? WIDE : ACT),
        .index = kit_index(t, s[0], (int)s[2]),
    };

    return f;
}

static void embedding(struct kit *t)
{
    struct k_embedding f = table_args(t);

    f.table = kit_in(t, t->s[3] & A_WIDE ? WIDE : ACT, f.vocab * f.dim, 1);
    f.y = kit_out(t, "y", t->s[3] & Y_WIDE ? WIDE : ACT, f.rows * f.dim);
    t->k->embedding(t->kc, &f);
}

static void embedding_bwd(struct kit *t)
{
    struct k_embedding_bwd b = {.f = table_args(t)};

    b.dy = kit_in(t, t->s[3] & Y_WIDE ? WIDE : ACT, b.f.rows * b.f.dim, 1);
    b.dtable = kit_io(t, "dtable", WIDE, b.f.vocab * b.f.dim, 1);
    t->k->embedding_bwd(t->kc, &b);
}

KERNEL_ROW(embedding, embedding, table_shapes, DATA_ALL, 0, 0, 1e-2, 1e-5)
KERNEL_ROW(embedding_bwd, embedding_bwd, table_shapes, DATA_ALL, 0, 2e-6, 1e-2, 1e-5)

static const int64_t sum_shapes[][10] = {{1, 1}, {3, 17},  {65, 31},  {1000, 129},
                                         {0, 9}, {31, 64}, {4200, 10}};

static void sum_rows(struct kit *t)
{
    struct k_sum_rows a = {.rows = t->s[0], .dim = t->s[1], .type = kit_type(t, ACT)};

    a.dy = kit_in(t, ACT, a.rows * a.dim, 1);
    a.sum = kit_io(t, "sum", WIDE, a.dim, 1);
    t->k->sum_rows(t->kc, &a);
}

KERNEL_ROW(sum_rows, sum_rows, sum_shapes, DATA_ALL, 0, 5e-6, 1e-2, 5e-6)

enum { L1 = 1, WEIGHT = 2, NO_GRAD = 4, GRAD_ADDS = 8 };

/* rows, dim, flags */
static const int64_t loss_shapes[][10] = {
    {1, 1, 0},
    {3, 17, L1},
    {65, 31, WEIGHT | GRAD_ADDS},
    {31, 129, NO_GRAD | WEIGHT},
    {0, 4, 0},
    {7, 1025, L1 | WEIGHT | GRAD_ADDS},
};

static void loss(struct kit *t)
{
    const int64_t *s = t->s;
    int64_t n = s[0] * s[1];
    struct k_loss a = {
        .rows = s[0],
        .dim = s[1],
        .l1 = !!(s[2] & L1),
        .add = !!(s[2] & GRAD_ADDS),
        .scale = 0.3,
        .type = kit_type(t, ACT),
    };

    a.pred = kit_in(t, ACT, n, 1);
    a.target = kit_in(t, WIDE, n, 1);
    a.weight = s[2] & WEIGHT ? kit_in(t, WIDE, a.rows, 1) : NULL;
    a.loss = kit_out(t, "loss", WIDE, a.rows);
    if (!(s[2] & NO_GRAD))
        a.dpred = a.add ? kit_io(t, "dpred", ACT, n, 1) : kit_out(t, "dpred", ACT, n);
    t->k->loss(t->kc, &a);
}

KERNEL_ROW(loss, loss, loss_shapes, DATA_ALL, 0, 2e-6, 1e-2, 1e-5)
