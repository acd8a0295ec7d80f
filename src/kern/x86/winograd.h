/* winograd.h - how tiles of 4x4 outputs of a 3x3 convolution become 36 places that are multiplied
 * one by one, and back (winograd.inc). All functions may run on any thread. */
#ifndef KERN_X86_WINOGRAD_H
#define KERN_X86_WINOGRAD_H

#include <stdint.h>

#include "base/dtype.h"

enum { WINO_IN = 6, WINO_OUT = 4, WINO_PLACES = WINO_IN * WINO_IN };

/* c channels, F32 or BF16; place p of what is multiplied lies at `to` or `from` + p step, f32. */
struct winograd {
    /* at [6][6]: the pixels that a tile sees */
    void (*in)(float *to, int64_t step, const void *const *at, enum dtype t, int64_t c);
    /* from [3][3][c]: the weights of an output */
    void (*kernel)(float *to, int64_t step, const void *from, enum dtype t, int64_t c);
    /* at [4][4]: pixels that become (or, with add, are added) sum + bias; NULL: there is none */
    void (*out)(void *const *at, enum dtype t, const float *from, int64_t step, const float *bias,
                int add, int64_t c);
};
extern const struct winograd winograd_avx2, winograd_avx512;

#endif
