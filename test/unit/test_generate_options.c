/* The option table, requests as strings and JSON, the latent's layouts, samplers' refusals. */
#include <stdlib.h>

#include "base/utf8.h"
#include "generate/latent.h"
#include "generate/options.h"
#include "generate/reading.h"
#include "generate/sampler.h"
#include "ztest.h"

TEST(option_table_is_complete)
{
    for (int i = 0; i < N_OPTIONS; i++) {
        CHECK(options[i].name && options[i].help && options[i].range && options[i].fallback);
        CHECK((options[i].kind == OPTION_CHOICE) == (options[i].choices != NULL));
        for (int k = 0; k < i; k++)
            CHECK(strcmp(options[i].name, options[k].name));
    }
}

TEST(option_samplers_are_those_there_are)
{
    const char *const *a = sampler_names(), *const *b = options[OPT_SAMPLER].choices;

    for (; *a && *b; a++, b++) {
        CHECK_STR(*b, *a);
        CHECK_CONTAINS(options[OPT_SAMPLER].range, *a);
    }
    CHECK(!*a && !*b);
    CHECK_STR(options[OPT_SAMPLER].range, "euler, unipc, dpmpp-2m, heun, lcm");
}

/* Films that were made before there was an option are what they were. */
TEST(option_recipe_older_than_options)
{
    static const char *const recipes[] = {
        "{\"zoetrope\": 1, \"prompt\": \"a ball\", \"fps\": 24}",
        "{\"zoetrope\": 1, \"prompt\": \"a ball\", \"fps\": 24, "
        "\"interpolate\": \"motion\", \"stagger\": 0.7, "
        "\"sharpen\": 0.6, \"fade\": 0.1, \"picture-detail\": 0.5, \"guidance_to_given\": 0.7}"};

    for (int i = 0; i < 2; i++) {
        struct request r;
        struct err e = {0};

        request_init(&r);
        CHECK_INT(request_set_recipe(&r, recipes[i], strlen(recipes[i]), "film.mp4", &e), 0);
        CHECK_STR(request_text(&r, OPT_INTERPOLATE), i ? "motion" : "repeat");
        CHECK(r.value[OPT_STAGGER].set);
        CHECK(request_real(&r, OPT_STAGGER, 1) == (i ? 0.7 : 0));
        CHECK(request_real(&r, OPT_SHARPEN, 1) == (i ? 0.6 : 0));
        CHECK(request_real(&r, OPT_FADE, 1) == (i ? 0.1 : 0));
        CHECK(request_real(&r, OPT_PICTURE_DETAIL, 1) == (i ? 0.5 : 0));
        CHECK(request_real(&r, OPT_GUIDANCE_GIVEN, 0) == (i ? 0.7 : 1));
        request_release(&r);
    }
}

static int set(struct request *r, const char *name, const char *value, char msg[768])
{
    struct err e = {0};
    int rc = request_set(r, name, value, &e);

    memcpy(msg, e.msg, sizeof e.msg);
    return rc;
}

TEST(option_values_are_checked)
{
    static const char *const bad[][2] = {{"steps", "0"},
                                         {"steps", "1001"},
                                         {"steps", "2.5"},
                                         {"steps", ""},
                                         {"steps", "abc"},
                                         {"guidance", "nan"},
                                         {"guidance", "-1"},
                                         {"guidance", "101"},
                                         {"seconds", "0"},
                                         {"seconds", "inf"},
                                         {"fps", "0"},
                                         {"fps", "1e9"},
                                         {"aspect", "5:4"},
                                         {"sampler", "eular"},
                                         {"type", "f16"},
                                         {"size", "449x256"},
                                         {"size", "8x8"},
                                         {"size", "x"},
                                         {"size", "16x"},
                                         {"size", "9000x9000"},
                                         {"size", "16x16x16"},
                                         {"seed", "-1"},
                                         {"seed", "1e3"},
                                         {"crf", "52"},
                                         {"lossless", "yup"},
                                         {"prompt", "a\xff b"},
                                         {"output", ""},
                                         {"threads", "0"},
                                         {"frames", "99999999999999999999"}};
    struct request r;
    char msg[768];

    request_init(&r);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(set(&r, bad[i][0], bad[i][1], msg), ERR_USAGE);
        CHECK_CONTAINS(msg, bad[i][0]);
    }
    CHECK_INT(set(&r, "stpes", "3", msg), ERR_USAGE);
    CHECK_CONTAINS(msg, "did you mean \"steps\"");
    CHECK_INT(set(&r, "guidance_from", "0.25", msg), 0);
    CHECK(request_real(&r, OPT_GUIDANCE_FROM, 0) == 0.25);
    CHECK_INT(set(&r, "size", "1280x720", msg), 0);
    CHECK_INT(set(&r, "size", "native", msg), 0);
    CHECK_INT(request_int(&r, OPT_STEPS, -7), -7);
    CHECK_INT(set(&r, "frames", "9", msg), 0);
    CHECK_INT(set(&r, "seconds", "2", msg), 0); /* the later one counts */
    CHECK_INT(request_int(&r, OPT_FRAMES, -7), -7);
    CHECK_INT(set(&r, "frames", "5", msg), 0);
    CHECK(request_real(&r, OPT_SECONDS, -7) == -7);
    request_release(&r);
}

TEST(option_seed_ends_where_it_says)
{
    struct request r;
    char msg[768];

    request_init(&r);
    CHECK_INT(set(&r, "seed", "9007199254740992", msg), 0);
    CHECK_INT(set(&r, "seed", "9007199254740993", msg), ERR_USAGE); /* 2^53 + 1 rounds to 2^53 */
    CHECK_INT(set(&r, "seed", "9223372036854775807", msg), ERR_USAGE);
    request_release(&r);
}

static int from_json(struct request *r, const char *text, char msg[768])
{
    struct err e = {0};
    int rc = request_set_json(r, text, strlen(text), "recipe", &e);

    memcpy(msg, e.msg, sizeof e.msg);
    return rc;
}

TEST(option_json_sets_all_kinds)
{
    struct request r;
    char msg[768];

    request_init(&r);
    CHECK_INT(from_json(&r,
                        "{\"zoetrope\": 1, \"prompt\": \"a ball\", \"steps\": 7, \"guidance\": 2.5,"
                        " \"guidance_to\": 1, \"lossless\": true, \"fps\": 12, \"seed\": null,"
                        " \"noise\": \"torch-cpu/1\", \"model_hash\": \"abc\"}",
                        msg),
              0);
    CHECK_STR(request_text(&r, OPT_PROMPT), "a ball");
    CHECK_INT(request_int(&r, OPT_STEPS, 0), 7);
    CHECK(request_real(&r, OPT_GUIDANCE, 0) == 2.5);
    CHECK(request_real(&r, OPT_FPS, 0) == 12);
    CHECK(request_flag(&r, OPT_LOSSLESS));
    CHECK(!r.value[OPT_SEED].set);
    CHECK_STR(r.model_hash, "abc");
    request_release(&r);
}

TEST(option_json_refuses)
{
    static const struct {
        const char *text, *says;
        int code;
    } bad[] = {
        {"{\"zoetrope\": 2, \"prompt\": \"x\"}", "version 2", ERR_FORMAT},
        {"{\"prompt\": \"x\"}", "zoetrope", ERR_FORMAT},
        {"{\"zoetrope\": 1, \"promt\": \"x\"}", "did you mean \"prompt\"", ERR_USAGE},
        {"{\"zoetrope\": 1, \"steps\": 5000}", "1 to 1000", ERR_USAGE},
        {"{\"zoetrope\": 1, \"steps\": [1]}", "steps", ERR_FORMAT},
        {"{\"zoetrope\": 1, \"noise\": \"philox\"}", "torch-cpu/1", ERR_FORMAT},
        {"{\"zoetrope\": 1, \"steps\": 1, \"steps\": 2}", "steps", ERR_FORMAT},
        {"{\"zoetrope\": 1", "recipe", ERR_FORMAT},
        {"[]", "recipe", ERR_FORMAT},
        {"", "recipe", ERR_FORMAT},
    };
    char msg[768];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct request r;
        request_init(&r);
        CHECK_INT(from_json(&r, bad[i].text, msg), bad[i].code);
        CHECK_CONTAINS(msg, bad[i].says);
        request_release(&r);
    }
}

/* A film may come from anywhere; what it says must not choose files here. */
TEST(option_recipe_refuses_what_is_no_part_of_it)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{\"zoetrope\": 1, \"output\": \"x.mp4\"}", "output"},
        {"{\"zoetrope\": 1, \"overwrite\": true}", "overwrite"},
        {"{\"zoetrope\": 1, \"first_frame\": \"/etc/passwd\"}", "first-frame"},
        {"{\"zoetrope\": 1, \"model\": \"../evil\"}", "../evil"},
        {"{\"zoetrope\": 1, \"promt\": \"x\"}", "did you mean \"prompt\""},
        {"{\"zoetrope\": 1, \"steps\": 0}", "1 to 1000"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct request r;
        struct err e = {0};
        request_init(&r);
        CHECK_INT(request_set_recipe(&r, bad[i].text, strlen(bad[i].text), "film.mp4", &e),
                  ERR_FORMAT);
        CHECK_CONTAINS(e.msg, bad[i].says);
        CHECK_CONTAINS(e.msg, "film.mp4");
        request_release(&r);
    }
}

TEST(latent_frames_scale)
{
    struct latent_shape s = {.c = 3, .t = 2, .h = 2, .w = 2, .pt = 1, .ph = 2, .pw = 2};
    float x[24], frame[12], std[3] = {2, 4, 0.5f}, mean[3] = {1, 0, -1};

    for (int i = 0; i < 24; i++)
        x[i] = (float)i;
    latent_get_frame(&s, x, 1, std, mean, frame);
    CHECK(frame[0] == 4 * 2 + 1 && frame[1] == 12 * 4 && frame[2] == 20 * 0.5f - 1);
    latent_get_frame(&s, x, 1, NULL, NULL, frame);
    CHECK(frame[0] == 4 && frame[1] == 12 && frame[3] == 5);
}

TEST(sampler_refuses)
{
    const struct {
        struct sampler_config c;
        const char *says;
    } bad[] = {{{.name = "eulr", .steps = 4, .shift = 1}, "euler"},
               {{.name = "euler", .steps = 0, .shift = 1}, "steps"},
               {{.name = "euler", .steps = 1001, .shift = 1}, "steps"},
               {{.name = "euler", .steps = 4, .shift = 0}, "shift"},
               {{.name = "unipc", .steps = 4, .shift = 1, .order = 9}, "order"}};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sampler *s;
        struct err e = {0};
        CHECK_INT(sampler_new(&s, &bad[i].c, &e), ERR_USAGE);
        CHECK(!s);
        CHECK_CONTAINS(e.msg, bad[i].says);
    }
}

/* v = eps - x0 with both known: every sampler must arrive at x0. */
TEST(samplers_arrive_at_the_clean_sample)
{
    for (const char *const *name = sampler_names(); *name; name++) {
        struct torch_rng rng;
        struct sampler_config c = {.name = *name, .steps = 6, .shift = 3, .rng = &rng};
        struct sampler *s;
        struct err e = {0};
        float x0[16], x[16], v[16];
        torch_rng_init(&rng, 5);
        torch_rng_normal(&rng, x0, 16);
        torch_rng_normal(&rng, x, 16);
        CHECK_INT(sampler_new(&s, &c, &e), 0);
        for (int i = 0; i < sampler_evaluations(s); i++) {
            for (int k = 0; k < 16; k++)
                v[k] = (float)((x[k] - x0[k]) / sampler_sigma(s, i));
            sampler_step(s, i, x, v, 16);
        }
        CHECK_BELOW(ztest_rel_l2(x, x0, 16), 1e-4);
        sampler_free(&s);
    }
}

TEST(reading_negative_prompts_states_only_what_was_said)
{
    struct buf out = BUF_INIT, unknown = BUF_INIT;

    reading_negative("a blue box, frobnicated", 1, &out, &unknown);
    CHECK_STR(buf_str(&out), "blue box");
    CHECK_CONTAINS(buf_str(&unknown), "frobnicated");
    buf_clear(&out);
    reading_negative("a blue box", 0, &out, &unknown);
    CHECK_STR(buf_str(&out), "a blue box");
    buf_release(&out);
    buf_release(&unknown);
}

TEST(reading_prompts_in_both_languages_says_the_same)
{
    struct buf a = BUF_INIT, b = BUF_INIT, unknown = BUF_INIT;

    free(reading_prompt("a red ball rolls from left to right", 1, 3, NULL, &a, &unknown));
    free(reading_prompt("一个红色的球从左向右滚动", 1, 3, NULL, &b, &unknown));
    CHECK_STR(buf_str(&a), buf_str(&b));
    CHECK_CONTAINS(buf_str(&a), "red ball");
    CHECK_CONTAINS(buf_str(&a), "rightward");
    CHECK_STR(buf_str(&unknown), "");
    buf_release(&a);
    buf_release(&b);
    buf_release(&unknown);
}
