/* config.h - one training run as a JSON file; configs/ holds those that made the shipped models.
 *
 * Every field is checked: an unknown one is refused with the nearest name, a value out of range
 * with the range. Sizes in px and frames, rates per step. */
#ifndef TRAIN_CONFIG_H
#define TRAIN_CONFIG_H

#include <stdint.h>

#include "base/err.h"
#include "model/clause_text.h"
#include "model/subpixel.h"
#include "model/tiny_vae.h"
#include "model/wan.h"
#include "train/optim.h"
#include "world/world.h"

enum { TRAIN_MAX_PHASES = 8, TRAIN_MAX_MIX = 6, TRAIN_MAX_CLIPS = 10000000, UPSAMPLERS_MAX = 2 };

struct clip_shape {
    int width, height, frames; /* frames = 1 + kt*k */
    double fps;
    struct worlds worlds; /* where clips come from */
};

struct vae_recipe {
    struct tiny_vae_config net;
    int64_t steps;
    int batch, groups; /* sequences per step, groups of kt frames in each */
    int klt_groups;    /* groups that the fixed transform is fitted to */
    double l1, difference, gradient, object_weight,
        noise;                    /* loss weights; largest noise on the latent, std */
    char init[1024];              /* folder of the autoencoder to begin from; "": none */
    int decoder_only;             /* the encoder and the fixed transform stay what they are */
    int evaluate_every, held_out; /* clips */
    int warmup;
    double decay; /* last part of the steps in which the rate falls to 0 */
    struct optim_config optim;
};

struct upsample_recipe {
    struct subpixel_config net;
    int clips, frames, held_out; /* scenes to learn from, pictures of each; scenes to judge by */
    int64_t steps;
    int batch, crop;    /* squares per step, px of a small one */
    double edges;       /* loss weight of differences between neighbours */
    double sharp;       /* of being taken for a render by a critic that learns beside; 0: none */
    int critic;         /* channels of its first layer */
    double critic_rate; /* times the upsampler's: how fast it learns */
    double noise;       /* largest on the latent, std */
    char init[1024];    /* folder of the upsampler to begin from; "": none */
    int evaluate_every, warmup;
    double decay;
    struct optim_config optim;
};

/* Windows of the first `frames` frames of clips, so many per step, by weighted choice of length. */
struct dit_phase {
    int64_t steps;
    int windows, n_mix;
    int frames[TRAIN_MAX_MIX];
    double weight[TRAIN_MAX_MIX];
    double recycle; /* chance that a window that goes on sees the network's own errors (recycle.h)
                     */
};

struct dit_recipe {
    struct wan_config net;
    struct clause_text_config text; /* vocabulary and separator come with the tokenizer */
    struct dit_phase phase[TRAIN_MAX_PHASES];
    int n_phases, remat;
    double s_mean, s_std, s_uniform; /* noise level: logit-normal, with a share drawn evenly */
    double p_image, p_no_text;       /* chance of a given first frame; of an empty prompt */
    double p_extend, p_ends;         /* of a window that goes on; of one whose two ends are given */
    double p_everyday;               /* chance that the prompt is an everyday caption */
    double object_weight, object_s;  /* loss weight of object tokens below this noise level */
    int evaluate_every, held_out;    /* windows */
    int gap_steps; /* after so many steps a bag of words is stopped (gaps.h); 0: never */
    double gap_ratio;
    int warmup;
    double decay;
    struct optim_config optim;
};

struct model_defaults { /* what generation uses unless told otherwise, and how it is stored */
    int steps;
    double guidance, shift;
    double shown_rate;   /* 0: that of the clips */
    int own_height;      /* films of other shapes are cut from what it was taught */
    const char *sampler; /* of sampler_names() */
    double guidance_given, stagger, sharpen, fade;
    const char *type;   /* to compute with on a CPU */
    enum dtype weights; /* of the matrices in its files: DT_BF16 or DT_I8 */
};

struct train_config {
    char name[64], license[64], description[256];
    char from[1024]; /* folder of the model to learn on from (from.h); "": from noise */
    uint64_t seed;
    enum dtype type; /* DT_BF16 or DT_F32 */
    double checkpoint_minutes;
    struct clip_shape clip;
    int reel_clips, latent_clips, mirror;
    int everyday_captions; /* per clip, beside the canonical one */
    double latent_growth;  /* clips that each step of the transformer adds (growth.h) */
    int shared_std;        /* latents: one scale for all channels instead of one each */
    struct vae_recipe vae;
    struct upsample_recipe upsampler[UPSAMPLERS_MAX]; /* each enlarges what the one before gave */
    int n_upsamplers;
    struct dit_recipe dit;
    struct model_defaults model;
    char hash[65]; /* SHA-256 of the file's bytes */
};

/* Records that the transformer does not learn from: dit.held_out, with both views of each. */
int dit_held_out(const struct train_config *c);

/* 0, ERR_IO, or ERR_FORMAT naming the field. What it accepts can be trained and makes a model that
 * can be read. */
NODISCARD int train_config_read(struct train_config *c, const char *path, struct err *e);

#endif
