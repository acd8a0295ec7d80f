/* weight.h - the table of all weights of one network.
 *
 * A network declares each weight once with weight_declare: where its handle goes, its name (our
 * convention = the diffusers or transformers names), shape, initialiser and decay. Loading, saving,
 * initialising, the optimiser and `zoetrope info` all walk that table. The set owns the data.
 *
 * A weight stays what it is: on the host, a matrix that does not train is read where its file is
 * mapped, in the form in which it is stored, and widened only inside the product that reads it.
 * Whoever cuts such a file while it is in use kills the program (SIGBUS). */
#ifndef TENSOR_WEIGHT_H
#define TENSOR_WEIGHT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "tensor/tensor.h"

enum init {
    INIT_ZERO,
    INIT_ONE,
    INIT_NORMAL, /* std = arg */
    INIT_LINEAR  /* std = arg / sqrt(fan in), fan in = product of all but the first dimension */
};

enum weight_owner {
    OWNER_NONE,
    OWNER_DEVICE, /* memory of the device; on the CPU the heap */
    OWNER_FILE,   /* mapped: read only */
    OWNER_PINNED  /* host memory of the stream; what is on the device belongs to its slots */
};

/* What is added to a product x w^T, w [out,in]: x D^T, where D [out,in] is b a, or the Kronecker
 * product of a and b, or b itself. Of any number of files. */
struct lora_values {
    const float *a, *b, *gain;
    int64_t rank;    /* a [rank,in], b [out,rank]; 0: see below */
    int64_t kron[2]; /* a [kron[0],kron[1]], b [out/kron[0],in/kron[1]]; 0: b [out,in], a NULL */
    double from, to; /* it acts at parts of the way from..to of a film's steps; 0, 1: always */
                     /* gain [out] or NULL: gain * (x w^T) is added as well; no Kronecker */
};
struct lora {
    struct lora *next;
    int64_t rank, kron[2];
    double from, to;
    enum dtype type;    /* of a and b */
    void *a, *b, *gain; /* memory of the device; gain wide */
    size_t a_bytes, b_bytes, gain_bytes;
};

struct weight {
    const char *name;
    int rank;
    int64_t dim[5];
    enum init init;
    double init_arg;
    int matrix;   /* 1: hidden matrix (bf16 in bf16 mode, weight decay); 0: always wide, AdamW */
    int conv;     /* 1: the file holds [out,in,(kt),kh,kw] and memory [out,(kt),kh,kw,in] */
    int in_bytes; /* 1: a convolution that may be held in bytes, for conv3d_bytes (ops.h) */
    int frozen;   /* no gradient */
    int table;    /* 1: rows of it are read here and there, never all of it at a time */
    int wide;     /* 1: computes in the wide type even where it is a matrix */
    int muon;     /* matrix that Muon may take (false for embeddings, first and last layers) */
    int group;    /* 0: always on the device; else which part of the network it is (stream.c) */
    enum dtype stored;       /* in the file that it was loaded from */
    const char *stored_name; /* the same as the file writes it ("Q4_K"); static, NULL before */
    /* memory of the device, after weight_set_allocate */
    struct device *device;
    float *master;   /* f32, NULL when loaded for inference in bf16 */
    void *data;      /* what kernels read: master itself, a bf16 (f64) copy, or stored values */
    enum dtype type; /* of data; with a form, what its values are rounded to */
    enum weight_owner owner; /* of data */
    struct stored form;      /* of data; form.form NULL: plain values of `type` */
    void *grad;              /* wide; NULL when not training */
    struct lora *lora;       /* NULL: none; inference alone */
    char *waiting; /* pinned host memory of a weight that is brought to the device for use */
};

/* What matrices become when they are loaded for inference on the host. */
struct weight_as {
    const struct stored_form *form; /* NULL: they stay what they are in their file */
    int int8;                       /* 1: those of bytes are multiplied in bytes (kern.h) */
};

struct linear_w {
    struct weight *w, *b; /* w [out,in]; b [out] or NULL */
};
struct conv_w {
    struct weight *w, *b; /* w [cout,(kt),kh,kw,cin] in memory */
    int pad_after;        /* 1: zero padding only below and right */
};

struct weight_set {
    struct arena arena;
    struct weight **all;
    int n, cap, group;     /* group: of what is declared next */
    uint64_t budget_bytes; /* most that may lie on the device, on the host of what is mapped; 0: no
                            * limit. Set before allocating */
    struct weight_as as;   /* set before preparing */
    struct threads *threads; /* who gives values to weights of the host; NULL: the caller alone */
    struct weight_stream *stream; /* NULL: everything lies on the device */
    struct st_file *file;         /* that weights are mapped from; NULL: none is */
    struct pager *pager;          /* of those; NULL: none is mapped */
};

void weight_set_init(struct weight_set *s);
void weight_set_release(struct weight_set *s);

/* Declare; name is copied. The returned handle is stable. Duplicate names are a BUG. */
struct weight *weight_declare(struct weight_set *s, const char *name, int matrix, enum init init,
                              double init_arg, int rank, const int64_t *dim);
/* NAME.weight [out,in] and, with bias, NAME.bias [out]. init_arg 0 with INIT_LINEAR means 1. */
struct linear_w linear_declare(struct weight_set *s, const char *name, int64_t in, int64_t out,
                               int bias, enum init init, double init_arg);
struct conv_w conv_declare(struct weight_set *s, const char *name, int64_t in, int64_t out,
                           int kernel, int bias, enum init init, double init_arg);
/* Over `frames` frames and kernel x kernel places, with bias; initialised as INIT_LINEAR. */
struct conv_w conv3d_declare(struct weight_set *s, const char *name, int64_t in, int64_t out,
                             int frames, int kernel);
struct weight *weight_find(struct weight_set *s, const char *name);

/* Allocate zeros on the device for computing in `type` (F32, BF16, F64); training adds f32 master
 * (f64 type: data is the master) and gradients. Groups beyond the budget wait in host memory.
 * ERR_FIT when a GPU has not got the memory, or the budget is less than two groups and what
 * belongs to none (of host memory that is a panic). */
NODISCARD int weight_set_allocate(struct weight_set *s, struct device *device, enum dtype type,
                                  int training, struct err *e);
/* The same in three steps, for a file: all weights know their device and type and have no memory;
 * some are placed where they lie in `file`, which is the set's from then on (and theirs the scales,
 * row_values of form filled in by the callee); the others get memory. */
void weight_set_prepare(struct weight_set *s, struct device *device, enum dtype type);
int weight_can_stay(const struct weight *w, const struct stored_form *form, const void *data);
void weight_place(struct weight *w, const struct stored_form *form, const void *data, float *scale);
/* What w is to become: a matrix of a part of the network (group 1, 2, ..) with rows of whole
 * blocks, long enough to pay (int8.h); where bytes are multiplied, convolutions that can be. NULL:
 * it stays what it is. */
const struct stored_form *weight_wish(const struct weight_set *s, const struct weight *w);
/* w gets memory in that form when the set is finished; values come row by row, as for others. A row
 * that is not finite becomes NaN in I8 and zeros in other forms. */
void weight_hold(struct weight *w, const struct stored_form *form);
/* Of its values and scales, where they are not those of a file. */
uint64_t weight_own_bytes(const struct weight *w);
NODISCARD int weight_set_finish(struct weight_set *s, int training, struct err *e);
/* Before the ops of a part of the network (1, 2, ..): its weights are on the device from here on,
 * those of the next part are on their way. What a budget leaves on the device is used where it
 * lies. Inference only. Each cx has slots of its own, from the first call to cx_release, which
 * comes before the release of the weights. No memory for them: cx fails with ERR_FIT. */
void weights_enter(struct cx *cx, const struct weight_set *s, int group);
/* For now no network is run whose mapped weights come and go: none of them lies in memory. */
void weights_rest(struct cx *cx);
/* What of the mapped weights lies in memory while a network runs under that limit; the least, where
 * that is more. UINT64_MAX: they are no parts. */
uint64_t weight_set_resident(const struct weight_set *s, uint64_t limit);
/* Another limit of mapped weights, 0: none, for who enters them next. Any thread. */
void weight_set_limit(struct weight_set *s, uint64_t limit);
/* Of mapped w: bytes that using it does not make resident, which is what a table has beyond 32 MB.
 */
uint64_t weight_unread_bytes(const struct weight *w);
/* w, mapped, was read for once: under a limit its pages are let go, those of a table and of what is
 * large always. */
void weight_looked_at(const struct weight_set *s, const struct weight *w);
/* By hash of the name, so the order of declaration does not matter, nor does the number of threads
 * (th NULL: the caller alone). */
void weight_set_initialise(struct weight_set *s, uint64_t seed, struct threads *th);
/* Give w its values (n elements in memory order, any type): fills master and data. */
void weight_store(struct weight *w, const void *values, enum dtype type);
/* In files convolutions lie as [out,in,(kt),kh,kw]. Give w its rows (of the first dimension)
 * row..row+rows-1 in the order of files. */
void weight_rows_from_file(struct weight *w, int64_t row, int64_t rows, const void *values,
                           enum dtype type);
/* weight_count values in that order, of the master where there is one. */
void weight_to_file_order(const struct weight *w, float *out);
/* data = round(master), after an optimiser step. kc may be NULL: the caller's thread alone. */
void weight_publish(struct weight *w, struct kcx *kc);
/* Host copies in f32, weight_count long: the values (master where there is one), the gradient. */
void weight_read(const struct weight *w, float *out);
/* Give `to` the values of `from`, which has its shape. */
void weight_copy(struct weight *to, const struct weight *from);
void weight_read_grad(const struct weight *w, float *out);
/* One more of these beside a matrix that is loaded; values are copied. Not of a weight that trains
 * (BUG). ERR_FIT: a GPU has not got the memory. */
NODISCARD int weight_add_lora(struct weight *w, const struct lora_values *v, struct err *e);
/* Another number when others of the set act at that part of the way. */
uint64_t weight_set_acting(const struct weight_set *s, double at);
/* values += x, in file order; a weight in some form gets memory of its own, of its type. */
NODISCARD int weight_add(struct weight *w, const float *x, struct err *e);
void weight_zero_grads(struct weight_set *s);
int64_t weight_count(const struct weight *w);
int64_t weight_set_count(const struct weight_set *s);

#endif
