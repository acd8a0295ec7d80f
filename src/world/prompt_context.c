/* Words that mean something else beside others: "a green can", "light red", "no boxes". */
#include "world/prompt_inner.h"

static int is_look(int tag)
{
    return tag == SLOT_COLOR || tag == SLOT_SIZE || tag == SLOT_MATERIAL;
}

static int is_article(int tag)
{
    return tag == TAG_ONE || tag == TAG_THE || tag == TAG_OTHER;
}

static int is_side(int tag)
{
    return tag == TAG_LEFT || tag == TAG_RIGHT || tag == TAG_FRONT || tag == TAG_BACK;
}

static void silence(struct reading *r, int i)
{
    r->t[i].tag = TAG_SKIP;
    r->t[i].refused = r->t[i].near = 0;
}

/* "3 balls" is more than there can be; "3 seconds" says nothing of things. */
static void read_number(struct reading *r, int i)
{
    int next = token_tag(r, skip_adjectives(r, i));

    silence(r, i);
    r->t[i].refused = next == SLOT_SHAPE;
}

/* "one red ball" has an article, "the red one" a noun. */
static void read_one(struct reading *r, int i)
{
    if (token_tag(r, skip_adjectives(r, i)) == SLOT_SHAPE && !is_look(token_tag(r, i - 1)))
        r->t[i].tag = TAG_ONE;
}

/* "a green can" is a thing, "the ball can roll" is not. */
static void read_can(struct reading *r, int i)
{
    int before = token_tag(r, i - 1);

    if (is_look(before) || before == TAG_ONE)
        r->t[i] = (struct token){
            .tag = SLOT_SHAPE, .value = SHAPE_CYLINDER, .at = r->t[i].at, .bytes = r->t[i].bytes};
}

/* Of two colours in a row the second is the noun of the first: "orange red", "blue green". */
static void read_color(struct reading *r, int i)
{
    int touch = i + 1 < r->n && r->t[i].at + r->t[i].bytes + 1 >= r->t[i + 1].at;

    if (token_tag(r, i + 1) == SLOT_COLOR && token_tag(r, i + 2) != TAG_TWO && touch)
        silence(r, i);
}

/* Take a noun phrase or a verb out of the prompt: it is said not to be. Returns its last token, or
 * i when nothing is denied. */
static int deny(struct reading *r, int i)
{
    int j = i + 1, from, end, tag;

    while (token_tag(r, j) == TAG_SKIP || is_article(token_tag(r, j)) ||
           token_tag(r, j) == TAG_IS || token_tag(r, j) == TAG_ENTER)
        j++;
    from = j;
    end = skip_adjectives(r, j - 1);
    tag = token_tag(r, end);
    if (tag == SLOT_SHAPE || tag == TAG_WALL || tag == TAG_RAMP) {
        j = end;
    } else {
        tag = token_tag(r, from);
        if (tag == TAG_GO || tag == TAG_PUSH) {
            r->t[from].tag = TAG_STILL;
            return from;
        }
        if (!is_look(tag) && tag != TAG_HIT && tag != TAG_FALL && tag != TAG_BOUNCE &&
            tag != TAG_STILL && tag != TAG_EXIT && tag != TAG_TIP)
            return i;
    }
    for (int k = from; k <= j; k++)
        silence(r, k);
    if (tag == TAG_HIT && token_tag(r, j + 1) == TAG_BESIDE)
        silence(r, j + 1);
    if (tag == TAG_HIT) /* what is not hit is passed */
        r->t[j].tag = TAG_BESIDE;
    return j;
}

static void read_not(struct reading *r, int i)
{
    int last = deny(r, i);

    while (last > i && r->t[last].tag == TAG_SKIP) { /* "no boxes or cones" */
        int next = last + 1, noun = skip_adjectives(r, next);

        while (is_article(token_tag(r, noun)) || token_tag(r, noun) == TAG_NOT)
            noun = skip_adjectives(r, noun);
        if (token_tag(r, noun) != SLOT_SHAPE ||
            (token_tag(r, next) != TAG_AND &&
             !(token_tag(r, next) == TOKEN_COMMA && noun == next + 1)))
            break;
        last = deny(r, token_tag(r, noun - 1) == TAG_NOT ? noun - 1 : next);
        if (last == next)
            break;
    }
    silence(r, i);
}

void prompt_context(struct reading *r)
{
    for (int i = 0; i < r->n; i++) {
        struct token *t = &r->t[i];

        if (t->tag == TOKEN_NUMBER)
            read_number(r, i);
        else if (t->tag == SLOT_SHAPE && t->hint == PROMPT_ECHO)
            read_one(r, i);
        else if (t->tag == TAG_SKIP && t->hint == PROMPT_CAN)
            read_can(r, i);
        else if (t->tag == TAG_LIGHT && t->lang == LANG_EN && token_tag(r, i + 1) == SLOT_COLOR)
            silence(r, i);
        else if (t->tag == SLOT_COLOR)
            read_color(r, i);
        else if (t->tag == TAG_SCENE && token_tag(r, i + 1) == SLOT_SHAPE && t->value)
            silence(r, i); /* "beach ball" */
        else if (t->tag == TAG_HIT && t->hint == PROMPT_FROM && is_side(token_tag(r, i + 1)))
            t->tag = TAG_FROM; /* 打左边来 */
    }
    for (int i = 0; i < r->n; i++) {
        if (r->t[i].tag == TAG_NOT)
            read_not(r, i);
    }
}
