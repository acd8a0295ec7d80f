/* attn_bwd.c - attention backward: one owner per sequence and head of keys, so that dk and dv are
 * summed in one order.
 *
 * With s = scale q k^T + bias, p = exp(s - lse), d = rowsum(do o): dv = p^T do, ds = p (do v^T -
 * d), dq = scale ds k, dk = scale ds^T q. */
#include "kern/x86/attn.h"

#include <string.h>

enum { BWD_KEYS = 256, BWD_QUERIES = 256 };

struct backward {
    struct kcx *kc;
    const struct k_attention_bwd *b;
    const struct mm *mm;
    const struct soft *soft;
    int64_t keys, rows; /* largest blocks */
};

struct backward_room {
    void *k_turned, *v_turned, *k_cols, *q_cols, *do_cols; /* right operands */
    void *left, *p, *ds;
    float *s, *dp, *dq, *dk, *dv, *d;
    int64_t ld;
};

/* The blocks at hand: queries i..i+rows, keys j..j+keys of the piece. */
struct backward_at {
    struct attn_piece p;
    int64_t i, rows, j, keys;
};

static size_t backward_carve(const struct backward *x, struct backward_room *w, char *base)
{
    const struct k_attention *a = &x->b->f;
    const struct mm *mm = x->mm;
    int64_t dim = a->head_dim, nq = attn_longest(a->q_start, a->n_seq);
    int64_t nk = attn_longest(a->k_start, a->n_seq);
    char *at = base;
    w->ld = mm_round_up(x->keys, SOFT_KEYS) + 16;
    size_t scores = (size_t)(x->rows * w->ld) * 4;
    w->k_turned = attn_carve(&at, mm_bytes_b(mm, x->keys, dim));
    w->v_turned = attn_carve(&at, mm_bytes_b(mm, x->keys, dim));
    w->k_cols = attn_carve(&at, mm_bytes_b(mm, dim, x->keys));
    w->q_cols = attn_carve(&at, mm_bytes_b(mm, dim, x->rows));
    w->do_cols = attn_carve(&at, mm_bytes_b(mm, dim, x->rows));
    w->left =
        attn_carve(&at, mm_bytes_rows(mm, x->rows, dim) + mm_bytes_strips(mm, x->keys, x->rows));
    w->p = attn_carve(&at, scores);
    w->ds = attn_carve(&at, scores);
    w->s = attn_carve(&at, scores);
    w->dp = attn_carve(&at, scores);
    w->dq = attn_carve(&at, (size_t)(nq * dim) * 4);
    w->dk = attn_carve(&at, (size_t)(nk * dim) * 4);
    w->dv = attn_carve(&at, (size_t)(nk * dim) * 4);
    w->d = attn_carve(&at, (size_t)nq * 4);
    return (size_t)(at - base);
}

/* p and ds of the block, from the scores again. */
static void backward_scores(const struct backward *x, const struct backward_room *w,
                            const struct backward_at *t)
{
    const struct k_attention *a = &x->b->f;
    const struct mm *mm = x->mm;
    int64_t dim = a->head_dim, ldo = a->heads * dim, row = t->p.q0 + t->i;
    const void *q = attn_at(a->q, a->type, row * a->ldq + t->p.head * dim);
    const void *d_o = attn_at(x->b->d_o, a->type, row * ldo + t->p.head * dim);
    struct mm_out s = {.c = w->s, .type = DT_F32, .ld = w->ld};
    struct mm_out dp = {.c = w->dp, .type = DT_F32, .ld = w->ld};
    struct mm_a left = attn_rows(mm, q, a->type, a->ldq, t->rows, dim, w->left);
    mm->block(t->rows, t->keys, mm_groups(mm, dim), &left, w->k_turned, &s);
    left = attn_rows(mm, d_o, a->type, ldo, t->rows, dim, w->left);
    mm->block(t->rows, t->keys, mm_groups(mm, dim), &left, w->v_turned, &dp);
    mm->pack_cols(w->q_cols, MM_PANEL, q, a->type, a->ldq, t->rows, dim);
    mm->pack_cols(w->do_cols, MM_PANEL, d_o, a->type, ldo, t->rows, dim);

    int64_t bias = (t->p.head * a->bias_q + t->i) * a->bias_k + t->j;
    struct soft_rows r = {.rows = t->rows,
                          .keys = t->keys,
                          .first = t->i + 1 - t->j,
                          .causal = a->causal,
                          .scale = (float)a->scale,
                          .s = w->s,
                          .ld_s = w->ld,
                          .bias = a->bias ? (const float *)a->bias + bias : NULL,
                          .ld_bias = a->bias_k,
                          .p = w->p,
                          .p_type = mm->type,
                          .ld_p = w->ld};
    x->soft->backward(&r, w->dp, w->ds, (const float *)a->lse + row * a->heads + t->p.head,
                      a->heads, w->d + t->i, x->b->dbias ? (float *)x->b->dbias + bias : NULL);
}

/* out[keys, dim] += m^T b for a block m [rows, keys] of p or ds. */
static void backward_turned(const struct backward *x, const struct backward_room *w,
                            const struct backward_at *t, const void *m, const void *b, float *out)
{
    const struct mm *mm = x->mm;
    int64_t dim = x->b->f.head_dim;
    struct mm_out o = {.c = out, .type = DT_F32, .ld = dim, .add = 1};
    struct mm_a left = {m, 4, w->ld * 4, 0, INT64_MAX};
    if (mm->group != 1) {
        mm->pack_cols(w->left, MM_STRIP, m, mm->type, w->ld, t->rows, t->keys);
        left = mm_a_strips(mm, w->left, t->rows);
    }
    mm->block(t->keys, dim, mm_groups(mm, t->rows), &left, b, &o);
}

static void backward_block(const struct backward *x, const struct backward_room *w,
                           const struct backward_at *t)
{
    const struct mm *mm = x->mm;
    int64_t dim = x->b->f.head_dim;
    backward_scores(x, w, t);
    backward_turned(x, w, t, w->p, w->do_cols, w->dv + t->j * dim);
    backward_turned(x, w, t, w->ds, w->q_cols, w->dk + t->j * dim);
    struct mm_a left = {w->ds, w->ld * (mm->type == DT_BF16 ? 2 : 4), 4, 0, INT64_MAX};
    struct mm_out dq = {.c = w->dq + t->i * dim, .type = DT_F32, .ld = dim, .add = t->j > 0};
    mm->block(t->rows, dim, mm_groups(mm, t->keys), &left, w->k_cols, &dq);
}

static void backward_head(const struct backward *x, const struct backward_room *w,
                          const struct attn_piece *p)
{
    const struct k_attention *a = &x->b->f;
    const struct mm *mm = x->mm;
    int64_t dim = a->head_dim, ldo = a->heads * dim, first = p->q0 * ldo + p->head * dim;
    int64_t col = p->kv_head * dim;
    x->soft->dots(p->nq, dim, attn_at(x->b->d_o, a->type, first), attn_at(a->o, a->type, first),
                  a->type, ldo, w->d);
    if (p->nk == 0)
        memset(w->dq, 0, (size_t)(p->nq * dim) * sizeof(float));
    for (int64_t j = 0; j < p->nk; j += BWD_KEYS) {
        struct backward_at t = {.p = *p, .j = j, .keys = least(BWD_KEYS, p->nk - j)};
        const void *k = attn_at(a->k, a->type, (p->k0 + j) * a->ldk + col);
        const void *v = attn_at(a->v, a->type, (p->k0 + j) * a->ldv + col);
        mm->pack_turned(w->k_turned, k, a->type, a->ldk, t.keys, dim);
        mm->pack_turned(w->v_turned, v, a->type, a->ldv, t.keys, dim);
        mm->pack_cols(w->k_cols, MM_PANEL, k, a->type, a->ldk, t.keys, dim);
        for (t.i = 0; t.i < p->nq; t.i += BWD_QUERIES) {
            t.rows = least(BWD_QUERIES, p->nq - t.i);
            backward_block(x, w, &t);
        }
    }
    x->soft->store(p->nq, dim, w->dq, attn_at(x->b->dq, a->type, first), a->type, ldo);
}

static void backward_piece(const struct backward *x, int seq, int kv_head, int worker)
{
    const struct k_attention *a = &x->b->f;
    int group = a->heads / a->kv_heads;
    int64_t dim = a->head_dim, ld = a->kv_heads * dim;
    struct backward_room w;
    struct attn_piece p = attn_piece(a, seq, kv_head * group);
    if (p.nq == 0 && p.nk == 0)
        return;
    backward_carve(x, &w, kcx_scratch(x->kc, worker, backward_carve(x, &w, NULL)));
    memset(w.dk, 0, (size_t)(p.nk * dim) * sizeof(float));
    memset(w.dv, 0, (size_t)(p.nk * dim) * sizeof(float));
    for (int h = 0; h < group; h++) {
        p.head = kv_head * group + h;
        backward_head(x, &w, &p);
    }
    int64_t first = p.k0 * ld + kv_head * dim;
    x->soft->store(p.nk, dim, w.dk, attn_at(x->b->dk, a->type, first), a->type, ld);
    x->soft->store(p.nk, dim, w.dv, attn_at(x->b->dv, a->type, first), a->type, ld);
}

static void backward_item(void *arg, int item, int worker)
{
    const struct backward *x = arg;
    const struct k_attention *a = &x->b->f;
    if (!x->b->dbias) {
        backward_piece(x, item / a->kv_heads, item % a->kv_heads, worker);
        return;
    }
    for (int s = 0; s < a->n_seq; s++) /* all sequences add to the bias of this head, in order */
        backward_piece(x, s, item, worker);
}

void attn_backward(struct kcx *kc, const struct k_attention_bwd *b, const struct attn_set *set)
{
    const struct k_attention *a = &b->f;
    struct backward x = {.kc = kc,
                         .b = b,
                         .mm = a->type == DT_BF16 && set->dot ? set->dot : set->f32,
                         .soft = set->soft,
                         .keys = least(attn_longest(a->k_start, a->n_seq), BWD_KEYS),
                         .rows = least(attn_longest(a->q_start, a->n_seq), BWD_QUERIES)};
    threads_run(kc->threads, b->dbias ? a->kv_heads : a->n_seq * a->kv_heads, backward_item, &x);
}
