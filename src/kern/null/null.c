/* null.c - kernels that do nothing, so that a network can run dry: shapes, memory, counts. */
#include "kern/kern.h"

#define K(kernel, args)                                                                            \
    static void kernel##_null(struct kcx *kc, struct args *a)                                      \
    {                                                                                              \
        (void)kc, (void)a;                                                                         \
    }
KERNELS(K)
#undef K

const struct kernels *kernels_null(void)
{
    static const struct kernels table = {.name = "null",
#define K(kernel, args) .kernel = kernel##_null,
                                         KERNELS(K)
#undef K
    };

    return &table;
}
