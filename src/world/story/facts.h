/* facts.h - what can be said about a clip of the world of stories: who is where, does what, with
 * what, and how it is filmed. Everything continuous is drawn from the seed when it is rendered.
 *
 * Value 0 of every slot means "unsaid"; colours are those of world/facts.h. A canonical word is one
 * fact, in this world and over all worlds: a word that another world has too means the same there
 * ("red", "panleft"), which is why the middle distance is "mid" and not "medium".
 *
 * Threads: everything here is pure. */
#ifndef STORY_FACTS_H
#define STORY_FACTS_H

#include <stdint.h>

#include "world/facts.h"

/* clang-format off */
#define STORY_SUBJECT_LIST(X) X(NOBODY, "nobody") X(WOMAN, "woman") X(MONSTER, "monster") \
                              X(ASTRONAUT, "astronaut") X(READER, "reader") X(GIRL, "girl")
#define STORY_PLACE_LIST(X)   X(CLIFF, "cliff") X(STREET, "street") X(ROOM, "room") \
                              X(MOON, "moon") X(SHIP, "ship") X(CLOUD, "cloud") \
                              X(COURT, "court") X(LAWN, "lawn")
/* STORY_WAVES is a greeting with the hand. */
#define STORY_ACTION_LIST(X)  X(STANDS, "stands") X(WALKS, "walks") X(SITS, "sits") \
                              X(READS, "reads") X(PLAYS, "plays") X(FLOATS, "floats") \
                              X(HOPS, "hops") X(WAVES, "waves")
#define STORY_PROP_LIST(X)    X(NO_PROP, "none") X(CANDLE, "candle") X(BOOK, "book") \
                              X(RACKET, "racket") X(SPACESHIP, "spaceship")
#define STORY_SHOT_LIST(X)    X(CLOSE, "close") X(MID, "mid") X(FAR, "far")
#define STORY_CAMERA_LIST(X)  X(STATIC, "static") X(PAN_LEFT, "panleft") \
                              X(PAN_RIGHT, "panright") X(TILT_UP, "tiltup") \
                              X(TILT_DOWN, "tiltdown") X(DOLLY_IN, "dollyin") \
                              X(DOLLY_OUT, "dollyout") X(ZOOM_IN, "zoomin") \
                              X(ZOOM_OUT, "zoomout") X(ORBIT_LEFT, "orbitleft") \
                              X(ORBIT_RIGHT, "orbitright") X(DRONE, "drone") X(ROLL, "roll")
#define STORY_TIME_LIST(X)    X(DAY, "day") X(SUNSET, "sunset") X(NIGHT, "night")
#define STORY_WEATHER_LIST(X) X(CLEAR, "clear") X(FOG, "fog") X(RAIN, "rain") X(SNOW, "snow")
#define STORY_STYLE_LIST(X)   X(PHOTO, "photo") X(TOON, "toon") X(CLAY, "clay") X(INK, "ink") \
                              X(PIXEL, "pixel")
/* SLOT(NAME, field): all slots, in the order of struct story_facts. The colour is the subject's:
 * dress, fur, stripes of the suit, shirt. */
#define STORY_SLOT_LIST(X) X(SUBJECT, subject) X(PLACE, place) X(ACTION, action) X(COLOR, color) \
                           X(PROP, prop) X(SHOT, shot) X(CAMERA, camera) X(TIME, time) \
                           X(WEATHER, weather) X(STYLE, style)

/* Values: STORY_WOMAN, STORY_CLIFF, ... count from 1 in each list; COUNT includes 0 = unsaid. */
#define X(name, word) STORY_##name,
enum { STORY_SUBJECT_UNSAID, STORY_SUBJECT_LIST(X) STORY_SUBJECT_COUNT };
enum { STORY_PLACE_UNSAID, STORY_PLACE_LIST(X) STORY_PLACE_COUNT };
enum { STORY_ACTION_UNSAID, STORY_ACTION_LIST(X) STORY_ACTION_COUNT };
enum { STORY_PROP_UNSAID, STORY_PROP_LIST(X) STORY_PROP_COUNT };
enum { STORY_SHOT_UNSAID, STORY_SHOT_LIST(X) STORY_SHOT_COUNT };
enum { STORY_CAMERA_UNSAID, STORY_CAMERA_LIST(X) STORY_CAMERA_COUNT };
enum { STORY_TIME_UNSAID, STORY_TIME_LIST(X) STORY_TIME_COUNT };
enum { STORY_WEATHER_UNSAID, STORY_WEATHER_LIST(X) STORY_WEATHER_COUNT };
enum { STORY_STYLE_UNSAID, STORY_STYLE_LIST(X) STORY_STYLE_COUNT };
#undef X
#define X(name, field) STORY_SLOT_##name,
enum { STORY_SLOT_LIST(X) STORY_SLOT_COUNT };
#undef X
/* clang-format on */

struct story_facts {
    int subject, place, action, color, prop, shot, camera, time, weather, style;
};

/* A clip of this world. Pictures come from facts, seed and aspect alone. */
struct story {
    struct story_facts facts; /* complete, as seen: the mirror is in them already */
    uint64_t seed;
    float aspect; /* w / h */
    int mirror;   /* render with left and right of the camera exchanged back, flip the picture */
};

int story_slot_count(int slot);                   /* values of a slot including 0 = unsaid */
const char *story_slot_name(int slot);            /* "subject", "place", ... */
const char *story_slot_word(int slot, int value); /* NULL for unsaid or out of range */
int *story_fact(struct story_facts *f, int slot); /* its field */
int story_fact_get(const struct story_facts *f, int slot);

/* Left and right exchanged. */
void story_facts_mirror(struct story_facts *f);
int story_facts_equal(const struct story_facts *a, const struct story_facts *b);
/* 1 when every fact that `said` states holds in f. */
int story_facts_agree(const struct story_facts *said, const struct story_facts *f);
/* The same with the picture flipped: facts and flag. */
void story_mirror(struct story *s);

#endif
