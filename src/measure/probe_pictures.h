/* probe_pictures.h - what a probe learns from: pictures of stories and what is in them. */
#ifndef MEASURE_PROBE_PICTURES_H
#define MEASURE_PROBE_PICTURES_H

#include "measure/probe.h"

enum { PROBE_SIDE = 96, PROBE_BYTES = PROBE_SIDE * PROBE_SIDE * 3 };

struct probe_pictures {
    uint8_t *rgb;              /* [n][PROBE_SIDE][PROBE_SIDE][3] */
    struct story_facts *facts; /* [n] */
    int n;
};

/* Two pictures, some seconds apart, of each clip; of half of the clips as they come out of the
 * codec, with noise on their latents. */
NODISCARD int probe_pictures_make(struct probe_pictures *p, const struct probe_recipe *r,
                                  struct round_trip *codec, struct threads *threads, FILE *log,
                                  volatile sig_atomic_t *stop, struct err *e);
void probe_pictures_release(struct probe_pictures *p);

#endif
