#include "model/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/machine.h"
#include "base/jsonw.h"
#include "format/json.h"
#include "format/safetensors.h"
#include "model/bundle_inner.h"
#include "world/world.h"

#define INFO_MAX_BYTES (1 << 20)

static const struct {
    const char *folder;
    enum part_role role;
    int optional;
} places[N_PLACES] = {
    [PLACE_TEXT] = {"text_encoder", PART_TEXT, 0},
    [PLACE_TEXT2] = {"text_encoder_2", PART_TEXT, 1},
    [PLACE_DENOISER] = {"transformer", PART_DENOISER, 0},
    [PLACE_DENOISER2] = {"transformer_2", PART_DENOISER, 1},
    [PLACE_CODEC] = {"vae", PART_CODEC, 0},
    [PLACE_IMAGE] = {"image_encoder", PART_IMAGE, 1},
    [PLACE_UPSAMPLER] = {"upsampler", PART_UPSAMPLER, 1},
    [PLACE_UPSAMPLER2] = {"upsampler_2", PART_UPSAMPLER, 1},
};

/* Of the tokenizers of PLACE_TEXT and PLACE_TEXT2. */
static const char *const tokenizers[DENOISER_TEXTS] = {"tokenizer", "tokenizer_2"};

const char *bundle_folder(enum bundle_place place)
{
    return places[place].folder;
}

int bundle_wants(const char *dir, enum bundle_place place)
{
    return !places[place].optional || bundle_has(dir, place);
}

const char *bundle_tokenizer_folder(int k)
{
    return tokenizers[k];
}

int bundle_has(const char *dir, enum bundle_place place)
{
    char *path = path_join(dir, places[place].folder);
    int yes = dir_exists(path);

    free(path);
    return yes;
}

/* ---- model_index.json ---- */

int bundle_is_there(const char *dir)
{
    char *index = path_join(dir, "model_index.json");
    int yes = file_exists(index);

    free(index);
    return yes;
}

static void copy_text(char *dst, size_t size, struct jval o, const char *key, const char *def)
{
    const char *s = j_string_or(o, key, def);

    if (strlen(s) >= size)
        j_fail(o, key, "is longer than %zu bytes", size - 1);
    else
        strcpy(dst, s);
}

static void read_latents(struct bundle_info *info, struct jval o, const char *key, float *out,
                         double lo)
{
    double v[BUNDLE_MAX_CHANNELS];
    int n = j_reals(o, key, v, 1, BUNDLE_MAX_CHANNELS, lo, 1e6);

    if (info->channels && n != info->channels)
        j_fail(o, key, "expected a list of %d, but it has %d", info->channels, n);
    info->channels = n;
    for (int i = 0; i < n; i++)
        out[i] = (float)v[i];
}

static unsigned read_worlds(struct jval o)
{
    unsigned set = 0;
    struct jval list;

    if (!j_has(o, "worlds"))
        return world_bit(world_at(0));
    list = j_array(o, "worlds");
    for (int i = 0; i < j_len(list); i++) {
        const char *name = j_at_string(list, i);
        const struct world *w = world_named(name);

        if (w)
            set |= world_bit(w);
        else
            j_fail(o, "worlds", "\"%s\" is no world of this version; a newer zoetrope is needed",
                   name);
    }
    if (!set)
        j_fail(o, "worlds", "is empty; leave it out for %s", world_at(0)->name);
    return set;
}

static void read_info(void *arg, struct jval o)
{
    struct bundle_info *info = arg;
    static const char *const classes[] = {"ZoetropePipeline"};
    static const char *const texts[] = {"plain", "canonical"};
    int64_t format;

    if (diffusers_index(info, o))
        return;
    format = j_int(o, "format", 1, INT32_MAX);
    if (format > BUNDLE_FORMAT)
        j_fail(o, "format", "is %lld; this version reads format %d, a newer zoetrope is needed",
               (long long)format, BUNDLE_FORMAT);
    j_choice(o, "_class_name", classes, 1);
    copy_text(info->name, sizeof info->name, o, "name", "");
    copy_text(info->license, sizeof info->license, o, "license", "");
    copy_text(info->description, sizeof info->description, o, "description", "");
    copy_text(info->release, sizeof info->release, o, "release", "");
    copy_text(info->sampler, sizeof info->sampler, o, "sampler", "euler");
    info->worlds = j_choice_or(o, "text", texts, 2, 0) ? read_worlds(o) : 0;
    info->frame_rate = j_real(o, "frame_rate", 1, 240);
    info->shown_rate = j_real_or(o, BUNDLE_SHOWN_RATE, 1, 240, info->frame_rate);
    info->width = (int)j_int(o, "width", 8, 16384);
    info->height = (int)j_int(o, "height", 8, 16384);
    info->frames = (int)j_int(o, "frames", 1, 100000);
    info->own_height = j_bool_or(o, BUNDLE_OWN_HEIGHT, 0);
    info->steps = (int)j_int_or(o, "steps", 1, 1000, 20);
    info->guidance = j_real_or(o, "guidance", 0, 100, 1);
    info->shift = j_real_or(o, "shift", 0.01, 100, 1);
    info->guidance2 = j_real_or(o, "guidance_2", 0, 100, info->guidance);
    info->guidance_given = j_real_or(o, BUNDLE_GUIDANCE_GIVEN, 0, 1, 0);
    info->stagger = j_real_or(o, BUNDLE_STAGGER, 0, 1, 0);
    info->sharpen = j_real_or(o, BUNDLE_SHARPEN, 0, 2, 0);
    info->fade = j_real_or(o, BUNDLE_FADE, 0, 0.5, 0);
    copy_text(info->type, sizeof info->type, o, BUNDLE_TYPE, "auto");
    info->boundary = j_real_or(o, "boundary_ratio", 0, 1, 0);
    info->negative = info->family = "";
    info->own_times = 1;
    read_latents(info, o, "latents_mean", info->latents_mean, -1e6);
    read_latents(info, o, "latents_std", info->latents_std, 1e-6);
}

int bundle_info_read(struct bundle_info *info, const char *dir, struct err *e)
{
    char *path = path_join(dir, "model_index.json");
    int rc;

    memset(info, 0, sizeof *info);
    rc = jdoc_take(path, INFO_MAX_BYTES, read_info, info, e);
    if (!rc && info->diffusers)
        rc = diffusers_settle(info, dir, e);
    free(path);
    return rc;
}

static void write_reals(struct jsonw *w, const char *key, const float *v, int n)
{
    jsonw_array(w, key);
    for (int i = 0; i < n; i++)
        jsonw_real(w, NULL, v[i]);
    jsonw_end_array(w);
}

static void write_entry(struct jsonw *w, const char *part, const char *library, const char *class)
{
    jsonw_array(w, part);
    jsonw_string(w, NULL, library);
    jsonw_string(w, NULL, class);
    jsonw_end_array(w);
}

static int write_parts(struct jsonw *w, const char *dir, struct err *e)
{
    int rc = 0;

    for (int k = 0; k < DENOISER_TEXTS; k++)
        if (bundle_has(dir, PLACE_TEXT + k))
            write_entry(w, tokenizers[k], "transformers", "T5TokenizerFast");
    for (int i = 0; !rc && i < N_PLACES; i++) {
        char *path = path_join(dir, places[i].folder);
        struct part p;

        if (bundle_has(dir, i) && !(rc = part_declare(&p, path, places[i].role, e))) {
            write_entry(w, places[i].folder, p.is->library, p.is->names[0]);
            part_release(&p);
        }
        free(path);
    }
    return rc;
}

/* What is more than nothing. */
static void write_some(struct jsonw *w, const char *key, double value)
{
    if (value > 0)
        jsonw_real(w, key, value);
}

int bundle_info_write(const struct bundle_info *info, const char *dir, struct err *e)
{
    struct buf b = BUF_INIT;
    struct jsonw w;
    char *path = path_join(dir, "model_index.json");
    int rc = dir_make(dir, e);

    jsonw_init(&w, &b, 2);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "format", BUNDLE_FORMAT);
    jsonw_string(&w, "_class_name", "ZoetropePipeline");
    jsonw_string(&w, "name", info->name);
    jsonw_string(&w, "license", info->license);
    jsonw_string(&w, "description", info->description);
    jsonw_string(&w, "release", info->release);
    jsonw_string(&w, "text", info->worlds ? "canonical" : "plain");
    if (info->worlds) {
        jsonw_array(&w, "worlds");
        for (int i = 0; world_at(i); i++) {
            if (info->worlds & world_bit(world_at(i)))
                jsonw_string(&w, NULL, world_at(i)->name);
        }
        jsonw_end_array(&w);
    }
    jsonw_real(&w, "frame_rate", info->frame_rate);
    if (info->shown_rate > 0 && info->shown_rate != info->frame_rate)
        jsonw_real(&w, BUNDLE_SHOWN_RATE, info->shown_rate);
    jsonw_int(&w, "width", info->width);
    jsonw_int(&w, "height", info->height);
    jsonw_int(&w, "frames", info->frames);
    if (info->own_height)
        jsonw_bool(&w, BUNDLE_OWN_HEIGHT, 1);
    jsonw_string(&w, "sampler", info->sampler);
    jsonw_int(&w, "steps", info->steps);
    jsonw_real(&w, "guidance", info->guidance);
    jsonw_real(&w, "shift", info->shift);
    write_some(&w, BUNDLE_GUIDANCE_GIVEN, info->guidance_given);
    write_some(&w, BUNDLE_STAGGER, info->stagger);
    write_some(&w, BUNDLE_SHARPEN, info->sharpen);
    write_some(&w, BUNDLE_FADE, info->fade);
    if (*info->type && strcmp(info->type, "auto"))
        jsonw_string(&w, BUNDLE_TYPE, info->type);
    if (info->boundary > 0) {
        jsonw_real(&w, "boundary_ratio", info->boundary);
        jsonw_real(&w, "guidance_2", info->guidance2);
    }
    write_reals(&w, "latents_mean", info->latents_mean, info->channels);
    write_reals(&w, "latents_std", info->latents_std, info->channels);
    if (!rc)
        rc = write_parts(&w, dir, e);
    jsonw_end_object(&w);
    buf_putc(&b, '\n');
    if (!rc)
        rc = file_write(path, b.data, b.len, e);
    buf_release(&b);
    free(path);
    return rc;
}

/* ---- the whole ---- */

static int declare_parts(struct bundle *b, struct err *e)
{
    int rc = 0;

    for (int i = 0; !rc && i < N_PLACES; i++) {
        char *path = path_join(b->dir, places[i].folder);

        if (bundle_wants(b->dir, i))
            rc = part_declare(&b->part[i], path, places[i].role, e);
        if (!rc && b->part[i].is && places[i].role == PART_TEXT)
            b->text[b->n_texts++] = part_text(&b->part[i]);
        if (!rc && b->part[i].is && places[i].role == PART_DENOISER)
            b->denoiser[b->n_denoisers++] = part_denoiser(&b->part[i]);
        if (!rc && b->part[i].is && places[i].role == PART_UPSAMPLER)
            b->upsampler[b->n_upsamplers++] = part_upsampler(&b->part[i]);
        free(path);
    }
    if (!rc)
        b->codec = part_codec(&b->part[PLACE_CODEC]);
    if (!rc && b->part[PLACE_IMAGE].is)
        b->image = part_image(&b->part[PLACE_IMAGE]);
    return rc ? rc : bundle_check_fit(b, e);
}

int bundle_declare(struct bundle **out, const char *dir, struct err *e)
{
    struct bundle *b = xcalloc(1, sizeof *b);
    int rc = bundle_info_read(&b->info, dir, e);

    b->dir = xstrdup(dir);
    if (!rc)
        rc = declare_parts(b, e);
    if (rc)
        bundle_free(&b);
    *out = b;
    return rc;
}

int bundle_tokenizer(struct tokenizer **out, const struct bundle *b, int k, struct err *e)
{
    char *path = path_join(b->dir, tokenizers[k]);
    int rc = tokenizer_open_kept(out, path, e), n = rc ? 0 : tokenizer_size(*out);

    free(path);
    if (n > b->text[k].config.vocab) {
        rc = err_set(e, ERR_FORMAT, "%s: %s has %d pieces, the text encoder knows %d", b->dir,
                     tokenizers[k], n, b->text[k].config.vocab);
        tokenizer_free(out);
    }
    return rc;
}

static int check_tokenizers(const struct bundle *b, struct err *e)
{
    int rc = 0;

    for (int k = 0; !rc && k < b->n_texts; k++) {
        struct tokenizer *t;

        rc = bundle_tokenizer(&t, b, k, e);
        tokenizer_free(&t);
    }
    return rc;
}

/* What the weights of a place become. */
static void set_as(const struct part *p, const struct weight_as *as)
{
    enum part_role role = p->is->role;
    struct weight_as *to = &part_weights(p)->as;

    *to = (struct weight_as){0};
    if (as && (role == PART_DENOISER || (as->int8 && role == PART_CODEC)))
        *to = *as;
}

/* ERR_USAGE: nothing of a transformer took the form that was asked for. */
static int check_as(const struct part *p, const char *path, struct err *e)
{
    const struct weight_set *s = part_weights(p);

    if (!s->as.form || p->is->role != PART_DENOISER)
        return 0;
    for (int i = 0; i < s->n; i++)
        if (weight_wish(s, s->all[i]))
            return 0;
    return err_set(
        e, ERR_USAGE,
        "%s: no matrix of its blocks can be %s: their rows are no whole blocks of %d values, "
        "or shorter than 16",
        path, s->as.form->name, s->as.form->block);
}

static int is_text(int place)
{
    return place == PLACE_TEXT || place == PLACE_TEXT2;
}

static int load_part(struct bundle *b, int place, struct device *device, enum dtype type,
                     const struct bundle_budget *budget, struct err *e)
{
    char *path = path_join(b->dir, places[place].folder);
    const struct part *p = &b->part[place];
    struct store_report report = {0};
    int rc = 0;

    if (p->is) {
        struct threads *th = budget && budget->threads > 1 ? threads_new(budget->threads) : NULL;

        part_weights(p)->budget_bytes = budget ? budget->bytes[place] : 0;
        part_weights(p)->threads = th;
        set_as(p, budget ? &budget->as : NULL);
        rc = part_load(p, path, device, part_job_type(p, type), 0, &report, e);
        rc = rc ? rc : check_as(p, path, e);
        part_weights(p)->threads = NULL;
        threads_free(&th);
    }
    if (report.n_bad && !b->n_bad_weights) {
        b->bad_folder = places[place].folder;
        b->bad_weight = report.first_bad;
    }
    b->n_bad_weights += report.n_bad;
    free(path);
    return rc;
}

static int load_parts(struct bundle *b, struct device *device, enum dtype type,
                      const struct bundle_budget *budget, struct err *e)
{
    int rc = 0;

    b->text_loaded = !(budget && budget->no_text);
    for (int i = 0; !rc && i < N_PLACES; i++)
        if (b->text_loaded || !is_text(i))
            rc = load_part(b, i, device, type, budget, e);
    return rc;
}

int bundle_load_text(struct bundle *b, struct device *device, enum dtype type,
                     const struct bundle_budget *budget, struct err *e)
{
    int rc = 0;

    for (int i = 0; !rc && i < N_PLACES; i++)
        if (is_text(i))
            rc = load_part(b, i, device, type, budget, e);
    b->text_loaded = !rc;
    return rc;
}

int bundle_survey(struct bundle *b, struct device *device, enum dtype type,
                  const struct weight_as *as, struct store_room room[N_PLACES], struct err *e)
{
    int rc = 0;

    memset(room, 0, sizeof *room * N_PLACES);
    for (int i = 0; !rc && i < N_PLACES; i++) {
        char *path = path_join(b->dir, places[i].folder);
        const struct part *p = &b->part[i];

        if (p->is) {
            set_as(p, as);
            rc = part_survey(p, path, device, part_job_type(p, type), &room[i], e);
            rc = rc ? rc : check_as(p, path, e);
        }
        free(path);
    }
    return rc;
}

int bundle_open(struct bundle **out, const char *dir, struct device *device, enum dtype type,
                const struct bundle_budget *budget, struct err *e)
{
    int rc = bundle_declare(out, dir, e);

    if (!rc)
        rc = check_tokenizers(*out, e);
    if (!rc)
        rc = load_parts(*out, device, type, budget, e);
    machine_trim_heap(); /* a large tokenizer and pieces of weights have passed through it */
    if (!rc)
        rc = bundle_check_twins(*out, e);
    if (rc)
        bundle_free(out);
    return rc;
}

int bundle_same(const struct bundle *b, struct err *e)
{
    int rc = 0;

    for (int i = 0; !rc && i < N_PLACES; i++)
        if (b->part[i].is && part_weights(&b->part[i])->file)
            rc = st_same(part_weights(&b->part[i])->file, e);
    return rc;
}

void bundle_limit(struct bundle *b, const struct bundle_budget *budget)
{
    for (int i = 0; i < N_PLACES; i++)
        if (b->part[i].is)
            weight_set_limit(part_weights(&b->part[i]), budget->bytes[i]);
}

void bundle_free(struct bundle **b)
{
    if (!*b)
        return;
    for (int i = 0; i < N_PLACES; i++)
        part_release(&(*b)->part[i]);
    free((*b)->dir);
    free(*b);
    *b = NULL;
}
