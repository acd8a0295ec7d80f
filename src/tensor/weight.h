/* weight.h - the table of all weights of one network.
 *
 * A network declares each weight once with weight_declare: where its handle goes, its name (our
 * convention = the diffusers or transformers names), shape, initialiser and decay. Loading, saving,
 * initialising, the optimiser and `zoetrope info` all walk that table. The set owns the data. */
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

struct weight {
    const char *name;
    int rank;
    int64_t dim[5];
    enum init init;
    double init_arg;
    int matrix; /* 1: hidden matrix (bf16 in bf16 mode, weight decay); 0: always wide, AdamW */
    int conv;   /* 1: the file holds [out,in,kh,kw] and memory [out,kh,kw,in] */
    int frozen; /* no gradient */
    int wide;   /* 1: computes in the wide type even where it is a matrix */
    int muon;   /* matrix that Muon may take (false for embeddings, first and last layers) */
    int group;  /* 0: always on the device; else which part of the network it is (stream.c) */
    enum dtype stored; /* in the file that it was loaded from */
    /* memory of the device, after weight_set_allocate */
    struct device *device;
    float *master;   /* f32, NULL when loaded for inference in bf16 */
    void *data;      /* what kernels read: master itself, or a bf16 (f64) copy */
    enum dtype type; /* of data */
    void *grad;      /* wide; NULL when not training */
    char *waiting;   /* pinned host memory of a weight that is brought to the device for use */
};

struct linear_w {
    struct weight *w, *b; /* w [out,in]; b [out] or NULL */
};
struct conv_w {
    struct weight *w, *b; /* w [cout,kh,kw,cin] in memory */
    int pad_after;        /* 1: zero padding only below and right */
};

struct weight_set {
    struct arena arena;
    struct weight **all;
    int n, cap, group;     /* group: of what is declared next */
    uint64_t budget_bytes; /* most that may lie on the device; 0: no limit. Set before allocating */
    struct weight_stream *stream; /* NULL: everything lies on the device */
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
struct weight *weight_find(struct weight_set *s, const char *name);

/* Allocate zeros on the device for computing in `type` (F32, BF16, F64); training adds f32 master
 * (f64 type: data is the master) and gradients. Groups beyond the budget wait in host memory.
 * ERR_FIT when a GPU has not got the memory, or the budget is less than two groups and what
 * belongs to none (of host memory that is a panic). */
NODISCARD int weight_set_allocate(struct weight_set *s, struct device *device, enum dtype type,
                                  int training, struct err *e);
/* Before the ops of a part of the network (1, 2, ..): its weights are on the device from here on,
 * those of the next part are on their way. What a budget leaves on the device is used where it
 * lies. Inference only; one caller at a time. */
void weights_enter(struct cx *cx, const struct weight_set *s, int group);
/* By hash of the name, so the order of declaration does not matter, nor does the number of threads
 * (th NULL: the caller alone). */
void weight_set_initialise(struct weight_set *s, uint64_t seed, struct threads *th);
/* Give w its values (n elements in memory order, any type): fills master and data. */
void weight_store(struct weight *w, const void *values, enum dtype type);
/* In files convolutions lie as [out,in,kh,kw]. weight_file_dims gives the shape there and returns
 * its rank; weight_to_file_order writes weight_count values (the master where there is one). */
int weight_file_dims(const struct weight *w, int64_t dim[5]);
void weight_to_file_order(const struct weight *w, float *out);
/* data = round(master), after an optimiser step. kc may be NULL: the caller's thread alone. */
void weight_publish(struct weight *w, struct kcx *kc);
/* Host copies in f32, weight_count long: the values (master where there is one), the gradient. */
void weight_read(const struct weight *w, float *out);
void weight_read_grad(const struct weight *w, float *out);
void weight_zero_grads(struct weight_set *s);
int64_t weight_count(const struct weight *w);
int64_t weight_set_count(const struct weight_set *s);

#endif
