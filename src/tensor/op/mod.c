/* mod.c - modulation tables, and the gated sum x + h gate. */
#include "tensor/inner.h"

void mod_check(struct cx *cx, const char *op, const struct tensor *x, const struct mod *m)
{
    const struct tensor *t = m->table;
    if (!t)
        return;
    tensor_check(op, t);
    if (t->type != cx->wide || m->offset < 0 || m->offset + tensor_last(x) > tensor_last(t))
        BUG("%s: columns from %lld of the table %s for x %s", op, (long long)m->offset, SHAPE(t),
            SHAPE(x));
    if (!m->index && tensor_rows(t) != 1)
        BUG("%s: the table %s has several entries and no index", op, SHAPE(t));
}

const void *mod_data(const struct mod *m)
{
    return m->table ? tensor_at(m->table, m->offset) : NULL;
}

/* The table's other columns belong to other ops, so its gradient starts at zero. */
void *mod_grad(struct cx *cx, const struct mod *m)
{
    if (!m->table || !m->table->needs_grad)
        return NULL;
    grad_zeroed(cx, m->table);
    return tensor_at(m->table->grad, m->offset);
}

int64_t mod_ld(const struct mod *m)
{
    return m->table ? tensor_last(m->table) : 0;
}

struct gated_args {
    struct mod gate;
    struct k_add_gated k;
};

static void add_gated_bwd(struct cx *cx, struct record *r)
{
    struct gated_args *a = r->args;
    struct tensor *x = r->in[0], *h = r->in[1];
    if (a->gate.table) {
        struct target dh = target_always(cx, h);
        struct k_add_gated_bwd k = {
            .f = a->k, .dy = r->out->grad->data, .dh = dh.data, .dgate = mod_grad(cx, &a->gate)};
        RUN(cx, add_gated_bwd, &k);
        target_done(cx, &dh);
    } else if (h->needs_grad) {
        grad_add(cx, h, r->out->grad, 1);
    }
    grad_pass(cx, x, r->out, 1);
}

struct tensor *add_gated(struct cx *cx, struct tensor *x, struct tensor *h, struct mod gate)
{
    tensor_check(__func__, x);
    tensor_check(__func__, h);
    mod_check(cx, __func__, x, &gate);
    if (!same_shape(x, h))
        BUG("add_gated: x is %s, h is %s", SHAPE(x), SHAPE(h));
    int to_gate = wants(cx, gate.table);
    struct tensor *y = consume(cx, x, x->type, 0);
    struct gated_args a = {gate,
                           {.rows = tensor_rows(x),
                            .dim = tensor_last(x),
                            .ld_mod = mod_ld(&gate),
                            .x_type = x->type,
                            .h_type = h->type,
                            .x = x->data,
                            .h = h->data,
                            .gate = mod_data(&gate),
                            .index = index_on_device(cx, gate.index, tensor_rows(x)),
                            .y = y->data}};
    RUN(cx, add_gated, &a.k);
    if (wants(cx, x) || wants(cx, h) || to_gate) {
        a.k.x = a.k.y = NULL;
        if (!to_gate) /* only the gradient of the gate reads h */
            a.k.h = NULL;
        struct record *r = PUSH(cx, add_gated_bwd, y, &a, x, h);
        record_save(r, 0, to_gate ? h : NULL);
        record_save(r, 1, gate.table);
    }
    consume_done(cx, x, y);
    return y;
}
