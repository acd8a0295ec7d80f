/* linear.c - y = x w^T + b. */
#include <string.h>

#include "tensor/inner.h"

static int64_t fan_in(const struct weight *w)
{
    return weight_count(w) / w->dim[0];
}

/* y [rows,n] = a [rows,k] b, b [k,n] or [n,k]; lines of no operand have gaps. */
static struct k_matmul product(const struct cx *cx, int64_t rows, int64_t n, int64_t k,
                               int b_turned, const struct tensor *a, const struct weight *b,
                               struct tensor *y)
{
    return (struct k_matmul){.m = rows,
                             .n = n,
                             .k = k,
                             .lda = k,
                             .ldb = b_turned ? k : n,
                             .ldc = n,
                             .a_type = a->type,
                             .b_type = b->type,
                             .c_type = y->type,
                             .a = a->data,
                             .b = weight_data(cx, b),
                             .c = y->data,
                             .b_form = b->form.form ? &b->form : NULL};
}

static void count(struct cx *cx, int64_t rows, const struct weight *w)
{
    cx->flops += 2.0 * (double)rows * (double)weight_count(w);
}

/* What x and the gradient of the layer's result say of its weights. */
static void weight_grads(struct cx *cx, const struct linear_w *l, const struct tensor *x,
                         const struct tensor *dy)
{
    int64_t rows = tensor_rows(dy), in = fan_in(l->w), out = l->w->dim[0];
    if (weight_wants(l->b)) {
        struct k_sum_rows k = {rows, out, dy->type, dy->data, l->b->grad};
        RUN(cx, sum_rows, &k);
    }
    if (weight_wants(l->w)) {
        struct k_matmul k = {.m = out,
                             .n = in,
                             .k = rows,
                             .lda = out,
                             .ldb = in,
                             .ldc = in,
                             .a_type = dy->type,
                             .b_type = x->type,
                             .c_type = cx->wide,
                             .a = dy->data,
                             .b = x->data,
                             .c = l->w->grad,
                             .add = 1};
        RUN(cx, matmul_tn, &k);
        count(cx, rows, l->w);
    }
}

static void input_grad(struct cx *cx, const struct linear_w *l, struct tensor *x,
                       const struct tensor *dy)
{
    int fresh;
    if (!x->needs_grad)
        return;
    struct tensor *dx = grad_of(cx, x, &fresh);
    struct k_matmul k = product(cx, tensor_rows(x), fan_in(l->w), l->w->dim[0], 0, dy, l->w, dx);
    k.add = !fresh;
    RUN(cx, matmul_nn, &k);
    count(cx, k.m, l->w);
}

static void linear_bwd(struct cx *cx, struct record *r)
{
    weight_grads(cx, r->args, r->in[0], r->out->grad);
    input_grad(cx, r->args, r->in[0], r->out->grad);
}

static void check_fit(const char *op, const struct cx *cx, const struct tensor *x,
                      const struct linear_w *l)
{
    const struct weight *w = l->w, *b = l->b;
    if (tensor_last(x) != fan_in(w))
        BUG("%s: x is %s, %s wants [..,%lld]", op, SHAPE(x), w->name, (long long)fan_in(w));
    if (b && (weight_count(b) != w->dim[0] || b->type != cx->wide))
        BUG("%s: %s is not a wide vector of %lld", op, b->name, (long long)w->dim[0]);
}

static int wants_layer(struct cx *cx, const struct linear_w *l)
{
    return wants_weight(cx, l->w) || wants_weight(cx, l->b);
}

/* Of the result of a layer. */
static struct tensor *result(struct cx *cx, const struct tensor *x, const struct linear_w *l,
                             enum dtype type)
{
    int64_t dim[TENSOR_MAX_RANK];
    memcpy(dim, x->dim, sizeof dim);
    dim[x->rank - 1] = l->w->dim[0];
    return tensor_new(cx, type, x->rank, dim);
}

static void apply(struct cx *cx, const struct tensor *x, const struct linear_w *l, struct tensor *y)
{
    struct k_matmul k = product(cx, tensor_rows(x), l->w->dim[0], fan_in(l->w), 1, x, l->w, y);
    const void *bias = l->b ? weight_data(cx, l->b) : NULL;
    int late = lora_has_gain(cx, l->w); /* a gain is not of the bias */

    k.bias = late ? NULL : bias;
    RUN_FOR(cx, l->w, matmul_nt, &k);
    count(cx, k.m, l->w);
    lora_add(cx, x, l->w, late ? bias : NULL, y);
    watch_layer(cx, l->w, y);
}

static struct tensor *linear_to(struct cx *cx, const char *op, struct tensor *x,
                                const struct linear_w *l, enum dtype type)
{
    tensor_check(op, x);
    check_fit(op, cx, x, l);
    struct tensor *y = result(cx, x, l, type);
    apply(cx, x, l, y);
    if (wants(cx, x) || wants_layer(cx, l)) {
        struct record *r = tape_push(cx, op, linear_bwd, y, 1, &x, l, sizeof *l);
        if (weight_wants(l->w))
            record_save(r, 0, x);
    }
    return y;
}

struct tensor *linear(struct cx *cx, struct tensor *x, const struct linear_w *w)
{
    return linear_to(cx, __func__, x, w, cx->type);
}

struct tensor *linear_wide(struct cx *cx, struct tensor *x, const struct linear_w *w)
{
    return linear_to(cx, __func__, x, w, cx->wide);
}

struct mlp_args {
    struct linear_w up, down;
};
enum { MLP_X, MLP_PRE, MLP_H };

static void mlp_gelu_bwd(struct cx *cx, struct record *r)
{
    const struct mlp_args *a = r->args;
    struct tensor *x = r->in[0], *dy = r->out->grad, *pre = r->saved[MLP_PRE];
    weight_grads(cx, &a->down, r->saved[MLP_H], dy);
    struct tensor *dpre = tensor_held(cx, pre->type, pre->rank, pre->dim);
    struct k_matmul_gelu k = {
        product(cx, tensor_rows(dy), fan_in(a->down.w), a->down.w->dim[0], 0, dy, a->down.w, dpre),
        pre->data};
    RUN(cx, matmul_gelu_bwd, &k);
    count(cx, k.q.m, a->down.w);
    weight_grads(cx, &a->up, x, dpre);
    input_grad(cx, &a->up, x, dpre);
    tensor_unhold(cx, dpre);
}

struct tensor *mlp_gelu(struct cx *cx, struct tensor *x, const struct linear_w *up,
                        const struct linear_w *down)
{
    tensor_check(__func__, x);
    check_fit(__func__, cx, x, up);
    if (up->w->lora) /* belongs before the GELU */
        return linear(cx, act(cx, linear(cx, x, up), ACT_GELU_TANH), down);
    int recorded = wants(cx, x) || wants_layer(cx, up) || wants_layer(cx, down);
    struct tensor *h = result(cx, x, up, cx->type), *pre = NULL;
    if (recorded)
        pre = tensor_like(cx, cx->type, h);
    struct k_matmul_gelu k = {
        product(cx, tensor_rows(x), up->w->dim[0], fan_in(up->w), 1, x, up->w, h),
        pre ? pre->data : NULL};
    k.q.bias = up->b ? weight_data(cx, up->b) : NULL;
    RUN_FOR(cx, up->w, matmul_gelu, &k);
    count(cx, k.q.m, up->w);
    check_fit(__func__, cx, h, down);
    struct tensor *y = result(cx, h, down, cx->type);
    apply(cx, h, down, y);
    if (recorded) {
        struct mlp_args a = {*up, *down};
        struct record *r = PUSH(cx, mlp_gelu_bwd, y, &a, x);
        if (weight_wants(up->w))
            record_save(r, MLP_X, x);
        record_save(r, MLP_PRE, pre);
        if (weight_wants(down->w))
            record_save(r, MLP_H, h);
        tensor_drop(cx, pre);
    }
    tensor_drop(cx, h);
    return y;
}
