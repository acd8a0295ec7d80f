/* Runs that go on: asked for the same, for more, for something else; in a folder of somebody else;
 * behind a checkpoint that is broken. */
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "train/checkpoint.h"
#include "train/recipe.h"
#include "train/room.h"
#include "train/vae_task.h"
#include "training.h"
#include "ztest.h"

enum { STEPS = 4 };

static void config(struct train_config *c)
{
    training_config(c);
    c->vae.steps = 2;
    c->vae.evaluate_every = c->dit.evaluate_every = 0;
    c->dit.n_phases = 1;
    c->dit.phase[0].steps = STEPS;
}

/* A finished run in a folder of its own. */
static char *finished(const char *name)
{
    char *dir = path_join(ztest_tmp(), name);
    struct train_config c;
    struct err e;

    config(&c);
    if (training_try(&c, dir, NULL, 0, NULL, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    return dir;
}

static int rows(const char *dir, const char *curve)
{
    char *path = path_join(dir, curve);
    struct buf text = BUF_INIT;
    struct err e;
    int n = 0;

    CHECK_INT(file_read(&text, path, 1 << 20, &e), 0);
    for (size_t i = 0; i < text.len; i++)
        n += text.data[i] == '\n';
    buf_release(&text);
    free(path);
    return n;
}

#define FIELD(name) offsetof(struct train_config, name), sizeof(((struct train_config *)0)->name)

/* Changes of a config, and what the message calls them. Doubles are those of 8 bytes, but seed and
 * steps, which are whole numbers. */
static const struct {
    const char *says;
    size_t at, bytes;
    double value;
    int whole;
} changes[] = {
    {"dit.optim.lr", FIELD(dit.optim.lr), 0.5, 0},
    {"dit.optim.momentum", FIELD(dit.optim.momentum), 0.5, 0},
    {"dit.ffn_dim", FIELD(dit.net.ffn_dim), 128, 1},
    {"text.heads", FIELD(dit.text.heads), 4, 1},
    {"dit.p_extend", FIELD(dit.p_extend), 0.25, 0},
    {"dit.p_ends", FIELD(dit.p_ends), 0.25, 0},
    {"dit.object_weight", FIELD(dit.object_weight), 2, 0},
    {"dit.held_out", FIELD(dit.held_out), 8, 1},
    {"vae.encoder_width", FIELD(vae.net.encoder_width), 24, 1},
    {"vae.l1", FIELD(vae.l1), 0, 0},
    {"vae.gradient", FIELD(vae.gradient), 0.5, 0},
    {"vae.lapped", FIELD(vae.net.lapped), 1, 1},
    {"vae.deblock", FIELD(vae.net.deblock), 4, 1},
    {"vae.motion", FIELD(vae.net.motion), 1, 1},
    {"vae.optim.beta2", FIELD(vae.optim.beta2), 0.9, 0},
    {"vae.steps", FIELD(vae.steps), 3, 1},
    {"latent_clips", FIELD(latent_clips), 20, 1},
    {"latent_scale", FIELD(shared_std), 1, 1},
    {"latent_growth", FIELD(latent_growth), 2, 0},
    {"seed", FIELD(seed), 2, 1},
    {"clip.fps", FIELD(clip.fps), 9, 0},
    {"clip.worlds", FIELD(clip.worlds.part[0].mix[0]), 1, 1},
    {"reel_clips", FIELD(reel_clips), 12, 1},
    {"type", FIELD(type), DT_F32, 1},
    {"of another kind", FIELD(dit.phase[0].windows), 2, 1},
    {"of another kind", FIELD(dit.phase[0].recycle), 0.5, 0},
    {"asks for 3", FIELD(dit.phase[0].steps), 3, 1},
};

static void change(struct train_config *c, int i)
{
    char *at = (char *)c + changes[i].at;
    int64_t whole = (int64_t)changes[i].value; /* the low bytes come first */

    memcpy(at, changes[i].whole ? (const void *)&whole : &changes[i].value, changes[i].bytes);
}

TEST(train_resume_refuses_another_config)
{
    char *dir = finished("resume-other"), *latents = path_join(dir, "latents.bin");
    char *reel = path_join(dir, "reel.bin");
    int64_t sizes[2] = {file_size(latents), file_size(reel)};

    for (int i = 0; i < (int)(sizeof changes / sizeof *changes); i++) {
        struct train_config c;
        struct err e;

        config(&c);
        change(&c, i);
        if (training_try(&c, dir, NULL, 1, NULL, &e) != ERR_FORMAT ||
            !strstr(e.msg, changes[i].says))
            ztest_fail(__FILE__, __LINE__, "%s: %d %s", changes[i].says, e.code, e.msg);
        CHECK(file_size(latents) == sizes[0] && file_size(reel) == sizes[1]); /* as they were */
    }
    CHECK_INT(rows(dir, "curve-dit.jsonl"), STEPS);
    free(dir);
    free(latents);
    free(reel);
}

/* What decides about nothing that is done may change; more steps are made, to the bit as if they
 * had been asked for at once. */
TEST(train_resume_trains_on)
{
    char *dir = finished("resume-more"), *index = path_join(dir, "model/model_index.json");
    char *reel = path_join(dir, "reel.bin");
    struct buf text = BUF_INIT;
    struct train_config c;
    struct err e;

    CHECK(!unlink(reel));
    config(&c);
    snprintf(c.name, sizeof c.name, "another name");
    c.dit.evaluate_every = 2;
    c.dit.remat = 1;
    CHECK_INT(training_try(&c, dir, NULL, 1, NULL, &e), 0);
    CHECK_INT(rows(dir, "curve-dit.jsonl"), STEPS);
    CHECK_INT(file_read(&text, index, 1 << 20, &e), 0);
    CHECK_CONTAINS(buf_str(&text), "another name");
    config(&c);
    c.dit.phase[0].steps = 2 * STEPS;
    CHECK_INT(training_try(&c, dir, NULL, 1, NULL, &e), 0);
    CHECK_INT(rows(dir, "curve-dit.jsonl"), 2 * STEPS);
    CHECK_INT(checkpoint_newest(dir, "dit"), 2 * STEPS);
    CHECK(!file_exists(reel)); /* nobody reads it any more */
    CHECK_INT(training_try(&c, dir, NULL, 0, NULL, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "holds a run already");
    CHECK(recipe_dit_done(&c, dir));
    buf_release(&text);
    free(dir);
    free(index);
    free(reel);
}

TEST(train_resume_names_a_broken_checkpoint)
{
    char *dir = finished("resume-broken"), *log;
    char *last = path_join(dir, "dit-00000004.safetensors");
    struct train_config c;
    struct err e;

    CHECK(!truncate(last, file_size(last) / 2));
    config(&c);
    c.dit.phase[0].steps = 2 * STEPS;
    CHECK_INT(training_try(&c, dir, NULL, 1, &log, &e), 0);
    CHECK_CONTAINS(log, "broken");
    CHECK_CONTAINS(log, "dit-00000004.safetensors");
    CHECK_CONTAINS(log, "resumed at step 3");
    CHECK_INT(rows(dir, "curve-dit.jsonl"), 2 * STEPS);
    CHECK(!file_exists(last)); /* made again, then old */
    free(log);
    free(last);
    free(dir);
}

static void put_file(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    struct err e;

    CHECK_INT(file_write(path, name, strlen(name), &e), 0);
    free(path);
}

static int has_file(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    int yes = file_exists(path);

    free(path);
    return yes;
}

/* A run that went back goes on from there: what was written beyond is of a run that never was. The
 * two newest of its own stay, and what is of another stage or no checkpoint. */
TEST(train_checkpoints_of_later_steps_are_removed)
{
    static const char *const gone[] = {"dit-00000002.safetensors", "dit-00000005.safetensors",
                                       "dit-00000007.safetensors", "dit-00000100.safetensors"};
    static const char *const stays[] = {"dit-00000003.safetensors",     "dit-00000004.safetensors",
                                        "vae-00000002.safetensors",     "vae-00000009.safetensors",
                                        "dit-00000007.safetensors.bak", "dit-x.safetensors"};
    char *dir = ztest_in_tmp("checkpoints");
    struct checkpoint c = {.stage = "dit", .config_hash = "none", .step = 4};
    struct optim o = {.n = 0};
    struct err e = {0};

    CHECK_INT(dir_make(dir, &e), 0);
    for (int i = 0; i < 4; i++)
        put_file(dir, gone[i]);
    for (int i = 0; i < 6; i++)
        if (i != 1)
            put_file(dir, stays[i]);
    CHECK_INT(checkpoint_save(dir, &c, &o, &e), 0);
    for (int i = 0; i < 4; i++)
        CHECK(!has_file(dir, gone[i]));
    for (int i = 0; i < 6; i++)
        CHECK(has_file(dir, stays[i]));
    CHECK_INT(checkpoint_newest(dir, "dit"), 4);
    free(dir);
}

/* One that cannot be read now may be read tomorrow; an older one would be gone on from for nothing,
 * and this one removed. */
TEST(train_resume_does_not_pass_over_a_checkpoint_that_cannot_be_read)
{
    char *dir = finished("resume-unread"), *last = path_join(dir, "dit-00000004.safetensors");
    struct train_config c;
    struct err e;

    CHECK(!unlink(last));
    CHECK_INT(dir_make(last, &e), 0);
    config(&c);
    c.dit.phase[0].steps = 2 * STEPS;
    CHECK_INT(training_try(&c, dir, NULL, 1, NULL, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "dit-00000004.safetensors");
    CHECK(dir_exists(last));
    free(last);
    free(dir);
}

TEST(train_resume_refuses_another_vocabulary)
{
    char *dir = finished("resume-words"), *path = path_join(dir, "tokenizer/tokenizer.json");
    struct buf text = BUF_INIT;
    struct train_config c;
    struct err e;

    CHECK_INT(file_read(&text, path, 1 << 24, &e), 0);
    char *red = memmem(text.data, text.len, "red", 3),
         *green = memmem(text.data, text.len, "bal", 3);
    CHECK(red && green);
    memcpy(red, "bal", 3);
    memcpy(green, "red", 3);
    CHECK_INT(file_write(path, text.data, text.len, &e), 0);
    config(&c);
    c.dit.phase[0].steps = 2 * STEPS;
    CHECK_INT(training_try(&c, dir, NULL, 1, NULL, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "tokenizer.json");
    CHECK_CONTAINS(e.msg, "vocabulary");
    CHECK_INT(rows(dir, "curve-dit.jsonl"), STEPS);
    buf_release(&text);
    free(path);
    free(dir);
}

TEST(train_folder_of_another_training_is_refused)
{
    char *dir = path_join(ztest_tmp(), "resume-held"), *reel = path_join(dir, "reel.bin");
    struct train_config c;
    struct err e;

    config(&c);
    CHECK_INT(dir_make(dir, &e), 0);
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB));
    CHECK_INT(training_try(&c, dir, NULL, 1, NULL, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "is being written already");
    CHECK(!file_exists(reel));
    close(fd);
    CHECK_INT(training_try(&c, dir, NULL, 1, NULL, &e), 0); /* held by nobody */
    free(dir);
    free(reel);
}

/* A run without a good gradient says where, once. */
TEST(train_gradient_that_is_not_finite_is_named)
{
    char *dir = path_join(ztest_tmp(), "resume-nan");
    struct train_config c;
    struct err e;

    config(&c);
    c.dit.optim.lr = c.dit.optim.muon_lr = 1e39; /* no f32 */
    c.dit.optim.clip = 0;
    CHECK_INT(training_try(&c, dir, NULL, 0, NULL, &e), ERR_DEVICE);
    CHECK_CONTAINS(e.msg, "dit: ");
    CHECK(!strstr(e.msg, ": :"));
    free(dir);
}

/* What is asked before a run is what a step of it takes. */
TEST(train_room_is_what_a_step_takes)
{
    struct train_config c;
    struct tiny_vae m;
    struct vae_batch b;
    struct optim o;
    struct err e;
    struct cx cx;

    config(&c);
    CHECK_INT(tiny_vae_init(&m, &c.vae.net, &e), 0);
    CHECK_INT(weight_set_allocate(&m.weights, device_cpu(), c.type, 1, &e), 0);
    struct optim_set set = {"vae", &m.weights};
    CHECK_INT(optim_init(&o, &c.vae.optim, &set, 1, &e), 0);
    uint64_t state = 0;
    for (int i = 0; i < m.weights.n; i++) {
        const struct weight *w = m.weights.all[i];
        int64_t each = (w->master ? 4 : 0) + (w->grad ? 4 : 0) +
                       (w->master != w->data ? (int64_t)dtype_bytes(w->type) : 0);
        state += (uint64_t)(weight_count(w) * each);
    }
    for (int i = 0; i < o.n; i++)
        state += (uint64_t)o.slot[i].n * 4u *
                 ((o.slot[i].m != NULL) + (o.slot[i].v != NULL) + (o.slot[i].ema != NULL));
    vae_batch_init(&b, &m, &c.clip, c.vae.batch, c.vae.groups);
    memset(b.video, 0, sizeof(float) * (size_t)b.n * (size_t)b.t * (size_t)b.h * (size_t)b.w * 3);
    memset(b.noise, 0,
           sizeof(float) * (size_t)b.n * (size_t)b.lt * (size_t)b.lh * (size_t)b.lw * (size_t)b.c);
    for (int i = 0; i < b.n * b.t * b.h * b.w; i++)
        b.weight[i] = 1;
    cx_init(&cx, device_cpu(), c.type, NULL);
    tape_begin(&cx);
    backward(&cx, vae_loss(&cx, &m, &b, &c.vae), 1);
    tape_end(&cx);
    cx_step_end(&cx);
    struct room room = room_vae(&c);
    double took = (double)(cx_peak_bytes(&cx) + state);
    CHECK_BELOW(fabs((double)room.device - took) / took, 1e-3);
    cx_release(&cx);
    vae_batch_release(&b);
    optim_release(&o);
    tiny_vae_release(&m);
}

/* A device with a little memory: the run is refused before anything is rendered. */
static uint64_t little(struct device *d)
{
    (void)d;
    return 1 << 20;
}

TEST(train_that_does_not_fit_is_refused_first)
{
    char *dir = path_join(ztest_tmp(), "resume-room"), *reel = path_join(dir, "reel.bin");
    struct device small = *device_cpu();
    struct run run = {.dir = dir, .device = &small};
    struct train_config c;
    struct err e;

    config(&c);
    small.room = little;
    CHECK_INT(train_run(&c, &run, &e), ERR_FIT);
    CHECK_CONTAINS(e.msg, "codec");
    run.resume = 1;
    c.vae.batch = c.vae.groups = 1;
    c.dit.phase[0].windows = 4096;
    CHECK(room_dit(&c).device > room_vae(&c).device);
    run.device = device_cpu();
    c.reel_clips = 1000000;
    c.clip.width = c.clip.height = 8192;
    CHECK_INT(train_run(&c, &run, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "free on this disk");
    CHECK(!file_exists(reel));
    free(reel);
    free(dir);
}
