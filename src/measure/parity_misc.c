/* Parity of what is no network: samplers, noise, optimisers, tokenizers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/torch_rng.h"
#include "base/utf8.h"
#include "generate/scheduler.h"
#include "measure/parity_inner.h"
#include "model/tokenizer.h"
#include "train/optim.h"

#define MAX_SEED 10000

/* ---- samplers ---- */

/* The release's schedulers take the steps beside the shift. */
static void sampler_config_of(struct parity *p, struct sampler_config *c)
{
    static const char *const beside[] = {"set_timesteps", "toy_velocity", "from", "steps", NULL};
    struct jval root = parity_root(p);

    *c = (struct sampler_config){0};
    scheduler_read(c, root, beside);
    if (c->release) {
        c->steps = (int)j_int(root, "steps", 1, SAMPLER_MAX_STEPS);
        return;
    }
    struct jval set = j_object(root, "set_timesteps");
    c->steps = (int)j_int(set, "num_inference_steps", 1, SAMPLER_MAX_STEPS);
    c->mu = j_real_or(set, "mu", -100, 100, 0);
}

/* The velocity that stands for a network in these folders. */
static void toy_velocity(const float *x, double t, float *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        v[i] = 0.7f * x[i] - 0.3f * sinf(2 * x[i] + (float)(t / 200));
}

static void check_tables(struct parity *p, const struct sampler *s)
{
    int n = sampler_evaluations(s), n_sigma;
    float *t = xcalloc((size_t)n, sizeof *t);
    const float *sigma;

    for (int i = 0; i < n; i++)
        t[i] = (float)sampler_timestep(s, i);
    parity_check(p, "timesteps", t, n);
    n_sigma = sampler_sigma_table(s, &sigma);
    parity_check(p, "sigmas", sigma, n_sigma);
    free(t);
}

/* The generator of fresh noise has drawn x_T before. Its seed is not in the folder, so it is looked
 * for. */
static int find_generator(struct torch_rng *rng, const float *x, int64_t n)
{
    float *y = xcalloc((size_t)n, sizeof *y);
    int found = 0;

    for (uint64_t seed = 0; !found && seed < MAX_SEED; seed++) {
        torch_rng_init(rng, seed);
        torch_rng_normal(rng, y, (size_t)n);
        found = parity_rel_l2(y, x, n) < 1e-5;
    }
    free(y);
    return found;
}

static void trajectory(struct parity *p, struct sampler *s, float *x, int64_t n)
{
    float *v = xcalloc((size_t)n, sizeof *v);
    char name[32];

    check_tables(p, s);
    for (int i = 0; i < sampler_evaluations(s); i++) {
        toy_velocity(x, sampler_timestep(s, i), v, n);
        sampler_step(s, i, x, v, (size_t)n);
        snprintf(name, sizeof name, "x.%d", i);
        parity_check(p, name, x, n);
    }
    free(v);
}

void parity_flow(struct parity *p)
{
    const struct st_tensor *t;
    struct torch_rng rng;
    struct sampler_config c;
    struct sampler *s;
    float *x = parity_input(p, "x_T", &t);

    sampler_config_of(p, &c);
    c.rng = &rng;
    if (!x || p->err.code || jdoc_status(p->config, &p->err)) {
        free(x);
        return;
    }
    if (!strcmp(c.name, "lcm") && !find_generator(&rng, x, t->n))
        parity_fail(p, ERR_FORMAT, "%s/inputs.safetensors: x_T is not the noise of a seed below %d",
                    p->dir, MAX_SEED);
    else if (!sampler_new(&s, &c, &p->err)) {
        trajectory(p, s, x, t->n);
        sampler_free(&s);
    }
    free(x);
}

/* ---- noise ---- */

/* The tensor "chain.I.n.N" of the outputs; NULL when there is none of this number. */
static const struct st_tensor *chain_at(struct parity *p, int number)
{
    char prefix[32];

    snprintf(prefix, sizeof prefix, "chain.%d.", number);
    for (int i = 0; i < st_count(p->out); i++)
        if (!strncmp(st_at(p->out, i)->name, prefix, strlen(prefix)))
            return st_at(p->out, i);
    return NULL;
}

static int chain_length(struct parity *p)
{
    int n = 0, k;

    for (int i = 0; i < st_count(p->out); i++)
        if (sscanf(st_at(p->out, i)->name, "chain.%6d.", &k) == 1 && k >= n && k < 1000)
            n = k + 1;
    return n;
}

/* All of a chain from one generator. Draws of a single number leave no tensor. With `check` 0 only
 * the first tensor is looked at; returns its error. */
static double run_chain(struct parity *p, uint64_t seed, int check)
{
    struct torch_rng rng;
    double first = -1;

    torch_rng_init(&rng, seed);
    for (int k = 0; k < chain_length(p) && (check || first < 0); k++) {
        const struct st_tensor *t = chain_at(p, k);
        int64_t n = t ? t->n : 1, n_want;
        float *x = xcalloc((size_t)n, sizeof *x), *want;

        torch_rng_normal(&rng, x, (size_t)n);
        want = t && !check ? parity_expected(p, t->name, &n_want) : NULL;
        if (want)
            first = parity_rel_l2(x, want, n);
        if (t && check)
            parity_check(p, t->name, x, n);
        free(want);
        free(x);
    }
    return first;
}

/* seed.S.n.N is torch.randn(N) of a fresh generator; chain.I.n.N are drawn in turn from one, with
 * one of the same seeds. */
void parity_randn(struct parity *p)
{
    uint64_t chain_seed = 0;
    unsigned long long seed;

    for (int i = 0; i < st_count(p->out) && !p->err.code; i++) {
        const struct st_tensor *t = st_at(p->out, i);
        struct torch_rng rng;
        float *x;

        if (sscanf(t->name, "seed.%20llu.", &seed) != 1)
            continue;
        x = xcalloc((size_t)t->n + 1, sizeof *x);
        torch_rng_init(&rng, seed);
        torch_rng_normal(&rng, x, (size_t)t->n);
        parity_check(p, t->name, x, t->n);
        free(x);
        if (run_chain(p, seed, 0) < 1e-5)
            chain_seed = seed;
    }
    run_chain(p, chain_seed, 1);
}

/* ---- optimisers ---- */

struct optim_case {
    struct parity *p;
    struct weight_set set;
    int muon;
    struct optim_config config;
    struct optim optim;
    float **before; /* values of each parameter before the step */
};

static void read_optim(struct optim_case *c)
{
    struct jval root = parity_root(c->p);
    double betas[2] = {0.9, 0.999};

    c->muon = !strcmp(j_string(root, "_class_name"), "torch.optim.Muon");
    c->config = optim_config_default;
    if (j_has(root, "betas"))
        j_reals(root, "betas", betas, 2, 2, 0, 1);
    c->config.lr = c->config.muon_lr = 1; /* each step's rate is in the list */
    c->config.beta1 = betas[0];
    c->config.beta2 = betas[1];
    c->config.eps = j_real_or(root, "eps", 0, 1, c->muon ? 1e-7 : 1e-8);
    c->config.decay = c->config.muon_decay = j_real_or(root, "weight_decay", 0, 1, 0);
    c->config.momentum = j_real_or(root, "momentum", 0, 1, 0.95);
    c->config.nesterov = j_bool_or(root, "nesterov", 1);
    c->config.ns_steps = (int)j_int_or(root, "ns_steps", 1, 100, 5);
    c->config.use_muon = c->muon;
    c->config.clip = c->config.ema = 0;
    if (c->muon && c->p->o->tol <= 0)
        c->p->limit = 2e-2; /* the reference iterates in bf16 */
}

static int declare_params(struct optim_case *c)
{
    char name[32];
    const struct st_tensor *t;

    for (int i = 0;; i++) {
        snprintf(name, sizeof name, "p.%d", i);
        t = st_find(c->p->in, name);
        if (!t)
            return i;
        if (t->rank < 1 || t->rank > 5) {
            parity_fail(c->p, ERR_FORMAT, "%s/inputs.safetensors: %s has %d dimensions", c->p->dir,
                        name, t->rank);
            return 0;
        }
        weight_declare(&c->set, name, c->muon, INIT_ZERO, 0, t->rank, t->dim)->muon = c->muon;
    }
}

static void load_array(struct optim_case *c, const char *name, float *dst, int64_t n)
{
    const struct st_tensor *t;
    float *x = parity_input(c->p, name, &t);

    if (x && t->n != n)
        parity_fail(c->p, ERR_FORMAT,
                    "%s/inputs.safetensors: %s has another size than its parameter", c->p->dir,
                    name);
    else if (x)
        memcpy(dst, x, sizeof *x * (size_t)n);
    free(x);
}

/* AdamW is compared by values; Muon by what one step changed. */
static void check_param(struct optim_case *c, int step, int i)
{
    const struct weight *w = c->set.all[i];
    int64_t n = weight_count(w), n_want, n_old;
    float *want, *old;
    char name[48], before[48];

    snprintf(name, sizeof name, "p.%d.%d", step, i);
    float *ours = xmalloc(sizeof *ours * (size_t)n);
    weight_read(w, ours);
    if (!c->muon) {
        parity_check(c->p, name, ours, n);
        free(ours);
        return;
    }
    snprintf(before, sizeof before, "p.%d.%d", step - 1, i);
    want = parity_expected(c->p, name, &n_want);
    old = xcalloc((size_t)n, sizeof *old);
    if (step == 0) {
        snprintf(before, sizeof before, "p.%d", i);
        load_array(c, before, old, n);
    } else {
        free(old);
        old = parity_expected(c->p, before, &n_old);
    }
    if (want && old && n_want == n) {
        for (int64_t k = 0; k < n; k++) {
            ours[k] -= c->before[i][k];
            want[k] -= old[k];
        }
        parity_note(c->p, name, parity_rel_l2(ours, want, n));
    }
    free(ours);
    free(want);
    free(old);
}

static void optim_steps(struct optim_case *c, const double *rates, int n_rates, struct cx *cx)
{
    char name[48];

    for (int s = 0; s < n_rates && !c->p->err.code; s++) {
        for (int i = 0; i < c->set.n; i++) {
            const struct weight *w = c->set.all[i];
            int64_t n = weight_count(w);
            float *grad = xcalloc((size_t)n, sizeof *grad);

            snprintf(name, sizeof name, "grad.%d.%d", s, i);
            load_array(c, name, grad, n);
            device_put(w->device, w->grad, grad, sizeof *grad * (size_t)n);
            weight_read(w, c->before[i]);
            free(grad);
        }
        if (!c->p->err.code && optim_step(&c->optim, cx->k, &cx->kcx, rates[s], &c->p->err))
            return;
        for (int i = 0; i < c->set.n; i++)
            check_param(c, s, i);
    }
}

static void optim_run(struct optim_case *c, const double *rates, int n_rates)
{
    struct optim_set set = {"p", &c->set};
    char name[32];
    struct cx cx;

    struct device *device = c->p->o->device;

    if (weight_set_allocate(&c->set, device, DT_F32, 1, &c->p->err))
        return;
    c->before = xcalloc((size_t)c->set.n, sizeof *c->before);
    for (int i = 0; i < c->set.n; i++) {
        int64_t n = weight_count(c->set.all[i]);

        c->before[i] = xcalloc((size_t)n, sizeof(float));
        snprintf(name, sizeof name, "p.%d", i);
        load_array(c, name, c->before[i], n);
        weight_store(c->set.all[i], c->before[i], DT_F32);
    }
    cx_init(&cx, device, DT_F32, c->p->o->threads);
    if (optim_init(&c->optim, &c->config, &set, 1, &c->p->err))
        c->optim.n = 0;
    for (int i = 0; i < c->optim.n; i++) {
        c->optim.slot[i].decay = c->config.decay; /* PyTorch decays vectors as well */
        c->optim.slot[i].muon = c->muon;
    }
    optim_steps(c, rates, n_rates, &cx);
    optim_release(&c->optim);
    cx_release(&cx);
    for (int i = 0; i < c->set.n; i++)
        free(c->before[i]);
    free(c->before);
}

void parity_optimiser(struct parity *p)
{
    struct optim_case c = {.p = p};
    double rates[1000];
    int n = j_reals(parity_root(p), "rates", rates, 1, 1000, 0, 1e3);

    read_optim(&c);
    weight_set_init(&c.set);
    if (!jdoc_status(p->config, &p->err) && declare_params(&c) > 0)
        optim_run(&c, rates, n);
    else
        parity_fail(p, ERR_FORMAT, "%s/inputs.safetensors: has no tensor \"p.0\"", p->dir);
    weight_set_release(&c.set);
}

/* ---- tokenizers ---- */

static void check_ids(struct parity *p, const struct tokenizer *t, struct jval row, const char *key,
                      int number)
{
    const char *text = j_string(row, "text");
    struct jval want = j_array(row, key);
    char name[64];
    int32_t *ids;
    int n, same;

    tokenizer_encode(t, text, strlen(text), &ids, &n);
    same = n == j_len(want);
    for (int i = 0; same && i < n; i++)
        same = ids[i] == j_at_int(want, i, 0, INT32_MAX);
    snprintf(name, sizeof name, "%s.%d", key, number);
    parity_note(p, name, same ? 0 : INFINITY);
    free(ids);
}

/* 1: the folder has this file. */
static int check_file(struct parity *p, const char *file, const char *key)
{
    struct jval rows = j_array(parity_root(p), "rows");
    char *path = parity_path(p, file);
    int there = file_exists(path);
    struct tokenizer *t;

    if (there && !p->err.code && !tokenizer_open(&t, path, &p->err)) {
        for (int i = 0; i < j_len(rows); i++)
            if (j_has(j_at_object(rows, i), key))
                check_ids(p, t, j_at_object(rows, i), key, i);
        tokenizer_free(&t);
    }
    free(path);
    return there;
}

void parity_tokenizer(struct parity *p)
{
    int n = check_file(p, "spiece.model", "spiece_ids");

    n += check_file(p, "tokenizer.json", "tokenizer_json_ids");
    n += check_file(p, "model.gguf", "gguf_ids");
    if (!n)
        parity_fail(p, ERR_FORMAT, "%s: has none of spiece.model, tokenizer.json, model.gguf",
                    p->dir);
}
