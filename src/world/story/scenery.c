/* scenery.c - the things, boxes and lamps of each place, laid out around the subject and to the
 * measure of the camera's distance, so that pictures of one place look alike at every scale. */
#include <math.h>
#include <string.h>

#include "world/story/stage.h"

static struct march_thing *add_thing(struct march *m, int kind, int id, float x, float y, float z,
                                     float radius)
{
    struct march_thing *g = &m->thing[m->n_things];

    *g = (struct march_thing){kind, id, {x, y, z}, radius, 1e9f, 1};
    m->n_things += m->n_things + 1 < MARCH_THINGS;
    return g;
}

static void add_box(struct march *m, const float lo[3], const float hi[3], int what)
{
    if (m->n_boxes < MARCH_BOXES) {
        struct march_box *b = &m->box[m->n_boxes++];

        memcpy(b->lo, lo, sizeof b->lo);
        memcpy(b->hi, hi, sizeof b->hi);
        b->what = what;
    }
}

static void add_lamp(struct march *m, float x, float y, float z, float r, float g, float b)
{
    if (m->n_lamps < MARCH_LAMPS)
        m->lamp[m->n_lamps++] = (struct march_lamp){{x, y, z}, {r, g, b}};
}

static void set3(float a[3], float x, float y, float z)
{
    a[0] = x;
    a[1] = y;
    a[2] = z;
}

/* x moved by whole periods next to `at`: what is passed comes again. */
static float again(float x, float at, float period)
{
    return x + period * floorf((at - x) / period + 0.5f);
}

/* The point `ahead` behind the subject as the camera sees it, and `side` to its right there. */
static void behind(const struct stage *st, float ahead, float side, float *x, float *y)
{
    float c = stage_cos(st->az), s = stage_sin(st->az);

    *x = st->look[0] - c * ahead - s * side;
    *y = st->look[1] - s * ahead + c * side;
}

static void scale3(float a[3], float by)
{
    for (int i = 0; i < 3; i++)
        a[i] *= by;
}

static void spaceship(const struct stage *st, struct march *m)
{
    float d = st->dist > 2.5f ? st->dist : 2.5f, size = d * 0.33f, x, y, c, s;
    int nobody = st->story.facts.subject == STORY_NOBODY;

    if (st->story.facts.prop != STORY_SPACESHIP)
        return;
    if (nobody)
        size = st->look[3] * 0.55f;
    if (nobody)
        behind(st, 0, 0, &x, &y);
    else
        behind(st, d * 0.75f, st->draw[6] < 0.5f ? -0.6f * d : 0.6f * d, &x, &y);
    x = again(x, m->root[0], 40);
    if (st->story.facts.place == STORY_CLIFF) { /* where there is land */
        x = nobody ? 9 : again(-0.6f * d, m->root[0], 40);
        y = stage_coast(st, x) + 1.2f * size + 0.8f;
    }
    set3(&m->par[21], x, y, st->story.facts.place == STORY_CLIFF ? m->par[0] : m->root[2]);
    if (st->story.facts.place == STORY_CLOUD)
        m->par[23] -= 0.2f * st->dist;
    m->par[20] = size;
    c = stage_cos(st->az);
    s = stage_sin(st->az);
    m->par[16] = c;
    m->par[17] = s;
    add_thing(m, THING_SPACESHIP, FIGURE_ID_PROP, m->par[21], m->par[22], m->par[23] + 1.45f * size,
              1.6f * size);
}

static void cliff(const struct stage *st, struct march *m)
{
    int nobody = st->story.facts.subject == STORY_NOBODY;
    float size = 1.0f, x = 0, y = -13;
    struct march_thing *wall;

    m->par[0] = 9;
    m->par[1] = stage_coast_phase(st);
    if (!nobody) {
        float away = 30;

        size = 1.2f;
        behind(st, away, -away * stage_draw(st, 8, 0.05f, 0.36f), &x,
               &y); /* to the left: the sea */
        x += m->root[0];
        y += m->root[1];
    }
    m->par[2] = x;
    m->par[3] = y;
    m->par[4] = size;
    m->par[5] = st->story.facts.time == STORY_NIGHT;
    add_thing(m, THING_TOWER, nobody ? FIGURE_ID_PROP : 3, x, y, 7.6f * size, 5.6f * size);
    add_thing(m, THING_ISLET, 0, x, y, 0.8f * size, 5.9f * size);
    wall = add_thing(m, THING_CLIFF, 0, m->root[0], 991, 0, 1000);
    wall->top = m->par[0];
    wall->shades = 0;
}

static void street(const struct stage *st, struct march *m)
{
    static const float glow[STORY_TIME_COUNT] = {
        [STORY_DAY] = 0.75f, [STORY_SUNSET] = 1.1f, [STORY_NIGHT] = 1.45f};
    int time = st->story.facts.time, night = time == STORY_NIGHT;
    float x0 = m->view.eye[0] - (m->view.forward[0] < 0 ? 50.0f : 0);
    int first = (int)floorf(x0 / 5);

    m->par[0] = 6.2f;
    m->par[1] = glow[time];
    m->par[2] = night ? 0.6f : time == STORY_SUNSET ? 0.4f : 0.12f;
    m->par[4] = night || m->rain > 0 ? 0.9f : 0.45f;
    if (night) {
        set3(m->ambient, 0.09f, 0.075f, 0.13f);
        set3(m->bounce, 0.10f, 0.05f, 0.08f);
        set3(m->sky_low, 0.10f, 0.035f, 0.10f);
        set3(m->sky_top, 0.008f, 0.008f, 0.03f);
        set3(m->fog_rgb, 0.09f, 0.035f, 0.10f);
        m->stars = 0;
        m->fog = m->fog > 0.02f ? m->fog : 0.014f;
        scale3(m->sun_rgb, 0);
        add_lamp(m, m->root[0] + 1.6f, m->root[1] - 2.2f, m->root[2] + 2.4f, 1.5f, 0.3f, 0.9f);
        add_lamp(m, m->root[0] + 1.2f, m->root[1] + 2.4f, m->root[2] + 2.2f, 0.25f, 0.9f, 1.4f);
        add_lamp(m, m->root[0] + 3.2f, m->root[1], m->root[2] + 3, 1.9f, 1.4f, 0.9f);
    }
    for (int i = 0; i < 20; i++) {
        for (int side = -1; side <= 1; side += 2) {
            int cell = first * 2 + i;
            unsigned h =
                (unsigned)(cell * 2 + (side > 0)) * 2654435761u + (unsigned)m->number * 40503u;
            float a = (float)(h >> 20 & 255) / 255, b = (float)(h >> 12 & 255) / 255;
            float out = m->par[0] - 1.3f - 0.6f * a, base = 0.9f + 2.6f * b;
            float x = (float)cell * 2.5f + 1.1f, y0 = out * (float)side,
                  y1 = m->par[0] * (float)side;
            float lo[3] = {x, y0 < y1 ? y0 : y1, base};
            float hi[3] = {x + 0.22f, y0 < y1 ? y1 : y0, base + 2.2f + 3.2f * a};

            if ((h >> 8 & 15) < 12)
                add_box(m, lo, hi, MARCH_BOX);
        }
    }
}

static void room(const struct stage *st, struct march *m)
{
    static const float window[STORY_TIME_COUNT] = {
        [STORY_DAY] = 1.1f, [STORY_SUNSET] = 0.9f, [STORY_NIGHT] = 1.6f};
    float s = fmaxf(st->dist * 0.95f, 1.1f + st->circle), r = s * 1.15f;
    int dark = st->story.facts.time == STORY_NIGHT, lit = m->n_lamps > 0;
    float lo[3] = {0.42f * s, 0.55f * s, 0.27f * s}, hi[3] = {0.98f * s, 0.98f * s, 0.31f * s};
    float leg_lo[3] = {0.66f * s, 0.72f * s, 0}, leg_hi[3] = {0.76f * s, 0.8f * s, 0.27f * s};

    m->par[0] = s;
    m->par[1] = window[st->story.facts.time];
    set3(m->hall_lo, -s * 1.05f, -r, 0);
    set3(m->hall_hi, s * 1.05f, s, s * 1.12f);
    add_box(m, lo, hi, MARCH_BOX);
    add_box(m, leg_lo, leg_hi, MARCH_BOX);
    m->par[9] = 0.7f * s;
    m->par[10] = 0.76f * s;
    m->par[11] = 0.36f * s;
    m->par[12] = 0.13f * s;
    m->par[8] = lit ? 0.15f : 1.6f;
    add_thing(m, THING_LAMP, 0, m->par[9], m->par[10], m->par[11] + 0.07f * s, 0.16f * s);
    if (!lit)
        add_lamp(m, m->par[9] - 0.1f * s, m->par[10] - 0.25f * s, m->par[11] + 0.1f * s,
                 0.9f * s * s * 0.35f, 0.55f * s * s * 0.35f, 0.25f * s * s * 0.35f);
    scale3(m->sun_rgb, 0);
    if (dark) {
        set3(m->ambient, 0.15f, 0.10f, 0.09f);
        set3(m->bounce, 0.07f, 0.035f, 0.02f);
        set3(m->sky_low, 0.05f, 0.09f, 0.25f);
    } else {
        set3(m->ambient, 0.42f, 0.36f, 0.3f);
        set3(m->bounce, 0.26f, 0.18f, 0.12f);
        add_lamp(m, -0.5f * s, 0.6f * s, 0.7f * s, m->sky_low[0] * s * s * 0.4f,
                 m->sky_low[1] * s * s * 0.4f, m->sky_low[2] * s * s * 0.4f);
    }
    m->fog = 0;
}

static void planet_at(struct march *m, float az, float elevation, float size)
{
    m->planet[0] = stage_cos(az) * stage_cos(elevation);
    m->planet[1] = stage_sin(az) * stage_cos(elevation);
    m->planet[2] = stage_sin(elevation);
    m->planet_side[0] = stage_sin(az);
    m->planet_side[1] = -stage_cos(az);
    m->planet_size = size;
}

static void moon(const struct stage *st, struct march *m)
{
    float side = st->draw[6] < 0.5f ? 1.0f : -1.0f; /* the other side than the ship's */

    planet_at(m, st->az + 3.1415927f + side * stage_draw(st, 10, 0.25f, 0.42f),
              stage_draw(st, 11, 0.2f, 0.28f), stage_draw(st, 12, 0.17f, 0.25f));
    m->stars = 1;
    m->fog = 0;
    set3(m->sky_top, 0.002f, 0.003f, 0.008f);
    if (st->story.facts.time == STORY_NIGHT) {
        set3(m->sun_rgb, 0.5f, 0.58f, 0.8f);
        set3(m->ambient, 0.05f, 0.065f, 0.11f);
        set3(m->bounce, 0.05f, 0.055f, 0.07f);
    } else {
        set3(m->ambient, 0.14f, 0.15f, 0.18f);
        set3(m->bounce, 0.16f, 0.16f, 0.155f);
    }
    m->sun[0] = 0.75f * stage_cos(st->az - side * 1.0f);
    m->sun[1] = 0.75f * stage_sin(st->az - side * 1.0f);
    m->sun[2] = 0.66f;
}

static void ship(const struct stage *st, struct march *m)
{
    static const float hue[3][3] = {{0.3f, 0.75f, 1}, {1, 0.72f, 0.35f}, {0.85f, 0.92f, 1}};
    const float *rgb = hue[(int)stage_draw(st, 7, 0, 2.999f)];
    float w = stage_ship_half(st);
    int first = (int)floorf(m->view.eye[0] / (2 * w)) - 5;

    m->par[0] = w;
    m->par[1] = 1.25f;
    memcpy(&m->par[2], rgb, 3 * sizeof *rgb);
    set3(m->hall_lo, m->root[0] - 9 * w, -w, 0);
    set3(m->hall_hi, m->root[0] + 9 * w, w, 1.6f * w);
    for (int i = 0; i < 8; i++) {
        float x = (float)(first + i) * 2 * w;

        for (int side = -1; side <= 1; side += 2) {
            float y = (float)side * w, in = (float)side * w * 0.9f;
            float lo[3] = {x - 0.11f * w, y < in ? y : in, 0},
                  hi[3] = {x + 0.11f * w, y < in ? in : y, 1.6f * w};

            add_box(m, lo, hi, MARCH_BOX);
        }
    }
    planet_at(m, stage_draw(st, 8, 1.9f, 2.4f), stage_draw(st, 11, -0.02f, 0.1f),
              stage_draw(st, 12, 0.28f, 0.4f));
    scale3(m->sun_rgb, 0);
    set3(m->ambient, 0.40f, 0.42f, 0.46f);
    set3(m->bounce, 0.12f + 0.1f * rgb[0], 0.12f + 0.1f * rgb[1], 0.14f + 0.1f * rgb[2]);
    add_lamp(m, m->root[0] + 0.3f * w, 0, 1.5f * w, 0.55f * w * w, 0.58f * w * w, 0.62f * w * w);
    m->fog = 0.02f / w;
    set3(m->fog_rgb, 0.1f, 0.12f, 0.16f);
}

static void cloud(const struct stage *st, struct march *m)
{
    int night = st->story.facts.time == STORY_NIGHT;
    float body = st->look[3] > 0.5f                    ? st->look[3]
                 : st->story.facts.shot == STORY_CLOSE ? 0.9f
                                                       : 0.5f;
    float size =
        st->story.facts.subject == STORY_NOBODY ? 1.3f : 1.25f * (body > 1.1f ? 1.1f : body);

    m->par[0] = night ? 0.03f : 0;
    m->par[1] = size;
    for (int i = 0; i < 7; i++)
        m->par[8 + i] =
            1 + 0.05f * stage_sin(m->time * 0.6f + (float)i * 1.9f + stage_draw(st, 9, 0, 6));
    add_thing(m, THING_CLOUD, 0, 0, 0.1f * size, -0.5f * size, 2.05f * size)->shades = 0;
    if (st->story.facts.time == STORY_DAY) {
        set3(m->sky_top, 0.04f, 0.22f, 0.75f);
        set3(m->sky_low, 0.25f, 0.55f, 0.95f);
        set3(m->ambient, 0.26f, 0.33f, 0.44f);
        set3(m->bounce, 0.10f, 0.22f, 0.46f);
    }
    if (m->fog < 0.02f)
        m->fog = 0;
}

static void net(struct march *m, float x, float y, float half)
{
    m->net_x = x;
    m->net_y = y;
    m->net_half = half;
}

static void court(const struct stage *st, struct march *m)
{
    int night = st->story.facts.time == STORY_NIGHT;
    float s = st->dist * 0.75f > 2 ? st->dist * 0.75f : 2;

    m->par[0] = night ? 0.4f : 0.95f;
    m->par[1] = night ? 1.5f : 1.1f;
    m->par[2] = s * 0.7f;
    set3(m->hall_lo, -2.2f * s, -1.9f * s, 0);
    set3(m->hall_hi, 2.2f * s, 1.7f * s, 2.1f * s);
    net(m, st->root[0] + (st->dist * 0.30f > 0.9f ? st->dist * 0.30f : 0.9f), 2.1f, 3.05f);
    scale3(m->sun_rgb, 0);
    set3(m->ambient, 0.5f, 0.5f, 0.48f);
    set3(m->bounce, 0.14f, 0.2f, 0.15f);
    if (st->story.facts.time == STORY_SUNSET)
        set3(m->ambient, 0.52f, 0.42f, 0.34f);
    if (night)
        set3(m->ambient, 0.4f, 0.4f, 0.43f);
    add_lamp(m, -0.2f * s, -0.4f * s, 1.9f * s, 0.8f * s * s, 0.78f * s * s, 0.7f * s * s);
    m->fog = 0;
}

static void lawn(const struct stage *st, struct march *m)
{
    static const float at[3][2] = {{1.3f, -0.85f}, {1.9f, 0.25f}, {1.1f, 1.0f}};
    float d = st->dist > 4.5f ? st->dist : 4.5f;

    m->par[0] = stage_cos(st->az + 0.8f);
    m->par[1] = stage_sin(st->az + 0.8f);
    m->par[2] = 0.16f * d;
    if (m->fog < 0.01f)
        m->fog = 0;
    for (int i = 0; i < 3; i++) {
        float size = d * stage_draw(st, 13 + i, 0.62f, 0.8f), x, y;

        behind(st, at[i][0] * d, (at[i][1] + stage_draw(st, 16 + i, -0.1f, 0.1f)) * d, &x, &y);
        x = again(x, m->root[0], 5 * d);
        m->par[4 + 3 * i] = x;
        m->par[5 + 3 * i] = y;
        m->par[6 + 3 * i] = size;
        add_thing(m, THING_TREE + i, 0, x, y, 0.5f * size, 0.56f * size);
    }
    if (st->story.facts.action == STORY_PLAYS)
        net(m, m->root[0] + (st->dist * 0.30f > 0.9f ? st->dist * 0.30f : 0.9f), m->root[1] + 2.1f,
            3.05f);
}

void stage_scenery(const struct stage *st, struct march *m)
{
    static void (*const lay[STORY_PLACE_COUNT])(const struct stage *, struct march *) = {
        [STORY_CLIFF] = cliff, [STORY_STREET] = street, [STORY_ROOM] = room,   [STORY_MOON] = moon,
        [STORY_SHIP] = ship,   [STORY_CLOUD] = cloud,   [STORY_COURT] = court, [STORY_LAWN] = lawn};

    lay[st->story.facts.place](st, m);
    spaceship(st, m);
}
