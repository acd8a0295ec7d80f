/* Evaluations that are left out: the rules by numbers, threshold 0 is the film of all evaluations,
 * what is left out is counted, and the error is that of the two latents. */
#include <math.h>
#include <stdlib.h>

#include "fixture.h"
#include "generate/pipeline.h"
#include "generate/shortcut.h"
#include "generate/tea.h"
#include "ztest.h"

static const char *const names[] = {"easy", "mag", "taylor"};
enum { N_WAYS = 3 };

static void way(struct shortcut *s, const char *text, size_t count, size_t rows, size_t width)
{
    const struct shortcut_class *is;
    double threshold;
    struct err e = {0};

    CHECK_INT(shortcut_parse(text, &is, &threshold), 0);
    CHECK(is);
    CHECK_INT(shortcut_init(s, is, threshold, count, rows, width, &e), 0);
}

TEST(shortcut_names_and_thresholds)
{
    const struct shortcut_class *is;
    double t;

    CHECK(!shortcut_parse("off", &is, &t) && !is);
    CHECK(!shortcut_parse("easy", &is, &t) && is && t == is->threshold && t > 0);
    CHECK(shortcut_parse("deltacache", &is, &t) == -1);
    CHECK(!shortcut_parse("teacache", &is, &t) && is->time == 1 && t < 0);
    CHECK(!shortcut_parse("magcache:0", &is, &t) && !strcmp(is->name, "mag") && t == 0);
    CHECK(!shortcut_parse("taylor:0.25", &is, &t) && t == 0.25);
    CHECK(shortcut_parse("easy:", &is, &t) && shortcut_parse("easy:-1", &is, &t) &&
          shortcut_parse("easy:x", &is, &t) && shortcut_parse("eas", &is, &t) &&
          shortcut_parse("", &is, &t) && shortcut_parse("off:1", &is, &t));
}

/* Step i of ten: made (and learned) or left out (0). */
static int made(struct shortcut *s, int i, int n, const float *x, const float *v)
{
    shortcut_step(s, i, n);
    if (shortcut_skips(s, s->expert, 1, x))
        return 0;
    shortcut_learn(s, x, v);
    return 1;
}

/* x falls by 0.1, v by 0.02 a step from 1: k = 0.2, so each step is worth 0.02 of |v| = 0.98 and
 * one fits below 0.05, the second as well, the third not. */
TEST(shortcut_easy_is_the_rule_of_the_paper)
{
    const int want[10] = {1, 1, 0, 0, 1, 0, 0, 1, 0, 1}; /* the last is always made */
    struct shortcut s;

    way(&s, "easy:0.05", 1, 0, 0);
    for (int i = 0; i < 10; i++) {
        float x = 2 - 0.1f * (float)i, v = 1 - 0.02f * (float)i, guess;

        CHECK_INT(made(&s, i, 10, &x, &v), want[i]);
        if (!want[i] && i < 4) { /* v' + (x - x') */
            CHECK_INT(shortcut_guess(&s, &x, &guess), 1);
            CHECK(fabs(guess - (0.98 + (x - 1.9))) < 1e-6);
        }
    }
    CHECK(s.skipped == 5 && s.evaluations == 10);
    shortcut_release(&s);
}

/* Rows shrink by 2 % a step: 0.02, 0.04, 0.06 of one, so 0.07 holds two steps; 10 three at most. */
TEST(shortcut_mag_is_the_rule_of_the_paper)
{
    const int want[2][10] = {{1, 1, 0, 0, 1, 0, 0, 1, 0, 1}, {1, 1, 0, 0, 0, 1, 0, 0, 0, 1}};

    for (int k = 0; k < 2; k++) {
        struct shortcut s;

        way(&s, k ? "mag:10" : "mag:0.07", 1, 2, 2);
        for (int i = 0; i < 10; i++) {
            float x = 0, size = powf(0.98f, (float)i);

            for (int r = 0; r < 4; r++)
                s.fresh[r] = size * (float)(r + 1);
            CHECK_INT(made(&s, i, 10, &x, &x), want[k][i]);
            CHECK_INT(s.reuse, !want[k][i]);
            if (i == 2)
                CHECK(fabsf(s.added[3] - 4 * 0.98f) < 1e-6f);
        }
        shortcut_release(&s);
    }
}

/* v = 10 + i + i^2 / 20: differences 1.15 (of 1 and 2) and 0.1, which are 0.1 / 2 / 12.2 = 0.0041
 * of v one step on, four times that after two. */
TEST(shortcut_taylor_goes_on_by_differences)
{
    struct shortcut s;
    int i;

    way(&s, "taylor:0.01", 1, 0, 0);
    for (i = 0; i < 6; i++) {
        float x = 0, v = 10 + (float)i + (float)(i * i) / 20, guess;

        CHECK_INT(made(&s, i, 20, &x, &v), i < 4 || i == 5); /* a fifth of 20 is always made */
        if (i == 4) {                                        /* from 13.45 by 13.45 - 12.2 */
            CHECK_INT(shortcut_guess(&s, &x, &guess), 1);
            CHECK(fabsf(guess - 14.7f) < 1e-5f);
        }
    }
    shortcut_release(&s);
    way(&s, "taylor:10", 1, 0, 0);
    for (i = 0; i < 12; i++) { /* a straight line: four at most */
        float x = 0, v = 10 + (float)i;
        CHECK_INT(made(&s, i, 20, &x, &v), i < 4 || i == 8);
    }
    shortcut_release(&s);
}

/* Which of 50 steps TeaCache's own lines compute (teacache_forward of TeaCache4Wan2.1, commit
 * 7c10efc, its arithmetic run in Python with numpy): 1 made, 0 left out. e grows by 1 to 10 % a
 * step, or by half of nearly that. */
TEST(shortcut_tea_decides_as_the_reference)
{
    static const struct {
        const char *way, *made;
    } runs[] = {{"tea:0.08", "11011011010110110110101101101101011011011010110111"},
                {"tea:0.2", "10110010010010100100100101001001001010010010010101"},
                {"tea-retain:0.05", "11111111111011111111110111111111101111111111011111"},
                {"tea-retain:0.1", "11111010110110110101101101101011011011010110110110"}};

    for (size_t k = 0; k < sizeof runs / sizeof *runs; k++) {
        struct shortcut s;
        float e = 1, x = 0;

        way(&s, runs[k].way, 1, 1, 3);
        s.fit = tea_fit_of("Wan2.1 T2V 1.3B")->fit[s.is->time == 2];
        for (int i = 0; i < 50; i++) {
            float by = (float)(i * 7 % 11) / 110.0f;

            e *= 1 + 0.01f + by * (s.is->time == 2 ? 0.5f : 1.0f);
            for (size_t j = 0; j < s.n_time; j++)
                s.time[j] = e * (j % 3 == 0 ? 1.0f : j % 3 == 1 ? -2.0f : 0.5f);
            CHECK_INT(made(&s, i, 50, &x, &x), runs[k].made[i] - '0');
        }
        shortcut_release(&s);
    }
    CHECK(!tea_fit_of("Wan2.2 TI2V 5B") && !tea_fit_of("") && !tea_fit_of(NULL));
}

TEST(shortcut_forgets_windows_experts_and_new_guidance)
{
    struct shortcut s;
    float x[4] = {1, 1, 1, 1}, v[4] = {1, 1, 1, 1};

    for (int kind = 0; kind < 3; kind++) {
        int expert = 0, n = 1;

        way(&s, "easy:10", 2, 0, 0);
        for (int i = 0; i < 8; i++) {
            if (i == 5) {
                expert = kind == 0;
                n = 1 + (kind == 1);
            }
            shortcut_step(&s, kind == 2 && i == 5 ? 0 : i, 20);
            x[0] += 0.01f;
            v[0] += 0.01f;
            int skips = shortcut_skips(&s, expert, n, x);
            CHECK_INT(skips, i == 4 || i == 7); /* not at 5 and 6 */
            if (!skips)
                shortcut_learn(&s, x, v);
        }
        shortcut_release(&s);
    }
}

/* ---- films ---- */

/* tea: instead of the way of `cache`, as if the model were one that it was fitted to; NULL: no. */
static void draw_as(struct figures *f, const char *cache, const char *tea, const char *check,
                    const char *frames, const char *guidance)
{
    static const double flat[5] = {0, 0, 0, 0, 0.001}; /* as far at every step */
    const char *const set[][2] = {{"prompt", "a red ball rolls"},
                                  {"seed", "7"},
                                  {"type", "f32"},
                                  {"size", "native"},
                                  {"steps", "12"},
                                  {"frames", frames},
                                  {"guidance", guidance},
                                  {"cache", cache},
                                  {"cache-check", check}};
    const struct sink silent = {0};
    struct request q;
    struct bundle *b;
    struct plan p;
    struct err e = {0};

    request_init(&q);
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        CHECK_INT(request_set(&q, set[i][0], set[i][1], &e), 0);
    if (plan_make(&p, fixture_dir(), &q, NULL, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    if (tea) {
        CHECK_INT(shortcut_parse(tea, &p.cut, &p.cut_threshold), 0);
        p.cut_fit = flat;
    }
    CHECK_INT(bundle_open(&b, fixture_dir(), device_cpu(), DT_F32, NULL, &e), 0);
    if (pipeline_run(b, &p, &silent, f, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    bundle_free(&b);
    plan_release(&p);
    request_release(&q);
}

static void draw(struct figures *f, const char *cache, const char *check, const char *frames,
                 const char *guidance)
{
    draw_as(f, cache, NULL, check, frames, guidance);
}

TEST(shortcut_tea_films)
{
    static const char *const ways[][2] = {{"tea:0", "tea:10"}, {"tea-retain:0", "tea-retain:10"}};
    struct figures all, none, some;

    draw(&all, "off", "no", "9", "3");
    for (int k = 0; k < 2; k++) {
        draw_as(&none, "mag", ways[k][0], "yes", "9", "3");
        CHECK_STR(none.latent_hash, all.latent_hash);
        CHECK(none.skipped == 0 && none.cache_error == 0);
        draw_as(&some, "mag", ways[k][1], "yes", "9", "3");
        CHECK_INT(some.evaluations, 12);
        CHECK_INT(some.skipped, k ? 7 : 10); /* all but 5, or but the first and the last */
        CHECK(some.cache_error > 0 && isfinite(some.cache_error));
    }
}

/* One window and three, one sample and two. */
TEST(shortcut_films)
{
    static const char *const frames[] = {"9", "25"}, *const guidance[] = {"1", "3"};

    for (int k = 0; k < 2; k++) {
        struct figures all, none, some;

        draw(&all, "off", "no", frames[k], guidance[k]);
        CHECK_INT(all.evaluations, k ? 36 : 12);
        CHECK_INT(all.skipped, 0);
        CHECK_STR(all.note, "");
        for (int i = 0; i < N_WAYS; i++) {
            char *zero = xasprintf("%s:0", names[i]), *much = xasprintf("%s:10", names[i]);

            draw(&none, zero, "yes", frames[k], guidance[k]);
            CHECK_STR(none.latent_hash, all.latent_hash);
            CHECK_INT(none.skipped, 0);
            CHECK(none.cache_error == 0);
            draw(&some, much, "yes", frames[k], guidance[k]);
            CHECK(strcmp(some.latent_hash, all.latent_hash));
            CHECK_INT(some.evaluations, k ? 36 : 12);
            CHECK(some.skipped >= (k ? 15 : 5) && some.skipped <= (k ? 27 : 9));
            CHECK(some.cache_error > 0);
            CHECK_BELOW(some.cache_error, 1);
            CHECK_CONTAINS(some.note, "evaluations; the latent differs by ");
            draw(&none, much, "no", frames[k], guidance[k]);
            CHECK_STR(none.latent_hash, some.latent_hash);
            CHECK(none.cache_error < 0);
            free(zero);
            free(much);
        }
    }
}

/* What blocks added, to the same rows: the answer is that of the blocks. */
TEST(shortcut_of_blocks_gives_their_answer_again)
{
    const char *const set[][2] = {{"prompt", "a red ball"}, {"guidance", "2"}, {"type", "f32"}};
    struct request q;
    struct bundle *b;
    struct plan p;
    struct velocity v;
    struct shortcut cut;
    struct cx cx;
    struct err e = {0};

    request_init(&q);
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(request_set(&q, set[i][0], set[i][1], &e), 0);
    CHECK_INT(plan_make(&p, fixture_dir(), &q, NULL, &e), 0);
    CHECK_INT(bundle_open(&b, fixture_dir(), device_cpu(), DT_F32, NULL, &e), 0);
    for (int apart = 0; apart < 2; apart++) {
        cx_init(&cx, device_cpu(), DT_F32, NULL);
        CHECK_INT(velocity_of_plan(&v, &cx, b, &p, NULL, NULL, &e), 0);
        size_t n = latent_count(&v.ask.shape);
        float *x = xcalloc(3 * n, sizeof *x);

        v.ask.together = apart ? 0 : v.ask.together;
        way(&cut, "mag:1", n, (size_t)latent_tokens(&v.ask.shape), (size_t)p.dit.width);
        v.cut = &cut;
        v.ask.blocks = 1;
        for (size_t i = 0; i < n; i++)
            x[i] = (float)(i % 17) / 8 - 1;
        velocity_step(&v, 0, 10);
        CHECK_INT(velocity_at(&v, x, 600, 0.6, x + n, &e), 0);
        cut.known = 2;
        cut.rate = 1;
        velocity_step(&v, 5, 10);
        CHECK_INT(velocity_at(&v, x, 600, 0.6, x + 2 * n, &e), 0);
        CHECK_INT(cut.skipped, 1);
        CHECK_BELOW(ztest_rel_l2(x + 2 * n, x + n, n), 1e-6);
        free(x);
        shortcut_release(&cut);
        velocity_release(&v);
        cx_release(&cx);
    }
    bundle_free(&b);
    plan_release(&p);
    request_release(&q);
}
