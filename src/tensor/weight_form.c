/* weight_form.c - weights that take another form while they are loaded. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/int8.h"
#include "tensor/inner.h"

int64_t weight_row(const struct weight *w)
{
    return weight_count(w) / w->dim[0];
}

size_t weight_data_bytes(const struct weight *w)
{
    return w->form.form ? (size_t)w->dim[0] * stored_row_bytes(&w->form)
                        : (size_t)weight_count(w) * dtype_bytes(w->type);
}

const struct stored_form *weight_wish(const struct weight_set *s, const struct weight *w)
{
    const struct stored_form *form = s->as.form;
    int possible = w->conv ? w->in_bytes && s->as.int8 : w->group && w->matrix && !w->wide;
    if (!form || !possible || w->type == DT_F64 || !w->device->host ||
        weight_row(w) % form->block || weight_row(w) < INT8_MIN_ROW)
        return NULL;
    return form;
}

void weight_hold(struct weight *w, const struct stored_form *form)
{
    ZT_ASSERT(w->device->host && (!w->conv || w->in_bytes) && w->owner == OWNER_NONE);
    w->form = (struct stored){.form = form, .row_values = weight_row(w)};
}

int weight_has_scales(const struct weight *w)
{
    return w->form.form && !strcmp(w->form.form->name, "I8");
}

uint64_t weight_own_bytes(const struct weight *w)
{
    uint64_t scales =
        w->form.scale || weight_has_scales(w) ? (uint64_t)w->dim[0] * sizeof(float) : 0;
    return scales + (w->owner == OWNER_FILE ? 0 : weight_data_bytes(w));
}

/* x [n] into row `row`. */
static void hold_row(struct weight *w, int64_t row, float *x, int64_t n)
{
    char *to = (char *)w->data + (size_t)row * stored_row_bytes(&w->form);
    float *scale = (float *)w->form.scale;
    int64_t finite = 0;
    if (scale) {
        if (int8_from_rows((int8_t *)to, scale + row, x, 1, n))
            scale[row] = NAN;
        return;
    }
    while (finite < n && isfinite(x[finite]))
        finite++;
    if (finite < n)
        memset(x, 0, (size_t)n * sizeof *x);
    w->form.form->pack(to, x, n);
}

void weight_hold_rows(struct weight *w, int64_t row, int64_t rows, const void *values,
                      enum dtype type)
{
    int64_t n = weight_row(w);
    float *x = xmalloc((size_t)n * sizeof *x);
    for (int64_t i = 0; i < rows; i++) {
        dtype_convert(x, DT_F32, (const char *)values + (size_t)(i * n) * dtype_bytes(type), type,
                      (size_t)n);
        hold_row(w, row + i, x, n);
    }
    free(x);
}
