/* cuda.c - the kernels of a GPU as one set, and what they ask of their device. */
#include "kern/cuda/cuda.h"

#include <cuda_runtime_api.h>

#include "kern/cuda/cuda_device.h"
#include "kern/cuda/gpu.h"
#include "kern/cuda/times.h"

static int timed(const struct gpu *g)
{
    return g->times && !g->graph && !gpu_failed(g);
}

static void before(struct gpu *g, const char *kernel, const void *args)
{
    char shape[TIMES_SHAPE];

    if (!timed(g))
        return;
    cuda_times_shape(shape, kernel, args);
    cuda_times_begin(g, kernel, shape);
}

/* A fault shows at some later call, which then can tell what had been queued. */
static void after(struct gpu *g, const char *kernel)
{
    if (timed(g))
        cuda_times_end(g);
    __atomic_store_n(&g->queued_last, kernel, __ATOMIC_RELAXED);
}

#define K(kernel, args)                                                                            \
    static void kernel##_noted(struct kcx *kc, struct args *a)                                     \
    {                                                                                              \
        struct gpu *g = gpu_of(kc);                                                                \
                                                                                                   \
        before(g, #kernel, a);                                                                     \
        kernel##_cuda(kc, a);                                                                      \
        after(g, #kernel);                                                                         \
    }
KERNELS(K)
#undef K

const struct kernels *kernels_cuda(void)
{
    static const struct kernels table = {.name = "cuda",
#define K(kernel, args) .kernel = kernel##_noted,
                                         KERNELS(K)
#undef K
    };

    return &table;
}

void *cuda_stream(struct kcx *kc)
{
    return gpu_of(kc)->stream;
}

void cuda_fail(struct kcx *kc, const char *what, int code)
{
    gpu_error(gpu_of(kc), what, code);
}

void *cuda_scratch(struct kcx *kc, int slot, size_t bytes)
{
    return gpu_scratch(gpu_of(kc), slot, bytes);
}
