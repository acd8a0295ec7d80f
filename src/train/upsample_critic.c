#include "train/upsample_critic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/ops.h"

/* The second layer halves the size: a place has then seen 26 px of a picture of twice the size. */
static const int stride_of[CRITIC_LAYERS] = {1, 2, 1, 1};

/* Pictures are seen as what they add to repeated pixels, so much stronger: beside their colours, a
 * hundred times the energy, a critic that learned beside the upsampler did not find it. */
#define CONTRAST 24

void critic_init(struct critic *c, int scale, int width)
{
    int64_t in = (int64_t)3 * scale * scale + 3;
    *c = (struct critic){.scale = scale};
    weight_set_init(&c->weights);
    for (int i = 0; i < CRITIC_LAYERS; i++) {
        char name[32];
        int last = i == CRITIC_LAYERS - 1;
        int64_t out = last ? 1 : i ? 2 * (int64_t)width : width;
        snprintf(name, sizeof name, "critic.%d", i);
        /* One that has no opinion yet pulls nowhere. */
        c->conv[i] = conv_declare(&c->weights, name, in, out, 3, 1, last ? INIT_ZERO : INIT_LINEAR,
                                  last ? 0 : 1.4);
        in = out;
    }
}

void critic_release(struct critic *c)
{
    if (c->conv[0].w)
        weight_set_release(&c->weights);
    memset(c, 0, sizeof *c);
}

struct tensor *critic_judge(struct cx *cx, const struct critic *c, struct tensor *low,
                            struct tensor *picture)
{
    struct tensor *plain = keep(cx, low);
    for (int k = 1; k < c->scale; k *= 2)
        plain = upsample2(cx, plain);
    struct tensor *detail = add_scaled(cx, picture, CONTRAST, plain, -CONTRAST);
    struct tensor *x = concat_last(cx, pixel_unshuffle(cx, detail, c->scale), low);
    x = cast(cx, x, c->conv[0].w->type);
    for (int i = 0; i < CRITIC_LAYERS; i++) {
        x = conv2d(cx, x, &c->conv[i], stride_of[i]);
        if (i < CRITIC_LAYERS - 1)
            x = act(cx, x, ACT_SILU);
    }
    return cast(cx, x, cx->wide);
}

/* weight * mean of (x - value)^2. */
static struct tensor *far_from(struct cx *cx, struct tensor *x, float value, double weight)
{
    size_t n = (size_t)tensor_count(x);
    float *values = xmalloc(sizeof *values * n);
    for (size_t i = 0; i < n; i++)
        values[i] = value;
    struct tensor *target = tensor_from(cx, cx->wide, x->rank, x->dim, values, DT_F32);
    free(values);
    return loss_l2(cx, x, target, NULL, weight / (double)tensor_rows(x));
}

void critic_freeze(struct critic *c, int frozen)
{
    for (int i = 0; i < c->weights.n; i++)
        c->weights.all[i]->frozen = frozen;
}

struct tensor *critic_wish(struct cx *cx, const struct critic *c, struct tensor *low,
                           struct tensor *made, double weight)
{
    return far_from(cx, critic_judge(cx, c, low, made), 1, weight);
}

struct tensor *critic_loss(struct cx *cx, const struct critic *c, struct tensor *low,
                           struct tensor *made, struct tensor *truth)
{
    struct tensor *of_truth = far_from(cx, critic_judge(cx, c, low, truth), 1, 0.5);
    return add(cx, of_truth, far_from(cx, critic_judge(cx, c, low, made), 0, 0.5));
}
