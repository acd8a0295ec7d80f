#include "world/story/figure.h"

#include <math.h>

#include "world/story/figure_kinds.h"

/* clang-format off */
static const struct build builds[STORY_SUBJECT_COUNT] = {
    /*                   thigh  shin   sole   toe    heel   hips   spine  should upper  fore   head   seat   walk_s walk_m stance lift   bounce */
    [STORY_WOMAN]     = {0.44f, 0.43f, 0.12f, 0.12f, 0.06f, 0.068f,0.43f, 0.165f,0.28f, 0.25f, 0.205f,0.11f, 1.06f, 1.20f, 0.60f, 0.05f, 0.016f},
    [STORY_MONSTER]   = {0.10f, 0.10f, 0.06f, 0.08f, 0.05f, 0.15f, 0.26f, 0.26f, 0.17f, 0.17f, 0.02f, 0.12f, 0.70f, 0.24f, 0.60f, 0.05f, 0.014f},
    [STORY_ASTRONAUT] = {0.40f, 0.40f, 0.12f, 0.13f, 0.09f, 0.13f, 0.50f, 0.25f, 0.29f, 0.26f, 0.24f, 0.17f, 2.30f, 1.75f, 0.34f, 0.08f, 0.07f},
    [STORY_READER]    = {0.45f, 0.44f, 0.09f, 0.15f, 0.07f, 0.095f,0.48f, 0.19f, 0.30f, 0.26f, 0.215f,0.13f, 1.10f, 1.34f, 0.60f, 0.05f, 0.016f},
    [STORY_GIRL]      = {0.32f, 0.31f, 0.07f, 0.11f, 0.06f, 0.068f,0.36f, 0.125f,0.21f, 0.19f, 0.195f,0.10f, 0.92f, 1.00f, 0.60f, 0.05f, 0.014f},
};
/* clang-format on */

const struct build *figure_build(int subject)
{
    return &builds[subject];
}

static void cast_at(const struct story *s, double t_s, struct cast *c)
{
    int prop = s->facts.prop, held = prop == STORY_CANDLE || prop == STORY_BOOK;

    *c = (struct cast){.story = s, .t_s = t_s, .early = (double)figure_draw(s, 0)};
    if (s->facts.subject == STORY_NOBODY)
        return;
    c->build = figure_build(s->facts.subject);
    held &= !figure_sits(s->facts.action) && s->facts.action != STORY_PLAYS;
    held &= s->facts.subject != STORY_MONSTER || s->facts.action == STORY_WALKS;
    figure_joints(c->build, s->facts.action, held, t_s, c->early, &c->j);
}

static void subject_at(const struct cast *c, struct figure *f)
{
    figure_begin(f, FIGURE_ID_SUBJECT);
    switch (c->story->facts.subject) {
    case STORY_WOMAN:
        figure_woman(c, f);
        break;
    case STORY_MONSTER:
        figure_monster(c, f);
        break;
    case STORY_ASTRONAUT:
        figure_astronaut(c, f);
        break;
    case STORY_READER:
        figure_reader(c, f);
        break;
    default:
        figure_girl(c, f);
        break;
    }
    figure_end(f);
}

/* In the left hand, or on the ground beside who has no hand free. */
static void candle_at(const struct cast *c, struct figure *f)
{
    const struct story_facts *s = &c->story->facts;
    int small = s->subject == STORY_MONSTER;

    if (s->subject == STORY_NOBODY)
        figure_candle(c, vec(0, 0, 0), 0.3f, f);
    else if (figure_sits(s->action) || s->action == STORY_PLAYS ||
             (small && s->action != STORY_WALKS))
        figure_candle(c, small ? vec(0.40f, 0.44f, 0) : vec(0.45f, 0.55f, 0), small ? 0.24f : 0.3f,
                      f);
    else
        figure_candle(c, vec_add(c->j.hand[0], vec(0.03f, 0, 0.02f)), small ? 0.12f : 0.17f, f);
}

static void book_at(const struct cast *c, struct figure *f)
{
    const struct story_facts *s = &c->story->facts;
    const struct joints *j = &c->j;
    struct axes a = figure_upright;
    struct vec at = vec(0, 0, 0.03f);

    if (s->subject == STORY_NOBODY) {
        a = (struct axes){{0, 0, 1}, {0, 1, 0}, {1, 0, 0}};
        figure_book(c, at, &a, 0.3f, 1, f);
    } else if (figure_sits(s->action)) {
        /* Its pages look up at the face. */
        a = axes_turn(j->chest_axes, 0, 0.85f);
        at = axes_at(vec_mix(j->hand[0], j->hand[1], 0.5f), &a, 0.05f, 0, 0.05f);
        if (s->subject == STORY_MONSTER)
            at = vec_add(j->pelvis, vec(0.44f, 0, 0.03f));
        figure_book(c, at, &a, s->subject == STORY_MONSTER ? 0.16f : 0.22f, 1, f);
    } else if (s->action == STORY_PLAYS) {
        a = (struct axes){{0, 0, 1}, {0, 1, 0}, {1, 0, 0}};
        figure_book(c, vec(0.1f, 0.7f, 0.03f), &a, 0.2f, 0, f);
    } else {
        figure_book(c, axes_at(j->hand[0], &j->chest_axes, 0.06f, 0, 0.06f), &j->chest_axes, 0.2f,
                    0, f);
    }
}

static int racket_at(const struct cast *c, struct figure *f)
{
    const struct story_facts *s = &c->story->facts;
    const struct joints *j = &c->j;
    struct vec hit, where, to, face;
    struct joints then;
    double part = c->t_s * 1000 / PLAY_MS + c->early;
    float waits = 0.5f + 0.5f * figure_cosine(part - 0.53);

    if (s->subject == STORY_NOBODY) {
        figure_racket(c, vec(-0.3f, 0, 0.02f), vec(1, 0.2f, 0), vec(0, 0, 1), f);
        return 1;
    }
    if (s->action != STORY_PLAYS) {
        figure_racket(c, j->hand[1], j->grip, j->chest_axes.x, f);
        return 1;
    }
    /* It meets the shuttlecock flat; while she waits its strings are seen from the side. */
    face = vec_sub(vec_mul(j->chest_axes.x, 1 - waits), vec_mul(j->chest_axes.y, waits));
    figure_racket(c, j->hand[1], j->grip, face, f);
    figure_joints_playing(c->build, 0, &then);
    hit = figure_racket_head(then.hand[1], then.grip);
    hit.x += 0.06f;
    where = figure_shuttlecock_path(hit, part, &to);
    figure_shuttlecock(where, to, &f[1]);
    return 2;
}

int figures_pose(const struct story *s, double t_s, struct figure out[FIGURES_MAX])
{
    struct cast c;
    int n = 0;

    cast_at(s, t_s, &c);
    if (s->facts.subject != STORY_NOBODY)
        subject_at(&c, &out[n++]);
    if (s->facts.prop == STORY_BOOK || s->facts.action == STORY_READS)
        book_at(&c, &out[n++]);
    if (s->facts.prop == STORY_CANDLE)
        candle_at(&c, &out[n++]);
    else if (s->facts.prop == STORY_RACKET || s->facts.action == STORY_PLAYS)
        n += racket_at(&c, &out[n]);
    return n;
}

float figures_speed(const struct story *s)
{
    const struct build *b = &builds[s->facts.subject];

    return s->facts.subject != STORY_NOBODY && s->facts.action == STORY_WALKS
               ? b->walk_m / b->walk_s
               : 0;
}

/* Around the spheres of poses over seven seconds. */
void figures_frame(const struct story *s, float body[4], float head[4])
{
    enum { LOOKS = 24 };
    struct figure all;
    float lo[3] = {1e9f, 1e9f, 0}, hi[3] = {-1e9f, -1e9f, 0}, r = 0;
    float face =
        s->facts.subject == STORY_ASTRONAUT || s->facts.subject == STORY_MONSTER ? 0.32f : 0.24f;
    struct vec at = {0, 0, 0};
    struct cast c;

    if (s->facts.subject == STORY_NOBODY) {
        body[0] = body[1] = head[0] = head[1] = 0;
        body[2] = body[3] = head[2] = head[3] = 1;
        return;
    }
    for (int i = 0; i < LOOKS; i++) {
        cast_at(s, 0.31 * i, &c);
        at = vec_add(at, vec_mul(c.j.head, 1.0f / LOOKS));
        subject_at(&c, &all);
        for (int k = 0; k < 3; k++) {
            lo[k] = fminf(lo[k], all.center[k] - (k < 2 ? 0.5f : 1) * all.radius);
            hi[k] = fmaxf(hi[k], all.center[k] + (k < 2 ? 0.5f : 1) * all.radius);
        }
    }
    if (s->facts.action == STORY_PLAYS) /* the racket, and some of the way of the shuttlecock */
        hi[2] += 0.2f * (c.build->thigh + c.build->shin + c.build->spine);
    for (int k = 0; k < 3; k++) {
        body[k] = 0.5f * (lo[k] + hi[k]);
        r = fmaxf(r, 0.5f * (hi[k] - lo[k]));
    }
    body[3] = r;
    head[0] = at.x;
    head[1] = at.y;
    head[2] = at.z;
    head[3] = face;
}
