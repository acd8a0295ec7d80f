#include "world/scene.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/rng.h"

enum { STREAM_SCENE = 0x7363656e };

/* The camera stands 6.2 m from a point above the middle of the floor and looks down. */
#define PITCH 0.49f
#define DISTANCE 6.2f
#define TAN_HALF_HEIGHT 0.35f /* at 16:9: 4.34 m of the middle plane are seen */
#define WIDE_ASPECT 1.75f
#define SEEN_HEIGHT (2 * DISTANCE * TAN_HALF_HEIGHT)
static const float target[3] = {0, 0.25f, 0.55f};

/* Height of an object in the middle plane as share of the frame's height, by size. */
static const float size_share[SIZE_COUNT] = {0, 0.29f, 0.37f, 0.46f};

/* clang-format off */
static const float color_srgb[COLOR_COUNT][3] = {
    [COLOR_RED]    = {0.88f, 0.09f, 0.10f},
    [COLOR_GREEN]  = {0.10f, 0.64f, 0.18f},
    [COLOR_BLUE]   = {0.10f, 0.26f, 0.90f},
    [COLOR_YELLOW] = {0.97f, 0.86f, 0.08f},
    [COLOR_ORANGE] = {0.98f, 0.50f, 0.04f},
    [COLOR_PURPLE] = {0.55f, 0.13f, 0.74f},
    [COLOR_WHITE]  = {0.96f, 0.96f, 0.96f},
    [COLOR_BLACK]  = {0.07f, 0.07f, 0.08f},
};
static const float floor_srgb[FLOOR_COUNT][2][3] = {
    [FLOOR_GREY]    = {{0.56f, 0.56f, 0.57f}, {0.56f, 0.56f, 0.57f}},
    [FLOOR_BEIGE]   = {{0.72f, 0.65f, 0.53f}, {0.72f, 0.65f, 0.53f}},
    [FLOOR_CHECKER] = {{0.62f, 0.64f, 0.65f}, {0.74f, 0.76f, 0.76f}},
    [FLOOR_SLATE]   = {{0.33f, 0.39f, 0.44f}, {0.33f, 0.39f, 0.44f}},
};
/* clang-format on */
static const float prop_srgb[3] = {0.62f, 0.55f, 0.49f};

static void to_linear(float out[3], const float srgb[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = srgb[i] * srgb[i]; /* the renderer's gamma is 2 */
}

static void frame_tangents(double aspect, float *tan_w, float *tan_h)
{
    float a = (float)aspect;
    float s = a < WIDE_ASPECT ? sqrtf(a / WIDE_ASPECT) : 1;

    *tan_w = TAN_HALF_HEIGHT * WIDE_ASPECT * s;
    *tan_h = *tan_w / a;
}

static float clampf(float x, float lo, float hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

void scene_view(const struct scene *s, double t_s, double aspect, struct view *v)
{
    float t = clampf((float)t_s / 5, 0, 1), yaw = 0, zoom = 1;
    int camera = s->facts.camera;
    float cp = cosf(PITCH), sp = sinf(PITCH), cy, sy;

    if (camera == CAMERA_PAN_LEFT || camera == CAMERA_PAN_RIGHT)
        yaw = (camera == CAMERA_PAN_RIGHT ? 0.28f : -0.28f) * (t - 0.5f);
    if (camera == CAMERA_ZOOM_IN)
        zoom = 1 + 0.28f * t;
    cy = cosf(yaw);
    sy = sinf(yaw);
    frame_tangents(aspect, &v->tan_w, &v->tan_h);
    v->tan_w /= zoom;
    v->tan_h /= zoom;
    memcpy(v->forward, (float[3]){sy * cp, cy * cp, -sp}, sizeof v->forward);
    memcpy(v->right, (float[3]){cy, -sy, 0}, sizeof v->right);
    memcpy(v->up, (float[3]){sy * sp, cy * sp, cp}, sizeof v->up);
    v->eye[0] = target[0];
    v->eye[1] = target[1] - DISTANCE * cp;
    v->eye[2] = target[2] + DISTANCE * sp;
}

float view_project(const struct view *v, const float p[3], float *x, float *y)
{
    float d[3] = {p[0] - v->eye[0], p[1] - v->eye[1], p[2] - v->eye[2]};
    float depth = d[0] * v->forward[0] + d[1] * v->forward[1] + d[2] * v->forward[2];
    float z = depth > 0.05f ? depth : 0.05f;

    *x = 0.5f + 0.5f * (d[0] * v->right[0] + d[1] * v->right[1]) / (z * v->tan_w);
    *y = 0.5f - 0.5f * (d[0] * v->up[0] + d[1] * v->up[1] + d[2] * v->up[2]) / (z * v->tan_h);
    return depth;
}

void view_locate(const struct view *v, int w, int h, struct clip_object *o)
{
    float x, y, z = fmaxf(view_project(v, o->pos, &x, &y), 0.05f);

    o->px[0] = x * (float)w;
    o->px[1] = y * (float)h;
    o->radius_px = o->radius / (z * v->tan_h) * (float)h / 2;
}

/* Half of the width that the camera sees at depth y and height z. */
static float half_width(const struct scene *s, float y, float z)
{
    float tan_w, tan_h;

    frame_tangents(s->aspect, &tan_w, &tan_h);
    return tan_w * (DISTANCE + (y - target[1]) * cosf(PITCH) - (z - target[2]) * sinf(PITCH));
}

static struct body *new_body(struct scene *s, int object)
{
    ZT_ASSERT(s->n_bodies < WORLD_MAX_BODIES);
    struct body *b = &s->body[s->n_bodies++];

    memset(b, 0, sizeof *b);
    b->object = object;
    b->id = object ? object : s->n_objects + 1;
    b->mass = 1;
    b->friction = 0.35f;
    b->bounce = 0.2f;
    return b;
}

/* Object i (0 or 1) of the facts, standing on the floor at x, y. */
static struct body *new_object(struct scene *s, int i, float x, float y, struct rng *r)
{
    const struct object_facts *o = &s->facts.object[i];
    struct body *b = new_body(s, i + 1);
    float h = size_share[o->size] * SEEN_HEIGHT * (float)rng_range(r, 0.97, 1.03);
    float turn = (float)rng_range(r, 0.28, 0.48);

    switch (o->shape) {
    case SHAPE_BALL:
        b->prim = PRIM_SPHERE;
        b->half[0] = b->half[1] = b->half[2] = h / 2;
        break;
    case SHAPE_BOX:
        b->prim = PRIM_BOX;
        b->half[0] = b->half[1] = b->half[2] = 0.38f * h;
        b->yaw = turn;
        break;
    case SHAPE_CONE:
        b->prim = PRIM_CONE;
        b->half[0] = b->half[1] = 0.46f * h;
        b->half[2] = 0.46f * h;
        break;
    case SHAPE_CYLINDER:
        b->prim = PRIM_CYLINDER;
        b->half[0] = b->half[1] = 0.31f * h;
        b->half[2] = 0.44f * h;
        break;
    default:
        BUG("object %d has shape %d", i, o->shape);
    }
    to_linear(b->rgb, color_srgb[o->color]);
    b->shiny = o->material == MATERIAL_SHINY;
    b->pos[0] = x;
    b->pos[1] = y;
    b->pos[2] = b->half[2];
    return b;
}

static struct body *new_prop(struct scene *s, float x, float y, float z, const float half[3])
{
    struct body *b = new_body(s, 0);

    b->prim = PRIM_BOX;
    memcpy(b->half, half, sizeof b->half);
    to_linear(b->rgb, prop_srgb);
    b->pos[0] = x;
    b->pos[1] = y;
    b->pos[2] = z;
    return b;
}

/* Seconds that a sideways mover needs from edge to edge. */
static float crossing_s(const struct scene *s, struct rng *r)
{
    return (s->facts.speed == SPEED_FAST ? 3.2f : 5.0f) * (float)rng_range(r, 0.95, 1.05);
}

/* Put a body at the left edge, most of it inside, moving right. */
static void enter_left(const struct scene *s, struct body *b, struct rng *r)
{
    float edge = half_width(s, b->pos[1], b->pos[2]);

    b->pos[0] = -(edge - b->half[0] * (float)rng_range(r, 0.2, 0.5));
    b->vel[0] = 2 * edge / crossing_s(s, r);
}

static float place_x(const struct scene *s, int place, float y, struct rng *r)
{
    float x = place == PLACE_LEFT ? -0.55f : place == PLACE_RIGHT ? 0.55f : 0;

    return (x + (float)rng_range(r, -0.05, 0.05)) * half_width(s, y, 0.5f);
}

static void lay_second(struct scene *s, float y_front, float y_back, struct rng *r)
{
    const struct object_facts *o = &s->facts.object[1];
    float y = o->depth == DEPTH_FRONT ? y_front : y_back;

    new_object(s, 1, place_x(s, o->place, y, r), y, r);
}

static void lay_move(struct scene *s, struct rng *r)
{
    int direction = s->facts.direction, two = s->facts.n_objects == 2;
    struct body *b;

    if (direction == DIRECTION_RIGHT) {
        float y = !two ? 0 : s->facts.object[1].depth == DEPTH_BACK ? -0.75f : 1.2f;

        b = new_object(s, 0, 0, y + (float)rng_range(r, -0.15, 0.15), r);
        enter_left(s, b, r);
        b->way = half_width(s, b->pos[1], b->pos[2]) - 1.15f * b->half[0] - b->pos[0];
        if (two)
            lay_second(s, -1.15f, 2.0f, r);
    } else {
        float v = (s->facts.speed == SPEED_FAST ? 2.1f : 1.4f) * (float)rng_range(r, 0.95, 1.05);
        int toward = direction == DIRECTION_TOWARD;

        b = new_object(s, 0, 0, (toward ? 2.6f : -1.2f) + (float)rng_range(r, -0.15, 0.15), r);
        b->pos[0] = place_x(s, s->facts.object[0].place, 0, r);
        b->vel[1] = toward ? -v : v;
        b->way = toward ? 3.9f : 5.2f;
        if (two)
            lay_second(s, -0.6f, 1.5f, r);
    }
    b->role = BODY_GLIDES;
}

/* The actor of an event with contacts, entering from the left. */
static struct body *lay_actor(struct scene *s, float y, struct rng *r)
{
    struct body *a = new_object(s, 0, 0, y, r);

    enter_left(s, a, r);
    a->role = BODY_FREE;
    a->mass = 2.5f;
    a->upright = a->prim != PRIM_SPHERE;
    if (a->upright)
        a->friction = 0;
    return a;
}

static void lay_collide(struct scene *s, struct rng *r)
{
    float y = (float)rng_range(r, -0.3, 0.1);
    struct body *b;

    lay_actor(s, y, r);
    b = new_object(s, 1, (float)rng_range(r, 0, 0.5), y + (float)rng_range(r, -0.08, 0.08), r);
    b->role = BODY_FREE;
    b->bounce = 0.55f;
    b->friction = 0.12f;
}

static void lay_drop(struct scene *s, struct rng *r)
{
    float y = (float)rng_range(r, -0.1, 0.2);
    struct body *a = new_object(s, 0, place_x(s, s->facts.object[0].place, y, r), y, r);

    a->pos[2] = 2.6f;
    a->role = BODY_FREE;
    a->bounce = a->prim == PRIM_SPHERE ? 0.75f : 0.5f;
    if (s->facts.n_objects == 2)
        lay_second(s, -0.7f, 1.4f, r);
}

static void lay_ramp(struct scene *s, struct rng *r)
{
    float y = (float)rng_range(r, -0.2, 0.2), edge = half_width(s, y, 0.8f), tilt = 0.34f;
    float foot = -edge * 0.2f, length = 0.5f * edge + 1.6f, thick = 1.6f;
    float along[2] = {-cosf(tilt), sinf(tilt)}, up[2] = {sinf(tilt), cosf(tilt)};
    float half[3] = {length / 2, 1.15f, thick / 2}, way;
    struct body *a, *ramp;

    ramp = new_prop(s, foot + along[0] * length / 2 - up[0] * thick / 2, y,
                    along[1] * length / 2 - up[1] * thick / 2, half);
    ramp->tilt = tilt;
    a = new_object(s, 0, 0, y, r);
    way = fminf(length - 0.1f, (edge + foot) / cosf(tilt) - 0.4f * a->half[0]);
    a->pos[0] = foot + along[0] * way + up[0] * a->half[2];
    a->pos[2] = along[1] * way + up[1] * a->half[2] + 0.01f;
    a->tilt = a->prim == PRIM_SPHERE ? 0 : tilt;
    a->yaw = 0;
    a->vel[0] = 0.4f * cosf(tilt);
    a->vel[2] = -0.4f * sinf(tilt);
    a->role = BODY_FREE;
    if (a->prim != PRIM_SPHERE)
        a->friction = 0.02f;
}

static void lay_dominoes(struct scene *s, struct rng *r)
{
    float y = (float)rng_range(r, -0.2, 0.1), x = -0.75f;
    const struct object_facts *o = &s->facts.object[1];

    lay_actor(s, y, r);
    for (int i = 0; i < WORLD_DOMINOES; i++, x += 0.62f) {
        struct body *b = new_body(s, 2);

        b->prim = PRIM_BOX;
        b->role = BODY_FREE;
        b->half[0] = 0.14f;
        b->half[1] = 0.42f;
        b->half[2] = 0.66f;
        b->pos[0] = x;
        b->pos[1] = y;
        b->pos[2] = b->half[2];
        b->mass = 0.5f;
        b->friction = 0.5f;
        b->bounce = 0;
        to_linear(b->rgb, color_srgb[o->color]);
        b->shiny = o->material == MATERIAL_SHINY;
    }
}

static void lay_wall(struct scene *s, struct rng *r)
{
    float y = (float)rng_range(r, -0.2, 0.2), half[3] = {0.18f, 1.9f, 0.8f};
    struct body *a = lay_actor(s, y, r), *wall;

    wall = new_prop(s, 0.62f * half_width(s, y, 0.8f), y + 0.4f, half[2], half);
    wall->friction = 0;
    wall->bounce = 0.85f;
    a->bounce = 0.85f;
}

static void lay_floor(struct scene *s)
{
    float side = s->facts.light == LIGHT_LEFT ? -1 : 1;
    float l[3] = {0.55f * side, -0.42f, 0.95f};
    float n = sqrtf(l[0] * l[0] + l[1] * l[1] + l[2] * l[2]);

    for (int i = 0; i < 3; i++)
        s->light[i] = l[i] / n;
    to_linear(s->floor, floor_srgb[s->facts.floor][0]);
    to_linear(s->floor2, floor_srgb[s->facts.floor][1]);
}

static void layout(struct scene *s)
{
    static void (*const lay[EVENT_COUNT])(struct scene *, struct rng *) = {
        [EVENT_MOVE] = lay_move, [EVENT_COLLIDE] = lay_collide, [EVENT_DROP] = lay_drop,
        [EVENT_RAMP] = lay_ramp, [EVENT_DOMINO] = lay_dominoes, [EVENT_WALL] = lay_wall};
    struct facts seen = s->facts;
    struct rng r;

    rng_init(&r, s->seed, STREAM_SCENE);
    s->n_objects = s->facts.n_objects;
    s->mirror = s->facts.direction == DIRECTION_LEFT;
    if (s->mirror)
        facts_mirror(&s->facts); /* laid out as seen before the mirror */
    lay[s->facts.event](s, &r);
    s->facts = seen;
    lay_floor(s);
}

void scene_from_facts(struct scene *s, const struct facts *f, uint64_t seed, double aspect)
{
    memset(s, 0, sizeof *s);
    s->facts = *f;
    s->seed = seed;
    s->aspect = aspect > 0 ? (float)aspect : WIDE_ASPECT;
    facts_complete(&s->facts, seed, NULL);
    layout(s);
}

void scene_sample(struct scene *s, uint64_t seed, const struct world_mix *mix, double aspect)
{
    struct facts f = {0};

    facts_complete(&f, seed, mix ? mix : &world_mix_default);
    scene_from_facts(s, &f, seed, aspect);
}

void scene_mirror(struct scene *s)
{
    s->mirror = !s->mirror;
    s->light[0] = -s->light[0];
    facts_mirror(&s->facts);
}
