#include "world/story/world_story.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "base/rng.h"
#include "world/state_json.h"
#include "world/story/caption.h"
#include "world/story/prompt.h"
#include "world/story/render.h"
#include "world/story/sample.h"
#include "world/story/words.h"

_Static_assert(sizeof(struct story) <= WORLD_STATE_BYTES, "a story is a state");
_Static_assert(sizeof(struct story_mix) <= WORLD_MIX_BYTES, "and its mix a mix");

static const char *const mix_fields[] = {"families", "cameras", "styles", NULL};

/* One group of shares: {"cliff": 0.5, ...}; what is left out does not happen. */
static void read_shares(double *share, const char *const *names, int n, struct jval v,
                        const char *key)
{
    double sum = 0;

    if (!v.v || !j_has(v, key))
        return;
    v = j_object(v, key);
    for (int i = 0; i < n; i++) {
        share[i] = j_real_or(v, names[i], 0, 1e6, 0);
        sum += share[i];
    }
    j_known(v, names, n);
    if (!(sum > 0))
        j_fail(v, names[0], "and all others have no share: nothing would be drawn");
}

static void mix_read(void *state, struct jval v)
{
    struct story_mix *mix = state;
    const char *family[STORY_FAMILY_COUNT], *camera[STORY_CAMERA_COUNT], *style[STORY_STYLE_COUNT];

    for (int i = 0; i < STORY_FAMILY_COUNT; i++)
        family[i] = story_family_name(i);
    for (int i = 1; i < STORY_CAMERA_COUNT; i++)
        camera[i - 1] = story_slot_word(STORY_SLOT_CAMERA, i);
    for (int i = 1; i < STORY_STYLE_COUNT; i++)
        style[i - 1] = story_slot_word(STORY_SLOT_STYLE, i);
    *mix = story_mix_default;
    read_shares(mix->family, family, STORY_FAMILY_COUNT, v, "families");
    read_shares(mix->camera + 1, camera, STORY_CAMERA_COUNT - 1, v, "cameras");
    read_shares(mix->style + 1, style, STORY_STYLE_COUNT - 1, v, "styles");
}

static void sample(void *state, uint64_t seed, const void *mix, double aspect)
{
    story_sample(state, seed, mix, aspect);
}

static void mirror(void *state)
{
    story_mirror(state);
}

static void caption(const void *state, struct buf *out)
{
    story_caption_canonical(&((const struct story *)state)->facts, out);
}

/* No two things here have colours: nothing can be exchanged. */
static int lie(const void *state, int kind, struct buf *out)
{
    const struct story *s = state;
    struct story_facts f = s->facts;

    if (kind != LIE_WRONG)
        return 0;
    story_facts_wrong(&f, s->seed);
    story_caption_canonical(&f, out);
    return 1;
}

/* Never one of those that are kept for measures. */
static void everyday(const void *state, enum lang lang, struct rng *r, struct buf *out)
{
    struct buf text = BUF_INIT;

    do {
        buf_clear(&text);
        story_caption_everyday(&((const struct story *)state)->facts, lang, r, &text, NULL);
    } while (story_caption_held_out(buf_str(&text)));
    buf_add(out, text.data, text.len);
    buf_release(&text);
}

static void render(const void *state, int w, int h, int n_frames, double fps, struct clip *c)
{
    story_render(state, w, h, n_frames, fps, c);
}

/* ---- what was drawn ---- */

static void truth(struct jsonw *w, const char *key, const void *state, const struct clip *c)
{
    const struct story *s = state;

    jsonw_object(w, key);
    clip_head_json(w, s->seed, c);
    jsonw_object(w, "facts");
    for (int slot = 0; slot < STORY_SLOT_COUNT; slot++) {
        const char *word = story_slot_word(slot, story_fact_get(&s->facts, slot));

        if (word)
            jsonw_string(w, story_slot_name(slot), word);
    }
    jsonw_end_object(w);
    captions_json(w, &world_story, s, s->seed);
    jsonw_array(w, "objects");
    for (int i = 0; i < c->n_objects; i++) {
        jsonw_object(w, NULL);
        track_json(w, c, i);
        jsonw_end_object(w);
    }
    jsonw_end_array(w);
    jsonw_end_object(w);
}

/* ---- prompts ---- */

static void list_unknown(const struct story_prompt *p, struct buf *unknown)
{
    for (int i = 0; unknown && i < p->n_unknown; i++)
        world_add_word(unknown, p->unknown[i]);
}

static void read_prompt(void *state, const char *text, uint64_t seed, double aspect,
                        struct buf *unknown)
{
    struct story_prompt p;
    struct story_facts f;

    story_prompt_read(text, &p);
    list_unknown(&p, unknown);
    story_prompt_complete(&p, seed, &f);
    story_from_facts(state, &f, seed, aspect);
}

/* What a picture shows, what tells most of it first. Somebody where a place alone is said, a prop,
 * weather that is not clear and what is no photograph are named by who wants them. */
static const struct {
    int slot, open;
} shown[] = {{STORY_SLOT_PLACE, OPEN_DRAWN},   {STORY_SLOT_TIME, OPEN_DRAWN},
             {STORY_SLOT_WEATHER, OPEN_USUAL}, {STORY_SLOT_SUBJECT, OPEN_USUAL},
             {STORY_SLOT_SHOT, OPEN_DRAWN},    {STORY_SLOT_STYLE, OPEN_USUAL},
             {STORY_SLOT_COLOR, OPEN_DRAWN},   {STORY_SLOT_PROP, OPEN_USUAL}};

static int states(const struct story_facts *f, int slot)
{
    int of_somebody = slot == STORY_SLOT_COLOR || slot == STORY_SLOT_ACTION;

    return story_fact_get(f, slot) || (of_somebody && f->subject == STORY_NOBODY);
}

static int open_thing(const char *text, int i, struct buf *out)
{
    struct story_prompt p;

    if (i >= (int)(sizeof shown / sizeof *shown))
        return OPEN_END;
    story_prompt_read(text, &p);
    if (states(&p.facts, shown[i].slot))
        return OPEN_STATED;
    for (int v = 1; v < story_slot_count(shown[i].slot); v++)
        buf_printf(out, "%s%s=%s", v > 1 ? " " : "", story_slot_name(shown[i].slot),
                   story_slot_word(shown[i].slot, v));
    return shown[i].open;
}

/* "slot=word" of n bytes to f; words that are none say nothing. */
static void take_seen(const char *s, size_t n, struct story_facts *f)
{
    for (int slot = 0; slot < STORY_SLOT_COUNT; slot++)
        for (int v = 1; v < story_slot_count(slot); v++) {
            const char *name = story_slot_name(slot), *word = story_slot_word(slot, v);
            size_t len = strlen(name);

            if (n == len + 1 + strlen(word) && !memcmp(s, name, len) && s[len] == '=' &&
                !memcmp(s + len + 1, word, strlen(word)))
                *story_fact(f, slot) = v;
        }
}

static int read_seen(void *state, const char *text, uint64_t seed, const char *seen)
{
    struct story_facts said = {0}, f;
    struct story_prompt p;

    story_prompt_read(text, &p);
    for (size_t n; *seen; seen += n + (seen[n] == ' ')) {
        n = strcspn(seen, " ");
        take_seen(seen, n, &said);
    }
    for (int slot = 0; slot < STORY_SLOT_COUNT; slot++)
        if (!states(&p.facts, slot))
            *story_fact(&p.facts, slot) = story_fact_get(&said, slot);
    story_prompt_complete(&p, seed, &f);
    story_from_facts(state, &f, seed, 0);
    return story_facts_agree(&said, &((struct story *)state)->facts);
}

static void tell_shown(const void *state, struct buf *out)
{
    const struct story_facts *f = &((const struct story *)state)->facts;

    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        int slot = shown[i].slot, v = story_fact_get(f, slot);

        if (v)
            buf_printf(out, "%s%s=%s", out->len ? " " : "", story_slot_name(slot),
                       story_slot_word(slot, v));
    }
}

static int score(const char *text)
{
    struct story_prompt p;

    story_prompt_read(text, &p);
    return p.score;
}

static void stated(const char *text, struct buf *out, struct buf *unknown)
{
    struct story_prompt p;

    story_prompt_read(text, &p);
    list_unknown(&p, unknown);
    for (int slot = 0; slot < STORY_SLOT_COUNT; slot++) {
        const char *word = story_slot_word(slot, story_fact_get(&p.facts, slot));

        if (word)
            buf_printf(out, "%s%s", out->len ? " " : "", word);
    }
}

static void near(const char *text, struct buf *out)
{
    struct story_prompt p;

    story_prompt_read(text, &p);
    for (int i = 0; i < p.n_near; i++)
        world_add_word(out, p.near[i]);
}

/* ---- what there is ---- */

/* The six, and how their parts meet. */
static const struct {
    const char *name;
    struct story_facts facts;
} families[] = {
    {"cliff", {.subject = STORY_NOBODY, .place = STORY_CLIFF, .camera = STORY_DRONE}},
    {"street", {.subject = STORY_WOMAN, .place = STORY_STREET, .time = STORY_NIGHT}},
    {"monster", {.subject = STORY_MONSTER, .place = STORY_ROOM, .prop = STORY_CANDLE}},
    {"astronaut close", {.subject = STORY_ASTRONAUT, .place = STORY_MOON, .shot = STORY_CLOSE}},
    {"astronaut far", {.subject = STORY_ASTRONAUT, .place = STORY_MOON, .shot = STORY_FAR}},
    {"astronaut in a ship", {.subject = STORY_ASTRONAUT, .place = STORY_SHIP}},
    {"reader", {.subject = STORY_READER, .place = STORY_CLOUD}},
    {"girl on a court", {.subject = STORY_GIRL, .place = STORY_COURT}},
    {"girl on a lawn", {.subject = STORY_GIRL, .place = STORY_LAWN}},
    {"astronaut on the cliff", {.subject = STORY_ASTRONAUT, .place = STORY_CLIFF}},
    {"monster under neon", {.subject = STORY_MONSTER, .place = STORY_STREET}},
    {"woman on the moon", {.subject = STORY_WOMAN, .place = STORY_MOON}},
    {"toon", {.subject = STORY_GIRL, .place = STORY_LAWN, .style = STORY_TOON}},
    {"clay", {.subject = STORY_MONSTER, .place = STORY_ROOM, .style = STORY_CLAY}},
    {"ink", {.subject = STORY_READER, .place = STORY_CLOUD, .style = STORY_INK}},
    {"pixel", {.subject = STORY_ASTRONAUT, .place = STORY_MOON, .style = STORY_PIXEL}},
    {"rain", {.subject = STORY_WOMAN, .place = STORY_STREET, .weather = STORY_RAIN}},
    {"snow", {.subject = STORY_GIRL, .place = STORY_LAWN, .weather = STORY_SNOW}},
    {"fog", {.subject = STORY_NOBODY, .place = STORY_CLIFF, .weather = STORY_FOG}},
};

static const char *family(void *state, int i, uint64_t seed, double aspect)
{
    story_from_facts(state, &families[i].facts, seed + (uint64_t)i, aspect);
    return families[i].name;
}

static void known(int lang, struct buf *out)
{
    const struct story_row *row;

    for (int i = 0; (row = story_row(i)); i++)
        if (story_slot_word(row->fact[0].slot, row->fact[0].value))
            world_add_forms(out, row->form[lang]);
}

/* Canonical words: the reader takes care of all others. */
static char **vocabulary(int *n)
{
    char **words;

    for (*n = 0; story_canonical_word(*n);)
        ++*n;
    words = xmalloc((size_t)*n * sizeof *words);
    for (int i = 0; i < *n; i++)
        words[i] = xstrndup(story_canonical_word(i), strlen(story_canonical_word(i)));
    return words;
}

const struct world world_story = {
    .name = "story",
    .state_bytes = sizeof(struct story),
    .mix_bytes = sizeof(struct story_mix),
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
    .read_seen = read_seen,
    .shown = tell_shown,
    .score = score,
    .stated = stated,
    .near = near,
    .n_families = sizeof families / sizeof *families,
    .family = family,
    .known = known,
    .vocabulary = vocabulary,
};
