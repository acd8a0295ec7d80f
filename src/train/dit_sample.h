/* dit_sample.h - films from the network in training: a few prompts, few steps, shown as a strip of
 * pictures. */
#ifndef TRAIN_DIT_SAMPLE_H
#define TRAIN_DIT_SAMPLE_H

#include "train/dit_task.h"

struct dit_sampling {
    int steps, n; /* evaluations; films */
    double guidance, shift;
    uint64_t seed; /* film i begins from noise stream i */
};

/* z [n,t,h,w,C] in latent space (statistics undone) from the prompts of n records. ERR_DEVICE. */
NODISCARD int dit_sample(struct cx *cx, const struct denoiser *m, const struct text_model *text,
                         const struct latents *l, const struct prompts *p, const int *record, int t,
                         const struct dit_sampling *s, float *z, struct err *e);
/* Films as rows of pictures, `columns` frames each; below each film the clip of its record through
 * the codec. path: .png, or .ppm where the build cannot write PNG. */
NODISCARD int dit_strip(struct cx *cx, const struct codec *codec, const struct latents *l,
                        const int *record, int n, int t, const float *z, int columns,
                        const char *path, struct err *e);

#endif
