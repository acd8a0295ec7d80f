/* figure_pose.h - how somebody with two arms and two legs stands, walks, sits, ...: joints as
 * functions of time; for the figures alone. Side 0 is left (+y), side 1 right.
 *
 * Threads: pure functions of their arguments. */
#ifndef STORY_FIGURE_POSE_H
#define STORY_FIGURE_POSE_H

#include "world/story/figure_build.h"

/* Lengths of bones, m; sole: the ankle above the ground, toe and heel: before and behind it. */
struct build {
    float thigh, shin, sole, toe, heel, hips, spine, shoulders, upper, fore, head, seat;
    float walk_s, walk_m, stance; /* of two steps: how long, how far; share of it on the ground */
    float lift;                   /* of a swinging foot */
    float bounce;                 /* of the hips in walking; above 0.03 with leaps */
};

struct joints {
    struct axes hip_axes, chest_axes, head_axes, foot[2];
    struct vec pelvis, chest, head; /* chest: between the shoulders; head: its middle */
    struct vec shoulder[2], elbow[2], hand[2], hip[2], knee[2], ankle[2];
    struct vec grip; /* where what is in the right hand points */
};

enum { PLAY_MS = 3200 }; /* from hit to hit */

/* The same action for all times; early is where its cycle begins, 0..1. */
void figure_joints(const struct build *b, int action, int holds_up, double t_s, double early,
                   struct joints *j);
/* Playing, at this part of the time from hit to hit (0: the hit). */
void figure_joints_playing(const struct build *b, double part, struct joints *j);
/* How far the elbow or knee between the ends is bent to reach from a to b; pole: where it goes. */
struct vec figure_bend(struct vec a, struct vec *b, float first, float second, struct vec pole);
/* Does this action sit on the ground? */
int figure_sits(int action);
/* How far the eyes are open, 0..1: they blink. */
float figure_eyes(double t_s, double early);

#endif
