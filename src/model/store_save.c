/* store_save.c - the weights of a network into one file. */
#include <stdlib.h>
#include <string.h>

#include "kern/int8.h"
#include "model/store_inner.h"

/* [out,k,k,in] in memory -> [out,in,k,k] of a file. */
static void conv_to_file(const struct weight *w, float *to, const float *from)
{
    int64_t cout = w->dim[0], taps = w->dim[1] * w->dim[2], cin = w->dim[3];

    for (int64_t o = 0; o < cout; o++)
        for (int64_t i = 0; i < cin; i++)
            for (int64_t k = 0; k < taps; k++)
                to[(o * cin + i) * taps + k] = from[(o * taps + k) * cin + i];
}

/* The values of w in file order; xmalloc'd. */
static float *to_save(const struct weight *w, const float *values)
{
    int64_t n = weight_count(w);
    float *x = xmalloc(sizeof *x * (size_t)n);

    if (!values)
        weight_to_file_order(w, x);
    else if (w->conv)
        conv_to_file(w, x, values);
    else
        memcpy(x, values, sizeof *x * (size_t)n);
    return x;
}

static enum dtype saved_type(const struct weight *w, enum dtype type)
{
    if (!w->matrix)
        return DT_F32;
    return type == DT_I8 && store_row(w) < INT8_MIN_ROW ? DT_BF16 : type;
}

/* x becomes the data of t, and for bytes the scales of t[1], whose name and data are xmalloc'd. */
static int put_values(struct st_out *t, float *x, int64_t rows, int64_t n, struct err *e)
{
    int rc = 0;

    t->data = x;
    if (t->type == DT_F32)
        return 0;
    t->data = xmalloc(dtype_bytes(t->type) * (size_t)(rows * n));
    if (t->type == DT_I8) {
        float *scale = xmalloc(sizeof *scale * (size_t)rows);

        t[1] = (struct st_out){.name = xasprintf("%s" INT8_SCALE, t->name),
                               .type = DT_F32,
                               .rank = 2,
                               .dim = {rows, 1},
                               .data = scale};
        if (int8_from_rows((int8_t *)t->data, scale, x, rows, n))
            rc = err_set(e, ERR_FORMAT, "weight %s holds a value that is not finite: int8 has none",
                         t->name);
    } else {
        dtype_convert((void *)t->data, t->type, x, DT_F32, (size_t)(rows * n));
    }
    free(x);
    return rc;
}

int store_save(const struct weight_set *s, const char *path, enum dtype type, float *const *values,
               struct err *e)
{
    struct st_out *t = xcalloc(2 * (size_t)s->n + 1, sizeof *t);
    struct st_pair meta = {"format", "pt"};
    int n = 0, rc = 0;

    for (int k = 0; k < s->n && !rc; k++) {
        const struct weight *w = s->all[k];

        t[n].name = w->name;
        t[n].type = saved_type(w, type);
        t[n].rank = w->rank;
        for (int i = 0; i < w->rank; i++)
            t[n].dim[i] = store_dim(w, i);
        rc = put_values(&t[n], to_save(w, values ? values[k] : NULL), w->dim[0], store_row(w), e);
        n += t[n].type == DT_I8 ? 2 : 1;
    }
    rc = rc ? err_prefix(e, "%s", path) : st_write(path, t, n, &meta, 1, e);
    for (int i = 0; i < n; i++) {
        free((void *)t[i].data);
        if (i && t[i - 1].type == DT_I8)
            free((void *)t[i].name);
    }
    free(t);
    return rc;
}
