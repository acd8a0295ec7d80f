/* Films of more pictures per second than the model draws. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/tree.h"
#include "fixture.h"
#include "generate/pipeline.h"
#include "ztest.h"

struct reel {
    uint8_t *rgb; /* owned [n][h][w][3] */
    int n, w, h;
    double forecast;
    char hash[65];
};

static int keep_all(void *user, int index, const uint8_t *rgb, struct err *e)
{
    struct reel *r = user;
    size_t bytes = (size_t)r->w * (size_t)r->h * 3;

    (void)e;
    CHECK(index < r->n);
    memcpy(r->rgb + bytes * (size_t)index, rgb, bytes);
    return 0;
}

/* settings: names and values, NULL at the end. */
static struct reel draw(const char *const *settings)
{
    struct reel out = {0};
    struct sink sink = {.user = &out, .frame = keep_all};
    struct figures figures;
    struct request r;
    struct bundle *b;
    struct plan p;
    struct err e = {0};

    request_init(&r);
    CHECK_INT(request_set(&r, "seed", "3", &e), 0);
    CHECK_INT(request_set(&r, "steps", "2", &e), 0);
    CHECK_INT(request_set(&r, "size", "native", &e), 0);
    CHECK_INT(request_set(&r, "type", "f32", &e), 0);
    for (; *settings; settings += 2)
        CHECK_INT(request_set(&r, settings[0], settings[1], &e), 0);
    CHECK_INT(plan_make(&p, fixture_dir(), &r, NULL, &e), 0);
    CHECK_INT(bundle_open(&b, fixture_dir(), device_cpu(), DT_F32, NULL, &e), 0);
    out.n = p.n_film;
    out.w = p.film_w;
    out.h = p.film_h;
    out.rgb = xcalloc((size_t)out.n, (size_t)out.w * (size_t)out.h * 3);
    CHECK_INT(pipeline_run(b, &p, &sink, &figures, &e), 0);
    strcpy(out.hash, figures.frame_hash);
    bundle_free(&b);
    plan_release(&p);
    request_release(&r);
    return out;
}

#define DRAW(...) draw((const char *const[]){"prompt", "a red ball", __VA_ARGS__, NULL})

static int same(const struct reel *a, int i, const struct reel *b, int k)
{
    size_t bytes = (size_t)a->w * (size_t)a->h * 3;

    return a->w == b->w && a->h == b->h &&
           !memcmp(a->rgb + bytes * (size_t)i, b->rgb + bytes * (size_t)k, bytes);
}

/* Every drawn frame is there at its time, others between them; windows make no difference. */
TEST(film_of_more_pictures_keeps_the_drawn_ones)
{
    static const char *const frames[] = {"9", "17"};

    for (int i = 0; i < 2; i++) {
        struct reel own = DRAW("frames", frames[i]), more = DRAW("frames", frames[i], "fps", "24"),
                    twice = DRAW("frames", frames[i], "fps", "24", "interpolate", "repeat");
        CHECK_INT(more.n, 3 * own.n);
        for (int k = 0; k < own.n; k++) {
            CHECK(same(&more, 3 * k, &own, k));
            for (int j = 0; j < 3; j++)
                CHECK(same(&twice, 3 * k + j, &own, k));
        }
        CHECK(same(&more, more.n - 1, &own, own.n - 1)); /* the last one stays */
        free(own.rgb);
        free(more.rgb);
        free(twice.rgb);
    }
}

/* Nothing lies between two shots: the nearer frame is shown. */
TEST(film_of_more_pictures_leaves_cuts_alone)
{
    const char *list = "[{\"prompt\": \"a red ball\", \"seconds\": 0.625}, {\"prompt\": \"a blue "
                       "box\", \"seconds\": 0.625, \"join\": \"cut\"}]";
    struct reel own = DRAW("shots", list), more = DRAW("shots", list, "fps", "24");

    CHECK_INT(own.n, 10);
    CHECK_INT(more.n, 30);
    CHECK(same(&more, 12, &own, 4));
    CHECK(same(&more, 13, &own, 4));
    CHECK(same(&more, 14, &own, 5));
    CHECK(same(&more, 15, &own, 5));
    CHECK(!same(&own, 4, &own, 5));
    free(own.rgb);
    free(more.rgb);
}

/* The last pictures of a loop lead back to its first one. */
TEST(film_of_more_pictures_goes_round_in_a_loop)
{
    struct reel own = DRAW("frames", "8", "loop", "yes"),
                more = DRAW("frames", "8", "loop", "yes", "fps", "24");

    CHECK_INT(more.n, 3 * own.n);
    CHECK(same(&more, more.n - 3, &own, own.n - 1));
    CHECK(!same(&more, more.n - 1, &own, own.n - 1));
    free(own.rgb);
    free(more.rgb);
}

TEST(film_of_more_pictures_is_as_long_as_was_asked_for)
{
    static const struct {
        const char *seconds, *fps;
        int n;
    } cases[] = {{"1", "24", 24}, {"1", "30", 30}, {"0.5", "60", 30}, {"1", "12", 12}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reel r = DRAW("seconds", cases[i].seconds, "fps", cases[i].fps);

        CHECK_INT(r.n, cases[i].n);
        free(r.rgb);
    }
}

/* What recipes hold is left out of the hash, also of a file that another program wrote in one line.
 */
TEST(film_defaults_of_recipes_are_left_out_of_the_hash_and_nothing_else)
{
    static const char *const put[] = {
        "", "\"shown_rate\" : 24,",
        "\"type\":\"int8\",\"shown_rate\":30,\"stagger\" :0.5,\"sharpen\":1,\"fade\":0.1,"
        "\"own_height\":true,\"guidance_to_given\":0.8,",
        "\"shown_rate\":30, \"shown_rat\": 1,"};
    char *dir = ztest_in_tmp("one-line"), *path = path_join(dir, "model_index.json"), hash[4][65];
    struct buf text = BUF_INIT, more = BUF_INIT;
    struct err e = {0};

    CHECK_INT(tree_copy(fixture_dir(), dir, NULL, &e), 0);
    CHECK_INT(file_read(&text, path, 1 << 20, NULL), 0);
    for (size_t i = 0; i < text.len; i++)
        text.data[i] = text.data[i] == '\n' ? ' ' : text.data[i];
    const char *all = buf_str(&text), *at = strstr(all, "\"width\"");
    for (int i = 0; i < 4; i++) {
        buf_clear(&more);
        buf_add(&more, all, (size_t)(at - all));
        buf_puts(&more, put[i]);
        buf_puts(&more, at);
        CHECK_INT(file_write(path, more.data, more.len, NULL), 0);
        CHECK_INT(bundle_hash(dir, NULL, hash[i], &e), 0);
    }
    CHECK(strcmp(hash[3], hash[0]) != 0);
    CHECK_STR(hash[1], hash[0]);
    CHECK_STR(hash[2], hash[0]);
    buf_release(&text);
    buf_release(&more);
    free(path), free(dir);
}

/* What a model says counts when nothing is said; a picture stays one. Its hash, by which recipes
 * know it, is the same: no frame is drawn otherwise. */
TEST(film_has_the_rate_that_its_model_is_shown_at)
{
    char *dir = ztest_in_tmp("shown"), *path = path_join(dir, "model_index.json"), hash[2][65];
    struct buf text = BUF_INIT, more = BUF_INIT;
    struct err e = {0};

    CHECK_INT(tree_copy(fixture_dir(), dir, NULL, &e), 0);
    CHECK_INT(bundle_hash(dir, NULL, hash[0], &e), 0);
    CHECK_INT(file_read(&text, path, 1 << 20, NULL), 0);
    const char *all = buf_str(&text), *at = strstr(all, "  \"width\"");
    CHECK(at != NULL);
    buf_add(&more, all, (size_t)(at - all));
    buf_puts(&more, "  \"shown_rate\": 24,\n");
    buf_puts(&more, at);
    CHECK_INT(file_write(path, more.data, more.len, NULL), 0);
    CHECK_INT(bundle_hash(dir, NULL, hash[1], &e), 0);
    CHECK_STR(hash[1], hash[0]);
    for (int n = 1; n <= 9; n += 8) {
        struct request r;
        struct plan p;
        char frames[8];

        snprintf(frames, sizeof frames, "%d", n);
        request_init(&r);
        CHECK_INT(request_set(&r, "prompt", "a red ball", &e), 0);
        CHECK_INT(request_set(&r, "frames", frames, &e), 0);
        CHECK_INT(plan_make(&p, dir, &r, NULL, &e), 0);
        CHECK_INT((int)p.fps, n > 1 ? 24 : 8);
        CHECK_INT(p.n_film, n > 1 ? 3 * n : 1);
        plan_release(&p);
        request_release(&r);
    }
    buf_release(&text);
    buf_release(&more);
    free(path);
    free(dir);
}
