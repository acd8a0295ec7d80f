/* What a prompt leaves open is read from the picture: renders of both worlds, whose truth is known,
 * and the model that is shipped. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "fixture.h"
#include "generate/pipeline.h"
#include "generate/reading.h"
#include "media/film.h"
#include "media/picture.h"
#include "world/physics.h"
#include "world/scene.h"
#include "world/story/render.h"
#include "world/story/sample.h"
#include "world/world.h"
#include "zoetrope.h"
#include "ztest.h"

enum { W = 224, H = 128 };

static void render(const struct story_facts *f, uint64_t seed, struct clip *c)
{
    struct story s;

    story_from_facts(&s, f, seed, 0);
    story_render(&s, W, H, 1, 8, c);
}

static int has(const char *list, const char *words)
{
    return list && strstr(list, words) != NULL;
}

TEST(look_what_is_open_and_what_is_seen)
{
    unsigned story = world_bit(world_named("story")), physics = world_bit(world_named("physics"));
    struct buf out = BUF_INIT, text = BUF_INIT;
    int kinds = 0;

    for (int i = 0, open; (open = reading_open("a woman on a cliff", story, i, &out)); i++)
        kinds |= 1 << open;
    CHECK(kinds == (1 << OPEN_DRAWN | 1 << OPEN_USUAL | 1 << OPEN_STATED));
    CHECK(has(buf_str(&out), "time=day time=sunset time=night"));
    CHECK(!has(buf_str(&out), "place=") && !has(buf_str(&out), "subject="));
    buf_clear(&out);
    CHECK_INT(reading_open("a red ball on a grey floor", physics, 0, &out), OPEN_STATED);
    CHECK_INT(reading_open("a red ball on a grey floor", physics, 1, &out), OPEN_STATED);
    CHECK_INT(reading_open("a red ball on a grey floor", physics, 4, &out), OPEN_DRAWN);
    CHECK_STR(buf_str(&out), "light=leftlit light=rightlit");
    CHECK_INT(reading_open("a red ball", physics, 5, &out), OPEN_END);
    buf_clear(&out);
    CHECK_INT(reading_open("a red thing rolls", physics, 2, &out), OPEN_ANYWHERE);
    CHECK_STR(buf_str(&out), "shape=ball shape=box shape=cone shape=cylinder");

    CHECK(reading_seen("a red ball on a grey floor", physics, 3,
                       "floor=slate light=rightlit shape=box color=blue x", &text));
    CHECK(has(buf_str(&text), "floor grey") && has(buf_str(&text), "light rightlit"));
    CHECK(has(buf_str(&text), "red ball") && !has(buf_str(&text), "box"));
    buf_clear(&text);
    /* What is seen is all there is, and goes where it is told, unless it is looked at. */
    for (uint64_t seed = 0; seed < 8; seed++) {
        CHECK(reading_seen("it rolls to the left", physics, seed, "color=blue shape=cone", &text));
        CHECK(!strncmp(buf_str(&text), "blue cone", 9) && has(buf_str(&text), "leftward"));
        CHECK(!has(buf_str(&text), "still"));
        buf_clear(&text);
    }
    CHECK(reading_way("it rolls", physics, 3, &out));
    CHECK(reading_seen("it rolls to the left", physics, 1, "color=blue way=approaching-middle",
                       &text));
    CHECK(has(buf_str(&text), "approaching") && has(buf_str(&text), "middle"));
    buf_clear(&text);
    CHECK(reading_seen("a woman on a cliff", story, 3, "time=sunset color=blue", &text));
    CHECK(has(buf_str(&text), "woman blue") && has(buf_str(&text), "time sunset"));
    buf_clear(&text); /* what is said stays, whatever is seen; nonsense says nothing */
    free(reading_prompt("a woman on a cliff at night", story, 3, "time=sunset x place= =day", &text,
                        &out));
    CHECK(has(buf_str(&text), "time night") && has(buf_str(&text), "place cliff"));
    buf_clear(&text);
    buf_clear(&text); /* the picture's world where none is said, else that of the words */
    CHECK(reading_seen("make it move", story | physics, 3, "world=story time=night", &text));
    CHECK(has(buf_str(&text), "time night"));
    buf_clear(&text);
    CHECK(reading_seen("a red ball", story | physics, 3, "world=story", &text));
    CHECK(has(buf_str(&text), "floor "));
    CHECK(reading_worlds("", story | physics, NULL) == (story | physics));
    CHECK(reading_worlds("", physics, "world=story") == physics);
    CHECK(reading_worlds("", story | physics, "world=stor") == (story | physics));
    buf_clear(&text);
    CHECK(!reading_seen("a monster in a room", story, 3, "weather=snow", &text));
    CHECK(!reading_seen("waves crash against the cliffs", story, 3, "subject=nobody color=red",
                        &text));
    buf_release(&out);
    buf_release(&text);
}

/* q becomes the plan of a film, after the look. */
static void look_of(struct plan *p, const struct bundle *b, struct request *q, const char *prompt,
                    const char *threads)
{
    const struct sink sink = {0};
    struct err e = {0};

    if (request_set(q, "prompt", prompt, &e) || request_set(q, "frames", "5", &e) ||
        request_set(q, "seed", "4", &e) || request_set(q, "threads", threads, &e) ||
        plan_make(p, b->dir, q, NULL, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    CHECK(plan_wants_look(p, q));
    if (plan_look(p, b, q, &sink, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    CHECK(!plan_wants_look(p, q));
}

/* Of one that begins with the picture. */
static void look(struct plan *p, const struct bundle *b, const struct clip *c, const char *prompt,
                 const char *threads)
{
    const struct picture picture = {.w = W, .h = H, .rgb = c->rgb};
    struct request q;

    request_init(&q);
    q.picture[0] = &picture;
    look_of(p, b, &q, prompt, threads);
    request_release(&q);
}

static struct bundle *shipped(void)
{
    char *dir = path_join(ztest_data(".."), "model");
    struct bundle *b;
    struct err e = {0};

    if (bundle_open(&b, dir, device_cpu(), DT_F32, NULL, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    free(dir);
    return b;
}

TEST(look_the_shipped_model_sees_the_time_of_day)
{
    static const char *const times[] = {"time=day", "time=sunset", "time=night"};
    struct bundle *b = shipped();

    for (int i = 0; i < 6; i++) {
        const struct story_facts f = {.subject = STORY_NOBODY,
                                      .place = i < 3 ? STORY_CLIFF : STORY_STREET,
                                      .time = STORY_DAY + i % 3};
        struct clip c;
        struct plan p;

        render(&f, 90 + (uint64_t)i, &c);
        look(&p, b, &c,
             i < 3 ? "waves crash against the cliffs, nobody, wide shot, a photo"
                   : "an empty street, nobody, wide shot, a photo",
             "2");
        if (!has(p.seen, times[i % 3]))
            ztest_fail(__FILE__, __LINE__, "picture %d: %s, not %s", i, p.seen, times[i % 3]);
        CHECK(has(p.prompt, i % 3 == 0 ? "time day" : i % 3 == 1 ? "time sunset" : "time night"));
        plan_release(&p);
        clip_release(&c);
    }
    bundle_free(&b);
}

/* A film that goes on from a picture of another floor is refused: what the seed draws is not it.
 * The light is a shadow's side alone; chance sees half of it. */
TEST(look_the_shipped_model_sees_the_floor_and_the_light)
{
    struct bundle *b = shipped();
    enum { SCENES = 32 };
    int lights = 0;

    for (int i = 0; i < SCENES; i++) {
        const struct facts f = {.event = EVENT_MOVE,
                                .direction = DIRECTION_RIGHT,
                                .floor = FLOOR_GREY + i % 4,
                                .light = LIGHT_LEFT + i / 4 % 2};
        char *floor = xasprintf("floor=%s ", slot_word(SLOT_FLOOR, f.floor));
        struct scene s;
        struct clip c;
        struct plan p;

        scene_from_facts(&s, &f, 40 + (uint64_t)i, 0);
        scene_render(&s, W, H, 1, 8, &c);
        look(&p, b, &c, "something rolls to the right", "2");
        if (!has(p.seen, floor))
            ztest_fail(__FILE__, __LINE__, "picture %d: %s, not %s", i, p.seen, floor);
        lights += has(p.seen, slot_word(SLOT_LIGHT, f.light));
        plan_release(&p);
        clip_release(&c);
        free(floor);
    }
    CHECK(8 * lights > 5 * SCENES);
    bundle_free(&b);
}

/* Wherever it is: the picture is from the midst of a film. What the seed draws would turn into it.
 */
TEST(look_the_shipped_model_sees_what_moves)
{
    enum { PICTURES = 16, AT = 6 };
    struct bundle *b = shipped();
    int colors = 0, shapes = 0;

    for (int i = 0; i < PICTURES; i++) {
        struct facts f = {.n_objects = 1, .event = EVENT_MOVE, .direction = 1 + i / 4};
        struct scene s;
        struct clip c, last;
        struct plan p;

        f.object[0] = (struct object_facts){.color = 1 + i % 8, .shape = 1 + i % 4};
        scene_from_facts(&s, &f, 240 + (uint64_t)i, 0);
        scene_render(&s, W, H, AT + 1, 8, &c);
        last = c;
        last.rgb += (size_t)AT * W * H * 3;
        look(&p, b, &last, i % 2 ? "it goes on" : "something rolls to the right", "2");
        colors += has(p.seen, slot_word(SLOT_COLOR, f.object[0].color));
        shapes += has(p.seen, slot_word(SLOT_SHAPE, f.object[0].shape));
        CHECK(!has(p.seen, "way="));
        plan_release(&p);
        clip_release(&c);
    }
    if (colors < PICTURES - 2 || shapes < PICTURES / 2)
        ztest_fail(__FILE__, __LINE__, "%d colours, %d shapes", colors, shapes);
    bundle_free(&b);
}

/* A film without a recipe is changed, or gone on from: it is looked at as it ends. */
TEST(look_the_shipped_model_sees_how_a_film_ends)
{
    struct bundle *b = shipped();
    char *path = ztest_in_tmp("no-recipe.y4m");
    struct film_options o = fixture_film_options(W, H);
    struct film_writer *out;
    struct request q;
    struct plan p;
    struct err e = {0};

    o.fps_num = 8;
    CHECK_INT(film_open(&out, path, &o, &e), 0);
    for (int i = 0; i < 5; i++) {
        const struct story_facts f = {
            .subject = STORY_NOBODY, .place = STORY_CLIFF, .time = i < 4 ? STORY_DAY : STORY_NIGHT};
        struct clip c;

        render(&f, 90, &c);
        CHECK_INT(film_write(out, c.rgb, &e), 0);
        clip_release(&c);
    }
    CHECK_INT(film_finish(&out, &e), 0);
    request_init(&q);
    CHECK_INT(request_set(&q, "from", path, &e), 0);
    look_of(&p, b, &q, "waves crash against the cliffs, nobody, wide shot, a photo", "2");
    CHECK(has(p.seen, "time=night") && has(p.prompt, "time night"));
    plan_release(&p);
    CHECK_INT(request_set(&q, "strength", "1", &e), 0); /* nothing of the film is left */
    CHECK_INT(plan_make(&p, b->dir, &q, NULL, &e), 0);
    CHECK(!plan_wants_look(&p, &q));
    plan_release(&p);
    request_release(&q);
    for (int i = 0; i < 2; i++) { /* what is drawn stands beside its last frame, or its first */
        request_init(&q);
        CHECK_INT(request_set(&q, i ? "lead_to" : "extend", path, &e), 0);
        CHECK_INT(request_set(&q, "frames", "5", &e), 0);
        look_of(&p, b, &q, "waves crash against the cliffs, nobody, wide shot, a photo", "2");
        CHECK(has(p.seen, i ? "time=day" : "time=night"));
        plan_release(&p);
        request_release(&q);
    }
    bundle_free(&b);
    free(path);
}

/* Words that name nothing say no world: of renders of both the picture does. */
TEST(look_a_note_does_not_say_the_seed_of_what_a_picture_shows)
{
    static const char *const seen[] = {NULL, ""};

    for (int i = 0; i < 2; i++) {
        struct buf text = BUF_INIT, unknown = BUF_INIT;
        char *note = reading_prompt("beautiful, please", 3, 1, seen[i], &text, &unknown);

        CHECK_CONTAINS(note, i ? "comes from what is given" : "comes from the seed");
        buf_release(&text);
        buf_release(&unknown);
        free(note);
    }
}

TEST(look_the_shipped_model_sees_which_world_it_is)
{
    static const char *const prompts[] = {"make it move", "让它动起来", "zoom in slowly"};
    struct bundle *b = shipped();

    for (int i = 0; i < 6; i++) {
        const struct story_facts story = {.subject = 1 + i % 5, .place = 1 + i / 2};
        const struct facts physics = {.event = EVENT_MOVE + i % 2, .floor = FLOOR_GREY + i / 2};
        struct scene s;
        struct clip c;
        struct plan p;

        if (i % 2) {
            scene_from_facts(&s, &physics, 160 + (uint64_t)i, 0);
            scene_render(&s, W, H, 1, 8, &c);
        } else {
            render(&story, 160 + (uint64_t)i, &c);
        }
        look(&p, b, &c, prompts[i / 2], "2");
        if (!has(p.seen, i % 2 ? "world=physics" : "world=story") ||
            !has(p.prompt, i % 2 ? "floor " : "place "))
            ztest_fail(__FILE__, __LINE__, "picture %d: %s, %s", i, p.seen, p.prompt);
        plan_release(&p);
        clip_release(&c);
    }
    bundle_free(&b);
}

TEST(look_does_not_hang_on_threads)
{
    const struct story_facts f = {.subject = STORY_WOMAN, .place = STORY_STREET};
    struct bundle *b = shipped();
    struct plan one, three;
    struct clip c;

    render(&f, 7, &c);
    look(&one, b, &c, "a woman walks down a street, a photo, wide shot", "1");
    look(&three, b, &c, "a woman walks down a street, a photo, wide shot", "3");
    CHECK_STR(one.seen, three.seen);
    CHECK_STR(one.prompt, three.prompt);
    plan_release(&one);
    plan_release(&three);
    clip_release(&c);
    bundle_free(&b);
}

static zt_job *job(const char *model, const char *picture, const char *film, const char *again)
{
    const char *const set[] = {"model",       model,   "prompt", "waves crash against the cliffs",
                               "first-frame", picture, "seed",   "5",
                               "frames",      "5",     "steps",  "1",
                               "size",        "native"};
    char error[512] = "";
    zt_job *j;

    zt_job_new(&j, NULL);
    if (again)
        CHECK_INT(zt_job_set_film(j, again, error, sizeof error), 0);
    for (size_t i = 0; i < sizeof set / sizeof *set; i += 2)
        if (!again || !strcmp(set[i], "model") || !strcmp(set[i], "first-frame"))
            CHECK_INT(zt_job_set(j, set[i], set[i + 1], error, sizeof error), 0);
    CHECK_INT(zt_job_set(j, "force-picture", "yes", error, sizeof error), 0);
    CHECK_INT(zt_job_set(j, "output", film, error, sizeof error), 0);
    if (zt_job_run(j, error, sizeof error))
        ztest_fail(__FILE__, __LINE__, "%s", error);
    return j;
}

TEST(look_stands_in_the_recipe_and_is_not_repeated)
{
    const struct story_facts f = {
        .subject = STORY_NOBODY, .place = STORY_CLIFF, .time = STORY_SUNSET};
    char *dir = path_join(ztest_data(".."), "model"), *picture, *first, *second;
    struct clip c;
    struct err e = {0};

    render(&f, 90, &c);
    const struct picture rendered = {.w = W, .h = H, .rgb = c.rgb};
    picture = ztest_in_tmp("sunset.png");
    first = ztest_in_tmp("first.y4m");
    second = ztest_in_tmp("second.y4m");
    CHECK_INT(picture_save(&rendered, picture, &e), 0);
    zt_job *a = job(dir, picture, first, NULL);
    CHECK(has(zt_job_get(a, "run_note"), "the picture shows: time sunset"));
    CHECK(has(zt_job_get(a, "canonical_prompt"), "time sunset"));
    CHECK(has(zt_job_recipe(a), "\"picture_words\": \"time=sunset"));
    zt_job *b = job(dir, picture, second, first);
    CHECK(!has(zt_job_get(b, "run_note"), "shows"));
    CHECK(has(zt_job_get(b, "canonical_prompt"), "time sunset"));
    char *hash = xstrdup(zt_job_get(a, "latent_hash"));
    CHECK_STR(zt_job_get(b, "latent_hash"), hash);
    free(hash);
    zt_job_free(&a);
    zt_job_free(&b);
    clip_release(&c);
    free(picture);
    free(first);
    free(second);
    free(dir);
}

static char *canonical(const char *film, const char *gone_on, const char *prompt, const char *seed)
{
    char *dir = path_join(ztest_data(".."), "model"), error[512] = "";
    const char *const set[] = {"model", dir,      "prompt", prompt,  "frames", "5",  "steps", "1",
                               "size",  "native", "extend", gone_on, "output", film, "seed",  seed};
    zt_job *j;
    int rc = 0;

    zt_job_new(&j, NULL);
    for (size_t i = 0; !rc && i < sizeof set / sizeof *set; i += 2)
        if (set[i + 1])
            rc = zt_job_set(j, set[i], set[i + 1], error, sizeof error);
    if (rc || (film ? zt_job_run(j, error, sizeof error) : zt_job_plan(j, error, sizeof error)))
        ztest_fail(__FILE__, __LINE__, "%s", error);
    char *text = xstrdup(zt_job_get(j, "canonical_prompt"));
    zt_job_free(&j);
    free(dir);
    return text;
}

/* Who goes on from a film of ours with other words stays at its time and place. */
TEST(look_is_not_needed_where_the_film_says_it)
{
    char *film = ztest_in_tmp("at-sunset.y4m"), *ball = ztest_in_tmp("ball.y4m"), *first, *next,
         *night;

    first = canonical(film, NULL, "waves crash against the cliffs at sunset", "1");
    next = canonical(NULL, film, "a woman walks", NULL);
    night = canonical(NULL, film, "a woman walks at night", NULL);
    CHECK(has(first, "place cliff") && has(first, "time sunset"));
    CHECK(has(next, "woman") && has(next, "place cliff") && has(next, "time sunset"));
    CHECK(has(night, "place cliff") && has(night, "time night"));
    free(first), free(next), free(night);

    first = canonical(ball, NULL, "a red ball rolls on a checkered floor", "1");
    next = canonical(NULL, ball, "a blue box falls", NULL);
    CHECK(has(first, "floor checker") && has(next, "floor checker") && has(next, "blue"));
    free(first), free(next), free(film), free(ball);
}

/* A film that is drawn anew has the words of one prompt, or is looked at. */
TEST(look_at_a_source_of_many_shots)
{
    static const char *const said[][2] = {
        {"prompt", "waves crash against the cliffs at sunset"},
        {"shots", "[{\"prompt\": \"a monster by a candle\", \"seconds\": 0.6},"
                  " {\"prompt\": \"a red ball rolls\", \"seconds\": 0.6, \"join\": \"cut\"}]"}};
    char *dir = path_join(ztest_data(".."), "model"), error[512];

    for (int shots = 0; shots < 2; shots++) {
        char *film = ztest_in_tmp("source.y4m");
        const char *const set[] = {
            "model", dir,    "frames", shots ? NULL : "5", "steps", "1", "size", "native", "output",
            film,    "seed", "1",      "overwrite",        "yes"};
        struct request q;
        struct plan p;
        struct err e;
        zt_job *j;

        zt_job_new(&j, NULL);
        for (size_t i = 0; i < sizeof set / sizeof *set; i += 2)
            if (set[i + 1])
                CHECK_INT(zt_job_set(j, set[i], set[i + 1], error, sizeof error), 0);
        CHECK_INT(zt_job_set(j, said[shots][0], said[shots][1], error, sizeof error), 0);
        if (zt_job_run(j, error, sizeof error))
            ztest_fail(__FILE__, __LINE__, "%s", error);
        zt_job_free(&j);
        request_init(&q);
        CHECK_INT(request_set(&q, "prompt", "the same at night", &e), 0);
        CHECK_INT(request_set(&q, "from", film, &e), 0);
        CHECK_INT(plan_make(&p, dir, &q, NULL, &e), 0);
        CHECK_INT(plan_wants_look(&p, &q), shots);
        plan_release(&p);
        request_release(&q);
        free(film);
    }
    free(dir);
}
