/* sampler.h - flow-matching schedules and samplers, in host memory.
 *
 * x_s = (1-s) x0 + s eps; the network predicts v = eps - x0 at timestep 1000 s. Every sampler turns
 * (x, v) at one evaluation into the x of the next. Tables and trajectories agree with the
 * schedulers of diffusers 0.42:
 *   - euler: FlowMatchEulerDiscreteScheduler (scheduling_flow_match_euler_discrete.py)
 *   - unipc: UniPCMultistepScheduler, bh1 or bh2, predict_x0, flow sigmas (arXiv 2302.04867)
 *   - dpmpp-2m: DPMSolverMultistepScheduler, dpmsolver++ midpoint, flow sigmas (arXiv 2211.01095)
 *   - heun: FlowMatchHeunDiscreteScheduler, 2 n - 1 evaluations
 *   - lcm: FlowMatchLCMScheduler, fresh noise at every step
 * and, with `release`, unipc and dpmpp-2m with the tables of Wan's own code. Threads: one sampler
 * belongs to one thread. */
#ifndef GENERATE_SAMPLER_H
#define GENERATE_SAMPLER_H

#include <stddef.h>

#include "base/err.h"
#include "base/torch_rng.h"

/* THE table of samplers: name, which schedule_ and step_ of sampler.c are its own, and how many
 * latents it remembers: so many for each order of the solver, and so many beside them. */
#define SAMPLERS(ROW)                                                                              \
    ROW("euler", linear, euler, 0, 0)                                                              \
    ROW("unipc", unipc, unipc, 1, 2)                                                               \
    ROW("dpmpp-2m", dpm, dpm, 1, 0)                                                                \
    ROW("heun", heun, heun, 0, 2)                                                                  \
    ROW("lcm", linear, lcm, 0, 1)
#define SAMPLER_AND(name, ...) ", " name
#define SAMPLER_LIST (&SAMPLERS(SAMPLER_AND)[2]) /* "euler, unipc, ..." */
#define SAMPLER_NAME(name, ...) name,

enum { SAMPLER_MAX_ORDER = 3, SAMPLER_MAX_STEPS = 1000, SAMPLER_TRAIN_STEPS = 1000 };

struct sampler_config {
    const char *name;  /* of sampler_names() */
    int steps;         /* 1..SAMPLER_MAX_STEPS (diffusers: num_inference_steps) */
    double shift;      /* sigma -> shift sigma / (1 + (shift-1) sigma); > 0 */
    int train_steps;   /* timestep of level 1 (num_train_timesteps); 0 = SAMPLER_TRAIN_STEPS */
    double terminal;   /* euler, lcm: > 0 stretches the table to end there (shift_terminal) */
    int ends_at_least; /* unipc, dpmpp-2m: end at the smallest level, not at 0 (sigma_min) */
    int release;       /* unipc, dpmpp-2m: the tables of wan/utils instead of diffusers' */
    int dynamic;       /* 1: exponential shift by mu instead (use_dynamic_shifting) */
    double mu;
    int order;             /* unipc, dpmpp-2m: solver_order; 0 = 2 */
    int bh1;               /* unipc: solver_type bh1 instead of bh2 */
    struct torch_rng *rng; /* lcm: where fresh noise comes from; borrowed */
};

struct sampler;

/* NULL-terminated list of names, euler first. */
const char *const *sampler_names(void);
/* 0 and *out (free with sampler_free), or ERR_USAGE naming the wrong field. */
NODISCARD int sampler_new(struct sampler **out, const struct sampler_config *c, struct err *e);
void sampler_free(struct sampler **s);

int sampler_evaluations(const struct sampler *s);        /* calls of the network */
int sampler_latents(const struct sampler *s);            /* arrays of n that it remembers */
double sampler_timestep(const struct sampler *s, int i); /* what the network is told, 0..1000 */
double sampler_sigma(const struct sampler *s,
                     int i); /* noise level of evaluation i; i = evaluations: the end */
/* The whole sigma table as diffusers prints it (heun repeats inner values). Returns its length. */
int sampler_sigma_table(const struct sampler *s, const float **table);

/* All that it remembers of the steps behind it, to be kept and put back: sampler_latents arrays of
 * n floats, and what is no array. Borrowed. */
struct sampler_state {
    float *array[SAMPLER_MAX_ORDER + 2];
    int n_arrays, *n_x0, *order;
    struct torch_rng *rng; /* NULL: the config had none */
};
void sampler_state_of(struct sampler *s, size_t n, struct sampler_state *out);

/* x [n] at evaluation i becomes x at evaluation i+1, given v [n] there. Called for i = 0, 1, ... in
 * order with the same n. */
void sampler_step(struct sampler *s, int i, float *x, const float *v, size_t n);

#endif
