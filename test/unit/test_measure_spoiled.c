/* Renders that were spoiled by hand: double contours of what moves, shadows that are not where a
 * thing stands, frames that shake, soft edges. The measures say so, and the more the worse it is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "measure/axes.h"
#include "measure/contact.h"
#include "measure/ghosts.h"
#include "world/story/render.h"
#include "world/story/sample.h"
#include "world/story/stage.h"
#include "world/world.h"
#include "ztest.h"

enum { W = 224, H = 128, BYTES = W * H * 3, N = 25 };

static void render(struct clip *c, int i)
{
    struct world_scene s;
    struct worlds w;

    worlds_default(&w);
    worlds_sample(&w, &s, 7, (uint64_t)i, (double)W / H);
    s.world->render(s.state, W, H, N, 8, c);
}

/* ---- ghosts ---- */

/* What was `lag` frames ago is still there, in this strength. */
static double with_ghost(const struct clip *c, double strength, int lag)
{
    uint8_t *film = xmalloc((size_t)BYTES * N);
    struct ghosts g = {0};

    for (int f = 0; f < N; f++) {
        const uint8_t *now = c->rgb + (size_t)BYTES * (size_t)f;
        const uint8_t *then = c->rgb + (size_t)BYTES * (size_t)(f < lag ? 0 : f - lag);

        for (int i = 0; i < BYTES; i++)
            film[BYTES * f + i] = (uint8_t)((1 - strength) * now[i] + strength * then[i] + 0.5);
    }
    ghosts_add(&g, film, W, H, N, 8);
    free(film);
    return ghosts_strength(&g);
}

TEST(ghosts_are_seen_the_more_the_stronger)
{
    static const double strength[] = {0, 0.125, 0.25, 0.4};
    double sum[2][4] = {{0}};

    for (int i = 1; i < 5; i++) {
        struct clip c;

        render(&c, i);
        for (int lag = 0; lag < 2; lag++)
            for (int k = 0; k < 4; k++)
                sum[lag][k] += with_ghost(&c, strength[k], 1 + lag) / 4;
        clip_release(&c);
    }
    for (int lag = 0; lag < 2; lag++) {
        CHECK_BELOW(sum[lag][0], 0.035); /* renders leave none */
        for (int k = 1; k < 4; k++)
            CHECK_BELOW(1.2 * sum[lag][k - 1], sum[lag][k]);
        CHECK_BELOW(0.12, sum[lag][3]);
    }
}

/* A soft film, as codecs make it, is no film with double contours. */
static void soften(uint8_t *rgb, const uint8_t *from)
{
    static const int share[5] = {1, 4, 6, 4, 1};

    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int k = 0; k < 3; k++) {
                int sum = 0;

                for (int v = -2; v <= 2; v++)
                    for (int u = -2; u <= 2; u++) {
                        int xx = x + 2 * u, yy = y + 2 * v;

                        xx = xx < 0 ? 0 : xx >= W ? W - 1 : xx;
                        yy = yy < 0 ? 0 : yy >= H ? H - 1 : yy;
                        sum += share[u + 2] * share[v + 2] * from[(yy * W + xx) * 3 + k];
                    }
                rgb[(y * W + x) * 3 + k] = (uint8_t)((sum + 128) / 256);
            }
}

TEST(ghosts_are_no_soft_edges)
{
    uint8_t *film = xmalloc((size_t)BYTES * N);
    struct ghosts soft = {0}, sharp = {0};

    for (int i = 1; i < 5; i++) {
        struct clip c;

        render(&c, i);
        for (int f = 0; f < N; f++)
            soften(film + (size_t)BYTES * (size_t)f, c.rgb + (size_t)BYTES * (size_t)f);
        ghosts_add(&sharp, c.rgb, W, H, N, 8);
        ghosts_add(&soft, film, W, H, N, 8);
        clip_release(&c);
    }
    CHECK_BELOW(ghosts_strength(&soft), ghosts_strength(&sharp) + 0.01);
    CHECK(soft.n > sharp.n / 3);
    free(film);
}

TEST(ghosts_of_a_still_film_are_not_judged)
{
    uint8_t *film = xcalloc(N, BYTES);
    struct ghosts g = {0};

    ghosts_add(&g, film, W, H, N, 8);
    CHECK(ghosts_strength(&g) < 0);
    free(film);
}

/* 24 pictures a second, each drawn one three times: the same film. */
TEST(ghosts_are_those_of_drawn_frames)
{
    uint8_t *film = xmalloc((size_t)BYTES * N * 3);
    struct ghosts once = {0}, often = {0};
    struct clip c;

    render(&c, 2);
    for (int f = 0; f < 3 * N; f++)
        memcpy(film + (size_t)BYTES * (size_t)f, c.rgb + (size_t)BYTES * (size_t)(f / 3), BYTES);
    ghosts_add(&once, c.rgb, W, H, N, 8);
    ghosts_add(&often, film, W, H, 3 * N, 24);
    CHECK(once.n > 0 && once.sum == often.sum && once.n == often.n);
    clip_release(&c);
    free(film);
}

/* ---- shadows ---- */

/* A pattern of tiles, a box on it, and a soft shadow: `below` px under where it stands, `dark`. */
static struct contact box(double dark, int below)
{
    uint8_t *rgb = xmalloc(BYTES), *is = xcalloc(W, H);
    struct contact c = {0};

    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            double far = hypot((x - 118) / 22.0, (y - 72 - below) / 6.0);
            double light = 1 - dark * fmax(0, fmin(1, 1.6 - far));
            int in = x >= 100 && x < 130 && y >= 40 && y < 72;
            int tile = (x / 9 + y / 7) % 2 ? 150 : 165;

            is[y * W + x] = (uint8_t)in;
            for (int k = 0; k < 3; k++)
                rgb[(y * W + x) * 3 + k] =
                    (uint8_t)(in ? (k ? 40 : 200) : tile * pow(light, 1 / 2.2));
        }
    contact_add(&c, rgb, is, 1, W, H);
    free(rgb);
    free(is);
    return c;
}

TEST(contact_shadow_lies_at_the_foot)
{
    struct contact none = box(0, 0), faint = box(0.25, 0), full = box(0.6, 0);

    CHECK_BELOW(fabs(contact_dark(&none)), 0.05);
    CHECK_BELOW(contact_dark(&none) + 0.1, contact_dark(&faint));
    CHECK_BELOW(contact_dark(&faint) + 0.2, contact_dark(&full));
}

TEST(contact_is_lost_by_what_floats)
{
    double dark = 1;

    for (int below = 0; below <= 24; below += 8) {
        struct contact c = box(0.6, below);

        CHECK(contact_dark(&c) < dark || (below > 16 && contact_dark(&c) <= dark));
        dark = contact_dark(&c);
    }
    CHECK_BELOW(dark, 0.05);
}

/* Figures as they are rendered, lifted from the ground: what was beneath them is mended from both
 * sides. */
static void lift(uint8_t *rgb, uint8_t *ids, int by)
{
    uint8_t *to = xmalloc(BYTES), *is = xcalloc(W, H);

    memcpy(to, rgb, BYTES);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int a = x, b = x;

            if (ids[y * W + x] != 1)
                continue;
            while (a > 0 && ids[y * W + a] == 1)
                a--;
            while (b < W - 1 && ids[y * W + b] == 1)
                b++;
            for (int k = 0; k < 3; k++)
                to[(y * W + x) * 3 + k] =
                    (uint8_t)((rgb[(y * W + a) * 3 + k] + rgb[(y * W + b) * 3 + k]) / 2);
        }
    for (int y = by; y < H; y++)
        for (int x = 0; x < W; x++)
            if (ids[y * W + x] == 1) {
                memcpy(to + ((y - by) * W + x) * 3, rgb + (y * W + x) * 3, 3);
                is[(y - by) * W + x] = 1;
            }
    memcpy(rgb, to, BYTES);
    memcpy(ids, is, (size_t)W * H);
    free(to);
    free(is);
}

TEST(contact_of_figures_is_lost_when_they_are_lifted)
{
    struct story_facts said = {.subject = STORY_ASTRONAUT,
                               .place = STORY_CLIFF,
                               .action = STORY_STANDS,
                               .prop = STORY_SPACESHIP,
                               .shot = STORY_FAR,
                               .camera = STORY_STATIC,
                               .time = STORY_DAY,
                               .weather = STORY_CLEAR};
    struct contact c[4] = {{0}};

    for (int i = 0; i < 12; i++)
        for (int k = 0; k < 4; k++) {
            struct story s;
            struct clip one;

            story_from_facts(&s, &said, (uint64_t)i, (double)W / H);
            story_render(&s, W, H, 1, 8, &one);
            if (k)
                lift(one.rgb, one.ids, 5 * k);
            contact_add(&c[k], one.rgb, one.ids, 1, W, H);
            clip_release(&one);
        }
    CHECK(c[0].n >= 9);
    for (int k = 1; k < 4; k++)
        CHECK(contact_dark(&c[k]) < contact_dark(&c[k - 1]));
    CHECK_BELOW(0.25, contact_dark(&c[0]));
}

/* One picture of a story whose figures cast no shadow. */
static void render_without_shadow(const struct story *s, uint8_t *rgb, uint8_t *ids)
{
    struct march *m = xmalloc(sizeof *m);
    void *scratch = xmalloc(MARCH_SCRATCH_BYTES(W, H));
    struct stage st;

    stage_init(&st, s, (double)W / H);
    stage_frame(&st, 1, m);
    for (int i = 0; i < m->n_things; i++)
        m->thing[i].shades &= m->thing[i].kind >= 0;
    march_best()->frame(m, W, H, scratch, rgb, ids);
    free(scratch);
    free(m);
}

TEST(contact_is_lost_with_the_shadow)
{
    uint8_t *rgb = xmalloc(BYTES), *ids = xmalloc((size_t)W * H);
    double with = 0, without = 0;
    int n = 0, more = 0;

    for (uint64_t i = 0; i < 60; i++) {
        struct contact own = {0}, none = {0};
        struct story s;
        struct clip c;

        story_sample(&s, 77 + i, NULL, (double)W / H);
        if (s.facts.subject == STORY_NOBODY || s.facts.shot == STORY_CLOSE || s.mirror ||
            s.facts.action == STORY_FLOATS || s.facts.place == STORY_STREET)
            continue; /* lamps of a street cast no shadow */
        story_render(&s, W, H, 2, 1, &c);
        contact_add(&own, c.rgb + BYTES, c.ids + (size_t)W * H, 1, W, H);
        render_without_shadow(&s, rgb, ids);
        contact_add(&none, rgb, ids, 1, W, H);
        clip_release(&c);
        if (own.n == 0 || none.n == 0)
            continue;
        n++;
        with += contact_dark(&own);
        without += contact_dark(&none);
        more += contact_dark(&own) > contact_dark(&none);
    }
    CHECK(n >= 15);
    CHECK(more >= n * 8 / 10);
    CHECK_BELOW(without / n + 0.2, with / n);
    free(rgb);
    free(ids);
}

TEST(contact_is_not_judged_without_room)
{
    uint8_t *rgb = xmalloc(BYTES), *is = xcalloc(W, H);
    struct contact c = {0};

    memset(rgb, 90, BYTES);
    contact_add(&c, rgb, is, 1, W, H); /* nothing is there */
    for (int y = 60; y < H; y++)       /* cut below */
        memset(is + y * W + 60, 1, 20);
    contact_add(&c, rgb, is, 1, W, H);
    memset(is, 0, (size_t)W * H);
    for (int y = 40; y < 60; y++) /* as wide as the picture */
        memset(is + y * W, 1, W);
    contact_add(&c, rgb, is, 1, W, H);
    CHECK(c.n == 0);
    free(rgb);
    free(is);
}

/* ---- the axes ---- */

/* What every other frame shows is px to the right of its place. */
static void shake(uint8_t *film, const struct clip *c, int px)
{
    memcpy(film, c->rgb, (size_t)BYTES * N);
    for (int f = 1; f < N; f += 2)
        for (int y = 0; y < H; y++) {
            size_t row = (size_t)BYTES * (size_t)f + (size_t)y * W * 3;

            memcpy(film + row + 3 * (size_t)px, c->rgb + row, (size_t)(W - px) * 3);
        }
}

TEST(axes_of_a_film_that_shakes_and_of_a_soft_one)
{
    uint8_t *film = xmalloc((size_t)BYTES * N);
    struct axes truth, shaken[2], soft, still;
    struct clip c;

    render(&c, 2);
    axes_look(&truth, c.rgb, W, H, N, 8, NULL);
    for (int k = 0; k < 2; k++) {
        shake(film, &c, 2 + 4 * k);
        axes_look(&shaken[k], film, W, H, N, 8, NULL);
    }
    for (int f = 0; f < N; f++)
        soften(film + (size_t)BYTES * (size_t)f, c.rgb + (size_t)BYTES * (size_t)f);
    axes_look(&soft, film, W, H, N, 8, NULL);
    for (int f = 0; f < N; f++)
        memcpy(film + (size_t)BYTES * (size_t)f, c.rgb, BYTES);
    axes_look(&still, film, W, H, N, 8, NULL);
    CHECK(truth.value[AXIS_SMOOTH] > shaken[0].value[AXIS_SMOOTH] + 3);
    CHECK(shaken[0].value[AXIS_SMOOTH] > shaken[1].value[AXIS_SMOOTH] + 1);
    CHECK(shaken[1].value[AXIS_MOTION] > truth.value[AXIS_MOTION]);
    CHECK(soft.value[AXIS_EDGES] > truth.value[AXIS_EDGES] + 0.2);
    CHECK(fabs(soft.value[AXIS_MOTION] / truth.value[AXIS_MOTION] - 1) < 0.3);
    CHECK(still.value[AXIS_MOTION] == 0 && isnan(still.value[AXIS_GHOSTS]));
    CHECK(isnan(truth.value[AXIS_WORDS]) && isnan(truth.value[AXIS_CONTACT]));
    axes_look_at(&truth, c.rgb, c.ids, W, H, N);
    CHECK(truth.value[AXIS_CONTACT] > 0.1); /* it stands on its shadow */
    clip_release(&c);
    free(film);
}
