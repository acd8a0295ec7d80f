/* gradcheck.c - see gradcheck.h. */
#include "fixture.h"
#include "grad/gradcheck.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "tensor/inner.h"
#include "ztest.h"

enum { MAX_ARRAYS = 512, OUT_STREAM = 900 };

/* An array whose gradient is looked at: an input or a weight. */
struct array {
    const char *name;
    struct weight *w; /* or NULL: an input */
    int64_t n;
    int wanted;
    double *x, *grad; /* values and the gradient of the last run */
};

struct state {
    const struct gradcheck *g;
    int n;
    struct array a[MAX_ARRAYS];
    struct device *device;
    double *out; /* result of the last run */
    int64_t n_out;
    uint64_t peak;
};

enum how { FORWARD, PLAIN, REMAT };

static void fill(double *x, int64_t n, uint64_t seed, uint64_t stream, double offset, double scale)
{
    struct rng r;
    rng_init(&r, seed, stream);
    for (int64_t i = 0; i < n; i++)
        x[i] = offset + scale * rng_normal(&r);
}

static void add_array(struct state *s, const char *name, struct weight *w, int64_t n, int wanted)
{
    if (s->n == MAX_ARRAYS)
        ztest_fail(__FILE__, __LINE__, "more than %d arrays", MAX_ARRAYS);
    struct array *a = &s->a[s->n++];
    *a = (struct array){name, w, n, wanted, xcalloc((size_t)n + 1, 8), xcalloc((size_t)n + 1, 8)};
}

static void state_init(struct state *s, const struct gradcheck *g, struct device *device)
{
    static const char *const names[] = {"in 0", "in 1", "in 2", "in 3",
                                        "in 4", "in 5", "in 6", "in 7"};
    memset(s, 0, sizeof *s);
    s->g = g;
    s->device = device;
    for (int i = 0; i < g->n_in; i++) {
        int64_t n = 1;
        for (int d = 0; d < g->in[i].rank; d++)
            n *= g->in[i].dim[d];
        add_array(s, names[i], NULL, n, !g->in[i].constant);
        fill(s->a[i].x, n, g->seed, (uint64_t)i, g->in[i].offset,
             g->in[i].scale ? g->in[i].scale : 1);
    }
    for (int i = 0; g->weights && i < g->weights->n; i++) {
        struct weight *w = g->weights->all[i];
        int64_t n = weight_count(w);
        double scale = w->rank == 1 ? 0.3 : 1 / sqrt((double)(n / w->dim[0]));
        add_array(s, w->name, w, n, !w->frozen);
        fill(s->a[s->n - 1].x, n, g->seed, 100 + (uint64_t)i, w->init == INIT_ONE, scale);
    }
}

static void state_release(struct state *s)
{
    for (int i = 0; i < s->n; i++) {
        free(s->a[i].x);
        free(s->a[i].grad);
    }
    free(s->out);
}

static void set_weights(struct state *s)
{
    for (int i = 0; i < s->n; i++)
        if (s->a[i].w)
            weight_store(s->a[i].w, s->a[i].x, DT_F64);
}

static struct tensor *scalar_of(struct cx *cx, struct state *s, struct tensor *y)
{
    if (y->rank == 1 && y->dim[0] == 1)
        return y;
    int64_t n = tensor_count(y);
    double *v = xcalloc((size_t)n + 1, sizeof *v);
    fill(v, n, s->g->seed, OUT_STREAM, 0, 1);
    struct tensor *t = tensor_from(cx, cx->wide, y->rank, y->dim, v, DT_F64);
    free(v);
    return loss_l2(cx, y, t, NULL, 1);
}

static void keep_output(struct cx *cx, struct state *s, const struct tensor *y)
{
    s->n_out = tensor_count(y);
    free(s->out);
    s->out = xcalloc((size_t)s->n_out + 1, sizeof *s->out);
    tensor_read(cx, y, DT_F64, s->out);
}

static void keep_grads(struct cx *cx, struct state *s, struct tensor **in)
{
    for (int i = 0; i < s->n; i++) {
        struct array *a = &s->a[i];
        memset(a->grad, 0, (size_t)a->n * sizeof *a->grad);
        if (!a->wanted)
            continue;
        struct tensor *g = a->w ? tensor_wrap(cx, cx->wide, DIMS(a->n), a->w->grad) : in[i]->grad;
        if (g)
            tensor_read(cx, g, DT_F64, a->grad);
    }
}

/* One run; the loss, and in s the result, the gradients and the peak of memory. */
static double run(struct state *s, struct cx *cx, enum how how)
{
    const struct gradcheck *g = s->g;
    struct tensor *in[TAPE_MAX_IN], *y, *loss;
    void *copy[TAPE_MAX_IN];
    double value;
    for (int i = 0; i < g->n_in; i++) {
        enum dtype type = g->in[i].wide ? cx->wide : cx->type;
        copy[i] = device_take(cx->device, (size_t)s->a[i].n * dtype_bytes(type));
        in[i] = tensor_wrap(cx, type, g->in[i].rank, g->in[i].dim, copy[i]);
        tensor_write(cx, in[i], s->a[i].x, DT_F64);
        in[i]->needs_grad = s->a[i].wanted;
    }
    cx_reset_peak(cx);
    if (how != FORWARD)
        tape_begin(cx);
    y = how == REMAT ? remat(cx, g->fn, in, g->n_in, g->arg) : g->fn(cx, in, g->n_in, g->arg);
    if (!cx->device->dry)
        keep_output(cx, s, y);
    loss = scalar_of(cx, s, y);
    value = scalar_value(cx, loss);
    if (how != FORWARD) {
        if (g->weights)
            weight_zero_grads(g->weights);
        backward(cx, loss, 1);
        tape_end(cx);
        if (!cx->device->dry)
            keep_grads(cx, s, in);
    }
    s->peak = cx_peak_bytes(cx);
    cx_step_end(cx);
    for (int i = 0; i < g->n_in; i++)
        device_give(cx->device, copy[i],
                    (size_t)s->a[i].n * dtype_bytes(g->in[i].wide ? cx->wide : cx->type));
    if (cx->err.code)
        ztest_fail(__FILE__, __LINE__, "%s", cx->err.msg);
    return value;
}

static double difference(struct state *s, struct cx *cx, struct array *a, int64_t at, double step)
{
    double old = a->x[at], loss[2];
    for (int k = 0; k < 2; k++) {
        a->x[at] = old + (k ? -step : step);
        if (a->w)
            weight_store(a->w, a->x, DT_F64);
        loss[k] = run(s, cx, FORWARD);
    }
    a->x[at] = old;
    if (a->w)
        weight_store(a->w, a->x, DT_F64);
    return (loss[0] - loss[1]) / (2 * step);
}

/* Against the differences, at random places of every array. */
static double compare(struct state *s, struct cx *cx)
{
    const struct gradcheck *g = s->g;
    int entries = g->entries ? g->entries : 16;
    double step = g->step ? g->step : 1e-5, worst = 0, norm = 0;
    double(*sum)[3] = xcalloc((size_t)s->n, sizeof *sum); /* error, gradient, count */
    struct rng r;
    rng_init(&r, g->seed, 77);
    for (int i = 0; i < s->n; i++) {
        struct array *a = &s->a[i];
        for (int e = 0; a->wanted && e < entries && a->n; e++) {
            int64_t at = a->n <= entries ? e % a->n : rng_below(&r, (int)a->n);
            double d = difference(s, cx, a, at, step);
            sum[i][0] += (d - a->grad[at]) * (d - a->grad[at]);
            sum[i][1] += d * d;
            sum[i][2] += 1;
        }
        if (sum[i][2] && sum[i][1] / sum[i][2] > norm)
            norm = sum[i][1] / sum[i][2];
    }
    for (int i = 0; i < s->n; i++) {
        if (!sum[i][2])
            continue;
        double size = fmax(sqrt(sum[i][1]), 1e-3 * sqrt(norm * sum[i][2]));
        double err = size > 0 ? sqrt(sum[i][0]) / size : INFINITY;
        if (!isfinite(err))
            err = INFINITY;
        if (err > 1e-6)
            printf("  gradient of %s: relative error %g\n", s->a[i].name, err);
        worst = fmax(worst, err);
    }
    free(sum);
    return worst;
}

static void same_bits(struct state *s, double **grads)
{
    for (int i = 0; i < s->n; i++)
        if (memcmp(s->a[i].grad, grads[i], (size_t)s->a[i].n * sizeof(double)))
            ztest_fail(__FILE__, __LINE__, "recomputation changes the gradient of %s",
                       s->a[i].name);
}

static void check_remat(struct state *s, struct cx *cx)
{
    double **grads = xcalloc((size_t)s->n, sizeof *grads);
    for (int i = 0; i < s->n; i++) {
        grads[i] = xcalloc((size_t)s->a[i].n + 1, sizeof(double));
        memcpy(grads[i], s->a[i].grad, (size_t)s->a[i].n * sizeof(double));
    }
    run(s, cx, REMAT);
    same_bits(s, grads);
    for (int i = 0; i < s->n; i++)
        free(grads[i]);
    free(grads);
}

static void check_dry(struct state *s, struct cx *cx)
{
    static const char *const name[] = {"inference", "training", "recomputation"};
    struct cx dry;
    cx_init(&dry, device_null(), cx->type, NULL);
    for (int how = FORWARD; how <= REMAT; how++) {
        run(s, cx, how);
        uint64_t peak = s->peak;
        run(s, &dry, how);
        if (s->peak != peak)
            ztest_fail(__FILE__, __LINE__, "%s peaks at %llu bytes, its dry run at %llu", name[how],
                       (unsigned long long)peak, (unsigned long long)s->peak);
    }
    cx_release(&dry);
}

double gradcheck(const struct gradcheck *g)
{
    struct state *s = xcalloc(1, sizeof *s);
    struct cx cx;
    state_init(s, g, device_cpu());
    if (g->weights)
        weights_on_cpu(g->weights, DT_F64, 1);
    set_weights(s);
    cx_init(&cx, device_cpu(), DT_F64, g->threads);
    check_dry(s, &cx);
    run(s, &cx, PLAIN);
    check_remat(s, &cx);
    double worst = compare(s, &cx);
    cx_release(&cx);
    state_release(s);
    free(s);
    return worst;
}

static double rel(const double *a, const double *b, int64_t n)
{
    double d = 0, q = 0;
    for (int64_t i = 0; i < n; i++) {
        d += (a[i] - b[i]) * (a[i] - b[i]);
        q += b[i] * b[i];
    }
    double e = d == 0 ? 0 : sqrt(d / q);
    return isfinite(e) ? e : INFINITY;
}

/* The values that `type` can hold, so that only the arithmetic differs. */
static void round_values(struct state *s, enum dtype type)
{
    enum dtype wide = type == DT_F64 ? DT_F64 : DT_F32;
    for (int i = 0; i < s->n; i++) {
        struct array *a = &s->a[i];
        enum dtype t = a->w ? a->w->type : s->g->in[i].wide ? wide : type;
        void *tmp = xcalloc((size_t)a->n + 1, dtype_bytes(t));
        dtype_convert(tmp, t, a->x, DT_F64, (size_t)a->n);
        dtype_convert(a->x, DT_F64, tmp, t, (size_t)a->n);
        free(tmp);
    }
}

/* The device that is held against the CPU in f64: $ZT_TEST_DEVICE, or the CPU itself. */
static struct device *tested_device(void)
{
    const char *name = getenv("ZT_TEST_DEVICE");
    struct device *d;
    struct err e = {0};
    if (device_named(&d, name && *name ? name : "cpu", &e))
        ztest_fail(__FILE__, __LINE__, "ZT_TEST_DEVICE: %s", e.msg);
    return d;
}

void gradcheck_type(const struct gradcheck *g, enum dtype type, double *result, double *gradient)
{
    struct state *s[2];
    enum dtype types[2] = {type, DT_F64};
    struct device *devices[2] = {tested_device(), device_cpu()};
    struct err e = {0};
    for (int k = 0; k < 2; k++) {
        struct cx cx;
        s[k] = xcalloc(1, sizeof *s[k]);
        if (g->weights)
            weights_on_cpu(g->weights, type, 1);
        state_init(s[k], g, devices[k]);
        round_values(s[k], type);
        if (g->weights && weight_set_allocate(g->weights, devices[k], types[k], 1, &e))
            ztest_fail(__FILE__, __LINE__, "%s", e.msg);
        set_weights(s[k]);
        cx_init(&cx, devices[k], types[k], g->threads);
        run(s[k], &cx, PLAIN);
        cx_release(&cx);
    }
    *result = s[0]->n_out == s[1]->n_out ? rel(s[0]->out, s[1]->out, s[0]->n_out) : INFINITY;
    *gradient = 0;
    for (int i = 0; i < s[0]->n; i++)
        *gradient = fmax(*gradient, rel(s[0]->a[i].grad, s[1]->a[i].grad, s[0]->a[i].n));
    for (int k = 0; k < 2; k++) {
        state_release(s[k]);
        free(s[k]);
    }
}
