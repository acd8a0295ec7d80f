#include "world/state_json.h"

#include "base/buf.h"
#include "base/jsonw.h"
#include "base/rng.h"
#include "world/physics.h"

enum { STREAM_CAPTION = 0x63617074 };

static void fact(struct jsonw *w, int slot, int value)
{
    if (value)
        jsonw_string(w, slot_name(slot), slot_word(slot, value));
}

static void object_facts_json(struct jsonw *w, const struct object_facts *o)
{
    fact(w, SLOT_SHAPE, o->shape);
    fact(w, SLOT_COLOR, o->color);
    fact(w, SLOT_SIZE, o->size);
    fact(w, SLOT_MATERIAL, o->material);
    fact(w, SLOT_PLACE, o->place);
    fact(w, SLOT_DEPTH, o->depth);
}

void facts_json(struct jsonw *w, const char *key, const struct facts *f)
{
    jsonw_object(w, key);
    fact(w, SLOT_EVENT, f->event);
    fact(w, SLOT_DIRECTION, f->direction);
    fact(w, SLOT_SPEED, f->speed);
    fact(w, SLOT_FLOOR, f->floor);
    fact(w, SLOT_LIGHT, f->light);
    fact(w, SLOT_CAMERA, f->camera);
    jsonw_array(w, "objects");
    for (int i = 0; i < f->n_objects; i++) {
        jsonw_object(w, NULL);
        object_facts_json(w, &f->object[i]);
        jsonw_end_object(w);
    }
    jsonw_end_array(w);
    jsonw_end_object(w);
}

static void reals(struct jsonw *w, const char *key, const float *x, int n)
{
    jsonw_array(w, key);
    for (int i = 0; i < n; i++)
        jsonw_real(w, NULL, (double)x[i]);
    jsonw_end_array(w);
}

void track_json(struct jsonw *w, const struct clip *c, int object)
{
    jsonw_array(w, "track");
    for (int f = 0; f < c->n_frames; f++) {
        const struct clip_object *t = clip_truth(c, f, object);

        jsonw_object(w, NULL);
        reals(w, "position", t->pos, 3);
        reals(w, "velocity", t->vel, 3);
        reals(w, "pixel", t->px, 2);
        jsonw_real(w, "radius_px", (double)t->radius_px);
        reals(w, "box", t->bbox, 4);
        jsonw_real(w, "visible", (double)t->visible);
        jsonw_end_object(w);
    }
    jsonw_end_array(w);
}

void clip_head_json(struct jsonw *w, uint64_t seed, const struct clip *c)
{
    jsonw_int(w, "format", 1);
    jsonw_int(w, "seed", (int64_t)seed);
    jsonw_int(w, "width", c->w);
    jsonw_int(w, "height", c->h);
    jsonw_int(w, "frames", c->n_frames);
    jsonw_real(w, "fps", c->fps);
    jsonw_array(w, "camera");
    for (int f = 0; f < c->n_frames; f++) {
        const struct view *v = &c->view[f];

        jsonw_object(w, NULL);
        reals(w, "eye", v->eye, 3);
        reals(w, "right", v->right, 3);
        reals(w, "up", v->up, 3);
        reals(w, "forward", v->forward, 3);
        reals(w, "half", (float[2]){v->tan_w, v->tan_h}, 2);
        jsonw_end_object(w);
    }
    jsonw_end_array(w);
}

void captions_json(struct jsonw *w, const struct world *world, const void *state, uint64_t seed)
{
    static const char *const names[LANG_COUNT] = {"en", "zh"};
    struct buf text = BUF_INIT;
    struct rng r;

    world->caption(state, &text);
    jsonw_string(w, "canonical", buf_str(&text));
    rng_init(&r, seed, STREAM_CAPTION);
    jsonw_object(w, "captions");
    for (int lang = 0; lang < LANG_COUNT; lang++) {
        buf_clear(&text);
        world->everyday(state, (enum lang)lang, &r, &text);
        jsonw_string(w, names[lang], buf_str(&text));
    }
    jsonw_end_object(w);
    buf_release(&text);
}

void state_json(struct jsonw *w, const char *key, const struct scene *s, const struct clip *c)
{
    jsonw_object(w, key);
    clip_head_json(w, s->seed, c);
    jsonw_real(w, "gravity", WORLD_GRAVITY);
    facts_json(w, "facts", &s->facts);
    captions_json(w, &world_physics, s, s->seed);
    jsonw_array(w, "objects");
    for (int i = 0; i < c->n_objects; i++) {
        jsonw_object(w, NULL);
        object_facts_json(w, &s->facts.object[i]);
        track_json(w, c, i);
        jsonw_end_object(w);
    }
    jsonw_end_array(w);
    jsonw_end_object(w);
}
