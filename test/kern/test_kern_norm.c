/* test_kern_norm.c - norms, gated sums, rotation and activations against the C kernels in f64. */
#include "kit.h"

enum { AFFINE = 1, MOD = 2, X_WIDE = 4, NO_STATS = 8, ALIAS = 16 };

/* rows, dim, entries of the modulation (0: no index), flags, gap of ld_mod */
static const int64_t norm_shapes[][10] = {
    {1, 3, 0, 0, 0},
    {3, 17, 0, AFFINE, 0},
    {17, 31, 2, MOD, 5},
    {31, 65, 3, MOD | X_WIDE, 0},
    {5, 129, 0, AFFINE | MOD | NO_STATS, 3},
    {65, 256, 4, MOD | AFFINE | X_WIDE, 0},
    {0, 16, 0, AFFINE, 0},
    {140, 40, 1, MOD, 0},
    {2, 1536, 0, MOD | X_WIDE, 0},
    {300, 70, 7, MOD | X_WIDE, 70},
    {3, 2056, 2, MOD | AFFINE | X_WIDE, 8},
};

static int64_t entries(const struct kit *t)
{
    return t->s[2] ? t->s[2] : 1;
}

static struct k_norm_mod norm_args(struct kit *t)
{
    const int64_t *s = t->s;
    enum cls cx = s[3] & X_WIDE ? WIDE : ACT;
    int64_t ld = s[1] + s[4], n_mod = entries(t) * ld;
    struct k_norm_mod f = {
        .rows = s[0],
        .dim = s[1],
        .ld_mod = ld,
        .x_type = kit_type(t, cx),
        .y_type = kit_type(t, ACT),
        .eps = 1e-6,
    };

    f.x = kit_in(t, cx, f.rows * f.dim, 1);
    if (s[3] & AFFINE) {
        f.gain = kit_in(t, WIDE, f.dim, 1);
        f.bias = kit_in(t, WIDE, f.dim, 1);
    }
    if (s[3] & MOD) {
        f.scale = kit_in(t, WIDE, n_mod, 1);
        f.shift = kit_in(t, WIDE, n_mod, 1);
        f.index = kit_index(t, f.rows, (int)s[2]);
    }
    return f;
}

static void norm_mod(struct kit *t)
{
    struct k_norm_mod f = norm_args(t);

    f.y = kit_out(t, "y", ACT, f.rows * f.dim);
    f.stats = t->s[3] & NO_STATS ? NULL : kit_out(t, "stats", WIDE, f.rows * 2);
    t->k->norm_mod(t->kc, &f);
}

static void norm_mod_bwd(struct kit *t)
{
    struct k_norm_mod_bwd b = {.f = norm_args(t)};
    struct k_norm_mod *f = &b.f;
    int64_t n = f->rows * f->dim, n_mod = entries(t) * f->ld_mod;

    f->y = kit_work(t, ACT, n);
    f->stats = t->s[3] & NO_STATS ? NULL : kit_work(t, WIDE, f->rows * 2);
    t->k->norm_mod(t->kc, f);
    b.dy = kit_in(t, ACT, n, 1);
    b.add = f->rows % 3 == 2;
    b.dx = b.add ? kit_io(t, "dx", t->s[3] & X_WIDE ? WIDE : ACT, n, 1)
                 : kit_out(t, "dx", t->s[3] & X_WIDE ? WIDE : ACT, n);
    if (f->gain) {
        b.dgain = kit_io(t, "dgain", WIDE, f->dim, 1);
        b.dbias = kit_io(t, "dbias", WIDE, f->dim, 1);
    }
    if (f->scale) {
        b.dscale = kit_io(t, "dscale", WIDE, n_mod, 1);
        b.dshift = kit_io(t, "dshift", WIDE, n_mod, 1);
    }
    t->k->norm_mod_bwd(t->kc, &b);
}

KERNEL_ROW(norm_mod, norm_mod, norm_shapes, DATA_ALL, 0, 5e-6, 1e-2, 1e-5)
KERNEL_ROW(norm_mod_bwd, norm_mod_bwd, norm_shapes, DATA_MILD, 0, 1e-5, 1e-2, 1e-5)

/* rows, dim, unused, flags */
static const int64_t rms_shapes[][10] = {
    {1, 1, 0, 0},          {3, 17, 0, AFFINE},           {17, 64, 0, AFFINE | ALIAS},
    {65, 31, 0, ALIAS},    {9, 129, 0, AFFINE | X_WIDE}, {0, 8, 0, AFFINE},
    {130, 256, 0, AFFINE}, {2, 1536, 0, AFFINE | ALIAS}, {3, 2056, 0, AFFINE | NO_STATS},
};

static struct k_rms_norm rms_args(struct kit *t, int alias)
{
    const int64_t *s = t->s;
    enum cls cx = s[3] & X_WIDE ? WIDE : ACT;
    struct k_rms_norm f = {
        .rows = s[0],
        .dim = s[1],
        .x_type = kit_type(t, cx),
        .y_type = kit_type(t, ACT),
        .eps = 1e-6,
    };

    if (alias)
        f.x = f.y = kit_io(t, "y", cx, f.rows * f.dim, 1);
    else
        f.x = kit_in(t, cx, f.rows * f.dim, 1);
    if (s[3] & AFFINE)
        f.gain = kit_in(t, WIDE, f.dim, 1);
    return f;
}

static void rms_norm(struct kit *t)
{
    struct k_rms_norm f = rms_args(t, !!(t->s[3] & ALIAS));

    if (!f.y)
        f.y = kit_out(t, "y", ACT, f.rows * f.dim);
    f.stats = f.gain ? kit_out(t, "stats", WIDE, f.rows) : NULL;
    t->k->rms_norm(t->kc, &f);
}

static void rms_norm_bwd(struct kit *t)
{
    struct k_rms_norm_bwd b = {.f = rms_args(t, 0)};
    int64_t n = b.f.rows * b.f.dim;

    b.f.y = kit_work(t, ACT, n);
    b.f.stats = t->s[3] & NO_STATS ? NULL : kit_work(t, WIDE, b.f.rows);
    t->k->rms_norm(t->kc, &b.f);
    b.dy = kit_in(t, ACT, n, 1);
    b.dx = kit_out(t, "dx", t->s[3] & X_WIDE ? WIDE : ACT, n);
    b.dgain = b.f.gain ? kit_io(t, "dgain", WIDE, b.f.dim, 1) : NULL;
    t->k->rms_norm_bwd(t->kc, &b);
}

KERNEL_ROW(rms_norm, rms_norm, rms_shapes, DATA_ALL, 0, 5e-6, 1e-2, 1e-5)
KERNEL_ROW(rms_norm_bwd, rms_norm_bwd, rms_shapes, DATA_MILD, 0, 1e-5, 1e-2, 1e-5)

/* rows, heads, head_dim, positions (0: none), inverse, alias */
static const int64_t rope_shapes[][10] = {
    {1, 1, 2, 0, 0, 0},    {3, 2, 6, 0, 0, 1}, {17, 4, 64, 9, 0, 0},    {65, 3, 34, 70, 1, 1},
    {31, 1, 128, 5, 1, 0}, {0, 2, 8, 0, 0, 0}, {140, 4, 24, 140, 0, 1}, {3, 20, 64, 9, 0, 1},
};

static void rope(struct kit *t)
{
    const int64_t *s = t->s;
    int64_t n = s[0] * s[1] * s[2], positions = s[3] ? s[3] : s[0];
    struct k_rope a = {
        .rows = s[0],
        .heads = (int)s[1],
        .head_dim = (int)s[2],
        .inverse = (int)s[4],
        .type = kit_type(t, ACT),
    };

    a.x = s[5] ? kit_io(t, "y", ACT, n, 1) : kit_in(t, ACT, n, 1);
    a.y = s[5] ? (void *)a.x : kit_out(t, "y", ACT, n);
    a.table = kit_in(t, WIDE, positions * s[2], 1);
    a.pos = kit_index(t, s[0], (int)s[3]);
    t->k->rope(t->kc, &a);
}

KERNEL_ROW(rope, rope, rope_shapes, DATA_ALL, 0, 2e-6, 1e-2, 1e-5)

/* n, act, alias, spread */
static const int64_t act_shapes[][10] = {
    {1, ACT_RELU, 0, 1},      {17, ACT_RELU, 1, 9},       {1025, ACT_SILU, 0, 1},
    {31, ACT_SILU, 1, 30},    {129, ACT_GELU_TANH, 0, 1}, {4099, ACT_GELU_TANH, 1, 6},
    {65, ACT_GELU_ERF, 0, 1}, {513, ACT_GELU_ERF, 1, 6},  {3, ACT_TANH3, 0, 1},
    {700, ACT_TANH3, 1, 20},  {0, ACT_SILU, 0, 1},        {70000, ACT_GELU_TANH, 0, 2},
};

static void act(struct kit *t)
{
    const int64_t *s = t->s;
    struct k_act_fwd a = {.n = s[0], .act = (enum k_act)s[1], .type = kit_type(t, ACT)};

    a.x = s[2] ? kit_io(t, "y", ACT, a.n, (double)s[3]) : kit_in(t, ACT, a.n, (double)s[3]);
    a.y = s[2] ? (void *)a.x : kit_out(t, "y", ACT, a.n);
    t->k->act(t->kc, &a);
}

static void act_bwd(struct kit *t)
{
    const int64_t *s = t->s;
    struct k_act_bwd a = {.n = s[0], .act = (enum k_act)s[1], .type = kit_type(t, ACT)};

    a.x = kit_in(t, ACT, a.n, (double)s[3]);
    a.dy = s[2] ? kit_io(t, "dx", ACT, a.n, 1) : kit_in(t, ACT, a.n, 1);
    a.dx = s[2] ? (void *)a.dy : kit_out(t, "dx", ACT, a.n);
    t->k->act_bwd(t->kc, &a);
}

KERNEL_ROW(act, act, act_shapes, DATA_ALL, 0, 2e-6, 1e-2, 1e-5)
KERNEL_ROW(act_bwd, act_bwd, act_shapes, DATA_ALL, 0, 5e-6, 1e-2, 1e-5)

enum { H_WIDE = 1, NO_GATE = 2, IN_PLACE = 4, GATED_X_WIDE = 8 };

/* rows, dim, entries (0: no index), flags, gap of ld_mod */
static const int64_t gated_shapes[][10] = {
    {1, 1, 0, 0, 0},
    {3, 17, 2, IN_PLACE, 3},
    {65, 31, 0, GATED_X_WIDE | IN_PLACE, 0},
    {31, 129, 3, H_WIDE, 0},
    {17, 64, 0, NO_GATE | GATED_X_WIDE, 0},
    {0, 8, 0, 0, 0},
    {300, 70, 5, GATED_X_WIDE, 7},
    {5, 1544, 2, GATED_X_WIDE, 8},
};

static struct k_add_gated gated_args(struct kit *t)
{
    const int64_t *s = t->s;
    struct k_add_gated f = {
        .rows = s[0],
        .dim = s[1],
        .ld_mod = s[1] + s[4],
        .x_type = kit_type(t, s[3] & GATED_X_WIDE ? WIDE : ACT),
        .h_type = kit_type(t, s[3] & H_WIDE ? WIDE : ACT),
    };

    f.h = kit_in(t, s[3] & H_WIDE ? WIDE : ACT, f.rows * f.dim, 1);
    if (!(s[3] & NO_GATE)) {
        f.gate = kit_in(t, WIDE, entries(t) * f.ld_mod, 1);
        f.index = kit_index(t, f.rows, (int)s[2]);
    }
    return f;
}

static void add_gated(struct kit *t)
{
    struct k_add_gated f = gated_args(t);
    enum cls cx = t->s[3] & GATED_X_WIDE ? WIDE : ACT;
    int alias = !!(t->s[3] & IN_PLACE);

    f.x = alias ? kit_io(t, "y", cx, f.rows * f.dim, 1) : kit_in(t, cx, f.rows * f.dim, 1);
    f.y = alias ? (void *)f.x : kit_out(t, "y", cx, f.rows * f.dim);
    t->k->add_gated(t->kc, &f);
}

static void add_gated_bwd(struct kit *t)
{
    struct k_add_gated_bwd b = {.f = gated_args(t)};
    int64_t n = b.f.rows * b.f.dim;

    b.dy = kit_in(t, t->s[3] & GATED_X_WIDE ? WIDE : ACT, n, 1);
    b.dh = kit_out(t, "dh", t->s[3] & H_WIDE ? WIDE : ACT, n);
    b.dgate = b.f.gate ? kit_io(t, "dgate", WIDE, entries(t) * b.f.ld_mod, 1) : NULL;
    t->k->add_gated_bwd(t->kc, &b);
}

KERNEL_ROW(add_gated, add_gated, gated_shapes, DATA_ALL, 0, 2e-6, 1e-2, 1e-5)
KERNEL_ROW(add_gated_bwd, add_gated_bwd, gated_shapes, DATA_ALL, 0, 5e-6, 1e-2, 1e-5)
