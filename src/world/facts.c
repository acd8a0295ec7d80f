#include "world/facts.h"

#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/rng.h"

enum { STREAM_FACTS = 0x66616374 };

#define WORD(name, word) word,
static const char *const shape_words[] = {NULL, SHAPE_LIST(WORD)};
static const char *const color_words[] = {NULL, COLOR_LIST(WORD)};
static const char *const size_words[] = {NULL, SIZE_LIST(WORD)};
static const char *const material_words[] = {NULL, MATERIAL_LIST(WORD)};
static const char *const place_words[] = {NULL, PLACE_LIST(WORD)};
static const char *const depth_words[] = {NULL, DEPTH_LIST(WORD)};
static const char *const event_words[] = {NULL, EVENT_LIST(WORD)};
static const char *const direction_words[] = {NULL, DIRECTION_LIST(WORD)};
static const char *const speed_words[] = {NULL, SPEED_LIST(WORD)};
static const char *const floor_words[] = {NULL, FLOOR_LIST(WORD)};
static const char *const light_words[] = {NULL, LIGHT_LIST(WORD)};
static const char *const camera_words[] = {NULL, CAMERA_LIST(WORD)};
#undef WORD

/* clang-format off */
static const struct {
    const char *name;
    const char *const *word;
    int count;
} slots[SLOT_COUNT] = {
    [SLOT_SHAPE]     = {"shape",     shape_words,     SHAPE_COUNT},
    [SLOT_COLOR]     = {"color",     color_words,     COLOR_COUNT},
    [SLOT_SIZE]      = {"size",      size_words,      SIZE_COUNT},
    [SLOT_MATERIAL]  = {"material",  material_words,  MATERIAL_COUNT},
    [SLOT_PLACE]     = {"place",     place_words,     PLACE_COUNT},
    [SLOT_DEPTH]     = {"depth",     depth_words,     DEPTH_COUNT},
    [SLOT_EVENT]     = {"event",     event_words,     EVENT_COUNT},
    [SLOT_DIRECTION] = {"direction", direction_words, DIRECTION_COUNT},
    [SLOT_SPEED]     = {"speed",     speed_words,     SPEED_COUNT},
    [SLOT_FLOOR]     = {"floor",     floor_words,     FLOOR_COUNT},
    [SLOT_LIGHT]     = {"light",     light_words,     LIGHT_COUNT},
    [SLOT_CAMERA]    = {"camera",    camera_words,    CAMERA_COUNT},
};

const struct world_mix world_mix_default = {
    .event = {[EVENT_MOVE] = 0.68, [EVENT_COLLIDE] = 0.16, [EVENT_DROP] = 0.08,
              [EVENT_RAMP] = 0.03, [EVENT_DOMINO] = 0.02, [EVENT_WALL] = 0.03},
    .direction = {[DIRECTION_RIGHT] = 0.3, [DIRECTION_LEFT] = 0.3,
                  [DIRECTION_TOWARD] = 0.2, [DIRECTION_AWAY] = 0.2},
    .second_object = 0.3,
    .camera = {[CAMERA_STATIC] = 0.88, [CAMERA_PAN_LEFT] = 0.04, [CAMERA_PAN_RIGHT] = 0.04,
               [CAMERA_ZOOM_IN] = 0.04},
};
/* clang-format on */

static const double shape_mix[SHAPE_DOMINOES] = {
    [SHAPE_BALL] = 0.34, [SHAPE_BOX] = 0.26, [SHAPE_CONE] = 0.20, [SHAPE_CYLINDER] = 0.20};
static const double size_mix[SIZE_COUNT] = {0, 0.3, 0.4, 0.3};
/* Tiles cost the codec many times what a plain floor does. */
static const double floor_mix[FLOOR_COUNT] = {
    [FLOOR_GREY] = 0.3, [FLOOR_BEIGE] = 0.3, [FLOOR_CHECKER] = 0.1, [FLOOR_SLATE] = 0.3};

int slot_count(int slot)
{
    ZT_ASSERT(slot >= 0 && slot < SLOT_COUNT);
    return slots[slot].count;
}

const char *slot_name(int slot)
{
    ZT_ASSERT(slot >= 0 && slot < SLOT_COUNT);
    return slots[slot].name;
}

const char *slot_word(int slot, int value)
{
    return value > 0 && value < slot_count(slot) ? slots[slot].word[value] : NULL;
}

/* All draws, made in one order whatever is said, so that saying one fact changes no other. */
struct draws {
    int event, direction, sideways, speed, second, floor, light, camera;
    int shape[WORLD_MAX_OBJECTS], color[WORLD_MAX_OBJECTS], size[WORLD_MAX_OBJECTS];
    int material[WORLD_MAX_OBJECTS], place[WORLD_MAX_OBJECTS], depth, ball;
};

static struct draws draw_all(uint64_t seed, const struct world_mix *mix)
{
    struct draws d;
    struct rng r;

    rng_init(&r, seed, STREAM_FACTS);
    d.event = rng_pick(&r, mix->event, EVENT_COUNT);
    d.direction = rng_pick(&r, mix->direction, DIRECTION_COUNT);
    d.sideways = rng_chance(&r, 0.5) ? DIRECTION_RIGHT : DIRECTION_LEFT;
    d.speed = 1 + rng_below(&r, SPEED_COUNT - 1);
    d.second = rng_chance(&r, mix->second_object);
    d.floor = rng_pick(&r, floor_mix, FLOOR_COUNT);
    d.light = 1 + rng_below(&r, LIGHT_COUNT - 1);
    d.camera = rng_pick(&r, mix->camera, CAMERA_COUNT);
    for (int i = 0; i < WORLD_MAX_OBJECTS; i++) {
        d.shape[i] = rng_pick(&r, shape_mix, SHAPE_DOMINOES);
        d.color[i] = 1 + rng_below(&r, COLOR_COUNT - 1 - i); /* the second: skips the first's */
        d.size[i] = rng_pick(&r, size_mix, SIZE_COUNT);
        d.material[i] = 1 + rng_below(&r, MATERIAL_COUNT - 1);
        d.place[i] = 1 + rng_below(&r, PLACE_COUNT - 1);
    }
    d.depth = rng_chance(&r, 0.75) ? DEPTH_BACK : DEPTH_FRONT;
    d.ball = rng_chance(&r, 0.5);
    return d;
}

static void fill(int *fact, int value)
{
    if (!*fact)
        *fact = value;
}

static int opposite(int place)
{
    return place == PLACE_LEFT ? PLACE_RIGHT : PLACE_LEFT;
}

static int is_sideways(int direction)
{
    return direction == DIRECTION_LEFT || direction == DIRECTION_RIGHT;
}

/* The event, the number of objects, direction and speed. */
static void complete_action(struct facts *f, const struct draws *d, int event_by_mix)
{
    if (f->object[0].shape == SHAPE_DOMINOES) { /* dominoes never start by themselves */
        f->object[1] = f->object[0];
        memset(&f->object[0], 0, sizeof f->object[0]);
    }
    if (f->object[1].shape == SHAPE_DOMINOES)
        f->event = EVENT_DOMINO;
    fill(&f->event, event_by_mix ? d->event : EVENT_MOVE);
    switch (f->event) {
    case EVENT_COLLIDE:
    case EVENT_DOMINO:
        f->n_objects = 2;
        break;
    case EVENT_RAMP:
    case EVENT_WALL:
        f->n_objects = 1;
        break;
    default:
        fill(&f->n_objects, d->second ? 2 : 1);
    }
    if (f->event == EVENT_DROP)
        f->direction = 0;
    else if (f->event == EVENT_MOVE)
        fill(&f->direction, d->direction);
    else if (!is_sideways(f->direction))
        f->direction = d->sideways;
    if (f->event == EVENT_DROP || f->event == EVENT_RAMP)
        f->speed = 0;
    else
        fill(&f->speed, d->speed);
}

/* Where things stand: only what the event leaves open, and never in each other's way. */
static void complete_places(struct facts *f, const struct draws *d)
{
    struct object_facts *a = &f->object[0], *b = &f->object[1];
    int lane = f->event == EVENT_DROP || (f->event == EVENT_MOVE && !is_sideways(f->direction));
    int stands = f->n_objects == 2 && (f->event == EVENT_MOVE || f->event == EVENT_DROP);

    if (!lane) {
        a->place = 0;
    } else if (stands) {
        int aside = b->place && b->place != PLACE_MIDDLE ? opposite(b->place) : 0;

        if (a->place == PLACE_MIDDLE)
            a->place = 0;
        fill(&a->place, aside ? aside : (d->place[0] == PLACE_RIGHT ? PLACE_RIGHT : PLACE_LEFT));
    } else {
        fill(&a->place, d->place[0]);
    }
    if (!stands) {
        b->place = b->depth = 0;
    } else {
        if (lane)
            b->place = opposite(a->place);
        fill(&b->place, d->place[1]);
        if (a->depth)
            fill(&b->depth, a->depth == DEPTH_FRONT ? DEPTH_BACK : DEPTH_FRONT);
        fill(&b->depth, d->depth);
    }
    a->depth = 0;
}

static void complete_look(struct facts *f, const struct draws *d)
{
    struct object_facts *a = &f->object[0], *b = &f->object[1];
    int contact = f->event != EVENT_MOVE && d->ball;

    fill(&a->shape, contact || f->event == EVENT_DOMINO ? SHAPE_BALL : d->shape[0]);
    fill(&a->size, d->size[0]);
    fill(&a->material, d->material[0]);
    if (f->n_objects == 1) {
        memset(b, 0, sizeof *b);
        fill(&a->color, d->color[0]);
        return;
    }
    if (f->event == EVENT_DOMINO) {
        b->shape = SHAPE_DOMINOES;
        b->size = 0;
    } else {
        fill(&b->shape, d->shape[1]);
        fill(&b->size, d->size[1]);
    }
    fill(&b->material, d->material[1]);
    if (!a->color)
        a->color = d->color[0] != b->color ? d->color[0] : 1 + b->color % (COLOR_COUNT - 1);
    fill(&b->color, d->color[1] + (d->color[1] >= a->color));
}

void facts_complete(struct facts *f, uint64_t seed, const struct world_mix *mix)
{
    struct draws d = draw_all(seed, mix ? mix : &world_mix_default);

    complete_action(f, &d, mix != NULL);
    complete_places(f, &d);
    complete_look(f, &d);
    fill(&f->floor, d.floor);
    fill(&f->light, d.light);
    fill(&f->camera, mix ? d.camera : CAMERA_STATIC); /* who wants it to move says so */
}

int facts_are_complete(const struct facts *f)
{
    struct facts g = *f;

    facts_complete(&g, 0, NULL);
    return facts_equal(f, &g);
}

static int swapped(int value, int a, int b)
{
    return value == a ? b : value == b ? a : value;
}

void facts_mirror(struct facts *f)
{
    f->direction = swapped(f->direction, DIRECTION_LEFT, DIRECTION_RIGHT);
    f->light = swapped(f->light, LIGHT_LEFT, LIGHT_RIGHT);
    f->camera = swapped(f->camera, CAMERA_PAN_LEFT, CAMERA_PAN_RIGHT);
    for (int i = 0; i < WORLD_MAX_OBJECTS; i++)
        f->object[i].place = swapped(f->object[i].place, PLACE_LEFT, PLACE_RIGHT);
}

int facts_equal(const struct facts *a, const struct facts *b)
{
    return !memcmp(a, b, sizeof *a); /* ints only: no padding */
}

static int agrees(int said, int is)
{
    return !said || said == is;
}

int facts_agree(const struct facts *said, const struct facts *f)
{
    for (int i = 0; i < WORLD_MAX_OBJECTS; i++) {
        const struct object_facts *s = &said->object[i], *o = &f->object[i];

        if (!agrees(s->shape, o->shape) || !agrees(s->color, o->color) || !agrees(s->size, o->size))
            return 0;
        if (!agrees(s->material, o->material) || !agrees(s->place, o->place) ||
            !agrees(s->depth, o->depth))
            return 0;
    }
    return agrees(said->n_objects, f->n_objects) && agrees(said->event, f->event) &&
           agrees(said->direction, f->direction) && agrees(said->speed, f->speed) &&
           agrees(said->floor, f->floor) && agrees(said->light, f->light) &&
           agrees(said->camera, f->camera);
}
