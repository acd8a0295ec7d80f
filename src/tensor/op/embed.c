/* embed.c - rows of tables, timestep features, weights as tensors. */
#include <math.h>
#include <stdlib.h>

#include "tensor/inner.h"

struct embed_args {
    struct weight *table;
    struct k_embedding k;
};

static void check_index(struct cx *cx, const char *op, const int32_t *index, int64_t rows,
                        int64_t vocab)
{
    for (int64_t i = 0; !cx->device->dry && i < rows; i++)
        if (index[i] < 0 || index[i] >= vocab)
            BUG("%s: index %lld is %d, the table has %lld rows", op, (long long)i, index[i],
                (long long)vocab);
}

static void embed_bwd(struct cx *cx, struct record *r)
{
    struct embed_args *a = r->args;
    struct k_embedding_bwd k = {a->k, r->out->grad->data, a->table->grad};
    RUN(cx, embedding_bwd, &k);
}

struct tensor *embed(struct cx *cx, struct weight *table, const int32_t *index, int64_t rows,
                     enum dtype type)
{
    if (table->rank != 2)
        BUG("embed: %s has rank %d", table->name, table->rank);
    check_index(cx, __func__, index, rows, table->dim[0]);
    struct tensor *y = tensor_new(cx, type, DIMS(rows, table->dim[1]));
    struct embed_args a = {table,
                           {.rows = rows,
                            .dim = table->dim[1],
                            .vocab = table->dim[0],
                            .table_type = table->type,
                            .y_type = type,
                            .table = weight_data(cx, table),
                            .index = index_on_device(cx, index, rows),
                            .y = y->data,
                            .form = table->form.form ? &table->form : NULL}};
    RUN(cx, embedding, &a.k);
    if (wants_weight(cx, table))
        tape_push(cx, __func__, embed_bwd, y, 0, NULL, &a, sizeof a);
    return y;
}

/* The kernel adds in wide: a narrow gradient goes through a wide copy. */
static void gather_bwd(struct cx *cx, struct record *r)
{
    struct k_embedding_bwd k = {*(struct k_embedding *)r->args, r->out->grad->data, NULL};
    struct tensor *x = r->in[0];
    if (x->type == cx->wide) {
        k.dtable = grad_zeroed(cx, x);
        RUN(cx, embedding_bwd, &k);
        return;
    }
    struct tensor *sum = tensor_held(cx, cx->wide, x->rank, x->dim);
    tensor_fill_zero(cx, sum);
    k.dtable = sum->data;
    RUN(cx, embedding_bwd, &k);
    grad_add(cx, x, sum, 1);
    tensor_unhold(cx, sum);
}

struct tensor *gather_rows(struct cx *cx, struct tensor *x, const int32_t *index, int64_t rows)
{
    int64_t dim[TENSOR_MAX_RANK], width = 1;
    tensor_check(__func__, x);
    check_index(cx, __func__, index, rows, x->dim[0]);
    dim[0] = rows;
    for (int i = 1; i < x->rank; i++) {
        dim[i] = x->dim[i];
        width *= dim[i];
    }
    struct tensor *y = tensor_new(cx, x->type, x->rank, dim);
    struct k_embedding k = {.rows = rows,
                            .dim = width,
                            .vocab = x->dim[0],
                            .table_type = x->type,
                            .y_type = x->type,
                            .table = x->data,
                            .index = index_on_device(cx, index, rows),
                            .y = y->data};
    RUN(cx, embedding, &k);
    if (wants(cx, x)) {
        k.table = k.y = NULL;
        PUSH(cx, gather_bwd, y, &k, x);
    }
    return y;
}

/* Networks were trained with angles of single precision: at timestep 1000 the rounding is in the
 * fifth digit, so each step is rounded as the reference does. */
static double time_angle(double t, int64_t i, int64_t half, enum dtype wide)
{
    if (wide == DT_F64)
        return t * exp(-log(10000.0) * (double)i / (double)half);
    float e = (float)-log(10000.0) * (float)i / (float)half;
    return (double)((float)t * (float)exp((double)e));
}

struct tensor *timestep_embedding(struct cx *cx, const double *t, int64_t n, int64_t dim)
{
    int64_t half = dim / 2;
    if (dim < 2 || dim % 2)
        BUG("timestep_embedding: %lld features", (long long)dim);
    double *value = xmalloc(sizeof *value * (size_t)(n * dim + 1));
    for (int64_t r = 0; r < n; r++) {
        for (int64_t i = 0; i < half; i++) {
            double a = time_angle(t[r], i, half, cx->wide);
            value[r * dim + i] = cos(a);
            value[r * dim + half + i] = sin(a);
        }
    }
    struct tensor *y = tensor_from(cx, cx->wide, DIMS(n, dim), value, DT_F64);
    free(value);
    return y;
}

struct tensor *weight_tensor(struct cx *cx, struct weight *w)
{
    if (w->type != cx->wide || w->form.form)
        BUG("weight_tensor: %s is %s, tables are wide", w->name, dtype_name(w->type));
    struct tensor *x = tensor_wrap(cx, w->type, w->rank, w->dim, weight_data(cx, w));
    x->is_weight = 1;
    if (wants_weight(cx, w)) {
        x->needs_grad = 1;
        x->grad = tensor_wrap(cx, cx->wide, w->rank, w->dim, w->grad);
    }
    return x;
}
