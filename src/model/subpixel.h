/* subpixel.h - frames 2, 4 or 8 times larger: residual blocks at the small size, then one
 * convolution whose channels become the pixels (ESPCN, Shi et al. 2016, arXiv 1609.05158; blocks of
 * EDSR, Lim et al. 2017, arXiv 1707.02921). What comes out is added to the frame with its pixels
 * repeated, so a network that has learned nothing enlarges plainly.
 * Thread-safety: reading only. */
#ifndef MODEL_SUBPIXEL_H
#define MODEL_SUBPIXEL_H

#include "base/buf.h"
#include "model/part.h"

#define SUBPIXEL_BLOCKS 64 /* at most */

struct subpixel_config {
    int scale, width, blocks; /* scale 2, 4 or 8; width: channels */
};
struct subpixel {
    struct subpixel_config config;
    struct weight_set weights; /* head, blocks.N.conv1, blocks.N.conv2, tail */
    struct conv_w head, tail;
    struct subpixel_block {
        struct conv_w conv1, conv2;
    } block[SUBPIXEL_BLOCKS];
};

NODISCARD int subpixel_config_read(struct subpixel_config *c, const char *path, struct err *e);
void subpixel_config_write(const struct subpixel_config *c, struct buf *out);
NODISCARD int subpixel_init(struct subpixel *m, const struct subpixel_config *c, struct err *e);
void subpixel_release(struct subpixel *m);

/* x wide [n,h,w,3] -> wide, unclamped [n, h*scale, w*scale, 3]. Trains where cx has a tape. */
struct tensor *subpixel_forward(struct cx *cx, const struct subpixel *m, struct tensor *x);

extern const struct part_class subpixel_part;

#endif
