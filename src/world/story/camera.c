/* camera.c - one grammar of cameras for every place. A move takes MOVE_S seconds and passes the
 * plain view of the subject in the middle; then the camera rests, but for the roll, which rocks. */
#include <math.h>
#include <string.h>

#include "world/story/stage.h"

#define MOVE_S 5.0f
#define TAN_H 0.36f /* half height of a 16:9 picture at distance 1 */
#define WIDE (16.0f / 9)

/* How much of half the smaller side of the picture the radius fills: head, body, body. */
static const float fill[STORY_SHOT_COUNT] = {
    [STORY_CLOSE] = 0.46f, [STORY_MID] = 0.8f, [STORY_FAR] = 0.58f};
static const float fill_place[STORY_SHOT_COUNT] = {
    [STORY_CLOSE] = 1.15f, [STORY_MID] = 0.85f, [STORY_FAR] = 0.55f};

void stage_camera(struct stage *st)
{
    const struct story_facts *f = &st->story.facts;
    int nobody = f->subject == STORY_NOBODY;
    float tan_w, tan_min;

    st->tan_h = TAN_H * sqrtf(WIDE / st->aspect);
    tan_w = st->tan_h * st->aspect;
    tan_min = tan_w < st->tan_h ? tan_w : st->tan_h;
    st->dist = st->look[3] / ((nobody ? fill_place : fill)[f->shot] * tan_min) *
               stage_draw(st, 3, 0.94f, 1.06f);
    /* Between the ribs of a corridor, between the signs of a street. */
    if (f->place == STORY_SHIP || f->place == STORY_STREET) {
        st->eye_hi[1] = f->place == STORY_SHIP ? 0.8f * stage_ship_half(st) : 3.4f;
        st->eye_lo[1] = -st->eye_hi[1];
    }
}

/* -1 at the start, 1 at the end of the move. */
static float progress(double t_s)
{
    float p = (float)t_s / MOVE_S;

    return (p < 1 ? p : 1) * 2 - 1;
}

static void cross(const float a[3], const float b[3], float out[3])
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

static void unit(float v[3])
{
    float n = 1 / sqrtf(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);

    for (int i = 0; i < 3; i++)
        v[i] *= n;
}

/* Turn a towards b by an angle, and b away from a. */
static void turn(float a[3], float b[3], float angle)
{
    float c = stage_cos(angle), s = stage_sin(angle);

    for (int i = 0; i < 3; i++) {
        float x = a[i], y = b[i];

        a[i] = c * x + s * y;
        b[i] = c * y - s * x;
    }
}

/* What a move changes. */
struct move {
    float az, elevation, dist, tan, yaw, pitch, roll;
};

static struct move move_at(const struct stage *st, double t_s)
{
    float p = progress(t_s), half_w = atanf(st->tan_h * st->aspect), half_h = atanf(st->tan_h);
    float size = st->look[3] / st->dist, pan = (half_w - size) * 0.75f, tilt = half_h - size;
    struct move mv = {.dist = 1, .tan = 1};

    pan = pan > 0.15f ? pan : 0.15f;
    tilt = tilt > 0.13f ? tilt : 0.13f;
    switch (st->story.facts.camera) {
    case STORY_PAN_LEFT:
        mv.yaw = pan * p;
        break;
    case STORY_PAN_RIGHT:
        mv.yaw = -pan * p;
        break;
    case STORY_TILT_UP:
        mv.pitch = tilt * p;
        break;
    case STORY_TILT_DOWN:
        mv.pitch = -tilt * p;
        break;
    case STORY_DOLLY_IN:
        mv.dist = 1.1f - 0.3f * p;
        break;
    case STORY_DOLLY_OUT:
        mv.dist = 1.1f + 0.3f * p;
        break;
    case STORY_ZOOM_IN:
        mv.tan = 1.1f - 0.3f * p;
        break;
    case STORY_ZOOM_OUT:
        mv.tan = 1.1f + 0.3f * p;
        break;
    case STORY_ORBIT_LEFT:
        mv.az = -0.5f * p;
        break;
    case STORY_ORBIT_RIGHT:
        mv.az = 0.5f * p;
        break;
    case STORY_DRONE: /* forward and up, in a wide turn */
        mv.az = 0.22f * p;
        mv.elevation = 0.2f + 0.18f * p;
        mv.dist = 1.3f - 0.3f * p;
        break;
    case STORY_ROLL:
        mv.roll = -0.38f * stage_cos((float)t_s * (3.14159265f / MOVE_S));
        break;
    default:
        break;
    }
    return mv;
}

void stage_view(const struct stage *st, double t_s, const float root[3], struct view *v)
{
    struct move mv = move_at(st, t_s);
    static const float up[3] = {0, 0, 1};
    float el = st->elevation + mv.elevation, az = st->az + mv.az, dist = st->dist * mv.dist;
    float out[3] = {stage_cos(el) * stage_cos(az), stage_cos(el) * stage_sin(az), stage_sin(el)};

    for (int i = 0; i < 3; i++) {
        float e = st->look[i] + dist * out[i];

        e = e < st->eye_lo[i] ? st->eye_lo[i] : e > st->eye_hi[i] ? st->eye_hi[i] : e;
        v->eye[i] = root[i] + e;
        v->forward[i] = st->look[i] - e;
    }
    unit(v->forward);
    cross(v->forward, up, v->right);
    unit(v->right);
    cross(v->right, v->forward, v->up);
    turn(v->forward, v->right, -mv.yaw);
    turn(v->forward, v->up, mv.pitch);
    turn(v->right, v->up, mv.roll);
    v->tan_h = st->tan_h * mv.tan;
    v->tan_w = v->tan_h * st->aspect;
}
