/* Everyday sentences: who does what where, then the rest in any order. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rng.h"
#include "world/story/caption.h"
#include "world/story/phrases.h"
#include "world/story/sample.h"
#include "world/story/words.h"

enum { MAX_TEMPLATES = 6, MAX_EXTRAS = 8 };

struct teller {
    const struct story_facts *f;
    enum lang lang;
    struct rng *rng;
    double detail;     /* chance that something is said */
    int action, place; /* are said */
    int shot, time;    /* are still to be said */
    struct story_facts said;
};

/* {S} who, {a} what they do, {g} English: doing it, {P} where. By what is said: 0 who alone, 1 with
 * what they do, 2 with where, 3 all. The first of English may follow "a close-up of". */
/* clang-format off */
static const char *const sentence[LANG_COUNT][4][MAX_TEMPLATES] = {
    [LANG_EN] = {
        {"{S}", "there is {S}", "a video of {S}"},
        {"{S} {g}", "{S} {a}", "we see {S} {g}", "there is {S} {g}"},
        {"{S} {P}", "{P}, {S}", "there is {S} {P}", "we see {S} {P}"},
        {"{S} {g} {P}", "{S} {a} {P}", "{P}, {S} {a}", "{P} we see {S} {g}", "there is {S} {g} {P}", "{S} {P} {a}"},
    },
    [LANG_ZH] = {
        {"{S}", "画面中有{S}", "请生成{S}的视频"},
        {"{S}{a}", "{S}正在{a}", "画面中{S}{a}", "{a}的{S}"},
        {"{P}的{S}", "{P}，有{S}", "{S}{P}", "画面里{P}有{S}"},
        {"{S}{P}{a}", "{P}，{S}{a}", "{S}正{P}{a}", "画面中{S}{P}{a}", "{P}{a}的{S}", "{P}有{S}正在{a}"},
    },
};
/* clang-format on */

/* Does "@word " before a phrase hold? Steps over it. */
static int holds(const struct story_facts *f, const char **s, int *len)
{
    while (**s == '@') {
        int n = (int)strcspn(*s, " "), found = 0;

        for (int slot = 0; slot < STORY_SLOT_COUNT; slot++) {
            const char *word = story_slot_word(slot, story_fact_get(f, slot));

            found |= word && (int)strlen(word) == n - 1 && !memcmp(word, *s + 1, (size_t)n - 1);
        }
        if (!found)
            return 0;
        *s += n + 1;
        *len -= n + 1;
    }
    return 1;
}

/* One of the phrases that hold; its length. */
static const char *choose(struct teller *t, enum story_phrase what, int value, int *len)
{
    const char *list = story_phrases(what, value, t->lang), *at = list, *s;
    int n = 0, k;

    ZT_ASSERT(list != NULL);
    while ((s = lexicon_next(&at, len, NULL)))
        n += holds(t->f, &s, len);
    ZT_ASSERT(n > 0);
    k = rng_below(t->rng, n);
    at = list;
    do {
        s = lexicon_next(&at, len, NULL);
    } while (!holds(t->f, &s, len) || k--);
    return s;
}

/* A spoken name of the colour. */
static void say_color(struct teller *t, struct buf *out)
{
    const struct lexicon_entry *e;
    const char *at, *s, *form = NULL;
    int n, len, form_len = 0, spoken = 0, seen = 0;

    for (e = lexicon(&n); n && (e->tag != SLOT_COLOR || e->value != t->f->color); n--)
        e++;
    ZT_ASSERT(n > 0);
    at = e->form[t->lang];
    while ((s = lexicon_next(&at, &len, &spoken)) && spoken) {
        if (!rng_below(t->rng, ++seen)) {
            form = s;
            form_len = len;
        }
    }
    ZT_ASSERT(form != NULL);
    if (out->len >= 2 && !memcmp(out->data + out->len - 2, "a ", 2) && strchr("aeiou", *form) &&
        (out->len == 2 || out->data[out->len - 3] == ' ')) {
        out->len--;
        buf_puts(out, "n ");
    }
    buf_add(out, form, (size_t)form_len);
}

/* Which fact a phrase says; -1: none. */
static const int slot_of[STORY_SAY_COUNT] = {
    [STORY_SAY_WHO] = STORY_SLOT_SUBJECT,     [STORY_SAY_PLAIN] = STORY_SLOT_SUBJECT,
    [STORY_SAY_DOES] = STORY_SLOT_ACTION,     [STORY_SAY_DOING] = STORY_SLOT_ACTION,
    [STORY_SAY_WHERE] = STORY_SLOT_PLACE,     [STORY_SAY_SCENE] = STORY_SLOT_PLACE,
    [STORY_SAY_PROP] = STORY_SLOT_PROP,       [STORY_SAY_TIME] = STORY_SLOT_TIME,
    [STORY_SAY_WEATHER] = STORY_SLOT_WEATHER, [STORY_SAY_STYLE] = STORY_SLOT_STYLE,
    [STORY_SAY_SHOT] = STORY_SLOT_SHOT,       [STORY_SAY_SHOT_OF] = STORY_SLOT_SHOT,
    [STORY_SAY_CAMERA] = STORY_SLOT_CAMERA,   [STORY_SAY_NOISE] = -1};

static void say_phrase(struct teller *t, enum story_phrase what, int value, struct buf *out)
{
    int len;
    const char *s = choose(t, what, value, &len), *end = s + len;

    if (slot_of[what] >= 0)
        *story_fact(&t->said, slot_of[what]) = value;
    while (s < end) {
        if (end - s >= 3 && !memcmp(s, "{c}", 3)) {
            say_color(t, out);
            t->said.color = t->f->color;
            s += 3;
        } else {
            buf_add(out, s++, 1);
        }
    }
}

static int say_it(struct teller *t)
{
    return rng_chance(t->rng, t->detail);
}

static void say_who(struct teller *t, struct buf *out)
{
    int with_color = rng_chance(t->rng, 0.3 + 0.7 * t->detail);

    say_phrase(t, with_color ? STORY_SAY_WHO : STORY_SAY_PLAIN, t->f->subject, out);
}

static void say_template(struct teller *t, const char *s, struct buf *out)
{
    for (; *s; s++) {
        if (*s != '{') {
            buf_putc(out, *s);
            continue;
        }
        switch (s[1]) {
        case 'S':
            say_who(t, out);
            break;
        case 'a':
            say_phrase(t, STORY_SAY_DOES, t->f->action, out);
            break;
        case 'g':
            say_phrase(t, STORY_SAY_DOING, t->f->action, out);
            break;
        case 'P':
            say_phrase(t, STORY_SAY_WHERE, t->f->place, out);
            break;
        default:
            BUG("story caption template: {%c}", s[1]);
        }
        s += 2;
    }
}

/* The sentence: a place with nobody in it, or who does what where. */
static void say_sentence(struct teller *t, struct buf *out)
{
    const struct story_facts *f = t->f;
    int nobody = f->subject == STORY_NOBODY, n = 0, prefix = t->shot && rng_chance(t->rng, 0.4);
    const char *const *list;

    t->action = !nobody && (say_it(t) || rng_chance(t->rng, 0.4));
    t->place = nobody || say_it(t) || rng_chance(t->rng, 0.4);
    list = sentence[t->lang][(t->place ? 2 : 0) + t->action];
    while (n < MAX_TEMPLATES && list[n])
        n++;
    if (prefix && !nobody) {
        say_phrase(t, STORY_SAY_SHOT_OF, f->shot, out);
        t->shot = 0;
        n = 1;
    }
    if (nobody)
        say_phrase(t, STORY_SAY_SCENE, f->place, out);
    else
        say_template(t, list[rng_below(t->rng, n)], out);
}

static int ends_with(const struct buf *b, const char *s)
{
    size_t n = strlen(s);

    return b->len >= n && !memcmp(b->data + b->len - n, s, n);
}

/* The next word follows without a comma. */
static void strip_comma(struct buf *b)
{
    size_t n = ends_with(b, "，") ? 3 : ends_with(b, ",") ? 1 : 0;

    b->len -= n;
}

static void say_prop(struct teller *t, struct buf *out)
{
    const struct story_facts *f = t->f;
    int by_action = f->action == STORY_READS || f->action == STORY_PLAYS;

    if (f->prop == STORY_NO_PROP || (by_action && t->action) ||
        !rng_chance(t->rng, 0.3 + 0.7 * t->detail))
        return;
    if (!ends_with(out, "，"))
        buf_puts(out, t->lang == LANG_ZH ? "，" : rng_chance(t->rng, 0.7) ? " " : ", ");
    say_phrase(t, STORY_SAY_PROP, f->prop, out);
}

static void join(struct teller *t, const char *s, struct buf *out)
{
    int stop = rng_chance(t->rng, 0.3);

    strip_comma(out);
    if (t->lang == LANG_ZH)
        buf_puts(out, stop ? "。" : "，");
    else
        buf_puts(out, stop ? ". " : ", ");
    buf_puts(out, s);
}

/* The rest, each a phrase of its own, in any order. */
static void say_extras(struct teller *t, struct buf *out)
{
    static const struct {
        enum story_phrase what;
        int slot;
    } kinds[] = {{STORY_SAY_TIME, STORY_SLOT_TIME},
                 {STORY_SAY_WEATHER, STORY_SLOT_WEATHER},
                 {STORY_SAY_STYLE, STORY_SLOT_STYLE},
                 {STORY_SAY_SHOT, STORY_SLOT_SHOT},
                 {STORY_SAY_CAMERA, STORY_SLOT_CAMERA}};
    struct buf extra[MAX_EXTRAS] = {BUF_INIT};
    int n = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int wanted = kinds[i].what == STORY_SAY_TIME   ? t->time
                     : kinds[i].what == STORY_SAY_SHOT ? t->shot
                                                       : say_it(t);

        if (wanted)
            say_phrase(t, kinds[i].what, story_fact_get(t->f, kinds[i].slot), &extra[n++]);
    }
    for (int i = 0; i < 3; i++) {
        if (rng_chance(t->rng, 0.15 + 0.2 * t->detail))
            say_phrase(t, STORY_SAY_NOISE, 0, &extra[n++]);
    }
    for (int left = n; left; left--) {
        int i = rng_below(t->rng, left);
        struct buf b = extra[i];

        join(t, buf_str(&b), out);
        buf_release(&b);
        extra[i] = extra[left - 1];
    }
}

void story_caption_everyday(const struct story_facts *f, enum lang lang, struct rng *r,
                            struct buf *out, struct story_facts *said)
{
    static const double detail[3] = {0.15, 0.5, 0.95};
    struct buf text = BUF_INIT;
    struct teller t = {.f = f, .lang = lang, .rng = r, .detail = detail[rng_below(r, 3)]};

    if (!story_facts_are_complete(f))
        BUG("story_caption_everyday: the facts are not complete");
    t.shot = f->subject != STORY_NOBODY && say_it(&t);
    t.time = say_it(&t);
    if (t.time && rng_chance(r, 0.4)) { /* 夜晚，... */
        say_phrase(&t, STORY_SAY_TIME, f->time, &text);
        buf_puts(&text, lang == LANG_ZH ? "，" : ", ");
        t.time = 0;
    }
    say_sentence(&t, &text);
    say_prop(&t, &text);
    if (t.time && lang == LANG_EN && rng_chance(r, 0.5)) { /* ... at night */
        buf_putc(&text, ' ');
        say_phrase(&t, STORY_SAY_TIME, f->time, &text);
        t.time = 0;
    }
    say_extras(&t, &text);
    strip_comma(&text);
    if (rng_chance(r, 0.5))
        buf_puts(&text, lang == LANG_ZH ? "。" : ".");
    if (lang == LANG_ZH && rng_chance(r, 0.2))
        lexicon_make_traditional(&text, story_traditional);
    buf_add(out, text.data, text.len);
    buf_release(&text);
    if (said)
        *said = t.said;
}

int story_caption_held_out(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return (h ^ h >> 32) % 5 == 0;
}
