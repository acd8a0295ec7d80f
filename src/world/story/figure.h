/* figure.h - who and what is in a story, as distance functions: posed once per frame, asked for
 * distances and materials per ray.
 *
 * A figure is a list of parts (limbs, ellipsoids, boxes, ...) in a few groups, each group in a
 * bounding sphere, so that most parts are never looked at. A pose is new parts: nothing else moves.
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

enum { FIGURES_MAX = 4, FIGURE_PARTS = 34, FIGURE_GROUPS = 8 };
enum { FIGURE_ID_SUBJECT = 1, FIGURE_ID_PROP = 2 }; /* in id maps */

enum figure_shape {
    FIGURE_LIMB,      /* from at to at + axis[0], radii size[0] and size[1] */
    FIGURE_ELLIPSOID, /* half axes size[0..2] along axis[0..2], as of all that follow */
    FIGURE_BOX,       /* half sides size[0..2], edges rounded by size[3] */
    FIGURE_CONE,      /* along axis[2], radius size[0] at its foot, size[1] at height size[2] */
    FIGURE_HOOP,      /* oval wire about axis[2], size[0] x size[1], thickness 2 size[3] */
    FIGURE_STRINGS,   /* mesh of wires inside such an oval, one every size[2] */
    FIGURE_FUR        /* an ellipsoid with tufts, size[3] deep */
};

/* How the two colours of a part lie on it. from, to: in parts of its length for limbs (0 at the
 * first end), of its half axes for the others. */
enum figure_pattern {
    FIGURE_PLAIN,
    FIGURE_BAND,  /* other where from < along < to; along the limb, or axis[2] */
    FIGURE_FRONT, /* other in a strip |axis 1| < to of the front of axis[0] */
    FIGURE_FACE,  /* other: hair; from: how far the eyes are open */
    FIGURE_GLASSES,
    FIGURE_EYE,   /* a pupil looks along axis[0]; other: the lid, closed down to from (axis 2) */
    FIGURE_MOUTH, /* a furry face: a smile with teeth */
    FIGURE_TUFTS, /* fur, in light and dark strands */
    FIGURE_LINES, /* of print, on the faces of axis[2] */
    FIGURE_FLAME
};

struct figure_paint {
    int pattern;
    float rgb[3], other[3]; /* linear */
    float gloss, from, to;
};

struct figure_part {
    int shape;
    float blend; /* width of the fillet between it and the parts before it in its group; 0: none */
    float at[3], axis[3][3], size[4]; /* m */
    float inverse, steep;             /* of limbs: 1 / length^2, distances are scaled by steep */
    struct figure_paint paint;
};

struct figure_group {
    int first, n;
    float center[3], radius;
};

struct figure {
    int id;                  /* FIGURE_ID_ */
    float center[3], radius; /* all of it lies inside this sphere */
    float light[3];          /* linear rgb that it sheds (a flame), 0: none */
    float light_at[3];       /* from where */
    int n_parts, n_groups;
    struct figure_group group[FIGURE_GROUPS];
    struct figure_part part[FIGURE_PARTS];
};

/* Who is there at t_s, any time >= 0: the subject first, then props (not the spaceship: that is
 * part of a place). Returns how many, 0..FIGURES_MAX. */
int figures_pose(const struct story *s, double t_s, struct figure out[FIGURES_MAX]);
/* How fast the subject walks forward, m/s; 0 when it stays. */
float figures_speed(const struct story *s);
/* What a camera frames, x y z radius, the same at all times: the whole subject in all its poses,
 * and its head (a face to look at). Of nobody: a sphere of radius 1 at its height. */
void figures_frame(const struct story *s, float body[4], float head[4]);

#endif
