/* cuda_none.c - takes the place of cuda/ in a build without CUDA. */
#include "kern/cuda/cuda_device.h"

#include <stdio.h>

int device_cuda(struct device **out, int index, struct err *e)
{
    *out = NULL;
    return err_set(e, ERR_DEVICE, "cuda:%d: this build has no CUDA", index);
}

int device_cuda_count(void)
{
    return 0;
}

int device_cuda_text(int index, char *buf, size_t size)
{
    snprintf(buf, size, "cuda:%d: this build has no CUDA", index);
    return ERR_DEVICE;
}

int device_cuda_libraries(char *buf, size_t size)
{
    (void)buf;
    (void)size;
    return 0;
}

const struct kernels *kernels_cuda(void)
{
    return NULL;
}
