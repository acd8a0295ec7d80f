/* clip.h - a rendered clip: pictures, id maps and the ground truth of every frame.
 *
 * Threads: clip_render uses the calling thread only; different clips may be rendered at once. */
#ifndef WORLD_CLIP_H
#define WORLD_CLIP_H

#include <stdint.h>

#include "world/scene.h"

/* One object at one frame. Picture coordinates are pixels, x right, y down, (0,0) the corner. */
struct clip_object {
    float pos[3], vel[3]; /* centre, world, m and m/s; of dominoes: their mean */
    float radius;         /* half of the largest extent, m */
    float px[2];          /* projected centre; may lie outside the frame */
    float radius_px;
    float bbox[4]; /* x0 y0 x1 y1 of its visible pixels; all 0 when there are none */
    float visible; /* visible pixels / pixels it would have alone on an endless picture */
};

struct clip {
    int w, h, n_frames, n_objects;
    double fps;
    uint8_t *rgb;              /* [n_frames][h][w][3], sRGB */
    uint8_t *ids;              /* [n_frames][h][w]: 0 floor, 1..n_objects, n_objects+1 scenery */
    struct clip_object *truth; /* [n_frames][n_objects] */
};

/* Render n_frames frames of w x h pixels at times frame / fps. *c is the caller's, to be given to
 * clip_release. Sizes are the caller's duty: BUG when one is not positive. */
void clip_render(const struct scene *s, int w, int h, int n_frames, double fps, struct clip *c);
void clip_release(struct clip *c);

static inline const struct clip_object *clip_truth(const struct clip *c, int frame, int object)
{
    return &c->truth[frame * c->n_objects + object];
}

#endif
