/* bundle.h - a model directory: everything a prompt needs to become frames. Ours, or one of
 * diffusers (a Wan pipeline), whose model_index.json says little: what a
 * released model draws best with is known by its shapes (family.h).
 *
 *   model_index.json {"format": 1, "_class_name": "ZoetropePipeline", "name", "license", ...}
 *   tokenizer/ tokenizer.json, or spiece.model alone
 *   text_encoder/ transformer/ vae/ config.json and safetensors
 *   tokenizer_2/ text_encoder_2/ where the transformer reads two
 *   scheduler/scheduler_config.json class and shift, as diffusers writes them
 *
 * Thread-safety: after bundle_open, reading from any number of threads. */
#ifndef MODEL_BUNDLE_H
#define MODEL_BUNDLE_H

#include <stdatomic.h>

#include "model/part.h"
#include "model/tokenizer.h"

#define BUNDLE_FORMAT 1
/* Keys of the index that say what a film is when nothing is said of it. */
#define BUNDLE_SHOWN_RATE "shown_rate"
#define BUNDLE_GUIDANCE_GIVEN "guidance_to_given"
#define BUNDLE_STAGGER "stagger"
#define BUNDLE_SHARPEN "sharpen"
#define BUNDLE_FADE "fade"
#define BUNDLE_OWN_HEIGHT "own_height"
#define BUNDLE_TYPE "type"
#define BUNDLE_EXPERT                                                                              \
    "expert" /* of a model of loose files: "high" or "low", the one that is there */
#define BUNDLE_SCHEDULER "scheduler/scheduler_config.json" /* in the folder */
#define BUNDLE_MAX_CHANNELS 64

struct bundle_info { /* model_index.json */
    char name[64], license[64], description[256], release[32];
    double frame_rate;         /* frames per second that the model was trained at */
    double shown_rate;         /* and those of a film of which nothing is said */
    int width, height, frames; /* natural size and longest trained clip, in px and frames */
    int own_height;            /* 1: it draws no other height, and no smaller width, well */
    int steps;                 /* good defaults */
    double guidance, shift;
    double guidance_given; /* its highest noise level where frames are given; 0: any */
    double stagger;        /* 0: none */
    double fade;           /* most of its details that a later window forgets; 0: none */
    double sharpen;        /* what its upsamplers make: how far edges are narrowed; 0: none */
    char type[8];          /* to compute with on a CPU, as the option is said; "auto" */
    double guidance2;      /* of transformer_2 */
    const char *negative;  /* static: what is not to be seen when nothing is said */
    const char *family;    /* static: which released model it is, "" when not known */
    int diffusers;         /* 1: a folder of diffusers, whose networks draw any size at once */
    int own_times;   /* 1: a token may have its own noise level, as that of a given frame has */
    double boundary; /* "boundary_ratio": noise level below which transformer_2 takes over; 0: there
                      * is only one */
    char sampler[32]; /* "euler", "unipc" */
    char expert[8];   /* "high", "low": one of two that is alone, by the name of its file; "" */
    /* "text": "canonical": prompts are said again in the words of a world, "worlds": the names of
     * those that it knows (physics when there is no list); as world_bit. "plain": 0. */
    unsigned worlds;
    int channels; /* of the latent */
    float latents_mean[BUNDLE_MAX_CHANNELS],
        latents_std[BUNDLE_MAX_CHANNELS]; /* network space = (z - mean) / std */
};

/* The folders of a model directory that hold networks, in the order in which they count. Those that
 * end in 2, the image encoder and the upsamplers need not be there. */
enum bundle_place {
    PLACE_TEXT,       /* text_encoder */
    PLACE_TEXT2,      /* text_encoder_2 */
    PLACE_DENOISER,   /* transformer: of all noise levels, or of the high ones */
    PLACE_DENOISER2,  /* transformer_2: of the low ones */
    PLACE_CODEC,      /* vae */
    PLACE_IMAGE,      /* image_encoder */
    PLACE_UPSAMPLER,  /* upsampler: of what the codec gives */
    PLACE_UPSAMPLER2, /* upsampler_2: of what the first one gives */
    N_PLACES
};
const char *bundle_folder(enum bundle_place place);
/* 1: dir has that folder. */
int bundle_has(const char *dir, enum bundle_place place);

struct bundle {
    char *dir;
    struct bundle_info info;
    struct part part[N_PLACES]; /* owned; empty where the folder is missing */
    /* What the parts are called by. */
    int n_texts, n_denoisers;
    struct text_model text[DENOISER_TEXTS];
    struct denoiser denoiser[2];
    struct codec codec;
    int n_upsamplers;
    struct upsampler upsampler[2];       /* each enlarges what the one before gave */
    struct image_model image;            /* empty without */
    int text_loaded;                     /* 0: text encoders are declared alone */
    int64_t n_bad_weights;               /* NaN or infinite values found while loading */
    const char *bad_folder, *bad_weight; /* which part, and its first weight that holds one */
};

/* Most bytes of weights that may lie on the device, by place; 0: all of them. And what the matrices
 * of transformers become, and in bytes those of decoders. Encoders of text and images stay what
 * they are in their files: they run once, block by block, so to convert them costs more than it
 * saves. */
struct bundle_budget {
    uint64_t bytes[N_PLACES];
    struct weight_as as;
    int no_text; /* 1: text encoders are not loaded, what they say is known */
    int threads; /* that convert weights; 0: the caller alone */
};
/* What bundle_open would take for the weights of each place (as may be NULL). b is declared;
 * afterwards its networks run dry as they will run loaded. ERR_IO, ERR_FORMAT; ERR_USAGE: no matrix
 * of the transformer can take the form. */
NODISCARD int bundle_survey(struct bundle *b, struct device *device, enum dtype type,
                            const struct weight_as *as, struct store_room room[N_PLACES],
                            struct err *e);
/* Is dir a model as bundles are: with a model_index.json? */
int bundle_is_there(const char *dir);
/* Open the directory and load weights for computing on a device in type (DT_F32 or DT_BF16).
 * ERR_IO, ERR_FORMAT, ERR_FIT, ERR_USAGE as bundle_survey; an unknown newer format is refused by
 * number. budget may be NULL. *out is NULL on failure. */
NODISCARD int bundle_open(struct bundle **out, const char *dir, struct device *device,
                          enum dtype type, const struct bundle_budget *budget, struct err *e);
/* The text encoders of a bundle that was opened without, with the same arguments. ERR_IO,
 * ERR_FORMAT, ERR_FIT. */
NODISCARD int bundle_load_text(struct bundle *b, struct device *device, enum dtype type,
                               const struct bundle_budget *budget, struct err *e);
/* From the configs alone: networks that run dry. ERR_IO; ERR_FORMAT also when sizes that must be
 * equal between the parts are not, or the transformer does not read just the text encoders that are
 * there. */
NODISCARD int bundle_declare(struct bundle **out, const char *dir, struct err *e);
/* The tokenizer of text[k]: each has its own, in tokenizer and tokenizer_2. ERR_FORMAT also when it
 * has pieces that the text encoder does not know. */
NODISCARD int bundle_tokenizer(struct tokenizer **out, const struct bundle *b, int k,
                               struct err *e);
void bundle_free(struct bundle **b);
/* Other limits of weights that lie mapped in host memory. */
void bundle_limit(struct bundle *b, const struct bundle_budget *budget);
/* ERR_IO: a file of weights that stay in it is not what it was when it was opened. */
NODISCARD int bundle_same(const struct bundle *b, struct err *e);
/* model_index.json alone, without weights. */
NODISCARD int bundle_info_read(struct bundle_info *info, const char *dir, struct err *e);
/* It lists the parts that lie in dir by then. */
NODISCARD int bundle_info_write(const struct bundle_info *info, const char *dir, struct err *e);
/* SHA-256 over names and bytes of all files that decide a result, in a fixed order. Those of
 * weights are read once and their hashes kept (cache.h). ERR_CANCEL once *stop is set (NULL:
 * never). */
NODISCARD int bundle_hash(const char *dir, const atomic_int *stop, char hex[65], struct err *e);
/* The same over what decides the answers of text encoder k. kept: of files that were read before
 * alone, else ERR_CHECK. */
NODISCARD int bundle_text_hash(const char *dir, int k, int kept, char hex[65], struct err *e);
/* The same over config.json and weights of one network, which lies in a folder of its own. */
NODISCARD int bundle_part_hash(const char *folder, char hex[65], struct err *e);
/* Bytes of weights by the type that they are stored in, all networks together, the most first; from
 * the heads of the files. Ends with type NULL; further types count as the last. */
#define BUNDLE_TYPES 24
struct stored_bytes {
    const char *type; /* as files write it; static */
    uint64_t bytes;
};
NODISCARD int bundle_stored(const char *dir, struct stored_bytes sum[BUNDLE_TYPES], struct err *e);

#endif
