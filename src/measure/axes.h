/* axes.h - seven figures by which a film is compared with true ones: what people write about when
 * they lay films of two systems side by side, each as a number.
 *
 * Five are looked up in the pixels alone. What the words say is judged by a probe (probe.h), and
 * shadows where somebody says which px are the thing's. None is worth anything without the figure
 * of renders of the same words beside it: a street has sharper edges than a fog.
 * Threads: pure functions of their arguments. */
#ifndef MEASURE_AXES_H
#define MEASURE_AXES_H

#include <stdint.h>

#include "base/thread.h"

/* AXIS(NAME, "name", "unit", times, "what") */
/* clang-format off */
#define AXIS_LIST(X)                                                                               \
    X(WORDS, "words", "%", 100, "of what the words say is shown")                                  \
    X(SUBJECT, "subject", "%", 100, "stays itself: likeness of what the probe sees over the film") \
    X(MOTION, "motion", "", 1, "median change within an eighth of a second (L*a*b*)")              \
    X(SMOOTH, "smooth", "dB", 1, "PSNR of a frame against one made of its neighbours by movement") \
    X(EDGES, "edges", "px", 1, "mean width of an edge")                                            \
    X(GHOSTS, "ghosts", "%", 100, "of what moved on is still seen: double contours")               \
    X(CONTACT, "contact", "%", 100, "of the light is missing at the foot: its shadow")
/* clang-format on */
#define X(name, word, unit, times, what) AXIS_##name,
enum axis { AXIS_LIST(X) N_AXES };
#undef X

struct axis_info {
    const char *name, *unit, *what;
    double times; /* a figure is shown so many times as large */
};
extern const struct axis_info axis_info[N_AXES];

struct axes {
    double value[N_AXES]; /* NAN: nothing to judge by */
};

/* Those of pixels: motion, smooth, edges, ghosts; the others become NAN. rgb [n][h][w][3]; threads
 * may be NULL. */
void axes_look(struct axes *a, const uint8_t *rgb, int w, int h, int n, double fps,
               struct threads *threads);
/* The shadow of what is 1 in is[n][h][w]. */
void axes_look_at(struct axes *a, const uint8_t *rgb, const uint8_t *is, int w, int h, int n);

#endif
