#include "world/story/render.h"

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

static void truth_of(const struct march *m, const struct march_code *code, const uint8_t *ids,
                     int w, int h, struct clip_object *o)
{
    memset(o, 0, N_OBJECTS * sizeof *o);
    for (int i = 0; i < N_OBJECTS; i++) {
        if (!whereabouts(m, i + 1, &o[i]))
            continue;
        view_locate(&m->view, w, h, &o[i]);
        clip_look(ids, w, h, i + 1, code->area(m, i + 1, h), &o[i]);
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
    for (int i = 0; i < c->n_frames; i++)
        for (int k = 0; k < 3; k++)
            c->view[i].right[k] = -c->view[i].right[k];
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

void story_render_from(const struct story *s, int w, int h, double start_s, int n_frames,
                       double fps, struct clip *c)
{
    size_t n_px = (size_t)w * (size_t)h;
    const struct march_code *code = march_best();
    struct march *m;
    struct stage st;
    void *scratch;

    ZT_ASSERT(story_facts_are_complete(&s->facts));
    m = xmalloc(sizeof *m);
    scratch = xmalloc(MARCH_SCRATCH_BYTES(w, h));
    clip_init(c, w, h, n_frames, N_OBJECTS, fps);
    stage_init(&st, s, (double)w / h);
    for (int f = 0; f < n_frames; f++) {
        uint8_t *ids = c->ids + (size_t)f * n_px;

        stage_frame(&st, start_s + f / fps, m);
        code->frame(m, w, h, scratch, c->rgb + (size_t)f * n_px * 3, ids);
        truth_of(m, code, ids, w, h, &c->truth[f * N_OBJECTS]);
        c->view[f] = m->view;
    }
    speeds(c);
    if (s->mirror)
        flip(c);
    free(scratch);
    free(m);
}

void story_render(const struct story *s, int w, int h, int n_frames, double fps, struct clip *c)
{
    story_render_from(s, w, h, 0, n_frames, fps, c);
}
