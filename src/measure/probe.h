/* probe.h - a small network that says what a picture of the world of stories shows: who, where, in
 * which colour. It is trained on renders whenever it is wanted, a part of them as a model's codec
 * gives them back, and knows nothing of the models that it judges.
 *
 * Pictures of any aspect are squeezed into a square. What a single picture cannot show, the way of
 * the camera, is not asked. Threads: one caller at a time; the same bits for any number. */
#ifndef MEASURE_PROBE_H
#define MEASURE_PROBE_H

#include <signal.h>
#include <stdio.h>

#include "measure/codec.h"
#include "world/story/facts.h"

enum { PROBE_CONVS = 5, PROBE_VALUES = 80 };

struct probe {
    struct weight_set weights;
    struct conv_w conv[PROBE_CONVS];
    struct linear_w hidden, out;
    struct cx cx;
};

struct probe_recipe {
    int clips, steps, batch; /* two pictures are taken of each clip */
    int w, h;                /* of the pictures as the model draws them; also on end, and square */
    uint64_t seed;
};
extern const struct probe_recipe probe_recipe_default;

/* What was seen in a film: for each slot the value that most speaks for. */
struct probe_sight {
    int value[STORY_SLOT_COUNT]; /* 0: nobody's colour or action; the camera's is 0 always */
    double likeness;             /* cosine of its features, each look with the first and the one
                                  * before; 1 for a picture */
};

/* Renders pictures and trains; progress goes to log (NULL: nowhere). threads may be NULL.
 * ERR_CANCEL when *stop, ERR_DEVICE. On failure too the probe is to be given to probe_release. */
NODISCARD int probe_train(struct probe *p, const struct probe_recipe *r, struct round_trip *codec,
                          struct threads *threads, FILE *log, volatile sig_atomic_t *stop,
                          struct err *e);
void probe_release(struct probe *p);
/* n frames rgb [n][h][w][3]; five of them, evenly spread, are looked at. */
NODISCARD int probe_look(struct probe *p, const uint8_t *rgb, int w, int h, int n,
                         struct probe_sight *s, struct err *e);

#endif
