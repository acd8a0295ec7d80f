/* bundle_fit.c - do the networks of a model directory belong together? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/bundle_inner.h"

#define CONFIG_MAX_BYTES (1 << 20)

static int check_pictures(const struct bundle *b, const struct denoiser_config *d, struct err *e)
{
    const struct image_config *p = &b->image.config;

    if (d->image_dim && !b->image.is)
        return err_set(e, ERR_FORMAT,
                       "%s: the transformer reads what an image_encoder makes of a picture, and "
                       "there is none",
                       b->dir);
    if (d->image_dim && d->image_dim != p->dim)
        return err_set(e, ERR_FORMAT,
                       "%s: the transformer wants rows of pictures of width %d, the image_encoder "
                       "gives %d",
                       b->dir, d->image_dim, p->dim);
    if (d->image_rows && d->image_rows != 2 * p->rows)
        return err_set(e, ERR_FORMAT,
                       "%s: pos_embed_seq_len of the transformer is %d, two pictures have 2 x %d "
                       "rows",
                       b->dir, d->image_rows, p->rows);
    return 0;
}

/* Channels of the latent go through; a model that goes on from pictures reads a mask and their
 * latent beside it. */
static int check_channels(const struct bundle *b, const struct denoiser_config *d, struct err *e)
{
    const struct codec_config *vae = &b->codec.config;
    int more = d->in_channels - d->out_channels;

    if (d->out_channels == vae->channels && more && more != vae->kt + vae->channels)
        return err_set(
            e, ERR_FORMAT,
            "%s: transformer of %d channels, where %d or, with a picture beside them, %d "
            "are read: one that takes other films beside them (Wan Fun Control has 48 or "
            "52) is not",
            b->dir, d->in_channels, vae->channels, vae->kt + 2 * vae->channels);
    if (d->out_channels != vae->channels)
        return err_set(e, ERR_FORMAT,
                       "%s: transformer of %d to %d channels, vae of %d: the vae is that of "
                       "another model",
                       b->dir, d->in_channels, d->out_channels, vae->channels);
    if (d->n_controls && d->control_channels != 2 * vae->channels + vae->ks * vae->ks)
        return err_set(e, ERR_FORMAT,
                       "%s: vace_in_channels of the transformer is %d, two latents of %d channels "
                       "and a mask of %dx%d px are %d",
                       b->dir, d->control_channels, vae->channels, vae->ks, vae->ks,
                       2 * vae->channels + vae->ks * vae->ks);
    return 0;
}

static int check_texts(const struct bundle *b, const struct denoiser_config *d, struct err *e)
{
    if (d->n_texts < b->n_texts)
        return err_set(e, ERR_FORMAT,
                       "%s: there is a text_encoder_2, but the transformer reads one text encoder",
                       b->dir);
    if (d->n_texts > b->n_texts)
        return err_set(
            e, ERR_FORMAT,
            "%s: the transformer reads text_encoder and text_encoder_2, which is missing", b->dir);
    for (int k = 0; k < d->n_texts; k++)
        if (d->text_dim[k] != b->text[k].config.dim)
            return err_set(e, ERR_FORMAT,
                           "%s: transformer wants text of width %d, the text encoder gives %d",
                           b->dir, d->text_dim[k], b->text[k].config.dim);
    return 0;
}

/* Both see the same tokens. */
static int check_pair(const struct bundle *b, const struct denoiser_config *d, struct err *e)
{
    const struct denoiser_config *first = &b->denoiser[0].config;

    if (memcmp(d->patch, first->patch, sizeof d->patch) ||
        memcmp(d->text_rows, first->text_rows, sizeof d->text_rows))
        return err_set(e, ERR_FORMAT,
                       "%s: transformer and transformer_2 differ in patch_size or text_len",
                       b->dir);
    if (d->in_channels != first->in_channels || d->image_dim != first->image_dim)
        return err_set(e, ERR_FORMAT,
                       "%s: transformer and transformer_2 differ in in_channels or image_dim: they "
                       "are not of one model",
                       b->dir);
    return 0;
}

int bundle_check_fit(const struct bundle *b, struct err *e)
{
    const struct codec_config *vae = &b->codec.config;
    int rc = 0;

    if (vae->channels != b->info.channels)
        return err_set(e, ERR_FORMAT,
                       "%s: vae of %d channels, latents_mean of %d: both must be equal", b->dir,
                       vae->channels, b->info.channels);
    if (b->part[PLACE_UPSAMPLER2].is && !b->part[PLACE_UPSAMPLER].is)
        return err_set(e, ERR_FORMAT,
                       "%s: upsampler_2 enlarges what upsampler has made, and that is not there",
                       b->dir);
    if ((b->n_denoisers > 1) != (b->info.boundary > 0))
        return err_set(e, ERR_FORMAT,
                       "%s: boundary_ratio is %g, but there %s; it is what divides transformer and "
                       "transformer_2",
                       b->dir, b->info.boundary,
                       b->n_denoisers > 1 ? "are two transformers" : "is one transformer");
    for (int i = 0; !rc && i < b->n_denoisers; i++) {
        const struct denoiser_config *d = &b->denoiser[i].config;

        rc = check_pair(b, d, e);
        if (!rc)
            rc = check_channels(b, d, e);
        if (!rc)
            rc = check_texts(b, d, e);
        if (!rc)
            rc = check_pictures(b, d, e);
    }
    return rc;
}

/* ---- experts ---- */

static void read_origin(void *arg, struct jval root)
{
    snprintf(arg, 256, "%s", j_string_or(root, "_name_or_path", ""));
}

/* Where a config says that it came from a folder of the other noise. */
static int check_origin(const char *dir, enum bundle_place place, const char *other, struct err *e)
{
    char *folder = path_join(dir, bundle_folder(place)), *path = path_join(folder, "config.json");
    char origin[256] = "";
    int rc = jdoc_take(path, CONFIG_MAX_BYTES, read_origin, origin, e);

    if (!rc && strstr(origin, other))
        rc = err_set(e, ERR_FORMAT,
                     "%s: comes from \"%s\", but transformer is the expert of high noise and "
                     "transformer_2 that of low noise: they are exchanged",
                     path, origin);
    free(path);
    free(folder);
    return rc;
}

int bundle_check_experts(const char *dir, struct err *e)
{
    int high = bundle_has(dir, PLACE_DENOISER), low = bundle_has(dir, PLACE_DENOISER2), rc = 0;

    if (low && !high)
        return err_set(e, ERR_FORMAT,
                       "%s: transformer_2, the expert of low noise, is there without transformer, "
                       "that of high noise",
                       dir);
    if (low)
        rc = check_origin(dir, PLACE_DENOISER, "low_noise", e);
    if (low && !rc)
        rc = check_origin(dir, PLACE_DENOISER2, "high_noise", e);
    return rc;
}

enum { SMALL_WEIGHT = 1 << 16 };

static int same_values(const struct weight *a, const struct weight *b)
{
    size_t bytes = (size_t)weight_count(a) * sizeof(float);
    float *x = xmalloc(bytes), *y = xmalloc(bytes);
    int same;

    weight_read(a, x);
    weight_read(b, y);
    same = !memcmp(x, y, bytes);
    free(x);
    free(y);
    return same;
}

int bundle_check_twins(const struct bundle *b, struct err *e)
{
    if (b->n_denoisers < 2)
        return 0;
    for (int i = 0; i < b->denoiser[0].weights->n; i++) {
        const struct weight *w = b->denoiser[0].weights->all[i],
                            *other = weight_find(b->denoiser[1].weights, w->name);

        if (!other || weight_count(w) != weight_count(other) ||
            (weight_count(w) <= SMALL_WEIGHT && !same_values(w, other)))
            return 0;
    }
    return err_set(e, ERR_FORMAT,
                   "%s: transformer and transformer_2 hold the same weights: the expert of high or "
                   "that of low noise is missing",
                   b->dir);
}
