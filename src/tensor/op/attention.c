/* attention.c - softmax(scale q k^T + bias) v over independent sequences. */
#include <math.h>
#include <string.h>

#include "tensor/inner.h"

/* Pairs of a query and a key that meet, times heads. */
static double pairs(const struct k_attention *k)
{
    double n = 0;
    for (int s = 0; s < k->n_seq; s++) {
        double q = (double)(k->q_start[s + 1] - k->q_start[s]);
        double c = (double)(k->k_start[s + 1] - k->k_start[s]);
        n += k->causal ? q * (q + 1) / 2 : q * c;
    }
    return n * k->heads;
}

static void attention_bwd(struct cx *cx, struct record *r)
{
    struct target t[3];
    for (int i = 0; i < 3; i++)
        t[i] = target_always(cx, r->in[i]);
    struct tensor *bias = r->in[3];
    struct k_attention_bwd k = {.f = *(struct k_attention *)r->args,
                                .d_o = r->out->grad->data,
                                .dq = t[0].data,
                                .dk = t[1].data,
                                .dv = t[2].data,
                                .dbias = grad_zeroed(cx, bias)};
    RUN(cx, attention_bwd, &k);
    cx->flops += 10.0 * pairs(&k.f) * k.f.head_dim;
    for (int i = 0; i < 3; i++)
        target_done(cx, &t[i]);
}

static void check_seq(const char *what, const struct seq *s, const struct tensor *x)
{
    if (!s || s->n < 0 || s->start[0] != 0 || s->start[s->n] != tensor_rows(x))
        BUG("attention: the sequences of %s do not cover its rows %s", what, SHAPE(x));
    for (int i = 0; i < s->n; i++)
        if (s->start[i + 1] < s->start[i])
            BUG("attention: sequence %d of %s has a negative length", i, what);
}

static void check_bias(struct cx *cx, const struct tensor *b, const struct k_attention *k)
{
    tensor_check("attention", b);
    if (b->type != cx->wide || b->rank != 3 || b->dim[0] != k->heads)
        BUG("attention: bias is %s for %d heads", SHAPE(b), k->heads);
    for (int s = 0; s < k->n_seq; s++)
        if (k->q_start[s + 1] - k->q_start[s] > b->dim[1] ||
            k->k_start[s + 1] - k->k_start[s] > b->dim[2])
            BUG("attention: sequence %d is longer than the bias %s", s, SHAPE(b));
}

static void check_inputs(struct tensor *q, struct tensor *k, struct tensor *v, int heads,
                         int kv_heads)
{
    tensor_check("attention", q);
    tensor_check("attention", k);
    tensor_check("attention", v);
    if (heads < 1 || kv_heads < 1 || heads % kv_heads || tensor_last(q) % heads ||
        tensor_last(k) != tensor_last(q) / heads * kv_heads || !same_shape(k, v) ||
        q->type != k->type || q->type != v->type)
        BUG("attention: q %s, k %s, v %s with %d and %d heads", SHAPE(q), SHAPE(k), SHAPE(v), heads,
            kv_heads);
}

static const int64_t *copy_start(struct cx *cx, int n, const int64_t *start)
{
    size_t bytes = ((size_t)n + 1) * sizeof *start;
    return memcpy(arena_alloc(&cx->handles, bytes), start, bytes);
}

static void attention_record(struct cx *cx, struct k_attention *a, struct tensor *y,
                             struct tensor *const in[4], struct tensor *lse)
{
    const int64_t *q_start = a->q_start;
    a->q_start = copy_start(cx, a->n_seq, q_start);
    a->k_start = a->k_start == q_start ? a->q_start : copy_start(cx, a->n_seq, a->k_start);
    struct record *r = tape_push(cx, "attention", attention_bwd, y, 4, in, a, sizeof *a);
    for (int i = 0; i < 4; i++)
        record_save(r, i, in[i]);
    record_save(r, 4, y);
    record_save(r, 5, lse);
}

struct tensor *attention(struct cx *cx, struct tensor *q, struct tensor *k, struct tensor *v,
                         const struct attn_args *a)
{
    int kv_heads = a->kv_heads ? a->kv_heads : a->heads;
    const struct seq *kv_seq = a->kv_seq ? a->kv_seq : a->seq;
    check_inputs(q, k, v, a->heads, kv_heads);
    check_seq("q", a->seq, q);
    check_seq("k and v", kv_seq, k);
    if (kv_seq->n != a->seq->n)
        BUG("attention: %d sequences of q, %d of k and v", a->seq->n, kv_seq->n);
    struct tensor *y = tensor_like(cx, q->type, q);
    struct tensor *lse = NULL;
    if (!a->int8)
        lse = tensor_new(cx, cx->wide, DIMS(tensor_rows(q), a->heads));
    else if (wants(cx, q) || wants(cx, k) || wants(cx, v))
        BUG("attention: no gradient of scores in bytes");
    struct k_attention args = {.n_seq = a->seq->n,
                               .heads = a->heads,
                               .kv_heads = kv_heads,
                               .head_dim = (int)(tensor_last(q) / a->heads),
                               .causal = a->causal,
                               .int8 = a->int8,
                               .q_start = a->seq->start,
                               .k_start = kv_seq->start,
                               .ldq = tensor_last(q),
                               .ldk = tensor_last(k),
                               .ldv = tensor_last(v),
                               .scale = a->scale,
                               .type = q->type,
                               .q = q->data,
                               .k = k->data,
                               .v = v->data,
                               .o = y->data,
                               .lse = lse ? lse->data : NULL};
    if (!a->scale)
        args.scale = 1 / sqrt((double)args.head_dim);
    if (a->bias) {
        check_bias(cx, a->bias, &args);
        args.bias = a->bias->data;
        args.bias_q = a->bias->dim[1];
        args.bias_k = a->bias->dim[2];
    }
    RUN(cx, attention, &args);
    cx->flops += 4.0 * pairs(&args) * args.head_dim;
    if (wants(cx, q) || wants(cx, k) || wants(cx, v) || wants(cx, a->bias))
        attention_record(cx, &args, y, (struct tensor *[]){q, k, v, a->bias}, lse);
    if (lse)
        tensor_drop(cx, lse);
    return y;
}
