/* figure.h - who and what is in a story, as distance functions: posed once per frame, asked for
 * distances and materials per ray.
 *
 * Figure space: metres, z up, the subject's feet at the origin, facing +x, y to its left. All
 * figures of a story share it, so that what is in a hand follows the hand. A walking figure stays
 * where it is and moves its legs; the scene moves by figures_speed.
 *
 * The code that runs per ray is text for every instruction set, in story/figure.inc:
 *   static v16 figure_distance(const struct figure *f, struct p16 q);
 *   static void figure_material(const struct figure *f, struct p16 q, struct material *m);
 * Distances are asked for near the bounding sphere only. Materials come filled with a dull grey;
 * the points asked for lie on the surface, but for lanes that nobody looks at.
 *
 * Threads: pure functions of their arguments. */
#ifndef STORY_FIGURE_H
#define STORY_FIGURE_H

#include "world/story/facts.h"

enum { FIGURES_MAX = 4, FIGURE_FLOATS = 240 };
enum { FIGURE_ID_SUBJECT = 1, FIGURE_ID_PROP = 2 }; /* in id maps */

struct figure {
    int kind;                  /* which code; known to figure.c and figure.inc alone */
    int id;                    /* FIGURE_ID_ */
    float center[3], radius;   /* all of it lies inside this sphere */
    float light[3];            /* linear rgb that it sheds (a flame), 0: none */
    float light_at[3];         /* from where */
    float bone[FIGURE_FLOATS]; /* pose, sizes and colours, laid out as its code likes */
};

/* Who is there at t_s, any time: the subject first, then props (not the spaceship: that is part of
 * a place). Returns how many, 0..FIGURES_MAX. */
int figures_pose(const struct story *s, double t_s, struct figure out[FIGURES_MAX]);
/* How fast the subject walks forward, m/s; 0 when it stays. */
float figures_speed(const struct story *s);
/* What a camera frames, x y z radius, the same at all times: the whole subject in all its poses,
 * and its head (a face to look at). Of nobody: a sphere of radius 1 at its height. */
void figures_frame(const struct story *s, float body[4], float head[4]);

#endif
