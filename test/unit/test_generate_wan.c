/* Model directories of the Wan family: what they draw with when nothing is said, and what they make
 * of pictures. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "fixture.h"
#include "format/safetensors.h"
#include "generate/pipeline.h"
#include "media/film.h"
#include "model/family.h"
#include "ztest.h"

#define FLF2V "golden/pipeline-wan-flf2v/model"
#define A14B "golden/pipeline-wan22-i2v-a14b/model"
#define TI2V "golden/pipeline-wan22-ti2v/model"
#define VACE "golden/pipeline-wan-vace/model"

#define PLAN(p, e, dir, ...)                                                                       \
    fixture_plan(p, e, ztest_data(dir),                                                            \
                 (const char *const[]){"prompt", "a red ball", __VA_ARGS__, NULL})

static char *picture_of(int w, int h)
{
    char *path = ztest_in_tmp("given.ppm");
    struct picture pic;
    struct err e = {0};

    picture_init(&pic, w, h);
    CHECK_INT(picture_save(&pic, path, &e), 0);
    picture_release(&pic);
    return path;
}

TEST(wan_family_by_its_shapes)
{
    static const struct {
        struct family_signs signs;
        const char *name;
        int width, frames, fps, steps;
        double guidance, guidance2, shift;
    } cases[] = {
        {{1536, 16, 0, 0, 1, 0, 0, 1}, "Wan2.1 T2V 1.3B", 832, 81, 16, 50, 5, 5, 5},
        {{5120, 16, 0, 0, 1, 0, 0, 0}, "Wan2.1 T2V 14B", 1280, 81, 16, 50, 5, 5, 5},
        {{5120, 36, 1280, 0, 1, 0, 0, 1}, "Wan2.1 I2V 14B 480P", 832, 81, 16, 40, 5, 5, 3},
        {{5120, 36, 1280, 0, 1, 0, 0, 0}, "Wan2.1 I2V 14B 720P", 1280, 81, 16, 40, 5, 5, 5},
        {{5120, 36, 1280, 514, 1, 0, 0, 0}, "Wan2.1 FLF2V 14B", 1280, 81, 16, 50, 5, 5, 16},
        {{1536, 16, 0, 0, 1, 1, 0, 0}, "Wan2.1 VACE 1.3B", 832, 81, 16, 50, 5, 5, 16},
        {{5120, 16, 0, 0, 1, 1, 0, 0}, "Wan2.1 VACE 14B", 1280, 81, 16, 50, 5, 5, 16},
        {{5120, 16, 0, 0, 2, 0, 0, 0}, "Wan2.2 T2V A14B", 1280, 81, 16, 40, 4, 3, 12},
        {{5120, 36, 0, 0, 2, 0, 0, 0}, "Wan2.2 I2V A14B", 1280, 81, 16, 40, 3.5, 3.5, 5},
        {{3072, 48, 0, 0, 1, 0, 1, 0}, "Wan2.2 TI2V 5B", 1280, 121, 24, 50, 5, 5, 5},
        {{48, 6, 0, 0, 1, 0, 1, 0}, "", 832, 121, 24, 50, 5, 5, 5},
        {{48, 12, 0, 0, 2, 0, 0, 0}, "", 832, 81, 16, 40, 4, 3, 5},
        {{48, 4, 0, 0, 1, 0, 0, 0}, "", 832, 81, 16, 50, 5, 5, 5},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct family *f = family_of(&cases[i].signs);

        CHECK_STR(f->name, cases[i].name);
        CHECK_INT(f->width, cases[i].width);
        CHECK_INT(f->frames, cases[i].frames);
        CHECK_INT(f->fps, cases[i].fps);
        CHECK_INT(f->steps, cases[i].steps);
        CHECK(f->guidance == cases[i].guidance && f->guidance2 == cases[i].guidance2 &&
              f->shift == cases[i].shift);
        CHECK_CONTAINS(f->negative, "三条腿");
    }
}

/* What the folder says wins over the family: the shift of its scheduler, the boundary. */
TEST(wan_plan_takes_what_folder_and_family_say)
{
    char *picture = picture_of(32, 16);
    struct plan p;
    struct err e;

    CHECK_INT(PLAN(&p, &e, A14B, "first-frame", picture, "frames", "5", "size", "32x16"), 0);
    CHECK_INT(p.steps, 40);
    CHECK(p.guidance.scale == 4 && p.guidance2 == 3 && p.shift == 5 && p.info.boundary == 0.9);
    CHECK(p.fps == 16);
    CHECK_STR(p.sampler, "unipc");
    CHECK_CONTAINS(p.negative, "色调艳丽,"); /* full-width forms are ASCII for the tokenizer */
    CHECK_STR(p.model->info.name, "model");
    plan_release(&p);
    CHECK_INT(PLAN(&p, &e, A14B, "first-frame", picture, "frames", "5", "size", "32x16", "negative",
                   "", "guidance", "2", "sampler", "euler", "shift", "7"),
              0);
    CHECK_STR(p.negative, "");
    CHECK(p.guidance.scale == 2 && p.guidance2 == 2 && p.shift == 7);
    CHECK_STR(p.sampler, "euler");
    plan_release(&p);
    free(picture);
}

/* Whole tokens, whole latent frames; what is rounded is said. */
TEST(wan_plan_rounds_with_a_word)
{
    static const struct {
        const char *size, *frames;
        int w, h, n, t;
        const char *note[2];
    } cases[] = {
        {"32x16", "5", 32, 16, 5, 2, {NULL, NULL}},
        {"32x16",
         "24",
         32,
         16,
         24,
         7,
         {"24 frames are not 1 more than a multiple of 4: 25 are "
          "drawn, the last 1 left out",
          NULL}},
        {"40x30", "33", 32, 16, 33, 9, {"40x30 are not multiples of 16 px, 32x16 is drawn", NULL}},
        {"38x18", "35", 32, 16, 35, 10, {"32x16 is drawn", "37 are drawn, the last 2 left out"}},
        {"32x16",
         "125",
         32,
         16,
         125,
         32,
         {"at most 121 frames; these 125 are drawn at once", NULL}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan p;
        struct err e;

        CHECK_INT(PLAN(&p, &e, TI2V, "size", cases[i].size, "frames", cases[i].frames), 0);
        CHECK_INT(p.w * 1000 + p.h, cases[i].w * 1000 + cases[i].h);
        CHECK_INT(p.film_w * 1000 + p.film_h, cases[i].w * 1000 + cases[i].h);
        CHECK_INT(p.n_film, cases[i].n);
        CHECK_INT(p.t, cases[i].t);
        CHECK_INT(plan_windows(&p), 1);
        if (!cases[i].note[0])
            CHECK(!p.note);
        for (int k = 0; k < 2 && cases[i].note[k]; k++)
            CHECK_CONTAINS(p.note ? p.note : "", cases[i].note[k]);
        plan_release(&p);
    }
}

TEST(wan_plan_says_which_pictures_a_model_takes)
{
    char *picture = picture_of(32, 16);
    struct plan p;
    struct err e;

    CHECK_INT(PLAN(&p, &e, A14B, "frames", "5"), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "first-frame: \"model\" goes on from a picture, give one");
    CHECK_INT(PLAN(&p, &e, FLF2V, "frames", "5", "first-frame", picture), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "last-frame: \"model\" draws what lies between two pictures");
    CHECK_INT(PLAN(&p, &e, TI2V, "frames", "5", "first-frame", picture, "last-frame", picture),
              ERR_USAGE);
    CHECK_CONTAINS(e.msg, "last-frame: \"model\" takes none");
    free(picture);
}

/* A picture decides the shape; one of another shape than the film is cut, not stretched. */
TEST(wan_plan_fits_pictures)
{
    char *picture = picture_of(64, 64);
    struct plan p;
    struct err e;

    CHECK_INT(PLAN(&p, &e, TI2V, "frames", "1", "first-frame", picture), 0);
    CHECK_INT(p.w, 624); /* the area of 832x480, in multiples of 16 */
    CHECK_INT(p.h, 624);
    CHECK(!p.note);
    plan_release(&p);
    CHECK_INT(PLAN(&p, &e, TI2V, "frames", "1", "first-frame", picture, "size", "64x32"), 0);
    CHECK_CONTAINS(p.note ? p.note : "", "50 % of the first-frame of 64x64 is cut off");
    plan_release(&p);
    free(picture);
}

/* n frames that grow brighter, from 0, by 20. */
static char *film_of(const char *name, int n, int w, int h)
{
    char *path = ztest_in_tmp(name);
    struct film_options o = {.w = w, .h = h, .fps_num = 16, .fps_den = 1, .overwrite = 1};
    uint8_t *rgb = xmalloc((size_t)w * (size_t)h * 3);
    struct film_writer *f;
    struct err e = {0};

    CHECK_INT(film_open(&f, path, &o, &e), 0);
    for (int i = 0; i < n; i++) {
        memset(rgb, 20 * i, (size_t)w * (size_t)h * 3);
        CHECK_INT(film_write(f, rgb, &e), 0);
    }
    CHECK_INT(film_finish(&f, &e), 0);
    free(rgb);
    return path;
}

#define BRUSH                                                                                      \
    "{\"dynamic_masks\":[{\"mask\":{\"size\":[2,2],\"counts\":[0,2,2]},\"trajectories\":"          \
    "[{\"x\":0,\"y\":0},{\"x\":1,\"y\":0}]}]}"

/* What is given is kept or steers, what is not is free; a picture among them is kept. */
TEST(wan_plan_fills_a_control_film)
{
    char *film = film_of("control.y4m", 3, 64, 32), *picture = picture_of(32, 16);
    size_t frame = 32 * 16;
    struct plan p;
    struct err e;

    CHECK_INT(PLAN(&p, &e, VACE, "frames", "9", "size", "32x16", "control", film, "last-frame",
                   picture, "reference", picture, "control-scale", "0.5", "camera", "pan left",
                   "brush", BRUSH),
              0);
    CHECK_CONTAINS(p.note ? p.note : "", "the control has 3 frames, the film 9");
    CHECK_INT(p.ahead, 1);
    CHECK_INT(plan_latent(&p).t, 4);
    CHECK(p.control.scale == 0.5 && p.control.reference);
    CHECK_CONTAINS(p.note, "camera: with a reference it is said in words alone");
    CHECK_CONTAINS(p.note, "brush: with a reference nothing is dragged");
    for (int i = 0; i < 9; i++) {
        CHECK_INT(p.control.known[i], i < 3 || i == 8);
        CHECK_INT(p.control.drawn[frame * (size_t)i], i != 8);
    }
    CHECK(abs(p.control.rgb[frame * 3 * 2] - 40) <= 1);
    CHECK_INT(p.control.rgb[frame * 3 * 8], 0);
    plan_release(&p);
    CHECK_INT(PLAN(&p, &e, VACE, "frames", "5", "size", "32x16", "control", film, "mask", picture),
              0);
    CHECK_INT(p.control.drawn[0], 0); /* black is kept, in all frames */
    CHECK_INT(p.control.drawn[frame * 5 - 1], 0);
    plan_release(&p);
    free(film);
    free(picture);
}

TEST(wan_plan_says_which_model_takes_a_control)
{
    char *picture = picture_of(32, 16);
    struct plan p;
    struct err e;

    CHECK_INT(PLAN(&p, &e, TI2V, "frames", "5", "fade", "0.1"), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "fade: the latents of this model");
    CHECK_INT(PLAN(&p, &e, TI2V, "frames", "5", "control", picture), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "control: \"model\" is no model that takes one (VACE does)");
    CHECK_INT(PLAN(&p, &e, TI2V, "frames", "5", "reference", picture), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "reference: ");
    CHECK_INT(PLAN(&p, &e, VACE, "frames", "5", "size", "32x16", "mask", picture), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "mask: says what is drawn anew in a control, give one");
    CHECK_INT(PLAN(&p, &e, VACE, "frames", "5", "size", "32x16"), 0); /* words alone */
    plan_release(&p);
    free(picture);
}

/* A copy of a model directory with links followed, to be changed. */
static char *copy_of(const char *dir, const char *name)
{
    char *to = ztest_in_tmp(name), *command;

    command = xasprintf("cp -rL '%s' '%s'", ztest_data(dir), to);
    CHECK_INT(system(command), 0);
    free(command);
    return to;
}

static void refused(const char *dir, const char *what)
{
    struct bundle *b;
    struct err e = {0};

    CHECK_INT(bundle_declare(&b, dir, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, what);
}

static void move(const char *dir, const char *from, const char *to)
{
    char *a = path_join(dir, from), *b = path_join(dir, to);

    CHECK_INT(rename(a, b), 0);
    free(a);
    free(b);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char *path = path_join(dir, name);
    struct err e = {0};

    CHECK_INT(file_write(path, text, strlen(text), &e), 0);
    free(path);
}

/* A model for words alone that is given a picture says so. */
TEST(wan_plan_refuses_a_picture_for_words_alone)
{
    char *dir = copy_of(TI2V, "words-alone"), *picture = picture_of(32, 16);
    const char *set[] = {"prompt", "a red ball", "frames", "5", "size", "32x16", NULL, NULL, NULL};
    struct plan p;
    struct err e;

    write_file(dir, "model_index.json", "{\"_class_name\": \"WanPipeline\"}");
    CHECK_INT(fixture_plan(&p, &e, dir, set), 0);
    plan_release(&p);
    set[6] = "first-frame";
    set[7] = picture;
    CHECK_INT(fixture_plan(&p, &e, dir, set), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "draws from words alone and takes no picture");
    free(dir);
    free(picture);
}

#define CONFIG(more)                                                                               \
    "{\"_class_name\": \"WanTransformer3DModel\", \"num_attention_heads\": 2, "                    \
    "\"attention_head_dim\": 6, \"in_channels\": 10, \"out_channels\": 3, \"text_dim\": 8, "       \
    "\"freq_dim\": 8, \"ffn_dim\": 14, \"num_layers\": 1" more "}"

TEST(wan_bundle_says_when_an_expert_is_missing_or_exchanged)
{
    char *dir = copy_of(A14B, "experts");

    move(dir, "transformer_2", "away");
    refused(dir, "boundary_ratio is 0.9, but there is one transformer");
    move(dir, "transformer", "transformer_2");
    refused(dir, "transformer_2, the expert of low noise, is there without transformer");
    move(dir, "away", "transformer");
    write_file(dir, "transformer/config.json",
               CONFIG(", \"_name_or_path\": \"x/low_noise_model\""));
    refused(dir, "they are exchanged");
    write_file(dir, "transformer/config.json", CONFIG(", \"vace_layers\": null"));
    write_file(dir, "transformer_2/config.json",
               CONFIG(", \"image_dim\": 8, "
                      "\"added_kv_proj_dim\": 12"));
    refused(dir, "differ in in_channels or image_dim");
    free(dir);
}

TEST(wan_bundle_refuses_parts_of_other_models)
{
    char *dir = copy_of(FLF2V, "mixed");

    move(dir, "image_encoder", "away");
    refused(dir, "there is none");
    move(dir, "away", "image_encoder");
    write_file(dir, "transformer/config.json", CONFIG(""));
    free(dir);
    dir = copy_of(TI2V, "mixed2");
    write_file(dir, "transformer/config.json", CONFIG(", \"patch_size\": [1, 2, 2]"));
    write_file(dir, "model_index.json", "{\"_class_name\": \"WanPipeline\"}");
    {
        struct bundle *b;
        struct err e = {0};

        CHECK_INT(bundle_declare(&b, dir, &e), 0); /* as it is for pictures by channels */
        bundle_free(&b);
    }
    write_file(dir, "transformer/config.json",
               "{\"num_attention_heads\": 2, \"attention_head_dim\": 6, \"text_dim\": 8}");
    refused(dir, "transformer of 16 to 16 channels, vae of 3: the vae is that of another model");
    write_file(dir, "transformer/config.json",
               "{\"num_attention_heads\": 2, \"attention_head_dim\": 6, \"text_dim\": 8, "
               "\"in_channels\": 9, \"out_channels\": 3}");
    refused(dir, "transformer of 9 channels, where 3 or, with a picture beside them, 10 are read");
    write_file(dir, "model_index.json", "{\"_class_name\": \"WanAnimatePipeline\"}");
    refused(dir, "model_index.json");
    write_file(dir, "model_index.json", "{\"_class_name\": \"WanVACEPipeline\"}");
    write_file(dir, "transformer/config.json",
               "{\"_class_name\": \"WanVACETransformer3DModel\", \"num_attention_heads\": 2, "
               "\"attention_head_dim\": 6, \"in_channels\": 3, \"out_channels\": 3, "
               "\"text_dim\": 8, \"num_layers\": 1, \"vace_layers\": [0]}");
    refused(dir,
            "vace_in_channels of the transformer is 96, two latents of 3 channels and a mask of "
            "8x8 px are 70");
    free(dir);
}

/* What the pictures cost is forecast to the byte. */
static void costs_as_forecast(const char *dir, const char *const *settings)
{
    struct conditions c;
    struct bundle *b;
    struct plan p;
    struct err e;
    struct cx real, dry;

    CHECK_INT(fixture_plan(&p, &e, ztest_data(dir), settings), 0);
    CHECK_INT(bundle_open(&b, ztest_data(dir), device_cpu(), p.type, NULL, &e), 0);
    cx_init(&real, device_cpu(), p.type, NULL);
    cx_init(&dry, device_null(), p.type, NULL);
    CHECK_INT(conditions_init(&c, &real, b, &p, &e), 0);
    conditions_dry(&dry, &p);
    CHECK_INT(cx_reserved_bytes(&dry), cx_reserved_bytes(&real));
    CHECK_INT(dry.aside_bytes, real.aside_bytes);
    CHECK(dry.aside_bytes > 0 && dry.flops > 0);
    conditions_release(&c);
    cx_release(&real);
    cx_release(&dry);
    bundle_free(&b);
    plan_release(&p);
}

TEST(wan_pictures_cost_what_was_forecast)
{
    char *picture = picture_of(32, 16);

    costs_as_forecast(FLF2V, (const char *const[]){"prompt", "x", "first-frame", picture,
                                                   "last-frame", picture, "frames", "9", "size",
                                                   "32x16", "type", "f32", NULL});
    costs_as_forecast(A14B, (const char *const[]){"prompt", "x", "first-frame", picture, "frames",
                                                  "9", "size", "32x16", "type", "bf16", NULL});
    costs_as_forecast(VACE, (const char *const[]){"prompt", "x", "reference", picture, "frames",
                                                  "9", "size", "32x16", "type", "f32", NULL});
    free(picture);
}

/* The boundary is a part of the timesteps that the scheduler counts. */
TEST(wan_boundary_is_counted_in_timesteps)
{
    char *dir = copy_of(A14B, "timesteps"), *picture = picture_of(32, 16);
    struct plan p;
    struct err e;

    write_file(dir, BUNDLE_SCHEDULER,
               "{\"_class_name\": \"FlowMatchEulerDiscreteScheduler\", \"shift\": 2, "
               "\"num_train_timesteps\": 500}");
    CHECK_INT(fixture_plan(&p, &e, dir,
                           (const char *const[]){"prompt", "x", "first-frame", picture, "frames",
                                                 "5", "size", "32x16", NULL}),
              0);
    CHECK(velocity_ask_of(&p, p.model).boundary == 450);
    CHECK_STR(p.sampler, "euler");
    CHECK(p.shift == 2);
    plan_release(&p);
    write_file(dir, BUNDLE_SCHEDULER, /* says nothing of it: as the family */
               "{\"_class_name\": \"FlowMatchEulerDiscreteScheduler\"}");
    CHECK_INT(fixture_plan(&p, &e, dir,
                           (const char *const[]){"prompt", "x", "first-frame", picture, "frames",
                                                 "5", "size", "32x16", NULL}),
              0);
    CHECK(p.shift == 5);
    plan_release(&p);
    write_file(dir, BUNDLE_SCHEDULER, /* as diffusers saves it */
               "{\"_class_name\": \"DPMSolverMultistepScheduler\", \"flow_shift\": 4.0, "
               "\"prediction_type\": \"flow_prediction\", \"use_flow_sigmas\": true, "
               "\"lambda_min_clipped\": -Infinity}");
    CHECK_INT(fixture_plan(&p, &e, dir,
                           (const char *const[]){"prompt", "x", "first-frame", picture, "frames",
                                                 "5", "size", "32x16", NULL}),
              0);
    CHECK_STR(p.sampler, "dpmpp-2m");
    CHECK(p.shift == 4);
    plan_release(&p);
    free(dir);
    free(picture);
}

/* Everything that decides a film counts. */
TEST(wan_bundle_hash_knows_the_scheduler)
{
    char *dir = copy_of(TI2V, "hashed"), before[65], after[65];
    struct err e = {0};

    CHECK_INT(bundle_hash(dir, NULL, before, &e), 0);
    write_file(dir, BUNDLE_SCHEDULER,
               "{\"_class_name\": \"FlowMatchEulerDiscreteScheduler\", \"shift\": 2}");
    CHECK_INT(bundle_hash(dir, NULL, after, &e), 0);
    CHECK(strcmp(before, after));
    free(dir);
}

/* Which expert is asked, and with which guidance: that of high noise at the boundary and above. */
TEST(wan_experts_take_turns_at_the_boundary)
{
    char *picture = picture_of(32, 16);
    const char *dir = ztest_data(A14B);
    struct threads *th = threads_new(1);
    struct conditions c;
    struct velocity v;
    struct bundle *b;
    struct plan p;
    struct err e;
    struct cx cx;

    CHECK_INT(
        PLAN(&p, &e, A14B, "first-frame", picture, "frames", "5", "size", "32x16", "type", "f32"),
        0);
    CHECK_INT(bundle_open(&b, dir, device_cpu(), DT_F32, NULL, &e), 0);
    cx_init(&cx, device_cpu(), DT_F32, th);
    CHECK_INT(conditions_init(&c, &cx, b, &p, &e), 0);
    CHECK_INT(velocity_of_plan(&v, &cx, b, &p, &c, NULL, &e), 0);
    size_t n = latent_count(&v.ask.shape);
    float *x = xcalloc(n, sizeof *x), *at = xcalloc(n, sizeof *at), *below = xcalloc(n, sizeof *at),
          *alone = xcalloc(n, sizeof *at);
    velocity_give(&v, NULL, 0, NULL);
    CHECK_INT(velocity_at(&v, x, 900, 0.9, at, &e), 0);
    CHECK_INT(velocity_at(&v, x, 899, 0.899, below, &e), 0);
    v.ask.n_denoisers = 1;
    v.ask.boundary = 0;
    CHECK_INT(velocity_at(&v, x, 900, 0.9, alone, &e), 0);
    CHECK(!memcmp(at, alone, n * sizeof *x));
    v.ask.boundary = 900;
    v.ask.guidance.scale = 1; /* then there is none, whatever the other says */
    CHECK_INT(velocity_at(&v, x, 899, 0.899, at, &e), 0);
    v.ask.guidance.scale = 4;
    v.ask.guidance2 = 1;
    CHECK_INT(velocity_at(&v, x, 899, 0.899, alone, &e), 0);
    CHECK(!memcmp(at, alone, n * sizeof *x));
    CHECK(memcmp(at, below, n * sizeof *x));
    v.ask.guidance2 = 3;
    CHECK_INT(velocity_at(&v, x, 899, 0.899, at, &e), 0);
    v.ask.together = 0; /* one prompt after the other: the same bits */
    CHECK_INT(velocity_at(&v, x, 899, 0.899, alone, &e), 0);
    CHECK(!memcmp(at, alone, n * sizeof *x));
    free(x);
    free(at);
    free(below);
    free(alone);
    velocity_release(&v);
    conditions_release(&c);
    cx_release(&cx);
    threads_free(&th);
    bundle_free(&b);
    plan_release(&p);
    free(picture);
}

TEST(wan_bundle_says_when_both_experts_are_one)
{
    char *dir = copy_of(A14B, "twins"), *file = path_join(dir, "transformer"), *command;
    struct bundle *b;
    struct err e = {0};

    command = xasprintf("cp '%s'/* '%s/transformer_2/'", file, dir);
    CHECK_INT(system(command), 0);
    CHECK_INT(bundle_open(&b, dir, device_cpu(), DT_F32, NULL, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "hold the same weights");
    free(command);
    free(file);
    free(dir);
}

/* Draws a film with one value of one weight of the low expert changed in its file. */
static int draw_damaged(const char *name, const char *weight, int64_t at, struct err *e)
{
    char *picture = picture_of(32, 16), *dir = copy_of(A14B, name), *folder, *path;
    const struct sink silent = {0};
    struct figures figures;
    struct st_file *f;
    struct bundle *b;
    struct plan p;
    int rc;

    folder = path_join(dir, "transformer_2");
    path = path_join(folder, "diffusion_pytorch_model.safetensors");
    CHECK_INT(st_open(&f, path, e), 0);
    {
        const struct st_tensor *t = st_find(f, weight);
        float nan = NAN;
        FILE *out = fopen(path, "r+b");

        CHECK(t && out && t->n > at);
        fseek(out, (long)(t->offset + (uint64_t)at * sizeof nan), SEEK_SET);
        CHECK_INT(fwrite(&nan, sizeof nan, 1, out), 1);
        fclose(out);
    }
    st_close(&f);
    rc = fixture_plan(&p, e, dir,
                      (const char *const[]){"prompt", "x", "first-frame", picture, "frames", "5",
                                            "size", "32x16", "steps", "4", "type", "f32", NULL});
    CHECK_INT(rc, 0);
    rc = bundle_open(&b, dir, device_cpu(), DT_F32, NULL, e);
    CHECK_INT(rc, 0);
    CHECK_STR(b->bad_folder, "transformer_2");
    CHECK_STR(b->bad_weight, weight);
    rc = pipeline_run(b, &p, &silent, &figures, e);
    bundle_free(&b);
    plan_release(&p);
    free(picture);
    free(dir);
    free(folder);
    free(path);
    return rc;
}

/* Never a black film: which step, expert, block and weight. */
TEST(wan_film_names_where_it_stops_to_be_finite)
{
    struct err e;

    CHECK_INT(draw_damaged("damaged", "blocks.0.ffn.net.0.proj.weight", 5, &e), ERR_DEVICE);
    CHECK_CONTAINS(e.msg, "step 3 of 4: transformer_2: its output is not finite, from blocks.0 on; "
                          "the weight blocks.0.ffn.net.0.proj.weight in its file is not finite");
    CHECK_INT(draw_damaged("damaged2", "proj_out.bias", 0, &e), ERR_DEVICE);
    CHECK_CONTAINS(e.msg, "from the last layer on; the weight proj_out.bias");
}
