/* bundle.h - a model directory: everything a prompt needs to become frames.
 *
 *   model_index.json   {"format": 1, "_class_name": "ZoetropePipeline", "name", "license",
 * "frame_rate", ...} tokenizer/tokenizer.json  text_encoder/  transformer/  vae/  (config.json +
 * safetensors) scheduler/scheduler_config.json  (class and shift, as diffusers writes them)
 * Thread-safety: after bundle_open, reading from any number of threads. */
#ifndef MODEL_BUNDLE_H
#define MODEL_BUNDLE_H

#include "model/store.h"
#include "model/tiny_vae.h"
#include "model/tokenizer.h"
#include "model/umt5.h"
#include "model/wan.h"

#define BUNDLE_FORMAT 1
#define BUNDLE_MAX_CHANNELS 64

struct bundle_info { /* model_index.json */
    char name[64], license[64], description[256], release[32];
    double frame_rate;         /* frames per second that the model was trained at */
    int width, height, frames; /* natural size and longest trained clip, in px and frames */
    int steps;                 /* good defaults */
    double guidance, shift;
    char sampler[32]; /* "euler", "unipc" */
    int canonical;    /* "text": "canonical" (prompts are rewritten by world/prompt.h) or "plain" */
    int channels;     /* of the latent */
    float latents_mean[BUNDLE_MAX_CHANNELS],
        latents_std[BUNDLE_MAX_CHANNELS]; /* network space = (z - mean) / std */
};

struct bundle {
    char *dir;
    struct bundle_info info;
    struct tokenizer *tokenizer;
    struct umt5 text;
    struct wan dit;
    struct tiny_vae vae;
    int64_t n_bad_weights; /* NaN or infinite values found while loading: worth a warning */
};

/* Most bytes of weights of the large networks that may lie on the device; 0: all of them. */
struct bundle_budget {
    uint64_t text, dit;
};
/* Open the directory and load weights for computing on a device in type (DT_F32 or DT_BF16).
 * ERR_IO, ERR_FORMAT, ERR_FIT; an unknown newer format is refused by number. budget may be NULL.
 * *out is NULL on failure. */
NODISCARD int bundle_open(struct bundle **out, const char *dir, struct device *device,
                          enum dtype type, const struct bundle_budget *budget, struct err *e);
void bundle_free(struct bundle **b);
/* model_index.json alone, without weights. */
NODISCARD int bundle_info_read(struct bundle_info *info, const char *dir, struct err *e);
NODISCARD int bundle_info_write(const struct bundle_info *info, const char *dir, struct err *e);
/* Sizes that must be equal between the parts of the model in dir, from their configs alone;
 * ERR_FORMAT. bundle_open looks itself. */
NODISCARD int bundle_check_fit(const char *dir, const struct bundle_info *info,
                               const struct wan_config *dit, const struct umt5_config *text,
                               const struct tiny_vae_config *vae, struct err *e);
/* SHA-256 over names and bytes of all files that decide a result, in a fixed order. */
NODISCARD int bundle_hash(const char *dir, char hex[65], struct err *e);
/* Bytes of weights by the type that they are stored in, all networks together; from the heads of
 * the files. */
NODISCARD int bundle_stored(const char *dir, uint64_t bytes[N_DTYPES], struct err *e);
/* One part: DIR/config.json + weights (values and type as store_save). For training and for making
 * a bundle. */
NODISCARD int bundle_save_wan(const struct wan *m, const char *dir, enum dtype type,
                              float *const *values, struct err *e);
NODISCARD int bundle_save_umt5(const struct umt5 *m, const char *dir, enum dtype type,
                               float *const *values, struct err *e);
NODISCARD int bundle_save_tiny_vae(const struct tiny_vae *m, const char *dir, enum dtype type,
                                   float *const *values, struct err *e);
/* The reverse: read DIR/config.json, init, allocate and load. m is released again on failure. */
NODISCARD int bundle_load_wan(struct wan *m, const char *dir, struct device *device,
                              enum dtype type, int training, struct err *e);
NODISCARD int bundle_load_umt5(struct umt5 *m, const char *dir, struct device *device,
                               enum dtype type, int training, struct err *e);
NODISCARD int bundle_load_tiny_vae(struct tiny_vae *m, const char *dir, struct device *device,
                                   enum dtype type, int training, struct err *e);

#endif
