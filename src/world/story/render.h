/* render.h - stories as clips.
 *
 * Threads: story_render uses the calling thread only; different clips may be rendered at once. */
#ifndef STORY_RENDER_H
#define STORY_RENDER_H

#include "world/clip.h"
#include "world/story/facts.h"

/* n_frames frames of w x h pixels at times start_s + frame / fps. *c is the caller's, to be given
 * to clip_release. ids: 1 subject, 2 prop (the lighthouse when nobody is there), 3 scenery that is
 * an object, 0 the rest; truth of objects 1 and 2, all zero where one is missing. The story is
 * complete, sizes are positive: BUG otherwise. */
void story_render_from(const struct story *s, int w, int h, double start_s, int n_frames,
                       double fps, struct clip *c);
/* From its beginning. */
void story_render(const struct story *s, int w, int h, int n_frames, double fps, struct clip *c);

#endif
