/* cudnn_none.c - takes the place of what uses cuDNN where its headers are not. */
#include "kern/cuda/convdnn.h"
#include "kern/cuda/sdpa.h"

int sdpa_forward(struct kcx *kc, const struct k_attention *a, int first, int n)
{
    (void)kc, (void)a, (void)first, (void)n;
    return 0;
}

int sdpa_backward(struct kcx *kc, const struct k_attention_bwd *b, int first, int n)
{
    (void)kc, (void)b, (void)first, (void)n;
    return 0;
}

int convdnn(struct kcx *kc, const struct k_conv2d *f)
{
    (void)kc, (void)f;
    return 0;
}

int convdnn_dx(struct kcx *kc, const struct k_conv2d_dx *a)
{
    (void)kc, (void)a;
    return 0;
}

int convdnn_dw(struct kcx *kc, const struct k_conv2d_dw *a)
{
    (void)kc, (void)a;
    return 0;
}
