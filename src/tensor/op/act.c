/* act.c - activations, sums, products and rotation: ops on elements. */
#include "tensor/inner.h"

static void act_bwd(struct cx *cx, struct record *r)
{
    struct tensor *x = r->in[0], *dy = r->out->grad;
    struct k_act_bwd k = {.n = tensor_count(x),
                          .act = *(enum k_act *)r->args,
                          .type = x->type,
                          .x = x->data,
                          .dy = dy->data,
                          .dx = dy->data};
    RUN(cx, act_bwd, &k);
    grad_pass(cx, x, r->out, 1);
}

struct tensor *act(struct cx *cx, struct tensor *x, enum k_act kind)
{
    tensor_check(__func__, x);
    int recorded = wants(cx, x);
    struct tensor *y = consume(cx, x, x->type, recorded);
    struct k_act_fwd k = {tensor_count(x), kind, x->type, x->data, y->data};
    RUN(cx, act, &k);
    if (recorded)
        record_save(PUSH(cx, act_bwd, y, &kind, x), 0, x);
    consume_done(cx, x, y);
    return y;
}

struct add_args {
    double alpha, beta;
};

static void add_bwd(struct cx *cx, struct record *r)
{
    const struct add_args *s = r->args;
    if (r->in[1]->needs_grad)
        grad_add(cx, r->in[1], r->out->grad, s->beta);
    grad_pass(cx, r->in[0], r->out, s->alpha);
}

static void add_into(struct cx *cx, const char *op, struct tensor *y, struct tensor *a,
                     struct tensor *b, struct add_args s)
{
    struct k_add k = {.n = tensor_count(a),
                      .a_type = a->type,
                      .b_type = b->type,
                      .y_type = y->type,
                      .alpha = s.alpha,
                      .beta = s.beta,
                      .a = a->data,
                      .b = b->data,
                      .y = y->data};
    RUN(cx, add, &k);
    if (wants(cx, a) || wants(cx, b))
        tape_push(cx, op, add_bwd, y, 2, (struct tensor *[]){a, b}, &s, sizeof s);
}

static void check_pair(const char *op, const struct tensor *a, const struct tensor *b)
{
    tensor_check(op, a);
    tensor_check(op, b);
    if (!same_shape(a, b))
        BUG("%s: a is %s, b is %s", op, SHAPE(a), SHAPE(b));
}

struct tensor *add(struct cx *cx, struct tensor *a, struct tensor *b)
{
    check_pair(__func__, a, b);
    struct tensor *y = consume(cx, a, a->type, 0);
    add_into(cx, __func__, y, a, b, (struct add_args){1, 1});
    consume_done(cx, a, y);
    return y;
}

struct tensor *add_scaled(struct cx *cx, struct tensor *a, double alpha, struct tensor *b,
                          double beta)
{
    check_pair(__func__, a, b);
    struct tensor *y = tensor_like(cx, a->type, a);
    add_into(cx, __func__, y, a, b, (struct add_args){alpha, beta});
    return y;
}

/* x.grad += out.grad times other. */
static void mul_grad(struct cx *cx, struct record *r, struct tensor *x, const struct tensor *other)
{
    int fresh;
    if (!x->needs_grad)
        return;
    struct tensor *dx = grad_of(cx, x, &fresh);
    struct k_mul k = {tensor_count(x), x->type, r->out->grad->data, other->data, dx->data, !fresh};
    RUN(cx, mul, &k);
}

static void mul_bwd(struct cx *cx, struct record *r)
{
    mul_grad(cx, r, r->in[1], r->in[0]);
    mul_grad(cx, r, r->in[0], r->in[1]);
}

struct tensor *mul(struct cx *cx, struct tensor *a, struct tensor *b)
{
    check_pair(__func__, a, b);
    if (a->type != b->type)
        BUG("mul: a is %s, b is %s", SHAPE(a), SHAPE(b));
    int to_a = wants(cx, a), to_b = wants(cx, b);
    struct tensor *y = consume(cx, a, a->type, to_b);
    struct k_mul k = {tensor_count(a), a->type, a->data, b->data, y->data, 0};
    RUN(cx, mul, &k);
    if (to_a || to_b) {
        struct record *r =
            tape_push(cx, __func__, mul_bwd, y, 2, (struct tensor *[]){a, b}, NULL, 0);
        record_save(r, 0, to_b ? a : NULL);
        record_save(r, 1, to_a ? b : NULL);
    }
    consume_done(cx, a, y);
    return y;
}

static void rope_bwd(struct cx *cx, struct record *r)
{
    struct k_rope k = *(struct k_rope *)r->args;
    k.inverse = 1;
    k.x = r->out->grad->data;
    k.y = r->out->grad->data;
    RUN(cx, rope, &k);
    grad_pass(cx, r->in[0], r->out, 1);
}

struct tensor *rope(struct cx *cx, struct tensor *x, int heads, const struct rope_table *t)
{
    tensor_check(__func__, x);
    tensor_check(__func__, t->table);
    if (heads < 1 || tensor_last(x) % (2 * (int64_t)heads))
        BUG("rope: x %s with %d heads", SHAPE(x), heads);
    int64_t rows = tensor_rows(x), hd = tensor_last(x) / heads;
    if (t->table->type != cx->wide || t->table->rank != 3 || t->table->dim[1] != hd / 2 ||
        t->table->dim[2] != 2 || (!t->pos && t->table->dim[0] < rows))
        BUG("rope: x %s with %d heads and table %s", SHAPE(x), heads, SHAPE(t->table));
    struct tensor *y = consume(cx, x, x->type, 0);
    struct k_rope k = {.rows = rows,
                       .heads = heads,
                       .head_dim = (int)hd,
                       .type = x->type,
                       .x = x->data,
                       .table = t->table->data,
                       .pos = index_on_device(cx, t->pos, rows),
                       .y = y->data};
    RUN(cx, rope, &k);
    if (wants(cx, x))
        record_save(PUSH(cx, rope_bwd, y, &k, x), 0, t->table);
    consume_done(cx, x, y);
    return y;
}
