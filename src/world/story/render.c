#include "world/story/render.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "world/story/sample.h"
#include "world/story/stage.h"

enum { N_OBJECTS = 2 };

/* The sphere around all things of this id; 0 when there is none. */
static int whereabouts(const struct march *m, int id, struct clip_object *o)
{
    int n = 0;

    for (int i = 0; i < m->n_things; i++) {
        if (m->thing[i].id != id)
            continue;
        if (m->thing[i].radius > o->radius || !n) { /* the largest stands for them */
            memcpy(o->pos, m->thing[i].center, sizeof o->pos);
            o->radius = m->thing[i].radius;
        }
        n++;
    }
    return n;
}

static void look_at_ids(const uint8_t *ids, int w, int h, int id, double area,
                        struct clip_object *o)
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

static void truth_of(const struct march *m, const struct march_code *code, const uint8_t *ids,
                     int w, int h, struct clip_object *o)
{
    memset(o, 0, N_OBJECTS * sizeof *o);
    for (int i = 0; i < N_OBJECTS; i++) {
        float x, y, z;

        if (!whereabouts(m, i + 1, &o[i]))
            continue;
        z = fmaxf(view_project(&m->view, o[i].pos, &x, &y), 0.05f);
        o[i].px[0] = x * (float)w;
        o[i].px[1] = y * (float)h;
        o[i].radius_px = o[i].radius / (z * m->view.tan_h) * (float)h / 2;
        look_at_ids(ids, w, h, i + 1, code->area(m, i + 1, h), &o[i]);
    }
}

/* Left and right exchanged. */
static void flip(struct clip *c)
{
    for (size_t row = 0; row < (size_t)c->n_frames * (size_t)c->h; row++) {
        uint8_t *rgb = c->rgb + row * (size_t)c->w * 3, *ids = c->ids + row * (size_t)c->w;

        for (int a = 0, b = c->w - 1; a < b; a++, b--) {
            uint8_t id = ids[a], px[3];

            ids[a] = ids[b];
            ids[b] = id;
            memcpy(px, rgb + 3 * a, 3);
            memcpy(rgb + 3 * a, rgb + 3 * b, 3);
            memcpy(rgb + 3 * b, px, 3);
        }
    }
    for (int i = 0; i < c->n_frames * c->n_objects; i++) {
        struct clip_object *o = &c->truth[i];
        float x0 = o->bbox[0];

        o->px[0] = (float)c->w - o->px[0];
        if (o->bbox[2] > 0) {
            o->bbox[0] = (float)c->w - o->bbox[2];
            o->bbox[2] = (float)c->w - x0;
        }
    }
}

/* Speeds from the places before and after. */
static void speeds(struct clip *c)
{
    int n = c->n_objects;

    for (int i = 0; i < c->n_frames * n; i++) {
        int a = i >= n ? i - n : i, b = i + n < c->n_frames * n ? i + n : i;

        for (int k = 0; k < 3 && b > a; k++)
            c->truth[i].vel[k] =
                (c->truth[b].pos[k] - c->truth[a].pos[k]) * (float)(c->fps * n / (b - a));
    }
}

void story_render(const struct story *s, int w, int h, int n_frames, double fps, struct clip *c)
{
    size_t n_px = (size_t)w * (size_t)h, n = (size_t)n_frames;
    const struct march_code *code = march_best();
    struct march *m;
    struct stage st;
    void *scratch;

    ZT_ASSERT(w > 0 && h > 0 && n_frames > 0 && fps > 0);
    ZT_ASSERT(story_facts_are_complete(&s->facts));
    m = xmalloc(sizeof *m);
    scratch = xmalloc(MARCH_SCRATCH_BYTES(w, h));
    *c = (struct clip){.w = w, .h = h, .n_frames = n_frames, .n_objects = N_OBJECTS, .fps = fps};
    c->rgb = xmalloc(n * n_px * 3);
    c->ids = xmalloc(n * n_px);
    c->truth = xcalloc(n * N_OBJECTS, sizeof *c->truth);
    stage_init(&st, s, (double)w / h);
    for (int f = 0; f < n_frames; f++) {
        uint8_t *ids = c->ids + (size_t)f * n_px;

        stage_frame(&st, f / fps, m);
        code->frame(m, w, h, scratch, c->rgb + (size_t)f * n_px * 3, ids, NULL);
        truth_of(m, code, ids, w, h, &c->truth[f * N_OBJECTS]);
    }
    speeds(c);
    if (s->mirror)
        flip(c);
    free(scratch);
    free(m);
}
