/* lora.h - files that change a network a little: LoRA, and differences of vectors and matrices.
 *
 * Known are the names of diffusers and PEFT, of the original release ("diffusion_model." and others
 * in front), of kohya and musubi ("lora_unet_" and underscores), lora_A/lora_B and
 * lora_down/lora_up. W x becomes W x + strength * scale * B (A x), computed beside W whatever W is
 * stored as; scale is alpha / rank, 1 without alpha, or what "lora_adapter_metadata" of diffusers
 * says. diff and diff_b are added to weights and biases, scaled by strength alone. Several files
 * add up. Other ways (DoRA, LoHa, LoKr) are refused by name. Reference: diffusers 0.42
 * loaders/lora_conversion_utils.py. */
#ifndef MODEL_LORA_H
#define MODEL_LORA_H

#include "model/part.h"

struct lora_report {
    int matched;     /* layers */
    int unmatched;   /* tensors of no layer of this network */
    char first[128]; /* one of them */
};

/* Apply the file to a loaded network. expert 2: keys "transformer_2." are meant where there are
 * any, else those without it. All is checked before anything is changed. ERR_IO; ERR_FORMAT: a
 * shape that is not this network's, a way that is not computed, half of a pair, or nothing that
 * fits; ERR_FIT. */
NODISCARD int lora_apply(const struct part *p, const char *path, double strength, int expert,
                         struct lora_report *report, struct err *e);
/* The same without applying: p may be declared only. */
NODISCARD int lora_check(const struct part *p, const char *path, double strength, int expert,
                         struct lora_report *report, struct err *e);

#endif
