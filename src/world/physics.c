#include "world/physics.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "world/caption.h"
#include "world/prompt.h"
#include "world/state_json.h"

_Static_assert(sizeof(struct scene) <= WORLD_STATE_BYTES, "a scene is a state");
_Static_assert(sizeof(struct world_mix) <= WORLD_MIX_BYTES, "and its mix a mix");

static const char *const mix_fields[] = {"events", NULL};

/* "events": {"moves": 0.5, "hits": 0.4, ...}: what is left out does not happen. */
static void mix_read(void *state, struct jval v)
{
    struct world_mix *mix = state;
    const char *names[EVENT_COUNT];
    double sum = 0;

    *mix = world_mix_default;
    if (!v.v || !j_has(v, "events"))
        return;
    v = j_object(v, "events");
    for (int i = 1; i < EVENT_COUNT; i++) {
        names[i - 1] = slot_word(SLOT_EVENT, i);
        mix->event[i] = j_real_or(v, names[i - 1], 0, 1e6, 0);
        sum += mix->event[i];
    }
    j_known(v, names, EVENT_COUNT - 1);
    if (!(sum > 0))
        j_fail(v, "moves", "and the other events have no share: nothing would happen");
}

static void sample(void *state, uint64_t seed, const void *mix, double aspect)
{
    scene_sample(state, seed, mix, aspect);
}

static void mirror(void *state)
{
    scene_mirror(state);
}

static void caption(const void *state, struct buf *out)
{
    caption_canonical(&((const struct scene *)state)->facts, out);
}

/* The two objects with each other's looks, as far as their movement allows. */
static int exchange(struct facts *f)
{
    struct object_facts *a = &f->object[0], *b = &f->object[1];
    struct facts was = *f, colors = *f;

    if (f->n_objects < 2)
        return 0;
    colors.object[0].color = b->color;
    colors.object[1].color = a->color;
    *f = colors;
    f->object[0].shape = was.object[1].shape;
    f->object[1].shape = was.object[0].shape;
    if (!facts_are_complete(f))
        *f = colors;
    return !facts_equal(f, &was);
}

/* One object in the next colour that is neither's. */
static int one_wrong(struct facts *f, uint64_t seed)
{
    int i = f->n_objects == 2 && seed % 2, *color = &f->object[i].color;
    int own = *color, other = f->n_objects == 2 ? f->object[!i].color : own;

    do
        *color = *color % (COLOR_COUNT - 1) + 1;
    while (*color == own || *color == other);
    return 1;
}

static int lie(const void *state, int kind, struct buf *out)
{
    const struct scene *s = state;
    struct facts f = s->facts;

    if (!(kind == LIE_EXCHANGED ? exchange(&f) : one_wrong(&f, s->seed)) || !facts_are_complete(&f))
        return 0;
    caption_canonical(&f, out);
    return 1;
}

static void everyday(const void *state, enum lang lang, struct rng *r, struct buf *out)
{
    caption_everyday(&((const struct scene *)state)->facts, lang, r, out);
}

static void render(const void *state, int w, int h, int n_frames, double fps, struct clip *c)
{
    scene_render(state, w, h, n_frames, fps, c);
}

static void truth(struct jsonw *w, const char *key, const void *state, const struct clip *c)
{
    state_json(w, key, state, c);
}

static void read_prompt(void *state, const char *text, uint64_t seed, double aspect,
                        struct buf *unknown)
{
    struct prompt p;

    prompt_read(text, &p);
    for (int i = 0; unknown && i < p.n_unknown; i++)
        world_add_word(unknown, p.unknown[i]);
    scene_from_facts(state, &p.facts, seed, aspect);
}

/* What is behind all that moves, and what it is that moves. Where it goes is the prompt's, not the
 * picture's. */
static const int shown_slot[] = {SLOT_FLOOR, SLOT_COLOR, SLOT_SHAPE, SLOT_SIZE, SLOT_LIGHT};
enum { SHOWN = sizeof shown_slot / sizeof *shown_slot };

static int *shown(struct facts *f, int i)
{
    struct object_facts *o = &f->object[0];
    int *const fact[SHOWN] = {&f->floor, &o->color, &o->shape, &o->size, &f->light};

    return fact[i];
}

/* Dominoes do not move by themselves. */
static int shown_count(int i)
{
    return shown_slot[i] == SLOT_SHAPE ? SHAPE_DOMINOES : slot_count(shown_slot[i]);
}

static int open_thing(const char *text, int i, struct buf *out)
{
    struct prompt p;

    if (i >= SHOWN)
        return OPEN_END;
    prompt_read(text, &p);
    if (*shown(&p.facts, i))
        return OPEN_STATED;
    for (int v = 1; v < shown_count(i); v++)
        buf_printf(out, "%s%s=%s", v > 1 ? " " : "", slot_name(shown_slot[i]),
                   slot_word(shown_slot[i], v));
    return shown_slot[i] == SLOT_FLOOR || shown_slot[i] == SLOT_LIGHT ? OPEN_DRAWN : OPEN_ANYWHERE;
}

/* Where a body can be seen alone, each as the beginning of a move. */
static const struct {
    const char *word;
    int direction, place;
} ways[] = {{"way=rightward", DIRECTION_RIGHT, 0},
            {"way=leftward", DIRECTION_LEFT, 0},
            {"way=approaching-left", DIRECTION_TOWARD, PLACE_LEFT},
            {"way=approaching-middle", DIRECTION_TOWARD, PLACE_MIDDLE},
            {"way=approaching-right", DIRECTION_TOWARD, PLACE_RIGHT},
            {"way=receding-left", DIRECTION_AWAY, PLACE_LEFT},
            {"way=receding-middle", DIRECTION_AWAY, PLACE_MIDDLE},
            {"way=receding-right", DIRECTION_AWAY, PLACE_RIGHT}};
enum { WAYS = sizeof ways / sizeof *ways };

static int way(int i, struct buf *out)
{
    if (i < WAYS)
        buf_puts(out, ways[i].word);
    return i < WAYS;
}

static void take_way(const char *s, size_t n, struct facts *f)
{
    for (int i = 0; i < WAYS; i++)
        if (n == strlen(ways[i].word) && !memcmp(s, ways[i].word, n)) {
            f->event = EVENT_MOVE;
            f->n_objects = 1;
            f->direction = ways[i].direction;
            f->object[0].place = ways[i].place;
        }
}

/* "slot=word" of n bytes to f, where it says nothing; words that are none say nothing. */
static void take_seen(const char *s, size_t n, struct facts *f)
{
    for (int i = 0; i < SHOWN; i++)
        for (int v = 1; v < shown_count(i); v++) {
            const char *name = slot_name(shown_slot[i]), *word = slot_word(shown_slot[i], v);
            size_t len = strlen(name);

            if (!*shown(f, i) && n == len + 1 + strlen(word) && !memcmp(s, name, len) &&
                s[len] == '=' && !memcmp(s + len + 1, word, strlen(word)))
                *shown(f, i) = v;
        }
}

static int read_seen(void *state, const char *text, uint64_t seed, const char *seen)
{
    struct prompt p;

    prompt_read(text, &p);
    for (size_t n; *seen; seen += n + (seen[n] == ' ')) {
        n = strcspn(seen, " ");
        take_seen(seen, n, &p.facts);
        take_way(seen, n, &p.facts);
    }
    if (p.facts.object[0].color && !p.facts.n_objects) /* nobody is beside it whom nobody named */
        p.facts.n_objects = 1;
    scene_from_facts(state, &p.facts, seed, 0);
    return 1;
}

static void tell_shown(const void *state, struct buf *out)
{
    struct facts f = ((const struct scene *)state)->facts;

    for (int i = 0; i < SHOWN; i++)
        if (*shown(&f, i))
            buf_printf(out, "%s%s=%s", out->len ? " " : "", slot_name(shown_slot[i]),
                       slot_word(shown_slot[i], *shown(&f, i)));
}

static int score(const char *text)
{
    struct prompt p;

    prompt_read(text, &p);
    return p.score;
}

static void say(struct buf *out, int slot, int value)
{
    const char *word = slot_word(slot, value);

    if (word)
        buf_printf(out, "%s%s", out->len ? " " : "", word);
}

static void near(const char *text, struct buf *out)
{
    struct prompt p;

    prompt_read(text, &p);
    for (int i = 0; i < p.n_near; i++)
        world_add_word(out, p.near[i]);
}

static void stated(const char *text, struct buf *out, struct buf *unknown)
{
    struct prompt p;

    prompt_read(text, &p);
    for (int i = 0; unknown && i < p.n_unknown; i++)
        world_add_word(unknown, p.unknown[i]);
    for (int i = 0; i < WORLD_MAX_OBJECTS; i++) {
        const struct object_facts *o = &p.facts.object[i];
        say(out, SLOT_COLOR, o->color);
        say(out, SLOT_SHAPE, o->shape);
        say(out, SLOT_SIZE, o->size);
        say(out, SLOT_MATERIAL, o->material);
    }
    say(out, SLOT_EVENT, p.facts.event);
    say(out, SLOT_DIRECTION, p.facts.direction);
    say(out, SLOT_SPEED, p.facts.speed);
    say(out, SLOT_FLOOR, p.facts.floor);
    say(out, SLOT_LIGHT, p.facts.light);
    say(out, SLOT_CAMERA, p.facts.camera);
}

/* Every event, and the ways of those that have several. */
static const struct {
    const char *name;
    int event, direction;
} families[] = {
    {"moves right", EVENT_MOVE, DIRECTION_RIGHT},
    {"moves left", EVENT_MOVE, DIRECTION_LEFT},
    {"approaches", EVENT_MOVE, DIRECTION_TOWARD},
    {"recedes", EVENT_MOVE, DIRECTION_AWAY},
    {"hits", EVENT_COLLIDE, 0},
    {"drops", EVENT_DROP, 0},
    {"descends", EVENT_RAMP, 0},
    {"topples", EVENT_DOMINO, 0},
    {"rebounds", EVENT_WALL, 0},
};

static const char *family(void *state, int i, uint64_t seed, double aspect)
{
    struct facts f = {.event = families[i].event, .direction = families[i].direction};

    scene_from_facts(state, &f, seed, aspect);
    return families[i].name;
}

static void known(int lang, struct buf *out)
{
    int n;

    for (const struct lexicon_entry *e = lexicon(&n); n; e++, n--)
        if (e->tag != TAG_SKIP && e->tag != TAG_REFUSE)
            world_add_forms(out, e->form[lang]);
}

const struct world world_physics = {
    .name = "physics",
    .state_bytes = sizeof(struct scene),
    .mix_bytes = sizeof(struct world_mix),
    .mix_fields = mix_fields,
    .mix_read = mix_read,
    .sample = sample,
    .mirror = mirror,
    .caption = caption,
    .lie = lie,
    .everyday = everyday,
    .render = render,
    .truth = truth,
    .read = read_prompt,
    .open = open_thing,
    .way = way,
    .read_seen = read_seen,
    .shown = tell_shown,
    .score = score,
    .stated = stated,
    .near = near,
    .n_families = sizeof families / sizeof *families,
    .family = family,
    .known = known,
    .vocabulary = world_vocabulary,
};
