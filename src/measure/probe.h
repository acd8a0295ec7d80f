/* probe.h - a small network that says what films of the world of stories show: who, where, in which
 * colour, doing what. It is trained on renders whenever it is wanted, a part of them as a model's
 * codec gives them back, and knows nothing of the models that it judges.
 *
 * It looks twice. The first look is at the whole picture, of any aspect, squeezed into a square: it
 * tells the place, and where somebody is. The second is at that one's surroundings in three frames
 * a quarter of a second apart: it tells who it is, the colour, what is held and what is done. Both
 * answer everything, and what they say is added up.
 *
 * What no part of a second shows, the way of the camera, is not asked. Threads: one caller at a
 * time; the same bits for any number. */
#ifndef MEASURE_PROBE_H
#define MEASURE_PROBE_H

#include <signal.h>
#include <stdio.h>

#include "measure/codec.h"
#include "measure/probe_net.h"
#include "world/story/facts.h"

struct probe {
    struct probe_eye eye[PROBE_EYES];
    struct cx cx;
};

struct probe_recipe {
    int clips; /* that are rendered */
    int steps[PROBE_EYES], batch[PROBE_EYES];
    int w, h;   /* of the pictures as the model draws them; also on end, and square */
    double fps; /* of the films */
    uint64_t seed;
};
extern const struct probe_recipe probe_recipe_default;

/* What was seen in a film: for each slot the value that most speaks for. */
struct probe_sight {
    int value[STORY_SLOT_COUNT]; /* 0: nobody's colour or action; the camera's is 0 always */
    double likeness; /* cosine of the second look's features, each time with the first and the one
                      * before; 1 for a picture */
};

/* Renders pictures and trains; progress goes to log (NULL: nowhere). threads may be NULL. With
 * `keep` what was trained is kept in the cache folder of the user (base/cache.h) and taken from
 * there by who asks again for the same recipe, worlds and codec. ERR_CANCEL when *stop, ERR_DEVICE.
 * On failure too the probe is to be given to probe_release. */
NODISCARD int probe_train(struct probe *p, const struct probe_recipe *r, struct round_trip *codec,
                          struct threads *threads, int keep, FILE *log, volatile sig_atomic_t *stop,
                          struct err *e);
void probe_release(struct probe *p);
/* n frames rgb [n][h][w][3], fps per second; it looks five times, evenly spread. */
NODISCARD int probe_look(struct probe *p, const uint8_t *rgb, int w, int h, int n, double fps,
                         struct probe_sight *s, struct err *e);

#endif
