/* state_json.h - the ground truth of a clip as JSON: what was drawn, and where it was at every
 * frame.
 *
 * {"format": 1, "seed": .., "width": .., "height": .., "frames": .., "fps": ..,
 *  "camera": [{"eye": [x,y,z], "right": [..], "up": [..], "forward": [..], "half": [w,h] of the
 *    picture at distance 1}, ...], "gravity": ..,
 *  "facts": {..}, "canonical": "..", "captions": {"en": "..", "zh": ".."},
 *  "objects": [{"shape": .., "color": .., "track": [{"position": [x,y,z], "velocity": [..],
 *    "pixel": [x,y], "radius_px": .., "box": [x0,y0,x1,y1], "visible": 0..1}, ...]}]}
 * Positions in metres (x right, y away, z up), pictures in pixels from the top left corner. */
#ifndef WORLD_STATE_JSON_H
#define WORLD_STATE_JSON_H

#include "world/clip.h"
#include "world/scene.h"

struct jsonw;
struct world;

/* The whole object, as a value of `key` (NULL at the top). */
void state_json(struct jsonw *w, const char *key, const struct scene *s, const struct clip *c);
/* Only the facts: {"event": "moves", "direction": .., "objects": [..], ..}. */
void facts_json(struct jsonw *w, const char *key, const struct facts *f);

/* The members that every world's object begins with: format to fps. */
void clip_head_json(struct jsonw *w, uint64_t seed, const struct clip *c);
/* The members "canonical" and "captions": a scene in words, as its world says it. */
void captions_json(struct jsonw *w, const struct world *world, const void *state, uint64_t seed);
/* The member "track" of an object: where it is at every frame. */
void track_json(struct jsonw *w, const struct clip *c, int object);

#endif
