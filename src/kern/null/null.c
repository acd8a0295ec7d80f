/* null.c - kernels that do nothing, so that a network can run dry: shapes, memory, counts. */
#include <pthread.h>

#include "kern/kern.h"

#define K(kernel, args)                                                                            \
    static void kernel##_null(struct kcx *kc, struct args *a)                                      \
    {                                                                                              \
        (void)kc, (void)a;                                                                         \
    }
KERNELS(K)
#undef K

/* Those of the CPU that take much scratch say how much (kcx_reserve), and do no more. */
#define COUNTED(ROW)                                                                               \
    ROW(matmul_nt, k_matmul)                                                                       \
    ROW(matmul_gelu, k_matmul_gelu)                                                                \
    ROW(conv2d, k_conv2d) ROW(conv3d, k_conv3d) ROW(attention, k_attention)
#define K(kernel, args)                                                                            \
    static void kernel##_counted(struct kcx *kc, struct args *a)                                   \
    {                                                                                              \
        if (kcx_counts(kc))                                                                        \
            kernels_best()->kernel(kc, a);                                                         \
        else                                                                                       \
            kernel##_null(kc, a);                                                                  \
    }
COUNTED(K)
#undef K

static struct kernels table = {.name = "null",
#define K(kernel, args) .kernel = kernel##_null,
                               KERNELS(K)
#undef K
};

static void fill(void)
{
#define K(kernel, args) table.kernel = kernel##_counted;
    COUNTED(K)
#undef K
}

const struct kernels *kernels_null(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, fill);
    return &table;
}
