/* parity_inner.h - what the kinds of reference vectors share. */
#ifndef MEASURE_PARITY_INNER_H
#define MEASURE_PARITY_INNER_H

#include "format/json.h"
#include "format/safetensors.h"
#include "measure/parity.h"
#include "model/part.h"
#include "tensor/ops.h"
#include "tensor/tensor.h"

struct parity {
    const char *dir;
    const struct parity_options *o;
    struct jdoc *config;
    struct st_file *in, *out; /* in is NULL where the kind has none */
    int *seen;                /* per tensor of out */
    double *error;
    double limit; /* of this kind */
    int failed;
    double worst;
    struct err err; /* first trouble, sticky */
};

struct jval parity_root(struct parity *p);
/* Inputs as host f32, xmalloc'd; NULL (and p->err) when missing. */
float *parity_input(struct parity *p, const char *name, const struct st_tensor **t);
/* The same, NULL without an error when it is not there. */
float *parity_input_or(struct parity *p, const char *name, const struct st_tensor **t);
/* Values of a reference output, xmalloc'd, NULL when there is none of the name. */
float *parity_expected(struct parity *p, const char *name, int64_t *n);
/* Compare; names that the reference does not have are passed over. */
void parity_check(struct parity *p, const char *name, const float *ours, int64_t n);
/* An error that is already known (exact things: 0 or infinity). */
void parity_note(struct parity *p, const char *name, double error);
double parity_rel_l2(const float *a, const float *b, int64_t n);
void parity_fail(struct parity *p, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* DIR/NAME, xasprintf'd. */
char *parity_path(const struct parity *p, const char *name);
/* A tensor of the file, read as data, as an input of the network: in its shape, wide. */
struct tensor *parity_tensor(struct cx *cx, const struct st_tensor *t, float *data);
/* Read x to the host and compare. */
void parity_check_tensor(struct parity *p, struct cx *cx, const char *name, const struct tensor *x);

/* For networks: that of the folder with its weights, released when that fails; trouble of cx
 * becomes p's; gradients of all weights as files write them (in these networks as memory holds
 * them); the loss mean((pred - target)^2) and everything's gradient. */
NODISCARD int parity_load(struct parity *p, struct part *net, enum part_role role, int training);
void parity_check_network(struct parity *p, const struct cx *cx);
void parity_check_weight_grads(struct parity *p, const struct weight_set *s);
void parity_loss(struct parity *p, struct cx *cx, struct tensor *pred);

void parity_denoiser(struct parity *p);
void parity_denoiser_gradients(struct parity *p);
void parity_text(struct parity *p);
void parity_image(struct parity *p);
void parity_codec(struct parity *p);
void parity_upsampler(struct parity *p);
void parity_gradients(struct parity *p);
void parity_pipeline(struct parity *p);
void parity_flow(struct parity *p);
void parity_randn(struct parity *p);
void parity_optimiser(struct parity *p);
void parity_tokenizer(struct parity *p);
void parity_lora(struct parity *p);
void parity_gguf(struct parity *p);
void parity_comfy_quant(struct parity *p);

#endif
