/* gemm.c - blocks and threads of the three matrix products. */
#include "kern/x86/gemm.h"

#include "base/err.h"
#include "kern/quantise.h"

/* A block of B of GEMM_B groups times columns (1 MB) stays in L2 while the rows pass by. Rows that
 * must be packed, GEMM_PACKED at most (3 MB), stay in L3 while all blocks of B pass by: packing
 * costs as much as some hundred columns of work.
 */
enum { GEMM_B = 512 * 512, GEMM_M = 4096, GEMM_PACKED = 1536 };

struct gemm_job {
    struct kcx *kc;
    const struct gemm *g;
    const struct k_matmul *q;
    const struct mm *mm;
    enum gemm_form form;
    int direct;                    /* A is read where it lies */
    int64_t m_block, n_range, n_n; /* of an item, and how many items lie side by side */
    int64_t n_block, k_block;      /* of B, at a time */
    int parts;                     /* number of blocks of k */
    int items;                     /* of one product of a batch */
};

static const char *at(const void *p, enum dtype t, int64_t element)
{
    return (const char *)p + element * (t == DT_BF16 ? 2 : 4);
}

/* The packed blocks of one item, gathered lines before they are packed, and what rows of bytes are
 * to be multiplied with. */
struct gemm_room {
    char *a, *b, *lines;
    float *sums;
    struct quant_row *rows;
};

static int in_bytes(const struct gemm_job *g)
{
    return g->mm->type == DT_I8;
}

/* Element (line, first) of an operand and its row stride, gathering lines x n elements if they are
 * not stored. */
static const char *gemm_lines(const struct gemm_side *side, const void *p, enum dtype t,
                              int64_t *ld, int64_t line, int64_t lines, int64_t first, int64_t n,
                              char *room)
{
    if (!side)
        return at(p, t, line * *ld + first);
    side->fill(side->arg, room, line, lines, first, n);
    *ld = n;
    return room;
}

/* Rows i..i+rows of A for k0..k0+k: where they lie, or packed. */
static struct mm_a gemm_a(const struct gemm_job *g, const struct gemm_room *w, int64_t i,
                          int64_t rows, int64_t k0, int64_t k)
{
    const struct k_matmul *q = g->q;
    const struct mm *mm = g->mm;
    int64_t ld = q->lda;
    if (g->form == GEMM_TN) {
        const char *a = gemm_lines(g->g->a, q->a, q->a_type, &ld, k0, k, i, rows, w->lines);
        mm->pack_cols(w->a, MM_STRIP, a, q->a_type, ld, k, rows);
        return mm_a_strips(mm, w->a, k);
    }
    const char *a = gemm_lines(g->g->a, q->a, q->a_type, &ld, i, rows, k0, k, w->lines);
    if (q->a_type == mm->type && mm_whole(mm, k))
        return (struct mm_a){a, ld * (q->a_type == DT_BF16 ? 2 : 4), 4, 0, INT64_MAX};
    if (in_bytes(g))
        mm->quantise(w->a, w->rows, a, q->a_type, ld, rows, k);
    else
        mm->pack_rows(w->a, a, q->a_type, ld, rows, k);
    return mm_a_rows(mm, w->a, k);
}

static void gemm_pack_b(const struct gemm_job *g, const struct gemm_room *w, int64_t j, int64_t n,
                        int64_t k0, int64_t k)
{
    const struct k_matmul *q = g->q;
    int64_t ld = q->ldb;
    if (in_bytes(g)) {
        const int8_t *b = q->b;
        g->mm->pack_turned(w->b, b + j * ld + k0, DT_I8, ld, n, k);
    } else if (g->form == GEMM_NT && g->g->b) { /* what is not stored is made a panel at a time */
        for (int64_t p = 0; p < n; p += MM_PANEL) {
            int64_t lines = least(MM_PANEL, n - p);
            const char *b =
                gemm_lines(g->g->b, q->b, q->b_type, &ld, j + p, lines, k0, k, w->lines);
            char *to = w->b + p * mm_groups(g->mm, k) * 4;
            g->mm->pack_turned(to, b, q->b_type, ld, lines, k);
        }
    } else if (g->form == GEMM_NT) {
        g->mm->pack_turned(w->b, at(q->b, q->b_type, j * ld + k0), q->b_type, ld, n, k);
    } else {
        const char *b = gemm_lines(g->g->b, q->b, q->b_type, &ld, k0, k, j, n, w->lines);
        g->mm->pack_cols(w->b, MM_PANEL, b, q->b_type, ld, k, n);
    }
}

/* Where block number `part` of the sum goes: into c at once if it is f32, else into `sums` until
 * the last. */
static struct mm_out gemm_out(const struct gemm_job *g, const struct gemm_room *w, int64_t i,
                              int64_t j, int part)
{
    const struct k_matmul *q = g->q;
    char *c = (char *)q->c + (i * q->ldc + j) * (q->c_type == DT_BF16 ? 2 : 4);
    struct mm_out out = {.c = c, .type = q->c_type, .ld = q->ldc};
    int last = part == g->parts - 1;
    if (in_bytes(g)) {
        out.rows = w->rows;
        out.columns = q->b_form->scale ? q->b_form->scale + j : NULL;
    }
    if (last && q->bias)
        out.bias = (const float *)q->bias + j;
    if (last)
        out.end = g->g->end;
    if (g->g->pre)
        out.pre = (char *)g->g->pre + (c - (char *)q->c);
    if (q->c_type == DT_F32) {
        out.add = q->add || part > 0;
        return out;
    }
    if (part > 0)
        out.part = w->sums;
    out.ld_part = g->n_block;
    out.add = last && q->add;
    if (!last)
        out = (struct mm_out){.c = w->sums, .type = DT_F32, .ld = g->n_block, .add = part > 0};
    return out;
}

/* The size of the room of an item of m rows; cut when there is a base. */
static size_t gemm_carve(const struct gemm_job *g, struct gemm_room *w, int64_t m, char *base)
{
    int64_t lines_a = g->g->a ? m : 0, lines_b = g->g->b ? g->n_block : 0;
    if (g->form == GEMM_NT && lines_b)
        lines_b = MM_PANEL;
    size_t b = mm_bytes_b(g->mm, g->n_block, g->k_block);
    size_t a = g->direct ? 0 : mm_bytes_strips(g->mm, m, g->k_block);
    size_t lines =
        (size_t)(mm_round_up(lines_a > lines_b ? lines_a : lines_b, 16) * g->k_block) * 4;
    size_t sums = g->q->c_type == DT_F32 || g->parts == 1 ? 0 : (size_t)(m * g->n_block) * 4;
    size_t rows = in_bytes(g) ? (size_t)m * sizeof *w->rows : 0;
    if (base)
        *w = (struct gemm_room){.b = base,
                                .a = base + b,
                                .lines = base + b + a,
                                .sums = (float *)(base + b + a + lines),
                                .rows = (struct quant_row *)(base + b + a + lines + sums)};
    return b + a + lines + sums + rows;
}

static void gemm_piece(const struct gemm_job *g, int item, int worker)
{
    const struct k_matmul *q = g->q;
    int64_t i = item / g->n_n * g->m_block, j0 = item % g->n_n * g->n_range;
    int64_t m = least(g->m_block, q->m - i), end = least(j0 + g->n_range, q->n);
    struct gemm_room w;
    gemm_carve(g, &w, m, kcx_scratch(g->kc, worker, gemm_carve(g, &w, m, NULL)));
    for (int part = 0; part < g->parts; part++) {
        int64_t k0 = part * g->k_block, k = least(g->k_block, q->k - k0);
        struct mm_a a = gemm_a(g, &w, i, m, k0, k);
        for (int64_t j = j0; j < end; j += g->n_block) {
            int64_t n = least(g->n_block, end - j);
            struct mm_out out = gemm_out(g, &w, i, j, part);
            gemm_pack_b(g, &w, j, n, k0, k);
            g->mm->block(m, n, mm_groups(g->mm, k), &a, w.b, &out);
        }
    }
}

static void gemm_item(void *arg, int item, int worker)
{
    struct gemm_job g = *(const struct gemm_job *)arg;
    struct k_matmul q = *g.q;
    int64_t b = item / g.items;
    q.a = at(q.a, q.a_type, b * q.a_step);
    q.b = at(q.b, q.b_type, b * q.b_step);
    q.c = (char *)q.c + b * q.c_step * (q.c_type == DT_BF16 ? 2 : 4);
    g.q = &q;
    gemm_piece(&g, item % g.items, worker);
}

static int64_t pieces(int64_t n, int64_t of)
{
    return (n + of - 1) / of;
}

/* Items that pack their rows keep them for as many columns as there are; only threads ask for more
 * items than memory does, and the longer side is cut for them. */
static void gemm_split_packed(const struct gemm_job *g, int threads, int64_t *n_m, int64_t *n_n)
{
    const struct k_matmul *q = g->q;
    *n_m = pieces(q->m, GEMM_PACKED);
    *n_n = 1;
    while (*n_m * *n_n % threads && *n_m * *n_n < 4 * threads) {
        if (q->m / *n_m > q->n / *n_n)
            ++*n_m;
        else
            ++*n_n;
    }
}

/* Enough items for all threads: by rows when there are many, else by columns; by columns too where
 * B must be made, so that it is made once. No sum depends on it. */
static int gemm_split(struct gemm_job *g)
{
    const struct k_matmul *q = g->q;
    int64_t all = kcx_workers(g->kc);
    int threads = q->batch > 1 ? (int)pieces(all, q->batch) : (int)all; /* for one product */
    int64_t wide = GEMM_B / (g->k_block / g->mm->group); /* as much of B as L2 holds */
    int64_t n_m = pieces(q->m, GEMM_M), n_n = pieces(q->n, wide);
    int whole = !g->direct && (q->c_type == DT_F32 || g->parts == 1); /* no sums to keep beside */
    if (whole)
        gemm_split_packed(g, threads, &n_m, &n_n);
    else if (n_n >= threads) /* every block of B is packed once */
        n_n = mm_round_up(n_n, threads);
    else if (q->m >= 96 * threads && !(g->g->b && q->n >= MM_PANEL * threads)) {
        while (n_m * n_n % threads && n_m * n_n < 4 * threads)
            n_m++;
    } else {
        int64_t most = pieces(q->n, MM_PANEL);
        while (n_m * n_n % threads && n_m * n_n < 4 * threads && n_n < most)
            n_n++;
    }
    g->m_block = mm_round_up(pieces(q->m, n_m),
                             g->form == GEMM_TN && g->mm->rows < MM_STRIP ? MM_STRIP : g->mm->rows);
    g->n_range = mm_round_up(pieces(q->n, n_n), MM_PANEL);
    g->n_block = g->n_range;
    if (whole) /* blocks of equal width, the last is no splinter */
        g->n_block = mm_round_up(pieces(g->n_range, pieces(g->n_range, wide)), MM_PANEL);
    g->n_n = pieces(q->n, g->n_range);
    return (int)(pieces(q->m, g->m_block) * g->n_n);
}

/* Fills lines of a matrix as a file keeps it. */
static void fill_stored(const void *arg, void *out, int64_t line, int64_t lines, int64_t first,
                        int64_t n)
{
    const struct k_matmul *q = arg;
    char *to = out;
    for (int64_t i = 0; i < lines; i++, to += n * (q->b_type == DT_BF16 ? 2 : 4))
        stored_read_as(q->b_form, q->b, line + i, first, n, q->b_type, to);
}

/* The product of a call, whose b may be stored in any form. */
static void gemm_call(struct kcx *kc, struct gemm what)
{
    struct gemm_side b = {fill_stored, what.q};
    if (what.form != GEMM_NT || !what.q->b_form || !what.q->b_form->int8)
        what.int8 = NULL;
    if (what.q->b_form && !what.int8)
        what.b = &b;
    gemm(kc, &what);
}

void gemm(struct kcx *kc, const struct gemm *what)
{
    const struct k_matmul *q = what->q;
    if (q->m <= 0 || q->n <= 0)
        return;
    int narrow = what->dot && q->a_type == DT_BF16 && q->b_type == DT_BF16;
    struct gemm_job g = {.kc = kc,
                         .g = what,
                         .q = q,
                         .mm = what->int8 ? what->int8
                               : narrow   ? what->dot
                                          : what->f32,
                         .form = what->form};
    if (what->int8 && q->k > KERN_INT8_K)
        BUG("gemm: %lld bytes in a sum", (long long)q->k);
    int64_t groups = mm_groups(g.mm, q->k > 0 ? q->k : 1);
    g.direct = !what->a && g.form != GEMM_TN && q->a_type == g.mm->type && mm_whole(g.mm, q->k);
    g.parts = groups > g.mm->cut ? (int)((groups + g.mm->cut - 1) / g.mm->cut) : 1;
    g.k_block = mm_round_up((groups + g.parts - 1) / g.parts, 16) * g.mm->group;
    g.parts = q->k > 0 ? (int)((q->k + g.k_block - 1) / g.k_block) : 1;
    g.items = gemm_split(&g);
    int items = (int)(q->batch > 1 ? q->batch : 1) * g.items;
    if (kcx_reserve(kc, items, gemm_carve(&g, NULL, least(g.m_block, q->m), NULL), 0))
        threads_run(kc->threads, items, gemm_item, &g);
}

static int gemm_any_f64(const struct k_matmul *q)
{
    return q->a_type == DT_F64 || q->b_type == DT_F64 || q->c_type == DT_F64;
}

/* clang-format off */
#define GEMM_ENTRY(kernel, form, level, ...)                                                       \
    static void kernel##_##level(struct kcx *kc, struct k_matmul *q)                               \
    {                                                                                              \
        if (gemm_any_f64(q))                                                                       \
            kernels_c()->kernel(kc, q);                                                            \
        else                                                                                       \
            gemm_call(kc, (struct gemm){q, form, NULL, NULL, __VA_ARGS__, MM_END_PLAIN, NULL});    \
    }
#define GEMM_GELU(kernel, form, level, end, ...)                                                   \
    static void kernel##_##level(struct kcx *kc, struct k_matmul_gelu *a)                          \
    {                                                                                              \
        if (gemm_any_f64(&a->q))                                                                   \
            kernels_c()->kernel(kc, a);                                                            \
        else                                                                                       \
            gemm_call(kc, (struct gemm){&a->q, form, NULL, NULL, __VA_ARGS__, end, a->pre});       \
    }
#define GEMM_LEVEL(level, ...)                                                                     \
    GEMM_ENTRY(matmul_nt, GEMM_NT, level, __VA_ARGS__)                                             \
    GEMM_ENTRY(matmul_nn, GEMM_NN, level, __VA_ARGS__)                                             \
    GEMM_ENTRY(matmul_tn, GEMM_TN, level, __VA_ARGS__)                                             \
    GEMM_GELU(matmul_gelu, GEMM_NT, level, MM_END_GELU, __VA_ARGS__)                               \
    GEMM_GELU(matmul_gelu_bwd, GEMM_NN, level, MM_END_GELU_SLOPE, __VA_ARGS__)                     \
    void gemm_overlay_##level(struct kernels *k)                                                   \
    {                                                                                              \
        k->matmul_nt = matmul_nt_##level;                                                          \
        k->matmul_nn = matmul_nn_##level;                                                          \
        k->matmul_tn = matmul_tn_##level;                                                          \
        k->matmul_gelu = matmul_gelu_##level;                                                      \
        k->matmul_gelu_bwd = matmul_gelu_bwd_##level;                                              \
    }
GEMM_LEVEL(avx2, &mm_f32_avx2, NULL, &mm_i8_avx2)
GEMM_LEVEL(avx512, &mm_f32_avx512, NULL, &mm_i8_avx512)
GEMM_LEVEL(avx512vnni, &mm_f32_avx512, NULL, &mm_i8_avx512vnni)
GEMM_LEVEL(avx512bf16, &mm_f32_avx512, &mm_bf16_avx512bf16, &mm_i8_avx512vnni)
GEMM_LEVEL(amx, &mm_f32_avx512, &mm_bf16_amx, &mm_i8_amx)
/* clang-format on */
