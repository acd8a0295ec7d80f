#include "world/story/prompt.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rng.h"
#include "world/story/prompt_inner.h"
#include "world/story/sample.h"

enum { STREAM_SIDE = 0x73696465, MAX_VALUES = STORY_CAMERA_COUNT };

int story_role(const struct story_reading *r, int i)
{
    return i >= 0 && i < r->n ? r->t[i].role : STORY_STOP;
}

int story_is_separator(int role)
{
    return role == STORY_COMMA || role == STORY_STOP;
}

int story_near(const struct story_reading *r, int i, int step)
{
    do {
        i += step;
    } while (story_role(r, i) == STORY_SKIP || story_role(r, i) == STORY_ARTICLE);
    return i;
}

int story_token_fact(const struct story_token *t, int slot)
{
    for (int k = 0; t->row && k < STORY_ROW_FACTS; k++) {
        if (t->row->fact[k].value && t->row->fact[k].slot == slot)
            return t->row->fact[k].value;
    }
    return 0;
}

static int has_subject(const struct story_reading *r, int i)
{
    int role = story_role(r, i);

    if (role == STORY_IT || role == STORY_SOMEBODY)
        return 1;
    return !story_is_separator(role) && i >= 0 && i < r->n && role == STORY_FACT &&
           story_token_fact(&r->t[i], STORY_SLOT_SUBJECT) > STORY_NOBODY;
}

/* "no candle", 没有书: the next word that states something is not there. */
static void read_negations(struct story_reading *r)
{
    for (int i = 0; i < r->n; i++) {
        int k = i;

        if (story_role(r, i) != STORY_NOT)
            continue;
        do {
            k = story_near(r, k, 1);
        } while (story_role(r, k) == STORY_COLOR || story_role(r, k) == STORY_AT);
        if (!story_is_separator(story_role(r, k)))
            r->t[k].dropped = 1;
    }
}

/* Waves of the sea crash, follow an article, or nobody is there who could greet. */
static int is_sea(const struct story_reading *r, int i)
{
    int before = i - 1;

    for (int k = i + 1; k <= i + 3 && !story_is_separator(story_role(r, k)); k++) {
        if (story_role(r, k) == STORY_SURF)
            return 1;
    }
    while (story_role(r, before) == STORY_SKIP)
        before--;
    if (story_role(r, before) == STORY_COLOR &&
        (has_subject(r, before - 1) || story_role(r, before - 1) == STORY_INSIDE))
        before--;
    else if (story_role(r, before) == STORY_COLOR)
        return 1;
    if (story_role(r, before) == STORY_ARTICLE || story_role(r, before) == STORY_SURF)
        return 1;
    for (int k = i; k >= 0 && story_role(r, k) != STORY_STOP; k--) {
        if (has_subject(r, k))
            return 0;
    }
    return 1;
}

static void read_waves(struct story_reading *r)
{
    static const struct story_row sea = {STORY_FACT, {{STORY_SLOT_PLACE, STORY_CLIFF}}, {"", ""}},
                                  hand = {STORY_FACT, {{STORY_SLOT_ACTION, STORY_WAVES}}, {"", ""}};

    for (int i = 0; i < r->n; i++) {
        if (story_role(r, i) != STORY_WAVE)
            continue;
        r->t[i].row = is_sea(r, i) ? &sea : &hand;
    }
    for (int i = 0; i < r->n; i++) {
        if (story_role(r, i) == STORY_WAVE)
            r->t[i].role = STORY_FACT;
    }
}

/* Inside a spaceship is a place; before one, it is a thing. */
static void read_ships(struct story_reading *r)
{
    static const struct story_row ship = {STORY_FACT, {{STORY_SLOT_PLACE, STORY_SHIP}}, {"", ""}};

    for (int i = 0; i < r->n; i++) {
        struct story_token *t = &r->t[i];
        int p = story_near(r, i, -1), inside;

        if (story_token_fact(t, STORY_SLOT_PROP) != STORY_SPACESHIP)
            continue;
        while (story_role(r, p) == STORY_COLOR)
            p = story_near(r, p, -1);
        inside = t->lang == LANG_EN && story_role(r, p) == STORY_INSIDE;
        if (inside || story_role(r, i + 1) == STORY_INNER)
            t->row = &ship;
    }
}

/* ---- whose colour ---- */

/* What a colour can belong to: clothes, subjects (0: no noun), or things (their colours are their
 * own). */
enum noun { NO_NOUN, NOUN_DRESS, NOUN_WHO, NOUN_COAT, NOUN_OTHER };

static enum noun noun_of(const struct story_reading *r, int i)
{
    int role = story_role(r, i);

    if (role == STORY_DRESS)
        return NOUN_DRESS;
    if (role == STORY_COAT || role == STORY_SUIT)
        return NOUN_COAT;
    if (has_subject(r, i))
        return NOUN_WHO;
    if (role == STORY_THING || role == STORY_UNKNOWN || role == STORY_REFUSE)
        return NOUN_OTHER;
    if (role == STORY_FACT || role == STORY_HINT) {
        const struct story_token *t = &r->t[i];

        if (story_token_fact(t, STORY_SLOT_PLACE) || story_token_fact(t, STORY_SLOT_PROP))
            return story_token_fact(t, STORY_SLOT_ACTION) ? NO_NOUN : NOUN_OTHER;
        if (story_token_fact(t, STORY_SLOT_TIME) || story_token_fact(t, STORY_SLOT_WEATHER))
            return NOUN_OTHER;
    }
    return NO_NOUN;
}

static int ends_noun_phrase(const struct story_reading *r, int i)
{
    int role = story_role(r, i);

    return story_is_separator(role) || role == STORY_AT || role == STORY_INSIDE ||
           role == STORY_WAVE || r->t[i].led ||
           (role == STORY_FACT && story_token_fact(&r->t[i], STORY_SLOT_ACTION));
}

/* The noun of colour i: the next one, over adjectives; else the last one before. */
static int noun_for(const struct story_reading *r, int i)
{
    for (int k = i + 1; k <= i + 5; k++) {
        if (ends_noun_phrase(r, k) || (story_role(r, k) == STORY_ARTICLE && k > i + 1))
            break;
        if (noun_of(r, k))
            return k;
    }
    for (int k = i - 1; k >= i - 8 && !story_is_separator(story_role(r, k)); k--) {
        if (noun_of(r, k))
            return k;
    }
    return -1;
}

/* Colours that places have anyway need not be named. */
static int is_natural(const struct story_token *noun, int color)
{
    static const unsigned natural[STORY_PLACE_COUNT] = {
        [STORY_CLIFF] = 1u << COLOR_WHITE | 1u << COLOR_BLUE | 1u << COLOR_GREEN | 1u << COLOR_RED,
        [STORY_STREET] = 1u << COLOR_RED | 1u << COLOR_BLUE | 1u << COLOR_PURPLE,
        [STORY_MOON] = 1u << COLOR_WHITE | 1u << COLOR_BLACK,
        [STORY_CLOUD] = 1u << COLOR_WHITE | 1u << COLOR_BLUE,
        [STORY_COURT] = 1u << COLOR_GREEN,
        [STORY_LAWN] = 1u << COLOR_GREEN};

    return noun->role == STORY_THING ||
           natural[story_token_fact(noun, STORY_SLOT_PLACE)] >> color & 1;
}

static int read_color(struct story_reading *r)
{
    int best = NOUN_OTHER, color = 0;

    for (int i = 0; i < r->n; i++) {
        struct story_token *t = &r->t[i];
        int noun, kind;

        if (t->role != STORY_COLOR || t->dropped)
            continue;
        noun = noun_for(r, i);
        kind = noun >= 0 ? (int)noun_of(r, noun) : NOUN_COAT;
        if (kind == NOUN_OTHER) {
            t->dropped = 1;
            t->refused = !is_natural(&r->t[noun], t->value);
        } else if (kind < best) {
            best = kind;
            color = t->value;
        } else {
            t->dropped = 1;
        }
    }
    return color;
}

/* ---- one value for each slot ---- */

/* Weight of what token t says of the slot: facts count, hints only where there are none. */
static int weight_of(const struct story_token *t, int slot)
{
    if (t->dropped || !story_token_fact(t, slot))
        return 0;
    switch (t->role) {
    case STORY_FACT:
        return 100;
    case STORY_HINT:
    case STORY_IT: /* "she" is somebody else where somebody is named */
    case STORY_DRESS:
    case STORY_COAT:
    case STORY_SUIT:
        return 1;
    default:
        return 0;
    }
}

/* The value with the most votes, or the first that is named. */
static int choose(const struct story_reading *r, int slot, int by_votes)
{
    int vote[MAX_VALUES] = {0}, best = 0;

    for (int i = 0; i < r->n; i++) {
        int value = story_token_fact(&r->t[i], slot), weight = weight_of(&r->t[i], slot);

        if (!weight)
            continue;
        if (by_votes || !vote[value])
            vote[value] += weight;
        else if (weight > vote[value])
            vote[value] = weight;
        if (!best)
            best = value;
    }
    for (int i = 0; i < r->n && best; i++) { /* in the order of the text: the first wins a draw */
        int value = story_token_fact(&r->t[i], slot);

        if (value && vote[value] > vote[best])
            best = value;
    }
    return best;
}

/* Who: whoever wears a spacesuit is an astronaut; nobody only where nobody is named. */
static int choose_subject(struct story_reading *r, const struct story_facts *f, int somebody)
{
    int subject = choose(r, STORY_SLOT_SUBJECT, 0);

    for (int i = 0; i < r->n; i++) {
        if (r->t[i].role == STORY_SUIT && !r->t[i].dropped && subject != STORY_MONSTER)
            subject = story_token_fact(&r->t[i], STORY_SLOT_SUBJECT);
    }
    if (subject == STORY_NOBODY && (somebody || f->action))
        subject = 0;
    for (int i = 0; i < r->n; i++) { /* a second one cannot be shown */
        struct story_token *t = &r->t[i];
        int value =
            weight_of(t, STORY_SLOT_SUBJECT) >= 100 ? story_token_fact(t, STORY_SLOT_SUBJECT) : 0;

        t->refused |=
            value && value != subject && !(subject == STORY_ASTRONAUT && value != STORY_MONSTER);
    }
    return subject;
}

/* "The island sits in the distance": a thing does it, and nobody is there. */
static void drop_actions_of_things(struct story_reading *r)
{
    int thing = 0;

    for (int i = 0; i < r->n; i++) {
        if (has_subject(r, i))
            return;
    }
    for (int i = 0; i < r->n; i++) {
        int action = story_token_fact(&r->t[i], STORY_SLOT_ACTION);

        thing = !story_is_separator(r->t[i].role) && (thing || noun_of(r, i) == NOUN_OTHER);
        if (thing && action && action != STORY_READS && action != STORY_PLAYS)
            r->t[i].dropped = 1;
    }
}

static int choose_action(struct story_reading *r, int *is_hint)
{
    int first;

    drop_actions_of_things(r);
    first = choose(r, STORY_SLOT_ACTION, 0);

    *is_hint = 1;
    for (int i = 0; i < r->n; i++) {
        int value = story_token_fact(&r->t[i], STORY_SLOT_ACTION);

        if (weight_of(&r->t[i], STORY_SLOT_ACTION) < 100)
            continue;
        *is_hint = 0;
        if (value == STORY_READS || value == STORY_PLAYS)
            return value;
    }
    return first;
}

/* A ball game is where there is room for it: at the sea a child plays something else. */
static int plays_badminton(const struct story_facts *f)
{
    if (f->prop)
        return f->prop == STORY_RACKET;
    return !f->place || f->place == STORY_COURT || f->place == STORY_LAWN;
}

/* A second thing cannot be shown. */
static void refuse_props(struct story_reading *r, int prop)
{
    for (int i = 0; i < r->n; i++) {
        int value = weight_of(&r->t[i], STORY_SLOT_PROP) >= 100
                        ? story_token_fact(&r->t[i], STORY_SLOT_PROP)
                        : 0;

        r->t[i].refused |= value && value != prop && value != STORY_NO_PROP;
    }
}

static void choose_facts(struct story_reading *r, struct story_prompt *p)
{
    struct story_facts *f = &p->facts;
    int hint;

    f->action = choose_action(r, &hint);
    f->place = choose(r, STORY_SLOT_PLACE, 1);
    f->prop = choose(r, STORY_SLOT_PROP, 0);
    if (hint && f->action == STORY_PLAYS && !plays_badminton(f))
        f->action = 0; /* "plays with a candle" */
    if (f->action == STORY_READS)
        f->prop = STORY_BOOK;
    if (f->action == STORY_PLAYS)
        f->prop = STORY_RACKET;
    refuse_props(r, f->prop);
    f->shot = choose(r, STORY_SLOT_SHOT, 0);
    f->time = choose(r, STORY_SLOT_TIME, 0);
    f->weather = choose(r, STORY_SLOT_WEATHER, 0);
    f->style = choose(r, STORY_SLOT_STYLE, 0);
    f->camera = r->camera;
    p->either_side = r->either_side;
    for (int i = 0; i < r->n; i++)
        p->somebody |= r->t[i].role == STORY_SOMEBODY && !r->t[i].dropped;
    f->subject = choose_subject(r, f, p->somebody);
    f->color = f->subject == STORY_NOBODY ? 0 : read_color(r);
}

/* ---- what was understood ---- */

static int is_unknown(const struct story_token *t)
{
    if (t->refused)
        return 1;
    if (t->dropped)
        return 0;
    return t->role == STORY_UNKNOWN || t->role == STORY_REFUSE || t->role == STORY_DO_ROLL ||
           t->role == STORY_GO_LEFT || t->role == STORY_GO_RIGHT;
}

/* Things count most: they decide which world is meant. */
static int score_of(const struct story_token *t)
{
    if (is_unknown(t))
        return -1;
    if (t->role == STORY_FACT)
        return story_token_fact(t, STORY_SLOT_SUBJECT) || story_token_fact(t, STORY_SLOT_PLACE) ||
                       story_token_fact(t, STORY_SLOT_PROP)
                   ? 3
                   : 1;
    return t->role == STORY_HINT || t->role == STORY_COLOR || t->role == STORY_DRESS ||
           t->role == STORY_SUIT ||
           (t->dropped && t->role >= STORY_DO_PAN && t->role <= STORY_DO_MOVE);
}

static void list_words(const char *text, const struct story_reading *r, struct story_prompt *p)
{
    for (int i = 0; i < r->n; i++) {
        const struct story_token *t = &r->t[i];

        if (is_unknown(t))
            p->n_unknown = prompt_add_word(p->unknown, p->n_unknown, text + t->at, t->bytes);
        else if (t->near && !t->dropped && p->facts.color)
            p->n_near = prompt_add_near(p->near, p->n_near, text + t->at, t->bytes,
                                        slot_word(SLOT_COLOR, t->value));
    }
    p->n_unknown = prompt_add_foreign(p->unknown, p->n_unknown, text);
}

void story_prompt_read(const char *text, struct story_prompt *p)
{
    struct story_reading *r = xcalloc(1, sizeof *r);

    memset(p, 0, sizeof *p);
    story_prompt_words(text, r);
    read_negations(r);
    read_ships(r);
    read_waves(r);
    story_prompt_camera(r);
    choose_facts(r, p);
    for (int i = 0; i < r->n; i++)
        p->score += score_of(&r->t[i]);
    list_words(text, r, p);
    free(r);
}

void story_prompt_complete(const struct story_prompt *p, uint64_t seed, struct story_facts *f)
{
    *f = p->facts;
    if (p->either_side) {
        struct rng r;

        rng_init(&r, seed, STREAM_SIDE);
        if (rng_chance(&r, 0.5))
            story_facts_mirror(f);
    }
    if (p->somebody && !f->subject)
        story_facts_somebody(f, seed);
    story_facts_complete(f, seed);
}
