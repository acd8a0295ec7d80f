/* motion.h - where every body of a scene is at every frame.
 *
 * Bodies that glide are computed in closed form; free ones by ODE (dWorldQuickStep, 240 steps per
 * second whatever the frame rate). The same scene gives the same poses on every run and thread: the
 * engine's generator is seeded per run, and runs are serialised by a lock because it is global. */
#ifndef WORLD_MOTION_H
#define WORLD_MOTION_H

#include "world/scene.h"

struct pose {
    float pos[3];
    float rot[3][3]; /* world = rot * local + pos */
    float vel[3];    /* m/s */
};

/* out[frame * s->n_bodies + body], as seen (after the mirror), at times frame / fps. Any thread. */
void motion_run(const struct scene *s, int n_frames, double fps, struct pose *out);

#endif
