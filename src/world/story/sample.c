#include "world/story/sample.h"

#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/rng.h"

enum { STREAM_STORY = 0x73746f72 };
enum { MAX_VALUES = STORY_CAMERA_COUNT }; /* of any slot */

/* clang-format off */
const struct story_mix story_mix_default = {
    .family = {[STORY_FAMILY_CLIFF] = 0.1, [STORY_FAMILY_STREET] = 0.1, [STORY_FAMILY_MONSTER] = 0.1,
               [STORY_FAMILY_ASTRONAUT] = 0.1, [STORY_FAMILY_READER] = 0.1, [STORY_FAMILY_GIRL] = 0.1,
               [STORY_FAMILY_MIXED] = 0.4},
    .camera = {[STORY_STATIC] = 0.26, [STORY_PAN_LEFT] = 0.05, [STORY_PAN_RIGHT] = 0.05,
               [STORY_TILT_UP] = 0.04, [STORY_TILT_DOWN] = 0.04, [STORY_DOLLY_IN] = 0.09,
               [STORY_DOLLY_OUT] = 0.06, [STORY_ZOOM_IN] = 0.06, [STORY_ZOOM_OUT] = 0.04,
               [STORY_ORBIT_LEFT] = 0.09, [STORY_ORBIT_RIGHT] = 0.09, [STORY_DRONE] = 0.1,
               [STORY_ROLL] = 0.03},
    .style = {[STORY_PHOTO] = 0.7, [STORY_TOON] = 0.09, [STORY_CLAY] = 0.07, [STORY_INK] = 0.07,
              [STORY_PIXEL] = 0.07},
};

/* What the six families look like. Weights; a slot without any has none of its own. */
struct anchor {
    int subject;
    double place[STORY_PLACE_COUNT], action[STORY_ACTION_COUNT], color[COLOR_COUNT];
    double prop[STORY_PROP_COUNT], shot[STORY_SHOT_COUNT];
};
static const struct anchor anchors[STORY_FAMILY_MIXED] = {
    [STORY_FAMILY_CLIFF] = {STORY_NOBODY,
        .place = {[STORY_CLIFF] = 1},
        .prop = {[STORY_NO_PROP] = 1},
        .shot = {[STORY_FAR] = 0.8, [STORY_MID] = 0.2}},
    [STORY_FAMILY_STREET] = {STORY_WOMAN,
        .place = {[STORY_STREET] = 1},
        .action = {[STORY_WALKS] = 0.84, [STORY_STANDS] = 0.1, [STORY_WAVES] = 0.06},
        .color = {0, 0.51, 0.07, 0.07, 0.07, 0.07, 0.07, 0.07, 0.07},
        .prop = {[STORY_NO_PROP] = 1},
        .shot = {[STORY_CLOSE] = 0.2, [STORY_MID] = 0.45, [STORY_FAR] = 0.35}},
    [STORY_FAMILY_MONSTER] = {STORY_MONSTER,
        .place = {[STORY_ROOM] = 1},
        .action = {[STORY_SITS] = 0.5, [STORY_STANDS] = 0.2, [STORY_HOPS] = 0.2, [STORY_WAVES] = 0.1},
        .color = {0, 1, 1, 1, 1, 1, 1, 1, 1},
        .prop = {[STORY_CANDLE] = 0.88, [STORY_NO_PROP] = 0.12},
        .shot = {[STORY_CLOSE] = 0.45, [STORY_MID] = 0.45, [STORY_FAR] = 0.1}},
    [STORY_FAMILY_ASTRONAUT] = {STORY_ASTRONAUT,
        .place = {[STORY_MOON] = 0.68, [STORY_SHIP] = 0.32},
        .action = {[STORY_STANDS] = 0.3, [STORY_WALKS] = 0.3, [STORY_FLOATS] = 0.25, [STORY_WAVES] = 0.15},
        .color = {0, 0.09, 0.09, 0.09, 0.09, 0.09, 0.09, 0.38, 0.08},
        .prop = {[STORY_NO_PROP] = 0.5, [STORY_SPACESHIP] = 0.5},
        .shot = {[STORY_CLOSE] = 0.35, [STORY_MID] = 0.25, [STORY_FAR] = 0.4}},
    [STORY_FAMILY_READER] = {STORY_READER,
        .place = {[STORY_CLOUD] = 1},
        .action = {[STORY_READS] = 1},
        .color = {0, 1, 1, 1, 1, 1, 1, 1, 1},
        .prop = {[STORY_BOOK] = 1},
        .shot = {[STORY_CLOSE] = 0.25, [STORY_MID] = 0.45, [STORY_FAR] = 0.3}},
    [STORY_FAMILY_GIRL] = {STORY_GIRL,
        .place = {[STORY_COURT] = 0.5, [STORY_LAWN] = 0.5},
        .action = {[STORY_PLAYS] = 1},
        .color = {0, 1, 1, 1, 1, 1, 1, 1, 1},
        .prop = {[STORY_RACKET] = 1},
        .shot = {[STORY_CLOSE] = 0.1, [STORY_MID] = 0.5, [STORY_FAR] = 0.4}},
};

/* What a place has: weights of time and weather as usual there, 0 for what cannot be. Indoors and
 * where there is no air the weather is clear; time in a ship is the night outside its windows. */
struct place_facts {
    double time[STORY_TIME_COUNT], weather[STORY_WEATHER_COUNT];
    double prop[STORY_PROP_COUNT]; /* in mixtures: none, candle, book, racket, spaceship */
    double floats;                 /* how likely something floats there in mixtures */
    double drone;                  /* likes the view of a drone: times the weight in the mix */
    int family;                    /* who is expected there */
};
static const struct place_facts places[STORY_PLACE_COUNT] = {
    [STORY_CLIFF] = {{0, 0.55, 0.35, 0.1}, {0, 0.7, 0.12, 0.1, 0.08}, {0, 4, 1, 1, 1, 1}, 0.1, 6, STORY_FAMILY_CLIFF},
    [STORY_STREET] = {{0, 0.08, 0.12, 0.8}, {0, 0.6, 0.07, 0.26, 0.07}, {0, 4, 1, 1, 1, 0.5}, 0.1, 1, STORY_FAMILY_STREET},
    [STORY_ROOM] = {{0, 0.1, 0.1, 0.8}, {0, 1}, {0, 2, 3, 1, 0.5, 0}, 0.1, 0, STORY_FAMILY_MONSTER},
    [STORY_MOON] = {{0, 0.3, 0, 0.7}, {0, 1}, {0, 4, 0.5, 1, 0.5, 3}, 1, 1.5, STORY_FAMILY_ASTRONAUT},
    [STORY_SHIP] = {{0, 0, 0, 1}, {0, 1}, {0, 4, 1, 1, 0.5, 0}, 3, 0, STORY_FAMILY_ASTRONAUT},
    [STORY_CLOUD] = {{0, 0.6, 0.28, 0.12}, {0, 0.85, 0.15}, {0, 4, 1, 2, 0.5, 1}, 1, 1.5, STORY_FAMILY_READER},
    [STORY_COURT] = {{0, 0.8, 0.1, 0.1}, {0, 1}, {0, 3, 0.5, 1, 3, 0}, 0.1, 0, STORY_FAMILY_GIRL},
    [STORY_LAWN] = {{0, 0.65, 0.25, 0.1}, {0, 0.72, 0.1, 0.1, 0.08}, {0, 3, 1, 2, 3, 1}, 0.1, 1.5, STORY_FAMILY_GIRL},
};
/* Actions in mixtures, of everybody but nobody. */
static const double mixed_action[STORY_ACTION_COUNT] = {
    [STORY_STANDS] = 2, [STORY_WALKS] = 3, [STORY_SITS] = 2, [STORY_READS] = 1, [STORY_PLAYS] = 1,
    [STORY_FLOATS] = 1, [STORY_HOPS] = 1, [STORY_WAVES] = 1.5};
static const double mixed_subject[STORY_SUBJECT_COUNT] = {
    [STORY_NOBODY] = 0.5, [STORY_WOMAN] = 1, [STORY_MONSTER] = 1, [STORY_ASTRONAUT] = 1,
    [STORY_READER] = 1, [STORY_GIRL] = 1};
static const double mixed_shot[STORY_SHOT_COUNT] = {0, 0.3, 0.4, 0.3};
static const double mixed_time[STORY_TIME_COUNT] = {0, 0.5, 0.2, 0.3};
static const double mixed_weather[STORY_WEATHER_COUNT] = {0, 0.55, 0.15, 0.15, 0.15};

/* Whose a fact is when no subject is named: the family + 1. */
static const int family_of_action[STORY_ACTION_COUNT] = {
    [STORY_WALKS] = 1 + STORY_FAMILY_STREET, [STORY_READS] = 1 + STORY_FAMILY_READER,
    [STORY_PLAYS] = 1 + STORY_FAMILY_GIRL, [STORY_FLOATS] = 1 + STORY_FAMILY_ASTRONAUT,
    [STORY_HOPS] = 1 + STORY_FAMILY_MONSTER};
static const int family_of_prop[STORY_PROP_COUNT] = {
    [STORY_CANDLE] = 1 + STORY_FAMILY_MONSTER, [STORY_BOOK] = 1 + STORY_FAMILY_READER,
    [STORY_RACKET] = 1 + STORY_FAMILY_GIRL, [STORY_SPACESHIP] = 1 + STORY_FAMILY_ASTRONAUT};
static const int family_of_subject[STORY_SUBJECT_COUNT] = {
    [STORY_NOBODY] = STORY_FAMILY_CLIFF, [STORY_WOMAN] = STORY_FAMILY_STREET,
    [STORY_MONSTER] = STORY_FAMILY_MONSTER, [STORY_ASTRONAUT] = STORY_FAMILY_ASTRONAUT,
    [STORY_READER] = STORY_FAMILY_READER, [STORY_GIRL] = STORY_FAMILY_GIRL};
/* clang-format on */

const char *story_family_name(int family)
{
#define NAME(name, word) word,
    static const char *const names[STORY_FAMILY_COUNT] = {STORY_FAMILY_LIST(NAME)};
#undef NAME

    ZT_ASSERT(family >= 0 && family < STORY_FAMILY_COUNT);
    return names[family];
}

int story_family(const struct story_facts *f)
{
    int family = family_of_subject[f->subject];

    return anchors[family].place[f->place] > 0 ? family : STORY_FAMILY_MIXED;
}

/* Can the value be, beside what the slots before it in the order of filling say? 0 in those slots
 * rules nothing out. */
static int is_possible(const struct story_facts *f, int slot, int value)
{
    const struct place_facts *p = f->place ? &places[f->place] : NULL;
    int nobody = f->subject == STORY_NOBODY;

    switch (slot) {
    case STORY_SLOT_ACTION:
        return !nobody;
    case STORY_SLOT_COLOR:
        return !nobody;
    case STORY_SLOT_PROP:
        if (f->action == STORY_READS || f->action == STORY_PLAYS)
            return value == (f->action == STORY_READS ? STORY_BOOK : STORY_RACKET);
        return !p || p->prop[value] > 0;
    case STORY_SLOT_CAMERA:
        return value != STORY_DRONE || !p || p->drone > 0;
    case STORY_SLOT_TIME:
        return !p || p->time[value] > 0;
    case STORY_SLOT_WEATHER:
        return !p || p->weather[value] > 0;
    default:
        return 1;
    }
}

/* All draws: numbers in 0..1, one per slot, made in one order whatever is said, so that saying one
 * fact changes no other where it need not. */
struct draws {
    double family, slot[STORY_SLOT_COUNT];
};

static void draw_all(struct draws *d, uint64_t seed)
{
    struct rng r;

    rng_init(&r, seed, STREAM_STORY);
    d->family = rng_uniform(&r);
    for (int s = 0; s < STORY_SLOT_COUNT; s++)
        d->slot[s] = rng_uniform(&r);
}

/* The index at u of the sum of the weights; 0 when there is none. */
static int pick(const double *weight, int n, double u)
{
    double sum = 0;
    int last = 0;

    for (int i = 0; i < n; i++)
        sum += weight[i];
    u *= sum;
    for (int i = 0; i < n; i++) {
        if (weight[i] > 0) {
            last = i;
            if (u < weight[i])
                return i;
            u -= weight[i];
        }
    }
    return last;
}

/* Fill one slot, or fill it again when it cannot be, by those weights that are possible. */
static void fill(struct story_facts *f, const struct draws *d, int slot, const double *weight)
{
    double w[MAX_VALUES] = {0}, flat[MAX_VALUES] = {0};
    int *value = story_fact(f, slot), n = story_slot_count(slot), any = 0;

    if (*value && is_possible(f, slot, *value))
        return;
    for (int i = 1; i < n; i++) {
        flat[i] = is_possible(f, slot, i);
        w[i] = weight ? weight[i] * flat[i] : 0;
        any |= w[i] > 0;
    }
    *value = pick(any ? w : flat, n, d->slot[slot]);
}

/* The place: one where all that is said can be, a usual one if there is such. */
static void fill_place(struct story_facts *f, const struct draws *d, const double *usual)
{
    double w[STORY_PLACE_COUNT] = {0}, flat[STORY_PLACE_COUNT] = {0};
    int any = 0;

    for (int i = 1; i < STORY_PLACE_COUNT && !f->place; i++) {
        struct story_facts there = *f;

        there.place = i;
        flat[i] = 1;
        for (int s = 0; s < STORY_SLOT_COUNT; s++) {
            if (story_fact_get(f, s) && !is_possible(&there, s, story_fact_get(f, s)))
                flat[i] = 0;
        }
        w[i] = usual[i] * flat[i];
        any |= w[i] > 0;
    }
    fill(f, d, STORY_SLOT_PLACE, any ? w : flat);
}

/* The action: none whose prop is not the one that was said. */
static void fill_action(struct story_facts *f, const struct draws *d, const double *usual)
{
    double w[STORY_ACTION_COUNT];

    for (int i = 0; i < STORY_ACTION_COUNT; i++) {
        int needs = i == STORY_READS ? STORY_BOOK : i == STORY_PLAYS ? STORY_RACKET : 0;

        w[i] = usual[i];
        if (needs && f->prop && f->prop != needs)
            w[i] = 0;
    }
    fill(f, d, STORY_SLOT_ACTION, w);
}

static void fill_camera(struct story_facts *f, const struct draws *d, const double *weight)
{
    double w[STORY_CAMERA_COUNT];

    for (int i = 0; i < STORY_CAMERA_COUNT; i++)
        w[i] = weight[i] *
               (i == STORY_DRONE && f->subject == STORY_NOBODY ? places[f->place].drone : 1);
    fill(f, d, STORY_SLOT_CAMERA, w);
}

/* What people have in mind who name one of the six, as far as what is said allows. Away from home
 * it does what everybody does and has nothing with it that is not said: no racket at the sea. */
static void fill_anchor(struct story_facts *f, const struct draws *d, int family)
{
    const struct anchor *a = &anchors[family];
    static const double still[STORY_ACTION_COUNT] = {
        [STORY_STANDS] = 2, [STORY_WALKS] = 2, [STORY_SITS] = 1, [STORY_WAVES] = 1};
    static const double nothing[STORY_PROP_COUNT] = {[STORY_NO_PROP] = 1};
    double action[STORY_ACTION_COUNT];
    int home;

    f->subject = f->subject ? f->subject : a->subject;
    fill_place(f, d, a->place);
    home = f->subject == a->subject && a->place[f->place] > 0;
    for (int i = 0; i < STORY_ACTION_COUNT; i++) /* its own, and far behind it what all do */
        action[i] = (home ? a->action[i] : 0) + 1e-6 * still[i];
    if (f->prop == STORY_BOOK) /* who has a book reads */
        action[STORY_READS] += 4;
    if (f->prop == STORY_RACKET)
        action[STORY_PLAYS] += 4;
    fill_action(f, d, action);
    home &= f->subject == STORY_NOBODY || a->action[f->action] > 0;
    fill(f, d, STORY_SLOT_COLOR, a->color);
    fill(f, d, STORY_SLOT_PROP, home ? a->prop : nothing);
    fill(f, d, STORY_SLOT_TIME, places[f->place].time);
    fill(f, d, STORY_SLOT_WEATHER, places[f->place].weather);
}

/* The distance from which what is said is seen: nobody who is named stands far away, and what
 * somebody does or holds is not cut off by the lower edge of a portrait. A place is seen whole. */
static void fill_shot(struct story_facts *f, const struct draws *d, const struct story_facts *said,
                      int family)
{
    static const double body[STORY_SHOT_COUNT] = {[STORY_MID] = 1};
    double face[STORY_SHOT_COUNT];

    memcpy(face, anchors[family].shot, sizeof face);
    face[STORY_FAR] = 0;
    fill(f, d, STORY_SLOT_SHOT,
         f->subject == STORY_NOBODY                   ? anchors[family].shot
         : said->action || said->prop > STORY_NO_PROP ? body
                                                      : face);
}

static void fill_mixture(struct story_facts *f, const struct draws *d)
{
    double action[STORY_ACTION_COUNT];

    fill(f, d, STORY_SLOT_SUBJECT, mixed_subject);
    fill(f, d, STORY_SLOT_PLACE, NULL);
    for (int i = 0; i < STORY_ACTION_COUNT; i++)
        action[i] = mixed_action[i] * (i == STORY_FLOATS ? places[f->place].floats : 1);
    fill_action(f, d, action);
    fill(f, d, STORY_SLOT_COLOR, NULL);
    fill(f, d, STORY_SLOT_PROP, places[f->place].prop);
    fill(f, d, STORY_SLOT_SHOT, mixed_shot);
    fill(f, d, STORY_SLOT_TIME, mixed_time);
    fill(f, d, STORY_SLOT_WEATHER, mixed_weather);
}

static void clear_nobody(struct story_facts *f)
{
    if (f->subject == STORY_NOBODY)
        f->action = f->color = 0;
}

void story_sample(struct story *s, uint64_t seed, const struct story_mix *mix, double aspect)
{
    struct story_facts *f = &s->facts;
    struct draws d;
    int family;

    mix = mix ? mix : &story_mix_default;
    draw_all(&d, seed);
    *s = (struct story){.seed = seed, .aspect = aspect > 0 ? (float)aspect : 16.0f / 9};
    family = pick(mix->family, STORY_FAMILY_COUNT, d.family);
    if (family == STORY_FAMILY_MIXED) {
        fill_mixture(f, &d);
    } else {
        fill_anchor(f, &d, family);
        fill(f, &d, STORY_SLOT_SHOT, anchors[family].shot);
    }
    fill_camera(f, &d, mix->camera);
    fill(f, &d, STORY_SLOT_STYLE, mix->style);
    clear_nobody(f);
}

/* The family that the said facts belong to. */
static int family_meant(const struct story_facts *f, const struct draws *d, int somebody)
{
    static const double people[STORY_FAMILY_MIXED] = {[STORY_FAMILY_STREET] = 1,
                                                      [STORY_FAMILY_MONSTER] = 1,
                                                      [STORY_FAMILY_ASTRONAUT] = 1,
                                                      [STORY_FAMILY_READER] = 1,
                                                      [STORY_FAMILY_GIRL] = 1};

    somebody |= f->action || f->color;
    if (f->subject > STORY_NOBODY)
        return family_of_subject[f->subject];
    if (f->subject == STORY_NOBODY)
        return f->place ? places[f->place].family : STORY_FAMILY_CLIFF;
    if (family_of_action[f->action])
        return family_of_action[f->action] - 1;
    if (f->place && (f->place != STORY_CLIFF || !somebody))
        return places[f->place].family;
    if (family_of_prop[f->prop])
        return family_of_prop[f->prop] - 1;
    if (f->camera == STORY_DRONE && !somebody)
        return STORY_FAMILY_CLIFF;
    return somebody ? pick(people, STORY_FAMILY_MIXED, d->family)
                    : pick(story_mix_default.family, STORY_FAMILY_MIXED, d->family);
}

void story_facts_somebody(struct story_facts *f, uint64_t seed)
{
    struct draws d;

    draw_all(&d, seed);
    f->subject = anchors[family_meant(f, &d, 1)].subject;
}

void story_facts_complete(struct story_facts *f, uint64_t seed)
{
    static const double stands[STORY_CAMERA_COUNT] = {[STORY_STATIC] = 1};
    struct story_facts said;
    struct draws d;
    int family;

    draw_all(&d, seed);
    family = family_meant(f, &d, 0);
    /* A place and nobody in it: the place is what is shown. */
    if (!f->subject && f->place && !f->action && !f->color &&
        (f->prop <= STORY_NO_PROP || f->prop == STORY_SPACESHIP))
        f->subject = STORY_NOBODY;
    said = *f;
    f->weather = f->weather ? f->weather : STORY_CLEAR; /* who wants rain says so */
    fill_anchor(f, &d, family);
    fill_shot(f, &d, &said, family);
    fill(f, &d, STORY_SLOT_CAMERA, stands); /* and who wants it to move */
    f->style = f->style ? f->style : STORY_PHOTO;
    clear_nobody(f);
}

int story_facts_are_complete(const struct story_facts *f)
{
    for (int s = 0; s < STORY_SLOT_COUNT; s++) {
        int value = story_fact_get(f, s), nobody = f->subject == STORY_NOBODY;
        int none = nobody && (s == STORY_SLOT_ACTION || s == STORY_SLOT_COLOR);

        if (value < 0 || value >= story_slot_count(s) || (value == 0) != none)
            return 0;
    }
    for (int s = 0; s < STORY_SLOT_COUNT; s++) {
        int value = story_fact_get(f, s);

        if (value && !is_possible(f, s, value))
            return 0;
    }
    return 1;
}

void story_from_facts(struct story *s, const struct story_facts *f, uint64_t seed, double aspect)
{
    *s = (struct story){.facts = *f, .seed = seed};
    s->aspect = aspect > 0 ? (float)aspect : 16.0f / 9;
    story_facts_complete(&s->facts, seed);
}

/* Another value of a slot that has values first..n-1. */
static int other_value(struct rng *r, int value, int first, int n)
{
    int other = first + rng_below(r, n - first - 1);

    return other + (other >= value);
}

void story_facts_wrong(struct story_facts *f, uint64_t seed)
{
    struct rng r;

    rng_init(&r, seed, STREAM_STORY + 1);
    if (f->subject == STORY_NOBODY) {
        int place = f->place;

        do /* a cliff and a street take everything but each the other */
            f->place = other_value(&r, place, 1, STORY_PLACE_COUNT);
        while (!story_facts_are_complete(f));
    } else if (rng_chance(&r, 0.5)) {
        f->subject = other_value(&r, f->subject, STORY_WOMAN, STORY_SUBJECT_COUNT);
    } else {
        f->color = other_value(&r, f->color, 1, COLOR_COUNT);
    }
}
