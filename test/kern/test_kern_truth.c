/* test_kern_truth.c - the C kernels in f64 against formulas written down again, the plain way. */
#include <stdlib.h>

#include "base/rng.h"
#include "kern/kern.h"
#include "ztest.h"

static struct rng rng;

static double *random_array(double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = rng_normal(&rng);
    return x;
}

static void check_equal(const char *what, const double *got, const double *want, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= 1e-13 * (1 + fabs(want[i]))))
            ztest_fail(__FILE__, __LINE__, "%s[%lld] is %.17g, expected %.17g", what, (long long)i,
                       got[i], want[i]);
}

static struct kcx alone(void)
{
    struct kcx kc;

    rng_init(&rng, 7, 0);
    kcx_init(&kc, NULL);
    return kc;
}

enum { M = 67, N = 70, KK = 300 };

TEST(truth_matmul)
{
    static double a[M * KK], b[KK * N], at[KK * M], bt[N * KK], c[M * N], want[M * N], bias[N];
    struct kcx kc = alone();
    struct k_matmul nn = {.m = M,
                          .n = N,
                          .k = KK,
                          .lda = KK,
                          .ldb = N,
                          .ldc = N,
                          .a_type = DT_F64,
                          .b_type = DT_F64,
                          .c_type = DT_F64,
                          .a = a,
                          .b = b,
                          .bias = bias,
                          .c = c},
                    x = nn;

    random_array(a, M * KK);
    random_array(b, KK * N);
    random_array(bias, N);
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            want[i * N + j] = bias[j];
            for (int k = 0; k < KK; k++) {
                want[i * N + j] += a[i * KK + k] * b[k * N + j];
                at[k * M + i] = a[i * KK + k];
                bt[j * KK + k] = b[k * N + j];
            }
        }
    kernels_c()->matmul_nn(&kc, &nn);
    check_equal("nn", c, want, M * N);
    x.b = bt;
    x.ldb = KK;
    kernels_c()->matmul_nt(&kc, &x);
    check_equal("nt", c, want, M * N);
    x = nn;
    x.a = at;
    x.lda = M;
    x.add = 1;
    kernels_c()->matmul_tn(&kc, &x);
    for (int i = 0; i < M * N; i++)
        want[i] *= 2;
    check_equal("tn, added", c, want, M * N);
    kcx_release(&kc);
}

enum { HEADS = 4, KV = 2, HD = 5, NQ = 7, NK = 9 };

/* Softmax by its definition: exponentials of everything, no maximum, no log. */
static double attention_by_hand(const struct k_attention *a, int q, int64_t q0, int64_t k0, int nk,
                                int head, int d, double *sum)
{
    const double *qs = a->q, *ks = a->k, *vs = a->v, *bias = a->bias;
    int kv = head * KV / HEADS;
    double o = 0;

    *sum = 0;
    for (int j = 0; j < nk; j++) {
        double s = 0;

        if (a->causal && j > q)
            continue;
        for (int i = 0; i < HD; i++)
            s += qs[(q0 + q) * a->ldq + head * HD + i] * ks[(k0 + j) * a->ldk + kv * HD + i];
        s = exp(s * a->scale + bias[(head * a->bias_q + q) * a->bias_k + j]);
        *sum += s;
        o += s * vs[(k0 + j) * a->ldv + kv * HD + d];
    }
    return o / *sum;
}

static void check_attention(int causal)
{
    static double q[NQ * HEADS * HD], k[NK * KV * HD], v[NK * KV * HD], bias[HEADS * NQ * NK];
    static double o[NQ * HEADS * HD], lse[NQ * HEADS], want_o[NQ * HEADS * HD], want[NQ * HEADS];
    static const int64_t q_start[] = {0, 3, NQ}, k_start[] = {0, 4, NK};
    struct kcx kc = alone();
    struct k_attention a = {.n_seq = 2,
                            .heads = HEADS,
                            .kv_heads = KV,
                            .head_dim = HD,
                            .causal = causal,
                            .q_start = q_start,
                            .k_start = k_start,
                            .ldq = HEADS * HD,
                            .ldk = KV * HD,
                            .ldv = KV * HD,
                            .bias_q = NQ,
                            .bias_k = NK,
                            .scale = 0.3,
                            .type = DT_F64,
                            .q = random_array(q, NQ * HEADS * HD),
                            .k = random_array(k, NK * KV * HD),
                            .v = random_array(v, NK * KV * HD),
                            .bias = random_array(bias, HEADS * NQ * NK),
                            .o = o,
                            .lse = lse};

    for (int s = 0; s < 2; s++)
        for (int64_t i = q_start[s]; i < q_start[s + 1]; i++)
            for (int h = 0; h < HEADS; h++)
                for (int d = 0; d < HD; d++) {
                    double sum;

                    want_o[(i * HEADS + h) * HD + d] =
                        attention_by_hand(&a, (int)(i - q_start[s]), q_start[s], k_start[s],
                                          (int)(k_start[s + 1] - k_start[s]), h, d, &sum);
                    want[i * HEADS + h] = log(sum);
                }
    kernels_c()->attention(&kc, &a);
    check_equal("o", o, want_o, NQ * HEADS * HD);
    check_equal("lse", lse, want, NQ * HEADS);
    kcx_release(&kc);
}

TEST(truth_attention)
{
    check_attention(0);
    check_attention(1);
}

TEST(truth_attention_of_no_key)
{
    double q[2] = {1, 2}, kv[1] = {1}, bias[1] = {-INFINITY}, o[2] = {5, 5}, lse[2] = {5, 5};
    double dq[2], dk[1], dv[1];
    int64_t q_start[] = {0, 1, 2}, k_start[] = {0, 0, 1};
    struct kcx kc = alone();
    struct k_attention_bwd b = {
        {2, 1, 1, 1, 0, q_start, k_start, 1, 1, 1, 1, 1, 1, DT_F64, q, kv, kv, bias, o, lse, 0},
        q,
        dq,
        dk,
        dv,
        NULL};

    kernels_c()->attention(&kc, &b.f);
    kernels_c()->attention_bwd(&kc, &b);
    for (int i = 0; i < 2; i++) {
        CHECK(o[i] == 0);
        CHECK(lse[i] == -INFINITY);
        CHECK(dq[i] == 0);
    }
    CHECK(dk[0] == 0 && dv[0] == 0);
    kcx_release(&kc);
}

enum { IMG = 2, H = 5, W = 6, CIN = 3, COUT = 4, KS = 3, OH = 3, OW = 3, STRIDE = 2 };

TEST(truth_conv2d)
{
    static double x[IMG * H * W * CIN], w[COUT * KS * KS * CIN], bias[COUT];
    static double y[IMG * OH * OW * COUT], want[IMG * OH * OW * COUT];
    struct kcx kc = alone();
    struct k_conv2d a = {IMG, H, W, CIN, COUT, KS, KS, STRIDE, 1, 0, 1, 1, DT_F64, x, w, bias, y};

    random_array(x, IMG * H * W * CIN);
    random_array(w, COUT * KS * KS * CIN);
    random_array(bias, COUT);
    for (int i = 0; i < IMG * OH * OW * COUT; i++) {
        int co = i % COUT, ox = i / COUT % OW, oy = i / COUT / OW % OH, n = i / COUT / OW / OH;

        want[i] = bias[co];
        for (int ky = 0; ky < KS; ky++)
            for (int kx = 0; kx < KS; kx++)
                for (int c = 0; c < CIN; c++) {
                    int iy = oy * STRIDE + ky - 1, ix = ox * STRIDE + kx;

                    if (iy >= 0 && iy < H && ix >= 0 && ix < W)
                        want[i] += x[((n * H + iy) * W + ix) * CIN + c] *
                                   w[((co * KS + ky) * KS + kx) * CIN + c];
                }
    }
    kernels_c()->conv2d(&kc, &a);
    check_equal("y", y, want, IMG * OH * OW * COUT);
    kcx_release(&kc);
}

enum { ROWS = 5, DIM = 70, ENTRIES = 3 };

TEST(truth_norms)
{
    static double x[ROWS * DIM], y[ROWS * DIM], want[ROWS * DIM], gain[DIM], bias[DIM];
    static double scale[ENTRIES * DIM], shift[ENTRIES * DIM];
    static const int32_t index[ROWS] = {2, 0, 0, 1, 2};
    struct kcx kc = alone();
    struct k_norm_mod a = {ROWS, DIM,  DIM,   DT_F64, DT_F64, 0.01, x,
                           gain, bias, scale, shift,  index,  y,    NULL};
    struct k_rms_norm rms = {ROWS, DIM, DT_F64, DT_F64, 0.01, x, gain, y, NULL};

    random_array(x, ROWS * DIM);
    random_array(gain, DIM);
    random_array(bias, DIM);
    random_array(scale, ENTRIES * DIM);
    random_array(shift, ENTRIES * DIM);
    kernels_c()->norm_mod(&kc, &a);
    for (int r = 0; r < ROWS; r++) {
        double mean = 0, square = 0;

        for (int i = 0; i < DIM; i++) {
            mean += x[r * DIM + i] / DIM;
            square += x[r * DIM + i] * x[r * DIM + i] / DIM;
        }
        for (int i = 0; i < DIM; i++) {
            double v = (x[r * DIM + i] - mean) / sqrt(square - mean * mean + 0.01);
            int m = index[r] * DIM + i;

            want[r * DIM + i] = (v * gain[i] + bias[i]) * (1 + scale[m]) + shift[m];
        }
    }
    check_equal("norm_mod", y, want, ROWS * DIM);
    kernels_c()->rms_norm(&kc, &rms);
    for (int r = 0; r < ROWS; r++) {
        double square = 0;

        for (int i = 0; i < DIM; i++)
            square += x[r * DIM + i] * x[r * DIM + i];
        for (int i = 0; i < DIM; i++)
            want[r * DIM + i] = x[r * DIM + i] * gain[i] / sqrt(square / DIM + 0.01);
    }
    check_equal("rms_norm", y, want, ROWS * DIM);
    kcx_release(&kc);
}

/* Values by arithmetic of 30 digits. */
TEST(truth_act)
{
    static const double x[] = {-3, -0.5, 0, 1.25, 4};
    static const struct {
        enum k_act act;
        double y[5];
    } table[] = {
        {ACT_RELU, {0, 0, 0, 1.25, 4.0}},
        {ACT_SILU,
         {-0.142277619532700343, -0.188770334399072718, 0, 0.971624826468363934,
          3.92805516015163377}},
        {ACT_GELU_TANH,
         {-0.00363739208177301884, -0.154285990174856078, 0, 1.1177142029697146,
          3.99992975405180763}},
        {ACT_GELU_ERF,
         {-0.00404969409489028358, -0.154268769362993448, 0, 1.11793778291643093,
          3.99987331503266752}},
        {ACT_TANH3,
         {-2.28478246786729466, -0.495421238773888061, 0, 1.18235570379244368,
          2.61018498522801563}},
    };
    struct kcx kc = alone();
    double y[5];

    for (int i = 0; i < N_ACTS; i++) {
        struct k_act_fwd a = {5, table[i].act, DT_F64, x, y};

        kernels_c()->act(&kc, &a);
        CHECK_INT(table[i].act, i);
        for (int j = 0; j < 5; j++)
            CHECK_BELOW(fabs(y[j] - table[i].y[j]), 4e-15);
    }
    kcx_release(&kc);
}

/* A rotation keeps lengths and turns (1, 0) into (cos, sin). */
TEST(truth_rope)
{
    const double table[] = {cos(0.3), sin(0.3), cos(2), sin(2)};
    const double x[] = {1, 0, 0, 1, 3, 4, 1, 1};
    const double want[] = {cos(0.3),
                           sin(0.3),
                           -sin(2),
                           cos(2),
                           3 * cos(0.3) - 4 * sin(0.3),
                           3 * sin(0.3) + 4 * cos(0.3),
                           cos(2) - sin(2),
                           sin(2) + cos(2)};
    double y[8];
    struct kcx kc = alone();
    struct k_rope a = {1, 2, 4, 0, DT_F64, x, table, NULL, y};

    kernels_c()->rope(&kc, &a);
    check_equal("turned", y, want, 8);
    a.inverse = 1;
    a.x = y;
    kernels_c()->rope(&kc, &a);
    check_equal("turned back", y, x, 8);
    kcx_release(&kc);
}

TEST(truth_elementwise)
{
    const double a[] = {1, 2, 3, 4, 5, 6}, b[] = {10, 20, 30, 40, 50, 60}, gate[] = {2, 0, -1, 5};
    const int32_t index[] = {1, 0, 1};
    double y[6], sum[2] = {0.5, 0.25}, losses[3], dpred[6];
    struct kcx kc = alone();
    struct k_add add = {6, DT_F64, DT_F64, DT_F64, 2, -1, a, b, y};
    struct k_mul mul = {6, DT_F64, a, b, y, 1};
    struct k_add_gated gated = {3, 2, 2, DT_F64, DT_F64, a, b, gate, index, y};
    struct k_sum_rows rows = {3, 2, DT_F64, a, sum};
    struct k_loss loss = {3, 2, 0, 0, 2, DT_F64, a, b, gate, losses, dpred};

    kernels_c()->add(&kc, &add);
    check_equal("add", y, (double[]){-8, -16, -24, -32, -40, -48}, 6);
    kernels_c()->mul(&kc, &mul);
    check_equal("mul", y, (double[]){2, 24, 66, 128, 210, 312}, 6);
    kernels_c()->add_gated(&kc, &gated);
    check_equal("add_gated", y, (double[]){-9, 102, 63, 4, -45, 306}, 6);
    kernels_c()->sum_rows(&kc, &rows);
    check_equal("sum_rows", sum, (double[]){9.5, 12.25}, 2);
    kernels_c()->loss(&kc, &loss);
    check_equal("l2", losses, (double[]){405, 0, -2470.5}, 3);
    check_equal("its slope", dpred, (double[]){-36, -72, 0, 0, 90, 108}, 6);
    loss.l1 = 1;
    kernels_c()->loss(&kc, &loss);
    check_equal("l1", losses, (double[]){27, 0, -49.5}, 3);
    check_equal("its slope", dpred, (double[]){-2, -2, 0, 0, 1, 1}, 6);
    kcx_release(&kc);
}

TEST(truth_move)
{
    const double x[] = {1, 2, 3, 4, 5, 6};
    const int32_t index[] = {2, 0, 2};
    double y[12], table[6] = {0};
    struct kcx kc = alone();
    struct k_permute turn = {2, 0, {3, 2}, {1, 3}, {2, 1}, DT_F64, DT_F64, x, y};
    struct k_permute wide = {2, 0, {6, 2}, {1, 0}, {2, 1}, DT_F64, DT_F64, x, y};
    struct k_permute sum = {2, 1, {6, 2}, {1, 0}, {1, 0}, DT_F64, DT_F64, x, y};
    struct k_embedding embed = {3, 2, 3, DT_F64, DT_F64, x, index, y, NULL};
    struct k_embedding_bwd back = {embed, x, table};

    kernels_c()->permute(&kc, &turn);
    check_equal("transposed", y, (double[]){1, 4, 2, 5, 3, 6}, 6);
    kernels_c()->permute(&kc, &wide);
    check_equal("repeated", y, (double[]){1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6}, 12);
    memset(y, 0, sizeof y);
    kernels_c()->permute(&kc, &sum);
    check_equal("summed", y, (double[]){2, 4, 6, 8, 10, 12}, 6);
    kernels_c()->embedding(&kc, &embed);
    check_equal("embedding", y, (double[]){5, 6, 1, 2, 5, 6}, 6);
    kernels_c()->embedding_bwd(&kc, &back);
    check_equal("its backward", table, (double[]){3, 4, 0, 0, 6, 8}, 6);
    kcx_release(&kc);
}

static void outside_table(void)
{
    const double x[2] = {0};
    const int32_t index[] = {2};
    double y[1];
    struct kcx kc = alone();
    struct k_embedding embed = {1, 1, 2, DT_F64, DT_F64, x, index, y, NULL};

    kernels_c()->embedding(&kc, &embed);
}

TEST(truth_embedding_outside)
{
    CHECK(ztest_aborts(outside_table));
}
