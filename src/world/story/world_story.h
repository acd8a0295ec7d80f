/* world_story.h - the second world: people and places of stories (facts.h), by rays (render.h).
 *
 * Its state is a struct story, its mix a struct story_mix. */
#ifndef STORY_WORLD_STORY_H
#define STORY_WORLD_STORY_H

#include "world/world.h"

extern const struct world world_story;

#endif
