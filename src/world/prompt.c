#include "world/prompt.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "world/caption.h"
#include "world/prompt_inner.h"

static int first_of(const struct reading *r, int tag)
{
    for (int i = 0; i < r->n; i++) {
        if (!r->t[i].used && r->t[i].tag == tag)
            return i;
    }
    return -1;
}

/* Is it said of something that stands? */
static int is_of_still(const struct reading *r, const struct way *w)
{
    int m = mention_before(r, w->token);

    if (m < 0 || !r->mention[m].still || r->mention[m].beside)
        return 0;
    for (int k = r->mention[m].token; k < w->token; k++) {
        if (token_is_separator(r, k) || token_tag(r, k) == TAG_AND || token_tag(r, k) == TAG_ONE)
            return 0;
    }
    return r->n_mentions > 1;
}

/* The strongest hint of the first clause that gives one. */
static int choose_direction(const struct reading *r)
{
    int best = -1;

    for (int i = 0; i < r->n_ways; i++) {
        const struct way *w = &r->way[i], *b = best >= 0 ? &r->way[best] : NULL;
        int clause_between = 0;

        if (is_of_still(r, w))
            continue;
        for (int k = b ? b->token : w->token; k < w->token; k++)
            clause_between |= token_is_separator(r, k);
        if (!b || (w->strength > b->strength && (!clause_between || b->strength <= WORD)))
            best = i;
    }
    return best >= 0 ? r->way[best].direction : 0;
}

static int acts(const struct mention *m)
{
    return !m->still && !m->beside && m->object >= 0;
}

/* With "A and B <verb>" the first is meant. */
static int first_of_pair(const struct reading *r, int m)
{
    if (m <= 0 || !acts(&r->mention[m - 1]))
        return m;
    if (token_tag(r, r->mention[m - 1].token) == SLOT_COLOR)
        return m - 1; /* 红蓝两个球 */
    for (int k = r->mention[m - 1].token; k < r->mention[m].token; k++) {
        if (token_is_separator(r, k))
            return m;
        if (token_tag(r, k) == TAG_AND)
            return m - 1;
    }
    return m;
}

/* Who does verb i: the last noun before that can act, else the first after it. -1: nobody. */
static int subject_of(const struct reading *r, int verb)
{
    for (int m = mention_before(r, verb); m >= 0; m--) {
        if (acts(&r->mention[m]))
            return first_of_pair(r, m);
    }
    for (int m = mention_after(r, verb); m >= 0 && m < r->n_mentions; m++) {
        if (acts(&r->mention[m]))
            return m;
    }
    return -1;
}

/* A passive: "B is hit by A", B 被 A 撞倒. Returns the mention of A, or -1. */
static int agent_of(const struct reading *r, int hit)
{
    int by = -1, agent, target = mention_after(r, hit);

    for (int i = 0; i < r->n && by < 0; i++) {
        if (token_tag(r, i) == TAG_BY && (r->t[i].lang == LANG_ZH ? i < hit : i > hit))
            by = i;
    }
    if (by < 0 && token_tag(r, token_near(r, hit, -1)) == TAG_IS && !r->t[hit].ing &&
        mention_before(r, hit) >= 0)
        return target; /* "the box gets knocked over when a ball ..." */
    if (by < 0 || mention_before(r, by) < 0)
        return -1;
    agent = mention_after(r, by);
    if (r->t[by].lang == LANG_EN && target >= 0 && r->mention[target].token < by)
        return -1; /* "A hits B by ..." */
    return agent;
}

static int noun_after_is_wall(const struct reading *r, int verb)
{
    for (int i = verb + 1; i < r->n; i++) {
        if (token_tag(r, i) == TAG_WALL)
            return 1;
        if (token_tag(r, i) == SLOT_SHAPE)
            return 0;
    }
    return 0;
}

static int has_dominoes(const struct reading *r)
{
    for (int i = 0; i < r->n_objects; i++) {
        if (r->object[i].shape == SHAPE_DOMINOES)
            return 1;
    }
    return 0;
}

/* The event and the token that tells it. */
static int choose_event(const struct reading *r, int *verb)
{
    int hit = first_of(r, TAG_HIT), wall = first_of(r, TAG_WALL), ramp = first_of(r, TAG_RAMP);
    int named = first_of(r, SLOT_EVENT);
    int fall = first_of(r, TAG_FALL), bounce = first_of(r, TAG_BOUNCE), go = first_of(r, TAG_GO);

    if (go < 0)
        go = first_of(r, TAG_ENTER);
    if (go < 0)
        go = first_of(r, TAG_EXIT);
    if (go < 0 && r->n_ways)
        go = r->way[0].token;
    *verb = hit >= 0 ? hit : go >= 0 ? go : fall >= 0 ? fall : bounce >= 0 ? bounce : ramp;
    if (*verb < 0)
        *verb = wall;
    if (has_dominoes(r))
        return EVENT_DOMINO;
    if (named >= 0 && fall < 0)
        return r->t[named].value;
    if (wall >= 0 && (hit < 0 || noun_after_is_wall(r, hit) || r->n_objects < 2))
        return EVENT_WALL;
    if (hit >= 0)
        return EVENT_COLLIDE;
    if (ramp >= 0)
        return EVENT_RAMP;
    if (fall >= 0 || bounce >= 0) {
        *verb = fall >= 0 ? fall : bounce;
        return EVENT_DROP;
    }
    return go >= 0 ? EVENT_MOVE : EVENT_UNSAID;
}

static int choose_actor(const struct reading *r, int event, int verb)
{
    int m = -1;

    if (event == EVENT_DOMINO)
        return r->n_objects > 1 && r->object[0].shape == SHAPE_DOMINOES;
    if (event == EVENT_COLLIDE)
        m = agent_of(r, verb);
    if (event == EVENT_COLLIDE && m < 0 && r->patient >= 0 && r->mention[r->patient].object >= 0)
        return !r->mention[r->patient].object;
    if (r->n_objects < 2)
        return 0;
    if (m < 0 || r->mention[m].object < 0)
        m = subject_of(r, verb);
    if (m >= 0)
        return r->mention[m].object;
    for (int i = 0; i < r->n_mentions; i++) { /* both stand, or both are goals: the one less so */
        if (!r->mention[i].still && r->mention[i].object >= 0)
            return r->mention[i].object;
    }
    return 0;
}

static int choose_speed(const struct reading *r)
{
    int i = first_of(r, SLOT_SPEED);

    if (i >= 0)
        return r->t[i].value;
    for (i = 0; i < r->n; i++) {
        if (!r->t[i].used && r->t[i].tag == TAG_GO && r->t[i].value)
            return r->t[i].value;
    }
    return 0;
}

static int sideways(int place)
{
    return place == PLACE_LEFT    ? DIRECTION_LEFT
           : place == PLACE_RIGHT ? DIRECTION_RIGHT
                                  : DIRECTION_UNSAID;
}

/* What is struck on the right was moved to from the left. */
static int direction_by_place(const struct reading *r, const struct facts *f)
{
    int from = f->object[0].place, to = f->object[1].place;

    if (f->event == EVENT_MOVE && r->goal >= 0)
        return sideways(r->mention[r->goal].facts.place);
    if (f->event != EVENT_COLLIDE && f->event != EVENT_DOMINO)
        return 0;
    if (sideways(to))
        return sideways(to);
    return from == PLACE_LEFT    ? DIRECTION_RIGHT
           : from == PLACE_RIGHT ? DIRECTION_LEFT
                                 : DIRECTION_UNSAID;
}

/* Dominoes alone fall over in this world, and they are boxes on end. What has another shape is
 * struck and slides. */
static void topple(struct reading *r, struct facts *f, int verb, int object)
{
    struct object_facts *struck = &f->object[1];

    if (f->event != EVENT_COLLIDE || verb < 0 || r->t[verb].hint != PROMPT_OVER)
        return;
    if (struck->shape && struck->shape != SHAPE_BOX) {
        r->t[verb].near = 1;
        return;
    }
    for (int i = 0; i < r->n_mentions; i++) {
        struct token *t = &r->t[r->mention[i].token];

        if (r->mention[i].object == object && t->tag == SLOT_SHAPE && t->value == SHAPE_BOX) {
            t->value = SHAPE_DOMINOES;
            t->near = 1;
        }
    }
    f->event = EVENT_DOMINO;
    *struck = (struct object_facts){
        .shape = SHAPE_DOMINOES, .color = struck->color, .material = struck->material};
}

int prompt_add_word(char (*list)[PROMPT_WORD_BYTES], int n_list, const char *word, int bytes)
{
    int n = bytes < PROMPT_WORD_BYTES ? bytes : PROMPT_WORD_BYTES - 1;

    if (n_list == PROMPT_MAX_UNKNOWN)
        return n_list;
    while (n < bytes && ((unsigned char)word[n] & 0xc0) == 0x80)
        n--; /* never half a character */
    memcpy(list[n_list], word, (size_t)n);
    list[n_list][n] = 0;
    for (int k = 0; k < n_list; k++) {
        if (!strcmp(list[k], list[n_list]))
            return n_list;
    }
    return n_list + 1;
}

int prompt_add_near(char (*list)[PROMPT_WORD_BYTES], int n_list, const char *word, int bytes,
                    const char *drawn)
{
    struct buf both = BUF_INIT;

    buf_printf(&both, "%.*s as %s", bytes, word, drawn);
    n_list = prompt_add_word(list, n_list, buf_str(&both), (int)both.len);
    buf_release(&both);
    return n_list;
}

static int is_unknown(const struct token *t)
{
    return t->tag == TOKEN_UNKNOWN || t->tag == TAG_REFUSE || t->refused;
}

/* Things count most: they decide which world is meant. */
static int score_of(const struct token *t)
{
    if (is_unknown(t))
        return -1;
    if (t->tag == SLOT_SHAPE)
        return t->value ? 3 : 1;
    if (t->tag < 0 || t->tag == TAG_FROM || t->tag == TAG_TO || t->tag == TAG_AT)
        return 0;
    return t->tag <= TAG_BOUNCE || t->tag == TAG_RAMP || t->tag == TAG_WALL ||
           t->tag == TAG_FLOOR || t->tag == TAG_PUSH || t->tag == TAG_TIP;
}

static void list_words(const char *text, const struct reading *r, struct prompt *p)
{
    for (int i = 0; i < r->n; i++) {
        const struct token *t = &r->t[i];

        p->score += score_of(t);
        if (is_unknown(t))
            p->n_unknown = prompt_add_word(p->unknown, p->n_unknown, text + t->at, t->bytes);
        else if (t->near)
            p->n_near = prompt_add_near(p->near, p->n_near, text + t->at, t->bytes,
                                        t->tag == TAG_HIT ? slot_word(SLOT_EVENT, EVENT_COLLIDE)
                                                          : slot_word(t->tag, t->value));
    }
    p->n_unknown = prompt_add_foreign(p->unknown, p->n_unknown, text);
}

void prompt_read(const char *text, struct prompt *p)
{
    struct reading *r = xcalloc(1, sizeof *r);
    struct facts *f = &p->facts;
    int verb, actor;

    memset(p, 0, sizeof *p);
    prompt_words(text, r);
    prompt_context(r);
    prompt_scenery(r);
    prompt_nouns(r);
    prompt_sides(r);
    prompt_merge(r);
    prompt_verbs(r);
    f->event = choose_event(r, &verb);
    f->direction = choose_direction(r);
    f->speed = choose_speed(r);
    f->floor = r->floor;
    f->light = r->light;
    f->camera = r->camera;
    if (f->event == EVENT_DROP)
        f->direction = 0;
    if (f->event != EVENT_MOVE && f->direction >= DIRECTION_TOWARD)
        f->direction = 0;
    actor = choose_actor(r, f->event, verb);
    f->object[0] = r->object[actor];
    f->object[1] = r->object[!actor];
    if (!f->direction)
        f->direction = direction_by_place(r, f);
    topple(r, f, verb, !actor);
    f->n_objects = f->event == EVENT_COLLIDE || f->event == EVENT_DOMINO ? 2 : r->n_objects;
    if (f->object[0].shape == SHAPE_DOMINOES) { /* something unsaid topples them */
        f->object[1] = f->object[0];
        memset(&f->object[0], 0, sizeof f->object[0]);
    }
    list_words(text, r, p);
    free(r);
}

void world_canonical(const char *text, uint64_t seed, struct buf *out, struct facts *full,
                     struct prompt *p)
{
    struct prompt own;
    struct facts f;

    p = p ? p : &own;
    prompt_read(text, p);
    f = p->facts;
    facts_complete(&f, seed, NULL);
    caption_canonical(&f, out);
    if (full)
        *full = f;
}
