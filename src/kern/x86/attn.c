/* attn.c - attention forward: blocks of queries against blocks of keys. */
#include "kern/x86/attn.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "kern/quantise.h"

/* A block of keys and values stays in L2 while up to ATTN_CHUNK queries pass by, ATTN_QUERIES at a
 * time. */
enum { ATTN_KEYS = 512, ATTN_CHUNK = 512, ATTN_QUERIES = 48 };

struct attn_piece attn_piece(const struct k_attention *a, int seq, int head)
{
    return (struct attn_piece){a->q_start[seq],
                               a->q_start[seq + 1] - a->q_start[seq],
                               a->k_start[seq],
                               a->k_start[seq + 1] - a->k_start[seq],
                               head,
                               head / (a->heads / a->kv_heads)};
}

int64_t attn_longest(const int64_t *start, int n_seq)
{
    int64_t most = 0;
    for (int s = 0; s < n_seq; s++)
        most = start[s + 1] - start[s] > most ? start[s + 1] - start[s] : most;
    return most;
}

void *attn_at(const void *p, enum dtype type, int64_t i)
{
    return (char *)p + i * (type == DT_BF16 ? 2 : 4);
}

struct mm_a attn_rows(const struct mm *mm, const void *src, enum dtype type, int64_t ld,
                      int64_t rows, int64_t k, void *room)
{
    if (type == mm->type && mm_whole(mm, k))
        return (struct mm_a){src, ld * (type == DT_BF16 ? 2 : 4), 4, 0, INT64_MAX};
    mm->pack_rows(room, src, type, ld, rows, k);
    return mm_a_rows(mm, room, k);
}

void *attn_carve(char **room, size_t bytes)
{
    char *p = *room;
    *room = p + (bytes + 63) / 64 * 64;
    return p;
}

struct forward {
    struct kcx *kc;
    const struct k_attention *a;
    const struct mm *mm;
    const struct mm *int8;  /* NULL: scores are computed by mm too */
    const struct mm *int16; /* NULL: so are probabilities by values */
    const struct soft *soft;
    int64_t chunks, keys, rows; /* chunks of the longest sequence; largest blocks */
    float *mean;                /* [n_seq][kv_heads][head_dim] of the keys; of int8 alone */
};

/* Keys and queries as operands; of int8 all queries of a chunk, and the bytes of a block of keys
 * before they are packed; of 16 bits what columns of values and rows of probabilities are
 * multiplied with. */
struct forward_room {
    void *k, *v, *q, *p;
    float *s, *out, *max, *sum, *k_scale, *line, *v_scale;
    int8_t *k_bytes;
    struct quant_row *q_row, *p_row;
    int64_t ld; /* of s and p, in elements */
};

static size_t forward_carve(const struct forward *f, struct forward_room *w, char *base)
{
    int64_t dim = f->a->head_dim,
            chunk = least(attn_longest(f->a->q_start, f->a->n_seq), ATTN_CHUNK);
    const struct mm *scores = f->int8 ? f->int8 : f->mm;
    char *at = base;
    w->ld = mm_round_up(f->keys, SOFT_KEYS) +
            16; /* not a power of two: rows fall into different sets */
    w->k = attn_carve(&at, mm_bytes_b(scores, f->keys, dim));
    w->v = attn_carve(&at, mm_bytes_b(f->int16 ? f->int16 : f->mm, dim, f->keys));
    w->q = attn_carve(&at, mm_bytes_rows(scores, f->int8 ? chunk : f->rows, dim));
    w->s = attn_carve(&at, (size_t)(f->rows * w->ld) * 4);
    /* probabilities of the same type or of 16 bits take the place of their scores */
    w->p = f->mm->type == DT_F32 ? w->s : attn_carve(&at, (size_t)(f->rows * w->ld) * 4);
    w->out = attn_carve(&at, (size_t)(chunk * dim) * 4);
    w->max = attn_carve(&at, (size_t)chunk * 4);
    w->sum = attn_carve(&at, (size_t)chunk * 4);
    if (f->int8) {
        w->k_bytes = attn_carve(&at, (size_t)(f->keys * dim));
        w->k_scale = attn_carve(&at, (size_t)f->keys * 4);
        w->q_row = attn_carve(&at, (size_t)chunk * sizeof *w->q_row);
        w->line = attn_carve(&at, (size_t)dim * 4);
    }
    if (f->int16) {
        w->v_scale = attn_carve(&at, (size_t)dim * 4);
        w->p_row = attn_carve(&at, (size_t)f->rows * sizeof *w->p_row);
    }
    return (size_t)(at - base);
}

/* The queries of a chunk become bytes once for all keys. */
static void forward_queries(const struct forward *f, const struct forward_room *w,
                            const struct attn_piece *p, int64_t i0, int64_t n)
{
    const struct k_attention *a = f->a;
    if (f->int8)
        f->int8->quantise(w->q, w->q_row,
                          attn_at(a->q, a->type, (p->q0 + i0) * a->ldq + p->head * a->head_dim),
                          a->type, a->ldq, n, a->head_dim);
}

/* Keys j..j+keys as right operand of the scores. */
static void forward_keys(const struct forward *f, const struct forward_room *w,
                         const struct attn_piece *p, int seq, int64_t j, int64_t keys)
{
    const struct k_attention *a = f->a;
    int64_t dim = a->head_dim;
    const void *k = attn_at(a->k, a->type, (p->k0 + j) * a->ldk + p->kv_head * dim);
    if (!f->int8) {
        f->mm->pack_turned(w->k, k, a->type, a->ldk, keys, dim);
        return;
    }
    f->int8->to_bytes_less(w->k_bytes, w->k_scale, k, a->type, a->ldk, keys, dim,
                           f->mean + (seq * a->kv_heads + p->kv_head) * dim, w->line);
    f->int8->pack_turned(w->k, w->k_bytes, DT_I8, dim, keys, dim);
}

/* The values of the same keys as right operand of probabilities. */
static void forward_values(const struct forward *f, const struct forward_room *w,
                           const struct attn_piece *p, int64_t j, int64_t keys)
{
    const struct k_attention *a = f->a;
    const void *v = attn_at(a->v, a->type, (p->k0 + j) * a->ldv + p->kv_head * a->head_dim);
    if (f->int16)
        f->int16->quantise_cols(w->v, w->v_scale, v, a->type, a->ldv, keys, a->head_dim);
    else
        f->mm->pack_cols(w->v, MM_PANEL, v, a->type, a->ldv, keys, a->head_dim);
}

/* Scores of queries i..i+rows, which are o.. of the chunk, and the keys that are packed. */
static void forward_scores(const struct forward *f, const struct forward_room *w,
                           const struct attn_piece *p, int64_t i, int64_t rows, int64_t keys,
                           int64_t o)
{
    const struct k_attention *a = f->a;
    const struct mm *mm = f->int8 ? f->int8 : f->mm;
    int64_t dim = a->head_dim;
    struct mm_out s = {.c = w->s, .type = DT_F32, .ld = w->ld};
    struct mm_a q;
    if (f->int8) {
        s.columns = w->k_scale;
        s.rows = w->q_row + o;
        q = mm_a_rows(mm, w->q, dim);
        q.p = (const char *)q.p + o * q.row;
    } else {
        q = attn_rows(mm, attn_at(a->q, a->type, (p->q0 + i) * a->ldq + p->head * dim), a->type,
                      a->ldq, rows, dim, w->q);
    }
    mm->block(rows, keys, mm_groups(mm, dim), &q, w->k, &s);
}

/* Queries i..i+rows of the piece against keys j..j+keys, which are packed; out rows start at w->out
 * + o. */
static void forward_block(const struct forward *f, const struct forward_room *w,
                          const struct attn_piece *p, int64_t i, int64_t rows, int64_t j,
                          int64_t keys, int64_t o)
{
    const struct k_attention *a = f->a;
    int64_t dim = a->head_dim;
    forward_scores(f, w, p, i, rows, keys, o);

    struct soft_rows r = {.rows = rows,
                          .keys = keys,
                          .first = i + 1 - j,
                          .causal = a->causal,
                          .scale = (float)a->scale,
                          .s = w->s,
                          .ld_s = w->ld,
                          .ld_bias = a->bias_k,
                          .p = w->p,
                          .p_type = f->mm->type,
                          .ld_p = w->ld};
    if (a->bias)
        r.bias = (const float *)a->bias + (p->head * a->bias_q + i) * a->bias_k + j;
    f->soft->step(&r, w->max + o, w->sum + o, w->out + o * dim, j > 0 ? dim : 0);

    const struct mm *mm = f->int16 ? f->int16 : f->mm;
    struct mm_a pa = {w->p, w->ld * (r.p_type == DT_BF16 ? 2 : 4), 4, 0, INT64_MAX};
    struct mm_out out = {.c = w->out + o * dim, .type = DT_F32, .ld = dim, .add = j > 0};
    if (f->int16) {
        mm->quantise(w->p, w->p_row, w->p, DT_F32, w->ld, rows, keys);
        pa = mm_a_rows(mm, w->p, keys);
        out.rows = w->p_row;
        out.columns = w->v_scale;
    }
    mm->block(rows, dim, mm_groups(mm, keys), &pa, w->v, &out);
}

static void forward_item(void *arg, int item, int worker)
{
    const struct forward *f = arg;
    const struct k_attention *a = f->a;
    int64_t chunk = item % f->chunks, dim = a->head_dim, ldo = a->heads * dim;
    int head = (int)(item / f->chunks % a->heads), seq = (int)(item / f->chunks / a->heads);
    struct attn_piece p = attn_piece(a, seq, head);
    int64_t i0 = chunk * ATTN_CHUNK, n = least(ATTN_CHUNK, p.nq - i0);
    struct forward_room w;
    if (n <= 0)
        return;
    forward_carve(f, &w, kcx_scratch(f->kc, worker, forward_carve(f, &w, NULL)));
    for (int64_t i = 0; i < n; i++) {
        w.max[i] = -INFINITY;
        w.sum[i] = 0;
    }
    if (p.nk == 0)
        memset(w.out, 0, (size_t)(n * dim) * sizeof(float));
    forward_queries(f, &w, &p, i0, n);
    for (int64_t j = 0; j < p.nk; j += ATTN_KEYS) {
        int64_t keys = least(ATTN_KEYS, p.nk - j);
        if (a->causal && j >= i0 + n)
            break;
        forward_keys(f, &w, &p, seq, j, keys);
        forward_values(f, &w, &p, j, keys);
        for (int64_t i = 0; i < n; i += ATTN_QUERIES)
            forward_block(f, &w, &p, i0 + i, least(ATTN_QUERIES, n - i), j, keys, i);
    }
    f->soft->finish(n, dim, w.out, w.max, w.sum,
                    attn_at(a->o, a->type, (p.q0 + i0) * ldo + head * dim), a->type, ldo,
                    a->lse ? (float *)a->lse + (p.q0 + i0) * a->heads + head : NULL, a->heads);
}

static void mean_item(void *arg, int item, int worker)
{
    const struct forward *f = arg;
    const struct k_attention *a = f->a;
    int seq = item / a->kv_heads, head = item % a->kv_heads;
    int64_t first = a->k_start[seq], n = a->k_start[seq + 1] - first, dim = a->head_dim;
    (void)worker;
    if (n)
        f->int8->means(f->mean + item * dim, attn_at(a->k, a->type, first * a->ldk + head * dim),
                       a->type, a->ldk, n, dim);
}

void attn_forward(struct kcx *kc, const struct k_attention *a, const struct attn_set *set)
{
    int64_t longest = attn_longest(a->q_start, a->n_seq);
    struct forward f = {.kc = kc,
                        .a = a,
                        .mm = a->type == DT_BF16 && set->dot ? set->dot : set->f32,
                        .int8 = a->int8 ? set->int8 : NULL,
                        .int16 = a->int8 ? set->int16 : NULL,
                        .soft = set->soft,
                        .chunks = (longest + ATTN_CHUNK - 1) / ATTN_CHUNK,
                        .keys = least(attn_longest(a->k_start, a->n_seq), ATTN_KEYS),
                        .rows = least(longest, ATTN_QUERIES)};
    struct forward_room w;
    int items = (int)(a->n_seq * a->heads * f.chunks), heads = a->n_seq * a->kv_heads;
    size_t means = f.int8 ? (size_t)heads * (size_t)a->head_dim * sizeof(float) : 0;
    if (a->int8 && a->lse)
        BUG("attention: scores in bytes have no log-sum-exp");
    if (!kcx_reserve(kc, items, forward_carve(&f, &w, NULL), means))
        return;
    if (f.int8) {
        f.mean = kcx_shared(kc, means);
        threads_run(kc->threads, heads, mean_item, &f);
    }
    threads_run(kc->threads, items, forward_item, &f);
}

/* clang-format off */
#define ATTN_LEVEL(level, f32, dot, int8, int16, soft)                                             \
    static const struct attn_set set_##level = {f32, dot, int8, int16, soft};                      \
    static void attention_##level(struct kcx *kc, struct k_attention *a)                           \
    {                                                                                              \
        if (a->type == DT_F64)                                                                     \
            kernels_c()->attention(kc, a);                                                         \
        else                                                                                       \
            attn_forward(kc, a, &set_##level);                                                     \
    }                                                                                              \
    static void attention_bwd_##level(struct kcx *kc, struct k_attention_bwd *b)                   \
    {                                                                                              \
        if (b->f.type == DT_F64)                                                                   \
            kernels_c()->attention_bwd(kc, b);                                                     \
        else                                                                                       \
            attn_backward(kc, b, &set_##level);                                                    \
    }                                                                                              \
    void attn_overlay_##level(struct kernels *k)                                                   \
    {                                                                                              \
        k->attention = attention_##level;                                                          \
        k->attention_bwd = attention_bwd_##level;                                                  \
    }
ATTN_LEVEL(avx2, &mm_f32_avx2, NULL, &mm_i8_avx2, NULL, &soft_avx2)
ATTN_LEVEL(avx512, &mm_f32_avx512, NULL, &mm_i8_avx512, NULL, &soft_avx512)
ATTN_LEVEL(avx512vnni, &mm_f32_avx512, NULL, &mm_i8_avx512vnni, &mm_i16_avx512vnni, &soft_avx512)
ATTN_LEVEL(avx512bf16, &mm_f32_avx512, &mm_bf16_avx512bf16, &mm_i8_avx512vnni, NULL, &soft_avx512)
ATTN_LEVEL(amx, &mm_f32_avx512, &mm_bf16_amx, &mm_i8_amx, NULL, &soft_avx512)
/* clang-format on */
