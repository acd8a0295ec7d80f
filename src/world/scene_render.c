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
    float x, y, z;

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
    z = fmaxf(view_project(v, o->pos, &x, &y), 0.05f);
    o->px[0] = x * (float)w;
    o->px[1] = y * (float)h;
    o->radius_px = o->radius / (z * v->tan_h) * (float)h / 2;
}

/* Box and share of the visible pixels, from the id map. */
static void look(const uint8_t *ids, int w, int h, int object, double area, struct clip_object *o)
{
    int x0 = w, x1 = -1, y0 = h, y1 = -1, n = 0;

    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            if (ids[y * w + x] != object)
                continue;
            n++;
            x0 = x < x0 ? x : x0;
            x1 = x > x1 ? x : x1;
            y0 = y < y0 ? y : y0;
            y1 = y;
        }
    }
    if (!n)
        return;
    o->bbox[0] = (float)x0;
    o->bbox[1] = (float)y0;
    o->bbox[2] = (float)(x1 + 1);
    o->bbox[3] = (float)(y1 + 1);
    o->visible = area > 0 ? (float)fmin(n / area, 1) : 0;
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
        struct view v;

        scene_view(s, f / fps, (double)w / h, &v);
        raster_frame(r, s, &v, now, c->rgb + (size_t)f * n_px * 3, ids);
        for (int o = 0; o < s->n_objects; o++) {
            struct clip_object *t = &c->truth[f * s->n_objects + o];

            locate(s, &v, now, o + 1, w, h, t);
            look(ids, w, h, o + 1, raster_area(r, s, &v, now, o + 1), t);
        }
    }
    raster_free(&r);
    free(pose);
}
