/* A model that draws one height alone: which size it draws for which film, and what is shown. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/tree.h"
#include "fixture.h"
#include "generate/conditions.h"
#include "generate/drag.h"
#include "generate/pipeline.h"
#include "media/picture.h"
#include "ztest.h"

/* The fixture, which draws 48x32, as such a model; the caller's. */
static char *own_height(const char *name)
{
    char *dir = ztest_in_tmp(name), *path = path_join(dir, "model_index.json");
    struct buf text = BUF_INIT, more = BUF_INIT;
    const char *at;
    struct err e;

    CHECK_INT(tree_copy(fixture_dir(), dir, NULL, &e), 0);
    CHECK_INT(file_read(&text, path, 1 << 20, NULL), 0);
    at = strstr(buf_str(&text), "  \"width\"");
    CHECK(at != NULL);
    buf_add(&more, text.data, (size_t)(at - buf_str(&text)));
    buf_puts(&more, "  \"own_height\": true,\n");
    buf_puts(&more, at);
    CHECK_INT(file_write(path, more.data, more.len, NULL), 0);
    buf_release(&text);
    buf_release(&more);
    free(path);
    return dir;
}

TEST(size_of_a_model_that_draws_one_height)
{
    static const struct {
        const char *size, *aspect;
        int w, h, seen_w, seen_h, film_w, film_h;
    } cases[] = {
        {"native", "16:9", 48, 32, 48, 28, 28, 16}, /* the fixture has 3:2 */
        {"native", "9:16", 48, 32, 18, 32, 16, 28},    {NULL, "9:16", 48, 32, 18, 32, 256, 456},
        {NULL, "1:1", 48, 32, 32, 32, 256, 256},       {NULL, "21:9", 64, 32, 64, 28, 598, 256},
        {"720x1080", NULL, 48, 32, 22, 32, 720, 1080}, {"48x32", NULL, 48, 32, 48, 32, 48, 32},
        {"640x426", NULL, 48, 32, 48, 32, 640, 426},   {"1920x240", NULL, 64, 32, 64, 8, 1920, 240},
    };
    char *dir = own_height("own-height");

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *settings[8] = {"prompt", "x y"};
        int n = 2;

        if (cases[i].size) {
            settings[n++] = "size";
            settings[n++] = cases[i].size;
        }
        if (cases[i].aspect) {
            settings[n++] = "aspect";
            settings[n++] = cases[i].aspect;
        }
        struct plan p;
        struct err e;

        CHECK_INT(fixture_plan(&p, &e, dir, settings), 0);
        if (p.w != cases[i].w || p.h != cases[i].h || p.seen_w != cases[i].seen_w ||
            p.seen_h != cases[i].seen_h || p.film_w != cases[i].film_w ||
            p.film_h != cases[i].film_h)
            ztest_fail(__FILE__, __LINE__, "%zu: %dx%d drawn, %dx%d seen, %dx%d shown", i, p.w, p.h,
                       p.seen_w, p.seen_h, p.film_w, p.film_h);
        plan_release(&p);
    }
    free(dir);
}

/* A film on end of before is made again as it was, in a grid of its own shape; one of now says that
 * its model had a height of its own. */
TEST(size_of_one_height_is_that_of_the_recipe)
{
    static const char *const recipes[] = {
        "{\"zoetrope\": 1, \"prompt\": \"x y\", \"size\": \"32x48\"}",
        "{\"zoetrope\": 1, \"prompt\": \"x y\", \"size\": \"32x48\", \"own_height\": true}"};
    char *dir = own_height("own-height-again");

    for (int i = 0; i < 2; i++) {
        struct request r;
        struct plan p;
        struct err e = {0};

        request_init(&r);
        CHECK_INT(request_set_recipe(&r, recipes[i], strlen(recipes[i]), "film.mp4", &e), 0);
        CHECK_INT(plan_make(&p, dir, &r, NULL, &e), 0);
        CHECK_INT(p.w, i ? 48 : 32);
        CHECK_INT(p.h, i ? 32 : 48);
        CHECK_INT(p.seen_w, i ? 22 : 32);
        plan_release(&p);
        request_release(&r);
    }
    free(dir);
}

/* The model that is shipped draws 7:4. */
TEST(size_of_lines_is_that_of_a_screen)
{
    char *dir = path_join(ztest_data(".."), "model");
    static const struct {
        const char *size, *aspect;
        int w, h;
    } rows[] = {{"1080p", NULL, 1920, 1080}, {"2160p", NULL, 3840, 2160},
                {"720p", "9:16", 720, 1280}, {"pro", "9:16", 1080, 1920},
                {"std", NULL, 1280, 720},    {"4k", NULL, 3840, 2160},
                {"720p", "1:1", 720, 720}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *settings[] = {
            "prompt",       "waves", "size", rows[i].size, rows[i].aspect ? "aspect" : NULL,
            rows[i].aspect, NULL};
        struct plan p;
        struct err e;

        CHECK_INT(fixture_plan(&p, &e, dir, settings), 0);
        CHECK_INT(p.film_w, rows[i].w);
        CHECK_INT(p.film_h, rows[i].h);
        plan_release(&p);
    }
    free(dir);
}

/* A picture on end of three columns, 20, 100 and 180, that are as wide; its path is the caller's.
 */
static char *columns_on_end(void)
{
    char *path = ztest_in_tmp("on-end.ppm");
    struct picture pic;
    struct err e;

    picture_init(&pic, 66, 96);
    for (int i = 0; i < 66 * 96 * 3; i++)
        pic.rgb[i] = (uint8_t)(20 + 80 * (i / 3 % 66 / 22));
    CHECK_INT(picture_save(&pic, path, &e), 0);
    picture_release(&pic);
    return path;
}

/* Of such a picture the left column is white, the rest black. */
static char *left_third(void)
{
    char *path = ztest_in_tmp("left-third.ppm");
    struct picture pic;
    struct err e;

    picture_init(&pic, 66, 96);
    for (int i = 0; i < 66 * 96 * 3; i++)
        pic.rgb[i] = i / 3 % 66 < 22 ? 255 : 0;
    CHECK_INT(picture_save(&pic, path, &e), 0);
    picture_release(&pic);
    return path;
}

/* The middle of what is drawn is the picture, what lies beside it is its edge drawn out. */
static void check_columns(const struct plan *p, const uint8_t *rgb)
{
    CHECK_INT(p->w, 48);
    CHECK_INT(p->h, 32);
    CHECK_INT(p->seen_w, 22);
    for (int y = 0; y < 32; y += 31) {
        const uint8_t *row = rgb + (size_t)y * 48 * 3;

        CHECK_INT(row[0], 20);
        CHECK_INT(row[3 * 16], 20);
        CHECK_INT(row[3 * 24], 100);
        CHECK_INT(row[3 * 32], 180);
        CHECK_INT(row[3 * 47], 180);
    }
}

TEST(size_of_one_height_has_pictures_in_the_middle)
{
    static const char *const options[] = {"first-frame", "last-frame", "key-frame"};
    char *dir = own_height("own-height-first"), *path = columns_on_end();

    for (int i = 0; i < 3; i++) {
        char *value = i < 2 ? xstrdup(path) : xasprintf("1:%s", path);
        const char *settings[] = {"prompt", "x y", "size", "32x48", options[i], value, NULL};
        struct plan p;
        struct err e;

        CHECK_INT(fixture_plan(&p, &e, dir, settings), 0);
        check_columns(&p, i == 0 ? p.first.rgb : i == 1 ? p.last.rgb : p.key[0].rgb);
        plan_release(&p);
        free(value);
    }
    free(path);
    free(dir);
}

TEST(size_of_one_height_has_a_changed_film_in_the_middle)
{
    char *dir = own_height("own-height-from"), *path = columns_on_end();
    const char *settings[] = {"prompt", "x y",     "size",  "32x48", "from",
                              path,     "sampler", "euler", NULL};
    uint8_t rgb[48 * 32 * 3];
    struct plan p;
    struct err e;

    CHECK_INT(fixture_plan(&p, &e, dir, settings), 0);
    CHECK_INT(p.w * p.h, 48 * 32);
    plan_source_frame(&p, 0, rgb);
    check_columns(&p, rgb);
    plan_release(&p);
    free(path);
    free(dir);
}

/* The latent places of a film's only frame, 4 rows of these six. */
static void check_places(const struct plan *p, const uint8_t wanted[6])
{
    struct latent_shape s = plan_latent(p);
    struct plan_window w = plan_window(p, 0);
    uint8_t place[6 * 4];

    CHECK_INT(s.w * s.h * s.t, sizeof place);
    conditions_region(p, &w, &s, place);
    for (int i = 0; i < 6 * 4; i++)
        CHECK_INT(place[i], wanted[i % 6]);
}

/* A mask lies there as its film does, which is in latent places 1 to 4; so does a film that is
 * widened, with 15 of its 96 columns at each side; places count with half of those around them.
 * Beside the film all is drawn. */
TEST(size_of_one_height_has_a_part_drawn_anew_in_the_middle)
{
    static const uint8_t masked[6] = {REGION_DRAWN, REGION_DRAWN, REGION_DRAWN,
                                      REGION_HELD,  REGION_HELD,  REGION_DRAWN},
                         widened[6] = {REGION_DRAWN, 100, REGION_CLEAN,
                                       REGION_CLEAN, 100, REGION_DRAWN};
    char *dir = own_height("own-height-mask"), *path = columns_on_end(), *mask = left_third();
    const char *settings[] = {"prompt", "x y", "from", path, "mask", mask, "frames", "1", NULL};
    uint8_t rgb[48 * 32 * 3];
    struct plan p;
    struct err e;

    CHECK_INT(fixture_plan(&p, &e, dir, settings), 0);
    plan_source_frame(&p, 0, rgb);
    check_columns(&p, rgb);
    check_places(&p, masked);
    plan_release(&p);
    settings[4] = "outpaint";
    settings[5] = "1:1";
    CHECK_INT(fixture_plan(&p, &e, dir, settings), 0);
    CHECK_INT(p.seen_w, 32);
    check_places(&p, widened);
    plan_release(&p);
    free(mask);
    free(path);
    free(dir);
}

/* Of a brush too: what goes are the film's left third, places 1 and 2, a sixth of the film's width
 * until the second latent frame. */
TEST(size_of_one_height_has_a_brush_in_the_middle)
{
    static const char brush[] =
        "{\"dynamic_masks\":[{\"mask\":{\"size\":[4,66],\"counts\":[0,88,176]},"
        "\"trajectories\":[{\"x\":0,\"y\":0},{\"x\":22,\"y\":0}]}]}";
    char *dir = own_height("own-height-brush");
    const char *settings[] = {"prompt", "x y",    "size", "32x48", "brush",
                              brush,    "frames", "5",    NULL};
    struct latent_shape s;
    struct plan_window w;
    struct drag d;
    struct plan p;
    struct err e;

    CHECK_INT(fixture_plan(&p, &e, dir, settings), 0);
    CHECK_INT(p.seen_w, 22);
    s = plan_latent(&p);
    w = plan_window(&p, 0);
    drag_init(&d, &p, &w, &s);
    for (int y = 0; y < s.h; y++) {
        const float *row = d.from + ((size_t)s.h + (size_t)y) * (size_t)s.w * 3;

        CHECK(row[0 * 3 + 2] == 0 && row[1 * 3 + 2] == 1); /* which is left */
        CHECK(row[2 * 3 + 2] == 1 && row[3 * 3 + 2] == 0);
        CHECK_BELOW(fabs(row[2 * 3] - (2 - 22.0 / 6 / 8)), 1e-6);
        CHECK_BELOW(fabs(row[2 * 3 + 1] - y), 1e-6);
    }
    drag_release(&d);
    plan_release(&p);
    free(dir);
}

/* Recipes of before pictures, or films that are changed, lay in the middle have them on all that is
 * drawn, in their shape. */
TEST(size_of_one_height_leaves_pictures_of_older_recipes_whole)
{
    static const char brush[] =
        "{\"static_mask\":{\"size\":[4,66],\"counts\":[0,88,176]},\"dynamic_masks\":[]}";
    static const struct {
        const char *option, *more;
        int middle, part;
    } rows[] = {{"first-frame", "", 0, 0},
                {"first-frame", ", \"picture_in_middle\": true", 1, 0},
                {"from", ", \"picture_in_middle\": true", 0, 0},
                {"from", ", \"film_in_middle\": true", 1, 0},
                {"from", ", \"film_in_middle\": true", 0, 1},
                {"from", ", \"film_in_middle\": true, \"masks_in_middle\": true", 1, 1},
                {"first-frame", ", \"picture_in_middle\": true", 0, 2}};
    char *dir = own_height("own-height-older"), *path = columns_on_end(), *mask = left_third();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *recipe = xasprintf("{\"zoetrope\": 1, \"prompt\": \"x y\", \"size\": \"32x48\", "
                                 "\"own_height\": true, \"sampler\": \"euler\"%s}",
                                 rows[i].more);
        struct request r;
        struct plan p;
        struct err e = {0};

        request_init(&r);
        CHECK_INT(request_set_recipe(&r, recipe, strlen(recipe), "film.mp4", &e), 0);
        CHECK_INT(request_set(&r, rows[i].option, path, &e), 0);
        if (rows[i].part == 1)
            CHECK_INT(request_set(&r, "mask", mask, &e), 0);
        if (rows[i].part == 2)
            CHECK_INT(request_set(&r, "brush", brush, &e), 0);
        CHECK_INT(plan_make(&p, dir, &r, NULL, &e), 0);
        CHECK_INT(p.w, rows[i].middle ? 48 : 32);
        CHECK_INT(p.h, rows[i].middle ? 32 : 48);
        CHECK_INT(p.seen_h, p.h);
        CHECK_INT(p.seen_w, rows[i].middle ? 22 : 32);
        plan_release(&p);
        request_release(&r);
        free(recipe);
    }
    free(mask);
    free(path);
    free(dir);
}

struct shown {
    uint8_t *rgb; /* of the first frame */
    int w, h, preview_w, preview_h;
};

static int keep_first(void *user, int index, const uint8_t *rgb, struct err *e)
{
    struct shown *s = user;

    (void)e;
    if (!index)
        memcpy(s->rgb, rgb, (size_t)s->w * (size_t)s->h * 3);
    return 0;
}

static int keep_preview(void *user, int window, int step, int n_steps, const uint8_t *rgb, int w,
                        int h)
{
    struct shown *s = user;

    (void)window;
    (void)step;
    (void)n_steps;
    (void)rgb;
    s->preview_w = w;
    s->preview_h = h;
    return 0;
}

static void film(struct shown *s, const char *dir, const char *aspect)
{
    const char *settings[] = {FIXTURE_FILM, "size", "native", aspect ? "aspect" : NULL,
                              aspect,       NULL};
    struct sink sink = {.user = s, .frame = keep_first, .preview = keep_preview};
    struct figures figures;
    struct bundle *b = NULL;
    struct plan p;
    struct err e = {0};

    *s = (struct shown){0};
    CHECK_INT(fixture_plan(&p, &e, dir, settings), 0);
    CHECK_INT(bundle_open(&b, dir, device_cpu(), DT_F32, NULL, &e), 0);
    s->w = p.film_w;
    s->h = p.film_h;
    s->rgb = xmalloc((size_t)s->w * (size_t)s->h * 3);
    CHECK_INT(pipeline_run(b, &p, &sink, &figures, &e), 0);
    bundle_free(&b);
    plan_release(&p);
}

/* A square film is the middle of the film of the model's own shape, to the bit; so are previews. */
TEST(film_of_another_shape_is_the_middle_of_what_is_drawn)
{
    char *dir = own_height("own-height-film");
    struct shown whole, square;

    film(&whole, dir, NULL);
    film(&square, dir, "1:1");
    CHECK_INT(whole.w, 48);
    CHECK_INT(square.w, 32);
    CHECK_INT(square.h, 32);
    for (int y = 0; y < 32; y++)
        CHECK(!memcmp(square.rgb + (size_t)y * 32 * 3, whole.rgb + ((size_t)y * 48 + 8) * 3,
                      (size_t)32 * 3));
    CHECK_INT(whole.preview_w, square.preview_w ? 48 : 0);
    CHECK_INT(square.preview_h, whole.preview_h);
    free(whole.rgb);
    free(square.rgb);
    free(dir);
}
