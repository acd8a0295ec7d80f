/* part.h - one network of a model directory, whichever it is.
 *
 * A folder with config.json is a part. The class that its config names ("_class_name" of
 * diffusers, or the first of "architectures" of transformers) is looked up in part_classes, which
 * says what the network is for and how it is read, written and called. A new network is a file with
 * a struct part_class in it and one row of that table; nothing else knows its name. Where a config
 * names no class, the first of the table that has the wanted role is meant.
 * Thread-safety: as of the network; the table is constant. */
#ifndef MODEL_PART_H
#define MODEL_PART_H

#include "base/buf.h"
#include "model/codec.h"
#include "model/denoiser.h"
#include "model/image_model.h"
#include "model/store.h"
#include "model/text_model.h"
#include "model/upsampler.h"

enum part_role { PART_TEXT, PART_DENOISER, PART_CODEC, PART_IMAGE, PART_UPSAMPLER, N_PART_ROLES };

struct part_class {
    enum part_role role;
    const char *const *names; /* by which configs know it; ends with NULL */
    const char *library;      /* that model_index.json names beside it */
    const char *file;         /* name of the file that its weights are saved in */
    const struct store_names *tensors;
    /* Read the config, declare the weights: nothing is allocated for them. *net is NULL on failure.
     * ERR_IO, ERR_FORMAT. */
    int (*declare)(void **net, const char *config, struct err *e);
    void (*release)(void **net); /* and nulls it */
    void (*config_write)(const void *net, struct buf *out);
    struct weight_set *(*weights)(void *net);
    enum dtype (*job_type)(const void *net, enum dtype type); /* NULL: the type of the job */
    /* By role, the others are NULL. */
    const struct text_class *text;
    const struct denoiser_class *denoiser;
    const struct codec_class *codec;
    const struct image_class *image;
    const struct upsampler_class *upsampler;
};

/* THE list of networks (networks.h, part_table.c); ends with NULL. */
extern const struct part_class *const part_classes[];

struct part {
    const struct part_class *is; /* NULL: none */
    void *net;                   /* owned once part_declare gave it */
};

/* The class with this name, NULL when there is none. */
const struct part_class *part_class_named(const char *name);
/* From DIR/config.json. ERR_IO; ERR_FORMAT also for a class of another role or an unknown one. p is
 * empty on failure. */
NODISCARD int part_declare(struct part *p, const char *dir, enum part_role role, struct err *e);
void part_release(struct part *p);
struct weight_set *part_weights(const struct part *p);
/* The type to load weights in for a job of `type` that does not train. */
enum dtype part_job_type(const struct part *p, enum dtype type);
/* Allocate and read the weights: dir as that of store_load. */
NODISCARD int part_load(const struct part *p, const char *dir, struct device *device,
                        enum dtype type, int training, struct store_report *report, struct err *e);
/* What part_load of an inference would take (store_survey). */
NODISCARD int part_survey(const struct part *p, const char *dir, struct device *device,
                          enum dtype type, struct store_room *room, struct err *e);
/* Write DIR/config.json and the weights (values and type as store_save). */
NODISCARD int part_save(const struct part *p, const char *dir, enum dtype type,
                        float *const *values, struct err *e);

/* What the network of a part is called by; borrowed, the role must be right (BUG). */
struct text_model part_text(const struct part *p);
struct denoiser part_denoiser(const struct part *p);
struct codec part_codec(const struct part *p);
struct image_model part_image(const struct part *p);
struct upsampler part_upsampler(const struct part *p);

/* declare, release, config_write and weights of a network with struct T, T_config, T_config_read,
 * T_config_write, T_init and T_release. */
#define PART_METHODS(T)                                                                            \
    static int T##_part_declare(void **net, const char *config, struct err *e)                     \
    {                                                                                              \
        struct T##_config c;                                                                       \
        struct T *m;                                                                               \
        int rc = T##_config_read(&c, config, e);                                                   \
        *net = NULL;                                                                               \
        if (rc)                                                                                    \
            return rc;                                                                             \
        m = xmalloc(sizeof *m);                                                                    \
        rc = T##_init(m, &c, e);                                                                   \
        if (rc)                                                                                    \
            free(m);                                                                               \
        else                                                                                       \
            *net = m;                                                                              \
        return rc;                                                                                 \
    }                                                                                              \
    static void T##_part_release(void **net)                                                       \
    {                                                                                              \
        T##_release(*net);                                                                         \
        free(*net);                                                                                \
        *net = NULL;                                                                               \
    }                                                                                              \
    static void T##_part_config_write(const void *net, struct buf *out)                            \
    {                                                                                              \
        T##_config_write(&((const struct T *)net)->config, out);                                   \
    }                                                                                              \
    static struct weight_set *T##_part_weights(void *net)                                          \
    {                                                                                              \
        return &((struct T *)net)->weights;                                                        \
    }
#define PART_METHODS_OF(T)                                                                         \
    .declare = T##_part_declare, .release = T##_part_release,                                      \
    .config_write = T##_part_config_write, .weights = T##_part_weights

#endif
