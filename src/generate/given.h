/* given.h - latent frames of a window that need not be invented: a first picture, the end of the
 * window before, an anchor; the same for training and for generating. */
#ifndef GENERATE_GIVEN_H
#define GENERATE_GIVEN_H

#include <stddef.h>

struct given {
    int frame;    /* of the window, in latent frames */
    double level; /* of the noise that is mixed into it, 0..1; its tokens have timestep 1000 level.
                   * 0: it is clean */
    const float *latent; /* [h,w,C] without noise, in the network's scale; borrowed. In training
                          * NULL: the frame that is there */
};

/* That of a frame, NULL when none is. */
static inline const struct given *given_at(const struct given *list, int n, int frame)
{
    for (int i = 0; i < n; i++)
        if (list[i].frame == frame)
            return &list[i];
    return NULL;
}

/* Entry of `level` in the list of timesteps times[0..*n), where it is added when it is missing. */
static inline int given_time(double *times, int *n, double level)
{
    int i = 0;

    while (i < *n && times[i] != 1000 * level)
        i++;
    if (i == *n)
        times[(*n)++] = 1000 * level;
    return i;
}

#endif
