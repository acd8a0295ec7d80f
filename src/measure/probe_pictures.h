/* probe_pictures.h - what a probe learns from: pictures of stories and what is in them. */
#ifndef MEASURE_PROBE_PICTURES_H
#define MEASURE_PROBE_PICTURES_H

#include "measure/probe.h"
#include "measure/probe_find.h"

enum {
    PROBE_ROOM = 80, /* side of the kept surroundings: PROBE_NEAR_SIDE and what lies around it */
    PROBE_WHOLE_BYTES = PROBE_SIDE * PROBE_SIDE * 3,
    PROBE_ROOM_BYTES = PROBE_ROOM * PROBE_ROOM * 3
};

struct probe_pictures {
    uint8_t *whole;            /* [n][PROBE_SIDE][PROBE_SIDE][3], the middle one of the frames */
    uint8_t *map;              /* [n][PROBE_MAP][PROBE_MAP]: 255 times the share of the subject */
    uint8_t *near;             /* [n][PROBE_STACK][PROBE_ROOM][PROBE_ROOM][3] */
    struct story_facts *facts; /* [n] */
    int n;
};

/* A quarter of a second of each clip, three frames; of a part of the clips as they come out of the
 * codec, with noise on their latents. */
NODISCARD int probe_pictures_make(struct probe_pictures *p, const struct probe_recipe *r,
                                  struct round_trip *codec, struct threads *threads, FILE *log,
                                  volatile sig_atomic_t *stop, struct err *e);
void probe_pictures_release(struct probe_pictures *p);

#endif
