/* checkup_parts.c - which files make a model together, and what is missing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/gguf.h"
#include "format/json.h"
#include "model/checkup_inner.h"
#include "model/family.h"
#include "model/loose.h"
#include "model/loose_inner.h"

static void use(struct checkup *c, const char *full, const char *part)
{
    struct checked_file *f = checkup_file(c, full);

    if (!f || f->state == CHECKED_BAD)
        return;
    f->state = CHECKED_USED;
    f->part = part ? part : f->part;
}

/* The weights that st_open reads at path. */
static void use_weights(struct checkup *c, const char *path, const char *part)
{
    struct st_file *f;
    struct err e;
    char seen[ST_MAX_SHARDS] = {0};

    if (st_open(&f, path, &e))
        return;
    if (st_index(f))
        use(c, st_index(f), part);
    for (int i = 0; i < st_count(f); i++)
        if (!seen[st_at(f, i)->shard]) {
            seen[st_at(f, i)->shard] = 1;
            use(c, st_path(f, st_at(f, i)->shard), part);
        }
    st_close(&f);
}

/* ---- a model directory ---- */

static const char WEIGHTS[] = "diffusion_pytorch_model.safetensors or model.safetensors, one of "
                              "these with .index.json and its shards, or one .safetensors or .gguf";

static const char *const place_words[N_PLACES] = {
    [PLACE_TEXT] = "text encoder",
    [PLACE_TEXT2] = "second text encoder",
    [PLACE_DENOISER] = "transformer",
    [PLACE_DENOISER2] = "transformer of low noise",
    [PLACE_CODEC] = "vae",
    [PLACE_IMAGE] = "picture encoder",
    [PLACE_UPSAMPLER] = "upsampler",
    [PLACE_UPSAMPLER2] = "second upsampler",
};

static void take_name(void *arg, struct jval root)
{
    snprintf(arg, 64, "%s", j_string_or(root, "_class_name", ""));
}

/* What model_index.json names besides, must be there. */
struct listed {
    int place[N_PLACES];
};

static void take_listed(void *arg, struct jval root)
{
    struct listed *l = arg;

    for (int i = 0; i < N_PLACES; i++) {
        struct jval v = j_get(root, bundle_folder(i));

        l->place[i] = j_type(v) == J_ARRAY && j_type(j_at(v, 0)) == J_STRING;
    }
}

static void look_at_place(struct checkup *c, enum bundle_place place, int listed)
{
    const char *folder = bundle_folder(place);
    char *dir = path_join(c->dir, folder), *config = path_join(dir, "config.json");
    int needed = listed || place == PLACE_TEXT || place == PLACE_DENOISER || place == PLACE_CODEC;
    struct st_file *f;
    struct err e = {0};

    if (!dir_exists(dir)) {
        if (needed)
            checkup_wrong(c, "the %s is missing: folder %s with config.json and %s",
                          place_words[place], folder, WEIGHTS);
    } else {
        if (!file_exists(config))
            checkup_wrong(c, "the %s has no %s/config.json", place_words[place], folder);
        use(c, config, place_words[place]);
        if (!st_open(&f, dir, &e))
            use_weights(c, dir, place_words[place]);
        else if (e.code == ERR_IO && strstr(e.msg, "no .safetensors"))
            checkup_wrong(c, "the %s has no weights: in %s one of %s", place_words[place], folder,
                          WEIGHTS);
        else
            checkup_wrong(c, "%s: %s", place_words[place], e.msg);
        st_close(&f);
    }
    free(config);
    free(dir);
}

static void look_at_tokenizer(struct checkup *c, const char *folder, int needed)
{
    char *dir = path_join(c->dir, folder);
    struct tokenizer *t = NULL;
    struct err e = {0};

    if (!dir_exists(dir) && needed) {
        checkup_wrong(c, "the tokenizer is missing: %s/tokenizer.json or %s/spiece.model", folder,
                      folder);
    } else if (dir_exists(dir)) {
        char *file = path_join(dir, tokenizer_file(dir));

        if (tokenizer_open(&t, dir, &e))
            checkup_wrong(c, "tokenizer: %s; %s/tokenizer.json or %s/spiece.model is read", e.msg,
                          folder, folder);
        use(c, file, "tokenizer");
        free(file);
    }
    tokenizer_free(&t);
    free(dir);
}

/* Would the program open it? Its networks are declared and compared with the heads of the files. */
static void try_to_open(struct checkup *c, const char *dir)
{
    struct store_room room[N_PLACES];
    struct bundle *b = NULL;
    struct tokenizer *t;
    struct err e = {0};
    int rc = bundle_declare(&b, dir, &e);

    if (!rc)
        rc = bundle_survey(b, device_cpu(), DT_BF16, NULL, room, &e);
    for (int k = 0; !rc && k < b->n_texts; k++) {
        rc = bundle_tokenizer(&t, b, k, &e);
        tokenizer_free(&t);
    }
    if (rc) {
        checkup_wrong(c, "%s", e.msg);
    } else {
        c->info = b->info;
        free(c->model);
        c->model = xstrdup(dir);
    }
    bundle_free(&b);
}

static void blame_bad_files(struct checkup *c)
{
    for (int i = 0; i < c->n; i++)
        if (c->file[i].state == CHECKED_BAD)
            checkup_wrong(c, "%s: %s", c->file[i].path, c->file[i].say);
}

void checkup_model(struct checkup *c)
{
    char *index = path_join(c->dir, "model_index.json"), class[64] = "";
    char *scheduler = path_join(c->dir, BUNDLE_SCHEDULER);
    struct listed listed = {{0}};
    struct err e = {0};

    if (!jdoc_take(index, 1 << 20, take_name, class, &e))
        (void)!jdoc_take(index, 1 << 20, take_listed, &listed, &e);
    c->kind = !strcmp(class, "ZoetropePipeline") ? CHECKUP_OURS : CHECKUP_DIFFUSERS;
    use(c, index, NULL);
    use(c, scheduler, "scheduler");
    if (c->kind == CHECKUP_DIFFUSERS && !file_exists(scheduler))
        checkup_wrong(c, "the scheduler is missing: " BUNDLE_SCHEDULER);
    for (int i = 0; i < N_PLACES; i++)
        look_at_place(c, i, listed.place[i]);
    look_at_tokenizer(c, "tokenizer", 1);
    look_at_tokenizer(c, "tokenizer_2", listed.place[PLACE_TEXT2]);
    if (!c->n_wrong)
        try_to_open(c, c->dir);
    free(scheduler);
    free(index);
}

/* ---- loose files ---- */

static const struct {
    enum part_role role;
    const char *what, *names;
} wanted[] = {
    {PART_DENOISER, "transformer",
     "diffusion_models/wan2.1_t2v_1.3B_fp16.safetensors or the like: a .safetensors, shards with "
     "their index, or a .gguf of Wan in the folder itself, diffusion_models, unet, "
     "high_noise_model or low_noise_model"},
    {PART_TEXT, "text encoder",
     "text_encoders/umt5_xxl_fp16.safetensors, umt5_xxl_fp8_e4m3fn_scaled.safetensors or "
     "umt5-xxl-encoder-Q8_0.gguf, in text_encoders, clip or the folder itself; of a release "
     "models_t5_umt5-xxl-enc-bf16.pth, after zoetrope convert"},
    {PART_CODEC, "vae",
     "vae/wan_2.1_vae.safetensors; of a release Wan2.1_VAE.pth, after zoetrope convert"},
    {PART_CODEC, "vae of 48 channels",
     "vae/wan2.2_vae.safetensors; of a release Wan2.2_VAE.pth, after zoetrope convert"},
    {PART_IMAGE, "picture encoder",
     "clip_vision/clip_vision_h.safetensors; of a release "
     "models_clip_open-clip-xlm-roberta-large-vit-huge-14.pth, after zoetrope convert"},
};
enum { WANT_DENOISER, WANT_TEXT, WANT_CODEC, WANT_CODEC48, WANT_IMAGE, N_WANTED };

/* What is known of the networks that lie there. */
struct parts {
    int denoisers, texts, images, channels; /* of the last transformer; 0: there is none */
    int pictures;                           /* it reads a picture encoder */
    int codecs, codecs_fit;
    struct loose loose;
};

static void count_part(struct parts *p, const struct recognised *r)
{
    p->denoisers += r->role == PART_DENOISER;
    p->texts += r->role == PART_TEXT;
    p->images += r->role == PART_IMAGE;
    p->codecs += r->role == PART_CODEC;
    if (r->role == PART_DENOISER) {
        p->channels = r->channels;
        p->pictures |= strstr(buf_str(&r->config), "\"image_dim\"") != NULL;
    }
}

/* Named files become parts by what is in them. */
static void give_part(struct parts *p, const struct recognised *r, const char *path)
{
    switch (r->role) {
    case PART_DENOISER:
        p->loose.file[found_noise(path) > 0 ? LOOSE_DENOISER2 : LOOSE_DENOISER] = path;
        break;
    case PART_TEXT:
        p->loose.file[LOOSE_TEXT] = path;
        break;
    case PART_CODEC:
        p->loose.file[LOOSE_CODEC] = path;
        break;
    case PART_IMAGE:
        p->loose.file[LOOSE_IMAGE] = path;
        break;
    default:
        break;
    }
}

static void look_for_parts(struct parts *p, struct checkup *c)
{
    struct found_list found = {0};
    struct err too_many;

    if (*c->dir && found_in(&found, c->dir, &too_many))
        checkup_wrong(c, "%s", too_many.msg);
    for (int i = 0; i < c->n && !*c->dir; i++) {
        struct recognised r;
        struct st_file *f;
        struct err e;

        if (st_open(&f, c->file[i].full, &e))
            continue;
        if (!recognise(&r, f, &e)) {
            count_part(p, &r);
            p->codecs_fit += r.role == PART_CODEC;
            give_part(p, &r, c->file[i].full);
        }
        recognised_release(&r);
        st_close(&f);
    }
    for (int i = 0; i < found.n; i++)
        count_part(p, &found.all[i].is);
    for (int i = 0; i < found.n; i++)
        p->codecs_fit += found.all[i].is.role == PART_CODEC &&
                         (!p->channels || found.all[i].is.channels == p->channels);
    found_release(&found);
}

static void miss(struct checkup *c, int which)
{
    checkup_wrong(c, "the %s is missing: %s", wanted[which].what, wanted[which].names);
}

static void say_missing(struct checkup *c, const struct parts *p)
{
    if (!p->denoisers)
        miss(c, WANT_DENOISER);
    if (!p->texts)
        miss(c, WANT_TEXT);
    if (!p->codecs_fit)
        miss(c, p->channels == 48 ? WANT_CODEC48 : WANT_CODEC);
    if (p->pictures && !p->images)
        miss(c, WANT_IMAGE);
}

/* The files that the links of the made folder lead to. */
static void use_links(struct checkup *c, const char *model)
{
    for (int i = 0; i < N_PLACES; i++) {
        char *dir = path_join(model, bundle_folder(i));

        if (dir_exists(dir))
            use_weights(c, dir, place_words[i]);
        free(dir);
    }
    char *dir = path_join(model, "tokenizer"), *file = path_join(dir, tokenizer_file(dir));
    use(c, file, "tokenizer");
    free(file);
    free(dir);
}

void checkup_loose(struct checkup *c)
{
    struct parts p = {0};
    struct err e = {0};
    char *made = NULL;
    int lone;

    look_for_parts(&p, c);
    lone = c->kind == CHECKUP_PARTS && c->n == 1;
    if (c->kind == CHECKUP_NOTHING && p.denoisers + p.texts + p.codecs + p.images)
        c->kind = CHECKUP_LOOSE;
    blame_bad_files(c);
    if (lone) {
        if (!c->n_wrong)
            c->file[0].state = CHECKED_USED;
        return;
    }
    if (c->kind == CHECKUP_NOTHING && !c->n_wrong) {
        checkup_wrong(c, "%s: neither model_index.json nor a file of weights of a known network",
                      c->dir);
        return;
    }
    say_missing(c, &p);
    if (c->n_wrong)
        return;
    if (*c->dir)
        p.loose = (struct loose){.tree = c->dir};
    if (loose_model(&made, &p.loose, &e)) {
        checkup_wrong(c, "%s", e.msg);
    } else {
        use_links(c, made);
        try_to_open(c, made);
    }
    free(made);
}
