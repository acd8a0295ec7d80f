/* linear.c - y = x w^T + b. */
#include "tensor/inner.h"

static int64_t fan_in(const struct weight *w)
{
    return weight_count(w) / w->dim[0];
}

static void linear_bwd(struct cx *cx, struct record *r)
{
    const struct linear_w *l = r->args;
    struct tensor *x = r->in[0], *dy = r->out->grad;
    int64_t rows = tensor_rows(x), in = tensor_last(x), out = l->w->dim[0];
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
        cx->flops += 2.0 * (double)rows * (double)in * (double)out;
    }
    if (x->needs_grad) {
        int fresh;
        struct tensor *dx = grad_of(cx, x, &fresh);
        struct k_matmul k = {.m = rows,
                             .n = in,
                             .k = out,
                             .lda = out,
                             .ldb = in,
                             .ldc = in,
                             .a_type = dy->type,
                             .b_type = l->w->type,
                             .c_type = dx->type,
                             .a = dy->data,
                             .b = l->w->data,
                             .c = dx->data,
                             .add = !fresh};
        RUN(cx, matmul_nn, &k);
        cx->flops += 2.0 * (double)rows * (double)in * (double)out;
    }
}

static struct tensor *linear_to(struct cx *cx, const char *op, struct tensor *x,
                                const struct linear_w *l, enum dtype type)
{
    const struct weight *w = l->w, *b = l->b;
    int64_t in = fan_in(w), out = w->dim[0], dim[TENSOR_MAX_RANK];
    tensor_check(op, x);
    if (tensor_last(x) != in)
        BUG("%s: x is %s, %s wants [..,%lld]", op, SHAPE(x), w->name, (long long)in);
    if (b && (weight_count(b) != out || b->type != cx->wide))
        BUG("%s: %s is not a wide vector of %lld", op, b->name, (long long)out);
    for (int i = 0; i < x->rank; i++)
        dim[i] = x->dim[i];
    dim[x->rank - 1] = out;
    struct tensor *y = tensor_new(cx, type, x->rank, dim);
    struct k_matmul k = {.m = tensor_rows(x),
                         .n = out,
                         .k = in,
                         .lda = in,
                         .ldb = in,
                         .ldc = out,
                         .a_type = x->type,
                         .b_type = w->type,
                         .c_type = type,
                         .a = x->data,
                         .b = w->data,
                         .bias = b ? b->data : NULL,
                         .c = y->data};
    RUN(cx, matmul_nt, &k);
    cx->flops += 2.0 * (double)k.m * (double)in * (double)out;
    if (wants(cx, x) || wants_weight(cx, w) || wants_weight(cx, b)) {
        struct record *r = tape_push(cx, op, linear_bwd, y, 1, &x, l, sizeof *l);
        if (weight_wants(w))
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
