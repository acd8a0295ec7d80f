/* conv3d_shape.h - a convolution over frames for tests: stride 1, padded so that places stay. */
#ifndef TEST_KERN_CONV3D_SHAPE_H
#define TEST_KERN_CONV3D_SHAPE_H

#include "kern/kern.h"

/* One picture [h][w][cin] a frame; kernel [kt][kh][kw]. Frames and values are left to be set. */
static inline struct k_conv3d conv3d_shape(int64_t h, int64_t w, int64_t cin, int64_t cout, int kt,
                                           int kh, int kw, enum dtype type)
{
    return (struct k_conv3d){.f = {.n = 1,
                                   .h = h,
                                   .w = w,
                                   .cin = cin,
                                   .cout = cout,
                                   .kh = kh,
                                   .kw = kw,
                                   .stride = 1,
                                   .pad_top = kh / 2,
                                   .pad_left = kw / 2,
                                   .pad_bottom = kh / 2,
                                   .pad_right = kw / 2,
                                   .type = type},
                             .kt = kt,
                             .up = 1};
}

#endif
