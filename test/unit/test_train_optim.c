/* Optimisers against PyTorch's, the eigen solver, the fixed transform, learning rates. */
#include <stdlib.h>

#include "fixture.h"
#include "format/json.h"
#include "format/safetensors.h"
#include "train/eigen.h"
#include "train/klt.h"
#include "train/loop.h"
#include "train/optim.h"
#include "base/rng.h"
#include "ztest.h"

struct golden {
    struct st_file *in, *out;
    struct weight_set ws;
    double rate[32];
    int n_rates;
};

static void golden_open(struct golden *g, const char *name)
{
    struct err e = {0};
    char path[128];
    struct jdoc *doc;
    snprintf(path, sizeof(path), "golden/%s/config.json", name);
    CHECK(!jdoc_read(&doc, ztest_data(path), 1 << 20, &e));
    g->n_rates = j_reals(jdoc_root(doc), "rates", g->rate, 1, 32, 0, 1);
    CHECK(!jdoc_status(doc, &e));
    jdoc_close(&doc);
    snprintf(path, sizeof(path), "golden/%s/inputs.safetensors", name);
    CHECK(!st_open(&g->in, ztest_data(path), &e));
    snprintf(path, sizeof(path), "golden/%s/outputs.safetensors", name);
    CHECK(!st_open(&g->out, ztest_data(path), &e));
    weight_set_init(&g->ws);
    for (int i = 0;; i++) {
        char p[16];
        snprintf(p, sizeof(p), "p.%d", i);
        const struct st_tensor *t = st_find(g->in, p);
        if (!t)
            break;
        struct weight *w = weight_declare(&g->ws, p, 1, INIT_ZERO, 0, t->rank, t->dim);
        w->muon = t->rank == 2;
    }
    CHECK(g->ws.n > 0);
    weights_on_cpu(&g->ws, DT_F32, 1);
}

static void golden_read(const struct st_file *f, const char *name, float *x)
{
    struct err e = {0};
    const struct st_tensor *t = st_find(f, name);
    if (!t || st_read_all(f, t, x, DT_F32, &e))
        ztest_fail(__FILE__, __LINE__, "%s: %s", name, t ? e.msg : "missing");
}

/* Largest error of p(step) - p(before) over all steps and parameters: of the updates, not the
 * weights. */
static double golden_run(struct golden *g, struct optim *o)
{
    struct kcx kc;
    struct err e = {0};
    double worst = 0;
    kcx_init(&kc, NULL);
    for (int step = 0; step < g->n_rates; step++) {
        float *before[16];
        for (int i = 0; i < g->ws.n; i++) {
            char name[32];
            struct weight *w = g->ws.all[i];
            size_t n = (size_t)weight_count(w);
            before[i] = xmalloc(sizeof(float) * n);
            if (step)
                snprintf(name, sizeof(name), "p.%d.%d", step - 1, i);
            else
                snprintf(name, sizeof(name), "p.%d", i);
            golden_read(step ? g->out : g->in, name, before[i]);
            memcpy(w->master, before[i], sizeof(float) * n);
            weight_publish(w, NULL);
            snprintf(name, sizeof(name), "grad.%d.%d", step, i);
            golden_read(g->in, name, w->grad);
        }
        if (optim_step(o, kernels_c(), &kc, g->rate[step], &e))
            ztest_fail(__FILE__, __LINE__, "%s", e.msg);
        for (int i = 0; i < g->ws.n; i++) {
            char name[32];
            struct weight *w = g->ws.all[i];
            size_t n = (size_t)weight_count(w);
            float *want = xmalloc(sizeof(float) * n), *got = xmalloc(sizeof(float) * n);
            snprintf(name, sizeof(name), "p.%d.%d", step, i);
            golden_read(g->out, name, want);
            for (size_t j = 0; j < n; j++) {
                want[j] -= before[i][j];
                got[j] = w->master[j] - before[i][j];
            }
            double d = ztest_rel_l2(got, want, n);
            worst = d > worst || d != d ? d : worst;
            free(want);
            free(got);
            free(before[i]);
        }
    }
    kcx_release(&kc);
    return worst;
}

static void golden_close(struct golden *g, struct optim *o)
{
    optim_release(o);
    weight_set_release(&g->ws);
    st_close(&g->in);
    st_close(&g->out);
}

TEST(train_adamw_is_torch)
{
    struct golden g;
    struct optim o;
    struct err e = {0};
    golden_open(&g, "optimiser-adamw");
    struct optim_config c = optim_config_default;
    c.lr = 1;
    c.beta1 = 0.9;
    c.beta2 = 0.95;
    c.eps = 1e-8;
    c.decay = 0.05;
    c.use_muon = 0;
    c.clip = 0;
    c.ema = 0;
    CHECK_INT(optim_init(&o, &c, &(struct optim_set){"", &g.ws}, 1, &e), 0);
    CHECK_BELOW(golden_run(&g, &o), 1e-3); /* weights of 1 are rounded to 6e-8, and move by 5e-4 */
    golden_close(&g, &o);
}

TEST(train_muon_is_torch)
{
    struct golden g;
    struct optim o;
    struct err e = {0};
    golden_open(&g, "optimiser-muon");
    struct optim_config c = optim_config_default;
    c.muon_lr = 1;
    c.clip = 0;
    c.ema = 0;
    CHECK_INT(optim_init(&o, &c, &(struct optim_set){"", &g.ws}, 1, &e), 0);
    CHECK_BELOW(golden_run(&g, &o), 2e-2); /* Newton-Schulz in bf16 */
    golden_close(&g, &o);
}

TEST(train_optim_names_the_bad_weight)
{
    struct weight_set ws;
    struct optim o;
    struct kcx kc;
    struct err e = {0};
    weight_set_init(&ws);
    weight_declare(&ws, "good", 0, INIT_ONE, 0, 1, (int64_t[]){4});
    struct weight *bad = weight_declare(&ws, "blocks.3.bad", 0, INIT_ONE, 0, 1, (int64_t[]){4});
    weights_on_cpu(&ws, DT_F32, 1);
    weight_set_initialise(&ws, 1, NULL);
    CHECK_INT(optim_init(&o, &optim_config_default, &(struct optim_set){"dit", &ws}, 1, &e), 0);
    kcx_init(&kc, NULL);
    CHECK_INT(optim_step(&o, kernels_c(), &kc, 1, &e), 0);
    ((float *)bad->grad)[2] = NAN;
    CHECK_INT(optim_step(&o, kernels_c(), &kc, 1, &e), ERR_DEVICE);
    CHECK_CONTAINS(e.msg, "dit.blocks.3.bad");
    CHECK_CONTAINS(e.msg, "step 2");
    ((float *)bad->grad)[2] = 0;
    bad->master[1] = INFINITY;
    CHECK_INT(optim_step(&o, kernels_c(), &kc, 1, &e), ERR_DEVICE);
    CHECK_CONTAINS(e.msg, "weight dit.blocks.3.bad");
    kcx_release(&kc);
    optim_release(&o);
    weight_set_release(&ws);
}

/* The golden runs with a rate of 1 and slots of 1 are the runs of half the rate and slots of 2. */
TEST(train_slots_have_rates_of_their_own)
{
    static const char *const cases[] = {"optimiser-adamw", "optimiser-muon"};
    for (int muon = 0; muon < 2; muon++) {
        struct golden g;
        struct optim o;
        struct err e = {0};
        golden_open(&g, cases[muon]);
        struct optim_config c = optim_config_default;
        c.lr = c.muon_lr = 0.5;
        c.use_muon = muon;
        c.eps = 1e-8;
        c.decay = 0.05;
        c.clip = c.ema = 0;
        CHECK_INT(optim_init(&o, &c, &(struct optim_set){"", &g.ws}, 1, &e), 0);
        for (int i = 0; i < o.n; i++)
            o.slot[i].rate = 2;
        CHECK_BELOW(golden_run(&g, &o), muon ? 2e-2 : 1e-3);
        golden_close(&g, &o);
    }
}

TEST(train_optim_clips_and_averages)
{
    struct weight_set ws;
    struct optim o;
    struct kcx kc;
    struct err e = {0};
    weight_set_init(&ws);
    struct weight *w = weight_declare(&ws, "w", 0, INIT_ZERO, 0, 1, (int64_t[]){2});
    weights_on_cpu(&ws, DT_F32, 1);
    weight_set_initialise(&ws, 1, NULL);
    struct optim_config c = optim_config_default;
    c.clip = 1;
    c.beta1 = 0;
    CHECK_INT(optim_init(&o, &c, &(struct optim_set){"", &ws}, 1, &e), 0);
    kcx_init(&kc, NULL);
    ((float *)w->grad)[0] = 30;
    ((float *)w->grad)[1] = 40;
    CHECK_INT(optim_step(&o, kernels_c(), &kc, 1, &e), 0);
    CHECK_BELOW(fabs(o.grad_norm - 50), 1e-4);
    CHECK_BELOW(fabs(o.slot[0].m[0] - 0.6), 1e-6); /* 30 / 50 */
    double decay = 2.0 / 11, want = (1 - decay) * w->master[0];
    CHECK_BELOW(fabs(o.slot[0].ema[0] - want), 1e-8);
    float raw = w->master[0];
    optim_swap_ema(&o);
    CHECK(w->master[0] != raw && ((float *)w->data)[0] == w->master[0]);
    optim_swap_ema(&o);
    CHECK(w->master[0] == raw);
    kcx_release(&kc);
    optim_release(&o);
    weight_set_release(&ws);
}

TEST(train_eigen_solves)
{
    enum { N = 37 };
    double a[N * N], copy[N * N], value[N], vector[N * N], worst = 0;
    struct rng r;
    rng_init(&r, 5, 0);
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++)
            a[i * N + j] = a[j * N + i] = rng_normal(&r);
    memcpy(copy, a, sizeof(a));
    eigen_symmetric(a, N, value, vector);
    for (int i = 0; i < N; i++) {
        CHECK(i == 0 || value[i] <= value[i - 1]);
        for (int j = 0; j < N; j++) {
            double av = 0, vv = 0;
            for (int k = 0; k < N; k++) {
                av += copy[j * N + k] * vector[i * N + k];
                vv += vector[i * N + k] * vector[j * N + k];
            }
            worst = fmax(worst, fabs(av - value[i] * vector[i * N + j]));
            worst = fmax(worst, fabs(vv - (i == j)));
        }
    }
    CHECK_BELOW(worst, 1e-12 * N);
}

/* The largest of a matrix of covariances whose spectrum falls as those of pictures do, against all
 * of them; two and three threads give the same bits. */
TEST(train_eigen_finds_the_largest)
{
    enum { N = 301, K = 20 };
    double *a = xcalloc(N * N, sizeof *a), *copy = xmalloc(sizeof *a * N * N);
    double *value = xmalloc(sizeof *a * N), *vector = xmalloc(sizeof *a * N * N);
    double top[K], *vectors = xmalloc(sizeof *a * N * K), *again = xmalloc(sizeof *a * N * K);
    struct threads *th = threads_new(3);
    struct rng r;

    rng_init(&r, 6, 0);
    for (int s = 0; s < 2 * N; s++) {
        double x[N];
        for (int i = 0; i < N; i++)
            x[i] = rng_normal(&r) / (1 + 0.3 * i) + (i ? 0.5 * x[i - 1] : 0);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                a[i * N + j] += x[i] * x[j];
    }
    memcpy(copy, a, sizeof *a * N * N);
    eigen_symmetric(copy, N, value, vector);
    eigen_top(a, N, K, top, vectors, NULL);
    for (int k = 0; k < K; k++) {
        double dot = 0;
        CHECK_BELOW(fabs(top[k] - value[k]), 1e-9 * value[0]);
        for (int i = 0; i < N; i++)
            dot += vectors[k * N + i] * vector[k * N + i];
        CHECK_BELOW(1 - dot, 1e-9);
    }
    eigen_top(a, N, K, top, again, th);
    CHECK(!memcmp(vectors, again, sizeof *a * N * K));
    threads_free(&th);
    free(a);
    free(copy);
    free(value);
    free(vector);
    free(vectors);
    free(again);
}

/* Rows with known directions and deviations: the fit finds them, and the scaled components have
 * mean variance 1. */
TEST(train_klt_finds_directions)
{
    enum { D = 12, C = 3, ROWS = 20000 };
    const double std[C] = {0.4, 0.2, 0.1};
    float *rows = xmalloc(sizeof(float) * D * ROWS), *copy = xmalloc(sizeof(float) * D * ROWS);
    float mean[D], basis[C * D], scale[C];
    struct rng r;
    rng_init(&r, 9, 0);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < D; j++)
            rows[i * D + j] = (float)(0.3 + (j < C ? std[j] : 0.001) * rng_normal(&r));
    memcpy(copy, rows, sizeof(float) * D * ROWS);
    struct klt_fit f;
    klt_init(&f, D);
    klt_add(&f, rows, ROWS / 2, NULL);
    klt_add(&f, rows + D * ROWS / 2, ROWS / 2, NULL);
    CHECK_BELOW(0.9999, klt_solve(&f, C, mean, basis, scale, NULL));
    double variance = 0;
    for (int c = 0; c < C; c++) {
        CHECK_BELOW(0.999, basis[c * D + c]);
        double sum = 0;
        for (int i = 0; i < ROWS; i++) {
            double z = 0;
            for (int j = 0; j < D; j++)
                z += scale[c] * basis[c * D + j] * (copy[i * D + j] - mean[j]);
            sum += z * z;
        }
        variance += sum / ROWS / C;
        /* half whitening: standard deviations go as the root of what they were */
        CHECK_BELOW(fabs(scale[c] / scale[0] - sqrt(std[0] / std[c])), 0.05);
    }
    CHECK_BELOW(fabs(variance - 1), 1e-3);
    klt_release(&f);
    free(rows);
    free(copy);
}

TEST(train_rate_rises_holds_and_falls)
{
    struct loop l = {.steps = 100, .warmup = 9, .decay = 0.3};
    CHECK_BELOW(fabs(loop_rate(&l, 0) - 0.1), 1e-12);
    CHECK_BELOW(fabs(loop_rate(&l, 8) - 0.9), 1e-12);
    CHECK(loop_rate(&l, 9) == 1 && loop_rate(&l, 70) == 1);
    CHECK_BELOW(fabs(loop_rate(&l, 85) - 0.5), 1e-12);
    CHECK_BELOW(fabs(loop_rate(&l, 99) - 1.0 / 30), 1e-12);
}
