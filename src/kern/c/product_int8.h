/* product_int8.h - the product of bytes behind matmul_nt and matmul_gelu, in nothing but plain C.
 */
#ifndef KERN_C_PRODUCT_INT8_H
#define KERN_C_PRODUCT_INT8_H

#include "kern/kern.h"

/* q->b_form->int8 is set. */
void int8_product(struct kcx *kc, const struct k_matmul *q);

#endif
