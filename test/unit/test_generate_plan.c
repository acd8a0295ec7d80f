/* Plans: sizes, lengths, forecasts and refusals, on the model of random weights. */
#include <stdlib.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/tree.h"
#include "fixture.h"
#include "generate/pipeline.h"
#include "generate/sampler.h"
#include "generate/velocity.h"
#include "media/picture.h"
#include "walled.h"
#include "ztest.h"

#define PLAN(p, e, ...)                                                                            \
    fixture_plan(p, e, fixture_dir(),                                                              \
                 (const char *const[]){"prompt", "a red ball", __VA_ARGS__, NULL})

TEST(plan_takes_what_the_model_says)
{
    struct plan p;
    struct err e;

    CHECK_INT(PLAN(&p, &e, "seed", "7"), 0);
    CHECK_INT(p.w, 48);
    CHECK_INT(p.h, 32);
    CHECK_INT(p.film_w, 384); /* 8 times, so that 256 rows are shown */
    CHECK_INT(p.film_h, 256);
    CHECK_INT(p.n_frames, 9);
    CHECK_INT(p.n_film, 9);
    CHECK_INT(p.t, 3);
    CHECK_INT(p.steps, 4);
    CHECK_INT(p.seed, 7);
    CHECK_STR(p.sampler, "unipc");
    CHECK(p.fps == 8 && p.guidance.scale == 3);
    CHECK(p.forecast_s > 0 && p.memory_bytes > p.weight_bytes && p.flops > 0);
    plan_release(&p);
}

TEST(plan_says_what_of_a_wish_is_not_drawn)
{
    static const struct {
        const char *prompt, *unknown, *note;
    } rows[] = {
        {"a red ball", "", NULL},
        {"a red ball \xf0\x9f\x94\xb4", "\xf0\x9f\x94\xb4", NULL},
        {"\xd1\x88\xd0\xb0\xd1\x80", "\xd1\x88\xd0\xb0\xd1\x80", "says nothing"},
        {"123 !", "", "says nothing"},
        {"a panda", "panda", "says nothing"},
    };
    struct buf many = BUF_INIT;
    struct plan p;
    struct err e;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *settings[] = {"prompt", rows[i].prompt, NULL};

        CHECK_INT(fixture_plan(&p, &e, "model", settings), 0);
        CHECK_STR(p.unknown, rows[i].unknown);
        CHECK(!p.note == !rows[i].note);
        CHECK_CONTAINS(p.note ? p.note : "", rows[i].note ? rows[i].note : "");
        plan_release(&p);
    }
    CHECK_INT(PLAN(&p, &e, "strength", "0.5", "control-scale", "2"), 0);
    CHECK_CONTAINS(p.note, "strength is of the film");
    CHECK_CONTAINS(p.note, "control-scale is of VACE");
    plan_release(&p);
    for (int i = 0; i < 300; i++)
        buf_puts(&many, "a red ball ");
    const char *settings[] = {"prompt", buf_str(&many), NULL};
    CHECK_INT(fixture_plan(&p, &e, "model", settings), 0);
    CHECK_CONTAINS(p.note ? p.note : "", "longer than the 2500 characters");
    plan_release(&p);
    buf_release(&many);
}

TEST(plan_sizes)
{
    static const struct {
        const char *size, *aspect;
        int w, h, film_w, film_h;
    } cases[] = {
        {NULL, "9:16", 16, 48, 256, 768},
        {NULL, "1:1", 32, 32, 256, 256},
        {"native", NULL, 48, 32, 48, 32},
        {"native", "1:1", 32, 32, 32, 32},
        {"640x426", NULL, 48, 32, 640, 426},
        {"640*426", NULL, 48, 32, 640, 426}, /* as Wan's own programs write it */
        {"720x1080", NULL, 32, 48, 720, 1080} /* the model's own shape, turned */,
        {"500x500", NULL, 32, 32, 500, 500},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan p;
        struct err e;
        const char *settings[] = {"prompt", "x y", NULL, NULL, NULL, NULL, NULL};
        int n = 2;
        if (cases[i].size) {
            settings[n++] = "size";
            settings[n++] = cases[i].size;
        }
        if (cases[i].aspect) {
            settings[n++] = "aspect";
            settings[n++] = cases[i].aspect;
        }
        CHECK_INT(fixture_plan(&p, &e, fixture_dir(), settings), 0);
        CHECK_INT(p.w, cases[i].w);
        CHECK_INT(p.h, cases[i].h);
        CHECK_INT(p.film_w, cases[i].film_w);
        CHECK_INT(p.film_h, cases[i].film_h);
        plan_release(&p);
    }
}

/* A picture decides the shape unless one is said; what is cut off is said. 32x96 is what a recipe
 * keeps of a film that was shaped by such a picture. */
TEST(plan_a_first_frame_shapes_the_film)
{
    static const struct {
        int w, h;
        const char *name, *value;
        int drawn_w, drawn_h;
        const char *note;
    } cases[] = {
        {96, 64, "size", "native", 48, 32, NULL},
        {98, 64, "size", "native", 48, 32, NULL},
        {64, 96, "size", "native", 32, 48, "for the first-frame of 64x96"},
        {64, 128, "size", "native", 16, 48,
         "33 % of the first-frame of 64x128 is cut off at its sides"},
        {64, 128, "size", "32x96", 16, 48, "cut off at its sides"},
        {64, 128, "size", "96x64", 48, 32, "67 % of the first-frame"},
        {128, 64, "aspect", "1:1", 32, 32,
         "50 % of the first-frame of 128x64 is cut off at its sides"},
        {640, 16, "size", "native", 64, 16, "cut off at its sides"},
    };
    char *path = ztest_in_tmp("shape.ppm");

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct picture pic;
        struct plan p;
        struct err e = {0};

        picture_init(&pic, cases[i].w, cases[i].h);
        CHECK_INT(picture_save(&pic, path, &e), 0);
        picture_release(&pic);
        CHECK_INT(PLAN(&p, &e, "first-frame", path, cases[i].name, cases[i].value), 0);
        CHECK_INT(p.w * 1000 + p.h, cases[i].drawn_w * 1000 + cases[i].drawn_h);
        if (cases[i].note)
            CHECK_CONTAINS(p.note ? p.note : "", cases[i].note);
        else
            CHECK(!p.note);
        plan_release(&p);
    }
    free(path);
}

/* As the reference: at 1 and below it is off, in a request and in a model. */
TEST(plan_guidance_below_one_is_none)
{
    struct plan p;
    struct err e;

    CHECK_INT(PLAN(&p, &e, "guidance", "0.5"), 0);
    CHECK(p.guidance.scale == 1);
    plan_release(&p);
    CHECK_INT(PLAN(&p, &e, "guidance", "1.5"), 0);
    CHECK(p.guidance.scale == 1.5);
    plan_release(&p);
}

/* What the model says of given frames gives way to what is said of all, and never goes beyond. */
TEST(plan_guidance_of_given_frames)
{
    static const struct {
        const char *to, *given;
        double want;
    } cases[] = {{NULL, NULL, 1},     {NULL, "0.7", 0.7}, {"0.5", NULL, 0.5},
                 {"0.5", "0.7", 0.5}, {"1", NULL, 1},     {"1", "0.7", 0.7}};
    char *dir = ztest_in_tmp("says-0.8");
    struct bundle_info info;
    struct err e = {0};

    CHECK_INT(tree_copy(fixture_dir(), dir, NULL, &e), 0);
    CHECK_INT(bundle_info_read(&info, dir, &e), 0);
    CHECK(info.guidance_given == 0);
    info.guidance_given = 0.8;
    CHECK_INT(bundle_info_write(&info, dir, &e), 0);
    for (int m = 0; m < 2; m++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct request r;
            struct plan p;
            double want = m && i == 0 ? 0.8 : cases[i].want;

            request_init(&r);
            CHECK_INT(request_set(&r, "prompt", "a red ball", &e), 0);
            if (cases[i].to)
                CHECK_INT(request_set(&r, "guidance-to", cases[i].to, &e), 0);
            if (cases[i].given)
                CHECK_INT(request_set(&r, "guidance-to-given", cases[i].given, &e), 0);
            CHECK_INT(plan_make(&p, m ? dir : fixture_dir(), &r, NULL, &e), 0);
            CHECK(p.guidance.to_given == want);
            plan_release(&p);
            request_release(&r);
        }
    free(dir);
}

TEST(plan_lengths)
{
    static const struct {
        const char *name, *value, *fps;
        int drawn, t, film;
    } cases[] = {{"seconds", "1", NULL, 8, 3, 8},     {"seconds", "0.1", NULL, 1, 1, 1},
                 {"seconds", "5", NULL, 40, 11, 40},  {"frames", "1", NULL, 1, 1, 1},
                 {"frames", "6", NULL, 6, 3, 6},      {"seconds", "1", "24", 9, 3, 24},
                 {"seconds", "1", "4", 8, 3, 4},      {"seconds", "0.76", "24", 7, 3, 18},
                 {"seconds", "1.3", "24", 12, 4, 31}, {"seconds", "2", "29.97", 17, 5, 60},
                 {"seconds", "0.01", "240", 1, 1, 2}, {"frames", "9", "4", 9, 3, 5}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan p;
        struct err e;
        CHECK_INT(
            PLAN(&p, &e, cases[i].name, cases[i].value, cases[i].fps ? "fps" : NULL, cases[i].fps),
            0);
        CHECK_INT(p.n_frames, cases[i].drawn);
        CHECK_INT(p.t, cases[i].t);
        CHECK_INT(p.n_film, cases[i].film);
        int last = 0; /* every frame of the film shows a drawn one, in order */
        for (int k = 0; k < p.n_film; k++) {
            CHECK(plan_drawn_frame(&p, k) >= last && plan_drawn_frame(&p, k) < p.n_frames);
            last = plan_drawn_frame(&p, k);
        }
        plan_release(&p);
    }
}

TEST(plan_refuses)
{
    struct plan p;
    struct err e;

    CHECK_INT(fixture_plan(&p, &e, fixture_dir(), (const char *const[]){"steps", "3", NULL}),
              ERR_USAGE);
    CHECK_CONTAINS(e.msg, "prompt");
    CHECK_INT(
        fixture_plan(&p, &e, fixture_dir(), (const char *const[]){"prompt", " \t\n\u3000", NULL}),
        ERR_USAGE);
    CHECK_CONTAINS(e.msg, "prompt");
    CHECK_INT(PLAN(&p, &e, "seconds", "100000", "fps", "240"), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "frames");
    CHECK_INT(PLAN(&p, &e, "first-frame", "/nowhere/x.png"), ERR_IO);
    CHECK_CONTAINS(e.msg, "/nowhere/x.png");
}

TEST(plan_says_when_a_film_is_drawn_in_windows)
{
    struct plan p;
    struct err e;

    CHECK_INT(PLAN(&p, &e, "frames", "9"), 0);
    CHECK(!p.note);
    plan_release(&p);
    CHECK_INT(PLAN(&p, &e, "frames", "17"), 0);
    CHECK_CONTAINS(p.note, "at most 9 frames");
    CHECK_CONTAINS(p.note, "2 windows");
    plan_release(&p);
}

#define SHOT(words, more) "{\"prompt\": \"" words "\"" more "}"

/* Every latent frame in one window; each knows a past of its own take, or begins one. */
static void check_shown_once(const struct plan *p)
{
    int end = 0;

    for (int k = 0; k < plan_windows(p); k++) {
        struct plan_window w = plan_window(p, k);

        CHECK_INT(w.fresh, !w.of_shot && p->shot[w.shot].cut);
        CHECK_INT(w.first + w.given, end);
        CHECK(w.fresh ? !w.given : w.given >= 1 && w.first >= w.take);
        end = w.first + w.shown;
    }
    CHECK_INT(end, p->t);
}

/* The fixture draws 8 per second, one frame in the first latent frame and 4 in each other, 3 at
 * once, one of them given. */
TEST(plan_lays_shots)
{
    static const struct {
        const char *shots;
        int t, window, windows, n_film, frame[2]; /* of shot 1 and 2: the first of its take */
        int first[3];
    } rows[] = {
        {SHOT("a", ", \"seconds\": 1"), 3, 3, 1, 8, {0}, {0}},
        {SHOT("a", ", \"seconds\": 0.1"), 1, 1, 1, 1, {0}, {0}},
        /* a cut leaves out what the codec has beyond the end: frames 5 to 8 are of shot 2 */
        {SHOT("a", ", \"seconds\": 0.5") "," SHOT("b", ", \"seconds\": 1, \"join\": \"cut\""),
         5,
         3,
         2,
         12,
         {0, 4},
         {0, 2}},
        /* what goes on begins with a latent frame, and the take ends where it should */
        {SHOT("a", ", \"seconds\": 0.5") "," SHOT("b", ", \"seconds\": 1"),
         4,
         3,
         2,
         12,
         {0, 0},
         {0, 2}},
        {SHOT("a", ", \"seconds\": 3") "," SHOT("b", ", \"seconds\": 0.1") "," SHOT(
             "c", ", \"seconds\": 2, \"join\": \"cut\""),
         13,
         3,
         6,
         45,
         {0, 0},
         {0, 7, 8}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan p;
        struct err e;
        char list[512];

        snprintf(list, sizeof list, "[%s]", rows[i].shots);
        CHECK_INT(PLAN(&p, &e, "shots", list), 0);
        CHECK_INT(p.t, rows[i].t);
        CHECK_INT(p.window, rows[i].window);
        CHECK_INT(plan_windows(&p), rows[i].windows);
        CHECK_INT(p.n_film, rows[i].n_film);
        for (int s = 0; s < p.n_shots; s++)
            CHECK_INT(p.shot[s].first, rows[i].first[s]);
        for (int s = 0; s < p.n_shots && s < 2; s++)
            CHECK_INT(p.shot[s].frame, rows[i].frame[s]);
        check_shown_once(&p);
        plan_release(&p);
    }
}

TEST(plan_names_what_is_wrong_with_shots)
{
    static const char *const rows[][2] = {
        {"{}", "a list of 1 to"},
        {"[]", "a list of 1 to"},
        {"[1]", "shot 1 is no object"},
        {"[{\"prompt\": \"a\", \"seconds\": 1}, 5]", "shot 2 is no object"},
        {"[" SHOT("a", "") "]", "seconds"},
        {"[" SHOT("a", ", \"seconds\": 1") "," SHOT("a", ", \"seconds\": 0") "]", "shot 2"},
        {"[" SHOT("a", ", \"seconds\": 1") "," SHOT("", ", \"seconds\": 1") "]", "prompt"},
        {"[" SHOT("a", ", \"seconds\": 1, \"join\": \"fade\"") "]", "flow, cut"},
        {"[" SHOT("a", ", \"seconds\": 1, \"sead\": 3") "]", "seed"},
        {"[" SHOT("a", ", \"seconds\": 1, \"seed\": -3") "]", "seed"},
        {"[" SHOT("a", ", \"seconds\": 99999, \"seed\": 3") "]", "would"},
        {"[" SHOT("a", ", \"seconds\": 1") "] 5", "shots"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan p;
        struct err e;
        int rc = PLAN(&p, &e, "shots", rows[i][0]);

        if (!strcmp(rows[i][1], "would")) { /* long is no fault */
            CHECK_INT(rc, 0);
            plan_release(&p);
            continue;
        }
        CHECK_INT(rc, ERR_USAGE);
        CHECK_CONTAINS(e.msg, "shot");
        CHECK_CONTAINS(e.msg, rows[i][1]);
    }
    struct plan p;
    struct err e;
    CHECK_INT(PLAN(&p, &e, "seconds", "3", "shots", "[" SHOT("a", ", \"seconds\": 1") "]"),
              ERR_USAGE);
    CHECK_CONTAINS(e.msg, "seconds: ");
}

TEST(plan_names_of_sizes_and_shapes)
{
    static const struct {
        const char *size, *aspect;
        int w, h;
    } rows[] = {{"720p", "16:9", 1280, 720}, {"1080p", "9:16", 1080, 1920},
                {"480p", "1:1", 480, 480},   {"240p", "4:3", 320, 240},
                {"360p", "3:4", 360, 480},   {"1080p", "21:9", 2520, 1080}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan p;
        struct err e;

        CHECK_INT(PLAN(&p, &e, "size", rows[i].size, "aspect", rows[i].aspect, "frames", "1"), 0);
        CHECK_INT(p.film_w, rows[i].w);
        CHECK_INT(p.film_h, rows[i].h);
        CHECK(rows[i].w > rows[i].h ? p.w >= p.h : p.w <= p.h); /* in steps of 16 px */
        plan_release(&p);
    }
    struct plan p;
    struct err e;
    CHECK_INT(PLAN(&p, &e, "size", "721p"), ERR_USAGE);
    CHECK_INT(PLAN(&p, &e, "aspect", "5:4"), ERR_USAGE);
}

/* Every latent frame is shown once, in order; windows know so much of the past as was settled, the
 * last one too. */
TEST(plan_windows_cover_the_film)
{
    static const char *const frames[] = {"1", "5", "9", "10", "17", "21", "25", "201", "4001"};

    for (size_t k = 0; k < sizeof frames / sizeof *frames; k++) {
        struct plan p;
        struct err e;
        int end = 0;

        CHECK_INT(PLAN(&p, &e, "frames", frames[k]), 0);
        for (int i = 0; i < plan_windows(&p); i++) {
            struct plan_window w = plan_window(&p, i);
            CHECK_INT(w.given, i ? p.context : 0);
            CHECK(w.shown > w.given && w.shown <= p.window);
            CHECK_INT(w.first + w.given, end);
            end = w.first + w.shown;
        }
        CHECK_INT(end, p.t);
        plan_release(&p);
    }
}

/* What the refusal says would fit does fit, and one group of frames more does not. */
TEST(plan_says_what_would_fit)
{
    struct plan p;
    struct err e;
    uint64_t memory;
    const char *says;

    CHECK_INT(PLAN(&p, &e, "frames", "5", "seed", "1"), 0);
    memory = p.memory_bytes + 100;
    plan_release(&p);
    CHECK_INT(PLAN(&p, &e, "frames", "9", "seed", "1"), 0);
    CHECK_INT(plan_forecast(&p, memory, NULL, &e), ERR_FIT);
    plan_release(&p);
    CHECK_CONTAINS(e.msg, "would fit");
    says = strstr(e.msg, " frames (");
    CHECK(says && !strncmp(says - 3, ". 5", 3));
    CHECK_INT(PLAN(&p, &e, "frames", "5", "seed", "1"), 0);
    CHECK_INT(plan_forecast(&p, memory, NULL, &e), 0);
    plan_release(&p);
}

/* Memory does not grow with the film; time does. */
TEST(plan_of_a_long_film)
{
    struct plan p, q;
    struct err e;

    CHECK_INT(PLAN(&p, &e, "frames", "801", "seed", "1"), 0);
    CHECK_INT(PLAN(&q, &e, "frames", "8001", "seed", "1"), 0);
    CHECK_INT(p.memory_bytes, q.memory_bytes);
    CHECK_BELOW(fabs(q.flops / p.flops - 10), 0.1);
    plan_release(&p);
    plan_release(&q);
}

static double flops(const char *name, const char *value)
{
    struct plan p;
    struct err e;

    CHECK_INT(PLAN(&p, &e, "seed", "1", "steps", "4", name, value), 0);
    double n = p.flops;
    plan_release(&p);
    return n;
}

/* Operations are those of all evaluations: heun has 2 n - 1, guidance two samples where it works,
 * and the text encoder and the codec have their own. */
TEST(plan_counts_every_evaluation)
{
    char *picture = ztest_in_tmp("first.ppm");
    struct err e;
    double euler = flops("sampler", "euler"), one = flops("guidance", "1");
    double none = flops("guidance-from", "1"), part = flops("guidance-to", "0.95");

    CHECK_INT(file_write(picture, "P6\n3 2\n255\nabcdefghijklmnopqr", 29, &e), 0);
    CHECK(flops("first-frame", picture) > euler);
    CHECK(flops("negative", "a blue cube") > euler);
    CHECK(one < part && part < euler && none < euler);
    CHECK(flops("guidance-to-given", "0") == euler);
    for (const char *const *s = sampler_names(); *s; s++) {
        double at_4 = flops("sampler", *s);

        CHECK_BELOW(fabs((at_4 - one) / (euler - one) - 1), strcmp(*s, "heun") ? 1e-9 : 99);
    }
    double step = flops("steps", "5") - euler;
    CHECK_BELOW(fabs((flops("sampler", "heun") - euler) / (3 * step) - 1), 1e-9);
    free(picture);
}

/* A device without memory refuses; it is not our bug. */
TEST(plan_on_a_full_device_is_refused)
{
    struct plan p;
    struct err e;

    CHECK_INT(PLAN(&p, &e, "frames", "5"), 0);
    p.device = walled_device(4096);
    CHECK_INT(plan_forecast(&p, UINT64_MAX, NULL, &e), ERR_FIT);
    CHECK_CONTAINS(e.msg, "walled");
    CHECK_INT(walled_held(), 0);
    p.device = walled_device((size_t)1 << 30);
    CHECK_INT(plan_forecast(&p, UINT64_MAX, NULL, &e), 0);
    CHECK(p.device_bytes == 0 && p.flops > 0); /* it does not say how much it has */
    plan_release(&p);
}

TEST(plan_says_when_nothing_fits)
{
    struct plan p;
    struct err e;

    CHECK_INT(PLAN(&p, &e, "frames", "9"), 0);
    CHECK_INT(plan_forecast(&p, 1 << 20, NULL, &e), ERR_FIT);
    CHECK_CONTAINS(e.msg, "not even one picture fits: it needs ");
    const char *least = strstr(e.msg, "it needs ") + strlen("it needs ");
    char *unit;
    double bytes = strtod(least, &unit) * (1 << 20);
    CHECK_STR(unit, " MiB");
    /* One does then, and of this model nine where what is said was rounded far enough up. */
    if (plan_forecast(&p, (uint64_t)bytes, NULL, &e))
        CHECK_CONTAINS(e.msg, " would fit");
    CHECK_INT(plan_forecast(&p, (uint64_t)bytes - (2 << 20), NULL, &e), ERR_FIT);
    CHECK_CONTAINS(e.msg, "not even one picture fits");
    plan_release(&p);
}

TEST(plan_can_be_stopped_while_it_looks_for_what_fits)
{
    struct plan p;
    struct err e;
    atomic_int stop = 1;

    CHECK_INT(PLAN(&p, &e, "frames", "9"), 0);
    CHECK_INT(plan_forecast(&p, 1 << 20, &stop, &e), ERR_CANCEL);
    plan_release(&p);
}

/* The dry run's memory is that of the real one. */
TEST(plan_memory_is_that_of_the_run)
{
    struct plan p;
    struct err e;
    struct bundle *b;
    struct cx dry, real;
    struct velocity v;
    float *x;

    CHECK_INT(PLAN(&p, &e, "type", "f32", "frames", "41"), 0);
    p.window = 11; /* longer than that of the model, so that there is something to be measured */
    CHECK_INT(bundle_open(&b, fixture_dir(), device_cpu(), p.type, NULL, &e), 0);
    cx_init(&real, device_cpu(), p.type, NULL);
    CHECK_INT(velocity_of_plan(&v, &real, b, &p, NULL, NULL, &e), 0);
    x = xcalloc(2 * latent_count(&v.ask.shape), sizeof *x);
    rng_fill_normal(x, latent_count(&v.ask.shape), 1, 0, 0); /* of what is flat, all is the same */
    cx_reset_peak(&real);
    CHECK_INT(velocity_at(&v, x, 500, 0.5, x + latent_count(&v.ask.shape), &e), 0);
    cx_init(&dry, device_null(), p.type, NULL);
    struct velocity_ask ask = velocity_ask_of(&p, b);
    velocity_dry(&ask, &dry, 0, 2, 1, p.words);
    CHECK_BELOW(fabs((double)cx_peak_bytes(&dry) / (double)cx_peak_bytes(&real) - 1), 0.01);
    velocity_release(&v);
    cx_release(&dry);
    cx_release(&real);
    free(x);
    bundle_free(&b);
    plan_release(&p);
}
