#include "base/rng.h"
#include "world/march/material.h"
#include "world/march/sdf.h"
#include "world/story/figure.h"
#include "ztest.h"

static v16 ramp(float first, float step)
{
    v16 x;

    PER_LANE x[i] = first + step * (float)i;
    return x;
}

/* Against the C library and the language, lane by lane. */
TEST(march_vectors_do_what_the_language_does)
{
    for (int k = -40; k < 40; k++) {
        v16 x = ramp((float)k * 1.7f, 0.237f), y = ramp(1, -0.31f);
        v16 lo = v_min(x, y), hi = v_max(x, y), fl = v_floor(x), sine = v_sin(x), co = v_cos(x);
        v16 root = v_sqrt(v_abs(x)), fade = v_fade(v_abs(x)), some = v_sel(v_lt(x, y), x, -y);

        PER_LANE
        {
            CHECK(lo[i] == (x[i] < y[i] ? x[i] : y[i]));
            CHECK(hi[i] == (x[i] > y[i] ? x[i] : y[i]));
            CHECK(some[i] == (x[i] < y[i] ? x[i] : -y[i]));
            CHECK(fl[i] == floorf(x[i]));
            CHECK(root[i] == sqrtf(fabsf(x[i])));
            CHECK_BELOW(fabs((double)sine[i] - sin((double)x[i])), 2e-3);
            CHECK_BELOW(fabs((double)co[i] - cos((double)x[i])), 2e-3);
            CHECK_BELOW(fabs((double)fade[i] - exp(-fabs((double)x[i]))), 0.035);
        }
        CHECK(!m_any(v_lt(x, x)) && m_any(v_lt(x, x + 1)));
    }
}

/* Many steps along a grid: no jump, the range is used, the neighbour is another value. */
TEST(march_noise_is_smooth_and_fills_its_range)
{
    double sum = 0, low = 1, high = 0;

    for (int k = 0; k < 400; k++) {
        v16 y = v_set((float)k * 0.61f - 100), a = v_noise(ramp(-90, 11.37f), y);
        v16 b = v_noise(ramp(-90, 11.37f) + 1e-3f, y);

        PER_LANE
        {
            CHECK_BELOW(fabsf(a[i] - b[i]), 3e-3);
            sum += (double)a[i];
            low = fmin(low, (double)a[i]);
            high = fmax(high, (double)a[i]);
        }
    }
    CHECK_BELOW(fabs(sum / (400 * LANES) - 0.5), 0.03);
    CHECK(low < 0.05 && high > 0.95);
}

enum { N_SHAPES = 10 };

static v16 shape(int i, struct p16 q)
{
    static const float a[3] = {-0.4f, 0.1f, -0.3f}, b[3] = {0.5f, 0.3f, 0.6f};

    switch (i) {
    case 0:
        return sd_sphere(q, 0.7f);
    case 1:
        return sd_box(q, 0.5f, 0.3f, 0.7f);
    case 2:
        return sd_round_box(q, 0.5f, 0.3f, 0.7f, 0.1f);
    case 3:
        return sd_capsule(q, a, b, 0.2f);
    case 4:
        return sd_limb(q, a, b, 0.25f, 0.15f) * 0.98f;
    case 5:
        return sd_cylinder(q, 0.5f, 0.4f, 0.05f);
    case 6:
        return sd_cone(q, 0.6f, 0.2f, 0.9f);
    case 7:
        return sd_torus(q, 0.6f, 0.2f);
    case 8:
        return sd_smin(sd_sphere(q, 0.5f), sd_sphere(p_from(q, 0.6f, 0, 0), 0.4f), 0.2f);
    default:
        return sd_scut(sd_sphere(q, 0.7f), sd_sphere(p_from(q, 0.5f, 0, 0), 0.4f), 0.1f);
    }
}

/* A ray that steps by the distance must never pass through: |d(p) - d(q)| <= |p - q|, and each
 * shape has an inside of about the size it was asked for. */
TEST(march_distances_never_reach_too_far)
{
    for (int s = 0; s < N_SHAPES; s++) {
        struct rng r;
        int inside = 0;

        rng_init(&r, 7, (uint64_t)s);
        for (int k = 0; k < 500; k++) {
            struct p16 p, q;
            v16 dp, dq, way;

            PER_LANE
            {
                p.x[i] = (float)rng_range(&r, -1.2, 1.2);
                p.y[i] = (float)rng_range(&r, -1.2, 1.2);
                p.z[i] = (float)rng_range(&r, -1.2, 1.2);
                q.x[i] = p.x[i] + (float)rng_range(&r, -0.2, 0.2);
                q.y[i] = p.y[i] + (float)rng_range(&r, -0.2, 0.2);
                q.z[i] = p.z[i] + (float)rng_range(&r, -0.2, 0.2);
            }
            dp = shape(s, p);
            dq = shape(s, q);
            way = p_len(p_sub(p, q));
            PER_LANE
            {
                CHECK_BELOW(fabsf(dp[i] - dq[i]), way[i] * 1.001f + 1e-5f);
                inside += dp[i] < 0;
            }
        }
        CHECK(inside > 80 && inside < 1200);
    }
}

TEST(march_shapes_have_the_sizes_asked_for)
{
    static const struct {
        int shape;
        float at[3], distance;
    } known[] = {
        {0, {2, 0, 0}, 1.3f},     {1, {0.5f, 0.3f, 0.7f}, 0},     {1, {1.5f, 0.3f, 0.7f}, 1},
        {2, {0, 0, 1}, 0.3f},     {3, {0.5f, 0.3f, 0.6f}, -0.2f}, {5, {0, 1.5f, 0}, 1},
        {6, {0, 0, 1.9f}, 1},     {6, {0.6f, 0, 0}, 0},           {6, {0, 0.2f, 0.9f}, 0},
        {7, {0.6f, 0, 0}, -0.2f}, {7, {0, 0, 0}, 0.4f},
    };

    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        v16 d = shape(known[k].shape, p_set(known[k].at[0], known[k].at[1], known[k].at[2]));

        CHECK_BELOW(fabsf(d[3] - known[k].distance), 1e-5);
    }
    {
        struct p16 q = p_turn_z(p_set(1, 0, 5), 0, 1); /* a quarter: +x becomes +y */

        CHECK(fabsf(q.x[0]) < 1e-6f && fabsf(q.y[0] - 1) < 1e-6f && fabsf(q.z[0] - 5) < 1e-6f);
    }
}

TEST(march_material_is_set_where_asked)
{
    struct material m = {p_set(0.2f, 0.2f, 0.2f), v_set(0), v_set(0)};

    material_set(&m, v_lt(ramp(0, 1), v_set(3)), p_set(1, 0.5f, 0), 2, 0.7f);
    CHECK(m.color.x[2] == 1 && m.color.y[2] == 0.5f && m.glow[2] == 2 && m.gloss[2] == 0.7f);
    CHECK(m.color.x[3] == 0.2f && m.glow[3] == 0 && m.gloss[15] == 0);
}
