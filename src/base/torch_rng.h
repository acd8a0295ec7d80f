/* torch_rng.h - PyTorch's CPU generator (MT19937) and its normal distribution, so that a seed means
 * the same noise here and in the Python world. Source: ATen/core/MT19937RNGEngine.h and
 * aten/src/ATen/native/cpu/DistributionTemplates.h (normal_fill for 16 or more elements, the
 * Box-Muller pair with cached value below that). */
#ifndef BASE_TORCH_RNG_H
#define BASE_TORCH_RNG_H

#include <stddef.h>
#include <stdint.h>

struct torch_rng {
    uint32_t state[624];
    int next, left;
    double cached_normal; /* of the path below 16 elements */
    int has_cached;
};

void torch_rng_init(struct torch_rng *r, uint64_t seed); /* torch.manual_seed: its lower 32 bits */
void torch_rng_normal(struct torch_rng *r, float *x, size_t n); /* torch.randn(n) */

#endif
