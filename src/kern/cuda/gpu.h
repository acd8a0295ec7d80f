/* gpu.h - inside of a GPU: what the files of this folder know of each other. No CUDA header is
 * needed to read it.
 *
 * Threads: one caller at a time per GPU, except gpu_take and gpu_give. */
#ifndef KERN_CUDA_GPU_H
#define KERN_CUDA_GPU_H

#include <pthread.h>

#include "kern/device.h"

struct CUstream_st;
struct CUevent_st;
struct CUmemPoolHandle_st;

enum { STAGES = 8, STAGE_BYTES = 4 << 20, SCRATCH_SLOTS = 40 };

/* Pinned memory on the way to the GPU: `used` bytes are filled, `sent` follows their copies. */
struct stage {
    char *mem;
    size_t used;
    struct CUevent_st *sent;
};

struct gpu_block {
    void *mem;
    size_t bytes;
};

struct gpu {
    struct device base; /* first: a struct device * of a GPU is a struct gpu * */
    struct device_queue queue;
    char name[16];
    int index, capability;               /* 90 is compute capability 9.0 */
    struct CUstream_st *stream, *copies; /* copies: of what is prefetched, beside the kernels */
    struct CUevent_st *queued, *copied;  /* where either stream waits for the other */
    pthread_mutex_t lock;                /* over what follows, until the failure, and the graph */
    struct CUmemPoolHandle_st *pool;
    int pool_made, plain; /* plain: the driver has no pools */
    size_t limit, held;
    int failed;
    char why[640];           /* the first failure */
    const char *queued_last; /* the kernel that was called last; NULL: none */
    struct stage stage[STAGES];
    int filling;
    struct gpu_block scratch[SCRATCH_SLOTS];
    struct graph *graph; /* graph.c: calls are kept, or replayed; NULL: they are queued */
    int no_graphs;       /* recording failed once */
    uint64_t gives;      /* blocks that went back to the driver */
    struct times *times; /* times.c; NULL: nobody asks where time goes */
    struct lt *lt;       /* gemm.c */
    struct cudnn *cudnn; /* cudnn.c; NULL: not asked for yet, or cuDNN is not there */
    int cudnn_tried;
};

int gpu_failed(const struct gpu *g);
void gpu_enter(const struct gpu *g);      /* it is the current one of this thread from now on */
struct gpu *gpu_of(const struct kcx *kc); /* makes it the current one of this thread */
/* A call of CUDA, named `what`, returned this cudaError_t. A fault of a kernel is told by whatever
 * call comes after it, so the message names the last kernel that had been queued as well. */
void gpu_error(struct gpu *g, const char *what, int code);
/* Keep the first failure; later calls of the device then do nothing. */
void gpu_fail(struct gpu *g, const char *fmt, ...) PRINTF_LIKE(2, 3);
void *gpu_take(struct gpu *g, size_t bytes); /* NULL: it does not fit */
void gpu_give(struct gpu *g, void *mem, size_t bytes);
void *gpu_scratch(struct gpu *g, int slot, size_t bytes); /* NULL: failed */

/* Names of cuBLASLt and cuDNN, for library_open. */
extern const char *const library_cublaslt[], *const library_cudnn[];

/* The first of several libraries (NULL ends the list) that can be opened; NULL: *e says which were
 * tried and why the first was not there. */
void *library_open(const char *const *names, struct err *e);
void *library_symbol(void *library, const char *name, struct err *e);

/* cuBLASLt for this GPU, 0 or ERR_DEVICE. */
NODISCARD int lt_open(struct gpu *g, struct err *e);

#endif
