/* enlarge.h - what is drawn becomes larger: by the upsamplers of a model, edges narrowed behind the
 * first of them, or, where there is none, as they are. */
#ifndef GENERATE_ENLARGE_H
#define GENERATE_ENLARGE_H

#include "model/upsampler.h"

struct enlarging {              /* all borrowed */
    const struct upsampler *by; /* [n], each takes what the one before made */
    int n;
    double sharpen; /* sharpen.h; 0: not, then the rest is not used */
    float *values;  /* of the picture that is sharpened, [h][w][3] */
    float *room;    /* sharpen_room of it */
};

/* x wide [1,h,w,3], lost -> wide, unclamped [1,h*s,w*s,3]. On a null device, too. */
struct tensor *enlarge_drawn(struct cx *cx, const struct enlarging *e, struct tensor *x);

#endif
