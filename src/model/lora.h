/* lora.h - files that change a network a little: LoRA and its relatives, and differences of vectors
 * and matrices.
 *
 * Known are the names of diffusers and PEFT, of the original release ("diffusion_model." and others
 * in front), of kohya, musubi and LyCORIS ("lora_unet_", "lycoris_" and underscores). W x becomes
 * W x + strength * scale * D x, computed beside W whatever W is stored as, where D is
 *   LoRA   B A                                  lora_A/lora_B, lora_down/lora_up
 *   LoHa   (A1 B1) * (A2 B2), by elements       hada_w1_a, hada_w1_b, hada_w2_a, hada_w2_b
 *   LoKr   kron(W1, W2), each whole or A B      lokr_w1[_a,_b], lokr_w2[_a,_b]
 * scale is alpha / rank, 1 without alpha, or what "lora_adapter_metadata" of diffusers says; a LoKr
 * of two whole factors has no rank, and scale 1. DoRA (dora_scale, lora_magnitude_vector) gives the
 * rows of W + scale D the lengths m: W' = m (W + scale D) / |W + scale D|, and W + strength (W' -
 * W) is used (as ComfyUI; LyCORIS leaves D whole at any strength). Lengths are those of the rows
 * ([out,1]) or of the columns ([1,in]). diff, diff_b and diff_m are added to weights, biases and
 * modulation tables, scaled by strength alone. Several files add up. Other ways (OFT, Tucker
 * factors) are refused by name. References: diffusers 0.42 loaders/lora_conversion_utils.py,
 * LyCORIS 4.1 and PEFT 0.21 for values, arXiv 2108.06098 (LoHa), 2309.14859 (LoKr), 2402.09353
 * (DoRA). */
#ifndef MODEL_LORA_H
#define MODEL_LORA_H

#include "model/part.h"

/* expert 2: keys "transformer_2." are meant where there are any, else those without it. */
struct lora_use {
    double strength;
    double from, to; /* parts of the way of the steps, 0..1, between which it acts */
    int expert;      /* 1, 2 */
};

struct lora_report {
    int matched;     /* layers */
    int unmatched;   /* tensors of no layer of this network */
    int tensors;     /* in the file */
    int64_t values;  /* that stand beside the weights then */
    char names[420]; /* of the first that are unmatched */
};

/* Apply the file to a loaded network. All is checked before anything is changed. report may be
 * NULL. ERR_IO; ERR_FORMAT: a shape that is not this network's, a way that is not computed, half of
 * a pair, or nothing that fits; ERR_USAGE: differences that should act at some steps; ERR_FIT. */
NODISCARD int lora_apply(const struct part *p, const char *path, const struct lora_use *use,
                         struct lora_report *report, struct err *e);
/* The same without applying: p may be declared only. */
NODISCARD int lora_check(const struct part *p, const char *path, const struct lora_use *use,
                         struct lora_report *report, struct err *e);

#endif
