#include "model/part.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/json.h"

#define CONFIG_MAX_BYTES (1 << 20)

static const char *const role_names[N_PART_ROLES] = {"text encoder", "transformer", "vae",
                                                     "image encoder", "upsampler"};

const struct part_class *part_class_named(const char *name)
{
    for (const struct part_class *const *c = part_classes; *c; c++)
        for (const char *const *n = (*c)->names; *n; n++)
            if (!strcmp(*n, name))
                return *c;
    return NULL;
}

static const struct part_class *first_of(enum part_role role)
{
    const struct part_class *const *c = part_classes;

    while (*c && (*c)->role != role)
        c++;
    return *c;
}

struct search {
    enum part_role role;
    const struct part_class *found;
};

static void list_known(enum part_role role, struct buf *b)
{
    for (const struct part_class *const *c = part_classes; *c; c++)
        for (const char *const *n = (*c)->names; (*c)->role == role && *n; n++)
            buf_printf(b, "%s%s", b->len ? ", " : "", *n);
}

/* Autoencoders of diffusers that know no time. */
static int is_of_pictures(const char *name)
{
    static const char *const names[] = {"AutoencoderKL",        "AsymmetricAutoencoderKL",
                                        "AutoencoderTiny",      "AutoencoderKLFlux2",
                                        "AutoencoderDC",        "VQModel",
                                        "ConsistencyDecoderVAE"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return 1;
    return 0;
}

static void find_class(void *arg, struct jval o)
{
    struct search *s = arg;
    int own = j_has(o, "_class_name"), theirs = !own && j_has(o, "architectures");
    const char *key = own ? "_class_name" : "architectures", *name = NULL;
    struct buf known = BUF_INIT;

    if (own)
        name = j_string(o, key);
    else if (theirs && j_len(j_array(o, key)) > 0)
        name = j_at_string(j_array(o, key), 0);
    s->found = name ? part_class_named(name) : first_of(s->role);
    if (s->found && s->found->role == s->role)
        return;
    list_known(s->role, &known);
    if (s->role == PART_CODEC && name && is_of_pictures(name))
        j_fail(o, key,
               "\"%s\" is an autoencoder of single pictures: it has no convolutions over time and "
               "draws no film; what is wanted is %s",
               name, buf_str(&known));
    j_fail(o, key, "\"%s\" is no %s of this version, which knows %s", name ? name : "",
           role_names[s->role], known.len ? buf_str(&known) : "none");
    buf_release(&known);
}

int part_declare(struct part *p, const char *dir, enum part_role role, struct err *e)
{
    char *config = path_join(dir, "config.json");
    struct search s = {.role = role};
    int rc = jdoc_take(config, CONFIG_MAX_BYTES, find_class, &s, e);

    *p = (struct part){0};
    if (!rc)
        rc = s.found->declare(&p->net, config, e);
    if (!rc)
        p->is = s.found;
    free(config);
    return rc;
}

void part_release(struct part *p)
{
    if (p->is)
        p->is->release(&p->net);
    *p = (struct part){0};
}

struct weight_set *part_weights(const struct part *p)
{
    return p->is->weights(p->net);
}

enum dtype part_job_type(const struct part *p, enum dtype type)
{
    return p->is->job_type ? p->is->job_type(p->net, type) : type;
}

int part_load(const struct part *p, const char *dir, struct device *device, enum dtype type,
              int training, struct store_report *report, struct err *e)
{
    return store_load(part_weights(p), dir, p->is->tensors, device, type, training, report, e);
}

int part_survey(const struct part *p, const char *dir, struct device *device, enum dtype type,
                struct store_room *room, struct err *e)
{
    return store_survey(part_weights(p), dir, p->is->tensors, device, type, room, e);
}

int part_save(const struct part *p, const char *dir, enum dtype type, float *const *values,
              struct err *e)
{
    struct buf config = BUF_INIT;
    char *path = path_join(dir, "config.json");
    int rc = dir_make(dir, e);

    p->is->config_write(p->net, &config);
    if (!rc)
        rc = file_write(path, config.data, config.len, e);
    free(path);
    path = path_join(dir, p->is->file);
    if (!rc)
        rc = store_save(part_weights(p), path, type, values, e);
    free(path);
    buf_release(&config);
    return rc;
}

/* ---- what it is called by ---- */

static void must_be(const struct part *p, enum part_role role)
{
    if (!p->is || p->is->role != role)
        BUG("part: %s is no %s", p->is ? p->is->names[0] : "nothing", role_names[role]);
}

struct text_model part_text(const struct part *p)
{
    must_be(p, PART_TEXT);
    return (struct text_model){p->is->text, p->net, part_weights(p), p->is->text->config(p->net)};
}

struct denoiser part_denoiser(const struct part *p)
{
    must_be(p, PART_DENOISER);
    return (struct denoiser){p->is->denoiser, p->net, part_weights(p),
                             p->is->denoiser->config(p->net)};
}

struct codec part_codec(const struct part *p)
{
    must_be(p, PART_CODEC);
    return (struct codec){p->is->codec, p->net, part_weights(p), p->is->codec->config(p->net)};
}

struct image_model part_image(const struct part *p)
{
    must_be(p, PART_IMAGE);
    return (struct image_model){p->is->image, p->net, part_weights(p),
                                p->is->image->config(p->net)};
}

struct upsampler part_upsampler(const struct part *p)
{
    must_be(p, PART_UPSAMPLER);
    return (struct upsampler){p->is->upsampler, p->net, part_weights(p),
                              p->is->upsampler->scale(p->net)};
}

struct tensor *text_rows(struct cx *cx, const struct text_model *m, const int32_t *ids,
                         const struct seq *seq, const struct tap *tap)
{
    return m->is->rows(cx, m->net, ids, seq, tap);
}

struct tensor *denoiser_velocity(struct cx *cx, const struct denoiser *d,
                                 const struct denoiser_batch *b)
{
    return d->is->velocity(cx, d->net, b);
}

struct tensor *image_rows(struct cx *cx, const struct image_model *m, struct tensor *pixels,
                          int layers, const struct tap *tap)
{
    return m->is->rows(cx, m->net, pixels, layers, tap);
}
