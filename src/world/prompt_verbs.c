/* Verbs that are hits only beside the right nouns: "pushes a box", "falls over", "bounces off the
 * cone", "rolls into the box". */
#include "world/prompt_inner.h"

/* The noun that verb i is done to: the next one of its clause, over words that lead to it. -1:
 * none. */
static int object_of(const struct reading *r, int i)
{
    for (i++; i < r->n && !token_is_separator(r, i); i++) {
        int tag = token_tag(r, i);

        if (tag == SLOT_SHAPE && noun_ahead(r, i - 1) >= 0)
            return noun_ahead(r, i - 1);
        if (tag == TAG_GO || tag == TAG_BESIDE || tag == TAG_AND || tag == TAG_FLOOR ||
            tag == TAG_WALL || tag == TAG_AT || tag == TAG_RAMP || tag == TAG_STILL)
            return -1;
    }
    return -1;
}

static int is_passive(const struct reading *r, int i)
{
    for (int k = 0; k < r->n; k++) {
        if (token_tag(r, k) == TAG_BY && (r->t[k].lang == LANG_ZH ? k < i : k > i))
            return mention_before(r, i) >= 0;
    }
    return 0;
}

/* A passive that names nobody: "is knocked over", 被撞倒. */
static int is_done_to(const struct reading *r, int i)
{
    int p = i - 1;

    if (mention_before(r, i) < 0)
        return 0;
    while (token_tag(r, p) == SLOT_SPEED || token_tag(r, p) == TAG_SKIP)
        p--;
    if (r->t[i].lang == LANG_ZH)
        return token_tag(r, p) == TAG_BY;
    return token_tag(r, p) == TAG_IS && !r->t[i].ing && mention_after(r, i) < 0;
}

/* "hits the floor" */
static int falls(const struct reading *r, int i)
{
    i = token_near(r, i, 1);
    while (token_tag(r, i) == SLOT_FLOOR || token_tag(r, i) == TAG_AT || token_tag(r, i) == TAG_TO)
        i = token_near(r, i, 1);
    return token_tag(r, i) == TAG_FLOOR;
}

static void read_verb(struct reading *r, int i)
{
    struct token *t = &r->t[i];
    int two = r->n_objects > 1, after = object_of(r, i);

    if (t->tag == TAG_PUSH) {
        t->tag = two && (after >= 0 || is_passive(r, i)) ? TAG_HIT : TAG_GO;
    } else if (t->tag == TAG_TIP) {
        if ((after < 0 || !two) && !is_passive(r, i))
            r->patient = mention_before(r, i) >= 0 ? mention_before(r, i) : mention_after(r, i);
        t->tag = TAG_HIT;
    } else if (t->tag == TAG_BOUNCE || (t->tag == SLOT_EVENT && t->value == EVENT_WALL)) {
        int next = token_tag(r, i + 1);

        if (two && after >= 0 &&
            (noun_ahead(r, i) == after || next == TAG_AWAY || next == TAG_FROM || next == TAG_SKIP))
            t->tag = TAG_HIT;
    } else if (t->tag == TAG_HIT && is_done_to(r, i)) {
        r->patient = mention_before(r, i);
    } else if (t->tag == TAG_HIT && falls(r, i)) {
        t->tag = TAG_FALL;
    } else if (t->tag == TAG_TO && two && t->value && noun_ahead(r, i) >= 0 &&
               mention_before(r, i) >= 0) {
        t->tag = TAG_HIT; /* "rolls into the box" */
        t->used = 0;
    }
}

void prompt_verbs(struct reading *r)
{
    r->patient = -1;
    for (int i = 0; i < r->n; i++) {
        if (!r->t[i].used || r->t[i].tag == TAG_TO)
            read_verb(r, i);
    }
}
