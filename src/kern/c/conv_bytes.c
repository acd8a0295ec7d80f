/* conv_bytes.c - a convolution over time in bytes, one result after the other. */
#include "kern/c/c.h"
#include "kern/quantise.h"

struct conv_bytes {
    const struct k_conv3d *a;
    int64_t ow;
};

static int8_t *bytes_of(const struct k_conv3d *a, const struct conv3d_head *frame)
{
    return (int8_t *)(frame->sum + a->f.h * a->f.w);
}

static void to_bytes(const struct k_conv3d *a)
{
    const struct k_conv2d *f = &a->f;
    struct conv3d_head *now = a->bytes.now;
    const char *x = a->frame[a->kt - 1];
    struct quant_step s = quant_step(quant_range(x, f->type, f->h * f->w * f->cin));
    int8_t *to = bytes_of(a, now);

    *now = (struct conv3d_head){.scale = s.scale, .zero = s.zero};
    for (int64_t p = 0; p < f->h * f->w; p++)
        now->sum[p] = quant_step_bytes(
            to + p * f->cin, x + (size_t)(p * f->cin) * dtype_bytes(f->type), f->type, f->cin, s);
}

/* What one output sees of a frame, in whole numbers. */
static int32_t tap_sum(const struct conv_bytes *c, const struct conv3d_head *frame,
                       const int8_t *weight, int64_t y, int64_t x)
{
    const struct k_conv2d *f = &c->a->f;
    int64_t up = c->a->up;
    int32_t sum = 0;

    for (int64_t place = 0; place < (int64_t)f->kh * f->kw; place++, weight += f->cin) {
        int64_t py = y + place / f->kw - f->pad_top, px = x + place % f->kw - f->pad_left;
        const int8_t *pixel;

        if (py < 0 || px < 0 || py >= f->h * up || px >= f->w * up)
            continue;
        pixel = bytes_of(c->a, frame) + (py / up * f->w + px / up) * f->cin;
        for (int64_t i = 0; i < f->cin; i++)
            sum += (pixel[i] - frame->zero) * weight[i];
    }
    return sum;
}

static void result(const struct conv_bytes *c, int64_t y, int64_t x, int64_t o)
{
    const struct k_conv3d *a = c->a;
    const struct k_conv2d *f = &a->f;
    int64_t tap = (int64_t)f->kh * f->kw * f->cin, at = (y * c->ow + x) * f->cout + o;
    const int8_t *weight = (const int8_t *)f->weight + o * a->kt * tap;
    float sum = 0, before = 0;
    int any = 0;

    for (int t = 0; t < a->kt; t++, weight += tap) {
        const struct conv3d_head *frame = t == a->kt - 1 ? a->bytes.now : a->frame[t];

        if (!frame)
            continue;
        float v = (float)tap_sum(c, frame, weight, y, x) * a->bytes.scale[o] * frame->scale;
        sum = any++ ? v + sum : v;
    }
    if (f->bias)
        sum += ((const float *)f->bias)[o];
    if (a->add) {
        dtype_convert(&before, DT_F32, (char *)f->y + (size_t)at * dtype_bytes(a->y_type),
                      a->y_type, 1);
        sum += before;
    }
    dtype_convert((char *)f->y + (size_t)at * dtype_bytes(a->y_type), a->y_type, &sum, DT_F32, 1);
}

static void rows(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct conv_bytes *c = arg;

    (void)kc, (void)worker;
    for (int64_t y = begin; y < end; y++)
        for (int64_t x = 0; x < c->ow; x++)
            for (int64_t o = 0; o < c->a->f.cout; o++)
                result(c, y, x, o);
}

void conv3d_bytes_c(struct kcx *kc, const struct k_conv3d *a)
{
    const struct k_conv2d *f = &a->f;
    int64_t oh = f->h * a->up + f->pad_top + f->pad_bottom - f->kh + 1;
    struct conv_bytes c = {.a = a, .ow = f->w * a->up + f->pad_left + f->pad_right - f->kw + 1};

    if (kcx_counts(kc))
        return;
    to_bytes(a);
    split(kc, oh, 1, rows, &c);
}
