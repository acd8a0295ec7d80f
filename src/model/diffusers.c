/* diffusers.c - model directories as diffusers writes them, for the pipelines that are known. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/bundle_inner.h"
#include "model/family.h"

#define CONFIG_MAX_BYTES (1 << 20)
#define SMALL_SHIFT 3.0 /* and less is that of models for 832x480 */

int diffusers_index(struct bundle_info *info, struct jval root)
{
    static const char *const known[] = {"WanPipeline", "WanImageToVideoPipeline",
                                        "WanVACEPipeline"};
    const char *class = j_string_or(root, "_class_name", "");

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        info->diffusers |= !strcmp(class, known[i]);
    if (!info->diffusers)
        return 0;
    info->boundary = j_real_or(root, "boundary_ratio", 0, 1, 0);
    const char *expert = j_string_or(root, BUNDLE_EXPERT, "");
    if (!strcmp(expert, "high") || !strcmp(expert, "low"))
        snprintf(info->expert, sizeof info->expert, "%s", expert);
    info->own_times = j_bool_or(root, "expand_timesteps", 0);
    return 1;
}

static void read_shift(void *arg, struct jval root)
{
    double *shift = arg;

    *shift = j_real_or(root, "flow_shift", 1e-3, 100, j_real_or(root, "shift", 1e-3, 100, 0));
}

/* The shift of the folder's scheduler, 0: it says none. */
static int scheduler_shift(double *shift, const char *dir, struct err *e)
{
    char *path = path_join(dir, BUNDLE_SCHEDULER);
    int rc = jdoc_take_python(path, CONFIG_MAX_BYTES, read_shift, shift, e);

    free(path);
    return rc;
}

static int latents_of(struct bundle_info *info, const char *dir, struct err *e)
{
    char *path = path_join(dir, bundle_folder(PLACE_CODEC));
    struct part vae;
    int rc = part_declare(&vae, path, PART_CODEC, e);

    if (!rc) {
        struct codec_config c = part_codec(&vae).config;

        info->channels = c.channels;
        for (int i = 0; i < c.channels && i < BUNDLE_MAX_CHANNELS; i++) {
            info->latents_mean[i] = c.mean ? c.mean[i] : 0;
            info->latents_std[i] = c.std ? c.std[i] : 1;
        }
        if (c.channels > BUNDLE_MAX_CHANNELS)
            rc = err_set(e, ERR_FORMAT, "%s: %d channels, at most %d are read", path, c.channels,
                         BUNDLE_MAX_CHANNELS);
    }
    part_release(&vae);
    free(path);
    return rc;
}

static void take_name(struct bundle_info *info, const char *dir)
{
    size_t n = strlen(dir), from;

    while (n > 1 && dir[n - 1] == '/')
        n--;
    for (from = n; from > 0 && dir[from - 1] != '/'; from--)
        ;
    snprintf(info->name, sizeof info->name, "%.*s", (int)(n - from), dir + from);
}

static void take_family(struct bundle_info *info, const struct denoiser_config *d, double shift)
{
    struct family_signs signs = {.width = d->width,
                                 .in_channels = d->in_channels,
                                 .image_dim = d->image_dim,
                                 .image_rows = d->image_rows,
                                 .experts = info->boundary > 0 ? 2 : 1,
                                 .controls = d->n_controls > 0,
                                 .own_times = info->own_times,
                                 .small = shift > 0 && shift <= SMALL_SHIFT};
    const struct family *f = family_of(&signs);

    info->family = f->name;
    snprintf(info->description, sizeof info->description, "%s", f->name);
    info->width = f->width;
    info->height = f->height;
    info->frames = f->frames;
    info->frame_rate = info->shown_rate = f->fps;
    info->steps = f->steps;
    info->guidance = f->guidance;
    info->guidance2 = f->guidance2;
    info->negative = f->negative;
    info->shift = shift > 0 ? shift : f->shift;
    strcpy(info->sampler, "unipc");
}

int diffusers_settle(struct bundle_info *info, const char *dir, struct err *e)
{
    char *path = path_join(dir, bundle_folder(PLACE_DENOISER));
    double shift = 0;
    struct part net;
    int rc = bundle_check_experts(dir, e);

    if (!rc)
        rc = part_declare(&net, path, PART_DENOISER, e);
    free(path);
    if (rc)
        return rc;
    rc = scheduler_shift(&shift, dir, e);
    if (!rc)
        rc = latents_of(info, dir, e);
    if (!rc) {
        struct denoiser_config d = part_denoiser(&net).config;

        take_name(info, dir);
        take_family(info, &d, shift);
    }
    part_release(&net);
    return rc;
}
