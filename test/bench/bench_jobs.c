/* bench_jobs.c - see bench_jobs.h. */
#include "bench_jobs.h"

#include <stdlib.h>

#include "base/rng.h"
#include "ztest.h"

static void fill(void *p, enum dtype type, int64_t n, uint64_t stream)
{
    struct rng r;

    rng_init(&r, 1, stream);
    for (int64_t i = 0; i < n; i++) {
        float v = (float)(rng_u32(&r) >> 8) / (1 << 23) - 1;

        if (type == DT_F32)
            ((float *)p)[i] = v;
        else if (type == DT_I8)
            ((int8_t *)p)[i] = (int8_t)(127 * v);
        else
            ((bf16 *)p)[i] = f32_to_bf16(v);
    }
}

static void *array(struct job *j, enum dtype type, int64_t n)
{
    size_t bytes = ((size_t)n * dtype_bytes(type) + 63) / 64 * 64;
    void *p = aligned_alloc(64, bytes ? bytes : 64), *there;

    CHECK(p && j->n_mem < 8);
    fill(p, type, n, (uint64_t)j->n_mem + 1);
    if (j->device) {
        there = device_take(j->device, bytes);
        CHECK(there);
        device_put(j->device, there, p, bytes);
        free(p);
        p = there;
    }
    j->size[j->n_mem] = bytes;
    j->mem[j->n_mem++] = p;
    j->bytes += (double)bytes;
    return p;
}

void job_free(struct job *j)
{
    for (int i = 0; i < j->n_mem; i++)
        if (j->device)
            device_give(j->device, j->mem[i], j->size[i]);
        else
            free(j->mem[i]);
    j->n_mem = 0;
}

#define CALL(kernel, field)                                                                        \
    static void call_##kernel(struct job *j)                                                       \
    {                                                                                              \
        j->k->kernel(&j->kc, &j->u.field);                                                         \
    }
CALL(matmul_nt, mm)
CALL(matmul_nn, mm)
CALL(matmul_tn, mm)
CALL(attention, at.f)
CALL(attention_bwd, at)
CALL(norm_mod, norm.f)
CALL(norm_mod_bwd, norm)
CALL(rms_norm, rms.f)
CALL(rms_norm_bwd, rms)
CALL(rope, rope)
CALL(act, act_fwd)
CALL(act_bwd, act)
CALL(add, add)
CALL(add_gated, gated.f)
CALL(add_gated_bwd, gated)
CALL(conv2d, conv.f)
CALL(conv2d_dx, conv)
CALL(conv2d_dw, conv_dw)
CALL(permute, move)
CALL(sum_rows, sum)
CALL(adamw, adamw)

/* s: rows, in, out. */
void job_linear_nt(struct job *j)
{
    int64_t m = j->rows, k = j->s[1], n = j->s[2];

    j->flops = 2.0 * (double)m * (double)n * (double)k;
    j->u.mm = (struct k_matmul){.m = m,
                                .n = n,
                                .k = k,
                                .lda = k,
                                .ldb = k,
                                .ldc = n,
                                .a_type = j->type,
                                .b_type = j->type,
                                .c_type = j->type,
                                .a = array(j, j->type, m * k),
                                .b = array(j, j->type, n * k),
                                .c = array(j, j->type, m * n),
                                .bias = array(j, DT_F32, n)};
    j->call = call_matmul_nt;
}

void job_linear_int8(struct job *j)
{
    int64_t m = j->rows, k = j->s[1], n = j->s[2];

    j->form = (struct stored){stored_named("I8"), array(j, DT_F32, n), k, 1};
    j->flops = 2.0 * (double)m * (double)n * (double)k;
    j->u.mm = (struct k_matmul){.m = m,
                                .n = n,
                                .k = k,
                                .lda = k,
                                .ldb = k,
                                .ldc = n,
                                .a_type = DT_BF16,
                                .b_type = DT_BF16,
                                .c_type = DT_BF16,
                                .a = array(j, DT_BF16, m * k),
                                .b = array(j, DT_I8, n * k),
                                .c = array(j, DT_BF16, m * n),
                                .bias = array(j, DT_F32, n),
                                .b_form = &j->form};
    j->call = call_matmul_nt;
}

void job_linear_nn(struct job *j)
{
    int64_t m = j->rows, n = j->s[1], k = j->s[2];

    j->flops = 2.0 * (double)m * (double)n * (double)k;
    j->u.mm = (struct k_matmul){.m = m,
                                .n = n,
                                .k = k,
                                .lda = k,
                                .ldb = n,
                                .ldc = n,
                                .a_type = j->type,
                                .b_type = j->type,
                                .c_type = j->type,
                                .a = array(j, j->type, m * k),
                                .b = array(j, j->type, n * k),
                                .c = array(j, j->type, m * n)};
    j->call = call_matmul_nn;
}

void job_linear_tn(struct job *j)
{
    int64_t k = j->rows, n = j->s[1], m = j->s[2];

    j->flops = 2.0 * (double)m * (double)n * (double)k;
    j->u.mm = (struct k_matmul){.m = m,
                                .n = n,
                                .k = k,
                                .lda = m,
                                .ldb = n,
                                .ldc = n,
                                .a_type = j->type,
                                .b_type = j->type,
                                .c_type = DT_F32,
                                .a = array(j, j->type, m * k),
                                .b = array(j, j->type, n * k),
                                .c = array(j, DT_F32, m * n),
                                .add = 1};
    j->call = call_matmul_tn;
}

/* s: rows, rows of a sequence, keys of a sequence, heads, head_dim. */
void job_attention(struct job *j)
{
    static int64_t q_start[1025], k_start[1025];
    int64_t nq = j->s[1], nk = j->s[2], heads = j->s[3], dim = j->s[4], wide = heads * dim;
    int64_t n_seq = j->rows / nq, rows;

    if (n_seq < 1) { /* a part of one long sequence */
        n_seq = 1;
        nq = j->rows;
    }
    for (int64_t i = 0; i <= n_seq; i++) {
        q_start[i] = i * nq;
        k_start[i] = i * nk;
    }
    rows = n_seq * nq;
    j->flops = 4.0 * (double)(rows * nk * wide);
    j->u.at = (struct k_attention_bwd){.f = {.n_seq = (int)n_seq,
                                             .heads = (int)heads,
                                             .kv_heads = (int)heads,
                                             .head_dim = (int)dim,
                                             .q_start = q_start,
                                             .k_start = k_start,
                                             .ldq = wide,
                                             .ldk = wide,
                                             .ldv = wide,
                                             .scale = 1 / sqrt((double)dim),
                                             .type = j->type,
                                             .q = array(j, j->type, rows * wide),
                                             .k = array(j, j->type, n_seq * nk * wide),
                                             .v = array(j, j->type, n_seq * nk * wide),
                                             .o = array(j, j->type, rows * wide),
                                             .lse = array(j, DT_F32, rows * heads)}};
    j->call = call_attention;
}

void job_attention_int8(struct job *j)
{
    job_attention(j);
    j->u.at.f.int8 = 1;
    j->u.at.f.lse = NULL;
}

void job_attention_bwd(struct job *j)
{
    struct k_attention_bwd *b = &j->u.at;
    int64_t n_q, n_k;

    job_attention(j);
    j->k->attention(&j->kc, &b->f);
    n_q = b->f.q_start[b->f.n_seq] * b->f.ldq;
    n_k = b->f.k_start[b->f.n_seq] * b->f.ldk;
    b->d_o = b->f.q;
    b->dq = array(j, j->type, n_q);
    b->dk = array(j, j->type, n_k);
    b->dv = array(j, j->type, n_k);
    j->flops *= 2.5;
    j->call = call_attention_bwd;
}

/* s: images, height, width, channels. */
void job_conv2d(struct job *j)
{
    int64_t h = j->s[1], w = j->s[2], c = j->s[3];

    j->flops = 2.0 * (double)(j->rows * h * w) * 9.0 * (double)(c * c);
    j->u.conv = (struct k_conv2d_dx){.f = {.n = j->rows,
                                           .h = h,
                                           .w = w,
                                           .cin = c,
                                           .cout = c,
                                           .kh = 3,
                                           .kw = 3,
                                           .stride = 1,
                                           .pad_top = 1,
                                           .pad_left = 1,
                                           .pad_bottom = 1,
                                           .pad_right = 1,
                                           .type = j->type,
                                           .x = array(j, j->type, j->rows * h * w * c),
                                           .weight = array(j, j->type, 9 * c * c),
                                           .y = array(j, j->type, j->rows * h * w * c)}};
    j->call = call_conv2d;
}

void job_conv2d_dx(struct job *j)
{
    job_conv2d(j);
    j->u.conv.dy = j->u.conv.f.x;
    j->u.conv.dx = j->u.conv.f.y;
    j->call = call_conv2d_dx;
}

void job_conv2d_dw(struct job *j)
{
    struct k_conv2d f;

    job_conv2d(j);
    f = j->u.conv.f;
    j->u.conv_dw = (struct k_conv2d_dw){
        .f = f, .dy = f.y, .dw = array(j, DT_F32, 9 * f.cin * f.cout), .dbias = NULL};
    j->call = call_conv2d_dw;
}

/* s: rows, dim; the residual is f32, what follows has the storage type. */
void job_norm_mod(struct job *j)
{
    int64_t dim = j->s[1];

    j->u.norm = (struct k_norm_mod_bwd){.f = {.rows = j->rows,
                                              .dim = dim,
                                              .ld_mod = dim,
                                              .x_type = DT_F32,
                                              .y_type = j->type,
                                              .eps = 1e-6,
                                              .x = array(j, DT_F32, j->rows * dim),
                                              .scale = array(j, DT_F32, dim),
                                              .shift = array(j, DT_F32, dim),
                                              .y = array(j, j->type, j->rows * dim),
                                              .stats = array(j, DT_F32, 2 * j->rows)}};
    j->call = call_norm_mod;
}

void job_norm_mod_bwd(struct job *j)
{
    struct k_norm_mod_bwd *b = &j->u.norm;

    job_norm_mod(j);
    j->k->norm_mod(&j->kc, &b->f);
    b->dy = b->f.y;
    b->dx = array(j, DT_F32, j->rows * b->f.dim);
    b->dscale = array(j, DT_F32, b->f.dim);
    b->dshift = array(j, DT_F32, b->f.dim);
    j->call = call_norm_mod_bwd;
}

void job_rms_norm(struct job *j)
{
    int64_t dim = j->s[1];

    j->u.rms = (struct k_rms_norm_bwd){.f = {.rows = j->rows,
                                             .dim = dim,
                                             .x_type = j->type,
                                             .y_type = j->type,
                                             .eps = 1e-6,
                                             .x = array(j, j->type, j->rows * dim),
                                             .gain = array(j, DT_F32, dim),
                                             .y = array(j, j->type, j->rows * dim),
                                             .stats = array(j, DT_F32, j->rows)}};
    j->call = call_rms_norm;
}

void job_rms_norm_bwd(struct job *j)
{
    struct k_rms_norm_bwd *b = &j->u.rms;

    job_rms_norm(j);
    j->k->rms_norm(&j->kc, &b->f);
    b->dy = b->f.y;
    b->dx = array(j, j->type, j->rows * b->f.dim);
    b->dgain = array(j, DT_F32, b->f.dim);
    j->call = call_rms_norm_bwd;
}

/* s: rows, heads, head_dim. */
void job_rope(struct job *j)
{
    int64_t n = j->rows * j->s[1] * j->s[2];

    j->u.rope = (struct k_rope){j->rows,
                                (int)j->s[1],
                                (int)j->s[2],
                                0,
                                j->type,
                                array(j, j->type, n),
                                array(j, DT_F32, j->rows * j->s[2]),
                                NULL,
                                array(j, j->type, n)};
    j->call = call_rope;
}

void job_gelu(struct job *j)
{
    int64_t n = j->rows * j->s[1];

    j->u.act_fwd =
        (struct k_act_fwd){n, ACT_GELU_TANH, j->type, array(j, j->type, n), array(j, j->type, n)};
    j->call = call_act;
}

void job_gelu_bwd(struct job *j)
{
    int64_t n = j->rows * j->s[1];

    j->u.act = (struct k_act_bwd){n,
                                  ACT_GELU_TANH,
                                  j->type,
                                  array(j, j->type, n),
                                  array(j, j->type, n),
                                  array(j, j->type, n)};
    j->call = call_act_bwd;
}

void job_add(struct job *j)
{
    int64_t n = j->rows * j->s[1];

    j->u.add = (struct k_add){n,
                              j->type,
                              j->type,
                              j->type,
                              1,
                              1,
                              array(j, j->type, n),
                              array(j, j->type, n),
                              array(j, j->type, n)};
    j->call = call_add;
}

void job_add_gated(struct job *j)
{
    int64_t dim = j->s[1], n = j->rows * dim;

    j->u.gated = (struct k_add_gated_bwd){.f = {.rows = j->rows,
                                                .dim = dim,
                                                .ld_mod = dim,
                                                .x_type = DT_F32,
                                                .h_type = j->type,
                                                .x = array(j, DT_F32, n),
                                                .h = array(j, j->type, n),
                                                .gate = array(j, DT_F32, dim),
                                                .y = array(j, DT_F32, n)}};
    j->call = call_add_gated;
}

void job_add_gated_bwd(struct job *j)
{
    struct k_add_gated_bwd *b = &j->u.gated;

    job_add_gated(j);
    b->dy = b->f.x;
    b->dh = array(j, j->type, j->rows * b->f.dim);
    b->dgate = array(j, DT_F32, b->f.dim);
    j->bytes -= 4.0 * (double)(j->rows * b->f.dim); /* y is not touched */
    j->call = call_add_gated_bwd;
}

void job_transpose(struct job *j)
{
    int64_t n = j->s[1];

    j->u.move = (struct k_permute){.rank = 2,
                                   .dim = {n, j->rows},
                                   .src_stride = {1, n},
                                   .dst_stride = {j->rows, 1},
                                   .src_type = j->type,
                                   .dst_type = j->type,
                                   .src = array(j, j->type, j->rows * n),
                                   .dst = array(j, j->type, j->rows * n)};
    j->call = call_permute;
}

void job_sum_rows(struct job *j)
{
    j->u.sum = (struct k_sum_rows){j->rows, j->s[1], j->type, array(j, j->type, j->rows * j->s[1]),
                                   array(j, DT_F32, j->s[1])};
    j->call = call_sum_rows;
}

void job_adamw(struct job *j)
{
    int64_t n = j->rows;

    j->u.adamw = (struct k_adamw){.n = n,
                                  .lr = 1e-3,
                                  .beta1 = 0.9,
                                  .beta2 = 0.95,
                                  .eps = 1e-8,
                                  .decay = 0.1,
                                  .c1 = 1,
                                  .c2 = 1,
                                  .p = array(j, DT_F32, n),
                                  .m = array(j, DT_F32, n),
                                  .v = array(j, DT_F32, n),
                                  .g = array(j, DT_F32, n)};
    device_zero(j->device ? j->device : device_cpu(), j->u.adamw.v,
                (size_t)n * 4); /* second moments are never negative */
    j->bytes *= 7.0 / 4;
    j->call = call_adamw;
}
