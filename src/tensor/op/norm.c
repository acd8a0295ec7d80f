/* norm.c - LayerNorm with modulation, and RMSNorm. */
#include "tensor/inner.h"

static void check_vector(struct cx *cx, const char *op, const struct tensor *x,
                         const struct weight *w)
{
    if (w && (weight_count(w) != tensor_last(x) || w->type != cx->wide))
        BUG("%s: %s does not suit x %s", op, w->name, SHAPE(x));
}

struct norm_mod_args {
    struct weight *gain, *bias;
    struct mod scale, shift;
    struct k_norm_mod k;
};

static void norm_mod_bwd(struct cx *cx, struct record *r)
{
    struct norm_mod_args *a = r->args;
    int adds =
        r->in[0]->needs_grad && r->in[0]->grad; /* of a residual stream there always is one */
    struct target dx = {0};
    if (!adds)
        dx = target_always(cx, r->in[0]);
    struct k_norm_mod_bwd k = {.f = a->k,
                               .add = adds,
                               .dy = r->out->grad->data,
                               .dx = adds ? r->in[0]->grad->data : dx.data,
                               .dgain = weight_wants(a->gain) ? a->gain->grad : NULL,
                               .dbias = weight_wants(a->bias) ? a->bias->grad : NULL,
                               .dscale = mod_grad(cx, &a->scale),
                               .dshift = mod_grad(cx, &a->shift)};
    RUN(cx, norm_mod_bwd, &k);
    target_done(cx, &dx);
}

struct tensor *norm_mod(struct cx *cx, struct tensor *x, struct weight *gain, struct weight *bias,
                        struct mod scale, struct mod shift, double eps)
{
    tensor_check(__func__, x);
    check_vector(cx, __func__, x, gain);
    check_vector(cx, __func__, x, bias);
    mod_check(cx, __func__, x, &scale);
    mod_check(cx, __func__, x, &shift);
    const struct mod *m = scale.table ? &scale : &shift;
    if (scale.table && shift.table &&
        (scale.index != shift.index || mod_ld(&scale) != mod_ld(&shift)))
        BUG("norm_mod: scale and shift have different index lists or table widths");
    int64_t rows = tensor_rows(x);
    int recorded = wants(cx, x) || wants(cx, scale.table) || wants(cx, shift.table) ||
                   wants_weight(cx, gain) || wants_weight(cx, bias);
    struct tensor *y = tensor_like(cx, cx->type, x);
    struct tensor *stats = recorded ? tensor_new(cx, cx->wide, DIMS(rows, 2)) : NULL;
    struct norm_mod_args a = {.gain = gain,
                              .bias = bias,
                              .scale = scale,
                              .shift = shift,
                              .k = {.rows = rows,
                                    .dim = tensor_last(x),
                                    .ld_mod = mod_ld(m),
                                    .x_type = x->type,
                                    .y_type = cx->type,
                                    .eps = eps,
                                    .x = x->data,
                                    .gain = gain ? weight_data(cx, gain) : NULL,
                                    .bias = bias ? weight_data(cx, bias) : NULL,
                                    .scale = mod_data(&scale),
                                    .shift = mod_data(&shift),
                                    .index = index_on_device(cx, m->index, rows),
                                    .y = y->data,
                                    .stats = stats ? stats->data : NULL}};
    RUN(cx, norm_mod, &a.k);
    if (recorded) {
        a.k.y = NULL; /* not kept */
        struct record *r = PUSH(cx, norm_mod_bwd, y, &a, x);
        record_save(r, 0, x);
        record_save(r, 1, stats);
        record_save(r, 2, scale.table);
        record_save(r, 3, shift.table);
    }
    return y;
}

struct rms_args {
    struct weight *gain;
    struct k_rms_norm k;
};

static void rms_norm_bwd(struct cx *cx, struct record *r)
{
    struct rms_args *a = r->args;
    struct target dx = target_always(cx, r->in[0]);
    struct k_rms_norm_bwd k = {.f = a->k,
                               .dy = r->out->grad->data,
                               .dx = dx.data,
                               .dgain = weight_wants(a->gain) ? a->gain->grad : NULL};
    RUN(cx, rms_norm_bwd, &k);
    target_done(cx, &dx);
}

/* y is x itself, consumed, or new. */
static void rms_norm_to(struct cx *cx, struct tensor *x, struct weight *gain, double eps,
                        struct tensor *y)
{
    int recorded = wants(cx, x) || wants_weight(cx, gain);
    struct tensor *stats = recorded ? tensor_new(cx, cx->wide, DIMS(tensor_rows(x))) : NULL;
    struct rms_args a = {gain,
                         {.rows = tensor_rows(x),
                          .dim = tensor_last(x),
                          .x_type = x->type,
                          .y_type = cx->type,
                          .eps = eps,
                          .x = x->data,
                          .gain = gain ? weight_data(cx, gain) : NULL,
                          .y = y->data,
                          .stats = stats ? stats->data : NULL}};
    RUN(cx, rms_norm, &a.k);
    if (recorded) {
        a.k.y = NULL;
        struct record *r = tape_push(cx, "rms_norm", rms_norm_bwd, y, 1, &x, &a, sizeof a);
        record_save(r, 0, x);
        record_save(r, 1, stats);
    }
}

struct tensor *rms_norm(struct cx *cx, struct tensor *x, struct weight *gain, double eps)
{
    tensor_check(__func__, x);
    check_vector(cx, __func__, x, gain);
    struct tensor *y = consume(cx, x, cx->type, wants(cx, x) || wants_weight(cx, gain));
    rms_norm_to(cx, x, gain, eps, y);
    consume_done(cx, x, y);
    return y;
}

struct tensor *rms_silu(struct cx *cx, struct tensor *x, struct weight *gain, double eps)
{
    tensor_check(__func__, x);
    check_vector(cx, __func__, x, gain);
    struct tensor *y = tensor_like(cx, cx->type, x);
    rms_norm_to(cx, x, gain, eps, y);
    return act(cx, y, ACT_SILU);
}
