/* Everyday sentences from templates. In a template {A} and {B} are the objects with their
 * adjectives, {v} the verb, {d} the way, {f} where it comes from, {s} the speed, {p} and {q} the
 * places of A and B. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rng.h"
#include "world/caption.h"

enum { MAX_TEMPLATES = 10 };

struct teller {
    const struct facts *f;
    enum lang lang;
    struct rng *rng;
    struct buf *out;
    double detail; /* chance that an adjective or a speed is said */
};

/* clang-format off */
static const char *const sentence[LANG_COUNT][EVENT_COUNT][MAX_TEMPLATES] = {
    [LANG_EN] = {
        [EVENT_MOVE]    = {"{A} {v} {s} {d}", "{A} {v} {d} {s}", "{A} is moving {d} {s}", "{d} {v} {A} {s}",
                           "there is {A}. It {v} {d} {s}", "a video of {A} moving {s} {d}",
                           "{A} {s} {v} {d}", "we see {A} that {v} {d} {s}"},
        [EVENT_COLLIDE] = {"{A} {v} in {f} {s} and hits {B}", "{A} {v} {d} {s} and knocks into {B}",
                           "{B} is hit by {A} coming {f} {s}", "{A} {v} {s} {d}, then it bumps into {B}",
                           "{A} moving {d} {s} crashes into {B}", "{B} is knocked away by {A} that {v} in {f} {s}"},
        [EVENT_DROP]    = {"{A} falls from above and bounces {p}", "{A} drops {p} and bounces",
                           "{A} falls down {p}", "from above {A} falls to the floor {p}"},
        [EVENT_RAMP]    = {"{A} {v} down a ramp {d}", "{A} {v} {d} down the slope", "down a slope {v} {A} {d}"},
        [EVENT_DOMINO]  = {"{A} {v} {d} {s} and knocks over {B}", "{A} {v} in {f} {s} and topples {B}",
                           "{B} are knocked over by {A} that {v} in {f} {s}"},
        [EVENT_WALL]    = {"{A} {v} {d} {s}, hits the wall and bounces back", "{A} {v} {s} {d} and bounces off a wall",
                           "{A} coming {f} {s} hits a wall and rebounds"},
    },
    [LANG_ZH] = {
        [EVENT_MOVE]    = {"{A}{s}{d}{v}", "{A}{d}{s}{v}", "{s}{d}{v}的{A}", "有{A}，它{s}{d}{v}", "画面中{A}{s}{d}{v}",
                           "{A}正在{d}{s}{v}"},
        [EVENT_COLLIDE] = {"{A}{f}{s}{v}过来，撞击{B}", "{A}{s}{d}{v}，撞上{B}", "{B}被{f}{s}{v}来的{A}撞飞",
                           "{A}{f}{s}{v}来，把{B}撞开", "{A}{s}{d}{v}，然后撞到{B}"},
        [EVENT_DROP]    = {"{A}从空中落下{p}，弹跳起来", "{A}从上方掉下来{p}", "{p}{A}从高处落下并弹起"},
        [EVENT_RAMP]    = {"{A}{d}{v}下斜坡", "{A}从斜坡上{d}{v}下来", "{A}沿着坡道{d}{v}下"},
        [EVENT_DOMINO]  = {"{A}{f}{s}{v}来，撞倒{B}", "{A}{s}{d}{v}，推倒{B}", "{B}被{f}{s}{v}来的{A}撞倒"},
        [EVENT_WALL]    = {"{A}{s}{d}{v}，撞到墙上弹回来", "{A}{f}{s}{v}来，碰到墙壁后反弹", "{A}{d}{s}{v}，撞墙后弹回"},
    },
};
static const char *const second[LANG_COUNT][MAX_TEMPLATES] = {
    {" while {B} stands still {q}", ". {B} rests {q}", ", {B} stands {q}", " while {B} is motionless {q}"},
    {"，{B}静止{q}", "，{q}放着{B}", "。{B}{q}不动", "，{q}静止着{B}"},
};
static const char *const ways[LANG_COUNT][DIRECTION_COUNT][MAX_TEMPLATES] = {
    {[DIRECTION_RIGHT] = {"from left to right", "to the right", "rightwards", "from the left side to the right side",
                          "from the left to the right", "towards the right"},
     [DIRECTION_LEFT] = {"from right to left", "to the left", "leftwards", "from the right side to the left side",
                         "from the right to the left", "towards the left"},
     [DIRECTION_TOWARD] = {"toward the camera", "towards us", "toward the viewer", "from the back to the front"},
     [DIRECTION_AWAY] = {"away from the camera", "into the distance", "away from us", "into the background"}},
    {[DIRECTION_RIGHT] = {"从左向右", "向右", "从左往右", "往右边", "由左至右", "从左边向右边", "自左向右"},
     [DIRECTION_LEFT] = {"从右向左", "向左", "从右往左", "往左边", "由右至左", "从右边向左边", "自右向左"},
     [DIRECTION_TOWARD] = {"朝镜头", "向我们", "由远及近", "从远处向镜头", "朝着观众"},
     [DIRECTION_AWAY] = {"向远处", "由近及远", "朝远方", "往画面深处", "远离镜头"}},
};
static const char *const sources[LANG_COUNT][DIRECTION_COUNT][MAX_TEMPLATES] = {
    {[DIRECTION_RIGHT] = {"from the left", "from the left side"}, [DIRECTION_LEFT] = {"from the right", "from the right side"}},
    {[DIRECTION_RIGHT] = {"从左边", "从左侧", "从左方"}, [DIRECTION_LEFT] = {"从右边", "从右侧", "从右方"}},
};
static const char *const places[LANG_COUNT][PLACE_COUNT][3] = {
    {[PLACE_LEFT] = {"on the left", "at the left side"}, [PLACE_MIDDLE] = {"in the middle", "in the center"},
     [PLACE_RIGHT] = {"on the right", "at the right side"}},
    {[PLACE_LEFT] = {"在左边", "在左侧"}, [PLACE_MIDDLE] = {"在中间", "在正中央"}, [PLACE_RIGHT] = {"在右边", "在右侧"}},
};
static const char *const depths[LANG_COUNT][DEPTH_COUNT][3] = {
    {[DEPTH_FRONT] = {"in the foreground", "in front"}, [DEPTH_BACK] = {"in the background", "in the back"}},
    {[DEPTH_FRONT] = {"前景", "前方"}, [DEPTH_BACK] = {"背景", "后方"}},
};
static const char *const lights[LANG_COUNT][LIGHT_COUNT][3] = {
    {[LIGHT_LEFT] = {"the light comes from the left", "lit from the left"},
     [LIGHT_RIGHT] = {"the light comes from the right", "lit from the right"}},
    {[LIGHT_LEFT] = {"光从左边照来", "左侧打光"}, [LIGHT_RIGHT] = {"光从右边照来", "右侧打光"}},
};
static const char *const cameras[LANG_COUNT][CAMERA_COUNT][3] = {
    {[CAMERA_STATIC] = {"the camera is static", "fixed camera"}, [CAMERA_PAN_LEFT] = {"the camera pans left", "slow pan to the left"},
     [CAMERA_PAN_RIGHT] = {"the camera pans right", "slow pan to the right"}, [CAMERA_ZOOM_IN] = {"the camera zooms in", "slow zoom in"}},
    {[CAMERA_STATIC] = {"镜头固定", "固定镜头"}, [CAMERA_PAN_LEFT] = {"镜头向左平移", "镜头缓缓向左摇"},
     [CAMERA_PAN_RIGHT] = {"镜头向右平移", "镜头缓缓向右摇"}, [CAMERA_ZOOM_IN] = {"镜头推近", "镜头缓缓推近"}},
};
/* clang-format on */

static const char *choose(struct rng *r, const char *const *list, int max)
{
    int n = 0;

    while (n < max && list[n])
        n++;
    ZT_ASSERT(n > 0);
    return list[rng_below(r, n)];
}

/* One of the spoken forms of a word; traditional is applied to the whole text later. */
static void say_word(struct teller *t, int tag, int value)
{
    const struct lexicon_entry *e;
    int n, forms = 0, at_form, len, spoken = 0;
    const char *at, *s;

    e = lexicon(&n);
    while (n && (e->tag != tag || e->value != value)) {
        e++;
        n--;
    }
    ZT_ASSERT(n > 0);
    at = e->form[t->lang];
    while (lexicon_next(&at, &len, &spoken) && spoken)
        forms++;
    at_form = rng_below(t->rng, forms);
    at = e->form[t->lang];
    do {
        s = lexicon_next(&at, &len, NULL);
    } while (at_form--);
    if (t->lang == LANG_EN && t->out->len && t->out->data[t->out->len - 1] != ' ')
        buf_putc(t->out, ' ');
    buf_add(t->out, s, (size_t)len);
}

static void say_text(struct teller *t, const char *s)
{
    size_t n = t->out->len;

    if (!s)
        return;
    if (n && t->out->data[n - 1] == ' ' && (*s == '.' || *s == ','))
        t->out->len = --n; /* an empty slot before it */
    if (t->lang == LANG_EN && n && t->out->data[n - 1] != ' ' && *s != '.' && *s != ',' &&
        *s != ' ')
        buf_putc(t->out, ' ');
    buf_puts(t->out, s);
}

static int say_it(struct teller *t)
{
    return rng_chance(t->rng, t->detail);
}

static void say_look(struct teller *t, const struct object_facts *o)
{
    const char *de = t->lang == LANG_ZH ? "的" : "";

    if (o->size && say_it(t)) {
        say_word(t, SLOT_SIZE, o->size);
        buf_puts(t->out, de);
    }
    if (say_it(t)) {
        say_word(t, SLOT_MATERIAL, o->material);
        buf_puts(t->out, de);
    }
    say_word(t, SLOT_COLOR, o->color);
    if (rng_chance(t->rng, 0.5))
        buf_puts(t->out, de);
    say_word(t, SLOT_SHAPE, o->shape);
}

/* "an orange ball", 一个大的红色的球 */
static void say_object(struct teller *t, const struct object_facts *o)
{
    struct buf look = BUF_INIT;
    struct teller own = *t;
    int group = o->shape == SHAPE_DOMINOES;

    own.out = &look;
    say_look(&own, o);
    if (t->lang == LANG_ZH)
        buf_puts(t->out, group ? "" : rng_chance(t->rng, 0.8) ? "一个" : "");
    else if (!group)
        say_text(t, strchr("aeiou", look.data[0]) ? "an" : "a");
    say_text(t, buf_str(&look));
    buf_release(&look);
}

static void say_place(struct teller *t, const struct object_facts *o)
{
    const char *const(*p)[3] = places[t->lang];
    int zh = t->lang == LANG_ZH;

    if (o->place && say_it(t)) {
        say_text(t, choose(t->rng, p[o->place], 3));
        if (o->depth && say_it(t))
            say_text(t, zh ? "的" : NULL);
        else
            return;
    } else if (o->depth && say_it(t)) {
        say_text(t, zh ? "在" : NULL);
    } else {
        return;
    }
    say_text(t, choose(t->rng, depths[t->lang][o->depth], 3));
}

static void say_slot(struct teller *t, char slot)
{
    const struct facts *f = t->f;
    int rolls = f->object[0].shape == SHAPE_BALL;

    switch (slot) {
    case 'A':
        say_object(t, &f->object[0]);
        break;
    case 'B':
        say_object(t, &f->object[1]);
        break;
    case 'v':
        say_text(t, t->lang == LANG_EN ? (rolls ? "rolls" : "slides") : rolls ? "滚" : "滑");
        break;
    case 'd':
        say_text(t, choose(t->rng, ways[t->lang][f->direction], MAX_TEMPLATES));
        break;
    case 'f':
        say_text(t, choose(t->rng, sources[t->lang][f->direction], MAX_TEMPLATES));
        break;
    case 's':
        if (f->speed && say_it(t))
            say_word(t, SLOT_SPEED, f->speed);
        break;
    case 'p':
        say_place(t, &f->object[0]);
        break;
    case 'q':
        say_place(t, &f->object[1]);
        break;
    default:
        BUG("caption template: {%c}", slot);
    }
}

static void say_template(struct teller *t, const char *s)
{
    while (*s) {
        size_t n = strcspn(s, "{");

        if (n) {
            char *part = xstrndup(s, n);
            size_t from = *part == ' ' && (!t->out->len || t->out->data[t->out->len - 1] == ' ');

            if (n > from && !(n == 1 && *part == ' '))
                say_text(t, part + from);
            free(part);
        }
        s += n;
        if (*s) {
            say_slot(t, s[1]);
            s += 3;
        }
    }
}

static void say_extra(struct teller *t, const char *s)
{
    say_text(t, t->lang == LANG_ZH ? "，" : rng_chance(t->rng, 0.5) ? ". " : ", ");
    say_text(t, s);
}

static void say_surroundings(struct teller *t)
{
    const struct facts *f = t->f;
    int zh = t->lang == LANG_ZH;

    if (say_it(t)) {
        say_extra(t, zh ? "地面是" : "the floor is");
        say_word(t, SLOT_FLOOR, f->floor);
        buf_puts(t->out, zh ? "的" : "");
    }
    if (say_it(t))
        say_extra(t, choose(t->rng, lights[t->lang][f->light], 3));
    if (say_it(t))
        say_extra(t, choose(t->rng, cameras[t->lang][f->camera], 3));
}

void caption_everyday(const struct facts *f, enum lang lang, struct rng *r, struct buf *out)
{
    static const double detail[3] = {0.15, 0.5, 0.9};
    struct buf text = BUF_INIT;
    struct teller t = {f, lang, r, &text, detail[rng_below(r, 3)]};

    if (!facts_are_complete(f))
        BUG("caption_everyday: the facts are not complete");
    say_template(&t, choose(r, sentence[lang][f->event], MAX_TEMPLATES));
    if (f->n_objects == 2 && (f->event == EVENT_MOVE || f->event == EVENT_DROP))
        say_template(&t, choose(r, second[lang], MAX_TEMPLATES));
    say_surroundings(&t);
    if (rng_chance(r, 0.5))
        buf_puts(&text, lang == LANG_ZH ? "。" : ".");
    if (lang == LANG_ZH && rng_chance(r, 0.2))
        lexicon_make_traditional(&text, lexicon_traditional);
    buf_add(out, text.data, text.len);
    buf_release(&text);
}
