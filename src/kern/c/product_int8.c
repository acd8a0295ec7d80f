/* product_int8.c - c = a b^T in bytes: see b_form->int8 of struct k_matmul. */
#include "kern/c/c.h"
#include "kern/c/product_int8.h"
#include "kern/quantise.h"

static const void *element(const void *p, enum dtype type, int64_t i)
{
    return (const char *)p + (size_t)i * dtype_bytes(type);
}

static int32_t dot(const int8_t *a, const int8_t *b, int64_t k)
{
    int32_t sum = 0;

    for (int64_t i = 0; i < k; i++)
        sum += a[i] * b[i];
    return sum;
}

static void int8_rows(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct k_matmul *q = arg;
    int8_t *bytes = kcx_scratch(kc, worker, (size_t)q->k);
    const float *bias = q->bias;

    for (int64_t i = begin; i < end; i++) {
        struct quant_row row =
            quant_whole(bytes, element(q->a, q->a_type, i * q->lda), q->a_type, q->k);

        for (int64_t j = 0; j < q->n; j++) {
            float x = (float)dot(bytes, (const int8_t *)q->b + j * q->ldb, q->k);
            double whole;

            if (q->b_form->scale)
                x *= q->b_form->scale[j];
            x *= row.scale;
            if (bias)
                x += bias[j];
            if (q->add)
                x += (float)load1(q->c, q->c_type, i * q->ldc + j);
            whole = x;
            store(q->c, q->c_type, i * q->ldc + j, 1, &whole);
        }
    }
}

void int8_product(struct kcx *kc, const struct k_matmul *q)
{
    ZT_ASSERT(q->a_type != DT_F64 && q->c_type != DT_F64 && q->batch <= 1 && q->k <= KERN_INT8_K);
    if (kcx_reserve(kc, q->m, (size_t)q->k, 0))
        split(kc, q->m, 1, int8_rows, (void *)q);
}
