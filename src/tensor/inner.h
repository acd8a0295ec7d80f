/* inner.h - what the files of src/tensor share and networks never see: buffers, the pool, helpers
 * of ops.
 *
 * A buffer is held by the list of live buffers (its scope), by saved slots of tape records and by
 * gradient slots. The last two count in `refs`; with no holder left it goes back to the pool. `gen`
 * moves on whenever the content stops being what an old handle stood for, so stale handles are
 * found at their next use. */
#ifndef TENSOR_INNER_H
#define TENSOR_INNER_H

#include "base/clock.h"
#include "tensor/ops.h"
#include "tensor/tensor.h"
#include "tensor/times.h"
#include "tensor/weight.h"

struct buffer {
    void *mem;    /* NULL in a dry run */
    size_t bytes; /* as asked for, rounded to 64 */
    size_t cap;   /* as reserved */
    size_t most;  /* bytes that any tensor in it had */
    int refs, live_at /* place in pool.live or -1 */;
    uint32_t gen;
    unsigned kept : 1, used : 1;
    unsigned split : 1;             /* its halves are handed out instead */
    struct buffer *whole, *half[2]; /* of which it is a half; its own, once made never unmade */
    struct buffer *next;            /* of the same size class, free; or given back to the device */
};

#define POOL_CLASSES 704

struct pool {
    struct buffer *free[POOL_CLASSES];
    struct buffer **all, **live; /* all: wholes */
    struct buffer *gone;         /* tensors of a step that is over may still name them */
    int n_all, cap_all, n_live, cap_live;
    struct device *device;
    uint64_t used_bytes, peak_bytes, reserved_bytes;
    uint64_t places; /* a hash over the memory handed out (replay.h) */
};

/* Values of a row of w; bytes of its values; whether its form has a scale for each row; `rows` rows
 * from `row` on into its form (weight_form.c). */
int64_t weight_row(const struct weight *w);
size_t weight_data_bytes(const struct weight *w);
int weight_has_scales(const struct weight *w);
void weight_hold_rows(struct weight *w, int64_t row, int64_t rows, const void *values,
                      enum dtype type);

struct pool *pool_new(struct device *device);
void pool_free(struct pool **p);
struct buffer *pool_take(struct pool *p, size_t bytes); /* no holder yet */
void pool_give(struct pool *p, struct buffer *b);
void pool_live_add(struct pool *p, struct buffer *b);
void pool_live_drop(struct pool *p, struct buffer *b); /* the scope lets go */
void pool_unref(struct pool *p, struct buffer *b);     /* a saved or gradient slot lets go */
void pool_reclaim(struct pool *p);                     /* everything is free again */
uint64_t pool_resident_bytes(const struct pool *p, uint64_t huge_page);

/* A handle without memory; a handle that stands for the same memory as x. */
struct tensor *tensor_handle(struct cx *cx, enum dtype type, int rank, const int64_t *dim);
struct tensor *tensor_alias(struct cx *cx, const struct tensor *x);
struct tensor *tensor_like(struct cx *cx, enum dtype type, const struct tensor *x);
/* Memory that belongs to no scope, held by one reference. */
struct tensor *tensor_held(struct cx *cx, enum dtype type, int rank, const int64_t *dim);
void tensor_unhold(struct cx *cx, struct tensor *x);
void tensor_fill_zero(struct cx *cx, struct tensor *x);
/* All values of x to the host, which waits, converted to `type`. */
void tensor_read(struct cx *cx, const struct tensor *x, enum dtype type, void *out);
/* The device's copy of a list of the step, made once: the list must not change within the step.
 * NULL stays NULL. */
const int32_t *index_on_device(struct cx *cx, const int32_t *host, int64_t n);

const char *tensor_text(const struct tensor *x, char *out, size_t size); /* "BF16 [2,3]" */
#define SHAPE(x) tensor_text(x, (char[128]){0}, 128)

/* stream.c: decide which groups wait in host memory (s->stream, weight.waiting) when the weights of
 * `type` exceed the budget; free that again. */
NODISCARD int weight_stream_plan(struct weight_set *s, struct device *device, struct err *e);
void weight_stream_free(struct weight_set *s);
void weight_slots_release(struct cx *cx);
/* Must group g of 1..n wait when `keep` may stay? Those left out of an even spread. */
int stream_waits(int g, int n, int keep);
/* pager.c: of mapped weights of a set on the host (s->pager), which the limit then governs. */
void pager_new(struct weight_set *s);
void pager_free(struct weight_set *s);
void pager_enter(struct cx *cx, const struct weight_set *s, int group);
void pager_rest(struct pager *p); /* nobody uses them for now: all pages are let go */
/* Where kernels of cx read w: its data, or the slot of cx in which its group is. */
void *weight_data(const struct cx *cx, const struct weight *w);

/* Every op looks at its inputs first: a poisoned or dead handle is a BUG. */
void tensor_check(const char *op, const struct tensor *x);
/* lora.c, op/lora.c: what stands beside w. Does l act at this part of the way? Does one that acts
 * scale the product itself? Then the product comes without its bias, which is added here (else
 * NULL). */
void lora_forget(struct weight *w);
int lora_acts(const struct lora *l, double at);
int lora_has_gain(const struct cx *cx, const struct weight *w);
void lora_add(struct cx *cx, const struct tensor *x, const struct weight *w, const void *bias,
              struct tensor *y);
/* y is what the layer of w gives; for cx->watch. */
void watch_layer(struct cx *cx, const struct weight *w, const struct tensor *y);
int same_shape(const struct tensor *a, const struct tensor *b);
/* Address of element i (NULL in a dry run). */
void *tensor_at(const struct tensor *x, int64_t i);

/* Consuming: the result takes x's memory when nobody else needs it and the type stays (the op says
 * with `reads_x` that its backward needs x), and is new memory otherwise. consume_done after the
 * kernels. */
struct tensor *consume(struct cx *cx, struct tensor *x, enum dtype type, int reads_x);
void consume_done(struct cx *cx, struct tensor *x, const struct tensor *y);

/* A kernel, and where its time goes: to the layer of w (NULL: to its own name). */
#define RUN_FOR(cx, w, kernel, ...)                                                                \
    do {                                                                                           \
        if ((cx)->err.code)                                                                        \
            break;                                                                                 \
        double start_ = (cx)->times ? clock_s() : 0;                                               \
        (cx)->k->kernel(&(cx)->kcx, __VA_ARGS__);                                                  \
        if ((cx)->times)                                                                           \
            times_add(cx, w, #kernel, clock_s() - start_);                                         \
    } while (0)
#define RUN(cx, kernel, ...) RUN_FOR(cx, NULL, kernel, __VA_ARGS__)

/* Is there a tape, and does the gradient of this input matter? x or w may be NULL. */
static inline int wants(const struct cx *cx, const struct tensor *x)
{
    return cx->tape && x && x->needs_grad;
}

static inline int weight_wants(const struct weight *w)
{
    return w && w->grad && !w->frozen;
}

static inline int wants_weight(const struct cx *cx, const struct weight *w)
{
    return cx->tape && weight_wants(w);
}

#define PUSH(cx, run, out, args, ...)                                                              \
    tape_push(cx, __func__, run, out,                                                              \
              (int)(sizeof((struct tensor *[]){__VA_ARGS__}) / sizeof(struct tensor *)),           \
              (struct tensor *[]){__VA_ARGS__}, args, sizeof *(args))
void record_save(struct record *r, int slot, struct tensor *x); /* x may be NULL */

/* Gradients inside a backward. A target is memory to overwrite: the gradient itself when nothing
 * stands there yet, a temporary that target_done adds to it otherwise. data is NULL when no
 * gradient is wanted. */
struct target {
    struct tensor *x, *to;
    void *data;
};
struct target target_begin(struct cx *cx, struct tensor *x);
struct target target_always(struct cx *cx,
                            struct tensor *x); /* for kernels that write it in any case */
void target_done(struct cx *cx, struct target *t);
void *grad_zeroed(struct cx *cx, struct tensor *x); /* to add into; NULL when none is wanted */
/* x.grad += alpha * out.grad; the last use of out.grad in a backward, so it may change hands. */
void grad_pass(struct cx *cx, struct tensor *x, struct tensor *out, double alpha);
void grad_add(struct cx *cx, struct tensor *x, const struct tensor *g, double alpha); /* copies */

/* A block of columns of a modulation table: its check, its data and its gradient (NULL: none). */
void mod_check(struct cx *cx, const char *op, const struct tensor *x, const struct mod *m);
const void *mod_data(const struct mod *m);
void *mod_grad(struct cx *cx, const struct mod *m);
int64_t mod_ld(const struct mod *m);

#endif
