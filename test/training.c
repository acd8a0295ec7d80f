#include "training.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "ztest.h"

static volatile sig_atomic_t stop;

/* The log says when there was a look: a run cannot be stopped at a more exact moment. */
static ssize_t hear(void *cookie, const char *line, size_t bytes)
{
    (void)cookie;
    if (memmem(line, bytes, "held-out", 8))
        stop = 1;
    return (ssize_t)bytes;
}

void training_config(struct train_config *c)
{
    char *path = path_join(ztest_data(".."), "configs/tiny.json");
    struct err e = {0};

    if (train_config_read(c, path, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    free(path);
}

int training_try(const struct train_config *c, const char *dir, const char *until, int resume,
                 char **log, struct err *e)
{
    size_t size;
    FILE *f = log ? open_memstream(log, &size) : NULL;
    struct run run = {.dir = dir,
                      .log = f,
                      .until = until,
                      .checkpoint_s = 0, /* after every step */
                      .resume = resume,
                      .device = device_cpu(),
                      .threads = threads_new(2)};
    *e = (struct err){0};
    int rc = train_run(c, &run, e);
    threads_free(&run.threads);
    if (f)
        fclose(f);
    return rc;
}

void training_run(const struct training *t)
{
    struct train_config c;
    struct err e = {0};
    FILE *log = t->stop ? fopencookie(NULL, "w", (cookie_io_functions_t){.write = hear}) : t->log;
    struct run run = {.dir = t->dir,
                      .log = log,
                      .stop = &stop,
                      .checkpoint_s = 1e9,
                      .resume = t->resume,
                      .device = t->device,
                      .threads = threads_new(2)};

    stop = 0;
    training_config(&c);
    CHECK_INT(c.latent_clips, TRAINING_CLIPS);
    c.vae.steps = 3;
    c.vae.evaluate_every = 0;
    c.dit.phase[0].steps = c.dit.phase[1].steps = TRAINING_STEPS / 2;
    c.dit.evaluate_every = t->look;
    c.latent_growth = t->growth;
    int rc = train_run(&c, &run, &e);
    if (rc != (t->stop ? ERR_CANCEL : 0))
        ztest_fail(__FILE__, __LINE__, "%s: %d %s", t->device->name, rc, e.msg);
    if (t->stop)
        fclose(log);
    threads_free(&run.threads);
}

void training_same(const char *a, const char *b, const char *name)
{
    char *paths[2] = {path_join(a, name), path_join(b, name)};
    struct buf text[2] = {BUF_INIT, BUF_INIT};
    struct err e;

    for (int i = 0; i < 2; i++) {
        CHECK_INT(file_read(&text[i], paths[i], 1 << 28, &e), 0);
        free(paths[i]);
    }
    if (text[0].len != text[1].len || memcmp(text[0].data, text[1].data, text[0].len))
        ztest_fail(__FILE__, __LINE__, "%s differs: %zu and %zu bytes", name, text[0].len,
                   text[1].len);
    buf_release(&text[0]);
    buf_release(&text[1]);
}
