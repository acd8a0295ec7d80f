/* conv.c - 2D convolution of channels-last images, and convolution over time of frames. */
#include <string.h>

#include "tensor/inner.h"

struct conv_args {
    struct conv_w w;
    struct k_conv2d k;
    double flops;
};

static void conv_bwd(struct cx *cx, struct record *r)
{
    struct conv_args *a = r->args;
    const void *dy = r->out->grad->data;
    if (weight_wants(a->w.w)) {
        struct k_conv2d_dw k = {.f = a->k,
                                .dy = dy,
                                .dw = a->w.w->grad,
                                .dbias = weight_wants(a->w.b) ? a->w.b->grad : NULL};
        RUN(cx, conv2d_dw, &k);
        cx->flops += a->flops;
    } else if (weight_wants(a->w.b)) {
        struct k_sum_rows k = {tensor_rows(r->out), a->k.cout, a->k.type, dy, a->w.b->grad};
        RUN(cx, sum_rows, &k);
    }
    if (r->in[0]->needs_grad) {
        struct target dx = target_begin(cx, r->in[0]);
        struct k_conv2d_dx k = {.f = a->k, .dy = dy, .dx = dx.data};
        RUN(cx, conv2d_dx, &k);
        target_done(cx, &dx);
        cx->flops += a->flops;
    }
}

static void conv_check(struct cx *cx, const struct tensor *x, const struct conv_w *w, int stride)
{
    const struct weight *k = w->w;
    tensor_check("conv2d", x);
    if (x->rank != 4 || k->rank != 4 || x->dim[3] != k->dim[3] || x->type != k->type)
        BUG("conv2d: x is %s, %s is %s [%lld,%lld,%lld,%lld]", SHAPE(x), k->name,
            dtype_name(k->type), (long long)k->dim[0], (long long)k->dim[1], (long long)k->dim[2],
            (long long)k->dim[3]);
    if (stride < 1 || (k->dim[1] & 1) == 0 || (k->dim[2] & 1) == 0)
        BUG("conv2d: %s with stride %d: kernels have odd sizes", k->name, stride);
    if (w->b && (weight_count(w->b) != k->dim[0] || w->b->type != cx->wide))
        BUG("conv2d: %s is not a wide vector of %lld", w->b->name, (long long)k->dim[0]);
}

struct tensor *conv2d(struct cx *cx, struct tensor *x, const struct conv_w *w, int stride)
{
    conv_check(cx, x, w, stride);
    int kh = (int)w->w->dim[1], kw = (int)w->w->dim[2];
    struct conv_args a = {.w = *w,
                          .k = {.n = x->dim[0],
                                .h = x->dim[1],
                                .w = x->dim[2],
                                .cin = x->dim[3],
                                .cout = w->w->dim[0],
                                .kh = kh,
                                .kw = kw,
                                .stride = stride,
                                .pad_top = w->pad_after ? 0 : (kh - 1) / 2,
                                .pad_left = w->pad_after ? 0 : (kw - 1) / 2,
                                .pad_bottom = w->pad_after ? kh - 1 : (kh - 1) / 2,
                                .pad_right = w->pad_after ? kw - 1 : (kw - 1) / 2,
                                .type = x->type,
                                .x = x->data,
                                .weight = weight_data(cx, w->w),
                                .bias = w->b ? weight_data(cx, w->b) : NULL}};
    int64_t oh = (a.k.h + kh - 1 - kh) / stride + 1, ow = (a.k.w + kw - 1 - kw) / stride + 1;
    struct tensor *y = tensor_new(cx, x->type, DIMS(a.k.n, oh, ow, a.k.cout));
    a.k.y = y->data;
    RUN(cx, conv2d, &a.k);
    watch_layer(cx, w->w, y);
    a.flops = 2.0 * (double)tensor_count(y) * (double)a.k.cin * kh * kw;
    cx->flops += a.flops;
    if (wants(cx, x) || wants_weight(cx, w->w) || wants_weight(cx, w->b)) {
        a.k.y = NULL;
        struct record *r = PUSH(cx, conv_bwd, y, &a, x);
        if (weight_wants(w->w))
            record_save(r, 0, x);
    }
    return y;
}

/* ---- over time ---- */

static int taps_of(const struct conv_w *w)
{
    return w->w->rank == 5 ? (int)w->w->dim[1] : 1;
}

/* The kernel's arguments but for frames, result and bias; taps of w count as outputs when split. */
static struct k_conv3d frames_args(struct cx *cx, const struct tensor *x, const struct conv_w *w,
                                   int split)
{
    const struct weight *k = w->w;
    int r = k->rank, kt = taps_of(w), kh = (int)k->dim[r - 3];
    int kw = (int)k->dim[r - 2];
    tensor_check("conv3d", x);
    if (x->rank != 4 || x->dim[0] != 1 || x->dim[3] != k->dim[r - 1] || x->type != k->type ||
        r < 4 || !(kh & kw & 1) || kt > CONV3D_TAPS)
        BUG("conv3d: x is %s, %s is %s [%lld,%lld,%lld,..]", SHAPE(x), k->name, dtype_name(k->type),
            (long long)k->dim[0], (long long)k->dim[1], (long long)k->dim[2]);
    if (wants(cx, x) || wants_weight(cx, k))
        cx_fail(cx, ERR_USAGE, "%s: convolutions over time have no gradient in this version",
                k->name);
    return (struct k_conv3d){.f = {.n = 1,
                                   .h = x->dim[1],
                                   .w = x->dim[2],
                                   .cin = x->dim[3],
                                   .cout = k->dim[0] * (split ? kt : 1),
                                   .kh = kh,
                                   .kw = kw,
                                   .stride = 1,
                                   .pad_top = kh / 2,
                                   .pad_left = kw / 2,
                                   .pad_bottom = kh / 2,
                                   .pad_right = kw / 2,
                                   .type = x->type,
                                   .weight = weight_data(cx, w->w)},
                             .kt = split ? 1 : kt,
                             .up = 1};
}

static void frames_run(struct cx *cx, struct k_conv3d *k, const struct weight *w, struct tensor *y,
                       int taps)
{
    k->f.y = y->data;
    k->y_type = y->type;
    RUN(cx, conv3d, k);
    watch_layer(cx, w, y);
    cx->flops += 2.0 * (double)tensor_count(y) * (double)(k->f.cin * k->f.kh * k->f.kw * taps);
}

/* The result's memory: new, or that of `to`, which is added to. */
static struct tensor *frames_result(struct cx *cx, struct k_conv3d *k, const struct conv_w *w,
                                    struct tensor *to, enum dtype type)
{
    int64_t dim[4] = {1, k->f.h * k->up, k->f.w * k->up, k->f.cout};
    struct tensor *y;
    if (!to)
        return tensor_new(cx, type, 4, dim);
    tensor_check("conv3d", to);
    if (to->rank != 4 || memcmp(to->dim, dim, sizeof dim))
        BUG("conv3d: %s gives [1,%lld,%lld,%lld], not %s", w->w->name, (long long)dim[1],
            (long long)dim[2], (long long)dim[3], SHAPE(to));
    k->add = 1;
    y = consume(cx, to, to->type, 0);
    if (!cx->err.code && (y->data != to->data || y->buffer != to->buffer))
        BUG("conv3d: what is added to must not be kept");
    return y;
}

/* The frames were looked at: what they give. */
static struct tensor *frames_compute(struct cx *cx, struct k_conv3d *k, struct tensor *const *frame,
                                     const struct conv_w *w, int up, struct tensor *to,
                                     enum dtype type)
{
    int taps = 0;
    struct tensor *y;
    for (int i = 0; i < k->kt; i++) {
        k->frame[i] = frame[i] ? frame[i]->data : NULL;
        taps += frame[i] != NULL;
    }
    k->up = up;
    k->f.bias = w->b ? weight_data(cx, w->b) : NULL;
    y = frames_result(cx, k, w, to, type);
    frames_run(cx, k, w->w, y, taps);
    if (to)
        consume_done(cx, to, y);
    return y;
}

struct tensor *conv3d(struct cx *cx, struct tensor *const *frame, const struct conv_w *w, int up,
                      struct tensor *to, enum dtype type)
{
    int kt = taps_of(w);
    struct tensor *x = frame[kt - 1];
    struct k_conv3d k = frames_args(cx, x, w, 0);
    if (conv_in_bytes(w))
        BUG("conv3d: %s is held in bytes", w->w->name);
    for (int i = 0; i < kt; i++)
        if (frame[i] && (!same_shape(frame[i], x) || frame[i]->type != x->type))
            BUG("conv3d: frame %d is %s, the last is %s", i, SHAPE(frame[i]), SHAPE(x));
    return frames_compute(cx, &k, frame, w, up, to, type);
}

int conv_in_bytes(const struct conv_w *w)
{
    return w->w->form.int8;
}

struct tensor *conv3d_bytes(struct cx *cx, struct tensor *const *frame, const struct conv_w *w,
                            int up, struct tensor *to, enum dtype type, struct tensor **now)
{
    int kt = taps_of(w);
    struct k_conv3d k = frames_args(cx, frame[kt - 1], w, 0);
    int64_t bytes = (int64_t)conv3d_now_bytes(k.f.h, k.f.w, k.f.cin);
    if (!conv_in_bytes(w))
        BUG("conv3d_bytes: %s is not held in bytes", w->w->name);
    for (int i = 0; i < kt - 1; i++)
        if (frame[i] && (frame[i]->type != DT_I8 || tensor_count(frame[i]) != bytes))
            BUG("conv3d_bytes: frame %d is %s, not %lld bytes", i, SHAPE(frame[i]),
                (long long)bytes);
    *now = tensor_new(cx, DT_I8, DIMS(1, bytes));
    k.bytes = (struct conv3d_bytes){w->w->form.scale, (*now)->data};
    return frames_compute(cx, &k, frame, w, up, to, type);
}

struct tensor *conv3d_packed(struct cx *cx, struct tensor *const *frame, const struct conv_w *w,
                             struct tensor *to, enum dtype type, struct tensor *now)
{
    int kt = taps_of(w);
    struct k_conv3d k = frames_args(cx, frame[kt - 1], w, 0);
    int64_t bytes = (int64_t)conv3d_packed_bytes(k.f.h, k.f.w, k.f.cin);
    if (conv_in_bytes(w) || k.f.type != DT_BF16)
        BUG("conv3d_packed: %s is not held in bf16", w->w->name);
    for (int i = 0; i < kt; i++) {
        struct tensor *x = i < kt - 1 ? frame[i] : now;
        if (x && (x->type != DT_I8 || tensor_count(x) != bytes))
            BUG("conv3d_packed: frame %d is %s, not %lld bytes", i, SHAPE(x), (long long)bytes);
    }
    k.packed = 1;
    k.now = now->data;
    return frames_compute(cx, &k, frame, w, 1, to, type);
}

struct tensor *conv3d_taps(struct cx *cx, struct tensor *x, const struct conv_w *w)
{
    struct k_conv3d k = frames_args(cx, x, w, 1);
    struct tensor *y = tensor_new(cx, cx->wide, DIMS(1, k.f.h, k.f.w, k.f.cout));
    k.frame[0] = x->data;
    frames_run(cx, &k, w->w, y, 1);
    return y;
}
