/* Left, right, near, far: where something stands, where a movement comes from, or where it goes. */
#include "world/prompt_inner.h"

static void add_way(struct reading *r, int direction, int strength, int i)
{
    if (direction && r->n_ways < PROMPT_MAX_WAYS)
        r->way[r->n_ways++] = (struct way){direction, strength, i};
    r->t[i].used = 1;
}

static int is_side(int tag)
{
    return tag == TAG_LEFT || tag == TAG_RIGHT || tag == TAG_FRONT || tag == TAG_BACK;
}

static int direction_to(int tag)
{
    return tag == TAG_LEFT    ? DIRECTION_LEFT
           : tag == TAG_RIGHT ? DIRECTION_RIGHT
           : tag == TAG_FRONT ? DIRECTION_TOWARD
           : tag == TAG_BACK  ? DIRECTION_AWAY
                              : 0;
}

static int direction_from(int tag)
{
    return tag == TAG_LEFT    ? DIRECTION_RIGHT
           : tag == TAG_RIGHT ? DIRECTION_LEFT
           : tag == TAG_FRONT ? DIRECTION_AWAY
           : tag == TAG_BACK  ? DIRECTION_TOWARD
                              : 0;
}

/* The word before a side, over "the screen's". */
static int before_side(const struct reading *r, int i)
{
    i = token_near(r, i, -1);
    while (token_tag(r, i) == SLOT_SPEED || token_tag(r, i) == TAG_VIEWER)
        i = token_near(r, i, -1);
    return i;
}

static int over_speed(const struct reading *r, int i, int step)
{
    i = token_near(r, i, step);
    while (token_tag(r, i) == SLOT_SPEED)
        i = token_near(r, i, step);
    return i;
}

/* "left to right", 左往右: the first is the source. */
static int leads_on(const struct reading *r, int i)
{
    int n = token_near(r, i, 1), tag = token_tag(r, n);

    if (tag == SLOT_DIRECTION)
        return r->t[n].value == DIRECTION_LEFT || r->t[n].value == DIRECTION_RIGHT;
    return tag == TAG_TO && (is_side(token_tag(r, token_near(r, n, 1))) ||
                             token_tag(r, token_near(r, n, 1)) == TAG_MIDDLE);
}

/* 左边滚来: a source although nothing says "from". */
static int comes_hither(const struct reading *r, int i)
{
    int n = over_speed(r, i, 1);

    if (token_tag(r, n) == TAG_GO)
        n = token_near(r, n, 1);
    return token_tag(r, n) == TAG_COME;
}

/* 从后面滚过: only where it goes by. */
static int passes(const struct reading *r, int i)
{
    int n = over_speed(r, i, 1), tag = token_tag(r, n);

    if (r->t[i].lang != LANG_ZH || token_tag(r, token_near(r, n, 1)) == TAG_COME)
        return 0;
    return tag == TAG_BESIDE || (tag == TAG_GO && r->t[n].hint == PROMPT_PAST);
}

/* 从左边离开: where it goes, although something says "from". */
static int leaves(const struct reading *r, int i)
{
    int n = over_speed(r, i, 1);

    if (token_tag(r, n) == TAG_GO)
        n = over_speed(r, n, 1);
    return token_tag(r, n) == TAG_EXIT && token_tag(r, token_near(r, n, 1)) != TAG_COME &&
           r->t[n].lang == LANG_ZH;
}

static int is_going(int tag)
{
    return tag == TAG_GO || tag == TAG_EXIT || tag == TAG_COME || tag == TAG_LEAVE ||
           tag == TAG_PAN;
}

/* The mention a place belongs to: the noun right after it, else the last before in its clause, else
 * the next one. */
static int placed(const struct reading *r, int i)
{
    int ahead = noun_next(r, i), back = mention_before(r, i), prefix = r->t[i].value;
    int at = token_near(r, i, -1);

    if (back >= 0 && !prefix && token_tag(r, at) == TAG_AT && r->t[i].lang == LANG_EN &&
        r->mention[back].token == token_near(r, at, -1))
        return back; /* "the box on the right" */

    if (ahead >= 0 && !prefix)
        return ahead;
    while (back > 0 && r->mention[back].beside)
        back--;
    for (int k = back >= 0 ? r->mention[back].token : i; k < i; k++) {
        if (token_is_separator(r, k))
            back = -1;
    }
    if (back >= 0)
        return back;
    return mention_after(r, i) >= 0 ? mention_after(r, i) : mention_before(r, i);
}

static void set_place(struct reading *r, int i)
{
    int tag = token_tag(r, i), m = placed(r, i);

    r->t[i].used = 1;
    if (m < 0)
        return;
    struct object_facts *f = &r->mention[m].facts;

    if (tag == TAG_LEFT || tag == TAG_RIGHT || tag == TAG_MIDDLE)
        f->place = f->place           ? f->place
                   : tag == TAG_LEFT  ? PLACE_LEFT
                   : tag == TAG_RIGHT ? PLACE_RIGHT
                                      : PLACE_MIDDLE;
    else
        f->depth = f->depth ? f->depth : tag == TAG_FRONT ? DEPTH_FRONT : DEPTH_BACK;
}

static void read_side(struct reading *r, int i)
{
    int tag = token_tag(r, i), p = before_side(r, i), before = token_tag(r, p);
    int next = token_tag(r, over_speed(r, i, 1)), verb = before;

    if (before == TAG_AT)
        verb = token_tag(r, over_speed(r, p, -1));
    if (before == TAG_FROM && next == TAG_WALL) { /* "from the right wall to the left" */
        r->t[over_speed(r, i, 1)].used = 1;
        add_way(r, direction_from(tag), SOURCE, i);
    } else if (before == TAG_WALL || next == TAG_WALL) /* "hits the wall on the right" */
        add_way(r, direction_to(tag), WORD, i);
    else if (verb == TAG_WALL)
        add_way(r, direction_to(tag), WORD, i);
    else if (verb == TAG_ENTER && !r->t[i].value && r->t[i].lang == LANG_ZH && before != TAG_AT &&
             (tag == TAG_FRONT || tag == TAG_BACK))
        add_way(r, direction_to(tag), GOAL, i); /* 滚进背景 */
    else if (verb == TAG_ENTER && !r->t[i].value)
        add_way(r, direction_from(tag), SOURCE, i);
    else if (before == TAG_FROM && (tag == TAG_FRONT || tag == TAG_BACK) && passes(r, i))
        set_place(r, i);
    else if (before == TAG_FROM && leaves(r, i))
        add_way(r, direction_to(tag), GOAL, i);
    else if (before == TAG_FROM || (before != TAG_TO && leads_on(r, i)))
        add_way(r, direction_from(tag), SOURCE, i);
    else if (before == TAG_TO || (before == TAG_AT && verb == TAG_EXIT))
        add_way(r, direction_to(tag), GOAL, i);
    else if (is_going(before) && !r->t[i].value)
        add_way(r, direction_to(tag), GOAL, i);
    else if (before != TAG_AT && comes_hither(r, i))
        add_way(r, direction_from(tag), SOURCE, i);
    else if (before != TAG_AT && next == TAG_GO && (tag == TAG_LEFT || tag == TAG_RIGHT))
        add_way(r, direction_to(tag), GOAL, i);
    else if ((tag == TAG_LEFT || tag == TAG_RIGHT) && token_is_separator(r, p) &&
             token_is_separator(r, token_near(r, i, 1)))
        add_way(r, direction_to(tag), WEAK, i); /* "direction: right" */
    else
        set_place(r, i);
}

static void read_viewer(struct reading *r, int i)
{
    int p = token_near(r, i, -1), tag = token_tag(r, p);
    int next = token_tag(r, token_near(r, i, 1));

    int up_to = tag == TAG_TO || (tag == TAG_GO && r->t[p].hint == PROMPT_UP_TO);

    if ((is_side(next) && !(next == TAG_FRONT && up_to)) ||
        (tag == TAG_AWAY && next == SLOT_DIRECTION))
        return; /* 屏幕左边; 离我们越来越近 */
    if (tag == TAG_AT && r->t[i].value)
        return; /* "on the screen" */
    if (tag == TAG_BESIDE)
        add_way(r, DIRECTION_TOWARD, FAINT, i); /* "starting near the camera, it glides away" */
    else if (tag == TAG_TO || tag == TAG_AT || tag == TAG_COME ||
             (tag == TAG_GO && !r->t[i].value && r->t[i].lang == LANG_ZH))
        add_way(r, DIRECTION_TOWARD, VIEWER, i);
    else if (tag == TAG_AWAY || tag == TAG_FROM)
        add_way(r, DIRECTION_AWAY, VIEWER, i);
}

static void read_word(struct reading *r, int i)
{
    const struct token *t = &r->t[i];
    int sideways = t->value == DIRECTION_LEFT || t->value == DIRECTION_RIGHT;

    if (!sideways && token_tag(r, token_near(r, i, -1)) == TAG_FROM) /* "from far away" */
        add_way(r, t->value == DIRECTION_AWAY ? DIRECTION_TOWARD : DIRECTION_AWAY, SOURCE, i);
    else
        add_way(r, t->value, sideways ? GOAL : WORD, i);
}

void prompt_sides(struct reading *r)
{
    for (int i = 0; i < r->n; i++) {
        int tag = token_tag(r, i);

        if (r->t[i].used)
            continue;
        if (is_side(tag) || tag == TAG_MIDDLE)
            read_side(r, i);
        else if (tag == TAG_VIEWER || tag == TAG_CAMERA)
            read_viewer(r, i);
        else if (tag == SLOT_DIRECTION)
            read_word(r, i);
        else if (tag == TAG_COME)
            add_way(r, DIRECTION_TOWARD, WEAK, i);
        else if (tag == TAG_AWAY || tag == TAG_LEAVE)
            add_way(r, DIRECTION_AWAY, WEAK, i);
        r->t[i].used = is_going(tag) ? 0 : r->t[i].used; /* still a verb */
    }
}
