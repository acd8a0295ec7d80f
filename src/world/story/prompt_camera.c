/* How the camera moves: a verb, and a side, "in" or "out" in the same clause. */
#include "world/story/prompt_inner.h"

struct clause {
    int from, to;  /* tokens */
    int camera;    /* it is about the camera */
    int verb;      /* token, or -1 */
    int side;      /* -1 left, 1 right */
    int up, depth; /* 1 up, -1 down; 1 in, -1 out */
    int hold;
};

static int rank_of_verb(const struct clause *c, const struct story_token *t)
{
    switch (t->role) {
    case STORY_DO_ORBIT:
        return 8;
    case STORY_DO_CIRCLE:
        return c->camera ? 7 : 0;
    case STORY_DO_PAN:
        return c->camera || t->lang == LANG_EN ? 6 : 0;
    case STORY_DO_SWEEP:
        return c->camera ? 6 : 0;
    case STORY_DO_TILT:
        return 5;
    case STORY_DO_ZOOM:
        return 4;
    case STORY_DO_DOLLY:
        return c->camera ? 3 : 0;
    case STORY_DO_ROLL:
        return c->camera ? 2 : 0;
    case STORY_DO_MOVE:
        return c->camera ? 1 : 0;
    default:
        return 0;
    }
}

static void look_at(struct clause *c, const struct story_reading *r, int i)
{
    switch (story_role(r, i)) {
    case STORY_GO_LEFT:
        c->side = c->side ? c->side : -1;
        break;
    case STORY_GO_RIGHT:
        c->side = c->side ? c->side : 1;
        break;
    case STORY_GO_UP:
        c->up = c->up ? c->up : 1;
        break;
    case STORY_GO_DOWN:
        c->up = c->up ? c->up : -1;
        break;
    case STORY_GO_IN:
        c->depth = c->depth ? c->depth : 1;
        break;
    case STORY_GO_OUT:
        c->depth = c->depth ? c->depth : -1;
        break;
    case STORY_HOLD:
        c->hold = 1;
        break;
    default:
        break;
    }
}

static void read_clause(struct clause *c, const struct story_reading *r)
{
    int best = 0;

    for (int i = c->from; i < c->to; i++)
        c->camera |=
            story_role(r, i) == STORY_CAMERA || story_token_fact(&r->t[i], STORY_SLOT_CAMERA);
    for (int i = c->from; i < c->to; i++) {
        int rank = rank_of_verb(c, &r->t[i]);

        look_at(c, r, i);
        if (rank > best) {
            best = rank;
            c->verb = i;
        }
    }
}

static int sided(struct story_reading *r, const struct clause *c, int left, int right)
{
    r->either_side = !c->side;
    return c->side > 0 ? right : left;
}

static int movement(struct story_reading *r, const struct clause *c)
{
    switch (r->t[c->verb].role) {
    case STORY_DO_ORBIT:
    case STORY_DO_CIRCLE:
        return sided(r, c, STORY_ORBIT_LEFT, STORY_ORBIT_RIGHT);
    case STORY_DO_PAN:
    case STORY_DO_SWEEP:
        if (!c->side && c->up)
            return c->up > 0 ? STORY_TILT_UP : STORY_TILT_DOWN;
        return sided(r, c, STORY_PAN_LEFT, STORY_PAN_RIGHT);
    case STORY_DO_TILT:
        return c->up < 0 ? STORY_TILT_DOWN : STORY_TILT_UP;
    case STORY_DO_ZOOM:
        return c->depth < 0 ? STORY_ZOOM_OUT : STORY_ZOOM_IN;
    case STORY_DO_DOLLY:
        return c->depth < 0 ? STORY_DOLLY_OUT : STORY_DOLLY_IN;
    case STORY_DO_ROLL:
        return STORY_ROLL;
    default:
        if (c->side)
            return c->side < 0 ? STORY_PAN_LEFT : STORY_PAN_RIGHT;
        if (c->depth)
            return c->depth > 0 ? STORY_DOLLY_IN : STORY_DOLLY_OUT;
        return c->up ? (c->up > 0 ? STORY_TILT_UP : STORY_TILT_DOWN) : 0;
    }
}

/* Sides belong to the camera here, verbs are explained. */
static void use_clause(struct story_reading *r, const struct clause *c)
{
    for (int i = c->from; i < c->to; i++) {
        int role = r->t[i].role;

        if ((role >= STORY_DO_PAN && role <= STORY_GO_OUT) || role == STORY_HOLD)
            r->t[i].dropped = 1;
    }
}

void story_prompt_camera(struct story_reading *r)
{
    int named = 0;

    for (int i = 0; i < r->n; i++) {
        int value = story_token_fact(&r->t[i], STORY_SLOT_CAMERA);

        if (!r->t[i].dropped && value && (!named || named == STORY_DRONE))
            named = value;
    }
    for (int i = 0; i < r->n; i++) {
        struct clause c = {.from = i, .verb = -1};
        int camera;

        while (i < r->n && !story_is_separator(story_role(r, i)))
            i++;
        c.to = i;
        read_clause(&c, r);
        if (c.verb < 0 && !(c.camera && c.hold))
            continue;
        camera = c.verb >= 0 ? movement(r, &c) : STORY_STATIC;
        if (!camera)
            continue;
        use_clause(r, &c);
        if (!r->camera)
            r->camera = camera;
    }
    if (named && (named != STORY_DRONE || !r->camera)) {
        r->camera = named;
        r->either_side = 0;
    }
}
