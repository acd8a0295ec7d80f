/* loss.c - weighted L2 and L1 losses of rows, as a scalar. */
#include "tensor/inner.h"

struct loss_args {
    double scale;
    struct k_loss k;
};

static double value_of(struct cx *cx, const struct tensor *x)
{
    double v;
    tensor_read(cx, x, DT_F64, &v);
    return v;
}

static void loss_bwd(struct cx *cx, struct record *r)
{
    struct loss_args *a = r->args;
    struct tensor *pred = r->in[0];
    int fresh;
    struct tensor *dp = grad_of(cx, pred, &fresh);
    struct tensor *rows =
        tensor_held(cx, cx->wide, DIMS(a->k.rows)); /* the kernel fills it again */
    struct k_loss k = a->k;
    k.scale = a->scale * value_of(cx, r->out->grad);
    k.add = !fresh;
    k.loss = rows->data;
    k.dpred = dp->data;
    RUN(cx, loss, &k);
    tensor_unhold(cx, rows);
}

static struct tensor *loss_of(struct cx *cx, const char *op, struct tensor *pred,
                              struct tensor *target, struct tensor *weight, double scale, int l1)
{
    int64_t rows = tensor_rows(pred);
    tensor_check(op, pred);
    tensor_check(op, target);
    if (!same_shape(pred, target) || target->type != cx->wide)
        BUG("%s: pred is %s, target is %s", op, SHAPE(pred), SHAPE(target));
    if (weight)
        tensor_check(op, weight);
    if (weight && (tensor_count(weight) != rows || weight->type != cx->wide))
        BUG("%s: pred is %s, weight is %s", op, SHAPE(pred), SHAPE(weight));
    struct tensor *y = tensor_zeros(cx, cx->wide, DIMS(1));
    struct tensor *each = tensor_new(cx, cx->wide, DIMS(rows));
    struct loss_args a = {scale,
                          {.rows = rows,
                           .dim = tensor_last(pred),
                           .l1 = l1,
                           .scale = 1,
                           .type = pred->type,
                           .pred = pred->data,
                           .target = target->data,
                           .weight = weight ? weight->data : NULL,
                           .loss = each->data}};
    RUN(cx, loss, &a.k);
    struct k_sum_rows sum = {rows, 1, cx->wide, each->data, y->data};
    RUN(cx, sum_rows, &sum);
    struct k_add times = {.n = 1,
                          .a_type = cx->wide,
                          .b_type = cx->wide,
                          .y_type = cx->wide,
                          .alpha = scale,
                          .a = y->data,
                          .y = y->data};
    RUN(cx, add, &times);
    if (wants(cx, pred)) {
        struct record *r = tape_push(cx, op, loss_bwd, y, 1, &pred, &a, sizeof a);
        record_save(r, 0, pred);
        record_save(r, 1, target);
        record_save(r, 2, weight);
    }
    tensor_drop(cx, each);
    return y;
}

struct tensor *loss_l2(struct cx *cx, struct tensor *pred, struct tensor *target,
                       struct tensor *weight, double scale)
{
    return loss_of(cx, __func__, pred, target, weight, scale, 0);
}

struct tensor *loss_l1(struct cx *cx, struct tensor *pred, struct tensor *target,
                       struct tensor *weight, double scale)
{
    return loss_of(cx, __func__, pred, target, weight, scale, 1);
}

double scalar_value(struct cx *cx, struct tensor *x)
{
    tensor_check(__func__, x);
    if (tensor_count(x) != 1)
        BUG("scalar_value: x is %s", SHAPE(x));
    return value_of(cx, x);
}
