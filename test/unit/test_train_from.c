/* Runs that learn on from a finished model. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "model/bundle.h"
#include "training.h"
#include "ztest.h"

/* Folder of a model of configs/tiny.json, trained for a moment. */
static char *tiny_model(const char *name)
{
    char *dir = path_join(ztest_tmp(), name), *model = path_join(dir, "model");
    struct train_config c;
    struct err e;

    training_config(&c);
    c.vae.steps = 2;
    c.vae.evaluate_every = c.dit.evaluate_every = 0;
    c.dit.n_phases = 1;
    c.dit.phase[0].steps = 3;
    c.upsampler[0].steps = 1;
    if (training_try(&c, dir, NULL, 0, NULL, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    free(dir);
    return model;
}

/* A config with these fields beside those of every case. */
static int read_config(struct train_config *c, const char *worlds, const char *fields,
                       struct err *e)
{
    char *path = path_join(ztest_tmp(), "from.json");
    char *text = xasprintf("{\"zoetrope\": 1, \"name\": \"more\", \"latent_clips\": 12, \"clip\": "
                           "{\"width\": 48, \"height\": 32, \"frames\": 5, \"fps\": 8%s}, %s}",
                           worlds, fields);

    CHECK_INT(file_write(path, text, strlen(text), e), 0);
    int rc = train_config_read(c, path, e);
    free(text);
    free(path);
    return rc;
}

#define DIT(more)                                                                                  \
    "\"dit\": {\"phases\": [{\"steps\": 3, \"windows\": 2, \"frames\": 5}], \"held_out\": 2, "     \
    "\"evaluate_every\": 0" more "}"

static struct train_config config_from(const char *model, const char *worlds, const char *dit)
{
    struct train_config c;
    struct err e;
    char *fields = xasprintf("\"from\": \"%s\", %s", model, dit);

    if (read_config(&c, worlds, fields, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    free(fields);
    return c;
}

static int same_file(const char *a, const char *b, const char *name)
{
    char *x = path_join(a, name), *y = path_join(b, name);
    struct buf p = BUF_INIT, q = BUF_INIT;
    struct err e;

    CHECK_INT(file_read(&p, x, 1 << 24, &e), 0);
    CHECK_INT(file_read(&q, y, 1 << 24, &e), 0);
    int same = p.len == q.len && !memcmp(p.data, q.data, p.len);
    buf_release(&p);
    buf_release(&q);
    free(x);
    free(y);
    return same;
}

#define WEIGHTS "transformer/diffusion_pytorch_model.safetensors"

/* Without a rate nothing is learned: what comes out is the model that went in. */
TEST(train_from_begins_with_the_model_itself)
{
    char *model = tiny_model("from-a"), *dir = path_join(ztest_tmp(), "from-still");
    struct train_config c = config_from(
        model, "", DIT(", \"optim\": {\"lr\": 0, \"muon_lr\": 0, \"decay\": 0, \"ema\": 0.5}"));
    struct bundle_info was, is;
    struct err e;

    if (training_try(&c, dir, NULL, 0, NULL, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    char *out = path_join(dir, "model");
    CHECK(same_file(model, out, WEIGHTS));
    CHECK(same_file(model, out, "text_encoder/model.safetensors"));
    CHECK(same_file(model, out, "vae/diffusion_pytorch_model.safetensors"));
    CHECK(same_file(model, out, "upsampler/diffusion_pytorch_model.safetensors"));
    CHECK(same_file(model, out, "tokenizer/tokenizer.json"));
    CHECK(same_file(model, out, "scheduler/scheduler_config.json"));
    CHECK_INT(bundle_info_read(&was, model, &e), 0);
    CHECK_INT(bundle_info_read(&is, out, &e), 0);
    CHECK(!memcmp(was.latents_mean, is.latents_mean, sizeof was.latents_mean));
    CHECK(!memcmp(was.latents_std, is.latents_std, sizeof was.latents_std));
    CHECK_INT(is.frames, was.frames); /* not those of the clips */
    CHECK_INT(is.steps, was.steps);
    CHECK_STR(is.name, "more");
    CHECK_STR(is.license, was.license);
    CHECK_STR(is.description, was.description);
    free(out);
    free(dir);
    free(model);
}

/* With one it is another network, the same whether the run was cut or not. */
TEST(train_from_learns_and_goes_on)
{
    char *model = tiny_model("from-b"), *whole = path_join(ztest_tmp(), "from-whole"),
         *cut = path_join(ztest_tmp(), "from-cut"), *a = path_join(whole, "model"),
         *b = path_join(cut, "model");
    struct train_config c = config_from(model, "", DIT(""));
    struct err e;

    CHECK_INT(training_try(&c, whole, NULL, 0, NULL, &e), 0);
    CHECK(!same_file(model, a, WEIGHTS));
    CHECK(same_file(model, a, "vae/diffusion_pytorch_model.safetensors"));
    CHECK_INT(training_try(&c, cut, NULL, 0, NULL, &e), 0);
    CHECK(same_file(a, b, WEIGHTS));
    c.dit.phase[0].steps = 6;
    CHECK_INT(training_try(&c, cut, NULL, 1, NULL, &e), 0);
    CHECK(!same_file(a, b, WEIGHTS));
    CHECK_INT(training_try(&c, whole, NULL, 1, NULL, &e), 0);
    CHECK(same_file(a, b, WEIGHTS));
    c.from[0] = 0;
    CHECK_INT(training_try(&c, whole, NULL, 1, NULL, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "was begun with from");
    free(a);
    free(b);
    free(cut);
    free(whole);
    free(model);
}

TEST(train_from_refuses_what_the_model_has_decided)
{
    static const char *const fields[][2] = {
        {DIT("") ", \"vae\": {\"channels\": 8}", "vae"},
        {DIT("") ", \"upsamplers\": []", "upsamplers"},
        {DIT("") ", \"text\": {\"layers\": 1}", "text"},
        {DIT("") ", \"reel_clips\": 4", "reel_clips"},
        {DIT("") ", \"model\": {\"steps\": 4}", "steps"},
        {DIT(", \"layers\": 3"), "layers"},
    };
    char *model = tiny_model("from-c");
    struct train_config c;
    struct err e;

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char *text = xasprintf("\"from\": \"%s\", %s", model, fields[i][0]);
        CHECK_INT(read_config(&c, "", text, &e), ERR_FORMAT);
        CHECK_CONTAINS(e.msg, fields[i][1]);
        CHECK_CONTAINS(e.msg, "beside \"from\"");
        free(text);
    }
    CHECK_INT(read_config(&c, "", "\"from\": \"/nowhere/model\", " DIT(""), &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "/nowhere/model");
    free(model);
}

/* Clips may speak of fewer things than the model knows, not of others. */
TEST(train_from_wants_every_word_of_its_clips)
{
    char *model = tiny_model("from-d"), *dir = path_join(ztest_tmp(), "from-words");
    struct train_config c = config_from(model, ", \"worlds\": {\"story\": {}}", DIT(""));
    struct err e;

    CHECK_INT(training_try(&c, dir, NULL, 0, NULL, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "has no word");
    free(dir);
    free(model);
}

TEST(train_from_wants_the_rate_of_the_model)
{
    char *model = tiny_model("from-e"), *dir = path_join(ztest_tmp(), "from-rate"), *log = NULL;
    char *index = path_join(model, "model_index.json");
    struct train_config c;
    struct bundle_info info;
    struct err e;

    /* Another length is said, and learned at. */
    c = config_from(model, "", DIT(""));
    CHECK_INT(training_try(&c, dir, "reel", 0, &log, &e), 0);
    CHECK_INT(bundle_info_read(&info, model, &e), 0);
    CHECK(info.frames != c.clip.frames);
    CHECK_CONTAINS(log, "clips are 48x32 with 5 frames");
    free(log);
    /* Another rate is not. */
    info.frame_rate = 12;
    CHECK_INT(bundle_info_write(&info, model, &e), 0);
    char *fields = xasprintf("\"from\": \"%s\", %s", model, DIT(""));
    CHECK_INT(read_config(&c, "", fields, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "clip.fps is 8");
    CHECK_CONTAINS(e.msg, index);
    free(fields);
    free(index);
    free(dir);
    free(model);
}
