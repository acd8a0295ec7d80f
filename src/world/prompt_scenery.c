/* Camera, light and floor: phrases around their nouns, taken out of the prompt before objects are
 * read. */
#include "world/prompt_inner.h"

int token_tag(const struct reading *r, int i)
{
    return i >= 0 && i < r->n ? r->t[i].tag : TOKEN_NONE;
}

int token_is_separator(const struct reading *r, int i)
{
    int tag = token_tag(r, i);

    return tag == TOKEN_COMMA || tag == TOKEN_STOP || tag == TOKEN_NONE;
}

int token_near(const struct reading *r, int i, int step)
{
    for (i += step;
         token_tag(r, i) == TAG_SKIP || token_tag(r, i) == TAG_THE || token_tag(r, i) == TAG_ONE;
         i += step)
        ;
    return i;
}

static void use(struct reading *r, int from, int to)
{
    for (int i = from; i <= to; i++)
        r->t[i].used = 1;
}

/* Is the camera at i what something moves to or from? */
static int is_viewer(const struct reading *r, int i)
{
    int p = token_near(r, i, -1), tag = token_tag(r, p);

    if (tag == SLOT_DIRECTION)
        return r->t[p].value == DIRECTION_TOWARD || r->t[p].value == DIRECTION_AWAY;
    return tag == TAG_TO || tag == TAG_AWAY || tag == TAG_FROM || tag == TAG_AT || tag == TAG_GO ||
           tag == TAG_BESIDE;
}

/* Side named by a token: -1 left, 1 right, 0 none. */
static int side_of(const struct token *t)
{
    if (t->tag == TAG_LEFT || (t->tag == SLOT_DIRECTION && t->value == DIRECTION_LEFT))
        return -1;
    return t->tag == TAG_RIGHT || (t->tag == SLOT_DIRECTION && t->value == DIRECTION_RIGHT);
}

static int is_look(int tag)
{
    return tag == SLOT_COLOR || tag == SLOT_SIZE || tag == SLOT_MATERIAL;
}

/* Does a word belong to the next noun, or is it one? */
static int starts_noun(int tag)
{
    return tag == SLOT_SHAPE || tag == TAG_FLOOR || tag == TAG_LIGHT || tag == TAG_CAMERA ||
           tag == TAG_ONE || tag == SLOT_FLOOR || is_look(tag);
}

/* How far a phrase around noun i reaches: up to the next separator or noun. */
static int phrase_end(const struct reading *r, int i)
{
    while (!token_is_separator(r, i + 1) && !starts_noun(token_tag(r, i + 1)))
        i++;
    return i;
}

/* And before it: only words that cannot belong to an object. */
static int camera_start(const struct reading *r, int i)
{
    for (;;) {
        int p = token_near(r, i, -1), tag = token_tag(r, p);

        if (tag == TAG_PAN || tag == TAG_HOLD || tag == TAG_ZOOM || tag == TAG_STILL)
            i = p;
        else if (tag == SLOT_SPEED && i != p && token_tag(r, i) != TAG_CAMERA)
            i = p;
        else if (side_of(p >= 0 && p < r->n ? &r->t[p] : &(struct token){0}) &&
                 token_tag(r, i) == TAG_PAN)
            i = p;
        else
            return i;
    }
}

static void read_camera(struct reading *r, int noun)
{
    int from = camera_start(r, noun), to = phrase_end(r, noun), side = 0, still = 0, zoom = 0;
    int named = 0; /* by its canonical word */

    for (int i = from; i <= to; i++) {
        const struct token *t = &r->t[i];

        named = t->tag == SLOT_CAMERA ? t->value : named;
        side = side ? side : side_of(t);
        still |= t->tag == TAG_HOLD || t->tag == TAG_STILL;
        zoom |= t->tag == TAG_ZOOM ||
                (t->tag == SLOT_DIRECTION && t->value == DIRECTION_TOWARD && i > noun);
    }
    if (!r->camera)
        r->camera = named   ? named
                    : zoom  ? CAMERA_ZOOM_IN
                    : side  ? (side < 0 ? CAMERA_PAN_LEFT : CAMERA_PAN_RIGHT)
                    : still ? CAMERA_STATIC
                            : 0;
    use(r, from, to);
}

static void read_light(struct reading *r, int noun)
{
    int from = noun, to = phrase_end(r, noun), side = 0;

    for (int i = noun + 1; i <= to && !side; i++)
        side = side_of(&r->t[i]);
    if (side) { /* what follows the side may be about other things */
        for (to = noun + 1; !side_of(&r->t[to]); to++)
            ;
        while (token_tag(r, to + 1) == TAG_SKIP || token_tag(r, to + 1) == TAG_VIEWER)
            to++;
        use(r, noun, to);
    } else { /* "the left light", 从左边的光, 左侧打光 */
        int p = token_near(r, noun, -1);

        if (p >= 0 && token_tag(r, p) == TAG_GO) /* 左边照来的光 */
            p = token_near(r, p, -1);
        if (p >= 0 && (side = side_of(&r->t[p]))) {
            from = token_tag(r, token_near(r, p, -1)) == TAG_FROM ? token_near(r, p, -1) : p;
            use(r, from, noun);
        }
    }
    if (side && !r->light)
        r->light = side < 0 ? LIGHT_LEFT : LIGHT_RIGHT;
    r->t[noun].used = 1;
}

/* Words about the floor stand right before its noun, or after it ("the floor is grey"). */
static void read_floor(struct reading *r, int noun)
{
    int i, kind = -1, after = token_near(r, noun, 1);

    for (i = noun - 1;
         token_tag(r, i) == SLOT_FLOOR || is_look(token_tag(r, i)) || token_tag(r, i) == TAG_SKIP;
         i--) {
        r->t[i].used = 1;
        r->t[i].refused = is_look(token_tag(r, i));
        if (token_tag(r, i) == SLOT_FLOOR)
            kind = i;
    }
    if (token_tag(r, after) == TAG_IS) {
        after = token_near(r, after, 1);
        if (is_look(token_tag(r, after)))
            r->t[after].used = r->t[after].refused = 1;
    }
    if (kind < 0 && token_tag(r, after) == SLOT_FLOOR)
        kind = after;
    if (kind >= 0) {
        r->t[kind].used = 1;
        r->floor = r->floor ? r->floor : r->t[kind].value;
    }
    r->t[noun].used = 1;
}

/* A place that is none of a thing's ("blue sky", "white background"): the words before it are its
 * own. */
static void read_scene(struct reading *r, int noun)
{
    int i = noun - 1, known = r->t[noun].tag != TAG_SCENE || !r->t[noun].value;

    for (; is_look(token_tag(r, i)) || token_tag(r, i) == TAG_SKIP || token_tag(r, i) == SLOT_FLOOR;
         i--) {
        r->t[i].refused |= token_tag(r, i) == SLOT_COLOR;
        r->t[i].used = 1;
    }
    r->t[noun].used = 1;
    r->t[noun].refused = !known;
}

static int is_backdrop(const struct reading *r, int i)
{
    int p = i - 1;

    while (token_tag(r, p) == TAG_SKIP)
        p--;
    return token_tag(r, i) == TAG_BACK && !r->t[i].value && token_tag(r, p) == SLOT_COLOR;
}

/* Whole-phrase words: canonical ones, "tripod", and floors named without their noun ("on
 * concrete"). */
static void read_single(struct reading *r, int i)
{
    struct token *t = &r->t[i];
    int next = token_tag(r, token_near(r, i, 1));

    if (t->tag == SLOT_CAMERA || (t->tag == TAG_HOLD && t->value)) {
        r->camera = r->camera ? r->camera : t->tag == TAG_HOLD ? CAMERA_STATIC : t->value;
        t->used = 1;
    } else if (t->tag == SLOT_LIGHT) {
        r->light = r->light ? r->light : t->value;
        t->used = 1;
    } else if (t->tag == SLOT_FLOOR && !is_look(next) && next != SLOT_SHAPE) {
        r->floor = r->floor ? r->floor : t->value;
        t->used = 1;
    } else if (t->tag == SLOT_FLOOR && t->hint) { /* "a grey ball": the nearest colour */
        t->tag = SLOT_COLOR;
        t->value = t->hint;
        t->near = 1;
    } else if (t->tag == SLOT_FLOOR) { /* "a stone ball" */
        t->tag = TAG_SKIP;
        t->used = t->refused = 1;
    }
}

void prompt_scenery(struct reading *r)
{
    for (int i = 0; i < r->n; i++) {
        if (!r->t[i].used && token_tag(r, i) == TAG_CAMERA && !is_viewer(r, i))
            read_camera(r, i);
    }
    for (int i = 0; i < r->n; i++) {
        const struct token *t = &r->t[i];

        if (!t->used && ((t->tag == TAG_PAN && t->value) || t->tag == TAG_ZOOM))
            read_camera(r, i);
        else if (!t->used && t->tag == TAG_LIGHT)
            read_light(r, i);
        else if (!t->used && t->tag == TAG_FLOOR)
            read_floor(r, i);
        else if (!t->used && (t->tag == TAG_SCENE || is_backdrop(r, i)))
            read_scene(r, i);
    }
    for (int i = 0; i < r->n; i++) {
        if (!r->t[i].used)
            read_single(r, i);
    }
}
