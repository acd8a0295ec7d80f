#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "world/motion.h"
#include "world/physics.h"
#include "world/raster.h"

static float extent(const struct body *b)
{
    return fmaxf(b->half[0], fmaxf(b->half[1], b->half[2]));
}

/* Means over the bodies of one object, and their picture. */
static void locate(const struct scene *s, const struct view *v, const struct pose *pose, int object,
                   int w, int h, struct clip_object *o)
{
    int n = 0;

    memset(o, 0, sizeof *o);
    for (int i = 0; i < s->n_bodies; i++) {
        if (s->body[i].object != object)
            continue;
        for (int k = 0; k < 3; k++) {
            o->pos[k] += pose[i].pos[k];
            o->vel[k] += pose[i].vel[k];
        }
        o->radius = fmaxf(o->radius, extent(&s->body[i]));
        n++;
    }
    ZT_ASSERT(n > 0);
    for (int k = 0; k < 3; k++) {
        o->pos[k] /= (float)n;
        o->vel[k] /= (float)n;
    }
    view_locate(v, w, h, o);
}

void scene_render(const struct scene *s, int w, int h, int n_frames, double fps, struct clip *c)
{
    size_t n_px = (size_t)w * (size_t)h;
    struct pose *pose;
    struct raster *r;

    clip_init(c, w, h, n_frames, s->n_objects, fps);
    pose = xmalloc((size_t)n_frames * (size_t)s->n_bodies * sizeof *pose);
    r = raster_new(w, h);
    motion_run(s, n_frames, fps, pose);
    for (int f = 0; f < n_frames; f++) {
        const struct pose *now = &pose[f * s->n_bodies];
        uint8_t *ids = c->ids + (size_t)f * n_px;
        struct view *v = &c->view[f];

        scene_view(s, f / fps, (double)w / h, v);
        raster_frame(r, s, v, now, c->rgb + (size_t)f * n_px * 3, ids);
        for (int o = 0; o < s->n_objects; o++) {
            struct clip_object *t = &c->truth[f * s->n_objects + o];

            locate(s, v, now, o + 1, w, h, t);
            clip_look(ids, w, h, o + 1, raster_area(r, s, v, now, o + 1), t);
        }
    }
    raster_free(&r);
    free(pose);
}
