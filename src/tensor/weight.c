/* weight.c - declaring, allocating, initialising and filling the weights of one network. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "format/safetensors.h"
#include "tensor/inner.h"

void weight_set_init(struct weight_set *s)
{
    memset(s, 0, sizeof *s);
    arena_init(&s->arena);
}

static enum dtype grad_type(const struct weight *w)
{
    return w->type == DT_F64 ? DT_F64 : DT_F32;
}

static size_t bytes_of(const struct weight *w, enum dtype type)
{
    return (size_t)weight_count(w) * dtype_bytes(type);
}

static void weight_forget(struct weight *w)
{
    if (w->data && w->data != w->master && w->owner == OWNER_DEVICE)
        device_give(w->device, w->data, weight_data_bytes(w));
    free((void *)w->form.scale);
    lora_forget(w);
    if (w->master)
        device_give(w->device, w->master, bytes_of(w, DT_F32));
    if (w->grad)
        device_give(w->device, w->grad, bytes_of(w, grad_type(w)));
    w->data = w->grad = NULL;
    w->master = NULL;
    w->owner = OWNER_NONE;
    w->form = (struct stored){0};
}

void weight_set_release(struct weight_set *s)
{
    for (int i = 0; i < s->n; i++)
        weight_forget(s->all[i]);
    weight_stream_free(s);
    pager_free(s);
    st_close(&s->file);
    free(s->all);
    arena_release(&s->arena);
    s->all = NULL;
    s->n = s->cap = 0;
}

struct weight *weight_find(struct weight_set *s, const char *name)
{
    for (int i = 0; i < s->n; i++)
        if (!strcmp(s->all[i]->name, name))
            return s->all[i];
    return NULL;
}

struct weight *weight_declare(struct weight_set *s, const char *name, int matrix, enum init init,
                              double init_arg, int rank, const int64_t *dim)
{
    if (rank < 1 || rank > 5)
        BUG("weight_declare: %s has rank %d", name, rank);
    if (weight_find(s, name))
        BUG("weight_declare: %s is declared twice", name);
    struct weight *w = arena_alloc(&s->arena, sizeof *w);
    w->name = arena_strdup(&s->arena, name);
    w->rank = rank;
    memcpy(w->dim, dim, (size_t)rank * sizeof *dim);
    for (int i = 0; i < rank; i++)
        if (dim[i] < 1)
            BUG("weight_declare: axis %d of %s is %lld", i, name, (long long)dim[i]);
    w->init = init;
    w->group = s->group;
    w->init_arg = init == INIT_LINEAR && init_arg == 0 ? 1 : init_arg;
    w->matrix = matrix;
    w->muon = matrix;
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;
        s->all = xrealloc(s->all, (size_t)s->cap * sizeof *s->all);
    }
    s->all[s->n++] = w;
    return w;
}

static struct weight *bias_declare(struct weight_set *s, const char *name, int64_t out)
{
    char *full = arena_printf(&s->arena, "%s.bias", name);
    return weight_declare(s, full, 0, INIT_ZERO, 0, DIMS(out));
}

struct linear_w linear_declare(struct weight_set *s, const char *name, int64_t in, int64_t out,
                               int bias, enum init init, double init_arg)
{
    char *full = arena_printf(&s->arena, "%s.weight", name);
    struct linear_w l = {weight_declare(s, full, 1, init, init_arg, DIMS(out, in)), NULL};
    if (bias)
        l.b = bias_declare(s, name, out);
    return l;
}

struct conv_w conv_declare(struct weight_set *s, const char *name, int64_t in, int64_t out,
                           int kernel, int bias, enum init init, double init_arg)
{
    char *full = arena_printf(&s->arena, "%s.weight", name);
    struct conv_w c = {weight_declare(s, full, 1, init, init_arg, DIMS(out, kernel, kernel, in)),
                       NULL, 0};
    c.w->conv = 1;
    if (bias)
        c.b = bias_declare(s, name, out);
    return c;
}

struct conv_w conv3d_declare(struct weight_set *s, const char *name, int64_t in, int64_t out,
                             int frames, int kernel)
{
    char *full = arena_printf(&s->arena, "%s.weight", name);
    struct conv_w c = {
        weight_declare(s, full, 1, INIT_LINEAR, 1, DIMS(out, frames, kernel, kernel, in)), NULL, 0};
    c.w->conv = 1;
    c.b = bias_declare(s, name, out);
    return c;
}

static void *memory(const struct weight *w, size_t bytes, int *full)
{
    void *p = device_take(w->device, bytes);
    if (p)
        device_zero(w->device, p, bytes);
    else if (!w->device->dry)
        *full = 1;
    return p;
}

static void *elements(const struct weight *w, enum dtype type, int *full)
{
    size_t bytes;
    if (size_mul((size_t)weight_count(w), dtype_bytes(type), &bytes) < 0)
        panic("out of memory: a weight of %lld elements", (long long)weight_count(w));
    return memory(w, bytes, full);
}

void weight_set_prepare(struct weight_set *s, struct device *device, enum dtype type)
{
    for (int i = 0; i < s->n; i++) {
        struct weight *w = s->all[i];
        weight_forget(w);
        w->device = device;
        w->type = w->matrix && !w->wide ? type : type == DT_F64 ? DT_F64 : DT_F32;
    }
    weight_stream_free(s);
    pager_free(s);
    st_close(&s->file);
}

/* A form that is the type itself, or bf16 where f32 is wanted: kernels widen that as they read. */
static int is_plain(const struct weight *w, const struct stored_form *form)
{
    return w->type != DT_F64 && (!strcmp(form->name, dtype_name(w->type)) ||
                                 (w->matrix && !strcmp(form->name, dtype_name(DT_BF16))));
}

int weight_can_stay(const struct weight *w, const struct stored_form *form, const void *data)
{
    if (!w->device->host || w->conv || w->type == DT_F64 || weight_row(w) % form->block)
        return 0;
    if (form->block == 1 && (uintptr_t)data % (size_t)form->bytes)
        return 0;
    return w->matrix || is_plain(w, form);
}

void weight_place(struct weight *w, const struct stored_form *form, const void *data, float *scale)
{
    if (!weight_can_stay(w, form, data))
        BUG("weight_place: %s cannot stay %s", w->name, form->name);
    w->data = (void *)data;
    w->owner = OWNER_FILE;
    if (is_plain(w, form) && !scale)
        (void)dtype_from_name(form->name, &w->type);
    else
        w->form = (struct stored){.form = form, .scale = scale, .row_values = weight_row(w)};
}

static int take_memory(struct weight *w, int training, struct err *e)
{
    int full = 0;
    w->data = w->form.form ? memory(w, weight_data_bytes(w), &full) : elements(w, w->type, &full);
    w->owner = OWNER_DEVICE;
    if (weight_has_scales(w))
        w->form.scale = xcalloc((size_t)w->dim[0], sizeof(float));
    if (w->type == DT_F32 && !w->form.form)
        w->master = w->data;
    if (w->type == DT_BF16 && training && !w->form.form)
        w->master = elements(w, DT_F32, &full);
    if (training && !w->frozen)
        w->grad = elements(w, grad_type(w), &full);
    if (full)
        return device_no_room(w->device, e, "weight %s of %lld elements", w->name,
                              (long long)weight_count(w));
    return 0;
}

int weight_set_finish(struct weight_set *s, int training, struct err *e)
{
    struct device *device = s->n ? s->all[0]->device : NULL;
    int rc = 0, mapped = 0;
    if (device && s->budget_bytes && !training && !device->host && !device->dry)
        rc = weight_stream_plan(s, device, e);
    for (int i = 0; i < s->n && !rc; i++) {
        if (s->all[i]->waiting)
            s->all[i]->owner = OWNER_PINNED;
        else if (s->all[i]->owner == OWNER_NONE)
            rc = take_memory(s->all[i], training, e);
        mapped |= s->all[i]->owner == OWNER_FILE;
    }
    if (!rc && mapped)
        pager_new(s);
    return rc;
}

int weight_set_allocate(struct weight_set *s, struct device *device, enum dtype type, int training,
                        struct err *e)
{
    weight_set_prepare(s, device, type);
    for (int i = 0; i < s->n && !training; i++) {
        const struct stored_form *wish = weight_wish(s, s->all[i]);
        if (wish)
            weight_hold(s->all[i], wish);
        s->all[i]->form.int8 = wish && s->as.int8;
    }
    return weight_set_finish(s, training, e);
}

/* FNV-1a: the stream of a weight depends on its name alone. */
static uint64_t name_hash(const char *s)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return h;
}

enum { CHUNK = 4096, DRAW_PIECE = 1 << 14, DRAW_CHUNK = 1 << 20 };

/* n values from `first` on into memory of the device, converted. */
static void put_range(const struct weight *w, void *memory, enum dtype to, int64_t first,
                      const void *values, enum dtype type, int64_t n)
{
    char *at = (w->waiting ? w->waiting : (char *)memory) + (size_t)first * dtype_bytes(to);
    if (w->device->host || w->waiting) {
        dtype_convert(at, to, values, type, (size_t)n);
        return;
    }
    void *converted = xmalloc((size_t)n * dtype_bytes(to) + 1);
    dtype_convert(converted, to, values, type, (size_t)n);
    device_put(w->device, at, converted, (size_t)n * dtype_bytes(to));
    free(converted);
}

static void store_range(struct weight *w, int64_t first, const void *values, enum dtype type,
                        int64_t n)
{
    if (w->owner == OWNER_FILE)
        BUG("weight %s lies in its file and cannot be given values", w->name);
    if (w->form.form) {
        int64_t row = weight_row(w);
        ZT_ASSERT(first % row == 0 && n % row == 0);
        weight_hold_rows(w, first / row, n / row, values, type);
        return;
    }
    if (!w->master || (void *)w->master == w->data) {
        put_range(w, w->data, w->type, first, values, type, n);
        return;
    }
    float *rounded = xmalloc((size_t)n * sizeof *rounded + 1);
    dtype_convert(rounded, DT_F32, values, type, (size_t)n);
    put_range(w, w->master, DT_F32, first, rounded, DT_F32, n);
    put_range(w, w->data, w->type, first, rounded, DT_F32, n);
    free(rounded);
}

/* Values first..first+n-1 of a weight, drawn in pieces by many threads. */
struct draw {
    const struct weight *w;
    uint64_t seed;
    int64_t first, n;
    double scale;
    float *x;
};

static void draw_piece(void *arg, int item, int worker)
{
    const struct draw *d = arg;
    int64_t from = (int64_t)item * DRAW_PIECE;
    int64_t n = d->n - from < DRAW_PIECE ? d->n - from : DRAW_PIECE;
    float *x = d->x + from;
    enum init init = d->w->init;
    (void)worker;
    if (init == INIT_NORMAL || init == INIT_LINEAR)
        rng_fill_normal(x, (size_t)n, d->seed, name_hash(d->w->name), (uint64_t)(d->first + from));
    for (int64_t i = 0; i < n; i++) {
        if (init == INIT_ZERO || init == INIT_ONE)
            x[i] = init == INIT_ONE;
        else
            x[i] = (float)(x[i] * d->scale);
    }
}

static void initialise(struct weight *w, uint64_t seed, float *x, struct threads *th)
{
    int64_t n = weight_count(w), row = weight_row(w), chunk = DRAW_CHUNK;
    struct draw d = {.w = w, .seed = seed, .scale = w->init_arg, .x = x};
    if (w->init == INIT_LINEAR)
        d.scale /= sqrt((double)(n / w->dim[0]));
    if (w->form.form) /* whole rows */
        chunk = chunk / row * row;
    for (; d.first < n; d.first += chunk) {
        d.n = n - d.first < chunk ? n - d.first : chunk;
        threads_run(th, (int)((d.n + DRAW_PIECE - 1) / DRAW_PIECE), draw_piece, &d);
        store_range(w, d.first, x, DT_F32, d.n);
    }
}

void weight_set_initialise(struct weight_set *s, uint64_t seed, struct threads *th)
{
    float *x = xmalloc(sizeof *x * DRAW_CHUNK);
    for (int i = 0; i < s->n; i++)
        initialise(s->all[i], seed, x, th);
    free(x);
}

void weight_store(struct weight *w, const void *values, enum dtype type)
{
    store_range(w, 0, values, type, weight_count(w));
}

void weight_publish(struct weight *w, struct kcx *kc)
{
    struct kcx alone = {.device = w->device};
    struct k_add round = {.n = weight_count(w),
                          .a_type = DT_F32,
                          .y_type = w->type,
                          .alpha = 1,
                          .a = w->master,
                          .y = w->data};
    if (w->master && (void *)w->master != w->data)
        w->device->kernels->add(kc ? kc : &alone, &round);
}

/* n values of memory of the device from `first` on, as f32. */
static void get_range(const struct weight *w, const void *memory, enum dtype type, int64_t first,
                      float *out, int64_t n)
{
    const char *from = w->waiting ? w->waiting : (const char *)memory;
    from += (size_t)first * dtype_bytes(type);
    if (w->device->host || w->waiting) {
        dtype_convert(out, DT_F32, from, type, (size_t)n);
        return;
    }
    void *copy = xmalloc((size_t)n * dtype_bytes(type) + 1);
    device_get(w->device, copy, from, (size_t)n * dtype_bytes(type));
    dtype_convert(out, DT_F32, copy, type, (size_t)n);
    free(copy);
}

/* n values of a weight that stays in its file, from `first` on. */
static void stored_range(const struct weight *w, int64_t first, float *out, int64_t n)
{
    int64_t row = weight_row(w), k;
    for (int64_t i = 0; i < n; i += k) {
        int64_t at = (first + i) % row;
        k = row - at < n - i ? row - at : n - i;
        stored_read(&w->form, w->data, (first + i) / row, at, k, out + i);
        if (w->type == DT_BF16)
            for (int64_t j = i; j < i + k; j++)
                out[j] = bf16_to_f32(f32_to_bf16(out[j]));
    }
}

static void values_f32(const struct weight *w, int64_t first, float *out, int64_t n)
{
    if (w->form.form)
        stored_range(w, first, out, n);
    else if (w->master)
        get_range(w, w->master, DT_F32, first, out, n);
    else
        get_range(w, w->data, w->type, first, out, n);
}

void weight_read(const struct weight *w, float *out)
{
    values_f32(w, 0, out, weight_count(w));
}

void weight_copy(struct weight *to, const struct weight *from)
{
    float *values = xmalloc(sizeof *values * (size_t)weight_count(from));

    weight_read(from, values);
    weight_store(to, values, DT_F32);
    free(values);
}

void weight_read_grad(const struct weight *w, float *out)
{
    get_range(w, w->grad, grad_type(w), 0, out, weight_count(w));
}

void weight_rows_from_file(struct weight *w, int64_t first, int64_t rows, const void *values,
                           enum dtype type)
{
    int64_t n = weight_row(w), in = w->dim[w->rank - 1], taps = n / in;
    size_t size = dtype_bytes(type);
    if (!w->conv) {
        store_range(w, first * n, values, type, rows * n);
        return;
    }
    /* [out,in,kt,kh,kw] -> [out,kt,kh,kw,in], one output channel at a time */
    char *row = xmalloc((size_t)n * size);
    for (int64_t o = 0; o < rows; o++) {
        const char *from = (const char *)values + (size_t)(o * n) * size;
        for (int64_t t = 0; t < taps; t++)
            for (int64_t i = 0; i < in; i++)
                memcpy(row + (size_t)(t * in + i) * size, from + (size_t)(i * taps + t) * size,
                       size);
        store_range(w, (first + o) * n, row, type, n);
    }
    free(row);
}

void weight_to_file_order(const struct weight *w, float *out)
{
    if (!w->conv) {
        values_f32(w, 0, out, weight_count(w));
        return;
    }
    int64_t n = weight_row(w), in = w->dim[w->rank - 1], taps = n / in;
    float *row = xmalloc((size_t)n * sizeof *row);
    for (int64_t o = 0; o < w->dim[0]; o++) {
        values_f32(w, o * n, row, n);
        for (int64_t t = 0; t < taps; t++)
            for (int64_t i = 0; i < in; i++)
                out[o * n + i * taps + t] = row[t * in + i];
    }
    free(row);
}

void weight_zero_grads(struct weight_set *s)
{
    for (int i = 0; i < s->n; i++) {
        struct weight *w = s->all[i];
        if (w->grad)
            device_zero(w->device, w->grad, bytes_of(w, grad_type(w)));
    }
}

int64_t weight_count(const struct weight *w)
{
    int64_t n = 1;
    for (int i = 0; i < w->rank; i++)
        n *= w->dim[i];
    return n;
}

int64_t weight_set_count(const struct weight_set *s)
{
    int64_t n = 0;
    for (int i = 0; i < s->n; i++)
        n += weight_count(s->all[i]);
    return n;
}

int weight_add(struct weight *w, const float *x, struct err *e)
{
    int64_t n = weight_count(w);
    float *sum = xmalloc((size_t)n * sizeof *sum);
    int rc = 0;

    weight_to_file_order(w, sum);
    for (int64_t i = 0; i < n; i++)
        sum[i] += x[i];
    if (w->owner == OWNER_FILE || w->form.form) {
        if (w->owner == OWNER_DEVICE)
            device_give(w->device, w->data, weight_data_bytes(w));
        free((void *)w->form.scale);
        w->form = (struct stored){0};
        rc = take_memory(w, 0, e);
    }
    if (!rc)
        weight_rows_from_file(w, 0, w->dim[0], sum, DT_F32);
    free(sum);
    return rc;
}
