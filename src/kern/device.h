/* device.h - where tensors and weights live: memory, the kernels that read it, and the way in and
 * out.
 *
 * Calls are queued in one order: what is queued later sees the results of what was queued before;
 * `get` and `check` wait, the others need not. A failure of the device is sticky: later calls do
 * nothing, and device_check says what it was. Memory of the CPU is host memory; that of a GPU is
 * reached through put and get alone.
 * Threads: one caller at a time per device, except device_take and device_give (any thread). Who
 * may not be alone, like the jobs of a model, waits for his turn with device_enter. The CPU takes
 * all callers at once. */
#ifndef KERN_DEVICE_H
#define KERN_DEVICE_H

#include <pthread.h>

#include "base/err.h"
#include "kern/kern.h"

/* What becomes of the calls after record. */
enum device_record {
    DEVICE_DOES,    /* they are done, as ever */
    DEVICE_RECORDS, /* kernels, puts and zeros are kept in a list, and done by run */
    DEVICE_REPLAYS  /* the list is there: what puts bring takes the place of what they brought when
                       it was recorded, zeros are in it; the caller leaves kernels out */
};

/* Callers in the order in which they came. */
struct device_queue {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    unsigned long next, served; /* tickets */
};
#define DEVICE_QUEUE_INIT                                                                          \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0                                  \
    }

struct device {
    const char *name;              /* "cpu", "null", "cuda:0" */
    const struct kernels *kernels; /* the fastest that it has */
    int host;                      /* the host reads and writes its memory like its own */
    int dry; /* has no memory at all: take gives NULL, put and get do nothing */
    void *(*take)(struct device *d, size_t bytes); /* NULL: it does not fit */
    void (*give)(struct device *d, void *mem, size_t bytes);
    void (*put)(struct device *d, void *to, const void *host, size_t bytes);
    void (*get)(struct device *d, void *host, const void *from, size_t bytes);
    void (*zero)(struct device *d, void *mem, size_t bytes);
    int (*check)(struct device *d, struct err *e); /* NULL: never fails */
    /* Bytes that can still be taken, and the most that may be held (before the first take; 0: what
     * there is). NULL on the host. */
    uint64_t (*room)(struct device *d);
    int (*limit)(struct device *d, size_t bytes);
    /* For what does not fit, each NULL where it never comes to that: host memory that copies may
     * run from beside the kernels; such a copy, after all that is queued so far; what is queued
     * from now on waits for all these copies. */
    void *(*pin)(struct device *d, size_t bytes); /* NULL: the host has not got it */
    void (*unpin)(struct device *d, void *mem, size_t bytes);
    void (*prefetch)(struct device *d, void *to, const void *pinned, size_t bytes);
    void (*arrive)(struct device *d);
    /* Calls that come again and again, queued as one, each NULL where that does not pay. From
     * record to run nothing is read and nothing prefetched. *list: NULL at first, then what record
     * made of it, until forget. A list whose memory was given back since is recorded anew. run
     * returns 0 when the calls could not be kept: nothing was done, and they are to be made again.
     */
    enum device_record (*record)(struct device *d, void **list);
    int (*run)(struct device *d, void *list);
    void (*forget)(struct device *d, void **list); /* also between record and run */
    struct device_queue *queue;                    /* NULL: any number of callers at once */
};

/* Blocks of the CPU from this size on are mapped, with huge pages where there are such: what is not
 * touched costs nothing. */
#define DEVICE_MAP_FROM ((size_t)1 << 20)
struct device *device_cpu(void);  /* kernels_best() on host memory */
struct device *device_null(void); /* the null kernels */
/* By name: "cpu", "cuda" (the first), "cuda:N". ERR_DEVICE says what is missing: a GPU, a driver, a
 * library, or CUDA in this build. The device lives as long as the program. */
NODISCARD int device_named(struct device **out, const char *name, struct err *e);

/* From enter to leave nobody else calls the device; who waits is served in order. Not to be nested,
 * nor held while a user's function runs. A piece of work ends with reading its result. */
void device_enter(struct device *d);
void device_leave(struct device *d);
/* Memory, uninitialised, aligned to 64 bytes or better; bytes may be 0. NULL in a dry device, or
 * when it does not fit. */
void *device_take(struct device *d, size_t bytes);
void device_give(struct device *d, void *mem, size_t bytes);
void device_put(struct device *d, void *to, const void *host,
                size_t bytes); /* host: free at once */
void device_get(struct device *d, void *host, const void *from, size_t bytes); /* waits */
void device_zero(struct device *d, void *mem, size_t bytes);
/* What it means that a take gave NULL: the failure of the device, if it has failed, or else ERR_FIT
 * with this text after its name. Returns the code. */
int device_no_room(struct device *d, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Waits for all that is queued. 0, or ERR_DEVICE with the first failure since the device exists. */
NODISCARD int device_check(struct device *d, struct err *e);

#endif
