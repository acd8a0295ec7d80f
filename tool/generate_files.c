#include "generate_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/film.h"

/* clang-format off */
static const char *const spelled[][2] = { /* by stable-diffusion.cpp, by us */
    {"W", "width"},                        {"H", "height"},
    {"n", "negative"},                     {"negative-prompt", "negative"},
    {"s", "seed"},                         {"t", "threads"},
    {"m", "model"},                        {"i", "first-frame"},
    {"init-img", "first-frame"},           {"video-frames", "frames"},
    {"cfg-scale", "guidance"},             {"flow-shift", "shift"},
    {"sampling-method", "sampler"},        {"clip-vision", "clip_vision"},
    {"umt5xxl", "t5xxl"},                  {"b", "variants"},
    {"batch-count", "variants"},
};
static const struct {
    const char *name, *value, *help;
    int part; /* of loose.h; -1, -2: the tokenizer, the tree */
} rows[] = {
    {"models", "DIR", "a folder of models as ComfyUI keeps it; what no other option names is looked for there", -2},
    {"diffusion-model", "FILE", "the transformer, or that of low noise", LOOSE_DENOISER},
    {"high-noise-diffusion-model", "FILE", "the transformer of high noise", LOOSE_DENOISER2},
    {"t5xxl", "FILE", "the text encoder", LOOSE_TEXT},
    {"vae", "FILE", "the video autoencoder", LOOSE_CODEC},
    {"clip_vision", "FILE", "the picture encoder", LOOSE_IMAGE},
    {"tokenizer", "FILE", "spiece.model or tokenizer.json, when the text encoder has none in it", -1},
};
/* clang-format on */
enum { N_ROWS = sizeof rows / sizeof *rows };

const char *files_option(const char *name)
{
    for (size_t i = 0; i < sizeof spelled / sizeof *spelled; i++)
        if (!strcmp(name, spelled[i][0]))
            return spelled[i][1];
    return name;
}

int files_take(struct files *f, const char *name, const char *value)
{
    if (!strcmp(name, "width") || !strcmp(name, "height")) {
        *(*name == 'w' ? &f->width : &f->height) = value;
        return 1;
    }
    for (int i = 0; i < N_ROWS; i++) {
        if (strcmp(name, rows[i].name))
            continue;
        if (rows[i].part >= 0)
            f->loose.file[rows[i].part] = value;
        else
            *(rows[i].part == -1 ? &f->loose.tokenizer : &f->loose.tree) = value;
        return 1;
    }
    return 0;
}

static int settle_size(struct files *f, const char **size, struct err *e)
{
    *size = NULL;
    if (!f->width && !f->height)
        return 0;
    if (!f->width || !f->height)
        return err_set(e, ERR_USAGE, "%s is given without %s; --size WxH is both",
                       f->width ? "width" : "height", f->width ? "height" : "width");
    snprintf(f->size, sizeof f->size, "%.12sx%.12s", f->width, f->height);
    *size = f->size;
    return 0;
}

int files_settle(struct files *f, const char **model, const char **size, struct err *e)
{
    int any = f->loose.tokenizer || f->loose.tree, rc = settle_size(f, size, e);

    *model = NULL;
    for (int p = 0; p < N_LOOSE_PARTS; p++)
        any |= f->loose.file[p] != NULL;
    if (rc || !any)
        return rc;
    rc = loose_model(&f->model, &f->loose, e);
    *model = f->model;
    return rc;
}

void files_release(struct files *f)
{
    free(f->model);
}

void files_help(void)
{
    puts("\nfiles of a model, instead of --model:");
    for (int i = 0; i < N_ROWS; i++) {
        char left[64];

        snprintf(left, sizeof left, "--%s %s", rows[i].name, rows[i].value);
        printf("      %-34s %s\n", left, rows[i].help);
    }
    puts("      -W, -H, --video-frames, --cfg-scale, --flow-shift and others of "
         "stable-diffusion.cpp are understood");
}

int files_name_film(zt_job *job, struct err *e)
{
    char name[64];

    if (zt_job_get(job, "output"))
        return 0;
    snprintf(name, sizeof name, "zoetrope-%s.%s", zt_job_get(job, "seed"), film_default_ending());
    e->code = zt_job_set(job, "output", name, e->msg, sizeof e->msg);
    if (!e->code)
        e->code = zt_job_plan(job, e->msg, sizeof e->msg);
    return e->code;
}
