/* tensor.c - handles, contexts and scopes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/inner.h"

void cx_init(struct cx *cx, enum dtype type, struct threads *threads, int dry)
{
    ZT_ASSERT(type == DT_F32 || type == DT_BF16 || type == DT_F64);
    memset(cx, 0, sizeof *cx);
    cx->type = type;
    cx->wide = type == DT_F64 ? DT_F64 : DT_F32;
    cx->dry = dry;
    if (dry)
        cx->k = kernels_null();
    else
        cx->k = type == DT_F64 ? kernels_c() : kernels_best();
    kcx_init(&cx->kcx, threads);
    arena_init(&cx->handles);
    cx->pool = pool_new(dry);
}

void cx_release(struct cx *cx)
{
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

static void attach(struct tensor *x, struct buffer *b)
{
    x->buffer = b;
    x->data = b->mem;
    x->gen = b->gen;
}

struct tensor *tensor_new(struct cx *cx, enum dtype type, int rank, const int64_t *dim)
{
    struct tensor *x = tensor_handle(cx, type, rank, dim);
    attach(x, pool_take(cx->pool, tensor_bytes(x)));
    pool_live_add(cx->pool, x->buffer);
    return x;
}

struct tensor *tensor_held(struct cx *cx, enum dtype type, int rank, const int64_t *dim)
{
    struct tensor *x = tensor_handle(cx, type, rank, dim);
    attach(x, pool_take(cx->pool, tensor_bytes(x)));
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

void tensor_fill_zero(struct tensor *x)
{
    if (x->data)
        memset(x->data, 0, tensor_bytes(x));
}

struct tensor *tensor_zeros(struct cx *cx, enum dtype type, int rank, const int64_t *dim)
{
    struct tensor *x = tensor_new(cx, type, rank, dim);
    tensor_fill_zero(x);
    return x;
}

struct tensor *tensor_wrap(struct cx *cx, enum dtype type, int rank, const int64_t *dim, void *data)
{
    struct tensor *x = tensor_handle(cx, type, rank, dim);
    x->data = cx->dry ? NULL : data;
    return x;
}

void tensor_read_f32(struct cx *cx, const struct tensor *x, float *out)
{
    size_t n = (size_t)tensor_count(x);
    tensor_check("tensor_read_f32", x);
    if (cx->dry)
        memset(out, 0, n * sizeof *out);
    else
        dtype_convert(out, DT_F32, x->data, x->type, n);
}

int tensor_finite(struct cx *cx, const struct tensor *x)
{
    struct k_sum_squares k = {tensor_count(x), x->type, x->data, 0, -1};
    tensor_check("tensor_finite", x);
    RUN(cx, sum_squares, &k);
    return k.first_bad < 0;
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
