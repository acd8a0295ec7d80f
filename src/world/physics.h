/* physics.h - the first world: convex bodies on a floor, moved by laws (scene.h, motion.h,
 * raster.h).
 *
 * Its state is a struct scene, its mix a struct world_mix (facts.h).
 * Threads: scene_render uses the calling thread only; different clips may be rendered at once. */
#ifndef WORLD_PHYSICS_H
#define WORLD_PHYSICS_H

#include "world/scene.h"
#include "world/world.h"

extern const struct world world_physics;

/* Render n_frames frames of w x h pixels at times frame / fps. *c is the caller's, to be given to
 * clip_release. Sizes are the caller's duty: BUG when one is not positive. */
void scene_render(const struct scene *s, int w, int h, int n_frames, double fps, struct clip *c);

#endif
