#include "world/clip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

void clip_init(struct clip *c, int w, int h, int n_frames, int n_objects, double fps)
{
    size_t n_px = (size_t)w * (size_t)h, n = (size_t)n_frames;

    ZT_ASSERT(w > 0 && h > 0 && n_frames > 0 && n_objects >= 0 && fps > 0);
    *c = (struct clip){.w = w, .h = h, .n_frames = n_frames, .n_objects = n_objects, .fps = fps};
    c->rgb = xmalloc(n * n_px * 3);
    c->ids = xmalloc(n * n_px);
    c->truth = xcalloc(n * (size_t)n_objects + 1, sizeof *c->truth);
    c->view = xcalloc(n, sizeof *c->view);
}

void clip_release(struct clip *c)
{
    free(c->rgb);
    free(c->ids);
    free(c->truth);
    free(c->view);
    memset(c, 0, sizeof *c);
}

void clip_look(const uint8_t *ids, int w, int h, int id, double area, struct clip_object *o)
{
    int x0 = w, x1 = -1, y0 = h, y1 = -1, n = 0;

    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            if (ids[y * w + x] != id)
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
