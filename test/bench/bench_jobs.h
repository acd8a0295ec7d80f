/* bench_jobs.h - arguments of one kernel call at one shape, for the benchmarks. */
#ifndef TEST_BENCH_JOBS_H
#define TEST_BENCH_JOBS_H

#include "kern/device.h"

/* One call: what the functions below are told, and what they make of it. */
struct job {
    enum dtype type;
    const int64_t *s; /* rows, ... */
    const struct kernels *k;
    struct kcx kc;
    int64_t rows;          /* of s[0] */
    double flops, bytes;   /* flops 0: the bytes are what counts */
    struct device *device; /* where the arrays are; NULL: host memory */
    struct stored form;    /* of weights that are no plain numbers */
    void *mem[8];
    size_t size[8];
    int n_mem;
    union {
        struct k_matmul mm;
        struct k_attention_bwd at;
        struct k_norm_mod_bwd norm;
        struct k_rms_norm_bwd rms;
        struct k_rope rope;
        struct k_act_bwd act;
        struct k_act_fwd act_fwd;
        struct k_add add;
        struct k_add_gated_bwd gated;
        struct k_conv2d_dx conv;
        struct k_conv2d_dw conv_dw;
        struct k_permute move;
        struct k_sum_rows sum;
        struct k_adamw adamw;
    } u;
    void (*call)(struct job *j);
};

/* Each fills the arguments for j->rows rows of shape j->s, and says what a call costs. Its comment
 * in bench_jobs.c names the numbers of s after the rows. */
void job_linear_nt(struct job *j);
/* Activations in bf16, weights in bytes. */
void job_linear_int8(struct job *j);
void job_linear_nn(struct job *j);
void job_linear_tn(struct job *j);
void job_attention(struct job *j);
void job_attention_int8(struct job *j);
void job_attention_bwd(struct job *j);
void job_conv2d(struct job *j);
void job_conv2d_dx(struct job *j);
void job_conv2d_dw(struct job *j);
void job_norm_mod(struct job *j);
void job_norm_mod_bwd(struct job *j);
void job_rms_norm(struct job *j);
void job_rms_norm_bwd(struct job *j);
void job_rope(struct job *j);
void job_gelu(struct job *j);
void job_gelu_bwd(struct job *j);
void job_add(struct job *j);
void job_add_gated(struct job *j);
void job_add_gated_bwd(struct job *j);
void job_transpose(struct job *j);
void job_sum_rows(struct job *j);
void job_adamw(struct job *j);
void job_free(struct job *j); /* the arrays */

/* Every call that bench_kernels.c measures, once, on a few rows. */
void bench_call_all(struct device *d);

#endif
