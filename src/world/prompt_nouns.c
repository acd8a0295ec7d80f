/* Nouns, their adjectives, and the sides of the picture. */
#include <string.h>

#include "world/prompt_inner.h"

int is_adjective(int tag)
{
    return tag == SLOT_COLOR || tag == SLOT_SIZE || tag == SLOT_MATERIAL || tag == TAG_STILL ||
           tag == TAG_HOLD;
}

static int is_scenery(int tag)
{
    return tag == TAG_FLOOR || tag == TAG_WALL || tag == TAG_RAMP || tag == TAG_LIGHT ||
           tag == TAG_SCENE;
}

static int mention_at(const struct reading *r, int token)
{
    for (int i = 0; i < r->n_mentions; i++) {
        if (r->mention[i].token == token)
            return i;
    }
    return -1;
}

/* "a red bowling ball": a word that nobody knows, but before a noun. */
static int is_part_of_noun(const struct reading *r, int i)
{
    int known = i;

    while (token_tag(r, known) == TOKEN_UNKNOWN)
        known++;
    return known > i && token_tag(r, known) == SLOT_SHAPE;
}

int skip_adjectives(const struct reading *r, int i)
{
    for (i++; i < r->n; i++) {
        int tag = token_tag(r, i), next = token_tag(r, i + 1);

        if (is_adjective(tag) || tag == TAG_SKIP || tag == SLOT_SPEED || is_part_of_noun(r, i))
            continue;
        if (tag == TOKEN_COMMA && (next == TAG_STILL || token_tag(r, i - 1) == TAG_STILL) &&
            r->t[i - 1].lang == LANG_ZH)
            break; /* 静止不动，红球 */
        if ((tag == TAG_AND || tag == TOKEN_COMMA) && is_adjective(next) &&
            is_adjective(token_tag(r, i - 1)) && next != token_tag(r, i - 1))
            continue;
        break;
    }
    return i;
}

int noun_next(const struct reading *r, int i)
{
    int j = skip_adjectives(r, i);

    return token_tag(r, j) == SLOT_SHAPE ? mention_at(r, j) : -1;
}

int noun_ahead(const struct reading *r, int i)
{
    int j = skip_adjectives(r, i);

    while (token_tag(r, j) == TAG_ONE || token_tag(r, j) == TAG_THE || token_tag(r, j) == TAG_OTHER)
        j = skip_adjectives(r, j);
    return token_tag(r, j) == SLOT_SHAPE ? mention_at(r, j) : -1;
}

int mention_before(const struct reading *r, int i)
{
    int found = -1;

    for (int k = 0; k < r->n_mentions; k++) {
        if (r->mention[k].token < i)
            found = k;
    }
    return found;
}

int mention_after(const struct reading *r, int i)
{
    for (int k = 0; k < r->n_mentions; k++) {
        if (r->mention[k].token > i)
            return k;
    }
    return -1;
}

static void add_mention(struct reading *r, int i)
{
    struct mention *m;
    int before = i - 1, after = skip_adjectives(r, i);

    r->t[i].used = 1;
    if (r->n_mentions == PROMPT_MAX_MENTIONS)
        return;
    if (!r->t[i].value && token_tag(r, after) == SLOT_SHAPE)
        return; /* "one red ball", "toy block": the next noun is meant */
    m = &r->mention[r->n_mentions++];
    *m = (struct mention){.token = i, .count = 1};
    m->facts.shape = r->t[i].value;
    m->tint = r->t[i].hint < PROMPT_NEAR ? r->t[i].hint : 0;
    m->echo = r->t[i].hint == PROMPT_ECHO;
    while (is_adjective(token_tag(r, before)) || token_tag(r, before) == TAG_SKIP)
        before--;
    m->fresh = token_tag(r, before) == TAG_ONE || token_tag(r, before) == TAG_OTHER;
    if (token_tag(r, before - 1) == TAG_LIKE)
        m->fresh = 0; /* "an object shaped like a ball" */
    if (m->echo && m > r->mention && m[-1].count == 1 && token_tag(r, before - 1) == TOKEN_COMMA &&
        m[-1].token == before - 2)
        m->fresh = 0; /* "the ball, a blue one" */
    if (token_tag(r, before) == TAG_TWO)
        m->count = 2;
}

/* "a red and a blue one", 一个红色: a noun that is not there. Its token is the article. */
static void add_implied(struct reading *r, int i)
{
    int end = skip_adjectives(r, i), color = 0, tag = token_tag(r, end);

    for (int k = i + 1; k < end; k++)
        color |= token_tag(r, k) == SLOT_COLOR;
    if (color &&
        (token_is_separator(r, end) || tag == TAG_AND || tag == TAG_TWO ||
         (tag == TAG_ONE && r->t[end].lang == LANG_ZH)) &&
        (r->n_mentions || !token_is_separator(r, end)) && r->n_mentions < PROMPT_MAX_MENTIONS)
        r->mention[r->n_mentions++] = (struct mention){.token = i, .count = 1, .echo = 1};
}

/* 红的向右滚: a colour that stands for one of the things named before. */
static void add_by_color(struct reading *r, int i)
{
    int next = token_tag(r, skip_adjectives(r, i));

    if (r->t[i].lang == LANG_EN || r->n_mentions < 2 || r->n_mentions == PROMPT_MAX_MENTIONS ||
        !token_is_separator(r, i - 1) || next == SLOT_SHAPE || next == TOKEN_UNKNOWN ||
        token_is_separator(r, skip_adjectives(r, i)))
        return;
    r->t[i].used = 1;
    r->mention[r->n_mentions] = (struct mention){.token = i, .count = 1};
    r->mention[r->n_mentions++].facts.color = r->t[i].value;
}

/* "red and blue balls", 红蓝两个球: the first of two colours has a thing of its own, whose token is
 * that colour. */
static void add_shared(struct reading *r, int i)
{
    int next = i + 1, noun;

    if (token_tag(r, next) == TAG_AND)
        next++;
    noun = skip_adjectives(r, next);
    if (token_tag(r, noun) == TAG_TWO && token_tag(r, skip_adjectives(r, noun)) == SLOT_SHAPE) {
        r->t[noun].tag = TAG_SKIP; /* counted here */
        noun = skip_adjectives(r, noun);
    } else if (next == i + 1 || noun >= r->n || r->t[noun].lang == LANG_ZH || !r->t[noun].many) {
        return;
    }
    if (token_tag(r, next) != SLOT_COLOR || token_tag(r, noun) != SLOT_SHAPE ||
        r->n_mentions == PROMPT_MAX_MENTIONS)
        return;
    r->t[i].used = 1;
    r->mention[r->n_mentions] = (struct mention){.token = i, .count = 1};
    r->mention[r->n_mentions].facts.shape = r->t[noun].value;
    r->mention[r->n_mentions++].facts.color = r->t[i].value;
}

static int implied(const struct reading *r, int i)
{
    for (i--; is_adjective(token_tag(r, i)) || token_tag(r, i) == TAG_SKIP; i--)
        ;
    return token_tag(r, i) == TAG_ONE ? mention_at(r, i) : -1;
}

/* "a green elephant" */
static int is_of_unknown(const struct reading *r, int i)
{
    while (is_adjective(token_tag(r, i)))
        i++;
    return token_tag(r, i) == TOKEN_UNKNOWN;
}

/* The mention that adjective i describes, -1 for none, -2 for a piece of scenery. */
static int owner(const struct reading *r, int i)
{
    int p = i - 1, ahead = skip_adjectives(r, i), back = mention_before(r, i);

    if (implied(r, i) >= 0)
        return implied(r, i);
    while (is_adjective(token_tag(r, p)) || token_tag(r, p) == TAG_SKIP ||
           token_tag(r, p) == TAG_AND)
        p--;
    if (token_tag(r, p) == TAG_IS && token_tag(r, token_near(r, p, -1)) != TOKEN_STOP && back >= 0)
        return back;
    if (token_tag(r, ahead) == SLOT_SHAPE && mention_at(r, ahead) >= 0)
        return mention_at(r, ahead);
    if (is_scenery(token_tag(r, ahead)) || is_of_unknown(r, i))
        return -2;
    if (r->t[i].tag == TAG_STILL && r->t[i].lang == LANG_ZH && noun_ahead(r, i) >= 0)
        return noun_ahead(r, i); /* 静止着一个小球 */
    return back >= 0 ? back : mention_after(r, i);
}

static void put(int *fact, int value)
{
    if (!*fact)
        *fact = value;
}

static void bind(struct reading *r, int i)
{
    struct token *t = &r->t[i];
    int o = owner(r, i);
    struct mention *m;

    t->used = 1;
    if (o < 0) {
        t->refused |= t->tag == SLOT_COLOR;
        return;
    }
    m = &r->mention[o];
    if (t->tag == SLOT_COLOR)
        put(&m->facts.color, t->value);
    else if (t->tag == SLOT_SIZE)
        put(&m->facts.size, t->value);
    else if (t->tag == SLOT_MATERIAL)
        put(&m->facts.material, t->value);
    else
        m->still = 1;
}

static int is_side(int tag)
{
    return tag == TAG_FRONT || tag == TAG_BACK || tag == TAG_LEFT || tag == TAG_RIGHT;
}

/* 在蓝色方块后面: the noun between "at" and the side only tells where. Its mention, or -1. */
static int landmark(const struct reading *r, int i)
{
    int j = i - 1;

    if (token_tag(r, j) == TAG_SKIP)
        j--;
    if (r->t[i].lang != LANG_ZH || token_tag(r, j) != SLOT_SHAPE)
        return -1;
    i = j;
    for (j--; is_adjective(token_tag(r, j)) || token_tag(r, j) == TAG_SKIP ||
              token_tag(r, j) == TAG_ONE || token_tag(r, j) == TAG_THE;
         j--)
        ;
    return token_tag(r, j) == TAG_AT || token_tag(r, j) == TAG_FROM ? mention_at(r, i) : -1;
}

/* Is a verb of motion said of mention m, right after it? */
static int moves_after(const struct reading *r, int m)
{
    int i = token_near(r, r->mention[m].token, 1);

    while (token_tag(r, i) == SLOT_SPEED)
        i = token_near(r, i, 1);
    return token_tag(r, i) == TAG_GO || token_tag(r, i) == TAG_ENTER;
}

static int is_landmark_word(const struct reading *r, int i)
{
    int tag = token_tag(r, i);

    return tag == TAG_BESIDE || tag == TAG_FROM || tag == TAG_AT || tag == TAG_TO ||
           (is_side(tag) && r->t[i].value);
}

/* "a box, a ball rolls past it": what "it" at i is, when something else moves. -1: not known. */
static int passed_by(const struct reading *r, int i)
{
    int mover = mention_before(r, i);

    if (mover < 1 || r->mention[mover].still)
        return -1;
    for (int k = r->mention[mover].token; r->t[i].lang == LANG_EN && k <= i; k++) {
        if (k == i)
            return -1;
        if (token_tag(r, k) == TAG_GO || token_tag(r, k) == TAG_ENTER)
            break;
    }
    return mover - 1;
}

/* Goals and neighbours of the actor. */
static void mark_beside(struct reading *r, int i)
{
    int tag = token_tag(r, i), ahead = noun_ahead(r, i);
    int prefix = is_side(tag) && r->t[i].value;
    int goal = tag == TAG_TO || (tag == TAG_GO && r->t[i].hint == PROMPT_UP_TO) ||
               (tag == SLOT_DIRECTION && r->t[i].value == DIRECTION_TOWARD);

    if (tag == TAG_BESIDE && r->t[i].value == 1 && token_tag(r, token_near(r, i, -1)) == SLOT_SHAPE)
        ahead = mention_before(r, i);
    if (tag == TAG_BESIDE && r->t[i].value == 3 && token_tag(r, i - 1) == SLOT_SHAPE)
        ahead = mention_before(r, i); /* 箱子旁边有一个球 */
    if (tag == TAG_BESIDE && r->t[i].value == 2 && ahead >= 0 && moves_after(r, ahead)) {
        r->mention[ahead > 0 ? ahead - 1 : 0].beside = ahead > 0; /* "a box with a ball rolling" */
        return;
    }
    if (tag == TAG_IT && is_landmark_word(r, i - 1) && passed_by(r, i) >= 0)
        r->mention[passed_by(r, i)].beside = 1;
    if (is_side(tag) && landmark(r, i) >= 0)
        r->mention[landmark(r, i)].beside = 1;
    if ((tag == TAG_BESIDE || tag == TAG_BA || prefix || goal) && ahead >= 0) {
        r->mention[ahead].beside = 1;
        if (goal) {
            r->t[i].used = tag != TAG_GO; /* it says nothing about the picture's directions */
            r->goal = ahead;
        }
    }
    /* 滚向右边的箱子: what stands there is where it goes */
    if (tag == SLOT_DIRECTION && r->t[i].lang == LANG_ZH && noun_next(r, i) >= 0 &&
        (token_tag(r, i - 1) == TAG_GO || token_tag(r, i - 1) == TAG_PUSH))
        r->mention[noun_next(r, i)].beside = 1;
}

void prompt_nouns(struct reading *r)
{
    r->goal = -1;
    for (int i = 0; i < r->n; i++) {
        if (!r->t[i].used && r->t[i].tag == SLOT_SHAPE)
            add_mention(r, i);
        else if (!r->t[i].used && r->t[i].tag == TAG_ONE)
            add_implied(r, i);
        else if (!r->t[i].used && r->t[i].tag == SLOT_COLOR)
            add_shared(r, i);
        if (!r->t[i].used && r->t[i].tag == SLOT_COLOR)
            add_by_color(r, i);
    }
    for (int i = 0; i < r->n; i++) {
        if (!r->t[i].used && is_adjective(r->t[i].tag))
            bind(r, i);
    }
    for (int i = 0; i < r->n; i++) {
        if (!r->t[i].used)
            mark_beside(r, i);
    }
}

/* One sentence may name a thing twice: join mentions that can be the same. */
static int can_be(const struct object_facts *o, const struct mention *m)
{
    const struct object_facts *f = &m->facts;
    int shape = !f->shape || !o->shape || f->shape == o->shape;
    int color = !f->color || !o->color || f->color == o->color;

    return shape && color;
}

static void join(struct object_facts *o, const struct object_facts *f)
{
    put(&o->shape, f->shape);
    put(&o->color, f->color);
    put(&o->size, f->size);
    put(&o->material, f->material);
    put(&o->place, f->place);
    put(&o->depth, f->depth);
}

/* What is left unsaid of an object but known from the words: a basketball is orange, "a blue one"
 * is shaped as the other. */
static void fill_in(struct reading *r)
{
    for (int i = 0; i < r->n_mentions; i++) {
        const struct mention *m = &r->mention[i];
        struct object_facts *o = m->object >= 0 ? &r->object[m->object] : NULL;

        if (o)
            put(&o->color, m->tint);
        if (o && m->echo && r->n_objects == 2)
            put(&o->shape, r->object[!m->object].shape);
    }
}

static int is_bare(const struct object_facts *f)
{
    return !f->shape && !f->color;
}

void prompt_merge(struct reading *r)
{
    for (int i = 0; i < r->n_mentions; i++) {
        struct mention *m = &r->mention[i];

        m->object = -1;
        if (is_bare(&m->facts) && r->n_objects)
            m->object = r->n_objects - 1;
        for (int o = 0; m->object < 0 && o < r->n_objects && !m->fresh; o++) {
            if (can_be(&r->object[o], m))
                m->object = o;
        }
        if (m->object < 0 && r->n_objects < WORLD_MAX_OBJECTS)
            m->object = r->n_objects++;
        for (int o = 0; m->object < 0 && o < r->n_objects; o++) {
            if (can_be(&r->object[o], m))
                m->object = o;
        }
        if (m->object < 0) {
            r->t[m->token].refused = 1; /* a third object */
            continue;
        }
        join(&r->object[m->object], &m->facts);
        if (m->count == 2 && r->n_objects == 1)
            join(&r->object[r->n_objects++], &m->facts);
    }
    fill_in(r);
}
