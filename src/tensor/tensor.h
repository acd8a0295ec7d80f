/* tensor.h - tensors, the context they live in, scopes, tape and recomputation.
 *
 * A network is plain C that calls the ops of ops.h on tensors. The context says where (kernels), in
 * which type, whether a tape records, and holds the memory. Lifetimes: handles live until
 * cx_step_end(); their data goes back to a pool of buffers by scope, so a steady state makes no
 * malloc.
 * Threads: a cx and its tensors belong to one caller thread; kernels spread over cx->kcx.threads.
 */
#ifndef TENSOR_TENSOR_H
#define TENSOR_TENSOR_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/device.h"

#define TENSOR_MAX_RANK 6

struct tensor {
    int rank;
    int64_t dim[TENSOR_MAX_RANK]; /* outermost first, dense, channels last */
    enum dtype type;
    void *data;            /* memory of the context's device; NULL in a dry run */
    struct tensor *grad;   /* same shape, own type (weights: wide); NULL until backward needs it */
    struct buffer *buffer; /* whose memory data is; NULL when borrowed (weights, inputs) */
    uint32_t gen;          /* of the buffer at birth: a stale handle is found at its next use */
    unsigned needs_grad : 1, poisoned : 1, kept : 1, is_weight : 1;
};

/* Of the first linear layer or convolution whose result held what is not finite; empty: none. */
struct watch {
    char layer[128];
};

struct cx {
    struct device *device;
    const struct kernels *k;
    struct kcx kcx;
    enum dtype type;   /* storage type of activations: F32, BF16, F64 */
    enum dtype wide;   /* F32, or F64 with type F64 */
    struct tape *tape; /* NULL: inference; consuming ops may then work in place */
    struct pool *pool;
    struct arena handles;
    struct index_copy *indices; /* of this step */
    struct scope *scope;
    struct weight_slots *slots; /* of weights that come and go (stream.c) */
    struct pager *pager;        /* of the mapped weights in use (pager.c); NULL: none yet */
    double at; /* part of the way of a film's steps, 0..1, which LoRA of a range look at */
    struct times *times; /* NULL: nobody asks where the time goes (times.h) */
    struct watch *watch; /* NULL: nobody looks; else after the first layer that is not finite */
    struct err err; /* sticky: first device or non-finite trouble; ops return at once afterwards */
    size_t aside_bytes; /* most that a network held beside the pool: the past of an encoder */
    double flops;       /* counted by every op, multiply and add separately, reset by the caller */
};

/* device: device_null() runs dry (shapes and bytes only). threads may be NULL. Type F64 forces the
 * C kernels and wants the CPU or the null device. */
void cx_init(struct cx *cx, struct device *device, enum dtype type, struct threads *threads);
/* A dry run that also counts the scratch that the kernels of the CPU would take with so many
 * threads. */
void cx_init_dry(struct cx *cx, enum dtype type, int threads);
void cx_release(struct cx *cx);
/* Every tensor of the step dies; memory stays in the pool. */
void cx_step_end(struct cx *cx);
/* Highest sum of live tensor bytes (weights excluded) since cx_init or the last reset; exact in a
 * dry run too. */
uint64_t cx_peak_bytes(const struct cx *cx);
void cx_reset_peak(struct cx *cx);
/* What the pool has taken from the system (size classes and free buffers included); the same figure
 * in a dry run. */
uint64_t cx_reserved_bytes(const struct cx *cx);
/* What of that, and of the kernels' scratch, is resident on the host: memory becomes so when it is
 * touched, in pieces of huge_page bytes (machine.h). Of a dry run what would be. */
uint64_t cx_resident_bytes(const struct cx *cx, uint64_t huge_page);
/* Fail the job: stores code and message once (code ERR_DEVICE for non-finite values). */
void cx_fail(struct cx *cx, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Uninitialised. */
struct tensor *tensor_new(struct cx *cx, enum dtype type, int rank, const int64_t *dim);
struct tensor *tensor_zeros(struct cx *cx, enum dtype type, int rank, const int64_t *dim);
/* A new tensor with the values of a host array of any type (NULL in a dry run). */
struct tensor *tensor_from(struct cx *cx, enum dtype type, int rank, const int64_t *dim,
                           const void *values, enum dtype values_type);
/* Borrowed memory of the device that outlives the step. */
struct tensor *tensor_wrap(struct cx *cx, enum dtype type, int rank, const int64_t *dim,
                           void *data);
/* Copy rows first..first+n-1 of x (along its first axis) into memory of the device. */
void tensor_save(struct cx *cx, const struct tensor *x, int64_t first, int64_t n, void *to);
/* Same data, other shape (equal element count); shares the buffer. Differentiable. */
struct tensor *reshape(struct cx *cx, struct tensor *x, int rank, const int64_t *dim);
int64_t tensor_count(const struct tensor *x); /* elements */
int64_t tensor_rows(const struct tensor *x);  /* product of all but the last */
int64_t tensor_last(const struct tensor *x);  /* last dimension */
size_t tensor_bytes(const struct tensor *x);
/* Copy to host f32 (n = tensor_count), and wait for it; zeros in a dry run and after a failure.
 * Trouble of the device since the last wait becomes cx->err here. */
void tensor_read_f32(struct cx *cx, const struct tensor *x, float *out);
/* All values of x from the host, converted from `type`. */
void tensor_write(struct cx *cx, struct tensor *x, const void *values, enum dtype type);
/* 1 when every element is finite (always in a dry run). */
int tensor_finite(struct cx *cx, const struct tensor *x);
/* x is not read again: without a tape its memory goes back before its scope ends. Before the next
 * tensor is made where x may be gone already. */
void tensor_drop(struct cx *cx, struct tensor *x);
/* A later op still reads x: consuming ops must not take it over. Returns x. */
struct tensor *keep(struct cx *cx, struct tensor *x);

/* Dimension lists: DIMS(a,b,c) is `rank, dims` of a call. */
#define DIMS(...)                                                                                  \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[])                   \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* Buffers taken since scope_begin go back to the pool at scope_end, except those of `result` and
 * what the tape needs. Returns result. Scopes nest. */
struct scope {
    struct scope *outer;
    int first; /* position in the list of live buffers */
};
void scope_begin(struct cx *cx, struct scope *s);
struct tensor *scope_end(struct cx *cx, struct scope *s, struct tensor *result);

/* Tape. tape_begin starts recording; backward walks back from loss (its grad is set to
 * `seed_scale`), adding into the grads of weights (which the caller zeroes) and of every wrapped
 * tensor with needs_grad. */
void tape_begin(struct cx *cx);
void backward(struct cx *cx, struct tensor *loss, double seed_scale);
void tape_end(struct cx *cx);
/* For ops: record. `run` is called in reverse order with the record; saved tensors stay alive.
 * Grads of inputs are reached with grad_of: *fresh = 1 says uninitialised, overwrite all of it. */
#define TAPE_MAX_IN 8
#define TAPE_MAX_SAVED 8
struct record {
    void (*run)(struct cx *cx, struct record *r);
    const char *op;
    struct tensor *out, *in[TAPE_MAX_IN], *saved[TAPE_MAX_SAVED];
    void *args; /* arena copy of the op's own arguments */
};
struct record *tape_push(struct cx *cx, const char *op, void (*run)(struct cx *, struct record *),
                         struct tensor *out, int n_in, struct tensor *const *in, const void *args,
                         size_t args_bytes);
struct tensor *grad_of(struct cx *cx, struct tensor *x, int *fresh);

/* Run a block without recording its inside and replay it in backward: the same function, half the
 * memory. All inputs that need gradients stand in in[]; arg reaches fn both times and must stay
 * valid until tape_end. */
typedef struct tensor *(*block_fn)(struct cx *cx, struct tensor **in, int n_in, void *arg);
struct tensor *remat(struct cx *cx, block_fn fn, struct tensor **in, int n_in, void *arg);

#endif
