/* test_kern_grad.c - backward C kernels in f64 against central differences of the forward ones. The
 * scalar that is differentiated is the sum of the outputs times fixed random weights. */
#include <stdlib.h>

#include "base/rng.h"
#include "kern/kern.h"
#include "ztest.h"

enum { MAX_INPUTS = 6, MAX_N = 600 };

struct input {
    const char *name;
    double *x, *grad;
    int n;
};

struct probe {
    struct kcx kc;
    struct rng rng;
    void (*forward)(struct kcx *kc, void *args);
    void *args;
    double *y; /* output, and its weights: what backward gets as dy */
    double *weight;
    int n_y, n_inputs;
    struct input input[MAX_INPUTS];
};

static double memory[40 * MAX_N];
static int memory_used;

static double *array(struct probe *p, int n, double scale)
{
    double *x = memory + memory_used;

    memory_used += n;
    CHECK((size_t)memory_used <= sizeof memory / sizeof *memory);
    for (int i = 0; i < n; i++)
        x[i] = scale * rng_normal(&p->rng);
    return x;
}

static void probe_init(struct probe *p, void (*forward)(struct kcx *, void *), void *args, int n_y)
{
    memset(p, 0, sizeof *p);
    memory_used = 0;
    rng_init(&p->rng, 11, 0);
    kcx_init(&p->kc, NULL);
    p->forward = forward;
    p->args = args;
    p->n_y = n_y;
    p->y = array(p, n_y, 0);
    p->weight = array(p, n_y, 1);
}

/* An input to differentiate by; its gradient starts at zero. */
static double *probe_input(struct probe *p, const char *name, int n, double **grad)
{
    struct input *in = &p->input[p->n_inputs++];

    CHECK(p->n_inputs <= MAX_INPUTS);
    *in = (struct input){name, array(p, n, 1), array(p, n, 0), n};
    *grad = in->grad;
    return in->x;
}

static double value(struct probe *p)
{
    double sum = 0;

    p->forward(&p->kc, p->args);
    for (int i = 0; i < p->n_y; i++)
        sum += p->weight[i] * p->y[i];
    return sum;
}

/* Backward has run; now turn every element of every input. */
static void probe_check(struct probe *p)
{
    const double h = 1e-5;

    for (int k = 0; k < p->n_inputs; k++) {
        struct input *in = &p->input[k];
        double diff = 0, norm = 0;

        for (int i = 0; i < in->n; i++) {
            double x = in->x[i], up, down, slope;

            in->x[i] = x + h;
            up = value(p);
            in->x[i] = x - h;
            down = value(p);
            in->x[i] = x;
            slope = (up - down) / (2 * h);
            diff += (in->grad[i] - slope) * (in->grad[i] - slope);
            norm += slope * slope;
        }
        if (!(sqrt(diff) <= 1e-8 * sqrt(norm)) || norm == 0)
            ztest_fail(__FILE__, __LINE__, "d%s is off by %.3g of %.3g", in->name, sqrt(diff),
                       sqrt(norm));
    }
    kcx_release(&p->kc);
}

#define FORWARD(kernel, args)                                                                      \
    static void run_##kernel(struct kcx *kc, void *a)                                              \
    {                                                                                              \
        kernels_c()->kernel(kc, (struct args *)a);                                                 \
    }
FORWARD(attention, k_attention)
FORWARD(norm_mod, k_norm_mod)
FORWARD(rms_norm, k_rms_norm)
FORWARD(rope, k_rope)
FORWARD(act, k_act_fwd)
FORWARD(add_gated, k_add_gated)
FORWARD(conv2d, k_conv2d)
FORWARD(embedding, k_embedding)
FORWARD(loss, k_loss)
FORWARD(matmul_nt, k_matmul)

enum { HEADS = 4, KV = 2, HD = 3, NQ = 7, NK = 9 };

static void check_attention(int causal, int biased)
{
    static const int64_t q_start[] = {0, 3, NQ}, k_start[] = {0, 5, NK};
    struct k_attention_bwd b = {.f = {.n_seq = 2,
                                      .heads = HEADS,
                                      .kv_heads = KV,
                                      .head_dim = HD,
                                      .causal = causal,
                                      .q_start = q_start,
                                      .k_start = k_start,
                                      .ldq = HEADS * HD,
                                      .ldk = KV * HD,
                                      .ldv = KV * HD,
                                      .bias_q = 4,
                                      .bias_k = 5,
                                      .scale = 0.6,
                                      .type = DT_F64}};
    struct probe p;
    double *grad;

    probe_init(&p, run_attention, &b.f, NQ * HEADS * HD);
    b.f.q = probe_input(&p, "q", NQ * HEADS * HD, &grad);
    b.dq = grad;
    b.f.k = probe_input(&p, "k", NK * KV * HD, &grad);
    b.dk = grad;
    b.f.v = probe_input(&p, "v", NK * KV * HD, &grad);
    b.dv = grad;
    if (biased) {
        b.f.bias = probe_input(&p, "bias", HEADS * 4 * 5, &grad);
        b.dbias = grad;
    }
    b.f.o = p.y;
    b.f.lse = array(&p, NQ * HEADS, 0);
    b.d_o = p.weight;
    value(&p);
    kernels_c()->attention_bwd(&p.kc, &b);
    probe_check(&p);
}

TEST(grad_attention)
{
    check_attention(0, 0);
    check_attention(0, 1);
    check_attention(1, 1);
}

enum { ROWS = 6, DIM = 9, ENTRIES = 3 };
static const int32_t entry_of[ROWS] = {2, 2, 0, 1, 0, 2};

TEST(grad_norm_mod)
{
    struct k_norm_mod_bwd b = {.f = {ROWS, DIM, DIM + 2, DT_F64, DT_F64, 1e-3, NULL, NULL, NULL,
                                     NULL, NULL, entry_of, NULL, NULL}};
    struct probe p;
    double *grad;

    probe_init(&p, run_norm_mod, &b.f, ROWS * DIM);
    b.f.x = probe_input(&p, "x", ROWS * DIM, &grad);
    b.dx = grad;
    b.f.gain = probe_input(&p, "gain", DIM, &grad);
    b.dgain = grad;
    b.f.bias = probe_input(&p, "bias", DIM, &grad);
    b.dbias = grad;
    b.f.scale = probe_input(&p, "scale", ENTRIES * (DIM + 2), &grad);
    b.dscale = grad;
    b.f.shift = probe_input(&p, "shift", ENTRIES * (DIM + 2), &grad);
    b.dshift = grad;
    b.f.y = p.y;
    b.dy = p.weight;
    b.f.stats = array(&p, 2 * ROWS, 0);
    value(&p);
    kernels_c()->norm_mod_bwd(&p.kc, &b);
    probe_check(&p);
}

TEST(grad_rms_norm)
{
    struct k_rms_norm_bwd b = {.f = {ROWS, DIM, DT_F64, DT_F64, 1e-3, NULL, NULL, NULL, NULL}};
    struct probe p;
    double *grad;

    probe_init(&p, run_rms_norm, &b.f, ROWS * DIM);
    b.f.x = probe_input(&p, "x", ROWS * DIM, &grad);
    b.dx = grad;
    b.f.gain = probe_input(&p, "gain", DIM, &grad);
    b.dgain = grad;
    b.f.y = p.y;
    b.dy = p.weight;
    b.f.stats = array(&p, ROWS, 0);
    value(&p);
    kernels_c()->rms_norm_bwd(&p.kc, &b);
    probe_check(&p);
}

TEST(grad_rope)
{
    struct k_rope f = {ROWS, 2, 4, 0, DT_F64, NULL, NULL, NULL, NULL}, back = f;
    struct probe p;
    double *grad;

    probe_init(&p, run_rope, &f, ROWS * 8);
    f.x = probe_input(&p, "x", ROWS * 8, &grad);
    f.table = array(&p, ROWS * 4, 1);
    f.y = p.y;
    back.inverse = 1;
    back.x = p.weight;
    back.table = f.table;
    back.y = grad;
    kernels_c()->rope(&p.kc, &back);
    probe_check(&p);
}

TEST(grad_act)
{
    for (int i = 0; i < N_ACTS; i++) {
        struct k_act_fwd f = {50, (enum k_act)i, DT_F64, NULL, NULL};
        struct k_act_bwd b = {50, (enum k_act)i, DT_F64, NULL, NULL, NULL};
        struct probe p;
        double *grad;

        probe_init(&p, run_act, &f, 50);
        b.x = f.x = probe_input(&p, "x", 50, &grad);
        f.y = p.y;
        b.dy = p.weight;
        b.dx = grad;
        kernels_c()->act_bwd(&p.kc, &b);
        probe_check(&p);
    }
}

TEST(grad_add_gated)
{
    struct k_add_gated_bwd b = {
        .f = {ROWS, DIM, DIM + 1, DT_F64, DT_F64, NULL, NULL, NULL, entry_of, NULL}};
    struct probe p;
    double *grad;

    probe_init(&p, run_add_gated, &b.f, ROWS * DIM);
    b.f.x = array(&p, ROWS * DIM, 1);
    b.f.h = probe_input(&p, "h", ROWS * DIM, &grad);
    b.dh = grad;
    b.f.gate = probe_input(&p, "gate", ENTRIES * (DIM + 1), &grad);
    b.dgate = grad;
    b.f.y = p.y;
    b.dy = p.weight;
    kernels_c()->add_gated_bwd(&p.kc, &b);
    probe_check(&p);
}

static void check_conv(int stride, int before, int after)
{
    struct k_conv2d f = {2,      5,     6,     3,      4,    3,    3,    stride, before,
                         before, after, after, DT_F64, NULL, NULL, NULL, NULL};
    struct k_conv2d_dx dx = {.f = f};
    struct k_conv2d_dw dw = {.f = f};
    int oh = (5 + before + after - 3) / stride + 1, ow = (6 + before + after - 3) / stride + 1;
    struct probe p;
    double *grad;

    probe_init(&p, run_conv2d, &f, 2 * oh * ow * 4);
    f.x = dw.f.x = probe_input(&p, "x", 2 * 5 * 6 * 3, &grad);
    dx.dx = grad;
    f.weight = dx.f.weight = probe_input(&p, "weight", 4 * 9 * 3, &grad);
    dw.dw = grad;
    f.bias = probe_input(&p, "bias", 4, &grad);
    dw.dbias = grad;
    f.y = p.y;
    dx.dy = dw.dy = p.weight;
    kernels_c()->conv2d_dx(&p.kc, &dx);
    kernels_c()->conv2d_dw(&p.kc, &dw);
    probe_check(&p);
}

TEST(grad_conv2d)
{
    check_conv(1, 1, 1);
    check_conv(2, 1, 1);
    check_conv(2, 0, 2);
}

TEST(grad_embedding)
{
    static const int32_t index[ROWS] = {1, 4, 1, 0, 3, 2};
    struct k_embedding_bwd b = {.f = {ROWS, DIM, 5, DT_F64, DT_F64, NULL, index, NULL}};
    struct probe p;
    double *grad;

    probe_init(&p, run_embedding, &b.f, ROWS * DIM);
    b.f.table = probe_input(&p, "table", 5 * DIM, &grad);
    b.dtable = grad;
    b.f.y = p.y;
    b.dy = p.weight;
    kernels_c()->embedding_bwd(&p.kc, &b);
    probe_check(&p);
}

TEST(grad_loss)
{
    for (int l1 = 0; l1 < 2; l1++) {
        struct k_loss f = {ROWS, DIM, l1, 0, 1.7, DT_F64, NULL, NULL, NULL, NULL, NULL};
        struct probe p;
        double *grad;

        probe_init(&p, run_loss, &f, ROWS);
        for (int r = 0; r < ROWS; r++)
            p.weight[r] = 1.7; /* dpred is scale times the slope of the sum of the losses */
        f.pred = probe_input(&p, "pred", ROWS * DIM, &grad);
        f.target = array(&p, ROWS * DIM, 1);
        f.weight = array(&p, ROWS, 1);
        f.loss = p.y;
        f.dpred = grad;
        value(&p);
        f.dpred = NULL;
        probe_check(&p);
    }
}

#define MATMUL(m_, n_, k_, lda_, ldb_, ldc_, add_)                                                 \
    {                                                                                              \
        .m = m_, .n = n_, .k = k_, .lda = lda_, .ldb = ldb_, .ldc = ldc_, .a_type = DT_F64,        \
        .b_type = DT_F64, .c_type = DT_F64, .add = add_                                            \
    }

/* nn and tn are the two halves of the backward of nt. */
TEST(grad_matmul)
{
    struct k_matmul f = MATMUL(4, 5, 6, 6, 6, 5, 0);
    struct k_matmul dx = MATMUL(4, 6, 5, 5, 6, 6, 0);
    struct k_matmul dw = MATMUL(5, 6, 4, 5, 6, 6, 1);
    struct probe p;
    double *grad;

    probe_init(&p, run_matmul_nt, &f, 4 * 5);
    f.a = dw.b = probe_input(&p, "x", 4 * 6, &grad);
    dx.c = grad;
    f.b = dx.b = probe_input(&p, "w", 5 * 6, &grad);
    dw.c = grad;
    f.c = p.y;
    dx.a = dw.a = p.weight;
    kernels_c()->matmul_nn(&p.kc, &dx);
    kernels_c()->matmul_tn(&p.kc, &dw);
    probe_check(&p);
}
