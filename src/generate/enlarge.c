#include "generate/enlarge.h"

#include "media/sharpen.h"

/* In memory of the host, whatever device draws. */
static void narrow_edges(struct cx *cx, const struct enlarging *e, struct tensor *x)
{
    tensor_read_f32(cx, x, e->values);
    if (cx->err.code)
        return;
    sharpen(e->values, (int)x->dim[2], (int)x->dim[1], e->sharpen, e->room, cx->kcx.threads);
    tensor_write(cx, x, e->values, DT_F32);
}

struct tensor *enlarge_drawn(struct cx *cx, const struct enlarging *e, struct tensor *x)
{
    if (e->sharpen > 0 && !e->n)
        narrow_edges(cx, e, x);
    for (int k = 0; k < e->n; k++) {
        x = upsampler_enlarge(cx, &e->by[k], x);
        if (e->sharpen > 0 && !k)
            narrow_edges(cx, e, x);
    }
    return x;
}
