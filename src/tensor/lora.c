/* lora.c - what is added beside a matrix, as it lies in memory. */
#include <stdlib.h>
#include <string.h>

#include "tensor/inner.h"

void lora_forget(struct weight *w)
{
    while (w->lora) {
        struct lora *l = w->lora;

        w->lora = l->next;
        if (l->a)
            device_give(w->device, l->a, l->a_bytes);
        if (l->b)
            device_give(w->device, l->b, l->b_bytes);
        if (l->gain)
            device_give(w->device, l->gain, l->gain_bytes);
        free(l);
    }
}

/* n values on the device as `type`; NULL: no room, or x is NULL. */
static void *copy_of(struct device *device, enum dtype type, const float *x, int64_t n,
                     size_t *bytes)
{
    void *narrow, *p;

    *bytes = (size_t)n * dtype_bytes(type);
    if (!x)
        return NULL;
    narrow = xmalloc(*bytes + 1);
    p = device_take(device, *bytes);
    dtype_convert(narrow, type, x, DT_F32, (size_t)n);
    if (p)
        device_put(device, p, narrow, *bytes);
    free(narrow);
    return p;
}

int weight_add_lora(struct weight *w, const struct lora_values *v, struct err *e)
{
    int64_t out = w->dim[0], in = weight_count(w) / out;
    int64_t a = v->rank ? v->rank * in : v->kron[0] * v->kron[1],
            b = v->rank      ? v->rank * out
                : v->kron[0] ? out / v->kron[0] * (in / v->kron[1])
                             : out * in;
    struct lora *l = xcalloc(1, sizeof *l);

    ZT_ASSERT(w->owner != OWNER_NONE && !w->grad && !w->conv && !(v->kron[0] && v->gain));
    *l = (struct lora){.next = w->lora,
                       .rank = v->rank,
                       .kron = {v->kron[0], v->kron[1]},
                       .from = v->from,
                       .to = v->to,
                       .type = w->type};
    w->lora = l;
    l->a = copy_of(w->device, l->type, v->a, a, &l->a_bytes);
    l->b = copy_of(w->device, l->type, v->b, b, &l->b_bytes);
    l->gain = copy_of(w->device, DT_F32, v->gain, out, &l->gain_bytes);
    if (!l->a != !v->a || !l->b || !l->gain != !v->gain)
        return device_no_room(w->device, e, "LoRA of %s", w->name);
    return 0;
}

int lora_acts(const struct lora *l, double at)
{
    return at >= l->from && at < l->to;
}

uint64_t weight_set_acting(const struct weight_set *s, double at)
{
    uint64_t h = 0;

    for (int i = 0; i < s->n; i++)
        for (const struct lora *l = s->all[i]->lora; l; l = l->next)
            h = h * 31 + 1 + (uint64_t)lora_acts(l, at);
    return h;
}
