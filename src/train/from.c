#include "train/from.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/tree.h"
#include "generate/sampler.h"
#include "model/networks.h"
#include "train/latents.h"
#include "train/prompts.h"
#include "train/recipe.h"

/* ---- the config ---- */

static int declare(struct part *p, const char *from, enum bundle_place place,
                   const struct part_class *is, struct err *e)
{
    char *dir = path_join(from, bundle_folder(place));
    int rc = part_declare(p, dir, is->role, e);

    if (!rc && p->is != is) {
        rc = err_set(e, ERR_FORMAT, "%s: is no %s, and another cannot be trained", dir,
                     is->names[0]);
        part_release(p);
    }
    free(dir);
    return rc;
}

static int read_networks(struct train_config *c, struct err *e)
{
    struct part vae = {0}, words = {0}, wan = {0};
    int rc = declare(&vae, c->from, PLACE_CODEC, &tiny_vae_part, e);

    if (!rc)
        rc = declare(&words, c->from, PLACE_TEXT, &clause_text_part, e);
    if (!rc)
        rc = declare(&wan, c->from, PLACE_DENOISER, &wan_part, e);
    if (!rc) {
        c->vae =
            (struct vae_recipe){.net = ((const struct tiny_vae *)vae.net)->config, .groups = 1};
        c->dit.text = ((const struct clause_text *)words.net)->config;
        c->dit.net = ((const struct wan *)wan.net)->config;
    }
    part_release(&vae);
    part_release(&words);
    part_release(&wan);
    return rc;
}

int from_read(struct train_config *c, struct err *e)
{
    struct bundle_info info;
    int rc = bundle_info_read(&info, c->from, e);

    if (!rc && !info.worlds)
        rc =
            err_set(e, ERR_FORMAT, "%s: knows none of the worlds that clips are drawn of", c->from);
    if (!rc)
        rc = read_networks(c, e);
    if (rc)
        return rc;
    c->model.steps = info.steps;
    c->model.guidance = info.guidance;
    c->model.shift = info.shift;
    return 0;
}

int from_check(const struct train_config *c, struct err *e)
{
    struct bundle_info info;
    int rc = bundle_info_read(&info, c->from, e);

    if (!rc && fabs(info.frame_rate - c->clip.fps) > 1e-6)
        rc = err_set(e, ERR_FORMAT,
                     "clip.fps is %g, and %s/model_index.json has frame_rate %g: clips of another "
                     "rate would teach other velocities",
                     c->clip.fps, c->from, info.frame_rate);
    return rc;
}

/* ---- the folder of the run ---- */

static int copy_folder(const struct train_config *c, const char *run, const char *name,
                       struct err *e)
{
    char *from = path_join(c->from, name), *to = path_join(run, name);
    int rc = tree_copy(from, to, NULL, e);

    free(from);
    free(to);
    return rc;
}

/* Clips whose words the model does not have are refused before one is drawn. */
static int copy_tokenizer(const struct train_config *c, const char *run, struct err *e)
{
    struct tokenizer *t = NULL;
    int rc = copy_folder(c, run, "tokenizer", e);

    if (!rc)
        rc = prompts_tokenizer_of(&t, &c->clip.worlds, run, e);
    tokenizer_free(&t);
    return rc;
}

static int write_statistics(const struct train_config *c, const char *run, struct err *e)
{
    struct bundle_info info;
    double mean[BUNDLE_MAX_CHANNELS], std[BUNDLE_MAX_CHANNELS];
    int rc = bundle_info_read(&info, c->from, e);

    for (int i = 0; !rc && i < info.channels; i++) {
        mean[i] = (double)info.latents_mean[i];
        std[i] = (double)info.latents_std[i];
    }
    return rc ? rc : latents_write_stats(run, mean, std, info.channels, e);
}

/* Of clips of another size or length than the model's, which stay in its index. */
static int say_sizes(const struct train_config *c, const struct run *run, struct err *e)
{
    struct bundle_info info;
    int rc = bundle_info_read(&info, c->from, e);

    if (!rc && (info.width != c->clip.width || info.height != c->clip.height ||
                info.frames != c->clip.frames))
        run_log(run,
                "clips are %dx%d with %d frames, %s draws %dx%d with %d, and so will this model",
                c->clip.width, c->clip.height, c->clip.frames, c->from, info.width, info.height,
                info.frames);
    return rc;
}

int from_stage(const struct train_config *c, const struct run *run, struct err *e)
{
    int rc = 0;

    if (!*c->from || recipe_vae_done(c, run->dir))
        return 0;
    for (int place = PLACE_UPSAMPLER; !rc && place <= PLACE_UPSAMPLER2; place++)
        if (bundle_has(c->from, place))
            rc = copy_folder(c, run->dir, bundle_folder(place), e);
    if (!rc)
        rc = copy_tokenizer(c, run->dir, e);
    if (!rc)
        rc = write_statistics(c, run->dir, e);
    if (!rc)
        rc = copy_folder(c, run->dir, bundle_folder(PLACE_CODEC), e);
    if (!rc)
        run_log(run, "codec, words and statistics are those of %s", c->from);
    if (!rc)
        rc = say_sizes(c, run, e);
    return rc ? rc : recipe_vae_finish(c, run->dir, e);
}

/* ---- the model ---- */

int from_is_mark(const char *path)
{
    return !strcmp(path, "done");
}

int from_info(const struct train_config *c, struct bundle_info *info, struct err *e)
{
    int rc = bundle_info_read(info, c->from, e);

    if (rc)
        return rc;
    for (int i = 0; i < c->clip.worlds.n; i++)
        info->worlds |= world_bit(c->clip.worlds.part[i].world);
    snprintf(info->name, sizeof info->name, "%s", c->name);
    if (*c->license)
        snprintf(info->license, sizeof info->license, "%s", c->license);
    if (*c->description)
        snprintf(info->description, sizeof info->description, "%s", c->description);
    snprintf(info->release, sizeof info->release, "%.12s", c->hash);
    return 0;
}
