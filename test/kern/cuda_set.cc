/* cuda_set.cc - see cuda_set.h. */
#include "kern/cuda/cuda.h"
#include "cuda_set.h"

const struct kernels *kernels_cuda_host(void)
{
    static struct kernels set;

    if (set.name)
        return &set;
    set = *kernels_c();
#define OWN(kernel) set.kernel = kernel##_cuda;
    OWN(norm_mod)
    OWN(norm_mod_bwd)
    OWN(rms_norm)
    OWN(rms_norm_bwd)
    OWN(rope)
    OWN(act)
    OWN(act_bwd)
    OWN(add)
    OWN(mul)
    OWN(add_gated)
    OWN(add_gated_bwd)
    OWN(permute)
    OWN(embedding)
    OWN(embedding_bwd)
    OWN(sum_rows)
    OWN(loss)
    OWN(adamw)
    OWN(momentum)
    OWN(ema)
    OWN(sum_squares)
#undef OWN
    set.name = "cuda_host";
    return &set;
}
