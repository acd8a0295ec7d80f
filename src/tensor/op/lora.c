/* lora.c - what LoRA and its relatives add to the product of a matrix. Inference only. */
#include "tensor/inner.h"

static struct k_matmul product(const struct tensor *x, int64_t m, int64_t n, int64_t k,
                               enum dtype b_type, const void *b, const struct tensor *y)
{
    return (struct k_matmul){.m = m,
                             .n = n,
                             .k = k,
                             .lda = k,
                             .ldb = k,
                             .ldc = n,
                             .a_type = x->type,
                             .b_type = b_type,
                             .c_type = y->type,
                             .a = x->data,
                             .b = b,
                             .c = y->data};
}

static void count(struct cx *cx, int64_t m, int64_t n, int64_t k)
{
    cx->flops += 2.0 * (double)m * (double)n * (double)k;
}

/* y += x b^T + bias. */
static void add_product(struct cx *cx, const struct tensor *x, const struct lora *l, int64_t k,
                        const void *bias, struct tensor *y)
{
    struct k_matmul up = product(x, tensor_rows(y), tensor_last(y), k, l->type, l->b, y);

    up.bias = bias;
    up.add = 1;
    RUN(cx, matmul_nt, &up);
    count(cx, up.m, up.n, k);
}

static void add_low_rank(struct cx *cx, const struct tensor *x, const struct lora *l,
                         const void *bias, struct tensor *y)
{
    int64_t rows = tensor_rows(y), in = tensor_last(x);
    struct tensor *t = tensor_new(cx, cx->wide, DIMS(rows, l->rank));
    struct k_matmul down = product(x, rows, l->rank, in, l->type, l->a, t);

    RUN(cx, matmul_nt, &down);
    count(cx, rows, l->rank, in);
    add_product(cx, t, l, l->rank, bias, y);
    tensor_drop(cx, t);
}

/* A row of x is a matrix [kron[1], in/kron[1]] here, and the row of y is a (x b^T). */
static void add_kronecker(struct cx *cx, const struct tensor *x, const struct lora *l,
                          struct tensor *y)
{
    int64_t rows = tensor_rows(y), p = l->kron[0], q = l->kron[1], n = tensor_last(y) / p,
            k = tensor_last(x) / q;
    struct tensor *t = tensor_new(cx, cx->wide, DIMS(rows * q, n));
    struct k_matmul inner = product(x, rows * q, n, k, l->type, l->b, t);
    struct k_matmul outer = {.m = p,
                             .n = n,
                             .k = q,
                             .lda = q,
                             .ldb = n,
                             .ldc = n,
                             .a_type = l->type,
                             .b_type = t->type,
                             .c_type = y->type,
                             .a = l->a,
                             .b = t->data,
                             .c = y->data,
                             .add = 1,
                             .batch = rows,
                             .b_step = q * n,
                             .c_step = p * n};

    RUN(cx, matmul_nt, &inner);
    RUN(cx, matmul_nn, &outer);
    count(cx, rows * q, n, k);
    count(cx, rows * p, n, q);
    tensor_drop(cx, t);
}

/* y += gain * y, gain the sum of all that act: they are of the same y. Nothing acts: nothing. */
static void add_gains(struct cx *cx, const struct weight *w, struct tensor *y)
{
    struct tensor *gain = NULL;
    struct k_add_gated k = {.rows = tensor_rows(y),
                            .dim = tensor_last(y),
                            .ld_mod = tensor_last(y),
                            .x_type = y->type,
                            .h_type = y->type,
                            .x = y->data,
                            .h = y->data,
                            .y = y->data};

    for (const struct lora *l = w->lora; l; l = l->next) {
        if (!l->gain || !lora_acts(l, cx->at))
            continue;
        struct tensor *g = tensor_wrap(cx, cx->wide, DIMS(1, k.dim), l->gain);
        gain = gain ? add(cx, keep(cx, gain), g) : g;
    }
    if (!gain)
        return;
    k.gate = gain->data;
    RUN(cx, add_gated, &k);
}

int lora_has_gain(const struct cx *cx, const struct weight *w)
{
    for (const struct lora *l = w->lora; l; l = l->next)
        if (l->gain && lora_acts(l, cx->at))
            return 1;
    return 0;
}

void lora_add(struct cx *cx, const struct tensor *x, const struct weight *w, const void *bias,
              struct tensor *y)
{
    add_gains(cx, w, y);
    for (const struct lora *l = w->lora; l; l = l->next) {
        if (!lora_acts(l, cx->at))
            continue;
        const void *now = l->gain ? bias : NULL;
        if (l->rank)
            add_low_rank(cx, x, l, now, y);
        else if (l->kron[0])
            add_kronecker(cx, x, l, y);
        else
            add_product(cx, x, l, tensor_last(x), now, y);
        bias = now ? NULL : bias;
    }
}
