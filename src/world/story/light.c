/* light.c - time of day and weather as light. */
#include <math.h>
#include <string.h>

#include "world/story/stage.h"

struct hour {
    float sun_rgb[3], ambient[3], bounce[3], top[3], low[3], disc[3], cloud[3];
    float elevation, turn, stars; /* of sun or moon; turn: from the direction of the camera, rad */
};
/* clang-format off */
static const struct hour hours[STORY_TIME_COUNT] = {
    [STORY_DAY] = {{0.95f, 0.88f, 0.76f}, {0.30f, 0.37f, 0.48f}, {0.16f, 0.15f, 0.12f},
                   {0.05f, 0.21f, 0.66f}, {0.42f, 0.64f, 0.88f}, {0.5f, 0.45f, 0.3f},
                   {0.95f, 0.96f, 0.98f}, 0.85f, 0.9f, 0},
    [STORY_SUNSET] = {{1.15f, 0.52f, 0.2f}, {0.36f, 0.27f, 0.34f}, {0.2f, 0.12f, 0.1f},
                      {0.11f, 0.1f, 0.33f}, {0.98f, 0.38f, 0.10f}, {0.9f, 0.45f, 0.12f},
                      {0.85f, 0.34f, 0.26f}, 0.17f, 2.6f, 0},
    [STORY_NIGHT] = {{0.22f, 0.28f, 0.42f}, {0.07f, 0.09f, 0.165f}, {0.025f, 0.03f, 0.05f},
                     {0.004f, 0.009f, 0.04f}, {0.03f, 0.055f, 0.14f}, {0.25f, 0.27f, 0.3f},
                     {0.05f, 0.065f, 0.12f}, 0.6f, 1.2f, 0.9f},
};
/* clang-format on */

static void mix3(float a[3], const float b[3], float share)
{
    for (int i = 0; i < 3; i++)
        a[i] += (b[i] - a[i]) * share;
}

static void scale3(float a[3], float by)
{
    for (int i = 0; i < 3; i++)
        a[i] *= by;
}

/* Rain and snow take the sun away and make the sky grey. */
static void overcast(struct march *m, float share)
{
    float grey = (m->sky_low[0] + m->sky_low[1] + m->sky_low[2]) / 3;
    float cover[3] = {grey * 0.8f, grey * 0.84f, grey * 0.92f};

    mix3(m->sky_low, cover, share);
    mix3(m->sky_top, cover, share * 0.85f);
    mix3(m->cloud_rgb, cover, share);
    for (int i = 0; i < 3; i++)
        m->ambient[i] += m->sun_rgb[i] * 0.22f * share;
    scale3(m->sun_rgb, 1 - 0.8f * share);
    scale3(m->disc, 1 - share);
    m->stars *= 1 - share;
}

static void weather(const struct stage *st, struct march *m)
{
    float unit = st->dist > 6 ? st->dist : 6;

    memcpy(m->fog_rgb, m->sky_low, sizeof m->fog_rgb);
    m->fog = 0.004f;
    switch (st->story.facts.weather) {
    case STORY_FOG:
        overcast(m, 0.7f);
        m->fog = 0.6f / unit; /* thick behind the subject, whatever the scale of the place */
        break;
    case STORY_RAIN:
        overcast(m, 0.8f);
        m->rain = 1;
        m->wet = 1;
        m->fog = 0.15f / unit;
        break;
    case STORY_SNOW:
        overcast(m, 0.6f);
        m->snow = 1;
        m->fog = 0.15f / unit;
        break;
    default:
        return;
    }
    memcpy(m->fog_rgb, m->sky_low, sizeof m->fog_rgb);
    for (int i = 0; i < 3; i++) {
        float seen = m->ambient[i] + m->sun_rgb[i];

        m->fog_rgb[i] = 0.7f * m->fog_rgb[i] + 0.3f * seen;
        m->flakes[i] = m->snow > 0 ? 0.35f + 0.8f * seen : 0.12f + 0.9f * seen;
    }
}

void stage_light(const struct stage *st, struct march *m)
{
    const struct hour *h = &hours[st->story.facts.time];
    float az = st->az + (st->draw[4] < 0.5f ? 1 : -1) * (h->turn + stage_draw(st, 5, -0.2f, 0.2f));

    memcpy(m->sun_rgb, h->sun_rgb, sizeof m->sun_rgb);
    memcpy(m->ambient, h->ambient, sizeof m->ambient);
    memcpy(m->bounce, h->bounce, sizeof m->bounce);
    memcpy(m->sky_top, h->top, sizeof m->sky_top);
    memcpy(m->sky_low, h->low, sizeof m->sky_low);
    memcpy(m->disc, h->disc, sizeof m->disc);
    memcpy(m->cloud_rgb, h->cloud, sizeof m->cloud_rgb);
    m->stars = h->stars;
    m->sun[0] = stage_cos(h->elevation) * stage_cos(az);
    m->sun[1] = stage_cos(h->elevation) * stage_sin(az);
    m->sun[2] = stage_sin(h->elevation);
    weather(st, m);
}
