#include "world/story/stage.h"

#include <math.h>
#include <string.h>

#include "base/fixmath.h"
#include "base/rng.h"
#include "world/story/coast.h"

enum { STREAM_STAGE = 0x73746167 };

float stage_sin(float x)
{
    double s, c;

    fix_sincos((double)x, &s, &c);
    return (float)s;
}

float stage_cos(float x)
{
    double s, c;

    fix_sincos((double)x, &s, &c);
    return (float)c;
}

void stage_init(struct stage *st, const struct story *s, double aspect)
{
    struct rng r;

    memset(st, 0, sizeof *st);
    st->story = *s;
    if (s->mirror)
        story_facts_mirror(&st->story.facts);
    st->aspect = (float)aspect;
    rng_init(&r, s->seed, STREAM_STAGE);
    for (int i = 0; i < STAGE_DRAWS; i++)
        st->draw[i] = (float)rng_uniform(&r);
    st->speed = s->facts.subject == STORY_NOBODY ? 0 : figures_speed(&st->story);
    stage_place(st);
    stage_camera(st);
}

float stage_coast(const struct stage *st, float x)
{
    float phase = stage_coast_phase(st);

    return COAST_WIDE * stage_sin(x * COAST_TURN + phase) +
           COAST_FINE * stage_sin(x * COAST_BEND + 2 * phase);
}

/* Two steps from the edge, whichever way it turns. */
static void along_coast(const struct stage *st, float at[3], float *heading)
{
    float a = at[0] * COAST_TURN + stage_coast_phase(st);
    float b = at[0] * COAST_BEND + 2 * stage_coast_phase(st);

    at[1] = stage_coast(st, at[0]) + 2.5f;
    if (st->speed > 0)
        *heading +=
            atanf(COAST_WIDE * COAST_TURN * stage_cos(a) + COAST_FINE * COAST_BEND * stage_cos(b));
}

/* Where the subject is and where it faces. On a round it walks about the root. */
static void walk(const struct stage *st, float t, float at[3], float *heading)
{
    float way = st->speed * t;

    memcpy(at, st->root, 3 * sizeof *at);
    *heading = st->heading;
    if (st->circle > 0) {
        float turn = st->speed > 0 ? way / st->circle : 0, from = st->heading - 1.5707963f;

        *heading += turn;
        if (st->speed > 0) {
            at[0] += st->circle * stage_cos(from + turn);
            at[1] += st->circle * stage_sin(from + turn);
        }
    } else {
        at[0] += way * stage_cos(st->heading);
        at[1] += way * stage_sin(st->heading);
    }
    if (st->story.facts.place == STORY_CLIFF && st->story.facts.subject != STORY_NOBODY)
        along_coast(st, at, heading);
}

/* A flame looks weak by day. */
static void add_figures(struct march *m, int time)
{
    static const float by_time[STORY_TIME_COUNT] = {
        [STORY_DAY] = 0.2f, [STORY_SUNSET] = 0.45f, [STORY_NIGHT] = 1};

    for (int i = 0; i < m->n_figures; i++) {
        const struct figure *f = &m->figure[i];
        struct march_thing *g = &m->thing[m->n_things++];

        g->kind = -1 - i;
        g->id = f->id;
        g->radius = f->radius;
        g->top = 1e9f;
        g->shades = 1;
        g->center[0] = m->root[0] + f->center[0] * m->yaw_cos - f->center[1] * m->yaw_sin;
        g->center[1] = m->root[1] + f->center[0] * m->yaw_sin + f->center[1] * m->yaw_cos;
        g->center[2] = m->root[2] + f->center[2];
        if (f->light[0] + f->light[1] + f->light[2] > 0 && m->n_lamps < MARCH_LAMPS) {
            struct march_lamp *l = &m->lamp[m->n_lamps++];

            l->at[0] = m->root[0] + f->light_at[0] * m->yaw_cos - f->light_at[1] * m->yaw_sin;
            l->at[1] = m->root[1] + f->light_at[0] * m->yaw_sin + f->light_at[1] * m->yaw_cos;
            l->at[2] = m->root[2] + f->light_at[2];
            for (int k = 0; k < 3; k++)
                l->rgb[k] = f->light[k] * by_time[time];
            m->lamp_shadow = 0.3f;
        }
    }
}

void stage_frame(const struct stage *st, double t_s, struct march *m)
{
    float heading, base[3];

    memset(m, 0, sizeof *m);
    m->place = st->story.facts.place;
    m->style = st->story.facts.style;
    m->time = (float)t_s;
    m->net_x = -1e3f;
    m->dent = 0.09f * st->dist;
    m->number = (float)(int)stage_draw(st, 20, 1, 1000);
    walk(st, (float)t_s, m->root, &heading);
    m->yaw_cos = stage_cos(heading);
    m->yaw_sin = stage_sin(heading);
    /* Who walks straight on is followed, and a face; a round is watched from its middle. */
    memcpy(base, st->circle > 0 && st->story.facts.shot != STORY_CLOSE ? st->root : m->root,
           sizeof base);
    stage_view(st, t_s, base, &m->view);
    if (st->story.facts.subject != STORY_NOBODY || st->story.facts.prop != STORY_NO_PROP)
        m->n_figures = figures_pose(&st->story, t_s, m->figure);
    add_figures(m, st->story.facts.time);
    stage_light(st, m);
    stage_scenery(st, m);
}
