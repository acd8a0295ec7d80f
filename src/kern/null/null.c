/* null.c - kernels that do nothing, so that a network can run dry: shapes, memory, counts. */
#include "kern/kern.h"

static void nothing(void *args)
{
    (void)args;
}

/* The one kernel with results among its arguments: a dry run sees a clean zero. */
static void zero_sum(struct k_sum_squares *a)
{
    a->sum = 0;
    a->first_bad = -1;
}

#define K(kernel, args)                                                                            \
    static void kernel##_null(struct kcx *kc, struct args *a)                                      \
    {                                                                                              \
        (void)kc;                                                                                  \
        _Generic(a, struct k_sum_squares * : zero_sum, default : nothing)(a);                      \
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
