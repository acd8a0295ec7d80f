/* matmul.c - c = a b in the three orientations of a linear layer and its backward. */
#include "kern/c/product_int8.h"
#include "kern/c/product.h"

static void line_stored(const struct side *s, int64_t line, int64_t first, int64_t n,
                        enum dtype wide, void *out)
{
    float *to = out;

    ZT_ASSERT(wide == DT_F32);
    stored_read(s->arg, s->data, line, first, n, to);
    for (int64_t i = 0; s->type == DT_BF16 && i < n; i++)
        to[i] = bf16_to_f32(f32_to_bf16(to[i]));
}

static void matmul(struct kcx *kc, const struct k_matmul *a, int a_along_k, int b_along_k)
{
    int f64 = a->a_type == DT_F64;
    struct product p = {
        .m = a->m,
        .n = a->n,
        .k = a->k,
        .ldc = a->ldc,
        .a = {a_along_k, a->a_type, a->a, a->lda, line_plain, NULL},
        .b = {b_along_k, a->b_type, a->b, a->ldb, line_plain, NULL},
        .bias = a->bias,
        .c = a->c,
        .c_type = a->c_type,
        .wide = wide_of(a->a_type),
        .add = a->add,
    };

    if (a->b_form) {
        p.b.read = line_stored;
        p.b.arg = a->b_form;
    }
    if (f64 != (a->b_type == DT_F64) || f64 != (a->c_type == DT_F64))
        BUG("matmul: %s by %s into %s", dtype_name(a->a_type), dtype_name(a->b_type),
            dtype_name(a->c_type));
    for (int64_t i = 0; i < (a->batch > 1 ? a->batch : 1); i++) {
        p.a.data = (const char *)a->a + (size_t)(i * a->a_step) * dtype_bytes(a->a_type);
        p.b.data = (const char *)a->b + (size_t)(i * a->b_step) * dtype_bytes(a->b_type);
        p.c = (char *)a->c + (size_t)(i * a->c_step) * dtype_bytes(a->c_type);
        product(kc, &p);
    }
}

void matmul_nt_c(struct kcx *kc, struct k_matmul *a)
{
    if (a->b_form && a->b_form->int8)
        int8_product(kc, a);
    else
        matmul(kc, a, 1, 1);
}

void matmul_nn_c(struct kcx *kc, struct k_matmul *a)
{
    matmul(kc, a, 1, 0);
}

void matmul_tn_c(struct kcx *kc, struct k_matmul *a)
{
    matmul(kc, a, 0, 0);
}

static void *row_of(const struct k_matmul_gelu *a, void *p, int64_t row)
{
    return (char *)p + (size_t)(row * a->q.ldc) * dtype_bytes(a->q.c_type);
}

void matmul_gelu_c(struct kcx *kc, struct k_matmul_gelu *a)
{
    struct k_matmul q = a->q;

    if (a->pre)
        q.c = a->pre;
    matmul_nt_c(kc, &q);
    for (int64_t i = 0; i < q.m; i++)
        act_c(kc, &(struct k_act_fwd){q.n, ACT_GELU_TANH, q.c_type, row_of(a, q.c, i),
                                      row_of(a, a->q.c, i)});
}

void matmul_gelu_bwd_c(struct kcx *kc, struct k_matmul_gelu *a)
{
    struct k_matmul *q = &a->q;

    matmul_nn_c(kc, q);
    for (int64_t i = 0; i < q->m; i++)
        act_bwd_c(kc, &(struct k_act_bwd){q->n, ACT_GELU_TANH, q->c_type, row_of(a, a->pre, i),
                                          row_of(a, q->c, i), row_of(a, q->c, i)});
}
