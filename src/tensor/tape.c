/* tape.c - recording, the walk back, gradients and recomputation.
 *
 * A record saves exactly the tensors its backward reads; they and the gradient of its output return
 * to the pool as soon as it ran, so memory falls during backward. */
#include <string.h>

#include "tensor/inner.h"

struct node {
    struct record r;
    struct node *before;
};

struct tape {
    struct node *last;
};

static struct tape *tape_new(struct cx *cx)
{
    return arena_alloc(&cx->handles, sizeof(struct tape));
}

void tape_begin(struct cx *cx)
{
    if (cx->tape)
        BUG("tape_begin: a tape records already");
    cx->tape = tape_new(cx);
}

struct record *tape_push(struct cx *cx, const char *op, void (*run)(struct cx *, struct record *),
                         struct tensor *out, int n_in, struct tensor *const *in, const void *args,
                         size_t args_bytes)
{
    if (n_in > TAPE_MAX_IN)
        BUG("%s: %d inputs on the tape", op, n_in);
    struct node *n = arena_alloc(&cx->handles, sizeof *n + args_bytes);
    n->before = cx->tape->last;
    cx->tape->last = n;
    n->r.run = run;
    n->r.op = op;
    n->r.out = out;
    if (n_in)
        memcpy(n->r.in, in, (size_t)n_in * sizeof *in);
    if (args_bytes) {
        n->r.args = n + 1;
        memcpy(n->r.args, args, args_bytes);
    }
    out->needs_grad = 1;
    return &n->r;
}

void record_save(struct record *r, int slot, struct tensor *x)
{
    ZT_ASSERT(slot < TAPE_MAX_SAVED && !r->saved[slot]);
    r->saved[slot] = x;
    if (x && x->buffer)
        x->buffer->refs++;
}

static void record_release(struct cx *cx, struct record *r)
{
    for (int i = 0; i < TAPE_MAX_SAVED; i++)
        if (r->saved[i])
            tensor_unhold(cx, r->saved[i]);
}

static void grad_release(struct cx *cx, struct tensor *x)
{
    if (x->grad)
        tensor_unhold(cx, x->grad);
    x->grad = NULL;
}

/* Walk a tape back to its beginning. Inner ops of a replay must not record here. */
static void tape_walk(struct cx *cx, struct tape *tape)
{
    struct tape *recording = cx->tape;
    cx->tape = NULL;
    for (struct node *n = tape->last; n; n = n->before) {
        struct record *r = &n->r;
        if (r->out->grad)
            r->run(cx, r);
        grad_release(cx, r->out);
        record_release(cx, r);
    }
    tape->last = NULL;
    cx->tape = recording;
}

void tape_end(struct cx *cx)
{
    if (!cx->tape)
        BUG("tape_end: no tape records");
    for (struct node *n = cx->tape->last; n; n = n->before)
        record_release(cx, &n->r);
    cx->tape = NULL;
}

void backward(struct cx *cx, struct tensor *loss, double seed_scale)
{
    int fresh;
    if (!cx->tape)
        BUG("backward: no tape records");
    tensor_check("backward", loss);
    if (!loss->needs_grad)
        BUG("backward: the loss does not depend on anything that wants a gradient");
    if (tensor_count(loss) != 1)
        BUG("backward: the loss is %s", SHAPE(loss));
    tensor_write(cx, grad_of(cx, loss, &fresh), &seed_scale, DT_F64);
    tape_walk(cx, cx->tape);
}

struct tensor *grad_of(struct cx *cx, struct tensor *x, int *fresh)
{
    *fresh = !x->grad;
    if (*fresh)
        x->grad = tensor_held(cx, x->type, x->rank, x->dim);
    return x->grad;
}

void *grad_zeroed(struct cx *cx, struct tensor *x)
{
    int fresh;
    if (!x || !x->needs_grad)
        return NULL;
    struct tensor *g = grad_of(cx, x, &fresh);
    if (fresh)
        tensor_fill_zero(cx, g);
    return g->data;
}

struct target target_begin(struct cx *cx, struct tensor *x)
{
    struct target t = {NULL, NULL, NULL};
    int fresh;
    if (!x || !x->needs_grad)
        return t;
    t.x = x;
    t.to = grad_of(cx, x, &fresh);
    if (!fresh)
        t.to = tensor_held(cx, x->type, x->rank, x->dim);
    t.data = t.to->data;
    return t;
}

struct target target_always(struct cx *cx, struct tensor *x)
{
    struct target t = target_begin(cx, x);
    if (!t.x) {
        t.to = tensor_held(cx, x->type, x->rank, x->dim);
        t.data = t.to->data;
    }
    return t;
}

void target_done(struct cx *cx, struct target *t)
{
    if (!t->to || (t->x && t->to == t->x->grad))
        return;
    if (t->x)
        grad_add(cx, t->x, t->to, 1);
    tensor_unhold(cx, t->to);
}

void grad_add(struct cx *cx, struct tensor *x, const struct tensor *g, double alpha)
{
    int fresh;
    struct tensor *to = grad_of(cx, x, &fresh);
    struct k_add add = {.n = tensor_count(x),
                        .a_type = to->type,
                        .b_type = g->type,
                        .y_type = to->type,
                        .alpha = 1,
                        .beta = alpha,
                        .a = to->data,
                        .b = g->data,
                        .y = to->data};
    if (fresh) { /* nothing stands there: y = alpha g */
        add.a = g->data;
        add.a_type = g->type;
        add.alpha = alpha;
        add.b = NULL;
        add.beta = 0;
    }
    RUN(cx, add, &add);
}

void grad_pass(struct cx *cx, struct tensor *x, struct tensor *out, double alpha)
{
    if (!x->needs_grad)
        return;
    if (x->grad || alpha != 1 || x->type != out->grad->type) {
        grad_add(cx, x, out->grad, alpha);
        return;
    }
    x->grad = out->grad;
    if (!same_shape(x, x->grad)) { /* a reshape: the same memory under x's own shape */
        x->grad = tensor_alias(cx, out->grad);
        x->grad->rank = x->rank;
        memcpy(x->grad->dim, x->dim, sizeof x->dim);
    }
    out->grad = NULL;
}

static void reshape_bwd(struct cx *cx, struct record *r)
{
    grad_pass(cx, r->in[0], r->out, 1);
}

struct tensor *reshape(struct cx *cx, struct tensor *x, int rank, const int64_t *dim)
{
    tensor_check("reshape", x);
    struct tensor *y = tensor_handle(cx, x->type, rank, dim);
    if (tensor_count(y) != tensor_count(x))
        BUG("reshape: %s to %s", SHAPE(x), SHAPE(y));
    y->data = x->data;
    y->buffer = x->buffer;
    y->gen = x->gen;
    y->kept = x->kept;
    if (wants(cx, x))
        tape_push(cx, "reshape", reshape_bwd, y, 1, &x, NULL, 0);
    return y;
}

/* Recomputation. The block sees aliases of its inputs: what it does to them (consuming, gradients)
 * must not reach the handles outside. An input that is given twice is one alias. */
struct remat_args {
    block_fn fn;
    void *arg;
    int n;
};

static void aliases(struct cx *cx, int n, struct tensor *const *in, struct tensor **out)
{
    for (int i = 0; i < n; i++) {
        out[i] = NULL;
        for (int j = 0; j < i && !out[i]; j++)
            if (in[j] == in[i])
                out[i] = out[j];
        if (!out[i] && in[i]) {
            out[i] = tensor_alias(cx, in[i]);
            out[i]->kept = in[i]->kept;
        }
    }
}

/* The alias starts from the gradient that stands already, so sums are made in the order of a plain
 * walk and give the same bits. */
static void remat_bwd(struct cx *cx, struct record *r)
{
    struct remat_args *a = r->args;
    struct tensor *in[TAPE_MAX_IN];
    struct scope s;
    struct tape *tape = tape_new(cx);
    aliases(cx, a->n, r->saved, in);
    for (int i = 0; i < a->n; i++) {
        if (in[i]) {
            in[i]->needs_grad = r->in[i]->needs_grad;
            in[i]->grad = r->in[i]->grad;
        }
    }
    scope_begin(cx, &s);
    cx->tape = tape;
    struct tensor *y = a->fn(cx, in, a->n, a->arg);
    cx->tape = NULL;
    if (!same_shape(y, r->out) || y->type != r->out->type)
        BUG("remat: the block gave %s at first and %s when replayed", SHAPE(r->out), SHAPE(y));
    if (y->needs_grad)
        grad_pass(cx, y, r->out, 1);
    tape_walk(cx, tape);
    scope_end(cx, &s, NULL);
    for (int i = 0; i < a->n; i++)
        if (in[i])
            r->in[i]->grad = in[i]->grad;
}

struct tensor *remat(struct cx *cx, block_fn fn, struct tensor **in, int n_in, void *arg)
{
    struct tensor *inner[TAPE_MAX_IN], *y, *out;
    struct tape *tape = cx->tape;
    struct scope s;
    if (n_in > TAPE_MAX_IN || n_in > TAPE_MAX_SAVED)
        BUG("remat: %d inputs", n_in);
    if (!tape) {
        scope_begin(cx, &s);
        return scope_end(cx, &s, fn(cx, in, n_in, arg));
    }
    for (int i = 0; i < n_in; i++)
        if (in[i])
            tensor_check("remat", in[i]);
    /* Saved before the block runs, so that no op inside works in place on an input. */
    struct remat_args a = {fn, arg, n_in};
    out = arena_alloc(&cx->handles, sizeof *out);
    struct record *r = tape_push(cx, "remat", remat_bwd, out, n_in, in, &a, sizeof a);
    for (int i = 0; i < n_in; i++)
        record_save(r, i, in[i]);
    aliases(cx, n_in, in, inner);
    cx->tape = NULL;
    scope_begin(cx, &s);
    y = scope_end(cx, &s, fn(cx, inner, n_in, arg));
    cx->tape = tape;
    *out = *y;
    out->grad = NULL;
    out->needs_grad = 1;
    out->poisoned = out->kept = 0;
    return out;
}
