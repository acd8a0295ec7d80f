/* tensor.c - handles, contexts and scopes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/inner.h"

void cx_init(struct cx *cx, struct device *device, enum dtype type, struct threads *threads)
{
    ZT_ASSERT(type == DT_F32 || type == DT_BF16 || type == DT_F64);
    ZT_ASSERT(type != DT_F64 || device->host || device->dry);
    memset(cx, 0, sizeof *cx);
    cx->device = device;
    cx->type = type;
    cx->wide = type == DT_F64 ? DT_F64 : DT_F32;
    cx->k = type == DT_F64 && device->host ? kernels_c() : device->kernels;
    kcx_init(&cx->kcx, threads);
    cx->kcx.device = device;
    arena_init(&cx->handles);
    cx->pool = pool_new(device);
}

void cx_init_dry(struct cx *cx, enum dtype type, int threads)
{
    cx_init(cx, device_null(), type, NULL);
    kcx_release(&cx->kcx);
    kcx_init_dry(&cx->kcx, threads);
    cx->kcx.device = cx->device;
}

void cx_release(struct cx *cx)
{
    weight_slots_release(cx);
    if (cx->pager)
        pager_rest(cx->pager);
    cx->pager = NULL;
    kcx_release(&cx->kcx);
    arena_release(&cx->handles);
    pool_free(&cx->pool);
    cx->tape = NULL;
    cx->scope = NULL;
}

void cx_step_end(struct cx *cx)
{
    pool_reclaim(cx->pool);
    arena_reset(&cx->handles);
    cx->tape = NULL;
    cx->scope = NULL;
    cx->indices = NULL;
}

uint64_t cx_peak_bytes(const struct cx *cx)
{
    return cx->pool->peak_bytes;
}

void cx_reset_peak(struct cx *cx)
{
    cx->pool->peak_bytes = cx->pool->used_bytes;
}

uint64_t cx_reserved_bytes(const struct cx *cx)
{
    return cx->pool->reserved_bytes;
}

uint64_t cx_resident_bytes(const struct cx *cx, uint64_t huge_page)
{
    return pool_resident_bytes(cx->pool, huge_page) + kcx_scratch_bytes(&cx->kcx, huge_page);
}

void cx_fail(struct cx *cx, int code, const char *fmt, ...)
{
    va_list ap;
    if (cx->err.code)
        return;
    cx->err.code = code;
    va_start(ap, fmt);
    vsnprintf(cx->err.msg, sizeof cx->err.msg, fmt, ap);
    va_end(ap);
}

int64_t tensor_count(const struct tensor *x)
{
    int64_t n = 1;
    for (int i = 0; i < x->rank; i++)
        n *= x->dim[i];
    return n;
}

int64_t tensor_rows(const struct tensor *x)
{
    int64_t n = 1;
    for (int i = 0; i < x->rank - 1; i++)
        n *= x->dim[i];
    return n;
}

int64_t tensor_last(const struct tensor *x)
{
    return x->dim[x->rank - 1];
}

size_t tensor_bytes(const struct tensor *x)
{
    return (size_t)tensor_count(x) * dtype_bytes(x->type);
}

const char *tensor_text(const struct tensor *x, char *out, size_t size)
{
    int n = snprintf(out, size, "%s [", dtype_name(x->type));
    for (int i = 0; i < x->rank && n < (int)size - 1; i++)
        n += snprintf(out + n, size - (size_t)n, "%s%lld", i ? "," : "", (long long)x->dim[i]);
    if (n < (int)size - 1)
        snprintf(out + n, size - (size_t)n, "]");
    return out;
}

void tensor_check(const char *op, const struct tensor *x)
{
    if (!x)
        BUG("%s: an input is missing", op);
    if (x->poisoned)
        BUG("%s: input %s was consumed by an earlier op; keep() it", op, SHAPE(x));
    if (x->buffer && x->gen != x->buffer->gen)
        BUG("%s: input %s is out of its scope, or its memory was consumed through another handle",
            op, SHAPE(x));
}

void watch_layer(struct cx *cx, const struct weight *w, const struct tensor *y)
{
    const char *end = strrchr(w->name, '.');

    if (cx->watch && !cx->watch->layer[0] && !tensor_finite(cx, y))
        snprintf(cx->watch->layer, sizeof cx->watch->layer, "%.*s",
                 end ? (int)(end - w->name) : 127, w->name);
}

int same_shape(const struct tensor *a, const struct tensor *b)
{
    return a->rank == b->rank && !memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]);
}

void *tensor_at(const struct tensor *x, int64_t i)
{
    return x->data ? (char *)x->data + (size_t)i * dtype_bytes(x->type) : NULL;
}

struct tensor *tensor_handle(struct cx *cx, enum dtype type, int rank, const int64_t *dim)
{
    if (rank < 1 || rank > TENSOR_MAX_RANK)
        BUG("a tensor of rank %d", rank);
    struct tensor *x = arena_alloc(&cx->handles, sizeof *x);
    int64_t n = (int64_t)dtype_bytes(type);
    x->rank = rank;
    x->type = type;
    for (int i = 0; i < rank; i++) {
        x->dim[i] = dim[i];
        if (dim[i] < 0 || __builtin_mul_overflow(n, dim[i] ? dim[i] : 1, &n))
            BUG("impossible shape: axis %d of %d is %lld", i, rank, (long long)dim[i]);
    }
    return x;
}

struct tensor *tensor_alias(struct cx *cx, const struct tensor *x)
{
    struct tensor *y = arena_alloc(&cx->handles, sizeof *y);
    *y = *x;
    y->grad = NULL;
    y->needs_grad = y->poisoned = y->kept = 0;
    return y;
}

/* A take gave nothing. */
static void no_room(struct cx *cx, size_t bytes)
{
    struct err e;
    device_no_room(cx->device, &e, "%zu bytes beside %llu in use", bytes,
                   (unsigned long long)cx->pool->used_bytes);
    cx_fail(cx, e.code, "%s", e.msg);
}

static struct tensor *with_memory(struct cx *cx, enum dtype type, int rank, const int64_t *dim)
{
    struct tensor *x = tensor_handle(cx, type, rank, dim);
    struct buffer *b = pool_take(cx->pool, tensor_bytes(x));
    x->buffer = b;
    x->data = b->mem;
    x->gen = b->gen;
    if (!b->mem && !cx->device->dry)
        no_room(cx, b->bytes);
    return x;
}

struct tensor *tensor_new(struct cx *cx, enum dtype type, int rank, const int64_t *dim)
{
    struct tensor *x = with_memory(cx, type, rank, dim);
    pool_live_add(cx->pool, x->buffer);
    return x;
}

struct tensor *tensor_held(struct cx *cx, enum dtype type, int rank, const int64_t *dim)
{
    struct tensor *x = with_memory(cx, type, rank, dim);
    x->buffer->refs = 1;
    return x;
}

void tensor_unhold(struct cx *cx, struct tensor *x)
{
    if (x->buffer)
        pool_unref(cx->pool, x->buffer);
}

struct tensor *tensor_like(struct cx *cx, enum dtype type, const struct tensor *x)
{
    return tensor_new(cx, type, x->rank, x->dim);
}

void tensor_drop(struct cx *cx, struct tensor *x)
{
    if (x && x->buffer)
        pool_live_drop(cx->pool, x->buffer);
}

void tensor_fill_zero(struct cx *cx, struct tensor *x)
{
    if (x->data)
        device_zero(cx->device, x->data, tensor_bytes(x));
}

struct tensor *tensor_zeros(struct cx *cx, enum dtype type, int rank, const int64_t *dim)
{
    struct tensor *x = tensor_new(cx, type, rank, dim);
    tensor_fill_zero(cx, x);
    return x;
}

void tensor_write(struct cx *cx, struct tensor *x, const void *values, enum dtype type)
{
    size_t n = (size_t)tensor_count(x);
    if (!x->data)
        return;
    if (cx->device->host) {
        dtype_convert(x->data, x->type, values, type, n);
        return;
    }
    void *converted = xmalloc(tensor_bytes(x) + 1);
    dtype_convert(converted, x->type, values, type, n);
    device_put(cx->device, x->data, converted, tensor_bytes(x));
    free(converted);
}

struct tensor *tensor_from(struct cx *cx, enum dtype type, int rank, const int64_t *dim,
                           const void *values, enum dtype values_type)
{
    struct tensor *x = tensor_new(cx, type, rank, dim);
    tensor_write(cx, x, values, values_type);
    return x;
}

struct tensor *tensor_wrap(struct cx *cx, enum dtype type, int rank, const int64_t *dim, void *data)
{
    struct tensor *x = tensor_handle(cx, type, rank, dim);
    x->data = cx->device->dry ? NULL : data;
    return x;
}

void tensor_save(struct cx *cx, const struct tensor *x, int64_t first, int64_t n, void *to)
{
    int64_t row = x->dim[0] ? tensor_count(x) / x->dim[0] : 0;
    tensor_check("tensor_save", x);
    ZT_ASSERT(first >= 0 && n >= 0 && first + n <= x->dim[0]);
    if (x->type == DT_I8) { /* of the host alone, and no numbers */
        if (!cx->err.code && !cx->device->dry)
            memcpy(to, tensor_at(x, first * row), (size_t)(n * row));
        return;
    }
    struct k_permute k = {.rank = 1,
                          .dim = {n * row},
                          .src_stride = {1},
                          .dst_stride = {1},
                          .src_type = x->type,
                          .dst_type = x->type,
                          .src = tensor_at(x, first * row),
                          .dst = to};
    RUN(cx, permute, &k);
}

/* Where the host waits, it asks how the device is. */
static void look_at_device(struct cx *cx)
{
    struct err e = {0};
    if (!cx->err.code && device_check(cx->device, &e))
        cx_fail(cx, e.code, "%s", e.msg);
}

void tensor_read(struct cx *cx, const struct tensor *x, enum dtype type, void *out)
{
    size_t n = (size_t)tensor_count(x);
    tensor_check("tensor_read", x);
    if (x->data && cx->device->host) {
        dtype_convert(out, type, x->data, x->type, n);
        return;
    }
    if (x->data && !cx->err.code) {
        void *copy = xmalloc(tensor_bytes(x) + 1);
        device_get(cx->device, copy, x->data, tensor_bytes(x));
        dtype_convert(out, type, copy, x->type, n);
        free(copy);
        look_at_device(cx);
    }
    if (!x->data || cx->err.code)
        memset(out, 0, n * dtype_bytes(type));
}

void tensor_read_f32(struct cx *cx, const struct tensor *x, float *out)
{
    tensor_read(cx, x, DT_F32, out);
}

int tensor_finite(struct cx *cx, const struct tensor *x)
{
    struct k_tally tally = {0, -1};
    tensor_check("tensor_finite", x);
    struct tensor *out = tensor_held(cx, DT_F64, DIMS(sizeof tally / sizeof(double)));
    struct k_sum_squares k = {tensor_count(x), x->type, x->data, out->data};
    RUN(cx, sum_squares, &k);
    if (out->data && !cx->err.code)
        device_get(cx->device, &tally, out->data, sizeof tally);
    tensor_unhold(cx, out);
    look_at_device(cx);
    return !cx->err.code && tally.first_bad < 0;
}

/* A list of the host that the device has seen in this step. */
struct index_copy {
    const int32_t *host;
    int64_t n;
    struct tensor *copy;
    struct index_copy *next;
};

const int32_t *index_on_device(struct cx *cx, const int32_t *host, int64_t n)
{
    if (!host || cx->device->host || cx->device->dry)
        return host;
    for (struct index_copy *i = cx->indices; i; i = i->next)
        if (i->host == host && i->n == n)
            return i->copy->data;
    struct index_copy *i = arena_alloc(&cx->handles, sizeof *i);
    *i = (struct index_copy){host, n, tensor_held(cx, DT_I32, DIMS(n)), cx->indices};
    if (i->copy->data)
        device_put(cx->device, i->copy->data, host, (size_t)n * sizeof *host);
    cx->indices = i;
    return i->copy->data;
}

struct tensor *keep(struct cx *cx, struct tensor *x)
{
    (void)cx;
    tensor_check("keep", x);
    x->kept = 1;
    if (x->buffer)
        x->buffer->kept = 1;
    return x;
}

struct tensor *consume(struct cx *cx, struct tensor *x, enum dtype type, int reads_x)
{
    struct buffer *b = x->buffer;
    if (!b || b->kept || b->refs || x->kept || reads_x || type != x->type)
        return tensor_like(cx, type, x);
    struct tensor *y = tensor_alias(cx, x);
    y->gen = ++b->gen;
    x->poisoned = 1;
    return y;
}

void consume_done(struct cx *cx, struct tensor *x, const struct tensor *y)
{
    if (x->kept || x->buffer == y->buffer)
        return;
    x->poisoned = 1;
    if (x->buffer && !x->buffer->kept)
        pool_live_drop(cx->pool, x->buffer);
}

void scope_begin(struct cx *cx, struct scope *s)
{
    s->outer = cx->scope;
    s->first = cx->pool->n_live;
    cx->scope = s;
}

struct tensor *scope_end(struct cx *cx, struct scope *s, struct tensor *result)
{
    struct pool *p = cx->pool;
    struct buffer *keep = result ? result->buffer : NULL;
    if (cx->scope != s)
        BUG("scope_end: scopes are not nested");
    cx->scope = s->outer;
    for (int i = s->first; i < p->n_live; i++) {
        struct buffer *b = p->live[i];
        if (!b || b == keep)
            continue;
        pool_live_drop(p, b);
    }
    int result_is_inner = keep && keep->live_at >= s->first;
    p->n_live = s->first;
    if (result_is_inner)
        pool_live_add(p, keep);
    return result;
}
