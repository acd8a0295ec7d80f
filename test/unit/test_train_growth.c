/* The pool of clips that grows beside training: how large it is when, and that neither the
 * machine's speed nor an interruption nor a device can be seen in what comes out. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "fixture.h"
#include "train/growth.h"
#include "training.h"
#include "walled.h"
#include "ztest.h"

#define ENOUGH ((size_t)1 << 30)
#define GROWTH 5.3 /* clips a step: the last group of the run is not a whole one */

TEST(growth_schedule)
{
    struct train_config c = {.latent_clips = 24, .latent_growth = 0.7};

    c.dit.n_phases = 2;
    c.dit.phase[0].steps = 30;
    c.dit.phase[1].steps = 31;
    CHECK_INT(growth_clips(&c, 0), 24);
    CHECK_INT(growth_clips(&c, 1), 24);
    CHECK_INT(growth_clips(&c, 2), 25);
    CHECK_INT(growth_clips(&c, 60), 66);
    CHECK_INT(growth_final(&c), 66);
    c.latent_growth = 1000;
    CHECK_INT(growth_clips(&c, 1ll << 40), TRAIN_MAX_CLIPS);
    c.latent_growth = 0;
    CHECK_INT(growth_clips(&c, 1ll << 40), 24);
}

/* A run with growth on the CPU that nobody stopped. */
static const char *whole(void)
{
    static char *dir;

    if (!dir) {
        dir = path_join(ztest_tmp(), "growth-whole");
        training_run(&(struct training){device_cpu(), dir, GROWTH, .look = 3});
    }
    return dir;
}

static void read_all(struct buf *out, const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    struct err e;

    CHECK_INT(file_read(out, path, 1 << 28, &e), 0);
    free(path);
}

/* A strip that cannot be drawn, here as folders are in the way, stops nothing and is told once. */
TEST(training_says_once_that_there_is_no_strip)
{
    char *dir = path_join(ztest_tmp(), "no-strips"), *text = NULL, *first, step[32];
    size_t bytes = 0;
    struct err e;

    for (int i = 0; i <= TRAINING_STEPS; i++) {
        snprintf(step, sizeof step, "strip-%06d.png", i);
        char *path = path_join(dir, step);
        CHECK_INT(dir_make(path, &e), 0);
        free(path);
    }
    FILE *log = open_memstream(&text, &bytes);
    training_run(&(struct training){device_cpu(), dir, 0, .log = log, .look = 3});
    fclose(log);
    first = strstr(text, "no strip: ");
    CHECK(first && !strstr(first + 1, "no strip: "));
    CHECK(strstr(first, "held-out x0")); /* and there was another look */
    free(text);
    free(dir);
}

/* Without growth the pool stays what it was; with it the same clips come first, the statistics are
 * theirs, and the first step, before which nothing grew, is the same. */
TEST(growth_begins_with_the_same_pool)
{
    char *dir = path_join(ztest_tmp(), "growth-none");
    struct buf fixed = BUF_INIT, grown = BUF_INIT;

    training_run(&(struct training){device_cpu(), dir, 0, .look = 3});
    training_same(dir, whole(), "latents.json");
    read_all(&fixed, dir, "latents.bin");
    read_all(&grown, whole(), "latents.bin");
    size_t head = sizeof(struct latents_head), clip = (fixed.len - head) / TRAINING_CLIPS;
    CHECK_INT((fixed.len - head) % TRAINING_CLIPS, 0);
    CHECK_INT(grown.len - head, clip * (TRAINING_CLIPS + (int)(GROWTH * (TRAINING_STEPS - 1))));
    CHECK(!memcmp(fixed.data, grown.data, fixed.len));
    buf_clear(&fixed);
    buf_clear(&grown);
    read_all(&fixed, dir, "curve-dit.jsonl");
    read_all(&grown, whole(), "curve-dit.jsonl");
    size_t row = (size_t)(strchr(buf_str(&fixed), '\n') - buf_str(&fixed)) + 1;
    CHECK(!memcmp(fixed.data, grown.data, row));
    CHECK(strcmp(buf_str(&fixed), buf_str(&grown)));
    buf_release(&fixed);
    buf_release(&grown);
    free(dir);
}

/* Stopped at step 3, then at step 6. Between them the file loses records that the checkpoint needs;
 * after them a checkpoint is lost, and the file holds more than the one before it needs. */
static void stopped_equals_whole(struct device *d, const char *name)
{
    char *dir = path_join(ztest_tmp(), name), *latents = path_join(dir, "latents.bin"),
         *last = path_join(dir, "dit-00000006.safetensors");
    struct training t = {d, dir, GROWTH, .look = 3, .stop = 1};

    training_run(&t);
    int64_t bytes = file_size(latents);
    CHECK(bytes > 0 && !truncate(latents, bytes / 2 + 7));
    t.resume = 1;
    training_run(&t);
    CHECK(file_size(latents) >= bytes && !unlink(last));
    t.stop = 0;
    training_run(&t);
    training_same(dir, whole(), "latents.bin");
    training_same(dir, whole(), "curve-dit.jsonl");
    training_same(dir, whole(), "model/transformer/diffusion_pytorch_model.safetensors");
    training_same(dir, whole(), "model/text_encoder/model.safetensors");
    free(dir);
    free(latents);
    free(last);
}

TEST(growth_that_was_stopped)
{
    stopped_equals_whole(device_cpu(), "growth-stopped");
}

/* There batches are made ahead and views are encoded together. */
TEST(growth_on_a_device)
{
    stopped_equals_whole(walled_device(ENOUGH), "growth-walled");
    CHECK_INT(walled_held(), 0);
}
