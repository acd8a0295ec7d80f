/* upsampler.h - what makes decoded frames larger, whichever network does it.
 *
 * Frames are [n,h,w,3], pixels about 0..1, wide. Each is enlarged alone: what is equal in two
 * frames stays equal. On a null device the same call says what it costs.
 * Thread-safety: reading only. */
#ifndef MODEL_UPSAMPLER_H
#define MODEL_UPSAMPLER_H

#include "tensor/tensor.h"
#include "tensor/weight.h"

struct upsampler_class {
    int (*scale)(const void *net); /* px each way for one px; a power of 2 */
    struct tensor *(*enlarge)(struct cx *cx, const void *net, struct tensor *x);
};

struct upsampler { /* borrowed; part_upsampler gives it */
    const struct upsampler_class *is;
    const void *net;
    struct weight_set *weights;
    int scale;
};

/* x wide [n,h,w,3] -> wide, unclamped [n, h*scale, w*scale, 3]. */
struct tensor *upsampler_enlarge(struct cx *cx, const struct upsampler *u, struct tensor *x);
/* How many of n upsamplers, each enlarging what the one before made, a picture goes through that is
 * wanted so many times larger: as long as it is more than a quarter too small. *scale: what they
 * make of one px. */
int upsampler_chain(const struct upsampler *u, int n, double wanted, int *scale);

#endif
