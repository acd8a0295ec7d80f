#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/jsonw.h"
#include "base/tree.h"
#include "model/bundle.h"
#include "train/from.h"
#include "train/latents.h"
#include "train/stages.h"

static int write_scheduler(const struct train_config *c, const char *dir, struct err *e)
{
    struct buf out = BUF_INIT;
    struct jsonw w;
    jsonw_init(&w, &out, 2);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "_class_name", "FlowMatchEulerDiscreteScheduler");
    jsonw_int(&w, "num_train_timesteps", 1000);
    jsonw_real(&w, "shift", c->model.shift);
    jsonw_end_object(&w);
    buf_putc(&out, '\n');
    char *folder = path_join(dir, "scheduler"), *path = path_join(folder, "scheduler_config.json");
    int rc = dir_make(folder, e);
    if (!rc)
        rc = file_write(path, buf_str(&out), out.len, e);
    free(path);
    free(folder);
    buf_release(&out);
    return rc;
}

static int write_info(const struct train_config *c, const char *run, const char *dir, struct err *e)
{
    struct bundle_info info;
    if (*c->from) {
        int rc = from_info(c, &info, e);
        return rc ? rc : bundle_info_write(&info, dir, e);
    }
    info = (struct bundle_info){.frame_rate = c->clip.fps,
                                .shown_rate =
                                    c->model.shown_rate > 0 ? c->model.shown_rate : c->clip.fps,
                                .width = c->clip.width,
                                .height = c->clip.height,
                                .frames = c->clip.frames,
                                .own_height = c->model.own_height,
                                .steps = c->model.steps,
                                .guidance = c->model.guidance,
                                .shift = c->model.shift,
                                .guidance_given = c->model.guidance_given,
                                .stagger = c->model.stagger,
                                .sharpen = c->model.sharpen,
                                .fade = c->model.fade,
                                .channels = c->vae.net.latent_channels};
    for (int i = 0; i < c->clip.worlds.n; i++)
        info.worlds |= world_bit(c->clip.worlds.part[i].world);
    snprintf(info.name, sizeof(info.name), "%s", c->name);
    snprintf(info.license, sizeof(info.license), "%s", c->license);
    snprintf(info.description, sizeof(info.description), "%s", c->description);
    snprintf(info.release, sizeof(info.release), "%.12s", c->hash);
    snprintf(info.sampler, sizeof(info.sampler), "%s", c->model.sampler);
    snprintf(info.type, sizeof(info.type), "%s", c->model.type);
    int rc = latents_read_stats(info.latents_mean, info.latents_std, info.channels, run, e);
    return rc ? rc : bundle_info_write(&info, dir, e);
}

static int write_again(const struct train_config *c, const char *from, const char *to,
                       enum part_role role, struct err *e)
{
    struct part p;
    int rc = part_declare(&p, from, role, e);
    if (!rc)
        rc = part_load(&p, from, device_cpu(), DT_F32, 0, NULL, e);
    if (!rc)
        rc = part_save(&p, to, c->model.weights, NULL, e);
    part_release(&p);
    return rc;
}

/* Each network that learned is loaded once more and written again, so that nothing enters the model
 * that cannot be read; others stay what they are. */
static int copy_networks(const struct train_config *c, const char *run, const char *dir,
                         struct err *e)
{
    static const enum part_role roles[] = {PART_TEXT, PART_DENOISER, PART_CODEC, PART_UPSAMPLER,
                                           PART_UPSAMPLER};
    static const enum bundle_place places[] = {PLACE_TEXT, PLACE_DENOISER, PLACE_CODEC,
                                               PLACE_UPSAMPLER, PLACE_UPSAMPLER2};
    int rc = 0;
    for (int i = 0; i < 5 && !rc; i++) {
        int kept = *c->from && places[i] >= PLACE_CODEC;
        if (kept ? !bundle_has(run, places[i]) : i >= 3 + c->n_upsamplers)
            continue;
        char *from = path_join(run, bundle_folder(places[i]));
        char *to = path_join(dir, bundle_folder(places[i]));
        rc = kept ? tree_copy(from, to, from_is_mark, e) : write_again(c, from, to, roles[i], e);
        free(from);
        free(to);
    }
    return rc;
}

static int copy_tokenizer(const char *run, const char *dir, struct err *e)
{
    struct buf text = BUF_INIT;
    char *from = path_join(run, "tokenizer/tokenizer.json"), *folder = path_join(dir, "tokenizer");
    char *to = path_join(folder, "tokenizer.json");
    int rc = file_read(&text, from, 64 << 20, e);
    if (!rc)
        rc = dir_make(folder, e);
    if (!rc)
        rc = file_write(to, text.data, text.len, e);
    free(from);
    free(folder);
    free(to);
    buf_release(&text);
    return rc;
}

int bundle_stage(const struct train_config *c, const struct run *run, struct err *e)
{
    char *dir = path_join(run->dir, "model");
    int rc = dir_make(dir, e);
    if (!rc)
        rc = copy_networks(c, run->dir, dir, e);
    if (!rc)
        rc = copy_tokenizer(run->dir, dir, e);
    if (!rc)
        rc = write_scheduler(c, dir, e);
    if (!rc)
        rc = write_info(c, run->dir, dir, e);
    if (!rc)
        run_log(run, "model: %s", dir);
    free(dir);
    return rc;
}
