/* clip.h - a rendered clip of any world: pictures, id maps and the ground truth of every frame. */
#ifndef WORLD_CLIP_H
#define WORLD_CLIP_H

#include <stdint.h>

/* One object at one frame. Picture coordinates are pixels, x right, y down, (0,0) the corner. */
struct clip_object {
    float pos[3], vel[3]; /* centre, world, m and m/s; of dominoes: their mean */
    float radius;         /* half of the largest extent, m */
    float px[2];          /* projected centre; may lie outside the frame */
    float radius_px;
    float bbox[4]; /* x0 y0 x1 y1 of its visible pixels; all 0 when there are none */
    float visible; /* visible pixels / pixels it would have alone on an endless picture */
};

/* Where the camera is at a time. Directions are unit vectors. */
struct view {
    float eye[3], right[3], up[3], forward[3];
    float tan_w, tan_h; /* half widths of the picture at distance 1 */
};

struct clip {
    int w, h, n_frames, n_objects;
    double fps;
    uint8_t *rgb;              /* [n_frames][h][w][3], sRGB */
    uint8_t *ids;              /* [n_frames][h][w]: 0 ground, 1..n_objects, above: scenery */
    struct clip_object *truth; /* [n_frames][n_objects] */
    struct view *view;         /* [n_frames]; of a picture that was mirrored `right` is left */
};

/* Memory for n_frames frames; pictures and ids are not set, truth is zero. BUG when a size is not
 * positive. To be given to clip_release. */
void clip_init(struct clip *c, int w, int h, int n_frames, int n_objects, double fps);
void clip_release(struct clip *c);

/* Box and visible share of what has this id in a map [h][w]; left as they are when no pixel has it.
 * area: pixels that it would have alone on an endless picture. */
void clip_look(const uint8_t *ids, int w, int h, int id, double area, struct clip_object *o);

static inline const struct clip_object *clip_truth(const struct clip *c, int frame, int object)
{
    return &c->truth[frame * c->n_objects + object];
}

#endif
