/* facts.h - what can be said about a clip of the world: a few named choices, nothing continuous.
 *
 * Facts are the common tongue of scenes, captions, prompts and measures. Value 0 of every slot
 * means "unsaid". object[0] is the actor, the one that moves by itself; object[1] stands, is struck
 * or is the row of dominoes. Canonical words are unique over all slots, so one word is one fact.
 *
 * Threads: everything here is pure. */
#ifndef WORLD_FACTS_H
#define WORLD_FACTS_H

#include <stdint.h>

struct buf;

/* clang-format off */
#define SHAPE_LIST(X)     X(BALL, "ball") X(BOX, "box") X(CONE, "cone") X(CYLINDER, "cylinder") \
                          X(DOMINOES, "dominoes")
#define COLOR_LIST(X)     X(RED, "red") X(GREEN, "green") X(BLUE, "blue") X(YELLOW, "yellow") \
                          X(ORANGE, "orange") X(PURPLE, "purple") X(WHITE, "white") X(BLACK, "black")
#define SIZE_LIST(X)      X(SMALL, "small") X(MEDIUM, "medium") X(LARGE, "large")
#define MATERIAL_LIST(X)  X(MATTE, "matte") X(SHINY, "shiny")
#define PLACE_LIST(X)     X(LEFT, "left") X(MIDDLE, "middle") X(RIGHT, "right")
#define DEPTH_LIST(X)     X(FRONT, "front") X(BACK, "back")
#define EVENT_LIST(X)     X(MOVE, "moves") X(COLLIDE, "hits") X(DROP, "drops") X(RAMP, "descends") \
                          X(DOMINO, "topples") X(WALL, "rebounds")
#define DIRECTION_LIST(X) X(RIGHT, "rightward") X(LEFT, "leftward") X(TOWARD, "approaching") \
                          X(AWAY, "receding")
#define SPEED_LIST(X)     X(SLOW, "slow") X(FAST, "fast")
#define FLOOR_LIST(X)     X(GREY, "grey") X(BEIGE, "beige") X(CHECKER, "checker") X(SLATE, "slate")
#define LIGHT_LIST(X)     X(LEFT, "leftlit") X(RIGHT, "rightlit")
#define CAMERA_LIST(X)    X(STATIC, "static") X(PAN_LEFT, "panleft") X(PAN_RIGHT, "panright") \
                          X(ZOOM_IN, "zoomin")
/* SLOT(NAME, first value): all slots, in the order in which tables print them. */
#define SLOT_LIST(X) X(SHAPE) X(COLOR) X(SIZE) X(MATERIAL) X(PLACE) X(DEPTH) X(EVENT) X(DIRECTION) \
                     X(SPEED) X(FLOOR) X(LIGHT) X(CAMERA)

#define X(name, word) SHAPE_##name,
enum { SHAPE_UNSAID, SHAPE_LIST(X) SHAPE_COUNT };
#undef X
#define X(name, word) COLOR_##name,
enum { COLOR_UNSAID, COLOR_LIST(X) COLOR_COUNT };
#undef X
#define X(name, word) SIZE_##name,
enum { SIZE_UNSAID, SIZE_LIST(X) SIZE_COUNT };
#undef X
#define X(name, word) MATERIAL_##name,
enum { MATERIAL_UNSAID, MATERIAL_LIST(X) MATERIAL_COUNT };
#undef X
#define X(name, word) PLACE_##name,
enum { PLACE_UNSAID, PLACE_LIST(X) PLACE_COUNT };
#undef X
#define X(name, word) DEPTH_##name,
enum { DEPTH_UNSAID, DEPTH_LIST(X) DEPTH_COUNT };
#undef X
#define X(name, word) EVENT_##name,
enum { EVENT_UNSAID, EVENT_LIST(X) EVENT_COUNT };
#undef X
#define X(name, word) DIRECTION_##name,
enum { DIRECTION_UNSAID, DIRECTION_LIST(X) DIRECTION_COUNT };
#undef X
#define X(name, word) SPEED_##name,
enum { SPEED_UNSAID, SPEED_LIST(X) SPEED_COUNT };
#undef X
#define X(name, word) FLOOR_##name,
enum { FLOOR_UNSAID, FLOOR_LIST(X) FLOOR_COUNT };
#undef X
#define X(name, word) LIGHT_##name,
enum { LIGHT_UNSAID, LIGHT_LIST(X) LIGHT_COUNT };
#undef X
#define X(name, word) CAMERA_##name,
enum { CAMERA_UNSAID, CAMERA_LIST(X) CAMERA_COUNT };
#undef X
#define X(name) SLOT_##name,
enum { SLOT_LIST(X) SLOT_COUNT };
#undef X
/* clang-format on */

enum { WORLD_MAX_OBJECTS = 2 };

struct object_facts {
    int shape, color, size, material;
    int place, depth; /* where it stands; of the actor only what its motion leaves open */
};

struct facts {
    int n_objects; /* 0 unsaid, 1 or 2 */
    struct object_facts object[WORLD_MAX_OBJECTS];
    int event, direction, speed;
    int floor, light, camera;
};

/* How often each choice is sampled. */
struct world_mix {
    double event[EVENT_COUNT];
    double direction[DIRECTION_COUNT]; /* of EVENT_MOVE; the other events know left and right */
    double second_object;              /* chance that a mover or a falling object has company */
    double camera[CAMERA_COUNT];
};
extern const struct world_mix world_mix_default;

int slot_count(int slot);                   /* values of a slot including 0 = unsaid */
const char *slot_name(int slot);            /* "shape", "color", ... */
const char *slot_word(int slot, int value); /* canonical word; NULL for unsaid or out of range */

/* Fill everything unsaid: by the mix (NULL: default, before a camera that stands), repeatable from
 * the seed. Contradictions between the event and the rest (a falling object with a speed) are
 * cleared, so the result is complete: the same facts and seed always give the same picture. An
 * unsaid event becomes EVENT_MOVE unless the mix is given. */
void facts_complete(struct facts *f, uint64_t seed, const struct world_mix *mix);
/* 1 when facts_complete would leave f as it is. */
int facts_are_complete(const struct facts *f);
/* Left and right exchanged everywhere. */
void facts_mirror(struct facts *f);
int facts_equal(const struct facts *a, const struct facts *b);
/* 1 when every fact that `said` states holds in `f`. */
int facts_agree(const struct facts *said, const struct facts *f);

#endif
