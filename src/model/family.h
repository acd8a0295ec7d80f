/* family.h - the released models of the Wan family: which one a folder holds, and what it draws
 * best with. Known by the shapes of its networks; a folder's own settings win over what is said
 * here. Sources: wan/configs and generate.py of Wan-Video/Wan2.1 and Wan2.2. Pure. */
#ifndef MODEL_FAMILY_H
#define MODEL_FAMILY_H

struct family_signs {
    int width, in_channels, image_dim, image_rows; /* of the transformer (denoiser.h) */
    int experts;                                   /* transformers */
    int controls;                                  /* it reads a control video */
    int own_times;                                 /* a token may have its own noise level */
    int small;                                     /* the shift is that of 832x480 */
};
struct family {
    const char *name;
    int width, height, frames, fps, steps;
    double guidance, guidance2, shift; /* guidance2: of the expert of low noise */
    const char *negative;              /* what is not to be seen when nothing is said */
};

/* The row that fits, never NULL: of networks of another size that of its kind, with the name "". */
const struct family *family_of(const struct family_signs *s);

#endif
