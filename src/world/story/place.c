/* place.c - where in each place the subject stands, what is framed when there is nobody, and from
 * which side the camera looks. */
#include <string.h>

#include "world/story/stage.h"

#define PI 3.14159265f

/* Angles of the middle of their ranges. */
static const struct where {
    float heading, az, spread, elevation, rise; /* camera az and elevation vary by spread, rise */
    float turn;                                 /* of the heading; 0 where a way is narrow */
    float height;                               /* of the ground that is stood on */
    int round;                                  /* walks in a circle */
    float landmark[4];                          /* framed when nobody is there */
} wheres[STORY_PLACE_COUNT] = {
    [STORY_CLIFF] = {0.05f, 0.62f, 0.15f, 0.22f, 0.05f, 0, 9, 0, {0}},
    [STORY_STREET] = {0, 0, 0.3f, 0.03f, 0.04f, 0, 0, 0, {-4, 0, 2.2f, 2.2f}},
    [STORY_ROOM] = {-PI / 2, -PI / 2, 0.4f, 0.1f, 0.06f, 0.2f, 0, 1, {0, 0.3f, 0.75f, 0.8f}},
    [STORY_MOON] = {0, 0.35f, 0.3f, 0.04f, 0.05f, 0.2f, 0, 0, {0, 0, 1.6f, 1.6f}},
    [STORY_SHIP] = {0, -0.32f, 0.2f, 0.03f, 0.04f, 0, 0, 0, {-2, 0, 1.3f, 1.2f}},
    [STORY_CLOUD] = {-PI / 2, -PI / 2, 0.5f, 0.06f, 0.06f, 0.2f, 0, 1, {0, 0.2f, -0.4f, 1.7f}},
    [STORY_COURT] = {-0.45f, -1.6f, 0.25f, 0.06f, 0.05f, 0.15f, 0, 1, {1.6f, 0, 1.1f, 1.3f}},
    [STORY_LAWN] = {-0.45f, -1.6f, 0.25f, 0.05f, 0.05f, 0.15f, 0, 0, {0, 0, 1.5f, 1.7f}},
};

static void open_bounds(struct stage *st, float floor)
{
    for (int i = 0; i < 3; i++) {
        st->eye_lo[i] = -1e4f;
        st->eye_hi[i] = 1e4f;
    }
    st->eye_lo[2] = floor;
}

/* Nobody: over the sea, along the coast, with the tower in the middle. */
static void cliff_alone(struct stage *st)
{
    static const float tower[4] = {0, -13, 6.2f, 6.5f};

    memset(st->root, 0, sizeof st->root);
    memcpy(st->look, tower, sizeof st->look);
    st->az = PI + 0.2f + stage_draw(st, 0, -0.25f, 0.25f);
    st->elevation = stage_draw(st, 1, 0.2f, 0.36f);
    open_bounds(st, 2);
}

void stage_place(struct stage *st)
{
    const struct story_facts *f = &st->story.facts;
    const struct where *w = &wheres[f->place];
    int nobody = f->subject == STORY_NOBODY;
    float body[4], head[4];

    st->az = w->az + stage_draw(st, 0, -w->spread, w->spread);
    st->elevation = w->elevation + stage_draw(st, 1, -w->rise, w->rise);
    st->heading = w->heading + stage_draw(st, 2, -w->turn, w->turn);
    if ((f->place == STORY_COURT || f->place == STORY_LAWN) && f->action != STORY_PLAYS)
        st->heading -= 0.75f; /* who does not play looks at us and not at the net */
    st->root[2] = w->height;
    open_bounds(st, 0.12f);
    if (nobody) {
        memcpy(st->look, w->landmark, sizeof st->look);
        if (f->place == STORY_CLIFF)
            cliff_alone(st);
        if (f->place == STORY_CLOUD)
            st->eye_lo[2] = -5;
        return;
    }
    figures_frame(&st->story, body, head);
    st->circle = w->round ? body[3] * 0.5f : 0;
    memcpy(st->look, f->shot == STORY_CLOSE ? head : body, sizeof st->look);
    if (f->place == STORY_CLOUD)
        st->eye_lo[2] = -5;
    /* The middle of what is framed is turned with the subject; on a round, the middle is that of
     * the round. */
    if (st->speed > 0 && w->round) {
        st->look[0] = st->look[1] = 0;
        st->look[3] += st->circle * (f->shot == STORY_CLOSE ? 0 : 0.25f);
    } else {
        float c = stage_cos(st->heading), s = stage_sin(st->heading), x = st->look[0];

        st->look[0] = c * x - s * st->look[1];
        st->look[1] = s * x + c * st->look[1];
    }
}
