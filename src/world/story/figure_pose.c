#include "world/story/figure_pose.h"

#include <math.h>

/* What an action asks for. Hands: in lengths of the arm from the shoulder, in the axes of the
 * chest, y outwards. Poles: where elbows and knees point, y outwards. */
struct pose {
    struct vec pelvis;
    float turn, lean;  /* of the hips: to the left, forward; rad, as all angles */
    float twist, bend; /* of the chest against the hips */
    float look_left, look_down;
    struct vec hand[2], elbow[2], ankle[2], knee[2];
    float foot_down[2], foot_out[2];
};

int figure_sits(int action)
{
    return action == STORY_SITS || action == STORY_READS;
}

float figure_eyes(double t_s, double early)
{
    float part = (float)figure_fract(t_s / 3.1 + early);

    return 1 - figure_smooth(0, 0.02f, part) * figure_smooth(0.065f, 0.045f, part);
}

struct vec figure_bend(struct vec a, struct vec *b, float first, float second, struct vec pole)
{
    struct vec d = vec_sub(*b, a), side;
    float len = vec_len(d), most = (first + second) * 0.9995f, along, off;

    if (len > most) {
        d = vec_mul(d, most / len);
        *b = vec_add(a, d);
        len = most;
    }
    along = (first * first - second * second + len * len) / (2 * len + 1e-6f);
    off = sqrtf(fmaxf(first * first - along * along, 0));
    d = vec_mul(d, 1 / (len + 1e-6f));
    side = vec_unit(vec_sub(pole, vec_mul(d, vec_dot(pole, d))));
    return vec_add(a, vec_add(vec_mul(d, along), vec_mul(side, off)));
}

static float leg(const struct build *b)
{
    return b->thigh + b->shin;
}

static struct vec outward(struct vec v, int side)
{
    return vec(v.x, side ? -v.y : v.y, v.z);
}

static void joints_of(const struct build *b, const struct pose *p, struct joints *j)
{
    float arm = b->upper + b->fore;

    j->hip_axes = axes_turn(figure_upright, p->turn, p->lean);
    j->chest_axes = axes_turn(j->hip_axes, p->twist, p->bend);
    j->head_axes = axes_turn(j->chest_axes, p->look_left, p->look_down - p->lean - p->bend);
    j->pelvis = p->pelvis;
    j->chest = axes_at(p->pelvis, &j->chest_axes, 0, 0, b->spine);
    j->head = axes_at(j->chest, &j->chest_axes, 0.01f, 0, 0.55f * b->head);
    j->head = axes_at(j->head, &j->head_axes, 0.02f, 0, 0.45f * b->head);
    for (int i = 0; i < 2; i++) {
        struct vec h = vec_mul(outward(p->hand[i], i), arm), e = outward(p->elbow[i], i);
        struct vec none = {0, 0, 0};

        j->shoulder[i] =
            axes_at(j->chest, &j->chest_axes, 0, i ? -b->shoulders : b->shoulders, -0.02f);
        j->hand[i] = axes_at(j->shoulder[i], &j->chest_axes, h.x, h.y, h.z);
        e = axes_at(none, &j->chest_axes, e.x, e.y, e.z);
        j->elbow[i] = figure_bend(j->shoulder[i], &j->hand[i], b->upper, b->fore, e);
        j->hip[i] = axes_at(j->pelvis, &j->hip_axes, 0, i ? -b->hips : b->hips, 0);
        j->ankle[i] = p->ankle[i];
        j->knee[i] =
            figure_bend(j->hip[i], &j->ankle[i], b->thigh, b->shin, outward(p->knee[i], i));
        j->foot[i] = axes_turn(figure_upright, p->turn + (i ? -p->foot_out[i] : p->foot_out[i]),
                               p->foot_down[i]);
    }
    j->grip = axes_at(vec(0, 0, 0), &j->chest_axes, 0.85f, 0, 0.5f);
}

static void pose_stand(const struct build *b, double t_s, double early, struct pose *p)
{
    float sway = figure_wave(t_s / 4.6 + early), breath = figure_wave(t_s / 3.2);

    *p = (struct pose){.pelvis = {0, 0.012f * sway, b->sole + leg(b) * 0.985f}};
    p->bend = 0.012f * breath;
    p->look_left = 0.35f * figure_wave(t_s / 7.3 + early);
    for (int i = 0; i < 2; i++) {
        p->hand[i] = vec(0.10f + 0.02f * breath, 0.2f, -0.94f);
        p->elbow[i] = vec(-1, 0.5f, 0);
        p->ankle[i] = outward(vec(0, b->hips * 1.05f, b->sole), i);
        p->knee[i] = vec(1, 0.15f, 0);
        p->foot_out[i] = 0.2f;
    }
}

/* From a to b with these slopes at the ends, for w in 0..1. */
static float hermite(float a, float slope_a, float b, float slope_b, float w)
{
    float v = 1 - w;

    return v * v * (1 + 2 * w) * a + w * v * v * slope_a + w * w * (3 - 2 * w) * b -
           w * w * v * slope_b;
}

/* The ankle x, z and the foot's angle at this part of two steps, of which the first are on the
 * ground: there the heel, the sole or the ball of the foot stays where it is on the road. */
static void foot_on_road(const struct build *b, float part, float *x, float *z, float *down)
{
    const float strike = 0.3f, push = 0.55f; /* toes up, toes down */
    float m = b->walk_m, s = b->stance, flat = m * (0.5f * s - part), up, off;
    float land_x = m * 0.5f * s - b->heel + b->heel * figure_cosine((double)strike / 6.2831853) -
                   b->sole * figure_wave((double)strike / 6.2831853);
    float land_z = b->sole * figure_cosine((double)strike / 6.2831853) +
                   b->heel * figure_wave((double)strike / 6.2831853);
    float leave_x = -m * 0.5f * s + b->toe - b->toe * figure_cosine((double)push / 6.2831853) +
                    b->sole * figure_wave((double)push / 6.2831853);
    float leave_z = b->sole * figure_cosine((double)push / 6.2831853) +
                    b->toe * figure_wave((double)push / 6.2831853);

    if (part < s) {
        up = strike * (1 - figure_smooth(0, 0.15f * s, part));
        off = push * figure_smooth(0.68f * s, s, part);
        *down = off - up;
        if (up > 0) {
            float sine = figure_wave((double)up / 6.2831853);
            float cosine = figure_cosine((double)up / 6.2831853);

            *x = flat - b->heel + b->heel * cosine - b->sole * sine;
            *z = b->sole * cosine + b->heel * sine;
        } else {
            float sine = figure_wave((double)off / 6.2831853);
            float cosine = figure_cosine((double)off / 6.2831853);

            *x = flat + b->toe - b->toe * cosine + b->sole * sine;
            *z = b->sole * cosine + b->toe * sine;
        }
    } else {
        float w = (part - s) / (1 - s), slope = -m * (1 - s);

        *x = hermite(leave_x, slope, land_x, slope, w);
        *z = leave_z + (land_z - leave_z) * w + b->lift * figure_wave(0.5 * (double)w);
        *down = push + (-strike - push) * figure_smooth(0, 1, w);
    }
}

static void pose_walk(const struct build *b, int holds_up, double t_s, double early, struct pose *p)
{
    double turn = t_s / (double)b->walk_s + early;
    float leaps = b->bounce > 0.03f, rise, reach = 0.5f * b->walk_m * b->stance;
    /* Highest when the legs pass each other; who leaps, between two steps. */
    double top = leaps ? 0.5 * (double)b->stance + 0.25 : 0.5 * (double)b->stance;

    rise = b->bounce * (figure_cosine(2 * (turn - top)) - 1);
    *p = (struct pose){.lean = leaps ? 0.16f : 0.03f};
    p->pelvis = vec(0, 0, b->sole + leg(b) * 0.985f + rise);
    if (leaps)
        p->pelvis.z =
            b->sole + sqrtf(leg(b) * leg(b) * 0.97f - reach * reach) + 2 * b->bounce + rise;
    p->turn = -0.10f * figure_cosine(turn);
    p->twist = 0.22f * figure_cosine(turn);
    p->pelvis.y = 0.018f * figure_cosine(turn - 0.5 * (double)b->stance);
    for (int i = 0; i < 2; i++) {
        float part = (float)figure_fract(turn + 0.5 * i), swing = -figure_cosine((double)part), x,
              z;

        foot_on_road(b, part, &x, &z, &p->foot_down[i]);
        p->ankle[i] = outward(vec(x, b->hips * 0.7f, z), i);
        p->knee[i] = vec(1, 0.05f, 0);
        p->hand[i] = vec(0.12f + 0.36f * swing, 0.13f, -0.9f + 0.1f * fabsf(swing));
        p->elbow[i] = vec(-1, 0.35f, 0);
        if (leaps)
            p->hand[i] = vec(0.3f + 0.25f * swing, 0.4f, -0.62f);
    }
    if (holds_up)
        p->hand[0] = vec(0.58f, 0.16f, -0.42f);
}

/* Cross-legged on the ground. */
static void pose_sit(const struct build *b, double t_s, double early, struct pose *p)
{
    float breath = figure_wave(t_s / 3.6 + early);

    *p = (struct pose){.pelvis = {-0.3f * leg(b), 0, b->seat}};
    p->bend = 0.10f + 0.015f * breath;
    p->look_left = 0.25f * figure_wave(t_s / 6.1 + early);
    for (int i = 0; i < 2; i++) {
        p->ankle[i] = outward(vec((i ? 0.04f : 0.15f) * leg(b), -0.1f * leg(b), b->sole * 0.9f), i);
        p->knee[i] = vec(0.35f, 1, 0.42f);
        p->foot_out[i] = -1.2f;
        p->hand[i] = vec(0.6f, 0.22f, -0.55f);
        p->elbow[i] = vec(-0.5f, 1, -0.4f);
    }
}

static void pose_read(const struct build *b, double t_s, double early, struct pose *p)
{
    pose_sit(b, t_s, early, p);
    p->bend += 0.06f;
    p->look_down = 0.45f;
    p->look_left = 0.1f * figure_wave(t_s / 2.6 + early);
    for (int i = 0; i < 2; i++) {
        p->hand[i] = vec(0.62f, -0.08f, -0.32f);
        p->elbow[i] = vec(-0.2f, 0.7f, -0.8f);
    }
}

static void pose_float(const struct build *b, double t_s, double early, struct pose *p)
{
    float a = figure_wave(t_s / 5 + early), c = figure_cosine(t_s / 6.4 + early);

    *p = (struct pose){.pelvis = {0, 0.05f * c, b->sole + leg(b) * 1.25f + 0.09f * a}};
    p->turn = 0.35f * figure_wave(t_s / 9 + early);
    p->lean = 0.22f + 0.16f * c;
    p->bend = -0.1f;
    p->look_left = 0.2f * a;
    for (int i = 0; i < 2; i++) {
        float d = figure_wave(t_s / 4.1 + early + 0.4 * i);

        p->hand[i] = vec(0.38f + 0.14f * d, 0.62f, 0.12f + 0.2f * d);
        p->elbow[i] = vec(-0.3f, 0.3f, -1);
        p->ankle[i] = vec_add(p->pelvis, outward(vec((-0.34f + 0.14f * d) * leg(b), b->hips * 1.5f,
                                                     (-0.78f + 0.05f * d) * leg(b)),
                                                 i));
        p->knee[i] = vec(1, 0.3f, 0);
        p->foot_down[i] = 0.75f;
    }
}

static void pose_hop(const struct build *b, double t_s, double early, struct pose *p)
{
    const float ground = 0.46f;
    float part = (float)figure_fract(t_s / 0.85 + early), air = 0, low = 0;

    if (part < ground)
        low = figure_wave(0.5 * (double)(part / ground));
    else
        air = 4 * (part - ground) * (1 - part) / ((1 - ground) * (1 - ground));
    *p = (struct pose){.bend = 0.25f * low};
    p->pelvis = vec(-0.06f * low, 0, b->sole + leg(b) * (0.96f - 0.24f * low + 0.3f * air));
    for (int i = 0; i < 2; i++) {
        p->ankle[i] =
            outward(vec(-0.08f * air * leg(b), b->hips * 1.15f, b->sole + 0.36f * air * leg(b)), i);
        p->knee[i] = vec(1, 0.25f, 0);
        p->foot_down[i] = 0.5f * air;
        p->hand[i] = vec(0.2f - 0.35f * low, 0.35f + 0.35f * air, -0.75f + 0.85f * air);
        p->elbow[i] = vec(-1, 0.5f, -0.3f);
    }
}

static void pose_wave(const struct build *b, double t_s, double early, struct pose *p)
{
    pose_stand(b, t_s, early, p);
    p->look_left *= 0.4f;
    p->hand[1] = vec(0.18f, 0.42f + 0.26f * figure_wave(t_s * 1.25 + early), 0.72f);
    p->elbow[1] = vec(0, 1, -0.5f);
}

/* Overhead strokes; between two the racket is held up and waits. */
struct stroke {
    float part;
    float hand[3], racket[3]; /* y outwards */
    float twist, shift;       /* of the chest to the left; of the weight forward */
    float other[3];           /* the hand without a racket */
};
enum { N_STROKES = 7 };
/* clang-format off */
static const struct stroke strokes[N_STROKES] = {
    {0.00f, {0.42f, 0.12f, 0.80f},   {0.40f, -0.05f, 0.92f},  0.25f,  0.10f,  {0.15f, 0.40f, -0.55f}},
    {0.06f, {0.80f, -0.20f, 0.05f},  {0.85f, -0.25f, -0.45f}, 0.50f,  0.13f,  {0.00f, 0.45f, -0.70f}},
    {0.15f, {0.50f, -0.38f, -0.58f}, {0.45f, -0.60f, -0.65f}, 0.45f,  0.08f,  {0.10f, 0.40f, -0.70f}},
    {0.32f, {0.80f, 0.30f, 0.02f},   {0.44f, 0.22f, 0.87f},   0.05f,  0.03f,  {0.40f, 0.30f, -0.45f}},
    {0.74f, {0.78f, 0.32f, 0.06f},   {0.40f, 0.24f, 0.88f},   0.02f,  0.02f,  {0.40f, 0.30f, -0.43f}},
    {0.87f, {-0.10f, 0.62f, 0.30f},  {-0.35f, 0.10f, 0.93f},  -0.55f, -0.09f, {0.55f, 0.30f, 0.45f}},
    {0.95f, {-0.12f, 0.50f, 0.55f},  {-0.75f, 0.10f, -0.20f}, -0.40f, -0.03f, {0.50f, 0.35f, 0.20f}},
};
/* clang-format on */

static float stroke_value(int k, int i)
{
    const struct stroke *s = &strokes[k % N_STROKES];

    return i < 3    ? s->hand[i]
           : i < 6  ? s->racket[i - 3]
           : i == 6 ? s->twist
           : i == 7 ? s->shift
                    : s->other[i - 8];
}

/* A smooth curve through all keys, round and round. */
static float stroke_at(float part, int i)
{
    int k = N_STROKES - 1;
    float t[4], v[4], slope[2];

    while (strokes[k].part > part)
        k--;
    for (int n = 0; n < 4; n++) {
        int at = k + n - 1 + N_STROKES;

        t[n] = strokes[at % N_STROKES].part + (float)(at / N_STROKES - 1);
        v[n] = stroke_value(at, i);
    }
    for (int n = 0; n < 2; n++)
        slope[n] = (v[n + 2] - v[n]) / (t[n + 2] - t[n]) * (t[2] - t[1]);
    return hermite(v[1], slope[0], v[2], slope[1], (part - t[1]) / (t[2] - t[1]));
}

void figure_joints_playing(const struct build *b, double at, struct joints *j)
{
    float part = (float)figure_fract(at), v[11];
    struct pose p = {.pelvis = {0, 0, 0}};
    struct vec none = {0, 0, 0};

    for (int i = 0; i < 11; i++)
        v[i] = stroke_at(part, i);
    p.pelvis = vec(v[7] * leg(b), 0, b->sole + leg(b) * (0.93f + 0.02f * figure_cosine(at)));
    p.turn = 0.4f * v[6];
    p.twist = 0.6f * v[6];
    p.bend = 0.05f + 0.9f * v[7];
    p.look_down = -0.22f;
    p.hand[1] = vec(v[0], v[1], v[2]);
    p.elbow[1] = vec(-0.3f, 1, -0.35f);
    p.hand[0] = vec(v[8], v[9], v[10]);
    p.elbow[0] = vec(-0.3f, 0.6f, -0.8f);
    for (int i = 0; i < 2; i++) {
        p.ankle[i] = outward(vec((i ? -0.2f : 0.22f) * leg(b), b->hips * 1.5f, b->sole), i);
        p.knee[i] = vec(1, 0.25f, 0);
        p.foot_out[i] = i ? 0.7f : 0.1f;
    }
    joints_of(b, &p, j);
    j->grip = vec_unit(axes_at(none, &j->chest_axes, v[3], -v[4], v[5]));
}

void figure_joints(const struct build *b, int action, int holds_up, double t_s, double early,
                   struct joints *j)
{
    struct pose p;

    switch (action) {
    case STORY_WALKS:
        pose_walk(b, holds_up, t_s, early, &p);
        break;
    case STORY_SITS:
        pose_sit(b, t_s, early, &p);
        break;
    case STORY_READS:
        pose_read(b, t_s, early, &p);
        break;
    case STORY_PLAYS:
        figure_joints_playing(b, t_s * 1000 / PLAY_MS + early, j);
        return;
    case STORY_FLOATS:
        pose_float(b, t_s, early, &p);
        break;
    case STORY_HOPS:
        pose_hop(b, t_s, early, &p);
        break;
    case STORY_WAVES:
        pose_wave(b, t_s, early, &p);
        break;
    default:
        pose_stand(b, t_s, early, &p);
        break;
    }
    if (holds_up && action != STORY_WALKS)
        p.hand[0] = vec(0.58f, 0.16f, -0.42f);
    joints_of(b, &p, j);
}
