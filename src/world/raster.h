/* raster.h - closed-form ray casting of one frame: floor, boxes, balls, cylinders and cones.
 *
 * One sample per pixel; pixels on an edge are sampled again four times, each with its own point of
 * the lamp, which softens edges and shadows. Four rays travel together in a vector. */
#ifndef WORLD_RASTER_H
#define WORLD_RASTER_H

#include <stdint.h>

#include "world/motion.h"

struct raster; /* scratch memory for one picture size, used by one thread at a time */

struct raster *raster_new(int w, int h);
void raster_free(struct raster **r);
/* rgb [h][w][3] sRGB, ids [h][w] of the pixel centres. pose[s->n_bodies] is as seen. */
void raster_frame(struct raster *r, const struct scene *s, const struct view *v,
                  const struct pose *pose, uint8_t *rgb, uint8_t *ids);
/* Pixels that the bodies of one object would cover alone, were the picture endless. */
double raster_area(const struct raster *r, const struct scene *s, const struct view *v,
                   const struct pose *pose, int object);

#endif
