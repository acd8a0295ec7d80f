#include "model/loose.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cache.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/jsonw.h"
#include "base/tree.h"
#include "format/gguf.h"
#include "model/bundle.h"
#include "model/loose_inner.h"

static const struct {
    const char *option, *what;
    enum part_role role;
} parts[N_LOOSE_PARTS] = {
    [LOOSE_DENOISER] = {"diffusion-model", "transformer", PART_DENOISER},
    [LOOSE_DENOISER2] = {"high-noise-diffusion-model", "transformer of high noise", PART_DENOISER},
    [LOOSE_TEXT] = {"t5xxl", "text encoder", PART_TEXT},
    [LOOSE_CODEC] = {"vae", "vae", PART_CODEC},
    [LOOSE_IMAGE] = {"clip_vision", "picture encoder", PART_IMAGE},
};
static const char *const role_names[N_PART_ROLES] = {"text encoder", "transformer", "vae",
                                                     "picture encoder"};

struct model {
    struct found part[N_LOOSE_PARTS]; /* path NULL: none */
    struct buf spiece;                /* a tokenizer, or */
    char *tokenizer;                  /* the path of one */
};

/* ---- choosing ---- */

static int take_given(struct model *m, const struct loose *l, enum loose_part p, struct err *e)
{
    struct found *f = &m->part[p];
    struct st_file *file;
    int rc;

    f->path = file_exists(l->file[p]) ? xstrdup(l->file[p]) : found_named(l->tree, l->file[p]);
    if (!f->path)
        return err_set(e, ERR_IO, "%s: %s: there is no such file%s%s", parts[p].option, l->file[p],
                       l->tree ? ", nor in the folders of " : "", l->tree ? l->tree : "");
    rc = st_open(&file, f->path, e);
    if (!rc)
        rc = recognise(&f->is, file, e);
    st_close(&file);
    if (!rc && f->is.role != parts[p].role)
        rc = err_set(e, ERR_FORMAT, "%s: %s holds a %s, a %s is wanted", parts[p].option, f->path,
                     role_names[f->is.role], parts[p].what);
    return rc;
}

/* Does what was found fit as part p, beside what is known already? */
static int fits(const struct model *m, const struct found *f, enum loose_part p, int by_noise)
{
    const struct found *d = &m->part[LOOSE_DENOISER];

    if (f->is.role != parts[p].role)
        return 0;
    if (p == LOOSE_CODEC && d->path && f->is.channels != d->is.channels)
        return 0;
    return p > LOOSE_DENOISER2 || !by_noise || found_noise(f->path) == (p ? 1 : -1);
}

static int is_needed(const struct model *m, enum loose_part p)
{
    if (p == LOOSE_IMAGE)
        return strstr(buf_str(&m->part[LOOSE_DENOISER].is.config), "\"image_dim\"") != NULL;
    return p != LOOSE_DENOISER2;
}

static int missing(const struct loose *l, const struct found_list *found, enum loose_part p,
                   struct err *e)
{
    char *pickle = l->tree ? found_pickle(l->tree) : NULL;
    int rc;

    if (p == LOOSE_DENOISER && found->kin.code)
        rc = err_set(e, ERR_FORMAT, "%s", found->kin.msg);
    else if (pickle)
        rc = err_set(e, ERR_FORMAT,
                     "%s: no %s among its files; %s is a file of PyTorch, which is not read: make "
                     "one of it with `zoetrope convert %s -o NAME.safetensors`",
                     l->tree, parts[p].what, pickle, pickle);
    else if (l->tree)
        rc = err_set(e, ERR_FORMAT, "%s: no %s that fits among its files; option %s names one",
                     l->tree, parts[p].what, parts[p].option);
    else
        rc = err_set(e, ERR_USAGE, "no %s; option %s names one, option models a folder with it",
                     parts[p].what, parts[p].option);
    free(pickle);
    return rc;
}

/* The one that fits; of transformers the ones of high and low noise where names say so. */
static int take_found(struct model *m, const struct loose *l, struct found_list *found,
                      enum loose_part p, struct err *e)
{
    int which[2] = {0}, n = 0, by_noise = p <= LOOSE_DENOISER2;

    for (int again = 0; again < 2 && !n; again++, by_noise = 0)
        for (int i = 0; i < found->n && (again == 0 || p == LOOSE_DENOISER); i++)
            if (found->all[i].path && fits(m, &found->all[i], p, by_noise) && n++ < 2)
                which[n - 1] = i;
    if (n > 1)
        return err_set(e, ERR_FORMAT, "%s: %d files may be the %s: %s, %s%s; option %s names one",
                       l->tree, n, parts[p].what, path_base(found->all[which[0]].path),
                       path_base(found->all[which[1]].path), n > 2 ? ", ..." : "", parts[p].option);
    if (!n)
        return is_needed(m, p) ? missing(l, found, p, e) : 0;
    m->part[p] = found->all[which[0]];
    found->all[which[0]] = (struct found){0};
    return 0;
}

/* Given ones first: what is found must fit them. */
static int choose(struct model *m, const struct loose *l, struct err *e)
{
    struct found_list found = {0};
    int rc = 0;

    if (l->tree && !dir_exists(l->tree))
        return err_set(e, ERR_IO, "models: %s: there is no such folder", l->tree);
    if (l->tree)
        rc = found_in(&found, l->tree, e);
    for (int p = 0; !rc && p < N_LOOSE_PARTS; p++)
        if (l->file[p])
            rc = take_given(m, l, p, e);
    for (int p = 0; !rc && p < N_LOOSE_PARTS; p++)
        if (!l->file[p] && !(p == LOOSE_DENOISER2 && l->file[LOOSE_DENOISER]))
            rc = take_found(m, l, &found, p, e);
    found_release(&found);
    if (!rc && m->part[LOOSE_CODEC].is.channels != m->part[LOOSE_DENOISER].is.channels)
        rc = err_set(e, ERR_FORMAT,
                     "%s takes a latent of %d channels, %s draws %d: both must be equal",
                     m->part[LOOSE_CODEC].path, m->part[LOOSE_CODEC].is.channels,
                     m->part[LOOSE_DENOISER].path, m->part[LOOSE_DENOISER].is.channels);
    return rc;
}

/* ---- the tokenizer ---- */

/* ComfyUI's text encoders hold the bytes of spiece.model as a tensor. */
static int from_tensor(struct model *m, const struct st_file *f, const struct st_tensor *t,
                       struct err *e)
{
    enum { MOST_BYTES = 64 << 20 };
    char *bytes;
    int rc;

    if (t->type != DT_U8 || t->n > MOST_BYTES)
        return err_set(e, ERR_FORMAT, "%s: tensor %s is not U8 of at most %d bytes",
                       st_path(f, t->shard), t->name, MOST_BYTES);
    bytes = xmalloc((size_t)t->n + 1);
    rc = st_read_all(f, t, bytes, DT_U8, e);
    if (!rc)
        buf_add(&m->spiece, bytes, (size_t)t->n);
    free(bytes);
    return rc;
}

/* Beside the text encoder, as the releases lay it. */
static char *beside(const char *file)
{
    static const char *const names[] = {"tokenizer.json", "spiece.model", "tokenizer",
                                        "google/umt5-xxl", "../tokenizer"};
    char *dir = path_dir(file), *path = NULL;

    for (size_t i = 0; !path && i < sizeof names / sizeof *names; i++) {
        path = path_join(dir, names[i]);
        if (!file_exists(path) && !dir_exists(path)) {
            free(path);
            path = NULL;
        }
    }
    free(dir);
    return path;
}

static int find_tokenizer(struct model *m, const struct loose *l, struct err *e)
{
    const char *path = m->part[LOOSE_TEXT].path;
    const struct st_tensor *t;
    struct st_file *f;
    int rc = 0;

    if (l->tokenizer) {
        m->tokenizer = xstrdup(l->tokenizer);
        return 0;
    }
    rc = st_open(&f, path, e);
    if (rc)
        return rc;
    t = st_find(f, "spiece_model");
    if (t)
        rc = from_tensor(m, f, t, e);
    else if (gguf_find(f, "tokenizer.ggml.model"))
        rc = tokenizer_spiece_of_gguf(&m->spiece, f, e);
    else if (!(m->tokenizer = beside(path)))
        rc = err_set(e, ERR_FORMAT,
                     "%s: no tokenizer in it (tensor spiece_model) nor beside it; option tokenizer "
                     "names a spiece.model or tokenizer.json",
                     path);
    st_close(&f);
    return rc;
}

/* ---- the folder ---- */

static int link_to(const char *dir, const char *name, const char *target, struct err *e)
{
    char *full = realpath(target, NULL), *at = path_join(dir, name);
    int rc = 0;

    if (!full || symlink(full, at))
        rc = err_set(e, ERR_IO, "%s: cannot link to %s: %s", at, target, strerror(errno));
    free(full);
    free(at);
    return rc;
}

static int put_file(const char *dir, const char *name, const void *data, size_t n, struct err *e)
{
    char *path = path_join(dir, name);
    int rc = file_write(path, data, n, e);

    free(path);
    return rc;
}

static int put_part(const char *made, enum bundle_place place, const struct found *f, struct err *e)
{
    char *dir = path_join(made, bundle_folder(place));
    int rc = dir_make(dir, e);
    struct st_file *file = NULL;

    if (!rc)
        rc = put_file(dir, "config.json", f->is.config.data, f->is.config.len, e);
    if (!rc && !(rc = st_open(&file, f->path, e))) {
        if (!st_index(file))
            rc = link_to(dir, gguf_count(file) ? "model.gguf" : "model.safetensors",
                         st_path(file, 0), e);
        else
            rc = link_to(dir, "model.safetensors.index.json", st_index(file), e);
        st_close(&file);
    }
    free(dir);
    return rc;
}

static int put_tokenizer(const char *made, const struct model *m, struct err *e)
{
    char *dir = path_join(made, "tokenizer");
    int whole = m->tokenizer && dir_exists(m->tokenizer);
    int rc = whole ? link_to(made, "tokenizer", m->tokenizer, e) : dir_make(dir, e);

    if (!rc && m->tokenizer && !whole)
        rc =
            link_to(dir, strcmp(path_ext(m->tokenizer), "json") ? "spiece.model" : "tokenizer.json",
                    m->tokenizer, e);
    else if (!rc && !m->tokenizer)
        rc = put_file(dir, "spiece.model", buf_str(&m->spiece), m->spiece.len, e);
    free(dir);
    return rc;
}

static void put_entry(struct jsonw *w, const char *key, const char *library, const char *class)
{
    jsonw_array(w, key);
    jsonw_string(w, NULL, library);
    jsonw_string(w, NULL, class);
    jsonw_end_array(w);
}

static const char *pipeline(const struct recognised *d)
{
    if (strstr(d->class, "VACE"))
        return "WanVACEPipeline";
    return d->in_channels > d->channels ? "WanImageToVideoPipeline" : "WanPipeline";
}

/* model_index.json as diffusers writes it. Where the experts of the releases change is in no
 * tensor: those that draw from words do at 0.875, those with a picture at 0.9. */
static int put_index(const char *made, const struct model *m, struct err *e)
{
    const struct recognised *d = &m->part[LOOSE_DENOISER].is;
    int two = m->part[LOOSE_DENOISER2].path != NULL, rc;
    struct buf b = BUF_INIT;
    struct jsonw w;

    jsonw_init(&w, &b, 2);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "_class_name", pipeline(d));
    if (two)
        jsonw_real(&w, "boundary_ratio", d->in_channels > d->channels ? 0.9 : 0.875);
    else if (found_noise(m->part[LOOSE_DENOISER].path))
        jsonw_string(&w, BUNDLE_EXPERT,
                     found_noise(m->part[LOOSE_DENOISER].path) > 0 ? "high" : "low");
    if (d->channels == 48)
        jsonw_bool(&w, "expand_timesteps", 1);
    put_entry(&w, "scheduler", "diffusers", "UniPCMultistepScheduler");
    put_entry(&w, "text_encoder", "transformers", m->part[LOOSE_TEXT].is.class);
    put_entry(&w, "tokenizer", "transformers", "T5TokenizerFast");
    put_entry(&w, "transformer", "diffusers", d->class);
    if (two)
        put_entry(&w, "transformer_2", "diffusers", m->part[LOOSE_DENOISER2].is.class);
    put_entry(&w, "vae", "diffusers", m->part[LOOSE_CODEC].is.class);
    if (m->part[LOOSE_IMAGE].path)
        put_entry(&w, "image_encoder", "transformers", m->part[LOOSE_IMAGE].is.class);
    jsonw_end_object(&w);
    buf_putc(&b, '\n');
    rc = put_file(made, "model_index.json", b.data, b.len, e);
    buf_release(&b);
    return rc;
}

static int put_scheduler(const char *made, struct err *e)
{
    static const char text[] = "{\n  \"_class_name\": \"UniPCMultistepScheduler\",\n"
                               "  \"prediction_type\": \"flow_prediction\",\n"
                               "  \"use_flow_sigmas\": true\n}\n";
    char *dir = path_join(made, "scheduler");
    int rc = dir_make(dir, e);

    if (!rc)
        rc = put_file(dir, "scheduler_config.json", text, sizeof text - 1, e);
    free(dir);
    return rc;
}

/* The parts in the folders of a model; diffusers calls the expert of high noise the first. */
static int put_all(const char *made, const struct model *m, struct err *e)
{
    int two = m->part[LOOSE_DENOISER2].path != NULL;
    const struct {
        enum bundle_place place;
        enum loose_part part;
    } rows[] = {{PLACE_TEXT, LOOSE_TEXT},
                {PLACE_DENOISER, two ? LOOSE_DENOISER2 : LOOSE_DENOISER},
                {PLACE_DENOISER2, two ? LOOSE_DENOISER : LOOSE_DENOISER2},
                {PLACE_CODEC, LOOSE_CODEC},
                {PLACE_IMAGE, LOOSE_IMAGE}};
    int rc = dir_make(made, e);

    for (size_t i = 0; !rc && i < sizeof rows / sizeof *rows; i++)
        if (m->part[rows[i].part].path)
            rc = put_part(made, rows[i].place, &m->part[rows[i].part], e);
    if (!rc)
        rc = put_tokenizer(made, m, e);
    if (!rc)
        rc = put_scheduler(made, e);
    return rc ? rc : put_index(made, m, e);
}

static void add_text(struct sha256 *h, const char *s)
{
    sha256_add(h, s ? s : "", strlen(s ? s : "") + 1);
}

/* Named by all that goes into it, so that a folder which is there is the right one. */
static void name_of(const struct model *m, char hex[65])
{
    struct sha256 h;

    sha256_init(&h);
    for (int p = 0; p < N_LOOSE_PARTS; p++) {
        char *full = m->part[p].path ? realpath(m->part[p].path, NULL) : NULL;

        add_text(&h, full);
        add_text(&h, buf_str(&m->part[p].is.config));
        free(full);
    }
    add_text(&h, m->tokenizer);
    sha256_add(&h, m->spiece.data, m->spiece.len);
    sha256_hex(&h, hex);
}

/* After the transformer's file, or the folder that it lies in where all such files have one name.
 */
static void stem_of(const struct model *m, char out[48])
{
    char *full = realpath(m->part[LOOSE_DENOISER].path, NULL), *dir;
    const char *base = path_base(full ? full : "model");
    size_t n = strcspn(base, "."), used = 0;

    dir = path_dir(full ? full : "model");
    if (!strncmp(base, "diffusion_pytorch_model", 23) || !strncmp(base, "model.", 6)) {
        base = path_base(dir);
        n = strlen(base);
    } else if (strrchr(base, '.')) {
        n = (size_t)(strrchr(base, '.') - base);
    }
    for (size_t i = 0; i < n && used < 47; i++)
        if (strchr("-._", base[i]) || (base[i] >= '0' && base[i] <= '9') ||
            ((base[i] | 32) >= 'a' && (base[i] | 32) <= 'z'))
            out[used++] = base[i];
    out[used] = 0;
    free(dir);
    free(full);
}

static int make(char **dir, const struct model *m, struct err *e)
{
    char hex[65], stem[48], *models = cache_folder("models"), *made;
    int rc = 0;

    if (!models)
        return err_set(e, ERR_IO,
                       "no folder for the model: neither XDG_CACHE_HOME nor HOME is set");
    name_of(m, hex);
    stem_of(m, stem);
    *dir = xasprintf("%s/%s-%.8s", models, stem, hex);
    made = xasprintf("%s.tmp.%ld", *dir, (long)getpid());
    if (!bundle_is_there(*dir)) {
        rc = put_all(made, m, e);
        if (!rc && rename(made, *dir) && !bundle_is_there(*dir))
            rc = err_set(e, ERR_IO, "%s: cannot put the model here: %s", *dir, strerror(errno));
        if (dir_exists(made) && tree_remove(made, NULL))
            err_prefix(e, "%s is left behind", made);
    }
    free(made);
    free(models);
    return rc;
}

int loose_model(char **dir, const struct loose *l, struct err *e)
{
    struct model m = {0};
    int rc = choose(&m, l, e);

    *dir = NULL;
    if (!rc)
        rc = find_tokenizer(&m, l, e);
    if (!rc)
        rc = make(dir, &m, e);
    if (rc) {
        free(*dir);
        *dir = NULL;
    }
    for (int p = 0; p < N_LOOSE_PARTS; p++) {
        free(m.part[p].path);
        recognised_release(&m.part[p].is);
    }
    buf_release(&m.spiece);
    free(m.tokenizer);
    return rc;
}
