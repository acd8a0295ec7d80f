/* probe_net.h - the two small networks of a probe (probe.h).
 *
 * Answers are rows of PROBE_VALUES or fewer numbers: the values of all slots but the camera's in
 * turn, of which a softmax per slot is meant. */
#ifndef MEASURE_PROBE_NET_H
#define MEASURE_PROBE_NET_H

#include "tensor/ops.h"

enum { PROBE_WHOLE, PROBE_NEAR, PROBE_EYES }; /* the first look, the second */
enum {
    PROBE_CONVS = 5,    /* at most, each halves both sides */
    PROBE_HIDDEN = 128, /* features */
    PROBE_VALUES = 80,  /* at most */
    PROBE_STACK = 3,    /* frames of a second look */
    PROBE_SIDE = 96,    /* of the whole picture; of its map a quarter */
    PROBE_MAP = PROBE_SIDE / 4,
    PROBE_NEAR_SIDE = 64 /* of the surroundings */
};

struct probe_eye {
    struct weight_set weights;
    int n_conv, side;
    struct conv_w conv[PROBE_CONVS];
    struct weight *gain[PROBE_CONVS];
    struct linear_w hidden, out;
    struct conv_w up[3], map;         /* of the first look: where somebody is */
    struct linear_w together, answer; /* of the second: frames side by side */
};

/* What an eye says of pictures [n][side][side][3]. */
struct probe_said {
    struct tensor *each; /* [n, values]: of each picture alone */
    struct tensor *map;  /* first look: [n, PROBE_MAP^2], logits of the share of the subject */
    struct tensor *all;  /* second look: [n / PROBE_STACK, values], of frames together */
};

int probe_first_of(int slot); /* where its values begin in an answer; the camera has none */
/* Its weights, which have no memory yet. */
void probe_eye_declare(struct probe_eye *eye, int which);
void probe_eye_release(struct probe_eye *eye);
/* features: [n][PROBE_HIDDEN] to be filled, or NULL. */
void probe_eye_look(struct cx *cx, const struct probe_eye *eye, const float *pixels, int n,
                    float *features, struct probe_said *said);

#endif
