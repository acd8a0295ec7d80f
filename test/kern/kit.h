/* kit.h - comparison of kernels with the C kernels in f64.
 *
 * A row names a kernel, its shapes and a function that takes buffers from the kit, fills the
 * argument struct and calls the kernel. The kit runs that function on every set of kernels that has
 * a version of its own, for each storage type and kind of data, on 1, 2 and 3 threads, and once as
 * the reference: then all buffers are f64 with the same (rounded) contents. Outputs must agree with
 * the reference within the tolerance and between thread counts to the bit.
 *
 * The CUDA kernels run twice: as the set "cuda_host" in host memory (cuda_set.h), with buffers that
 * end at a page and with aligned ones, blocks and threads in both orders; and as "cuda" on a GPU
 * where there is one (staged.h). They know no f64. */
#ifndef TEST_KERN_KIT_H
#define TEST_KERN_KIT_H

#include "base/rng.h"
#include "kern/device.h"
#include "ztest.h"

enum cls { ACT, WIDE }; /* storage type, wide type */
enum data {
    NORMAL,
    RANGE,
    TINY,
    ZERO,
    N_DATA
}; /* RANGE: 12 decades; TINY: denormals among others */
enum {
    DATA_ALL = 15,
    DATA_SOFT = 1 << NORMAL | 1 << ZERO,
    DATA_MILD = 1 << NORMAL | 1 << TINY | 1 << ZERO
};
enum { MAX_BUFS = 24 };

struct kbuf {
    const char *name;
    enum dtype type; /* also DT_I32, DT_I64 */
    int64_t n;
    int compared, act; /* act: rounded to the storage type */
    void *data;        /* ends where an unreadable page begins, or within 64 bytes before it */
    void *map;
    size_t map_bytes;
};

struct kit {
    const struct kernels *k;
    struct kcx *kc;
    struct device *device; /* that the kernels run on, by staged.h; NULL: the host */
    int reference;
    int aligned;     /* buffers begin at 64 bytes, as those of tensors do */
    enum dtype type; /* of the run that is tested */
    enum data data;
    const int64_t *s; /* shape of the row */
    struct rng rng;
    struct kbuf buf[MAX_BUFS];
    int n_bufs;
};

/* The type to write into an argument struct. */
enum dtype kit_type(const struct kit *t, enum cls c);
/* n elements that are only read; `scale` multiplies the usual variance of 1, and 0 fills with NaN.
 */
void *kit_in(struct kit *t, enum cls c, int64_t n, double scale);
/* n elements that are overwritten (NaN before) or updated; both are compared under this name. */
void *kit_out(struct kit *t, const char *name, enum cls c, int64_t n);
void *kit_io(struct kit *t, const char *name, enum cls c, int64_t n, double scale);
void *kit_work(struct kit *t, enum cls c, int64_t n);    /* as kit_out, not compared */
int32_t *kit_index(struct kit *t, int64_t n, int below); /* uniform below `below`; NULL when 0 */
int64_t *kit_starts(struct kit *t, int n, int most, int least); /* n+1 rising row numbers */

struct krow {
    const char *kernel;
    void (*run)(struct kit *t);
    const int64_t (*shape)[10];
    int n_shapes;
    unsigned data;    /* bits of enum data */
    int f32_only;     /* optimiser kernels know no other type */
    double tol_f32;   /* outputs of a run in f32 */
    double tol_bf16;  /* outputs in bf16 of a run in bf16 */
    double tol_mixed; /* wide outputs of a run in bf16 */
    struct krow *next;
};

void krow_register(struct krow *row);
const struct krow *krow_find(const char *kernel, const struct krow *after); /* NULL: no more */
void krow_run(const struct krow *row);
/* Normal data in f32 alone, on this device alone. */
void krow_run_on(const struct krow *row, struct device *d);

/* KERNEL_ROW(name, function, shapes, data, f32_only, tolerances...) */
#define KERNEL_ROW_AS(id, name, fn, shapes, ...)                                                   \
    static struct krow row_##id = {#name,       fn,  shapes, sizeof shapes / sizeof *shapes,       \
                                   __VA_ARGS__, NULL};                                             \
    __attribute__((constructor)) static void register_row_##id(void)                               \
    {                                                                                              \
        krow_register(&row_##id);                                                                  \
    }                                                                                              \
    TEST(kernel_##id)                                                                              \
    {                                                                                              \
        krow_run(&row_##id);                                                                       \
    }
#define KERNEL_ROW(name, fn, shapes, ...) KERNEL_ROW_AS(name, name, fn, shapes, __VA_ARGS__)

#endif
