#include "world/clip.h"

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
}

void clip_release(struct clip *c)
{
    free(c->rgb);
    free(c->ids);
    free(c->truth);
    memset(c, 0, sizeof *c);
}
