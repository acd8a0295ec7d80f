/* optim.h - AdamW and Muon over the weights of one or more networks, gradient clipping, averaged
 * weights.
 *
 * AdamW: Loshchilov and Hutter, arXiv 1711.05101, as torch.optim.AdamW. Muon: Jordan et al. 2024,
 * as torch.optim.Muon of PyTorch 2.15: lerp momentum, Nesterov, Newton-Schulz in bf16, update times
 * sqrt(max(1, rows/cols)). Weights, their gradients and all state are f32 in memory of one device.
 * Hidden matrices with weight.muon take Muon, everything else AdamW; the rule of a slot may be
 * changed between optim_init and the first step. Determinism: threads share out whole matrices or
 * chunks of elements, so their number changes no bit. */
#ifndef TRAIN_OPTIM_H
#define TRAIN_OPTIM_H

#include "base/err.h"
#include "tensor/weight.h"

struct optim_config {
    double lr, beta1, beta2, eps, decay; /* AdamW; decay applies to matrices only */
    double muon_lr, momentum, muon_decay;
    int use_muon, nesterov, ns_steps;
    double clip; /* longest allowed gradient norm over all weights; 0 = no clipping */
    double ema;  /* decay of the averaged weights; 0 = none are kept */
};
extern const struct optim_config optim_config_default;

struct optim_slot {
    const char *set; /* prefix of the network, for messages and checkpoints */
    struct weight *w;
    int64_t n;
    int muon;
    double decay;
    double rate; /* times the rates of the step; 1 */
    float *m;    /* first moment, or Muon's momentum; these three on the weight's device */
    float *v;    /* second moment; NULL for Muon */
    float *ema;
};

struct optim {
    struct optim_config config;
    struct optim_slot *slot;
    int n;
    int64_t step;     /* finished steps */
    double grad_norm; /* of the last step, before clipping */
    struct k_tally
        *tally;    /* on the device: of all gradients, then of all weights; then the scale */
    float *update; /* on the device: the largest stack of Muon and its work */
    size_t update_bytes;
};

struct optim_set {
    const char *name;
    struct weight_set *weights; /* allocated for training */
};

/* State for all weights that are not frozen; averaged weights begin as the weights themselves.
 * ERR_FIT when a GPU has not got the memory; release it all the same. */
NODISCARD int optim_init(struct optim *o, const struct optim_config *config,
                         const struct optim_set *sets, int n_sets, struct err *e);
void optim_release(struct optim *o);

/* One step with all rates multiplied by `rate`, from the gradients in weight.grad; publishes the
 * weights. 0, or ERR_DEVICE with the name of the first weight whose gradient or new value is not
 * finite (then the state is of no more use). The host waits for the device once, at the end. */
NODISCARD int optim_step(struct optim *o, const struct kernels *k, struct kcx *kc, double rate,
                         struct err *e);

/* Exchange weights and averaged weights (and publish); twice is nothing. */
void optim_swap_ema(struct optim *o);

/* Muon's direction: each of n matrices x [n,rows,cols] becomes nearly the nearest orthogonal one.
 * work: muon_work_bytes of the device, whatever they hold. */
void muon_orthogonalise(const struct kernels *k, struct kcx *kc, float *x, int64_t n, int64_t rows,
                        int64_t cols, int steps, void *work);
size_t muon_work_bytes(int64_t n, int64_t rows, int64_t cols);

#endif
