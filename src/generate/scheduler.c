#include "generate/scheduler.h"

#include <stdio.h>
#include <string.h>

enum { MOST_FIELDS = 64 };

/* What a field must say when it is there; what `free` fields say does not matter to a flow. */
struct fixed {
    const char *field, *value; /* as JSON */
};

static const struct fixed flow_fixed[] = {
    {"invert_sigmas", "false"},          {"use_karras_sigmas", "false"},
    {"use_exponential_sigmas", "false"}, {"use_beta_sigmas", "false"},
    {"stochastic_sampling", "false"},    {"time_shift_type", "\"exponential\""},
    {"scale_factors", "null"},           {NULL, NULL}};
static const struct fixed solver_fixed[] = {{"prediction_type", "\"flow_prediction\""},
                                            {"use_flow_sigmas", "true"},
                                            {"thresholding", "false"},
                                            {"predict_x0", "true"},
                                            {"lower_order_final", "true"},
                                            {"disable_corrector", "[]"},
                                            {"solver_p", "null"},
                                            {"use_karras_sigmas", "false"},
                                            {"use_exponential_sigmas", "false"},
                                            {"use_beta_sigmas", "false"},
                                            {"use_lu_lambdas", "false"},
                                            {"euler_at_final", "false"},
                                            {"rescale_betas_zero_snr", "false"},
                                            {"variance_type", "null"},
                                            {"algorithm_type", "\"dpmsolver++\""},
                                            {"time_shift_type", "\"exponential\""},
                                            {"shift_terminal", "null"},
                                            {"trained_betas", "null"},
                                            {"beta_schedule", "\"linear\""},
                                            {"beta_start", "0.0001"},
                                            {NULL, NULL}};

static const char *const flow_free[] = {"base_shift",        "max_shift",    "base_image_seq_len",
                                        "max_image_seq_len", "upscale_mode", NULL};
static const char *const solver_free[] = {"beta_end",
                                          "dynamic_thresholding_ratio",
                                          "sample_max_value",
                                          "timestep_spacing",
                                          "steps_offset",
                                          "lambda_min_clipped",
                                          "sigma_min",
                                          "sigma_max",
                                          NULL};
static const char *const flow_read[] = {"num_train_timesteps", "shift", "use_dynamic_shifting",
                                        "shift_terminal", NULL};
static const char *const heun_read[] = {"num_train_timesteps", "shift", NULL};
static const char *const solver_read[] = {
    "num_train_timesteps", "flow_shift", "use_dynamic_shifting", "solver_order", "solver_type",
    "final_sigmas_type",   NULL};
static const char *const release_read[] = {"shift", NULL};
static const char *const none[] = {NULL};
static const struct fixed nothing[] = {{NULL, NULL}};

static const struct class
{
    const char *name, *sampler, *shift;
    const struct fixed *fixed;
    const char *const *read, *const *free;
    int release;
} classes[] = {
    {"FlowMatchEulerDiscreteScheduler", "euler", "shift", flow_fixed, flow_read, flow_free, 0},
    {"FlowMatchHeunDiscreteScheduler", "heun", "shift", nothing, heun_read, none, 0},
    {"FlowMatchLCMScheduler", "lcm", "shift", flow_fixed, flow_read, flow_free, 0},
    {"UniPCMultistepScheduler", "unipc", "flow_shift", solver_fixed, solver_read, solver_free, 0},
    {"DPMSolverMultistepScheduler", "dpmpp-2m", "flow_shift", solver_fixed, solver_read,
     solver_free, 0},
    {"FlowUniPCMultistepScheduler", "unipc", "shift", nothing, release_read, none, 1},
    {"FlowDPMSolverMultistepScheduler", "dpmpp-2m", "shift", nothing, release_read, none, 1},
};
enum { N_CLASSES = sizeof classes / sizeof *classes };

/* The first where the document failed for it. */
static const struct class *class_of(struct jval root)
{
    const char *names[N_CLASSES];

    for (int i = 0; i < N_CLASSES; i++)
        names[i] = classes[i].name;
    return &classes[j_choice(root, "_class_name", names, N_CLASSES)];
}

static int says(struct jval root, const char *field, const char *value)
{
    struct jval v = j_get(root, field);
    double wanted;

    switch (j_type(v)) {
    case J_NULL:
        return !strcmp(value, "null");
    case J_BOOL:
        return !strcmp(value, j_bool(root, field) ? "true" : "false");
    case J_STRING:
        return strlen(value) >= 2 &&
               !strncmp(j_string(root, field), value + 1, strlen(value) - 2) &&
               strlen(j_string(root, field)) == strlen(value) - 2;
    case J_ARRAY:
        return !strcmp(value, "[]") && j_len(v) == 0;
    case J_INT:
    case J_REAL:
        return sscanf(value, "%lf", &wanted) == 1 && j_real(root, field, -1e300, 1e300) == wanted;
    default:
        return 0;
    }
}

static int add_names(const char **known, int n, const char *const *names)
{
    for (; *names; names++) {
        ZT_ASSERT(n < MOST_FIELDS);
        known[n++] = *names;
    }
    return n;
}

/* Every field that is there is read, fixed or free. */
static void check_fields(const struct class *k, struct jval root, const char *const *beside)
{
    const char *known[MOST_FIELDS] = {"_class_name", "_diffusers_version", "_use_default_values"};
    int n = add_names(known, 3, k->read);

    n = add_names(known, n, k->free);
    n = add_names(known, n, beside);
    for (const struct fixed *f = k->fixed; f->field; f++) {
        known[n++] = f->field;
        if (j_has(root, f->field) && !says(root, f->field, f->value))
            j_fail(root, f->field, "only %s is computed", f->value);
    }
    j_known(root, known, n);
}

static void read_solver(struct sampler_config *c, struct jval root)
{
    static const char *const unipc[] = {"bh2", "bh1"}, *const dpm[] = {"midpoint"};
    static const char *const ends[] = {"zero", "sigma_min"};
    int is_unipc = !strcmp(c->name, "unipc");

    c->order = (int)j_int_or(root, "solver_order", 1, is_unipc ? SAMPLER_MAX_ORDER : 2, 2);
    c->ends_at_least = j_choice_or(root, "final_sigmas_type", ends, 2, 0) == 1;
    if (!is_unipc)
        j_choice_or(root, "solver_type", dpm, 1, 0);
    else if ((c->bh1 = j_choice_or(root, "solver_type", unipc, 2, 0)) && !c->ends_at_least)
        j_fail(
            root, "solver_type",
            "bh1 has no last step to a level of 0 (the reference computes NaN); bh2 is computed");
}

void scheduler_read(struct sampler_config *c, struct jval root, const char *const *beside)
{
    const struct class *k = class_of(root);

    check_fields(k, root, beside);
    c->name = k->sampler;
    c->release = k->release;
    c->shift = j_real_or(root, k->shift, 1e-3, 100, 1);
    if (k->release)
        return;
    c->train_steps = (int)j_int_or(root, "num_train_timesteps", 2, 100000, SAMPLER_TRAIN_STEPS);
    c->dynamic = j_bool_or(root, "use_dynamic_shifting", 0);
    if (k->read == flow_read && j_type(j_get(root, "shift_terminal")) > J_NULL)
        c->terminal = j_real(root, "shift_terminal", 1e-6, 0.999);
    if (k->read == solver_read)
        read_solver(c, root);
}
